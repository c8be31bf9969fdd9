import Testing
import Vocabulary

@testable import Checkpointing

@Suite struct PlanTests {
  let scratch: Scratch
  let checkpoint: Checkpoint

  init() throws {
    scratch = try Scratch()
    checkpoint = try scratch.open()
  }

  @Test(
    "a plan of so many bodies is read back as written, whole and in pages",
    arguments: [0, 1, PlanWriter.batchBodies - 1, PlanWriter.batchBodies, PlanWriter.batchBodies + 1])
  func bodies(count: Int) throws {
    let id = try checkpoint.sending(count)
    let expected = (1...max(count, 1)).prefix(count).map(sampleBody)
    #expect(try checkpoint.bodyCount(id) == count)
    #expect(try checkpoint.bodies(id, limit: count + 1) == expected)
    #expect(try checkpoint.bodies(id, from: 2, limit: 3) == Array(expected.dropFirst().prefix(3)))
    #expect(try checkpoint.pendingBodies(id, limit: count + 1) == expected)
    #expect(try checkpoint.body(id, count) == expected.last)
    #expect(try checkpoint.body(id, count + 1) == nil)
    let run = try checkpoint.run(id)
    #expect(run.summary == #"{"bodies":\#(count)}"# && run.phase == .sending && run.updatedAt == 3)
  }

  @Test("visitor ids of any bytes and any length are kept", arguments: [0, 1, 1 << 20, 4 << 20])
  func visitors(length: Int) throws {
    let id = try checkpoint.begin().id
    try checkpoint.stage(id)
    var body = sampleBody(1)
    body.firstVisitor = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    let writer = try checkpoint.beginPlan(id)
    try writer.append(body)
    try writer.commit(ledgerMark: 0, summary: "", phase: .sending, now: 3)
    #expect(try checkpoint.body(id, 1) == body)
  }

  @Test("a plan that is not committed is not there, for us or a reader, and the next one replaces it")
  func abandoned() throws {
    let id = try checkpoint.begin().id
    try checkpoint.stage(id)
    let writer = try checkpoint.beginPlan(id)
    for number in 1...(2 * PlanWriter.batchBodies) { try writer.append(sampleBody(number)) }
    #expect(writer.bodyCount == 2 * PlanWriter.batchBodies)
    for view in [checkpoint, try Checkpoint.reader(at: scratch.path)] {
      #expect(try view.bodyCount(id) == 0)
      #expect(try view.pendingBodies(id, limit: 1).isEmpty)
      #expect(try view.run(id).phase == .planning)
    }
    try checkpoint.plan(id, bodies: 3)
    #expect(try checkpoint.bodyCount(id) == 3)
    let rows = try checkpoint.read("test") { db in
      try db.firstRow("SELECT count(*) FROM body") { try checkpoint.columns($0, "body").count(0) }
    }
    #expect(rows == 3)
  }

  @Test("the checkpoint answers while a plan is being written")
  func readable() throws {
    let old = try checkpoint.sending(1)
    try checkpoint.send(old, 1)
    try checkpoint.complete(old, summary: "", now: 4)
    let id = try checkpoint.begin().id
    try checkpoint.stage(id)
    let writer = try checkpoint.beginPlan(id)
    try writer.append(sampleBody(1))
    let mark = try checkpoint.ledgerMark(account: "acme", endpoint: "us")
    #expect(try checkpoint.allEntries().count == 2)
    try writer.commit(ledgerMark: mark, summary: "", phase: .sending, now: 5)
    #expect(try checkpoint.run(id).ledgerMark == mark)
  }

  @Test("a plan replaces the earlier one entirely: digests go, receipts count on but not for the new numbers")
  func replaced() throws {
    let id = try checkpoint.sending(5)
    try checkpoint.send(id, 1)
    try checkpoint.commitDigest(id, 2, sampleDigest(2))
    try checkpoint.restart(id, to: .planning, now: 8)
    try checkpoint.plan(id, bodies: 2)
    #expect(try checkpoint.bodyCount(id) == 2)
    #expect(try checkpoint.pendingBodies(id, limit: 9).map(\.number) == [1, 2])
    #expect(try checkpoint.body(id, 2)?.digest == nil)
    #expect(try checkpoint.isAccepted(id, 1) == false)
    try checkpoint.send(id, 1)
    try checkpoint.send(id, 2)
    #expect(try checkpoint.receiptTotals(id).bodies == 3)
    try checkpoint.complete(id, summary: "", now: 9)
  }

  @Test("a plan that does not count on the run's own receipts is refused: it would send their events again")
  func ownReceipts() throws {
    let id = try checkpoint.sending(2)
    try checkpoint.send(id, 1)
    try checkpoint.restart(id, to: .planning, now: 8)
    #expect(failure { try checkpoint.plan(id, bodies: 1, mark: 0) }?.exitStatus == .bug)
    #expect(try checkpoint.run(id).phase == .planning)
    try checkpoint.plan(id, bodies: 1, mark: 1)
  }

  @Test("a plan is begun in phase planning only")
  func phases() throws {
    let id = try checkpoint.begin().id
    #expect(failure { _ = try checkpoint.beginPlan(id) }?.exitStatus == .bug)
    try checkpoint.stage(id)
    try checkpoint.plan(id, bodies: 1)
    #expect(failure { _ = try checkpoint.beginPlan(id) }?.exitStatus == .bug)
  }

  @Test("a refused plan can be looked at and not sent")
  func refused() throws {
    let id = try checkpoint.begin().id
    try checkpoint.stage(id)
    try checkpoint.plan(id, bodies: 2, phase: .refused)
    #expect(try checkpoint.bodyCount(id) == 2)
    #expect(failure { try checkpoint.commitDigest(id, 1, sampleDigest(1)) }?.exitStatus == .bug)
  }

  @Test("pending bodies are those without a receipt, in order, behind a number")
  func pending() throws {
    let id = try checkpoint.sending(6)
    for number in [2, 5] { try checkpoint.send(id, number) }
    #expect(try checkpoint.pendingBodies(id, limit: 10).map(\.number) == [1, 3, 4, 6])
    #expect(try checkpoint.pendingBodies(id, after: 3, limit: 1).map(\.number) == [4])
    #expect(try checkpoint.pendingBodies(id, after: 6, limit: 1).isEmpty)
  }

  @Test("a committed digest holds: the same again is fine, another is refused, also by the next process")
  func digest() throws {
    let id = try checkpoint.sending(2)
    try checkpoint.commitDigest(id, 1, sampleDigest(1))
    try checkpoint.commitDigest(id, 1, sampleDigest(1))
    let next = try scratch.copyAsKilled()
    let other = failure { try next.open().commitDigest(id, 1, sampleDigest(2)) }
    #expect(other == .digestMismatch(path: next.path, run: id, body: 1))
    #expect(other?.exitStatus == .diskTrouble)
    #expect(try checkpoint.body(id, 1)?.digest == sampleDigest(1))
    #expect(try checkpoint.body(id, 2)?.digest == nil)
    #expect(failure { try checkpoint.commitDigest(id, 3, sampleDigest(3)) }?.exitStatus == .bug)
  }

  @Test("a digest that is committed already costs no write")
  func digestAgain() throws {
    let id = try checkpoint.sending(1)
    try checkpoint.commitDigest(id, 1, sampleDigest(1))
    try checkpoint.write("test") { _ in
      try scratch.open().commitDigest(id, 1, sampleDigest(1))
    }
  }

  @Test("100,000 bodies are planned and paged through", .timeLimit(.minutes(5)))
  func many() throws {
    let count = 100_000
    let id = try checkpoint.sending(count)
    #expect(try checkpoint.bodyCount(id) == count)
    var next = 1
    var bytes = 0
    while case let page = try checkpoint.bodies(id, from: next, limit: 10_000), !page.isEmpty {
      bytes += page.reduce(0) { $0 + $1.byteCount }
      next += page.count
    }
    #expect(next == count + 1)
    #expect(bytes == count * 1_000 + count * (count + 1) / 2)
    #expect(try checkpoint.pendingBodies(id, after: count - 1, limit: 9).map(\.number) == [count])
  }

  @Test("a body with another number than the next is a bug of ours and stops the process")
  func numbering() async {
    await #expect(processExitsWith: .failure) { [path = scratch.path as String] in
      let checkpoint = try Checkpoint(at: path)
      let id = try checkpoint.begin().id
      try checkpoint.stage(id)
      try checkpoint.beginPlan(id).append(sampleBody(2))
    }
  }
}

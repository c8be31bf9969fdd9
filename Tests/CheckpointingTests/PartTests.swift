import GRDB
import Testing
import Vocabulary

@testable import Checkpointing

@Suite("Bodies in parts") struct PartTests {
  let scratch: Scratch
  let checkpoint: Checkpoint
  let run: RunID

  init() throws {
    scratch = try Scratch()
    checkpoint = try scratch.open()
    run = try checkpoint.sending(3)
    for number in 1...3 { try checkpoint.commitDigest(run, number, sampleDigest(number)) }
  }

  private func half(_ path: String, events: Int = 5) -> PartRow {
    PartRow(part: path, byteCount: 100, decisionCount: 1, conversionCount: events - 1, digest: sampleDigest(path.count + 50))
  }

  private func keep(_ number: Int, _ part: String) throws {
    try checkpoint.keepReceipt(
      run, ReceiptRow(number: number, part: part, status: 204, attemptCount: 1, acceptedAt: 9), ledger: sampleEntries(number, count: 2))
  }

  private var pending: [Int] { get throws { try checkpoint.pendingBodies(run, limit: 9).map(\.number) } }

  @Test("a body is pending until each part is accepted, cut or refused, and the first half comes first")
  func wholeWay() throws {
    try keep(1, "")
    #expect(try checkpoint.pendingPart(run, 2) == nil)
    try checkpoint.cut(run, 2, part: "", into: [half("0"), half("1")])
    #expect(try pending == [2, 3])
    #expect(try checkpoint.pendingBodies(run, limit: 9).map(\.isCut) == [true, false])
    #expect(try checkpoint.pendingPart(run, 2) == half("0"))
    try checkpoint.cut(run, 2, part: "0", into: [half("00", events: 3), half("01", events: 2)])
    #expect(try checkpoint.pendingPart(run, 2) == half("00", events: 3))
    try keep(2, "00")
    try checkpoint.refuse(run, 2, part: "01", line: Array("one\n".utf8))
    #expect(try checkpoint.pendingPart(run, 2) == half("1"))
    #expect(try pending == [2, 3])
    try keep(2, "1")
    #expect(try pending == [3])
    #expect(try checkpoint.pendingPart(run, 2) == nil)
    try checkpoint.refuse(run, 3, part: "", line: Array("two\n".utf8))
    #expect(try pending.isEmpty)
    #expect(try checkpoint.refusedEventCount(run) == 2)
    var lines: [String] = []
    try checkpoint.eachRefusedEvent(run) { lines.append(String(decoding: $0, as: UTF8.self)) }
    #expect(lines == ["one\n", "two\n"])
    // Body 1 has 10 events, the accepted parts of body 2 have 3 and 5.
    #expect(try checkpoint.receiptTotals(run).events == 18)
    try checkpoint.complete(run, summary: "", now: 4)
  }

  @Test("what is noted twice changes nothing, so a kill between the answer and the next request costs a request")
  func again() throws {
    let halves = [half("0"), half("1")]
    for _ in 1...2 { try checkpoint.cut(run, 2, part: "", into: halves) }
    for _ in 1...2 { try keep(2, "0") }
    for _ in 1...2 { try checkpoint.refuse(run, 2, part: "1", line: [1]) }
    try checkpoint.cut(run, 2, part: "", into: halves)
    #expect(try pending == [1, 3])
    #expect(try checkpoint.refusedEventCount(run) == 1)
    #expect(try checkpoint.receiptTotals(run).events == 5)
    #expect(try checkpoint.withReopened(scratch) { try $0.pendingBodies(run, limit: 9).map(\.number) } == [1, 3])
  }

  @Test("no part is accepted, cut or refused whose digest was never committed")
  func unknownParts() throws {
    let missing = CheckpointFailure.digestMissing(path: scratch.path, run: run, body: 2)
    try checkpoint.cut(run, 2, part: "", into: [half("0"), half("1")])
    #expect(throws: missing) { try keep(2, "00") }
    #expect(throws: missing) { try checkpoint.cut(run, 2, part: "00", into: [half("000"), half("001")]) }
    #expect(throws: missing) { try checkpoint.refuse(run, 2, part: "10", line: [1]) }
  }

  @Test("a run that restarts has no parts of its old plan, and keeps what was accepted")
  func restart() throws {
    try checkpoint.cut(run, 2, part: "", into: [half("0"), half("1")])
    try keep(2, "0")
    try checkpoint.restart(run, to: .planning, now: 5)
    try checkpoint.plan(run, bodies: 2)
    #expect(try pending == [1, 2])
    #expect(try checkpoint.receiptTotals(run).events == 5)
    #expect(try checkpoint.refusedEventCount(run) == 0)
  }

  @Test("a checkpoint of the version before parts is taken over with its receipts")
  func migration() throws {
    let old = try Scratch()
    let queue = try DatabaseQueue(path: old.path)
    try Schema.migrator.migrate(queue, upTo: "1")
    try queue.inDatabase { db in
      try db.execute(
        sql: """
          INSERT INTO destination VALUES (1, 'acme', 'us', 1);
          INSERT INTO run (id, destination, phase, plan, encoder, created_at, updated_at, key, settings, specification)
            VALUES (1, 1, 'sending', 1, 1, 1, 1, 'k', '', '');
          INSERT INTO body VALUES (1, 1, 1, 9, 2, 1, 1, 1, 0, 0, NULL, zeroblob(16), x'61', x'62');
          INSERT INTO body VALUES (1, 1, 2, 9, 2, 1, 1, 1, 0, 0, NULL, NULL, x'61', x'62');
          INSERT INTO receipt VALUES (1, 1, 1, 204, 3, 7, 9, 2, 1, 1);
          """)
    }
    try queue.close()
    let checkpoint = try old.open()
    let run = RunID(rawValue: 1)
    #expect(try checkpoint.receipt(run, 1) == ReceiptRow(number: 1, status: 204, attemptCount: 3, acceptedAt: 7))
    #expect(try checkpoint.pendingBodies(run, limit: 9).map(\.number) == [2])
  }
}

extension Checkpoint {
  fileprivate func withReopened<Value>(_ scratch: Scratch, _ body: (Checkpoint) throws -> Value) throws -> Value {
    try scratch.copyAsKilled().withCheckpoint(body)
  }
}

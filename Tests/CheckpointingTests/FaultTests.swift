import Foundation
import GRDB
import Testing
import Vocabulary

@testable import Checkpointing

/// A whole import, as a process does it that may be the second or third to try: it looks where the run stands and goes on from
/// there.
private func importAll(_ checkpoint: Checkpoint) throws {
  if try checkpoint.latestRun()?.phase == .complete { return }
  let id = try (checkpoint.unfinishedRun(account: "acme", endpoint: "us") ?? checkpoint.begin()).id
  if try checkpoint.run(id).phase == .staging { try checkpoint.stage(id) }
  if try checkpoint.run(id).phase == .planning { try checkpoint.plan(id, bodies: bodyCount) }
  for body in try checkpoint.pendingBodies(id, limit: bodyCount) { try checkpoint.send(id, body.number, entries: 600) }
  try checkpoint.complete(id, summary: #"{"done":true}"#, now: 4)
}

private let bodyCount = 4

/// All that an import leaves, to be compared.
private struct Outcome: Equatable {
  var runs: [RunRow]
  var inputs: [InputRow] = []
  var stagingFiles: [StagingFileRow] = []
  var bodies: [BodyRow] = []
  var receipts: [ReceiptRow?] = []
  var totals = ReceiptTotals()
  var slices: [LedgerSlice] = []
  var entries: [[UInt8]] = []

  init(_ checkpoint: Checkpoint) throws {
    runs = try checkpoint.allRuns()
    guard let id = runs.last?.id else { return }
    inputs = try checkpoint.inputs(id)
    stagingFiles = try checkpoint.stagingFiles(id)
    bodies = try checkpoint.bodies(id, limit: 100)
    receipts = try (1...bodyCount).map { try checkpoint.receipt(id, $0) }
    totals = try checkpoint.receiptTotals(id)
    slices = try checkpoint.ledgerSlices(account: "acme", endpoint: "us", upTo: .max, limit: 100)
    entries = try slices.map { try checkpoint.ledgerParts($0, from: 0, count: .max) }
    try checkpoint.verifyIntegrity()
    #expect(slices.count == totals.bodies, "a receipt and its entries are there together or not at all")
  }

  static func untouched() throws -> Outcome {
    let scratch = try Scratch()
    let checkpoint = try scratch.open()
    try importAll(checkpoint)
    let outcome = try Outcome(checkpoint)
    #expect(outcome.totals.bodies == bodyCount && outcome.runs.first?.phase == .complete)
    return outcome
  }
}

@Suite struct FaultTests {
  @Test("the database may fill up at any page: each stop says so, keeps what was committed, and resumes to the same result")
  func fullAtAnyPage() throws {
    let untouched = try Outcome.untouched()
    var stops = Set<String>()
    for pages in 1...1_000 {
      let scratch = try Scratch()
      do {
        let checkpoint = try Checkpoint(at: scratch.path, patience: .zero) { db in
          try db.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        try importAll(checkpoint)
        #expect(try Outcome(checkpoint) == untouched)
        #expect(pages > 30, "the sweep began below the size of the tables")
        #expect(stops.isSuperset(of: ["open the checkpoint", "keep a receipt"]), "\(stops)")
        return
      } catch let failure as CheckpointFailure {
        guard case .diskFull(scratch.path, let doing) = failure else {
          Issue.record("at \(pages) pages: \(failure)")
          return
        }
        #expect(failure.exitStatus == .diskTrouble)
        stops.insert(doing)
      }
      // The disk has room again. First as the next process, then also as one that finds what a kill left.
      let killed = try scratch.copyAsKilled()
      for again in [scratch, killed] {
        let checkpoint = try again.open()
        try importAll(checkpoint)
        #expect(try Outcome(checkpoint) == untouched, "at \(pages) pages")
      }
    }
    Issue.record("the sweep never ended")
  }

  @Test("a process goes on after its disk was full, once there is room")
  func fullAndOn() throws {
    let scratch = try Scratch()
    let checkpoint = try scratch.open()
    let id = try checkpoint.sending(2)
    try checkpoint.write("test") { db in try db.execute(sql: "PRAGMA max_page_count = 1") }
    try checkpoint.commitDigest(id, 1, sampleDigest(1))
    let receipt = { try checkpoint.keepReceipt(id, sampleReceipt(1), ledger: sampleEntries(1, count: 5_000)) }
    #expect(failure { _ = try receipt() } == .diskFull(path: scratch.path, doing: "keep a receipt"))
    #expect(try !checkpoint.isAccepted(id, 1))
    try checkpoint.write("test") { db in try db.execute(sql: "PRAGMA max_page_count = 100000") }
    #expect(try receipt())
    try checkpoint.verifyIntegrity()
  }

  @Test("power may fail at any byte of the log: what opens is a committed state that resumes to the same result")
  func cutAnywhere() throws {
    let untouched = try Outcome.untouched()
    let scratch = try Scratch()
    let checkpoint = try scratch.open()
    try importAll(checkpoint)
    let whole = try #require(FileManager.default.contents(atPath: scratch.log)).count
    var phases = Set<RunPhase>()
    var accepted = -1
    // Frames have 4,096 + 24 bytes; the step is prime, so that cuts fall into heads and pages alike.
    for bytes in stride(from: 0, through: whole, by: 7_919) {
      let copy = try scratch.copyAsKilled(logBytes: bytes)
      let next = try copy.open()
      let found = try Outcome(next)
      phases.formUnion(found.runs.map(\.phase))
      #expect(found.totals.bodies >= accepted, "a longer log never holds less")
      accepted = found.totals.bodies
      try importAll(next)
      #expect(try Outcome(next) == untouched, "cut at byte \(bytes)")
    }
    #expect(phases.isSuperset(of: [.sending]))
    #expect(accepted > 0)
  }

  @Test("a process killed after any operation has lost nothing that returned")
  func killedAfterAny() throws {
    let scratch = try Scratch()
    let checkpoint = try scratch.open()
    let id = try checkpoint.begin().id
    try #expect(scratch.copyAsKilled().withCheckpoint { try $0.run(id).phase } == .staging)
    try checkpoint.stage(id)
    try #expect(scratch.copyAsKilled().withCheckpoint { try $0.inputs(id) } == [sampleInput])
    try checkpoint.plan(id, bodies: 3)
    try #expect(scratch.copyAsKilled().withCheckpoint { try $0.bodyCount(id) } == 3)
    for number in 1...3 {
      try checkpoint.commitDigest(id, number, sampleDigest(number))
      try #expect(scratch.copyAsKilled().withCheckpoint { try $0.body(id, number)?.digest } == sampleDigest(number))
      try checkpoint.keepReceipt(id, sampleReceipt(number), ledger: sampleEntries(number, count: 700))
      try #expect(scratch.copyAsKilled().withCheckpoint { try $0.receiptTotals(id).bodies } == number)
    }
    try checkpoint.complete(id, summary: "{}", now: 5)
    try #expect(scratch.copyAsKilled().withCheckpoint { try $0.run(id).phase } == .complete)
    try checkpoint.forget(id, now: 6)
    try #expect(scratch.copyAsKilled().withCheckpoint { try $0.receiptTotals(id).bodies } == 0)
  }

  @Test("a process killed inside a transaction leaves nothing of it, even what had spilled to the disk")
  func killedInside() throws {
    let scratch = try Scratch()
    let checkpoint = try scratch.open()
    let id = try checkpoint.sending(1)
    try checkpoint.write("test") { db in
      try db.execute(sql: "PRAGMA cache_size = 10; PRAGMA cache_spill = 1")
      let before = FileManager.default.contents(atPath: scratch.log)?.count ?? 0
      try checkpoint.insert(sampleEntries(1, count: 50_000), db, id)
      let after = try #require(FileManager.default.contents(atPath: scratch.log)).count
      #expect(after > before + 1_000_000, "the transaction did not spill")
      let copy = try scratch.copyAsKilled()
      let next = try copy.open()
      #expect(try next.ledgerMark(account: "acme", endpoint: "us") == 0)
      #expect(try next.bodyCount(id) == 1)
      try next.verifyIntegrity()
    }
    #expect(try checkpoint.ledgerMark(account: "acme", endpoint: "us") == 1)
  }

  @Test("a planner killed at any batch leaves no plan, and the next planner makes a whole one")
  func killedPlanning() throws {
    let scratch = try Scratch()
    let checkpoint = try scratch.open()
    let id = try checkpoint.begin().id
    try checkpoint.stage(id)
    let writer = try checkpoint.beginPlan(id)
    for number in 1...(PlanWriter.batchBodies * 2 + 1) {
      try writer.append(sampleBody(number))
      guard number % PlanWriter.batchBodies == 1 else { continue }
      try scratch.copyAsKilled().withCheckpoint { next in
        #expect(try next.run(id).phase == .planning)
        #expect(try next.bodyCount(id) == 0)
        try next.plan(id, bodies: 2)
        #expect(try next.bodies(id, limit: 9) == [sampleBody(1), sampleBody(2)])
      }
    }
  }

  static let isRoot =
    (try? FileManager.default.attributesOfItem(atPath: "/proc/self")[.ownerAccountID] as? NSNumber)?.intValue == 0

  @Test(
    "a full disk is a full disk: said so, and gone on from when there is room",
    .enabled(if: isRoot, "mounting a tiny disk needs root"))
  func realFullDisk() throws {
    let mountPoint = try Scratch()
    guard try run("mount", "-t", "tmpfs", "-o", "size=\(128 * CheckpointFormat.pageBytes)", "tmpfs", mountPoint.folder) == 0 else {
      // A container may forbid it even to root.
      withKnownIssue("a tiny disk can't be mounted here") { Issue.record("not tested") }
      return
    }
    defer { _ = try? run("umount", "-l", mountPoint.folder) }
    let checkpoint = try Checkpoint(at: mountPoint.path)
    let id = try checkpoint.sending(10)
    let ballast = mountPoint.folder + "/ballast"
    var failed: CheckpointFailure?
    try? Data(count: 16 * CheckpointFormat.pageBytes).write(to: URL(fileURLWithPath: ballast))
    var accepted = 0
    for number in 1...10 where failed == nil {
      do {
        try checkpoint.send(id, number, entries: 1_000)
        accepted = number
      } catch let failure as CheckpointFailure {
        failed = failure
      }
    }
    #expect(failed?.exitStatus == .diskTrouble)
    guard case .diskFull = failed else {
      Issue.record("\(String(describing: failed))")
      return
    }
    try FileManager.default.removeItem(atPath: ballast)
    #expect(try checkpoint.receiptTotals(id).bodies == accepted)
    try checkpoint.send(id, accepted + 1, entries: 1)
    #expect(try checkpoint.receiptTotals(id).bodies == accepted + 1)
  }

  @Test(
    "a folder that can't be written is disk trouble", .disabled(if: isRoot, "permission bits don't bind root"))
  func readOnlyFolder() throws {
    let scratch = try Scratch()
    try scratch.open().close()
    try FileManager.default.setAttributes([.posixPermissions: NSNumber(value: 0o500)], ofItemAtPath: scratch.folder)
    defer { try? FileManager.default.setAttributes([.posixPermissions: NSNumber(value: 0o700)], ofItemAtPath: scratch.folder) }
    #expect(try Checkpoint.reader(at: scratch.path).allRuns().isEmpty)
    #expect(failure { try scratch.open().begin() }?.exitStatus == .diskTrouble)
  }

  private func run(_ command: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}

extension Scratch {
  /// Opens the checkpoint for as long as `body` takes; the folder lives at least as long.
  func withCheckpoint<T>(_ body: (Checkpoint) throws -> T) throws -> T { try body(open()) }
}

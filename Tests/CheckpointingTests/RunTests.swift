import Testing
import Vocabulary

@testable import Checkpointing

@Suite struct RunTests {
  let scratch: Scratch
  let checkpoint: Checkpoint

  init() throws {
    scratch = try Scratch()
    checkpoint = try scratch.open()
  }

  @Test("a run begins in staging with what it was given, and is read back so")
  func begin() throws {
    let run = try checkpoint.beginRun(
      account: "12", endpoint: "https://e/x", key: "abc", specification: "{\"é\":1}", settings: "[]", encoder: 4,
      now: 1_700_000_000_001)
    #expect(run.id == RunID(rawValue: 1))
    #expect(run.phase == .staging)
    #expect(run.account == "12" && run.endpoint == "https://e/x" && run.key == "abc")
    #expect(run.specification == "{\"é\":1}" && run.settings == "[]" && run.encoder == 4)
    #expect(run.createdAt == 1_700_000_000_001 && run.updatedAt == run.createdAt)
    #expect(run.ledgerMark == 0 && run.summary == nil)
    #expect(try scratch.open().run(run.id) == run)
    #expect("\(run.id)" == "1")
  }

  @Test("a second unfinished run of an account and endpoint is refused, of another account or endpoint it is not")
  func onlyOne() throws {
    let run = try checkpoint.begin()
    let failed = failure { try checkpoint.begin(key: "other") }
    #expect(failed == .unfinishedRun(path: scratch.path, run: run.id))
    #expect(failed?.exitStatus == .bug)
    try checkpoint.begin(endpoint: "eu")
    try checkpoint.begin(account: "other")
    #expect(try checkpoint.unfinishedRuns().map(\.id.rawValue) == [1, 2, 3])
    #expect(try checkpoint.unfinishedRun(account: "acme", endpoint: "us") == run)
    #expect(try checkpoint.unfinishedRun(account: "acme", endpoint: "sandbox") == nil)
  }

  @Test("the database itself keeps a second unfinished run out")
  func onlyOneByIndex() throws {
    try checkpoint.begin()
    let failed = failure {
      try checkpoint.write("test") { db in
        try db.perform(
          """
          INSERT INTO run (destination, phase, encoder, created_at, updated_at, key, settings, specification)
          VALUES (1, 'sending', 1, 1, 1, '', '', '')
          """)
      }
    }
    guard case .unexpected(_, _, let code, _) = failed else {
      Issue.record("\(String(describing: failed))")
      return
    }
    #expect(code & 0xff == 19)
  }

  @Test(
    "a run in this phase is unfinished and blocks the next, or is not and does not",
    arguments: [
      (RunPhase.staging, true), (.planning, true), (.sending, true), (.refused, false), (.complete, false), (.forgotten, false),
    ])
  func unfinishedPhases(phase: RunPhase, blocks: Bool) throws {
    #expect(phase.isUnfinished == blocks)
    let id = try checkpoint.begin().id
    if phase != .staging { try checkpoint.stage(id) }
    if phase == .sending || phase == .complete { try checkpoint.plan(id, bodies: 0) }
    if phase == .refused { try checkpoint.plan(id, bodies: 1, phase: .refused) }
    if phase == .complete { try checkpoint.complete(id, summary: "{}", now: 4) }
    if phase == .forgotten { try checkpoint.forget(id, now: 4) }
    #expect(try checkpoint.run(id).phase == phase)
    #expect(try checkpoint.unfinishedRun(account: "acme", endpoint: "us")?.id == (blocks ? id : nil))
    if blocks { #expect(failure { try checkpoint.begin() } != nil) } else { try checkpoint.begin() }
  }

  @Test("the latest run is the newest, of those that were asked for; all runs come oldest first")
  func latest() throws {
    #expect(try checkpoint.latestRun() == nil)
    try checkpoint.begin(account: "a", endpoint: "us")
    try checkpoint.begin(account: "a", endpoint: "eu")
    try checkpoint.begin(account: "b", endpoint: "us")
    #expect(try checkpoint.latestRun()?.id.rawValue == 3)
    #expect(try checkpoint.latestRun(account: "a")?.id.rawValue == 2)
    #expect(try checkpoint.latestRun(account: "a", endpoint: "us")?.id.rawValue == 1)
    #expect(try checkpoint.latestRun(endpoint: "eu")?.id.rawValue == 2)
    #expect(try checkpoint.latestRun(account: "c") == nil)
    #expect(try checkpoint.allRuns().map(\.id.rawValue) == [1, 2, 3])
  }

  @Test("an unknown run is said to be unknown by every operation that takes one")
  func unknown() throws {
    let id = RunID(rawValue: 7)
    let operations: [() throws -> Void] = [
      { _ = try checkpoint.run(id) }, { try checkpoint.stage(id) }, { try checkpoint.restart(id, to: .staging, now: 1) },
      { try checkpoint.complete(id, summary: "", now: 1) }, { try checkpoint.refuse(id, summary: "", now: 1) },
      { try checkpoint.forget(id, now: 1) }, { try checkpoint.addRequests(id, requests: 1, retries: 0) },
      { _ = try checkpoint.beginPlan(id) }, { _ = try checkpoint.bodies(id, limit: 1) }, { _ = try checkpoint.bodyCount(id) },
      { _ = try checkpoint.pendingBodies(id, limit: 1) }, { try checkpoint.commitDigest(id, 1, sampleDigest(1)) },
      { try checkpoint.keepReceipt(id, sampleReceipt(1), ledger: nil) }, { _ = try checkpoint.isAccepted(id, 1) },
      { _ = try checkpoint.stagingCounts(id) },
    ]
    for operation in operations { #expect(failure(operation) == .unknownRun(path: scratch.path, run: id)) }
  }

  @Test("staging is completed once, with all it leaves, and only then are its facts there")
  func staging() throws {
    let id = try checkpoint.begin().id
    #expect(try checkpoint.stagingCounts(id) == nil)
    #expect(try checkpoint.inputs(id).isEmpty)
    let inputs = [1, 0, 65_534].map { index in
      var input = sampleInput
      input.index = index
      return input
    }
    let stagingFiles = [StagingFileRow(number: 2, file: "b", partition: 7, byteCount: 0, recordCount: 0, checksum: 0), sampleStagingFile]
    try checkpoint.completeStaging(id, inputs: inputs, files: stagingFiles, counts: "{}", now: 77)
    let reopened = try scratch.open()
    #expect(try reopened.inputs(id) == [inputs[1], inputs[0], inputs[2]])
    #expect(try reopened.stagingFiles(id) == [sampleStagingFile, stagingFiles[0]])
    #expect(try reopened.stagingCounts(id) == "{}")
    #expect(try reopened.run(id).phase == .planning)
    #expect(try reopened.run(id).updatedAt == 77)
    #expect(failure { try checkpoint.stage(id) }?.exitStatus == .bug)
  }

  @Test("staging that fails half-way leaves nothing of itself")
  func stagingIsOneTransaction() throws {
    let id = try checkpoint.begin().id
    let twice = [sampleStagingFile, sampleStagingFile]
    #expect(failure { try checkpoint.completeStaging(id, inputs: [sampleInput], files: twice, counts: "", now: 2) } != nil)
    #expect(try checkpoint.inputs(id).isEmpty)
    #expect(try checkpoint.stagingFiles(id).isEmpty)
    #expect(try checkpoint.run(id).phase == .staging)
    try checkpoint.stage(id)
  }

  @Test("a restart at planning drops the plan, at staging also what staging left; receipts and the ledger stay")
  func restart() throws {
    let id = try checkpoint.sending(3)
    try checkpoint.send(id, 1)
    try checkpoint.restart(id, to: .planning, encoder: 2, now: 50)
    var run = try checkpoint.run(id)
    #expect(run.phase == .planning && run.encoder == 2 && run.ledgerMark == 0 && run.summary == nil && run.updatedAt == 50)
    #expect(try checkpoint.bodyCount(id) == 0)
    #expect(try checkpoint.inputs(id) == [sampleInput])
    #expect(try checkpoint.receiptTotals(id).bodies == 1)

    try checkpoint.restart(id, to: .staging, now: 51)
    run = try checkpoint.run(id)
    #expect(run.phase == .staging && run.encoder == 2)
    #expect(try checkpoint.inputs(id).isEmpty)
    #expect(try checkpoint.stagingFiles(id).isEmpty)
    #expect(try checkpoint.stagingCounts(id) == nil)
    #expect(try checkpoint.receiptTotals(id).bodies == 1)
    #expect(try checkpoint.ledgerMark(account: "acme", endpoint: "us") == 1)
    #expect(failure { try checkpoint.restart(id, to: .planning, now: 52) }?.exitStatus == .bug)
  }

  @Test("a refused run can be restarted, unless another has begun; a complete one can't")
  func restartAfterEnd() throws {
    let refused = try checkpoint.begin().id
    try checkpoint.stage(refused)
    try checkpoint.plan(refused, bodies: 1, phase: .refused)
    try checkpoint.restart(refused, to: .planning, now: 9)
    try checkpoint.refuse(refused, summary: #"{"why":"gate"}"#, now: 10)
    #expect(try checkpoint.run(refused).summary == #"{"why":"gate"}"#)
    let next = try checkpoint.sending(0)
    #expect(failure { try checkpoint.restart(refused, to: .staging, now: 11) } == .unfinishedRun(path: scratch.path, run: next))
    try checkpoint.complete(next, summary: "{}", now: 12)
    #expect(failure { try checkpoint.restart(next, to: .staging, now: 13) }?.exitStatus == .bug)
  }

  @Test("a run is complete only from sending, with a receipt for each body")
  func complete() throws {
    let id = try checkpoint.begin().id
    #expect(failure { try checkpoint.complete(id, summary: "", now: 3) }?.exitStatus == .bug)
    try checkpoint.stage(id)
    try checkpoint.plan(id, bodies: 2)
    try checkpoint.send(id, 2)
    let failed = failure { try checkpoint.complete(id, summary: "", now: 3) }
    #expect(failed == .outOfOrder(path: scratch.path, run: id, what: "complete while body 1 has no receipt"))
    try checkpoint.send(id, 1)
    try checkpoint.complete(id, summary: #"{"done":1}"#, now: 99)
    let run = try checkpoint.run(id)
    #expect(run.phase == .complete && run.summary == #"{"done":1}"# && run.updatedAt == 99)
    #expect(try checkpoint.bodyCount(id) == 2)
  }

  @Test("nothing is refused once a body was accepted")
  func refuseTooLate() throws {
    let id = try checkpoint.sending(1)
    try checkpoint.send(id, 1)
    #expect(failure { try checkpoint.refuse(id, summary: "", now: 3) }?.exitStatus == .bug)
    #expect(try checkpoint.run(id).phase == .sending)
  }

  @Test("requests add up over processes")
  func requests() throws {
    let id = try checkpoint.begin().id
    #expect(try checkpoint.requestTotals(id) == RequestTotals())
    try checkpoint.addRequests(id, requests: 5, retries: 1)
    try scratch.open().addRequests(id, requests: 7, retries: 0)
    #expect(try checkpoint.requestTotals(id) == RequestTotals(requests: 12, retries: 1))
  }
}

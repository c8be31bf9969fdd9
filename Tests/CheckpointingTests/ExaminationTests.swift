import Foundation
import GRDB
import Testing
import Vocabulary

@testable import Checkpointing

@Suite struct ExaminationTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// A run of six bodies: 1 to 3 accepted whole, 4 in parts of which one was refused, 5 committed, 6 planned.
  private func run() throws -> RunID {
    let checkpoint = try scratch.open()
    let run = try checkpoint.sending(6)
    for number in 1...3 { try checkpoint.send(run, number, entries: 10) }
    try checkpoint.commitDigest(run, 4, sampleDigest(4))
    try checkpoint.cut(run, 4, part: "", into: [part("0", 4, 1), part("1", 0, 5)])
    try checkpoint.keepReceipt(
      run, ReceiptRow(number: 4, part: "0", status: 204, attemptCount: 1, acceptedAt: 7), ledger: sampleEntries(4, count: 5))
    try checkpoint.cut(run, 4, part: "1", into: [part("10", 0, 1), part("11", 0, 4)])
    try checkpoint.refuse(run, 4, part: "10", line: [0x7b, 0x7d])
    try checkpoint.commitDigest(run, 5, sampleDigest(5))
    try checkpoint.close()
    return run
  }

  private func part(_ path: String, _ decisions: Int, _ conversions: Int) -> PartRow {
    PartRow(part: path, byteCount: 500, decisionCount: decisions, conversionCount: conversions, digest: sampleDigest(90 + path.count))
  }

  @Test("a run that was written by us has no faults, whether it is sending, complete, refused or forgotten")
  func sound() throws {
    let run = try run()
    let checkpoint = try scratch.open()
    #expect(try checkpoint.faults(of: run) == [])
    #expect(try checkpoint.brokenReferences() == [])
    try checkpoint.keepReceipt(
      run, ReceiptRow(number: 4, part: "11", status: 204, attemptCount: 1, acceptedAt: 7), ledger: sampleEntries(4, count: 4))
    for number in 5...6 { try checkpoint.send(run, number, entries: 10) }
    #expect(try checkpoint.faults(of: run) == [])
    try checkpoint.complete(run, summary: "{}", now: 9)
    #expect(try checkpoint.faults(of: run) == [])
    let refused = try checkpoint.begin().id
    try checkpoint.stage(refused)
    try checkpoint.plan(refused, bodies: 2, phase: .refused)
    #expect(try checkpoint.faults(of: refused) == [])
    try checkpoint.restart(refused, to: .planning, now: 10)
    #expect(try checkpoint.faults(of: refused) == [])
    try checkpoint.forget(run, now: 11)
    #expect(try checkpoint.faults(of: run) == [])
  }

  @Test("a ledger that was pruned, merged and made to forget a run fits its receipts")
  func keptUp() throws {
    let checkpoint = try scratch.open()
    var runs: [RunID] = []
    for _ in 1...5 {
      runs.append(try checkpoint.completed())
    }
    func faults() throws -> [String] { try runs.flatMap { try checkpoint.faults(of: $0) } }
    let times: Int64 = 1_700_000_000_000
    #expect(try checkpoint.pruneLedger(before: times + 3) == 30)
    #expect(try faults() == [])
    #expect(try checkpoint.compactLedger(account: "acme", endpoint: "us", leaving: 1) == 4)
    #expect(try faults() == [])
    #expect(try checkpoint.pruneLedger(before: times + 5) == 20)
    #expect(try faults() == [])
    try checkpoint.forget(runs[1], now: 10)
    #expect(try faults() == [])
    #expect(try checkpoint.pruneLedger(before: .max) == 40)
    #expect(try faults() == [], "what was pruned whole is not asked for")
  }

  @Test(
    "each thing that does not fit is told",
    arguments: [
      ("UPDATE body SET event_count = 11 WHERE number = 2", "bodies whose counts are none: 2"),
      ("UPDATE body SET waits_for = 0 WHERE number = 3", "bodies that wait for one that is not there: 3"),
      ("UPDATE body SET digest = NULL WHERE number = 1", "receipts for what was never sent, or is another size: 1"),
      ("UPDATE body SET byte_count = 7 WHERE number = 1", "receipts for what was never sent, or is another size: 1"),
      ("DELETE FROM body WHERE number = 2", "receipts for what was never sent, or is another size: 2"),
      ("UPDATE receipt SET conversion_count = 5, event_count = 9 WHERE number = 2", "receipts for what was never sent"),
      ("UPDATE receipt SET event_count = 0 WHERE number = 2", "receipts whose counts are none: 2"),
      (
        "UPDATE receipt SET decision_count = 3, event_count = 4 WHERE number = 4",
        "receipts for what was never sent, or is another size: 4.0"
      ),
      ("UPDATE body SET digest = zeroblob(16) WHERE number = 4", "bodies sent in parts whose whole is another"),
      ("UPDATE part SET state = 'accepted' WHERE part = ''", "bodies sent in parts whose whole is another"),
      ("UPDATE part SET conversion_count = 3 WHERE part = '11'", "parts that were cut, but are not the sum of their halves: 4.1"),
      ("DELETE FROM part WHERE part = '11'", "parts that were cut, but are not the sum of their halves: 4.1"),
      ("UPDATE part SET state = 'pending' WHERE part = '1'", "halves of what was not cut: 4.10, 4.11"),
      ("UPDATE part SET state = 'accepted' WHERE part = '11'", "parts without the receipt or the refused event that they ended with: 4.11"),
      ("UPDATE part SET state = 'pending' WHERE part = '10'", "parts without the receipt or the refused event that they ended with: 4.10"),
      ("DELETE FROM refused_event", "parts without the receipt or the refused event that they ended with: 4.10"),
      ("UPDATE refused_event SET number = 5", "refused events of no part: 5.10"),
      ("DELETE FROM receipt WHERE number = 2", "receipts are for 25 events, but the ledger remembers 35 of them"),
      ("UPDATE slice SET entry_count = 9 WHERE id = 1", "receipts are for 35 events, but the ledger remembers 34 of them"),
      ("UPDATE traffic SET requests = 1", "but only 1 were counted"),
      ("UPDATE destination SET accepted = 0", "never accepted a body"),
      ("UPDATE run SET phase = 'complete'", "these bodies are neither accepted nor refused: 4, 5, 6"),
    ])
  func told(sql: String, words: String) throws {
    let run = try run()
    try scratch.tamper(sql)
    let faults = try Checkpoint.reader(at: scratch.path).faults(of: run)
    #expect(faults.contains { $0.contains(words) }, "\(faults)")
  }

  @Test("rows that belong to nothing are told by table")
  func references() throws {
    _ = try run()
    try scratch.tamper(
      """
      INSERT INTO receipt SELECT 99, plan, number, part, status, attempt_count, accepted_at, byte_count, event_count, decision_count,
        conversion_count, took, days, checksum FROM receipt
      """
    )
    #expect(try Checkpoint.reader(at: scratch.path).brokenReferences() == ["table receipt: 4 rows belong to something that is not there"])
  }

  @Test("parts, their receipts and the run of a slice are found again")
  func found() throws {
    let run = try run()
    let reader = try Checkpoint.reader(at: scratch.path)
    #expect(try reader.parts(run, 4).map(\.state) == ["cut", "accepted", "cut", "refused", "pending"])
    #expect(try reader.parts(run, 1).isEmpty)
    #expect(try reader.receipt(run, 4, part: "0")?.acceptedAt == 7)
    #expect(try reader.receipt(run, 4, part: "11") == nil)
    let slice = try #require(try reader.ledgerSlices(account: "acme", endpoint: "us", upTo: .max, limit: 1).first)
    #expect(try reader.ledgerRuns(slice) == [run])
  }
}

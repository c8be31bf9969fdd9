import Foundation
import GRDB
import Testing
import Vocabulary

@testable import Checkpointing

@Suite("How a run was sent")
struct TrafficTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test("is told by receipts, requests and bodies: percentiles, pieces of time, days, answers, sizes")
  func told() throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.sending(10)
    for number in 1...10 {
      try checkpoint.commitDigest(run, number, sampleDigest(number))
      try checkpoint.keepReceipt(
        run, ReceiptRow(number: number, status: 204, attemptCount: number == 3 ? 3 : 1, acceptedAt: 1_000_000 + Int64(number * 1000)),
        RequestEnds(
          took: Int64(number * 100),
          setbacks: number == 3 ? [failed("503", at: 1_001_900, ms: 5): 1, failed("timeout", at: 1_002_100, ms: 800): 1] : [:]),
        ledger: sampleEntries(number, count: 5, times: 1_700_000_000_000 + Int64(number % 2) * DayCounts.dayMilliseconds))
    }
    try checkpoint.addRequests(
      run, requests: 2, retries: 1, answers: ["503": 1, "given_up": 1, "204": 0],
      failures: [failed("503", at: 1_001_000, ms: 5): 1, failed("given_up", at: 1_011_300, ms: 2): 1])
    let traffic = try checkpoint.traffic(run, bodyLimit: 10_000)
    #expect(traffic.answers == ["204": 10, "503": 2, "timeout": 1, "given_up": 1])
    let requests = try checkpoint.requestTotals(run)
    #expect(traffic.answers.values.reduce(0, +) == requests.requests)
    #expect(traffic.took == [50: 500, 90: 900, 99: 1000, 100: 1000] && traffic.timedReceipts == 10 && traffic.receipts == 10)
    #expect(traffic.failures == 4 && traffic.failuresTook == [50: 5_000, 90: 800_000, 99: 800_000, 100: 800_000])
    // Requests that failed are known to the second.
    #expect(traffic.pieceMilliseconds == 1000 && traffic.pieces.map(\.number) == Array(0...10) && traffic.last == 1_011_000)
    #expect(traffic.pieces.reduce(0) { $0 + $1.events } == 100 && traffic.pieces[2].retries == 2 && traffic.pieces[2].requests == 3)
    #expect(traffic.pieces.map(\.failed) == [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1] && traffic.pieces.allSatisfy { $0.accepted <= 1 })
    #expect(traffic.pieces[4].tookHalf == 500 && traffic.pieces[4].tookMost == 500 && traffic.pieces[10].tookMost == nil)
    var days: [[Int]] = []
    try #require(traffic.days).each { days.append([$0, $1]) }
    #expect(days == [[19_675, 25], [19_676, 25]])
    #expect(traffic.sizes.bodies == 10 && traffic.sizes.smallest == 1_001 && traffic.sizes.largest == 1_010 && traffic.sizes.last == 1_010)
    #expect(traffic.sizes.tenths == [0, 10, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(try checkpoint.traffic(run, bodyLimit: 1_010).sizes.tenths == [0, 0, 0, 0, 0, 0, 0, 0, 0, 10])
  }

  @Test("of a run without receipts there is nothing to tell")
  func nothing() throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.begin().id
    #expect(try checkpoint.traffic(run, bodyLimit: 1) == Traffic())
    #expect(
      failure { _ = try checkpoint.traffic(RunID(rawValue: 9), bodyLimit: 1) } == .unknownRun(path: scratch.path, run: RunID(rawValue: 9)))
  }

  @Test("a second receipt for the same body counts no request twice")
  func twice() throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.sending(1)
    try checkpoint.commitDigest(run, 1, sampleDigest(1))
    for _ in 1...2 {
      try checkpoint.keepReceipt(
        run, sampleReceipt(1), RequestEnds(took: 5, setbacks: [failed("500", at: 1, ms: 1): 1]), ledger: sampleEntries(1, count: 3))
    }
    let traffic = try checkpoint.traffic(run, bodyLimit: 5_000)
    #expect(traffic.answers == ["204": 1, "500": 1] && traffic.failures == 1)
  }

  @Test("requests that failed are told of a run that nothing was accepted of, and forgotten with a run")
  func onlyFailures() throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.sending(1)
    for _ in 1...2 {
      try checkpoint.addRequests(
        run, requests: 2, retries: 1, answers: ["503": 2],
        failures: [failed("503", at: 70_000, ms: 10): 1, failed("503", at: 75_000, ms: 10): 1])
    }
    let traffic = try checkpoint.traffic(run, bodyLimit: 5_000)
    #expect(traffic.first == 70_000 && traffic.last == 75_000 && traffic.failures == 4 && traffic.failuresTook[50] == 10_000)
    #expect(traffic.pieces.map(\.failed) == [2, 2] && traffic.pieces.map(\.number) == [0, 5])
    try checkpoint.abandon(run, now: 9)
    try checkpoint.forget(run, now: 9)
    #expect(try checkpoint.traffic(run, bodyLimit: 5_000).failures == 0)
  }

  @Test("half of a piece's requests took no longer than its median", arguments: [([7], 7, 7), ([1, 9], 1, 9), ([3, 1, 2], 2, 3)])
  func median(times: [Int64], half: Int64, most: Int64) throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.sending(times.count)
    for (at, took) in times.enumerated() {
      try checkpoint.commitDigest(run, at + 1, sampleDigest(at + 1))
      try checkpoint.keepReceipt(
        run, ReceiptRow(number: at + 1, status: 204, attemptCount: 1, acceptedAt: 1_000), RequestEnds(took: took),
        ledger: sampleEntries(at + 1, count: 1))
    }
    let traffic = try checkpoint.traffic(run, bodyLimit: 5_000)
    #expect(traffic.pieces.map(\.tookHalf) == [half] && traffic.pieces.map(\.tookMost) == [most])
  }

  @Test("version 5 becomes version 6: a reader does without it, and what failed before is not known")
  func version5() throws {
    var configuration = Configuration()
    configuration.prepareDatabase { $0.add(function: RowChecksum.function) }
    let queue = try DatabaseQueue(path: scratch.path, configuration: configuration)
    try Schema.migrator.migrate(queue, upTo: "5")
    try queue.inDatabase { db in
      try db.execute(
        sql: """
          INSERT INTO destination (id, account, endpoint, accepted) VALUES (1, 'acme', 'us', 1);
          INSERT INTO run (id, destination, phase, plan, encoder, created_at, updated_at, ledger_mark, key, settings, specification, summary)
            VALUES (1, 1, 'sending', 1, 1, 1, 2, 0, 'k', '{}', '{}', '{}');
          INSERT INTO traffic (run, requests, retries) VALUES (1, 3, 2);
          INSERT INTO answer (run, answer, requests) VALUES (1, '503', 3);
          """)
    }
    try queue.close()
    let run = RunID(rawValue: 1)
    let reader = try Checkpoint.reader(at: scratch.path)
    #expect(try reader.traffic(run, bodyLimit: 1_000).answers == ["503": 3] && reader.traffic(run, bodyLimit: 1_000).failures == 0)
    let checkpoint = try scratch.open()
    try checkpoint.addRequests(run, requests: 1, retries: 1, answers: ["500": 1], failures: [failed("500", at: 5_000, ms: 1): 1])
    let traffic = try checkpoint.traffic(run, bodyLimit: 1_000)
    #expect(traffic.answers == ["503": 3, "500": 1] && traffic.failures == 1 && traffic.pieces == [.init(number: 0, failed: 1)])
    try checkpoint.verifyIntegrity()
    try checkpoint.close()
    // The digest of the definitions is that of the new ones.
    _ = try scratch.open()
  }

  @Test("the configuration is kept as it was given, and absent where none was")
  func configuration() throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.beginRun(
      account: "a", endpoint: "us", key: "k", specification: "{}", settings: "{}", encoder: 1, configuration: "a: b\n", now: 1)
    #expect(try checkpoint.configuration(run.id) == "a: b\n")
    #expect(try checkpoint.configuration(try checkpoint.begin(endpoint: "eu").id) == nil)
  }

  @Test(
    "time is cut into pieces of a usual length, 60 at most",
    arguments: [(0, 100), (5_999, 100), (6_000, 200), (59_999, 1000), (60_000, 2000), (3_600_000, 120_000), (86_400_000 * 61, 172_800_000)]
      as [(Int64, Int64)])
  func pieces(span: Int64, length: Int64) {
    #expect(pieceLength(of: span) == length)
    #expect(span / pieceLength(of: span) < 60)
  }

  /// A checkpoint of version 3 with a receipt.
  private func version3() throws -> RunID {
    let queue = try DatabaseQueue(path: scratch.path)
    try Schema.migrator.migrate(queue, upTo: "3")
    try queue.inDatabase { db in
      try db.execute(
        sql: """
          INSERT INTO destination (id, account, endpoint, accepted) VALUES (1, 'acme', 'us', 1);
          INSERT INTO run (id, destination, phase, plan, encoder, created_at, updated_at, ledger_mark, key, settings, specification, summary)
            VALUES (1, 1, 'sending', 1, 1, 1, 2, 0, 'k', '{}', '{}', '{}');
          INSERT INTO traffic (run, requests, retries) VALUES (1, 3, 2);
          """)
      for number in 1...2 {
        try db.execute(
          sql: """
            INSERT INTO body (run, plan, number, byte_count, event_count, decision_count, conversion_count, visitor_count, first_index,
              last_index, digest, first_visitor, last_visitor) VALUES (1, 1, ?, 900, 10, 4, 6, 3, 0, 1, zeroblob(16), x'61', x'62')
            """, arguments: [number])
      }
      try db.execute(sql: "INSERT INTO receipt VALUES (1, 1, 1, '', 204, 3, 5000, 900, 10, 4, 6)")
    }
    try queue.close()
    return RunID(rawValue: 1)
  }

  @Test("a checkpoint of version 3 is read as it is: what it never kept is not known")
  func readsVersion3() throws {
    let run = try version3()
    let before = FileManager.default.contents(atPath: scratch.path)
    let reader = try Checkpoint.reader(at: scratch.path)
    let traffic = try reader.traffic(run, bodyLimit: 1_000)
    #expect(traffic.receipts == 1 && traffic.timedReceipts == 0 && traffic.took.isEmpty && traffic.days == nil && traffic.answers.isEmpty)
    #expect(traffic.pieces == [.init(number: 0, events: 10, bytes: 900, requests: 3, retries: 2, accepted: 1)] && traffic.sizes.bodies == 2)
    #expect(try reader.configuration(run) == nil)
    #expect(try reader.receiptTotals(run).events == 10 && reader.allRuns().count == 1)
    #expect(FileManager.default.contents(atPath: scratch.path) == before)
  }

  @Test("version 3 becomes version 4: receipts stay, and new ones stand beside them")
  func migrates() throws {
    let run = try version3()
    let checkpoint = try scratch.open()
    #expect(try checkpoint.receipt(run, 1) == ReceiptRow(number: 1, status: 204, attemptCount: 3, acceptedAt: 5000))
    #expect(try checkpoint.requestTotals(run) == RequestTotals(requests: 3, retries: 2))
    try checkpoint.keepReceipt(
      run, ReceiptRow(number: 2, status: 204, attemptCount: 1, acceptedAt: 6000), RequestEnds(took: 70), ledger: sampleEntries(2, count: 4))
    let traffic = try checkpoint.traffic(run, bodyLimit: 1_000)
    #expect(traffic.receipts == 2 && traffic.timedReceipts == 1 && traffic.took[50] == 70)
    #expect(traffic.answers == ["204": 1] && traffic.days == nil, "the first receipt does not tell its days")
    try checkpoint.verifyIntegrity()
  }

  @Test("days that no version of ours wrote are damage")
  func damagedDays() throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.sending(1)
    try checkpoint.send(run, 1)
    try checkpoint.close()
    try scratch.tamper("UPDATE receipt SET days = x'ff'")
    guard case .damaged = failure({ _ = try Checkpoint.reader(at: scratch.path).traffic(run, bodyLimit: 5_000) }) else {
      Issue.record("it was believed")
      return
    }
  }
}

private func failed(_ answer: String, at milliseconds: Int64, ms: Int) -> RequestFailure {
  RequestFailure(answer: answer, endedAt: milliseconds, took: .milliseconds(ms))
}

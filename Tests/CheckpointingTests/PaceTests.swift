import Testing

@testable import Checkpointing

@Suite("The pace of earlier runs") struct PaceTests {
  private let scratch: Scratch
  private let checkpoint: Checkpoint

  init() throws {
    scratch = try Scratch()
    checkpoint = try scratch.open()
  }

  /// A run with a receipt of ten events at each of these milliseconds.
  @discardableResult
  private func run(at times: [Int64], completes: Bool = true, endpoint: String = "us", account: String = "acme") throws -> RunID {
    let run = try checkpoint.sending(times.count, account: account, endpoint: endpoint)
    for (at, time) in times.enumerated() {
      try checkpoint.commitDigest(run, at + 1, sampleDigest(at + 1))
      try checkpoint.keepReceipt(
        run, ReceiptRow(number: at + 1, status: 204, attemptCount: 1, acceptedAt: 1_700_000_000_000 + time), ledger: nil)
    }
    if completes { try checkpoint.complete(run, summary: "{}", now: 9) } else { try checkpoint.abandon(run, now: 9) }
    return run
  }

  private var pace: AcceptedPace? { get throws { try checkpoint.acceptedPace(account: "acme", endpoint: "us") } }

  @Test("is events by the time between receipts, of the latest complete run to the same endpoint whose receipts tell it")
  func measured() throws {
    #expect(try pace == nil)
    let first = try run(at: (0...20).map { $0 * 100 })
    #expect(try pace == AcceptedPace(run: first, eventsPerSecond: 100))
    try run(at: (0...20).map { $0 * 1000 }, endpoint: "eu")
    try run(at: (0...20).map { $0 * 1000 }, account: "other")
    try run(at: (0...20).map { $0 * 1000 }, completes: false)
    #expect(try pace?.run == first)
    let second = try run(at: (0...20).map { $0 * 500 })
    #expect(try pace == AcceptedPace(run: second, eventsPerSecond: 20))
  }

  @Test(
    "is not known of few receipts, or of less than a second",
    arguments: [(10, 1000, false), (11, 100, true), (11, 99, false), (12, 91, true), (1, 0, false), (0, 0, false)])
  func short(count: Int, every: Int, isKnown: Bool) throws {
    try run(at: (0..<count).map { Int64($0 * every) })
    #expect(try (pace != nil) == isKnown)
  }

  @Test("leaves out times in which nobody was sending, and the order of receipts does not matter")
  func paused() throws {
    let times = (0...10).map { Int64($0) * 200 } + (0...10).map { 7_200_000 + Int64($0) * 200 }
    try run(at: times.reversed())
    #expect(try pace?.eventsPerSecond == 50)
  }

  @Test("looks past short runs, but not at many")
  func shortRuns() throws {
    let long = try run(at: (0...20).map { $0 * 100 })
    for _ in 0..<9 { try run(at: [0]) }
    #expect(try pace?.run == long)
    try run(at: [0])
    #expect(try pace == nil)
  }
}

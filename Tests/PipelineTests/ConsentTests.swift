import Checkpointing
import Foundation
import Pipeline
import Reporting
import Synchronization
import Testing
import Vocabulary

/// What was asked, and what is answered.
private final class Answer: Sendable {
  private let asked = Mutex<[FirstSending]>([])

  var questions: [FirstSending] { asked.withLock { $0 } }

  func no(_ first: FirstSending) throws(RunFailure) {
    asked.withLock { $0.append(first) }
    throw RunFailure(.stopped, "no")
  }
}

@Suite("Before the first sending and in a plan") struct ConsentTests {
  private func rows(_ folder: ScratchFolder, _ name: String, _ lines: [String]) throws -> String {
    let path = "\(folder.path)/\(name)"
    try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  private func conversions(_ folder: ScratchFolder, _ count: Int) throws -> String {
    try rows(folder, "conversions.csv", ["visitor_id,entity_id,timestamp"] + (0..<count).map { "v\($0),9,1700000000000" })
  }

  @Test(
    "consent is asked for the vendor's own servers alone, by whatever name, with all that was planned, and each time until it is given",
    arguments: [
      (Endpoint.us, true), (.eu, true), (.url("https://logx.optimizely.com/v1/events"), true),
      (.url("HTTPS://EU.logx.optimizely.com:443/v1/events/"), true), (.url("http://127.0.0.1:1/v1/events"), false), (.sandbox, false),
    ])
  func asked(endpoint: Endpoint, isAsked: Bool) async throws {
    let folder = try ScratchFolder()
    var options = options(folder, endpoint: endpoint)
    options.retryFor = .zero
    let answer = Answer()
    options.consent = { first throws(RunFailure) in try answer.no(first) }
    let files = try specification([try conversions(folder, 7)])
    for time in 1...2 {
      let summary = try await importer(options).run(files, settings())
      #expect(answer.questions.count == (isAsked ? time : 0))
      guard isAsked else { continue }
      #expect(summary.exit == .stopped && summary.message == "no" && summary.requestCount == 0)
      #expect(summary.records.pending == 7)
      let question = try #require(answer.questions.last)
      #expect(question.account == "12345" && question.summary.conversionCount == 7 && question.summary.endpoint == endpoint.name)
      #expect(question.summary.question(account: "12345").contains("0 decisions and 7 conversions of 7 visitors"))
    }
    if isAsked {
      let summary = try await importer(options).resume(nil, restaging: false)
      #expect(summary?.exit == .stopped && answer.questions.count == 3)
    }
  }

  @Test("nobody is asked when nothing is to be sent, or the gate has refused it")
  func nothingToAsk() async throws {
    let folder = try ScratchFolder()
    var options = options(folder, endpoint: .us)
    options.maxRejects = .count(0)
    let answer = Answer()
    options.consent = { first throws(RunFailure) in try answer.no(first) }
    let header = "visitor_id,entity_id,timestamp"
    let empty = try await importer(options).run(try specification([try rows(folder, "empty.csv", [header])]), settings())
    #expect(empty.exit == .complete && answer.questions.isEmpty)
    let bad = try await importer(options).run(
      try specification([try rows(folder, "bad.csv", [header, "v,9,17", "w,9,1700000000000"])]), settings())
    #expect(bad.exit == .refused && answer.questions.isEmpty)
  }

  @Test("a plan's first rows are the first of each kind that become events, in whatever order they are met", arguments: [1, 2, 4])
  func firstRows(workers: Int) async throws {
    let folder = try ScratchFolder()
    var options = options(folder, Conditions(memoryBytes: 32_000_000, blockBytes: 300, workerCount: workers))
    options.keepsFirstRows = true
    let decision = "20,30,40"
    let files = [
      try rows(
        folder, "a.csv",
        ["record,visitor_id,campaign_id,experiment_id,variation_id,entity_id,timestamp"]
          + (0..<40).map { "conversion,c\($0),,,,9,\($0 == 0 ? "17" : "1700000000000")" }
          + (0..<20).map { "decision,d\($0),\(decision),,1700000000000" }),
      try rows(folder, "b.csv", ["visitor_id,entity_id,timestamp"] + (0..<40).map { "b\($0),9,1700000000000" }),
    ]
    let summary = try await importer(options).plan(try specification(files), settings())
    #expect(summary.firstRows.map(\.text) == [(0, 42), (0, 43), (0, 3), (0, 4)].map { "\(files[$0.0]):\($0.1)" })
    #expect(summary.firstRows.map { $0.event?.contains("\"visitor_id\":\"") == true } == [true, true, true, true])
    let shown = try #require(summary.firstRowsText(sampleRows(summary.firstRows, of: try specification(files))))
    #expect(shown.contains("      row    conversion,c1,,,,9,1700000000000\n      event  {\"visitor_id\":\"c1\",\"event\":{"), "\(shown)")
    #expect(!summary.json().contains("\"c1\"") && summary.json(rows: [:]).contains("c1"))
    options.keepsFirstRows = false
    let silent = try await importer(options).plan(try specification(files), settings())
    #expect(silent.firstRows.isEmpty && silent.firstRowsText([:]) == nil)
  }

  @Test("a plan says how long sending takes, by the rate or run that tells it, or that nobody knows")
  func estimates() async throws {
    let folder = try ScratchFolder()
    var summary = try await importer(options(folder, endpoint: .us)).plan(try specification([try conversions(folder, 90)]), settings())
    #expect(!summary.text().contains("  time "))
    for (estimate, words) in [
      (SendingEstimate(eventsPerSecond: 10, source: .given), "  time     about 9 s to send at 10 events/s (--rate)"),
      (SendingEstimate(eventsPerSecond: 0.5, source: .given), "  time     about 3 min to send at 0.5 events/s (--rate)"),
      (SendingEstimate(eventsPerSecond: 1234.4, source: .run(7)), "  time     about 1 s to send at 1,234 events/s, as run 7 to us went"),
      (
        .example,
        "  time     not known, since no run to us was long enough to measure; at 1,000 events/s it would be 1 s (--rate names another)"
      ),
    ] {
      summary.estimate = estimate
      #expect(summary.text().contains(words + "\n") || summary.text().hasSuffix(words), "\(summary.text())")
    }
    #expect(
      summary.text().contains("  ledger   90 new, 0 sent by earlier runs")
        && summary.text().contains("  requests \(summary.bodyCount), and again"))
    #expect(!summary.json().contains("estimate"))
  }
}

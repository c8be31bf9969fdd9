import Counting
import Foundation
import Testing
import Vocabulary

@testable import Reporting

/// A report with every fact.
func sampleReport(_ state: RunSummary.State = .complete, name: String = "name") -> RunReport {
  var summary = RunSummary(run: "7", endpoint: "https://events.example/v1", rehearsal: false)
  summary.state = state
  summary.records.read = 100
  summary.records.accepted = 61
  summary.records.alreadyAccepted = 13
  summary.records.duplicate = 4
  summary.records.filtered = 5
  summary.records.rejected = 8
  summary.records.pending = 9
  (summary.decisionCount, summary.conversionCount, summary.visitorCount) = (20, 50, 19)
  (summary.bodyCount, summary.byteCount, summary.requestCount, summary.retryCount, summary.laneCount) = (3, 2_600, 5, 2, 4)
  summary.rejects = ["bad-timestamp": 5, "ragged-row": 3]
  summary.findings = [Finding(.noDecision, .warning, count: 17, of: 50, samples: [name])]
  summary.expected = Results(notCounted: ["no_decision_here": 17])
  summary.seconds = 1.25
  var report = RunReport(
    summary: summary, account: name, phase: "complete", createdAt: 1_714_600_000_000, updatedAt: 1_714_600_001_250,
    madeAt: 1_714_700_000_000)
  report.inputs = [
    .init(path: "/data/\(name).csv", format: "csv", byteCount: 12_345, recordCount: 90, digest: String(repeating: "ab", count: 16)),
    .init(path: "-", format: "ndjson", byteCount: 1, recordCount: 10, digest: String(repeating: "cd", count: 16)),
  ]
  report.rejectSamples = [.init(code: "bad-timestamp", file: name, line: 3, column: name, message: name, row: name)]
  report.times = .init(
    unit: .day,
    pieces: [
      .init(day: 19_844, read: 40, known: 6, planned: 30, accepted: 29), .init(day: 19_846, read: 50, known: 7, planned: 40, accepted: 32),
    ], undated: 10)
  report.sizes = .init(limit: 1_000, smallest: 600, largest: 1_000, meanFill: 0.99951, tenths: [0, 0, 0, 0, 0, 0, 1, 0, 0, 2])
  report.answers = ["204": 3, "503": 1, "timeout": 1]
  report.latency = .init(requests: 3, p50: 12.3, p90: 20.5, p99: 20.5, max: 1_020.5)
  report.failedLatency = .init(requests: 2, p50: 1.5, p90: 30_000, p99: 30_000, max: 30_000)
  report.sending = .init(
    from: 1_714_600_000_100, to: 1_714_600_001_200, pieceMilliseconds: 100,
    pieces: [
      .init(number: 0, events: 20, bytes: 1_000, requests: 3, retries: 2, accepted: 1, failed: 0, p50: 12.3, max: 12.3),
      .init(number: 7, events: 0, bytes: 0, requests: 0, retries: 0, accepted: 0, failed: 2, p50: nil, max: nil),
      .init(number: 11, events: 41, bytes: 1_600, requests: 2, retries: 0, accepted: 2, failed: 0, p50: 20.5, max: 1_020.5),
    ])
  report.configuration = "account_id: \(name)\n"
  report.resume = "optireplay resume 7 --state '\(name)'"
  report.rejectsCommand = "optireplay rejects 7 > rejected.ndjson"
  return report
}

@Suite("A run's report")
struct ReportPageTests {
  private func object(_ report: RunReport) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(report.json().utf8)) as? [String: Any])
  }

  /// The numbers of a JSON value by their places.
  private func leaves(_ value: Any, _ place: String = "") -> [String: Double] {
    if let members = value as? [String: Any] {
      return members.reduce(into: [:]) { found, member in
        found.merge(leaves(member.value, place.isEmpty ? member.key : "\(place).\(member.key)")) { one, _ in one }
      }
    }
    if let elements = value as? [Any] {
      return elements.enumerated().reduce(into: [:]) { $0.merge(leaves($1.element, "\(place).\($1.offset)")) { one, _ in one } }
    }
    // Truths are left out by their names.
    guard let number = value as? NSNumber else { return [:] }
    return [place: number.doubleValue]
  }

  @Test("has every number of its JSON on the page, and no other", arguments: [RunSummary.State.complete, .incomplete, .refused, .planned])
  func sameNumbers(state: RunSummary.State) throws {
    let report = sampleReport(state)
    let page = RunReportPage(report).html()
    var shown: [String: Double] = [:]
    for match in page.matches(of: /data-fact="([^"]*)" value="([^"]*)"/) { shown[String(match.output.1)] = Double(match.output.2) }
    let told = leaves(try object(report)).filter { place, _ in
      !place.hasPrefix("expected.") && !place.hasSuffix(".line") && !place.hasSuffix(".from_percent")
        && !["at_work", "no_ledger", "rehearsal"].contains(place)
    }
    #expect(shown == told)
    #expect(told.count > 50)
  }

  @Test("its JSON has all members of the run's summary")
  func summaryMembers() throws {
    let report = sampleReport()
    let summary = try #require(try JSONSerialization.jsonObject(with: Data(report.summary.json().utf8)) as? [String: Any])
    let told = try object(report)
    func text(_ value: Any?) throws -> Data {
      try JSONSerialization.data(withJSONObject: ["value": try #require(value)], options: .sortedKeys)
    }
    for (name, value) in summary { #expect(try text(value) == text(told[name]), "\(name)") }
    #expect(
      Set(["account", "inputs", "event_times", "body_sizes", "answers", "latency_ms", "sending", "configuration", "resume"]).isSubset(
        of: told.keys))
  }

  @Test("a run that is at work has no exit status yet")
  func atWork() throws {
    var report = sampleReport(.incomplete)
    #expect(try object(report)["exit"] != nil && RunReportPage(report).html().contains("Exit status"))
    report.isAtWork = true
    #expect(try object(report)["exit"] == nil && !RunReportPage(report).html().contains("Exit status"))
  }

  @Test("requests that failed have a chart by when they did; retries have one where that is not known")
  func failures() {
    var report = sampleReport()
    let page = RunReportPage(report).html()
    #expect(page.contains("Requests that failed over time") && page.contains("40.8: 2 requests failed") && !page.contains("<h3>Retries"))
    #expect(page.contains("half in 20.5 ms, all in 1,020.5 ms"))
    for at in report.sending!.pieces.indices { report.sending!.pieces[at].failed = nil }
    let old = RunReportPage(report).html()
    #expect(!old.contains("Requests that failed over time") && old.contains("Retries over time") && old.contains("40.1: 2 retries"))
    for at in report.sending!.pieces.indices { (report.sending!.pieces[at].failed, report.sending!.pieces[at].retries) = (0, 0) }
    #expect(!RunReportPage(report).html().contains("Requests that failed over time"))
  }

  @Test("its picture shows all that was read on both sides, and its table the sum")
  func sums() throws {
    let page = RunReportPage(sampleReport()).html()
    let picture = try #require(page.firstMatch(of: /<svg class="flow"[\s\S]*?<\/svg>/)).output
    let counts = picture.matches(of: /<tspan class="count">([0-9,]+)<\/tspan>/).map { Int($0.output.1.replacing(",", with: "")) ?? 0 }
    #expect(counts == [90, 10, 61, 13, 4, 5, 8, 9])
    #expect(picture.contains("100 <tspan class=\"name\">read"))
    #expect(page.contains("Together</th><td>100</td>") && !page.contains("differs from the records read"))
    var wrong = sampleReport()
    wrong.summary.records.pending = 8
    #expect(RunReportPage(wrong).html().contains("differs from the records read"))
  }

  @Test(
    "ends with no text of the input, and shows what cannot be seen",
    arguments: [
      "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onfocus='x", "</style></title></svg>", "&lt;",
      "a\u{202e}b\u{200f}\u{feff}", "\u{0}\u{8}\u{7f}\u{85}\r\n", String(repeating: "x", count: 10_000), "𝕏é\u{301}中文", "",
    ])
  func hostile(name: String) throws {
    func tags(_ page: String) throws -> [Substring] {
      let body = try #require(page.range(of: "<body>"))
      return page[body.upperBound...].split(separator: "<").map { $0.prefix { $0 != " " && $0 != ">" } }
    }
    let page = RunReportPage(sampleReport(name: name)).html()
    let clean = RunReportPage(sampleReport(name: "a")).html()
    #expect(try tags(page) == tags(clean))
    #expect(page.count { $0 == "\"" } == clean.count { $0 == "\"" } && !page.contains("onfocus='"))
    for scalar in page.unicodeScalars where scalar != "\n" {
      #expect(![.control, .format].contains(scalar.properties.generalCategory), "U+\(String(scalar.value, radix: 16))")
    }
    if name.contains("\u{202e}") { #expect(page.contains("a⟨U+202E⟩b⟨U+200F⟩⟨U+FEFF⟩")) }
    if name.count == 10_000 { #expect(page.utf8.count < clean.utf8.count + 60_000 && page.contains("more characters)")) }
  }

  @Test("loads nothing, and its policy lets nothing be loaded")
  func selfContained() {
    let page = RunReportPage(sampleReport()).html()
    for word in [" src=", "url(", "@import", " style=", " onclick=", "<script", "unsafe-inline"] {
      #expect(!page.contains(word), "\(word)")
    }
    #expect(page.contains("content=\"default-src 'none'; style-src 'sha256-"))
    #expect(!page.contains("href=\"h"), "links lead to parts of the page alone")
  }

  @Test(
    "says how far the run came",
    arguments: [
      (RunSummary.State.complete, "Run 7: complete"), (.incomplete, "Run 7: not complete"), (.refused, "Run 7: refused"),
      (.planned, "Plan: nothing was sent"),
    ])
  func states(state: RunSummary.State, heading: String) {
    var report = sampleReport(state)
    if state == .planned { report.summary.run = "plan" }
    report.summary.message = "because <of> it"
    let page = RunReportPage(report).html()
    #expect(page.contains("<h1>\(heading)</h1>") && page.contains("because &lt;of&gt; it"))
    #expect(page.contains("optireplay resume 7"))
    report.isAtWork = true
    let atWork = RunReportPage(report).html()
    #expect(!atWork.contains("optireplay resume 7") && !atWork.contains("because &lt;of"), "a process is at it")
  }

  @Test("what is not known is said where it would stand")
  func unknown() {
    var report = sampleReport()
    (report.times, report.latency, report.configuration, report.sizes, report.answers) = (nil, nil, nil, nil, [:])
    for fact in ["event_times", "latency_ms", "configuration", "body_sizes", "answers"] {
      report.unknown.append(.init(fact, "why \(fact)"))
    }
    let page = RunReportPage(report).html()
    for unknown in report.unknown { #expect(page.contains("not known: \(unknown.why)."), "\(unknown.fact)") }
  }

  @Test("of a run that read nothing is a page too")
  func empty() {
    let summary = RunSummary(run: "1", endpoint: "us", rehearsal: false)
    for phase in ["staging", "planning", "refused", "sending", "complete", "forgotten"] {
      let report = RunReport(summary: summary, account: "1", phase: phase, createdAt: 0, updatedAt: 0, madeAt: 0)
      #expect(RunReportPage(report).html().contains("nothing to tell"))
    }
  }

  @Test("stays under 2 MB however many files and experiments there are, and says what it leaves out")
  func bounded() throws {
    var report = sampleReport()
    report.inputs = (0..<65_535).map {
      .init(
        path: "/a/rather/long/folder/of/exports/part-\($0).csv", format: "csv", byteCount: $0, recordCount: 1,
        digest: "0123456789abcdef0123456789abcdef")
    }
    let variations = (0..<4).map { variation in
      let events = (0..<5).map {
        "{\"key\":\"k\($0)\",\"entity_id\":\"\($0)\",\"converting_visitors\":1,\"conversions\":1,\"revenue\":0,\"value\":0}"
      }
      return "{\"variation_id\":\"\(variation)\",\"visitors\":10,\"events\":[\(events.joined(separator: ","))]}"
    }.joined(separator: ",")
    let experiments = (0..<2000).map { "{\"experiment_id\":\"\($0)\",\"campaign_id\":\"9\",\"variations\":[\(variations)]}" }
    report.summary.expected = try JSONDecoder().decode(
      Results.self, from: Data("{\"experiments\":[\(experiments.joined(separator: ","))],\"not_counted\":{}}".utf8))
    report.configuration = String(repeating: "x: <&\n", count: Limits.shownConfigurationBytes / 6)
    let page = RunReportPage(report).html()
    #expect(page.utf8.count < 2_000_000, "\(page.utf8.count)")
    #expect(page.contains("64,535 more files had no room") && page.contains("more experiments had no room"))
  }

  @Test(
    "a picture's scale ends with a round number that is at least what it shows",
    arguments: [0.0, 0.001, 0.7, 1, 1.1, 283, 300, 301, 999, 1e9])
  func scale(value: Double) {
    let top = Charts.niceTop(value)
    #expect(top >= value * 0.999_999 && (value == 0 || top <= value * 1.5 + 1e-12))
  }
}

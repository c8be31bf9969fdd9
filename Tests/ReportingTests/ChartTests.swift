import Foundation
import Testing

@testable import Counting
@testable import Reporting

/// Details with a name in every place where one can stand.
private func details(_ name: String, spans: Int = 3, spanDays: Int = 1) -> ResultDetails {
  func row(_ visitors: Int) -> Results.Variation {
    // Written just here.
    let text =
      #"{"variation_id":\#(quoted(name)),"visitors":\#(visitors),"events":[{"key":\#(quoted(name)),"entity_id":"5","#
      + #""converting_visitors":4,"conversions":5,"revenue":1234,"value":0.5}]}"#
    return try! JSONDecoder().decode(Results.Variation.self, from: Data(text.utf8))
  }
  let event = ResultDetails.Event(key: name, entityID: "5", convertingVisitors: [0, 1] + [Int](repeating: 1, count: max(0, spans - 2)))
  let variation = ResultDetails.Variation(
    variationID: name, visitors: [0, 10] + [Int](repeating: 10, count: max(0, spans - 2)), events: [event])
  return ResultDetails(
    experiments: [
      ResultDetails.Experiment(
        experimentID: "30", campaignID: "20",
        timeline: ResultDetails.Timeline(spanDays: spanDays, firstDay: 19_844, spanCount: spans, variations: [variation]),
        attributes: [
          ResultDetails.Attribute(key: name, type: "custom", values: [ResultDetails.Value(text: name, variations: [row(8)])]),
          ResultDetails.Attribute(key: "", type: name, values: []),
        ])
    ], wideAttributes: [name])
}

private func quoted(_ text: String) -> String { String(decoding: try! JSONEncoder().encode(text), as: UTF8.self) }

private func page(_ details: ResultDetails?) -> String {
  let text = #"{"experiments":[{"experiment_id":"30","campaign_id":"20","variations":[]}],"not_counted":{}}"#
  return ResultsPage(sandbox: try! JSONDecoder().decode(Results.self, from: Data(text.utf8)), details).html()
}

@Suite("Curves and segments on a page")
struct ChartTests {
  @Test("curves add up what came, and a rate begins with the first visitor")
  func curves() {
    let html = page(details("a"))
    for text in [
      "<tr><th scope=\"row\">2024-05-01</th><td>0</td><td>–</td></tr>",
      "<tr><th scope=\"row\">2024-05-02</th><td>1</td><td>10.00\u{a0}%</td></tr>",
      "<tr><th scope=\"row\">2024-05-03</th><td>2</td><td>10.00\u{a0}%</td></tr>", "<tr><th scope=\"row\">2024-05-03</th><td>20</td></tr>",
      "Visitors, so far, by day from 2024-05-01 to 2024-05-03. At the end a: 20.",
      // The rate has two points, the visitors three.
      "points=\"199.0,10.0 352.0,10.0\"", "points=\"46.0,144.0 199.0,77.0 352.0,10.0\"",
    ] { #expect(html.contains(text), "\(text)") }
  }

  @Test("spans are called by their length", arguments: [(1, "by day"), (7, "by week"), (28, "by 4 weeks"), (364, "by 52 weeks")])
  func spans(days: Int, words: String) { #expect(page(details("a", spanDays: days)).contains("Numbers \(words)<")) }

  @Test("a segment shows visitors, rate and sums, and attributes that are left out are named")
  func segments() {
    let html = page(details("gold"))
    #expect(html.contains("<caption><bdi>gold</bdi> = <bdi>gold</bdi> <small>8 visitors</small></caption>"))
    for text in ["<td>50.00\u{a0}%</td>", "<td>12.34</td>", "<td>0.50</td>", "are left out: <bdi>gold</bdi>."] {
      #expect(html.contains(text), "\(text)")
    }
  }

  @Test("without details there are neither, and too much is said")
  func absent() {
    #expect(!page(nil).contains("Over time") && !page(nil).contains("Segments"))
    #expect(page(ResultDetails(isTooMuch: true)).contains("too many variations"))
  }

  @Test(
    "no text of the input ends an element or an attribute of it",
    arguments: [
      "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onfocus='x", "</style>", "\u{0}\u{8}\n", "\u{202e}", "--> ]]>",
    ])
  func hostile(name: String) {
    func tags(_ html: String) -> [Substring] { html.split(separator: "<").map { $0.prefix { $0 != " " && $0 != ">" } } }
    let (clean, found) = (page(details("a")), page(details(name)))
    #expect(tags(found) == tags(clean))
    #expect(found.count { $0 == "\"" } == clean.count { $0 == "\"" })
  }

  @Test(
    "a scale has two to five lines at round numbers, and leaves nothing out",
    arguments: [
      (0, 1, 1), (0.5, 0.2, 0.6), (1, 0.5, 1), (2, 1, 2), (2.1, 1, 3), (4, 1, 4), (9, 5, 10), (10, 5, 10), (1234, 1000, 2000),
      (0.0007, 0.0002, 0.0008),
      (1_000_000, 500_000, 1_000_000),
    ] as [(Double, Double, Double)])
  func scale(most: Double, step: Double, top: Double) {
    let found = LineChart.scale(most)
    #expect(abs(found.step - step) < step * 1e-9 && abs(found.top - top) < top * 1e-9, "\(found)")
  }
}

@Suite("The page of trouble")
struct FaultsPageTests {
  private func page(_ value: String, problem: String? = nil, isLong: Bool = false) -> String {
    FaultsPage(
      [.init(name: "fail", label: "Fail", hint: "Share", isLong: isLong, value: value, problem: problem)], made: [("Requests", 1234)],
      seconds: 5, isSet: problem == nil
    ).html()
  }

  @Test("each field has a label, what it means, and what is wrong with it", arguments: [true, false])
  func fields(isLong: Bool) {
    let sound = page("10%", isLong: isLong)
    #expect(
      sound.contains("<label for=\"fail\">") && sound.contains("aria-describedby=\"fail-hint\"") && !sound.contains("aria-invalid=\"true\"")
    )
    #expect(sound.contains("role=\"status\"") && sound.contains(">1,234<"))
    let wrong = page("10", problem: "a share is written 10%", isLong: isLong)
    #expect(wrong.contains("aria-describedby=\"fail-problem fail-hint\" aria-invalid=\"true\"") && wrong.contains("role=\"alert\""))
    #expect(wrong.contains("id=\"fail-problem\">a share is written 10%<") && wrong.contains("<title>Not set:"))
  }

  @Test("what was typed comes back as text", arguments: ["\"><script>", "</textarea><b>", "'&amp;"], [true, false])
  func hostile(value: String, isLong: Bool) {
    func tags(_ html: String) -> [Substring] { html.split(separator: "<").map { $0.prefix { $0 != " " && $0 != ">" } } }
    #expect(tags(page(value, isLong: isLong)) == tags(page("a", isLong: isLong)))
  }

  @Test("lines stay lines, and it needs no script and sends to itself alone")
  func policy() {
    let html = page("a\nb", isLong: true)
    #expect(html.contains(">\na\nb</textarea>") && !html.contains("<script") && html.contains("method=\"post\" action=\"/faults\""))
    #expect(FaultsPage.policy.contains("form-action 'self'") && FaultsPage.policy.contains("frame-ancestors 'none'"))
    #expect(!FaultsPage.policy.contains("script-src") && ResultsPage.policy.contains("form-action 'none'"))
  }
}

/// Segments of an experiment with some variations, in which visitors with one value convert and those with another do not.
private func segments(variations count: Int) -> String {
  func rows(_ conversions: Int) -> [Results.Variation] {
    (1...count).map { number in
      Results.Variation(
        variationID: "\(number)", visitors: 10,
        events: [
          Results.Event(
            key: "buy", entityID: "5", convertingVisitors: min(conversions, number), conversions: min(conversions, number),
            revenue: Int64(conversions * 700 * number), value: 0, revenueSquares: Int128(conversions * 490_000 * number)),
          Results.Event(key: "look", entityID: "6", convertingVisitors: 0, conversions: 0, revenue: 0, value: 0, revenueSquares: 0),
        ])
    }
  }
  let timeline = ResultDetails.Timeline(
    spanDays: 1, firstDay: 0, spanCount: 1,
    variations: (1...count).map { ResultDetails.Variation(variationID: "\($0)", visitors: [10], events: []) })
  let values = [ResultDetails.Value(text: "gold", variations: rows(3)), ResultDetails.Value(text: "iron", variations: rows(0))]
  return SegmentSection(
    ResultDetails.Experiment(
      experimentID: "30", campaignID: "20", timeline: timeline,
      attributes: [ResultDetails.Attribute(key: "plan", type: "custom", values: values)]), number: 1, wide: []
  ).html()
}

@Suite("Segments")
struct SegmentTests {
  @Test("show events that count in them alone, and say so of those without any")
  func events() {
    let shown = segments(variations: 2)
    #expect(shown.contains("event <bdi>5</bdi>") && !shown.contains("event <bdi>6</bdi>") && shown.count(of: "class=\"event\"") == 1)
    #expect(shown.contains("<small>20 visitors, no conversion that counts</small>") && shown.contains("<small>20 visitors</small>"))
  }

  @Test("compare few variations, in rates and in revenue per visitor", arguments: [1, 2, 4, 5])
  func comparisons(variations: Int) {
    let shown = segments(variations: variations)
    let compares = (2...4).contains(variations)
    #expect(shown.contains("percentage points") == compares && shown.contains("the less one of them says") == compares)
    #expect(shown.contains("4 variations at most") == (variations > 4))
    // One of 10 against two, by Newcombe; 21 units of 10 against 42.
    #expect(shown.contains("+10.00 (−") == compares && shown.contains("+2.10 (−") == compares)
  }
}

extension String {
  fileprivate func count(of text: String) -> Int { components(separatedBy: text).count - 1 }
}

import Foundation
import Testing
import Vocabulary

@testable import Counting
@testable import Reporting

/// Two variations or more, each with the same events but for numbers.
private func results(_ names: [String], event: String = "buy", revenue: Int64 = 789_281) -> Results {
  let variations = names.enumerated().map { at, name in
    """
    {"variation_id":\(quoted(name)),"visitors":\(1_000 + at),"events":[{"key":\(quoted(event)),"entity_id":"50","converting_visitors":\(119 + at),
    "conversions":\(200 + at),"revenue":\(revenue),"value":12.5}]}
    """
  }
  let text = """
    {"experiments":[{"experiment_id":"30","campaign_id":"20","variations":[\(variations.joined(separator: ","))]}],
    "not_counted":{"before_decision":1234,"duplicate":7}}
    """
  // Written just above.
  return try! JSONDecoder().decode(Results.self, from: Data(text.utf8))
}

private func quoted(_ text: String) -> String { String(decoding: try! JSONEncoder().encode(text), as: UTF8.self) }

@Suite("A results page")
struct PageTests {
  @Test("shows each number as it was counted, and as people read it")
  func numbers() {
    let page = ResultsPage(sandbox: results(["41", "42"])).html()
    for number in [
      #"<data class="visitors" value="1000">1,000</data>"#, #"<data class="visitors" value="1001">1,001</data>"#,
      #"<data class="converting_visitors" value="119">119</data>"#, #"<data class="conversions" value="201">201</data>"#,
      #"<data class="revenue" value="789281">7,892.81</data>"#, #"<data class="value" value="12.5">12.50</data>"#,
      #"<data class="events" value="1234">1,234</data>"#, #"<data class="events" value="7">7</data>"#,
    ] { #expect(page.contains(number), "\(number)") }
    // 119 of 1,000 and 120 of 1,001: what a calculator says.
    for text in ["11.90\u{a0}%", "11.99\u{a0}%", "+0.09", "49.98\u{a0}%", "7.89"] { #expect(page.contains(text), "\(text)") }
  }

  @Test("compares revenue per visitor where it is known what each visitor brought, and says what is not counted in an experiment")
  func revenue() {
    func page(squares: [Int128?], reasons: [String: Int]? = nil) -> String {
      let variations = zip(["41", "42"], squares).enumerated().map { at, one in
        Results.Variation(
          variationID: one.0, visitors: at == 0 ? 10 : 5,
          events: [
            Results.Event(
              key: "buy", entityID: "9", convertingVisitors: at == 0 ? 4 : 1, conversions: 4, revenue: at == 0 ? 17_499 : 1_999, value: 0,
              revenueSquares: one.1)
          ])
      }
      return ResultsPage(
        sandbox: Results(
          experiments: [.init(experimentID: "3", campaignID: "2", variations: variations, notCounted: reasons)])
      ).html()
    }
    let known = page(squares: [179_220_003, 3_996_001], reasons: ["before_decision": 1, "later_decision": 1_200])
    // 13.501 less, by Welch between −43.26 and +16.25.
    #expect(known.contains("−13.50</span>") && known.contains("−43.26 to +16.25") && known.contains("−16.25 to +43.26"))
    #expect(known.contains(#"<data data-reason="before_decision" value="1">1</data> conversion from before its visitor’s decision, and "#))
    #expect(known.contains(#"<data data-reason="later_decision" value="1200">1,200</data> later decisions"#))
    for unknown in [page(squares: [nil, nil]), page(squares: [0, 0])] {
      #expect(
        !unknown.contains("−43.26") && !unknown.contains("Revenue per visitor <small>") && !unknown.contains("Not counted in this"))
    }
    #expect(page(squares: [nil, 3_996_001]).contains("<td>4.00</td>"))
  }

  @Test(
    "ends with no text of the input",
    arguments: ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onfocus='x", "&lt;", "</style>", "\u{0}\u{8}"])
  func hostile(name: String) throws {
    let clean = ResultsPage(sandbox: results(["41", "a"], event: "b")).html()
    let page = ResultsPage(sandbox: results(["41", name], event: name)).html()
    func tags(_ page: String) throws -> [Substring] {
      let body = try #require(page.range(of: "<body>"))
      return page[body.upperBound...].split(separator: "<").map { $0.prefix { $0 != " " && $0 != ">" } }
    }
    let (found, expected) = (try tags(page), try tags(clean))
    #expect(found == expected)
    #expect(page.count { $0 == "\"" } == clean.count { $0 == "\"" } && !page.contains("onfocus='"))
    #expect(!page.unicodeScalars.contains("\u{0}") && !page.unicodeScalars.contains("\u{8}"))
  }

  @Test("loads nothing, and its policy lets nothing be loaded")
  func selfContained() {
    for page in [
      ResultsPage(sandbox: results(["41", "42"])), ResultsPage(plan: RunSummary(run: "plan", endpoint: "us", rehearsal: false)),
    ] {
      let html = page.html()
      for word in ["http:", "https:", " src=", "url(", "@import", " style=", " onclick="] { #expect(!html.contains(word), "\(word)") }
      #expect(html.contains("content=\"default-src 'none'; style-src 'sha256-"))
      #expect(!html.contains("unsafe-inline"))
    }
    #expect(ResultsPage.policy.contains("frame-ancestors 'none'") && ResultsPage.policy.contains("script-src 'sha256-"))
    // A file is never live, so it needs no script and is allowed none.
    #expect(!ResultsPage(plan: RunSummary(run: "plan", endpoint: "us", rehearsal: false)).html().contains("script"))
  }

  @Test("offers each variation as a baseline, twelve at most, and none where there is nothing to compare", arguments: [1, 2, 12, 13])
  func baselines(variations: Int) {
    let page = ResultsPage(sandbox: results((10..<(10 + variations)).map { "\($0)" })).html()
    #expect(page.components(separatedBy: "<option ").count - 1 == (variations == 1 ? 0 : min(variations, 12)))
    #expect(page.contains("nothing to check") == (variations == 1))
  }

  @Test("a sample ratio mismatch is said, and no mismatch too")
  func sampleRatio() {
    var uneven = results(["41", "42"])
    #expect(ResultsPage(sandbox: uneven).html().contains("no sign of a mismatch"))
    uneven.experiments[0].variations[0].visitors = 821_588
    uneven.experiments[0].variations[1].visitors = 815_482
    #expect(ResultsPage(sandbox: uneven).html().contains("Sample ratio mismatch."))
  }

  @Test("of a plan tells duplicates from its records, and that nothing was sent")
  func plan() {
    var summary = RunSummary(run: "plan", endpoint: "us", rehearsal: false)
    summary.records.duplicate = 3
    let page = ResultsPage(plan: summary).html()
    #expect(page.contains("<tr data-reason=\"duplicate\"><th scope=\"row\">Duplicate</th><td><data class=\"events\" value=\"3\">3<"))
    #expect(page.contains("Nothing was sent") && page.contains("no experiment to show"))
  }

  @Test("an event that one variation lacks is zero there")
  func missingEvent() {
    var lacking = results(["41", "42"])
    lacking.experiments[0].variations[1].events = []
    let page = ResultsPage(sandbox: lacking).html()
    #expect(page.contains(#"<data class="converting_visitors" value="0">0</data>"#) && page.contains("−11.90"))
  }
}

@Suite("A number on a page")
struct NumberTests {
  @Test(
    "hundredths become units exactly",
    arguments: [
      (0, "0.00"), (1, "0.01"), (99, "0.99"), (100, "1.00"), (-1, "−0.01"), (123_456_789, "1,234,567.89"),
      (.max, "92,233,720,368,547,758.07"),
      (.min, "−92,233,720,368,547,758.08"),
    ] as [(Int64, String)])
  func units(hundredths: Int64, text: String) { #expect(Markup.units(hundredths) == text) }

  @Test(
    "fractions have the decimals asked for, and nothing has no sign",
    arguments: [
      (0, 2, "0.00"), (-0.001, 2, "0.00"), (-0.006, 2, "−0.01"), (1_234.5, 0, "1,234"), (1_234.567, 2, "1,234.57"), (-1e16, 2, "−1e+16"),
      (999_999_999_999_999, 0, "999,999,999,999,999"),
    ] as [(Double, Int, String)])
  func decimals(value: Double, decimals: Int, text: String) { #expect(Markup.decimal(value, decimals) == text) }

  @Test(
    "a change has its sign unless it is none", arguments: [(0.0307, "+3.07"), (-0.0028, "−0.28"), (0.00001, "0.00"), (-0.00001, "0.00")])
  func changes(share: Double, text: String) { #expect(Markup.change(share) == text) }

  @Test(
    "a small probability is said to be small", arguments: [(1.8e-6, "below 0.0001"), (0.0001, "0.0001"), (0.5915, "0.5915"), (1, "1.0000")])
  func probabilities(value: Double, text: String) { #expect(Markup.probability(value) == text) }
}

import Counting

/// One experiment on a results page.
struct ExperimentSection {
  /// What an event is known by.
  private struct Kind: Hashable {
    var entityID: String
    var key: String
  }

  private let experiment: Results.Experiment
  private let number: Int
  private let kinds: [Kind]
  private let details: ResultDetails.Experiment?
  private let wideAttributes: [String]

  /// `details` are those of all experiments, or nil where they were not counted.
  init(_ experiment: Results.Experiment, number: Int, details: ResultDetails? = nil) {
    self.experiment = experiment
    self.number = number
    self.details = details?.experiments.first {
      $0.experimentID == experiment.experimentID && $0.campaignID == experiment.campaignID
    }
    wideAttributes = details?.wideAttributes ?? []
    let all = Set(experiment.variations.flatMap { $0.events.map { Kind(entityID: $0.entityID, key: $0.key) } })
    kinds = all.sorted { ($0.entityID, $0.key) < ($1.entityID, $1.key) }
  }

  private var variations: [Results.Variation] { experiment.variations }
  private var visitorCount: Int { variations.reduce(0) { $0 + $1.visitors } }
  private var versus: Versus { Versus(variations: variations.count) }
  private var hasComparison: Bool { variations.count > 1 }

  func html() -> String {
    """
    <section aria-labelledby="experiment-\(number)" data-experiment="\(Markup.escaped(experiment.experimentID))"\
     data-campaign="\(Markup.escaped(experiment.campaignID))">
    <h2 id="experiment-\(number)">Experiment \(Markup.name(experiment.experimentID)) \
    <span class="soft">campaign \(Markup.name(experiment.campaignID))</span></h2>
    \(sampleRatio)
    \(visitorTable)
    \(kinds.isEmpty ? "<p>No conversion of these visitors is counted.</p>" : choice + "\n" + eventTable + "\n" + revenueTable)
    \(notCounted)
    \(details.map { TimelineSection($0).html() } ?? "")
    \(details.map { SegmentSection($0, number: number, wide: wideAttributes).html() } ?? "")
    </section>
    """
  }

  private var sampleRatio: String {
    guard let ratio = SampleRatio(variations.map(\.visitors)) else {
      return "<p>Sample ratio: nothing to check, since there is one variation only.</p>"
    }
    let freedom = ratio.degreesOfFreedom == 1 ? "1 degree of freedom" : "\(ratio.degreesOfFreedom) degrees of freedom"
    let test =
      "chi-square \(Markup.decimal(ratio.chiSquare, 2)), \(freedom), p\u{a0}\(ratio.probability < 0.0001 ? "" : "=\u{a0}")"
      + Markup.probability(ratio.probability)
    return ratio.isMismatch
      ? "<p><span class=\"warn\">Sample ratio mismatch.</span> Chance hardly ever spreads visitors so unevenly over equal shares "
        + "(\(test)): if equal shares were meant, rows are missing or doubled, and the comparisons below mislead. "
        + "Where another split was meant, this check does not apply.</p>"
      : "<p>Sample ratio: no sign of a mismatch, if equal shares were meant <span class=\"soft\">(\(test))</span>.</p>"
  }

  private var visitorTable: String {
    let rows = variations.map { variation in
      let share = visitorCount == 0 ? "–" : Markup.percent(Double(variation.visitors) / Double(visitorCount))
      return "<tr data-variation=\"\(Markup.escaped(variation.variationID))\"><th scope=\"row\">\(Markup.name(variation.variationID))</th>"
        + "<td>\(Markup.number("visitors", variation.visitors))</td><td>\(share)</td></tr>"
    }
    return scrolling(
      "Visitors",
      """
      <table class="visitors">
      <caption>Visitors <small>\(grouped(visitorCount)) in all</small></caption>
      <thead><tr><th scope="col">Variation</th><th scope="col">Visitors</th><th scope="col">Share</th></tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table>
      """)
  }

  /// Styles show the comparisons with the chosen baseline, so that choosing needs no script.
  private var choice: String {
    guard hasComparison else { return "" }
    let options = versus.baselines.map { at in
      let id = Markup.escaped(variations[at].variationID)
      return "<option value=\"\(id)\">\(id)</option>"
    }
    return """
      <p class="choice"><label for="baseline-\(number)">Baseline: variation</label> \
      <select id="baseline-\(number)" name="baseline of \(Markup.escaped(experiment.campaignID)) \(Markup.escaped(experiment.experimentID))">\
      \(options.joined())</select></p>
      """
  }

  private var eventTable: String {
    let points = "percentage points"
    let heads: [(String, String)] =
      [("Variation", ""), ("Converting", "visitors"), ("Rate", "% of visitors")]
      + (hasComparison ? [("Difference", points), ("95 % interval", points), ("Change", "% of baseline")] : [])
      + [("Conversions", ""), ("Revenue", "currency units"), ("Revenue", "per visitor"), ("Value", "")]
    let head = heads.map { "<th scope=\"col\">\($0)\($1.isEmpty ? "" : " <small>\($1)</small>")</th>" }.joined()
    let bodies = kinds.map { kind in body(kind, columns: heads.count) }
    return scrolling(
      "Events",
      """
      <table class="events">
      <caption>Events</caption>
      <thead><tr>\(head)</tr></thead>
      \(bodies.joined(separator: "\n"))
      </table>
      """)
  }

  private func body(_ kind: Kind, columns: Int) -> String {
    let events = events(kind)
    let rates = versus.comparisons(events.count) { at, base in
      RateComparison(events[at].proportion(of: variations[at].visitors), to: events[base].proportion(of: variations[base].visitors))
    }
    let areWhole = events.allSatisfy { $0.value == $0.value.rounded() }
    let rows = variations.indices.map { at in
      row(variations[at], events[at], valueDecimals: areWhole ? 0 : 2, rates: hasComparison ? cells(at, rates) : [])
    }
    return """
      <tbody data-key="\(Markup.escaped(kind.key))" data-entity="\(Markup.escaped(kind.entityID))">
      \(head(kind, columns: columns))
      \(rows.joined(separator: "\n"))
      </tbody>
      """
  }

  private func head(_ kind: Kind, columns: Int) -> String {
    let name = kind.key.isEmpty ? "Event \(Markup.name(kind.entityID))" : Markup.name(kind.key)
    let entity = kind.key.isEmpty ? "" : " <span class=\"soft\">event \(Markup.name(kind.entityID))</span>"
    return "<tr class=\"event\"><th scope=\"rowgroup\" colspan=\"\(columns)\"><span>\(name)\(entity)</span></th></tr>"
  }

  private func cells(_ at: Int, _ rates: [[RateComparison?]]) -> [String] {
    let reach = Versus.reach(rates)
    return [
      versus.cell(at, rates[at], baseline: "baseline") { Markup.change($0.difference) },
      versus.cell(at, rates[at]) { "\(Versus.interval($0) { Markup.change($0) }) \(Versus.picture($0, reach: reach))" },
      versus.cell(at, rates[at]) { $0.lift.map { Markup.change($0, "\u{a0}%") } ?? "–" },
    ]
  }

  private func row(_ variation: Results.Variation, _ event: Results.Event, valueDecimals: Int, rates: [String]) -> String {
    let cells =
      [
        Markup.number("converting_visitors", event.convertingVisitors),
        event.proportion(of: variation.visitors).rate.map(Markup.percent) ?? "–",
      ] + rates
      + [
        Markup.number("conversions", event.conversions), Markup.money("revenue", event.revenue),
        Markup.money(event.revenue, per: variation.visitors),
        Markup.number("value", "\(event.value)", Markup.decimal(event.value, valueDecimals)),
      ]
    return "<tr data-variation=\"\(Markup.escaped(variation.variationID))\">\(rowHead(variation))"
      + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"
  }

  private func rowHead(_ variation: Results.Variation) -> String { "<th scope=\"row\">\(Markup.name(variation.variationID))</th>" }

  private func events(_ kind: Kind) -> [Results.Event] {
    variations.map { variation in
      variation.events.first { $0.entityID == kind.entityID && $0.key == kind.key } ?? .none(kind.key, kind.entityID)
    }
  }

  // MARK: revenue

  /// Of the events that somebody brought revenue with, as far as it is known what each visitor brought.
  private var revenueTable: String {
    guard hasComparison else { return "" }
    let shown = kinds.filter { events($0).contains { $0.revenueSquares ?? 0 > 0 } }
    guard !shown.isEmpty else { return "" }
    let head = ["Variation", "Per visitor", "Difference", "95 % interval"].map { "<th scope=\"col\">\($0)</th>" }.joined()
    let bodies = shown.map { "<tbody>\n\(self.head($0, columns: 4))\n\(revenueRows(events($0)).joined(separator: "\n"))\n</tbody>" }
    return scrolling(
      "Revenue per visitor",
      """
      <table class="revenues">
      <caption>Revenue per visitor <small>currency units</small></caption>
      <thead><tr>\(head)</tr></thead>
      \(bodies.joined(separator: "\n"))
      </table>
      """)
  }

  private func revenueRows(_ events: [Results.Event]) -> [String] {
    let revenues = versus.comparisons(events.count) { at, base in
      MeanComparison(events[at], of: variations[at].visitors, to: events[base], of: variations[base].visitors)
    }
    let reach = Versus.reach(revenues)
    return variations.indices.map { at in
      let cells = [
        Markup.money(events[at].revenue, per: variations[at].visitors),
        versus.cell(at, revenues[at], baseline: "baseline") { Markup.moneyChange($0.difference) },
        versus.cell(at, revenues[at]) { "\(Versus.interval($0, Markup.moneyChange)) \(Versus.picture($0, reach: reach))" },
      ]
      return "<tr>\(rowHead(variations[at]))" + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"
    }
  }

  /// What is not counted in this experiment, although it may be in another.
  private var notCounted: String {
    let names: [(reason: Results.Reason, one: String, many: String)] = [
      (.beforeDecision, "conversion from before its visitor’s decision", "conversions from before their visitors’ decisions"),
      (.laterDecision, "later decision of a visitor who has one", "later decisions of visitors who have one"),
    ]
    let parts = names.compactMap { reason, one, many -> String? in
      guard let count = experiment.notCounted?[reason.rawValue], count > 0 else { return nil }
      return "<data data-reason=\"\(reason.rawValue)\" value=\"\(count)\">\(grouped(count))</data> \(count == 1 ? one : many)"
    }
    guard !parts.isEmpty else { return "" }
    return "<p class=\"apart\">Not counted in this experiment: \(parts.joined(separator: ", and ")). "
      + "<span class=\"soft\">They may be counted in another.</span></p>"
  }

  private func scrolling(_ name: String, _ table: String) -> String {
    let key = "\(name) of \(experiment.campaignID) \(experiment.experimentID)"
    return """
      <div class="scroll" role="region" tabindex="0" aria-label="\(name) of experiment \(Markup.escaped(experiment.experimentID))"\
       data-key="\(Markup.escaped(key))">
      \(table)
      </div>
      """
  }
}

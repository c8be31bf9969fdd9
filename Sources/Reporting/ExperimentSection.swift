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
  /// Positions of the variations that can be chosen as baselines.
  private var baselines: Range<Int> { 0..<min(variations.count, PageParts.baselines) }
  private var hasComparison: Bool { variations.count > 1 }

  func html() -> String {
    """
    <section aria-labelledby="experiment-\(number)" data-experiment="\(Markup.escaped(experiment.experimentID))"\
     data-campaign="\(Markup.escaped(experiment.campaignID))">
    <h2 id="experiment-\(number)">Experiment \(Markup.name(experiment.experimentID)) \
    <span class="soft">campaign \(Markup.name(experiment.campaignID))</span></h2>
    \(sampleRatio)
    \(visitorTable)
    \(kinds.isEmpty ? "<p>No conversion of these visitors is counted.</p>" : choice + "\n" + eventTable)
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
        + "(\(test)): if equal shares were meant, rows are missing or doubled, and the comparisons below mislead.</p>"
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
    let options = baselines.map { at in
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
    let heads: [(String, String)] =
      [("Variation", ""), ("Converting", "visitors"), ("Rate", "% of visitors")]
      + (hasComparison
        ? [("Difference", "percentage points"), ("95 % interval", "percentage points"), ("Change", "% of baseline")] : [])
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
    let events = variations.map { variation in
      variation.events.first { $0.entityID == kind.entityID && $0.key == kind.key }
        ?? Results.Event(key: kind.key, entityID: kind.entityID, convertingVisitors: 0, conversions: 0, revenue: 0, value: 0)
    }
    let comparisons = variations.indices.map { at in
      baselines.map { base in
        at == base ? nil : RateComparison(proportion(at, events[at]), to: proportion(base, events[base]))
      }
    }
    // One scale for all intervals of an event, so that their lengths can be compared.
    let reach = comparisons.joined().compactMap { $0 }.reduce(0.0) { max($0, -$1.interval.lowerBound, $1.interval.upperBound) }
    let areWhole = events.allSatisfy { $0.value == $0.value.rounded() }
    let rows = variations.indices.map { at in
      row(at, events[at], comparisons[at], reach: reach, valueDecimals: areWhole ? 0 : 2)
    }
    let name = kind.key.isEmpty ? "Event \(Markup.name(kind.entityID))" : Markup.name(kind.key)
    let entity = kind.key.isEmpty ? "" : " <span class=\"soft\">event \(Markup.name(kind.entityID))</span>"
    return """
      <tbody data-key="\(Markup.escaped(kind.key))" data-entity="\(Markup.escaped(kind.entityID))">
      <tr class="event"><th scope="rowgroup" colspan="\(columns)"><span>\(name)\(entity)</span></th></tr>
      \(rows.joined(separator: "\n"))
      </tbody>
      """
  }

  private func proportion(_ at: Int, _ event: Results.Event) -> Proportion {
    // Results that were read from elsewhere may say anything.
    Proportion(max(0, min(event.convertingVisitors, variations[at].visitors)), of: max(0, variations[at].visitors))
  }

  private func row(_ at: Int, _ event: Results.Event, _ comparisons: [RateComparison?], reach: Double, valueDecimals: Int) -> String {
    let variation = variations[at]
    var cells = [Markup.number("converting_visitors", event.convertingVisitors), proportion(at, event).rate.map(Markup.percent) ?? "–"]
    if hasComparison {
      cells.append(versus(at, comparisons) { "\(Markup.change($0.difference))" })
      cells.append(versus(at, comparisons, baseline: "") { interval($0, reach) })
      cells.append(versus(at, comparisons, baseline: "") { $0.lift.map { Markup.change($0, "\u{a0}%") } ?? "–" })
    }
    cells += [
      Markup.number("conversions", event.conversions), Markup.money("revenue", event.revenue),
      Markup.money(event.revenue, per: variation.visitors),
      Markup.number("value", "\(event.value)", Markup.decimal(event.value, valueDecimals)),
    ]
    return "<tr data-variation=\"\(Markup.escaped(variation.variationID))\"><th scope=\"row\">\(Markup.name(variation.variationID))</th>"
      + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"
  }

  /// A cell that says something else for each baseline.
  private func versus(
    _ at: Int, _ comparisons: [RateComparison?], baseline: String = "baseline", _ text: (RateComparison) -> String
  ) -> String {
    zip(baselines, comparisons).map { base, comparison in
      let shown = base == at ? "<span class=\"soft\">\(baseline)</span>" : comparison.map(text) ?? "–"
      return "<span class=\"versus v\(base + 1)\(comparison?.isClear == true ? " clear" : "")\">\(shown)</span>"
    }.joined()
  }

  private func interval(_ comparison: RateComparison, _ reach: Double) -> String {
    func place(_ value: Double) -> String { Markup.plain(reach == 0 ? 60 : 60 + 58 * value / reach) }
    let (low, high) = (comparison.interval.lowerBound, comparison.interval.upperBound)
    return """
      \(Markup.change(low)) to \(Markup.change(high)) <svg class="interval" viewBox="0 0 120 12" aria-hidden="true">\
      <line class="zero" x1="60" x2="60" y1="0" y2="12"/><line x1="\(place(low))" x2="\(place(high))" y1="6" y2="6"/>\
      <circle cx="\(place(comparison.difference))" cy="6" r="3"/></svg>
      """
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

import Counting
import Vocabulary

/// How an experiment's visitors and rates grew over time.
struct TimelineSection {
  /// Kinds of events that are drawn.
  static let eventLimit = 12

  private let timeline: ResultDetails.Timeline
  private let experiment: String
  private let key: String

  init(_ details: ResultDetails.Experiment) {
    timeline = details.timeline
    experiment = details.experimentID
    key = "\(details.campaignID) \(details.experimentID)"
  }

  private var variations: ArraySlice<ResultDetails.Variation> { timeline.variations.prefix(LineChart.lineLimit) }

  private var span: String {
    switch timeline.spanDays {
    case 1: "day"
    case 7: "week"
    default: "\(timeline.spanDays / 7) weeks"
    }
  }

  func html() -> String {
    guard timeline.spanCount > 0 else { return "" }
    let events = kinds
    var figures = [visitorsFigure()]
    figures += events.prefix(TimelineSection.eventLimit).enumerated().map { figure($0.element, number: $0.offset + 1) }
    var left: [String] = []
    if timeline.variations.count > LineChart.lineLimit {
      left.append("the first \(LineChart.lineLimit) of \(grouped(timeline.variations.count)) variations")
    }
    if events.count > TimelineSection.eventLimit {
      left.append("the first \(TimelineSection.eventLimit) of \(grouped(events.count)) events")
    }
    let note = left.isEmpty ? "" : " Shown are \(left.joined(separator: " and "))."
    let alone = timeline.spanCount == 1 ? " Everything is in one \(span)." : ""
    return """
      <h3>Over time</h3>
      <p class="soft">Up to the end of each \(span), in UTC; the last \(span) may not be over. A visitor counts from the decision on, and as converting
      from the first conversion on.\(alone)\(note)</p>
      <div class="charts">
      \(figures.joined(separator: "\n"))
      </div>
      """
  }

  private struct Kind: Hashable {
    var entityID: String
    var key: String
  }

  private var kinds: [Kind] {
    Set(timeline.variations.flatMap { $0.events.map { Kind(entityID: $0.entityID, key: $0.key) } })
      .sorted { ($0.entityID, $0.key) < ($1.entityID, $1.key) }
  }

  private func sums(_ counts: [Int]) -> [Int] {
    var sum = 0
    return counts.map { count in
      sum += count
      return sum
    }
  }

  private func visitorsFigure() -> String {
    let sums = variations.map { self.sums($0.visitors) }
    let lines = zip(variations, sums).map { variation, sums in LineChart.Line(name: variation.variationID, values: sums.map(Double.init)) }
    let heads = variations.map { "<th scope=\"col\">\(Markup.name($0.variationID))</th>" }.joined()
    let rows = (0..<timeline.spanCount).map { at in sums.map { "<td>\(grouped($0[at]))</td>" }.joined() }
    return figure("Visitors", "so far", lines, id: "visitors", heads: heads, rows: rows) { grouped(Int($0)) }
  }

  private func figure(_ kind: Kind, number: Int) -> String {
    let visitors = variations.map { sums($0.visitors) }
    let converting = variations.map { variation in
      let event = variation.events.first { $0.entityID == kind.entityID && $0.key == kind.key }
      return sums(event?.convertingVisitors ?? [Int](repeating: 0, count: timeline.spanCount))
    }
    func rate(_ variation: Int, _ at: Int) -> Double? {
      visitors[variation][at] == 0 ? nil : Double(converting[variation][at]) / Double(visitors[variation][at])
    }
    let spans = 0..<timeline.spanCount
    let lines = variations.enumerated().map { number, variation in
      LineChart.Line(name: variation.variationID, values: spans.map { rate(number, $0) })
    }
    let heads = variations.map { variation in
      "<th scope=\"col\">\(Markup.name(variation.variationID)) <small>converting</small></th><th scope=\"col\">\(Markup.name(variation.variationID)) "
        + "<small>rate</small></th>"
    }
    let rows = spans.map { at in
      variations.indices.map { variation in
        "<td>\(grouped(converting[variation][at]))</td><td>\(rate(variation, at).map(Markup.percent) ?? "–")</td>"
      }.joined()
    }
    let name = kind.key.isEmpty ? "event \(kind.entityID)" : kind.key
    return figure(name, "converting, % of visitors so far", lines, id: "event \(number)", heads: heads.joined(), rows: rows) {
      Markup.decimal($0 * 100, most(lines) < 0.05 ? 1 : 0) + "\u{a0}%"
    }
  }

  private func most(_ lines: [LineChart.Line]) -> Double { lines.flatMap(\.values).compactMap(\.self).max() ?? 0 }

  private func figure(
    _ name: String, _ unit: String, _ lines: [LineChart.Line], id: String, heads: String, rows: [String],
    write: @escaping (Double) -> String
  ) -> String {
    let days = (0..<timeline.spanCount).map { CivilDay(timeline.firstDay + $0 * timeline.spanDays).text }
    let ends = lines.compactMap { line in line.values.last?.map { "\(line.name): \(write($0))" } }
    let chart = LineChart(
      words: "\(name), \(unit), by \(span) from \(days[0]) to \(days[days.count - 1]). At the end \(ends.joined(separator: ", ")).",
      lines: lines, ends: (days[0], days[days.count - 1]), write: write)
    let table = zip(days, rows).map { "<tr><th scope=\"row\">\($0)</th>\($1)</tr>" }
    let place = Markup.escaped("\(id) over time of \(key)")
    return """
      <figure>
      <figcaption>\(Markup.name(name)) <small class="soft">\(unit)</small></figcaption>
      \(chart.svg())
      \(chart.legend())
      <details data-key="\(place)"><summary data-key="\(place), numbers">Numbers by \(span)</summary>
      <div class="scroll" role="region" tabindex="0" aria-label="\(Markup.escaped(name)) over time in experiment \(Markup.escaped(experiment))"\
       data-key="\(place), table">
      <table class="timeline">
      <caption>\(Markup.name(name)) <small>\(unit)</small></caption>
      <thead><tr><th scope="col">\(timeline.spanDays == 1 ? "Day" : "First day")</th>\(heads)</tr></thead>
      <tbody>
      \(table.joined(separator: "\n"))
      </tbody>
      </table>
      </div></details>
      </figure>
      """
  }
}

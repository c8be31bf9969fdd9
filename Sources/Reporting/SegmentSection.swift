import Counting
import Vocabulary

/// An experiment's results for visitors with an attribute, value by value.
struct SegmentSection {
  private let details: ResultDetails.Experiment
  private let number: Int
  private let wide: [String]

  init(_ details: ResultDetails.Experiment, number: Int, wide: [String]) {
    self.details = details
    self.number = number
    self.wide = wide
  }

  /// Whether differences are shown: each variation beside each, in each segment, is too much for a page when there are many.
  private var compares: Bool { (2...PageParts.comparedInSegments).contains(details.timeline.variations.count) }

  private var attributes: ArraySlice<ResultDetails.Attribute> { details.attributes.prefix(PageParts.attributes) }

  func html() -> String {
    guard !details.attributes.isEmpty || !wide.isEmpty else { return "" }
    let options = attributes.map { "<option>\(Markup.escaped(name($0)))</option>" }
    let choice =
      options.isEmpty
      ? ""
      : """
      <p class="by"><label for="attribute-\(number)">Attribute</label> \
      <select id="attribute-\(number)" name="attribute of \(Markup.escaped(details.campaignID)) \(Markup.escaped(details.experimentID))">\
      \(options.joined())</select></p>
      """
    return """
      <h3>Segments</h3>
      <p class="soft">A segment has the visitors whose decision has the value, or a conversion that counts; of their conversions it has those that
      have the value themselves. Visitors with several values are in several segments, those without the attribute in none.\(comparing)\(left)</p>
      \(choice)
      \(attributes.enumerated().map { segments($0.element, number: $0.offset + 1) }.joined(separator: "\n"))
      """
  }

  /// What differences in segments say, and what not.
  private var comparing: String {
    guard compares else {
      return details.timeline.variations.count > PageParts.comparedInSegments
        ? " Differences are shown in segments of \(PageParts.comparedInSegments) variations at most." : ""
    }
    return
      " Differences are those to the baseline chosen above. Of 20 that chance alone makes, one is in bold: the more segments are looked at, "
      + "the less one of them says. Where a conversion alone, and not the decision, puts visitors into a segment, rates in it are higher and "
      + "differences say little."
  }

  /// What is not shown.
  private var left: String {
    var words = ""
    if details.attributes.count > PageParts.attributes {
      words += " Shown are the first \(PageParts.attributes) of \(grouped(details.attributes.count)) attributes."
    }
    if !wide.isEmpty {
      let names = wide.prefix(PageParts.attributes).map(Markup.name).joined(separator: ", ")
      words += " Attributes with more than \(Limits.attributeValues) values are left out:"
      words += " \(names)\(wide.count > PageParts.attributes ? " and more" : "")."
    }
    return words
  }

  private func name(_ attribute: ResultDetails.Attribute) -> String {
    let isAlone = !details.attributes.contains { $0.key == attribute.key && $0.type != attribute.type }
    if attribute.key.isEmpty { return attribute.type }
    return isAlone ? attribute.key : "\(attribute.key) (\(attribute.type))"
  }

  private func segments(_ attribute: ResultDetails.Attribute, number: Int) -> String {
    let shown = attribute.values.prefix(PageParts.values)
    let more = attribute.values.count - shown.count
    let rest = more > 0 ? "<p class=\"soft\">\(grouped(more)) more \(more == 1 ? "value has" : "values have") fewer visitors.</p>" : ""
    return """
      <div class="segment a\(number)" data-attribute="\(Markup.escaped(name(attribute)))">
      \(shown.map { table($0, of: attribute) }.joined(separator: "\n"))
      \(rest)
      </div>
      """
  }

  private struct Kind: Hashable {
    var entityID: String
    var key: String
  }

  private func table(_ value: ResultDetails.Value, of attribute: ResultDetails.Attribute) -> String {
    // Kinds of events that visitors of other segments did are no news here.
    let kinds = Set(value.variations.flatMap { $0.events.filter { $0.conversions > 0 }.map { Kind(entityID: $0.entityID, key: $0.key) } })
      .sorted { ($0.entityID, $0.key) < ($1.entityID, $1.key) }
    let comparesRevenue = compares && value.variations.contains { $0.events.contains { $0.revenueSquares ?? 0 > 0 } }
    let hasValue = value.variations.contains { $0.events.contains { $0.value != 0 } }
    let points = "percentage points"
    let heads: [(String, String)] =
      [("Variation", ""), ("Visitors", ""), ("Converting", "visitors"), ("Rate", "% of visitors")]
      + (compares ? [("Difference (95 % interval)", points)] : [])
      + [("Conversions", ""), ("Revenue", "currency units"), ("Revenue", "per visitor")]
      + (comparesRevenue ? [("Difference (95 % interval)", "per visitor")] : []) + (hasValue ? [("Value", "")] : [])
    let head = heads.prefix(kinds.isEmpty ? 2 : heads.count)
      .map { "<th scope=\"col\">\($0)\($1.isEmpty ? "" : " <small>\($1)</small>")</th>" }.joined()
    let bodies = kinds.map { kind in
      let entity = "<span class=\"soft\">event \(Markup.name(kind.entityID))</span>"
      let name = kind.key.isEmpty ? "Event \(Markup.name(kind.entityID))" : "\(Markup.name(kind.key)) \(entity)"
      return """
        <tbody><tr class="event"><th scope="rowgroup" colspan="\(heads.count)"><span>\(name)</span></th></tr>
        \(rows(kind, value.variations, comparesRevenue: comparesRevenue, hasValue: hasValue).joined(separator: "\n"))
        </tbody>
        """
    }
    let alone = value.variations.map { "<tr>\(rowHead($0))</tr>" }.joined(separator: "\n")
    let place = Markup.escaped("\(name(attribute)) = \(value.text) of \(details.campaignID) \(details.experimentID)")
    return """
      <div class="scroll" role="region" tabindex="0" aria-label="\(Markup.escaped("\(name(attribute)) = \(value.text)")), experiment \
      \(Markup.escaped(details.experimentID))" data-key="\(place)">
      <table class="values" data-value="\(Markup.escaped(value.text))">
      <caption>\(Markup.name(name(attribute))) = \(value.text.isEmpty ? "(empty)" : Markup.name(value.text)) \
      <small>\(counted(value.visitors, "visitor"))\(kinds.isEmpty ? ", no conversion that counts" : "")</small></caption>
      <thead><tr>\(head)</tr></thead>
      \(kinds.isEmpty ? "<tbody>\n\(alone)\n</tbody>" : bodies.joined(separator: "\n"))
      </table>
      </div>
      """
  }

  private func rowHead(_ variation: Results.Variation) -> String {
    "<th scope=\"row\">\(Markup.name(variation.variationID))</th><td>\(Markup.number("segment_visitors", variation.visitors))</td>"
  }

  private func rows(_ kind: Kind, _ variations: [Results.Variation], comparesRevenue: Bool, hasValue: Bool) -> [String] {
    let versus = Versus(variations: variations.count)
    let events = variations.map { variation in
      variation.events.first { $0.entityID == kind.entityID && $0.key == kind.key } ?? .none(kind.key, kind.entityID)
    }
    let rates = versus.comparisons(compares ? events.count : 0) { at, base in
      RateComparison(events[at].proportion(of: variations[at].visitors), to: events[base].proportion(of: variations[base].visitors))
    }
    let revenues = versus.comparisons(comparesRevenue ? events.count : 0) { at, base in
      MeanComparison(events[at], of: variations[at].visitors, to: events[base], of: variations[base].visitors)
    }
    return variations.indices.map { at in
      let event = events[at]
      var cells = [grouped(event.convertingVisitors), event.proportion(of: variations[at].visitors).rate.map(Markup.percent) ?? "–"]
      if compares {
        cells.append(versus.cell(at, rates[at], baseline: "baseline") { Versus.words($0) { Markup.change($0) } })
      }
      cells += [grouped(event.conversions), Markup.units(event.revenue), Markup.money(event.revenue, per: variations[at].visitors)]
      if comparesRevenue {
        cells.append(versus.cell(at, revenues[at], baseline: "baseline") { Versus.words($0, Markup.moneyChange) })
      }
      if hasValue { cells.append(Markup.decimal(event.value, event.value == event.value.rounded() ? 0 : 2)) }
      return "<tr>\(rowHead(variations[at]))" + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"
    }
  }
}

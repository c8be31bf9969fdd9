internal import Bytes

/// Counts what stands behind the results: times and segments. Cells and tallies have the numbers that the counter of results gives them.
///
/// Memory: at most `Limits.detailNumbers`, about 150 bytes each; with more there are no details at all, which is so in any order too.
struct DetailCounter: Sendable {
  /// A variation or one of its events, among those with a value.
  private struct Row: Hashable, Sendable {
    var isTally: Bool
    var number: Int
    var value: Int
  }

  private struct Segment: Sendable {
    /// Visitors, or converting visitors of a tally.
    var visitors = 0
    var conversions = 0
    var revenue = RevenueSum()
    var sum = ExactSum()
    /// The visitor that came last, so that a visitor counts once.
    var lastVisitor = -1

    /// Returns whether it is another visitor than the last.
    @discardableResult
    mutating func add(visitor: Int) -> Bool {
      defer { lastVisitor = visitor }
      if lastVisitor != visitor { visitors += 1 }
      return lastVisitor != visitor
    }
  }

  private let limits: DetailLimits
  private var attributes: AttributeReader
  private var segments: [Row: Segment] = [:]
  /// Attributes with too many values, whose segments are gone.
  private var wide: Set<Int> = []
  /// By experiment.
  private var timelines: [TimelineCounter] = []
  /// Numbers in all timelines.
  private var timeRows = 0
  /// Of the visitor at hand, by membership: what its decision says.
  private var decisionValues: [[Int]] = []
  /// Of the visitor at hand, by tally: its first conversion.
  private var firstConversions: [Int: Int64] = [:]
  private(set) var isTooMuch = false

  init(_ limits: DetailLimits) {
    self.limits = limits
    attributes = AttributeReader(valueLimit: limits.values)
  }

  // MARK: one visitor

  /// Takes the decision that is a visitor's first one in an experiment so far; nil for one that an earlier import sent.
  mutating func decide(membership: Int, _ record: borrowing StagedRecord) {
    guard !isTooMuch else { return }
    while decisionValues.count <= membership { decisionValues.append([]) }
    decisionValues[membership] = attributes.values(of: record)
  }

  /// Takes a conversion that counts for a tally of a cell.
  mutating func convert(cell: Int, tally: Int, visitor: Int, _ record: borrowing StagedRecord) {
    guard !isTooMuch else { return }
    firstConversions[tally] = min(firstConversions[tally] ?? .max, record.timestamp)
    for value in attributes.values(of: record) where isCounted(value) {
      segments[Row(isTally: false, number: cell, value: value), default: Segment()].add(visitor: visitor)
      var segment = segments.removeValue(forKey: Row(isTally: true, number: tally, value: value)) ?? Segment()
      let isOther = segment.add(visitor: visitor)
      segment.conversions += 1
      segment.revenue.add(record.revenue ?? 0, isOther: isOther)
      if let amount = record.value { segment.sum.add(amount) }
      segments[Row(isTally: true, number: tally, value: value)] = segment
    }
  }

  /// Ends a visitor's place in an experiment.
  mutating func end(membership: Int, experiment: Int, cell: Int, visitor: Int, decided: Int64) {
    guard !isTooMuch else { return }
    if membership < decisionValues.count {
      for value in decisionValues[membership] where isCounted(value) {
        segments[Row(isTally: false, number: cell, value: value), default: Segment()].add(visitor: visitor)
      }
    }
    addTime(experiment: experiment, row: DetailCounter.row(ofCell: cell), decided)
  }

  /// Ends the visitor at hand; `experiment` tells that of a tally.
  mutating func endVisitor(experiment: (Int) -> Int) {
    guard !isTooMuch else { return }
    for (tally, first) in firstConversions { addTime(experiment: experiment(tally), row: DetailCounter.row(ofTally: tally), first) }
    firstConversions.removeAll(keepingCapacity: true)
    decisionValues.removeAll(keepingCapacity: true)
    look()
  }

  private mutating func addTime(experiment: Int, row: Int, _ time: Int64) {
    while timelines.count <= experiment { timelines.append(TimelineCounter(limit: limits.spans)) }
    timeRows -= timelines[experiment].counts.count
    timelines[experiment].add(row, at: time)
    timeRows += timelines[experiment].counts.count
  }

  private static func row(ofCell cell: Int) -> Int { cell * 2 }
  private static func row(ofTally tally: Int) -> Int { tally * 2 + 1 }

  // MARK: limits

  /// Whether the attribute of a value has few enough.
  private mutating func isCounted(_ value: Int) -> Bool {
    let attribute = attributes.attributeOfValue[value]
    guard attributes.isWide(attribute) else { return true }
    if wide.insert(attribute).inserted { segments = segments.filter { attributes.attributeOfValue[$0.key.value] != attribute } }
    return false
  }

  /// Gives up when there is too much.
  private mutating func look() {
    guard segments.count + timeRows > limits.rows else { return }
    self = DetailCounter(limits)
    isTooMuch = true
  }

  // MARK: putting together

  /// Adds what another has counted of other visitors; experiments, cells and tallies have other numbers here.
  mutating func append(_ other: DetailCounter, experiment: [Int], cell: [Int], tally: [Int]) {
    if other.isTooMuch, !isTooMuch {
      self = DetailCounter(limits)
      isTooMuch = true
    }
    guard !isTooMuch else { return }
    let values = other.attributes.attributeOfValue.indices.map { attributes.number(of: other.attributes, value: $0) }
    for value in values.compactMap(\.self) { _ = isCounted(value) }
    for (row, segment) in other.segments {
      guard let value = values[row.value], isCounted(value) else { continue }
      let here = Row(isTally: row.isTally, number: row.isTally ? tally[row.number] : cell[row.number], value: value)
      var sum = segments.removeValue(forKey: here) ?? Segment()
      sum.visitors += segment.visitors
      sum.conversions += segment.conversions
      sum.revenue.add(segment.revenue)
      sum.sum.add(segment.sum)
      segments[here] = sum
    }
    for (number, timeline) in other.timelines.enumerated() {
      while timelines.count <= experiment[number] { timelines.append(TimelineCounter(limit: limits.spans)) }
      timeRows -= timelines[experiment[number]].counts.count
      timelines[experiment[number]].append(timeline) { row in
        row.isMultiple(of: 2) ? DetailCounter.row(ofCell: cell[row / 2]) : DetailCounter.row(ofTally: tally[row / 2])
      }
      timeRows += timelines[experiment[number]].counts.count
    }
    look()
  }

  // MARK: results

  /// What results are made of: for each experiment its variations as the results have them, with the numbers of cells and tallies.
  func details(_ experiments: [CountedExperiment]) -> ResultDetails {
    guard !isTooMuch else { return ResultDetails(isTooMuch: true) }
    var shown = ResultDetails()
    for experiment in experiments where experiment.number < timelines.count {
      shown.experiments.append(
        ResultDetails.Experiment(
          experimentID: experiment.experimentID, campaignID: experiment.campaignID,
          timeline: timeline(experiment, timelines[experiment.number]), attributes: attributes(of: experiment)))
    }
    let names = (0..<attributes.attributeCount).filter(attributes.isWide).map { attributes.name(ofAttribute: $0) }
    shown.wideAttributes = names.map { $0.key.isEmpty ? $0.type : $0.key }.sorted()
    return shown
  }

  private func timeline(_ experiment: CountedExperiment, _ counter: TimelineCounter) -> ResultDetails.Timeline {
    ResultDetails.Timeline(
      spanDays: counter.spanDays, firstDay: counter.firstDay, spanCount: counter.spanCount,
      variations: experiment.variations.map { variation in
        ResultDetails.Variation(
          variationID: variation.row.variationID, visitors: counter.counts(of: DetailCounter.row(ofCell: variation.cell)),
          events: zip(variation.row.events, variation.tallies).map { event, tally in
            ResultDetails.Event(
              key: event.key, entityID: event.entityID, convertingVisitors: counter.counts(of: DetailCounter.row(ofTally: tally)))
          })
      })
  }

  private func attributes(of experiment: CountedExperiment) -> [ResultDetails.Attribute] {
    var valuesOfAttributes = [[ResultDetails.Value]](repeating: [], count: attributes.attributeCount)
    for (number, attribute) in attributes.attributeOfValue.enumerated() where !attributes.isWide(attribute) {
      let value = value(number, experiment)
      if value.visitors > 0 { valuesOfAttributes[attribute].append(value) }
    }
    let all = valuesOfAttributes.enumerated().filter { !$0.element.isEmpty }.map { number, values in
      let name = attributes.name(ofAttribute: number)
      return ResultDetails.Attribute(
        key: name.key, type: name.type, values: values.sorted { ($1.visitors, $0.text) < ($0.visitors, $1.text) })
    }
    return all.sorted { ($0.key, $0.type) < ($1.key, $1.type) }
  }

  private func value(_ value: Int, _ experiment: CountedExperiment) -> ResultDetails.Value {
    let variations = experiment.variations.map { variation in
      var row = variation.row
      row.visitors = segments[Row(isTally: false, number: variation.cell, value: value)]?.visitors ?? 0
      row.events = zip(row.events, variation.tallies).map { event, tally in
        let segment = segments[Row(isTally: true, number: tally, value: value)] ?? Segment()
        return Results.Event(
          key: event.key, entityID: event.entityID, convertingVisitors: segment.visitors, conversions: segment.conversions,
          revenue: Int64(clamping: segment.revenue.sum), value: segment.sum.rounded, revenueSquares: segment.revenue.squares)
      }
      return row
    }
    return ResultDetails.Value(text: attributes.text(ofValue: value), variations: variations)
  }
}

/// An experiment of the results, and which numbers it was counted under.
struct CountedExperiment {
  struct Variation {
    var row: Results.Variation
    var cell: Int
    /// One for each event of the row.
    var tallies: [Int]
  }

  var number: Int
  var experimentID: String
  var campaignID: String
  var variations: [Variation]
  /// By reason: events that are not counted in it.
  var notCounted: [String: Int]
}

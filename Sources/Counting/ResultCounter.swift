package import Bytes

/// Counts what a results page would show, visitor by visitor, in one pass.
///
/// The rules (EVENT-API, *Counting*): per experiment a visitor belongs to the variation of the first decision by timestamp (ties:
/// the smallest event id), holdbacks left out; a conversion counts for every experiment its visitor belongs to when its timestamp
/// is equal to or later than that decision's. Sessions are not looked at.
///
/// Call `count` for each event of a visitor, decisions first, then `endVisitor`. The results are the same for any order of the
/// visitors, of one visitor's decisions, and of its conversions: sums are exact and rounded once, at the end. Memory grows with
/// the number of experiments, variations and event keys, and with one visitor's experiments; never with events.
package struct ResultCounter {
  /// One visitor's place in an experiment.
  private struct Membership {
    var experiment: Int
    var variation: Int
    var timestamp: Int64
    var eventID: [UInt8]
  }

  private struct Cell {
    var visitors = 0
    var events: [Int: Tally] = [:]
  }

  private struct Tally {
    var convertingVisitors = 0
    var conversions = 0
    var revenue: Int128 = 0
    var value = ExactSum()
    /// The visitor that converted last, so that a visitor counts once.
    var lastVisitor = -1

    mutating func add(_ record: borrowing StagedRecord, visitor: Int) {
      if lastVisitor != visitor { convertingVisitors += 1 }
      lastVisitor = visitor
      conversions += 1
      if let amount = record.revenue { revenue += Int128(amount) }
      if let amount = record.value { value.add(amount) }
    }
  }

  private var experiments = Names()
  private var variations = Names()
  private var events = Names()
  private var cells: [[Int: Cell]] = []
  private var memberships: [Membership] = []
  private var visitorNumber = 0
  private var notCounted = [Int](repeating: 0, count: Results.Reason.allCases.count)
  private var key: [UInt8] = []

  package init() {}

  private static let heldBack: StagedRecord.Flags = [.holdback, .nullExperiment, .nullVariation]

  /// Takes one event of the visitor at hand.
  package mutating func count(_ record: borrowing StagedRecord) {
    if record.isDecision { countDecision(record) } else { countConversion(record) }
  }

  private mutating func countDecision(_ record: borrowing StagedRecord) {
    guard record.flags.isDisjoint(with: ResultCounter.heldBack) else {
      add(.holdback)
      return
    }
    key.removeAll(keepingCapacity: true)
    append(record.experimentOrKey)
    key.append(0)
    append(record.campaignOrEntity)
    let experiment = experiments.number(of: key)
    while cells.count <= experiment { cells.append([:]) }
    let variation = variations.number(of: copy(record.variation))
    guard let known = memberships.firstIndex(where: { $0.experiment == experiment }) else {
      memberships.append(
        Membership(
          experiment: experiment, variation: variation, timestamp: record.timestamp, eventID: copy(record.eventID)))
      return
    }
    add(.laterDecision)
    let first = memberships[known]
    let isEarlier =
      record.timestamp != first.timestamp
      ? record.timestamp < first.timestamp : order(record.eventID, first.eventID.span) < 0
    if isEarlier {
      memberships[known].variation = variation
      memberships[known].timestamp = record.timestamp
      memberships[known].eventID = copy(record.eventID)
    }
  }

  private mutating func countConversion(_ record: borrowing StagedRecord) {
    guard !memberships.isEmpty else {
      add(.noDecisionHere)
      return
    }
    key.removeAll(keepingCapacity: true)
    append(record.experimentOrKey)
    key.append(0)
    append(record.campaignOrEntity)
    let event = events.number(of: key)
    var isCounted = false
    for member in memberships where record.timestamp >= member.timestamp {
      isCounted = true
      cells[member.experiment][member.variation, default: Cell()].events[event, default: Tally()].add(
        record, visitor: visitorNumber)
    }
    if !isCounted { add(.beforeDecision) }
  }

  /// Ends the visitor at hand: its places in experiments become final.
  package mutating func endVisitor() {
    for member in memberships { cells[member.experiment][member.variation, default: Cell()].visitors += 1 }
    memberships.removeAll(keepingCapacity: true)
    visitorNumber += 1
  }

  private mutating func append(_ bytes: Span<UInt8>) {
    for at in bytes.indices { key.append(bytes[at]) }
  }

  private mutating func add(_ reason: Results.Reason) {
    notCounted[Results.Reason.allCases.firstIndex(of: reason)!] += 1
  }

  /// The results so far, sorted; complete after the last `endVisitor`.
  package func results() -> Results {
    var rows: [Results.Experiment] = []
    for (experiment, variationCells) in cells.enumerated() {
      let names = experiments.parts(of: experiment)
      let rowsOfVariations = variationCells.map { variation, cell in
        Results.Variation(
          variationID: variations.parts(of: variation)[0], visitors: cell.visitors,
          events: cell.events.map { event, tally in
            let parts = events.parts(of: event)
            return Results.Event(
              key: parts[0], entityID: parts[1], convertingVisitors: tally.convertingVisitors,
              conversions: tally.conversions, revenue: Int64(clamping: tally.revenue), value: tally.value.rounded)
          }.sorted { ($0.entityID, $0.key) < ($1.entityID, $1.key) })
      }.sorted { $0.variationID < $1.variationID }
      if !rowsOfVariations.isEmpty {
        rows.append(Results.Experiment(experimentID: names[0], campaignID: names[1], variations: rowsOfVariations))
      }
    }
    var reasons: [String: Int] = [:]
    for (at, reason) in Results.Reason.allCases.enumerated() where notCounted[at] > 0 {
      reasons[reason.rawValue] = notCounted[at]
    }
    return Results(
      experiments: rows.sorted { ($0.experimentID, $0.campaignID) < ($1.experimentID, $1.campaignID) }, notCounted: reasons)
  }
}

/// Names as numbers, in the order of their first appearance. A name is JSON text without quotes; parts are divided by a zero
/// byte, which JSON text never holds.
private struct Names {
  private var numbers: [[UInt8]: Int] = [:]
  private var names: [[UInt8]] = []
  /// The number asked for last: most likely the next one too.
  private var latest = -1

  mutating func number(of name: [UInt8]) -> Int {
    if latest >= 0, same(name.span, names[latest]) { return latest }
    if let known = numbers[name] {
      latest = known
    } else {
      latest = names.count
      numbers[name] = latest
      names.append(name)
    }
    return latest
  }

  func parts(of number: Int) -> [String] {
    names[number].split(separator: 0, omittingEmptySubsequences: false).map { part in
      var arena = ByteArena(limit: max(64, part.count))
      arena.append(unescaping: Array(part).span)
      return text(arena.span)
    }
  }
}

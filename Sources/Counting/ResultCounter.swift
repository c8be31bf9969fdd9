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
package struct ResultCounter: Sendable {
  /// One visitor's place in an experiment.
  private struct Membership {
    var experiment: Int
    var cell: Int
    var timestamp: Int64
    var eventID: [UInt8]
    /// Whether it comes from a decision of an earlier import, which may be among the events at hand too.
    var isRemembered = false
  }

  /// A variation of an experiment.
  private struct Cell {
    var experiment: Int
    var variation: Int
    var visitors = 0
    /// Decisions of visitors who already belong to a variation of the experiment, by the variation that they name; and conversions before
    /// the decision, by that of the visitor.
    var laterDecisions = 0
    var earlyConversions = 0
  }

  /// An event in a cell.
  private struct Tally {
    var cell: Int
    var event: Int
    var convertingVisitors = 0
    var conversions = 0
    var revenue = RevenueSum()
    var value = ExactSum()
    /// The visitor that converted last, so that a visitor counts once.
    var lastVisitor = -1

    mutating func add(_ record: borrowing StagedRecord, visitor: Int) {
      let isOther = lastVisitor != visitor
      if isOther { convertingVisitors += 1 }
      lastVisitor = visitor
      conversions += 1
      revenue.add(record.revenue ?? 0, isOther: isOther)
      if let amount = record.value { value.add(amount) }
    }

    mutating func append(_ other: Tally) {
      convertingVisitors += other.convertingVisitors
      conversions += other.conversions
      revenue.add(other.revenue)
      value.add(other.value)
    }
  }

  private var experiments = Names()
  private var variations = Names()
  private var events = Names()
  private var cells: [Cell] = []
  private var cellNumbers = Pairs()
  private var tallies: [Tally] = []
  private var tallyNumbers = Pairs()
  private var memberships: [Membership] = []
  /// Whether the visitor has a decision that was held back.
  private var isHeldBack = false
  private var visitorNumber = 0
  private var notCounted = [Int](repeating: 0, count: Results.Reason.allCases.count)
  /// Nil unless they are asked for: most runs show no page.
  private var detailCounter: DetailCounter?

  /// With details it also counts when things happened and what visitors with an attribute did.
  package init(details: Bool = false) { detailCounter = details ? DetailCounter(DetailLimits()) : nil }

  /// The same with limits that tests can reach.
  init(_ limits: DetailLimits) { detailCounter = DetailCounter(limits) }

  private static let heldBack: StagedRecord.Flags = [.holdback, .nullExperiment, .nullVariation]

  /// Takes a decision that an earlier import sent for the visitor at hand, before any of its events: ids as JSON text without quotes. Not for
  /// one that is held back.
  package mutating func remember(campaign: [UInt8], experiment: [UInt8], variation: [UInt8], timestamp: Int64) {
    let number = experiments.number(of: experiment.span, campaign.span)
    let name = variations.number(of: variation.span, variation.span.extracting(0..<0))
    let cell = cellNumbers.number(of: number, name)
    if cell == cells.count { cells.append(Cell(experiment: number, variation: name)) }
    // No event id comes before an empty one.
    let membership = Membership(experiment: number, cell: cell, timestamp: timestamp, eventID: [], isRemembered: true)
    guard let known = memberships.firstIndex(where: { $0.experiment == number }) else { return memberships.append(membership) }
    if timestamp < memberships[known].timestamp { memberships[known] = membership }
  }

  /// Takes one event of the visitor at hand.
  package mutating func count(_ record: borrowing StagedRecord) {
    if record.isDecision { countDecision(record) } else { countConversion(record) }
  }

  private mutating func countDecision(_ record: borrowing StagedRecord) {
    guard record.flags.isDisjoint(with: ResultCounter.heldBack) else {
      add(.holdback)
      isHeldBack = true
      return
    }
    let experiment = experiments.number(of: record.experimentOrKey, record.campaignOrEntity)
    let variation = variations.number(of: record.variation, record.variation.extracting(0..<0))
    let cell = cellNumbers.number(of: experiment, variation)
    if cell == cells.count { cells.append(Cell(experiment: experiment, variation: variation)) }
    guard let known = memberships.firstIndex(where: { $0.experiment == experiment }) else {
      detailCounter?.decide(membership: memberships.count, record)
      memberships.append(
        Membership(experiment: experiment, cell: cell, timestamp: record.timestamp, eventID: copy(record.eventID)))
      return
    }
    let first = memberships[known]
    if first.isRemembered, first.cell == cell, first.timestamp == record.timestamp {
      // Most likely the remembered one itself.
      memberships[known].isRemembered = false
      detailCounter?.decide(membership: known, record)
      return
    }
    add(.laterDecision)
    cells[cell].laterDecisions += 1
    let isEarlier =
      record.timestamp != first.timestamp
      ? record.timestamp < first.timestamp : order(record.eventID, first.eventID.span) < 0
    if isEarlier {
      memberships[known].cell = cell
      memberships[known].timestamp = record.timestamp
      memberships[known].eventID = copy(record.eventID)
      detailCounter?.decide(membership: known, record)
    }
  }

  private mutating func countConversion(_ record: borrowing StagedRecord) {
    guard !memberships.isEmpty else {
      add(isHeldBack ? .holdback : .noDecisionHere)
      return
    }
    let timestamp = record.timestamp
    var event = -1
    var isCounted = false
    for at in memberships.indices {
      guard timestamp >= memberships[at].timestamp else {
        cells[memberships[at].cell].earlyConversions += 1
        continue
      }
      if event < 0 { event = events.number(of: record.experimentOrKey, record.campaignOrEntity) }
      isCounted = true
      let cell = memberships[at].cell
      let tally = tallyNumbers.number(of: cell, event)
      if tally == tallies.count { tallies.append(Tally(cell: cell, event: event)) }
      tallies[tally].add(record, visitor: visitorNumber)
      detailCounter?.convert(cell: cell, tally: tally, visitor: visitorNumber, record)
    }
    if !isCounted { add(.beforeDecision) }
  }

  /// Ends the visitor at hand: its places in experiments become final.
  package mutating func endVisitor() {
    for at in memberships.indices { cells[memberships[at].cell].visitors += 1 }
    if detailCounter != nil { endDetails() }
    memberships.removeAll(keepingCapacity: true)
    isHeldBack = false
    visitorNumber += 1
  }

  private mutating func endDetails() {
    for (at, membership) in memberships.enumerated() {
      detailCounter?.end(
        membership: at, experiment: membership.experiment, cell: membership.cell, visitor: visitorNumber, decided: membership.timestamp)
    }
    detailCounter?.endVisitor { tally in cells[tallies[tally].cell].experiment }
  }

  /// Adds what another counter has counted of other visitors; both must have ended their last visitor.
  package mutating func append(_ other: ResultCounter) {
    precondition(memberships.isEmpty && other.memberships.isEmpty, "visitors are added whole")
    let cellsHere = other.cells.map { cell in
      let experiment = experiments.number(of: other.experiments, cell.experiment)
      let variation = variations.number(of: other.variations, cell.variation)
      let here = cellNumbers.number(of: experiment, variation)
      if here == cells.count { cells.append(Cell(experiment: experiment, variation: variation)) }
      cells[here].visitors += cell.visitors
      cells[here].laterDecisions += cell.laterDecisions
      cells[here].earlyConversions += cell.earlyConversions
      return here
    }
    let talliesHere = other.tallies.map { tally in
      let cell = cellsHere[tally.cell]
      let event = events.number(of: other.events, tally.event)
      let here = tallyNumbers.number(of: cell, event)
      if here == tallies.count { tallies.append(Tally(cell: cell, event: event)) }
      tallies[here].append(tally)
      return here
    }
    if let details = other.detailCounter {
      let experimentsHere = (0..<other.experiments.count).map { experiments.number(of: other.experiments, $0) }
      detailCounter?.append(details, experiment: experimentsHere, cell: cellsHere, tally: talliesHere)
    }
    for reason in notCounted.indices { notCounted[reason] += other.notCounted[reason] }
  }

  private mutating func add(_ reason: Results.Reason) {
    notCounted[Results.Reason.allCases.firstIndex(of: reason)!] += 1
  }

  /// The results so far, sorted; complete after the last `endVisitor`.
  package func results() -> Results {
    let rows = countedExperiments().map { experiment in
      Results.Experiment(
        experimentID: experiment.experimentID, campaignID: experiment.campaignID, variations: experiment.variations.map(\.row),
        notCounted: experiment.notCounted)
    }
    var reasons: [String: Int] = [:]
    for (at, reason) in Results.Reason.allCases.enumerated() where notCounted[at] > 0 {
      reasons[reason.rawValue] = notCounted[at]
    }
    return Results(experiments: rows, notCounted: reasons)
  }

  /// What the results are made of; nil unless it was asked for.
  package func details() -> ResultDetails? { detailCounter?.details(countedExperiments()) }

  /// Everything that is counted, sorted.
  private func countedExperiments() -> [CountedExperiment] {
    var eventsOfCells = [[(event: Results.Event, tally: Int)]](repeating: [], count: cells.count)
    for (number, tally) in tallies.enumerated() {
      let parts = events.parts(of: tally.event)
      let event = Results.Event(
        key: parts.0, entityID: parts.1, convertingVisitors: tally.convertingVisitors, conversions: tally.conversions,
        revenue: Int64(clamping: tally.revenue.sum), value: tally.value.rounded, revenueSquares: tally.revenue.squares)
      eventsOfCells[tally.cell].append((event, number))
    }
    var reasons = [[String: Int]](repeating: [:], count: experiments.count)
    var variationsOfExperiments = [[CountedExperiment.Variation]](repeating: [], count: experiments.count)
    // A cell without visitors was named only by decisions that turned out to be later ones.
    for cell in cells {
      for (reason, count) in [(Results.Reason.beforeDecision, cell.earlyConversions), (.laterDecision, cell.laterDecisions)] where count > 0
      {
        reasons[cell.experiment][reason.rawValue, default: 0] += count
      }
    }
    for (at, cell) in cells.enumerated() where cell.visitors > 0 || !eventsOfCells[at].isEmpty {
      let counted = eventsOfCells[at].sorted { ($0.event.entityID, $0.event.key) < ($1.event.entityID, $1.event.key) }
      variationsOfExperiments[cell.experiment].append(
        CountedExperiment.Variation(
          row: Results.Variation(
            variationID: variations.parts(of: cell.variation).0, visitors: cell.visitors, events: counted.map(\.event)),
          cell: at, tallies: counted.map(\.tally)))
    }
    var rows: [CountedExperiment] = []
    for (experiment, rowsOfVariations) in variationsOfExperiments.enumerated() where !rowsOfVariations.isEmpty {
      let parts = experiments.parts(of: experiment)
      rows.append(
        CountedExperiment(
          number: experiment, experimentID: parts.0, campaignID: parts.1,
          variations: rowsOfVariations.sorted { $0.row.variationID < $1.row.variationID }, notCounted: reasons[experiment]))
    }
    return rows.sorted { ($0.experimentID, $0.campaignID) < ($1.experimentID, $1.campaignID) }
  }
}

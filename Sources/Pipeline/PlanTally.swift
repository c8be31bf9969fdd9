import Bytes
import Grouping
import Normalizing
import Vocabulary

/// What planning looks out for, record by record.
struct PlanWatch: Sendable {
  /// Times from here on lie in the future. Epoch milliseconds.
  let futureFrom: Int64
  /// For each input: whether nothing says what its revenue counts.
  let hasBareRevenue: [Bool]
  /// Nil without a datafile.
  let known: KnownIDSets?
  /// Whether the first rows are wanted.
  let keepsFirstRows: Bool

  init(_ settings: RunSettings, inputs: [Mapping], futureFrom: Int64, keepsFirstRows: Bool = false) {
    self.keepsFirstRows = keepsFirstRows
    self.futureFrom = futureFrom
    hasBareRevenue = inputs.map { !$0.saysRevenueUnit }
    known = settings.knownIDs.map(KnownIDSets.init)
  }
}

/// The ids of a project, to be looked up as they stand in records.
struct KnownIDSets: Sendable {
  /// An id, and the one of what it belongs to.
  private struct Member: Hashable {
    var owner: Digest
    var id: Digest
  }

  private let campaigns, variations, events: Set<Digest>
  private let experimentsOfCampaigns, variationsOfExperiments: Set<Member>

  init(_ ids: KnownIDs) {
    func digest(_ id: String) -> Digest { Digest(Array(storedJSON(id).utf8.dropFirst().dropLast()).span) }
    let experiments = ids.experiments
    campaigns = Set(experiments.map { digest($0.campaign) })
    variations = Set(experiments.flatMap { $0.variations.map(digest) })
    events = Set(ids.events.map(digest))
    experimentsOfCampaigns = Set(experiments.map { Member(owner: digest($0.campaign), id: digest($0.id)) })
    variationsOfExperiments = Set(
      experiments.flatMap { experiment in experiment.variations.map { Member(owner: digest(experiment.id), id: digest($0)) } })
  }

  /// Whether all ids of an event are the project's, and a decision's belong together: the experiment to the campaign, the variation to the
  /// experiment. An experiment or variation that is `null` is none.
  func have(_ record: borrowing StagedRecord) -> Bool {
    guard record.isDecision else { return events.contains(Digest(record.campaignOrEntity)) }
    let campaign = Digest(record.campaignOrEntity)
    let variation = record.flags.contains(.nullVariation) ? nil : Digest(record.variation)
    if record.flags.contains(.nullExperiment) {
      guard let variation else { return campaigns.contains(campaign) }
      return campaigns.contains(campaign) && variations.contains(variation)
    }
    let experiment = Digest(record.experimentOrKey)
    guard experimentsOfCampaigns.contains(Member(owner: campaign, id: experiment)) else { return false }
    guard let variation else { return true }
    return variationsOfExperiments.contains(Member(owner: experiment, id: variation))
  }
}

/// What planning counts on its way, record by record.
struct PlanTally: Sendable {
  private var fates = [Int](repeating: 0, count: 16)
  private(set) var total = 0
  private(set) var standing = 0
  private(set) var future = JudgeCounts.Tally()
  private(set) var unknownIDs = JudgeCounts.Tally()
  /// Revenues of inputs that do not say what they count, but 0; and those among them below ten units of currency.
  private(set) var bareRevenues = 0
  private(set) var smallRevenues = JudgeCounts.Tally()
  private(set) var recordsWithAttributes = 0
  private(set) var conversions = 0
  private(set) var conversionsWithoutAttributes = JudgeCounts.Tally()
  private(set) var visitors = 0
  /// Records by the days of their times: those to send, those that were accepted before, and all others.
  private(set) var newDays = DayCounts()
  private(set) var knownDays = DayCounts()
  private(set) var otherDays = DayCounts()
  /// Visitors whose ids are e-mail addresses.
  private(set) var addressedVisitors = JudgeCounts.Tally()
  /// Rows that are one event with another because they say the same.
  var collapsed = JudgeCounts.Tally()
  private(set) var firstRows = FirstRows()
  private let watch: PlanWatch

  /// Hundredths of the currency unit: ten dollars.
  static let smallRevenue: Int64 = 1000

  init(_ watch: PlanWatch) { self.watch = watch }

  mutating func add(_ fate: RecordFate, _ record: borrowing StagedRecord) {
    fates[Int(fate.rawValue)] += 1
    total += 1
    switch fate {
    case .kept: newDays.add(record.timestamp)
    case .alreadyAccepted: knownDays.add(record.timestamp)
    default: otherDays.add(record.timestamp)
    }
    if fate == .sameEvent { collapsed.add(record) }
    guard fate.stands else { return }
    standing += 1
    if watch.keepsFirstRows { firstRows.add(record) }
    if record.timestamp >= watch.futureFrom { future.add(record) }
    if let known = watch.known, !known.have(record) { unknownIDs.add(record) }
    if let revenue = record.revenue, revenue != 0, watch.hasBareRevenue[record.input] {
      bareRevenues += 1
      if revenue.magnitude < PlanTally.smallRevenue { smallRevenues.add(record) }
    }
    // Attributes come last in what a visitor object says, as a list.
    let group = record.group
    let hasAttributes = group.count > 0 && group[group.count - 1] == 0x5d
    if hasAttributes { recordsWithAttributes += 1 }
    if !record.isDecision {
      conversions += 1
      if !hasAttributes { conversionsWithoutAttributes.add(record) }
    }
  }

  /// Adds a visitor by its first record.
  mutating func addVisitor(_ record: borrowing StagedRecord) {
    visitors += 1
    if isAddress(record.visitor) { addressedVisitors.add(record) }
  }

  /// Adds what was counted of later visitors.
  mutating func append(_ later: PlanTally) {
    for fate in fates.indices { fates[fate] += later.fates[fate] }
    total += later.total
    standing += later.standing
    future.append(later.future)
    unknownIDs.append(later.unknownIDs)
    bareRevenues += later.bareRevenues
    smallRevenues.append(later.smallRevenues)
    recordsWithAttributes += later.recordsWithAttributes
    conversions += later.conversions
    conversionsWithoutAttributes.append(later.conversionsWithoutAttributes)
    collapsed.append(later.collapsed)
    visitors += later.visitors
    newDays.append(later.newDays)
    knownDays.append(later.knownDays)
    otherDays.append(later.otherDays)
    addressedVisitors.append(later.addressedVisitors)
    firstRows.append(later.firstRows)
  }

  func count(_ fate: RecordFate) -> Int { fates[Int(fate.rawValue)] }
}

/// Whether a visitor's id looks like an e-mail address: something, an @, and something with a point in it.
private func isAddress(_ id: Span<UInt8>) -> Bool {
  guard let at = firstIndex(of: 0x40, in: id), at > 0, let point = firstIndex(of: 0x2e, in: id, from: at) else { return false }
  return point > at + 1 && point + 1 < id.count && firstIndex(of: 0x20, in: id) == nil
}

import Bytes
import Chunking
import Counting
import Disk
import EventAPI
import Grouping
import Vocabulary

/// A partition whose visitors are judged, and what planning has to know of each.
struct JudgedPartition: Sendable {
  /// Nil for a partition that is too large to be held: its visitors are read page by page.
  var partition: Partition?
  /// A fate for each record, as `partition.offsets` has them.
  var fates: [RecordFate] = []
  /// A visitor each, as the partition has them.
  var visitors: [JudgedVisitor] = []
  /// What was counted in these visitors.
  var counts: VisitorCounts?
}

struct JudgedVisitor: Sendable {
  var measured = MeasuredVisitor()
  /// Whether any of its records is a reject.
  var hasRejects = false
}

/// What planning counts of visitors. Those of one partition are counted by themselves, and put together in the order of partitions.
struct VisitorCounts: Sendable {
  var tally: PlanTally
  var judged = JudgeCounts()
  var results: ResultCounter
  var duplicates = 0
  /// Visitors with an event to send.
  var visitors = 0

  /// With details the results are counted with what they are made of.
  init(tally: PlanTally, details: Bool) {
    self.tally = tally
    results = ResultCounter(details: details)
  }

  mutating func append(_ later: VisitorCounts) {
    tally.append(later.tally)
    judged.append(later.judged)
    results.append(later.results)
    duplicates += later.duplicates
    visitors += later.visitors
  }
}

/// Judges and measures visitors: by whole partitions, which each are independent of all others, or a large one by itself.
///
/// Memory: `memoryBytes` for comparing the ids of one visitor.
struct PartitionJudge: PartitionWorker, ~Copyable {
  private let reader: PartitionReader
  private let settings: RunSettings
  private var known: LedgerFilter
  private var judge: VisitorJudge
  private var measurer: VisitorMeasurer
  /// Nil when the visitors are not counted, because they were when they were planned.
  private let emptyCounts: VisitorCounts?
  private(set) var counts: VisitorCounts?
  /// Whether decisions of earlier runs are to be counted with the first record that stands.
  private var remembers = false

  /// `tally` is an empty one, for planning.
  init(
    _ reader: PartitionReader, _ settings: RunSettings, known: LedgerFilter, memoryBytes: Int, scratchFolder: String,
    tally: PlanTally? = nil, details: Bool = false
  ) {
    self.reader = reader
    self.settings = settings
    self.known = known
    judge = VisitorJudge(
      settings.rules, carriesDecisions: !settings.body.enrichDecisions, memoryBytes: memoryBytes, scratchFolder: scratchFolder)
    measurer = VisitorMeasurer(settings.body, limit: settings.bodyLimit)
    emptyCounts = tally.map { VisitorCounts(tally: $0, details: details) }
    counts = emptyCounts
  }

  /// Fates of the visitor judged last.
  var fates: [RecordFate] { judge.fates }

  func appendFates(to all: inout [RecordFate]) { judge.appendFates(to: &all) }

  /// Reads and judges a partition. Partitions must be asked for in ascending order.
  mutating func make(_ number: Int, from used: consuming JudgedPartition?) throws(RunFailure) -> JudgedPartition {
    guard reader.largeRuns(of: number) == nil else { return JudgedPartition() }
    var judged = used ?? JudgedPartition()
    var partition = judged.partition.take() ?? Partition()
    judged.fates.removeAll(keepingCapacity: true)
    judged.visitors.removeAll(keepingCapacity: true)
    do throws(DiskFailure) {
      try reader.read(number, into: &partition)
    } catch {
      throw stagingFailure(error)
    }
    while partition.findVisitor() {
      judged.visitors.append(try judge(&partition))
      judge.appendFates(to: &judged.fates)
    }
    counts?.tally.collapsed.append(partition.derivedDuplicates)
    judged.partition = partition
    judged.counts = takeCounts()
    return judged
  }

  /// What was counted since this was asked last.
  mutating func takeCounts() -> VisitorCounts? {
    defer { counts = emptyCounts }
    counts?.judged = judge.takeCounts()
    return counts
  }

  /// Judges, measures and counts one visitor.
  mutating func judge(_ visitor: inout some VisitorPages & ~Copyable) throws(RunFailure) -> JudgedVisitor {
    try visitor.judge(by: &judge) { hash, ids throws(RunFailure) in try known.known(of: hash, ids: ids) }
    measurer.begin()
    if !settings.body.enrichDecisions { try learn(&visitor) }
    remembers = !judge.knownDecisions.isEmpty
    var found = JudgedVisitor()
    try visitor.eachPage { page, offsets, start throws(RunFailure) in
      if start == 0 { counts?.tally.addVisitor(StagedRecord(page, at: offsets[0])) }
      for at in offsets.indices { _ = settle(StagedRecord(page, at: offsets[at]), start + at, &found) }
    }
    end(&found, visitor.duplicateCountOfVisitor)
    return found
  }

  /// The same of a visitor of several pages, which are read once in the belief that all of its records are kept, as nearly all visitors' are.
  /// Calls `follow` with each record and its place, until that returns false or a record is not kept.
  ///
  /// Returns nil when it was not so: then the visitor is judged, and must be followed by `followAgain`; nothing was counted. What was counted
  /// before takes its memory twice meanwhile.
  mutating func follow(
    _ visitor: inout PagedWalker, _ follow: (borrowing StagedRecord, Int) throws(RunFailure) -> Bool
  ) throws(RunFailure) -> JudgedVisitor? {
    let before = (counts, judge.counts)
    judge.begin()
    measurer.begin()
    remembers = false
    var found = JudgedVisitor()
    var goesOn = true
    try visitor.eachPage { page, offsets, start throws(RunFailure) in
      if start == 0 { counts?.tally.addVisitor(StagedRecord(page, at: offsets[0])) }
      for at in offsets.indices {
        let record = StagedRecord(page, at: offsets[at])
        try judge.take(record, start + at)
        guard goesOn else { continue }
        if settle(record, start + at, &found) == .kept {
          goesOn = try follow(record, start + at)
        } else {
          goesOn = false
          judge.keep(start + at)
        }
      }
    }
    try visitor.finish(by: &judge) { hash, ids throws(RunFailure) in try known.known(of: hash, ids: ids) }
    guard goesOn, judge.keepsAll else {
      counts = before.0
      judge.forgetSettled(since: before.1)
      return nil
    }
    end(&found, visitor.duplicateCountOfVisitor)
    return found
  }

  /// Follows a visitor that `follow` has judged just before. Calls `follow` with each record, its place, its fate, and whether it is known by then
  /// that the visitor must be split.
  mutating func followAgain(
    _ visitor: inout PagedWalker, _ follow: (borrowing StagedRecord, Int, RecordFate, Bool) throws(RunFailure) -> Void
  ) throws(RunFailure) -> JudgedVisitor {
    measurer.begin()
    remembers = !judge.knownDecisions.isEmpty
    var found = JudgedVisitor()
    var seen = 0
    try visitor.eachPage { page, offsets, start throws(RunFailure) in
      if start == 0 { counts?.tally.addVisitor(StagedRecord(page, at: offsets[0])) }
      for at in offsets.indices {
        let record = StagedRecord(page, at: offsets[at])
        let fate = settle(record, start + at, &found)
        try follow(record, start + at, fate, measurer.visitor.isSplit)
      }
      seen += offsets.count
    }
    precondition(seen == judge.fates.count, "a visitor is followed again whose records were judged")
    end(&found, visitor.duplicateCountOfVisitor)
    return found
  }

  /// Has the last word on a record, and counts it unless it was counted when it was planned.
  @inline(__always)
  private mutating func settle(_ record: borrowing StagedRecord, _ ordinal: Int, _ found: inout JudgedVisitor) -> RecordFate {
    let fate = fate(of: record, ordinal)
    guard counts != nil else { return fate }
    counts?.tally.add(fate, record)
    if fate.stands {
      counts?.results.count(record)
    } else if reject(fate, settings) != nil {
      found.hasRejects = true
    }
    return fate
  }

  private mutating func end(_ found: inout JudgedVisitor, _ duplicateCount: Int) {
    found.measured = measurer.visitor
    counts?.results.endVisitor()
    if found.measured.isSplit || found.measured.eventCount > 0 { counts?.visitors += 1 }
    counts?.duplicates += duplicateCount
  }

  /// The visitor belongs where an earlier run activated it, by the server's rules; so do its conversions of this run, unless they are to carry
  /// their decisions and have none here. `first` is the first record that stands.
  private mutating func remember(before first: borrowing StagedRecord) {
    remembers = false
    guard settings.body.enrichDecisions || first.isDecision else { return }
    for decision in judge.knownDecisions where !decision.isHeldBack {
      let variation = decision.variation
      counts?.results.remember(
        campaign: variation.campaign, experiment: variation.experiment, variation: variation.variation, timestamp: decision.timestamp)
    }
  }

  /// Learns the visitor's decisions, which its conversions carry.
  private mutating func learn(_ visitor: inout some VisitorPages & ~Copyable) throws(RunFailure) {
    try visitor.eachPage { page, offsets, start throws(RunFailure) in
      for at in offsets.indices where judge.fates[start + at].stands {
        let record = StagedRecord(page, at: offsets[at])
        if record.isDecision { measurer.learn(record) }
      }
    }
  }

  /// The last word on a record: one that is kept must fit into a body, and is measured.
  private mutating func fate(of record: borrowing StagedRecord, _ ordinal: Int) -> RecordFate {
    let fate = judge.settle(record, ordinal)
    if remembers, fate.stands { remember(before: record) }
    if fate != .kept || measurer.measure(record, ordinal: ordinal) { return fate }
    judge.markTooLarge(ordinal)
    return .tooLarge
  }
}

extension RecordFate {
  /// Whether the endpoint has the event when the run is complete.
  var stands: Bool { self == .kept || self == .alreadyAccepted }
}

/// Why a record with this fate is a reject; nil when it is none.
func reject(_ fate: RecordFate, _ settings: RunSettings) -> Reject? {
  switch fate {
  case .kept, .alreadyAccepted, .conflictFiltered, .activationFiltered: nil
  case .sameEvent:
    settings.identicalRows == .once
      ? nil
      : Reject(
        .uuidReused, column: "uuid",
        "an earlier row of this visitor says the same but for session, attributes or holdback; give each a uuid of its own")
  case .idReused:
    Reject(.uuidReused, column: "uuid", "another event of this visitor has this uuid already; give each event its own, or leave it out")
  case .conflictRejected:
    Reject(
      .variationConflict, column: "variation_id",
      "the visitor was in another variation of the campaign before, so this decision would never count")
  case .earlyRejected:
    Reject(.earlyConversion, column: "timestamp", "the conversion is earlier than its visitor's decision, so it would never count")
  case .tooLarge:
    Reject(
      .eventTooLarge, "the event alone is larger than a body of \(settings.bodyLimit) bytes; shorten its attributes, tags or properties")
  }
}

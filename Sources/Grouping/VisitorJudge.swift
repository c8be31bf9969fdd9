package import Bytes
package import Disk
package import Vocabulary

/// What becomes of a staged record when its whole visitor is known.
package enum RecordFate: UInt8, Sendable {
  case kept
  /// The endpoint accepted this very event in an earlier run.
  case alreadyAccepted
  /// Its event id belongs to an earlier, different event of the visitor.
  case idReused
  /// Its event id was derived from what it says, and an earlier record says the same; they differ in what makes no id (session,
  /// attributes, holdback).
  case sameEvent
  case conflictRejected, conflictFiltered
  case activationFiltered
  case earlyRejected
  /// No body can hold it; found while bodies are cut.
  case tooLarge
}

package enum OnConflict: String, Sendable, CaseIterable, Codable { case first, reject, keep }
package enum Activations: String, Sendable, CaseIterable, Codable { case all, first }
package enum EarlyConversions: String, Sendable, CaseIterable, Codable { case keep, reject }

/// The rules by which a visitor is judged. They shape bodies.
package struct JudgeRules: Sendable, Hashable, Codable {
  package var onConflict: OnConflict
  package var activations: Activations
  package var earlyConversions: EarlyConversions

  package init(onConflict: OnConflict = .first, activations: Activations = .all, earlyConversions: EarlyConversions = .keep) {
    self.onConflict = onConflict
    self.activations = activations
    self.earlyConversions = earlyConversions
  }
}

/// Tells what was accepted in earlier runs: of a visitor hash the events whose id digests lie in a range of high words, and which of them are
/// decisions.
///
/// Hashes are asked for in ascending order, the ranges of one hash too.
package typealias KnownEvents = (_ visitorHash: UInt64, _ ids: ClosedRange<UInt64>) throws(RunFailure) -> KnownVisitor

/// Judges what only a whole visitor can show: reused ids, conflicting decisions, repeated activations, early conversions, and
/// what was accepted before.
///
/// Decisions that were accepted in earlier runs count as the visitor's own: of two at one time the accepted one is the first.
///
/// After `judge`, and `settle` for each record, `fates` holds one fate for each record of the visitor, in the total order. Memory: a byte for
/// each record of one visitor, and `memoryBytes` for comparing ids; those of a visitor with more go to a file on the disk of `scratchFolder` that
/// has no name, and come back a slice at a time, so the judgement is exact at every memory.
package struct VisitorJudge: ~Copyable {
  private struct First {
    var timestamp: Int64
    var eventID: [UInt8]
    var variation: Digest
    var ordinal: Int

    func isAfter(_ record: borrowing StagedRecord) -> Bool {
      record.timestamp != timestamp ? record.timestamp < timestamp : order(record.eventID, eventID.span) < 0
    }
  }

  /// What makes a decision a repetition of another: the same variation, and both held back or neither. Only the latter count, so a decision
  /// that was held back never stands for one that was not.
  private struct Activation: Hashable {
    var campaign: Digest
    var variation: Digest
    var isHeldBack: Bool
  }

  private let rules: JudgeRules
  /// Whether conversions carry their decisions: then one of an earlier run, which nobody can carry any more, is of no use to them.
  private let carriesDecisions: Bool
  package private(set) var fates: [RecordFate] = []
  package private(set) var counts = JudgeCounts()
  private var ids: VisitorIDs
  private var decisionCount = 0
  private var firstDecision = Int64.max
  /// The visitor's decisions of earlier runs: of each variation the earliest.
  package private(set) var knownDecisions: [KnownDecision] = []
  /// Decisions that say something else than what was accepted with their ids: those do not stand.
  private var superseded: Set<Int> = []

  /// Adds the fates of the visitor judged last: one by one, because the list would get a second owner for as long as it is added whole, which costs
  /// each visitor some 70 ns.
  package func appendFates(to all: inout [RecordFate]) {
    let fates = fates.span
    for at in fates.indices { all.append(fates[at]) }
  }

  package init(_ rules: JudgeRules, carriesDecisions: Bool = false, memoryBytes: Int, scratchFolder: String) {
    self.init(
      rules, carriesDecisions: carriesDecisions, identityLimit: max(1024, memoryBytes / VisitorIDs.entryBytes), scratchFolder: scratchFolder
    )
  }

  /// `identityLimit` is smaller only in tests.
  init(_ rules: JudgeRules, carriesDecisions: Bool = false, identityLimit: Int, scratchFolder: String) {
    self.rules = rules
    self.carriesDecisions = carriesDecisions
    ids = VisitorIDs(limit: identityLimit, folder: scratchFolder)
  }

  /// Judges a visitor, of a partition or the one whose first page a walker has just read.
  mutating func judge(_ walker: inout some VisitorPages & ~Copyable, _ known: KnownEvents) throws(RunFailure) {
    begin()
    try walker.eachPage { page, offsets, start throws(RunFailure) in
      for at in offsets.indices { try take(StagedRecord(page, at: offsets[at]), start + at) }
    }
    try finish(&walker, known)
  }

  /// Begins a visitor, all of whose records must be taken before it is judged by them (`PagedWalker.finish`).
  ///
  /// Meanwhile each may be settled as soon as it is taken. That is the last word when `keepsAll` is true in the end: then no record's fate depends
  /// on a later one. Otherwise what was settled must be forgotten (`keep`, `forgetSettled`), and settled again.
  package mutating func begin() {
    fates.removeAll(keepingCapacity: true)
    ids.removeAll()
    decisionCount = 0
    firstDecision = .max
    if !knownDecisions.isEmpty { knownDecisions.removeAll(keepingCapacity: true) }
    if !superseded.isEmpty { superseded.removeAll() }
  }

  /// Takes the visitor's next record, which is kept until more is known.
  package mutating func take(_ record: borrowing StagedRecord, _ ordinal: Int) throws(RunFailure) {
    let id = Digest(record.eventID)
    fates.append(.kept)
    if record.isDecision { decisionCount += 1 }
    let isDerived = record.flags.contains(.derivedID)
    if !isDerived { counts.addGivenID(id, record) }
    do throws(DiskFailure) {
      try ids.append(VisitorIDs.Entry(id, ordinal: ordinal, isDerived: isDerived))
    } catch {
      throw stagingFailure(error)
    }
  }

  /// Judges the records that were taken, which must be all of the visitor's.
  mutating func finish(_ walker: inout some VisitorPages & ~Copyable, _ known: KnownEvents) throws(RunFailure) {
    do {
      while let slice = try ids.nextSlice(&fates) {
        let accepted = try known(walker.visitorHash, slice)
        if !accepted.events.isEmpty { try compare(with: accepted, &walker) }
      }
    } catch {
      throw stagingFailure(error)
    }
    firstDecision = carriesDecisions ? .max : knownDecisions.reduce(.max) { min($0, $1.timestamp) }
    if decisionCount > 1 || decisionCount > 0 && !knownDecisions.isEmpty { try judgeDecisions(&walker) }
  }

  /// Forgets what settling records has counted since.
  package mutating func forgetSettled(since before: JudgeCounts) {
    counts.conversionsWithDecision = before.conversionsWithDecision
    counts.conversionsWithoutDecision = before.conversionsWithoutDecision
    counts.earlyConversions = before.earlyConversions
  }

  /// Whether the whole visitor says no more than each of its records by itself: all are kept, and none was accepted before.
  package var keepsAll: Bool { knownDecisions.isEmpty && superseded.isEmpty && fates.allSatisfy { $0 == .kept } }

  /// Judges one record by the decisions before it, and returns its fate. Once for each record of the visitor, in the total order, after `judge` or
  /// after it was taken.
  package mutating func settle(_ record: borrowing StagedRecord, _ ordinal: Int) -> RecordFate {
    let fate = fates[ordinal]
    if record.isDecision {
      if fate == .kept || fate == .alreadyAccepted && stands(ordinal) { firstDecision = min(firstDecision, record.timestamp) }
      return fate
    }
    guard fate == .kept || fate == .alreadyAccepted else { return fate }
    guard firstDecision < .max else {
      counts.conversionsWithoutDecision.add(record)
      return fate
    }
    counts.conversionsWithDecision += 1
    guard record.timestamp < firstDecision else { return fate }
    counts.earlyConversions.add(record)
    if fate == .kept, rules.earlyConversions == .reject { fates[ordinal] = .earlyRejected }
    return fates[ordinal]
  }

  // MARK: ids

  private mutating func compare(with accepted: KnownVisitor, _ walker: inout some VisitorPages & ~Copyable) throws(RunFailure) {
    let events = accepted.events.sorted()
    ids.forEach { entry in
      let at = place(of: KnownEvent(id: entry.id.high, content: 0), in: events)
      if at < events.count, events[at].id == entry.id.high { fates[entry.ordinal] = .alreadyAccepted }
    }
    for decision in accepted.decisions { learn(decision) }
    try walker.eachPage { page, offsets, start in
      for at in offsets.indices where fates[start + at] == .alreadyAccepted {
        let record = StagedRecord(page, at: offsets[at])
        let event = KnownEvent(id: Digest(record.eventID).high, content: contentDigest(record))
        let place = place(of: event, in: events)
        if place < events.count, events[place] == event { continue }
        // Of a visitor with many ids some were compared before, with others.
        let first = self.place(of: KnownEvent(id: event.id, content: 0), in: events)
        guard first < events.count, events[first].id == event.id else { continue }
        counts.changedAfterAccept.add(record)
        if record.isDecision, accepted.decisions.contains(where: { $0.id == event.id }) { superseded.insert(start + at) }
      }
    }
  }

  /// The first of sorted events that is not before another.
  private func place(of event: KnownEvent, in events: [KnownEvent]) -> Int {
    var low = 0
    var high = events.count
    while low < high {
      let middle = (low + high) / 2
      if events[middle] < event { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private mutating func learn(_ decision: KnownDecision) {
    let same = knownDecisions.firstIndex {
      $0.variation.digest == decision.variation.digest && $0.variation.campaignDigest == decision.variation.campaignDigest
        && $0.isHeldBack == decision.isHeldBack
    }
    guard let same else { return knownDecisions.append(decision) }
    if decision.timestamp < knownDecisions[same].timestamp { knownDecisions[same] = decision }
  }

  // MARK: decisions

  /// Whether a decision takes part in the judgement.
  private func stands(_ ordinal: Int) -> Bool {
    fates[ordinal] != .idReused && fates[ordinal] != .sameEvent && (superseded.isEmpty || !superseded.contains(ordinal))
  }

  private mutating func judgeDecisions(_ walker: inout some VisitorPages & ~Copyable) throws(RunFailure) {
    var (campaigns, activations) = knownFirsts()
    func learn<Key>(
      _ firsts: inout [Key: First], _ key: Key, _ record: borrowing StagedRecord, _ variation: Digest, _ ordinal: Int
    ) {
      if let first = firsts[key], !first.isAfter(record) { return }
      firsts[key] = First(timestamp: record.timestamp, eventID: copy(record.eventID), variation: variation, ordinal: ordinal)
    }
    try walker.eachPage(ofFirst: decisionCount) { page, offsets, start in
      for at in offsets.indices {
        let record = StagedRecord(page, at: offsets[at])
        guard record.isDecision, stands(start + at) else { continue }
        let decision = activation(record)
        if !decision.isHeldBack { learn(&campaigns, decision.campaign, record, decision.variation, start + at) }
        if rules.activations == .first { learn(&activations, decision, record, decision.variation, start + at) }
      }
    }
    try walker.eachPage(ofFirst: decisionCount) { page, offsets, start in
      for at in offsets.indices {
        let record = StagedRecord(page, at: offsets[at])
        guard record.isDecision, stands(start + at) else { continue }
        let decision = activation(record)
        if !decision.isHeldBack, let first = campaigns[decision.campaign] {
          if first.variation != decision.variation {
            counts.conflicts.add(record)
            guard fates[start + at] == .kept else { continue }
            switch rules.onConflict {
            case .first: fates[start + at] = .conflictFiltered
            case .reject: fates[start + at] = .conflictRejected
            case .keep: break
            }
          } else if fates[start + at] == .kept, first.ordinal == start + at, wasElsewhere(decision) {
            // It is the first, though it comes late: it moves a visitor whom an earlier run activated elsewhere.
            counts.conflicts.add(record)
          }
        }
        if fates[start + at] == .kept, rules.activations == .first, let first = activations[decision], first.ordinal != start + at {
          fates[start + at] = .activationFiltered
        }
      }
    }
  }

  /// The visitor's first decisions of earlier runs, by campaign and by variation. No event id comes before an empty one.
  private func knownFirsts() -> (campaigns: [Digest: First], activations: [Activation: First]) {
    var campaigns: [Digest: First] = [:]
    var activations: [Activation: First] = [:]
    for known in knownDecisions {
      let first = First(timestamp: known.timestamp, eventID: [], variation: known.variation.digest, ordinal: -1)
      let campaign = known.variation.campaignDigest
      activations[Activation(campaign: campaign, variation: known.variation.digest, isHeldBack: known.isHeldBack)] = first
      if !known.isHeldBack, known.timestamp < campaigns[campaign]?.timestamp ?? .max { campaigns[campaign] = first }
    }
    return (campaigns, activations)
  }

  private func wasElsewhere(_ decision: Activation) -> Bool {
    knownDecisions.contains {
      !$0.isHeldBack && $0.variation.campaignDigest == decision.campaign && $0.variation.digest != decision.variation
    }
  }

  private func activation(_ record: borrowing StagedRecord) -> Activation {
    Activation(
      campaign: Digest(record.campaignOrEntity), variation: variationDigest(record.experimentOrKey, record.variation),
      isHeldBack: isHeldBack(record))
  }

  /// Hands out what was counted and begins to count anew.
  package mutating func takeCounts() -> JudgeCounts {
    let taken = counts
    counts = JudgeCounts()
    return taken
  }

  /// Keeps a record until more is known, whatever it was settled as.
  package mutating func keep(_ ordinal: Int) { fates[ordinal] = .kept }

  /// Notes that no body can hold the record.
  package mutating func markTooLarge(_ ordinal: Int) { fates[ordinal] = .tooLarge }
}

extension PagedWalker {
  /// Calls `body` with the pages of the visitor at hand, from the first on. The walker stays where that ends.
  package mutating func eachPage(
    ofFirst recordCount: Int, _ body: (Span<UInt8>, Span<Int>, Int) throws(RunFailure) -> Void
  ) throws(RunFailure) {
    do {
      try rewind()
      repeat {
        try body(page.bytes.span, page.offsets.span, pageStart)
        guard pageStart + offsets.count < recordCount else { break }
      } while try nextPage()
    } catch {
      throw stagingFailure(error)
    }
  }

  package mutating func judge(by judge: inout VisitorJudge, known: KnownEvents) throws(RunFailure) {
    try judge.judge(&self, known)
  }

  /// Has the visitor at hand judged by its records, which were all taken.
  package mutating func finish(by judge: inout VisitorJudge, known: KnownEvents) throws(RunFailure) {
    try judge.finish(&self, known)
  }
}

/// What a failure of a staging file means for a run: damage is 76, for the inputs must be staged again; anything else is disk
/// trouble.
package func stagingFailure(_ failure: DiskFailure) -> RunFailure {
  switch failure.kind {
  case .damaged, .missing: RunFailure(.stagingDamaged, failure.description)
  default: failure.runFailure(forInput: false)
  }
}

/// The same for whatever reading staging threw.
package func stagingFailure(_ error: any Error) -> RunFailure {
  switch error {
  case let failure as DiskFailure: stagingFailure(failure)
  case let failure as RunFailure: failure
  default: RunFailure(.bug, "\(error)")
  }
}

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

/// An event that the endpoint accepted before: the digest of its id, and of its content.
package struct KnownEvent: Sendable, Equatable {
  package var id: Digest
  package var content: UInt64

  package init(id: Digest, content: UInt64) {
    self.id = id
    self.content = content
  }
}

/// Tells the events accepted in earlier runs: of a visitor hash those whose id digests lie in a range of high words, in any order.
///
/// Hashes are asked for in ascending order, the ranges of one hash too.
package typealias KnownEvents = (_ visitorHash: UInt64, _ ids: ClosedRange<UInt64>) throws(RunFailure) -> [KnownEvent]

/// Judges what only a whole visitor can show: reused ids, conflicting decisions, repeated activations, early conversions, and
/// what was accepted before.
///
/// After `judge`, `fates` holds one fate for each record of the visitor, in the total order, and the walker stands at the
/// visitor's first page again. Memory: a byte for each record of one visitor, and `memoryBytes` for comparing ids; a visitor with
/// more ids than that holds is read several times, each time for a slice of them, so the judgement is exact at every memory.
package struct VisitorJudge {
  private struct Identity {
    var id: Digest
    var ordinal: Int
    var isDerived: Bool
  }

  private struct First {
    var timestamp: Int64
    var eventID: [UInt8]
    var variation: Digest
    var ordinal: Int

    func isAfter(_ record: borrowing StagedRecord) -> Bool {
      record.timestamp != timestamp ? record.timestamp < timestamp : order(record.eventID, eventID.span) < 0
    }
  }

  private let rules: JudgeRules
  private let identityLimit: Int
  package private(set) var fates: [RecordFate] = []
  package private(set) var counts = JudgeCounts()
  private var identities: [Identity] = []
  private var decisionCount = 0
  private var firstDecision = Int64.max

  package init(_ rules: JudgeRules, memoryBytes: Int) {
    self.init(rules, identityLimit: max(1024, memoryBytes / MemoryLayout<Identity>.stride))
  }

  /// `identityLimit` is smaller only in tests.
  init(_ rules: JudgeRules, identityLimit: Int) {
    self.rules = rules
    self.identityLimit = identityLimit
  }

  /// Judges a visitor, of a partition or the one whose first page a walker has just read.
  mutating func judge(_ walker: inout some VisitorPages & ~Copyable, _ known: KnownEvents) throws(RunFailure) {
    fates.removeAll(keepingCapacity: true)
    decisionCount = 0
    try judgeIdentities(&walker, known)
    firstDecision = .max
    if decisionCount > 1 { try judgeDecisions(&walker) }
    try judgeConversions(&walker)
  }

  // MARK: ids

  private mutating func judgeIdentities(
    _ walker: inout some VisitorPages & ~Copyable, _ known: KnownEvents
  ) throws(RunFailure) {
    var lower: UInt64 = 0
    while true {
      var upper = UInt64.max
      identities.removeAll(keepingCapacity: true)
      let countsRecords = lower == 0
      try walker.eachPage { page, offsets, start in
        for at in offsets.indices {
          let record = StagedRecord(page, at: offsets[at])
          let id = Digest(record.eventID)
          if countsRecords {
            fates.append(.kept)
            if record.isDecision { decisionCount += 1 }
            if !record.flags.contains(.derivedID) { counts.addGivenID(id, record) }
          }
          guard id.high >= lower, id.high <= upper else { continue }
          identities.append(Identity(id: id, ordinal: start + at, isDerived: record.flags.contains(.derivedID)))
          if identities.count > identityLimit { narrow(lower, &upper) }
        }
      }
      settleIdentities()
      let accepted = try known(walker.visitorHash, lower...upper)
      if !accepted.isEmpty { try compare(with: accepted, &walker) }
      if upper == .max { break }
      lower = upper + 1
    }
  }

  /// Makes room by settling what is already known to be reused, and if that is not enough, by leaving the upper half of the ids
  /// to another reading.
  private mutating func narrow(_ lower: UInt64, _ upper: inout UInt64) {
    settleIdentities()
    while identities.count > identityLimit / 2, upper > lower {
      upper = lower + (upper - lower) / 2
      let bound = upper
      identities.removeAll { $0.id.high > bound }
    }
  }

  /// Marks every record whose id an earlier record has, and keeps one identity for each id: the first.
  private mutating func settleIdentities() {
    if identities.count > 1, haveFewAllDifferent() == false {
      identities.sort { ($0.id.high, $0.id.low, $0.ordinal) < ($1.id.high, $1.id.low, $1.ordinal) }
      var last = 0
      for at in 1..<identities.count {
        if identities[at].id == identities[last].id {
          let saysTheSame = identities[at].isDerived && identities[last].isDerived
          fates[identities[at].ordinal] = saysTheSame ? .sameEvent : .idReused
        } else {
          last += 1
          identities[last] = identities[at]
        }
      }
      identities.removeLast(identities.count - last - 1)
    }
  }

  /// Whether these are few identities, each different from all others: then nothing is to be settled.
  private func haveFewAllDifferent() -> Bool {
    guard identities.count <= VisitorJudge.fewIdentities else { return false }
    for at in 1..<identities.count {
      for other in 0..<at where identities[other].id.low == identities[at].id.low { return false }
    }
    return true
  }

  /// So few are compared each with each rather than sorted.
  private static let fewIdentities = 16

  private mutating func compare(with accepted: [KnownEvent], _ walker: inout some VisitorPages & ~Copyable) throws(RunFailure) {
    let contents = Dictionary(accepted.map { ($0.id, $0.content) }) { first, _ in first }
    for identity in identities where contents[identity.id] != nil { fates[identity.ordinal] = .alreadyAccepted }
    try walker.eachPage { page, offsets, start in
      for at in offsets.indices where fates[start + at] == .alreadyAccepted {
        let record = StagedRecord(page, at: offsets[at])
        if let content = contents[Digest(record.eventID)], content != contentDigest(record) {
          counts.changedAfterAccept.add(record)
        }
      }
    }
  }

  // MARK: decisions

  private mutating func judgeDecisions(_ walker: inout some VisitorPages & ~Copyable) throws(RunFailure) {
    var campaigns: [Digest: First] = [:]
    var activations: [Digest: First] = [:]
    func learn(
      _ firsts: inout [Digest: First], _ key: Digest, _ record: borrowing StagedRecord, _ variation: Digest, _ ordinal: Int
    ) {
      if let first = firsts[key], !first.isAfter(record) { return }
      firsts[key] = First(timestamp: record.timestamp, eventID: copy(record.eventID), variation: variation, ordinal: ordinal)
    }
    try walker.eachPage { page, offsets, start in
      for at in offsets.indices {
        let record = StagedRecord(page, at: offsets[at])
        guard record.isDecision, fates[start + at] != .idReused, fates[start + at] != .sameEvent else { continue }
        let campaign = Digest(record.campaignOrEntity)
        let variation = Digest(record.variation, seed: Digest(record.experimentOrKey).high)
        if !isHeldBack(record) { learn(&campaigns, campaign, record, variation, start + at) }
        if rules.activations == .first {
          learn(&activations, activation(record, variation), record, variation, start + at)
        }
      }
    }
    try walker.eachPage { page, offsets, start in
      for at in offsets.indices {
        let record = StagedRecord(page, at: offsets[at])
        guard record.isDecision, fates[start + at] != .idReused, fates[start + at] != .sameEvent else { continue }
        let variation = Digest(record.variation, seed: Digest(record.experimentOrKey).high)
        if !isHeldBack(record), let first = campaigns[Digest(record.campaignOrEntity)], first.variation != variation {
          counts.conflicts.add(record)
          guard fates[start + at] == .kept else { continue }
          switch rules.onConflict {
          case .first: fates[start + at] = .conflictFiltered
          case .reject: fates[start + at] = .conflictRejected
          case .keep: break
          }
        }
        if fates[start + at] == .kept, rules.activations == .first,
          let first = activations[activation(record, variation)], first.ordinal != start + at
        {
          fates[start + at] = .activationFiltered
        }
      }
    }
  }

  /// What makes a decision a repetition of another: the same variation, and both held back or neither. Only the latter count, so
  /// a decision that was held back never stands for one that was not.
  private func activation(_ record: borrowing StagedRecord, _ variation: Digest) -> Digest {
    Digest(record.campaignOrEntity, seed: isHeldBack(record) ? ~variation.high : variation.high)
  }

  private func isHeldBack(_ record: borrowing StagedRecord) -> Bool { !record.flags.isDisjoint(with: VisitorJudge.heldBack) }

  private static let heldBack: StagedRecord.Flags = [.holdback, .nullExperiment, .nullVariation]

  // MARK: conversions

  private mutating func judgeConversions(_ walker: inout some VisitorPages & ~Copyable) throws(RunFailure) {
    try walker.eachPage { page, offsets, start in
      for at in offsets.indices {
        let record = StagedRecord(page, at: offsets[at])
        let fate = fates[start + at]
        if record.isDecision {
          if fate == .kept || fate == .alreadyAccepted { firstDecision = min(firstDecision, record.timestamp) }
          continue
        }
        guard fate == .kept || fate == .alreadyAccepted else { continue }
        guard firstDecision < .max else {
          counts.conversionsWithoutDecision.add(record)
          continue
        }
        counts.conversionsWithDecision += 1
        guard record.timestamp < firstDecision else { continue }
        counts.earlyConversions.add(record)
        if fate == .kept, rules.earlyConversions == .reject { fates[start + at] = .earlyRejected }
      }
    }
  }

  /// Hands out what was counted and begins to count anew.
  package mutating func takeCounts() -> JudgeCounts {
    let taken = counts
    counts = JudgeCounts()
    return taken
  }

  /// Notes that no body can hold the record.
  package mutating func markTooLarge(_ ordinal: Int) { fates[ordinal] = .tooLarge }
}

/// 64 bits that tell an event's content apart from another's with the same id: its text, and what its visitor object says.
package func contentDigest(_ record: borrowing StagedRecord) -> UInt64 {
  Digest(record.groupAndEvent, seed: UInt64(record.eventCount)).low
}

extension PagedWalker {
  /// Calls `body` with each page of the visitor at hand, then goes back to the first.
  package mutating func eachPage(_ body: (Span<UInt8>, Span<Int>, Int) throws(RunFailure) -> Void) throws(RunFailure) {
    do {
      repeat { try body(page.span, offsets.span, pageStart) } while try nextPage()
      try rewind()
    } catch {
      throw stagingFailure(error)
    }
  }

  package mutating func judge(by judge: inout VisitorJudge, known: KnownEvents) throws(RunFailure) {
    try judge.judge(&self, known)
  }
}

/// What a failure of a staging file means for a run: damage is 76, for the inputs must be staged again; anything else is disk
/// trouble.
package func stagingFailure(_ failure: DiskFailure) -> RunFailure {
  switch failure.kind {
  case .damaged, .missing:
    RunFailure(
      .stagingDamaged,
      "\(failure); what was sent stays remembered: run `optireplay forget` only to send it again, or import the inputs again to go on"
    )
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

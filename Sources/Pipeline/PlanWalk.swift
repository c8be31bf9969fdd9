import Bytes
import Checkpointing
import Chunking
import Counting
import Disk
import EventAPI
import Grouping
import Vocabulary

/// What planning does with each visitor, in the total order: judges it, counts its results, keeps its rejects, and cuts bodies.
struct PlanWalk: ~Copyable {
  private let staged: Staged
  private let settings: RunSettings
  private let writer: PlanWriter
  private var known: LedgerFilter
  private var judge: VisitorJudge
  private var cutter: BodyCutter
  private var counter = ResultCounter()
  private var rejects: RejectFile
  private(set) var tally: PlanTally
  private(set) var plan: PlanRecord

  init(
    _ staged: Staged, _ settings: RunSettings, known: LedgerFilter, judge: VisitorJudge, writer: PlanWriter,
    rejects: consuming RejectFile, tally: PlanTally
  ) {
    self.staged = staged
    self.settings = settings
    self.known = known
    self.judge = judge
    self.writer = writer
    self.rejects = rejects
    self.tally = tally
    cutter = BodyCutter(settings.body, limit: settings.bodyLimit)
    plan = PlanRecord(read: staged.counts.read, rejects: staged.counts.rejects)
  }

  mutating func take(_ visitor: inout some VisitorPages & ~Copyable) throws(RunFailure) {
    try judge.judge(&visitor, known: &known)
    cutter.begin(visitor.visitor)
    if !settings.body.enrichDecisions { try learn(&visitor) }
    var hasNew = false
    try visitor.eachPage { page, offsets, start throws(RunFailure) in
      for at in offsets.indices {
        let record = StagedRecord(page, at: offsets[at])
        let fate = fate(of: record, start + at)
        tally.add(fate, record)
        if fate.stands {
          hasNew = hasNew || fate == .kept
          counter.count(record)
        } else if let reject = reject(fate) {
          try keep(reject, record)
        }
      }
    }
    counter.endVisitor()
    if hasNew { plan.visitors += 1 }
    if let body = cutter.startPlacing() { try append(body) }
    if cutter.isSplit { try place(&visitor) }
    cutter.endVisitor()
    plan.duplicate += visitor.duplicateCountOfVisitor
    tally.distinctIDs += judge.distinctIDCount
  }

  /// Completes the last body and the file of rejects, and returns the plan but for its findings, and what they are made of.
  consuming func finish() throws(RunFailure) -> (plan: PlanRecord, judged: JudgeCounts, tally: PlanTally) {
    if let body = cutter.finish() { try append(body) }
    plan.alreadyAccepted = tally.count(.alreadyAccepted)
    if settings.identicalRows == .once { plan.duplicate += tally.count(.sameEvent) }
    plan.filtered = tally.count(.conflictFiltered) + tally.count(.activationFiltered)
    plan.expected = counter.results()
    let found = (plan, judge.counts, tally)
    do throws(DiskFailure) {
      try rejects.finish()
    } catch {
      throw error.runFailure(forInput: false)
    }
    return found
  }

  /// Learns the visitor's decisions, which its conversions carry.
  private mutating func learn(_ visitor: inout some VisitorPages & ~Copyable) throws(RunFailure) {
    try visitor.eachPage { page, offsets, start throws(RunFailure) in
      for at in offsets.indices where judge.fates[start + at].stands {
        let record = StagedRecord(page, at: offsets[at])
        if record.isDecision { cutter.learn(record) }
      }
    }
  }

  /// Puts the records of a visitor that is larger than a body into several.
  private mutating func place(_ visitor: inout some VisitorPages & ~Copyable) throws(RunFailure) {
    try visitor.eachPage { page, offsets, start throws(RunFailure) in
      for at in offsets.indices where judge.fates[start + at] == .kept {
        let record = StagedRecord(page, at: offsets[at])
        if let body = cutter.place(record, ordinal: start + at) { try append(body) }
      }
    }
  }

  /// The last word on a record: one that is kept must fit into a body, and is measured.
  private mutating func fate(of record: borrowing StagedRecord, _ ordinal: Int) -> RecordFate {
    let fate = judge.fates[ordinal]
    if fate != .kept || cutter.measure(record, ordinal: ordinal) { return fate }
    judge.markTooLarge(ordinal)
    return .tooLarge
  }

  private func reject(_ fate: RecordFate) -> Reject? {
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

  private mutating func keep(_ reject: Reject, _ record: borrowing StagedRecord) throws(RunFailure) {
    plan.rejects[reject.code.rawValue, default: 0] += 1
    do throws(DiskFailure) {
      try rejects.append(reject, record, file: displayName(staged.inputs[record.input].path))
    } catch {
      throw error.runFailure(forInput: false)
    }
  }

  private mutating func append(_ body: BodyPlan) throws(RunFailure) {
    plan.bodies += 1
    plan.bytes += body.byteCount
    plan.decisions += body.decisionCount
    plan.conversions += body.eventCount - body.decisionCount
    do throws(CheckpointFailure) {
      try writer.append(
        BodyRow(
          number: body.number, byteCount: body.byteCount, eventCount: body.eventCount, decisionCount: body.decisionCount,
          conversionCount: body.eventCount - body.decisionCount, visitorCount: body.visitorCount, firstVisitor: body.first.visitor,
          firstIndex: body.first.ordinal, lastVisitor: body.last.visitor, lastIndex: body.last.ordinal, waitsFor: body.waitsFor,
          digest: nil))
    } catch {
      throw error.runFailure
    }
  }
}

extension RecordFate {
  /// Whether the endpoint has the event when the run is complete.
  var stands: Bool { self == .kept || self == .alreadyAccepted }
}

import Bytes
import Checkpointing
import Chunking
import Counting
import Disk
import EventAPI
import Grouping
import Vocabulary

/// What planning does with judged visitors, in the total order: cuts bodies, keeps rejects, and puts together what was counted.
struct PlanWalk: ~Copyable {
  private let staged: Staged
  private let settings: RunSettings
  private let writer: PlanWriter
  private var cutter: BodyCutter
  private var rejects: RejectFile
  /// Of a visitor that is followed while it is judged: the cutter without it, and the bodies that have ended since. Both are needed because it may
  /// turn out that it is taken back, or fits into a body whole.
  private var cutterBefore: BodyCutter?
  private var bodiesOfFollowed: [BodyPlan] = []
  private(set) var counts: VisitorCounts
  private(set) var plan: PlanRecord

  init(_ staged: Staged, _ settings: RunSettings, writer: PlanWriter, rejects: consuming RejectFile, tally: PlanTally, details: Bool) {
    self.staged = staged
    self.settings = settings
    self.writer = writer
    self.rejects = rejects
    counts = VisitorCounts(tally: tally, details: details)
    cutter = BodyCutter(settings.body, limit: settings.bodyLimit)
    plan = PlanRecord(read: staged.counts.read, rejects: staged.counts.rejects)
  }

  /// Takes the visitors of a partition.
  mutating func take(_ judged: JudgedPartition) throws(RunFailure) {
    guard var partition = judged.partition else { return }
    for (number, visitor) in judged.visitors.enumerated() {
      partition.visitor = number
      let records = partition.records(of: number)
      if !visitor.hasRejects, !visitor.measured.isSplit {
        // Nearly all.
        let first = StagedRecord(partition.bytes.span, at: partition.offsets[records.lowerBound])
        if let body = cutter.place(visitor.measured, first.visitor) { try append(body) }
      } else {
        try take(visitor, &partition, fates: judged.fates[records])
      }
    }
    if let later = judged.counts { counts.append(later) }
  }

  /// Takes one visitor with its fates.
  mutating func take(
    _ judged: JudgedVisitor, _ visitor: inout some VisitorPages & ~Copyable, fates: ArraySlice<RecordFate>
  ) throws(RunFailure) {
    let first = fates.startIndex
    let isSplit = judged.measured.isSplit
    if isSplit, !settings.body.enrichDecisions { try learn(&visitor, fates) }
    // Of a visitor that is whole and has no rejects only the first record is looked at.
    try visitor.eachPage(ofFirst: isSplit || judged.hasRejects ? .max : 1) { page, offsets, start throws(RunFailure) in
      if start == 0, let body = begin(judged.measured, StagedRecord(page, at: offsets[0]).visitor) { try append(body) }
      for at in offsets.indices {
        let fate = fates[first + start + at]
        if isSplit, fate == .kept {
          if let body = cutter.place(StagedRecord(page, at: offsets[at]), ordinal: start + at) { try append(body) }
        } else if judged.hasRejects, let reject = reject(fate, settings) {
          try keep(reject, StagedRecord(page, at: offsets[at]))
        }
      }
    }
    if isSplit { cutter.endSplit() }
  }

  /// Places a visitor that is whole, or begins one that is split. Returns the body that this completes, if any.
  private mutating func begin(_ measured: MeasuredVisitor, _ visitor: Span<UInt8>) -> BodyPlan? {
    measured.isSplit ? cutter.beginSplit(visitor) : cutter.place(measured, visitor)
  }

  /// Learns the decisions of a visitor to be split, which its conversions carry.
  private mutating func learn(_ visitor: inout some VisitorPages & ~Copyable, _ fates: ArraySlice<RecordFate>) throws(RunFailure) {
    try visitor.eachPage { page, offsets, start throws(RunFailure) in
      for at in offsets.indices where fates[fates.startIndex + start + at].stands {
        let record = StagedRecord(page, at: offsets[at])
        if record.isDecision { cutter.learn(record) }
      }
    }
  }

  // MARK: a visitor of several pages, followed while it is judged

  /// Begins a visitor, in a body of its own as if it had to be split. Each of its records must follow, and `endFollowing`. Not for conversions that
  /// carry their decisions, which would have to be known.
  mutating func beginFollowing(_ visitor: [UInt8]) {
    precondition(settings.body.enrichDecisions, "conversions cannot carry decisions that are not known")
    cutterBefore = cutter.copied()
    bodiesOfFollowed = []
    if let body = cutter.beginSplit(visitor.span) { bodiesOfFollowed.append(body) }
  }

  /// Takes a record that is kept. Returns false when more bodies have ended than are held for a visitor that may be taken back.
  mutating func follow(_ record: borrowing StagedRecord, _ ordinal: Int) -> Bool {
    if let body = cutter.place(record, ordinal: ordinal) { bodiesOfFollowed.append(body) }
    return bodiesOfFollowed.count < Limits.heldBodies
  }

  /// Takes a record with its fate, of a visitor that is not taken back. Bodies are held for as long as it may fit into one, which has room for all
  /// that comes before it is known to be split.
  mutating func follow(_ record: borrowing StagedRecord, _ ordinal: Int, _ fate: RecordFate, isSplit: Bool) throws(RunFailure) {
    if fate == .kept {
      _ = follow(record, ordinal)
    } else if let reject = reject(fate, settings) {
      try keep(reject, record)
    }
    if isSplit { try appendFollowed() }
  }

  /// Ends the visitor. One that need not be split is placed whole after all; nil takes it back as if it had never begun.
  mutating func endFollowing(_ judged: JudgedVisitor?, _ visitor: [UInt8]) throws(RunFailure) {
    cutter.endSplit()
    guard let before = cutterBefore.take() else { preconditionFailure("a visitor ended that was not begun") }
    if let judged, judged.measured.isSplit { return try appendFollowed() }
    bodiesOfFollowed = []
    cutter = before
    if let judged, let body = cutter.place(judged.measured, visitor.span) { try append(body) }
  }

  private mutating func appendFollowed() throws(RunFailure) {
    if bodiesOfFollowed.isEmpty { return }
    for body in bodiesOfFollowed { try append(body) }
    bodiesOfFollowed.removeAll(keepingCapacity: true)
  }

  /// Adds what was counted of visitors taken one by one.
  mutating func add(_ later: VisitorCounts?) {
    if let later { counts.append(later) }
  }

  /// Completes the last body and the file of rejects, and returns the plan but for its findings, and what they are made of.
  consuming func finish() throws(RunFailure) -> (plan: PlanRecord, counts: VisitorCounts) {
    if let body = cutter.finish() { try append(body) }
    plan.visitors = counts.visitors
    plan.alreadyAccepted = counts.tally.count(.alreadyAccepted)
    plan.duplicate = counts.duplicates
    if settings.identicalRows == .once { plan.duplicate += counts.tally.count(.sameEvent) }
    plan.filtered = staged.counts.filtered + counts.tally.count(.conflictFiltered) + counts.tally.count(.activationFiltered)
    plan.expected = counts.results.results()
    plan.details = counts.results.details()
    let found = (plan, counts)
    do throws(DiskFailure) {
      try rejects.finish()
    } catch {
      throw error.runFailure(forInput: false)
    }
    return found
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

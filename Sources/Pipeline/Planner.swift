import Bytes
import Checkpointing
import Chunking
import Counting
import Delivering
import Disk
import EventAPI
import Foundation
import Grouping
import Reporting
import Vocabulary

/// What planning found out; stored with the run, so that every summary tells the same.
struct PlanRecord: Codable, Equatable {
  struct Sighting: Codable, Equatable {
    var code: String
    var severity: String
    var count: Int
    var samples: [String]
  }

  var read = 0
  var alreadyAccepted = 0
  var duplicate = 0
  var filtered = 0
  var rejects: [String: Int] = [:]
  var decisions = 0
  var conversions = 0
  var visitors = 0
  var bodies = 0
  var bytes = 0
  var findings: [Sighting] = []
  var expected = Results()
  /// Why nothing of the run may be sent; nil when it may.
  var refusal: String?

  var rejected: Int { rejects.values.reduce(0, +) }
}

/// Walks the staged visitors once: judges them, cuts bodies, counts the expected results, and writes the plan. Sends nothing.
struct Planner {
  let staged: Staged
  let settings: RunSettings
  let options: RunOptions
  let checkpoint: Checkpoint
  /// Where accepted events are remembered.
  let ledger: Checkpoint
  let run: RunRow
  let folder: String
  let stop: StopSwitch
  let progress: @Sendable (RunProgress) -> Void
  /// Epoch milliseconds, for findings about the future; never for a body.
  let now: Int64

  func plan() throws(RunFailure) {
    do {
      try walk()
    } catch let failure as CheckpointFailure {
      throw failure.runFailure
    } catch let failure as DiskFailure {
      throw stagingFailure(failure)
    } catch let failure as RunFailure {
      throw failure
    } catch {
      throw RunFailure(.bug, "\(error)")
    }
  }

  private func walk() throws {
    let mark = try ledger.ledgerMark(account: run.account, endpoint: run.endpoint)
    var known = LedgerFilter(ledger, account: run.account, endpoint: run.endpoint, mark: mark)
    let writer = try checkpoint.beginPlan(run.id)
    var walker = try VisitorWalker(staged.runs, memoryBytes: options.memoryBytes / 2, identicalRows: settings.identicalRows)
    var judge = VisitorJudge(settings.rules, memoryBytes: options.memoryBytes / 8)
    var cutter = BodyCutter(settings.body, limit: settings.bodyLimit)
    var counter = ResultCounter()
    var rejects = try RejectFile(target: folder + "/rejects.ndjson", staged: folder + "/staging/rejects.ndjson")
    var tally = PlanTally(futureFrom: now + 86_400_000)
    var plan = PlanRecord(read: staged.counts.read, rejects: staged.counts.rejects)

    while try walker.nextVisitor() {
      if stop.isStopped {
        throw RunFailure(.stopped, "stopped while planning; nothing of this run was sent yet; run the same command again")
      }
      try judge.judge(&walker, known: &known)
      cutter.begin(walker.visitor)
      try measure(&walker, &judge, &cutter, &counter, &tally)
      if let body = cutter.startPlacing() { try append(body, to: writer, &plan) }
      let hasNew = judge.fates.contains(.kept)
      if hasNew { plan.visitors += 1 }
      try walker.eachPage { page, offsets, start throws(RunFailure) in
        for (at, offset) in offsets.enumerated() {
          let record = StagedRecord(page.span, at: offset)
          let fate = judge.fates[start + at]
          tally.add(fate, record)
          if fate == .kept {
            if let body = cutter.place(record, ordinal: start + at) { try appendBody(body, to: writer, &plan) }
          } else if let reject = reject(fate) {
            try keep(reject, record, &rejects, &plan)
          }
        }
      }
      cutter.endVisitor()
      plan.duplicate += walker.duplicateCountOfVisitor
      tally.distinctIDs += judge.distinctIDCount
      if plan.visitors % 1024 == 0 { progress(.planning(records: tally.total, of: staged.counts.staged)) }
    }
    if let body = cutter.finish() { try append(body, to: writer, &plan) }
    plan.alreadyAccepted = tally.count(.alreadyAccepted)
    plan.filtered = tally.count(.conflictFiltered) + tally.count(.activationFiltered)
    plan.expected = counter.results()
    plan.findings = Findings(staged.counts, judge.counts, tally, inputs: staged.inputs).all()
    plan.refusal = refusal(plan)
    try rejects.finish()
    try writer.commit(
      ledgerMark: mark, summary: storedJSON(plan), phase: plan.refusal == nil ? .sending : .refused, now: now)
  }

  /// First pass over a visitor: learns its decisions, finds records that no body can hold, measures, and counts results.
  private func measure(
    _ walker: inout VisitorWalker, _ judge: inout VisitorJudge, _ cutter: inout BodyCutter, _ counter: inout ResultCounter,
    _ tally: inout PlanTally
  ) throws(RunFailure) {
    if !settings.body.enrichDecisions {
      try walker.eachPage { page, offsets, start throws(RunFailure) in
        for (at, offset) in offsets.enumerated() {
          let record = StagedRecord(page.span, at: offset)
          if record.isDecision, judge.fates[start + at].stands { cutter.learn(record) }
        }
      }
    }
    try walker.eachPage { page, offsets, start throws(RunFailure) in
      for (at, offset) in offsets.enumerated() {
        let record = StagedRecord(page.span, at: offset)
        if judge.fates[start + at] == .kept {
          if cutter.fits(record) { cutter.measure(record) } else { judge.markTooLarge(start + at) }
        }
        if judge.fates[start + at].stands {
          counter.count(record)
          tally.note(record)
        }
      }
    }
    counter.endVisitor()
  }

  private func reject(_ fate: RecordFate) -> Reject? {
    switch fate {
    case .kept, .alreadyAccepted, .conflictFiltered, .activationFiltered: nil
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

  private func keep(
    _ reject: Reject, _ record: borrowing StagedRecord, _ rejects: inout RejectFile, _ plan: inout PlanRecord
  ) throws(RunFailure) {
    plan.rejects[reject.code.rawValue, default: 0] += 1
    do throws(DiskFailure) {
      try rejects.append(reject, record, file: displayName(staged.inputs[record.input].path))
    } catch {
      throw error.runFailure(forInput: false)
    }
  }

  private func appendBody(_ body: BodyPlan, to writer: PlanWriter, _ plan: inout PlanRecord) throws(RunFailure) {
    do throws(CheckpointFailure) {
      try append(body, to: writer, &plan)
    } catch {
      throw error.runFailure
    }
  }

  private func append(_ body: BodyPlan, to writer: PlanWriter, _ plan: inout PlanRecord) throws(CheckpointFailure) {
    plan.bodies += 1
    plan.bytes += body.byteCount
    plan.decisions += body.decisionCount
    plan.conversions += body.eventCount - body.decisionCount
    try writer.append(
      BodyRow(
        number: body.number, byteCount: body.byteCount, eventCount: body.eventCount, decisionCount: body.decisionCount,
        conversionCount: body.eventCount - body.decisionCount, visitorCount: body.visitorCount, firstVisitor: body.first.visitor,
        firstIndex: body.first.ordinal, lastVisitor: body.last.visitor, lastIndex: body.last.ordinal, waitsFor: body.waitsFor,
        digest: nil))
  }

  /// The gate and the findings: why nothing may be sent, or nil.
  private func refusal(_ plan: PlanRecord) -> String? {
    let judged = plan.read - plan.filtered
    if !options.maxRejects.allows(plan.rejected, of: judged) {
      return "\(grouped(plan.rejected)) of \(grouped(judged)) records were rejected, more than --max-rejects \(options.maxRejects.words); "
        + "nothing was sent; mend the input (see `optireplay rejects \(run.id)`), or raise --max-rejects"
    }
    let accepted = Set(options.acceptedFindings.map(\.rawValue))
    let falsifying = plan.findings.filter { $0.severity == Severity.falsifies.rawValue && !accepted.contains($0.code) }
    guard let first = falsifying.first else { return nil }
    let names = falsifying.map(\.code).joined(separator: ", ")
    let meaning = FindingCode(rawValue: first.code)?.meaning ?? ""
    return "this import would falsify results (\(names)); nothing was sent. \(meaning) "
      + "To send it all the same, pass --accept \(first.code)"
  }
}

extension RecordFate {
  /// Whether the endpoint has the event when the run is complete.
  var stands: Bool { self == .kept || self == .alreadyAccepted }
}

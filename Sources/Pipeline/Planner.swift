import Bytes
import Checkpointing
import Chunking
import Counting
import Delivering
import Disk
import EventAPI
import Foundation
import Grouping
import Normalizing
import Reporting
import Vocabulary

/// What planning found out; stored with the run, so that every summary tells the same.
struct PlanRecord: Codable, Equatable {
  struct Sighting: Codable, Equatable {
    var code: String
    var severity: String
    var count: Int
    var total: Int?
    var samples: [String]
    var places: [FindingPlace]
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
  /// The first rows that become events, when they were asked for.
  var firstRows: [FindingPlace]?
  /// What they are made of, where a page is to show it.
  var details: ResultDetails?
  /// Why nothing of the run may be sent; nil when it may.
  var refusal: String?
  /// When the events were; nil in plans of earlier versions.
  var times: PlannedTimes?
  /// The mark of the ledger once more, which says what filters the run; nil in plans of earlier versions.
  var ledgerMark: Int64?

  var rejected: Int { rejects.values.reduce(0, +) }
  /// What became of the records, one fate each.
  var fates: Int { alreadyAccepted + duplicate + filtered + rejected + decisions + conversions }
}

/// Walks the staged visitors once: judges them, cuts bodies, counts the expected results, and writes the plan. Sends nothing.
struct Planner {
  let staged: Staged
  let settings: RunSettings
  /// How each input's rows became records.
  let inputMappings: [Mapping]
  let options: RunOptions
  let checkpoint: Checkpoint
  /// Where accepted events are remembered.
  let ledger: Checkpoint
  let run: RunRow
  let folder: String
  /// What commands call the run.
  let name: String
  let stop: StopSwitch
  let progress: @Sendable (RunProgress) -> Void
  /// Epoch milliseconds, for findings about the future; never for a body.
  let now: Int64

  func plan() throws(RunFailure) {
    do {
      try walk()
      // Staging had large buffers returned.
      if !staged.runs.isEmpty, options.memoryBytes >= RunFlow.smallMemoryBytes { ProcessMemory.keepLargeBuffers() }
    } catch let failure as CheckpointFailure {
      throw failure.runFailure
    } catch {
      throw stagingFailure(error)
    }
  }

  private func walk() throws {
    // A plan's own folder has no ledger, and the number of its run means another one in the real folder.
    let ignoresAll = settings.ignoresLedger == true && ledger !== checkpoint
    if settings.ignoresLedger != true { try ledger.requireSoundLedger() }
    let mark = ignoresAll ? 0 : try ledger.ledgerMark(account: run.account, endpoint: run.endpoint)
    let sliceCount = try ledger.ledgerSliceCount(account: run.account, endpoint: run.endpoint, upTo: mark)
    let writer = try checkpoint.beginPlan(run.id)
    let reader = try staged.reader(identicalRows: settings.identicalRows)
    let tally = PlanTally(PlanWatch(settings, inputs: inputMappings, futureFrom: now + 86_400_000, keepsFirstRows: options.keepsFirstRows))
    var walk = PlanWalk(
      staged, settings, writer: writer,
      rejects: try RejectFile(target: folder + "/rejects.ndjson", staged: folder + "/staging/rejects.ndjson"), tally: tally,
      details: options.countsDetails)
    let judges = PartitionJudges(
      reader, settings, options, scratchFolder: folder + "/staging", ledger: ledger, run: run, mark: mark)
    var notes = try OrderWriter(path: Planner.notesPath(folder), partitionCount: reader.count)
    let ahead = judges.judged(tally)
    while let number = ahead.next {
      let judged = try ahead.take()
      if stop.isStopped {
        throw stopped
      }
      if let runs = reader.largeRuns(of: number) {
        try take(runs, &walk, judges.judge(memoryBytes: options.memoryBytes / 16, tally: tally))
      } else {
        try walk.take(judged)
        // A note would not tell which of identical rows was numbered how.
        if settings.identicalRows == .once, let partition = judged.partition { try notes.append(number, partition, judged.fates) }
      }
      progress(.planning(records: walk.counts.tally.total, of: staged.counts.staged))
      ahead.giveBack(judged)
    }
    try notes.finish()
    // An import in another process may have merged what a plan was reading.
    guard try ledger.ledgerSliceCount(account: run.account, endpoint: run.endpoint, upTo: mark) == sliceCount else {
      throw CheckpointFailure.ledgerChanged(path: ledger.path)
    }
    var (plan, counts) = try walk.finish()
    plan.findings =
      Findings(
        staged.counts, counts.judged, counts.tally, inputs: staged.inputs, carriesDecisions: !settings.body.enrichDecisions
      ).all
    plan.times = PlannedTimes(counts.tally)
    if options.keepsFirstRows {
      plan.firstRows = counts.tally.firstRows.samples.map { Findings.place($0, staged.inputs) }
    }
    guard plan.fates == plan.read else {
      throw RunFailure(.stagingDamaged, "of \(plan.read) records that were read, staging has \(plan.fates)")
    }
    plan.refusal = refusal(plan)
    plan.ledgerMark = mark
    try writer.commit(
      ledgerMark: mark, summary: storedJSON(plan), phase: plan.refusal == nil ? .sending : .refused, now: now)
  }

  private var stopped: RunFailure {
    RunFailure(.stopped, "stopped \(stop.reason) while planning; nothing of this run was sent yet; run the same command again")
  }

  /// Where the order is noted, for sending.
  static func notesPath(_ folder: String) -> String { folder + "/staging/order" }

  /// Takes the visitors of a large partition, page by page.
  private func take(_ runs: [SortedRun], _ walk: inout PlanWalk, _ judge: consuming PartitionJudge) throws(RunFailure) {
    do {
      var walker = try PagedWalker(runs, memoryBytes: options.memoryBytes / 4, identicalRows: settings.identicalRows)
      while try walker.nextVisitor() {
        if stop.isStopped {
          throw stopped
        }
        if walker.goesOn, settings.body.enrichDecisions {
          try follow(&walker, &walk, &judge)
        } else {
          let judged = try judge.judge(&walker)
          try walk.take(judged, &walker, fates: judge.fates[...])
        }
      }
      var counts = judge.takeCounts()
      counts?.tally.collapsed.append(walker.derivedDuplicates)
      walk.add(counts)
    } catch {
      throw stagingFailure(error)
    }
  }

  /// Takes a visitor of several pages while it is judged; once more when not all of its records are kept.
  private func follow(_ walker: inout PagedWalker, _ walk: inout PlanWalk, _ judge: inout PartitionJudge) throws(RunFailure) {
    walk.beginFollowing(walker.visitor)
    let judged = try judge.follow(&walker) { record, ordinal throws(RunFailure) in walk.follow(record, ordinal) }
    try walk.endFollowing(judged, walker.visitor)
    if judged != nil { return }
    walk.beginFollowing(walker.visitor)
    let again = try judge.followAgain(&walker) { record, ordinal, fate, isSplit throws(RunFailure) in
      try walk.follow(record, ordinal, fate, isSplit: isSplit)
    }
    try walk.endFollowing(again, walker.visitor)
  }

  /// The gate and the findings: why nothing may be sent, or nil.
  private func refusal(_ plan: PlanRecord) -> String? {
    let judged = plan.read - plan.filtered
    if !options.maxRejects.allows(plan.rejected, of: judged) {
      return "\(grouped(plan.rejected)) of \(grouped(judged)) records were rejected, more than --max-rejects \(options.maxRejects.words); "
        + "nothing was sent; mend the input (see `optireplay rejects \(name)`), or raise --max-rejects"
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

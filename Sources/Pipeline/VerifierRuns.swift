import Bytes
import Checkpointing
import Disk
import Foundation
import Grouping
import Reading
import Reporting
import Vocabulary

// What is looked at of each run.
extension Verifier {
  mutating func verify(_ row: RunRow, _ checkpoint: Checkpoint) throws(RunFailure) {
    var told = Verification.Run(run: row.id.rawValue, phase: row.phase.rawValue)
    for fault in try looking(.receipts, run: row.id, { () throws(CheckpointFailure) in try checkpoint.faults(of: row.id) }) ?? [] {
      note(row, .receipts, fault)
    }
    let settingsAreWhole = verifySettings(row)
    try verifyCounts(row, checkpoint)
    if row.phase != .forgotten, settingsAreWhole { try rebuild(row, checkpoint, &told) }
    found.runs.append(told)
  }

  /// The run's key was made of its inputs as they were named, and its settings.
  private mutating func verifySettings(_ row: RunRow) -> Bool {
    if storedKey(row.specification, row.settings) == row.key { return true }
    note(row, .settings, "what it was told to read, or its settings, are not what they were")
    return false
  }

  // MARK: counts

  private mutating func verifyCounts(_ row: RunRow, _ checkpoint: Checkpoint) throws(RunFailure) {
    guard row.phase != .staging, row.phase != .forgotten else { return }
    let found = try looking(.counts, run: row.id) { () throws(CheckpointFailure) in
      (
        counts: try checkpoint.stagingCounts(row.id), inputs: try checkpoint.inputs(row.id), files: try checkpoint.stagingFiles(row.id),
        refused: try checkpoint.refusedEventCount(row.id)
      )
    }
    guard let found else { return }
    guard let text = found.counts, let counts: StagingCounts = try? fromStoredJSON(text, "staging counts") else {
      return note(row, .counts, "what its inputs held is no longer known")
    }
    let staged = found.files.filter { $0.partition == nil }.reduce(0) { $0 + $1.recordCount }
    if counts.read != counts.staged + counts.filtered + counts.rejects.values.reduce(0, +)
      || counts.read != found.inputs.reduce(0, { $0 + $1.rowCount }) || (!found.files.isEmpty && staged != counts.staged)
    {
      note(row, .counts, "the rows of its inputs, its records and its rejects do not add up")
    }
    guard row.phase != .planning else { return }
    guard let plan: PlanRecord = try? fromStoredJSON(row.summary ?? "", "plan") else {
      return note(row, .counts, "what became of its records is no longer known")
    }
    if plan.read != plan.fates || plan.read != counts.read {
      note(row, .counts, "the fates of its records do not add up to the records read")
    }
    try verifyBodyCounts(row, plan, checkpoint)
    verifyRejects(row, plan.rejected, plan.rejected + found.refused)
  }

  private mutating func verifyBodyCounts(_ row: RunRow, _ plan: PlanRecord, _ checkpoint: Checkpoint) throws(RunFailure) {
    let sums = try looking(.counts, run: row.id) { () throws(CheckpointFailure) in
      var sums = PlanRecord()
      sums.bodies = try checkpoint.bodyCount(row.id)
      var last = 0
      while true {
        let bodies = try checkpoint.bodies(row.id, from: last + 1, limit: 256)
        guard let end = bodies.last else { return sums }
        for body in bodies {
          sums.bytes += body.byteCount
          sums.decisions += body.decisionCount
          sums.conversions += body.conversionCount
        }
        last = end.number
      }
    }
    guard let sums else { return }
    guard sums.bodies == plan.bodies, sums.bytes == plan.bytes, sums.decisions == plan.decisions, sums.conversions == plan.conversions
    else { return note(row, .counts, "its bodies do not add up to what was planned") }
  }

  /// Counts the lines of the file of rejects. Those that the server refused are added when a delivery ends.
  private mutating func verifyRejects(_ row: RunRow, _ planned: Int, _ all: Int) {
    if found.isBeingWritten, row.phase.isUnfinished { return }
    let path = StateFolder.rejectsPath(state, row.id)
    var count = 0
    do throws(DiskFailure) {
      var lines = try LineReader(path: path)
      while let line = try lines.next() {
        count += 1
        guard (try? JSONDecoder().decode(RejectEntry.self, from: Data(line))) != nil else {
          throw DiskFailure(.damaged, path, "line \(count) of it is not what was written")
        }
      }
      guard count == all || (row.phase == .sending && count >= planned) else {
        throw DiskFailure(.damaged, path, "it has \(count) lines, and \(all) rows were rejected")
      }
    } catch {
      note(
        row, .rejects, error.description,
        wayOn: "`optireplay rejects \(row.id)` cannot list them all any more; import the same inputs again to have them listed anew")
    }
  }

  // MARK: bodies

  private mutating func rebuild(_ row: RunRow, _ checkpoint: Checkpoint, _ told: inout Verification.Run) throws(RunFailure) {
    guard row.phase != .staging else { return }
    if found.isBeingWritten, row.phase.isUnfinished {
      told.reason = "it is being written now"
      return
    }
    told.bodyCount = try looking(.counts, run: row.id) { () throws(CheckpointFailure) in try checkpoint.bodyCount(row.id) } ?? 0
    guard try looking(.counts, run: row.id, { () throws(CheckpointFailure) in try checkpoint.inputs(row.id) }) != nil else { return }
    let flow: RunFlow
    do throws(RunFailure) {
      flow = try RunFlow(
        row, options: options(row), home: state, checkpoint: checkpoint, ledger: checkpoint, log: log, stop: stop, progress: progress)
    } catch {
      told.reason = error.message
      return
    }
    if row.phase == .refused {
      if told.bodyCount > 0 { told.reason = "it was refused, and nothing of it was sent" }
      return
    }
    let staged = try verifyStaging(flow)
    guard told.bodyCount > 0 else { return }
    guard row.encoder == RunFlow.encoderVersion else {
      told.reason = "another version of optireplay made them, which can verify them"
      return
    }
    if let staged {
      told.source = .staging
      told.rebuiltCount = try compare(flow, staged, told.source!, &told)
    } else if let reason = try flow.whyInputsAreNotReadable() {
      told.reason = reason
    } else {
      try rebuildFromInputs(flow, &told)
    }
  }

  func options(_ row: RunRow) -> RunOptions {
    var options = RunOptions(state: state, account: row.account, endpoint: Endpoint(row.endpoint) ?? .sandbox)
    options.memoryBytes = memoryBytes
    options.scratchFolder = TemporaryFolder.system
    return options
  }

  /// Reads all of a run's staging. Nil when there is none to be believed.
  private mutating func verifyStaging(_ flow: RunFlow) throws(RunFailure) -> Staged? {
    let isNeeded = flow.run.phase.isUnfinished
    guard isNeeded || Folder.isFolder(flow.staging) && Folder.exists(StateFolder.keptStagingMark(flow.home, flow.run.id)) else {
      return nil
    }
    guard let staged = try? flow.staged() else { return nil }
    var failures: [DiskFailure] = []
    func looking(_ body: () throws(DiskFailure) -> Void) {
      do throws(DiskFailure) { try body() } catch { failures.append(error) }
    }
    for file in staged.files { looking { () throws(DiskFailure) in try check(file) } }
    for run in staged.runs { looking { () throws(DiskFailure) in try check(run) } }
    if failures.isEmpty { return staged }
    var wayOn = "the run is complete and needs it no more; remove \(flow.staging)"
    var mends = true
    if isNeeded {
      mends = try flow.whyInputsAreNotReadable() == nil
      wayOn =
        mends
        ? "its inputs still hold what was staged: the same command, or `optireplay resume \(flow.run.id)`, stages them again by itself"
        : flow.waysOnWithoutStaging
    }
    for failure in failures { note(flow.run, .staging, failure.description, wayOn: wayOn, mendsItself: mends) }
    return nil
  }

  private mutating func rebuildFromInputs(_ flow: RunFlow, _ told: inout Verification.Run) throws(RunFailure) {
    do throws(RunFailure) {
      let scratch = try TemporaryFolder()
      let staged = try flow.stagedAgain(in: scratch.path + "/staging")
      guard try staged.counts == flow.staged().counts else {
        note(flow.run, .counts, "its inputs are the same, but give other records than were counted")
        told.reason = "its inputs give other records than then"
        return
      }
      told.source = .inputs
      told.rebuiltCount = try compare(flow, staged, .inputs, &told)
    } catch {
      if error.status == .stopped { throw error }
      told.source = nil
      told.reason = error.message
    }
  }

  /// Builds every body of the run's plan and compares it with the one that was planned and committed. Returns how many are the same.
  private mutating func compare(
    _ flow: RunFlow, _ staged: Staged, _ source: Verification.Run.Source, _ told: inout Verification.Run
  ) throws(RunFailure) -> Int {
    let comparison = try BodyComparison(flow, staged).compare(stop)
    let others = comparison.different
    if others.isEmpty { return comparison.sameCount }
    if try comparison.ledgerKnowsLess() {
      told.source = nil
      told.reason =
        "the ledger no longer has all that this run was planned with: an earlier run was forgotten since, the ledger was pruned, or what was "
        + "merged into it from elsewhere was put together"
      return 0
    }
    if source == .inputs, (flow.run.specification + flow.run.settings).contains("${") {
      told.source = nil
      told.reason = "they come out differently: a variable of the environment that its configuration names has another value than then"
      return 0
    }
    let names = others.prefix(5).joined(separator: ", ") + (others.count > 5 ? " and \(others.count - 5) more" : "")
    note(
      flow.run, .bodies,
      "bodies that are not what was planned, or committed before it was sent: \(names)",
      wayOn: flow.run.phase == .complete
        ? "what was sent is not known for certain any more; \(Verifier.backup)"
        : "`optireplay resume \(flow.run.id) --restage` plans what has not been accepted anew; what was accepted is not sent again")
    return comparison.sameCount
  }
}

extension RunFlow {
  /// Why the inputs cannot be read once more as they were; nil when they can. Reads all of them.
  func whyInputsAreNotReadable() throws(RunFailure) -> String? {
    for row in try guarding({ () throws(CheckpointFailure) in try checkpoint.inputs(run.id) }) {
      if row.path == "-" { return "standard input, which cannot be read again, was one of its inputs" }
      guard Folder.isRegularFile(row.path) else { return "\(row.path) is gone, or can be read only once" }
      guard let digest = try? fileDigest(row.path), digest.bytes == row.digest else { return "\(row.path) has changed since" }
    }
    return nil
  }

  /// Stages the inputs into a folder of its own.
  func stagedAgain(in folder: String) throws(RunFailure) -> Staged {
    try Stager(
      specification: specification, settings: settings, options: options, folder: folder, stop: stop, progress: progress
    ).stage()
  }

  /// How a run goes on whose staging is damaged while its inputs are gone or have changed.
  var waysOnWithoutStaging: String {
    let pending = "`optireplay forget \(run.id) --pending` gives up what was not sent"
    return "what was accepted stays accepted: "
      + (readsStandardInput
        ? "\(pending), and then the command with the same standard input sends what was not accepted"
        : "`optireplay resume \(run.id) --restage` reads the inputs as they are now, \(pending)")
  }
}

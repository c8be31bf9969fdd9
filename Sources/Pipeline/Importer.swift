package import Checkpointing
package import Delivering
internal import Disk
package import Logging
package import Reporting
package import Vocabulary

/// Imports history: from named inputs to receipts, resumable at every point.
///
///     inputs ─▶ stage ─▶ plan ─▶ send ─▶ summary
///
/// The same command again continues what was interrupted, and sends nothing when all is done. One writer works in a state folder.
package struct Importer: Sendable {
  private let options: RunOptions
  private let log: Logger
  private let stop: StopSwitch
  private let progress: @Sendable (RunProgress) -> Void

  package init(_ options: RunOptions, log: Logger, stop: StopSwitch, progress: @escaping @Sendable (RunProgress) -> Void) {
    if options.memoryBytes < RunFlow.smallMemoryBytes { ProcessMemory.returnLargeBuffers() }
    self.options = options
    self.log = log
    self.stop = stop
    self.progress = progress
  }

  /// Imports. An unfinished run of the account and endpoint is finished first; when it was this very command and its inputs still hold
  /// what it staged, that is all. Throws only when there is no run to speak of; what ends a run is in its summary.
  package func run(_ specification: ImportSpecification, _ settings: RunSettings) async throws(RunFailure) -> RunSummary {
    let state = try StateFolder(options.state)
    for warning in state.warnings { log.warning("\(warning)") }
    try state.removeServedStaging()
    for run in try guarding({ () throws(CheckpointFailure) in try state.checkpoint.damagedRuns() }) {
      log.warning("the checkpoint is damaged: what is known of run \(run) is not as it was kept; `optireplay verify \(run)` tells more")
    }
    let key = runKey(specification, settings)
    let unfinished = try guarding { () throws(CheckpointFailure) in
      try state.checkpoint.unfinishedRun(account: options.account, endpoint: options.endpoint.name)
    }
    let isSame = unfinished?.key == key
    if let unfinished, try !isLetGo(unfinished, isSame: isSame, state) {
      let words =
        isSame
        ? "going on with it"
        : "it is of an earlier command and is finished first; `optireplay forget \(unfinished.id)` would drop it"
      log.notice("run \(unfinished.id) is unfinished (\(unfinished.phase.rawValue)); \(words)")
      let flow = try flow(unfinished, state)
      let summary = try await flow.carry()
      if isSame {
        guard summary.state == .complete || summary.state == .refused, unfinished.phase != .staging else { return summary }
        if try await onThread({ () throws(RunFailure) in try flow.inputsAreUnchanged() }) { return summary }
        log.notice("run \(unfinished.id) is \(summary.state.rawValue), and its inputs have changed since; reading them again")
      } else {
        guard summary.state == .complete || summary.state == .refused else {
          let way = "`optireplay forget \(unfinished.id) --pending` would give up what it has not sent"
          log.warning("run \(unfinished.id) could not be finished, so this command has not begun; \(way)")
          return summary
        }
        log.notice("run \(unfinished.id) is \(summary.state.rawValue); now this one")
      }
    }
    // What cannot be read or bound begins no run.
    try await onThread { () throws(RunFailure) in try Stager.check(specification, settings) }
    let run = try guarding { () throws(CheckpointFailure) in
      try state.checkpoint.beginRun(
        account: options.account, endpoint: options.endpoint.name, key: key, specification: storedJSON(specification),
        settings: storedJSON(settings), encoder: RunFlow.encoderVersion, configuration: options.configuration, now: epochMilliseconds())
    }
    return try await flow(run, state).carry()
  }

  /// Finishes an unfinished run without its command; of several the named one. Nil when there is none.
  package func resume(_ id: RunID?, restaging: Bool) async throws(RunFailure) -> RunSummary? {
    let state = try StateFolder(options.state)
    for warning in state.warnings { log.warning("\(warning)") }
    try state.removeServedStaging()
    let unfinished = try guarding { () throws(CheckpointFailure) in
      if let id { return [try state.checkpoint.run(id)].filter(\.phase.isUnfinished) }
      return try state.checkpoint.unfinishedRuns()
    }
    guard let run = unfinished.first else { return nil }
    guard unfinished.count == 1 else {
      let names = unfinished.map { "\($0.id) (account \($0.account), \($0.endpoint))" }.joined(separator: ", ")
      throw RunFailure(.usage, "several runs are unfinished: \(names); name one, as in `optireplay resume \(run.id)`")
    }
    var flow = try flow(run, state)
    if flow.readsStandardInput, restaging || run.phase == .staging {
      throw RunFailure(
        .inputUnreadable,
        "standard input, which cannot be read again, was an input of run \(run.id); "
          + (run.phase == .staging ? "" : "give up what was not sent with `optireplay forget \(run.id) --pending`, then ")
          + "run its command again with the same input: what was accepted is not sent again")
    }
    if restaging { flow = try flow.restarted() }
    return try await flow.carry()
  }

  /// Does everything of an import but sending, in a state folder of its own; the ledger of the real one tells what is new.
  package func plan(_ specification: ImportSpecification, _ settings: RunSettings) async throws(RunFailure) -> RunSummary {
    if let output = options.output, !Folder.isEmpty(output) {
      throw RunFailure(.usage, "\(output): the folder is not empty; name a new one, so that no body of another plan is among these")
    }
    let scratch = try StateFolder(StateFolder.planPath(options.state), anew: true)
    let run = try guarding { () throws(CheckpointFailure) in
      try scratch.checkpoint.beginRun(
        account: options.account, endpoint: options.endpoint.name, key: runKey(specification, settings),
        specification: storedJSON(specification), settings: storedJSON(settings), encoder: RunFlow.encoderVersion,
        configuration: options.configuration, now: epochMilliseconds())
    }
    let ledger = try StateFolder.reader(options.state)
    if let ledger, let unfinished = try ledger.unfinished(options) {
      log.warning("run \(unfinished.id) is unfinished: an import would finish it first, and what it has not sent counts as new here")
    }
    return try await RunFlow(
      run, options: options, home: scratch.path, checkpoint: scratch.checkpoint, ledger: ledger ?? scratch.checkpoint, log: log,
      stop: stop, progress: progress
    ).carry(plansOnly: true)
  }

  private func flow(_ run: RunRow, _ state: borrowing StateFolder) throws(RunFailure) -> RunFlow {
    try RunFlow(
      run, options: options, home: state.path, checkpoint: state.checkpoint, ledger: state.checkpoint, log: log, stop: stop,
      progress: progress)
  }

  /// Whether a run is let go because it had not read all its inputs, had sent nothing, and will not be asked to go on: its command is
  /// another, or its standard input is gone.
  private func isLetGo(_ run: RunRow, isSame: Bool, _ state: borrowing StateFolder) throws(RunFailure) -> Bool {
    guard run.phase == .staging else { return false }
    if isSame, try !flow(run, state).readsStandardInput { return false }
    log.notice("run \(run.id) ended before it had read its inputs; it had sent nothing and is dropped")
    try state.forget(run.id, keepingAccepted: true, now: epochMilliseconds())
    return true
  }
}

extension Checkpoint {
  fileprivate func unfinished(_ options: RunOptions) throws(RunFailure) -> RunRow? {
    try guarding { () throws(CheckpointFailure) in
      try unfinishedRun(account: options.account, endpoint: options.endpoint.name)
    }
  }
}

/// Turns what the checkpoint throws into what ends a run.
func guarding<Value>(_ body: () throws(CheckpointFailure) -> Value) throws(RunFailure) -> Value {
  do throws(CheckpointFailure) {
    return try body()
  } catch {
    throw error.runFailure
  }
}

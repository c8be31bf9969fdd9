import Bytes
package import Checkpointing
import Delivering
import Disk
import Grouping
import Logging
import Reading
package import Reporting
package import Vocabulary

// What became of a run, told from the checkpoint alone, so that every process tells the same.
extension RunFlow {
  /// Ends the run when nothing is left to do, and sums up.
  func summary(after failure: RunFailure?, seconds: Double, plansOnly: Bool) throws(RunFailure) -> RunSummary {
    if failure == nil, !plansOnly, try current().phase == .sending {
      try requireAllAccepted()
      try guarding { () throws(CheckpointFailure) in
        try checkpoint.complete(run.id, summary: try checkpoint.run(run.id).summary ?? "", now: epochMilliseconds())
      }
    }
    let row = try current()
    var summary = try checkpoint.summary(of: row)
    summary.seconds = seconds
    summary.message = failure?.message ?? summary.message
    if plansOnly {
      summary.run = "plan"
      if row.phase == .sending { summary.state = .planned }
    }
    if let failure {
      summary.exit = failure.status
    } else if summary.state == .planned {
      summary.exit = .complete
    } else if summary.state == .complete, !options.allowedRejects.allows(summary.records.rejected, of: summary.records.read) {
      summary.exit = .tooManyRejects
    }
    return summary
  }

  /// Sees to it that what is written and removed lies where it seems to.
  func requireOwnFolder() throws(RunFailure) {
    do throws(DiskFailure) {
      try Folder.requireOrdinary(StateFolder.runFolder(home, run.id))
    } catch {
      throw error.runFailure(forInput: false)
    }
  }

  /// Removes staging, on two threads: for each gigabyte of files the system takes a fifth of a second to let go of their pages. Of a link in its
  /// place nothing is removed but the link.
  private func removeStaging() throws(DiskFailure) {
    let staging = staging
    let names = Folder.isOursAlone(staging) ? Folder.names(in: staging) : []
    let numbers = NumberSource()
    let removals = onThreads(
      2,
      { _ in
        Result { () throws(DiskFailure) in
          while case let number = numbers.next(), number < names.count { try Folder.remove("\(staging)/\(names[number])") }
        }
      },
      lead: {})
    for removal in removals { try removal.get() }
    try Folder.remove(staging)
  }

  /// Keeps the summary in the run's folder, and lets go of staging when it has served.
  func keep(_ summary: RunSummary) throws(RunFailure) -> RunSummary {
    do throws(DiskFailure) {
      let folder = StateFolder.runFolder(home, run.id)
      try Folder.make(folder)
      try Folder.write(Array((summary.json() + "\n").utf8), to: folder + "/summary.json")
      if options.keepsStaging {
        try Folder.write([], to: StateFolder.keptStagingMark(home, run.id))
      } else if summary.state != .incomplete {
        try removeStaging()
      }
      return summary
    } catch {
      // On a full disk the run itself has failed already, and that is what to tell.
      if summary.exit != .complete { return summary }
      throw error.runFailure(forInput: false)
    }
  }
}

// What a damaged checkpoint could forget is counted twice: in the plan, and body by body.
extension RunFlow {
  /// Throws 74 when the plan does not have the bodies that it was committed with.
  func requireAllBodies() throws(RunFailure) {
    guard let plan = try planRecord() else { throw lost("it has no plan") }
    let count = try guarding { () throws(CheckpointFailure) in try checkpoint.bodyCount(run.id) }
    guard count == plan.bodies else { throw lost("\(count) of its \(plan.bodies) bodies are there") }
  }

  /// Throws 74 when what was planned, sent and accepted does not add up: rows that look right can be wrong together.
  func requireSoundRows() throws(RunFailure) {
    let faults = try guarding { () throws(CheckpointFailure) in try checkpoint.faults(of: run.id) }
    if let fault = faults.first { throw lost(fault) }
    let mark = try current().ledgerMark
    if let planned = try planRecord()?.ledgerMark, planned != mark {
      throw lost("it was planned with the ledger up to \(planned), not \(mark)")
    }
  }

  /// Throws 74 when not every event of the plan was accepted or refused.
  private func requireAllAccepted() throws(RunFailure) {
    try requireAllBodies()
    try requireSoundRows()
    guard let plan = try planRecord() else { throw lost("it has no plan") }
    let (accepted, refused) = try guarding { () throws(CheckpointFailure) in
      (try checkpoint.receiptTotals(run.id, ofAllPlans: false).events, try checkpoint.refusedEventCount(run.id))
    }
    guard accepted + refused == plan.decisions + plan.conversions else {
      throw lost("\(accepted) of its \(plan.decisions + plan.conversions) events have a receipt, and \(refused) were refused")
    }
  }

  func lost(_ words: String) -> RunFailure {
    RunFailure(
      .diskTrouble,
      "the checkpoint is damaged: run \(run.id) is not whole: \(words); `optireplay verify \(run.id)` tells what is damaged, and "
        + "`optireplay resume \(run.id) --restage` plans what has not been accepted anew")
  }

  /// Puts the events that the server refused among the rejects.
  func tellRefused() throws(RunFailure) {
    do {
      guard try checkpoint.refusedEventCount(run.id) > 0 else { return }
      try Pipeline.tellRefused(checkpoint, run.id, in: StateFolder.rejectsPath(home, run.id))
    } catch let failure as CheckpointFailure {
      throw failure.runFailure
    } catch let failure as DiskFailure {
      throw failure.runFailure(forInput: false)
    } catch {
      throw RunFailure(.bug, "\(error)")
    }
  }
}

// What staging left behind, as the checkpoint knows it.
extension RunFlow {
  /// Whether the inputs hold the very bytes that were staged. Reads all of them.
  func inputsAreUnchanged() throws(RunFailure) -> Bool {
    let rows = try guarding { () throws(CheckpointFailure) in try checkpoint.inputs(run.id) }
    guard rows.count == specification.inputs.count else { return false }
    for row in rows {
      guard Folder.isRegularFile(row.path), let digest = try? fileDigest(row.path), digest.bytes == row.digest else { return false }
    }
    return true
  }

  func stagingCounts() throws(RunFailure) -> StagingCounts {
    let counts = try guarding { () throws(CheckpointFailure) in try checkpoint.stagingCounts(run.id) }
    return try fromStoredJSON(counts ?? "", "staging counts")
  }

  /// Throws 76 when the list of them is damaged: they are made again.
  func stagingFiles() throws(RunFailure) -> [StagingFileRow] {
    do throws(CheckpointFailure) {
      return try checkpoint.stagingFiles(run.id)
    } catch {
      guard case .damaged = error else { throw error.runFailure }
      throw RunFailure(.stagingDamaged, "the list of the staging files of run \(run.id) is damaged")
    }
  }
}

extension RunFlow {
  /// Merges small segments of the ledger into large ones, now that no run of this account and endpoint is under way. What cannot be merged now
  /// will be after the next run.
  func tidyLedger() async {
    do throws(RunFailure) {
      try await onThread { () throws(RunFailure) in
        try guarding { () throws(CheckpointFailure) in
          _ = try checkpoint.compactLedger(account: run.account, endpoint: run.endpoint) { stop.isStopped }
        }
      }
    } catch {
      log.warning("the run is complete, but its ledger could not be merged with that of earlier runs: \(error.message)")
    }
  }
}

/// The one of a run's settings that its summary tells, whatever else a version knows.
private struct LedgerSetting: Decodable {
  var ignoresLedger: Bool?
}

extension Checkpoint {
  /// What is known of a run: its plan and its receipts. Time and exit status are the process's own.
  package func summary(of row: RunRow) throws(RunFailure) -> RunSummary {
    var summary = RunSummary(run: "\(row.id)", endpoint: row.endpoint, rehearsal: row.endpoint == Endpoint.sandbox.name)
    switch row.phase {
    case .complete: summary.state = .complete
    case .refused: summary.state = .refused
    case .staging, .planning, .sending, .forgotten: summary.state = .incomplete
    }
    let settings: LedgerSetting = try fromStoredJSON(row.settings, "settings")
    summary.ignoresLedger = settings.ignoresLedger == true
    let (all, present, requests, counts, refused) = try guarding { () throws(CheckpointFailure) in
      (
        try receiptTotals(row.id), try receiptTotals(row.id, ofAllPlans: false), try requestTotals(row.id), try stagingCounts(row.id),
        try refusedEventCount(row.id)
      )
    }
    switch row.phase {
    case .complete: summary.exit = .complete
    case .refused: summary.exit = .refused
    case .staging, .planning, .sending: summary.exit = .stopped
    case .forgotten:
      summary.exit = .stopped
      summary.isForgotten = true
    }
    summary.requestCount = requests.requests
    summary.retryCount = requests.retries
    guard let stored = row.summary else {
      if let counts {
        let counts: StagingCounts = try fromStoredJSON(counts, "staging counts")
        summary.records.read = counts.read
        summary.rejects = counts.rejects
        summary.records.rejected = counts.read - counts.staged
        summary.records.pending = counts.staged
      }
      return summary
    }
    let plan: PlanRecord = try fromStoredJSON(stored, "plan")
    // What earlier plans of this very run had accepted, the present plan knows from the ledger.
    let earlier = min(all.events - present.events, plan.alreadyAccepted)
    summary.records.read = plan.read
    summary.records.accepted = present.events + earlier
    summary.records.alreadyAccepted = plan.alreadyAccepted - earlier
    summary.records.duplicate = plan.duplicate
    summary.records.filtered = plan.filtered
    summary.records.rejected = plan.rejected + refused
    summary.records.pending = plan.decisions + plan.conversions - present.events - refused
    summary.decisionCount = plan.decisions
    summary.conversionCount = plan.conversions
    summary.visitorCount = plan.visitors
    summary.bodyCount = plan.bodies
    summary.byteCount = plan.bytes
    summary.rejects = plan.rejects
    if refused > 0 { summary.rejects[RejectCode.refusedByServer.rawValue] = refused }
    summary.findings = plan.findings.compactMap { sighting in
      guard let code = FindingCode(rawValue: sighting.code), let severity = Severity(rawValue: sighting.severity) else { return nil }
      return Finding(
        code, severity, count: sighting.count, of: sighting.total, samples: sighting.samples, places: sighting.places)
    }
    summary.expected = plan.expected
    summary.firstRows = plan.firstRows ?? []
    summary.details = plan.details
    summary.message = plan.refusal
    return summary
  }
}

/// Throws 74 when what a run was told is not what it was told when it was begun, of which its key was made, or its row is not as it was kept.
func requireKey(_ run: RunRow, _ checkpoint: Checkpoint) throws(RunFailure) {
  do throws(CheckpointFailure) {
    try checkpoint.requireWhole(run.id)
    if storedKey(run.specification, run.settings) == run.key { return }
  } catch {
    guard case .damaged = error else { throw error.runFailure }
  }
  throw RunFailure(
    .diskTrouble,
    "the checkpoint is damaged: what run \(run.id) was told to read, its settings, or how far it has come, are not what they were; restore the state folder "
      + "from a backup, or give up what was not sent with `optireplay forget \(run.id) --pending`")
}

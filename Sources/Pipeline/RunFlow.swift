import Bytes
import Checkpointing
import Delivering
import Disk
import EventAPI
import Foundation
import Grouping
import Logging
import Reading
import Reporting
import Sandbox
import Synchronization
import Vocabulary

/// One run on its way through the phases, from whichever it is in.
struct RunFlow: Sendable {
  let run: RunRow
  let specification: ImportSpecification
  let settings: RunSettings
  let options: RunOptions
  /// The state folder that holds the run.
  let home: String
  let checkpoint: Checkpoint
  /// Where accepted events are remembered: the checkpoint itself, but for a plan.
  let ledger: Checkpoint
  let log: Logger
  let stop: StopSwitch
  let progress: @Sendable (RunProgress) -> Void
  /// How many lanes the last delivery had at its end; 0 without one.
  private let laneCount = LaneCount()
  /// What processes that watch the run see.
  private let notes: ProgressNotes

  /// The version of the records in staging; a run that was staged with another one is staged anew.
  static let encoderVersion = RecordEncoder.version

  init(
    _ run: RunRow, options: RunOptions, home: String, checkpoint: Checkpoint, ledger: Checkpoint, log: Logger, stop: StopSwitch,
    progress: @escaping @Sendable (RunProgress) -> Void
  ) throws(RunFailure) {
    self.run = run
    try requireKey(run, checkpoint)
    specification = try fromStoredJSON(run.specification, "input specification")
    settings = try fromStoredJSON(run.settings, "settings")
    self.options = options
    self.home = home
    self.checkpoint = checkpoint
    self.ledger = ledger
    self.log = log
    self.stop = stop
    let notes = ProgressNotes(run.id, folder: StateFolder.runFolder(home, run.id))
    self.notes = notes
    self.progress = {
      notes.take($0)
      progress($0)
    }
  }

  /// Below this much memory, memory counts more than speed: large buffers are given back at once, and the sandbox in this process works
  /// with as little as it can.
  static let smallMemoryBytes = 128_000_000

  private var folder: String { StateFolder.runFolder(home, run.id) }
  var staging: String { folder + "/staging" }

  /// Whether an input of the run is standard input, which can be read only once.
  var readsStandardInput: Bool { specification.inputs.contains { $0.path == "-" } }

  /// Takes the run through the phases that are left: the whole flow. Returns what became of it, also when it stopped on the way.
  func carry(plansOnly: Bool = false) async throws(RunFailure) -> RunSummary {
    let startedAt = ContinuousClock.now
    try requireOwnFolder()
    if !plansOnly { notes.begin() }
    defer { if !plansOnly { notes.end() } }
    var failure: RunFailure?
    do throws(RunFailure) {
      try await onThread { () throws(RunFailure) in
        try requireEncoder()
        if try phase() == .staging { try stage() }
        if try phase() == .planning { try mendingStaging { () throws(RunFailure) in try plan() } }
      }
      if try phase() == .sending {
        if plansOnly {
          try await onThread { () throws(RunFailure) in try writeBodies() }
        } else {
          try await onThread { () throws(RunFailure) in try requireConsent() }
          try await send()
        }
      }
    } catch {
      failure = error
    }
    var summary = try summary(after: failure, seconds: (ContinuousClock.now - startedAt) / .seconds(1), plansOnly: plansOnly)
    summary.laneCount = laneCount.found
    let kept = try keep(summary)
    if kept.state == .complete, !plansOnly { await tidyLedger() }
    return kept
  }

  // MARK: staging

  /// Reads the inputs into staging and commits what they were.
  private func stage() throws(RunFailure) {
    let staged: Staged
    do throws(RunFailure) {
      staged = try stager().stage()
    } catch {
      // Half a staging is of no use, and on a full disk it is what fills it. When it cannot be removed, the next run will.
      try? Folder.remove(staging)
      throw error
    }
    try guarding { () throws(CheckpointFailure) in
      try checkpoint.completeStaging(
        run.id, inputs: staged.inputs, files: rows(staged), counts: storedJSON(staged.counts), now: epochMilliseconds())
    }
  }

  private func stager() throws(RunFailure) -> Stager {
    if readsStandardInput, run.phase != .staging {
      throw RunFailure(.stagingDamaged, "standard input, which cannot be read again, was an input of run \(run.id)")
    }
    return Stager(
      specification: specification, settings: settings, options: options, folder: staging, stop: stop, progress: progress)
  }

  private func rows(_ staged: Staged) -> [StagingFileRow] {
    staged.files.map {
      StagingFileRow(
        number: $0.number, file: "\($0.number).records", byteCount: $0.byteCount, recordCount: $0.recordCount, checksum: $0.checksum)
    }
      + staged.runs.map {
        StagingFileRow(
          number: staged.files.count + $0.number, file: "\($0.number).run", partition: $0.partition, byteCount: $0.byteCount,
          recordCount: $0.recordCount, checksum: $0.checksum)
      }
  }

  /// What staging left behind, as the checkpoint knows it.
  func staged() throws(RunFailure) -> Staged {
    let inputs = try guarding { () throws(CheckpointFailure) in try checkpoint.inputs(run.id) }
    guard inputs.count == specification.inputs.count else {
      throw lost("\(inputs.count) of its \(specification.inputs.count) inputs are known")
    }
    let rows = try stagingFiles()
    let files = rows.filter { $0.partition == nil }
    return Staged(
      inputs: inputs,
      files: files.map {
        PartitionFile(
          number: $0.number, path: "\(staging)/\($0.file)", byteCount: $0.byteCount, recordCount: $0.recordCount, checksum: $0.checksum)
      },
      runs: rows.compactMap { row in
        row.partition.map {
          SortedRun(
            number: row.number - files.count, partition: $0, path: "\(staging)/\(row.file)", byteCount: row.byteCount,
            recordCount: row.recordCount, checksum: row.checksum)
        }
      }, counts: try stagingCounts())
  }

  /// Tries once more after staging was found damaged, when the inputs still hold what was staged: the plan stays as it is.
  private func mendingStaging<Value>(_ body: () throws(RunFailure) -> Value) throws(RunFailure) -> Value {
    do throws(RunFailure) {
      return try body()
    } catch {
      try restage(after: error)
      return try body()
    }
  }

  private func restage(after failure: RunFailure) throws(RunFailure) {
    guard failure.status == .stagingDamaged else { throw failure }
    guard try inputsAreUnchanged() else {
      let why =
        readsStandardInput
        ? "standard input, which cannot be read again, was an input of run \(run.id)"
        : "the inputs of run \(run.id) are gone or have changed, so it cannot be staged again as it was"
      throw RunFailure(.stagingDamaged, "\(failure.message); \(why); \(waysOnWithoutStaging)")
    }
    log.warning("\(failure.message); its inputs are unchanged, so they are staged again")
    let before = try stagingCounts()
    let again = try stager().stage()
    guard again.counts == before else {
      throw RunFailure(.bug, "staging the same inputs again gave other records; please report this")
    }
    try guarding { () throws(CheckpointFailure) in try checkpoint.replaceStagingFiles(run.id, rows(again)) }
  }

  /// Takes the run back to staging; receipts and ledger stay.
  func restarted() throws(RunFailure) -> RunFlow {
    let row = try guarding { () throws(CheckpointFailure) in
      try checkpoint.restart(run.id, to: .staging, encoder: RunFlow.encoderVersion, now: epochMilliseconds())
      return try checkpoint.run(run.id)
    }
    return try RunFlow(
      row, options: options, home: home, checkpoint: checkpoint, ledger: ledger, log: log, stop: stop, progress: progress)
  }

  /// Text of another version is staged anew: then what was accepted is filtered by the ledger, and the rest is planned again.
  private func requireEncoder() throws(RunFailure) {
    guard run.encoder != RunFlow.encoderVersion else { return }
    let canGoOn = try phase() == .staging ? true : inputsAreUnchanged()
    guard canGoOn else {
      throw RunFailure(
        .stagingDamaged,
        "run \(run.id) was staged by another version of optireplay, and its inputs are gone or have changed; finish it with that version, "
          + "or read the inputs as they are now with `optireplay resume \(run.id) --restage`")
    }
    log.warning("run \(run.id) was planned by another version of optireplay; what it has not sent is planned anew")
    _ = try restarted()
  }

  // MARK: planning

  /// Walks staging and commits the plan, or the refusal.
  private func plan() throws(RunFailure) {
    try Planner(
      staged: try staged(), settings: settings, inputMappings: specification.inputs.map { $0.mapping ?? settings.mapping },
      options: options, checkpoint: checkpoint, ledger: ledger, run: run, folder: folder,
      name: home == StateFolder.planPath(options.state) ? "plan" : "\(run.id)", stop: stop, progress: progress, now: epochMilliseconds()
    ).plan()
  }

  /// Writes each body into a file of its own, `1.json`, `2.json`, …, when a folder for them was named.
  private func writeBodies() throws(RunFailure) {
    guard let output = options.output else { return }
    var assembler = assembler(try judges())
    do throws(DiskFailure) {
      try Folder.make(output)
    } catch {
      throw error.runFailure(forInput: false)
    }
    var last = 0
    while true {
      let rows = try guarding { () throws(CheckpointFailure) in try checkpoint.bodies(run.id, from: last + 1, limit: 256) }
      if rows.isEmpty { return }
      for row in rows {
        _ = try assembler.compose(row) { bytes throws(RunFailure) in
          do throws(DiskFailure) {
            try Folder.write(bytes, to: "\(output)/\(row.number).json")
          } catch {
            throw error.runFailure(forInput: false)
          }
        }
        last = row.number
      }
    }
  }

  private func judges() throws(RunFailure) -> PartitionJudges { try judges(try staged()) }

  /// What goes through staged records as planning did.
  func judges(_ staged: Staged) throws(RunFailure) -> PartitionJudges {
    let mark = try current().ledgerMark
    do throws(DiskFailure) {
      return PartitionJudges(
        try staged.reader(identicalRows: settings.identicalRows), settings, options, scratchFolder: options.scratchFolder ?? staging,
        ledger: ledger, run: run, mark: mark)
    } catch {
      throw stagingFailure(error)
    }
  }

  private func assembler(_ judges: PartitionJudges) -> sending BodyAssembler {
    BodyAssembler(
      judges, noted: OrderReader(path: Planner.notesPath(folder), partitionCount: judges.reader.count), memoryBytes: options.memoryBytes / 8
    )
  }

  // MARK: sending

  /// Sends the pending bodies of the plan; throws why it stopped when not every body was accepted.
  private func send() async throws(RunFailure) {
    try requireAllBodies()
    if run.phase == .sending { try requireSoundRows() }
    let pending = try guarding { () throws(CheckpointFailure) in try checkpoint.pendingBodies(run.id, limit: 1) }
    // A process may have ended between the last answer and the telling of it.
    guard !pending.isEmpty else { return try tellRefused() }
    let refused = try guarding { () throws(CheckpointFailure) in try checkpoint.refusedEventCount(run.id) }
    if refused > options.refusedEventLimit { throw tooManyRefused(refused, limit: options.refusedEventLimit, run.id) }
    guard let endpoint = Endpoint(run.endpoint) else {
      throw RunFailure(.configuration, "run \(run.id) goes to \(run.endpoint), which is no endpoint this version knows")
    }
    do throws(RunFailure) {
      try await send(to: endpoint)
    } catch {
      guard error.status == .stagingDamaged else { throw error }
      let failure = error
      try await onThread { () throws(RunFailure) in try restage(after: failure) }
      try await send(to: endpoint)
    }
  }

  private func send(to endpoint: Endpoint) async throws(RunFailure) {
    // The stored name holds no secret that the address may need.
    if let address = endpoint.name == options.endpoint.name ? options.endpoint.address : endpoint.address {
      try await deliver(to: address)
    } else {
      try await rehearse()
    }
  }

  /// Sends to the sandbox in this process.
  private func rehearse() async throws(RunFailure) {
    var failure: RunFailure?
    do throws(SandboxFailure) {
      var sandboxSettings = SandboxSettings(storePath: StateFolder.sandboxPath(options.state))
      // The sandbox lives within the run's memory: a small run takes one body at a time, which one thread judges.
      if options.memoryBytes < RunFlow.smallMemoryBytes {
        sandboxSettings.bodiesAtATime = 1
        sandboxSettings.judgeCount = 1
      }
      let sandbox = try await SandboxServer.start(sandboxSettings)
      do throws(RunFailure) {
        try await deliver(to: sandbox.address)
      } catch {
        failure = error
      }
      // What the sandbox could not store says more than the 500 that it answered.
      try await sandbox.stop()
    } catch {
      throw error.runFailure
    }
    if let failure { throw failure }
  }

  private func deliver(to address: String) async throws(RunFailure) {
    let judges = try judges()
    let sender = RunSender(
      assembler(judges),
      CutBodies(
        judges, checkpoint: checkpoint, run: run.id, memoryBytes: options.memoryBytes / 16, refusedEventLimit: options.refusedEventLimit),
      checkpoint: checkpoint, run: run.id)
    let planned = try plannedAmount()
    let report = await Deliverer(settings: try deliverySettings(address)).deliver(from: sender, receipts: sender, stop: stop) {
      progress(.sending($0, of: planned))
    }
    laneCount.note(report.laneCount)
    // Why it stopped weighs more than rejects that could not be told.
    do throws(RunFailure) {
      try await sender.countRest(of: report)
      try tellRefused()
    } catch {
      guard case .stopped = report.outcome else { throw error }
      log.warning("\(error.message)")
    }
    if case .stopped(let failure) = report.outcome { throw namingWayOut(failure, setAside: report.setAsideCount > 0) }
  }

  /// A mended command, or the next night's, would go on with this run first.
  private func namingWayOut(_ failure: RunFailure, setAside: Bool) -> RunFailure {
    let givesUp = "`optireplay forget \(run.id) --pending`"
    return switch failure.status {
    case .configuration:
      RunFailure(.configuration, failure.message + "; a mended command begins once \(givesUp) has given up what this run has not sent")
    case .stopped where setAside:
      RunFailure(.stopped, failure.message + "; should the server never take it, \(givesUp) gives it up, and later runs begin")
    default: failure
    }
  }

  private func deliverySettings(_ address: String) throws(RunFailure) -> DeliverySettings {
    let hasAccepted = try guarding { () throws(CheckpointFailure) in
      try checkpoint.hasAccepted(account: run.account, endpoint: run.endpoint)
    }
    // Lanes × body limit stay within a quarter of the memory; a small rehearsal, which also holds the sandbox's side, has one lane.
    let isSmallRehearsal = run.endpoint == Endpoint.sandbox.name && options.memoryBytes < RunFlow.smallMemoryBytes
    let fitting = isSmallRehearsal ? 1 : max(1, options.memoryBytes / 4 / settings.bodyLimit)
    var delivery = DeliverySettings(
      address: address, laneCount: min(options.laneCount ?? Limits.mostAdaptingLanes, fitting), seed: UInt64.random(in: .min ... .max),
      hasAcceptedBefore: hasAccepted)
    delivery.lanesAdapt = options.laneCount == nil
    delivery.requestTimeLimit = options.requestTimeLimit
    delivery.idleTimeLimit = options.requestTimeLimit / 2
    delivery.strict = options.strict
    if run.endpoint != Endpoint.sandbox.name { (delivery.proxy, delivery.caFile) = (options.proxy, options.caFile) }
    delivery.acceptedStatuses = options.acceptedStatuses
    delivery.retryFor = options.retryFor
    delivery.rate = options.rate
    delivery.userAgent = "\(settings.body.clientName)/\(settings.body.clientVersion)"
    return delivery
  }

  // MARK: what is known

  func current() throws(RunFailure) -> RunRow {
    try guarding { () throws(CheckpointFailure) in try checkpoint.run(run.id) }
  }

  private func phase() throws(RunFailure) -> RunPhase { try current().phase }

  /// What planning found out; nil while the run has no plan.
  func planRecord() throws(RunFailure) -> PlanRecord? {
    guard let summary = try current().summary else { return nil }
    return try fromStoredJSON(summary, "plan")
  }
}

/// The time of day in epoch milliseconds.
func epochMilliseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

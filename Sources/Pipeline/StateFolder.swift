package import Checkpointing
internal import Disk
internal import Foundation
package import Vocabulary

/// The state folder: the checkpoint, the runs' files, and the right to write them.
///
///     checkpoint.sqlite   runs, bodies, receipts, ledger
///     runs/ID/            staging/, rejects.ndjson, summary.json
///     sandbox.sqlite      what rehearsals were accepted
///     plan/               a folder of the same kind in which `plan` works, and which it makes anew each time; marked, so that no other is
///     lock                the process that writes
package struct StateFolder: ~Copyable {
  package let path: String
  package let checkpoint: Checkpoint
  private let lock: FolderLock
  /// What people should know about where the folder lies.
  package let warnings: [String]

  /// Opens the folder to write, making it when it is not there; `anew` drops what it holds. Throws 73 when another process has it, 74
  /// when it cannot be written.
  package init(_ path: String, anew: Bool = false) throws(RunFailure) {
    // Nothing may throw between the assignments of a type that cannot be copied.
    let lock = try StateFolder.locked(path, anew: anew)
    let checkpoint = try guarding { () throws(CheckpointFailure) in try Checkpoint(at: StateFolder.checkpointPath(path)) }
    let fault = try guarding { () throws(CheckpointFailure) in try StateFolder.olderCheckpoint(path, checkpoint) }
    if let fault { throw RunFailure(.diskTrouble, fault) }
    self.path = path
    warnings = StateFolder.warnings(path, leftByOtherHost: lock.leftByOtherHost)
    self.lock = lock
    self.checkpoint = checkpoint
  }

  /// Closes the checkpoint, whoever holds it still, before others may write: a thread that has ended its work may be a moment in ending itself.
  /// What cannot be closed neatly is kept all the same, and closed by the next who opens it.
  deinit { try? checkpoint.close() }

  private static func locked(_ path: String, anew: Bool) throws(RunFailure) -> FolderLock {
    let lock: FolderLock
    do throws(DiskFailure) {
      if anew { try Folder.requireOrdinary(path) }
      try Folder.make(path)
      for name in ["/checkpoint.sqlite", "/sandbox.sqlite", "/runs", "/lock"] { try Folder.requireOrdinary(path + name) }
      lock = try FolderLock(folder: path)
    } catch {
      throw error.runFailure(forInput: false)
    }
    try requireKind(path, isPlans: anew)
    guard anew else { return lock }
    do throws(DiskFailure) {
      // The mark comes first: what is made anew never looks like a state folder whose memory counts.
      if !Folder.exists(path + planMark) { try Folder.write([], to: path + planMark) }
      for name in ["", "-wal", "-shm"] { try Folder.remove(checkpointPath(path) + name) }
      try Folder.remove(path + "/runs")
    } catch {
      throw error.runFailure(forInput: false)
    }
    return lock
  }

  /// A file that says that a folder is one in which `plan` works: the only kind that is ever made anew.
  private static let planMark = "/made-anew"

  /// Throws 64 when a plan would drop a state folder that happens to have its folder's name, or an import would remember in a folder that the next plan drops.
  private static func requireKind(_ path: String, isPlans: Bool) throws(RunFailure) {
    let isMarked = Folder.exists(path + planMark)
    if isPlans, !isMarked, hasCheckpoint(path) {
      throw RunFailure(
        .usage,
        "\(path): here `plan` would work and make all anew, but this is a state folder that remembers runs; name another with --state, or "
          + "remove this one if nothing it remembers is needed")
    }
    if !isPlans, isMarked {
      throw RunFailure(
        .usage, "\(path): this is the folder in which `plan` works and which it makes anew each time; name another with --state")
    }
  }

  private static func warnings(_ path: String, leftByOtherHost owner: String?) -> [String] {
    let whose = Folder.othersWhoMayWrite(path).map {
      "the state folder \(path) \($0): others could change what is sent and what is remembered; `chmod 700` it, or name another with --state"
    }
    return [whose].compactMap { $0 } + networkWarnings(path, leftByOtherHost: owner)
  }

  private static func networkWarnings(_ path: String, leftByOtherHost owner: String?) -> [String] {
    guard let kind = Folder.networkFileSystem(of: path) else { return [] }
    let place =
      "the state folder \(path) lies on a network file system (\(kind)), where the database can be damaged and a lock of another machine may "
      + "not be seen; keep it on a local disk, or see to it that one machine alone uses it"
    guard let owner else { return [place] }
    return [
      place, "process \(owner) used this state folder and has not given it back; should it still be at work, stop this command at once",
    ]
  }

  /// What tells that the checkpoint is an older copy of the one that the folder had: a run that it does not know, or knows as unfinished,
  /// has left files that say more. Nil when nothing does.
  static func olderCheckpoint(_ path: String, _ checkpoint: Checkpoint) throws(CheckpointFailure) -> String? {
    let numbers = Folder.names(in: path + "/runs").compactMap { Int64($0) }
    let known = try checkpoint.latestRun()?.id.rawValue ?? 0
    let later = numbers.filter { $0 > known }.min().map { RunID(rawValue: $0) }
    let unfinished = try checkpoint.unfinishedRuns().map(\.id)
    let ended = unfinished.first { lastWord(path, $0)?.state == RunPhase.complete.rawValue }
    guard let run = later ?? ended else { return nil }
    return
      "\(checkpointPath(path)) is older than \(runFolder(path, run)), which it \(run == later ? "does not know" : "takes for unfinished"): what "
      + "was accepted since is not known, and would be sent again with the same ids; restore the newest copy of the state folder, or remove "
      + "that folder, and any later one, to go on with this one"
  }

  /// The checkpoint of a state folder for reading, without the right to write; nil when nothing was ever imported there.
  package static func reader(_ path: String) throws(RunFailure) -> Checkpoint? {
    guard hasCheckpoint(path) else { return nil }
    do throws(DiskFailure) {
      for file in [checkpointPath(path), path + "/lock"] { try Folder.requireOrdinary(file) }
    } catch {
      throw error.runFailure(forInput: false)
    }
    return try guarding { () throws(CheckpointFailure) in try Checkpoint.reader(at: checkpointPath(path)) }
  }

  /// Whether anything was ever imported with a state folder.
  package static func hasCheckpoint(_ path: String) -> Bool { Folder.exists(checkpointPath(path)) }

  /// The checkpoint of another state folder, or the one of that path, for reading. Throws 64 for this folder's own, 66 when there is none.
  package func otherCheckpoint(_ path: String) throws(RunFailure) -> Checkpoint {
    let file = Folder.exists(path + "/.") ? StateFolder.checkpointPath(path) : path
    guard Folder.isRegularFile(file) else {
      throw RunFailure(.inputUnreadable, "\(path): there is no checkpoint; name a state folder, or its checkpoint.sqlite")
    }
    let other: Checkpoint
    do throws(CheckpointFailure) {
      other = try Checkpoint.reader(at: file)
    } catch .damaged(_, let what) {
      // What is said of a state folder's own checkpoint would be no help.
      throw RunFailure(
        .inputUnreadable, "\(path): this is no checkpoint, or a damaged one (\(what)); name a state folder, or its checkpoint.sqlite")
    } catch {
      throw error.runFailure
    }
    guard !other.isSameFile(as: checkpoint) else {
      throw RunFailure(.usage, "\(path): this is the state folder's own ledger; name others to take from")
    }
    return other
  }

  /// Makes a state folder that nothing but a sandbox works in.
  package static func make(_ path: String) throws(RunFailure) {
    do throws(DiskFailure) {
      try Folder.make(path)
      try Folder.requireOrdinary(sandboxPath(path))
    } catch {
      throw error.runFailure(forInput: false)
    }
  }

  package static func runFolder(_ state: String, _ run: RunID) -> String { "\(state)/runs/\(run)" }
  package static func rejectsPath(_ state: String, _ run: RunID) -> String { runFolder(state, run) + "/rejects.ndjson" }
  /// A file that says that a run's staging is to stay when it has served.
  static func keptStagingMark(_ state: String, _ run: RunID) -> String { runFolder(state, run) + "/staging-is-kept" }
  package static func sandboxPath(_ state: String) -> String { state + "/sandbox.sqlite" }
  package static func planPath(_ state: String) -> String { state + "/plan" }
  private static func checkpointPath(_ state: String) -> String { state + "/checkpoint.sqlite" }

  /// Removes the staging of runs that have ended, which a process left that was killed while it did so. What cannot be removed is in nobody's
  /// way but the disk's, and is tried again the next time.
  func removeServedStaging() throws(RunFailure) {
    let (runs, damaged) = try guarding { () throws(CheckpointFailure) in (try checkpoint.allRuns(), try checkpoint.damagedRuns()) }
    for run in runs where !run.phase.isUnfinished && !damaged.contains(run.id) {
      let folder = StateFolder.runFolder(path, run.id)
      guard Folder.exists(folder + "/staging"), !Folder.exists(StateFolder.keptStagingMark(path, run.id)) else { continue }
      do throws(DiskFailure) {
        try Folder.requireOrdinary(folder)
        try Folder.remove(folder + "/staging")
      } catch { continue }
    }
  }

  /// Throws 78 when the clock lies behind the newest receipt: it was wrong when that came, or is wrong now, and an age is no age.
  package func requireClock(now: Int64) throws(RunFailure) {
    let newest = try guarding { () throws(CheckpointFailure) in try checkpoint.newestReceiptTime() }
    guard let newest, newest > now + Limits.clockDriftMilliseconds else { return }
    throw RunFailure(
      .configuration,
      "the newest receipt came at \(Date(timeIntervalSince1970: Double(newest) / 1000).ISO8601Format()), which the clock has not reached: it was wrong then, or is wrong now, and nothing was "
        + "forgotten; set it right, or wait until it has passed that time")
  }

  /// Drops a run on purpose. Its receipts and ledger entries go too, so that its events can be sent again; with `keepingAccepted` only
  /// what was not sent yet goes, and its rejects stay, for they are still to be mended.
  package func forget(_ run: RunID, keepingAccepted: Bool, now: Int64) throws(RunFailure) {
    try guarding { () throws(CheckpointFailure) in
      if keepingAccepted { try checkpoint.abandon(run, now: now) } else { try checkpoint.forget(run, now: now) }
    }
    do throws(DiskFailure) {
      let folder = StateFolder.runFolder(path, run)
      guard keepingAccepted else { return try Folder.remove(folder) }
      try Folder.requireOrdinary(folder)
      let rejects = StateFolder.rejectsPath(path, run)
      for file in Folder.names(in: folder).map({ "\(folder)/\($0)" }) where file != rejects { try Folder.remove(file) }
    } catch {
      throw error.runFailure(forInput: false)
    }
  }
}

extension CheckpointFailure {
  /// The failure as it ends a process.
  package var runFailure: RunFailure { RunFailure(exitStatus, description) }
}

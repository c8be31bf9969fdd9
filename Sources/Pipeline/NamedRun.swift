package import Checkpointing
package import Vocabulary

/// A run as people name it: `plan`, a number, or nil for the latest.
package struct NamedRun: Sendable {
  /// The state folder that knows it.
  package let home: String
  package let checkpoint: Checkpoint
  package let row: RunRow
  package let isPlan: Bool

  /// `state` is the folder that the user named. Takes no lock. Throws 64 when there is no such run.
  package init(_ name: String?, state: String) throws(RunFailure) {
    isPlan = name == "plan"
    home = isPlan ? StateFolder.planPath(state) : state
    let nothing = RunFailure(.usage, "nothing was \(isPlan ? "planned" : "imported") with the state folder \(state) yet")
    guard let checkpoint = try StateFolder.reader(home) else { throw nothing }
    self.checkpoint = checkpoint
    guard let name, !isPlan else {
      guard let latest = try guarding({ () throws(CheckpointFailure) in try checkpoint.latestRun() }) else { throw nothing }
      row = latest
      return
    }
    guard let number = Int64(name) else { throw RunFailure(.usage, "'\(name)' is not a run; see `optireplay status`") }
    row = try guarding { () throws(CheckpointFailure) in try checkpoint.run(RunID(rawValue: number)) }
  }
}

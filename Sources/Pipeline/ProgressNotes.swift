package import Checkpointing
import Disk
import Dispatch
import Foundation
package import Reporting
import Synchronization
package import Vocabulary

/// Notes down where a run stands, for processes that watch it: a small file in the run's folder, replaced twice a second by a thread of its
/// own, so that the run never waits for it. The file goes when the work ends; one that stays was left by a process that was killed.
final class ProgressNotes: Sendable {
  private let path: String
  private let run: RunID
  private let latest = Mutex<(progress: RunProgress, at: ContinuousClock.Instant)?>(nil)
  private let ending = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  private static let interval = 0.5
  /// Seconds that the end waits for a note that is being written: a disk that does not answer holds nobody up.
  private static let patience = 1.0

  init(_ run: RunID, folder: String) {
    self.run = run
    path = ProgressNotes.path(folder)
  }

  static func path(_ folder: String) -> String { folder + "/progress.json" }

  func take(_ progress: RunProgress) { latest.withLock { $0 = (progress, ContinuousClock.now) } }

  /// Begins to note. To be ended with `end`.
  func begin() {
    let thread = Thread { [self] in
      var meter = ProgressMeter()
      var beat = 0
      let start = ContinuousClock.now
      while ending.wait(timeout: .now() + ProgressNotes.interval) == .timedOut {
        guard let (progress, at) = latest.withLock({ $0 }) else { continue }
        let now = ContinuousClock.now
        let state = progress.state(waited: (now - at) / .seconds(1))
        meter.take(state, at: now - start)
        beat += 1
        let note = ProgressNote(
          run: run.rawValue, process: ProcessInfo.processInfo.processIdentifier, beat: beat, progress: state, pace: meter.pace)
        // What cannot be written is only not seen: of a disk that fails the run itself has more to say.
        try? Folder.note(Array(storedJSON(note).utf8), to: path)
      }
      try? Folder.remove(path)
      ended.signal()
    }
    thread.name = "progress notes"
    thread.stackSize = 1 << 20
    thread.start()
  }

  func end() {
    ending.signal()
    _ = ended.wait(timeout: .now() + ProgressNotes.patience)
  }
}

extension StateFolder {
  /// What the process that works on a run noted last; nil without one, also when the note was left by a process that is gone.
  package static func progressNote(_ state: String, _ run: RunID) -> ProgressNote? {
    guard let text = try? Folder.read(ProgressNotes.path(runFolder(state, run))),
      let note = try? JSONDecoder().decode(ProgressNote.self, from: Data(text)), FolderLock.owner(of: state) == note.process
    else { return nil }
    return note
  }

  /// Whether a note of a run is there, whoever wrote it.
  package static func hasProgressNote(_ state: String, _ run: RunID) -> Bool { Folder.exists(ProgressNotes.path(runFolder(state, run))) }

  /// The exit status of the process that ended its work on a run last; nil when none has told it.
  package static func lastExit(_ state: String, _ run: RunID) -> ExitStatus? {
    struct Kept: Decodable { var exit: Int32 }
    guard let text = try? Folder.read(runFolder(state, run) + "/summary.json"),
      let kept = try? JSONDecoder().decode(Kept.self, from: Data(text))
    else { return nil }
    return ExitStatus(rawValue: kept.exit)
  }

  /// Whether a process has the right to write just now.
  package static func isHeld(_ state: String) -> Bool { FolderLock.isHeld(folder: state) }
}

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
  private struct State {
    var track = ProgressTrack()
    var ended: [String] = []
  }

  private let state = Mutex(State())
  private let start = ContinuousClock.now
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

  func take(_ progress: RunProgress) {
    let now = ContinuousClock.now - start
    state.withLock { state in
      guard let ended = state.track.take(progress, at: now).ended, ended.state.phase != .asking else { return }
      state.ended.append(ProgressLine.closing(ended.state, ended.pace))
    }
  }

  /// Begins to note. To be ended with `end`.
  func begin() {
    let thread = Thread { [self] in
      var beat = 0
      while ending.wait(timeout: .now() + ProgressNotes.interval) == .timedOut {
        beat += 1
        guard let note = note(beat) else { continue }
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

  private func note(_ beat: Int) -> ProgressNote? {
    let now = ContinuousClock.now - start
    return state.withLock { state in
      guard let (shown, pace) = state.track.shown(at: now) else { return nil }
      return ProgressNote(
        run: run.rawValue, process: ProcessInfo.processInfo.processIdentifier, beat: beat, progress: shown, pace: pace, ended: state.ended)
    }
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
    lastWord(state, run).flatMap { ExitStatus(rawValue: $0.exit) }
  }

  /// Whether a process has the right to write just now.
  package static func isHeld(_ state: String) -> Bool { FolderLock.isHeld(folder: state) }
}

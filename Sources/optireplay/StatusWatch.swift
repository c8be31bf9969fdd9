import ArgumentParser
import Checkpointing
import Foundation
import Logging
import Pipeline
import Reporting
import UnixSignals
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Watches a run that another process works on, until it ends.
///
/// It reads the small file in which that process notes where it stands, and sees by the lock whether there is one; the checkpoint is opened
/// only to learn which run it is and how it ended, and closed at once, so that nothing is held up.
struct StatusWatch {
  let folder: String
  /// The run; nil for whichever is worked on.
  let named: RunID?
  let voice: Voice

  private static let interval: Duration = .seconds(1)
  /// Looks without a new note after which the process shows no sign of life.
  private static let silentLooks = 10
  /// How often a checkpoint that another process holds may be unreadable.
  private static let patience = 10

  /// What was seen last.
  private struct Seen {
    var run: RunID?
    var note: ProgressNote?
    /// How many of the phases that are over were told.
    var endedCount = 0
    /// Looks since the note was new.
    var silentLooks = 0
    /// The present look, and the one at which a line was told last.
    var look = 0
    var toldAt = -StatusWatch.looksBetweenLines
    /// How often the checkpoint could not be read.
    var failureCount = 0
  }

  private static let looksBetweenLines = 10

  /// Returns the exit status of the run's last process, 75 when that was killed. Ctrl-C ends the watch alone.
  func end() async throws -> ExitStatus {
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    return try await withThrowingTaskGroup(of: ExitStatus?.self) { group in
      group.addTask {
        for await signal in signals {
          voice.terminal.clearProgress()
          // As shells tell what a signal ended.
          _exit(128 + (signal == .sigint ? 2 : 15))
        }
        return nil
      }
      group.addTask { try await watch() }
      while let status = try await group.next() {
        if let status {
          group.cancelAll()
          return status
        }
      }
      throw CancellationError()
    }
  }

  private func watch() async throws -> ExitStatus {
    var seen = Seen()
    while true {
      let isHeld = StateFolder.isHeld(folder)
      if isHeld, let run = seen.run, let note = StateFolder.progressNote(folder, run) {
        show(note, &seen)
      } else {
        let row = try row(isHeld: isHeld, &seen)
        if let row, !isHeld || (!row.phase.isUnfinished && named != nil) { return try finish(row, wasSeen: seen.note != nil) }
        if row == nil, !isHeld { return nothing() }
        if let row, row.phase.isUnfinished {
          seen.run = row.id
          if StateFolder.progressNote(folder, row.id) != nil { continue }
        }
        if seen.look == 0, !voice.isJSON {
          voice.log.notice("a process is at work in the state folder and has not told where it stands yet")
        }
      }
      seen.look += 1
      try await Task.sleep(for: StatusWatch.interval)
    }
  }

  /// The run to watch: the one that is named, else the unfinished one that a process noted something of, else the latest unfinished or ended
  /// one. Nil when there is none yet.
  private func row(isHeld: Bool, _ seen: inout Seen) throws -> RunRow? {
    do {
      return try row()
    } catch {
      // A process that has just begun may still be making the checkpoint.
      guard isHeld, seen.failureCount < StatusWatch.patience else { throw error }
      seen.failureCount += 1
      return nil
    }
  }

  private func row() throws -> RunRow? {
    guard let checkpoint = try StateFolder.reader(folder) else { return nil }
    defer { try? checkpoint.close() }
    if let named { return try checkpoint.run(named) }
    let unfinished = try checkpoint.unfinishedRuns()
    return try unfinished.first { StateFolder.progressNote(folder, $0.id) != nil } ?? unfinished.last ?? checkpoint.latestRun()
  }

  private func nothing() -> ExitStatus {
    voice.terminal.result(voice.isJSON ? "{\"runs\":[]}" : "nothing was imported with this state folder yet")
    return .complete
  }

  private func show(_ note: ProgressNote, _ seen: inout Seen) {
    if seen.note?.process != note.process { seen.endedCount = 0 }
    if !voice.isJSON { for line in note.ended.dropFirst(seen.endedCount) { tell("run \(note.run)  \(line)") } }
    seen.endedCount = note.ended.count
    seen.silentLooks = seen.note?.beat == note.beat ? seen.silentLooks + 1 : 0
    seen.note = note
    let isSilent = seen.silentLooks >= StatusWatch.silentLooks
    if voice.isJSON {
      voice.terminal.result(json(note, isSilent: isSilent))
    } else if voice.terminal.canDraw {
      let words =
        isSilent
        ? "no sign of life for \(seen.silentLooks) s  " : note.progress.phase == .asking ? "waits for an answer at its terminal  " : ""
      let name = "run \(note.run)  \(words)"
      let room = voice.terminal.columns - ScreenText.columns(name)
      let text = room > 10 ? name + ProgressLine.text(note.progress, note.pace, columns: room) : name
      if !voice.terminal.isQuiet { voice.terminal.draw(ScreenText.fitted(text, columns: max(1, voice.terminal.columns - 1))) }
    } else if seen.look - seen.toldAt >= StatusWatch.looksBetweenLines {
      seen.toldAt = seen.look
      tell(
        "run \(note.run)  " + (isSilent ? "no sign of life for \(seen.silentLooks) s, " : "") + ProgressLine.plain(note.progress, note.pace)
      )
    }
  }

  /// Lines are what was asked for where nothing can be drawn.
  private func tell(_ text: String) {
    if voice.terminal.canDraw { voice.terminal.line(text) } else { voice.terminal.result(text) }
  }

  private func json(_ note: ProgressNote, isSilent: Bool) -> String {
    struct Line: Encodable {
      var run: Int64
      var state = "working"
      var silent: Bool
      var progress: ProgressState
      var pace: ProgressPace
    }
    return encoded(Line(run: note.run, silent: isSilent, progress: note.progress, pace: note.pace))
  }

  /// Says how the run ended, or that nobody works on it.
  private func finish(_ row: RunRow, wasSeen: Bool) throws -> ExitStatus {
    guard let checkpoint = try StateFolder.reader(folder) else { return nothing() }
    defer { try? checkpoint.close() }
    let summary = try checkpoint.summary(of: row)
    let wasKilled = StateFolder.hasProgressNote(folder, row.id)
    let status = exit(of: row, summary, wasKilled: wasKilled)
    if voice.isJSON {
      struct Line: Encodable {
        var run: Int64
        var state: String
        var phase: String
        var exit: Int32
      }
      let state = row.phase.isUnfinished ? "unattended" : "ended"
      voice.terminal.result(encoded(Line(run: row.id.rawValue, state: state, phase: row.phase.rawValue, exit: status.rawValue)))
      return status
    }
    if row.phase.isUnfinished {
      voice.terminal.result(
        "run \(row.id): \(row.phase.rawValue), and nobody works on it"
          + (wasKilled ? ": its process was killed" : "")
          + "; the same command again, or `optireplay resume \(row.id)`, goes on with it")
    } else if !wasSeen {
      voice.terminal.result("run \(row.id): \(row.phase.rawValue); nobody works on it any more")
    }
    if wasSeen || row.phase.isUnfinished { voice.terminal.result(summary.text()) }
    return status
  }

  /// What the run's last process ended with. A process that was killed has told nothing, and what one before it told does not count.
  private func exit(of row: RunRow, _ summary: RunSummary, wasKilled: Bool) -> ExitStatus {
    let told = wasKilled ? nil : StateFolder.lastExit(folder, row.id)
    switch row.phase {
    case .staging, .planning, .sending: return told ?? .stopped
    case .complete: return told == .tooManyRejects ? .tooManyRejects : .complete
    case .refused, .forgotten: return summary.exit
    }
  }

  private func encoded(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Texts, truths and finite numbers can always be written.
    return try! String(decoding: encoder.encode(value), as: UTF8.self)
  }
}

import Dispatch
import Foundation
import Logging
import Pipeline
import Reporting
import Synchronization

/// Shows where a run stands, by a thread of its own, so that neither the run nor a terminal that is held up waits for the other: ten times a
/// second on a terminal, and now and then as a line of the log elsewhere. What a phase came to stays as a line.
final class ProgressDisplay: Sendable {
  private struct State {
    var track = ProgressTrack()
    /// When the phase began, and when it was last told in a log.
    var phaseAt: Duration = .zero
    var toldAt: Duration?
  }

  private let state = Mutex(State())
  private let voice: Voice
  private let tellsPhases: Bool
  private let start = ContinuousClock.now
  private let ending = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  /// Seconds between drawings of a line, and between looks where none is drawn.
  private static let drawing = 0.1
  private static let looking = 1.0
  /// A log is told every ten seconds, and of a phase that takes longer than two minutes once a minute.
  private static let often: Duration = .seconds(10)
  private static let seldom: Duration = .seconds(60)
  private static let patience: Duration = .seconds(120)

  /// `tellsPhases`: whether what a phase came to stays as a line.
  init(_ voice: Voice, tellsPhases: Bool = true) {
    self.voice = voice
    self.tellsPhases = tellsPhases
  }

  private var now: Duration { ContinuousClock.now - start }

  /// Takes where the run stands, and says what the last phase came to when this is another. Costs next to nothing.
  func take(_ progress: RunProgress) {
    let now = now
    let closing: String? = state.withLock { state in
      let (isNewPhase, ended) = state.track.take(progress, at: now)
      guard isNewPhase else { return nil }
      defer {
        state.phaseAt = now
        state.toldAt = nil
      }
      return ended.flatMap { closingLine(of: $0, wasTold: state.toldAt != nil) }
    }
    if let closing { tell(closing) }
  }

  /// Begins to show. To be ended with `end`.
  func begin() {
    if voice.terminal.isQuiet {
      ended.signal()
      return
    }
    let interval = voice.terminal.canDraw ? ProgressDisplay.drawing : ProgressDisplay.looking
    let thread = Thread { [self] in
      while ending.wait(timeout: .now() + interval) == .timedOut { show() }
      ended.signal()
    }
    thread.name = "progress"
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// Ends, and says what the last phase came to.
  func end() {
    ending.signal()
    // A terminal that is held up holds the process up at its next word anyway.
    ended.wait()
    voice.terminal.clearProgress()
    let now = now
    let closing: String? = state.withLock { state in
      state.track.end(at: now).flatMap { closingLine(of: $0, wasTold: state.toldAt != nil) }
    }
    if let closing { tell(closing) }
  }

  private func show() {
    let now = now
    let text: String? = state.withLock { state in
      guard let (shown, pace) = state.track.shown(at: now), shown.phase != .asking else { return "" }
      if voice.terminal.canDraw { return ProgressLine.text(shown, pace, columns: voice.terminal.columns) }
      let interval = now - state.phaseAt < ProgressDisplay.patience ? ProgressDisplay.often : ProgressDisplay.seldom
      guard now - (state.toldAt ?? state.phaseAt) >= interval else { return nil }
      state.toldAt = now
      return ProgressLine.plain(shown, pace)
    }
    guard let text else { return }
    if !voice.terminal.canDraw {
      if !text.isEmpty { voice.log.notice("\(text)") }
    } else if text.isEmpty {
      voice.terminal.clearProgress()
    } else {
      voice.terminal.draw(text)
    }
  }

  /// What a phase came to; nil when nobody is told: a log hears of phases that it has heard of.
  private func closingLine(of ended: ProgressTrack.Ended, wasTold: Bool) -> String? {
    guard tellsPhases, ended.state.phase != .asking, voice.terminal.canDraw || wasTold else { return nil }
    return ProgressLine.closing(ended.state, ended.pace)
  }

  private func tell(_ closing: String) {
    if voice.terminal.isQuiet { return }
    // The line of the phase that is over is not drawn below what it came to.
    voice.terminal.clearProgress()
    if voice.terminal.canDraw { voice.terminal.line(closing) } else { voice.log.notice("\(closing)") }
  }
}

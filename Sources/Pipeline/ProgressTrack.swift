package import Reporting

/// Where a run stands and how it got there, by what it tells and by the clock of who follows it.
package struct ProgressTrack: Sendable {
  /// A phase that is over: where it stood last, and how it went as a whole.
  package struct Ended: Sendable {
    package let state: ProgressState
    package let pace: ProgressPace
  }

  private var latest: (progress: RunProgress, at: Duration)?
  private var meter = ProgressMeter()

  package init() {}

  /// Takes where the run stands. Returns whether that is another phase, and what the one before came to; nothing of the first one.
  package mutating func take(_ progress: RunProgress, at now: Duration) -> (isNewPhase: Bool, ended: Ended?) {
    let next = progress.state()
    defer { latest = (progress, now) }
    guard let last = latest?.progress.state() else {
      meter.take(next, at: now)
      return (true, nil)
    }
    if last.phase == next.phase { return (false, nil) }
    return (true, Ended(state: last, pace: meter.turn(from: last, to: next, at: now)))
  }

  /// Ends. Returns what the phase at hand came to; nil without one.
  package mutating func end(at now: Duration) -> Ended? {
    guard let last = latest?.progress.state() else { return nil }
    latest = nil
    return Ended(state: last, pace: meter.turn(from: last, to: nil, at: now))
  }

  /// Where the run stands now, and how its phase goes; nil before anything was told.
  package mutating func shown(at now: Duration) -> (state: ProgressState, pace: ProgressPace)? {
    guard let (progress, at) = latest else { return nil }
    let state = progress.state(waited: (now - at) / .seconds(1))
    meter.take(state, at: now)
    return (state, meter.pace)
  }
}

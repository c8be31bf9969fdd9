internal import Foundation

/// Tells how fast a phase goes and how long it will take, from where it stood at several times. No clock: times are since any beginning.
///
/// Rates are of what was done lately: each piece counts less the longer ago it is, and so does the time that it took, which makes the first
/// seconds right too. For the time left, lately means a quarter of the phase so far, from 5 s to a minute: pauses and bodies that come in bursts
/// are smoothed, and a server that slows down is noticed.
package struct ProgressMeter: Sendable {
  /// An amount and the time that it took, both fading.
  private struct Fading: Sendable {
    private var amount = 0.0
    private var time = 0.0

    mutating func add(_ amount: Double, took time: Double, fading constant: Double) {
      let kept = exp(-time / constant)
      self.amount = self.amount * kept + amount
      self.time = self.time * kept + time
    }

    /// Amount a second; nil when nothing was done.
    var rate: Double? { amount > 0 && time > 0 ? amount / time : nil }
  }

  private var beginning: (state: ProgressState, at: Duration)?
  private var last: (state: ProgressState, at: Duration)?
  private var records = Fading()
  private var bytes = Fading()
  private var work = Fading()

  /// Seconds that a shown rate is about.
  private static let shownSeconds = 5.0
  private static let fewestSeconds = 5.0
  private static let mostSeconds = 60.0
  /// Before this a time left would be a guess.
  private static let leastSeconds = 1.0

  package init() {}

  /// Takes where the run stands. Another phase, or less done than before, begins anew.
  package mutating func take(_ state: ProgressState, at now: Duration) {
    guard let beginning, let last, beginning.state.phase == state.phase, state.done >= last.state.done, now >= last.at else {
      self = ProgressMeter()
      beginning = (state, now)
      last = (state, now)
      return
    }
    let time = (now - last.at) / .seconds(1)
    if time > 0 {
      let elapsed = (now - beginning.at) / .seconds(1)
      records.add(Double(max(0, state.records - last.state.records)), took: time, fading: ProgressMeter.shownSeconds)
      bytes.add(Double(max(0, (state.bytes ?? 0) - (last.state.bytes ?? 0))), took: time, fading: ProgressMeter.shownSeconds)
      work.add(
        Double(state.done - last.state.done), took: time,
        fading: min(ProgressMeter.mostSeconds, max(ProgressMeter.fewestSeconds, elapsed / 4)))
    } else if state.done > last.state.done {
      // What comes without time to have taken counts with what comes next.
      return
    }
    self.last = (state, now)
  }

  /// Ends a phase with where it stood last, and begins the next. Returns how the one that ended went.
  package mutating func turn(from last: ProgressState, to next: ProgressState?, at now: Duration) -> ProgressPace {
    take(last, at: now)
    let ended = whole
    if let next { take(next, at: now) }
    return ended
  }

  /// How the phase goes.
  package var pace: ProgressPace {
    var pace = ProgressPace()
    guard let beginning, let last else { return pace }
    pace.seconds = (last.at - beginning.at) / .seconds(1)
    pace.recordsPerSecond = records.rate
    pace.bytesPerSecond = bytes.rate
    if let total = last.state.total, pace.seconds >= ProgressMeter.leastSeconds, last.state.done < total, let rate = work.rate {
      let seconds = Double(total - last.state.done) / rate
      // What is slower than a thousand years stands still.
      if seconds < 3e10 { pace.secondsLeft = max(seconds, last.state.sending?.waitSeconds ?? 0) }
    }
    return pace
  }

  /// How the phase went from its beginning until now: means over all of it, and nothing left.
  package var whole: ProgressPace {
    var pace = ProgressPace()
    guard let beginning, let last else { return pace }
    pace.seconds = (last.at - beginning.at) / .seconds(1)
    guard pace.seconds > 0 else { return pace }
    pace.recordsPerSecond = Double(last.state.records - beginning.state.records) / pace.seconds
    if let bytes = last.state.bytes { pace.bytesPerSecond = Double(bytes - (beginning.state.bytes ?? 0)) / pace.seconds }
    return pace
  }
}

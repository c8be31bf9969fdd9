internal import Foundation
internal import Synchronization

/// The trouble of one server, and which request is to have which. Setting it begins anew: the next request is number 1, and outages count
/// from it.
final class FaultGate: Sendable {
  /// What is done with one request.
  struct Verdict {
    var act: SandboxFaults.Act?
    var delay: Duration
    var retryAfter: String?
  }

  /// What has happened since the trouble was set.
  struct Tally: Sendable, Equatable {
    var requests = 0
    var causes: [SandboxFaults.Cause: Int] = [:]
    /// Since the first request; nil before it.
    var time: Duration?
  }

  private struct State {
    var faults: SandboxFaults
    var tally = Tally()
    var begun: ContinuousClock.Instant?
  }

  private let state: Mutex<State>
  private let now: @Sendable () -> ContinuousClock.Instant
  private let date: @Sendable () -> Date

  /// The clocks are arguments so that tests need not wait.
  init(
    _ faults: SandboxFaults, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now },
    date: @escaping @Sendable () -> Date = { Date() }
  ) {
    state = Mutex(State(faults: faults))
    self.now = now
    self.date = date
  }

  /// Judges the next request, which has arrived whole.
  func judge(_ body: Span<UInt8>) -> Verdict {
    let now = now()
    let (faults, number, time) = state.withLock { state in
      state.tally.requests += 1
      let begun = state.begun ?? now
      state.begun = begun
      return (state.faults, state.tally.requests, now - begun)
    }
    let trouble = faults.trouble(on: number, after: time, body)
    if let trouble { state.withLock { $0.tally.causes[trouble.cause, default: 0] += 1 } }
    return Verdict(act: trouble?.act, delay: faults.delay, retryAfter: faults.retryAfterHeader(at: date()))
  }

  /// Counts a request whose body was refused before it had arrived, because it is over the limit.
  func countOverLimit() {
    let now = now()
    state.withLock { state in
      state.tally.requests += 1
      state.tally.causes[.limit, default: 0] += 1
      state.begun = state.begun ?? now
    }
  }

  var bodyLimit: Int? { state.withLock(\.faults.bodyLimit) }

  func set(_ faults: SandboxFaults) { state.withLock { $0 = State(faults: faults) } }

  /// What is set, and what it has done so far.
  var shown: (faults: SandboxFaults, tally: Tally) {
    state.withLock { state in
      var tally = state.tally
      tally.time = state.begun.map { now() - $0 }
      return (state.faults, tally)
    }
  }
}

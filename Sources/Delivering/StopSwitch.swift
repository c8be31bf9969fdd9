import Synchronization

/// Ends a delivery in good order.
///
/// After the first `stop()` no request starts and every wait ends; requests in flight get `Limits.drainSeconds` to finish, and
/// their receipts are kept; then the delivery ends with 75. Further calls change nothing: a second signal is the caller's
/// business. Usable from any thread, not from within a signal handler.
package final class StopSwitch: Sendable {
  private struct State {
    var isStopped = false
    var reason: String?
    var nextWaiter = 0
    var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  package var isStopped: Bool { state.withLock { $0.isStopped } }

  /// Why it was stopped, as in `stopped on request`.
  package var reason: String { state.withLock { $0.reason } ?? "on request" }

  /// Stops; `reason` goes on after `stopped`, and the first one counts.
  package func stop(_ reason: String? = nil) {
    let waiters = state.withLock { state in
      if !state.isStopped { state.reason = reason }
      state.isStopped = true
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in waiters { waiter.resume(returning: true) }
  }

  /// Returns true once stopped; false when the waiting task is cancelled first.
  package func wait() async -> Bool {
    let number = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // A cancellation handler that ran before this found no waiter, but then the task is cancelled by now.
        let known: Bool? = state.withLock { state in
          if state.isStopped { return true }
          if Task.isCancelled { return false }
          state.waiters[number] = continuation
          return nil
        }
        if let known { continuation.resume(returning: known) }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: false)
    }
  }
}

import Foundation

/// The time, as a delivery sees it; tests bring their own.
protocol DeliveryClock: Sendable {
  /// Time since a fixed moment; never goes back.
  func now() -> Duration
  /// The time of day in epoch milliseconds; may jump.
  func epochMilliseconds() -> Int64
  /// Returns after the duration, or at once when the task is cancelled.
  func sleep(for duration: Duration) async
}

/// The machine's clock.
struct SystemClock: DeliveryClock {
  private let start = ContinuousClock.now

  func now() -> Duration { ContinuousClock.now - start }

  func epochMilliseconds() -> Int64 { Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)) }

  // Cancellation is the only error of a sleep, and the caller looks at the time anyway.
  func sleep(for duration: Duration) async { try? await Task.sleep(for: duration) }
}

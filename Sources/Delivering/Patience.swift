/// How long a delivery goes on without success: event in, answer out; no clock.
///
/// Time in which nothing could be tried does not count: when this process was stopped (SIGSTOP) or the machine slept, the first look
/// at the time afterwards comes much later than it was meant to.
struct Patience {
  let limit: Duration
  /// When the first failure since the last success was seen, moved by the time that does not count.
  private(set) var since: Duration?
  /// Requests that failed since then.
  private(set) var failureCount = 0
  /// When the next event must have come, if all runs as it should; nil when that cannot be said.
  private var nextBy: Duration?

  init(limit: Duration) { self.limit = limit }

  /// Somebody looks at the time. To be called before anything else that happens at it.
  mutating func looked(at now: Duration) {
    if let nextBy, now > nextBy + DeliveryLimits.lateness { since = since.map { $0 + (now - nextBy) } }
    nextBy = nil
  }

  /// The next event comes at this time at the latest.
  mutating func waits(until time: Duration?) { nextBy = time }

  mutating func succeeded() {
    since = nil
    failureCount = 0
  }

  mutating func failed(at now: Duration) {
    failureCount += 1
    if since == nil { since = now }
  }

  /// Begins anew at the next failure.
  mutating func startOver() { since = nil }

  func isOver(at now: Duration) -> Bool { since.map { now >= $0 + limit } ?? false }

  /// Whether it will be over before this time.
  func ends(before time: Duration) -> Bool { since.map { time > $0 + limit } ?? false }
}

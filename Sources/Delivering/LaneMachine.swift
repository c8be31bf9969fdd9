/// Decides when a lane may start a request: event in, answer out; no clock, no network. How many there are is `LaneLimit`'s to say.
///
/// ```
///            started                      failed (429, 503, no connection …)
///   free ─────────────▶ in flight ───────────────────────────▶ every lane holds until the delay has passed
///     ▲                     │ succeeded: back-off starts over
///     └─────────────────────┘
/// ```
struct LaneMachine {
  enum Answer: Equatable {
    case start
    /// Not before this time.
    case holdUntil(Duration)
    /// Not before a lane is free.
    case full
  }

  private var limit: LaneLimit
  private let eventsPerSecond: Double?
  private(set) var inFlightCount = 0
  /// No lane starts before this.
  private(set) var notBefore: Duration = .zero
  private var pacedUntil: Duration = .zero
  /// Waves of failures in a row, and when the last one was seen.
  private var failedWaveCount = 0
  private var lastWave: Duration = .zero

  init(_ limit: LaneLimit, eventsPerSecond: Double? = nil) {
    self.limit = limit
    self.eventsPerSecond = eventsPerSecond
  }

  /// Requests that may be in flight now. After a cut more may still be.
  var laneCount: Int { limit.width }

  func mayStart(at now: Duration) -> Answer {
    if inFlightCount >= laneCount { return .full }
    let time = max(notBefore, pacedUntil)
    return now < time ? .holdUntil(time) : .start
  }

  /// A request with this many events starts. At a rate, the next one starts when these would be through.
  mutating func started(eventCount: Int, at now: Duration) {
    precondition(mayStart(at: now) == .start, "a lane started without leave")
    inFlightCount += 1
    limit.started(inFlight: inFlightCount)
    guard let eventsPerSecond, eventsPerSecond > 0 else { return }
    // Beyond a day the exact pace is of no interest, and a duration must not overflow.
    pacedUntil = now + .seconds(min(Double(eventCount) / eventsPerSecond, 86_400))
  }

  /// A request that started at a time was answered well, after so long.
  mutating func succeeded(startedAt: Duration, roundTrip: Duration, at now: Duration) {
    limit.succeeded(startedAt: startedAt, roundTrip: roundTrip, at: now)
    finish()
    // `notBefore` stays: a lane that got through does not take back what the server asked of all.
    failedWaveCount = 0
  }

  /// A request failed in a way that concerns all lanes. Lanes that fail together are one wave: only a request that started after
  /// the last wave was seen makes the back-off longer. `isStrain`: too many lanes may be the cause.
  mutating func failed(startedAt: Duration, at now: Duration, fraction: Double, retryAfter: Duration?, isStrain: Bool = false) {
    if isStrain { limit.strained(startedAt: startedAt, inFlight: inFlightCount, at: now) }
    finish()
    if failedWaveCount == 0 || startedAt > lastWave {
      failedWaveCount += 1
      lastWave = now
    }
    notBefore = max(notBefore, now + Backoff.delay(afterFailures: failedWaveCount, fraction: fraction, retryAfter: retryAfter))
  }

  /// A request ended in a way that says nothing about the server's strength.
  mutating func ended() { finish() }

  private mutating func finish() {
    precondition(inFlightCount > 0, "a request ended that never started")
    inFlightCount -= 1
  }
}

/// How many requests may be in flight: as many as the server bears. Event in, number out; no clock, no network.
///
/// ```
///  width            ╱│ throttled                   ╱│        ceiling: below what failed last; a step beyond it
///                 ╱  │            ╱────────────────  │        is tried after rounds that went well
///    start ────╱     │          ╱                    └─ half
///                    └─ half ─╱                                  ── rounds ──▶
/// ```
/// Additive increase: one more after each round that went well and had use for all. A round is as many answers as the width, eight at
/// least, to requests that started in it. Multiplicative decrease: to a half when the server throttles, stays silent or breaks off; to
/// seven tenths when round trips have grown well beyond what they were. Should fewer requests not make round trips shorter, then it was
/// not their number that made them long, and what they take now is what they are compared with from now on.
struct LaneLimit {
  /// The width now.
  private(set) var width: Int
  private let most: Int
  private let adapts: Bool

  /// When the round at hand began, the round trips seen in it, its starts, and how many of them left no room.
  private var roundStart: Duration = .zero
  private var trips: [Duration] = []
  private var startCount = 0
  private var fullCount = 0

  /// What a round trip takes when few are in flight; nil before the first round.
  private var baseline: Duration?
  private var slowRoundCount = 0
  /// The cut that is to show whether fewer requests make round trips shorter.
  private var trial: (width: Int, trip: Duration)?
  /// When the width was cut last: what started before tells nothing about the width now.
  private var lastCut: Duration?
  /// One less than what failed last.
  private var ceiling: Int?
  /// Rounds at the ceiling that went well, and how many it takes to try a step beyond.
  private var calmCount = 0
  private var patience = LaneLimit.firstPatience

  static let firstPatience = 8
  static let longestPatience = 64
  static let leastTrips = 8

  /// A width that stays.
  init(fixed width: Int) {
    precondition(width >= 1, "a delivery needs a lane")
    self.width = width
    most = width
    adapts = false
  }

  /// A width that adapts, between 1 and `most`.
  init(from start: Int, most: Int) {
    precondition(start >= 1 && most >= 1, "a delivery needs a lane")
    width = min(start, most)
    self.most = most
    adapts = true
  }

  /// A request started, with which so many are in flight.
  mutating func started(inFlight: Int) {
    startCount += 1
    if inFlight >= width { fullCount += 1 }
  }

  /// A request that started at a time was answered well, after so long.
  mutating func succeeded(startedAt: Duration, roundTrip: Duration, at now: Duration) {
    guard adapts, startedAt >= roundStart else { return }
    trips.append(roundTrip)
    guard trips.count >= max(width, LaneLimit.leastTrips) else { return }
    let trip = usual(trips)
    let hadUseForAll = 2 * fullCount >= startCount
    beginRound(at: now)
    judge(trip, hadUseForAll: hadUseForAll, at: now)
  }

  /// The server showed that so many in flight are too many. What started before the last cut tells nothing new.
  mutating func strained(startedAt: Duration, inFlight: Int, at now: Duration) {
    guard adapts, lastCut.map({ startedAt > $0 }) ?? true else { return }
    let failed = min(width, inFlight)
    // A step beyond the ceiling that fails is taken less often.
    patience = ceiling.map { failed > $0 } ?? false ? min(LaneLimit.longestPatience, 2 * patience) : LaneLimit.firstPatience
    cut(to: failed / 2, ceiling: failed - 1, at: now)
    trial = nil
  }

  // MARK: rounds

  /// The mean of the middle half: one request that takes ten times as long says nothing, and a median of eight varies too much.
  private func usual(_ trips: [Duration]) -> Duration {
    let middle = trips.sorted().dropFirst(trips.count / 4).dropLast(trips.count / 4)
    return middle.reduce(.zero, +) / middle.count
  }

  private mutating func beginRound(at now: Duration) {
    roundStart = now
    trips.removeAll(keepingCapacity: true)
    startCount = 0
    fullCount = 0
  }

  private mutating func judge(_ trip: Duration, hadUseForAll: Bool, at now: Duration) {
    if let (before, slow) = trial {
      trial = nil
      // Half of what the cut would bring if round trips were all queueing.
      if trip * 2 * before > slow * (before + width) {
        baseline = trip
        width = before
        ceiling = nil
        return
      }
    }
    guard let known = baseline else {
      baseline = trip
      if hadUseForAll { grow() }
      return
    }
    // A single quick round may be chance.
    if trip < known { baseline = known + (trip - known) / 4 }
    guard trip > known * 1.5 + DeliveryLimits.roundTripSlack else {
      slowRoundCount = 0
      if hadUseForAll { grow() }
      return
    }
    slowRoundCount += 1
    // A single slow one too; and a single lane stands in no queue of ours.
    guard slowRoundCount > 1 else { return }
    if width == 1 {
      baseline = trip
      return
    }
    trial = (width, trip)
    cut(to: width * 7 / 10, ceiling: width * 7 / 10, at: now)
    patience = LaneLimit.firstPatience
  }

  private mutating func grow() {
    if let ceiling, width > ceiling {
      // The step beyond held.
      self.ceiling = nil
      patience = LaneLimit.firstPatience
    }
    guard width < most else { return }
    if let ceiling, width >= ceiling {
      calmCount += 1
      guard calmCount >= patience else { return }
    }
    calmCount = 0
    width += 1
  }

  private mutating func cut(to width: Int, ceiling: Int, at now: Duration) {
    self.width = max(1, width)
    self.ceiling = max(1, ceiling)
    calmCount = 0
    slowRoundCount = 0
    lastCut = now
    beginRound(at: now)
  }
}

import Vocabulary

@testable import Delivering

/// A server in virtual time, whose strength changes: so many requests are worked on at once, others wait in line or are turned away.
final class SimulatedServer {
  /// What it does to a request that comes while all places are taken.
  enum Full { case queues, throttles(retryAfter: Duration?) }

  /// What it is like from a moment on.
  struct Phase {
    var from: Duration = .zero
    /// Requests that are worked on at once.
    var places: Int
    var service: Duration = .seconds(1)
    /// Requests a second that it takes at most, the others being answered 429.
    var perSecond: Double?
    /// Nothing is answered.
    var isStalled = false
  }

  private let phases: [Phase]
  private let full: Full
  /// How much service times vary: 0.5 for half less to half more.
  private let spread: Double
  private var dice: Jitter
  /// When the places are free again.
  private var busyUntil: [Duration] = []
  private var tokens = 0.0
  private var tokensAt: Duration = .zero
  private(set) var strainCount = 0

  init(_ phases: [Phase], full: Full, spread: Double, seed: UInt64) {
    self.phases = phases
    self.full = full
    self.spread = spread
    dice = Jitter(seed: seed)
  }

  private func phase(at now: Duration) -> Phase { phases.last { $0.from <= now } ?? phases[0] }

  /// A request comes: how long it takes, and how it ends.
  func take(_ send: Simulation.Send) -> (takes: Duration, Simulation.Ending) {
    let now = send.at
    let phase = phase(at: now)
    let service = phase.service * (1 + spread * (2 * dice.fraction() - 1))
    if phase.isStalled {
      strainCount += 1
      return (.seconds(60), .fails(.timedOut))
    }
    if let perSecond = phase.perSecond {
      // A second's worth may come at once.
      tokens = min(max(1, perSecond), tokens + (now - tokensAt) / .seconds(1) * perSecond)
      tokensAt = now
      guard tokens >= 1 else { return turnAway(nil) }
      tokens -= 1
    }
    busyUntil.removeAll { $0 <= now }
    switch full {
    case .throttles(let retryAfter):
      guard busyUntil.count < phase.places else { return turnAway(retryAfter) }
      busyUntil.append(now + service)
      return (service, .accepted)
    case .queues:
      // In the order of arrival: it begins when so many that came before are done that a place is free.
      let ahead = busyUntil.sorted()
      let start = ahead.count < phase.places ? now : ahead[ahead.count - phase.places]
      busyUntil.append(start + service)
      return (start + service - now, .accepted)
    }
  }

  private func turnAway(_ retryAfter: Duration?) -> (takes: Duration, Simulation.Ending) {
    strainCount += 1
    return (.milliseconds(20), .fails(.answered(429, retryAfter: retryAfter)))
  }
}

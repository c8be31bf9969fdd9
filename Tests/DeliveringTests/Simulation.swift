import Vocabulary

@testable import Delivering

/// Drives the machine alone, in virtual time: a network is a function from a request to how long it takes and how it ends.
struct Simulation {
  enum Ending {
    case accepted
    case fails(Setback)
    case refused
    case ends(RunFailure)
    case hangs
  }
  struct Send: Equatable {
    var number: Int
    var attempt: Int
    var at: Duration
  }

  /// Lanes that stay, or the most when they adapt.
  var lanes = 2
  var adapts = false
  var rate: Double?
  var retryFor: Duration = .seconds(1800)
  var seed: UInt64 = 7
  var bodies: [OutgoingBody]
  var stopAt: Duration?
  /// The process is stopped at these times, for so long: what should have happened meanwhile happens when it goes on.
  var freezes: [(at: Duration, lasts: Duration)] = []
  var network: (Send) -> (takes: Duration, Ending)
  /// How many events the next part of a body has; nil when nothing of it is left.
  var parts: (_ number: Int, _ isRefused: Bool) -> Int? = { _, _ in nil }

  private(set) var sends: [Send] = []
  private(set) var accepted: [(number: Int, at: Duration)] = []
  private(set) var now: Duration = .zero
  private(set) var mostHeld = 0
  private(set) var mostInFlight = 0
  private(set) var progress = DeliveryProgress()
  private(set) var gaveUp = false
  /// How many lanes there were after each answer.
  private(set) var widths: [(at: Duration, laneCount: Int)] = []

  init(
    _ bodies: [OutgoingBody], lanes: Int = 2, rate: Double? = nil, retryFor: Duration = .seconds(1800), seed: UInt64 = 7,
    stopAt: Duration? = nil, network: @escaping (Send) -> (takes: Duration, Ending)
  ) {
    self.bodies = bodies
    self.lanes = lanes
    self.rate = rate
    self.retryFor = retryFor
    self.seed = seed
    self.stopAt = stopAt
    self.network = network
  }

  mutating func run() -> DeliveryOutcome {
    var machine = DeliveryMachine(
      place: "http://here/", lanes: adapts ? LaneLimit(from: Limits.lanes, most: lanes) : LaneLimit(fixed: lanes), rate: rate,
      retryFor: retryFor, seed: seed)
    var queue = bodies[...]
    var inFlight: [(number: Int, ends: Duration, ending: Ending, started: Duration)] = []
    var heldCount = 0
    for _ in 0..<1_000_000 {
      if let stopAt, now >= stopAt { machine.stopRequested(at: now) }
      let action = machine.next(at: now)
      progress = machine.progress
      switch action {
      case .pull:
        guard let body = queue.popFirst() else {
          machine.sourceEnded()
          continue
        }
        heldCount += 1
        mostHeld = max(mostHeld, heldCount)
        machine.pulled(number: body.number, waitsFor: body.waitsFor, eventCount: body.eventCount)
      case .send(let number, let attempt):
        let send = Send(number: number, attempt: attempt, at: now)
        sends.append(send)
        let (takes, ending) = network(send)
        inFlight.append((number, now + takes, ending, now))
        mostInFlight = max(mostInFlight, inFlight.count)
      case .askPart(let number, let refusal): machine.parted(number, eventCount: parts(number, refusal != nil))
      case .drop: heldCount -= 1
      case .giveUp:
        gaveUp = true
        for request in inFlight { machine.gaveUp(request.number) }
        inFlight = []
      case .finish(let outcome): return outcome
      case .wait(let time):
        let hanging = inFlight.filter { if case .hangs = $0.ending { true } else { false } }.map(\.number)
        let landing = inFlight.filter { !hanging.contains($0.number) }.min { $0.ends < $1.ends }
        let stop = stopAt.flatMap { $0 > now ? $0 : nil }
        guard let next = [landing?.ends, time, stop].compactMap({ $0 }).min() else {
          preconditionFailure("nothing will ever happen")
        }
        now = max(now, next)
        if let freeze = freezes.first, now >= freeze.at {
          freezes.removeFirst()
          now += freeze.lasts
        }
        guard let landing, landing.ends <= now else { continue }
        inFlight.removeAll { $0.number == landing.number }
        switch landing.ending {
        case .accepted:
          accepted.append((landing.number, now))
          machine.accepted(landing.number, roundTrip: now - landing.started, at: now)
        case .refused: machine.refused(landing.number, status: 400, words: "no")
        case .fails(let setback): machine.failed(landing.number, setback, at: now)
        case .ends(let failure): machine.ended(landing.number, failure)
        case .hangs: break
        }
        widths.append((now, machine.progress.laneCount))
      }
    }
    preconditionFailure("the machine never finishes")
  }
}

extension Setback {
  static func answered(_ status: Int, retryAfter: Duration? = nil) -> Setback {
    Setback(
      trouble: "the server answered \(status)", isServerError: status >= 500, isStrain: [429, 503].contains(status),
      retryAfter: retryAfter)
  }
  static let refused = Setback(trouble: "no connection: connection refused")
  static let timedOut = Setback(trouble: "no answer within 60 s", isStrain: true)
}

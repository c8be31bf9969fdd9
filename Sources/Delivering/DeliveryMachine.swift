import Vocabulary

/// Decides what a delivery does next: event in, action out; no clock, no network, no bytes.
///
/// ```
///  pulled ──▶ waiting for a body ──▶ ready ──▶ in flight ──▶ accepted
///                     │                ▲           │
///                     │                └─ back-off ┤ retry
///                     ▼                            ▼ fails while others succeed
///                 set aside ◀──────────────────────┘
/// ```
/// A body that is refused while others are accepted goes on in parts, one after another: the source is asked for the next until none is
/// left. Its number stays the same, and bodies that wait for it wait for all its parts.
///
/// The first failure that ends the run stops all starts; the machine then waits for what is in flight, and for no longer than the
/// drain once the stop switch is thrown.
struct DeliveryMachine {
  enum Action: Equatable {
    /// Ask the source for the next body.
    case pull
    /// Ask the source for the next part of a body, after the server refused what was sent last, or accepted it.
    case askPart(number: Int, after: Refusal?)
    case send(number: Int, attemptCount: Int)
    /// Let go of a body's bytes: it will not be sent again in this run.
    case drop(number: Int)
    /// Give up the requests in flight.
    case giveUp
    /// Nothing to do before the next event, or before this time.
    case wait(until: Duration?)
    case finish(DeliveryOutcome)
  }

  /// Whether the source has to say how a body goes on.
  private enum Part: Equatable {
    case known
    case due(after: Refusal?)
    case asked
  }

  private struct Held {
    var number: Int
    var waitsFor: Int?
    var eventCount: Int
    var byteCount: Int
    var attemptCount = 0
    var isInFlight = false
    var startedAt: Duration = .zero
    var notBefore: Duration = .zero
    var onlyServerErrors = true
    /// How many bodies had been accepted when this one first started, later when it last failed.
    var acceptedBefore = 0
    /// Failures with 5xx before which the server accepted another body.
    var refusalCount = 0
    var isPart = false
    var part = Part.known

    /// A body that only ever failed with 5xx: maybe the server is down, maybe it can't stand this body.
    var isSuspect: Bool { attemptCount > 0 && onlyServerErrors && !isInFlight }
  }

  private let place: String
  private let requestTimeLimit: Duration
  private var lanes: LaneMachine
  private var jitter: Jitter
  private var held: [Held] = []
  private var lastNumber = Int.min
  private var isPulling = false
  private var isExhausted = false
  private var setAside: Set<Int> = []
  private var dropped: [Int] = []
  private var firstSetAside: (numbers: [Int], trouble: String) = ([], "")
  private var patience: Patience
  /// How many bodies had been accepted when suspects were last set aside without a witness.
  private var doubtedAt: Int?
  private var ending: RunFailure?
  private var isStopRequested = false
  private var stopReason = "on request"
  private var drainEnd: Duration?
  private var givenUpCount: Int?
  private(set) var progress = DeliveryProgress()
  /// Whether the server has accepted anything in this delivery.
  private(set) var hasAccepted = false

  init(
    place: String, lanes limit: LaneLimit, rate: Double? = nil, retryFor: Duration, requestTimeLimit: Duration = .seconds(60), seed: UInt64
  ) {
    self.place = place
    self.requestTimeLimit = requestTimeLimit
    patience = Patience(limit: retryFor)
    lanes = LaneMachine(limit, eventsPerSecond: rate)
    progress.laneCount = limit.width
    jitter = Jitter(seed: seed)
  }

  var acceptedBodyCount: Int { progress.acceptedBodyCount }

  // MARK: Events

  /// `isPart`: what is pulled is a part of the body, which was cut in an earlier delivery.
  mutating func pulled(number: Int, waitsFor: Int?, eventCount: Int, byteCount: Int = 0, isPart: Bool = false) {
    precondition(isPulling, "a body came without being asked for")
    precondition(number > lastNumber, "bodies come in ascending order")
    precondition(waitsFor.map { $0 < number } ?? true, "a body waits for an earlier one")
    isPulling = false
    lastNumber = number
    held.append(Held(number: number, waitsFor: waitsFor, eventCount: eventCount, byteCount: byteCount, isPart: isPart))
  }

  mutating func sourceEnded() {
    isPulling = false
    isExhausted = true
  }

  mutating func sourceFailed(_ failure: RunFailure) {
    isPulling = false
    end(failure)
  }

  /// A body, or a part of it, was accepted after so long, and its receipt is kept.
  mutating func accepted(_ number: Int, roundTrip: Duration, at now: Duration) {
    let index = index(of: number)
    lanes.succeeded(startedAt: held[index].startedAt, roundTrip: roundTrip, at: now)
    hasAccepted = true
    patience.succeeded()
    progress.trouble = nil
    progress.inFlightCount -= 1
    progress.acceptedEventCount += held[index].eventCount
    progress.acceptedByteCount += held[index].byteCount
    if held[index].isPart { ask(index, after: nil) } else { complete(index) }
  }

  /// The server refused a body, or a part of it, for what is in it.
  mutating func refused(_ number: Int, status: Int, words: String) {
    land(number)
    // Who refuses is not down.
    patience.succeeded()
    let index = index(of: number)
    ask(index, after: Refusal(status: status, words: words, attemptCount: held[index].attemptCount))
  }

  /// The next part of a body is there, with so many events; nil when nothing of the body is left.
  mutating func parted(_ number: Int, eventCount: Int?, byteCount: Int = 0) {
    let index = index(of: number)
    precondition(held[index].part == .asked, "a part came without being asked for")
    guard let eventCount else { return complete(index) }
    held[index].part = .known
    held[index].isPart = true
    held[index].eventCount = eventCount
    held[index].byteCount = byteCount
  }

  /// The source could not say how a body goes on.
  mutating func partFailed(_ number: Int, _ failure: RunFailure) {
    held[index(of: number)].part = .known
    end(failure)
  }

  /// What is sent next for this body starts over.
  private mutating func ask(_ index: Int, after refusal: Refusal?) {
    held[index].isInFlight = false
    held[index].attemptCount = 0
    held[index].notBefore = .zero
    held[index].onlyServerErrors = true
    held[index].refusalCount = 0
    held[index].part = .due(after: refusal)
  }

  private mutating func complete(_ index: Int) {
    dropped.append(held.remove(at: index).number)
    progress.acceptedBodyCount += 1
  }

  /// A request failed in a way that may heal.
  mutating func failed(_ number: Int, _ setback: Setback, at now: Duration) {
    patience.looked(at: now)
    let index = index(of: number)
    let fraction = jitter.fraction()
    lanes.failed(
      startedAt: held[index].startedAt, at: now, fraction: fraction, retryAfter: setback.retryAfter, isStrain: setback.isStrain)
    progress.inFlightCount -= 1
    progress.trouble = setback.trouble
    progress.lastTrouble = setback.trouble
    patience.failed(at: now)

    held[index].isInFlight = false
    held[index].onlyServerErrors = held[index].onlyServerErrors && setback.isServerError
    held[index].notBefore =
      now + Backoff.delay(afterFailures: held[index].attemptCount, fraction: fraction, retryAfter: setback.retryAfter)
    if acceptedBodyCount > held[index].acceptedBefore { held[index].refusalCount += 1 }
    held[index].acceptedBefore = acceptedBodyCount
    if held[index].onlyServerErrors, held[index].refusalCount >= DeliveryLimits.refusalsBeforeSetAside {
      putAside(index, because: setback.trouble)
    } else if patience.isOver(at: now) {
      losePatience()
    }
  }

  /// A request ended the run; also one whose receipt could not be kept.
  mutating func ended(_ number: Int, _ failure: RunFailure) {
    land(number)
    end(failure)
  }

  /// A request was given up at the end of the drain.
  mutating func gaveUp(_ number: Int) {
    land(number)
    givenUpCount = (givenUpCount ?? 0) + 1
    isStopRequested = true
  }

  /// `reason` as `StopSwitch.reason`.
  mutating func stopRequested(at now: Duration, reason: String = "on request") {
    guard drainEnd == nil else { return }
    stopReason = reason
    isStopRequested = true
    drainEnd = now + .seconds(Limits.drainSeconds)
  }

  // MARK: Actions

  /// The next thing to do; asked again after each action until it says wait or finish.
  mutating func next(at now: Duration) -> Action {
    patience.looked(at: now)
    let action = step(at: now)
    progress.laneCount = lanes.laneCount
    if case .wait(let time) = action {
      // Each request ends within its time limit.
      patience.waits(until: [time, progress.inFlightCount > 0 ? now + requestTimeLimit : nil].compactMap { $0 }.min())
    }
    return action
  }

  private mutating func step(at now: Duration) -> Action {
    putAsideWaiters()
    if let number = dropped.popLast() { return .drop(number: number) }
    progress.setAsideCount = setAside.count
    progress.holdUp = nil
    if isExhausted, held.isEmpty, ending == nil { return .finish(setAside.isEmpty ? .complete : .stopped(leftovers)) }
    let isEnding = ending != nil || isStopRequested
    for index in held.indices {
      // Also at the end a refusal is told, so that the source can keep it; the part that it answers with is not sent.
      if case .due(let refusal) = held[index].part, !isEnding || refusal != nil {
        held[index].part = .asked
        return .askPart(number: held[index].number, after: refusal)
      }
    }
    if isEnding { return drain(at: now) }

    let ready = held.indices.filter { !held[$0].isInFlight && held[$0].part == .known && !isWaiting(held[$0]) }
    var wake: Duration?
    switch lanes.mayStart(at: now) {
    case .full: return .wait(until: nil)
    case .holdUntil(let time):
      if !ready.isEmpty { wake = max(time, ready.map { held[$0].notBefore }.min() ?? time) }
      progress.holdUp = time - now
    case .start:
      let due = ready.filter { held[$0].notBefore <= now }
      // The oldest first, but a suspect after the others: they are its witnesses.
      if let index = due.first(where: { !held[$0].isSuspect }) ?? due.first { return send(index, at: now) }
      wake = ready.map { held[$0].notBefore }.min()
    }
    if mayPull {
      isPulling = true
      return .pull
    }
    if let wait = hopelessRetry(ready).map({ $0 - now }) {
      // Longer than we would wait by ourselves is what the server asks for.
      losePatience(asked: wait > DeliveryLimits.longestBackoff ? wait : nil)
      return step(at: now)
    }
    if progress.inFlightCount == 0, let wake { progress.holdUp = wake - now }
    return .wait(until: wake)
  }

  private mutating func send(_ index: Int, at now: Duration) -> Action {
    lanes.started(eventCount: held[index].eventCount, at: now)
    held[index].isInFlight = true
    held[index].attemptCount += 1
    held[index].startedAt = now
    if held[index].attemptCount == 1 { held[index].acceptedBefore = acceptedBodyCount }
    progress.inFlightCount += 1
    progress.requestCount += 1
    if held[index].attemptCount > 1 { progress.retryCount += 1 }
    return .send(number: held[index].number, attemptCount: held[index].attemptCount)
  }

  /// A lane without a body may ask for one. While a suspect is held, one body more than lanes is allowed: another body's success
  /// is the only witness that tells a server that is down from a body that it can't stand.
  private var mayPull: Bool {
    let room = lanes.laneCount + (held.contains(where: \.isSuspect) ? 1 : 0)
    return !isExhausted && !isPulling && held.count < room
  }

  /// When a body may be tried again, if nothing goes on and that is not within `retryFor`. What is tried once after that has a little longer.
  private func hopelessRetry(_ ready: [Int]) -> Duration? {
    let isTriedOnce =
      doubtedAt == acceptedBodyCount && ready.contains { held[$0].attemptCount == 0 }
      && !patience.ends(before: lanes.notBefore - DeliveryLimits.longestBackoff * 2)
    guard progress.inFlightCount == 0, !isPulling, !isTriedOnce else { return nil }
    return ready.map { max(held[$0].notBefore, lanes.notBefore) }.min().flatMap { patience.ends(before: $0) ? $0 : nil }
  }

  // MARK: Setting aside

  private func isWaiting(_ body: Held) -> Bool { body.waitsFor.map { number in held.contains { $0.number == number } } ?? false }

  private mutating func putAside(_ index: Int, because trouble: String) {
    let number = held.remove(at: index).number
    setAside.insert(number)
    dropped.append(number)
    if firstSetAside.numbers.isEmpty { firstSetAside.trouble = trouble }
    if firstSetAside.numbers.count < DeliveryLimits.namedBodies { firstSetAside.numbers.append(number) }
  }

  /// Bodies are held in ascending order and wait for smaller numbers, so one pass reaches whole chains.
  private mutating func putAsideWaiters() {
    guard !setAside.isEmpty else { return }
    var index = 0
    while index < held.count {
      if let waitsFor = held[index].waitsFor, setAside.contains(waitsFor) {
        putAside(index, because: "")
      } else {
        index += 1
      }
    }
  }

  /// Ends the run, unless suspects are all there is, for then nobody could bear witness. They are set aside together: named, when all others
  /// were accepted, and else the next bodies are tried, once each, or for as long again where bodies of one large visitor filled the lanes
  /// behind a suspect. In a row that is done only once, for the server may well be down.
  private mutating func losePatience(asked wait: Duration? = nil) {
    let areLast =
      isExhausted && hasAccepted && wait == nil && held.allSatisfy { $0.attemptCount > 0 && $0.onlyServerErrors || isWaiting($0) }
    let areAll = wait == nil && (!isExhausted || held.contains(where: isWaiting)) && held.allSatisfy { $0.isSuspect || isWaiting($0) }
    guard areLast || areAll && doubtedAt.map({ acceptedBodyCount > $0 }) ?? true else { return end(outage(asked: wait)) }
    doubtedAt = acceptedBodyCount
    if !areLast, held.contains(where: isWaiting) { patience.startOver() }
    while let index = held.firstIndex(where: \.isSuspect) { putAside(index, because: progress.trouble ?? "") }
  }

  // MARK: Ending

  private mutating func land(_ number: Int) {
    held[index(of: number)].isInFlight = false
    lanes.ended()
    progress.inFlightCount -= 1
  }

  /// The first failure counts, but a run that would only be resumed yields to one that needs a person.
  private mutating func end(_ failure: RunFailure) {
    if ending == nil || (ending?.status == .stopped && failure.status != .stopped) { ending = failure }
  }

  private mutating func drain(at now: Duration) -> Action {
    if progress.inFlightCount == 0, !isPulling, !held.contains(where: { $0.part == .asked }) { return .finish(.stopped(lastWord)) }
    guard let drainEnd, givenUpCount == nil else { return .wait(until: nil) }
    guard now >= drainEnd else { return .wait(until: drainEnd) }
    givenUpCount = 0
    return .giveUp
  }

  private var lastWord: RunFailure {
    if let ending, ending.status != .stopped || !isStopRequested { return ending }
    let givenUp = givenUpCount.map { $0 > 0 ? "; \(counted($0, "request")) without an answer given up" : "" } ?? ""
    return RunFailure(
      .stopped,
      "\(place): stopped \(stopReason), \(counted(acceptedBodyCount, "body", "bodies")) accepted in this run\(givenUp); "
        + "run the same command again to go on")
  }

  /// `wait` is how long the server asks to wait, when that is longer than `retryFor` allows.
  private func outage(asked wait: Duration?) -> RunFailure {
    let reason =
      wait.map {
        ", and asks to wait for \(spoken(.seconds($0.components.seconds))), longer than --retry-for \(spoken(patience.limit)); run the same command again after that"
      }
      ?? ("; no body was accepted within \(spoken(patience.limit)) (\(counted(patience.failureCount, "request")) failed); "
        + "run the same command again")
    return RunFailure(.stopped, "\(place): \(progress.trouble ?? "no answer")\(reason) to go on where this one stopped")
  }

  private var leftovers: RunFailure {
    let more = setAside.count - firstSetAside.numbers.count
    let names = firstSetAside.numbers.map(String.init).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    return RunFailure(
      .stopped,
      "\(place): \(counted(setAside.count, "body was", "bodies were")) set aside (\(names)): "
        + "\(firstSetAside.trouble) to every attempt; all others were accepted; run the same command again to send what is left"
    )
  }

  private func counted(_ count: Int, _ one: String, _ many: String? = nil) -> String {
    "\(count) \(count == 1 ? one : many ?? one + "s")"
  }

  private func index(of number: Int) -> Int {
    guard let index = held.firstIndex(where: { $0.number == number }) else { preconditionFailure("body \(number) is not held") }
    return index
  }
}

import Foundation
import NIOCore
import Vocabulary

/// Delivers bodies: every body of a source until the server accepts it, over lanes whose number is fixed or adapts to the server.
///
/// Bodies start in the source's order as lanes become free; only `OutgoingBody.waitsFor` orders their acceptance. At most lanes +
/// 1 bodies are in memory here; what the source holds comes to that. A request that fails in a way that may heal is sent again,
/// with full jitter and no earlier than the server asks, and all lanes keep that delay.
package struct Deliverer: Sendable {
  private let settings: DeliverySettings
  private let environment: [String: String]

  /// Settings that leave proxy and authorities open take them from the environment of the process.
  package init(settings: DeliverySettings) {
    self.init(settings: settings, environment: ProcessInfo.processInfo.environment)
  }

  init(settings: DeliverySettings, environment: [String: String]) {
    self.settings = settings
    self.environment = environment
  }

  /// Delivers all that the source has, and returns when no request is in flight any more and all connections are closed. It
  /// returns in bounded time: each request has its time limit, failures without success end with `retryFor`, and `stop` ends
  /// everything.
  package func deliver(
    from source: some BodySource, receipts: some ReceiptKeeper, stop: StopSwitch,
    progress: @escaping @Sendable (DeliveryProgress) -> Void
  ) async -> DeliveryReport {
    await deliver(from: source, receipts: receipts, stop: stop, clock: SystemClock(), progress: progress)
  }

  func deliver(
    from source: some BodySource, receipts: some ReceiptKeeper, stop: StopSwitch, clock: some DeliveryClock,
    progress: @escaping @Sendable (DeliveryProgress) -> Void
  ) async -> DeliveryReport {
    do throws(RunFailure) {
      let route = try Route(settings, environment: environment)
      let transport = try HTTPTransport(route, settings)
      let driver = Driver(
        settings: settings, judge: Judge(place: route.place, settings: settings), source: source, keeper: receipts,
        transport: transport, clock: clock, stop: stop)
      let report = await driver.run(progress: progress)
      await transport.shutdown()
      return report
    } catch {
      return DeliveryReport(outcome: .stopped(error), acceptedBodyCount: 0, requestCount: 0, retryCount: 0, laneCount: 0)
    }
  }
}

/// Does what the machine says. One task group is the queue of events: a child a request in flight, one that asks the source, one
/// that watches the stop switch, and timers. Only the parent touches the machine, so nothing is locked.
struct Driver<Source: BodySource, Keeper: ReceiptKeeper, Way: Transport, Clock: DeliveryClock> {
  let settings: DeliverySettings
  let judge: Judge
  let source: Source
  let keeper: Keeper
  let transport: Way
  let clock: Clock
  let stop: StopSwitch

  private enum Event: Sendable {
    case pulled(Result<OutgoingBody?, RunFailure>)
    case parted(Int, Result<OutgoingBody?, RunFailure>)
    /// A request ended; accepted ones with the keeper's failure, if it had one.
    case exchanged(Int, Exchange, took: Duration, keeping: RunFailure?)
    case stopRequested
    /// The timer that was set for this time is through, perhaps a little early.
    case tick(Duration)
  }

  func run(progress: @Sendable (DeliveryProgress) -> Void) async -> DeliveryReport {
    var machine = DeliveryMachine(
      place: judge.place,
      lanes: settings.lanesAdapt ? LaneLimit(from: Limits.lanes, most: settings.laneCount) : LaneLimit(fixed: settings.laneCount),
      rate: settings.rate, retryFor: settings.retryFor, requestTimeLimit: settings.requestTimeLimit, seed: settings.seed)
    var payloads: [Int: ByteBuffer] = [:]
    var ends = RequestEnds()
    var alarms: [Duration] = []
    var shown = DeliveryProgress()
    // Gives up the requests without cancelling the tasks around them: a receipt being kept is kept.
    let giveUp = StopSwitch()

    let outcome = await withTaskGroup(of: Event.self) { group in
      group.addTask { await stop.wait() ? .stopRequested : .tick(.zero) }
      var outcome: DeliveryOutcome?
      while outcome == nil {
        let now = clock.now()
        if stop.isStopped || Task.isCancelled { machine.stopRequested(at: now, reason: stop.reason) }
        let action = machine.next(at: now)
        if machine.progress != shown {
          shown = machine.progress
          progress(shown)
        }
        switch action {
        case .pull: group.addTask { .pulled(await pull()) }
        case .askPart(let number, let refusal): group.addTask { .parted(number, await part(of: number, after: refusal)) }
        case .send(let number, let attemptCount):
          guard let payload = payloads[number] else { preconditionFailure("body \(number) is not in memory") }
          let setbacks = ends.setbacks(of: number)
          group.addTask { await send(payload, as: number, attemptCount, setbacks, giveUp: giveUp) }
        case .drop(let number): payloads[number] = nil
        case .giveUp: giveUp.stop()
        case .finish(let word): outcome = word
        case .wait(let time):
          // A timer can't be taken back, but one that is early enough serves for later times too.
          if let time, alarms.allSatisfy({ $0 > time }) {
            alarms.append(time)
            group.addTask {
              await clock.sleep(for: time - now)
              return .tick(time)
            }
          }
          guard let event = await group.next() else { preconditionFailure("a delivery waits for nothing") }
          if case .tick(let time) = event { alarms.removeAll { $0 == time } }
          handle(event, &machine, &payloads, &ends)
        }
      }
      group.cancelAll()
      return outcome
    }
    guard let outcome else { preconditionFailure("a delivery ended without an outcome") }
    return DeliveryReport(
      outcome: outcome, acceptedBodyCount: machine.progress.acceptedBodyCount, requestCount: machine.progress.requestCount,
      retryCount: machine.progress.retryCount, laneCount: machine.progress.laneCount,
      setAsideCount: machine.progress.setAsideCount, answers: ends.all, failures: ends.untold)
  }

  private func handle(
    _ event: Event, _ machine: inout DeliveryMachine, _ payloads: inout [Int: ByteBuffer], _ ends: inout RequestEnds
  ) {
    switch event {
    case .tick: break
    case .stopRequested: machine.stopRequested(at: clock.now(), reason: stop.reason)
    case .pulled(.failure(let failure)): machine.sourceFailed(failure)
    case .pulled(.success(nil)): machine.sourceEnded()
    case .pulled(.success(.some(let body))):
      payloads[body.number] = body.payload
      machine.pulled(
        number: body.number, waitsFor: body.waitsFor, eventCount: body.eventCount, byteCount: body.payload.readableBytes,
        isPart: body.isPart)
    case .parted(let number, .failure(let failure)): machine.partFailed(number, failure)
    case .parted(let number, .success(let part)):
      if let part { payloads[number] = part.payload }
      machine.parted(number, eventCount: part?.eventCount, byteCount: part?.payload.readableBytes ?? 0)
    case .exchanged(let number, let exchange, let took, .some(let failure)):
      ends.add(exchange, of: number, .accepted, endedAt: clock.epochMilliseconds(), took: took)
      machine.ended(number, failure)
    case .exchanged(let number, let exchange, let took, nil):
      let time = clock.epochMilliseconds()
      let verdict = judge.verdict(on: exchange, of: number, hasAccepted: machine.hasAccepted, epochMilliseconds: time)
      ends.add(exchange, of: number, verdict.meaning, endedAt: time, took: took)
      switch verdict {
      case .accepted: machine.accepted(number, roundTrip: took, at: clock.now())
      case .retry(let setback): machine.failed(number, setback, at: clock.now())
      case .refused(let status, let words): machine.refused(number, status: status, words: words)
      case .end(let failure): machine.ended(number, failure)
      case .givenUp: machine.gaveUp(number)
      }
    }
  }

  private func pull() async -> Result<OutgoingBody?, RunFailure> {
    // A typed error does not survive the task group; as a value it does.
    do throws(RunFailure) {
      return .success(try await source.nextBody())
    } catch {
      return .failure(error)
    }
  }

  private func part(of number: Int, after refusal: Refusal?) async -> Result<OutgoingBody?, RunFailure> {
    do throws(RunFailure) {
      return .success(try await source.nextPart(of: number, after: refusal))
    } catch {
      return .failure(error)
    }
  }

  private func send(
    _ payload: ByteBuffer, as number: Int, _ attemptCount: Int, _ setbacks: [RequestFailure: Int], giveUp: StopSwitch
  ) async -> Event {
    let start = clock.now()
    let exchange = await transport.post(payload, giveUp: giveUp)
    // Keeping the receipt is this machine's business, not the server's.
    let took = clock.now() - start
    guard case .answered(let answer) = exchange, judge.accepts(exchange) else {
      return .exchanged(number, exchange, took: took, keeping: nil)
    }
    do throws(RunFailure) {
      try await keeper.keep(
        Receipt(
          number: number, status: answer.status, attemptCount: attemptCount, acceptedAt: clock.epochMilliseconds(), took: took,
          setbacks: setbacks))
      return .exchanged(number, exchange, took: took, keeping: nil)
    } catch {
      return .exchanged(number, exchange, took: took, keeping: error)
    }
  }
}

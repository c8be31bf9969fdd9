import NIOCore
import Synchronization
import Vocabulary

@testable import Delivering

/// Hands out bodies from a list, and watches that it is asked one at a time.
final class ListSource: BodySource {
  private struct State {
    var next = 0
    var isAsked = false
  }
  private let bodies: [OutgoingBody]
  private let failure: (after: Int, RunFailure)?
  private let state = Mutex(State())
  private let parts: @Sendable (_ number: Int, Refusal?) -> Result<OutgoingBody?, RunFailure>

  init(
    _ bodies: [OutgoingBody], failsAfter: (after: Int, RunFailure)? = nil,
    parts: @escaping @Sendable (_ number: Int, Refusal?) -> Result<OutgoingBody?, RunFailure> = { _, _ in .success(nil) }
  ) {
    self.bodies = bodies
    failure = failsAfter
    self.parts = parts
  }

  func nextPart(of number: Int, after refusal: Refusal?) async throws(RunFailure) -> OutgoingBody? {
    await Task.yield()
    return try parts(number, refusal).get()
  }

  var handedOutCount: Int { state.withLock { $0.next } }

  func nextBody() async throws(RunFailure) -> OutgoingBody? {
    let index = state.withLock { state in
      precondition(!state.isAsked, "asked twice at once")
      state.isAsked = true
      return state.next
    }
    await Task.yield()
    state.withLock { state in
      state.isAsked = false
      state.next = min(index + 1, bodies.count)
    }
    if let failure, failure.after == index { throw failure.1 }
    return index < bodies.count ? bodies[index] : nil
  }
}

/// Keeps receipts in memory; fails on the n-th when told to.
final class ReceiptBook: ReceiptKeeper {
  private let kept = Mutex<[Receipt]>([])
  private let failure: (at: Int, RunFailure)?

  init(failsAt: (at: Int, RunFailure)? = nil) { failure = failsAt }

  var receipts: [Receipt] { kept.withLock { $0 }.sorted { $0.number < $1.number } }
  var numbers: [Int] { receipts.map(\.number) }

  func keep(_ receipt: Receipt) async throws(RunFailure) {
    let count = kept.withLock { kept in
      kept.append(receipt)
      return kept.count
    }
    if let failure, failure.at == count { throw failure.1 }
  }
}

/// A clock whose sleeps pass at once, except those it is told to hold until they are cancelled.
final class SwiftClock: DeliveryClock {
  private let time = Mutex(Duration.zero)
  private let slept = Mutex<[Duration]>([])
  private let holds: @Sendable (Duration) -> Bool
  private let timeOfDay: @Sendable (Duration) -> Int64

  /// `timeOfDay` says what time of day it is, in epoch milliseconds, when this much time has passed.
  init(
    holds: @escaping @Sendable (Duration) -> Bool = { _ in false },
    timeOfDay: @escaping @Sendable (Duration) -> Int64 = { 1_700_000_000_000 + Int64($0 / .milliseconds(1)) }
  ) {
    self.holds = holds
    self.timeOfDay = timeOfDay
  }

  var sleeps: [Duration] { slept.withLock { $0 } }
  func now() -> Duration { time.withLock { $0 } }
  func epochMilliseconds() -> Int64 { timeOfDay(now()) }

  func sleep(for duration: Duration) async {
    slept.withLock { $0.append(duration) }
    let end = now() + duration
    if holds(duration) {
      _ = await StopSwitch().wait()
      return
    }
    // Sleeps side by side take no longer than the longest of them.
    time.withLock { $0 = max($0, end) }
  }
}

/// A network made of a function from payload and attempt to an exchange.
final class ScriptedTransport: Transport {
  private let attempts = Mutex<[Int: Int]>([:])
  private let script: @Sendable (_ number: Int, _ attempt: Int) -> Exchange

  init(_ script: @escaping @Sendable (_ number: Int, _ attempt: Int) -> Exchange) { self.script = script }

  func post(_ payload: ByteBuffer, giveUp: StopSwitch) async -> Exchange {
    let number = Int(String(buffer: payload)) ?? -1
    let attempt = attempts.withLock { attempts in
      attempts[number, default: 0] += 1
      return attempts[number] ?? 0
    }
    await Task.yield()
    return script(number, attempt)
  }
}

/// Bodies 1 to n whose text is their number.
func bodies(_ count: Int, waits: [Int: Int] = [:], eventCount: Int = 1) -> [OutgoingBody] {
  (0..<count).map {
    OutgoingBody(number: $0 + 1, waitsFor: waits[$0 + 1], bytes: Array(String($0 + 1).utf8).span, eventCount: eventCount)
  }
}

func failure(of outcome: DeliveryOutcome) -> RunFailure? {
  if case .stopped(let failure) = outcome { failure } else { nil }
}

extension DeliverySettings {
  static func test(_ address: String = "http://127.0.0.1:1/v1/events", lanes: Int = 2) -> DeliverySettings {
    DeliverySettings(address: address, laneCount: lanes, seed: 7, hasAcceptedBefore: false)
  }
}

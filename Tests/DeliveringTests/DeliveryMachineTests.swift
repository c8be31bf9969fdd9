import Testing
import Vocabulary

@testable import Delivering

@Suite("The machine") struct DeliveryMachineTests {
  private static let quick: @Sendable (Simulation.Send) -> (takes: Duration, Simulation.Ending) = { _ in
    (.milliseconds(10), .accepted)
  }

  @Test("every body is sent once, in order, and never more than lanes at a time", arguments: [0, 1, 2, 3, 50], [1, 2, 4])
  func plain(count: Int, lanes: Int) {
    var run = Simulation(bodies(count), lanes: lanes, network: Self.quick)
    #expect(run.run() == .complete)
    #expect(run.sends.map(\.number) == Array(1...max(count, 1)).prefix(count).map { $0 })
    #expect(run.mostInFlight == min(count, lanes))
    #expect(run.mostHeld <= lanes)
    #expect(run.progress.acceptedBodyCount == count)
    #expect(run.progress.retryCount == 0)
  }

  @Test("after a failure no lane starts before the delay the server asks for") func retryAfterIsShared() {
    var run = Simulation(bodies(20), lanes: 4) { send in
      send.number == 2 && send.attempt == 1
        ? (.milliseconds(5), .fails(.answered(429, retryAfter: .seconds(30)))) : (.milliseconds(10), .accepted)
    }
    #expect(run.run() == .complete)
    #expect(run.sends.filter { $0.at > .milliseconds(5) }.allSatisfy { $0.at >= .milliseconds(30_005) })
    #expect(run.sends.filter { $0.at <= .milliseconds(5) }.count == 4)
    #expect(run.progress.retryCount == 1)
  }

  @Test("a body that waits starts only after the other is accepted", arguments: [1, 2, 4, 8], [UInt64(1), 2, 3])
  func waiting(lanes: Int, seed: UInt64) {
    let waits = [3: 2, 4: 2, 5: 4, 9: 1]
    var run = Simulation(bodies(10, waits: waits), lanes: lanes, seed: seed) { send in
      send.number == 2 && send.attempt < 3 ? (.milliseconds(50), .fails(.answered(503))) : (.milliseconds(10), .accepted)
    }
    #expect(run.run() == .complete)
    for (number, other) in waits {
      let start = run.sends.first { $0.number == number }?.at
      let done = run.accepted.first { $0.number == other }?.at
      #expect(start! >= done!)
    }
  }

  @Test("a body may wait for one that an earlier run delivered") func waitsForThePast() {
    var run = Simulation(
      [OutgoingBody(number: 10, waitsFor: 3, bytes: [UInt8]().span, eventCount: 1)], lanes: 1, network: Self.quick)
    #expect(run.run() == .complete)
  }

  @Test("an outage that heals in time costs nothing but time", arguments: [1, 4], [true, false])
  func healingOutage(lanes: Int, answers: Bool) {
    var run = Simulation(bodies(30), lanes: lanes) { send in
      (.seconds(20)..<(.seconds(600))).contains(send.at)
        ? (.milliseconds(5), .fails(answers ? .answered(500) : .refused)) : (.seconds(1), .accepted)
    }
    #expect(run.run() == .complete)
    #expect(run.accepted.count == 30)
    #expect(run.progress.setAsideCount == 0)
    #expect(run.sends.count < 30 + lanes * 40)
  }

  @Test("an outage that lasts ends resumable, within the patience and one request", arguments: [1, 2, 4], [0, 1, 60, 1800])
  func lastingOutage(lanes: Int, seconds: Int) {
    var run = Simulation(bodies(30), lanes: lanes, retryFor: .seconds(seconds)) { _ in (.seconds(2), .fails(.refused)) }
    let failure = failure(of: run.run())
    #expect(failure?.status == .stopped)
    #expect(failure?.message.contains("no connection: connection refused") == true)
    #expect(failure?.message.contains("run the same command again") == true)
    #expect(run.now <= .seconds(seconds + 4))
    // It is patient, too: the last try is no more than one longest back-off before the end of the patience.
    #expect(run.now >= .seconds(max(2, seconds - 62)))
    #expect(run.mostHeld <= lanes + 1)
  }

  @Test("a process that was stopped for longer than the patience goes on", arguments: [1, 4], [100, 1700])
  func stoppedProcess(lanes: Int, at: Int) {
    func run(until: Int, isStopped: Bool = true) -> DeliveryOutcome {
      var run = Simulation(bodies(30), lanes: lanes) { send in
        send.at < .seconds(until) ? (.seconds(2), .fails(.timedOut)) : (.seconds(1), .accepted)
      }
      if isStopped { run.freezes = [(.seconds(at), .seconds(7200))] }
      return run.run()
    }
    #expect(run(until: at + 7201) == .complete)
    // It has no more patience than without.
    #expect(failure(of: run(until: 7200 + 2000))?.status == .stopped)
    #expect(failure(of: run(until: 2000, isStopped: false))?.status == .stopped)
  }

  @Test("a delay beyond the patience is not waited for") func pointlessWait() {
    var run = Simulation(bodies(3), lanes: 1, retryFor: .seconds(60)) { _ in
      (.seconds(1), .fails(.answered(503, retryAfter: .seconds(3600))))
    }
    #expect(failure(of: run.run())?.status == .stopped)
    #expect(run.now == .seconds(1))
    #expect(run.sends.count == 1)
  }

  @Test("a slow rate is not an outage") func slowRate() {
    var run = Simulation(bodies(5, eventCount: 1000), lanes: 2, rate: 1, retryFor: .seconds(60)) { send in
      send.number == 2 && send.attempt == 1 ? (.seconds(1), .fails(.answered(503))) : (.seconds(1), .accepted)
    }
    #expect(run.run() == .complete)
    #expect(zip(run.sends, run.sends.dropFirst()).allSatisfy { $1.at - $0.at >= .seconds(1000) })
  }

  @Test("a body that only fails while others succeed is set aside, with those that wait for it", arguments: [1, 2, 4])
  func setAside(lanes: Int) {
    var run = Simulation(bodies(400, waits: [25: 5, 26: 25, 300: 5]), lanes: lanes) { send in
      send.number == 5 ? (.milliseconds(100), .fails(.answered(500))) : (.seconds(1), .accepted)
    }
    let failure = failure(of: run.run())
    #expect(failure?.status == .stopped)
    #expect(run.accepted.count == 396)
    #expect(run.progress.setAsideCount == 4)
    #expect(run.sends.filter { $0.number == 5 }.count <= DeliveryLimits.refusalsBeforeSetAside + 2)
    #expect(Set([25, 26, 300]).isDisjoint(with: run.sends.map(\.number)))
    #expect(
      failure?.message.contains("4 bodies were set aside (5, 25, 26, 300): the server answered 500 to every attempt") == true)
    #expect(run.mostHeld <= lanes + 1)
  }

  @Test("bodies of one visitor that all wait for a failing one do not keep the others from going", arguments: [1, 2, 4])
  func blockedLanes(lanes: Int) {
    let waits = Dictionary(uniqueKeysWithValues: (6...40).map { ($0, 5) })
    var run = Simulation(bodies(60, waits: waits), lanes: lanes) { send in
      send.number == 5 ? (.milliseconds(100), .fails(.answered(500))) : (.seconds(1), .accepted)
    }
    #expect(failure(of: run.run())?.message.contains("36 bodies were set aside (5, 6, 7, 8, 9 and 31 more)") == true)
    #expect(run.accepted.map(\.number).sorted() == Array(1...4) + Array(41...60))
    #expect(run.now < .seconds(1900))
    #expect(run.mostHeld <= lanes + 1)
  }

  @Test("lanes blocked by an outage hold out for the patience, and are doubted only once", arguments: [1, 2, 4])
  func blockedByOutage(lanes: Int) {
    let waits = Dictionary(uniqueKeysWithValues: (6...60).map { ($0, $0 - 1) })
    func run(until: Duration) -> (Simulation, DeliveryOutcome) {
      var run = Simulation(bodies(60, waits: waits), lanes: lanes) { send in
        send.number >= 5 && send.at < until ? (.milliseconds(100), .fails(.answered(503))) : (.seconds(1), .accepted)
      }
      let outcome = run.run()
      return (run, outcome)
    }
    #expect(run(until: .seconds(1500)).1 == .complete)
    let (lasting, outcome) = run(until: .seconds(1_000_000))
    #expect(failure(of: outcome)?.status == .stopped)
    #expect(lasting.now < .seconds(2 * 1800 + 10))
  }

  @Test(
    "what only fails when all others were accepted is tried for as long as an outage may last, and then named",
    arguments: [(1, 1), (2, 1), (2, 2), (4, 1), (4, 3)])
  func lastOnes(lanes: Int, count: Int) {
    let guilty = Set((9 - count)...8)
    func run(until: Duration) -> (Simulation, DeliveryOutcome) {
      var run = Simulation(bodies(8), lanes: lanes) { send in
        guilty.contains(send.number) && send.at < until ? (.milliseconds(100), .fails(.answered(500))) : (.seconds(1), .accepted)
      }
      let outcome = run.run()
      return (run, outcome)
    }
    #expect(run(until: .seconds(1500)).1 == .complete, "the server was down")
    let (lasting, outcome) = run(until: .seconds(1_000_000))
    let names = guilty.sorted().map(String.init).joined(separator: ", ")
    let failure = failure(of: outcome)
    #expect(failure?.status == .stopped)
    #expect(
      failure?.message.contains(
        "\(count == 1 ? "1 body was" : "\(count) bodies were") set aside (\(names)): the server answered 500 to every attempt; all others were accepted"
      )
        == true, "\(failure?.message ?? "")")
    #expect(lasting.accepted.count == 8 - count && lasting.progress.setAsideCount == count)
    #expect(lasting.now < .seconds(1800 + 130))
  }

  @Test("poisoned bodies that fill all lanes are set aside, and the rest goes on", arguments: [1, 2, 4], [0, 5])
  func neighbours(lanes: Int, before: Int) {
    let guilty = (before + 1)...(before + lanes + 1)
    var run = Simulation(bodies(60), lanes: lanes) { send in
      guilty.contains(send.number) ? (.milliseconds(100), .fails(.answered(500))) : (.seconds(1), .accepted)
    }
    #expect(failure(of: run.run())?.message.contains("\(lanes + 1) bodies were set aside") == true)
    #expect(run.accepted.count == 60 - guilty.count)
    #expect(run.now < .seconds(1800 + 300))
  }

  @Test("an outage is not outlived twice: the bodies behind it are tried once each", arguments: [1, 2, 4], [0, 5])
  func triedOnce(lanes: Int, before: Int) {
    var run = Simulation(bodies(60), lanes: lanes) { send in
      send.number > before ? (.milliseconds(100), .fails(.answered(503))) : (.seconds(1), .accepted)
    }
    #expect(failure(of: run.run())?.message.contains("no body was accepted within 30 min") == true)
    #expect(run.now < .seconds(1800 + 70))
    #expect(run.sends.filter { $0.number > before + 2 * (lanes + 1) }.isEmpty)
  }

  @Test("retries that are over because the next would come too late are the server's asking only when it asked")
  func shortPatience() {
    for count in [0, 1] {
      var run = Simulation(bodies(2), lanes: 2, retryFor: .seconds(5)) { send in
        send.number > count ? (.milliseconds(100), .fails(.answered(500))) : (.seconds(1), .accepted)
      }
      let message = failure(of: run.run())?.message ?? ""
      #expect(!message.contains("asks to wait"))
      #expect(message.contains(count == 0 ? "no body was accepted within 5 s" : "1 body was set aside (2)"), "\(message)")
    }
  }

  @Test("a server that asks to wait for longer than retries may take is told as that", arguments: [0, 1])
  func longWait(before: Int) {
    var run = Simulation(bodies(2), lanes: 1, retryFor: .seconds(1800)) { send in
      var setback = Setback.answered(503)
      setback.retryAfter = .seconds(3600)
      return send.number > before ? (.milliseconds(200), .fails(setback)) : (.seconds(1), .accepted)
    }
    let message = failure(of: run.run())?.message ?? ""
    #expect(message.contains("asks to wait for"), "\(message)")
    #expect(message.contains("longer than --retry-for 30 min"))
    #expect(run.now < .seconds(10))
  }

  @Test("a body that fails for other reasons too is never set aside") func mixedReasons() {
    var run = Simulation(bodies(400), lanes: 2) { send in
      send.number == 5 && send.attempt < 20
        ? (.milliseconds(100), .fails(send.attempt == 1 ? .answered(429) : .answered(500))) : (.seconds(1), .accepted)
    }
    #expect(run.run() == .complete)
  }

  /// Halves what is refused, as a source does, and keeps books.
  private final class Halver {
    let guilty: Set<Int>
    var left: [Range<Int>]
    var accepted: [Int] = []
    var rejected: [Int] = []

    init(_ eventCount: Int, guilty: Set<Int>) {
      self.guilty = guilty
      left = [0..<eventCount]
    }

    var isRefused: Bool { left[0].contains { guilty.contains($0) } }

    func next(isRefused: Bool) -> Int? {
      let part = left.removeFirst()
      if !isRefused {
        accepted += part
      } else if part.count == 1 {
        rejected += part
      } else {
        let middle = part.lowerBound + (part.count + 1) / 2
        left.insert(contentsOf: [part.lowerBound..<middle, middle..<part.upperBound], at: 0)
      }
      return left.first?.count
    }
  }

  @Test("a refused body goes on in parts, and one guilty event of n costs at most 2⌈log2 n⌉ + 1 requests", arguments: 1...33)
  func refusedBodies(eventCount: Int) {
    for guilty in 0..<eventCount {
      let halver = Halver(eventCount, guilty: [guilty])
      var run = Simulation(bodies(5, eventCount: eventCount), lanes: 2) { send in
        (.seconds(1), send.number == 3 && halver.isRefused ? .refused : .accepted)
      }
      run.parts = { number, isRefused in
        precondition(number == 3, "only body 3 is in parts")
        return halver.next(isRefused: isRefused)
      }
      #expect(run.run() == .complete)
      #expect(halver.accepted == (0..<eventCount).filter { $0 != guilty })
      #expect(halver.rejected == [guilty])
      let requestCount = run.sends.count { $0.number == 3 }
      let depth = (0...).first { 1 << $0 >= eventCount } ?? 0
      #expect(requestCount <= 2 * depth + 1)
      #expect(run.sends.allSatisfy { $0.attempt == 1 })
      #expect(run.progress.acceptedBodyCount == 5)
      #expect(run.progress.acceptedEventCount == 5 * eventCount - 1)
    }
  }

  @Test("a body that waits for one in parts waits for all of them", arguments: [2, 4])
  func waitingForParts(lanes: Int) {
    let halver = Halver(8, guilty: [0, 7])
    var run = Simulation(bodies(3, waits: [3: 2], eventCount: 8), lanes: lanes) { send in
      (.seconds(1), send.number == 2 && halver.isRefused ? .refused : .accepted)
    }
    run.parts = { _, isRefused in halver.next(isRefused: isRefused) }
    #expect(run.run() == .complete)
    #expect(halver.rejected == [0, 7])
    let lastPart = run.sends.last { $0.number == 2 }!.at
    #expect(run.sends.first { $0.number == 3 }!.at >= lastPart + .seconds(1))
  }

  @Test("a stop amid the parts starts no further one") func stopAmidParts() {
    let halver = Halver(64, guilty: [63])
    var run = Simulation(bodies(2, eventCount: 64), lanes: 1, stopAt: .seconds(4)) { send in
      (.seconds(1), send.number == 2 && halver.isRefused ? .refused : .accepted)
    }
    run.parts = { _, isRefused in halver.next(isRefused: isRefused) }
    #expect(failure(of: run.run())?.status == .stopped)
    #expect(run.sends.count <= 5)
  }

  @Test("a failure that ends the run lets the others land, keeps what they bring, and starts nothing") func fatal() {
    var run = Simulation(bodies(20), lanes: 4) { send in
      send.number == 2
        ? (.milliseconds(500), .ends(RunFailure(.configuration, "no"))) : (.seconds(send.number == 1 ? 1 : 5), .accepted)
    }
    #expect(run.run() == .stopped(RunFailure(.configuration, "no")))
    #expect(run.accepted.map(\.number).sorted() == [1, 3, 4])
    #expect(run.now == .seconds(5))
  }

  @Test("of two failures the first counts, unless the second needs a person and the first only time") func worstFailure() {
    var run = Simulation(bodies(2), lanes: 2, retryFor: .zero) { send in
      send.number == 1 ? (.seconds(1), .fails(.refused)) : (.seconds(2), .ends(RunFailure(.diskTrouble, "full")))
    }
    #expect(failure(of: run.run())?.status == .diskTrouble)
    var other = Simulation(bodies(2), lanes: 2) { send in
      (.seconds(send.number), .ends(RunFailure(send.number == 1 ? .notAnEventAPI : .diskTrouble, "x")))
    }
    #expect(failure(of: other.run())?.status == .notAnEventAPI)
  }

  @Test("a stop ends back-off at once and lets requests in flight land") func stop() {
    var waiting = Simulation(bodies(9), lanes: 2, stopAt: .milliseconds(1500)) { _ in
      (.seconds(1), .fails(.answered(503, retryAfter: .seconds(50))))
    }
    #expect(failure(of: waiting.run())?.status == .stopped)
    #expect(waiting.now == .milliseconds(1500))
    #expect(!waiting.gaveUp)

    var busy = Simulation(bodies(9), lanes: 2, stopAt: .seconds(1)) { _ in (.seconds(20), .accepted) }
    #expect(failure(of: busy.run())?.message.contains("2 bodies accepted in this run; run the same command again") == true)
    #expect(busy.now == .seconds(20))
    #expect(busy.accepted.count == 2)
  }

  @Test("what does not land within the drain is given up") func drain() {
    var run = Simulation(bodies(9), lanes: 2, stopAt: .seconds(1)) { send in
      send.number == 1 ? (.zero, .hangs) : (.seconds(25), .accepted)
    }
    let failure = failure(of: run.run())
    #expect(failure?.status == .stopped)
    #expect(failure?.message.contains("1 request without an answer given up") == true)
    #expect(run.gaveUp)
    #expect(run.now == .seconds(1 + Limits.drainSeconds))
    #expect(run.accepted.map(\.number) == [2])
  }

  @Test("a stop that comes with the last answer still ends complete") func lateStop() {
    var run = Simulation(bodies(1), lanes: 2, stopAt: .seconds(1)) { _ in (.seconds(2), .accepted) }
    #expect(run.run() == .complete)
  }

  @Test("whatever the network does: order, width, one acceptance each, and an end", arguments: UInt64(0)..<60)
  func anything(seed: UInt64) {
    var dice = Jitter(seed: seed)
    let lanes = [1, 2, 4][Int(seed % 3)]
    let count = 60
    var waits: [Int: Int] = [:]
    for number in 2...count where dice.fraction() < 0.3 { waits[number] = max(1, number - 1 - Int(dice.fraction() * 8)) }
    let poison = Set((0..<Int(dice.fraction() * 3)).map { _ in 1 + Int(dice.fraction() * Double(count)) })
    let misery = dice.fraction() * 0.6
    var askedUntil: Duration = .zero
    var violations = 0
    var pending: [(Duration, Duration)] = []
    var run = Simulation(bodies(count, waits: waits), lanes: lanes, retryFor: .seconds(7200), seed: seed) { send in
      for (known, until) in pending where known <= send.at { askedUntil = max(askedUntil, until) }
      if send.at < askedUntil { violations += 1 }
      let takes = Duration.milliseconds(1 + Int(dice.fraction() * 5000))
      if poison.contains(send.number) { return (takes, .fails(.answered(500))) }
      guard dice.fraction() < misery else { return (takes, .accepted) }
      if dice.fraction() < 0.5 { return (takes, .fails(.refused)) }
      let asked = Duration.seconds(Int(dice.fraction() * 40))
      // A request that lands in the same instant as another starts is known only after it.
      pending.append((send.at + takes + .nanoseconds(1), send.at + takes + asked))
      return (takes, .fails(.answered(429, retryAfter: asked)))
    }
    let outcome = run.run()
    #expect(violations == 0)
    #expect(run.mostInFlight <= lanes)
    #expect(run.mostHeld <= lanes + 1)
    #expect(Set(run.accepted.map(\.number)).count == run.accepted.count)
    #expect(poison.isDisjoint(with: run.accepted.map(\.number)))
    if poison.isEmpty { #expect(outcome == .complete) } else { #expect(failure(of: outcome)?.status == .stopped) }
    for send in run.sends {
      guard let other = waits[send.number] else { continue }
      #expect(run.accepted.contains { $0.number == other && $0.at <= send.at })
    }
  }
}

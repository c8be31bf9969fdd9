import Testing
import Vocabulary

@testable import Delivering

/// The whole machine against servers in virtual time: how many lanes it finds, and what that costs.
@Suite("Lanes that adapt") struct AdaptationTests {
  /// A server, what it bears at the end, and how near the lanes must come to it.
  struct Case: Sendable, CustomStringConvertible {
    var description: String
    var phases: [SimulatedServer.Phase]
    var isThrottling = false
    var retryAfter: Duration?
    var spread = 0.2
    var bodyCount = 3000
    /// Where the mean number of lanes over the second half of the last phase must lie.
    var found: ClosedRange<Double>
    /// Requests that may fail, in percent.
    var errors: Double
    /// Of what the server can do in the last phase, in percent, how much must be done.
    var done: Double
  }

  typealias Phase = SimulatedServer.Phase

  static let cases: [Case] = [
    Case(description: "bears 1, queues", phases: [Phase(places: 1)], found: 1...5, errors: 0, done: 95),
    Case(description: "bears 2, queues", phases: [Phase(places: 2)], found: 2...5, errors: 0, done: 95),
    Case(description: "bears 8, queues", phases: [Phase(places: 8)], found: 7...12, errors: 0, done: 90),
    Case(description: "bears 8, queues, uneven", phases: [Phase(places: 8)], spread: 0.8, found: 6...12, errors: 0, done: 75),
    Case(description: "bears 100, queues", phases: [Phase(places: 100)], found: 15...16, errors: 0, done: 95),
    Case(description: "bears 1, throttles", phases: [Phase(places: 1)], isThrottling: true, found: 1...1.5, errors: 3, done: 85),
    Case(description: "bears 3, throttles", phases: [Phase(places: 3)], isThrottling: true, found: 2...3.2, errors: 2, done: 75),
    Case(description: "bears 8, throttles", phases: [Phase(places: 8)], isThrottling: true, found: 6...8.2, errors: 1, done: 80),
    Case(
      description: "bears 8, throttles, says when", phases: [Phase(places: 8)], isThrottling: true, retryAfter: .seconds(5),
      found: 6...8.2, errors: 1, done: 80),
    Case(
      description: "takes 4 a second, else 429", phases: [Phase(places: 100, perSecond: 4)], found: 2...4.5, errors: 3, done: 60),
    Case(
      description: "12, then 3 and throttling", phases: [Phase(places: 12), Phase(from: .seconds(120), places: 3)], isThrottling: true,
      found: 2...3.2, errors: 2, done: 75),
    Case(
      description: "12, then 4, queues", phases: [Phase(places: 12), Phase(from: .seconds(120), places: 4)],
      found: 3.5...6.5, errors: 0, done: 95),
    Case(
      description: "3, then 12, queues", phases: [Phase(places: 3), Phase(from: .seconds(120), places: 12)],
      found: 9...16, errors: 0, done: 80),
    Case(
      description: "3, then 12, throttles", phases: [Phase(places: 3), Phase(from: .seconds(120), places: 12)], isThrottling: true,
      found: 9...12.2, errors: 1, done: 75),
    Case(
      description: "bears 8, then four times slower",
      phases: [Phase(places: 8), Phase(from: .seconds(60), places: 8, service: .seconds(4))],
      found: 6...12, errors: 0, done: 80),
    Case(
      description: "bears 8, silent for 3 minutes",
      phases: [Phase(places: 8), Phase(from: .seconds(60), places: 8, isStalled: true), Phase(from: .seconds(240), places: 8)],
      found: 6...12, errors: 2, done: 75),
  ]

  struct Outcome {
    var lanes: Double
    var errors: Double
    var done: Double
    var requestCount: Int
    var acceptedCount: Int
    var mostHeld: Int
    var mostInFlight: Int
  }

  static func run(_ test: Case, lanes: Int = 16, adapts: Bool = true, seed: UInt64) -> Outcome {
    let server = SimulatedServer(
      test.phases, full: test.isThrottling ? .throttles(retryAfter: test.retryAfter) : .queues, spread: test.spread, seed: seed)
    var run = Simulation(bodies(test.bodyCount), lanes: lanes, seed: seed) { server.take($0) }
    run.adapts = adapts
    #expect(run.run() == .complete)
    let last = test.phases[test.phases.count - 1]
    let half = last.from + (run.now - last.from) / 2
    // The width counts for as long as it lasted; the very end, where bodies run out, is left out.
    var sum = 0.0
    for (one, next) in zip(run.widths, run.widths.dropFirst()) where one.at >= half {
      sum += Double(one.laneCount) * ((next.at - one.at) / .seconds(1))
    }
    let seconds = (run.now - half) / .seconds(1)
    let late = Double(run.accepted.count { $0.at >= half }) / seconds
    let best = min(
      Double(min(16, last.places)) / (last.service / .seconds(1)), last.perSecond ?? .infinity)
    return Outcome(
      lanes: sum / seconds, errors: Double(server.strainCount) * 100 / Double(run.sends.count), done: late * 100 / best,
      requestCount: run.sends.count, acceptedCount: run.accepted.count, mostHeld: run.mostHeld, mostInFlight: run.mostInFlight)
  }

  @Test("they settle near what the server bears, with few errors, and do what it can", arguments: cases, [UInt64(1), 2, 3, 4, 5])
  func settle(test: Case, seed: UInt64) {
    let outcome = AdaptationTests.run(test, seed: seed)
    #expect(test.found.contains(outcome.lanes), "\(outcome.lanes) lanes")
    #expect(outcome.errors <= test.errors, "\(outcome.errors) % of the requests failed")
    #expect(outcome.done >= test.done, "\(outcome.done) % of what the server can do")
    #expect(outcome.acceptedCount == test.bodyCount)
    #expect(outcome.mostInFlight <= 16)
    #expect(outcome.mostHeld <= 17)
  }

  @Test("the table of what was found, beside four and sixteen lanes that stay")
  func table() {
    func column(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
    func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
    var lines = [
      "server                            offered  lanes found  errors %  done %   4 lanes: errors %  done %   16 lanes: errors %  done %"
    ]
    for test in AdaptationTests.cases {
      let found = AdaptationTests.run(test, seed: 1)
      let four = AdaptationTests.run(test, lanes: 4, adapts: false, seed: 1)
      let sixteen = AdaptationTests.run(test, lanes: 16, adapts: false, seed: 1)
      lines.append(
        test.description + column("\(test.bodyCount)", 41 - test.description.count) + column(number(found.lanes), 13)
          + column(number(found.errors), 10) + column(number(found.done), 8) + column(number(four.errors), 20)
          + column(number(four.done), 8)
          + column(number(sixteen.errors), 21) + column(number(sixteen.done), 8))
      // Errors of one who asks for too much stay away, and finding out what is borne costs little of what four would do.
      #expect(found.errors <= sixteen.errors + 0.5, "\(test)")
      #expect(found.done >= four.done * 0.8, "\(test)")
    }
    print(lines.joined(separator: "\n"))
  }

  @Test("a body that waits for another keeps waiting however the lanes change", arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
  func order(seed: UInt64) {
    var dice = Jitter(seed: seed)
    var waits: [Int: Int] = [:]
    for number in 2...600 where dice.fraction() < 0.3 { waits[number] = max(1, number - 1 - Int(dice.fraction() * 20)) }
    let phases = [
      Phase(places: 10, service: .milliseconds(500)), Phase(from: .seconds(20), places: 2, service: .milliseconds(500)),
      Phase(from: .seconds(60), places: 10, isStalled: true), Phase(from: .seconds(100), places: 6, service: .milliseconds(500)),
    ]
    let server = SimulatedServer(phases, full: .throttles(retryAfter: nil), spread: 0.5, seed: seed)
    var run = Simulation(bodies(600, waits: waits), lanes: 16, seed: seed) { server.take($0) }
    run.adapts = true
    #expect(run.run() == .complete)
    #expect(Set(run.accepted.map(\.number)).count == 600 && run.accepted.count == 600)
    #expect(Set(run.widths.map(\.laneCount)).count > 3)
    let acceptedAt = Dictionary(uniqueKeysWithValues: run.accepted.map { ($0.number, $0.at) })
    for send in run.sends {
      guard let other = waits[send.number] else { continue }
      #expect(acceptedAt[other]! <= send.at)
    }
  }

  @Test("a rate bounds what adapting lanes send", arguments: [1.0, 10, 100])
  func rate(perSecond: Double) {
    var run = Simulation(bodies(200, eventCount: 10), lanes: 16, rate: perSecond) { _ in (.milliseconds(300), .accepted) }
    run.adapts = true
    #expect(run.run() == .complete)
    for (one, next) in zip(run.sends, run.sends.dropFirst()) { #expect(next.at - one.at >= .seconds(10 / perSecond)) }
  }
}

import Foundation
import Testing

@testable import Counting
@testable import Sandbox

/// Random numbers that are the same for the same seed.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

/// Results and status against a slow, obvious counting of the same history.
@Suite struct OracleTests {
  @Test(
    "status and results of random histories in random bodies are those of the oracle", arguments: 1...24 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    var random = Seeded(seed: seed)
    let bodies = OracleTests.history(&random)
    let scratch = try Scratch()
    try scratch.store(bodies.map { body($0) }, batch: Int.random(in: 1...40, using: &random))
    let oracle = Oracle(bodies)
    #expect(try sandboxResults(at: scratch.path) == oracle.results)
    #expect(try sandboxStatus(at: scratch.path) == oracle.status)
  }

  @Test(
    "merging in several rounds and judging visitors on disk changes nothing", arguments: 1...6 as ClosedRange<UInt64>,
    [(2, 1), (3, 2), (4, 1 << 16), (256, 1), (256, 7)])
  func narrow(seed: UInt64, limits: (width: Int, versions: Int)) throws {
    var random = Seeded(seed: seed)
    let bodies = OracleTests.history(&random)
    let scratch = try Scratch()
    try scratch.store(bodies.map { body($0) }, batch: 40)
    var reading = SandboxReading(scratch.path)
    reading.width = limits.width
    reading.versionLimit = limits.versions
    let oracle = Oracle(bodies)
    #expect(try reading.results() == oracle.results)
    #expect(try reading.status() == oracle.status)
  }

  @Test("a reading that is given up ends with a failure, not with half of the results")
  func cancelled() throws {
    let scratch = try Scratch()
    try scratch.store([body(.conversion("v", "u"))])
    var reading = SandboxReading(scratch.path)
    reading.isCancelled = { true }
    let readings = reading
    #expect(failure { _ = try readings.results() } != nil)
  }

  /// Bodies of a few events each; visitors, uuids and whole events come again, within bodies and across.
  private static func history(_ random: inout Seeded) -> [[Event]] {
    var made: [Event] = []
    func event(_ random: inout Seeded) -> Event {
      if !made.isEmpty, Int.random(in: 0..<4, using: &random) == 0 { return made.randomElement(using: &random)! }
      var event = Event(visitor: "v\(Int.random(in: 0..<6, using: &random))", uuid: "u\(Int.random(in: 0..<40, using: &random))")
      event.timestamp += Int64.random(in: 0..<6, using: &random)
      if Int.random(in: 0..<3, using: &random) == 0 { event.plan = ["gold", "iron"].randomElement(using: &random) }
      if Bool.random(using: &random) {
        event.decision = (
          "2\(Int.random(in: 0..<2, using: &random))", Int.random(in: 0..<9, using: &random) == 0 ? nil : "3",
          Int.random(in: 0..<9, using: &random) == 0 ? nil : "4\(Int.random(in: 0..<3, using: &random))"
        )
        event.isHoldback = Int.random(in: 0..<9, using: &random) == 0
      } else {
        event.entity = "5\(Int.random(in: 0..<2, using: &random))"
        event.key = [nil, "buy", "look \\\"twice\\\""].randomElement(using: &random)!
        if Bool.random(using: &random) { event.revenue = Int64.random(in: -5...500, using: &random) }
        // Halves add up without rounding, in any order.
        if Bool.random(using: &random) { event.value = "\(Int.random(in: 0..<9, using: &random)).5" }
      }
      made.append(event)
      return event
    }
    return (0..<Int.random(in: 0...40, using: &random)).map { _ in
      (0..<Int.random(in: 0...8, using: &random)).map { _ in event(&random) }
    }
  }
}

/// Counts a history with dictionaries and whole lists, by the words of the rules.
private struct Oracle {
  private(set) var results = Results()
  private(set) var status = SandboxStatus()
  /// By experiment and campaign.
  private var apart: [[String]: [String: Int]] = [:]

  init(_ bodies: [[Event]]) {
    var stored: [[Event]] = []
    for events in bodies {
      if stored.contains(where: { $0 == events }) { status.repeatedBodies += 1 } else { stored.append(events) }
    }
    status.requests = bodies.count
    status.bodies = stored.count
    status.bytes = stored.reduce(0) { $0 + body($1).utf8.count }
    status.events = stored.reduce(0) { $0 + $1.count }
    // By visitor and uuid: each content with the bodies it is in, the one accepted first at the front.
    var versions: [[String]: [(event: Event, bodies: Set<Int>)]] = [:]
    for (number, events) in stored.enumerated() {
      for event in events {
        let name = [event.visitor, event.uuid]
        if let known = versions[name]?.firstIndex(where: { $0.event == event }) {
          versions[name]![known].bodies.insert(number)
        } else {
          versions[name, default: []].append((event, [number]))
        }
      }
    }
    status.distinctEvents = versions.count
    status.eventsInDifferentBodies = versions.values.count { Set($0.flatMap(\.bodies)).count > 1 }
    status.conflictingEvents = versions.values.count { $0.count > 1 }
    if status.events > versions.count { results.notCounted["duplicate"] = status.events - versions.count }
    let events = versions.values.map { $0[0].event }
    status.decisions = events.count { $0.decision != nil }
    status.conversions = events.count { $0.decision == nil }
    for (_, events) in Dictionary(grouping: events, by: \.visitor) { count(visitor: events) }
    results.experiments.sort { ($0.experimentID, $0.campaignID) < ($1.experimentID, $1.campaignID) }
    for at in results.experiments.indices {
      let name = [results.experiments[at].experimentID, results.experiments[at].campaignID]
      results.experiments[at].notCounted = (apart[name] ?? [:]).filter { $0.value > 0 }
      results.experiments[at].variations.sort { $0.variationID < $1.variationID }
      for variation in results.experiments[at].variations.indices {
        results.experiments[at].variations[variation].events.sort { ($0.entityID, $0.key) < ($1.entityID, $1.key) }
      }
    }
  }

  private mutating func count(visitor events: [Event]) {
    var places: [[String]: Event] = [:]
    for event in events {
      guard let decision = event.decision else { continue }
      guard let experiment = decision.experiment, decision.variation != nil, !event.isHoldback else {
        results.notCounted["holdback", default: 0] += 1
        continue
      }
      let name = [experiment, decision.campaign]
      if let first = places[name] {
        results.notCounted["later_decision", default: 0] += 1
        apart[name, default: [:]]["later_decision", default: 0] += 1
        if (event.timestamp, event.uuid) < (first.timestamp, first.uuid) { places[name] = event }
      } else {
        places[name] = event
      }
    }
    for (name, first) in places {
      apart[name, default: [:]]["before_decision", default: 0] += events.count { $0.decision == nil && $0.timestamp < first.timestamp }
      let conversions = events.filter { $0.decision == nil && $0.timestamp >= first.timestamp }
      add(conversions, experiment: name[0], campaign: name[1], variation: first.decision!.variation!)
    }
    for event in events where event.decision == nil {
      if places.isEmpty {
        let reason = events.contains { $0.decision != nil } ? "holdback" : "no_decision_here"
        results.notCounted[reason, default: 0] += 1
      } else if places.values.allSatisfy({ $0.timestamp > event.timestamp }) {
        results.notCounted["before_decision", default: 0] += 1
      }
    }
  }

  /// Adds one visitor to a variation.
  private mutating func add(_ conversions: [Event], experiment: String, campaign: String, variation: String) {
    var row =
      results.experiments.first { $0.experimentID == experiment && $0.campaignID == campaign }
      ?? Results.Experiment(experimentID: experiment, campaignID: campaign, variations: [])
    var cell =
      row.variations.first { $0.variationID == variation } ?? Results.Variation(variationID: variation, visitors: 0, events: [])
    cell.visitors += 1
    for (name, same) in Dictionary(grouping: conversions, by: { [$0.entity, $0.key ?? ""] }) {
      let key = name[1].replacingOccurrences(of: "\\", with: "")
      var tally =
        cell.events.first { $0.entityID == name[0] && $0.key == key }
        ?? Results.Event(key: key, entityID: name[0], convertingVisitors: 0, conversions: 0, revenue: 0, value: 0, revenueSquares: 0)
      tally.convertingVisitors += 1
      tally.conversions += same.count
      let revenue = same.reduce(0) { $0 + ($1.revenue ?? 0) }
      tally.revenue += revenue
      tally.revenueSquares! += Int128(revenue) * Int128(revenue)
      tally.value += same.reduce(0) { $0 + ($1.value.flatMap { Double($0) } ?? 0) }
      cell.events.removeAll { $0.entityID == name[0] && $0.key == key }
      cell.events.append(tally)
    }
    row.variations.removeAll { $0.variationID == variation }
    row.variations.append(cell)
    results.experiments.removeAll { $0.experimentID == experiment && $0.campaignID == campaign }
    results.experiments.append(row)
  }
}

import Bytes
import EventAPI
import Foundation
import Testing
import Vocabulary

@testable import Counting

/// A sequence of numbers that its seed decides (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  mutating func pick<Element>(_ choices: [Element]) -> Element { choices[Int(next() % UInt64(choices.count))] }
}

/// An event before it is staged. A decision's names are campaign, experiment and variation; a conversion's are entity and key.
struct Event {
  var isDecision = false
  var names = ["9", "buy", ""]
  var session = ""
  var isHoldback: Bool?
  var timestamp: Int64 = 1_000
  var uuid = "u"
  var revenue: Int64?
  var value: Double?
  /// Keys and texts of custom attributes.
  var attributes: [(key: String, text: String)] = []

  var staged: [UInt8] {
    var arena = ByteArena(limit: 1 << 20)
    var encoder = RecordEncoder()
    func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    encoder.begin(isDecision ? .decision : .conversion, visitor: bytes("v").span, input: 0, rowOffset: 0, line: 1, into: &arena)
    let objects = attributes.map { key, text in
      let key = key.replacing("\"", with: "\\\"")
      return "{\"type\":\"custom\",\"entity_id\":\"9\",\"key\":\"\(key)\",\"value\":\"\(text)\"}"
    }
    let list = objects.isEmpty ? "" : "[\(objects.joined(separator: ","))]"
    encoder.group(session: bytes(session).span, attributes: bytes(list).span, into: &arena)
    if isDecision {
      encoder.decision(
        campaign: bytes(names[0]).span, experiment: bytes(names[1]).span, variation: bytes(names[2]).span, isHoldback: isHoldback,
        metadata: [UInt8]().span, timestamp: timestamp, into: &arena)
    } else {
      encoder.conversion(entity: bytes(names[0]).span, key: bytes(names[1]).span, timestamp: timestamp, into: &arena)
    }
    encoder.eventID(bytes(uuid).span, into: &arena)
    if let revenue { encoder.revenue(revenue, into: &arena) }
    if let value { encoder.value(bytes("\(value)").span, value, into: &arena) }
    _ = encoder.end(into: &arena)
    return copy(arena.span)
  }

  var isHeldBack: Bool { isHoldback == true || names[1].isEmpty || names[2].isEmpty }

  func isEarlier(than other: Event) -> Bool { timestamp != other.timestamp ? timestamp < other.timestamp : uuid < other.uuid }
}

/// Visitors with few experiments, moments and kinds of events, so that all of them meet.
func visitors(seed: UInt64, count: Int) -> [[Event]] {
  var numbers = SeededNumbers(seed)
  return (0..<count).map { _ in
    (0..<Int(numbers.next() % 9)).map { place in
      var event = Event(timestamp: 1_000 + Int64(numbers.next() % 6), uuid: "u\(place)")
      event.session = numbers.pick(["", "s"])
      event.isDecision = numbers.next() % 2 == 0
      if event.isDecision {
        event.names = [numbers.pick(["c1", "c2"]), numbers.pick(["e1", "e\"2", "10", ""]), numbers.pick(["a", "a", "b", ""])]
        event.isHoldback = numbers.pick([nil, nil, false, true])
      } else {
        event.names = [numbers.pick(["7", "8"]), numbers.pick(["buy", "see", ""]), ""]
        event.revenue = numbers.pick([nil, 0, 250, -1, .max])
        event.value = numbers.pick([nil, 0, 0.1, 0.2, 1e16, -1e16, 3e-9])
      }
      return event
    }
  }
}

func results(_ visitors: [[Event]]) -> Results {
  var counter = ResultCounter()
  for events in visitors {
    for event in events {
      let bytes = event.staged
      counter.count(StagedRecord(bytes.span))
    }
    counter.endVisitor()
  }
  return counter.results()
}

/// The rules word by word: each visitor, experiment and kind of event on its own.
func expectedResults(_ visitors: [[Event]]) -> Results {
  var reasons: [String: Int] = [:]
  func note(_ reason: Results.Reason) { reasons[reason.rawValue, default: 0] += 1 }
  /// By experiment and campaign, then variation, then entity and key: for each visitor its counted conversions.
  var rows: [[String]: [String: [[String]: [[Event]]]]] = [:]
  var members: [[String]: [String: Int]] = [:]
  var apart: [[String]: [String: Int]] = [:]
  for events in visitors {
    let decisions = events.filter { $0.isDecision && !$0.isHeldBack }
    events.filter { $0.isDecision && $0.isHeldBack }.forEach { _ in note(.holdback) }
    let experiments = Set(decisions.map { [$0.names[1], $0.names[0]] })
    (experiments.count..<max(experiments.count, decisions.count)).forEach { _ in note(.laterDecision) }
    for conversion in events where !conversion.isDecision {
      if decisions.isEmpty {
        note(events.contains { $0.isDecision } ? .holdback : .noDecisionHere)
      } else if decisions.allSatisfy({ $0.timestamp > conversion.timestamp }) {
        note(.beforeDecision)
      }
    }
    for experiment in experiments {
      let first = decisions.filter { [$0.names[1], $0.names[0]] == experiment }.min { $0.isEarlier(than: $1) }!
      members[experiment, default: [:]][first.names[2], default: 0] += 1
      let counted = events.filter { !$0.isDecision && $0.timestamp >= first.timestamp }
      let reasons = [
        "before_decision": events.count { !$0.isDecision && $0.timestamp < first.timestamp },
        "later_decision": decisions.count { [$0.names[1], $0.names[0]] == experiment } - 1,
      ]
      apart[experiment, default: [:]].merge(reasons.filter { $0.value > 0 }, uniquingKeysWith: +)
      for kind in Set(counted.map { [$0.names[0], $0.names[1]] }) {
        rows[experiment, default: [:]][first.names[2], default: [:]][kind, default: []]
          .append(counted.filter { [$0.names[0], $0.names[1]] == kind })
      }
    }
  }
  let table = members.map { experiment, variations in
    Results.Experiment(
      experimentID: experiment[0], campaignID: experiment[1],
      variations: variations.map { variation, count in
        Results.Variation(
          variationID: variation, visitors: count,
          events: (rows[experiment]?[variation] ?? [:]).map { kind, visits in
            Results.Event(
              key: kind[1], entityID: kind[0], convertingVisitors: visits.count, conversions: visits.joined().count,
              revenue: Int64(clamping: visits.joined().reduce(Int128(0)) { $0 + Int128($1.revenue ?? 0) }),
              value: exactSum(visits.joined().map { $0.value ?? 0 }), revenueSquares: squares(visits))
          }.sorted { ($0.entityID, $0.key) < ($1.entityID, $1.key) })
      }.sorted { $0.variationID < $1.variationID }, notCounted: apart[experiment] ?? [:])
  }
  return Results(
    experiments: table.sorted { ($0.experimentID, $0.campaignID) < ($1.experimentID, $1.campaignID) }, notCounted: reasons)
}

/// Of what each visitor came to, taken from the room that there is.
private func squares(_ visits: [[Event]]) -> Int128? {
  var room = Int128.max
  for amount in visits.map({ $0.reduce(Int128(0)) { $0 + Int128($1.revenue ?? 0) } }) where amount != 0 {
    guard abs(amount) <= room / abs(amount) else { return nil }
    room -= amount * amount
  }
  return .max - room
}

/// The sum in one order of many; that it is the exact one has tests of its own.
private func exactSum(_ amounts: [Double]) -> Double {
  var sum = ExactSum()
  for amount in amounts.sorted() { sum.add(amount) }
  return sum.rounded
}

@Suite struct ResultTests {
  @Test("results are those of the rules, read word by word", arguments: 1...12 as ClosedRange<UInt64>)
  func rules(seed: UInt64) {
    let visitors = visitors(seed: seed, count: 60)
    let decisionsFirst = visitors.map { $0.filter(\.isDecision) + $0.filter { !$0.isDecision } }
    #expect(results(decisionsFirst) == expectedResults(visitors))
  }

  @Test(
    "the order of visitors, of a visitor's decisions and of its conversions changes nothing",
    arguments: 1...6 as ClosedRange<UInt64>)
  func anyOrder(seed: UInt64) {
    let visitors = visitors(seed: seed, count: 60)
    var numbers = SeededNumbers(seed)
    let expected = expectedResults(visitors)
    for _ in 0..<3 {
      let shuffled = visitors.shuffled(using: &numbers).map { events in
        let mixed = events.shuffled(using: &numbers)
        return mixed.filter(\.isDecision) + mixed.filter { !$0.isDecision }
      }
      #expect(results(shuffled) == expected)
    }
  }

  @Test("an earlier decision in another session takes the visitor's whole history along")
  func laterInOrder() {
    let late = Event(isDecision: true, names: ["c", "e", "a"], session: "", timestamp: 5, uuid: "1")
    let early = Event(isDecision: true, names: ["c", "e", "b"], session: "s", timestamp: 2, uuid: "2")
    let conversions = [Event(timestamp: 1, uuid: "3"), Event(timestamp: 2, uuid: "4"), Event(timestamp: 9, uuid: "5")]
    let found = results([[late, early] + conversions])
    let variations = found.experiments[0].variations
    #expect(variations.map(\.variationID) == ["b"] && variations[0].visitors == 1)
    #expect(variations[0].events.map(\.conversions) == [2] && variations[0].events.map(\.convertingVisitors) == [1])
    #expect(found.notCounted == ["before_decision": 1, "later_decision": 1])
  }

  @Test("a visitor in two experiments converts in both, and once in each", arguments: [1, 2, 5])
  func twoExperiments(conversions: Int) {
    let decisions = ["e", "f"].map { Event(isDecision: true, names: ["c", $0, "a"], uuid: $0) }
    let found = results([decisions + (0..<conversions).map { Event(uuid: "\($0)", revenue: 100) }])
    #expect(found.experiments.map(\.experimentID) == ["e", "f"])
    for experiment in found.experiments {
      let event = experiment.variations[0].events[0]
      #expect(event.convertingVisitors == 1 && event.conversions == conversions && event.revenue == 100 * Int64(conversions))
    }
  }

  @Test("revenue beyond 64 bits stays at the edge, and comes back from it")
  func hugeRevenue() {
    let decision = Event(isDecision: true, names: ["c", "e", "a"], uuid: "0")
    func revenue(_ amounts: [Int64]) -> Int64 {
      let events = amounts.enumerated().map { Event(uuid: "\($0.offset + 1)", revenue: $0.element) }
      return results([[decision] + events]).experiments[0].variations[0].events[0].revenue
    }
    #expect(revenue([.max, 1]) == .max && revenue([.min, -1]) == .min && revenue([.max, 5, -6]) == .max - 1)
  }

  @Test("squares are those of visitors, not of events, and unknown beyond 127 bits")
  func revenueSquares() {
    func squares(_ visitors: [[Int64?]]) -> Int128? {
      results(
        visitors.map { amounts in
          [Event(isDecision: true, names: ["c", "e", "a"], uuid: "0")]
            + amounts.enumerated().map { Event(uuid: "\($0.offset + 1)", revenue: $0.element) }
        }
      ).experiments[0].variations[0].events[0].revenueSquares
    }
    #expect(squares([[3, 4], [nil], [], [-5, 1]]) == Int128(65))
    #expect(squares([[100, -100]]) == 0 && squares([[nil]]) == 0)
    let half = Int128(Int64.max) * Int128(Int64.max)
    #expect(squares([[.max]]) == half && squares([[.max], [.max], [1]]) == 2 * half + 1)
    #expect(
      squares([[.max], [.max], [.max]]) == nil && squares([[.max, .max]]) == nil
        && squares([[.max, .max, .min]]) == half - 2 * Int128(Int64.max) + 1)
  }

  @Test("a conversion after one decision and before another counts in one experiment, and is told of the other")
  func earlyInOne() {
    let decisions = [
      Event(isDecision: true, names: ["c", "e", "a"], timestamp: 1, uuid: "1"),
      Event(isDecision: true, names: ["c", "f", "a"], timestamp: 9, uuid: "2"),
    ]
    let found = results([decisions + [Event(timestamp: 5, uuid: "3"), Event(timestamp: 0, uuid: "4")]])
    #expect(found.experiments.map(\.notCounted) == [["before_decision": 1], ["before_decision": 2]])
    #expect(found.experiments.map { $0.variations[0].events.count } == [1, 0] && found.notCounted == ["before_decision": 1])
  }

  @Test("results of earlier versions are read, and what they did not count is not known")
  func earlier() throws {
    let text = """
      {"experiments":[{"experiment_id":"e","campaign_id":"c","variations":[{"variation_id":"a","visitors":2,"events":[{"key":"buy",
      "entity_id":"9","converting_visitors":1,"conversions":1,"revenue":5,"value":0}]}]}],"not_counted":{}}
      """
    let read = try JSONDecoder().decode(Results.self, from: Data(text.utf8))
    #expect(read.experiments[0].notCounted == nil && read.experiments[0].variations[0].events[0].revenueSquares == nil)
  }

  @Test(
    "squares are written as digits in a string, and read as the same",
    arguments: [0, 1, 9_007_199_254_740_993, 18_446_744_073_709_551_616, Int128.max])
  func squaresAsText(squares: Int128) throws {
    let event = Results.Event(
      key: "k", entityID: "9", convertingVisitors: 1, conversions: 1, revenue: 1, value: 0, revenueSquares: squares)
    let text = try JSONEncoder().encode(event)
    #expect(String(decoding: text, as: UTF8.self).contains(#""revenue_squares":"\#(squares)""#))
    #expect(try JSONDecoder().decode(Results.Event.self, from: text) == event)
  }

  @Test("squares that are no digits are no results", arguments: [#""1.5""#, #""""#, "25"])
  func squaresOtherwise(written: String) {
    let text = """
      {"key":"buy","entity_id":"9","converting_visitors":1,"conversions":1,"revenue":5,"value":0,"revenue_squares":\(written)}
      """
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(Results.Event.self, from: Data(text.utf8)) }
  }

  @Test("nothing counted is an empty table")
  func nothing() {
    #expect(results([]) == Results())
    #expect(results([[Event()]]) == Results(notCounted: ["no_decision_here": 1]))
  }
}

@Suite struct SumTests {
  @Test("a sum is the exact one, rounded once, in any order", arguments: 1...20 as ClosedRange<UInt64>)
  func exact(seed: UInt64) {
    var numbers = SeededNumbers(seed)
    // Whole numbers of up to 100 bits that a fraction holds exactly: their sum is known in 128.
    let amounts = (0..<40).map { _ -> Int128 in
      let amount = Int128(numbers.next() >> 12) << Int128(numbers.next() % 48)
      return numbers.next() % 2 == 0 ? amount : -amount
    }
    let expected = Double(amounts.reduce(0, +))
    for _ in 0..<3 {
      var sum = ExactSum()
      for amount in amounts.shuffled(using: &numbers) { sum.add(Double(amount)) }
      #expect(sum.rounded == expected)
    }
  }

  @Test("half a last bit is rounded to the even side unless something small says otherwise")
  func halves() {
    func sum(_ amounts: [Double]) -> Double {
      var sum = ExactSum()
      for amount in amounts { sum.add(amount) }
      return sum.rounded
    }
    let bit = 0x1p-52
    #expect(sum([]) == 0 && sum([0, -0.0]) == 0)
    #expect(sum([1, bit / 2]) == 1 && sum([1, bit / 2, 0x1p-200]) == 1 + bit && sum([1 + bit, bit / 2, -0x1p-200]) == 1 + bit)
    #expect(sum([1e16, 1, -1e16]) == 1)
    #expect(sum(Array(repeating: 0.1, count: 10)) == 1)
    #expect(sum([.greatestFiniteMagnitude, .greatestFiniteMagnitude]) == .greatestFiniteMagnitude)
    #expect(sum([-.greatestFiniteMagnitude, -1e300, -1e308]) == -.greatestFiniteMagnitude)
  }
}

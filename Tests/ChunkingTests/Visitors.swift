import Bytes
import EventAPI
import Vocabulary

@testable import Chunking

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

/// An event before it is staged.
struct Event {
  var visitor = "v"
  var isDecision = false
  var session = ""
  var variation = "x"
  var timestamp: Int64 = 1_700_000_000_000
  var uuid = "u"
  var tags = ""

  /// The bytes of the staged record.
  var staged: [UInt8] {
    var arena = ByteArena(limit: 1 << 26)
    var encoder = RecordEncoder()
    func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    encoder.begin(
      isDecision ? .decision : .conversion, visitor: bytes(visitor).span, input: 0, rowOffset: 0, line: 1, into: &arena)
    encoder.group(session: bytes(session).span, attributes: [UInt8]().span, into: &arena)
    if isDecision {
      encoder.decision(
        campaign: bytes("c").span, experiment: bytes("e").span, variation: bytes(variation).span, isHoldback: nil,
        metadata: [UInt8]().span, timestamp: timestamp, into: &arena)
    } else {
      encoder.conversion(entity: bytes("9").span, key: bytes("buy").span, timestamp: timestamp, into: &arena)
    }
    encoder.eventID(bytes(uuid).span, into: &arena)
    if !tags.isEmpty { encoder.tags(bytes("{\"t\":\"\(tags)\"}").span, into: &arena) }
    _ = encoder.end(into: &arena)
    return copy(arena.span)
  }
}

/// Visitors, most of them small, some of many events, a few events large. Each one's records in the total order.
func visitors(seed: UInt64, count: Int) -> [[[UInt8]]] {
  var numbers = SeededNumbers(seed)
  return (0..<count).map { visitor in
    let size = numbers.pick([1, 1, 2, 3, 5, 20])
    let records = (0..<size).map { event in
      Event(
        visitor: "v\"\(visitor)", isDecision: numbers.next() % 3 == 0, session: numbers.pick(["", "", "s1", "s2"]),
        variation: numbers.pick(["a", "b", "b", "a longer name"]), timestamp: 1_700_000_000_000 + Int64(numbers.next() % 9),
        uuid: "u\(event)", tags: String(repeating: "t", count: Int(numbers.pick([0, 0, 1, 50, 600])))
      ).staged
    }
    return records.sorted { isBefore($0, $1) }
  }
}

private func isBefore(_ one: [UInt8], _ other: [UInt8]) -> Bool { order(StagedRecord(one.span), StagedRecord(other.span)) < 0 }

/// A record as strings: what the oracle sees.
struct Plain {
  var visitor: String
  var group: String
  var isDecision: Bool
  var timestamp: Int64
  var event: String
  var decision: String

  init(_ bytes: [UInt8]) {
    let record = StagedRecord(bytes.span)
    visitor = text(record.visitor)
    group = text(record.group)
    isDecision = record.isDecision
    timestamp = record.timestamp
    event = text(record.event)
    decision = isDecision ? text(record.decision) : ""
  }
}

/// Bodies as one would write them by hand: strings put together, and the rule of splitting word by word.
struct Oracle {
  let settings: BodySettings
  let limit: Int

  /// A body as far as it goes: visitors with the places of their records in it.
  typealias Body = [(visitor: Int, places: [Int])]

  let visitors: [[Plain]]

  func render(_ body: Body) -> String {
    var objects: [String] = []
    for part in body {
      let records = visitors[part.visitor]
      var at = 0
      while at < part.places.count {
        let group = records[part.places[at]].group
        var snapshots: [String] = []
        while at < part.places.count, records[part.places[at]].group == group {
          let record = records[part.places[at]]
          if record.isDecision {
            snapshots.append(record.event)
            at += 1
            continue
          }
          let carried = inForce(part.visitor, record)
          var events: [String] = []
          while at < part.places.count, case let next = records[part.places[at]], next.group == group, !next.isDecision,
            inForce(part.visitor, next) == carried
          {
            events.append(next.event)
            at += 1
          }
          snapshots.append("{\"decisions\":[\(carried)],\"events\":[\(events.joined(separator: ","))]}")
        }
        objects.append(
          "{\"visitor_id\":\"\(records[0].visitor)\"\(group),\"snapshots\":[\(snapshots.joined(separator: ","))]}")
      }
    }
    return "{\"account_id\":\"\(settings.accountID)\",\"visitors\":[\(objects.joined(separator: ","))],"
      + "\"anonymize_ip\":\(settings.anonymizeIP),\"client_name\":\"\(settings.clientName)\","
      + "\"client_version\":\"\(settings.clientVersion)\",\"enrich_decisions\":\(settings.enrichDecisions)}"
  }

  /// The visitor's different decisions until the conversion, by the time they were first made.
  private func inForce(_ visitor: Int, _ conversion: Plain) -> String {
    if settings.enrichDecisions { return "" }
    var firsts: [String: Int64] = [:]
    for place in visitors[visitor].indices {
      let record = visitors[visitor][place]
      guard record.isDecision, record.timestamp <= conversion.timestamp, size([(visitor, [place])]) <= limit else { continue }
      firsts[record.decision] = min(firsts[record.decision] ?? .max, record.timestamp)
    }
    return firsts.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key).joined(separator: ",")
  }

  func size(_ body: Body) -> Int { render(body).utf8.count }

  /// The bodies, and the places of events that none can hold.
  func bodies() -> (bodies: [Body], tooLarge: [[Int]]) {
    var done: [Body] = []
    var body: Body = []
    var tooLarge: [[Int]] = []
    func close() {
      if !body.isEmpty { done.append(body) }
      body = []
    }
    for visitor in visitors.indices {
      let places = visitors[visitor].indices.filter { size([(visitor, [$0])]) <= limit }
      tooLarge.append(visitors[visitor].indices.filter { !places.contains($0) })
      if places.isEmpty { continue }
      if size([(visitor, places)]) <= limit {
        if size(body + [(visitor, places)]) > limit { close() }
        body.append((visitor, places))
        continue
      }
      close()
      for place in places {
        var longer = body
        if longer.isEmpty { longer = [(visitor, [])] }
        longer[0].places.append(place)
        if size(longer) > limit {
          close()
          longer = [(visitor, [place])]
        }
        body = longer
      }
    }
    close()
    return (done, tooLarge)
  }
}

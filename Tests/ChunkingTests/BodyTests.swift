import Bytes
import EventAPI
import Testing
import Vocabulary

@testable import Chunking

@Suite struct BodyTests {
  static func settings(_ enriches: Bool) -> BodySettings {
    BodySettings(accountID: "1\"2", anonymizeIP: true, clientName: "o/s", clientVersion: "1.2", enrichDecisions: enriches)
  }

  /// Plans as planning does. Returns the plans, and the places of events that no body can hold. With `takingBack` each visitor is first split by a
  /// cutter that is thrown away.
  private func plan(
    _ visitors: [[[UInt8]]], _ settings: BodySettings, _ limit: Int, takingBack: Bool = false
  ) -> (plans: [BodyPlan], tooLarge: [[Int]]) {
    var measurer = VisitorMeasurer(settings, limit: limit)
    var cutter = BodyCutter(settings, limit: limit)
    var plans: [BodyPlan] = []
    var tooLarge: [[Int]] = []
    for records in visitors {
      measurer.begin()
      for record in records { learn(record, &measurer) }
      let fitting = records.indices.filter { measure(records[$0], $0, &measurer) }
      tooLarge.append(records.indices.filter { !fitting.contains($0) })
      let id = visitor(records)
      if takingBack {
        let before = cutter.copied()
        _ = cutter.beginSplit(id.span)
        for record in records { learn(record, &cutter) }
        for at in fitting {
          let bytes = records[at]
          _ = cutter.place(StagedRecord(bytes.span), ordinal: at)
        }
        cutter = before
      }
      guard measurer.visitor.isSplit else {
        if let plan = cutter.place(measurer.visitor, id.span) { plans.append(plan) }
        continue
      }
      if let plan = cutter.beginSplit(id.span) { plans.append(plan) }
      for record in records { learn(record, &cutter) }
      for at in fitting {
        let bytes = records[at]
        if let plan = cutter.place(StagedRecord(bytes.span), ordinal: at) { plans.append(plan) }
      }
      cutter.endSplit()
    }
    if let plan = cutter.finish() { plans.append(plan) }
    return (plans, tooLarge)
  }

  private func visitor(_ records: [[UInt8]]) -> [UInt8] {
    let first = records[0]
    return copy(StagedRecord(first.span).visitor)
  }

  private func measure(_ bytes: [UInt8], _ ordinal: Int, _ measurer: inout VisitorMeasurer) -> Bool {
    measurer.measure(StagedRecord(bytes.span), ordinal: ordinal)
  }

  private func learn(_ bytes: [UInt8], _ measurer: inout VisitorMeasurer) {
    let record = StagedRecord(bytes.span)
    if record.isDecision { measurer.learn(record) }
  }

  private func learn(_ bytes: [UInt8], _ cutter: inout BodyCutter) {
    let record = StagedRecord(bytes.span)
    if record.isDecision { cutter.learn(record) }
  }

  private func learn(_ bytes: [UInt8], _ composer: inout BodyComposer) {
    let record = StagedRecord(bytes.span)
    if record.isDecision { composer.learn(record) }
  }

  /// Writes the planned bodies in one walk: record by record, or visitors that are not split as they were written before.
  private func compose(
    _ visitors: [[[UInt8]]], _ plans: [BodyPlan], without tooLarge: [[Int]], wholes: Bool, _ settings: BodySettings, _ limit: Int
  ) -> [[UInt8]] {
    var composer = BodyComposer(settings, limit: limit)
    var measurer = VisitorMeasurer(settings, limit: limit, writes: true)
    var bodies: [[UInt8]] = []
    for (records, tooLarge) in zip(visitors, tooLarge) {
      let fitting = records.indices.filter { !tooLarge.contains($0) }
      measurer.begin()
      composer.begin()
      for record in records {
        learn(record, &measurer)
        learn(record, &composer)
      }
      for at in fitting where !measure(records[at], at, &measurer) { Issue.record("a record that fitted does not fit") }
      func end(_ at: Int) {
        let key = BodyKey(visitor: visitor(records), ordinal: at)
        if bodies.count < plans.count, plans[bodies.count].last == key { bodies.append(composer.finish { copy($0) }) }
      }
      if wholes, !measurer.visitor.isSplit, let last = fitting.last {
        measurer.end { composer.append(visitors: $0) }
        end(last)
        continue
      }
      for at in fitting {
        let bytes = records[at]
        composer.append(StagedRecord(bytes.span))
        end(at)
      }
    }
    return bodies
  }

  @Test(
    "bodies are cut and written as by hand, within every limit",
    arguments: [1, 2, 3, 4, 5, 6] as [UInt64], [400, 700, 701, 1_200, 3_000])
  func bodies(seed: UInt64, limit: Int) throws {
    let visitors = visitors(seed: seed, count: 14)
    for enriches in [true, false] {
      let settings = Self.settings(enriches)
      let plain = BodySettings(
        accountID: "1\\\"2", anonymizeIP: true, clientName: "o/s", clientVersion: "1.2", enrichDecisions: enriches)
      let oracle = Oracle(settings: plain, limit: limit, visitors: visitors.map { $0.map(Plain.init) })
      let expected = oracle.bodies()
      let (plans, tooLarge) = plan(visitors, settings, limit)
      #expect(plan(visitors, settings, limit, takingBack: true).plans == plans)
      #expect(tooLarge == expected.tooLarge)
      let bytes = compose(visitors, plans, without: tooLarge, wholes: false, settings, limit)
      #expect(compose(visitors, plans, without: tooLarge, wholes: true, settings, limit) == bytes)
      let texts = bytes.map { String(decoding: $0, as: UTF8.self) }
      #expect(texts == expected.bodies.map(oracle.render))
      for (at, plan) in plans.enumerated() where at < min(expected.bodies.count, texts.count) {
        let body = expected.bodies[at]
        let events = body.flatMap { part in part.places.map { oracle.visitors[part.visitor][$0] } }
        #expect(plan.number == at + 1 && plan.byteCount == texts[at].utf8.count && plan.byteCount <= limit)
        #expect(plan.eventCount == events.count && plan.decisionCount == events.count { $0.isDecision })
        #expect(plan.visitorCount == body.count)
        #expect(plan.first == BodyKey(visitor: visitor(visitors[body[0].visitor]), ordinal: body[0].places[0]))
        let last = body[body.count - 1]
        #expect(plan.last == BodyKey(visitor: visitor(visitors[last.visitor]), ordinal: last.places[last.places.count - 1]))
        #expect(plan.waitsFor == waitsFor(at, expected.bodies, oracle))
      }
      try check(texts, visitors, tooLarge, limit)
    }
  }

  /// The number of the last body before this one that holds an activation of a visitor who goes on in this one.
  private func waitsFor(_ at: Int, _ bodies: [Oracle.Body], _ oracle: Oracle) -> Int? {
    var found: Int?
    for part in bodies[at] {
      let last = bodies[..<at].lastIndex { body in
        body.contains { $0.visitor == part.visitor && $0.places.contains { oracle.visitors[part.visitor][$0].isDecision } }
      }
      if let last { found = last + 1 }
    }
    return found
  }

  /// The server's reader takes every body, and finds every event once, a visitor's decisions before its conversions.
  private func check(_ bodies: [String], _ visitors: [[[UInt8]]], _ tooLarge: [[Int]], _ limit: Int) throws {
    var reader = BodyReader(bodyLimit: limit)
    var found: [String] = []
    for body in bodies {
      let bytes = Array(body.utf8)
      try reader.read(bytes.span)
      for offset in reader.offsets {
        let record = StagedRecord(reader.records.span, at: offset)
        found.append(text(record.visitor) + text(record.group) + text(record.event))
      }
    }
    var expected: [String] = []
    for (records, left) in zip(visitors, tooLarge) {
      let sent = records.indices.filter { !left.contains($0) }.map { Plain(records[$0]) }
      #expect(sent.drop { $0.isDecision }.allSatisfy { !$0.isDecision })
      expected += sent.map { $0.visitor + $0.group + $0.event }
    }
    #expect(found == expected)
  }

  @Test("an event fits at its own size and not in one byte less", arguments: [true, false], [true, false])
  func oversize(isDecision: Bool, enriches: Bool) {
    let settings = Self.settings(enriches)
    let event = Event(isDecision: isDecision, tags: "t").staged
    let exact = plan([[event]], settings, 10_000).plans[0].byteCount
    for limit in [exact - 1, exact, exact + 1] {
      let (plans, tooLarge) = plan([[event]], settings, limit)
      #expect(plans.count == (limit < exact ? 0 : 1))
      #expect(tooLarge == [limit < exact ? [0] : []])
    }
  }

  @Test("two visitors share a body when both fit to the byte, and not in one byte less")
  func sharing() {
    let settings = Self.settings(true)
    let visitors = [[Event(visitor: "a").staged], [Event(visitor: "b").staged]]
    let exact = plan(visitors, settings, 10_000).plans[0].byteCount
    #expect(plan(visitors, settings, exact).plans.count == 1)
    #expect(plan(visitors, settings, exact - 1).plans.map(\.visitorCount) == [1, 1])
  }

  @Test("a decision that no body can hold is carried by no conversion")
  func oversizeDecision() {
    let records = [
      Event(isDecision: true, uuid: "1", tags: String(repeating: "t", count: 2_000)).staged, Event(uuid: "2").staged,
    ]
    let settings = Self.settings(false)
    let (plans, tooLarge) = plan([records], settings, 1_000)
    #expect(tooLarge == [[0]] && plans.count == 1 && plans[0].waitsFor == nil)
    for wholes in [false, true] {
      let bodies = compose([records], plans, without: tooLarge, wholes: wholes, settings, 1_000)
      #expect(String(decoding: bodies[0], as: UTF8.self).contains("\"decisions\":[],"))
    }
  }

  @Test(
    "so many different decisions that no body holds all leave out only conversions that carry too many", arguments: [40, 400])
  func manyDecisions(count: Int) throws {
    var records = (0..<count).map {
      Event(isDecision: true, variation: "\($0)", timestamp: 1_700_000_000_000 + Int64($0 * 7 % count), uuid: "\($0)").staged
    }
    records += (0..<count).map { Event(timestamp: 1_700_000_000_000 + Int64($0), uuid: "c\($0)").staged }
    let settings = Self.settings(false)
    let tooLarge = plan([records], settings, 2_000).tooLarge[0]
    // What is carried only grows, so the conversions up to some moment fit and those behind do not.
    let first = try #require(tooLarge.first)
    #expect(tooLarge == Array(first..<(2 * count)) && first > count + 5)
    let oracle = Oracle(
      settings: BodySettings(
        accountID: "1\\\"2", anonymizeIP: true, clientName: "o/s", clientVersion: "1.2", enrichDecisions: false),
      limit: 2_000, visitors: [records.map(Plain.init)])
    #expect(oracle.size([(0, [first - 1])]) <= 2_000 && oracle.size([(0, [first])]) > 2_000)
  }

  @Test("bodies of small visitors are at least 99 percent full")
  func fill() {
    let limit = 60_000
    let visitors = (0..<1_500).map { visitor in
      [Event(visitor: "\(visitor)", isDecision: true, uuid: "1").staged, Event(visitor: "\(visitor)", uuid: "2").staged]
    }
    let plans = plan(visitors, Self.settings(true), limit).plans
    let full = plans.dropLast()
    #expect(full.count > 5)
    #expect(full.reduce(0) { $0 + $1.byteCount } * 100 >= full.count * limit * 99)
  }
}

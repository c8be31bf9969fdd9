import Bytes
import GRDB
import Testing

@testable import Counting

/// Results and what they are made of, against SQL over the same rows.
@Suite struct DetailTests {
  /// Visitors over some days, with attributes that come and go.
  private static func history(_ seed: UInt64, days: Int64, values: Int = 3, count: Int = 80) -> [[Event]] {
    var numbers = SeededNumbers(seed)
    return (0..<count).map { visitor in
      (0..<Int(numbers.next() % 9)).map { place in
        // Around the ends of days too.
        let day = 86_400_000 * (19_000 + Int64(numbers.next() % UInt64(days)))
        var event = Event(timestamp: day + numbers.pick([0, 1, 43_200_000, 86_399_999]), uuid: "u\(place)")
        event.isDecision = numbers.next() % 2 == 0
        if event.isDecision {
          event.names = [numbers.pick(["c1", "c2"]), numbers.pick(["e1", "e\"2"]), numbers.pick(["a", "a", "b"])]
          event.isHoldback = numbers.pick([nil, nil, nil, true])
        } else {
          event.names = [numbers.pick(["7", "8"]), numbers.pick(["buy", "", "<b>é\u{202e}"]), ""]
          event.revenue = numbers.pick([nil, 0, 250, -1])
          event.value = numbers.pick([nil, 0, 0.5, 2.5])
        }
        for key in ["plan", "device", "$opt_\"x\""] where numbers.next() % 2 == 0 {
          event.attributes.append((key, "v\(numbers.next() % UInt64(values))"))
        }
        return event
      }
    }
  }

  private static func counter(_ visitors: some Sequence<[Event]>, _ limits: DetailLimits) -> ResultCounter {
    var counter = ResultCounter(limits)
    for events in visitors {
      for event in events.filter(\.isDecision) + events.filter({ !$0.isDecision }) {
        let bytes = event.staged
        counter.count(StagedRecord(bytes.span))
      }
      counter.endVisitor()
    }
    return counter
  }

  @Test(
    "numbers, days and segments are those of SQL over the same rows", arguments: 1...8 as ClosedRange<UInt64>, [1, 9, 400, 3000] as [Int64])
  func sql(seed: UInt64, days: Int64) throws {
    let history = DetailTests.history(seed, days: days)
    let tables = try Tables(history)
    let limits = DetailLimits(spans: 10, values: 3)
    let counter = DetailTests.counter(history, limits)
    let details = try #require(counter.details())
    #expect(lines(counter.results()) == (try tables.results()))
    #expect(lines(days: details) == (try tables.days(spanLimit: limits.spans)))
    #expect(lines(segments: details) == (try tables.segments()))
    #expect(!details.experiments.isEmpty && details.wideAttributes.isEmpty && !details.isTooMuch)
  }

  @Test("counted in parts, and in any order, they are the same", arguments: 1...6 as ClosedRange<UInt64>, [2, 3, 4])
  func parts(seed: UInt64, valueLimit: Int) throws {
    let history = DetailTests.history(seed, days: 200)
    let limits = DetailLimits(spans: 10, values: valueLimit)
    let whole = DetailTests.counter(history, limits)
    var sum = ResultCounter(limits)
    for start in stride(from: 0, to: history.count, by: 7) {
      sum.append(DetailTests.counter(history[start..<min(start + 7, history.count)], limits))
    }
    #expect(sum.details() == whole.details() && sum.results() == whole.results())
    var numbers = SeededNumbers(seed)
    #expect(DetailTests.counter(history.shuffled(using: &numbers), limits).details() == whole.details())
    #expect(whole.details()?.wideAttributes.isEmpty == (valueLimit >= 3))
  }

  @Test("an attribute with more values than the limit is named and left out", arguments: [4, 5, 6])
  func wide(valueLimit: Int) throws {
    let details = try #require(DetailTests.counter(DetailTests.history(5, days: 2, values: 5), DetailLimits(values: valueLimit)).details())
    let keys = ["$opt_\"x\"", "device", "plan"]
    #expect(details.wideAttributes == (valueLimit < 5 ? keys : []))
    #expect(Set(details.experiments.flatMap { $0.attributes.map(\.key) }) == (valueLimit < 5 ? [] : Set(keys)))
  }

  @Test("with more numbers than are kept there are no details, and the results stay", arguments: [1, 100])
  func tooMuch(rows: Int) throws {
    let history = DetailTests.history(3, days: 30)
    let counter = DetailTests.counter(history, DetailLimits(rows: rows))
    #expect(counter.details() == ResultDetails(isTooMuch: true))
    #expect(counter.results() == DetailTests.counter(history, DetailLimits()).results())
    var sum = ResultCounter(DetailLimits(rows: rows))
    sum.append(counter)
    #expect(sum.details()?.isTooMuch == true)
  }

  @Test("an attribute that an event says twice counts once, and one with two values in both segments")
  func twice() throws {
    var decision = Event(isDecision: true, names: ["c", "e", "a"], uuid: "1")
    decision.attributes = [("plan", "gold"), ("plan", "gold")]
    var conversion = Event(uuid: "2", revenue: 5)
    conversion.attributes = [("plan", "iron"), ("plan", "gold"), ("plan", "gold")]
    let details = try #require(DetailTests.counter([[decision, conversion]], DetailLimits()).details())
    #expect(
      lines(segments: details) == [
        "e c a plan=gold 9 buy: 1 1 5 0.0", "e c a plan=gold 9 buy: squares 25", "e c a plan=gold: 1",
        "e c a plan=iron 9 buy: 1 1 5 0.0", "e c a plan=iron 9 buy: squares 25", "e c a plan=iron: 1",
      ])
  }

  @Test("they are counted only where they are asked for")
  func absent() { #expect(ResultCounter().details() == nil && ResultCounter(details: true).details() == ResultDetails()) }
}

// MARK: lines to compare

private func lines(_ results: Results) -> [String] {
  let rows = results.experiments.flatMap { experiment in
    experiment.variations.flatMap { variation in
      let name = "\(experiment.experimentID) \(experiment.campaignID) \(variation.variationID)"
      return ["\(name): \(variation.visitors)"]
        + variation.events.map {
          "\(name) \($0.entityID) \($0.key): \($0.convertingVisitors) \($0.conversions) \($0.revenue) \($0.value)"
        }
        + squares(variation, name)
    }
      + (experiment.notCounted ?? [:]).map { "\(experiment.experimentID) \(experiment.campaignID) \($0.key): \($0.value)" }
  }
  return (rows + results.notCounted.map { "\($0.key): \($0.value)" }).sorted()
}

private func squares(_ variation: Results.Variation, _ name: String) -> [String] {
  variation.events.filter { $0.conversions > 0 }
    .map { "\(name) \($0.entityID) \($0.key): squares \($0.revenueSquares.map { "\($0)" } ?? "unknown")" }
}

private func lines(days details: ResultDetails) -> [String] {
  details.experiments.flatMap { experiment -> [String] in
    let timeline = experiment.timeline
    return timeline.variations.flatMap { variation -> [String] in
      let name = "\(experiment.experimentID) \(experiment.campaignID) \(variation.variationID)"
      func lines(_ name: String, _ counts: [Int]) -> [String] {
        counts.enumerated().filter { $0.element > 0 }.map { at, count in
          "\(name), \(timeline.spanDays) from \(timeline.firstDay + at * timeline.spanDays): \(count)"
        }
      }
      return lines(name, variation.visitors) + variation.events.flatMap { lines("\(name) \($0.entityID) \($0.key)", $0.convertingVisitors) }
    }
  }.sorted()
}

private func lines(segments details: ResultDetails) -> [String] {
  details.experiments.flatMap { experiment -> [String] in
    experiment.attributes.flatMap { attribute -> [String] in
      attribute.values.flatMap { value -> [String] in
        value.variations.flatMap { variation -> [String] in
          let name = "\(experiment.experimentID) \(experiment.campaignID) \(variation.variationID) \(attribute.key)=\(value.text)"
          let head = variation.visitors > 0 ? ["\(name): \(variation.visitors)"] : []
          return head
            + variation.events.filter { $0.conversions > 0 }.map {
              "\(name) \($0.entityID) \($0.key): \($0.convertingVisitors) \($0.conversions) \($0.revenue) \($0.value)"
            }
            + squares(variation, name)
        }
      }
    }
  }.sorted()
}

/// A history in SQLite, asked by the rules as EVENT-API words them.
private struct Tables {
  private let queue: DatabaseQueue

  init(_ history: [[Event]]) throws {
    queue = try DatabaseQueue()
    try queue.write { db in
      try db.execute(
        sql: """
          CREATE TABLE event(visitor INTEGER, n INTEGER, kind TEXT, one TEXT, two TEXT, three TEXT, held INTEGER, t INTEGER, uuid TEXT,
            revenue INTEGER, value REAL);
          CREATE TABLE attribute(visitor INTEGER, n INTEGER, key TEXT, value TEXT);
          CREATE VIEW member AS SELECT visitor, n, two || ' ' || one || ' ' || three AS name, two || ' ' || one AS experiment, t FROM (
            SELECT *, row_number() OVER (PARTITION BY visitor, one, two ORDER BY t, uuid) AS place FROM event WHERE kind = 'd' AND NOT held)
            WHERE place = 1;
          CREATE VIEW counted AS SELECT m.name, m.experiment, m.visitor, c.n, c.one || ' ' || c.two AS event, c.t, c.revenue, c.value
            FROM member m JOIN event c ON c.visitor = m.visitor AND c.kind = 'c' AND c.t >= m.t;
          """)
      for (visitor, events) in history.enumerated() {
        for (n, event) in events.enumerated() {
          try db.execute(
            sql: "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
              visitor, n, event.isDecision ? "d" : "c", event.names[0], event.names[1], event.names[2], event.isHoldback == true,
              event.timestamp, event.uuid, event.revenue, event.value,
            ])
          for (key, value) in event.attributes {
            try db.execute(sql: "INSERT INTO attribute VALUES (?, ?, ?, ?)", arguments: [visitor, n, key, value])
          }
        }
      }
    }
  }

  private func lines(_ sql: String) throws -> [String] { try queue.read { try String.fetchAll($0, sql: sql) }.sorted() }

  private static let sums = """
    count(DISTINCT visitor) || ' ' || count(*) || ' ' || coalesce(sum(revenue), 0) || ' ' || printf('%!.1f', total(value))
    """

  func results() throws -> [String] {
    try lines(
      """
      SELECT name || ': ' || count(*) FROM member GROUP BY name
      UNION ALL SELECT name || ' ' || event || ': ' || \(Tables.sums) FROM counted GROUP BY name, event
      UNION ALL SELECT name || ' ' || event || ': squares ' || sum(came * came) FROM (
        SELECT name, event, visitor, coalesce(sum(revenue), 0) AS came FROM counted GROUP BY name, event, visitor) GROUP BY name, event
      UNION ALL SELECT experiment || ' before_decision: ' || count(*) FROM member m JOIN event c ON c.visitor = m.visitor AND c.kind = 'c'
        AND c.t < m.t GROUP BY experiment
      UNION ALL SELECT two || ' ' || one || ' later_decision: ' || count(*) FROM event e WHERE kind = 'd' AND NOT held
        AND NOT EXISTS (SELECT 1 FROM member m WHERE m.visitor = e.visitor AND m.n = e.n) GROUP BY one, two
      UNION ALL SELECT 'holdback: ' || count(*) FROM event WHERE kind = 'd' AND held OR kind = 'c' AND visitor NOT IN
        (SELECT visitor FROM member) AND visitor IN (SELECT visitor FROM event WHERE held) HAVING count(*) > 0
      UNION ALL SELECT 'later_decision: ' || count(*) FROM event e WHERE kind = 'd' AND NOT held
        AND NOT EXISTS (SELECT 1 FROM member m WHERE m.visitor = e.visitor AND m.n = e.n) HAVING count(*) > 0
      UNION ALL SELECT 'no_decision_here: ' || count(*) FROM event WHERE kind = 'c' AND visitor NOT IN (SELECT visitor FROM member)
        AND visitor NOT IN (SELECT visitor FROM event WHERE held) HAVING count(*) > 0
      UNION ALL SELECT 'before_decision: ' || count(*) FROM event e WHERE kind = 'c' AND visitor IN (SELECT visitor FROM member)
        AND NOT EXISTS (SELECT 1 FROM counted c WHERE c.visitor = e.visitor AND c.n = e.n) HAVING count(*) > 0
      """)
  }

  /// The shortest spans of which there are not too many from an experiment's first day to its last.
  func days(spanLimit: Int) throws -> [String] {
    try lines(
      """
      WITH day AS (
        SELECT name, experiment, t / 86400000 AS day FROM member
        UNION ALL SELECT name || ' ' || event, experiment, min(t) / 86400000 FROM counted GROUP BY name, event, visitor),
      width AS (SELECT 1 AS days, 0 AS shift UNION SELECT 7, 3 UNION SELECT 28, 3 UNION SELECT 364, 3),
      chosen AS (SELECT experiment, (SELECT min(days) FROM width
        WHERE (max(day) + shift) / days - (min(day) + shift) / days < \(spanLimit)) AS days FROM day GROUP BY experiment)
      SELECT name || ', ' || days || ' from ' || ((day + shift) / days * days - shift) || ': ' || count(*)
      FROM day JOIN chosen USING (experiment) JOIN width USING (days) GROUP BY name, (day + shift) / days
      """)
  }

  func segments() throws -> [String] {
    try lines(
      """
      WITH one AS (
        SELECT m.name, m.visitor, a.key || '=' || a.value AS segment FROM member m JOIN attribute a USING (visitor, n)
        UNION SELECT c.name, c.visitor, a.key || '=' || a.value FROM counted c JOIN attribute a USING (visitor, n))
      SELECT name || ' ' || segment || ': ' || count(*) FROM one GROUP BY name, segment
      UNION ALL SELECT name || ' ' || key || '=' || text || ' ' || event || ': ' || \(Tables.sums)
        FROM counted JOIN (SELECT visitor AS who, n AS number, key, value AS text FROM attribute) ON who = visitor AND number = n
        GROUP BY name, key, text, event
      UNION ALL SELECT name || ' ' || segment || ' ' || event || ': squares ' || sum(came * came) FROM (
        SELECT name, event, c.visitor, key || '=' || a.value AS segment, coalesce(sum(revenue), 0) AS came
        FROM counted c JOIN attribute a USING (visitor, n) GROUP BY 1, 2, 3, 4) GROUP BY name, segment, event
      """)
  }
}

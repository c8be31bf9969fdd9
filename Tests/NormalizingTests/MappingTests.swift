import Bytes
import EventAPI
import Foundation
import Testing
import Vocabulary

@testable import Normalizing

@Suite("Mappings that compute")
struct MappingTests {
  /// Conversions of a shop's export.
  private static let shop = Mapping(
    name: "shop",
    fields: [
      .visitor: .first([.path("user_id"), .path("cookie")]), .entity: .lookup(.path("event"), Lookup(["bought": "9", "looked": "8"])),
      .key: .path("event"), .timestamp: .converted(.path("when"), .time(.pattern("M/d/yyyy HH:mm"), zone: "Europe/Paris")),
      .revenue: .converted(.path("amount"), .money(MoneyFormat(unit: .major, number: NumberFormat(group: ",")))),
      .uuid: .eventID([.path("order"), .path("cookie"), .path("event")]),
    ],
    tags: [
      .one(name: "category", .path("cat"), nil), .one(name: "items", .path("count"), .number), .one(name: "gift", .path("gift"), .boolean),
    ],
    properties: [.one(name: "source", .constant("shop"), nil)],
    attributes: [.one(key: "plan", entity: "77", .path("plan"), nil)],
    conditions: [Condition(.path("status"), .isNoneOf(["test", "void"]))])

  private static let header = ["user_id", "cookie", "event", "when", "amount", "order", "cat", "count", "gift", "plan", "status"]
  private static let cells = [
    "user_id": "", "cookie": "c\"1", "event": "bought", "when": "5/1/2024 14:00", "amount": "1,019.99", "order": "A7", "cat": "shoes",
    "count": "2", "gift": "TRUE", "plan": "gold", "status": "paid",
  ]

  private func csv(_ changes: [String: String] = [:], _ mapping: Mapping = shop) throws -> Fate {
    var harness = try Harness(mapping, header: MappingTests.header, kind: .conversion)
    return try harness.csv(MappingTests.cells.merging(changes) { $1 })
  }

  /// The same row as a JSON object of texts, as far as they are there.
  private func json(_ changes: [String: String] = [:], _ mapping: Mapping = shop) throws -> Fate {
    var harness = try Harness(mapping, kind: .conversion)
    let cells = MappingTests.cells.merging(changes) { $1 }.sorted { $0.key < $1.key }.filter { !$0.value.isEmpty }
    let members = cells.map { "\"\($0.key)\":\"\($0.value.replacingOccurrences(of: "\"", with: "\\\""))\"" }
    return try harness.json("{" + members.joined(separator: ",") + "}")
  }

  @Test("a row's values are found, joined, looked up and converted, and become one native record, from cells as from members")
  func shop() throws {
    let fate = try csv()
    let record = try #require(fate.record, "\(fate)")
    #expect(record.visitor == #"c\"1"#)
    #expect(record.group == #","attributes":[{"type":"custom","entity_id":"77","key":"plan","value":"gold"}]"#)
    #expect(record.timestamp == 1_714_564_800_000)
    #expect(record.revenue == 101_999)
    #expect(
      record.event == #"{"entity_id":"9","key":"bought","timestamp":1714564800000,"uuid":"\#(record.eventID)","revenue":101999,"#
        + #""tags":{"category":"shoes","gift":true,"items":2},"properties":{"source":"shop"}}"#)
    #expect(try json() == fate)
  }

  @Test("an own key gives the event's id: the same for the same key and account, another for any other")
  func eventID() throws {
    func id(_ changes: [String: String]) throws -> String? { try csv(changes).record?.eventID }
    let first = try #require(try id([:]))
    #expect(UUIDWords(bytes(first).span) != nil)
    #expect(try id(["amount": "5", "when": "5/2/2024 14:00"]) == first)
    #expect(try id(["order": "A8"]) != first)
    #expect(try id(["event": "looked"]) != first)
    var other = try Harness(MappingTests.shop, header: MappingTests.header, kind: .conversion, account: "2")
    #expect(try other.csv(MappingTests.cells).record?.eventID != first)
  }

  @Test("the text of an own key is a line for each part, so that no two keys have one id")
  func keyText() throws {
    func id(_ order: String, _ cookie: String, _ event: String) throws -> String? {
      try csv(["order": order, "cookie": cookie, "event": event, "user_id": "v"], keyed).record?.eventID
    }
    var keyed = MappingTests.shop
    keyed.fields[.entity] = .constant("9")
    keyed.fields[.key] = nil
    #expect(try id("A\n7", "c", "b") == uuid5("1\nkey\nA\\n7\nc\nb"))
    let keys = [("a", "b", "c"), ("a", "bc", "d"), ("ab", "c", "d"), ("a\nb", "c", "d"), ("a", "b\nc", "d"), ("a", "b", "c\nd")]
    #expect(Set(try keys.map { try id($0.0, $0.1, $0.2) }).count == keys.count)
  }

  @Test("without one part of its own key an event's id is derived from all that the event says, so that no two events share it")
  func noKey() throws {
    var keyed = MappingTests.shop
    keyed.fields[.uuid] = .eventID([.path("order"), .path("gift")])
    var derived = MappingTests.shop
    derived.fields[.uuid] = nil
    for absent in [["order": "", "gift": ""], ["order": "A7", "gift": ""], ["order": "", "gift": "1"]] {
      let record = try #require(try csv(absent, keyed).record)
      #expect(record.isDerived)
      #expect(record == (try csv(absent, derived).record))
    }
    #expect(try csv(["order": "A7", "gift": "1"], keyed).record?.isDerived == false)
  }

  @Test(
    "a value that cannot be converted is a reject that names its columns",
    arguments: [
      (["when": "1/5/2024"], RejectCode.badTimestamp, "when"), (["when": "3/31/2024 02:30"], .badTimestamp, "when"),
      (["when": ""], .missingField, "when"), (["amount": "19.999"], .badNumber, "amount"), (["amount": "19,99"], .badNumber, "amount"),
      (["event": "bougth"], .unknownKey, "event"), (["cookie": ""], .missingField, "user_id, cookie"),
      (["count": "two"], .badNumber, "count"),
      (["gift": "maybe"], .badBoolean, "gift"),
    ] as [([String: String], RejectCode, String)])
  func rejects(changes: [String: String], code: RejectCode, column: String) throws {
    for fate in [try csv(changes), try json(changes)] { Expected.reject(code, column).check(fate) }
  }

  @Test("what is not there is left out")
  func absent() throws {
    let changes = ["amount": "", "cat": "", "count": "", "gift": "", "plan": "", "order": "", "status": ""]
    for fate in [try csv(changes), try json(changes)] {
      let record = try #require(fate.record, "\(fate)")
      #expect(record.group == "" && record.revenue == nil && !record.event.contains("tags"))
      #expect(record.event.contains(#""properties":{"source":"shop"}"#))
    }
  }

  @Test("an entry that a table does not have is rejected with the closest one, kept, left out, or something else")
  func otherwise() throws {
    for (otherwise, expected) in [(Lookup.Otherwise.keep, "bougth"), (.constant("7"), "7")] {
      var mapping = MappingTests.shop
      mapping.fields[.entity] = .lookup(.path("event"), Lookup(["bought": "9"], otherwise: otherwise))
      #expect(try csv(["event": "bougth"], mapping).record?.event.contains("\"entity_id\":\"\(expected)\"") == true)
    }
    var mapping = MappingTests.shop
    mapping.fields[.entity] = .lookup(.path("event"), Lookup(["bought": "9"], otherwise: .absent))
    Expected.reject(.missingField, "event").check(try csv(["event": "bougth"], mapping))
    #expect(try csv(["event": "bougth"]).reject?.message.contains("bought") == true)
  }

  @Test(
    "rows that a condition leaves out are filtered, not rejected",
    arguments: [
      (Condition(.path("status"), .isOneOf(["paid"])), "void", "paid"), (Condition(.path("status"), .isNoneOf(["void"])), "void", ""),
      (Condition(.path("status"), .isNotEmpty), "", "x"), (Condition(.path("status"), .isEmpty), "x", ""),
      (Condition(.path("status"), .less("10")), "10", "9.99"), (Condition(.path("status"), .atMost("10")), "10.01", "10.0"),
      (Condition(.path("status"), .greater("-1")), "-1.0", "0"), (Condition(.path("status"), .atLeast("1.5")), "1.49", "1.50"),
      (Condition(.path("status"), .less("-1")), "0", "-2"), (Condition(.path("status"), .greater("0")), "", "1"),
      (Condition(.converted(.path("status"), .number(NumberFormat(decimal: ",", group: "."))), .greater("1000")), "999,5", "1.000,5"),
    ])
  func conditions(condition: Condition, filtered: String, taken: String) throws {
    var mapping = MappingTests.shop
    mapping.conditions = [condition]
    // Nothing else of a filtered row is looked at.
    for fate in [try csv(["status": filtered, "when": "never"], mapping), try json(["status": filtered, "when": "never"], mapping)] {
      #expect(fate == .filtered)
    }
    for fate in [try csv(["status": taken], mapping), try json(["status": taken], mapping)] { #expect(fate.record != nil, "\(fate)") }
  }

  @Test(
    "what a condition compares and is no number is a reject, never silently left out", arguments: ["many", "1,234.50", "$5", " 5", "1e3"])
  func uncomparable(status: String) throws {
    var mapping = MappingTests.shop
    mapping.conditions = [Condition(.path("status"), .greater("0"))]
    for fate in [try csv(["status": status], mapping), try json(["status": status], mapping)] {
      guard status != "1e3" else {
        #expect(fate.record != nil, "\(fate)")
        continue
      }
      Expected.reject(.badNumber, "status").check(fate)
    }
  }

  @Test("paths lead into objects and lists")
  func paths() throws {
    let mapping = Mapping(
      name: "nested",
      fields: [
        .visitor: .path("user.ids[1]"), .entity: .path("items[0].id"), .timestamp: .path("at"),
        .value: .converted(.path("items[1].price"), .number(NumberFormat(decimal: ","))),
      ], tags: [.one(name: "city", .path("user.address.city"), nil), .members(of: "labels")],
      attributes: [.members(of: "traits")])
    var harness = try Harness(mapping, kind: .conversion, attributes: ["plan": "5"])
    let fate = try harness.json(
      #"{"user":{"ids":["a",20301771717],"address":{"city":"K\u00f6ln"}},"items":[{"id":7},{"price":"1,50"}],"at":1714564800000,"#
        + #""labels":{"n":1.50,"b":false,"t":"\"x\""},"traits":{"plan":"gold"}}"#)
    let record = try #require(fate.record, "\(fate)")
    #expect(record.visitor == "20301771717" && record.value == 1.5)
    #expect(record.event.contains(#""entity_id":"7""#) && record.event.contains(#""value":1.50"#))
    #expect(record.event.contains(#""tags":{"b":false,"city":"Köln","n":1.50,"t":"\"x\""}"#), "\(record.event)")
    #expect(record.group.contains(#""entity_id":"5","key":"plan","value":"gold""#))
    Expected.reject(.missingField, "user.ids[1]").check(try harness.json(#"{"user":{"ids":["a"]},"items":[{"id":7}],"at":1714564800000}"#))
    Expected.reject(.wrongType, "items[0].id").check(
      try harness.json(#"{"user":{"ids":[1,2]},"items":[{"id":{}}],"at":1714564800000}"#))
  }

  @Test("a path is written as it is read", arguments: ["a", "a.b", "a[0]", "a[0][12].b", "a.[", "[0]", "a]", "a[-1]", "a[x]", ""])
  func pathText(text: String) { #expect(Path(text).description == text) }

  @Test(
    "a mapping that names what a header does not have is refused before any row, naming the closest column",
    arguments: [
      (Field.entity, Source.path("evnt"), "event"), (.entity, .lookup(.path("evnt"), Lookup([:])), "event"),
      (.revenue, .first([.path("x"), .path("y")]), "none of which"),
      (.revenue, .join([.path("order"), .path("amout")], separator: ""), "amount"),
      (.timestamp, .converted(.path("when"), .time(.pattern("YYYY"), zone: nil)), "yyyy"),
      (.timestamp, .converted(.path("when"), .time(.iso8601, zone: "Paris")), "Europe/Paris"),
      (.revenue, .converted(.path("amount"), .money(MoneyFormat(unit: .minor, exponent: 9))), "exponent"),
    ])
  func refused(field: Field, source: Source, hint: String) throws {
    var mapping = MappingTests.shop
    mapping.fields[field] = source
    do {
      _ = try Harness(mapping, header: MappingTests.header, kind: .conversion)
      Issue.record("the mapping was not refused")
    } catch {
      #expect(error.message.contains(hint), "\(error.message)")
    }
  }

  @Test("columns that a mapping does not ask for are told, and a column that it asks for must not be there twice")
  func columns() throws {
    let harness = try Harness(MappingTests.shop, header: MappingTests.header + ["extra", "extra"], kind: .conversion)
    #expect(harness.unknownNames == ["extra 0", "extra 0"])
    #expect(throws: HeaderRefusal.self) {
      _ = try Harness(MappingTests.shop, header: MappingTests.header + ["order"], kind: .conversion)
    }
    var members = try Harness(MappingTests.shop, kind: .conversion)
    _ = try members.json(#"{"extra":1,"event":"bought"}"#)
    #expect(members.unknownNames == ["extra 1"])
  }

  @Test("what conversions guess, choose and round is counted")
  func counts() throws {
    var mapping = MappingTests.shop
    mapping.fields[.timestamp] = .first([
      .converted(.path("cat"), .time(.anyEpoch, zone: nil)),
      .converted(.path("when"), .time(.pattern("M/d/yyyy HH:mm"), zone: "Europe/Paris")),
    ])
    mapping.fields[.revenue] = .converted(.path("amount"), .money(MoneyFormat(unit: .major, rounding: .halfEven)))
    var harness = try Harness(mapping, header: MappingTests.header, kind: .conversion)
    for changes in [
      ["cat": "1714564800", "amount": "1"], ["cat": "1714564800000", "amount": "0.015"],
      ["cat": "", "when": "10/27/2024 02:30", "amount": "0.001"],
    ] {
      let fate = try harness.csv(MappingTests.cells.merging(changes) { $1 })
      #expect(fate.record != nil, "\(fate)")
    }
    #expect(harness.conversionCounts == ConversionCounts(ambiguousTimes: 1, guessedTimes: 1, roundedAmounts: 2))
  }

  @Test("rows of both kinds, told by a column, become the same records from cells as from members")
  func kindsOfCells() throws {
    let mapping = Mapping(
      name: "mixed",
      fields: [
        .record: .lookup(.path("type"), Lookup(["seen": "decision", "did": "conversion"], otherwise: .keep)), .visitor: .path("user"),
        .timestamp: .converted(.path("at"), .time(.epoch(.seconds), zone: nil)), .campaign: .path("c"), .experiment: .path("x"),
        .variation: .path("v"), .holdback: .path("held"), .entity: .lookup(.path("what"), Lookup(["bought": "9"])), .uuid: .path("id"),
        .revenue: .converted(.path("usd"), .money(MoneyFormat(unit: .major))), .value: .path("points"),
      ], tags: [.one(name: "b", .path("tag"), .string), .one(name: "a\"", .constant("k"), nil)],
      attributes: [.one(key: "plan", entity: "7", .path("plan"), nil)])
    let columns = ["type", "user", "at", "c", "x", "v", "held", "what", "id", "usd", "points", "tag", "plan"]
    var csv = try Harness(mapping, header: columns)
    var json = try Harness(mapping)
    let rows: [[String: String]] = [
      ["type": "seen", "user": "u", "at": "1714564800", "c": "1", "x": "2", "v": "3", "what": "unknown", "plan": "gold"],
      ["type": "seen", "user": "u", "at": "1714564800", "c": "1", "held": "true", "id": "own"],
      ["type": "seen", "user": "u", "at": "1714564800", "c": "1", "x": "2"],
      ["type": "did", "user": "u\"\\", "at": "1714564800", "what": "bought", "usd": "19.99", "points": "1.50", "tag": "\u{1f600}\n"],
      ["type": "did", "user": "u", "at": "1714564800", "what": "sold"], ["type": "did", "user": "u", "at": "x", "what": "bought"],
      ["type": "did", "user": "", "at": "1714564800", "what": "bought"],
      ["type": "else", "user": "u", "at": "1714564800", "what": "bought"],
      ["type": "did", "user": "u", "at": "1714564800", "what": "bought", "usd": "1.999"],
      ["type": "did", "user": "u", "at": "1714564800", "what": "bought", "points": "many"],
    ]
    var records = 0
    for row in rows {
      let members = columns.compactMap { name in
        row[name].map {
          "\"\(name)\":\"\($0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n"))\""
        }
      }
      let fate = try csv.csv(row)
      #expect(try json.json("{" + members.joined(separator: ",") + "}") == fate, "\(row)")
      if fate.record != nil { records += 1 }
    }
    #expect(records == 3)
    Expected.reject(.missingField, "type").check(try csv.csv(["user": "u", "at": "1714564800", "what": "bought"]))
  }

  @Test("what only the other kind of record has is not looked at, so that a table need not know it")
  func otherKind() throws {
    let mapping = Mapping(
      name: "mixed",
      fields: [
        .record: .lookup(.path("event"), Lookup(["seen": "decision"], otherwise: .constant("conversion"))), .visitor: .path("user"),
        .timestamp: .path("at"), .campaign: .lookup(.path("test"), Lookup(["t": "1"])), .experiment: .path("test"),
        .variation: .path("arm"), .entity: .lookup(.path("event"), Lookup(["bought": "9"])), .uuid: .constant("u"),
      ])
    func fate(_ members: String, _ kind: RecordKind? = nil) throws -> Fate {
      var harness = try Harness(mapping, kind: kind)
      return try harness.json(#"{"user":"v","at":1714564800000,\#(members)}"#)
    }
    #expect(try fate(#""event":"seen","test":"t","arm":"a""#).record?.kind == .decision)
    #expect(try fate(#""event":"bought","test":"unknown""#).record?.kind == .conversion)
    Expected.reject(.unknownKey, "test").check(try fate(#""event":"seen","test":"unknown","arm":"a""#))
    Expected.reject(.unknownKey, "event").check(try fate(#""event":"looked","test":"t""#))
    Expected.reject(.badRecord, "event").check(try fate(#""event":"bought""#, .decision))
  }

  @Test("native rows under other names become the very records of native rows", arguments: 1...4)
  func renamed(seed: Int) throws {
    var random = Seeded(seed)
    let names = Field.allCases.map(\.rawValue).filter { $0 != "account_id" } + ["tags.a", "tags.b", "properties.p", "attributes.plan"]
    var fields: [Field: Source] = [:]
    for field in Field.allCases where field != .account { fields[field] = .path(Path(name: "x_" + field.rawValue)) }
    let mapping = Mapping(
      name: "renamed", fields: fields, tags: [.members(of: "x_tags")], properties: [.members(of: "x_properties")],
      attributes: [.members(of: "x_attributes")], conditions: [Condition(.constant("1"), .isNotEmpty)])
    var native = try Harness(.native, header: names, attributes: ["plan": "5"])
    var mapped = try Harness(mapping, header: names.map { "x_" + $0 }, attributes: ["plan": "5"])
    var records = 0
    for _ in 0..<400 {
      var cells: [String: String] = [:]
      for name in names where random.below(4) > 0 { cells[name] = value(of: name, &random) }
      let fate = try native.csv(cells)
      let other = try mapped.csv(Dictionary(uniqueKeysWithValues: cells.map { ("x_" + $0, $1) }))
      if let record = fate.record {
        records += 1
        #expect(other.record == record)
      } else {
        #expect(other.reject?.code == fate.reject?.code, "\(cells): \(fate) \(other)")
      }
    }
    #expect(records > 20)
  }

  private func value(of name: String, _ random: inout Seeded) -> String {
    let words: [String: [String]] = [
      "record": ["decision", "conversion"], "timestamp": ["1714564800000", "2024-05-01T12:00:00Z"], "revenue": ["0", "-1", "1999"],
      "value": ["1.50", "1e3"], "quantity": ["3"], "is_campaign_holdback": ["true", "false", ""], "enabled": ["true", ""],
      "uuid": ["u1", "", ""],
    ]
    if let some = words[name] { return some.randomElement(using: &random)! }
    return random.below(6) == 0 ? random.text(4) : "\(name.prefix(2))\(random.below(30))"
  }

  @Test("random bytes make a record, a reject or nothing, and never more", arguments: 1...3)
  func fuzz(seed: Int) throws {
    var random = Seeded(seed)
    var columns = try Harness(MappingTests.shop, header: MappingTests.header, kind: .conversion)
    for _ in 0..<500 {
      let cells = MappingTests.header.map { name in
        random.below(3) == 0 ? random.bytes(random.below(12)) : bytes(MappingTests.cells[name] ?? "")
      }
      _ = columns.normalize(Row(cells: cells))
    }
    var members = try Harness(MappingTests.shop, kind: .conversion)
    for _ in 0..<500 {
      var text = bytes(
        #"{"user_id":"u","event":"bought","when":"5/1/2024 14:00","amount":"1.5","order":[1,{"a":2}],"count":2,"status":null}"#)
      for _ in 0..<random.below(4) { text[random.below(text.count)] = UInt8(random.below(128)) }
      if let row = Row(json: text) { _ = members.normalize(row) }
    }
  }
}

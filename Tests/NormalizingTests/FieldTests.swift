import Bytes
import Testing
import Vocabulary

@testable import Normalizing

@Suite struct FieldTests {
  @Test("the smallest rows become records with every id as a string, the same from CSV and JSON")
  func smallest() throws {
    let uuid = ["uuid": "u"]
    let decision = try #require(try csv(decisionCells.merging(uuid) { $1 }).record)
    #expect(
      decision.kind == .decision && decision.visitor == "v" && decision.group.isEmpty && decision.timestamp == 1_700_000_000_000)
    #expect(
      decision.event
        == #"{"decisions":[{"campaign_id":"11","experiment_id":"22","variation_id":"33"}],"events":[{"entity_id":"11","#
        + #""type":"campaign_activated","key":"campaign_activated","timestamp":1700000000000,"uuid":"u"}]}"#)
    #expect(try json(row(decisionCells.merging(uuid) { $1 })).record == decision)
    let conversion = try #require(try csv(conversionCells.merging(uuid) { $1 }).record)
    #expect(conversion.event == #"{"entity_id":"55","timestamp":1700000000000,"uuid":"u"}"#)
    #expect(conversion.kind == .conversion && !conversion.isDerived)
    #expect(try json(row(conversionCells.merging(uuid) { $1 })).record == conversion)
  }

  static let full: [String: String] = [
    "key": "buy", "uuid": "u", "session_id": "s", "revenue": "1999", "value": "1.50", "quantity": "3", "tags.b": "2",
    "tags.a": "1",
    "properties.p": "q", "attributes.plan": "gold",
  ]

  @Test("all optional fields arrive, in the encoder's one order")
  func everything() throws {
    let conversion = try #require(try csv(conversionCells.merging(Self.full) { $1 }, attributes: ["plan": "7"]).record)
    #expect(
      conversion.event
        == #"{"entity_id":"55","key":"buy","timestamp":1700000000000,"uuid":"u","revenue":1999,"value":1.50,"quantity":3,"#
        + #""tags":{"a":"1","b":"2"},"properties":{"p":"q"}}"#)
    #expect(
      conversion.group == #","session_id":"s","attributes":[{"type":"custom","entity_id":"7","key":"plan","value":"gold"}]"#)
    let nested =
      #""key":"buy","uuid":"u","session_id":"s","revenue":1999,"value":1.50,"quantity":3,"tags":{"b":"2","a":"1"},"properties":{"p":"q"},"attributes":{"plan":"gold"}"#
    #expect(try json(row(conversionCells, nested), attributes: ["plan": "7"]).record == conversion)
    let metadata = [
      "flag_key": "f", "rule_key": "r", "rule_type": "t", "variation_key": "x", "enabled": "TRUE", "is_campaign_holdback": "0",
    ]
    let decision = try #require(try csv(decisionCells.merging(metadata) { $1 }).record)
    let expected =
      #","is_campaign_holdback":false,"metadata":{"flag_key":"f","rule_key":"r","rule_type":"t","variation_key":"x","enabled":true}}]"#
    #expect(decision.event.contains(expected))
  }

  static let conversionFields: [(String, String, Expected)] = [
    ("entity_id", "5", .has(#""entity_id":"5""#)),
    ("entity_id", "18446744073709551617", .has(#""entity_id":"18446744073709551617""#)),
    ("entity_id", "007", .has(#""entity_id":"007""#)), ("entity_id", "rollout-2029-3", .has(#""entity_id":"rollout-2029-3""#)),
    ("entity_id", "9.56082E+09", .reject(.damagedID, "entity_id")),
    ("entity_id", "9560823711.0", .reject(.damagedID, "entity_id")), ("entity_id", "9,56082E+09", .reject(.damagedID, "entity_id")),
    ("entity_id", "9560823711,0", .reject(.damagedID, "entity_id")), ("entity_id", "a,5", .has(#""entity_id":"a,5""#)),
    ("entity_id", "1,2,3", .has(#""entity_id":"1,2,3""#)),
    ("entity_id", "1e10", .reject(.damagedID, "entity_id")), ("entity_id", "1E10", .reject(.damagedID, "entity_id")),
    ("entity_id", "", .reject(.missingField, "entity_id")),
    ("key", "", .lacks("key")), ("key", "a b", .has(#""key":"a b""#)), ("key", "1e10", .has(#""key":"1e10""#)),
    ("key", "campaign_activated", .reject(.badKey, "key")), ("uuid", "ABC", .has(#""uuid":"ABC""#)),
    ("revenue", "0", .has(#""revenue":0"#)), ("revenue", "-0", .has(#""revenue":0"#)),
    ("revenue", "-250", .has(#""revenue":-250"#)),
    ("revenue", "007", .has(#""revenue":7"#)), ("revenue", "9007199254740993", .has(#""revenue":9007199254740993"#)),
    ("revenue", "9223372036854775807", .has(#""revenue":9223372036854775807"#)),
    ("revenue", "-9223372036854775808", .has(#""revenue":-9223372036854775808"#)), ("revenue", "", .lacks("revenue")),
    ("revenue", "9223372036854775808", .reject(.badNumber, "revenue")), ("revenue", "19.99", .reject(.badNumber, "revenue")),
    ("revenue", "1999.0", .reject(.badNumber, "revenue")), ("revenue", "1E2", .reject(.badNumber, "revenue")),
    ("revenue", "1e400", .reject(.badNumber, "revenue")), ("quantity", "0", .has(#""quantity":0"#)),
    ("quantity", "2.5", .reject(.badNumber, "quantity")), ("quantity", "2.0", .reject(.badNumber, "quantity")),
    ("value", "0", .has(#""value":0"#)), ("value", "0.0", .has(#""value":0.0"#)), ("value", "-0", .has(#""value":-0"#)),
    ("value", "1.50", .has(#""value":1.50"#)), ("value", "1E-7", .has(#""value":1E-7"#)),
    ("value", "9007199254740993.25", .has(#""value":9007199254740993.25"#)), ("value", "1e400", .reject(.badNumber, "value")),
    ("value", "-1e400", .reject(.badNumber, "value")), ("value", "", .lacks("value")),
  ]

  @Test(
    "a conversion's fields at their edges, the same in CSV, in JSON text and, where it is one, as a JSON number",
    arguments: conversionFields)
  func conversions(name: String, cell: String, expected: Expected) throws {
    let cells = conversionCells.with("uuid", "u").with(name, cell)
    expected.check(try csv(cells))
    expected.check(try json(row(cells)))
    // A JSON number is an id when it is whole, and never an event key that looks like a damaged one.
    if isNumber(bytes(cell).span), name != "key" {
      expected.check(try json(row(conversionCells.with("uuid", "u"), "\"\(name)\":\(cell)")))
    }
  }

  @Test(
    "text that is no number as JSON writes it is rejected, with a way out",
    arguments: [
      "1,99", "1 999", "$5", "€5", "+5", ".5", "5.", "abc", "NaN", "Infinity", "0x10", "1_000", "٣", " 5", "5 ", "-", "--5", "1e",
    ],
    ["revenue", "value", "quantity"])
  func noNumbers(cell: String, name: String) throws {
    let cells = conversionCells.with(name, cell)
    Expected.reject(.badNumber, name).check(try csv(cells))
    Expected.reject(.badNumber, name).check(try json(row(cells)))
  }

  @Test("a revenue with a fraction is told of hundredths")
  func hint() throws {
    #expect(try csv(conversionCells.with("revenue", "19.99")).reject?.message.contains("19.99 is 1999") == true)
  }

  @Test("a JSON null and an empty text are absent fields", arguments: ["null", "\"\""])
  func absent(value: String) throws {
    for name in ["key", "uuid", "session_id", "revenue", "value", "quantity"] {
      let fate = try json(row(conversionCells, "\"\(name)\":\(value)"))
      #expect(fate == (try json(row(conversionCells))))
    }
    for name in ["visitor_id", "entity_id", "timestamp"] {
      Expected.reject(.missingField, name).check(try json(row(conversionCells, "\"\(name)\":\(value)")))
    }
    for name in ["flag_key", "rule_key", "enabled", "is_campaign_holdback"] {
      #expect(try json(row(decisionCells, "\"\(name)\":\(value)")) == json(row(decisionCells)))
    }
  }

  @Test(
    "a missing required field is named", arguments: ["visitor_id", "campaign_id", "experiment_id", "variation_id", "timestamp"])
  func missing(name: String) throws {
    Expected.reject(.missingField, name).check(try json(row(decisionCells.without(name)), kind: .decision))
    Expected.reject(.missingField, name).check(try csv(decisionCells.with(name, "")))
  }

  static let wrongTypes: [(String, [String], RejectCode)] = [
    ("visitor_id", ["true", "[]", "{}"], .wrongType), ("session_id", ["false", "[1]"], .wrongType),
    ("entity_id", ["true", "{}"], .wrongType),
    ("key", ["true", "[]"], .wrongType), ("uuid", ["true", "{}"], .wrongType),
    ("timestamp", ["true", "[1700000000000]", "{}"], .wrongType),
    ("revenue", ["true", "[1]", "{}"], .wrongType), ("value", ["false", "{}"], .wrongType),
    ("quantity", ["true", "[]"], .wrongType),
    ("tags", ["1", "true", "[]", "\"x\""], .wrongType), ("properties", ["1", "[]"], .wrongType),
    ("attributes", ["1", "\"x\"", "true"], .wrongType),
    ("record", ["1", "true", "{}", "\"Decision\"", "\"x\""], .badRecord), ("visitor_id", ["1.5", "1e5", "-1.0"], .damagedID),
    ("entity_id", ["95608237110000000.0", "9.5e9"], .damagedID),
  ]

  @Test("a value of the wrong type is a reject that names its member", arguments: wrongTypes)
  func types(name: String, values: [String], code: RejectCode) throws {
    for value in values { Expected.reject(code, name).check(try json(row(conversionCells, "\"\(name)\":\(value)"))) }
  }

  @Test(
    "numbers as ids keep every digit and their sign",
    arguments: ["0", "12345678901234567890123", "-1200956783", "9007199254740993"])
  func numericIDs(number: String) throws {
    let written = try #require(
      try json(row(conversionCells, "\"visitor_id\":\(number),\"session_id\":\(number),\"entity_id\":\(number)")).record)
    #expect(written.visitor == number && written.group == ",\"session_id\":\"\(number)\"")
    #expect(written.event.hasPrefix("{\"entity_id\":\"\(number)\""))
  }

  @Test(
    "a holdback decision may lack experiment and variation, which are then null; another may not",
    arguments: [("true", true), ("1", true), ("True", true), ("false", false), ("0", false)])
  func holdbacks(word: String, isHoldback: Bool) throws {
    let cells = decisionCells.with("is_campaign_holdback", word).with("experiment_id", "").with("variation_id", "")
    let fate = try csv(cells)
    if isHoldback {
      Expected.has(#""experiment_id":null,"variation_id":null,"is_campaign_holdback":true"#).check(fate)
    } else {
      Expected.reject(.missingField, "experiment_id").check(fate)
    }
  }

  @Test("what is neither true nor false is no boolean", arguments: ["yes", "TRUe", "2", "-1", "1.0", "t"])
  func booleans(word: String) throws {
    for name in ["enabled", "is_campaign_holdback"] {
      Expected.reject(.badBoolean, name).check(try csv(decisionCells.with(name, word)))
      Expected.reject(.badBoolean, name).check(try json(row(decisionCells.with(name, word))))
    }
    Expected.reject(.badBoolean, "enabled").check(try json(row(decisionCells, #""enabled":[]"#)))
    for (value, text) in [("true", "true"), ("false", "false"), ("1", "true"), ("0", "false")] {
      Expected.has("\"enabled\":\(text)").check(try json(row(decisionCells, "\"enabled\":\(value)")))
    }
  }

  @Test(
    "ids of any text are escaped and kept byte for byte",
    arguments: ["é", "e\u{301}", "a\"b\\c", "\u{1}\n", "😀", "\u{e000}x", "\0", " v "])
  func anyText(id: String) throws {
    var arena = ByteArena(limit: 100)
    arena.append(escaping: bytes(id).span)
    let escaped = text(arena.span)
    let written = try #require(try csv(conversionCells.with("visitor_id", id).with("uuid", "u").with("session_id", id)).record)
    #expect(bytes(written.visitor) == bytes(escaped))
    #expect(bytes(written.group) == bytes(",\"session_id\":\"\(escaped)\""))
    let fromJSON = try json(row(conversionCells.with("visitor_id", escaped).with("uuid", "u").with("session_id", escaped)))
    #expect(fromJSON == .record(written))
  }

  @Test("a row of JSON that is no object is a reject", arguments: ["[1]", "[]", "1", "\"x\"", "null", "[[\"visitor_id\"]]"])
  func noObject(row: String) throws {
    #expect(try json(row).reject?.code == .notAnObject)
  }

  @Test("a row with fewer cells than the header is a reject, also where constants stand behind the cells")
  func ragged() throws {
    let header = conversionCells.keys.sorted()
    var harness = try Harness(header: header)
    #expect(harness.normalize(Row(cells: [bytes("55"), bytes("1700000000000")])).reject?.code == .raggedRow)
    #expect(harness.normalize(Row(cells: [])).reject?.code == .raggedRow)
    var mapping = Mapping.native
    mapping.fields[.session] = .constant("s")
    var withConstant = try Harness(mapping, header: header)
    #expect(withConstant.normalize(Row(cells: [bytes("55"), bytes("1700000000000")])).reject?.code == .raggedRow)
  }

  @Test("an event larger than a body is a reject", arguments: ["visitor_id", "tags.t", "properties.p", "key"])
  func tooLarge(name: String) throws {
    let fate = try csv(conversionCells.with(name, String(repeating: "x", count: Limits.bodyBytes + 1)))
    #expect(fate.reject?.code == .eventTooLarge)
  }

  @Test("what counts against a body's size is the escaped text")
  func tooLargeEscaped() throws {
    let cells = conversionCells.with("uuid", "u")
    for (count, fits) in [(Limits.bodyBytes / 6 - 100, true), (Limits.bodyBytes / 6 + 1, false)] {
      let fate = try csv(cells.with("tags.t", String(repeating: "\u{1}", count: count)))
      #expect((fate.record != nil) == fits)
      #expect(fits || fate.reject?.code == .eventTooLarge)
    }
  }
}

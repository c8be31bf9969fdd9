import Bytes
import Testing
import Vocabulary

@testable import Normalizing

/// Attributes, tags and properties: objects, lists, pairs and filters.
@Suite struct ListTests {
  private func group(_ members: String, _ mapping: Mapping = .native, attributes: [String: String] = [:]) throws -> String? {
    try json(row(conversionCells, members), mapping, attributes: attributes).record?.group
  }

  private func custom(_ key: String, _ entity: String, _ value: String) -> String {
    "{\"type\":\"custom\",\"entity_id\":\"\(entity)\",\"key\":\"\(key)\",\"value\":\(value)}"
  }

  @Test("equal attribute sets are equal bytes, whatever their order and form")
  func sets() throws {
    let known = ["a": "2", "b": "1", "c d": "3"]
    let expected =
      ",\"attributes\":["
      + [custom("b", "1", "\"x\""), custom("a", "2", "true"), custom("c d", "3", "1.50")].joined(separator: ",") + "]"
    for members in [
      #""attributes":{"a":true,"b":"x","c d":1.50}"#, #""attributes":{"c d":1.50,"b":"x","a":true}"#,
      #""attributes":{"a":5,"c d":1.50,"b":"y","a":true,"b":"x","zz":null}"#,
      #""attributes":[{"type":"custom","entity_id":"2","key":"a","value":true},{"key":"c d","entity_id":3,"type":"custom","value":1.50},{"entity_id":"1","value":"x","key":"b","type":"custom"}]"#,
      #""attributes":[{"type":"custom","key":"a","value":true},{"type":"custom","key":"c d","value":1.50},{"type":"custom","key":"b","value":"x"},{"type":"custom","key":"q","value":null}]"#,
    ] { #expect(try group(members, attributes: known) == expected, "\(members)") }
    let columns = ["attributes.c d": "1.50", "attributes.b": "x", "attributes.a": ""]
    #expect(
      try csv(conversionCells.merging(columns) { $1 }, attributes: known).record?.group
        == ",\"attributes\":[" + custom("b", "1", "\"x\"") + "," + custom("c d", "3", "\"1.50\"") + "]")
  }

  @Test("attributes of other types carry no entity id, and a key only when they have one; without attributes there is no list")
  func otherTypes() throws {
    #expect(
      try group(#""attributes":[{"type":"device","value":"x"},{"type":"browser","key":"k","value":-0}]"#)
        == #","attributes":[{"type":"browser","key":"k","value":-0},{"type":"device","value":"x"}]"#)
    for members in [#""attributes":[]"#, #""attributes":{}"#, #""attributes":null"#, #""attributes":{"a":null}"#] {
      #expect(try group(members) == "")
    }
  }

  static let badAttributes: [(String, RejectCode)] = [
    (#"{"stranger":"x"}"#, .unknownAttribute), (#"{"a/b":"x"}"#, .badKey), (#"{"":"x"}"#, .badKey), (#"{"é":"x"}"#, .badKey),
    (#"{"a":[1]}"#, .wrongType), (#"{"a":{}}"#, .wrongType), (#"{"a":1e400}"#, .badNumber),
    (#"{"a":"\ue000x"}"#, .reservedPrefix),
    ("[5]", .badAttribute), ("[null]", .badAttribute), (#"["a"]"#, .badAttribute), (#"[{"value":"x"}]"#, .badAttribute),
    (#"[{"type":"custom","entity_id":"1","value":"x"}]"#, .badAttribute),
    (#"[{"type":"custom","key":"stranger","value":"x"}]"#, .unknownAttribute),
    (#"[{"type":"device","entity_id":"1","value":"x"}]"#, .badAttribute),
    (#"[{"type":"custom","entity_id":1.5,"key":"k","value":"x"}]"#, .badAttribute),
    (#"[{"type":true,"value":"x"}]"#, .badAttribute), (#"[{"type":"custom","entity_id":"1","key":"a/b","value":"x"}]"#, .badKey),
    (#"[{"type":"device","key":"a/b","value":"x"}]"#, .badKey), (#"[{"type":"device","value":[1]}]"#, .wrongType),
    (#"[{"type":"device","value":"\ue0001"}]"#, .reservedPrefix),
  ]

  @Test("an attribute that the server would not take is a reject", arguments: badAttributes)
  func rejects(attributes: String, code: RejectCode) throws {
    let fate = try json(row(conversionCells, "\"attributes\":\(attributes)"), attributes: ["a": "1"])
    #expect(fate.reject?.code == code, "\(fate)")
    #expect(fate.reject?.column?.hasPrefix("attributes") == true)
    if code == .unknownAttribute { #expect(fate.reject?.message.contains("--attribute 'stranger=ENTITY_ID'") == true) }
  }

  @Test("keys have up to 64 characters, and the vendor's own begin with $opt_", arguments: [(64, true), (65, false)])
  func keys(length: Int, isTaken: Bool) throws {
    for key in [String(repeating: "k", count: length), "$opt_" + String(repeating: "k", count: length - 5)] {
      #expect((try group("\"attributes\":{\"\(key)\":1}", attributes: [key: "1"]) != nil) == isTaken)
    }
    #expect(try group(#""attributes":{"$opt_":1}"#, attributes: ["$opt_": "1"]) == nil)
    #expect(try group(#""attributes":{"$other":1}"#, attributes: ["$other": "1"]) == nil)
  }

  @Test(
    "tags are text, numbers with all their digits, and booleans, sorted by name, the last of one name",
    arguments: [
      (#"{"b":1,"a":"x"}"#, #"{"a":"x","b":1}"#), (#"{"a":1,"a":2}"#, #"{"a":2}"#),
      (#"{"n":9007199254740993.10}"#, #"{"n":9007199254740993.10}"#),
      (#"{"t":true,"f":false,"e":""}"#, #"{"e":"","f":false,"t":true}"#), (#"{"x":null,"y":1E5}"#, #"{"y":1E5}"#),
      (#"{"é":1,"z":2,"\u0000":3}"#, #"{"\u0000":3,"z":2,"é":1}"#), (#"{"\u0061":"\u0022\/"}"#, #"{"a":"\"/"}"#),
      (
        #"{"$opt_event_properties":{ "z" : [1 , {"b":null}],"a":"x"}}"#,
        #"{"$opt_event_properties":{"z":[1,{"b":null}],"a":"x"}}"#
      ),
    ])
  func tags(tags: String, expected: String) throws {
    Expected.has("\"tags\":\(expected)").check(try json(row(conversionCells, "\"tags\":\(tags)")))
    let more = (0..<70).reversed().map { "\"n\($0 + 100)\":\($0)" }.joined(separator: ",")
    let sorted = (0..<70).map { "\"n\($0 + 100)\":\($0)" }.joined(separator: ",")
    Expected.has("\"tags\":{\(sorted)}").check(try json(row(conversionCells, "\"tags\":{\(more)}")))
  }

  @Test("tags and properties without members are left out", arguments: ["{}", "null", #"{"a":null}"#])
  func empty(object: String) throws {
    Expected.lacks("tags").check(try json(row(conversionCells, "\"tags\":\(object),\"properties\":\(object)")))
    Expected.lacks("properties").check(try json(row(conversionCells, "\"tags\":\(object),\"properties\":\(object)")))
  }

  @Test("on a decision, revenue, tags and properties travel on its activation")
  func onDecisions() throws {
    let fate = try json(row(decisionCells, #""uuid":"u","revenue":0,"tags":{"a":1},"properties":{"p":"q"}"#))
    Expected.has(#""uuid":"u","revenue":0,"tags":{"a":1},"properties":{"p":"q"}}]}"#).check(fate)
  }

  static let badValues: [(String, String, RejectCode)] = [
    ("tags", #"{"a":[1]}"#, .wrongType), ("tags", #"{"a":{}}"#, .wrongType),
    ("tags", #"{"$opt_event_properties":[1]}"#, .wrongType),
    ("tags", #"{"a":1e400}"#, .badNumber), ("tags", #"{"a":"\ue0001"}"#, .reservedPrefix),
    ("properties", #"{"a":1}"#, .wrongType),
    ("tags", #"{"$opt_event_properties":{"a":[1e400]}}"#, .badNumber), ("properties", #"{"a":true}"#, .wrongType),
    ("properties", #"{"a":{}}"#, .wrongType), ("properties", #"{"a":"\ue000"}"#, .reservedPrefix),
  ]

  @Test("a tag or property that the server would not take is a reject", arguments: badValues)
  func badValue(name: String, object: String, code: RejectCode) throws {
    Expected.reject(code, name).check(try json(row(conversionCells, "\"\(name)\":\(object)")))
  }

  @Test("in CSV the reserved character is found in tags, properties and attributes, naming the column")
  func reservedInCSV() throws {
    for column in ["tags.t", "properties.p", "attributes.a"] {
      Expected.reject(.reservedPrefix, column).check(try csv(conversionCells.with(column, "\u{e000}5"), attributes: ["a": "1"]))
      #expect(try csv(conversionCells.with(column, "5\u{e000}"), attributes: ["a": "1"]).record != nil)
    }
  }

  static let pairs: Mapping = {
    var mapping = Mapping.native
    mapping.tags = [.pairs(of: "data.tags", name: "n.k", value: ["v", "w.deep"])]
    mapping.attributes = [
      .elements(
        of: "attrs", filters: [ElementFilter("kind", ["user", "1"]), ElementFilter("name", isOneOf: false, ["hidden"])],
        type: "kind",
        entity: "id", key: "name", value: "value", entityOnlyForCustom: true)
    ]
    return mapping
  }()

  @Test(
    "pairs become named values; a pair without a value is absent, one without a name, or no object, is a reject",
    arguments: [
      (#"[{"n":{"k":"b"},"v":1},{"v":"x","n":{"k":"a"}}]"#, .has(#""tags":{"a":"x","b":1}"#)),
      (#"[{"n":{"k":"a"}},{"n":{"k":"b"},"v":null}]"#, .lacks("tags")),
      (#"[{"n":{"k":"a"},"v":1},{"n":{"k":"a"},"v":2}]"#, .has(#""tags":{"a":2}"#)), ("[]", .lacks("tags")),
      ("null", .lacks("tags")),
      (#"[{"n":{"k":"a"},"w":{"deep":3}},{"n":{"k":"b"},"v":2,"w":{"deep":4}}]"#, .has(#""tags":{"a":3,"b":2}"#)),
      (#"[{"v":1}]"#, .reject(.wrongType, "tags")), ("[5]", .reject(.wrongType, "tags")), ("{}", .reject(.wrongType, "tags")),
      (#"[{"n":{"k":[]},"v":1}]"#, .reject(.wrongType, "tags")), (#"[{"n":{"k":"a"},"v":[1]}]"#, .reject(.wrongType, "tags")),
    ] as [(String, Expected)])
  func pairs(list: String, expected: Expected) throws {
    expected.check(try json(row(conversionCells, "\"data\":{\"tags\":\(list)}"), Self.pairs))
  }

  @Test("only elements that pass every filter are taken; what the others hold is not looked at")
  func filters() throws {
    let list =
      #"[{"kind":"user","id":"5","name":"a","value":1},{"kind":"machine","name":"b","value":[1]},{"kind":"user","name":"hidden","value":{}},{"kind":1,"value":"y"},{"value":3}]"#
    #expect(
      try group("\"attrs\":\(list)", Self.pairs)
        == #","attributes":[{"type":"1","value":"y"},{"type":"user","key":"a","value":1}]"#,
      "an entity id is kept for custom attributes only")
  }

  @Test("attributes of a mapping that knows objects only are rejected as a list, not dropped")
  func objectsOnly() throws {
    var mapping = Mapping.native
    mapping.attributes = [.members(of: "attributes")]
    Expected.reject(.wrongType, "attributes").check(try json(row(conversionCells, #""attributes":[]"#), mapping))
  }

  @Test("numbers that would fill the memory when written in full are a reject, and only where an id is derived from them")
  func expansion() throws {
    let tags = (0..<30_000).map { "\"\($0)\":1e-399" }.joined(separator: ",")
    let members = "\"tags\":{\(tags)}"
    Expected.reject(.eventTooLarge, "tags").check(try json(row(conversionCells, members)))
    #expect(try json(row(conversionCells, members + ",\"uuid\":\"u\"")).record != nil)
  }
}

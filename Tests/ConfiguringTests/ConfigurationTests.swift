import Configuring
import Normalizing
import Testing
import Vocabulary

@Suite("Configurations")
struct ConfigurationTests {
  static let settings = ["account_id", "endpoint", "memory", "accept", "max_rejects"]

  static func read(_ text: String, _ variables: [String: String] = [:]) throws(ConfigurationFault) -> ConfigurationFile {
    try ConfigurationFile(text, file: "import.yaml", settings: settings, variables: variables)
  }

  private func problems(_ text: String, _ variables: [String: String] = [:]) -> [String] {
    do throws(ConfigurationFault) {
      _ = try ConfigurationTests.read(text, variables)
      return []
    } catch {
      return error.description.split(separator: "\n").map(String.init)
    }
  }

  /// The mapping of the only input, whose other keys are these.
  private func mapping(_ keys: String) throws -> Mapping {
    let file = try ConfigurationTests.read(
      "inputs:\n  - files: a.csv\n" + keys.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
    return try #require(file.inputs.first?.mapping)
  }

  @Test("settings, attributes and inputs are read, every id with each of its digits")
  func whole() throws {
    let file = try ConfigurationTests.read(
      """
      # A comment.
      account_id: 0123456789012345678901
      endpoint: eu
      accept: [early-conversion, timestamp-future]
      attributes: {plan: 20301771717, "Körper": yes}
      inputs:
        - files: [exports/a-*.csv, "b.csv"]
          record: conversion
          delimiter: ;
          quote: none
          fields: {visitor_id: user, entity_id: {const: 9560823711.0}, timestamp: at}
        - files: c.ndjson
          format: ndjson
          preset: events-export
        - files: "-"
      """)
    #expect(file.settings == ["account_id": "0123456789012345678901", "endpoint": "eu", "accept": "early-conversion,timestamp-future"])
    #expect(file.attributes == ["plan": "20301771717", "Körper": "yes"])
    #expect(file.inputs.count == 3)
    #expect(file.inputs[0].files == ["exports/a-*.csv", "b.csv"] && file.inputs[0].record == .conversion)
    #expect(file.inputs[0].form == InputForm(delimiter: ";", quote: ""))
    #expect(file.inputs[0].mapping?.fields[.entity] == .constant("9560823711.0"))
    #expect(file.inputs[1].mapping == (try Presets.mapping("events-export", datafile: nil)))
    #expect(file.inputs[1].form == InputForm(format: .ndjson))
    #expect(file.inputs[2].mapping == nil && file.inputs[2].record == nil)
  }

  @Test("values come from columns, constants, the first of several, several joined, and tables")
  func sources() throws {
    let mapping = try mapping(
      """
      record: conversion
      fields:
        visitor_id: {first: [user.id, {const: nobody}]}
        entity_id: {from: event, lookup: {bought: 9, "null": 8}, otherwise: keep}
        key: {join: [shop, event], separator: "-"}
        timestamp: at
        uuid: {from: [order, line]}
        session_id: {from: s, lookup: {a: b}, otherwise: {const: c}}
      """)
    #expect(mapping.fields[.visitor] == .first([.path("user.id"), .constant("nobody")]))
    #expect(mapping.fields[.entity] == .lookup(.path("event"), Lookup(["bought": "9", "null": "8"], otherwise: .keep)))
    #expect(mapping.fields[.key] == .join([.path("shop"), .path("event")], separator: "-"))
    #expect(mapping.fields[.uuid] == .eventID([.path("order"), .path("line")]))
    #expect(mapping.fields[.session] == .lookup(.path("s"), Lookup(["a": "b"], otherwise: .constant("c"))))
  }

  @Test("times, money and numbers are read as they are said to be written")
  func conversions() throws {
    let mapping = try mapping(
      """
      record: conversion
      fields:
        visitor_id: u
        entity_id: e
        timestamp: {from: at, format: M/d/yyyy HH:mm, zone: Europe/Paris}
        revenue: {from: amount, unit: minor, exponent: 0, rounding: half_up}
        value: {from: v, decimal: ",", group: "."}
      """)
    #expect(mapping.fields[.timestamp] == .converted(.path("at"), .time(.pattern("M/d/yyyy HH:mm"), zone: "Europe/Paris")))
    #expect(mapping.fields[.revenue] == .converted(.path("amount"), .money(MoneyFormat(unit: .minor, exponent: 0, rounding: .halfUp))))
    #expect(mapping.fields[.value] == .converted(.path("v"), .number(NumberFormat(decimal: ",", group: "."))))
    for (format, expected) in [("epoch_seconds", TimeFormat.epoch(.seconds)), ("epoch", .anyEpoch), ("iso8601", .iso8601)] {
      let fields = "record: conversion\nfields: {visitor_id: u, entity_id: e, timestamp: {from: at, format: \(format)}}"
      #expect(try self.mapping(fields).fields[.timestamp] == .converted(.path("at"), .time(expected, zone: nil)))
    }
  }

  @Test("tags, properties, attributes and conditions are read")
  func lists() throws {
    let mapping = try mapping(
      """
      record: conversion
      fields: {visitor_id: u, entity_id: e, timestamp: t}
      tags: {category: cat, count: {from: n, type: number}, "*": labels}
      properties: {"*": {pairs: params, name: key, value: value.text}}
      attributes: {plan: {from: plan, entity_id: 77, type: string}, "*": traits}
      where: {status: [paid, sent], test: {not: "1"}, amount: {greater: 0, at_most: 10.5}, order: {empty: false}, shop: web}
      """)
    #expect(
      mapping.tags == [.one(name: "category", .path("cat"), nil), .one(name: "count", .path("n"), .number), .members(of: "labels")])
    #expect(mapping.properties == [.pairs(of: "params", name: "key", value: ["value.text"])])
    #expect(mapping.attributes == [.one(key: "plan", entity: "77", .path("plan"), .string), .members(of: "traits")])
    #expect(
      mapping.conditions == [
        Condition(.path("status"), .isOneOf(["paid", "sent"])), Condition(.path("test"), .isNoneOf(["1"])),
        Condition(.path("amount"), .atMost("10.5")), Condition(.path("amount"), .greater("0")), Condition(.path("order"), .isNotEmpty),
        Condition(.path("shop"), .isOneOf(["web"])),
      ])
  }

  @Test("several lists are taken for one name, of pairs and of attribute objects too")
  func several() throws {
    let mapping = try mapping(
      """
      record: conversion
      fields: {visitor_id: u, entity_id: e, timestamp: t}
      explode: orders.items
      ignore: [x, y.z]
      tags: {"*": [labels, {pairs: params, name: key, value: [value.text, value.number]}]}
      attributes:
        "*":
          - traits
          - {elements: list, entity_id: id, key: name, value: v, entity_ids: custom, where: {type: {not: meta}, name: [a, b], z: {not_in: [c]}}}
      """)
    #expect(mapping.tags == [.members(of: "labels"), .pairs(of: "params", name: "key", value: ["value.text", "value.number"])])
    #expect(
      mapping.attributes == [
        .members(of: "traits"),
        .elements(
          of: "list",
          filters: [
            ElementFilter("type", isOneOf: false, ["meta"]), ElementFilter("name", ["a", "b"]), ElementFilter("z", isOneOf: false, ["c"]),
          ], type: "type", entity: "id", key: "name", value: "v", entityOnlyForCustom: true),
      ])
    #expect(mapping.explode == "orders.items" && mapping.ignored == ["x", "y.z"])
  }

  @Test("the form of an input's bytes is read")
  func form() throws {
    let file = try ConfigurationTests.read(
      "inputs: [{files: a, format: csv, delimiter: tab, quote: none, comment: '#', header: false, skip: 3, encoding: windows-1252}, {files: b}]"
    )
    #expect(
      file.inputs[0].form
        == InputForm(format: .csv, delimiter: "\t", quote: "", comment: "#", header: false, skip: 3, encoding: .windows1252))
    #expect(file.inputs[1].form == InputForm())
    for (keys, words) in [
      ("skip: -1", "from 0 to"), ("skip: 1000001", "from 0 to"), ("encoding: latin1", "did you mean latin-1?"),
      ("header: x", "true or false"),
      ("format: xml", "csv, ndjson, json"), ("comment: '//'", "one character"),
    ] { #expect(problems("inputs: [{files: a, \(keys)}]").joined().contains(words), "\(problems("inputs: [{files: a, \(keys)}]"))") }
  }

  @Test("an input changes its preset, and one without fields changes native rows")
  func presets() throws {
    let changed = try mapping(
      "preset: events-export\nfields: {timestamp: {from: timestamp, format: epoch_seconds}}\nwhere: {account_id: 5}")
    var expected = try Presets.mapping("events-export", datafile: nil)
    expected.name = "events-export, changed"
    expected.isPreset = false
    expected.fields[.timestamp] = .converted(.path("timestamp"), .time(.epoch(.seconds), zone: nil))
    expected.conditions = [Condition(.path("account_id"), .isOneOf(["5"]))]
    #expect(changed == expected)
    let native = try mapping("where: {status: paid}")
    #expect(native.fields == Mapping.native.fields && native.conditions.count == 1)
  }

  @Test("which kind a row is follows from the column of its variation when nothing else says it")
  func kinds() throws {
    let mapping = try mapping(
      "fields: {visitor_id: u, entity_id: e, timestamp: t, campaign_id: c, experiment_id: x, variation_id: {first: [v, w]}}")
    #expect(mapping.decisionMarks == ["v", "w"])
  }

  @Test("variables of the environment stand in for values")
  func variables() throws {
    let text =
      "account_id: ${ACCOUNT}\nendpoint: https://${HOST:-localhost}:${PORT:-8080}/v1\nmemory: a$$b$c\ninputs: [{files: '${DIR}/x.csv'}]"
    let file = try ConfigurationTests.read(text, ["ACCOUNT": "12", "DIR": "/data", "PORT": ""])
    #expect(file.settings == ["account_id": "12", "endpoint": "https://localhost:8080/v1", "memory": "a$b$c"])
    #expect(file.inputs[0].files == ["/data/x.csv"])
    #expect(
      problems(text) == [
        "import.yaml:1: the environment variable ACCOUNT is not set; set it, or write ${ACCOUNT:-otherwise}",
        "import.yaml:4: the environment variable DIR is not set; set it, or write ${DIR:-otherwise}",
      ])
  }
}

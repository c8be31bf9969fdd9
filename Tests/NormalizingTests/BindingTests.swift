import Bytes
import Testing
import Vocabulary

@testable import Normalizing

/// Columns and members, and what they are taken for.
@Suite struct BindingTests {
  private func refusal(
    _ header: [String], _ mapping: Mapping = .native, kind: RecordKind? = nil, attributes: [String: String] = [:],
    likelyDelimiter: String? = nil
  ) -> String? {
    do throws(HeaderRefusal) {
      _ = try Harness(mapping, header: header, kind: kind, attributes: attributes, likelyDelimiter: likelyDelimiter)
      return nil
    } catch {
      return error.message
    }
  }

  static let decisionHeader = decisionCells.keys.sorted()
  static let conversionHeader = conversionCells.keys.sorted()

  @Test(
    "a missing column is named with the unused column that is most like it",
    arguments: [
      ("visitor_id", "user_id"), ("visitor_id", "visitorId"), ("campaign_id", "campaign"), ("experiment_id", "experimentId"),
      ("timestamp", "time"), ("timestamp", "Timestamp"),
    ])
  func closestColumn(missing: String, instead: String) throws {
    let header = Self.decisionHeader.map { $0 == missing ? instead : $0 }
    let message = try #require(refusal(header))
    #expect(
      message.contains("the column \(missing) is missing") && message.contains("the closest column is \(instead): rename it, or map it"))
  }

  @Test("where no column is like the missing one, or all are in use, none is suggested")
  func noneIsClose() throws {
    for header in [["visitor_id", "entity_id"], ["visitor_id", "entity_id", "a very different column"], []] {
      let message = try #require(refusal(header))
      #expect(message.contains("is missing") && !message.contains("closest") && message.hasSuffix("`optireplay init` proposes how"))
    }
  }

  @Test("every column that rows cannot do without is asked for; what kind they are decides which")
  func required() {
    for name in Self.decisionHeader {
      #expect(refusal(Self.decisionHeader.filter { $0 != name }, kind: .decision)?.contains(name) == true)
    }
    for name in Self.conversionHeader {
      #expect(refusal(Self.conversionHeader.filter { $0 != name }, kind: .conversion)?.contains(name) == true)
    }
    #expect(refusal(Self.decisionHeader) == nil && refusal(Self.conversionHeader) == nil)
    #expect(
      refusal(["visitor_id", "campaign_id", "timestamp", "is_campaign_holdback"], kind: .decision) == nil,
      "a holdback needs no more")
    #expect(refusal(["record", "visitor_id", "timestamp"]) == nil, "the rows say what they are")
    #expect(refusal(Self.decisionHeader, kind: .conversion)?.contains("every conversion") == true)
  }

  @Test("a file that another delimiter divides is told so")
  func delimiter() {
    let message = refusal(["visitor_id;entity_id;timestamp"], likelyDelimiter: "semicolons")
    #expect(message?.contains("semicolons") == true)
  }

  @Test(
    "a column that is needed and stands there twice is refused; others may",
    arguments: ["visitor_id", "tags.a", "attributes.a", "revenue"])
  func duplicates(name: String) {
    #expect(
      refusal(Self.conversionHeader + [name, name], attributes: ["a": "1"])?.contains("the column \(name) more than once") == true
    )
    #expect(refusal(Self.conversionHeader + ["", "", "other", "other"]) == nil)
  }

  @Test("names are compared byte by byte, so two spellings of one letter are two columns")
  func spellings() throws {
    var harness = try Harness(header: Self.conversionHeader + ["tags.\u{e9}", "tags.e\u{301}", "tags.\u{301}"])
    let cells = [bytes("55"), bytes("1700000000000"), bytes("v"), bytes("1"), bytes("2"), bytes("3")]
    let written = try #require(harness.normalize(Row(cells: cells)).record)
    let tags = "\"tags\":{\"e\u{301}\":\"2\",\"\u{e9}\":\"1\",\"\u{301}\":\"3\"}}"
    #expect(bytes(written.event).suffix(bytes(tags).count) == bytes(tags)[...])
  }

  @Test("columns and members that no field asks for are counted, each name once; the preset's known ones are not spoken of")
  func unknown() throws {
    let csv = try Harness(header: Self.conversionHeader + ["x", "tags.a", "tags.", "Key"])
    #expect(csv.unknownNames == ["x 0", "tags. 0", "Key 0"])
    var rows = try Harness()
    for _ in 0..<3 { _ = try rows.json(row(conversionCells, #""x":1,"tags":{"y":1},"attributes":{}"#)) }
    _ = try rows.json(row(conversionCells, #""z":{},"x":1"#))
    #expect(rows.unknownNames == ["x 4", "z 1"])
    var export = try Harness(.eventsExport)
    _ = try export.json(row(conversionCells, #""user_ip":"1","referer":"r","experiments":[],"x":1"#))
    #expect(export.unknownNames == ["x 1"])
    let exportCSV = try Harness(.eventsExport, header: Self.conversionHeader + ["user_ip", "experiments", "x"])
    #expect(exportCSV.unknownNames == ["x 0"])
  }

  @Test("members are found whatever their order from row to row, and only so many unknown names are told apart")
  func order() throws {
    var harness = try Harness()
    var random = Seeded(1)
    for turn in 0..<200 {
      let members = (conversionCells.merging(["uuid": "u", "key": "k"]) { $1 }).map { "\"\($0)\":\"\($1)\"" }.sorted().shuffled(
        using: &random)
      let unknown = (0..<random.below(4)).map { "\"x\(turn)-\($0)\":0" }
      let text = "{" + (members + unknown).shuffled(using: &random).joined(separator: ",") + "}"
      #expect(try harness.json(text).record?.event == #"{"entity_id":"55","key":"k","timestamp":1700000000000,"uuid":"u"}"#)
    }
    #expect(harness.unknownNames.count == 100)
  }

  @Test("an attribute column whose entity id is not known is refused, naming the flag; one that names no attribute too")
  func attributes() {
    #expect(refusal(Self.conversionHeader + ["attributes.plan"])?.contains("--attribute 'plan=ENTITY_ID'") == true)
    #expect(refusal(Self.conversionHeader + ["attributes.plan"], attributes: ["plan": ""])?.contains("--attribute") == true)
    #expect(refusal(Self.conversionHeader + ["attributes.plan"], attributes: ["plan": "7"]) == nil)
    #expect(
      refusal(Self.conversionHeader + ["attributes.a/b"], attributes: ["a/b": "7"])?.contains("does not name an attribute")
        == true)
  }

  // MARK: what kind a row is

  @Test("a record column says what each row is, and nothing else is taken")
  func recordColumn() throws {
    let header = Set(decisionCells.keys).union(conversionCells.keys).union(["record"]).sorted()
    var harness = try Harness(header: header)
    #expect(try harness.csv(decisionCells.with("record", "decision")).record?.kind == .decision)
    #expect(try harness.csv(conversionCells.with("record", "conversion")).record?.kind == .conversion)
    for word in ["Decision", "event", "1"] {
      Expected.reject(.badRecord, "record").check(try harness.csv(decisionCells.with("record", word)))
    }
    Expected.reject(.missingField, "record").check(try harness.csv(decisionCells))
  }

  @Test("without a flag or a record member, a JSON row with a campaign or variation is a decision")
  func guessed() throws {
    var harness = try Harness()
    #expect(try harness.json(row(decisionCells)).record?.kind == .decision)
    #expect(try harness.json(row(conversionCells)).record?.kind == .conversion)
    #expect(try harness.json(row(decisionCells.merging(conversionCells) { $1 })).record?.kind == .decision)
    #expect(
      try harness.json(row(decisionCells.merging(conversionCells) { $1 }, #""record":"conversion""#)).record?.kind == .conversion)
    let holdback = decisionCells.without("variation_id").without("experiment_id")
    #expect(try harness.json(row(holdback, #""is_campaign_holdback":true"#)).record?.kind == .decision)
  }

  @Test("the flag decides over what rows look like")
  func flag() throws {
    let both = row(decisionCells.merging(conversionCells) { $1 })
    #expect(try json(both, kind: .conversion).record?.kind == .conversion)
    #expect(try json(both, kind: .decision).record?.kind == .decision)
    Expected.reject(.missingField, "entity_id").check(try json(row(decisionCells), kind: .conversion))
  }

  // MARK: mappings

  @Test("constants fill fields, in CSV and JSON; an empty one is none")
  func constants() throws {
    var mapping = Mapping.native
    mapping.fields[.record] = .constant("conversion")
    mapping.fields[.entity] = .constant("77")
    mapping.fields[.session] = .constant("s\"1")
    mapping.fields[.key] = .constant("")
    mapping.fields[.revenue] = .constant("5")
    let cells = ["visitor_id": "v", "timestamp": "1700000000000", "uuid": "u", "variation_id": "3"]
    let expected = #"{"entity_id":"77","timestamp":1700000000000,"uuid":"u","revenue":5}"#
    var columns = try Harness(mapping, header: cells.keys.sorted())
    for fate in [
      try columns.csv(cells), try json(row(cells), mapping), try json(row(cells, #""session_id":"x","uuid":"\u0075""#), mapping),
    ] {
      #expect(fate.record?.event == expected)
      #expect(fate.record?.group == #","session_id":"s\"1""#)
    }
    mapping.fields[.entity] = .constant("")
    Expected.reject(.missingField, "entity_id").check(try json(row(cells), mapping))
    mapping.fields[.entity] = .constant("9.5E+09")
    Expected.reject(.damagedID, "entity_id").check(try json(row(cells), mapping))
  }

  @Test("the first of several that is there counts, and a path goes into nested members or is a column's very name")
  func paths() throws {
    var mapping = Mapping.native
    mapping.fields[.visitor] = .first([.path("user.id"), .path("anonymous_id")])
    mapping.fields[.timestamp] = .path("at")
    let time = #""entity_id":"5","uuid":"u","at":1700000000000"#
    for (members, visitor) in [
      (#""user":{"id":"a"},"anonymous_id":"b""#, "a"), (#""user":{"id":null},"anonymous_id":"b""#, "b"),
      (#""user":{"id":""},"anonymous_id":"b""#, "b"),
      (#""user":"x","anonymous_id":"b""#, "b"), (#""anonymous_id":7"#, "7"), (#""user":{"id":"z","id":"a"}"#, "a"),
    ] { #expect(try json("{\(time),\(members)}", mapping).record?.visitor == visitor) }
    Expected.reject(.missingField, "user.id, anonymous_id").check(try json("{\(time)}", mapping))
    Expected.reject(.timestampUnit, "at").check(try json(#"{"entity_id":"5","anonymous_id":"v","at":5}"#, mapping))
    var columns = try Harness(mapping, header: ["user.id", "anonymous_id", "at", "entity_id"])
    #expect(
      try columns.csv(["user.id": "a", "anonymous_id": "b", "at": "1700000000000", "entity_id": "5"]).record?.visitor == "a")
    #expect(try columns.csv(["anonymous_id": "b", "at": "1700000000000", "entity_id": "5"]).record?.visitor == "b")
    #expect(refusal(["at", "entity_id", "user_id"], mapping)?.contains("user.id, anonymous_id") == true)
  }

  @Test("each field has a slot of its own")
  func slots() {
    #expect(Set(Field.allCases.map(\.slot)) == Set(0..<Field.allCases.count), "no two fields share a place")
  }
}

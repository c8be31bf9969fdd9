import Bytes
import EventAPI
import Testing
import Vocabulary

@testable import Normalizing

/// Rows of every kind, right and wrong. The harness stops the program when a reject leaves something in the arena.
@Suite struct FuzzTests {
  static let attributes = ["a": "1", "plan": "2"]

  /// What the server's rules say of a record, as the reader of bodies knows them; nil when it would be taken as it stands.
  private func objection(_ written: Written, _ reader: inout BodyReader) -> String? {
    do throws(BodyFault) { try reader.read(written.body.span) } catch { return error.description }
    guard reader.offsets.count == 1 else { return "\(reader.offsets.count) records" }
    let again = Written(StagedRecord(reader.records.span, at: reader.offsets[0]))
    return again.event == written.event && again.group == written.group && again.visitor == written.visitor
      ? nil : "another record"
  }

  static let values = [
    "null", "true", "false", "0", "-0", "1", "-1", "1.50", "1e2", "1E400", "9007199254740993", "9223372036854775808",
    "1700000000000", "1700000000",
    "\"\"", "\"x\"", "\"1\"", "\"1.5\"", "\"1e5\"", "\"true\"", "\"\\ue000x\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"",
    "\"2024-05-01T12:00:00Z\"",
    "\"campaign_activated\"", "\"decision\"", "\"conversion\"", "\"custom\"", "[]", "{}", "[1]", "[[]]", "[null]", "{\"a\":1}",
    "{\"a\":\"x\"}", "{\"plan\":true,\"a\":null}",
    "{\"$opt_event_properties\":{\"a\":[{}]}}", "{\"\":0}", "[{\"type\":\"custom\",\"key\":\"a\",\"value\":1}]",
    "[{\"type\":\"device\",\"value\":\"x\"}]",
    "[{\"type\":\"custom\",\"entity_id\":5,\"key\":\"a b\",\"value\":\"\"}]",
    "[{\"id\":\"9\",\"name\":\"plan\",\"type\":\"custom\",\"value\":2.0}]", "[{\"v\":1}]",
  ]

  private func jsonRow(_ mapping: Mapping, _ random: inout Seeded) -> String {
    var members: [String] = []
    let base = random.below(2) == 0 ? decisionCells : conversionCells
    if random.below(4) > 0 { members += base.map { "\"\($0)\":\"\($1)\"" }.sorted() }
    let names = Field.allCases.map(\.rawValue) + ["tags", "properties", "attributes", "is_holdback", "event_name", "x"]
    for _ in 0..<random.below(5) {
      members.append("\"\(names[random.below(names.count)])\":\(Self.values[random.below(Self.values.count)])")
    }
    return "{" + members.joined(separator: ",") + "}"
  }

  @Test("a JSON row of any values becomes a record that the server's rules take, or a reject", arguments: 0..<16)
  func jsonRows(seed: Int) throws {
    var random = Seeded(seed)
    let mapping = seed % 2 == 0 ? Mapping.native : .eventsExport
    var harness = try Harness(mapping, kind: [nil, .decision, .conversion][seed % 3], attributes: Self.attributes)
    var reader = BodyReader(bodyLimit: 100_000)
    var recordCount = 0
    var rejectCount = 0
    for _ in 0..<250 {
      let row = jsonRow(mapping, &random)
      switch try harness.json(row) {
      case .record(let written):
        recordCount += 1
        let objection = objection(written, &reader)
        #expect(objection == nil, "\(row)")
      case .reject(let reject):
        rejectCount += 1
        #expect(!reject.message.isEmpty)
      case .filtered: Issue.record("nothing is to be left out")
      }
    }
    #expect(recordCount > 20 && rejectCount > 20, "both fates are tried")
  }

  @Test("changed bytes of good rows never stop the program", arguments: 0..<12)
  func mutations(seed: Int) throws {
    var random = Seeded(100 + seed)
    let rows = [
      row(
        conversionCells.with("uuid", "u"),
        #""revenue":1999,"value":1.50,"tags":{"a":1,"b":"x"},"properties":{"p":"q"},"attributes":{"a":1,"plan":"\u0041"}"#),
      row(
        decisionCells, #""enabled":true,"flag_key":"f","attributes":[{"type":"device","value":"x"}],"is_campaign_holdback":false"#
      ),
      PresetTests.decision, PresetTests.conversion,
    ].map(bytes)
    var native = try Harness(attributes: Self.attributes)
    var export = try Harness(.eventsExport, attributes: Self.attributes)
    var pairs = try Harness(ListTests.pairs, attributes: Self.attributes)
    var reader = BodyReader(bodyLimit: 100_000)
    var takenCount = 0
    for _ in 0..<200 {
      var text = rows[random.below(rows.count)]
      for _ in 0...random.below(3) {
        let place = random.below(text.count)
        switch random.below(3) {
        case 0: text[place] = UInt8(random.below(0x80))
        case 1: text.remove(at: place)
        default: text.insert(contentsOf: text[place..<min(text.count, place + random.below(20))], at: place)
        }
      }
      guard let row = Row(json: text) else { continue }
      takenCount += 1
      for fate in [native.normalize(row), export.normalize(row), pairs.normalize(row)] {
        guard let written = fate.record else { continue }
        let objection = objection(written, &reader)
        #expect(objection == nil, "\(String(decoding: text, as: UTF8.self))")
      }
    }
    #expect(takenCount > 20)
  }

  static let cells = [
    "", " ", "x", "1", "0", "-0", "1.50", "1e5", "1E400", "9.56082E+09", "1700000000000", "1700000000", "2024-05-01T12:00:00Z",
    "2024-05-01 12:00:00", "true",
    "FALSE", "decision", "conversion", "campaign_activated", "\u{e000}1", "\0", "\"", "é", "e\u{301}", "\u{1f}", "😀", "[]", "{}",
    "null",
  ]

  @Test("a CSV row of any columns and cells becomes a record that the server's rules take, or a reject", arguments: 0..<16)
  func csvRows(seed: Int) throws {
    var random = Seeded(200 + seed)
    var reader = BodyReader(bodyLimit: 100_000)
    var recordCount = 0
    let names =
      Field.allCases.map(\.rawValue) + [
        "tags.a", "tags.\"", "tags.é", "properties.p", "attributes.a", "attributes.plan", "x", "",
      ]
    for turn in 0..<25 {
      let base = turn % 2 == 0 ? decisionCells : conversionCells
      let header = Set(base.keys).union((0..<random.below(8)).map { _ in names[random.below(names.count)] }).subtracting([
        "record"
      ]).sorted()
        .shuffled(using: &random)
      var harness: Harness
      do { harness = try Harness(header: header, attributes: Self.attributes) } catch { continue }
      for _ in 0..<12 {
        let wild = random.below(3)
        let row = header.map { name in
          random.below(6) < wild || base[name] == nil ? bytes(Self.cells[random.below(Self.cells.count)]) : bytes(base[name]!)
        }
        guard let written = harness.normalize(Row(cells: row)).record else { continue }
        recordCount += 1
        let objection = objection(written, &reader)
        #expect(objection == nil, "\(header) \(row)")
      }
    }
    #expect(recordCount > 20)
  }

  @Test("a record written as a native row again is the same record", arguments: 0..<8)
  func nativeRows(seed: Int) throws {
    var random = Seeded(300 + seed)
    var harness = try Harness(attributes: Self.attributes)
    var reader = BodyReader(bodyLimit: 100_000)
    var writer = NativeRowWriter()
    var recordCount = 0
    for _ in 0..<200 {
      guard let written = try harness.json(jsonRow(.native, &random)).record else { continue }
      recordCount += 1
      try reader.read(written.body.span)
      var line = ByteArena(limit: 100_000)
      writer.append(StagedRecord(reader.records.span, at: reader.offsets[0]), to: &line)
      // The body's reader cannot know that an id was derived: it stays in the row.
      let again = try harness.json(text(line.span)).record
      #expect(
        again?.event == written.event && again?.group == written.group && again?.visitor == written.visitor, "\(text(line.span))")
      #expect(again?.kind == written.kind && again?.revenue == written.revenue && again?.value == written.value)
    }
    #expect(recordCount > 40)
  }

  @Test("a native row written without its derived id derives the same id again")
  func derivedAgain() throws {
    for members in ["", #""value":1.50,"tags":{"b":1.0,"a":"x"}"#, #""revenue":0,"properties":{"p":"q"}"#] {
      for cells in [decisionCells, conversionCells] {
        var normalizer = try Normalizer(mapping: .native, header: nil, kind: nil, settings: NormalizerSettings(accountID: "1"))
        var arena = ByteArena(limit: 1 << 20)
        let first = try #require(Row(json: bytes(row(cells, members))))
        var tape = first.tape
        guard
          case .record(let start) = normalizer.normalize(
            first.bytes.span, &tape, quote: 0x22, place: RowPlace(input: 0, offset: 0, line: 1), into: &arena)
        else { Issue.record("a good row was rejected"); return }
        var line = ByteArena(limit: 1 << 20)
        var writer = NativeRowWriter()
        writer.append(StagedRecord(arena.span, at: start), to: &line)
        let native = text(line.span)
        #expect(!native.contains("uuid"))
        let again = try json(native).record
        let written = Written(StagedRecord(arena.span, at: start))
        #expect(again == written)
      }
    }
  }
}

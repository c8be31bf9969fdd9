import Bytes
import Testing
import Vocabulary

@testable import Normalizing

/// Event ids that are made from the event: what a warehouse must be able to compute too.
@Suite struct DerivedIDTests {
  /// A row of account 1, the text that its id is made from, and the UUIDv5 of that text in the namespace
  /// 2b4ebe69-f740-5e3b-bf28-176cb194d6f0, as Python's `uuid.uuid5` says.
  static let vectors = [
    (
      #"{"visitor_id":"v","entity_id":"55","timestamp":1700000000000}"#,
      "1\nv\nconversion\n55\n\n1700000000000\n\n\n\n\n",
      "acc960e0-6348-5cd7-b350-825552f2e29d"
    ),
    (
      #"{"visitor_id":"v","campaign_id":"11","experiment_id":"22","variation_id":"33","timestamp":1700000000000}"#,
      "1\nv\ndecision\n11\n22\n33\n1700000000000\n\n\n\n\n",
      "b4ff89cf-36bc-519a-b2e2-d7faffe75f0a"
    ),
    (
      #"{"visitor_id":"v","campaign_id":11,"is_campaign_holdback":true,"timestamp":"2023-11-14T22:13:20Z"}"#,
      "1\nv\ndecision\n11\n\n\n1700000000000\n\n\n\n\n",
      "87702c45-5c16-598d-83fa-105593c3455b"
    ),
    (
      #"{"visitor_id":"a\u00e9\n\"","entity_id":"55","key":"buy","timestamp":1700000000000,"revenue":0,"value":-1.50e1,"quantity":-3}"#,
      "1\naé\\n\\\"\nconversion\n55\nbuy\n1700000000000\n0\n-15\n-3\n\n",
      "336da55a-06ba-5cfa-8ad6-6f0bf6bb6563"
    ),
    (
      #"{"visitor_id":"v","entity_id":"55","timestamp":1700000000000,"tags":{"b":1.50,"a":"x","c":true},"properties":{"q":"2","p":"1"}}"#,
      "1\nv\nconversion\n55\n\n1700000000000\n\n\n\n{\"a\":\"x\",\"b\":1.5,\"c\":true}\n{\"p\":\"1\",\"q\":\"2\"}",
      "cd87bcf3-098e-5cf6-91e4-34c0d6e08b04"
    ),
    (
      #"{"visitor_id":"v","entity_id":"55","timestamp":1700000000000,"tags":{"$opt_event_properties":{"z":[1.0,1E2],"a":null}}}"#,
      "1\nv\nconversion\n55\n\n1700000000000\n\n\n\n{\"$opt_event_properties\":{\"z\":[1,100],\"a\":null}}\n",
      "49ba43e4-3ef2-5bfe-a143-70aff95babf0"
    ),
  ]

  @Test("the published vectors hold: row, text, id", arguments: vectors)
  func published(row: String, name: String, id: String) throws {
    let written = try #require(try json(row).record)
    #expect(written.isDerived && written.eventID == id)
    #expect(uuid5(name) == id)
  }

  private func id(_ cells: [String: String], _ members: String = "") throws -> String {
    let written = try #require(try json(row(cells, members)).record)
    #expect(written.isDerived)
    return written.eventID
  }

  @Test("all spellings of one event share one id, in CSV and JSON, whatever else the row says")
  func spellings() throws {
    let expected = try id(
      conversionCells, #""value":1.5,"revenue":0,"quantity":2,"tags":{"a":"x","b":"1.50"},"properties":{"p":"q"}"#)
    for members in [
      #""properties":{"p":"q"},"tags":{"b":"1.50","a":"x"},"quantity":"2","revenue":"-0","value":"1.50""#,
      #""value":15e-1,"revenue":0,"quantity":2,"tags":{"a":"y","b":"1.50","a":"\u0078","n":null},"properties":{"p":"q"},"session_id":"s","uuid":"""#,
      #""value":0.15E+1,"revenue":0,"quantity":2,"tags":{"a":"x","b":"1.50"},"properties":{"p":"q"},"timestamp":"2023-11-15T00:13:20.0009+02:00""#,
      #""value":1.50,"revenue":0,"quantity":2,"tags":{"a":"x","b":"1.50"},"properties":{"p":"q"},"attributes":[{"type":"device","value":1}]"#,
    ] { #expect(try id(conversionCells, members) == expected, "\(members)") }
    let cells = [
      "value": "1.500", "revenue": "0", "quantity": "2", "tags.b": "1.50", "tags.a": "x", "properties.p": "q", "key": "",
    ]
    #expect(try csv(conversionCells.merging(cells) { $1 }).record?.eventID == expected)
    for value in ["1.5", "1.50", "1.500e0", "150E-2"] {
      #expect(try csv(conversionCells.merging(cells) { $1 }.with("value", value)).record?.eventID == expected)
    }
  }

  @Test("the number of a tag has one id for all its spellings, and its text another")
  func tagNumbers() throws {
    let number = try id(conversionCells, #""tags":{"a":1.5}"#)
    for spelling in ["1.50", "15e-1", "0.15E+1"] { #expect(try id(conversionCells, "\"tags\":{\"a\":\(spelling)}") == number) }
    #expect(try id(conversionCells, #""tags":{"a":"1.5"}"#) != number)
    let nested = try id(conversionCells, #""tags":{"$opt_event_properties":{"a":[1.0]}}"#)
    #expect(try id(conversionCells, #""tags":{"$opt_event_properties":{ "a":[ 10E-1 ]}}"#) == nested)
  }

  @Test("whatever makes two events different makes their ids different")
  func differences() throws {
    let rows = [
      "", #""visitor_id":"w""#, #""entity_id":"56""#, #""key":"k""#, #""timestamp":1700000000001"#, #""revenue":0"#,
      #""value":0"#, #""quantity":0"#,
      #""tags":{"a":"0"}"#, #""properties":{"a":"0"}"#, #""tags":{"a":0}"#, #""tags":{"a":false}"#, #""revenue":1"#,
      #""value":1"#, #""quantity":1"#,
    ]
    let ids = try rows.map { try id(conversionCells, $0) }
    #expect(Set(ids).count == rows.count)
    let decisions = try ["", #""campaign_id":"12""#, #""experiment_id":"23""#, #""variation_id":"34""#].map {
      try id(decisionCells, $0)
    }
    #expect(Set(decisions).count == decisions.count)
    var other = try Harness(account: "2")
    #expect(try other.json(row(conversionCells)).record?.eventID != ids[0])
  }

  @Test("seeded rows get the id of the text that a plain reading of the rule gives", arguments: 0..<12)
  func seeded(seed: Int) throws {
    var random = Seeded(seed)
    for _ in 0..<40 {
      var cells = conversionCells
      var lines = ["1", "", "conversion", "", "", "", "", "", "", "", ""]
      for (line, name) in [(1, "visitor_id"), (3, "entity_id"), (4, "key")] {
        let plain = "x" + random.text(1 + random.below(6))
        cells[name] = plain
        var arena = ByteArena(limit: 1000)
        arena.append(escaping: bytes(plain).span)
        lines[line] = text(arena.span)
      }
      lines[5] = String(Int64.random(in: Limits.timestamps, using: &random))
      cells["timestamp"] = lines[5]
      for (line, name) in [(6, "revenue"), (8, "quantity")] where random.below(2) == 0 {
        lines[line] = String(random.below(100_000) - 50_000)
        cells[name] = lines[line]
      }
      if random.below(2) == 0 {
        lines[7] = "\(random.below(1000)).\(1 + random.below(9))"
        cells["value"] = lines[7] + "000".prefix(random.below(4))
      }
      let tags = (0..<random.below(5)).map { ("n\($0)", String(random.below(100))) }
      for (name, value) in tags { cells["tags." + name] = value }
      lines[9] = tags.isEmpty ? "" : "{" + tags.map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",") + "}"
      #expect(try csv(cells).record?.eventID == uuid5(lines.joined(separator: "\n")), "\(cells)")
    }
  }
}

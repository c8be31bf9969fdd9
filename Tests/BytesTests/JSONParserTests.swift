import Bytes
import Oracles
import Testing

@Suite struct JSONParserTests {
  private func fault(_ text: [UInt8], depthLimit: Int = 8) -> JSONFault? {
    var parser = JSONParser(depthLimit: depthLimit)
    var tape = RowTape()
    do throws(JSONFault) {
      try parser.parse(text.span, into: &tape)
      return nil
    } catch {
      return error
    }
  }

  static let corpus = [
    "", " ", "{}", "[]", "[ ]", "{ }", "0", "-0", "-", "01", "1.", "1.0e", "1e5", "1E+5", "1e-", ".5", "+1", "true", "tru",
    "truex", "nul",
    "null", "false", "\"\"", "\"", "\"\\", "\"\\\"", "\"a\\nb\"", "\"\\x\"", "\"\\u00e9\"", "\"\\u00g9\"", "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\\ude00\"", "\"\\ud83d\\n\"", "\"\u{1f}\"", "\"\u{7f}\"", "[1,2]", "[1,]", "[,1]",
    "[1 2]",
    "[1", "{\"a\":1}", "{\"a\":1,}", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1 \"b\":2}", "{\"a\":1}}", "{\"a\":[{\"b\":[]}]}",
    "1 2", "[}",
    "{]", "\u{feff}1", "\t\r\n 1 \n", "\u{0b}1", "\u{0c}1", "\"12345678\u{1}\"", "[\"1234567\",\"12345678\",\"123456789\"]",
    "{\"a\":{\"a\":{\"a\":null}},\"b\":[true,false,null,-1.5e-3,\"x\"]}", "\"\\u0000\"",
  ]

  @Test("every text of the corpus is taken or refused as the grammar says", arguments: corpus)
  func grammar(text: String) {
    #expect((fault(bytes(text)) == nil) == oracleAccepts(bytes(text), depthLimit: 8))
  }

  @Test("no prefix of a legal text makes the parser stumble, and each is judged as the grammar says")
  func prefixes() {
    let text = bytes(#" {"a\u00e9":[1,-2.5E+10,"x\ud83d\ude00",{"b":{}}],"c":null,"d":true} "#)
    for end in 0...text.count {
      let prefix = Array(text[..<end])
      #expect((fault(prefix) == nil) == oracleAccepts(prefix, depthLimit: 8))
    }
  }

  @Test("mutated texts are taken exactly when the oracle takes them", arguments: 0..<20)
  func mutations(seed: Int) {
    var random = Seeded(seed)
    let pieces = bytes("{}[]\",:\\u0d8e-+.tfn 19\u{1}\u{7f}")
    for _ in 0..<150 {
      var text = bytes(legalText(&random, depth: 0))
      if random.below(3) > 0, !text.isEmpty {
        for _ in 0...random.below(3) {
          let place = random.below(text.count)
          switch random.below(4) {
          case 0: text[place] = pieces[random.below(pieces.count)]
          case 1: text.insert(pieces[random.below(pieces.count)], at: place)
          case 2 where text.count > 1: text.remove(at: place)
          default: text.insert(contentsOf: text[place..<min(text.count, place + random.below(9))], at: place)
          }
        }
      }
      let expected = oracleAccepts(text, depthLimit: 8)
      let fault = fault(text)
      #expect((fault == nil) == expected, "\(String(decoding: text, as: UTF8.self))")
      if let fault { #expect(fault.offset >= 0 && fault.offset <= text.count) }
    }
  }

  private func legalText(_ random: inout Seeded, depth: Int) -> String {
    let space = ["", "", " ", "\n\t"][random.below(4)]
    func list(_ element: () -> String) -> String { (0..<random.below(4)).map { _ in element() }.joined(separator: space + ",") }
    func quoted() -> String {
      "\""
        + (0..<random.below(12)).map { _ in ["a", "é", "\\n", "\\\"", "\\u0041", "\\ud83d\\ude00", "😀", " "][random.below(8)] }
        .joined() + "\""
    }
    switch random.below(depth < 6 ? 8 : 4) {
    case 0: return ["true", "false", "null"][random.below(3)]
    case 1: return ["0", "-0", "12", "-3.25", "1e5", "2E-7", "9007199254740993", "0.10"][random.below(8)]
    case 2, 3: return quoted()
    case 4, 5: return "[" + space + list { legalText(&random, depth: depth + 1) } + "]"
    default: return "{" + space + list { quoted() + space + ":" + space + legalText(&random, depth: depth + 1) } + "}"
    }
  }

  @Test("nesting is taken up to the limit and refused one level deeper, at any limit", arguments: [1, 2, 127, 128], [-1, 0, 1])
  func depth(limit: Int, difference: Int) {
    let depth = limit + difference
    let inner = depth == 0 ? "1" : ""
    let arrays = bytes(String(repeating: "[", count: depth) + inner + String(repeating: "]", count: depth))
    let objects = bytes(String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth))
    for text in [arrays, objects] {
      #expect(fault(text, depthLimit: limit)?.reason == (difference > 0 ? .depth : nil))
    }
  }

  @Test("a million open brackets exhaust nothing")
  func endless() {
    #expect(fault([UInt8](repeating: 0x5b, count: 1_000_000), depthLimit: 128)?.offset == 128)
  }

  @Test(
    "a fault says what is wrong and where",
    arguments: [
      ("", .end, 0), ("[1,", .end, 3), ("[x]", .value, 1), ("{1:2}", .key, 1), ("{\"a\" 1}", .colon, 5), ("[1 2]", .comma, 3),
      ("[01]", .number, 1), ("[\"\\q\"]", .escape, 2), ("[\"a\u{1}\"]", .control, 3), ("[\"\\ud800\"]", .surrogate, 2),
      ("[] []", .trailing, 3),
    ] as [(String, JSONFault.Reason, Int)])
  func places(text: String, reason: JSONFault.Reason, offset: Int) {
    #expect(fault(bytes(text))?.reason == reason)
    #expect(fault(bytes(text))?.offset == offset)
  }

  @Test("the tape holds kinds, places inside the quotes, and where each value ends")
  func tape() throws {
    var parser = JSONParser(depthLimit: 8)
    var tape = RowTape()
    let row = bytes(#"{"a":1,"b":[true,"x\n"],"a":{}}"#)
    try parser.parse(row.span, into: &tape)
    #expect(tape.nodes.map(\.kind) == [.object, .string, .number, .string, .array, .true, .string, .string, .object])
    #expect(tape.nodes.map(\.next) == [9, 2, 3, 4, 7, 6, 7, 8, 9])
    #expect(tape.nodes.map { String(decoding: row[$0.range], as: UTF8.self) }[1..<4] == ["a", "1", "b"])
    #expect(tape.nodes[4].range == 11..<23)
    #expect(tape.nodes.map(\.escaped) == [false, false, false, false, false, false, true, false, false])
    #expect(tape.hasEscapes)
    #expect(tape.member(bytes("a").span, of: 0, in: row.span) == 8, "the last of two counts")
    #expect(tape.member(bytes("b").span, of: 0, in: row.span) == 4)
    #expect(tape.member(bytes("c").span, of: 0, in: row.span) == nil)
    #expect(tape.member(bytes("a").span, of: 8, in: row.span) == nil)
    try parser.parse(bytes("[]").span, into: &tape)
    #expect(tape.nodes.count == 1 && !tape.hasEscapes, "a tape is used again")
  }

  @Test("decoding points every escaped node at its plain text and leaves the others where they were")
  func decoding() throws {
    var parser = JSONParser(depthLimit: 8)
    var tape = RowTape()
    var arena = ByteArena(limit: 1000)
    let row = bytes(#"{"a\u0062":"plain","c":"\u0000\ud83d\ude00\/\\"}"#)
    try parser.parse(row.span, into: &tape)
    tape.decode(row.span, quote: 0x22, into: &arena)
    let texts = tape.nodes.map { copy(arena.span.extracting($0.range)) }
    #expect(texts[1] == bytes("ab") && texts[2] == bytes("plain") && texts[3] == bytes("c") && texts[4] == bytes("\0😀/\\"))
    #expect(tape.nodes[2].range == 12..<17)
    #expect(!tape.hasEscapes && tape.nodes.allSatisfy { !$0.escaped })
    #expect(arena.count <= 2 * row.count)
  }

  @Test(
    "a cell's doubled quotes become single, whatever the quote",
    arguments: [("", ""), ("''", "'"), ("a''b", "a'b"), ("''''", "''"), ("a''", "a'"), ("'", "'"), ("12345678''9", "12345678'9")])
  func cells(cell: String, expected: String) {
    var tape = RowTape()
    let row = bytes("x," + cell)
    tape.nodes = [
      Node(kind: .cell, escaped: false, start: 0, count: 1, next: 1),
      Node(kind: .cell, escaped: true, start: 2, count: row.count - 2, next: 2),
    ]
    var arena = ByteArena(limit: 100)
    tape.decode(row.span, quote: 0x27, into: &arena)
    #expect(text(arena.span.extracting(tape.nodes[1].range)) == expected)
    #expect(text(arena.span.extracting(tape.nodes[0].range)) == "x")
  }
}

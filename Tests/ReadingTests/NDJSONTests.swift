import Oracles
import Testing
import Vocabulary

@testable import Reading

private let nastyNDJSON: [String] = [
  "", "\n", "\r\n", "{}", "{}\n", "{}\r\n", "{}\r", "\n\n{}\n\n", "  {\"a\":1}  \n", "\t{}\r\n \r\n{}", "{}{}\n{}", "{\n}\n{}",
  "[1]\n{}",
  "1\n\"a\"\nnull\ntrue\n{}", "{\"a\" 1}\n{}", "{\"a\":1\n{}", "{a:1}\n{}", "{'a':1}\n", "\u{feff}{}\n{}\n",
  "{\"a\":\"\\u00e9\\ud83d\\ude00\\n\\\"\\\\\\/\"}\n", "{\"a\":\"\\ud83d\"}\n{}", "{\"a\":\"\\x\"}\n{}", "{\"a\":\"\u{1}\"}\n{}",
  "{\"a\":\"é😀\"}\r\n{\"é\":null}", "{\"a\":{\"b\":[1,[2,{\"c\":[]}]]}}\n",
  "{\"a\":1,\"b\":2}\n{\"a\":9007199254740993123456789}\n",
  "{\"a\":01}\n{\"a\":-}\n{\"a\":1.}\n{\"a\":.5}\n{\"a\":1e}\n{\"a\":-0.5e+3}", "{\"a\":\"b\rc\"}\n{\"a\":\r1}\n{}",
  "nul\n{}\ntrue1\n{}",
  "{\"a\":NaN}\n{\"a\":Infinity}\n{}", "{}//\n{}", "\u{0b}\n{}", "{\"\":0}\n", "{\"a\":[}\n{\"a\":]}\n{}", "\"\n{}\n\"\n",
]

@Suite struct NDJSONTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func expectOracle(_ bytes: [UInt8], rowBytes: Int = Limits.rowBytes, sizes: [Int]) throws {
    let path = try scratch.write(bytes)
    let mark = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    let expected = ndjsonOracle(Array(bytes[mark...]), rowBytes: rowBytes).map { found in
      var found = found
      found.offset += mark
      return found
    }
    for size in sizes {
      let reading = try readBlocks(path, .ndjson, columns: nil, blockBytes: size, rowBytes: rowBytes)
      let found = reading.found
      #expect(found == expected, "\(shown(bytes)) in blocks of \(size), rows to \(rowBytes)")
    }
  }

  @Test("a nasty input reads as the system's JSON reader says, at every block size", arguments: nastyNDJSON)
  func nasty(_ text: String) throws {
    try expectOracle(Array(text.utf8), sizes: Array(1...64) + [Limits.blockBytes])
  }

  @Test("random inputs read as the system's JSON reader says", arguments: 0..<8 as Range<UInt64>)
  func random(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed)
    let alphabet =
      ["{\"a\":1}", "{\"b\":[null,{}]}", "{\"é\":\"\\u0041\"}", "{", "}", "\"", ",", " ", "\n", "\n", "\r\n", "[]", "\\", "7"]
      .map { Array($0.utf8) } + [[0xc3]]
    for round in 0..<60 {
      let bytes = numbers.text(of: alphabet, length: 12)
      try expectOracle(bytes, sizes: [1, 2, 3, 7, 8, 9, 64])
      try expectOracle(bytes, rowBytes: [1, 2, 3, 7, 8, 20][round % 6], sizes: [1, 2, 8, 64])
    }
  }

  @Test(
    "a fault of the JSON says where and what",
    arguments: [("{\"a\":1 2}", 7), ("{\"a\":1,}", 7), ("  {\"a\" 1}", 7), ("{\"a\":1", 6)])
  func message(_ text: String, _ position: Int) throws {
    let reading = try readBlocks(try scratch.write("{}\n\(text)\n"), .ndjson, columns: nil, blockBytes: 64)
    #expect(reading.found.map(\.code) == [nil, .badJSON])
    #expect(reading.messages.first?.hasPrefix("\(position) bytes into the row: ") == true)
  }

  @Test("nesting is read up to its limit and refused beyond", arguments: [Limits.nestingDepth - 1, Limits.nestingDepth])
  func nesting(_ depth: Int) throws {
    let text = "{\"a\":\(String(repeating: "[", count: depth))\(String(repeating: "]", count: depth))}\n{}\n"
    let reading = try readBlocks(try scratch.write(text), .ndjson, columns: nil, blockBytes: 64)
    #expect(reading.found.map(\.code) == [depth < Limits.nestingDepth ? nil : .badJSON, nil])
  }
}

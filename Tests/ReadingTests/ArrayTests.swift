import Foundation
import Oracles
import Testing
import Vocabulary

@testable import Reading

private let sizes = Array(1...64) + [Limits.blockBytes]

private let nastyArrays: [String] = [
  "", " \n", "\u{feff}", "[", "[]", " [ ] ", "\u{feff}[]\n", "[\n]\r\n\n", "[{}]", "[{},{}]", "[\r\n{}\r\n,\r\n{}\r\n]\r\n", "[{}", "[{},",
  "[{}\n,\n",
  "[{},]", "[,{}]", "[,]", "[,", "[{},,{}]", "[ , , ]", "[{} {}]", "[1,\"a\",null,true,[],{}]", "[[{}],[{}]]", "[{}]{}", "[{}]\n]", "[{}],",
  "[]\u{b}", "[\u{b}{}]", "[}", "[}]", "[{]}]", "[{},[}],{}]", "[{\"a\":1]},{}]", "[{\"a\":[1,2},{}]", "[{}},{}]", "[{},{\"a\":1]\n,{}]",
  "[{\"a\":\"]\"},{\"b\":\"}\"}]", "[{\"a\":\"\\\"]\"},{\"b\":\"\\\\\"},{\"c\":\"\\\\\\\"}\"}]",
  "[{\"],\\\"[{\":{\"}\":[\"{\",\"]\"]}},{}]",
  "[{\"a\":\"x},\n{\"b\":\"y\"}]", "[{\"a\":\"\n\"},{}]", "[{\"a\":\"\\x\"},{}]", "[\"", "[\"\\", "[\"\\\"", "[\"a\"",
  "[{\"a\":\"\\u00e9\"},{\"é\":1}]",
  "[{\"a\":1.},{\"a\":-},{\"a\":NaN},{a:1},{'a':1},{\"a\" 1},{}]", "[{}//c\n,{}]", "[{\"a\":1}  \n\t ,  \r\n {\"b\":\n[\n1\n,\n2\n]\n}\n]",
  "[nul,{},truefalse]", "[[[[[[]]]]],{\"a\":{\"b\":{\"c\":[{}]}}}]", "[{}\n,{}\n,\n{}\n]\n\n",
  "[12345678,\"12345678\",{\"a\":\"1234567\\\"\"}]",
]

@Suite struct ArrayTests {
  private static let cutShortAdvice =
    "fetch or export the file again, or mend this row when a quote or bracket of it does not close"

  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func expectOracle(_ bytes: [UInt8], rowBytes: Int = Limits.rowBytes, sizes: [Int]) throws {
    let path = try scratch.write(bytes)
    let expected = try #require(arrayOracle(bytes, rowBytes: rowBytes))
    let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
    let lines = text.count { $0 == 0x0a } + (text.isEmpty || text.last == 0x0a ? 0 : 1)
    var first: RowsRead?
    for size in sizes {
      var reading = try readBlocks(path, .json, columns: nil, blockBytes: size, rowBytes: rowBytes)
      reading.blockCount = 0
      #expect(reading.found == expected, "\(shown(bytes)) in blocks of \(size), rows to \(rowBytes)")
      #expect(reading.lineCount == lines, "\(shown(bytes)): the lines in blocks of \(size)")
      #expect(reading == first ?? reading, "\(shown(bytes)): the messages in blocks of \(size)")
      first = first ?? reading
    }
  }

  @Test("a nasty array reads as the oracle says, at every block size", arguments: nastyArrays)
  func nasty(_ text: String) throws { try expectOracle(Array(text.utf8), sizes: sizes) }

  @Test("random arrays read as the oracle says, with any limit of a row", arguments: 0..<8 as Range<UInt64>)
  func random(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed ^ 0xa77a)
    let alphabet =
      ["{\"a\":1}", "{\"b\":[null,{}]}", ",", ",", ",", "{", "}", "[", "]", "\"", "\\", " ", "\n", "7", "\"],{\"", "\\\""]
      .map { Array($0.utf8) } + [[0xc3]]
    for round in 0..<100 {
      let bytes = [0x5b] + numbers.text(of: alphabet, length: 14)
      try expectOracle(bytes, sizes: [1, 2, 3, 7, 8, 9, 64])
      try expectOracle(bytes, rowBytes: [1, 2, 3, 7, 8, 20][round % 6], sizes: [1, 2, 8, 64])
    }
  }

  /// An array as people lay it out, and where its elements are.
  private func layOut(_ numbers: inout SeededNumbers) -> (bytes: [UInt8], rows: [(offset: Int, bytes: [UInt8])]) {
    let blanks = ["", "", " ", "\n", "\n  ", "\r\n", "\t"]
    func blank(_ numbers: inout SeededNumbers) -> String { blanks.randomElement(using: &numbers)! }
    func value(_ depth: Int, _ numbers: inout SeededNumbers) -> String {
      let kind = Int.random(in: depth > 2 ? 2...5 : 0...5, using: &numbers)
      let strings = ["", "a", "]", "}", "[{", "\\\"", "\\\\", ",", "é😀", "\\u005d", "\\\\\\\"],"]
      let string = "\"\(strings.randomElement(using: &numbers)!)\""
      let inner = (0..<(kind < 2 ? Int.random(in: 0...3, using: &numbers) : 0)).map { index in
        let inside = blank(&numbers) + value(depth + 1, &numbers) + blank(&numbers)
        return kind == 0 ? inside : "\(blank(&numbers))\"\(index)\\\"]\"\(blank(&numbers)):\(inside)"
      }.joined(separator: ",")
      return kind == 0 ? "[\(inner)\(blank(&numbers))]" : kind == 1 ? "{\(inner)\(blank(&numbers))}" : kind == 2 ? "-1.5e3" : string
    }
    var bytes = Array((blank(&numbers) + "[").utf8)
    var rows: [(Int, [UInt8])] = []
    for index in 0..<Int.random(in: 1...6, using: &numbers) {
      bytes += Array(((index == 0 ? "" : blank(&numbers) + ",") + blank(&numbers)).utf8)
      let row = Array("{\(blank(&numbers))\"a\":\(value(0, &numbers))}".utf8)
      rows.append((bytes.count, row))
      bytes += row
    }
    return (bytes + Array((blank(&numbers) + "]" + blank(&numbers)).utf8), rows)
  }

  @Test("the rows of an array are its elements, where they stand and as they are laid out", arguments: 0..<8 as Range<UInt64>)
  func laidOut(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed)
    for _ in 0..<12 {
      let (bytes, rows) = layOut(&numbers)
      let whole = try JSONSerialization.jsonObject(with: Data(bytes)) as? [[String: Any]]
      #expect(whole?.count == rows.count)
      let expected = rows.map { Found(code: nil, offset: $0.offset, line: 1 + bytes[..<$0.offset].count { $0 == 0x0a }, bytes: $0.bytes) }
      let path = try scratch.write(bytes)
      for size in sizes { #expect(try read(path, blockBytes: size).reading.found == expected, "\(shown(bytes)) in blocks of \(size)") }
    }
  }

  @Test(
    "cut short at any byte, it is one fault behind the elements that were whole, never a shorter array", arguments: 0..<3 as Range<UInt64>)
  func cutShort(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed)
    let (bytes, rows) = layOut(&numbers)
    let first = try #require(bytes.firstIndex(of: 0x5b))
    let last = try #require(bytes.lastIndex(of: 0x5d))
    for count in 0..<bytes.count {
      let path = try scratch.write(Array(bytes[..<count]))
      for size in [1, 2, 7, 64, Limits.blockBytes] {
        let found = try read(path, .json, blockBytes: size).reading.found
        if count <= first {
          #expect(found.isEmpty)
        } else if count > last {
          #expect(found.count == rows.count && found.allSatisfy { $0.code == nil })
        } else {
          // Only a comma says that an element has come to its end.
          let whole = rows.indices.dropLast().prefix { index in
            bytes[rows[index].offset + rows[index].bytes.count..<rows[index + 1].offset].firstIndex(of: 0x2c)! < count
          }
          #expect(found.dropLast().map(\.offset) == whole.map { rows[$0].offset } && found.dropLast().allSatisfy { $0.code == nil })
          #expect(found.last?.code == .badJSON, "\(shown(Array(bytes[..<count]))) in blocks of \(size)")
        }
      }
      try expectOracle(Array(bytes[..<count]), sizes: [3])
    }
  }

  @Test(
    "a fault says where it is and what to do",
    arguments: [
      ("[{},,{}]", RejectCode.badJSON, "a value was expected before byte 4; remove the comma that is too many, or complete the array"),
      (
        "[{},\n{\"a\":1", .badJSON,
        "the file ends at byte 11, before its array does, so rows may be missing; " + ArrayTests.cutShortAdvice
      ),
      ("[{},", .badJSON, "the file ends at byte 4, before its array does, so rows may be missing; " + ArrayTests.cutShortAdvice),
      (
        "[{}, {\"a\":[1}, {}]", .badJSON,
        "the bracket at byte 12 does not close the one opened last, so the file cannot be followed from byte 5 on and the rest of it was "
          + "passed over; mend that row and import the file again"
      ),
      (
        "[{}]\n[{}]", .badJSON,
        "the array ends, but byte 5 follows, and it was passed over with all behind it; put all rows into one array"
      ),
      ("[{},7]", .notAnObject, "the row is JSON, but no object; every element of the array must be one"),
      ("[{},{\"a\" 1}]", .badJSON, "5 bytes into the row: a colon was expected here"),
      ("[{},{} {}]", .badJSON, "3 bytes into the row: something follows the value"),
    ])
  func message(_ text: String, _ code: RejectCode, _ message: String) throws {
    for size in [1, 64] {
      let reading = try read(try scratch.write(text), blockBytes: size).reading
      #expect(reading.found.compactMap(\.code) == [code])
      #expect(reading.messages == [message])
    }
  }

  @Test("what is no array is refused with 66", arguments: ["{}", "\u{feff} \n{\"a\":[]}", "a", "\"[\"", "//[\n[]"])
  func noArray(_ text: String) throws {
    let path = try scratch.write(text, as: "x.json")
    for size in [1, 64] {
      let error = #expect(throws: ReadFailure.self) { try read(path, .json, blockBytes: size) }
      let message = "\(path): this is no JSON array, which would begin with [; if every line holds one object, its format is ndjson"
      #expect(error?.runFailure == RunFailure(.inputUnreadable, message))
    }
  }

  @Test(
    "an element at the limit is read, a longer one is a fault that says its bytes, and the others are read", arguments: [31, 32, 33, 500])
  func limit(_ count: Int) throws {
    let long = "{\"a\":\"\(String(repeating: "]", count: count - 8))\"}"
    let text = "[\n{},\n\(long),\n{}\n]"
    for size in Array(1...70) {
      let reading = try readBlocks(try scratch.write(text), .json, columns: nil, blockBytes: size, rowBytes: 32)
      #expect(reading.found.map(\.code) == [nil, count > 32 ? .rowTooLong : nil, nil])
      #expect(reading.found.map(\.offset) == [2, 6, 8 + count] && reading.found.map(\.line) == [2, 3, 4])
      if count > 32 { #expect(reading.messages[0].hasPrefix("the row at bytes 6 to \(6 + count) is longer than ")) }
    }
  }

  @Test(
    "brackets are matched down to 128 levels, and counted below", arguments: [1, 2, 127, 128, 129, 130, 1000])
  func depth(_ depth: Int) {
    let opening = (0..<depth).map { $0 % 3 == 0 ? UInt8(0x7b) : 0x5b }
    let closing = opening.reversed().map { $0 + 2 }
    var at = 0
    var scan = ElementScan()
    #expect(scan.read((opening + closing + [0x2c]).span, &at) == .ends && at == 2 * depth)
    // The innermost bracket is closed by one of the other kind.
    at = 0
    scan = ElementScan()
    let wrong: UInt8 = opening.last == 0x7b ? 0x5d : 0x7d
    let step = scan.read((opening + [wrong] + closing.dropFirst() + [0x5d]).span, &at)
    #expect(depth > 128 ? step == .ends && at == 2 * depth : step == .breaks && at == depth)
  }

  @Test("an element nested too deeply is a fault, and the next is read", arguments: [Limits.nestingDepth - 1, Limits.nestingDepth, 70_000])
  func nesting(_ depth: Int) throws {
    let text = "[{\"a\":\(String(repeating: "[", count: depth))\(String(repeating: "]", count: depth))},{}]"
    let reading = try read(try scratch.write(text)).reading
    #expect(reading.found.map(\.code) == [depth < Limits.nestingDepth ? nil : .badJSON, nil])
  }

  @Test("commas without end are a fault each", arguments: [65_535, 65_536, 65_537])
  func commas(_ count: Int) throws {
    for (end, more) in [("]", 1), ("", 1), ("{}]", 0)] {
      let reading = try read(try scratch.write("[" + String(repeating: ",", count: count) + end)).reading
      #expect(reading.found.filter { $0.code == .badJSON }.map(\.offset) == Array(1..<(count + 1 + more)))
    }
  }
}

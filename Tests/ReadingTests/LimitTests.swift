import Foundation
import Oracles
import Testing
import Vocabulary

@testable import Reading

/// A kind of row that can be made as long as one likes.
enum LongRow: String, CaseIterable, Sendable {
  case plain, quoted, severalLines, manyCells, object

  var format: InputFormat { self == .object ? .ndjson : .csv }

  /// A row of `count` bytes that stands as a row when it is not too long.
  func bytes(_ count: Int) -> [UInt8] {
    let (head, fill, foot): (String, UInt8, String) =
      switch self {
      case .plain: ("1,", 0x78, "")
      case .quoted: ("1,\"", 0x78, "\"")
      case .severalLines: ("1,\"\n", 0x78, "\"")
      case .manyCells: ("\"\",", 0x2d, "")
      case .object: ("{\"a\":\"", 0x78, "\"}")
      }
    return Array(head.utf8) + [UInt8](repeating: fill, count: count - head.utf8.count - foot.utf8.count) + Array(foot.utf8)
  }
}

/// One at a time: they are large, and one of them measures memory.
@Suite(.serialized) struct LimitTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test("a row at the limit is read, a longer one is a fault, and the rows around it are read", arguments: LongRow.allCases, [-1, 0, 1])
  func edges(_ kind: LongRow, _ more: Int) throws { try expectEdge(kind, more, rowBytes: 1 << 17, blockBytes: 1 << 15) }

  @Test("so are rows at the limit of the product", arguments: [LongRow.quoted, .object], [0, 1])
  func realEdges(_ kind: LongRow, _ more: Int) throws {
    try expectEdge(kind, more, rowBytes: Limits.rowBytes, blockBytes: Limits.blockBytes)
  }

  private func expectEdge(_ kind: LongRow, _ more: Int, rowBytes: Int, blockBytes: Int) throws {
    let count = rowBytes + more
    let short = kind == .object ? Array("{\"a\":2}".utf8) : Array("1,2".utf8)
    let lineEnds: [[UInt8]] =
      switch kind {
      case .plain: [[0x0a], [0x0d, 0x0a], [0x0d]]
      case .object: [[0x0a], [0x0d, 0x0a]]
      default: [[0x0d, 0x0a]]
      }
    for lineEnd in lineEnds {
      let row = kind.bytes(count)
      let input = Array([short, row, short].joined(separator: lineEnd))
      let path = try scratch.write(input)
      let reading = try readBlocks(path, kind.format, columns: ["a", "b"], blockBytes: blockBytes, rowBytes: rowBytes)
      let place = short.count + lineEnd.count
      let lastPlace = input.count - short.count
      if more <= 0 {
        #expect(reading.found.map(\.code) == [nil, nil, nil])
        #expect(reading.found[1].bytes == row)
        #expect(reading.found.map(\.offset) == [0, place, lastPlace])
      } else if kind == .severalLines {
        // Its first line and its second are faults of their own.
        #expect(reading.found.map(\.code) == [nil, .badQuote, .raggedRow, nil])
        #expect(
          reading.messages[0]
            == "the quote opened at byte \(place + 2) begins a row that does not end within 4194304 bytes; "
            + "pass --quote none if quotes are data")
      } else {
        #expect(reading.found.map(\.code) == [nil, .rowTooLong, nil])
        #expect(reading.found[1].bytes == nil)
        #expect(reading.messages[0].hasPrefix("the row at bytes \(place) to "))
        #expect(reading.messages[0].contains(" is longer than 4194304 bytes and was passed over; "))
      }
      #expect(reading.found.last?.offset == lastPlace && reading.found.last?.bytes == short)
      #expect(reading.found.last?.line == (kind == .severalLines ? 4 : 3))
    }
  }

  @Test("a line end that falls into two blocks is one line end", arguments: [0, 1, 2])
  func splitLineEnd(_ shift: Int) throws {
    let row = [UInt8](repeating: 0x78, count: Limits.blockBytes - 1 - shift)
    let path = try scratch.write(row + Array("\r\n\r\ny\r\n\"z\"\r\n".utf8))
    let reading = try readBlocks(path, .csv, columns: ["a"], blockBytes: Limits.blockBytes)
    #expect(reading.found.map(\.code) == [nil, nil, nil])
    #expect(reading.found.map(\.line) == [1, 3, 4])
    #expect(reading.found.map(\.offset) == [0, row.count + 4, row.count + 7])
  }

  /// Each line goes on over all the others, so reading each to its end would take some thirty thousand times as long.
  @Test("hostile quotes take linear time", .timeLimit(.minutes(5)), arguments: ["", "\"x\n"])
  func hostile(_ end: String) throws {
    let count = 70_000
    let path = try scratch.write(String(repeating: "a\",\"\n", count: count) + end)
    let reading = try readBlocks(path, .csv, columns: ["a", "b"], blockBytes: Limits.blockBytes)
    #expect(reading.found.count == count + (end.isEmpty ? 0 : 1))
    #expect(reading.found.allSatisfy { $0.code == .badQuote })
    #expect(reading.found.enumerated().allSatisfy { $1.offset == $0 * 5 && $1.line == $0 + 1 })
    // They all come to the quote that was opened last.
    let opened = "the quote opened at byte \(count * 5 - 2) "
    #expect(reading.messages.prefix(count).allSatisfy { $0.hasPrefix(opened) })
  }

  @Test("a line of 64 MiB is passed over in bounded memory, and the row behind it is read", arguments: ["csv", "ndjson", "json"])
  func hugeLine(_ format: String) throws {
    let path = scratch.folder + "/huge." + format
    let row = format == "csv" ? "1,2" : "{\"a\":1}"
    let head = ["csv": "a,b", "ndjson": row, "json": "[" + row + ",\n\""][format]!
    try Data("\(head)\(format == "json" ? "" : "\n")".utf8).write(to: URL(fileURLWithPath: path))
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.seekToEnd()
    let piece = Data(repeating: 0x78, count: 1 << 20)
    for _ in 0..<64 { try file.write(contentsOf: piece) }
    try file.write(contentsOf: Data("\(format == "json" ? "\"," : "")\n\(row)\n\(format == "json" ? "]" : "")".utf8))
    try file.close()
    let before = peakMemory()
    let reading = try read(path).reading
    #expect(reading.found.suffix(2).map(\.code) == [.rowTooLong, nil])
    #expect(reading.found.last?.line == 3)
    if let before, let after = peakMemory() { #expect(after - before < 40_000_000) }
  }
}

/// The most memory this process had so far, in bytes; nil where the system does not say.
private func peakMemory() -> Int? {
  let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
  return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 * 1024 }
}

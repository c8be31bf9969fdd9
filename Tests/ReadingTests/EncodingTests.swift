import Foundation
import Oracles
import Testing
import Vocabulary

@testable import Reading

@Suite struct EncodingTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// The character of a byte, by the system's tables; the five that Windows-1252 leaves out by WHATWG's.
  private static func character(_ byte: UInt8, _ encoding: TextEncoding) -> String? {
    switch encoding {
    case .utf8: return String(bytes: [byte], encoding: .utf8)
    case .latin1, .windows1252:
      if [0x81, 0x8d, 0x8f, 0x90, 0x9d].contains(byte) { return String(UnicodeScalar(byte)) }
      return String(bytes: [byte], encoding: .windowsCP1252)
    }
  }

  @Test("each of the 256 bytes is the character that the system says, read in any number", arguments: [TextEncoding.latin1, .windows1252])
  func everyByte(_ encoding: TextEncoding) throws {
    // What is looked at first may not have a zero.
    let bytes = [UInt8](repeating: 0x61, count: InputSource.lookBytes) + (0...255).flatMap { [$0, UInt8(255 - $0)] as [UInt8] }
    let expected = try bytes.map { try #require(EncodingTests.character($0, encoding)) }.joined()
    let path = try scratch.write(bytes)
    let digest = try fileDigest(path)
    for count in Array(1...64) + [4095, 4096, 4097, 1 << 20] {
      var source = try InputSource.open(path, encoding: encoding)
      var text: [UInt8] = []
      while !source.isAtEnd {
        let part = try source.read(behind: [0x21], to: count + 1)
        #expect(part.first == 0x21 && part.count <= count + 1 + 2 && (part.count > count || source.isAtEnd))
        text += part.dropFirst()
      }
      #expect(text == Array(expected.utf8), "\(count) at a time")
      #expect(source.byteCount == bytes.count && source.digest == digest)
      #expect(try source.read(behind: [0x21], to: 9) == [0x21])
    }
  }

  @Test("JSON is UTF-8 whatever is declared", arguments: [InputFormat.ndjson, .json])
  func json(_ format: InputFormat) throws {
    let path = try scratch.write(Array((format == .json ? "[{\"a\":\"\u{e9}\u{2013}\"}]" : "{\"a\":\"\u{e9}\u{2013}\"}\n").utf8))
    #expect(try read(path, format) == read(path, format, dialect: CSVDialect(encoding: .windows1252)))
  }

  @Test("a file reads as the same text in UTF-8 does, at every block size", arguments: [TextEncoding.latin1, .windows1252])
  func sameRows(_ encoding: TextEncoding) throws {
    let format = InputFormat.csv
    let bytes = EncodingTests.rows(format)
    let text = Array(try bytes.map { try #require(EncodingTests.character($0, encoding)) }.joined().utf8)
    let expected = try read(try scratch.write(text, as: "utf8"), format)
    #expect(expected.reading.found.count == 130 && expected.reading.found.allSatisfy { $0.code == nil })
    let path = try scratch.write(bytes, as: "declared")
    for blockBytes in Array(1...64) + [Limits.blockBytes] {
      var (header, reading) = try read(path, format, dialect: CSVDialect(encoding: encoding), blockBytes: blockBytes)
      reading.blockCount = expected.reading.blockCount
      #expect(header == expected.header && reading == expected.reading, "in blocks of \(blockBytes)")
    }
  }

  /// A row for each byte from 0x80 on, and two of none but such.
  private static func rows(_ format: InputFormat) -> [UInt8] {
    let values = (0x80...0xff).map { [UInt8($0)] } + [[UInt8](repeating: 0x80, count: 50), [UInt8](repeating: 0xe9, count: 50)]
    let rows = values.map { value -> [UInt8] in
      format == .csv ? [0x22] + value + Array("\"\"\",x".utf8) : Array("{\"a\":\"".utf8) + value + Array("\"}".utf8)
    }
    switch format {
    case .csv: return [0xe4, 0x2c, 0x80, 0x0a] + rows.joined(separator: [0x0d, 0x0a])
    case .ndjson: return Array(rows.joined(separator: [0x0a]))
    case .json: return [0x5b, 0x0a] + rows.joined(separator: [0x0a, 0x2c]) + [0x5d]
    }
  }

  @Test("a row's limit is one of its text in UTF-8", arguments: [15, 16, 17])
  func limit(_ count: Int) throws {
    let path = try scratch.write([UInt8](repeating: 0xe9, count: count / 2) + (count % 2 == 1 ? [0x61] : []) + [0x0a, 0x62])
    for blockBytes in 1...20 {
      let reading = try readBlocks(
        path, .csv, dialect: CSVDialect(encoding: .latin1), columns: ["a"], blockBytes: blockBytes, rowBytes: 16)
      #expect(reading.found.map(\.code) == [count > 16 ? .rowTooLong : nil, nil])
      #expect(reading.found.map(\.offset) == [0, count + 1])
    }
  }

  @Test("a file that says it is UTF-8 is refused with 66 when another encoding is declared", arguments: TextEncoding.allCases)
  func marked(_ encoding: TextEncoding) throws {
    let path = try scratch.write("\u{feff}a\n1")
    if encoding == .utf8 {
      #expect(try read(path).header == ["a"])
    } else {
      let error = #expect(throws: ReadFailure.self) { try read(path, dialect: CSVDialect(encoding: encoding)) }
      #expect(
        error?.runFailure
          == RunFailure(
            .inputUnreadable,
            "\(path): this is UTF-8, as the mark at its beginning says, not \(encoding.rawValue); declare it as utf-8"))
    }
  }

  @Test(
    "an encoding is declared by its name", arguments: [("utf-8", TextEncoding.utf8), ("latin-1", .latin1), ("windows-1252", .windows1252)])
  func names(_ name: String, _ encoding: TextEncoding) { #expect(TextEncoding(rawValue: name) == encoding) }
}

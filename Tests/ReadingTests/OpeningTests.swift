import Bytes
import Foundation
import Oracles
import Testing
import Vocabulary

@testable import Reading

@Suite struct OpeningTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// How opening fails, which it must.
  private func failure(
    _ path: String, _ format: InputFormat? = nil, dialect: CSVDialect = CSVDialect(),
    _ location: SourceLocation = #_sourceLocation
  ) -> RunFailure? {
    let error = #expect(throws: ReadFailure.self, sourceLocation: location) { try read(path, format, dialect: dialect) }
    #expect(error.map { "\($0)" } == error?.runFailure.message)
    return error?.runFailure
  }

  @Test(
    "the format is the one given, else the name's, else what comes first tells",
    arguments: [
      ("x.csv", "{\"a\":1}", nil, .csv), ("x.TSV", "{", nil, .csv), ("x.ndjson", "a", nil, .ndjson),
      ("x.jsonl", "a", nil, .ndjson),
      ("x", " \r\n\t{\"a\":1}", nil, .ndjson), ("x.txt", "a{", nil, .csv),
      ("x.json", "\u{feff}{", nil, .ndjson), ("x.JSON", "\u{feff} \n[", nil, .json), ("x.json", "a", nil, .ndjson),
      ("x.json", "", nil, .ndjson), ("x", "[", nil, .json), ("x.txt", "\r\n\t []", nil, .json), ("x", "", nil, .csv),
      ("x.csv", "[", nil, .csv), ("x.ndjson", "[", nil, .ndjson), ("x.json", "[", .ndjson, .ndjson), ("x.ndjson", "[", .json, .json),
      ("x.csv", "{}", .ndjson, .ndjson), ("x.ndjson", "a", .csv, .csv),
    ] as [(String, String, InputFormat?, InputFormat)])
  func format(_ name: String, _ text: String, _ given: InputFormat?, _ expected: InputFormat) throws {
    let reader = try BlockReader(
      path: try scratch.write(text, as: name), input: 0, format: given, dialect: CSVDialect(), blockBytes: 1)
    #expect(reader.format == expected)
    #expect((reader.header == nil) == (expected != .csv || text.isEmpty))
  }

  @Test(
    "the header is the first row that is not empty, and the rows behind it are read",
    arguments: [
      ("a,b\n1,2\n", ["a", "b"], "a,b", 1, 2), ("\u{feff}a,b\r\n1,2", ["a", "b"], "a,b", 1, 2),
      ("\n\r\n\ra,b\n\n1,2", ["a", "b"], "a,b", 1, 6), ("\"a\"\"\n\",b\n1,2\n\n", ["a\"\n", "b"], "\"a\"\"\n\",b", 1, 3),
      ("a,b", ["a", "b"], "a,b", 0, 0), ("a,b\n", ["a", "b"], "a,b", 0, 0), (" a , b\n1,2", [" a ", " b"], " a , b", 1, 2),
      ("\u{feff}\"a\",b\n1,2", ["a", "b"], "\"a\",b", 1, 2),
    ])
  func header(_ text: String, _ names: [String], _ raw: String, _ rowCount: Int, _ line: Int) throws {
    let path = try scratch.write(text)
    for blockBytes in Array(1...16) + [Limits.blockBytes] {
      let reader = try BlockReader(path: path, input: 0, format: nil, dialect: CSVDialect(), blockBytes: blockBytes)
      let place = text.utf8.count - text.replacing("\u{feff}", with: "").drop { $0.isNewline }.utf8.count
      let first = lineEndCount(Array(text.utf8.prefix(place)).span, .csv) + 1
      #expect(reader.header == CSVHeader(names: names, raw: Array(raw.utf8), firstRow: Array(raw.utf8), line: first))
      let (_, reading) = try read(path, blockBytes: blockBytes)
      #expect(reading.found.map(\.line) == [Int](repeating: line, count: rowCount))
      #expect(reading.found.allSatisfy { $0.code == nil && $0.cells == [[0x31], [0x32]] })
      #expect(reading.found.allSatisfy { $0.offset == Array(text.utf8).lastIndex(of: 0x31) })
    }
  }

  @Test(
    "a header that does not name the columns is refused with 65, the line and the name",
    arguments: [
      ("\na,b,a\n", ":2: two columns are named a; rename or remove one of them"),
      ("é,e\u{301}\n", ":1: two columns are named e\u{301}; rename or remove one of them"),
      (
        "a,,b,\n",
        ":1: column 4 has no name, nor has one before it; name the columns, or remove those that are empty; when lines stand above the names, pass over them with --skip (in a configuration: skip)"
      ),
      ("a,\"b\n", ":1: the header cannot be read: the quote opened at byte 2 never closes; pass --quote none if quotes are data"),
    ])
  func refusedHeader(_ text: String, _ message: String) throws {
    let path = try scratch.write(text)
    #expect(failure(path) == RunFailure(.refused, path + message))
  }

  @Test("a header that is not UTF-8 is refused with 65")
  func latinHeader() throws {
    let path = try scratch.write([0x61, 0x2c, 0xe9, 0x0a])
    #expect(
      failure(path)
        == RunFailure(
          .refused,
          path
            + ":1: the header cannot be read: byte 2 is not UTF-8; declare the file's encoding, or write it in UTF-8, for example with iconv"
        ))
  }

  @Test("a header over the limit is refused with 65")
  func longHeader() throws {
    let failure = failure(try scratch.write([UInt8](repeating: 0x61, count: Limits.rowBytes + 1)))
    #expect(failure?.status == .refused)
    #expect(failure?.message.contains("is longer than 4194304 bytes") == true)
  }

  @Test(
    "a file that is no text is refused with 66 and the way out",
    arguments: [
      ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00], "xz -dc"), (Array("BZh91AY&SY".utf8), "bzip2 -dc"),
      ([0x50, 0x4b, 0x03, 0x04], "zip archive"), (Array("PAR1".utf8) + [0x15], "Parquet"), ([0xff, 0xfe, 0x61, 0x00], "UTF-16"),
      ([0xfe, 0xff, 0x00, 0x61], "UTF-16"), ([0x61, 0x00, 0x2c, 0x00], "UTF-16"), ([0x00, 0x61, 0x00, 0x2c], "UTF-16"),
      (Array("a,b\n1,".utf8) + [0x00], "binary"), ([0x7f, 0x45, 0x4c, 0x46, 0x02, 0x01, 0x01, 0x00], "binary"),
    ])
  func noText(_ bytes: [UInt8], _ words: String) throws {
    for format: InputFormat? in [nil, .csv, .ndjson] {
      let failure = failure(try scratch.write(bytes, as: "x.csv"), format)
      #expect(failure?.status == .inputUnreadable)
      #expect(failure?.message.contains(words) == true)
    }
  }

  @Test("text that begins almost like a packed file is read", arguments: ["BZh9,b\n1,2", "PK,b\n1,2", "PAR1,b\n1,2"])
  func almostPacked(_ text: String) throws {
    #expect(try read(try scratch.write(text)).reading.found.count == 1)
  }

  @Test("a missing file, a folder and a file that may not be read end a run with 66")
  func unreadable() throws {
    let missing = scratch.folder + "/none"
    #expect(failure(missing)?.status == .inputUnreadable)
    #expect(failure(missing)?.message.hasPrefix("\(missing): cannot open it: ") == true)
    #expect(
      failure(scratch.folder)
        == RunFailure(.inputUnreadable, "\(scratch.folder): cannot read it: it is a folder; name the files in it"))
    #expect(throws: ReadFailure.self) { try fileDigest(missing) }
  }

  @Test(
    "a delimiter, a quote and a comment character that do not go together are wrong usage",
    arguments: [
      CSVDialect(delimiter: 0x22), CSVDialect(delimiter: 0x0a), CSVDialect(delimiter: 0x0d, quote: nil), CSVDialect(quote: 0x0a),
      CSVDialect(delimiter: 0xc2), CSVDialect(quote: 0xc2), CSVDialect(delimiter: 0, quote: nil), CSVDialect(comment: 0x2c),
      CSVDialect(comment: 0x22), CSVDialect(comment: 0x0a), CSVDialect(comment: 0x0d), CSVDialect(comment: 0x80), CSVDialect(comment: 0),
      CSVDialect(delimiter: 0x30, hasHeader: false), CSVDialect(quote: 0x39, hasHeader: false), CSVDialect(skippedLines: -1),
    ])
  func dialect(_ dialect: CSVDialect) throws {
    #expect(failure(try scratch.write("a"), dialect: dialect)?.status == .usage)
  }

  @Test(
    "any other is used",
    arguments: [
      CSVDialect(comment: 0x23), CSVDialect(quote: nil, comment: 0x22), CSVDialect(delimiter: 0x7f, quote: 0x01, comment: 0x20),
      CSVDialect(delimiter: 0x30, quote: 0x39), CSVDialect(delimiter: 0x2f, quote: 0x3a, hasHeader: false), CSVDialect(skippedLines: 0),
    ])
  func usable(_ dialect: CSVDialect) throws {
    #expect(try read(try scratch.write("a"), dialect: dialect).header == [dialect.hasHeader ? "a" : "1"])
  }

  @Test(
    "the delimiter that a first row of one column seems to use is named",
    arguments: [
      ("visitor_id", nil), ("", nil), ("a;b", 0x3b), ("a\tb", 0x09), ("a|b", 0x7c), ("a|b;c;d", 0x3b), ("a;b\tc\td", 0x09),
    ] as [(String, UInt8?)])
  func likely(_ row: String, _ expected: UInt8?) {
    #expect(likelyDelimiter(Array(row.utf8)) == expected)
  }

  @Test("a pipe is read as a file is", arguments: ["csv", "ndjson", "json"])
  func pipe(_ format: String) throws {
    let lines = (0..<30_000).map { format == "csv" ? "\($0),x" : "{\"a\":\($0)}\(format == "json" ? $0 < 29_999 ? "," : "]" : "")" }
    let head = ["csv": ["a,b"], "ndjson": [], "json": ["["]][format]!
    let bytes = Array((head + lines).joined(separator: "\r\n").utf8)
    let pipe = Pipe()
    let writer = pipe.fileHandleForWriting
    let thread = Thread {
      for start in stride(from: 0, to: bytes.count, by: 7_777) {
        try? writer.write(contentsOf: Data(bytes[start..<min(bytes.count, start + 7_777)]))
      }
      try? writer.close()
    }
    thread.start()
    let piped = try read("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)", InputFormat(rawValue: format))
    let filed = try read(try scratch.write(bytes), InputFormat(rawValue: format))
    #expect(piped.reading == filed.reading)
    #expect(piped.reading.found.count == 30_000)
  }

  @Test(
    "bytes, lines and digest are the file's, at every block size",
    arguments: ["", "\n", "\r", "\u{feff}a\n1\r\n\r", "a\r\n\"\n\""])
  func counts(_ beginning: String) throws {
    let long = beginning + String(repeating: "1\n", count: 70_000)
    for (text, sizes) in [(beginning, Array(1...16)), (long, [4_099, 65_536, 1 << 20])] {
      let path = try scratch.write(text)
      let expected = try fileDigest(path)
      for blockBytes in sizes {
        var reader = try BlockReader(path: path, input: 0, format: .csv, dialect: CSVDialect(), blockBytes: blockBytes)
        while try reader.next() != nil {}
        #expect(reader.byteCount == text.utf8.count)
        #expect(reader.digest == expected)
        let ends = lineEndCount(Array(text.utf8).span, .csv)
        #expect(reader.lineCount == ends + (text.isEmpty || text.utf8.last == 0x0a || text.utf8.last == 0x0d ? 0 : 1))
      }
    }
  }

  @Test("the digest tells a changed, moved or missing byte", arguments: [0, 1, 65_535, 65_536, 65_537, 131_072])
  func digest(_ place: Int) throws {
    var bytes = (0..<131_073).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let whole = try fileDigest(try scratch.write(bytes))
    bytes[place] ^= 1
    #expect(try fileDigest(try scratch.write(bytes)) != whole)
    bytes.remove(at: place)
    #expect(try fileDigest(try scratch.write(bytes)) != whole)
    #expect(try fileDigest(try scratch.write(Array(bytes[65_536...] + bytes[..<65_536]))) != whole)
  }
}

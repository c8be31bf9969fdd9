import Oracles
import Testing
import Vocabulary

@testable import Reading

private let sizes = Array(1...64) + [Limits.blockBytes]

/// Inputs with lines that begin with a hash, or seem to.
private let commented: [String] = [
  "#", "#\n", "#\r", "#\r\n", "#\r\n#\n", "##\n#a", "a,b\n#\n1,2\n", "#\"\na,b\n#\",\"\n1,2", "#\r\r\n#\"\r\n\"#\"\n", " #a\n,#b\n",
  "\"#a\n#b\",c\n#d,\"e\n1,2\n", "a,\"\n#x\n\"\n#\"y\n1,2", "a\",\"\n#\"b\na\",\"\n#\n1,2\n", "a,\"b\n#c\n1,2\n", "\"a\"x\n#\"\n1,2\n",
  "\u{feff}#a\n1,2\n", "#é\n#\u{1}\n1,2\n", "a,#b\n#a,b", "\n\n#a\n\n#b\r\n\r\n1,2\n", "\"\"\n#\"\n\"\"\n", "#a\r1,2\r#\"b\r3,4",
  "1234567,\n#345678\n12345678,#\n#\"\"\n\"\",\"#\"\n", "#,\"\n" + String(repeating: "x,\"y\"\n", count: 20) + "#\"\n1,2\n",
]

/// What a CSV file may have besides its rows.
@Suite struct FormTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test("lines that begin with the comment character are no rows, as the oracle says, at every block size", arguments: commented)
  func comments(_ text: String) throws {
    let bytes = Array(text.utf8)
    let path = try scratch.write(bytes)
    for columns in [nil, ["a", "b"]] {
      for quote: UInt8? in [0x22, nil] {
        try expectCSV(bytes, CSVDialect(quote: quote, comment: 0x23), columns: columns, sizes: sizes, at: path)
      }
    }
  }

  @Test("without a comment character such lines are rows", arguments: commented)
  func noComments(_ text: String) throws {
    try expectCSV(Array(text.utf8), CSVDialect(), columns: ["a", "b"], sizes: [1, 7, 64], at: try scratch.write(text))
  }

  @Test("lines to skip are passed over whatever is in them, at every block size", arguments: 0..<5)
  func skipped(_ count: Int) throws {
    for text in [
      "", "\n", "\r\n\r", "a\r\n\"b\n1,2\n\"c\"\n", "\r\r\n\n\"", "\u{feff}#\n\r\n1,2", "\u{feff}", "{\n[\n\n\n\n1,2\n", "a,b\nc",
    ] + commented {
      let dialect = CSVDialect(comment: 0x23, skippedLines: count)
      try expectCSV(Array(text.utf8), dialect, columns: ["a", "b"], sizes: Array(1...16) + [64], at: try scratch.write(text))
    }
  }

  @Test("random inputs with comments and lines to skip read as the oracle says", arguments: 0..<8 as Range<UInt64>)
  func random(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed ^ 0xc033)
    let alphabet =
      ["a", ",", "\"", "\"\"", "#", "\n#", "\n\"", "\r", "\n", "\r\n", "#\"", "\",\"", "aaaa"].map { Array($0.utf8) } + [[0xff]]
    for round in 0..<80 {
      let bytes = numbers.text(of: alphabet, length: 40)
      let dialect = CSVDialect(quote: round % 7 == 0 ? nil : 0x22, comment: 0x23, skippedLines: round % 5 == 0 ? round % 3 : 0)
      let limit = round % 2 == 0 ? Limits.rowBytes : [1, 2, 3, 5, 8, 13, 24][round % 7]
      let columns = round % 3 == 0 ? nil : ["a", "b"]
      try expectCSV(
        bytes, dialect, columns: columns, rowBytes: limit, sizes: [1, 2, 3, 4, 7, 8, 16, 63], at: try scratch.write(bytes))
    }
  }

  @Test("a comment over the limit of a row is no fault", arguments: [15, 16, 17, 400])
  func longComment(_ count: Int) throws {
    for lineEnd in ["\n", "\r\n", "\r"] {
      let text = "1,2\(lineEnd)#\(String(repeating: "\"", count: count - 1))\(lineEnd)3,4"
      for size in 1...20 {
        let reading = try readBlocks(
          try scratch.write(text), .csv, dialect: CSVDialect(comment: 0x23), columns: ["a", "b"], blockBytes: size, rowBytes: 16)
        #expect(reading.found.map(\.code) == [nil, nil])
        #expect(reading.found.map(\.line) == [1, 3] && reading.lineCount == 3)
      }
    }
  }

  @Test(
    "the header stands behind comments and the lines to skip",
    arguments: [
      ("#x\na,b\n#y\n1,2", 0, 2, 4), ("x,\"y\n\"\na,b\n1,2", 2, 3, 4), ("\u{feff}#\r\n\r\n\n#z,\"\na,b\r\n\r\n1,2\r\n", 1, 5, 7),
      ("\r\ra,b\n1,2", 1, 3, 4),
    ])
  func header(_ text: String, _ skipped: Int, _ headerLine: Int, _ line: Int) throws {
    let path = try scratch.write(text)
    let dialect = CSVDialect(comment: 0x23, skippedLines: skipped)
    for blockBytes in sizes {
      let reader = try BlockReader(path: path, input: 0, format: .csv, dialect: dialect, blockBytes: blockBytes)
      #expect(reader.header == CSVHeader(names: ["a", "b"], raw: Array("a,b".utf8), firstRow: Array("a,b".utf8), line: headerLine))
      let reading = try read(path, .csv, dialect: dialect, blockBytes: blockBytes).reading
      #expect(reading.found.map(\.cells) == [[[0x31], [0x32]]] && reading.found.map(\.line) == [line])
    }
  }

  @Test(
    "without a header the columns are numbered by the first row's cells, and that row is data",
    arguments: [
      ("1,2\n3,4", 2, 1), ("\u{feff}\r\n#c\n\"1\",2\n\n3,4\n", 2, 3), ("x\n", 1, 1), (",,\r\n\"\n\",b,c\r\n", 3, 1),
      ("same,same\nsame,same", 2, 1), (",\n", 2, 1),
    ])
  func noHeader(_ text: String, _ count: Int, _ line: Int) throws {
    let path = try scratch.write(text)
    let dialect = CSVDialect(comment: 0x23, hasHeader: false)
    let names = (1...count).map { "\($0)" }
    let expected = CSVOracle(bytes: Array(text.utf8), dialect: dialect, columnCount: count, rowBytes: Limits.rowBytes).found()
    for blockBytes in sizes {
      let reader = try BlockReader(path: path, input: 0, format: .csv, dialect: dialect, blockBytes: blockBytes)
      let raw = Array(names.joined(separator: ",").utf8)
      #expect(reader.header == CSVHeader(names: names, raw: raw, firstRow: expected[0].bytes!, line: line))
      #expect(cellTexts(ofRow: raw, dialect: dialect) == names)
      #expect(try read(path, dialect: dialect, blockBytes: blockBytes).reading.found == expected)
    }
  }

  @Test("without a header a row with another number of cells is told so", arguments: [Limits.blockBytes, 1])
  func raggedWithoutHeader(_ blockBytes: Int) throws {
    let reading = try read(try scratch.write("1,2\n3\n4,5"), dialect: CSVDialect(hasHeader: false), blockBytes: blockBytes).reading
    #expect(reading.found.map(\.code) == [nil, .raggedRow, nil])
    #expect(reading.messages.first?.hasPrefix("the row has 1 cells where the first row has 2; ") == true)
  }

  @Test("without a header and without rows there are no columns", arguments: ["", "\n\r", "#\n", "\u{feff}"])
  func noRows(_ text: String) throws {
    let (header, reading) = try read(try scratch.write(text), dialect: CSVDialect(comment: 0x23, hasHeader: false))
    #expect(header == nil && reading.found.isEmpty)
  }

  @Test("a first row that cannot be read counts no columns, and is refused with 65 and its line")
  func badFirstRow() throws {
    let path = try scratch.write("#\n1,\"2\n3,4\n")
    for dialect in [CSVDialect(comment: 0x23, hasHeader: false), CSVDialect(comment: 0x23)] {
      let error = #expect(throws: ReadFailure.self) { try read(path, dialect: dialect) }
      let subject = dialect.hasHeader ? "the header cannot be read" : "the first row cannot be read, so its columns cannot be counted"
      #expect(
        error?.runFailure
          == RunFailure(
            .refused, "\(path):2: \(subject): the quote opened at byte 4 never closes; pass --quote none if quotes are data"))
    }
  }

  @Test("what is about CSV leaves JSON as it is", arguments: [InputFormat.ndjson, .json])
  func onlyCSV(_ format: InputFormat) throws {
    let rows = ["{\"a\":\r1}", "{\"b\":\"\(String(repeating: "x", count: 40))\"}", "{\"c\":\"{\"}"]
    let path = try scratch.write(format == .json ? "[\(rows.joined(separator: "\n,"))]" : rows.joined(separator: "\n"))
    let dialect = CSVDialect(comment: 0x7b, hasHeader: false, skippedLines: 2)
    for size in sizes {
      let expected = try readBlocks(path, format, columns: nil, blockBytes: size, rowBytes: 32)
      #expect(expected.found.map(\.code) == [nil, .rowTooLong, nil])
      #expect(try readBlocks(path, format, dialect: dialect, columns: nil, blockBytes: size, rowBytes: 32) == expected)
      #expect(try read(path, format, dialect: dialect, blockBytes: size).reading.found.map(\.code) == [nil, nil, nil])
    }
  }

  @Test("a row that stands alone is a row, whatever it begins with and whatever came before it in its file")
  func singleRow() {
    let dialect = CSVDialect(delimiter: 0x3b, comment: 0x23, hasHeader: false, skippedLines: 2, encoding: .latin1)
    #expect(cellTexts(ofRow: Array("#é;b".utf8), dialect: dialect) == ["#é", "b"])
  }
}

import Oracles
import Testing
import Vocabulary

@testable import Reading

private let sizes = Array(1...64) + [4095, Limits.blockBytes]

/// Inputs that readers of CSV are known to stumble over.
let nastyCSV: [String] = [
  "", "\n", "\r", "\r\n", "a", ",", "a,b", "a,b\n", "a,b\r\n", "a,b\r", "a\r\n\r\n\nb\n", "\r\ra,b\r\r\rc,d\r", "a,b\r\rc,d",
  "\"\"", "\"", "\"\"\"", "\"\"\"\"", "\"a", "\"a\"", "\"a\"\n", "\"a\"b", "\"a\"b\nc,d\n", "a\"b,c\n", "a,\"b\"c\"\nd,e\n",
  "\"a,b\",c\n", "\"a\nb\",c\nd,e\n", "\"a\r\nb\",c\r\nd,e\r\n", "\"a\rb\",c\rd,e\r", "\"a\r\n", "\"a\r", "\"a\r\nb",
  "a,\"\r\n\"",
  "a,\"b\n1,2\n3,4\n", "a,\"b\n1,2\n3,\"4\n5,6\n", "a,\"b\n1,\"c\"\n2,\"d\"\n", "x,\"y\n\"z\",\"w\"q\n1,2\n", "\"\"x\n1,2\n",
  "a\",\"\na\",\"\na\",\"\na\",\"\n", "a\",\"\na\",\"\na\",\"\nb\"x\n1,2\n", "\"x\n\"\",y\nz,\"\"\n1,2\n", ",\"\n,\"\n,\"\n,\"x",
  "a,\"b\"\n\"c\",d", "a,b\n\"c\",\"d\"\r\n\"e\",\"f\"", "a, b ,\tc \n", " \"a\",b\n", "a,\"b\" \nc,d\n", "é,ü\n\"é\nü\",ß\n",
  "\u{feff}a,b\n1,2\n", "\u{feff}\"a\",b\n", "\u{feff}", "a,\u{feff}b\n", "1,2,3\n1\n1,2\n,\n,,\n", "\"a\"\"b\",\"\"\"\"\n",
  "\"\"\"a\"\"\",b\n", "a,\"\"\n\"\",b\n\"\",\"\"", "a,\"b\"\r\r\nc,d\r\n", "\"a\"\r,b\n",
  "12345678,\"12345678\"\n1234567,\"1234567\"\n",
]

@Suite struct CSVTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func expectOracle(_ bytes: [UInt8], _ dialect: CSVDialect, columns: [String]?, rowBytes: Int, sizes: [Int]) throws {
    try expectCSV(bytes, dialect, columns: columns, rowBytes: rowBytes, sizes: sizes, at: try scratch.write(bytes))
  }

  @Test("a nasty input reads as the oracle says, at every block size", arguments: nastyCSV)
  func nasty(_ text: String) throws {
    for columns in [nil, ["a", "b"]] {
      try expectOracle(Array(text.utf8), CSVDialect(), columns: columns, rowBytes: Limits.rowBytes, sizes: sizes)
    }
    try expectOracle(Array(text.utf8), CSVDialect(quote: nil), columns: ["a", "b"], rowBytes: Limits.rowBytes, sizes: sizes)
  }

  @Test("random inputs read as the oracle says, at every block size", arguments: 0..<8 as Range<UInt64>)
  func random(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed)
    let alphabet = ["a", ",", "\"", "\r", "\n", ";", "é"].map { Array($0.utf8) }
    for round in 0..<40 {
      let bytes = numbers.text(of: alphabet, length: 48)
      let columns = round % 3 == 0 ? nil : Array(["a", "b", "c"].prefix(round % 3))
      let dialect = CSVDialect(delimiter: round % 5 == 0 ? 0x3b : 0x2c, quote: round % 7 == 0 ? nil : 0x22)
      try expectOracle(
        bytes, dialect, columns: columns, rowBytes: Limits.rowBytes,
        sizes: [1, 2, 3, 5, 7, 8, 9, 16, 17, 33, 64, Limits.blockBytes])
    }
  }

  @Test("random inputs with a small row limit read as the oracle says", arguments: 0..<8 as Range<UInt64>)
  func randomOverLimit(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed ^ 0x5eed)
    let alphabet = ["a", ",", "\"", "\"\"", "\",\"", "\r", "\n", "\r\n", "\n\"", "aaaa"].map { Array($0.utf8) } + [[0xff]]
    for round in 0..<60 {
      let bytes = numbers.text(of: alphabet, length: 40)
      let limit = [1, 2, 3, 4, 5, 8, 13, 16, 24, 40][round % 10]
      try expectOracle(bytes, CSVDialect(), columns: ["a", "b"], rowBytes: limit, sizes: [1, 2, 3, 4, 7, 8, 16, 63])
    }
  }

  @Test("rows of random length around the eight bytes of a word read as the oracle says", arguments: 0..<4 as Range<UInt64>)
  func words(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed ^ 0x80b1)
    let cells = [
      "", "-", "+,", "\"-,\"", "0123456", "01234567", "012345678", "\"0123456\"", "\"01234567\"", "\"\"\"\"", "!#", "\u{b}",
    ]
    for _ in 0..<40 {
      var text = ""
      for _ in 0..<Int.random(in: 1...12, using: &numbers) {
        text += cells.randomElement(using: &numbers)! + "," + cells.randomElement(using: &numbers)!
        text += ["\n", "\r\n", "\r"].randomElement(using: &numbers)!
      }
      try expectOracle(
        Array(text.utf8), CSVDialect(), columns: nil, rowBytes: Limits.rowBytes, sizes: [1, 8, 31, Limits.blockBytes])
    }
  }

  @Test(
    "a quote that is wrong costs its first line, says where it opened, and the next line is read",
    arguments: [
      ("a,\"b\n1,2\n", "the quote opened at byte 2 never closes; pass --quote none if quotes are data"),
      (
        "a,\"b\"c\n1,2\n",
        "the quote opened at byte 2 closes before the end of its cell; double the quotes inside of quotes, "
          + "or pass --quote none if quotes are data"
      ),
    ])
  func message(_ text: String, _ message: String) throws {
    let reading = try readBlocks(try scratch.write(text), .csv, columns: ["a", "b"], blockBytes: 64)
    #expect(reading.messages == [message])
    #expect(reading.found.map(\.code) == [.badQuote, nil])
    #expect(reading.found.last?.cells == [[0x31], [0x32]])
  }

  @Test("a row with another number of cells says both numbers", arguments: [("1\n", 1), ("1,2,3\n", 3)])
  func ragged(_ text: String, _ count: Int) throws {
    let reading = try readBlocks(try scratch.write(text), .csv, columns: ["a", "b"], blockBytes: 64)
    #expect(reading.messages.count == 1)
    #expect(reading.messages.first?.hasPrefix("the row has \(count) cells where the header has 2; ") == true)
  }

  @Test("a cell that is not UTF-8 is named by its column and byte", arguments: [("a", 3), ("b", 8)])
  func notUTF8(_ column: String, _ position: Int) throws {
    var bytes = Array("\n\r\n____,____\n".utf8)
    bytes[position] = 0xe9
    let reading = try readBlocks(try scratch.write(bytes), .csv, columns: ["a", "b"], blockBytes: 64)
    #expect(reading.found.map(\.code) == [.notUTF8])
    #expect(reading.columns == [column])
    #expect(
      reading.messages == [
        "byte \(position) is not UTF-8; declare the file's encoding, or write it in UTF-8, for example with iconv"
      ])
  }

  @Test(
    "a row that stands alone gives its cells, anything else none",
    arguments: [
      ("a,\"b\"\"\"", ["a", "b\""]), ("a\r\n", ["a"]), ("\"a\n\",", ["a\n", ""]), ("", nil), ("a\nb", nil), ("\"a", nil),
      ("\"a\"b", nil),
    ] as [(String, [String]?)])
  func singleRow(_ text: String, _ cells: [String]?) {
    #expect(cellTexts(ofRow: Array(text.utf8), dialect: CSVDialect()) == cells)
  }

  @Test("lines are counted as the oracle counts them", arguments: 0..<4 as Range<UInt64>)
  func lines(seed: UInt64) {
    var numbers = SeededNumbers(seed: seed)
    for length in [0, 1, 7, 8, 9, 2039, 2040, 2041, 5000] {
      let bytes = (0..<length).map { _ in [0x0a, 0x0d, 0x0b, 0x0c, 0x61].randomElement(using: &numbers)! as UInt8 }
      let feeds = bytes.count { $0 == 0x0a }
      let returns = bytes.count { $0 == 0x0d }
      let pairs = zip(bytes, bytes.dropFirst()).count { $0 == 0x0d && $1 == 0x0a }
      #expect(lineEndCount(bytes.span, .csv) == feeds + returns - pairs)
      #expect(lineEndCount(bytes.span, .ndjson) == feeds)
    }
    let full = [UInt8](repeating: 0x0a, count: 100_000)
    #expect(lineEndCount(full.span, .csv) == 100_000)
  }
}

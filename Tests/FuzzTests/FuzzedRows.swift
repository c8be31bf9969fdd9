import Bytes
import Disk
import Foundation
import Oracles
import Vocabulary

@testable import Reading

/// What a reader found: rows as an oracle says them, and the messages of those that are none.
private struct RowsRead: Equatable {
  var found: [Found] = []
  var messages: [String] = []
  var lineCount = 0
}

/// Writes the bytes to a file of their own for as long as `run` takes.
private func write(_ bytes: [UInt8], _ run: (String) throws -> Void) throws {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-\(UUID().uuidString)").path
  try Data(bytes).write(to: URL(fileURLWithPath: path))
  defer { try? FileManager.default.removeItem(atPath: path) }
  try run(path)
}

/// Reads all blocks; nil when the reader refuses the input as a whole.
private func read(
  _ path: String, _ format: InputFormat, _ dialect: CSVDialect, columns: [String]?, blockBytes: Int, rowBytes: Int
) throws -> RowsRead? {
  do {
    var blocks = InputBlocks(
      try InputSource.open(path), path: path, input: 0, format: format, dialect: dialect, blockBytes: blockBytes, rowBytes: rowBytes)
    try blocks.skipBeginning()
    var reading = RowsRead()
    var cursor = RowCursor(dialect: dialect)
    while let block = try blocks.next(columns: columns) { try take(block, &cursor, dialect, &reading) }
    reading.lineCount = blocks.lineCount
    return reading
  } catch is ReadFailure {
    return nil
  }
}

private func take(_ block: RowBlock, _ cursor: inout RowCursor, _ dialect: CSVDialect, _ reading: inout RowsRead) throws(Finding) {
  var tape = RowTape()
  cursor.begin(block)
  while let event = cursor.next(in: block.bytes.span, tape: &tape) {
    switch event {
    case .fault(let fault):
      reading.messages.append(fault.message)
      reading.found.append(
        Found(code: fault.code, offset: fault.offset, line: fault.line, bytes: fault.range.map { [UInt8](block.bytes[$0]) }))
    case .row(let range, let line):
      let row = [UInt8](block.bytes[range])
      var cells: [[UInt8]] = []
      if block.format == .csv {
        var decoded = ByteArena(limit: 2 * row.count + 64)
        tape.decode(row.span, quote: dialect.quote ?? 0, into: &decoded)
        cells = tape.nodes.map { copy(decoded.span.extracting($0.range)) }
      } else {
        try expect(tape.nodes[0].kind == .object && tape.nodes[0].next == tape.nodes.count, "the tape of an object is no object")
      }
      reading.found.append(Found(code: nil, offset: block.offset + range.lowerBound, line: line, bytes: row, cells: cells))
    }
  }
}

private func sizes(_ input: inout Input) -> [Int] { [1, 2 + input.choice(below: 64), 64, 65, Limits.blockBytes] }

/// Whether a reader looks at the rows of a file: it is neither packed nor another kind of file.
private func isText(_ path: String, _ bytes: [UInt8]) -> Bool { Packing(beginning: bytes) == nil && (try? InputSource.open(path)) != nil }

/// CSV of any dialect at several block sizes is what the slow reader finds, and its header is the same at each.
func feedCSV(_ input: inout Input) throws {
  let choice = input.byte()
  let dialect = CSVDialect(
    delimiter: choice & 1 == 0 ? 0x2c : 0x3b, quote: choice & 2 == 0 ? 0x22 : nil, comment: choice & 4 == 0 ? nil : 0x23, hasHeader: true,
    skippedLines: choice & 8 == 0 ? 0 : 1)
  let columns: [String]? = choice & 16 == 0 ? ["a", "b"] : nil
  let rowBytes = choice & 32 == 0 ? Limits.rowBytes : 1 + input.choice(below: 40)
  let sizes = sizes(&input)
  let bytes = input.rest()
  let oracle = CSVOracle(bytes: bytes, dialect: dialect, columnCount: columns?.count, rowBytes: rowBytes)
  let expected = oracle.found()
  try write(bytes) { path in
    guard isText(path, bytes) else { return }
    var first: RowsRead?
    for size in sizes {
      guard let reading = try read(path, .csv, dialect, columns: columns, blockBytes: size, rowBytes: rowBytes) else {
        throw Finding("the reader refuses text in blocks of \(size)")
      }
      try expect(reading.found == expected, "in blocks of \(size): \(reading.found) instead of \(expected)")
      try expect(reading == first ?? reading, "in blocks of \(size), messages differ")
      try expect(reading.lineCount == oracle.lineCount, "in blocks of \(size): \(reading.lineCount) lines, not \(oracle.lineCount)")
      first = first ?? reading
    }
    try readAsCallers(path, dialect, sizes)
  }
}

/// Reads with the header, as a caller does.
private func readAsCallers(_ path: String, _ dialect: CSVDialect, _ sizes: [Int]) throws {
  var first: [String]?
  for size in sizes {
    var words: [String] = []
    do {
      var reader = try BlockReader(path: path, input: 0, format: .csv, dialect: dialect, blockBytes: size)
      var reading = RowsRead()
      var cursor = RowCursor(dialect: dialect)
      while let block = try reader.next() { try take(block, &cursor, dialect, &reading) }
      words = [
        "\(reader.header?.names ?? [])", "\(reading.found)", "\(reading.messages)", "\(reader.lineCount)", "\(reader.byteCount)",
        "\(reader.digest)",
      ]
    } catch let failure as ReadFailure {
      words = ["\(failure)"]
    }
    try expect(words == first ?? words, "in blocks of \(size), a caller reads \(words) instead of \(first ?? [])")
    first = words
  }
}

/// NDJSON and JSON arrays at several block sizes are what the slow readers find.
func feedJSON(_ input: inout Input) throws {
  let choice = input.byte()
  let rowBytes = choice & 32 == 0 ? Limits.rowBytes : 1 + input.choice(below: 40)
  let format: InputFormat = choice & 1 == 0 ? .ndjson : .json
  let sizes = sizes(&input)
  let bytes = input.rest()
  // Deeper brackets are counted, not matched.
  guard format == .ndjson || bytes.count(where: { $0 == 0x5b || $0 == 0x7b }) <= Limits.nestingDepth else { return }
  func accepts(_ text: [UInt8]) -> Bool { oracleAccepts(text, depthLimit: Limits.nestingDepth) }
  let mark = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
  let expected =
    format == .json
    ? arrayOracle(bytes, rowBytes: rowBytes, accepts: accepts)
    : ndjsonOracle(Array(bytes[mark...]), rowBytes: rowBytes, accepts: accepts).map { found in
      var found = found
      found.offset += mark
      return found
    }
  try write(bytes) { path in
    guard isText(path, bytes) else { return }
    var first: RowsRead?
    for size in sizes {
      let reading = try read(path, format, CSVDialect(), columns: nil, blockBytes: size, rowBytes: rowBytes)
      try expect(reading?.found == expected, "in blocks of \(size): \(reading?.found ?? []) instead of \(expected ?? [])")
      try expect(reading == first ?? reading, "in blocks of \(size), messages differ")
      first = first ?? reading
    }
  }
}

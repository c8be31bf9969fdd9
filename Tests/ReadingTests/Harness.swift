import Bytes
import Foundation
import Oracles
import Testing
import Vocabulary

@testable import Reading

/// A folder that goes away with its owner.
final class Scratch {
  let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("reading-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func write(_ bytes: [UInt8], as name: String = "input") throws -> String {
    let path = folder + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  func write(_ text: String, as name: String = "input") throws -> String { try write(Array(text.utf8), as: name) }
}

struct RowsRead: Equatable {
  var found: [Found] = []
  var messages: [String] = []
  var columns: [String?] = []
  var blockCount = 0
  var lineCount = 0
}

/// Reads all blocks of an input with columns given from outside, so without a header, and takes their rows apart.
func readBlocks(
  _ path: String, _ format: InputFormat, dialect: CSVDialect = CSVDialect(), columns: [String]?, blockBytes: Int,
  rowBytes: Int = Limits.rowBytes
) throws -> RowsRead {
  var blocks = InputBlocks(
    try InputSource.open(path, encoding: dialect.encoding), path: path, input: 3, format: format, dialect: dialect, blockBytes: blockBytes,
    rowBytes: rowBytes
  )
  try blocks.skipBeginning()
  var reading = RowsRead()
  var cursor = RowCursor(dialect: dialect)
  while let block = try blocks.next(columns: columns) { take(block, &cursor, dialect, &reading) }
  reading.lineCount = blocks.lineCount
  return reading
}

/// Reads an input as a caller does. The digest of a file that is not long must be the file's.
func read(
  _ path: String, _ format: InputFormat? = nil, dialect: CSVDialect = CSVDialect(), blockBytes: Int = Limits.blockBytes
) throws -> (header: [String]?, reading: RowsRead) {
  var reader = try BlockReader(path: path, input: 3, format: format, dialect: dialect, blockBytes: blockBytes)
  var reading = RowsRead()
  var cursor = RowCursor(dialect: dialect)
  while let block = try reader.next() { take(block, &cursor, dialect, &reading) }
  reading.lineCount = reader.lineCount
  if !path.hasPrefix("/dev/"), reader.byteCount < Limits.blockBytes { #expect(reader.digest == (try fileDigest(path))) }
  return (reader.header?.names, reading)
}

private func take(_ block: RowBlock, _ cursor: inout RowCursor, _ dialect: CSVDialect, _ reading: inout RowsRead) {
  reading.blockCount += 1
  var tape = RowTape()
  cursor.begin(block)
  while let event = cursor.next(in: block.bytes.span, tape: &tape) {
    switch event {
    case .fault(let fault):
      reading.messages.append(fault.message)
      reading.columns.append(fault.column)
      reading.found.append(
        Found(code: fault.code, offset: fault.offset, line: fault.line, bytes: fault.range.map { [UInt8](block.bytes[$0]) }))
    case .row(let range, let line):
      let row = [UInt8](block.bytes[range])
      var cells: [[UInt8]] = []
      if block.format == .csv {
        #expect(tape.hasEscapes == tape.nodes.contains { $0.escaped })
        var decoded = ByteArena(limit: 2 * row.count + 64)
        tape.decode(row.span, quote: dialect.quote ?? 0, into: &decoded)
        cells = tape.nodes.map { copy(decoded.span.extracting($0.range)) }
        #expect(tape.nodes.enumerated().allSatisfy { $1.kind == .cell && $1.next == $0 + 1 })
      } else {
        #expect(tape.nodes[0].kind == .object && tape.nodes[0].next == tape.nodes.count)
        #expect(row[tape.nodes[0].start] == 0x7b && row[tape.nodes[0].range.upperBound - 1] == 0x7d)
      }
      reading.found.append(Found(code: nil, offset: block.offset + range.lowerBound, line: line, bytes: row, cells: cells))
    }
  }
}

/// Numbers that look random and are the same for one seed: SplitMix64.
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// Up to `length` pieces of the alphabet, one behind the other.
  mutating func text(of alphabet: [[UInt8]], length: Int) -> [UInt8] {
    (0..<Int.random(in: 0...length, using: &self)).flatMap { _ in alphabet.randomElement(using: &self)! }
  }
}

/// Expects of a CSV input at `path` what the oracle says, in blocks of each of these sizes.
func expectCSV(
  _ bytes: [UInt8], _ dialect: CSVDialect, columns: [String]?, rowBytes: Int = Limits.rowBytes, sizes: [Int], at path: String
) throws {
  let oracle = CSVOracle(bytes: bytes, dialect: dialect, columnCount: columns?.count, rowBytes: rowBytes)
  let expected = oracle.found()
  var first: RowsRead?
  for size in sizes {
    var reading = try readBlocks(path, .csv, dialect: dialect, columns: columns, blockBytes: size, rowBytes: rowBytes)
    reading.blockCount = 0
    #expect(reading.found == expected, "\(shown(bytes)) in blocks of \(size), rows to \(rowBytes)")
    #expect(reading == first ?? reading, "\(shown(bytes)): the messages in blocks of \(size)")
    #expect(reading.lineCount == oracle.lineCount, "\(shown(bytes)): the lines in blocks of \(size)")
    first = first ?? reading
  }
}

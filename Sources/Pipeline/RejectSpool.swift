import Bytes
import Checkpointing
import Disk
import EventAPI
import Foundation
import Reporting
import Vocabulary

/// Some reject lines of one block, where a worker wrote them.
struct RejectPiece: Sendable {
  var block: Int
  var path: String
  var offset: Int
  var count: Int
}

/// The rejects that one worker finds, in a file of its own.
///
/// Memory: `pieceBytes` of lines, and 40 bytes for each piece that was written.
struct RejectWriter: ~Copyable {
  static let pieceBytes = 1 << 20

  private var file: FileWriter
  private var lines = ByteArena(limit: 1 << 30)
  private(set) var pieces: [RejectPiece] = []

  init(path: String) throws(DiskFailure) { file = try FileWriter(path: path) }

  mutating func append(_ reject: Reject, file name: String, line: Int, byte: Int, row: Span<UInt8>?, block: Int) throws(DiskFailure) {
    lines.append(reject: reject, file: name, line: line, byte: byte, form: .raw, row: row)
    if lines.count >= RejectWriter.pieceBytes { try endPiece(of: block) }
  }

  /// Writes what is left of a block's lines.
  mutating func endPiece(of block: Int) throws(DiskFailure) {
    guard lines.count > 0 else { return }
    pieces.append(RejectPiece(block: block, path: file.path, offset: file.byteCount, count: lines.count))
    try file.write(lines)
    lines.removeAll()
  }
}

/// Puts the pieces of all workers together in the order of the blocks, so that the file does not depend on who did what.
func join(_ pieces: [RejectPiece], into path: String) throws(DiskFailure) {
  var writer = try FileWriter(path: path)
  var buffer: [UInt8] = []
  for piece in pieces.sorted(by: { ($0.block, $0.offset) < ($1.block, $1.offset) }) {
    buffer = [UInt8](repeating: 0, count: piece.count)
    try FileReader(path: piece.path).read(into: &buffer, at: piece.offset)
    try writer.write(buffer)
  }
  try writer.sync()
  for path in Set(pieces.map(\.path)) { try Folder.remove(path) }
}

/// Writes the file of rejects anew, with the events that the server has refused so far behind all others. Done again it changes nothing.
func tellRefused(_ checkpoint: Checkpoint, _ run: RunID, in path: String) throws {
  // Quotes inside of a row are escaped, so that no row can say this.
  let mark = Array(",\"code\":\"\(RejectCode.refusedByServer.rawValue)\",".utf8)
  var writer = try FileWriter(path: path + ".new")
  var lines = try LineReader(path: path)
  while let line = try lines.next() {
    if Data(line).range(of: Data(mark)) == nil { try writer.write(line + [0x0a]) }
  }
  try checkpoint.eachRefusedEvent(run) { try writer.write($0) }
  try writer.sync()
  try Folder.replace(path, with: path + ".new")
}

/// Writes the rejects that planning finds behind those of staging, as one new file.
struct RejectFile: ~Copyable {
  private let target: String
  private var writer: FileWriter
  private var lines = ByteArena(limit: 1 << 30)
  private var row = ByteArena(limit: 1 << 30)
  private var native = NativeRowWriter()

  /// Begins a new reject file with the lines that staging wrote.
  init(target: String, staged: String) throws(DiskFailure) {
    self.target = target
    var writer = try FileWriter(path: target + ".new")
    var reader = try FileReader(path: staged)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let got = try reader.read(into: &buffer, from: 0)
      if got == 0 { break }
      try writer.write(buffer.span.extracting(0..<got))
    }
    self.writer = writer
  }

  mutating func append(_ reject: Reject, _ record: borrowing StagedRecord, file: String) throws(DiskFailure) {
    row.removeAll()
    native.append(record, to: &row)
    Self.append(reject, file: file, line: record.line, byte: record.rowOffset, row, to: &lines)
    if lines.count > 1 << 20 { try flush() }
  }

  private static func append(
    _ reject: Reject, file: String, line: Int, byte: Int, _ row: borrowing ByteArena, to lines: inout ByteArena
  ) {
    lines.append(reject: reject, file: file, line: line, byte: byte, form: .native, row: row.span)
  }

  private mutating func flush() throws(DiskFailure) {
    try writer.write(lines)
    lines.removeAll()
  }

  /// Brings the file to the disk and puts it in its place.
  consuming func finish() throws(DiskFailure) {
    try flush()
    try writer.sync()
    try Folder.replace(target, with: target + ".new")
  }
}

import Bytes
import Disk
import EventAPI
import Reporting
import Synchronization
import Vocabulary

/// Takes the rejects of blocks from several workers and writes them in the order of the blocks.
///
/// Memory: the rejects of blocks that were finished before an earlier one.
final class RejectSpool: Sendable {
  private struct State {
    var next = 0
    var waiting: [Int: [UInt8]] = [:]
    var failure: DiskFailure?
  }

  private let state = Mutex(State())
  private let path: String

  /// Begins an empty file.
  init(path: String) throws(DiskFailure) {
    self.path = path
    _ = try FileWriter(path: path)
  }

  /// Takes the reject lines of block `number`; every number must come once. A failure to write is kept until `finish`.
  func take(_ lines: [UInt8], block number: Int) {
    state.withLock { state in
      state.waiting[number] = lines
      var ready: [UInt8] = []
      while let lines = state.waiting.removeValue(forKey: state.next) {
        ready += lines
        state.next += 1
      }
      guard !ready.isEmpty, state.failure == nil else { return }
      do throws(DiskFailure) {
        var writer = try FileWriter(path: path, appending: true)
        try writer.write(ready)
      } catch {
        state.failure = error
      }
    }
  }

  /// Brings what was written to the disk, or throws what went wrong before.
  func finish() throws(DiskFailure) {
    if let failure = state.withLock({ $0.failure }) { throw failure }
    try FileWriter(path: path, appending: true).sync()
  }
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

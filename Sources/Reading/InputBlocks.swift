internal import Bytes
internal import Vocabulary

/// Cuts the bytes of one input into blocks of whole rows.
///
/// A window is read, the cutter says how much of it are whole rows, and the rest begins the next window:
///
///     window   aaa\nbb|b\nc          a block of "aaa\n", a tail of "bb"
///     window   bbb\nc|cc\nddd\n       the tail and new bytes: to make a usual block, or as many as the tail has
///
/// so a row that is longer than a block is copied a few times, each time into a window twice the size.
struct InputBlocks: ~Copyable {
  let format: InputFormat
  /// Lines in the blocks so far.
  private(set) var lineCount = 0

  private let input: Int
  private let blockBytes: Int
  private let rowBytes: Int
  private var source: InputSource
  private var cutter: RowCutter
  /// The beginning of the next window: always the beginning of a row, at `offset` of the input.
  private var tail: [UInt8] = []
  private var offset = 0

  /// Blocks of about `blockBytes` of an opened input, of rows of at most `rowBytes`; the format as `BlockReader` says.
  init(
    _ source: consuming InputSource, path: String, input: Int, format: InputFormat?, dialect: CSVDialect, blockBytes: Int,
    rowBytes: Int = Limits.rowBytes
  ) {
    self.format =
      format ?? InputFormat(fileName: path) ?? InputFormat(beginning: source.beginning.dropFirst(source.markBytes))
    self.input = input
    self.blockBytes = min(max(1, blockBytes), rowBytes)
    self.rowBytes = rowBytes
    self.source = source
    cutter = RowCutter(self.format, dialect, rowBytes: rowBytes)
  }

  var byteCount: Int { source.byteCount }

  var digest: Digest { source.digest }

  /// Passes over the byte order mark; to be called first.
  mutating func skipMark() throws(ReadFailure) {
    offset = try source.read(behind: [], to: source.markBytes).count
  }

  /// The next block, its rows bound to these columns; nil at the end of the input.
  mutating func next(columns: [String]?) throws(ReadFailure) -> RowBlock? {
    while !cutter.isOver {
      if source.isAtEnd, tail.isEmpty { return nil }
      var window = try readWindow()
      let end = cutter.cut(window.span, offset: offset, isLast: source.isAtEnd)
      tail = [UInt8](window[end...])
      // Rows that fill a small part of a large window take their bytes along, not its memory.
      if end < window.count / 2 { window = [UInt8](window[..<end]) } else { window.removeSubrange(end...) }
      if end > 0 { return block(window, columns, cutter.faults) }
    }
    return try skipRow(columns)
  }

  /// The tail with new bytes behind it: a block of the usual size, more when a row needs it.
  private mutating func readWindow() throws(ReadFailure) -> [UInt8] {
    // The cutter needs no more to judge a row.
    if source.isAtEnd || tail.count > rowBytes + 2 { return tail }
    let count = max(blockBytes, 2 * tail.count)
    return try source.read(behind: tail, to: count)
  }

  private mutating func block(_ bytes: [UInt8], _ columns: [String]?, _ faults: [CutFault]) -> RowBlock {
    let block = RowBlock(
      bytes: bytes, offset: offset, line: lineCount + 1, input: input, format: format, columns: columns, faults: faults)
    offset += bytes.count
    lineCount += cutter.lineEndCount ?? lineEndCount(bytes.span, format)
    // The last line of an input need not end.
    if source.isAtEnd, tail.isEmpty, !endsLine(bytes) { lineCount += 1 }
    return block
  }

  private func endsLine(_ bytes: [UInt8]) -> Bool {
    bytes.last == lineFeed || (format == .csv && bytes.last == carriageReturn)
  }

  /// Passes over a row that is too long; returns a block that holds nothing but this fault.
  private mutating func skipRow(_ columns: [String]?) throws(ReadFailure) -> RowBlock {
    let start = offset
    // The limit is passed, so the row cannot end before it.
    var at = rowBytes
    var rowEnd: Int?
    while rowEnd == nil {
      let stop = format == .csv ? firstStop(tail.span, from: at) : firstIndex(of: lineFeed, in: tail.span, from: at)
      at = stop ?? tail.count
      let mayGoOn = stop == nil || (tail[at] == carriageReturn && at + 1 == tail.count)
      if mayGoOn, !source.isAtEnd {
        // What lies behind is all that is kept: one byte of a line end, or nothing.
        offset += at
        tail.removeSubrange(..<at)
        at = 0
        tail = try readWindow()
      } else {
        rowEnd = offset + at
        let isPair = at + 1 < tail.count && tail[at] == carriageReturn && tail[at + 1] == lineFeed
        let next = min(tail.count, at + (isPair ? 2 : 1))
        offset += next
        tail.removeSubrange(..<next)
      }
    }
    cutter.restart()
    let fault = CutFault(reason: .tooLong, place: rowEnd!, range: 0..<0, next: 0)
    lineCount += 1
    return RowBlock(
      bytes: [], offset: start, line: lineCount, input: input, format: format, columns: columns, faults: [fault])
  }
}

extension InputFormat {
  /// What the first byte that is not blank says.
  fileprivate init(beginning: ArraySlice<UInt8>) {
    let first = beginning.first { $0 != 0x20 && $0 != 0x09 && $0 != lineFeed && $0 != carriageReturn }
    self = first == 0x7b ? .ndjson : .csv
  }
}

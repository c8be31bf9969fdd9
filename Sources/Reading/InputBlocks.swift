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

  private let path: String
  private let input: Int
  private let dialect: CSVDialect
  private let blockBytes: Int
  private let rowBytes: Int
  private var source: InputSource
  /// Cuts lines; the one below cuts the elements of a JSON array, and has nothing to do in other formats.
  private var cutter: RowCutter
  private var elements: ElementCutter
  /// The beginning of the next window: always the beginning of a row, at `offset` of the input.
  private var tail: [UInt8] = []
  private var offset = 0
  /// Lines that ended before `offset`, and whether another was begun there.
  private var endedLines = 0
  private var isInLine = false

  /// Blocks of about `blockBytes` of an opened input, of rows of at most `rowBytes`; the format as `BlockReader` says.
  init(
    _ source: consuming InputSource, path: String, input: Int, format: InputFormat?, dialect: CSVDialect, blockBytes: Int,
    rowBytes: Int = Limits.rowBytes
  ) {
    self.format = format ?? InputFormat(fileName: path, beginning: source.beginning.dropFirst(source.markBytes))
    self.path = path
    self.input = input
    self.dialect = dialect
    self.blockBytes = min(max(1, blockBytes), rowBytes)
    self.rowBytes = rowBytes
    self.source = source
    // JSON is UTF-8 by its standard, whatever is declared for the CSV files beside it.
    if self.format != .csv { self.source.takeAsUTF8() }
    cutter = RowCutter(self.format, dialect, rowBytes: rowBytes)
    elements = ElementCutter(rowBytes: rowBytes)
  }

  var byteCount: Int { source.byteCount }

  var digest: Digest { source.digest }

  /// Lines in the blocks so far.
  var lineCount: Int { endedLines + (isInLine ? 1 : 0) }

  /// The next block, its rows bound to these columns; nil at the end of the input.
  mutating func next(columns: [String]?) throws(ReadFailure) -> RowBlock? {
    while !cutter.isOver, !elements.isOver {
      if source.isAtEnd, tail.isEmpty, !elements.isOpen { return nil }
      var window = try readWindow()
      let end = cut(window.span)
      tail = [UInt8](window[end...])
      // Rows that fill a small part of a large window take their bytes along, not its memory.
      if end < window.count / 2 { window = [UInt8](window[..<end]) } else { window.removeSubrange(end...) }
      let faults = format == .json ? elements.faults : cutter.faults
      if end > 0 || !faults.isEmpty { return block(window, columns, faults) }
    }
    return format == .json ? try passElement(columns) : try passRow(columns)
  }

  private mutating func cut(_ window: Span<UInt8>) -> Int {
    format == .json
      ? elements.cut(window, offset: offset, isLast: source.isAtEnd) : cutter.cut(window, offset: offset, isLast: source.isAtEnd)
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
      bytes: bytes, offset: offset, line: endedLines + 1, input: input, format: format, columns: columns, faults: faults)
    if let last = bytes.last { advance(bytes.count, lineEnds: cutter.lineEndCount ?? lineEndCount(bytes.span, format), last: last) }
    return block
  }

  /// Counts bytes that are given out or passed over, the lines that end in them, and whether the last of them ends one.
  private mutating func advance(_ byteCount: Int, lineEnds: Int, last: UInt8) {
    offset += byteCount
    endedLines += lineEnds
    isInLine = last != lineFeed && (format != .csv || last != carriageReturn)
  }

  // MARK: what is passed over

  /// Passes over what stands before the rows: the byte order mark, lines to skip, the bracket that begins an array. To be called first.
  /// Throws when there is no such bracket.
  mutating func skipBeginning() throws(ReadFailure) {
    offset = try source.read(behind: [], to: source.markBytes).count
    if format == .csv { try skipLines() }
    if format == .json { try skipBracket() }
  }

  private mutating func skipLines() throws(ReadFailure) {
    var left = dialect.skippedLines
    while left > 0, !source.isAtEnd || !tail.isEmpty {
      tail = try readWindow()
      var at = 0
      while left > 0, let next = behindLine(at) {
        at = next
        left -= 1
      }
      // A line feed may follow a carriage return at the end.
      if left > 0 { at = tail.last == carriageReturn && !source.isAtEnd ? tail.count - 1 : tail.count }
      drop(at)
    }
  }

  /// Where the line ends that goes on at `start` of the tail, its line end included; nil when that may lie behind the tail.
  private func behindLine(_ start: Int) -> Int? {
    guard let stop = firstStop(tail.span, from: start) else { return nil }
    if tail[stop] == lineFeed { return stop + 1 }
    guard stop + 1 < tail.count else { return source.isAtEnd ? stop + 1 : nil }
    return tail[stop + 1] == lineFeed ? stop + 2 : stop + 1
  }

  private mutating func skipBracket() throws(ReadFailure) {
    while !source.isAtEnd || !tail.isEmpty {
      tail = try readWindow()
      let at = skipSpace(tail.span, 0)
      if at == tail.count {
        drop(at)
        continue
      }
      guard tail[at] == 0x5b else {
        throw .notText(
          path: path, message: "this is no JSON array, which would begin with [; if every line holds one object, its format is ndjson")
      }
      drop(at + 1)
      return elements.begin()
    }
  }

  private mutating func drop(_ count: Int) {
    guard count > 0 else { return }
    advance(count, lineEnds: lineEndCount(tail.span.extracting(..<count), format), last: tail[count - 1])
    tail.removeSubrange(..<count)
  }

  /// Passes over a line that is too long; returns a block that holds nothing but this fault, or not even that when it is a comment.
  private mutating func passRow(_ columns: [String]?) throws(ReadFailure) -> RowBlock {
    let start = offset
    let isComment = format == .csv && tail[0] == dialect.comment
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
    endedLines += 1
    isInLine = false
    return RowBlock(
      bytes: [], offset: start, line: endedLines, input: input, format: format, columns: columns, faults: isComment ? [] : [fault])
  }

  /// Passes over an element that is too long, or over all that is left when that cannot be followed; returns a block that holds nothing
  /// but this fault.
  private mutating func passElement(_ columns: [String]?) throws(ReadFailure) -> RowBlock {
    let start = offset
    let line = endedLines + 1
    while true {
      let window = tail
      let end = elements.pass(window.span)
      drop(end ?? tail.count)
      if end != nil || source.isAtEnd { break }
      tail = try readWindow()
    }
    return RowBlock(
      bytes: [], offset: start, line: line, input: input, format: format, columns: columns, faults: [elements.endPassing(at: offset)])
  }
}

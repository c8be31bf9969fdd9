package import Bytes
internal import Vocabulary

/// Takes the rows of blocks apart, one after the other.
///
/// A CSV row is split by its marks, which `RowMarks` finds; that its quotes close is known from the cutter:
///
///     row     J  o  h  n  ,  "  D  o      marks are delimiters, quotes and line ends
///     marks               ▲  ▲            a delimiter ends a cell; a quote counts only as a cell's first byte, and then
///                                         the next lone quote ends the cell
///
/// Memory: the block begun last, and what nesting needs. Nothing is allocated per row; a fault costs its message.
package struct RowCursor {
  private let dialect: CSVDialect
  /// The delimiter once more when quotes are data.
  private let quote: UInt8
  /// A line feed, with which no row begins, when no line is a comment.
  private let comment: UInt8
  private var marks = RowMarks()
  private var parser = JSONParser(depthLimit: Limits.nestingDepth)

  private var block = RowBlock(bytes: [], offset: 0, line: 1, input: 0, format: .csv, columns: nil, faults: [])
  private var columnCount: Int?
  private var at = 0
  private var line = 1
  private var faultIndex = 0
  /// Where the block's next fault begins; beyond every block without one.
  private var faultStart = Int.max

  /// A cursor for blocks that were cut by this dialect.
  package init(dialect: CSVDialect) {
    self.dialect = dialect
    quote = dialect.quote ?? dialect.delimiter
    comment = dialect.comment ?? lineFeed
  }

  /// Goes to the first row of a block.
  package mutating func begin(_ block: RowBlock) {
    self.block = block
    columnCount = block.columns?.count
    at = 0
    marks = RowMarks()
    line = block.line
    faultIndex = 0
    faultStart = block.faults.first?.range.lowerBound ?? .max
  }

  /// The next row of the block begun last, or why it is none; nil at the block's end. `bytes` are those of the block.
  ///
  /// Of a row the tape holds the values; their positions count from the row's first byte. Of a fault it holds nothing of use.
  package mutating func next(in bytes: Span<UInt8>, tape: inout RowTape) -> RowEvent? {
    switch block.format {
    case .csv: nextCells(bytes, &tape)
    case .ndjson: nextLine(bytes, &tape)
    case .json: nextElement(bytes, &tape)
    }
  }

  /// The rows that this cursor has not come to yet, as a block of their own with named columns.
  func rest(of block: RowBlock, columns: [String]) -> RowBlock {
    RowBlock(
      bytes: [UInt8](block.bytes[at...]), offset: block.offset + at, line: line, input: block.input, format: block.format,
      columns: columns,
      faults: block.faults[faultIndex...].map { fault in
        CutFault(
          reason: fault.reason, place: fault.place, range: (fault.range.lowerBound - at)..<(fault.range.upperBound - at),
          next: fault.next - at)
      })
  }

  // MARK: faults

  private func fault(_ code: RejectCode, _ message: String, column: String? = nil, _ row: Range<Int>, _ line: Int) -> RowEvent {
    .fault(RowFault(code: code, column: column, message: message, range: row, line: line, offset: block.offset + row.lowerBound))
  }

  private mutating func takeFault(_ bytes: Span<UInt8>) -> RowEvent {
    let fault = block.faults[faultIndex]
    let event = RowEvent.fault(
      RowFault(
        code: code(fault.reason), column: nil, message: message(fault), range: fault.range.isEmpty ? nil : fault.range, line: line,
        offset: block.offset + at, hidesRows: [.unfinished, .unmatched, .trailing].contains(fault.reason)))
    line += block.format == .json ? occurrences(of: lineFeed, in: bytes.extracting(at..<fault.next)) : 1
    at = fault.next
    faultIndex += 1
    faultStart = faultIndex < block.faults.count ? block.faults[faultIndex].range.lowerBound : .max
    return event
  }

  private func code(_ reason: CutFault.Reason) -> RejectCode {
    switch reason {
    case .unclosed, .followed, .endless: .badQuote
    case .tooLong: .rowTooLong
    case .missing, .unfinished, .unmatched, .trailing: .badJSON
    }
  }

  private func message(_ fault: CutFault) -> String {
    switch fault.reason {
    case .unclosed: "the quote opened at byte \(fault.place) never closes; pass --quote none if quotes are data"
    case .followed:
      "the quote opened at byte \(fault.place) closes before the end of its cell; double the quotes inside of quotes, "
        + "or pass --quote none if quotes are data"
    case .endless:
      "the quote opened at byte \(fault.place) begins a row that does not end within \(Limits.rowBytes) bytes; "
        + "pass --quote none if quotes are data"
    case .tooLong:
      "the row at bytes \(block.offset + at) to \(fault.place) is longer than \(Limits.rowBytes) bytes and was passed over; "
        + "shorten it, or check the file's quotes and \(block.format == .json ? "brackets" : "line ends")"
    case .missing: "a value was expected before byte \(fault.place); remove the comma that is too many, or complete the array"
    case .unfinished:
      "the file ends at byte \(fault.place), before its array does, so rows may be missing; fetch or export the file again, or mend this "
        + "row when a quote or bracket of it does not close"
    case .unmatched:
      "the bracket at byte \(fault.place) does not close the one opened last, so the file cannot be followed from byte "
        + "\(block.offset + at) on and the rest of it was passed over; mend that row and import the file again"
    case .trailing:
      "the array ends, but byte \(fault.place) follows, and it was passed over with all behind it; put all rows into one array"
    }
  }

  private func notUTF8(_ position: Int) -> String {
    "byte \(block.offset + position) is not UTF-8; declare the file's encoding, or write it in UTF-8, for example with iconv"
  }

  // MARK: CSV

  private mutating func nextCells(_ bytes: Span<UInt8>, _ tape: inout RowTape) -> RowEvent? {
    while true {
      while at < bytes.count, bytes[at] == lineFeed || bytes[at] == carriageReturn { skipLineEnd(bytes) }
      if at == faultStart { return takeFault(bytes) }
      guard at < bytes.count else { return nil }
      if bytes[at] != comment { break }
      skipComment(bytes)
    }
    let start = at
    let first = line
    let split = splitRow(bytes, &tape)
    let row = start..<split.end
    at = split.end
    if split.hasLineEnds { line += lineEndCount(bytes.extracting(row), .csv) }
    if at < bytes.count { skipLineEnd(bytes) }
    if !split.isASCII, let position = firstInvalidUTF8(in: bytes.extracting(row)) {
      let column = tape.nodes.prefix(split.cellCount).firstIndex { position < $0.start + $0.count }
      return fault(.notUTF8, notUTF8(start + position), column: column.flatMap { block.columns?[$0] }, row, first)
    }
    if let columnCount, split.cellCount != columnCount {
      return fault(
        .raggedRow,
        "the row has \(split.cellCount) cells where the \(dialect.hasHeader ? "header" : "first row") has \(columnCount); "
          + "quote the cells that hold a delimiter, or complete the row", row, first)
    }
    return .row(row, line: first)
  }

  private mutating func skipLineEnd(_ bytes: Span<UInt8>) {
    let isPair = bytes[at] == carriageReturn && at + 1 < bytes.count && bytes[at + 1] == lineFeed
    at += isPair ? 2 : 1
    line += 1
  }

  /// Apart, because rows are read faster without it in their way.
  @inline(never)
  private mutating func skipComment(_ bytes: Span<UInt8>) { at = firstStop(bytes, from: at) ?? bytes.count }

  private struct Split {
    /// Where the row ends: at its line end, or at the block's end.
    var end = 0
    var cellCount = 0
    /// Whether all of the row is ASCII. What follows it may speak against it.
    var isASCII = true
    /// Whether there are line ends inside of quotes.
    var hasLineEnds = false
  }

  /// Splits the row at `at` into cells. The tape takes no more cells than there are columns; where those are not known, the cells are
  /// counted first.
  private mutating func splitRow(_ bytes: Span<UInt8>, _ tape: inout RowTape) -> Split {
    tape.begin(cellCount: columnCount ?? 0)
    if columnCount == nil {
      let first = marks
      tape.begin(cellCount: split(bytes, &tape).cellCount)
      marks = first
    }
    return split(bytes, &tape)
  }

  private mutating func split(_ bytes: Span<UInt8>, _ tape: inout RowTape) -> Split {
    precondition(bytes.count <= RowTape.mostBytes)
    let (delimiter, quote, start) = (dialect.delimiter, quote, at)
    var marks = marks
    marks.begin(row: start, bytes, delimiter, quote)
    var result = Split(isASCII: marks.isASCII)
    var nodes = tape.nodes.mutableSpan
    var cellCount = 0
    var hasEscapes = false
    // The cell's first byte, behind its quote when one was opened; and where the quote that closed last stands.
    var cell = start
    var close = 0
    var isOpened = false
    var isInside = false
    var isEscaped = false
    while true {
      while marks.bits == 0, marks.piece < bytes.count {
        marks.piece &+= 64
        (marks.bits, marks.isASCII) = RowMarks.look(bytes, marks.piece, delimiter, quote)
        result.isASCII = result.isASCII && marks.isASCII
      }
      let stop = marks.bits == 0 ? bytes.count : marks.piece &+ marks.bits.trailingZeroBitCount
      marks.bits &= marks.bits &- 1
      let byte = stop < bytes.count ? bytes[stop] : lineFeed
      if byte == quote, quote != delimiter {
        if isInside {
          isInside = false
          close = stop
        } else if stop == cell {
          isOpened = true
          isInside = true
          cell = stop &+ 1
        } else if isOpened, stop == close &+ 1 {
          isInside = true
          isEscaped = true
          hasEscapes = true
        }
      } else if isInside {
        precondition(stop < bytes.count, "a quote does not close in its block")
        if byte != delimiter { result.hasLineEnds = true }
      } else {
        let end = isOpened ? close : stop
        if cellCount < nodes.count {
          nodes[cellCount] = Node(
            kind: .cell, escaped: isEscaped, start: cell &- start, count: end &- cell, next: cellCount &+ 1)
        }
        cellCount &+= 1
        if byte != delimiter {
          result.end = stop
          break
        }
        cell = stop &+ 1
        isOpened = false
        isEscaped = false
      }
    }
    result.cellCount = cellCount
    self.marks = marks
    tape.hasEscapes = hasEscapes
    return result
  }

  // MARK: JSON

  private mutating func nextLine(_ bytes: Span<UInt8>, _ tape: inout RowTape) -> RowEvent? {
    while true {
      if at == faultStart { return takeFault(bytes) }
      guard at < bytes.count else { return nil }
      let lineEnd = firstIndex(of: lineFeed, in: bytes, from: at) ?? bytes.count
      let end = lineEnd > at && bytes[lineEnd - 1] == carriageReturn ? lineEnd - 1 : lineEnd
      let row = at..<end
      let first = line
      at = min(bytes.count, lineEnd + 1)
      line += 1
      let text = bytes.extracting(row)
      if skipSpace(text, 0) == text.count { continue }
      return object(text, row, first, &tape)
    }
  }

  private mutating func nextElement(_ bytes: Span<UInt8>, _ tape: inout RowTape) -> RowEvent? {
    while true {
      while at < bytes.count, isBlank(bytes[at]) {
        if bytes[at] == lineFeed { line += 1 }
        at += 1
      }
      if at == faultStart { return takeFault(bytes) }
      guard at < bytes.count else { return nil }
      // The end of an array without elements.
      if bytes[at] != 0x5d { break }
      at += 1
    }
    let start = at
    let first = line
    var scan = ElementScan()
    let step = scan.read(bytes, &at)
    precondition(step == .ends, "an element does not end in its block")
    let row = start..<endOfElement(bytes, start, at)
    line += occurrences(of: lineFeed, in: bytes.extracting(start..<at))
    at += 1
    return object(bytes.extracting(row), row, first, &tape)
  }

  @inline(__always)
  private mutating func object(_ text: Span<UInt8>, _ row: Range<Int>, _ line: Int, _ tape: inout RowTape) -> RowEvent {
    if let position = firstInvalidUTF8(in: text) { return fault(.notUTF8, notUTF8(row.lowerBound + position), row, line) }
    do throws(JSONFault) {
      try parser.parse(text, into: &tape)
    } catch {
      return fault(.badJSON, "\(error.offset) bytes into the row: \(error.reason.rawValue)", row, line)
    }
    guard tape.nodes[0].kind == .object else {
      let rule = block.format == .json ? "every element of the array must be one" : "every line must hold one object"
      return fault(.notAnObject, "the row is JSON, but no object; \(rule)", row, line)
    }
    return .row(row, line: line)
  }
}

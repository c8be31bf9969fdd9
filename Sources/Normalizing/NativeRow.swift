import Bytes
import Vocabulary

/// A native JSON row that is put together value by value, as bytes and nodes, never parsed.
///
/// Names stand at the beginning of the bytes, written once for all rows; the values of the row at hand stand behind them.
struct NativeRow: ~Copyable {
  private(set) var bytes = ByteArena(limit: 32 * Limits.rowBytes)
  private(set) var tape = RowTape()
  private(set) var counts = ConversionCounts()
  private var scratch = ByteArena(limit: 32 * Limits.rowBytes)
  /// Of a cell whose text is JSON.
  private var parser = JSONParser(depthLimit: Limits.nestingDepth)
  private var inner = RowTape()
  private var nameBytes = 0
  /// Where the row that it is made of begins and ends in the bytes.
  private var rowStart = 0
  private var rowEnd = 0

  /// Adds a name for all rows, and returns where it lies. Before the first row.
  mutating func place(_ name: String) -> Range<Int> {
    let start = bytes.count
    bytes.append(Array(name.utf8))
    nameBytes = bytes.count
    return start..<bytes.count
  }

  /// Takes the row that the next native rows are made of.
  mutating func begin(_ row: Span<UInt8>) {
    bytes.truncate(to: nameBytes)
    rowStart = nameBytes
    bytes.append(row)
    rowEnd = bytes.count
  }

  /// Begins the next native row.
  mutating func beginRecord() {
    beginCells()
    _ = open(.object)
  }

  /// Begins the next native row, whose values are cells.
  mutating func beginCells() {
    bytes.truncate(to: rowEnd)
    tape.removeAll()
  }

  /// Appends a cell of the row as it stands there.
  @inline(__always)
  mutating func append(cell node: Node) {
    tape.nodes.append(
      Node(kind: .cell, escaped: false, start: rowStart &+ node.start, count: node.count, next: tape.nodes.count &+ 1))
  }

  /// Appends a cell whose text lies in the bytes already; an empty one is an absent value.
  mutating func append(cell range: Range<Int>) {
    tape.nodes.append(Node(kind: .cell, escaped: false, start: range.lowerBound, count: range.count, next: tape.nodes.count + 1))
  }

  mutating func end() { close(0) }

  /// Whether a row passes the filter.
  mutating func passes(
    _ filter: RowFilter, _ row: Span<UInt8>, _ from: borrowing RowTape, _ places: borrowing RowPlaces
  ) throws(Reject) -> Bool {
    try filter.passes(row, from, places, &scratch, &counts, &bytes)
  }

  /// Reads a value of a row, and returns where it lies and what it is; nil without one.
  mutating func read(
    _ source: SourceReader, _ type: ValueType?, _ row: Span<UInt8>, _ from: borrowing RowTape, _ places: borrowing RowPlaces
  ) throws(Reject) -> (range: Range<Int>, kind: NodeKind)? {
    let start = bytes.count
    guard let kind = try source.append(row, from, places, &scratch, &counts, into: &bytes) else { return nil }
    let range = start..<bytes.count
    return (range, try NativeRow.kind(kind, type, bytes.span.extracting(range), source.name))
  }

  /// Appends a value of the row under a name, as it stands there.
  mutating func append(_ name: Range<Int>, _ node: Node) {
    append(name)
    let start = rowStart + node.start
    append(start..<(start + node.count), node.kind == .cell ? .string : node.kind)
  }

  /// Appends a text that lies in the bytes already: a name, or a value that was read.
  mutating func append(_ range: Range<Int>, _ kind: NodeKind = .string) {
    tape.nodes.append(Node(kind: kind, escaped: false, start: range.lowerBound, count: range.count, next: tape.nodes.count + 1))
  }

  /// Appends a text as a string.
  mutating func append(text: Span<UInt8>) {
    let start = bytes.count
    bytes.append(text)
    append(start..<bytes.count)
  }

  /// Begins an object or a list, which `close` ends.
  mutating func open(_ kind: NodeKind) -> Int {
    tape.nodes.append(Node(kind: kind, escaped: false, start: 0, count: 1, next: 0))
    return tape.nodes.count - 1
  }

  mutating func close(_ node: Int) { tape.nodes[node].next = tape.nodes.count }

  /// Appends a value of a row as it is, with all that is inside of it.
  mutating func append(_ top: Int, _ row: Span<UInt8>, _ from: borrowing RowTape) {
    Self.append(top, row, from, to: &tape, &bytes)
  }

  /// Appends the object or list that a cell's text is, as databases write one into CSV.
  mutating func append(_ name: Range<Int>, json cell: Span<UInt8>, column: String) throws(Reject) {
    do throws(JSONFault) {
      try parser.parse(cell, into: &inner)
    } catch {
      throw Reject(
        .badJSON, column: column,
        "the mapping takes the cell for an object or a list in JSON, and \(error.reason.rawValue) (byte \(error.offset) of the cell); correct the row"
      )
    }
    append(name)
    guard inner.hasEscapes else { return Self.append(0, cell, inner, to: &tape, &bytes) }
    inner.decode(cell, quote: 0x22, into: &scratch)
    Self.append(decoded: scratch, inner, to: &tape, &bytes)
  }

  private static func append(
    decoded: borrowing ByteArena, _ from: borrowing RowTape, to tape: inout RowTape, _ bytes: inout ByteArena
  ) {
    append(0, decoded.span, from, to: &tape, &bytes)
  }

  private static func append(
    _ top: Int, _ row: Span<UInt8>, _ from: borrowing RowTape, to tape: inout RowTape, _ bytes: inout ByteArena
  ) {
    let shift = tape.nodes.count - top
    for at in top..<from.nodes[top].next {
      var node = from.nodes[at]
      if node.kind == .object || node.kind == .array {
        // As `open` has it: what is inside says all of it.
        node.start = 0
        node.count = 1
      } else {
        node.start = bytes.count
        bytes.append(row.extracting(from.nodes[at].range))
      }
      node.next += shift
      tape.nodes.append(node)
    }
  }

  /// The kind of a value that is to be of a type.
  private static func kind(_ kind: NodeKind, _ type: ValueType?, _ text: Span<UInt8>, _ column: String) throws(Reject) -> NodeKind {
    switch type {
    case nil: return kind == .cell ? .string : kind
    case .string: return .string
    case .number:
      guard isNumber(text) else {
        throw Reject(
          .badNumber, column: column, "this is not a number as JSON writes it; correct the row, or say how numbers are written")
      }
      return .number
    case .boolean:
      if same(text, "true") || same(text, "TRUE") || same(text, "True") || same(text, "1") { return .true }
      if same(text, "false") || same(text, "FALSE") || same(text, "False") || same(text, "0") { return .false }
      throw Reject(.badBoolean, column: column, "this is neither true nor false; write one of the two")
    }
  }
}

import Bytes
import Vocabulary

/// The values of one row by field, and how they are read. A value's place is a range of the row's bytes; an empty range is an absent value.
///
/// Not copyable, because the compiler would copy it for each call.
struct RowValues: ~Copyable {
  /// For each field the node of its value; one without bytes is an absent value.
  private var nodes = InlineArray<20, Node>(repeating: RowValues.absent)

  @inline(__always)
  static var absent: Node { Node(kind: .cell, escaped: false, start: 0, count: 0, next: 0) }

  @inline(__always)
  mutating func removeAll() { nodes = InlineArray(repeating: RowValues.absent) }

  @inline(__always)
  mutating func set(slot: Int, _ node: Node) { nodes[slot] = node }

  /// Sets the fields to the cells of their columns.
  @inline(__always)
  mutating func set(_ bound: [BoundColumn], _ nodes: Span<Node>) {
    let bound = bound.span
    for at in bound.indices {
      let node = nodes[bound[at].column]
      if node.count > 0 || bound[at].isFirstLook { self.nodes[bound[at].slot] = node }
    }
  }

  @inline(__always)
  func isAbsent(_ field: Field) -> Bool { nodes[field.slot].count == 0 }

  /// The text of a field that is compared and not kept, whatever the kind of its value.
  @inline(__always)
  func word(_ field: Field) -> Range<Int> { nodes[field.slot].range }

  /// An id or key: text that is not empty, or a whole JSON number, each of whose digits is kept.
  @inline(__always)
  func id(_ field: Field, _ row: Span<UInt8>, entity: Bool = false) throws(Reject) -> Range<Int> {
    let node = nodes[field.slot]
    if node.count == 0 { return 0..<0 }
    // Only what begins with a digit can look damaged.
    if node.kind == .cell || node.kind == .string, row[node.start] &- 0x30 > 9 { return node.range }
    return try Self.numericID(node, field, row, entity)
  }

  @inline(never)
  private static func numericID(_ node: Node, _ field: Field, _ row: Span<UInt8>, _ entity: Bool) throws(Reject) -> Range<Int> {
    let text = row.extracting(node.range)
    switch node.kind {
    case .cell, .string:
      if !isAllDigits(text), entity ? looksDamaged(text) : looksRounded(text) { throw damaged(field) }
    case .number:
      let digits = text[0] == 0x2d ? text.extracting(1..<text.count) : text
      guard isAllDigits(digits) else { throw damaged(field) }
    default: throw Reject(.wrongType, column: field.rawValue, "an id is text or a whole number; write it in double quotes")
    }
    return node.range
  }

  @inline(__always)
  func requiredID(_ field: Field, _ row: Span<UInt8>, entity: Bool = false) throws(Reject) -> Range<Int> {
    let range = try id(field, row, entity: entity)
    guard !range.isEmpty else { throw Self.missing(field) }
    return range
  }

  /// The visitor's id, which is never a word that other programs write for no value: all rows without one would be one visitor.
  @inline(__always)
  func visitor(_ row: Span<UInt8>) throws(Reject) -> Range<Int> {
    let range = try requiredID(.visitor, row)
    if range.count <= 9, Self.saysNothing(row.extracting(range)) { throw Self.placeholder(row.extracting(range)) }
    return range
  }

  @inline(never)
  private static func saysNothing(_ id: Span<UInt8>) -> Bool {
    sameLetters(id, "null") || sameLetters(id, "nan") || sameLetters(id, "none") || sameLetters(id, "undefined")
      || sameLetters(id, "n/a") || sameLetters(id, "#n/a") || sameLetters(id, "(null)") || sameLetters(id, "\\n")
  }

  @inline(never)
  private static func placeholder(_ id: Span<UInt8>) -> Reject {
    Reject(
      .missingField, column: Field.visitor.rawValue,
      "visitor_id says \(text(id)), as programs write no value; fill it, or leave the row out")
  }

  @inline(never)
  private static func missing(_ field: Field) -> Reject {
    Reject(.missingField, column: field.rawValue, "\(field.rawValue) is empty; fill it, or leave the row out")
  }

  @inline(never)
  private static func damaged(_ field: Field) -> Reject {
    Reject(
      .damagedID, column: field.rawValue,
      "this id looks damaged by a spreadsheet or a floating-point column; export it again as text, with every digit")
  }

  /// `9.56082E+09` and `9560823711.0`, also with a comma: no id of the vendor's looks like that.
  private static func looksDamaged(_ text: Span<UInt8>) -> Bool {
    for at in text.indices where text[at] == 0x2e || text[at] == 0x2c || text[at] | 0x20 == 0x65 { return isPointedNumber(text) }
    return false
  }

  /// `9.56082E+09`, `9.56082E9` and `9560823711.0`: a visitor's own id may have a point or an `e`, but hardly a spreadsheet's exponent, nor
  /// the zeros that a column of floating-point numbers puts behind a point.
  private static func looksRounded(_ text: Span<UInt8>) -> Bool {
    guard isPointedNumber(text) else { return false }
    let point = firstIndex(of: 0x2e, in: text) ?? firstIndex(of: 0x2c, in: text)
    for at in text.indices where text[at] | 0x20 == 0x65 { return point != nil || firstIndex(of: 0x2b, in: text) != nil }
    guard let point else { return false }
    for at in (point + 1)..<text.count where text[at] != 0x30 { return false }
    return true
  }

  /// Whether a text is a number with a point or a comma before its fraction.
  private static func isPointedNumber(_ text: Span<UInt8>) -> Bool {
    guard let comma = firstIndex(of: 0x2c, in: text) else { return endOfNumber(text, 0) == text.count }
    var pointed = copy(text)
    pointed[comma] = 0x2e
    return endOfNumber(pointed.span, 0) == text.count
  }

  @inline(__always)
  func timestamp(_ row: Span<UInt8>, assumingUTC: Bool) throws(Reject) -> Int64 {
    let node = nodes[Field.timestamp.slot]
    if node.count == 13, Self.isScalar(node.kind), let number = thirteenDigits(row.extracting(node.range)) { return number }
    return try Self.otherTimestamp(node, row, assumingUTC)
  }

  @inline(never)
  private static func otherTimestamp(_ node: Node, _ row: Span<UInt8>, _ assumingUTC: Bool) throws(Reject) -> Int64 {
    guard node.count > 0 else { throw missing(.timestamp) }
    guard isScalar(node.kind) else {
      throw Reject(.wrongType, column: Field.timestamp.rawValue, "a timestamp is a number or text")
    }
    do throws(TimestampFault) {
      let text = row.extracting(node.range)
      do throws(TimestampFault) {
        return try epochMilliseconds(text, assumingUTC: assumingUTC)
      } catch {
        // Rarer forms of ISO 8601, as in any other zone.
        guard assumingUTC, case .form = error else { throw error }
        return try TimeReader.utc.read(text).milliseconds
      }
    } catch {
      throw Reject(error.code, column: Field.timestamp.rawValue, error.message)
    }
  }

  @inline(__always)
  func wholeNumber(_ field: Field, _ hint: StaticString, _ row: Span<UInt8>) throws(Reject) -> Int64? {
    isAbsent(field) ? nil : try Self.wholeNumber(nodes[field.slot], field, hint, row)
  }

  @inline(never)
  private static func wholeNumber(_ node: Node, _ field: Field, _ hint: StaticString, _ row: Span<UInt8>) throws(Reject) -> Int64 {
    guard isScalar(node.kind) else { throw Reject(.wrongType, column: field.rawValue, "\(field.rawValue) is a whole number") }
    // `20.0` may be a dataframe's 20 hundredths or somebody's 20 units, so a point is never read.
    guard let number = Bytes.wholeNumber(row.extracting(node.range)) else {
      throw Reject(
        .badNumber, column: field.rawValue, "\(field.rawValue) is not a whole number of at most 64 bits, written without a point; \(hint)")
    }
    return number
  }

  /// A number as JSON writes it; its text is kept.
  @inline(__always)
  func number(_ field: Field, _ row: Span<UInt8>) throws(Reject) -> (range: Range<Int>, value: Double)? {
    isAbsent(field) ? nil : (nodes[field.slot].range, try Self.number(nodes[field.slot], field, row))
  }

  @inline(never)
  private static func number(_ node: Node, _ field: Field, _ row: Span<UInt8>) throws(Reject) -> Double {
    guard isScalar(node.kind) else { throw Reject(.wrongType, column: field.rawValue, "\(field.rawValue) is a number") }
    let text = row.extracting(node.range)
    guard isNumber(text) else {
      throw Reject(
        .badNumber, column: field.rawValue,
        "\(field.rawValue) is not a number as JSON writes it; use digits and a point, without thousands separators or currency signs"
      )
    }
    guard let number = fraction(text) else {
      throw Reject(.badNumber, column: field.rawValue, "\(field.rawValue) is larger than the server can hold; correct it")
    }
    return number
  }

  @inline(__always)
  func boolean(_ field: Field, _ row: Span<UInt8>) throws(Reject) -> Bool? {
    isAbsent(field) ? nil : try Self.boolean(nodes[field.slot], field, row)
  }

  @inline(never)
  private static func boolean(_ node: Node, _ field: Field, _ row: Span<UInt8>) throws(Reject) -> Bool {
    if node.kind == .true { return true }
    if node.kind == .false { return false }
    if isScalar(node.kind) {
      let text = row.extracting(node.range)
      if same(text, "true") || same(text, "TRUE") || same(text, "True") || same(text, "1") { return true }
      if same(text, "false") || same(text, "FALSE") || same(text, "False") || same(text, "0") { return false }
    }
    throw Reject(.badBoolean, column: field.rawValue, "\(field.rawValue) is neither true nor false; write one of the two")
  }

  /// Whether a value is text or a number, which one field may have as either.
  @inline(__always)
  private static func isScalar(_ kind: NodeKind) -> Bool { kind == .cell || kind == .string || kind == .number }
}

import Bytes
import Vocabulary

/// The values of one row by field, and how they are read. A value's place is a range of the row's bytes; an empty range is an absent value.
struct RowValues {
  /// For each field the node of its value, or -1.
  var nodes = InlineArray<32, Int>(repeating: -1)

  func node(_ field: Field) -> Int { nodes[field.slot] }

  func isAbsent(_ field: Field) -> Bool { nodes[field.slot] < 0 }

  /// An id or key: text that is not empty, or a whole JSON number, each of whose digits is kept.
  func id(
    _ field: Field, _ row: Span<UInt8>, _ tape: borrowing RowTape, entity: Bool = false
  ) throws(Reject) -> Range<Int> {
    let node = nodes[field.slot]
    guard node >= 0 else { return 0..<0 }
    let value = tape.nodes[node]
    switch value.kind {
    case .cell, .string:
      let text = row.extracting(value.range)
      if entity ? looksDamaged(text) : looksRounded(text) { throw damaged(field) }
      return value.range
    case .number:
      let first = row[value.start] == 0x2d ? value.start + 1 : value.start
      guard isAllDigits(row.extracting(first..<value.range.upperBound)) else { throw damaged(field) }
      return value.range
    default: throw Reject(.wrongType, column: field.rawValue, "an id is text or a whole number; write it in double quotes")
    }
  }

  func requiredID(
    _ field: Field, _ row: Span<UInt8>, _ tape: borrowing RowTape, entity: Bool = false
  ) throws(Reject) -> Range<Int> {
    let range = try id(field, row, tape, entity: entity)
    guard !range.isEmpty else {
      throw Reject(.missingField, column: field.rawValue, "\(field.rawValue) is empty; fill it, or leave the row out")
    }
    return range
  }

  private func damaged(_ field: Field) -> Reject {
    Reject(
      .damagedID, column: field.rawValue,
      "this id looks damaged by a spreadsheet or a floating-point column; export it again as text, with every digit")
  }

  /// `9.56082E+09` and `9560823711.0`: no id of the vendor's looks like that.
  private func looksDamaged(_ text: Span<UInt8>) -> Bool {
    guard !text.isEmpty, text[0] &- 0x30 <= 9, !isAllDigits(text) else { return false }
    for at in text.indices where text[at] == 0x2e || text[at] | 0x20 == 0x65 { return endOfNumber(text, 0) == text.count }
    return false
  }

  /// `9.56082E+09`: a visitor's own id may have a point or an `e`, but hardly a spreadsheet's exponent.
  private func looksRounded(_ text: Span<UInt8>) -> Bool {
    guard !text.isEmpty, text[0] &- 0x30 <= 9, !isAllDigits(text), firstIndex(of: 0x2b, in: text) != nil else { return false }
    return endOfNumber(text, 0) == text.count
  }

  func timestamp(_ row: Span<UInt8>, _ tape: borrowing RowTape, assumingUTC: Bool) throws(Reject) -> Int64 {
    let node = nodes[Field.timestamp.slot]
    guard node >= 0 else {
      throw Reject(.missingField, column: Field.timestamp.rawValue, "timestamp is empty; fill it, or leave the row out")
    }
    switch tape.nodes[node].kind {
    case .cell, .string, .number: break
    default: throw Reject(.wrongType, column: Field.timestamp.rawValue, "a timestamp is a number or text")
    }
    do {
      return try epochMilliseconds(row.extracting(tape.nodes[node].range), assumingUTC: assumingUTC)
    } catch {
      throw Reject(error.code, column: Field.timestamp.rawValue, error.message)
    }
  }

  func wholeNumber(_ field: Field, _ hint: String, _ row: Span<UInt8>, _ tape: borrowing RowTape) throws(Reject) -> Int64? {
    let node = nodes[field.slot]
    guard node >= 0 else { return nil }
    switch tape.nodes[node].kind {
    case .cell, .string, .number: break
    default: throw Reject(.wrongType, column: field.rawValue, "\(field.rawValue) is a whole number")
    }
    // `20.0` may be a dataframe's 20 hundredths or somebody's 20 units, so a point is never read.
    guard let number = Bytes.wholeNumber(row.extracting(tape.nodes[node].range)) else {
      throw Reject(
        .badNumber, column: field.rawValue, "\(field.rawValue) is not a whole number of at most 64 bits, written without a point; \(hint)")
    }
    return number
  }

  /// A number as JSON writes it; its text is kept.
  func number(_ field: Field, _ row: Span<UInt8>, _ tape: borrowing RowTape) throws(Reject) -> (range: Range<Int>, value: Double)? {
    let node = nodes[field.slot]
    guard node >= 0 else { return nil }
    let value = tape.nodes[node]
    switch value.kind {
    case .cell, .string, .number: break
    default: throw Reject(.wrongType, column: field.rawValue, "\(field.rawValue) is a number")
    }
    guard isNumber(row.extracting(value.range)) else {
      throw Reject(
        .badNumber, column: field.rawValue,
        "\(field.rawValue) is not a number as JSON writes it; use digits and a point, without thousands separators or currency signs"
      )
    }
    guard let number = fraction(row.extracting(value.range)) else {
      throw Reject(.badNumber, column: field.rawValue, "\(field.rawValue) is larger than the server can hold; correct it")
    }
    return (value.range, number)
  }

  func boolean(_ field: Field, _ row: Span<UInt8>, _ tape: borrowing RowTape) throws(Reject) -> Bool? {
    let node = nodes[field.slot]
    guard node >= 0 else { return nil }
    let value = tape.nodes[node]
    if value.kind == .true { return true }
    if value.kind == .false { return false }
    if value.kind == .cell || value.kind == .string || value.kind == .number {
      let text = row.extracting(value.range)
      for word: StaticString in ["true", "TRUE", "True", "1"] where same(text, word) { return true }
      for word: StaticString in ["false", "FALSE", "False", "0"] where same(text, word) { return false }
    }
    throw Reject(.badBoolean, column: field.rawValue, "\(field.rawValue) is neither true nor false; write one of the two")
  }
}

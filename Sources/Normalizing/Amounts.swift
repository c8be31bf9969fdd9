import Bytes

/// How a mapping's numbers are written.
package struct NumberFormat: Sendable, Hashable, Codable {
  /// What stands before the fraction: a point or a comma.
  package var decimal: String
  /// What stands between groups of three digits; nil when nothing does.
  package var group: String?

  package init(decimal: String = ".", group: String? = nil) {
    self.decimal = decimal
    self.group = group
  }

  package static let decimals = [".", ","]
  /// Comma, point, space, apostrophe, and the spaces that no line breaks at (U+00A0, U+202F).
  package static let groups = [",", ".", " ", "'", "\u{a0}", "\u{202f}"]
}

/// How a mapping's amounts of money become the API's, which are whole hundredths of the currency unit.
package struct MoneyFormat: Sendable, Hashable, Codable {
  package enum Unit: String, Sendable, Hashable, Codable, CaseIterable {
    /// The currency's unit: 19.99 dollars.
    case major
    /// Its smallest: 1999 cents.
    case minor
  }

  package enum Rounding: String, Sendable, Hashable, Codable, CaseIterable {
    case reject
    case halfUp = "half_up"
    case halfEven = "half_even"
  }

  package var unit: Unit
  /// Digits by which the smallest unit is smaller than the currency's: 2 for cents, 0 for yen, 3 for fils.
  package var exponent: Int
  package var number: NumberFormat
  /// What becomes of amounts that are no whole hundredths.
  package var rounding: Rounding

  package init(unit: Unit, exponent: Int = 2, number: NumberFormat = NumberFormat(), rounding: Rounding = .reject) {
    self.unit = unit
    self.exponent = exponent
    self.number = number
    self.rounding = rounding
  }
}

/// Why a text is not a number in the form that the mapping says.
enum NumberFault: Error, Equatable {
  case form, groups, exponent, parentheses, range
  /// An amount that is no whole number of hundredths.
  case fraction

  var message: String {
    switch self {
    case .form:
      "this is not a number in the form that the mapping says: digits with the marks that decimal and group name, a sign before them, and of an "
        + "amount with a unit its currency; correct the row, or decimal and group"
    case .groups: "this number's groups do not have three digits each; correct the row, or decimal and group"
    case .exponent: "this number has an exponent, as spreadsheets write long ones; export it again with every digit"
    case .parentheses: "this number stands in parentheses, as accountants write negative ones; write it with a minus"
    case .range: "this number has more digits than can be kept; correct it"
    case .fraction:
      "this amount is no whole number of hundredths; if it counts whole units, say unit: major; else correct it, or say how to round it, as in "
        + "rounding: half_even"
    }
  }
}

/// Reads numbers as a mapping says that they are written, digit by digit.
struct NumberReader: Sendable {
  private let decimal: UInt8
  private let group: [UInt8]

  init(_ format: NumberFormat) throws(MappingFault) {
    guard NumberFormat.decimals.contains(format.decimal) else {
      throw MappingFault("decimal is '.' or ',', not '\(format.decimal)'")
    }
    if let group = format.group {
      guard NumberFormat.groups.contains(group) else {
        throw MappingFault("group is one of , . ' or a space, not '\(group)'")
      }
      guard group != format.decimal else { throw MappingFault("decimal and group are both '\(group)'; one of them is another") }
    }
    decimal = Array(format.decimal.utf8)[0]
    group = Array((format.group ?? "").utf8)
  }

  /// Appends the number as JSON writes it, with the digits that it has, and returns it.
  @discardableResult
  func append(_ text: Span<UInt8>, into arena: inout ByteArena) throws(NumberFault) -> ExactDecimal {
    let start = arena.count
    do throws(NumberFault) {
      return try read(text) { arena.append($0) }
    } catch {
      arena.truncate(to: start)
      throw error
    }
  }

  /// The number; `write` is called with each of its characters as JSON writes it.
  func read(_ text: Span<UInt8>, _ write: (UInt8) -> Void = { _ in }) throws(NumberFault) -> ExactDecimal {
    var number = ExactDecimal()
    var at = 0
    if text.count > 0, text[0] == 0x2d || text[0] == 0x2b {
      number.isNegative = text[0] == 0x2d
      if number.isNegative { write(0x2d) }
      at = 1
    }
    let wholeStart = at
    var digitCount = 0
    var isZero = true
    // Digits since the last group mark; nil before the first.
    var inGroup: Int?
    while at < text.count, text[at] != decimal {
      if let digit = digit(text, at) {
        guard number.append(digit, isFraction: false) else { throw .range }
        digitCount += 1
        inGroup = inGroup.map { $0 + 1 }
        if digit > 0 || !isZero { write(digit + 0x30) }
        if digit > 0 { isZero = false }
        at += 1
      } else if isGroupMark(text, at), digitCount > 0 {
        guard inGroup ?? 3 == 3, inGroup != nil || digitCount <= 3 else { throw .groups }
        inGroup = 0
        at += group.count
      } else {
        throw fault(text, at, wholeStart)
      }
    }
    guard digitCount > 0 else { throw fault(text, at, wholeStart) }
    guard inGroup ?? 3 == 3 else { throw .groups }
    if isZero { write(0x30) }
    guard at < text.count else { return number }
    at += 1
    guard at < text.count else { throw .form }
    write(0x2e)
    while at < text.count {
      guard let digit = digit(text, at) else { throw fault(text, at, wholeStart) }
      guard number.append(digit, isFraction: true) else { throw .range }
      write(digit + 0x30)
      at += 1
    }
    return number
  }

  private func digit(_ text: Span<UInt8>, _ at: Int) -> UInt8? {
    let digit = text[at] &- 0x30
    return digit <= 9 ? digit : nil
  }

  private func isGroupMark(_ text: Span<UInt8>, _ at: Int) -> Bool {
    guard !group.isEmpty, at + group.count <= text.count else { return false }
    for offset in group.indices where text[at + offset] != group[offset] { return false }
    return true
  }

  private func fault(_ text: Span<UInt8>, _ at: Int, _ start: Int) -> NumberFault {
    if at == start, at < text.count, text[at] == 0x28 { return .parentheses }
    return at > start && at < text.count && text[at] | 0x20 == 0x65 ? .exponent : .form
  }
}

/// Reads amounts of money as a mapping says that they are written.
struct MoneyReader: Sendable {
  private let number: NumberReader
  private let places: Int
  private let rounding: ExactDecimal.Rounding

  init(_ format: MoneyFormat) throws(MappingFault) {
    guard (0...6).contains(format.exponent) else {
      throw MappingFault("exponent is the number of digits behind a currency's point, 0 to 6, not \(format.exponent)")
    }
    number = try NumberReader(format.number)
    places = format.unit == .major ? 2 : 2 - format.exponent
    rounding =
      switch format.rounding {
      case .reject: .none
      case .halfUp: .halfUp
      case .halfEven: .halfEven
      }
  }

  /// Appends the amount in whole hundredths of the currency unit, and returns whether it was rounded. White space around it, and a currency's
  /// sign or its three letters before or behind it, say nothing about its size and are passed over.
  func append(_ text: Span<UInt8>, into arena: inout ByteArena) throws(NumberFault) -> Bool {
    let range = amountRange(text)
    return try append(amount: text.extracting(range), into: &arena)
  }

  private func append(amount text: Span<UInt8>, into arena: inout ByteArena) throws(NumberFault) -> Bool {
    if places == 0, text.count <= 12, isPlainWhole(text) {
      arena.append(text)
      return false
    }
    if places >= 0, text.count <= 12, let whole = wholeNumber(text) {
      arena.append(decimal: whole * (places == 2 ? 100 : places == 1 ? 10 : 1))
      return false
    }
    let decimal = try number.read(text)
    guard let (value, isRounded) = decimal.whole(movingPoint: places, rounding) else {
      throw decimal.whole(movingPoint: places, .towardsPast) == nil ? .range : .fraction
    }
    arena.append(decimal: value)
    return isRounded
  }
}

/// An amount as it is read: without white space around it and without its currency.
package func withoutCurrency(_ amount: String) -> String {
  let bytes = Array(amount.utf8)
  return text(bytes.span.extracting(amountRange(bytes.span)))
}

/// Where the amount stands in a text: without white space around it and without one currency's sign or letters at one of its ends.
private func amountRange(_ text: Span<UInt8>) -> Range<Int> {
  var range = trimmed(text, 0..<text.count)
  if range.isEmpty || (isDigit(text[range.lowerBound]) && isDigit(text[range.upperBound - 1])) { return range }
  let sign = signCount(text, range, atEnd: false)
  if sign > 0 {
    range = (range.lowerBound + sign)..<range.upperBound
  } else {
    range = range.lowerBound..<(range.upperBound - signCount(text, range, atEnd: true))
  }
  return trimmed(text, range)
}

/// Digits, the first of several no zero: a whole number as JSON writes it.
private func isPlainWhole(_ text: Span<UInt8>) -> Bool { isAllDigits(text) && (text[0] != 0x30 || text.count == 1) }

private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 <= 9 }

private func trimmed(_ text: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
  var range = range
  while let first = range.first {
    if text[first] == 0x20 || text[first] == 0x09 {
      range.removeFirst()
    } else if range.count > 1, text[first] == 0xc2, text[first + 1] == 0xa0 {
      range.removeFirst(2)
    } else {
      break
    }
  }
  while let last = range.last {
    if text[last] == 0x20 || text[last] == 0x09 {
      range.removeLast()
    } else if range.count > 1, text[last - 1] == 0xc2, text[last] == 0xa0 {
      range.removeLast(2)
    } else {
      break
    }
  }
  return range
}

/// Bytes of a currency at one end: a sign, or three capital letters; 0 when there is none.
private func signCount(_ text: Span<UInt8>, _ range: Range<Int>, atEnd: Bool) -> Int {
  for sign in ["$", "\u{20ac}", "\u{a3}", "\u{a5}", "\u{20b9}"] {
    let bytes = Array(sign.utf8)
    guard range.count > bytes.count else { continue }
    let start = atEnd ? range.upperBound - bytes.count : range.lowerBound
    if same(text.extracting(start..<(start + bytes.count)), bytes) { return bytes.count }
  }
  guard range.count > 3 else { return 0 }
  let start = atEnd ? range.upperBound - 3 : range.lowerBound
  for at in start..<(start + 3) where text[at] < 0x41 || text[at] > 0x5a { return 0 }
  return 3
}

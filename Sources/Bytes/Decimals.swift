#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

// Numbers as text. Nothing here passes through a binary fraction before it must.

/// The whole number that the text is, sign and digits only; nil for anything else and for what 64 bits do not hold.
package func wholeNumber(_ text: Span<UInt8>) -> Int64? {
  let negative = text.count > 0 && text[0] == 0x2d
  var at = negative ? 1 : 0
  let digits = text.count &- at
  guard digits > 0, digits <= 19 else { return nil }
  var value: UInt64 = 0
  while at &+ 8 <= text.count {
    let word = load64(text, at)
    guard areDigits(word) else { return nil }
    value = value &* 100_000_000 &+ eightDigits(word)
    at &+= 8
  }
  while at < text.count {
    let digit = text[at] &- 0x30
    guard digit <= 9 else { return nil }
    value = value &* 10 &+ UInt64(digit)
    at &+= 1
  }
  // Nineteen digits are less than 2^64, so the sum above is exact.
  if negative { return value <= UInt64(Int64.max) + 1 ? Int64(truncatingIfNeeded: 0 &- value) : nil }
  return value <= UInt64(Int64.max) ? Int64(value) : nil
}

/// The number that thirteen digits stand for, of which the first is no zero; nil for any other text.
package func thirteenDigits(_ text: Span<UInt8>) -> Int64? {
  guard text.count == 13, text[0] != 0x30 else { return nil }
  let first = load64(text, 0)
  let last = load64(text, 5)
  guard areDigits(first), areDigits(last) else { return nil }
  // Three of the last eight digits are also the last of the first eight.
  let lastFive = eightDigits(last & ~0x0f0f0f)
  return Int64(eightDigits(first) &* 100_000 &+ lastFive)
}

/// Whether the text is not empty and holds nothing but the digits 0 to 9.
package func isAllDigits(_ text: Span<UInt8>) -> Bool {
  let count = text.count
  if count >= 8 {
    // The last eight are looked at over some of those before.
    var at = 0
    while at < count &- 8 {
      if !areDigits(load64(text, at)) { return false }
      at &+= 8
    }
    return areDigits(load64(text, count &- 8))
  }
  for at in 0..<count where text[at] &- 0x30 > 9 { return false }
  return count > 0
}

/// Whether each of eight bytes is a digit: its upper half is 3, and still is when 6 is added.
@inline(__always)
private func areDigits(_ word: UInt64) -> Bool {
  let upper = repeated(0xf0)
  return word & upper == repeated(0x30) && (word &+ repeated(0x06)) & upper == repeated(0x30)
}

/// The number that eight digits stand for, the first lowest in the word: pairs, then fours, then all are put together.
@inline(__always)
private func eightDigits(_ word: UInt64) -> UInt64 {
  var value = word & repeated(0x0f)
  value = (value &* 10 &+ value &>> 8) & 0x00ff_00ff_00ff_00ff
  value = (value &* 100 &+ value &>> 16) & 0x0000_ffff_0000_ffff
  return (value &* 10_000 &+ value &>> 32) & 0xffff_ffff
}

/// The eight digits of a number below 10⁸, with leading zeros, the first lowest in the word: the way back.
@inline(__always)
func eightDigits(_ number: UInt32) -> UInt64 {
  // Two numbers below 10⁴; each in two below 100; each in two digits. The multiplications divide by 100 and by 10.
  let fours = UInt64(number / 10_000) | UInt64(number % 10_000) &<< 32
  let hundreds = (fours &* 10_486) &>> 20 & 0x0000_007f_0000_007f
  let pairs = hundreds | (fours &- 100 &* hundreds) &<< 16
  let tens = (pairs &* 103) &>> 10 & 0x000f_000f_000f_000f
  return (tens | (pairs &- 10 &* tens) &<< 8) | repeated(0x30)
}

/// Whether the whole text is one JSON number.
package func isNumber(_ text: Span<UInt8>) -> Bool { endOfNumber(text, 0) == text.count && text.count > 0 }

/// The binary fraction nearest to a JSON number; nil when it is too large to be one.
///
/// Up to 19 digits with a small exponent are exact without the library (both factors are), everything else goes through `strtod`.
package func fraction(_ text: Span<UInt8>) -> Double? {
  var mantissa: UInt64 = 0
  var exponent = 0
  var digits = 0
  var plain = true
  var seenPoint = false
  let negative = text.count > 0 && text[0] == 0x2d
  for at in (negative ? 1 : 0)..<text.count {
    let byte = text[at]
    if byte == 0x2e {
      seenPoint = true
    } else if byte &- 0x30 <= 9 {
      mantissa = mantissa &* 10 &+ UInt64(byte &- 0x30)
      digits += 1
      if seenPoint { exponent += 1 }
    } else {
      plain = false
    }
  }
  if plain, digits <= 18, mantissa <= 1 << 53, exponent <= 22 {
    let value = Double(mantissa) / powersOfTen[exponent]
    return negative ? -value : value
  }
  // Memory is taken only for what nobody writes by hand.
  if text.count < 64 {
    var terminated = InlineArray<64, CChar>(repeating: 0)
    for at in text.indices { terminated[at] = CChar(bitPattern: text[at]) }
    return nearest(terminated.span)
  }
  var terminated = [CChar](repeating: 0, count: text.count + 1)
  for at in text.indices { terminated[at] = CChar(bitPattern: text[at]) }
  return nearest(terminated.span)
}

private func nearest(_ terminated: Span<CChar>) -> Double? {
  precondition(terminated[terminated.count - 1] == 0)
  // SAFETY: the line above proves that strtod finds a zero byte, and so stays inside.
  let value = unsafe terminated.withUnsafeBufferPointer { unsafe strtod($0.baseAddress!, nil) }
  return value.isFinite ? value : nil
}

private let powersOfTen: [Double] = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]

extension ByteArena {
  /// Appends a JSON number in the one form that all spellings of it share: no exponent, no leading or trailing zeros, no `-0`.
  ///
  /// `1.50`, `15e-1` and `0.15E+1` all become `1.5`. Returns false, with nothing appended, when it has more than
  /// `digitLimit` digits, or its point stands further than that from them.
  package mutating func append(canonical number: Span<UInt8>, digitLimit: Int) -> Bool {
    var end = 0
    while end < number.count, number[end] | 0x20 != 0x65 { end &+= 1 }
    var exponent = 0
    if end < number.count {
      exponent = exponentValue(number.extracting((end + 1)..<number.count))
    }
    // Digits are counted without the point; those between the first and the last that are no zero are written.
    let isNegative = number.count > 0 && number[0] == 0x2d
    let start = isNegative ? 1 : 0
    var digitCount = 0
    var point: Int?
    var first = -1
    var last = -1
    for at in start..<end {
      if number[at] == 0x2e {
        point = digitCount
        continue
      }
      if number[at] != 0x30 {
        if first < 0 { first = digitCount }
        last = digitCount
      }
      digitCount &+= 1
    }
    guard first >= 0 else {
      append(0x30)
      return true
    }
    let written = last &- first &+ 1
    let position = (point ?? digitCount) + exponent - first
    guard position.magnitude <= digitLimit, written <= digitLimit else { return false }
    if isNegative { append(0x2d) }
    if position <= 0 {
      append("0.")
      for _ in position..<0 { append(0x30) }
    }
    var digit = 0
    for at in start..<end where number[at] != 0x2e {
      if digit >= first, digit <= last {
        if digit > first, digit &- first == position { append(0x2e) }
        append(number[at])
      }
      digit &+= 1
    }
    if position > written { for _ in written..<position { append(0x30) } }
    return true
  }

  /// The exponent that the text is, a sign and digits; one too far from zero for any decimal comes back as 1e12 or -1e12.
  private func exponentValue(_ text: Span<UInt8>) -> Int {
    var value = 0
    for at in text.indices where text[at] &- 0x30 <= 9 { value = min(1_000_000_000_000, value * 10 + Int(text[at] - 0x30)) }
    return text[0] == 0x2d ? -value : value
  }
}

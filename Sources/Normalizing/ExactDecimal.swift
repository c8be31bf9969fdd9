/// A decimal number without exponent, exactly: no binary fraction is ever made of it.
struct ExactDecimal: Equatable {
  enum Rounding: Sendable {
    /// There is no result unless it is whole.
    case none
    case halfUp, halfEven
    /// To the next lower number.
    case towardsPast
  }

  var isNegative = false
  /// All digits as one number, of which the last `fractionDigits` stand behind the point.
  private(set) var significand: UInt128 = 0
  private(set) var fractionDigits = 0
  private var significantDigits = 0

  /// Digits before the point, leading zeros not counted.
  var wholeDigits: Int { max(0, significantDigits - fractionDigits) }

  init() {}

  /// A sign, digits, and perhaps a point with digits behind it; nil for anything else, and for more than 38 digits.
  init?(_ text: Span<UInt8>) {
    var at = 0
    if text.count > 0, text[0] == 0x2d || text[0] == 0x2b {
      isNegative = text[0] == 0x2d
      at = 1
    }
    let start = at
    var point: Int?
    while at < text.count {
      if text[at] == 0x2e, point == nil, at > start {
        point = at
      } else {
        guard append(text[at] &- 0x30, isFraction: point != nil) else { return nil }
      }
      at += 1
    }
    guard at > start, point != at - 1 else { return nil }
  }

  /// Adds a digit behind the others. False when it is none, or one too many.
  mutating func append(_ digit: UInt8, isFraction: Bool) -> Bool {
    guard digit <= 9, significantDigits < 38, fractionDigits < 38 else { return false }
    significand = significand * 10 + UInt128(digit)
    if significand > 0 { significantDigits += 1 }
    if isFraction { fractionDigits += 1 }
    return true
  }

  /// The whole number that this is when its point moves `places` to the right, and whether it had to be rounded; nil when rounding is not
  /// allowed, or 64 bits do not hold it.
  func whole(movingPoint places: Int, _ rounding: Rounding) -> (value: Int64, isRounded: Bool)? {
    let shift = places - fractionDigits
    if shift >= 0 { return scaled(by: shift).flatMap { signed($0) }.map { ($0, false) } }
    guard -shift <= 38 else {
      // At most 38 digits, of which none is the first behind the point.
      if significand == 0 { return (0, false) }
      return rounding == .none ? nil : (rounding == .towardsPast && isNegative ? -1 : 0, true)
    }
    let divisor = power(-shift)
    let (quotient, rest) = significand.quotientAndRemainder(dividingBy: divisor)
    if rest == 0 { return signed(quotient).map { ($0, false) } }
    return signed(quotient + (goesUp(quotient, rest, divisor, rounding) ?? 0)).flatMap { rounding == .none ? nil : ($0, true) }
  }

  /// This times `factor`, to the nearest whole number; nil when 64 bits do not hold it.
  func times(_ factor: UInt128) -> Int64? {
    let (product, overflows) = significand.multipliedReportingOverflow(by: factor)
    guard !overflows else { return nil }
    let (quotient, rest) = product.quotientAndRemainder(dividingBy: power(fractionDigits))
    return signed(quotient + (goesUp(quotient, rest, power(fractionDigits), .halfUp) ?? 0))
  }

  /// -1, 0 or 1 as this is less than, equal to or greater than another number; nil when their digits are too many to tell.
  func compared(with other: ExactDecimal) -> Int? {
    let places = max(fractionDigits, other.fractionDigits)
    guard let one = scaled(by: places - fractionDigits), let two = other.scaled(by: places - other.fractionDigits) else { return nil }
    let signs = (isNegative && one > 0, other.isNegative && two > 0)
    if signs.0 != signs.1 { return signs.0 ? -1 : 1 }
    if one == two { return 0 }
    return (one < two) != signs.0 ? -1 : 1
  }

  private func scaled(by places: Int) -> UInt128? {
    guard significand > 0 else { return 0 }
    guard places <= 38 else { return nil }
    let (product, overflows) = significand.multipliedReportingOverflow(by: power(places))
    return overflows ? nil : product
  }

  /// 1 when the amount grows by rounding.
  private func goesUp(_ quotient: UInt128, _ rest: UInt128, _ divisor: UInt128, _ rounding: Rounding) -> UInt128? {
    switch rounding {
    case .none: nil
    case .halfUp: rest >= divisor - rest ? 1 : 0
    case .halfEven: rest > divisor - rest || (rest == divisor - rest && quotient % 2 == 1) ? 1 : 0
    case .towardsPast: isNegative && rest > 0 ? 1 : 0
    }
  }

  private func signed(_ amount: UInt128) -> Int64? {
    isNegative
      ? (amount <= UInt128(Int64.max) + 1 ? Int64(truncatingIfNeeded: 0 &- UInt64(truncatingIfNeeded: amount)) : nil)
      : Int64(exactly: amount)
  }

  private func power(_ exponent: Int) -> UInt128 {
    var power: UInt128 = 1
    for _ in 0..<exponent { power *= 10 }
    return power
  }
}

import Bytes
import Testing
import Vocabulary

@testable import Normalizing

@Suite("Numbers and money as mappings say that they are written")
struct AmountTests {
  private func number(_ text: String, _ format: NumberFormat = NumberFormat()) throws -> String {
    var arena = ByteArena(limit: 1 << 10)
    let bytes = bytes(text)
    try NumberReader(format).append(bytes.span, into: &arena)
    return Bytes.text(arena.span)
  }

  private func money(_ text: String, _ format: MoneyFormat) throws -> (text: String, isRounded: Bool) {
    var arena = ByteArena(limit: 1 << 10)
    let bytes = bytes(text)
    let isRounded = try MoneyReader(format).append(bytes.span, into: &arena)
    return (Bytes.text(arena.span), isRounded)
  }

  private static let german = NumberFormat(decimal: ",", group: ".")
  private static let english = NumberFormat(decimal: ".", group: ",")

  @Test(
    "numbers keep their digits",
    arguments: [
      ("0", english, "0"), ("-0", english, "-0"), ("+5", english, "5"), ("007", english, "7"), ("1,234.50", english, "1234.50"),
      ("1234.50", english, "1234.50"), ("1.234,50", german, "1234.50"), ("0,5", german, "0.5"), ("-1.234.567,1", german, "-1234567.1"),
      ("1 234", NumberFormat(decimal: ",", group: " "), "1234"),
      ("1\u{202f}234,5", NumberFormat(decimal: ",", group: "\u{202f}"), "1234.5"),
      ("1'234.5", NumberFormat(group: "'"), "1234.5"),
      ("12345678901234567890.123456789012345678", english, "12345678901234567890.123456789012345678"),
    ])
  func numbers(text: String, format: NumberFormat, expected: String) throws {
    #expect(try number(text, format) == expected)
  }

  @Test(
    "what is in another form is refused, and leaves nothing behind",
    arguments: [
      ("1.234,50", english, NumberFault.form), ("1,23", english, .groups), ("1,2345", english, .groups), ("1234,567", english, .groups),
      ("12,34,567", english, .groups), (",123", english, .form), ("1,234.50", german, .form), ("1.234", NumberFormat(decimal: ","), .form),
      ("1,", german, .form), (",5", german, .form), ("", english, .form), ("-", english, .form), ("--1", english, .form),
      ("$5", english, .form), ("5 €", english, .form), ("(12.50)", english, .parentheses), ("1E+05", english, .exponent),
      ("#REF!", english, .form), ("1.5.2", english, .form), ("１", english, .form), ("NaN", english, .form),
      (String(repeating: "9", count: 39), english, .range),
    ])
  func refused(text: String, format: NumberFormat, fault: NumberFault) throws {
    #expect(throws: fault) { try number(text, format) }
    var arena = ByteArena(limit: 100)
    let bytes = bytes(text)
    _ = try? NumberReader(format).append(bytes.span, into: &arena)
    #expect(arena.count == 0)
  }

  @Test(
    "money becomes whole hundredths of the currency unit, exactly",
    arguments: [
      ("19.99", MoneyFormat(unit: .major), "1999"), ("0", MoneyFormat(unit: .major), "0"), ("0.1", MoneyFormat(unit: .major), "10"),
      ("-5", MoneyFormat(unit: .major), "-500"), ("1.10", MoneyFormat(unit: .major), "110"), ("1.100", MoneyFormat(unit: .major), "110"),
      ("1999", MoneyFormat(unit: .minor), "1999"), ("500", MoneyFormat(unit: .minor, exponent: 0), "50000"),
      ("19990", MoneyFormat(unit: .minor, exponent: 3), "1999"), ("1.234,50", MoneyFormat(unit: .major, number: german), "123450"),
      ("92233720368547758.07", MoneyFormat(unit: .major), "9223372036854775807"),
      ("-92233720368547758.08", MoneyFormat(unit: .major), "-9223372036854775808"),
    ])
  func exact(text: String, format: MoneyFormat, expected: String) throws {
    for rounding in MoneyFormat.Rounding.allCases {
      var format = format
      format.rounding = rounding
      let found = try money(text, format)
      #expect(found.text == expected && !found.isRounded)
    }
  }

  @Test(
    "an amount between hundredths is refused, or rounded as is said and told",
    arguments: [
      ("0.005", "1", "0"), ("0.015", "2", "2"), ("0.025", "3", "2"), ("0.0051", "1", "1"), ("0.0049", "0", "0"), ("-0.005", "-1", "0"),
      ("-0.015", "-2", "-2"), ("19.999", "2000", "2000"), ("0.02500000000000000000000000000001", "3", "3"),
    ])
  func rounded(text: String, halfUp: String, halfEven: String) throws {
    #expect(throws: NumberFault.fraction) { try money(text, MoneyFormat(unit: .major)) }
    #expect(try money(text, MoneyFormat(unit: .major, rounding: .halfUp)) == (halfUp, true))
    #expect(try money(text, MoneyFormat(unit: .major, rounding: .halfEven)) == (halfEven, true))
  }

  @Test(
    "what 64 bits do not hold is refused",
    arguments: ["92233720368547758.08", "-92233720368547758.09", "99999999999999999999999999999999999999"])
  func tooLarge(text: String) {
    for rounding in MoneyFormat.Rounding.allCases {
      #expect(throws: NumberFault.range) { try money(text, MoneyFormat(unit: .major, rounding: rounding)) }
    }
  }

  @Test("random amounts are what shifting the point in their text gives", arguments: 1...3)
  func oracle(seed: Int) throws {
    var random = Seeded(seed)
    for _ in 0..<500 {
      let whole = String(random.below(1_000_000_000))
      let fraction = (0..<random.below(5)).map { _ in String(random.below(10)) }.joined()
      let places = [0, 2, 3][random.below(3)]
      let text = fraction.isEmpty ? whole : whole + "." + fraction
      let format = random.below(2) == 0 ? MoneyFormat(unit: .major) : MoneyFormat(unit: .minor, exponent: places)
      let shift = format.unit == .major ? 2 : 2 - places
      // All digits as they stand, the point moved by adding zeros or by looking at what is cut off.
      let digits = whole + fraction
      let cut = fraction.count - shift
      let expected: String? =
        cut <= 0
        ? digits + String(repeating: "0", count: -cut) : digits.suffix(cut).allSatisfy { $0 == "0" } ? String(digits.dropLast(cut)) : nil
      let found = try? money(text, format).text
      #expect(found == expected.map { String(Int64($0.isEmpty ? "0" : $0)!) }, "\(text) \(format)")
    }
  }

  @Test("marks that cannot be told apart, and exponents of no currency, are refused before any row is read")
  func badFormats() {
    for format in [NumberFormat(decimal: ",", group: ","), NumberFormat(decimal: ";"), NumberFormat(group: "_"), NumberFormat(decimal: "")]
    {
      #expect(throws: MappingFault.self) { try NumberReader(format) }
    }
    for exponent in [-1, 7] { #expect(throws: MappingFault.self) { try MoneyReader(MoneyFormat(unit: .minor, exponent: exponent)) } }
  }
}

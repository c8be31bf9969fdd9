import Bytes
import Foundation
import Testing

@Suite struct DecimalTests {
  @Test(
    "a whole number is a sign and digits that 64 bits hold, and nothing else",
    arguments: [
      ("0", 0), ("-0", 0), ("7", 7), ("007", 7), ("-12", -12), ("9223372036854775807", .max), ("9223372036854775808", nil),
      ("-9223372036854775808", .min), ("-9223372036854775809", nil), ("9999999999999999999", nil), ("18446744073709551616", nil),
      ("0000000000000000001", 1), ("", nil), ("-", nil), ("+1", nil), ("1.0", nil), ("1e2", nil), (" 1", nil), ("1 ", nil),
      ("--1", nil),
      ("1_000", nil), ("١", nil), ("/", nil), (":", nil),
    ] as [(String, Int64?)])
  func whole(text: String, expected: Int64?) {
    #expect(wholeNumber(bytes(text).span) == expected)
  }

  @Test("whole numbers are read back from their own digits", arguments: 0..<10)
  func digits(seed: Int) {
    var random = Seeded(seed)
    for _ in 0..<100 {
      let number = Int64.random(in: .min ... .max, using: &random) >> Int64(random.below(64))
      let text = written { $0.append(decimal: number) }
      #expect(text == String(number))
      #expect(wholeNumber(bytes(text).span) == number)
    }
  }

  @Test("the ends of 64 bits are written", arguments: [Int64.min, .min + 1, -1, 0, 1, 9, 10, .max])
  func ends(number: Int64) {
    #expect(written { $0.append(decimal: number) } == String(number))
  }

  static let numbers = [
    "0", "-0", "0.0", "-0.0", "1", "0.1", "0.10", "1.50", "15e-1", "0.15E+1", "1E2", "123456789012345678", "1234567890123456789",
    "9007199254740993", "9007199254740992.5", "179769313486231570000", "1.7976931348623157e308", "1e308", "4.9e-324", "1e-400",
    "0.000000000000000000000001", "12345.678901234567890123", "-3.14159265358979323846", "1e22", "1e23", "8.5e-23", "1e+007",
    "0.30000000000000004", "2.2250738585072011e-308",
  ]

  @Test("the binary fraction is the one nearest to the text, as the standard library finds it", arguments: numbers)
  func fractions(text: String) {
    #expect(fraction(bytes(text).span)?.bitPattern == Double(text)?.bitPattern)
  }

  @Test("seeded numbers become the nearest binary fraction", arguments: 0..<20)
  func seededFractions(seed: Int) {
    var random = Seeded(seed)
    for _ in 0..<100 {
      let text = number(&random)
      #expect(isNumber(bytes(text).span) == true)
      #expect(fraction(bytes(text).span)?.bitPattern == Double(text)?.bitPattern, "\(text)")
    }
  }

  private func number(_ random: inout Seeded) -> String {
    func digits(_ most: Int) -> String { (0...random.below(most)).map { _ in String(random.below(10)) }.joined() }
    let whole = random.below(2) == 0 ? "0" : String(1 + random.below(9)) + (random.below(2) == 0 ? "" : digits(20))
    let fraction = random.below(2) == 0 ? "" : "." + digits(24)
    let exponent = random.below(3) > 0 ? "" : ["e", "E", "e+", "E-", "e-"][random.below(5)] + String(random.below(280))
    return (random.below(2) == 0 ? "-" : "") + whole + fraction + exponent
  }

  @Test("what no binary fraction can hold is none", arguments: ["1e309", "-1e309", "1e400", "1e99999999999999999999"])
  func tooLarge(text: String) {
    #expect(fraction(bytes(text).span) == nil)
  }

  @Test(
    "a JSON number is one to its last byte",
    arguments: [
      ("0", true), ("-0", true), ("10", true), ("0.5", true), ("1e5", true), ("1E-05", true), ("", false), ("-", false),
      ("00", false),
      ("01", false), (".5", false), ("5.", false), ("1e", false), ("1e+", false), ("+1", false), ("1,5", false), ("1 ", false),
      (" 1", false),
      ("NaN", false), ("Infinity", false), ("0x1", false), ("1.5.5", false), ("1e5e5", false), ("-.5", false), ("1_0", false),
    ])
  func grammar(text: String, isOne: Bool) {
    #expect(isNumber(bytes(text).span) == isOne)
  }

  @Test(
    "all spellings of a number share one canonical form",
    arguments: [
      (["0", "-0", "0.0", "0e5", "-0.00e-7", "0e999999999999999999999"], "0"),
      (["1.5", "1.50", "15e-1", "0.15E+1", "0.0015e3", "150e-0002", "1.5e0", "1.5e-0", "1.5e000000000000000"], "1.5"),
      (["-1200", "-1.2e3", "-12e+2", "-1200.000"], "-1200"), (["0.001", "1e-3", "10e-4", "0.00100"], "0.001"),
      (["9007199254740993", "9007199254740993.0", "9.007199254740993e15"], "9007199254740993"), (["1e2", "100", "1E+02"], "100"),
    ])
  func canonical(spellings: [String], expected: String) {
    for spelling in spellings {
      var isWritten = false
      let text = written { isWritten = $0.append(canonical: bytes(spelling).span, digitLimit: 400) }
      #expect(isWritten && text == expected, "\(spelling)")
    }
  }

  @Test("the canonical form of seeded numbers is what decimal arithmetic says", arguments: 0..<10)
  func seededCanonical(seed: Int) throws {
    var random = Seeded(700 + seed)
    for _ in 0..<100 {
      // Up to 30 digits and small exponents: what Foundation's Decimal holds exactly.
      let whole = String(1 + random.below(1_000_000_000))
      let fraction = random.below(2) == 0 ? "" : "." + String(random.below(1_000_000_000))
      let spelling = whole + fraction + (random.below(2) == 0 ? "" : "e\(random.below(20) - 10)")
      let expected = try #require(Decimal(string: spelling)).description
      let canonical = written { _ = $0.append(canonical: bytes(spelling).span, digitLimit: 400) }
      #expect(canonical == expected, "\(spelling)")
    }
  }

  @Test(
    "a number that needs more digits than the limit is not written, at all",
    arguments: [
      ("1e9", 10, true), ("1e10", 10, false), ("1e-11", 10, true), ("1e-12", 10, false), ("12345678901", 10, false),
      ("1e999999999999999", 400, false),
    ])
  func limits(text: String, limit: Int, fits: Bool) {
    var arena = ByteArena(limit: 1000)
    arena.append("x")
    #expect(arena.append(canonical: bytes(text).span, digitLimit: limit) == fits)
    if !fits { #expect(arena.count == 1) }
  }
}

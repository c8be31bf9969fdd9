import Bytes
import Foundation
import Testing

@Suite struct JSONTextTests {
  @Test("what is escaped is read by Foundation as the same text, and unescapes to the same bytes", arguments: 0..<24)
  func escaping(seed: Int) throws {
    var random = Seeded(seed)
    for length in 0...24 {
      let plain = random.text(length)
      let escaped = written { $0.append(escaping: bytes(plain).span) }
      let foundation = try JSONSerialization.jsonObject(with: Data("[\"\(escaped)\"]".utf8)) as? [String]
      #expect(foundation?.first.map(bytes) == bytes(plain))
      #expect(bytes(written { $0.append(unescaping: bytes(escaped).span) }) == bytes(plain))
      #expect(written { $0.append(escaping: bytes(plain).span) } == escaped)
    }
  }

  @Test("what Foundation escapes unescapes to the same bytes", arguments: 0..<24)
  func unescaping(seed: Int) throws {
    var random = Seeded(500 + seed)
    for length in 0...24 {
      let plain = random.text(length)
      let array = try JSONSerialization.data(withJSONObject: [plain])
      let inside = Array(array.dropFirst(2).dropLast(2))
      #expect(bytes(written { $0.append(unescaping: inside.span) }) == bytes(plain))
    }
  }

  @Test(
    "one text has one form: short escapes where JSON has them, else \\u00 and two digits, and nothing else is escaped",
    arguments: [
      ("\u{0}", "\\u0000"), ("\u{8}\t\n\u{c}\r", "\\b\\t\\n\\f\\r"), ("\u{b}\u{1f}", "\\u000b\\u001f"), ("\"\\/", "\\\"\\\\/"),
      ("\u{7f}é😀", "\u{7f}é😀"), ("\u{2028}", "\u{2028}"), ("1234567\"", "1234567\\\""), ("12345678\"", "12345678\\\""),
    ])
  func form(plain: String, escaped: String) {
    #expect(written { $0.append(escaping: bytes(plain).span) } == escaped)
  }

  @Test(
    "every way to write a code point unescapes to its UTF-8",
    arguments: [0x0, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff])
  func codePoints(value: Int) throws {
    let character = String(try #require(Unicode.Scalar(UInt32(value))))
    let upper = character.utf16.map {
      "\\u" + String(String($0, radix: 16, uppercase: true).reversed() + "000").prefix(4).reversed()
    }
    #expect(written { $0.append(unescaping: bytes(upper.joined()).span) } == character)
    #expect(written { $0.append(unescaping: bytes(upper.joined().lowercased()).span) } == character)
  }

  @Test(
    "four hexadecimal digits are a number; fewer, or others, are none",
    arguments: [
      ("00ff", 0xff), ("FfFf", 0xffff), ("12g4", nil), ("123", nil), ("", nil), ("+123", nil), ("/0:9", nil), ("@AGa", nil),
    ] as [(String, UInt32?)])
  func hexadecimals(text: String, expected: UInt32?) {
    #expect(hexadecimal(bytes(text).span, 0) == expected)
  }
}

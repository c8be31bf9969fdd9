import Bytes
import Testing

@Suite struct ScanningTests {
  /// Few different bytes, so that hits and shared beginnings are common; with high bits, so that word tricks show.
  private func sample(_ length: Int, _ random: inout Seeded) -> [UInt8] {
    let alphabet: [UInt8] = [0x00, 0x01, 0x2c, 0x7f, 0x80, 0x81, 0xac, 0xff]
    return (0..<length).map { _ in alphabet[random.below(alphabet.count)] }
  }

  @Test("finding and counting a byte agree with the obvious loops at every length and start", arguments: 0...40)
  func finding(length: Int) {
    var random = Seeded(length)
    for _ in 0..<20 {
      let sample = sample(length, &random)
      for byte: UInt8 in [0x00, 0x01, 0x2c, 0x80, 0xff, 0x55] {
        for start in 0...length {
          #expect(firstIndex(of: byte, in: sample.span, from: start) == sample[start...].firstIndex(of: byte))
        }
        #expect(lastIndex(of: byte, in: sample.span) == sample.lastIndex(of: byte))
        #expect(occurrences(of: byte, in: sample.span) == sample.count { $0 == byte })
      }
    }
  }

  @Test("order is that of unsigned bytes, and a prefix comes first, at every pair of lengths", arguments: 0...40)
  func ordering(length: Int) {
    var random = Seeded(1000 + length)
    for other in 0...40 {
      let one = sample(length, &random)
      var two = random.below(2) == 0 ? sample(other, &random) : Array((one + sample(40, &random)).prefix(other))
      if other > 0, random.below(3) == 0 { two[random.below(other)] ^= 0x80 }
      let expected = one == two ? 0 : one.lexicographicallyPrecedes(two) ? -1 : 1
      #expect(order(one.span, two.span).signum() == expected)
      #expect(order(two.span, one.span).signum() == -expected)
      #expect(same(one.span, two.span) == (one == two))
      #expect(same(one.span, two) == (one == two))
    }
  }

  @Test("bytes equal a literal exactly when they are its text")
  func literals() {
    for (text, isSame) in [("", false), ("a", false), ("ab", true), ("abc", false), ("aB", false)] {
      #expect(same(bytes(text).span, "ab") == isSame)
    }
    #expect(same([UInt8]().span, "") == true)
    #expect(same(bytes("é").span, "é") == true)
  }

  @Test("copies and texts hold what the span holds; invalid bytes become the replacement character")
  func copies() {
    #expect(copy([UInt8]().span) == [])
    #expect(copy([1, 2, 255].span) == [1, 2, 255])
    #expect(text([0x61, 0xff].span) == "a\u{fffd}")
  }

  /// Whether the library reads the bytes as UTF-8.
  private func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

  @Test("UTF-8 is judged as the standard library judges it, with the place where it ends", arguments: 0...40)
  func validation(length: Int) {
    var random = Seeded(2000 + length)
    for _ in 0..<60 {
      var sample = Array(bytes(random.text(length)).prefix(length))
      for _ in 0..<random.below(3) where !sample.isEmpty { sample[random.below(sample.count)] = UInt8(random.below(256)) }
      let fault = firstInvalidUTF8(in: sample.span)
      #expect((fault == nil) == isUTF8(sample[...]))
      if let fault {
        #expect(isUTF8(sample[..<fault]))
        // The sequence that begins there is no character, however many of the bytes behind it are taken.
        for end in (fault + 1)...max(fault + 1, min(sample.count, fault + 4)) where end <= sample.count {
          #expect(!isUTF8(sample[fault..<end]))
        }
      }
    }
  }

  @Test(
    "overlong forms, surrogates, what lies above U+10FFFF and what is cut off are no UTF-8; their neighbours are",
    arguments: [
      ([0xc0, 0x80], false), ([0xc1, 0xbf], false), ([0xc2, 0x80], true), ([0xe0, 0x9f, 0xbf], false),
      ([0xe0, 0xa0, 0x80], true),
      ([0xed, 0x9f, 0xbf], true), ([0xed, 0xa0, 0x80], false), ([0xee, 0x80, 0x80], true), ([0xf0, 0x8f, 0xbf, 0xbf], false),
      ([0xf0, 0x90, 0x80, 0x80], true), ([0xf4, 0x8f, 0xbf, 0xbf], true), ([0xf4, 0x90, 0x80, 0x80], false),
      ([0xf5, 0x80, 0x80, 0x80], false), ([0xff], false), ([0x80], false), ([0xc2], false), ([0xe1, 0x80], false),
      ([0xf1, 0x80, 0x80], false), ([0xe1, 0x80, 0x41], false), ([0x00], true), ([0xef, 0xbf, 0xbf], true),
    ] as [([UInt8], Bool)])
  func edges(sequence: [UInt8], isValid: Bool) {
    for padding in 0...8 {
      let sample = [UInt8](repeating: 0x41, count: padding) + sequence + [UInt8](repeating: 0x42, count: 8 - padding)
      #expect(firstInvalidUTF8(in: sample.span) == (isValid ? nil : padding))
    }
  }
}

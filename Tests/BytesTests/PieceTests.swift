import Bytes
import Testing

@Suite struct PieceTests {
  @Test("each byte of a piece has its bit, behind the end there is none", arguments: [1, 15, 16, 17, 63, 64, 65, 128])
  func bits(count: Int) {
    var numbers = Seeded(count)
    let marks: [UInt8] = [0x2c, 0x22, 0x0a, 0x0d]
    for offset in 0..<count {
      let sample = (0..<count).map { _ in [0x2c, 0x22, 0x0a, 0x0d, 0x61, 0x2d, 0xac, 0x01][numbers.below(8)] as UInt8 }
      let piece = Piece(sample.span, offset)
      let seen = sample[offset..<min(count, offset + 64)]
      func expected(_ wanted: [UInt8]) -> UInt64 {
        seen.enumerated().reduce(0) { wanted.contains($1.element) ? $0 | 1 << UInt64($1.offset) : $0 }
      }
      for mark in marks {
        #expect(piece.bits(of: mark) == expected([mark]))
        #expect(piece.holds(mark) == seen.contains(mark))
      }
      #expect(piece.bits(of: 0x2c, 0x22, 0x0a) == expected([0x2c, 0x22, 0x0a]))
      #expect(piece.bits(of: 0x2c, 0x22, 0x0a, 0x0d) == expected(marks))
      #expect(piece.bits(of: 0x2c, 0x2c, 0x0a, 0x0d) == expected([0x2c, 0x0a, 0x0d]))
      #expect(piece.isASCII == seen.allSatisfy { $0 < 0x80 })
    }
  }

  @Test("a bit is odd so far when an odd number of bits stand up to it", arguments: 0..<20)
  func odd(seed: Int) {
    var numbers = Seeded(seed)
    let bits = numbers.next() & numbers.next()
    var isOdd = false
    for at in 0..<64 as Range<UInt64> {
      if bits >> at & 1 == 1 { isOdd.toggle() }
      #expect(oddSoFar(bits) >> at & 1 == (isOdd ? 1 : 0))
    }
  }

  @Test("bytes are counted at every length", arguments: [0, 1, 15, 16, 17, 4079, 4080, 4081, 4096, 9000])
  func occurrence(count: Int) {
    var numbers = Seeded(count)
    let sample = (0..<count).map { _ in UInt8(numbers.below(3)) }
    #expect(occurrences(of: 1, in: sample.span) == sample.count { $0 == 1 })
    #expect(occurrences(of: 7, in: [UInt8](repeating: 7, count: count).span) == count)
  }
}

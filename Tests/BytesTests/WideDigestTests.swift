import Bytes
import Testing

@Suite struct WideDigestTests {
  private func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 >> 3) } }

  @Test("every bit of every byte changes both halves", arguments: [1, 7, 8, 9, 63, 64, 65, 127, 128, 200])
  func bits(count: Int) {
    var bytes = pattern(count)
    let whole = wideDigest(bytes.span)
    for at in bytes.indices {
      for bit in 0..<8 {
        bytes[at] ^= 1 << UInt8(bit)
        let digest = wideDigest(bytes.span)
        #expect(digest.high != whole.high && digest.low != whole.low)
        bytes[at] ^= 1 << UInt8(bit)
      }
    }
  }

  @Test("about half of the digest's bits change with one bit of the text", arguments: [20, 100, 1000])
  func avalanche(count: Int) {
    var bytes = pattern(count)
    let whole = wideDigest(bytes.span)
    var changed = 0
    for bit in 0..<(count * 8) {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      let digest = wideDigest(bytes.span)
      let count = (digest.high ^ whole.high).nonzeroBitCount + (digest.low ^ whole.low).nonzeroBitCount
      #expect(count > 24 && count < 104)
      changed += count
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    let mean = Double(changed) / Double(count * 8)
    #expect(mean > 60 && mean < 68)
  }

  @Test("zeros of each length have a digest of their own, and so has each seed")
  func lengthsAndSeeds() {
    let zeros = [UInt8](repeating: 0, count: 300)
    let digests = (0...300).map { wideDigest(zeros.span.extracting(0..<$0)) }
    #expect(Set(digests).count == 301)
    #expect(Set((0..<300).map { wideDigest(zeros.span, seed: $0) }).count == 300)
  }

  @Test("it does not matter where in memory a text lies, nor what lies behind it", arguments: 0..<9)
  func alignment(offset: Int) {
    let text = pattern(333)
    let shifted = [UInt8](repeating: 9, count: offset) + text + [1, 2, 3]
    #expect(wideDigest(shifted.span.extracting(offset..<(offset + 333))) == wideDigest(text.span))
  }

  @Test("it never changes: checkpoints hold it")
  func frozen() {
    #expect(wideDigest(pattern(0).span).hex == "781c4f5d515b83daca01bff5c191298f")
    #expect(wideDigest(pattern(100).span, seed: 7).hex == "c031c12e14f21694d64e2ead380a9eff")
    #expect(wideDigest(pattern(1000).span).hex == "f26a3657925c221311156887dff59c55")
  }
}

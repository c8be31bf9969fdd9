import Bytes
import Testing

@Suite struct WideDigestTests {
  private func sample(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 8) } }

  @Test(
    "the wide digest, which is stored, never changes",
    arguments: [
      (0, "3df04a5faaa21ce2235c6d5e44b8d9b6"), (1, "77b81c345b1072d6be7760bc96406ba5"), (63, "aa23bf213302967264fbf8cb665ba71d"),
      (64, "bba946fa67a490e0006b9608ce5d79f5"), (65, "5400a6dd9807613c8ae8f3e2f6c379fb"), (1000, "f38dc45f47829c405b6da22bcc561617"),
      (100_000, "78e451100e5b5f6b84ba03b0a9a1f7c0"),
    ])
  func frozen(count: Int, hex: String) {
    #expect(WideDigest.of(sample(count).span).hex == hex)
  }

  @Test("the parts in which bytes come, and where they lie, do not matter", arguments: [1, 7, 63, 64, 65, 200])
  func parts(partBytes: Int) {
    let whole = sample(1000)
    var digest = WideDigest()
    var at = 0
    while at < whole.count {
      let end = min(whole.count, at + partBytes)
      digest.take(whole.span.extracting(at..<end))
      #expect(digest.value == WideDigest.of(whole.span.extracting(..<end)))
      at = end
    }
    for shift in 0..<16 {
      let moved = [UInt8](repeating: 1, count: shift) + whole
      #expect(WideDigest.of(moved.span.extracting(shift...)) == digest.value)
    }
  }

  @Test("each bit and each length changes the digest, and half of its bits", arguments: [1, 64, 130])
  func changes(count: Int) {
    let whole = sample(count)
    let digest = WideDigest.of(whole.span)
    var seen: Set<Digest> = [digest]
    var flipped = 0
    for bit in 0..<(8 * count) {
      var other = whole
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      let changed = WideDigest.of(other.span)
      #expect(seen.insert(changed).inserted)
      let distance = (changed.high ^ digest.high).nonzeroBitCount + (changed.low ^ digest.low).nonzeroBitCount
      #expect(distance > 24, "bit \(bit) changes \(distance) bits")
      flipped += distance
    }
    #expect((60...68).contains(Double(flipped) / Double(8 * count)))
  }

  @Test("zeros of each length have a digest of their own")
  func lengths() {
    #expect(Set((0..<300).map { WideDigest.of([UInt8](repeating: 0, count: $0).span) }).count == 300)
  }

  @Test("pieces of a stripe that change places change the digest")
  func places() {
    let whole = sample(512)
    let digest = WideDigest.of(whole.span)
    for word in 0..<63 {
      var other = whole
      for at in 0..<8 { other.swapAt(8 * word + at, 8 * word + 8 + at) }
      #expect(WideDigest.of(other.span) != digest)
      var far = whole
      for at in 0..<8 { far.swapAt(8 * word + at, (8 * word + 64) % 512 + at) }
      #expect(WideDigest.of(far.span) != digest)
    }
  }
}

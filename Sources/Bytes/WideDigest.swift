/// The digest of long input that comes in parts: file contents, staging, bodies. For ids and other short text there is `Digest`.
///
/// Not cryptographic: it finds damage and change. Eight lanes that do not wait for each other each take every eighth word, by the
/// round of XXH64 (Yann Collet, public domain); the end folds them and the length into 128 bits by MurmurHash3's finisher:
///
///     bytes   0…7    8…15   …   56…63      one stripe; the next goes on in the same lanes
///     lanes    0      1     …     7
///
/// A lane is one to one in its own state and in each of its words, so that a change inside one word always changes its lane. Neither
/// the parts nor where they lie in memory changes the result. Memory: the lanes and one stripe.
package struct WideDigest: Sendable {
  fileprivate static let stripeBytes = 64

  private var lanes: DigestLanes
  private var count = 0
  /// The bytes behind the last whole stripe, and zeros behind them.
  private var rest = InlineArray<64, UInt8>(repeating: 0)
  private var restCount = 0

  /// Other seeds give other digests of the same bytes.
  package init(seed: UInt64 = 0) { lanes = DigestLanes(seed: seed) }

  /// The digest of all of `bytes`.
  package static func of(_ bytes: Span<UInt8>, seed: UInt64 = 0) -> Digest {
    var digest = WideDigest(seed: seed)
    digest.take(bytes)
    return digest.value
  }

  /// The digest of all bytes taken so far.
  package var value: Digest {
    var lanes = lanes
    if restCount > 0 { _ = lanes.takeStripes(rest.span, from: 0) }
    return lanes.folded(count)
  }

  /// Goes on with more bytes.
  package mutating func take(_ bytes: Span<UInt8>) {
    count += bytes.count
    var at = 0
    if restCount > 0 {
      while at < bytes.count, restCount < WideDigest.stripeBytes { keep(bytes[at], &at) }
      guard restCount == WideDigest.stripeBytes else { return }
      WideDigest.take(rest, into: &lanes)
      rest = InlineArray(repeating: 0)
      restCount = 0
    }
    at = lanes.takeStripes(bytes, from: at)
    while at < bytes.count { keep(bytes[at], &at) }
  }

  private static func take(_ stripe: InlineArray<64, UInt8>, into lanes: inout DigestLanes) {
    _ = lanes.takeStripes(stripe.span, from: 0)
  }

  private mutating func keep(_ byte: UInt8, _ at: inout Int) {
    rest[restCount] = byte
    restCount &+= 1
    at &+= 1
  }
}

/// The state of `WideDigest` between stripes.
private struct DigestLanes: Sendable {
  private static let p1: UInt64 = 0x9e37_79b1_85eb_ca87
  private static let p2: UInt64 = 0xc2b2_ae3d_27d4_eb4f
  private static let p3: UInt64 = 0x1656_67b1_9e37_79f9

  private var a, b, c, d, e, f, g, h: UInt64

  init(seed: UInt64) {
    a = seed &+ Self.p1
    b = seed &+ Self.p1 &* 2
    c = seed &+ Self.p1 &* 3
    d = seed &+ Self.p1 &* 4
    e = seed &+ Self.p1 &* 5
    f = seed &+ Self.p1 &* 6
    g = seed &+ Self.p1 &* 7
    h = seed &+ Self.p1 &* 8
  }

  /// Takes the whole stripes from `start` on; returns where they end.
  mutating func takeStripes(_ bytes: Span<UInt8>, from start: Int) -> Int {
    precondition(start >= 0)
    // SAFETY: `start` is not negative, and the loop's condition proves that all eight words of a stripe lie inside the span.
    func word(_ at: Int) -> UInt64 {
      UInt64(littleEndian: unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self))
    }
    var (a, b, c, d, e, f, g, h) = (a, b, c, d, e, f, g, h)
    var at = start
    while at &+ 64 <= bytes.count {
      a = Self.round(a, word(at))
      b = Self.round(b, word(at &+ 8))
      c = Self.round(c, word(at &+ 16))
      d = Self.round(d, word(at &+ 24))
      e = Self.round(e, word(at &+ 32))
      f = Self.round(f, word(at &+ 40))
      g = Self.round(g, word(at &+ 48))
      h = Self.round(h, word(at &+ 56))
      at &+= 64
    }
    (self.a, self.b, self.c, self.d, self.e, self.f, self.g, self.h) = (a, b, c, d, e, f, g, h)
    return at
  }

  /// All lanes and the length in one digest.
  func folded(_ count: Int) -> Digest {
    var high = UInt64(count) &* Self.p3
    var low = UInt64(count) ^ Self.p2
    for lane in [a, b, c, d, e, f, g, h] {
      high = Self.rotate(high ^ Self.round(Self.p3, lane), 27) &* Self.p1 &+ Self.p2
      low = Self.rotate(low &+ mixed(lane), 33) &* Self.p2 &+ Self.p1
    }
    high &+= low
    low &+= high
    high = mixed(high)
    low = mixed(low)
    high &+= low
    return Digest(high: high, low: low &+ high)
  }

  @inline(__always) private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
    rotate(lane &+ word &* p2, 31) &* p1
  }

  @inline(__always) private static func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 {
    (word &<< bits) | (word &>> (64 &- bits))
  }
}

/// MurmurHash3's finisher: each bit of the word changes about half of the bits of the result, and no two words have the same.
@inline(__always)
func mixed(_ word: UInt64) -> UInt64 {
  var k = word
  k ^= k &>> 33
  k = k &* 0xff51_afd7_ed55_8ccd
  k ^= k &>> 33
  k = k &* 0xc4ce_b9fe_1a85_ec53
  return k ^ (k &>> 33)
}

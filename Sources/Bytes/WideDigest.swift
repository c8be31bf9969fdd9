// Digests of long texts: files, frames, bodies.

/// 128 bits that name some bytes, for texts of hundreds of bytes and more: four independent lanes of 64-bit multiplications that are folded
/// (the idea of wyhash, Wang Yi), about three times as fast as `Digest`. Not cryptographic: it finds damage, it does not withstand an
/// adversary.
///
///     sixty-four bytes, eight words   w0 w1 │ w2 w3 │ w4 w5 │ w6 w7
///     lane = fold((w ^ key) × (w' ^ lane))  └───────┴───────┴───── at once
///
/// Fold: the upper half of the product, xor the lower. The bytes behind the last whole sixty-four are read with zeros behind them;
/// the length is mixed in, so that these zeros are told from others.
package func wideDigest(_ bytes: Span<UInt8>, seed: UInt64 = 0) -> Digest {
  let keys: (UInt64, UInt64, UInt64, UInt64) = (
    0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3
  )
  let start = fold(seed ^ keys.3, UInt64(truncatingIfNeeded: bytes.count) ^ keys.0)
  var lanes = (start, start ^ keys.1, start ^ keys.2, start ^ keys.3)
  var at = 0
  while at &+ 64 <= bytes.count {
    lanes.0 = fold(word(bytes, at) ^ keys.0, word(bytes, at &+ 8) ^ lanes.0)
    lanes.1 = fold(word(bytes, at &+ 16) ^ keys.1, word(bytes, at &+ 24) ^ lanes.1)
    lanes.2 = fold(word(bytes, at &+ 32) ^ keys.2, word(bytes, at &+ 40) ^ lanes.2)
    lanes.3 = fold(word(bytes, at &+ 48) ^ keys.3, word(bytes, at &+ 56) ^ lanes.3)
    at &+= 64
  }
  var rest = InlineArray<8, UInt64>(repeating: 0)
  var place = 0
  while at &+ 8 <= bytes.count {
    rest[place] = load64(bytes, at)
    at &+= 8
    place &+= 1
  }
  var shift: UInt64 = 0
  while at < bytes.count {
    rest[place] |= UInt64(bytes[at]) &<< shift
    at &+= 1
    shift &+= 8
  }
  lanes.0 = fold(rest[0] ^ keys.0, rest[1] ^ lanes.0)
  lanes.1 = fold(rest[2] ^ keys.1, rest[3] ^ lanes.1)
  lanes.2 = fold(rest[4] ^ keys.2, rest[5] ^ lanes.2)
  lanes.3 = fold(rest[6] ^ keys.3, rest[7] ^ lanes.3)
  let one = fold(lanes.0 ^ keys.1, lanes.1 ^ keys.2)
  let other = fold(lanes.2 ^ keys.0, lanes.3 ^ keys.3)
  return Digest(
    high: fold(one ^ lanes.2, other ^ lanes.0 ^ keys.3), low: fold(other ^ lanes.1 ^ keys.0, one ^ lanes.3 ^ keys.2))
}

@inline(__always)
private func fold(_ one: UInt64, _ other: UInt64) -> UInt64 {
  let product = one.multipliedFullWidth(by: other)
  return product.high ^ product.low
}

@inline(__always)
private func word(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
  // SAFETY: called only for offsets with eight bytes of the span behind them: `at + 64 <= bytes.count`.
  UInt64(littleEndian: unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
}

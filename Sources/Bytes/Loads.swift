internal import CPrefetch

// Eight bytes at a time: what scanning, hashing and comparing are built on.

/// The eight bytes at `offset`, first byte lowest. Stops the program when they do not all lie inside: only our bug can ask for them.
@inlinable @inline(__always)
package func load64(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
  precondition(offset >= 0 && offset &+ 8 <= bytes.count)
  // SAFETY: the line above proves that all eight bytes lie inside the span.
  return UInt64(littleEndian: unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
}

/// The four bytes at `offset`, first byte lowest; bounds as in `load64`.
@inlinable @inline(__always)
package func load32(_ bytes: Span<UInt8>, _ offset: Int) -> UInt32 {
  precondition(offset >= 0 && offset &+ 4 <= bytes.count)
  // SAFETY: the line above proves that all four bytes lie inside the span.
  return UInt32(littleEndian: unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
}

/// The high bit of each byte of the result is set exactly where the byte of `word` is zero.
@inlinable @inline(__always)
package func zeroBytes(_ word: UInt64) -> UInt64 {
  let low = (word & 0x7f7f_7f7f_7f7f_7f7f) &+ 0x7f7f_7f7f_7f7f_7f7f
  return ~(low | word | 0x7f7f_7f7f_7f7f_7f7f)
}

/// `byte` in each of eight places.
@inlinable @inline(__always)
package func repeated(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

/// Tells the processor that the bytes of a range will be read soon, so that they are at hand by then: what lies scattered is otherwise waited
/// for, some 50 ns each. Changes nothing; of what lies outside of the span nothing is fetched.
@inline(never)
package func prefetch(_ bytes: Span<UInt8>, _ range: Range<Int>) {
  let end = min(range.upperBound, bytes.count)
  guard range.lowerBound >= 0, range.lowerBound < end else { return }
  // SAFETY: the addresses lie inside the span, as the lines above see to, and are only hinted at.
  unsafe bytes.withUnsafeBytes { memory in
    guard let base = memory.baseAddress else { return }
    for offset in stride(from: range.lowerBound, to: end, by: 64) { unsafe cprefetch(base + offset) }
  }
}

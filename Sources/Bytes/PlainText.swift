#if canImport(Glibc)
  public import Glibc
#elseif canImport(Darwin)
  public import Darwin
#endif

// Reading JSON text that is expected to be spelled in one certain way.

/// Whether `bytes` hold exactly `literal` at `offset`; false when it does not fit.
///
/// Inlined, the literal is a constant, and the comparison is of whole words.
@inlinable @inline(__always)
package func holds(_ bytes: Span<UInt8>, _ offset: Int, _ literal: StaticString) -> Bool {
  guard offset >= 0, offset <= bytes.count &- literal.utf8CodeUnitCount else { return false }
  // SAFETY: the line above proves that as many bytes as the literal has lie inside the span from `offset` on.
  return unsafe bytes.withUnsafeBytes { source in
    unsafe memcmp(source.baseAddress.unsafelyUnwrapped + offset, literal.utf8Start, literal.utf8CodeUnitCount) == 0
  }
}

/// The first position at or after `start` of a byte that does not stand for itself inside a JSON string: the closing quote, a
/// backslash, or a control character. The end of `bytes` when there is none.
@inlinable @inline(__always)
package func endOfPlainText(_ bytes: Span<UInt8>, _ start: Int) -> Int {
  var at = start
  while at &+ 8 <= bytes.count {
    let word = load64(bytes, at)
    let quotes = word ^ repeated(0x22)
    let slashes = word ^ repeated(0x5c)
    // Each term marks its first hit exactly and nothing before it, so the lowest mark of all is the first hit of any.
    let hits =
      (((word &- repeated(0x20)) & ~word) | ((quotes &- repeated(1)) & ~quotes) | ((slashes &- repeated(1)) & ~slashes)) & repeated(0x80)
    if hits != 0 { return at &+ (hits.trailingZeroBitCount &>> 3) }
    at &+= 8
  }
  while at < bytes.count {
    let byte = bytes[at]
    if byte < 0x20 || byte == 0x22 || byte == 0x5c { return at }
    at &+= 1
  }
  return at
}

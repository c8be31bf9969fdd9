// Sixty-four bytes at a time: what splitting rows and cutting blocks are built on.

/// Sixty-four bytes of a span; those behind its end are zero.
///
/// A question is answered by a word whose bit i stands for byte i:
///
///     piece              J  o  h  n  ,  "  D  o  e  "  \n …
///     bits(of: comma)    0  0  0  0  1  0  0  0  0  0  0  …     lowest bit first
///
/// Four vectors are compared, and the mask of each leaves one bit per byte: vector k holds words 2k and 2k+1 of the piece, and word j
/// marks its bytes with bit j, so that all eight go over each other. What comes of it is the matrix of bits turned on its diagonal.
@frozen
@usableFromInline package struct Piece {
  @usableFromInline let a: SIMD16<UInt8>
  @usableFromInline let b: SIMD16<UInt8>
  @usableFromInline let c: SIMD16<UInt8>
  @usableFromInline let d: SIMD16<UInt8>

  /// The piece that begins at `offset`, which must lie inside.
  @inlinable @inline(__always)
  package init(_ bytes: Span<UInt8>, _ offset: Int) {
    precondition(offset >= 0 && offset < bytes.count)
    guard offset <= bytes.count &- 64 else {
      self = Piece(endOf: bytes, offset)
      return
    }
    // SAFETY: the lines above prove that all sixty-four bytes lie inside the span.
    a = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: SIMD16<UInt8>.self)
    b = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 16, as: SIMD16<UInt8>.self)
    c = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 32, as: SIMD16<UInt8>.self)
    d = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 48, as: SIMD16<UInt8>.self)
  }

  @usableFromInline @inline(never)
  init(endOf bytes: Span<UInt8>, _ offset: Int) {
    var vectors = (SIMD16<UInt8>.zero, SIMD16<UInt8>.zero, SIMD16<UInt8>.zero, SIMD16<UInt8>.zero)
    for at in offset..<min(bytes.count, offset + 64) {
      let place = at - offset
      switch place / 16 {
      case 0: vectors.0[place % 16] = bytes[at]
      case 1: vectors.1[place % 16] = bytes[at]
      case 2: vectors.2[place % 16] = bytes[at]
      default: vectors.3[place % 16] = bytes[at]
      }
    }
    (a, b, c, d) = vectors
  }

  /// Where `byte` stands.
  @inlinable @inline(__always)
  package func bits(of byte: UInt8) -> UInt64 {
    let bytes = SIMD16<UInt8>(repeating: byte)
    return Piece.bits(a .== bytes, b .== bytes, c .== bytes, d .== bytes)
  }

  /// Where any of these stands. They may be the same.
  @inlinable @inline(__always)
  package func bits(of first: UInt8, _ second: UInt8, _ third: UInt8) -> UInt64 {
    let one = SIMD16<UInt8>(repeating: first)
    let two = SIMD16<UInt8>(repeating: second)
    let three = SIMD16<UInt8>(repeating: third)
    return Piece.bits(
      (a .== one) .| (a .== two) .| (a .== three), (b .== one) .| (b .== two) .| (b .== three),
      (c .== one) .| (c .== two) .| (c .== three), (d .== one) .| (d .== two) .| (d .== three))
  }

  /// Where any of these stands. They may be the same.
  @inlinable @inline(__always)
  package func bits(of first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8) -> UInt64 {
    let one = SIMD16<UInt8>(repeating: first)
    let two = SIMD16<UInt8>(repeating: second)
    let three = SIMD16<UInt8>(repeating: third)
    let four = SIMD16<UInt8>(repeating: fourth)
    return Piece.bits(
      ((a .== one) .| (a .== two)) .| ((a .== three) .| (a .== four)), ((b .== one) .| (b .== two)) .| ((b .== three) .| (b .== four)),
      ((c .== one) .| (c .== two)) .| ((c .== three) .| (c .== four)), ((d .== one) .| (d .== two)) .| ((d .== three) .| (d .== four)))
  }

  /// Whether `byte` stands anywhere.
  @inlinable @inline(__always)
  package func holds(_ byte: UInt8) -> Bool {
    let bytes = SIMD16<UInt8>(repeating: byte)
    let found = ((a .== bytes) .| (b .== bytes)) .| ((c .== bytes) .| (d .== bytes))
    let words = Piece.words(SIMD16<UInt8>.zero.replacing(with: SIMD16(repeating: 1), where: found))
    return words.x | words.y != 0
  }

  /// Whether every byte is below 0x80.
  @inlinable @inline(__always)
  package var isASCII: Bool {
    let words = Piece.words((a | b) | (c | d))
    return (words.x | words.y) & 0x8080_8080_8080_8080 == 0
  }

  @usableFromInline typealias Mask = SIMDMask<SIMD16<Int8>>

  @inlinable @inline(__always)
  static func bits(_ a: Mask, _ b: Mask, _ c: Mask, _ d: Mask) -> UInt64 {
    let zero = SIMD16<UInt8>.zero
    let over =
      (zero.replacing(with: marks(0x01, 0x02), where: a) | zero.replacing(with: marks(0x04, 0x08), where: b))
      | (zero.replacing(with: marks(0x10, 0x20), where: c) | zero.replacing(with: marks(0x40, 0x80), where: d))
    let words = words(over)
    return turned(words.x | words.y)
  }

  /// Eight times `low`, then eight times `high`.
  @inlinable @inline(__always)
  static func marks(_ low: UInt8, _ high: UInt8) -> SIMD16<UInt8> {
    SIMD16(low, low, low, low, low, low, low, low, high, high, high, high, high, high, high, high)
  }

  /// The vector as two words, first byte lowest.
  @inlinable @inline(__always)
  static func words(_ bytes: SIMD16<UInt8>) -> SIMD2<UInt64> {
    // SAFETY: both are sixteen bytes in which every pattern is a value.
    let words = unsafe unsafeBitCast(bytes, to: SIMD2<UInt64>.self)
    return SIMD2(UInt64(littleEndian: words.x), UInt64(littleEndian: words.y))
  }

  /// Eight rows of eight bits with rows and columns exchanged (Warren, Hacker's Delight, 7-3).
  @inlinable @inline(__always)
  static func turned(_ bits: UInt64) -> UInt64 {
    var x = bits
    var t = (x ^ (x &>> 7)) & 0x00aa_00aa_00aa_00aa
    x ^= t ^ (t &<< 7)
    t = (x ^ (x &>> 14)) & 0x0000_cccc_0000_cccc
    x ^= t ^ (t &<< 14)
    t = (x ^ (x &>> 28)) & 0x0000_0000_f0f0_f0f0
    return x ^ t ^ (t &<< 28)
  }
}

/// Bit i of the result tells whether the bits 0 to i of `bits` are odd in number: set from an opening quote to before its closing one.
@inlinable @inline(__always)
package func oddSoFar(_ bits: UInt64) -> UInt64 {
  var x = bits
  x ^= x &<< 1
  x ^= x &<< 2
  x ^= x &<< 4
  x ^= x &<< 8
  x ^= x &<< 16
  return x ^ (x &<< 32)
}

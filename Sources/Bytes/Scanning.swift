// Finding and comparing bytes.

/// The position of the first `byte` at or after `start`, or nil.
package func firstIndex(of byte: UInt8, in bytes: Span<UInt8>, from start: Int = 0) -> Int? {
  let pattern = repeated(byte)
  var at = start
  while at &+ 8 <= bytes.count {
    let hits = zeroBytes(load64(bytes, at) ^ pattern)
    if hits != 0 { return at &+ (hits.trailingZeroBitCount &>> 3) }
    at &+= 8
  }
  while at < bytes.count {
    if bytes[at] == byte { return at }
    at &+= 1
  }
  return nil
}

/// The position of the last `byte`, or nil.
package func lastIndex(of byte: UInt8, in bytes: Span<UInt8>) -> Int? {
  let pattern = repeated(byte)
  var end = bytes.count
  while end >= 8 {
    let hits = zeroBytes(load64(bytes, end &- 8) ^ pattern)
    if hits != 0 { return end &- 1 &- (hits.leadingZeroBitCount &>> 3) }
    end &-= 8
  }
  while end > 0 {
    if bytes[end &- 1] == byte { return end &- 1 }
    end &-= 1
  }
  return nil
}

/// How often `byte` occurs.
///
/// Each of sixteen lanes counts its own column of the vectors; a lane holds 255, so that often the lanes are added up.
package func occurrences(of byte: UInt8, in bytes: Span<UInt8>) -> Int {
  let pattern = SIMD16<UInt8>(repeating: byte)
  let one = SIMD16<UInt8>(repeating: 1)
  var total = 0
  var at = 0
  while at &+ 16 <= bytes.count {
    let end = min(bytes.count, at &+ 255 &* 16)
    var lanes = SIMD16<UInt8>.zero
    while at &+ 16 <= end {
      // SAFETY: the line above and end <= bytes.count prove that all sixteen bytes lie inside the span.
      let vector = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: SIMD16<UInt8>.self)
      lanes &+= SIMD16<UInt8>.zero.replacing(with: one, where: vector .== pattern)
      at &+= 16
    }
    for lane in 0..<16 { total &+= Int(lanes[lane]) }
  }
  while at < bytes.count {
    if bytes[at] == byte { total &+= 1 }
    at &+= 1
  }
  return total
}

/// Negative, zero or positive as `one` comes before, equals or comes after `other`, byte by byte; a prefix comes first.
package func order(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Int {
  let shared = min(one.count, other.count)
  var at = 0
  while at &+ 8 <= shared {
    let a = load64(one, at).byteSwapped
    let b = load64(other, at).byteSwapped
    if a != b { return a < b ? -1 : 1 }
    at &+= 8
  }
  if at < shared, shared >= 8 {
    // The last eight bytes, of which those before `at` are equal.
    let a = load64(one, shared &- 8).byteSwapped
    let b = load64(other, shared &- 8).byteSwapped
    return a != b ? a < b ? -1 : 1 : one.count - other.count
  }
  while at < shared {
    if one[at] != other[at] { return one[at] < other[at] ? -1 : 1 }
    at &+= 1
  }
  return one.count - other.count
}

/// Whether both hold the same bytes.
package func same(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
  let count = one.count
  guard count == other.count else { return false }
  var at = 0
  while at &+ 8 <= count {
    if load64(one, at) != load64(other, at) { return false }
    at &+= 8
  }
  // The last eight bytes, of which those before `at` are equal.
  if count >= 8 { return at == count || load64(one, count &- 8) == load64(other, count &- 8) }
  while at < count {
    if one[at] != other[at] { return false }
    at &+= 1
  }
  return true
}

/// Whether the span holds the bytes of the array.
package func same(_ bytes: Span<UInt8>, _ other: [UInt8]) -> Bool { same(bytes, other.span) }

/// Whether the span holds exactly the UTF-8 text of `literal`.
package func same(_ bytes: Span<UInt8>, _ literal: StaticString) -> Bool {
  guard bytes.count == literal.utf8CodeUnitCount else { return false }
  // SAFETY: a static string with a pointer representation is utf8CodeUnitCount bytes long, the count compared above.
  let text = unsafe UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
  for at in 0..<bytes.count where unsafe bytes[at] != text[at] { return false }
  return true
}

/// Whether the span holds the ASCII text of `literal`, which is in lower case, in letters of either case.
package func sameLetters(_ bytes: Span<UInt8>, _ literal: StaticString) -> Bool {
  guard bytes.count == literal.utf8CodeUnitCount else { return false }
  // SAFETY: a static string with a pointer representation is utf8CodeUnitCount bytes long, the count compared above.
  let text = unsafe UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
  for at in 0..<bytes.count {
    let byte = bytes[at]
    guard unsafe (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) == text[at] else { return false }
  }
  return true
}

/// The bytes as an array of their own.
package func copy(_ bytes: Span<UInt8>) -> [UInt8] {
  // SAFETY: the pointer is used inside the closure only, and the array copies what it points at.
  unsafe bytes.withUnsafeBufferPointer { unsafe [UInt8]($0) }
}

/// The bytes as raw memory, which libraries take.
@_lifetime(copy bytes)
package func raw(_ bytes: Span<UInt8>) -> RawSpan {
  // SAFETY: a byte has no padding, so all of the memory is initialised; the lifetime is that of the span.
  unsafe bytes.bytes
}

/// Adds the bytes at the end of `array`.
package func append(_ bytes: Span<UInt8>, to array: inout [UInt8]) {
  // SAFETY: as in `copy`.
  unsafe bytes.withUnsafeBufferPointer { unsafe array.append(contentsOf: $0) }
}

/// Makes `array` hold the bytes, in the memory it has.
package func copy(_ bytes: Span<UInt8>, into array: inout [UInt8]) {
  array.removeAll(keepingCapacity: true)
  append(bytes, to: &array)
}

/// The bytes as text, each invalid sequence replaced. For messages and for names, never for rows on the hot path.
package func text(_ bytes: Span<UInt8>) -> String {
  // SAFETY: as in `copy`.
  unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
}

/// The first position at which the bytes stop being UTF-8, or nil when all of them are.
///
/// Overlong forms, surrogates, and anything above U+10FFFF are not UTF-8 (RFC 3629).
package func firstInvalidUTF8(in bytes: Span<UInt8>) -> Int? {
  var at = 0
  let count = bytes.count
  while at < count {
    if at &+ 32 <= count {
      let words = (load64(bytes, at) | load64(bytes, at &+ 8)) | (load64(bytes, at &+ 16) | load64(bytes, at &+ 24))
      if words & 0x8080_8080_8080_8080 == 0 {
        at &+= 32
        continue
      }
    }
    if at &+ 8 <= count, load64(bytes, at) & 0x8080_8080_8080_8080 == 0 {
      at &+= 8
      continue
    }
    let lead = bytes[at]
    if lead < 0x80 {
      at &+= 1
      continue
    }
    let length: Int
    var lowest: UInt8 = 0x80
    var highest: UInt8 = 0xbf
    switch lead {
    case 0xc2...0xdf: length = 2
    case 0xe0: (length, lowest) = (3, 0xa0)
    case 0xed: (length, highest) = (3, 0x9f)
    case 0xe1...0xef: length = 3
    case 0xf0: (length, lowest) = (4, 0x90)
    case 0xf1...0xf3: length = 4
    case 0xf4: (length, highest) = (4, 0x8f)
    default: return at
    }
    guard at &+ length <= count, bytes[at &+ 1] >= lowest, bytes[at &+ 1] <= highest else { return at }
    for next in 2..<max(2, length) where bytes[at &+ next] & 0xc0 != 0x80 { return at }
    at &+= length
  }
  return nil
}

// Writing and reading the inside of JSON strings.

extension ByteArena {
  /// Appends `text` as the inside of a JSON string. The text must be UTF-8.
  ///
  /// One text has one form: `"`, `\` and control characters are escaped, everything else stands as it is. So equal texts are
  /// equal bytes, and comparing the written form compares the text.
  ///
  /// Most texts are plain. They are checked and copied in one go, the last bytes over some of those before:
  ///
  ///     20 bytes   |........16........|     4 to 7 and 8 to 15 bytes likewise, as two words
  ///                    |........16........|
  @usableFromInline package mutating func append(escaping text: Span<UInt8>) {
    let count = text.count
    reserve(count)
    // SAFETY: `reserve` made sure that `count` bytes fit behind `written`; each store below ends at `count` at most.
    let target = unsafe base + written
    if count >= 16 {
      var at = 0
      while true {
        // SAFETY: at <= count - 16: it begins so, and `min` keeps it so.
        let words = unsafe text.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: SIMD2<UInt64>.self)
        if hasEscaped(words) { break }
        unsafe target.storeBytes(of: words, toByteOffset: at, as: SIMD2<UInt64>.self)
        if at == count &- 16 {
          written &+= count
          return
        }
        at = min(at &+ 16, count &- 16)
      }
      written &+= at
      return appendEscaping(text.extracting(at..<count))
    }
    if count >= 8 {
      let first = load64(text, 0)
      let last = load64(text, count &- 8)
      if hasEscaped(SIMD2(first, last)) { return appendEscaping(text) }
      unsafe target.storeBytes(of: first.littleEndian, toByteOffset: 0, as: UInt64.self)
      unsafe target.storeBytes(of: last.littleEndian, toByteOffset: count &- 8, as: UInt64.self)
    } else if count >= 4 {
      let first = load32(text, 0)
      let last = load32(text, count &- 4)
      if hasEscaped(UInt64(first) | UInt64(last) &<< 32) { return appendEscaping(text) }
      unsafe target.storeBytes(of: first.littleEndian, toByteOffset: 0, as: UInt32.self)
      unsafe target.storeBytes(of: last.littleEndian, toByteOffset: count &- 4, as: UInt32.self)
    } else {
      for at in 0..<count {
        let byte = text[at]
        if byte < 0x20 || byte == 0x22 || byte == 0x5c { return appendEscaping(text) }
        unsafe target.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
      }
    }
    written &+= count
  }

  @inline(never)
  private mutating func appendEscaping(_ text: Span<UInt8>) {
    var start = 0
    var at = 0
    let count = text.count
    while at < count {
      if at &+ 8 <= count, !hasEscaped(load64(text, at)) {
        at &+= 8
        continue
      }
      let byte = text[at]
      if byte >= 0x20 && byte != 0x22 && byte != 0x5c {
        at &+= 1
        continue
      }
      append(text.extracting(start..<at))
      appendEscape(of: byte)
      at &+= 1
      start = at
    }
    append(text.extracting(start..<count))
  }

  private mutating func appendEscape(of byte: UInt8) {
    append(0x5c)
    switch byte {
    case 0x22, 0x5c: append(byte)
    case 0x08: append(0x62)
    case 0x09: append(0x74)
    case 0x0a: append(0x6e)
    case 0x0c: append(0x66)
    case 0x0d: append(0x72)
    default:
      append("u00")
      append(byte >> 4 + 0x30)
      let low = byte & 15
      append(low < 10 ? 0x30 + low : 0x57 + low)
    }
  }

  /// Appends what the inside of a JSON string stands for, as UTF-8. The text must have passed `JSONParser`.
  package mutating func append(unescaping text: Span<UInt8>) {
    var at = 0
    while at < text.count {
      guard let escape = firstIndex(of: 0x5c, in: text, from: at) else {
        append(text.extracting(at..<text.count))
        return
      }
      append(text.extracting(at..<escape))
      at = escape + 2
      switch text[escape + 1] {
      case 0x62: append(0x08)
      case 0x66: append(0x0c)
      case 0x6e: append(0x0a)
      case 0x72: append(0x0d)
      case 0x74: append(0x09)
      case 0x75:
        var scalar = hexadecimal(text, at)!
        at += 4
        if scalar & 0xfc00 == 0xd800 {
          scalar = 0x10000 + (scalar & 0x3ff) << 10 + (hexadecimal(text, at + 2)! & 0x3ff)
          at += 6
        }
        append(scalar: scalar)
      case let same: append(same)
      }
    }
  }

  /// Appends a CSV cell's text with each doubled quote made single.
  package mutating func append(undoubling text: Span<UInt8>, quote: UInt8) {
    var at = 0
    while at < text.count {
      guard let double = firstIndex(of: quote, in: text, from: at) else {
        append(text.extracting(at..<text.count))
        return
      }
      append(text.extracting(at..<(double + 1)))
      at = double + 2
    }
  }

  private mutating func append(scalar: UInt32) {
    switch scalar {
    case 0..<0x80: append(UInt8(scalar))
    case 0x80..<0x800:
      append(UInt8(0xc0 | scalar >> 6))
      append(UInt8(0x80 | scalar & 0x3f))
    case 0x800..<0x10000:
      append(UInt8(0xe0 | scalar >> 12))
      append(UInt8(0x80 | scalar >> 6 & 0x3f))
      append(UInt8(0x80 | scalar & 0x3f))
    default:
      append(UInt8(0xf0 | scalar >> 18))
      append(UInt8(0x80 | scalar >> 12 & 0x3f))
      append(UInt8(0x80 | scalar >> 6 & 0x3f))
      append(UInt8(0x80 | scalar & 0x3f))
    }
  }
}

/// Whether any of eight bytes is a quote, a backslash or a control character.
///
/// In the word of each of the three questions, the high bit of a byte is set where the answer is yes; above such a byte, others may be too.
@inline(__always)
private func hasEscaped(_ word: UInt64) -> Bool {
  let quotes = word ^ repeated(0x22)
  let slashes = word ^ repeated(0x5c)
  let hits = ((word &- repeated(0x20)) & ~word) | ((quotes &- repeated(1)) & ~quotes) | ((slashes &- repeated(1)) & ~slashes)
  return hits & repeated(0x80) != 0
}

/// The same of two words at once.
@inline(__always)
private func hasEscaped(_ words: SIMD2<UInt64>) -> Bool {
  let ones = SIMD2<UInt64>(repeating: repeated(1))
  let quotes = words ^ SIMD2<UInt64>(repeating: repeated(0x22))
  let slashes = words ^ SIMD2<UInt64>(repeating: repeated(0x5c))
  let controls = (words &- SIMD2<UInt64>(repeating: repeated(0x20))) & ~words
  let hits = controls | ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes)
  return (hits.x | hits.y) & repeated(0x80) != 0
}

/// The number that four hexadecimal digits at `offset` stand for; nil when they do not all lie there.
package func hexadecimal(_ text: Span<UInt8>, _ offset: Int) -> UInt32? {
  guard offset + 4 <= text.count else { return nil }
  var value: UInt32 = 0
  for at in offset..<(offset + 4) {
    switch text[at] {
    case let digit where digit >= 0x30 && digit <= 0x39: value = value << 4 | UInt32(digit - 0x30)
    case let digit where digit >= 0x41 && digit <= 0x46: value = value << 4 | UInt32(digit - 0x37)
    case let digit where digit >= 0x61 && digit <= 0x66: value = value << 4 | UInt32(digit - 0x57)
    default: return nil
    }
  }
  return value
}

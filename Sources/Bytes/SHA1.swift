/// SHA-1 of a message, as UUIDv5 needs it (RFC 3174, RFC 4122). Not for security: it makes the same id from the same text.
///
/// Written here because the stages that use it stay free of dependencies, so that sanitizers and fuzzers build them alone.
package func sha1(_ message: Span<UInt8>) -> (UInt32, UInt32, UInt32, UInt32, UInt32) {
  var state: (UInt32, UInt32, UInt32, UInt32, UInt32) = (0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0)
  var words = InlineArray<80, UInt32>(repeating: 0)
  let whole = message.count / 64
  for block in 0..<whole {
    for word in 0..<16 { words[word] = load32(message, block &* 64 &+ word &* 4).byteSwapped }
    compress(&state, &words)
  }
  // The rest of the message, one bit, zeros, and the length in bits fill the last block or two.
  let rest = message.count &- whole &* 64
  for last in 0..<(rest < 56 ? 1 : 2) {
    for word in 0..<16 {
      let start = last &* 64 &+ word &* 4
      if start &+ 4 <= rest {
        words[word] = load32(message, whole &* 64 &+ start).byteSwapped
        continue
      }
      var value: UInt32 = 0
      if start <= rest {
        for at in start..<(start &+ 4) {
          let bits: UInt8 = at < rest ? message[whole &* 64 &+ at] : (at == rest ? 0x80 : 0)
          value = value &<< 8 | UInt32(bits)
        }
      }
      words[word] = value
    }
    if last == (rest < 56 ? 0 : 1) {
      let bits = UInt64(message.count) &* 8
      words[14] = UInt32(truncatingIfNeeded: bits &>> 32)
      words[15] = UInt32(truncatingIfNeeded: bits)
    }
    compress(&state, &words)
  }
  return state
}

@inline(__always)
private func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 { (word &<< bits) | (word &>> (32 &- bits)) }

private func compress(_ state: inout (UInt32, UInt32, UInt32, UInt32, UInt32), _ words: inout InlineArray<80, UInt32>) {
  for at in 16..<80 { words[at] = rotate(words[at &- 3] ^ words[at &- 8] ^ words[at &- 14] ^ words[at &- 16], 1) }
  let before = state
  twentyRounds(&state, &words, from: 0, 0x5a82_7999) { b, c, d in d ^ (b & (c ^ d)) }
  twentyRounds(&state, &words, from: 20, 0x6ed9_eba1) { b, c, d in b ^ c ^ d }
  twentyRounds(&state, &words, from: 40, 0x8f1b_bcdc) { b, c, d in (b & c) | (d & (b | c)) }
  twentyRounds(&state, &words, from: 60, 0xca62_c1d6) { b, c, d in b ^ c ^ d }
  state = (state.0 &+ before.0, state.1 &+ before.1, state.2 &+ before.2, state.3 &+ before.3, state.4 &+ before.4)
}

/// Five rounds at a time, after which each of the five words is back in its place. `words` is only read: passed in place it is not copied.
@inline(__always)
private func twentyRounds(
  _ state: inout (UInt32, UInt32, UInt32, UInt32, UInt32), _ words: inout InlineArray<80, UInt32>, from start: Int,
  _ constant: UInt32, _ mix: (UInt32, UInt32, UInt32) -> UInt32
) {
  var (a, b, c, d, e) = state
  for five in 0..<4 {
    let at = start &+ five &* 5
    round(a, &b, &e, mix(b, c, d) &+ (constant &+ words[at]))
    round(e, &a, &d, mix(a, b, c) &+ (constant &+ words[at &+ 1]))
    round(d, &e, &c, mix(e, a, b) &+ (constant &+ words[at &+ 2]))
    round(c, &d, &b, mix(d, e, a) &+ (constant &+ words[at &+ 3]))
    round(b, &c, &a, mix(c, d, e) &+ (constant &+ words[at &+ 4]))
  }
  state = (a, b, c, d, e)
}

@inline(__always)
private func round(_ first: UInt32, _ second: inout UInt32, _ last: inout UInt32, _ mixed: UInt32) {
  last = rotate(first, 5) &+ (last &+ mixed)
  second = rotate(second, 30)
}

extension ByteArena {
  /// Appends the 36 characters of the UUIDv5 of `message`, which begins with the namespace's sixteen bytes (RFC 4122, 4.3).
  package mutating func append(uuidOf message: Span<UInt8>) {
    let hash = sha1(message)
    append(hex: hash.0 &>> 16)
    append(hex: hash.0)
    append(0x2d)
    append(hex: hash.1 &>> 16)
    append(0x2d)
    append(hex: hash.1 & 0x0fff | 0x5000)
    append(0x2d)
    append(hex: (hash.2 &>> 16) & 0x3fff | 0x8000)
    append(0x2d)
    append(hex: hash.2)
    append(hex: hash.3 &>> 16)
    append(hex: hash.3)
  }

  /// Appends the lower sixteen bits as four hexadecimal digits.
  private mutating func append(hex bits: UInt32) {
    for shift: UInt32 in [12, 8, 4, 0] {
      let digit = UInt8(truncatingIfNeeded: bits &>> shift) & 15
      append(digit < 10 ? 0x30 + digit : 0x57 + digit)
    }
  }
}

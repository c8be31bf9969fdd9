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
      var value: UInt32 = 0
      for byte in 0..<4 {
        let at = last &* 64 &+ word &* 4 &+ byte
        let bits: UInt8 = at < rest ? message[whole &* 64 &+ at] : (at == rest ? 0x80 : 0)
        value = value &<< 8 | UInt32(bits)
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
  var (a, b, c, d, e) = state
  for at in 0..<80 {
    let mixed: UInt32
    switch at {
    case 0..<20: mixed = ((b & c) | (~b & d)) &+ 0x5a82_7999
    case 20..<40: mixed = (b ^ c ^ d) &+ 0x6ed9_eba1
    case 40..<60: mixed = ((b & c) | (b & d) | (c & d)) &+ 0x8f1b_bcdc
    default: mixed = (b ^ c ^ d) &+ 0xca62_c1d6
    }
    let next = rotate(a, 5) &+ mixed &+ e &+ words[at]
    (e, d, c, b, a) = (d, c, rotate(b, 30), a, next)
  }
  state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
}

extension ByteArena {
  /// Appends the 36 characters of the UUIDv5 of `message`, which begins with the namespace's sixteen bytes (RFC 4122, 4.3).
  package mutating func append(uuidOf message: Span<UInt8>) {
    let hash = sha1(message)
    let high = UInt64(hash.0) << 32 | UInt64(hash.1 & 0xffff_0fff | 0x0000_5000)
    let low = UInt64(hash.2 & 0x3fff_ffff | 0x8000_0000) << 32 | UInt64(hash.3)
    for at in 0..<32 {
      if at == 8 || at == 12 || at == 16 || at == 20 { append(0x2d) }
      let word = at < 16 ? high : low
      let digit = UInt8(truncatingIfNeeded: word &>> UInt64(60 - 4 * (at & 15))) & 15
      append(digit < 10 ? 0x30 + digit : 0x57 + digit)
    }
  }
}

import CSHA1

/// SHA-1 of a message, as UUIDv5 needs it (RFC 3174, RFC 4122). Not for security: it makes the same id from the same text.
///
/// Written here because the stages that use it stay free of dependencies, so that sanitizers and fuzzers build them alone.
package func sha1(_ message: Span<UInt8>) -> (UInt32, UInt32, UInt32, UInt32, UInt32) {
  sha1(message, byInstructions: hasInstructions)
}

/// The same by the processor's instructions, which it must have, or without.
package func sha1(_ message: Span<UInt8>, byInstructions: Bool) -> (UInt32, UInt32, UInt32, UInt32, UInt32) {
  var state: (UInt32, UInt32, UInt32, UInt32, UInt32) = (0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0)
  let whole = message.count / 64
  take(message, blockCount: whole, into: &state, byInstructions)
  // The rest of the message, one bit, zeros, and the length in bits fill the last block or two.
  let rest = message.count &- whole &* 64
  let lastBlocks = rest < 56 ? 1 : 2
  var last = InlineArray<128, UInt8>(repeating: 0)
  fill(&last, message.extracting((whole &* 64)..<message.count), bitsAt: lastBlocks &* 64 &- 8, UInt64(message.count) &* 8)
  take(last.span, blockCount: lastBlocks, into: &state, byInstructions)
  return state
}

private func fill(_ last: inout InlineArray<128, UInt8>, _ rest: Span<UInt8>, bitsAt: Int, _ bits: UInt64) {
  precondition(rest.count < 64 && bitsAt &+ 8 <= 128)
  // SAFETY: the line above proves that the rest, one byte behind it, and the eight at `bitsAt` lie inside the 128.
  unsafe withUnsafeMutableBytes(of: &last) { target in
    unsafe rest.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
    unsafe target.storeBytes(of: 0x80, toByteOffset: rest.count, as: UInt8.self)
    unsafe target.storeBytes(of: bits.bigEndian, toByteOffset: bitsAt, as: UInt64.self)
  }
}

/// Whether the processor has instructions for SHA-1: three blocks take them the time of one.
private let hasInstructions = csha1_is_supported() != 0

private func take(
  _ blocks: Span<UInt8>, blockCount: Int, into state: inout (UInt32, UInt32, UInt32, UInt32, UInt32), _ byInstructions: Bool
) {
  precondition(blockCount &* 64 <= blocks.count)
  guard byInstructions else {
    var words = InlineArray<80, UInt32>(repeating: 0)
    for block in 0..<blockCount {
      for word in 0..<16 { words[word] = load32(blocks, block &* 64 &+ word &* 4).byteSwapped }
      compress(&state, &words)
    }
    return
  }
  guard blockCount > 0 else { return }
  // SAFETY: five words lie in the tuple one behind the other, and the first line proves that all blocks lie inside the span.
  unsafe withUnsafeMutableBytes(of: &state) { words in
    unsafe blocks.withUnsafeBufferPointer { bytes in
      unsafe csha1_take_blocks(words.assumingMemoryBound(to: UInt32.self).baseAddress, bytes.baseAddress, blockCount)
    }
  }
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
  @usableFromInline package mutating func append(uuidOf message: Span<UInt8>) {
    let hash = sha1(message)
    append(uuid: UUIDWords(hash.0, hash.1 & 0xffff_0fff | 0x5000, hash.2 & 0x3fff_ffff | 0x8000_0000, hash.3))
  }

  /// Appends the 36 characters of a UUID.
  @inlinable @inline(__always)
  package mutating func append(uuid: UUIDWords) {
    let second = hexadecimal(uuid.second)
    let third = hexadecimal(uuid.third)
    // Each word's last bytes are written over by the next one; the text has 36 bytes, and the last word ends there.
    let start = appendZeros(36)
    store(hexadecimal(uuid.first), at: start)
    store(0x2d | (second & 0xffff_ffff) &<< 8 | 0x2d &<< 40, at: start &+ 8)
    store(second &>> 32 | 0x2d &<< 32, at: start &+ 14)
    store((third & 0xffff_ffff) | 0x2d &<< 32, at: start &+ 19)
    store(third &>> 32, at: start &+ 24)
    store(hexadecimal(uuid.fourth), at: start &+ 28)
  }
}

/// A UUID as four numbers, the first of its 128 bits highest in the first of them.
@usableFromInline package struct UUIDWords: Sendable, Equatable {
  @usableFromInline package var first: UInt32
  @usableFromInline package var second: UInt32
  @usableFromInline package var third: UInt32
  @usableFromInline package var fourth: UInt32

  @inlinable package init(_ first: UInt32, _ second: UInt32, _ third: UInt32, _ fourth: UInt32) {
    self.first = first
    self.second = second
    self.third = third
    self.fourth = fourth
  }

  /// Reads a UUID in its canonical spelling, 36 characters with letters in lower case; nil for any other text.
  @inlinable package init?(_ text: Span<UInt8>) {
    guard text.count == 36, text[8] & text[13] & text[18] & text[23] == 0x2d, text[8] | text[13] | text[18] | text[23] == 0x2d,
      let first = number(ofHexadecimal: load64(text, 0)),
      let second = number(ofHexadecimal: UInt64(load32(text, 9)) | UInt64(load32(text, 14)) &<< 32),
      let third = number(ofHexadecimal: UInt64(load32(text, 19)) | UInt64(load32(text, 24)) &<< 32),
      let fourth = number(ofHexadecimal: load64(text, 28))
    else { return nil }
    self.init(first, second, third, fourth)
  }
}

/// The eight hexadecimal digits of a number, the first lowest in the word.
@inlinable @inline(__always)
func hexadecimal(_ number: UInt32) -> UInt64 {
  // Four bytes are drawn apart to sixteen bits each, then each into two halves of its own, the upper one first.
  var spread = UInt64(number.byteSwapped)
  spread = (spread | spread &<< 16) & 0x0000_ffff_0000_ffff
  spread = (spread | spread &<< 8) & 0x00ff_00ff_00ff_00ff
  let halves = (spread &>> 4) & repeated(0x0f) | (spread & 0x000f_000f_000f_000f) &<< 8
  // Six more carry a half of ten and above into its byte's upper half: there stands a letter.
  let letters = ((halves &+ repeated(6)) &>> 4) & repeated(1)
  return halves &+ repeated(0x30) &+ letters &* 0x27
}

/// The number that eight hexadecimal digits in lower case spell, the first lowest in the word; nil when they are not.
@inlinable @inline(__always)
func number(ofHexadecimal digits: UInt64) -> UInt32? {
  // A letter has a bit that no figure has, and stands for nine more than its lower half.
  let halves = (digits & repeated(0x0f)) &+ ((digits &>> 6) & repeated(1)) &* 9
  var joined = (halves &<< 4 | halves &>> 8) & 0x00ff_00ff_00ff_00ff
  joined = (joined | joined &>> 8) & 0x0000_ffff_0000_ffff
  let number = UInt32(truncatingIfNeeded: joined | joined &>> 16).byteSwapped
  return hexadecimal(number) == digits ? number : nil
}

import Bytes
import Testing

@Suite struct HashingTests {
  @Test(
    "the digest is MurmurHash3 x64 128, as published vectors have it",
    arguments: [
      ("", UInt64(0), UInt64(0)),
      ("hello", 0xcbd8_a7b3_41bd_9b02, 0x5b1e_906a_48ae_1d19),
      ("hello, world", 0x342f_ac62_3a5e_bc8e, 0x4cdc_bc07_9642_414d),
      ("19 Jan 2038 at 3:14:07 AM", 0xb89e_5988_b737_affc, 0x664f_c295_0231_b2cb),
      ("The quick brown fox jumps over the lazy dog.", 0xcd99_481f_9ee9_02c9, 0x695d_a1a3_8987_b6e7),
    ])
  func murmur(text: String, high: UInt64, low: UInt64) {
    #expect(Digest(bytes(text).span) == Digest(high: high, low: low))
  }

  @Test("the published verification value comes out: 256 keys of 0 to 255 bytes with 256 seeds, their digests digested")
  func verificationValue() {
    func littleEndian(_ word: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
    var all: [UInt8] = []
    for length in 0..<256 {
      let key = (0..<length).map { UInt8($0) }
      let digest = Digest(key.span, seed: UInt64(256 - length))
      all += littleEndian(digest.high) + littleEndian(digest.low)
    }
    #expect(Digest(all.span).high & 0xffff_ffff == 0x6384_ba69)
  }

  @Test("a digest's bytes and digits sort as its number does")
  func form() {
    let digest = Digest(high: 0x0102_0304_0506_0708, low: 0xf9fa_fbfc_fdfe_ff00)
    #expect(digest.bytes == [1, 2, 3, 4, 5, 6, 7, 8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, 0])
    #expect(digest.hex == "0102030405060708f9fafbfcfdfeff00")
  }

  @Test("the visitor's hash, which names places in checkpoints, never changes")
  func visitors() {
    #expect(visitorHash(bytes("v1").span) == Digest(bytes("v1").span, seed: 0x6f70_7469_7265_706c).high)
    #expect(visitorHash(bytes("v1").span) == 1_625_010_456_510_004_242)
  }
}

@Suite struct SHA1Tests {
  private func words(_ message: [UInt8]) -> [UInt32] {
    let hash = sha1(message.span)
    // The processor may have instructions for it; without them it is the same.
    #expect(hash == sha1(message.span, byInstructions: false))
    return [hash.0, hash.1, hash.2, hash.3, hash.4]
  }

  private func hex(_ message: [UInt8]) -> String {
    words(message).map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  @Test(
    "SHA-1 gives what RFC 3174 and FIPS 180 print",
    arguments: [
      ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
      ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
      ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
      ("a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
      ("0123456701234567012345670123456701234567012345670123456701234567", 10, "dea356a2cddd90c7a7ecedc5ebb563934f460452"),
    ])
  func vectors(text: String, count: Int, expected: String) {
    #expect(hex([[UInt8]](repeating: bytes(text), count: count).flatMap { $0 }) == expected)
  }

  @Test("every length around a block's end is padded right: 131 hashes hash to what another implementation says")
  func padding() {
    var all: [UInt8] = []
    for length in 0...130 {
      let message = (0..<length).map { UInt8(($0 * 7 + length) % 256) }
      for word in words(message) { all += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
    }
    #expect(hex(all) == "3124829d302c0b62b2f8c1e5edf440a668284db0")
  }

  static let dns: [UInt8] = [0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8]

  @Test(
    "only the canonical spelling of a UUID is read as one, and is written again as it was",
    arguments: [1, 2])
  func uuidWords(seed: Int) {
    var random = Seeded(seed)
    for _ in 0..<500 {
      let uuid = UUIDWords(
        .random(in: 0 ... .max, using: &random), .random(in: 0 ... .max, using: &random), .random(in: 0 ... .max, using: &random),
        .random(in: 0 ... .max, using: &random))
      var text = Array(written { $0.append(uuid: uuid) }.utf8)
      #expect(text.count == 36 && UUIDWords(text.span) == uuid)
      let at = Int.random(in: 0..<36, using: &random)
      text[at] =
        random.next() % 2 == 0 ? Array("0123456789abcdefABCDEFGg-/:`@".utf8).randomElement(using: &random)! : UInt8(random.next() % 256)
      let isCanonical = [8, 13, 18, 23].contains(at) ? text[at] == 0x2d : Array("0123456789abcdef".utf8).contains(text[at])
      let read = UUIDWords(text.span)
      #expect((read != nil) == isCanonical)
      if let read { #expect(Array(written { $0.append(uuid: read) }.utf8) == text) }
    }
    for text in ["", "0", String(repeating: "0", count: 36), String(repeating: "-", count: 36)] {
      #expect(UUIDWords(Array(text.utf8).span) == nil)
    }
  }

  @Test(
    "UUIDv5 gives what Python's uuid prints",
    arguments: [
      ("www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2"),
      ("python.org", "886313e1-3b8a-5372-9b90-0c9aee199e5d"),
      ("event.optireplay", "2b4ebe69-f740-5e3b-bf28-176cb194d6f0"),
    ])
  func uuid(name: String, expected: String) {
    #expect(written { $0.append(uuidOf: (Self.dns + bytes(name)).span) } == expected)
  }
}

internal import Bytes
internal import Vocabulary

/// Makes UTF-8 of text whose characters are single bytes.
///
/// Memory: the bytes taken last.
struct Transcoder {
  /// More bytes than this no character takes.
  static let mostBytes = 3

  /// The UTF-8 of each byte from 0x80 on: two or three bytes, first byte lowest.
  private let codes: [UInt32]
  /// What was taken, and how much of it has been written.
  private var bytes: [UInt8] = []
  private var at = 0

  /// Nil for UTF-8, which stays as it is.
  init?(_ encoding: TextEncoding) {
    guard let characters = encoding.upperCharacters else { return nil }
    codes = characters.map { character in
      let last = 0x80 | character & 0x3f
      if character < 0x800 { return 0xc0 | character >> 6 | last << 8 }
      return 0xe0 | character >> 12 | (0x80 | character >> 6 & 0x3f) << 8 | last << 16
    }
  }

  /// Whether all that was taken has been written.
  var isEmpty: Bool { at == bytes.count }

  /// Takes the next bytes of the input; those before must have been written.
  mutating func take(_ bytes: [UInt8]) {
    precondition(isEmpty)
    self.bytes = bytes
    at = 0
  }

  /// Writes behind `text` until it has `count` bytes, or one or two more for its last character; less when there is no more.
  mutating func write(to text: inout [UInt8], count: Int) {
    while at < bytes.count, text.count < count {
      let end = endOfASCII(bytes.span, at, min(bytes.count, at + count - text.count))
      append(bytes.span.extracting(at..<end), to: &text)
      at = end
      guard at < bytes.count, text.count < count else { return }
      if bytes[at] < 0x80 { continue }
      let code = codes[Int(bytes[at] & 0x7f)]
      text.append(UInt8(truncatingIfNeeded: code))
      text.append(UInt8(truncatingIfNeeded: code >> 8))
      if code >> 16 != 0 { text.append(UInt8(truncatingIfNeeded: code >> 16)) }
      at += 1
    }
  }

  /// The first byte from `start` to `end` that is not ASCII; `end` when all are.
  private func endOfASCII(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    var at = start
    while at &+ 8 <= end, load64(bytes, at) & repeated(0x80) == 0 { at &+= 8 }
    while at < end, bytes[at] < 0x80 { at &+= 1 }
    return at
  }
}

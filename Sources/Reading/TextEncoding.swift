/// Which bytes an input's characters are. The raw value is the name that people declare it by.
///
/// What is not UTF-8 becomes UTF-8 before anything else is done, so rows, messages and byte offsets are those of the text in UTF-8: an
/// offset into a Latin-1 file counts each character outside of ASCII as two or three bytes. Digests and byte counts are the file's own.
package enum TextEncoding: String, Sendable, Hashable, CaseIterable {
  case utf8 = "utf-8"
  /// ISO 8859-1: each byte is the character of that number, 0x80 to 0x9f being the C1 controls.
  case latin1 = "latin-1"
  /// Windows-1252: ISO 8859-1 with 27 more characters from 0x80 to 0x9f. The five bytes without one (81, 8d, 8f, 90, 9d) are the C1
  /// controls of that number. Source: WHATWG, Encoding Standard, index windows-1252.
  case windows1252 = "windows-1252"
}

extension TextEncoding {
  /// The characters of the bytes from 0x80 on; nil for UTF-8, which has none of single bytes.
  var upperCharacters: [UInt32]? {
    switch self {
    case .utf8: nil
    case .latin1: Array(0x80...0xff)
    case .windows1252:
      [
        0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f,
        0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
      ] + Array(0xa0...0xff)
    }
  }
}

/// Which bytes an input's characters are. The raw value is the name that people declare it by.
///
/// What is not UTF-8 becomes UTF-8 before anything else is done, so rows, messages and byte offsets are those of the text in UTF-8: an
/// offset into a Latin-1 file counts each character outside of ASCII as two or three bytes. Digests and byte counts are the file's own.
package enum TextEncoding: String, Sendable, Hashable, Codable, CaseIterable {
  case utf8 = "utf-8"
  /// Read as Windows-1252: what calls itself ISO 8859-1 means its dashes and quotes from 0x80 to 0x9f, never the C1 controls that stand there.
  /// Source: WHATWG, Encoding Standard, which takes the label `latin1` for windows-1252.
  case latin1 = "latin-1"
  /// Windows-1252: ISO 8859-1 with 27 more characters from 0x80 to 0x9f. The five bytes without one (81, 8d, 8f, 90, 9d) are the C1
  /// controls of that number. Source: WHATWG, Encoding Standard, index windows-1252.
  case windows1252 = "windows-1252"
}

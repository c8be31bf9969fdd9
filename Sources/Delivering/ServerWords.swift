import Vocabulary

/// Makes a stranger's bytes fit for one line of a message or a terminal.
enum ServerWords {
  /// The first bytes as text on one line: control, format and separator characters are written out (`\n`, `\u{1b}`), what is not
  /// UTF-8 becomes U+FFFD, and a cut is marked with an ellipsis. White space at the end says nothing and is left out.
  static func visible(_ bytes: some Collection<UInt8>, limitBytes: Int) -> String {
    let isCut = bytes.count > limitBytes
    var text = String(decoding: bytes.prefix(limitBytes), as: UTF8.self).unicodeScalars
    // The cut may have split a character; its remains say nothing about the server.
    if isCut, text.last == "\u{fffd}" { text.removeLast() }
    while text.last?.properties.isWhitespace == true { text.removeLast() }
    if text.isEmpty { return "" }
    let line = text.map(visible).joined()
    return isCut ? line + "…" : line
  }

  /// The text of a header value, under the same rules; nil when there is none.
  static func visible(header: String?) -> String? {
    guard let header else { return nil }
    let text = visible(Array(header.utf8), limitBytes: DeliveryLimits.headerBytes)
    return text.isEmpty ? nil : text
  }

  private static func visible(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    default: scalar.isUnseen ? scalar.writtenOut : String(scalar)
    }
  }
}

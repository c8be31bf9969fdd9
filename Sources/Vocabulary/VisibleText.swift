/// A text that a terminal shows and does not obey: control characters but line ends and tabs are written out (`\u{1b}`), and so are those
/// that turn the direction of what follows, or end a line for some readers alone.
package func visible(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: isObeyed) else { return text }
  return text.unicodeScalars.reduce(into: "") { shown, scalar in
    if isObeyed(scalar) { shown += scalar.writtenOut } else { shown.unicodeScalars.append(scalar) }
  }
}

/// The name of a file as it stands within a line: line ends and tabs are written out, too.
package func visibleName(_ name: String) -> String {
  guard name.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\t" || isObeyed($0) }) else { return name }
  return name.unicodeScalars.reduce(into: "") { shown, scalar in
    if scalar == "\n" || scalar == "\t" || isObeyed(scalar) { shown += scalar.writtenOut } else { shown.unicodeScalars.append(scalar) }
  }
}

private func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x0a, 0x09: false
  case 0..<0x20, 0x7f..<0xa0: true
  // Marks, embeddings, overrides and isolates of direction (Unicode Standard Annex 9), and the separators of lines and paragraphs.
  case 0x061c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
  default: false
  }
}

extension Unicode.Scalar {
  /// Whether it is no character of its own to the eye: control and format characters, separators of lines, and what Unicode gives no meaning.
  package var isUnseen: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate: true
    default: false
    }
  }

  /// Its number, as in `\u{1b}`.
  package var writtenOut: String { "\\u{\(String(value, radix: 16))}" }
}

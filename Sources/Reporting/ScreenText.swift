/// How texts lie on a screen of character cells.
package enum ScreenText {
  /// Columns that a text takes. Characters of East Asia and pictures take two, marks that combine none, by Unicode's wide ranges.
  package static func columns(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + columns($1) } }

  /// The beginning of a text that takes at most so many columns.
  package static func fitted(_ text: String, columns limit: Int) -> String {
    var fitted = ""
    var width = 0
    for scalar in text.unicodeScalars {
      width += columns(scalar)
      if width > limit { break }
      fitted.unicodeScalars.append(scalar)
    }
    return fitted
  }

  private static func columns(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }
  }

  /// Source: Unicode, EastAsianWidth.txt: those of width W and F, in few ranges.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115f, 0x231a...0x231b, 0x23e9...0x23ec, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0xa4cf, 0xa960...0xa97f,
    0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f6ff,
    0x1f900...0x1faff, 0x20000...0x3fffd,
  ]
}

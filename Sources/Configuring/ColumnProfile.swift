/// What the cells of a column look like.
struct ColumnProfile {
  let name: String
  /// A value for each row; nil for a cell that is empty.
  let values: [String?]
  /// The cells that are not empty.
  let cells: [String]

  init(_ name: String, _ values: [String?]) {
    self.name = name
    self.values = values
    cells = values.compactMap { $0 }
  }

  var rowCount: Int { values.count }

  /// The name without case and without what divides words.
  var wholeName: String { ColumnProfile.plain(name[...]) }

  /// The same of the last name of a path.
  var lastName: String { ColumnProfile.plain(name.split(separator: ".").last ?? "") }

  /// The words of the last name, in small letters: `Revenue (USD)` and `revenueUSD` are both revenue and usd.
  var words: [String] {
    var words: [String] = []
    var word = ""
    var wasSmall = false
    for letter in name.split(separator: ".").last ?? "" {
      let isWordPart = letter.isLetter || letter.isNumber
      if !isWordPart || (letter.isUppercase && wasSmall) {
        words.append(word)
        word = ""
      }
      if isWordPart { word.append(letter) }
      wasSmall = letter.isLowercase
    }
    return (words + [word]).filter { !$0.isEmpty }.map { $0.lowercased() }
  }

  private static func plain(_ text: Substring) -> String {
    String(text.lowercased().unicodeScalars.filter { $0.properties.isAlphabetic || ("0"..."9").contains($0) })
  }

  /// Whether the name says that amounts count hundredths.
  var isNamedMinor: Bool { !Set(words).isDisjoint(with: ["cents", "cent", "minor", "pence"]) }

  /// Whether JSON rows have a list there.
  var isList: Bool { name.hasSuffix("[]") }

  func share(_ test: (String) -> Bool) -> Double {
    cells.isEmpty ? 0 : Double(cells.count(where: test)) / Double(cells.count)
  }

  /// The first cells alone, which say quickly what a column is likely to be.
  var beginning: ColumnProfile { ColumnProfile(name, cells.prefix(20).map { $0 }) }

  var isUnique: Bool { cells.count == rowCount && Set(cells).count == cells.count }
  var distinct: Set<String> { Set(cells) }

  // MARK: kinds of cells

  static func isDigits(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } }

  static func isMail(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty && parts[1].contains(".") && !text.contains(" ")
  }

  static func isUUID(_ text: String) -> Bool {
    text.utf8.count == 36
      && text.utf8.enumerated().allSatisfy { at, byte in
        [8, 13, 18, 23].contains(at) ? byte == 0x2d : Character(UnicodeScalar(byte)).isHexDigit
      }
  }

  /// A number as JSON writes it.
  static func isNumber(_ text: String) -> Bool {
    text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) } && Double(text) != nil && text.first != "+" && text.last != "."
      && text.first != "."
  }

  static func isWhole(_ text: String) -> Bool { isDigits(text.hasPrefix("-") ? String(text.dropFirst()) : text) }

  static func isBoolean(_ text: String) -> Bool { ["true", "TRUE", "True", "1", "false", "FALSE", "False", "0"].contains(text) }

  // MARK: damage

  /// What has become of an id that a spreadsheet or a floating-point column was in.
  enum Damage {
    /// `9.56E+09`, and `50001.0`.
    case rounded, pointed
  }

  static func damage(_ text: String) -> Damage? {
    guard isNumber(text), !isWhole(text) else { return nil }
    return text.contains { "eE".contains($0) } ? .rounded : .pointed
  }

  /// What to say of ids that are damaged; nil when none is.
  var damage: String? {
    if let rounding { return rounding }
    guard cells.contains(where: { ColumnProfile.damage($0) == .pointed }) else { return nil }
    let shown = ConfigurationText.name(name)
    return
      "\(shown) has numbers like 50001.0, as floating-point columns write ids, and their rows will be rejected; can it be exported as text?"
  }

  /// The same of ids that may have a point.
  var rounding: String? {
    guard cells.contains(where: { ColumnProfile.damage($0) == .rounded && $0.contains("+") }) else { return nil }
    let shown = ConfigurationText.name(name)
    return "\(shown) has numbers like 9.56E+09: a spreadsheet cut digits off, and their rows will be rejected; can it be exported as text?"
  }

  // MARK: several columns

  /// Whether the cells of several columns together are different in each row.
  static func areUnique(_ columns: [ColumnProfile]) -> Bool {
    guard let first = columns.first, first.cells.count == first.rowCount else { return false }
    return Set(first.values.indices.map { row in columns.map { $0.values[row] } }).count == first.rowCount
  }
}

/// What the cells of a column look like.
struct ColumnProfile {
  let name: String
  /// The cells that are not empty.
  let cells: [String]
  let rowCount: Int

  init(_ name: String, _ cells: [String?]) {
    self.name = name
    self.cells = cells.compactMap { $0 }
    rowCount = cells.count
  }

  /// The name without case and without what divides words; of a path the last of its names too.
  var names: [String] {
    func plain(_ text: Substring) -> String {
      String(text.lowercased().unicodeScalars.filter { $0.properties.isAlphabetic || ("0"..."9").contains($0) })
    }
    let last = name.split(separator: ".").last ?? ""
    return [plain(name[...]), plain(last)]
  }

  func share(_ test: (String) -> Bool) -> Double {
    cells.isEmpty ? 0 : Double(cells.count(where: test)) / Double(cells.count)
  }

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

  /// Whether a spreadsheet has shortened a long number: `9.56E+09`.
  static func isDamaged(_ text: String) -> Bool {
    guard let exponent = text.uppercased().firstIndex(of: "E"), exponent > text.startIndex else { return false }
    return Double(text) != nil && text.contains("+")
  }

  /// A number with a point or comma before its fraction and marks between groups of three digits, as far as it says.
  struct Amount {
    var decimal: Character?
    var group: Character?
    var digits: Int
  }

  static func amount(_ text: String) -> Amount? {
    let body = text.hasPrefix("-") ? text.dropFirst() : text[...]
    let marks = body.filter { !("0"..."9").contains($0) }
    guard body.first?.isNumber == true, body.last?.isNumber == true, Set(marks).count <= 2,
      marks.allSatisfy({ ".,' \u{a0}\u{202f}".contains($0) })
    else { return nil }
    guard let last = marks.last, let place = body.lastIndex(of: last) else { return Amount(digits: body.count) }
    let behind = body.distance(from: place, to: body.endIndex) - 1
    // One mark with three digits behind it may be either; two kinds of marks tell.
    if Set(marks).count == 2 || (marks.count == 1 && behind != 3) {
      return Amount(decimal: last, group: Set(marks).count == 2 ? marks.first : nil, digits: body.count)
    }
    return Amount(group: last, digits: body.count)
  }
}

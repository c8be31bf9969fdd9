import Normalizing

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

/// How a column's times are written, as far as its cells say.
struct TimeGuess {
  /// Nil when nothing is to be done: native times.
  var format: String?
  var needsZone = false
  /// Another form that fits as well.
  var otherFormat: String?
  var reason: String

  /// Nil when the cells are no times.
  init?(_ column: ColumnProfile) {
    func most(_ test: (String) -> Bool) -> Bool { column.share(test) >= 0.9 }
    func count(_ what: String, _ test: (String) -> Bool) -> String {
      "\(column.cells.count(where: test)) of \(column.cells.count) cells \(what)"
    }
    for (digits, unit, name) in [
      (13, nil, "milliseconds"), (10, "epoch_seconds", "seconds"), (16, "epoch_microseconds", "microseconds"),
      (19, "epoch_nanoseconds", "nanoseconds"),
    ] as [(Int, String?, String)] {
      let test = { (text: String) in
        let whole = text.split(separator: ".", omittingEmptySubsequences: false)
        return whole.count <= 2 && whole[0].count == digits && whole.allSatisfy { ColumnProfile.isDigits(String($0)) }
          && TimeGuess.isPlausible(String(whole[0]), digits)
      }
      guard most(test) else { continue }
      format = unit
      if unit == nil, column.cells.contains(where: { $0.contains(".") }) { format = "epoch_milliseconds" }
      reason = count("look like \(name) since 1970", test)
      return
    }
    let withOffset = { (text: String) in TimeGuess.reads(text, .native, nil) }
    if most(withOffset) {
      reason = count("are ISO 8601 with an offset", withOffset)
      return
    }
    let local = { (text: String) in TimeGuess.reads(text, .iso8601, "UTC") }
    if most(local) {
      needsZone = true
      reason = count("are ISO 8601 without an offset", local)
      return
    }
    // For each order of day, month and year the first form of a time of day that fits; what every cell fits says more than what most do.
    let fitting = TimeGuess.days.compactMap { day in
      TimeGuess.times.map { day + $0 }.first { pattern in most { TimeGuess.reads($0, .pattern(pattern), "UTC") } }
    }
    let whole = fitting.filter { pattern in column.cells.allSatisfy { TimeGuess.reads($0, .pattern(pattern), "UTC") } }
    if let chosen = whole.first ?? fitting.first {
      format = chosen
      needsZone = true
      otherFormat = whole.count > 1 ? whole[1] : nil
      reason = count("have the form \(chosen)") { TimeGuess.reads($0, .pattern(chosen), "UTC") }
      return
    }
    let day = { (text: String) in Double(text).map { (20_000...80_000).contains($0) } ?? false }
    guard most(day), column.cells.contains(where: { $0.contains(".") }) else { return nil }
    format = "spreadsheet"
    needsZone = true
    reason = count("look like a spreadsheet's count of days", day)
  }

  /// From 2001 to 2099.
  private static func isPlausible(_ digits: String, _ count: Int) -> Bool {
    guard let seconds = Int(digits.prefix(count - (count - 10))) else { return false }
    return (978_307_200..<4_102_444_800).contains(seconds)
  }

  private static let days = ["M/d/yyyy", "d/M/yyyy", "d.M.yyyy", "yyyy/M/d", "M-d-yyyy", "d-M-yyyy", "yyyyMMdd"]
  private static let times = ["", " HH:mm", " HH:mm:ss", " H:mm", " H:mm:ss", " h:mm a", " h:mm:ss a"]

  private static func reads(_ text: String, _ format: TimeFormat, _ zone: String?) -> Bool {
    Conversion.time(format, zone: zone).reads(text)
  }
}

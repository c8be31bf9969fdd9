import Normalizing

/// How a column's times are written, as far as its cells say.
///
/// A cell in ten may be in another form, or no time: what is told then counts them.
struct TimeGuess {
  /// Nil when nothing is to be done: native times.
  private(set) var format: String?
  private(set) var needsZone = false
  /// Forms that fit as well as each other, where there is more than one; `format` is the first of them.
  private(set) var possibleFormats: [String] = []
  let reason: String

  private init(_ format: String?, needsZone: Bool, _ reason: String) {
    self.format = format
    self.needsZone = needsZone
    self.reason = reason
  }

  /// Nil when the cells are no times. Whole numbers are days of a spreadsheet only where the column's name is one of times.
  init?(_ column: ColumnProfile, isNamed: Bool = false) {
    let guess = Self.epoch(column) ?? Self.digits(column) ?? Self.iso8601(column) ?? Self.dated(column) ?? Self.spreadsheet(column, isNamed)
    guard let guess else { return nil }
    self = guess
  }

  // MARK: numbers

  private static func epoch(_ column: ColumnProfile) -> TimeGuess? {
    for (digits, unit, name) in [
      (13, nil, "milliseconds"), (10, "epoch_seconds", "seconds"), (16, "epoch_microseconds", "microseconds"),
      (19, "epoch_nanoseconds", "nanoseconds"),
    ] as [(Int, String?, String)] {
      let test = { (text: String) in
        let whole = text.split(separator: ".", omittingEmptySubsequences: false)
        return whole.count <= 2 && whole[0].count == digits && whole.allSatisfy { ColumnProfile.isDigits(String($0)) }
          && isPlausible(String(whole[0]))
      }
      guard let count = count(column, test) else { continue }
      let format = unit == nil && column.cells.contains(where: { $0.contains(".") }) ? "epoch_milliseconds" : unit
      return TimeGuess(format, needsZone: false, said(count, of: column, "look like \(name) since 1970"))
    }
    return nil
  }

  /// From 2001 to 2099.
  private static func isPlausible(_ digits: String) -> Bool {
    guard let seconds = Int(digits.prefix(10)) else { return false }
    return (978_307_200..<4_102_444_800).contains(seconds)
  }

  /// `20240511` and `20240511093000`: a native time is never so short, and would be rejected whatever its zone.
  private static func digits(_ column: ColumnProfile) -> TimeGuess? {
    for format in ["yyyyMMdd", "yyyyMMddHHmmss"] {
      let test = { (text: String) in
        text.utf8.count == format.utf8.count && ColumnProfile.isDigits(text) && reads(text, .pattern(format), "UTC")
      }
      guard let count = count(column, test) else { continue }
      return TimeGuess(format, needsZone: true, said(count, of: column, "have the form \(format)"))
    }
    return nil
  }

  private static func spreadsheet(_ column: ColumnProfile, _ isNamed: Bool) -> TimeGuess? {
    let test = { (text: String) in Double(text).map { (20_000...80_000).contains($0) } ?? false }
    guard isNamed || column.cells.contains(where: { $0.contains(".") }), let count = count(column, test) else { return nil }
    return TimeGuess("spreadsheet", needsZone: true, said(count, of: column, "look like a spreadsheet's count of days"))
  }

  // MARK: dates

  private static func iso8601(_ column: ColumnProfile) -> TimeGuess? {
    if let count = count(column, { reads($0, .native, nil) }) {
      return TimeGuess(nil, needsZone: false, said(count, of: column, "are ISO 8601 with an offset"))
    }
    // Digits alone are an id as well as a date.
    guard let count = count(column, { !ColumnProfile.isDigits($0) && reads($0, .iso8601, "UTC") }) else { return nil }
    return TimeGuess(nil, needsZone: true, said(count, of: column, "are ISO 8601 without an offset"))
  }

  /// Orders of day, month and year, and forms of a time of day behind them.
  private static let days = [
    "M/d/yyyy", "d/M/yyyy", "d.M.yyyy", "yyyy/M/d", "yyyy-M-d", "M-d-yyyy", "d-M-yyyy", "M/d/yy", "d/M/yy", "yy/M/d", "d.M.yy", "M-d-yy",
    "d-M-yy", "yy-M-d", "d MMM yyyy", "d-MMM-yyyy", "d. MMM yyyy", "MMM d, yyyy",
  ]
  private static let times = ["", " HH:mm", " HH:mm:ss", " H:mm", " H:mm:ss", " h:mm a", " h:mm:ss a", ", HH:mm", ", HH:mm:ss", ", h:mm a"]

  /// An order of day, month and year with the cells that it fits, whatever their time of day, and the form that fits most of them.
  private struct Order {
    let cells: Set<Int>
    let format: String
    let count: Int
  }

  /// An order is possible unless another one fits all that it fits, and more.
  private static func dated(_ column: ColumnProfile) -> TimeGuess? {
    let marks = column.cells.map(Self.marks)
    let kinds = Set(marks)
    let orders = days.compactMap { order($0, column.cells, marks, kinds) }.filter { isMost($0.count, of: column) }
    let possible = orders.filter { order in !orders.contains { $0.cells.isStrictSuperset(of: order.cells) } }
    guard let first = possible.first else { return nil }
    let formats = possible.map(\.format)
    let count = possible.map(\.count).min() ?? first.count
    var guess = TimeGuess(first.format, needsZone: true, said(count, of: column, "have the form \(alternatives(formats))"))
    if formats.count > 1 { guess.possibleFormats = formats }
    return guess
  }

  private static func order(_ day: String, _ cells: [String], _ marks: [String], _ kinds: Set<String>) -> Order? {
    var all: Set<Int> = []
    var best: (format: String, count: Int) = (day, 0)
    for time in times {
      let format = day + time
      let formMarks = Self.marks(format)
      guard kinds.contains(formMarks) else { continue }
      let fitting = cells.indices.filter { marks[$0] == formMarks && reads(cells[$0], .pattern(format), "UTC") }
      if fitting.count > best.count { best = (format, fitting.count) }
      all.formUnion(fitting)
    }
    return all.isEmpty ? nil : Order(cells: all, format: best.format, count: best.count)
  }

  /// What stands between digits and letters: a text in another form than a pattern's is mostly told by it, much faster than by reading.
  private static func marks(_ text: String) -> String {
    String(text.unicodeScalars.filter { !$0.properties.isAlphabetic && !("0"..."9").contains($0) })
  }

  // MARK: words

  /// `a`, `a or b`, `a, b or c`.
  static func alternatives(_ words: [String]) -> String {
    words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + words[words.count - 1]
  }

  private static func isMost(_ count: Int, of column: ColumnProfile) -> Bool { count > 0 && count * 10 >= column.cells.count * 9 }

  /// How many cells pass, when most do.
  private static func count(_ column: ColumnProfile, _ test: (String) -> Bool) -> Int? {
    let count = column.cells.count(where: test)
    return isMost(count, of: column) ? count : nil
  }

  private static func said(_ count: Int, of column: ColumnProfile, _ what: String) -> String {
    "\(count) of \(column.cells.count) cells \(what)" + (count < column.cells.count ? "; rows with others will be rejected" : "")
  }

  private static func reads(_ text: String, _ format: TimeFormat, _ zone: String?) -> Bool {
    Conversion.time(format, zone: zone).reads(text)
  }
}

import Bytes

/// A form of times in the letters of Unicode's date patterns, taken apart once for all rows.
///
///     y yyyy yy   M MM MMM MMMM   d dd   H HH h hh a   m mm   s ss   S SS SSS …   E EEE EEEE   X XX XXX Z   'text'
///
/// A letter that stands alone takes one or two digits, a pair takes two. Names of months and weekdays are English, in any case. `yy` is 2000 to
/// 2099. Source of the letters: Unicode Technical Standard 35, part 4.
struct TimePattern: Sendable {
  private enum Step: Sendable {
    case literal(UInt8)
    case year, shortYear
    /// Digits: a part of the time, the fewest and the most.
    case number(Part, Int, Int)
    case monthName, weekdayName
    case fraction
    case half
    case offset
  }

  private enum Part: Sendable { case month, day, hour24, hour12, minute, second }

  let text: String
  private var steps: [Step] = []
  /// Whether times say their offset from UTC.
  private(set) var hasOffset = false

  init(_ text: String) throws(MappingFault) {
    self.text = text
    var letters: Set<Character> = []
    let characters = Array(text)
    var at = 0
    while at < characters.count {
      let letter = characters[at]
      if letter == "'" {
        at = try quoted(characters, at)
      } else if letter.isASCII, letter.isLetter {
        var count = 1
        while at + count < characters.count, characters[at + count] == letter { count += 1 }
        try append(letter, count)
        letters.insert(letter)
        at += count
      } else {
        steps += String(letter).utf8.map(Step.literal)
        at += 1
      }
    }
    try requireWhole(letters)
  }

  private mutating func quoted(_ characters: [Character], _ start: Int) throws(MappingFault) -> Int {
    guard let end = characters[(start + 1)...].firstIndex(of: "'") else {
      throw MappingFault("the format \(text) has a quote that never closes; write '' for a quote itself")
    }
    let inside = end == start + 1 ? "'" : String(characters[(start + 1)..<end])
    steps += inside.utf8.map(Step.literal)
    return end + 1
  }

  private mutating func append(_ letter: Character, _ count: Int) throws(MappingFault) {
    func number(_ part: Part) -> Step { .number(part, count, 2) }
    switch (letter, count) {
    case ("y", 1), ("y", 4): steps.append(.year)
    case ("y", 2): steps.append(.shortYear)
    case ("M", 1), ("M", 2): steps.append(number(.month))
    case ("M", 3), ("M", 4): steps.append(.monthName)
    case ("d", 1), ("d", 2): steps.append(number(.day))
    case ("H", 1), ("H", 2): steps.append(number(.hour24))
    case ("h", 1), ("h", 2): steps.append(number(.hour12))
    case ("m", 1), ("m", 2): steps.append(number(.minute))
    case ("s", 1), ("s", 2): steps.append(number(.second))
    case ("S", _): steps.append(.fraction)
    case ("a", 1): steps.append(.half)
    case ("E", 1...4): steps.append(.weekdayName)
    case ("X", 1...3), ("Z", 1), ("Z", 5), ("z", 1):
      steps.append(.offset)
      hasOffset = true
    default: throw MappingFault(fault(letter, count))
    }
  }

  private func fault(_ letter: Character, _ count: Int) -> String {
    let run = String(repeating: letter, count: count)
    let hint =
      switch letter {
      case "Y": "a calendar year is \(String(repeating: "y", count: count)); Y is the year of a week"
      case "D": "a day of the month is \(String(repeating: "d", count: count))"
      case "n", "N", "i", "I": "minutes are mm"
      case "t", "T": "text is put in quotes: 'T'"
      case "k", "K": "hours are HH (0 to 23) or hh (1 to 12)"
      default: "letters are y M d H h a m s S E X; text is put in quotes"
      }
    return "the format \(text) has \(run), which means nothing here: \(hint)"
  }

  private func requireWhole(_ letters: Set<Character>) throws(MappingFault) {
    for (letter, name) in [("y", "year"), ("M", "month"), ("d", "day")] as [(Character, String)] where !letters.contains(letter) {
      throw MappingFault("the format \(text) has no \(name) (\(letter)); a time needs one")
    }
    if letters.contains("h"), !letters.contains("a") {
      throw MappingFault("the format \(text) has hours from 1 to 12 (h) without a half of the day (a); hours from 0 to 23 are HH")
    }
    if letters.contains("a"), !letters.contains("h") {
      throw MappingFault("the format \(text) has a half of the day (a) and no hours from 1 to 12 (h)")
    }
    if letters.contains("h"), letters.contains("H") { throw MappingFault("the format \(text) has the hour twice, as h and as H") }
    let hasHours = letters.contains("h") || letters.contains("H")
    if hasHours, !letters.contains("m") {
      throw MappingFault("the format \(text) has hours and no minutes: minutes are mm, MM is the month")
    }
    if letters.contains("m") || letters.contains("s"), !hasHours {
      throw MappingFault("the format \(text) has minutes or seconds and no hours: hours are HH or hh")
    }
    let months = steps.count { if case .number(.month, _, _) = $0 { true } else if case .monthName = $0 { true } else { false } }
    if months > 1 { throw MappingFault("the format \(text) has the month twice: minutes are mm") }
  }

  /// What the text says, and its offset from UTC in minutes when it gives one; nil when it has another form.
  func read(_ text: Span<UInt8>) -> (time: CivilTime, offset: Int?)? {
    var time = CivilTime()
    var offset: Int?
    var isAfternoon: Bool?
    var at = 0
    for step in steps {
      switch step {
      case .literal(let byte):
        guard at < text.count, text[at] == byte else { return nil }
        at += 1
      case .year:
        guard let value = digits(text, at, 4) else { return nil }
        time.year = value
        at += 4
      case .shortYear:
        guard let value = digits(text, at, 2) else { return nil }
        time.year = 2000 + value
        at += 2
      case .number(let part, let fewest, let most):
        guard let (value, end) = number(text, at, fewest, most), TimePattern.set(part, value, &time) else { return nil }
        at = end
      case .monthName:
        guard let (month, end) = TimePattern.find(TimePattern.months, text, at) else { return nil }
        time.month = month
        at = end
      case .weekdayName:
        guard let (_, end) = TimePattern.find(TimePattern.weekdays, text, at) else { return nil }
        at = end
      case .fraction:
        guard let (milliseconds, end) = fraction(text, at) else { return nil }
        time.millisecond = milliseconds
        at = end
      case .half:
        guard at + 2 <= text.count, text[at + 1] | 0x20 == 0x6d, text[at] | 0x20 == 0x61 || text[at] | 0x20 == 0x70 else { return nil }
        isAfternoon = text[at] | 0x20 == 0x70
        at += 2
      case .offset:
        guard let (minutes, end) = TimePattern.offset(text, at) else { return nil }
        offset = minutes
        at = end
      }
    }
    if let isAfternoon { time.hour = time.hour % 12 + (isAfternoon ? 12 : 0) }
    return at == text.count && time.isValid ? (time, offset) : nil
  }

  private func number(_ text: Span<UInt8>, _ start: Int, _ fewest: Int, _ most: Int) -> (value: Int, end: Int)? {
    var count = 0
    while count < most, start + count < text.count, text[start + count] &- 0x30 <= 9 { count += 1 }
    guard count >= fewest, let value = digits(text, start, count) else { return nil }
    return (value, start + count)
  }

  /// Sets a part; false when hours of half a day are not 1 to 12. The rest is seen when all is read.
  private static func set(_ part: Part, _ value: Int, _ time: inout CivilTime) -> Bool {
    switch part {
    case .month: time.month = value
    case .day: time.day = value
    case .hour24, .hour12: time.hour = value
    case .minute: time.minute = value
    case .second: time.second = value
    }
    return part != .hour12 || (1...12).contains(value)
  }

  private static let months = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
  ].map { Array($0.utf8) }
  private static let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].map { Array($0.utf8) }

  /// Which name stands there, whole or as its first three letters (and `Sept`), from 1, and where it ends.
  private static func find(_ names: [[UInt8]], _ text: Span<UInt8>, _ start: Int) -> (number: Int, end: Int)? {
    var end = start
    while end < text.count, (0x61...0x7a).contains(text[end] | 0x20) { end += 1 }
    let count = end - start
    for (number, name) in names.enumerated() where count == name.count || count == 3 || (count == 4 && number == 8) {
      var at = 0
      while at < count, text[start + at] | 0x20 == name[at] { at += 1 }
      if at == count { return (number + 1, end) }
    }
    return nil
  }

  /// `Z`, `UTC`, `GMT`, `+02`, `+0200` or `+02:00`, and where it ends.
  private static func offset(_ text: Span<UInt8>, _ start: Int) -> (minutes: Int, end: Int)? {
    guard start < text.count else { return nil }
    if text[start] | 0x20 == 0x7a { return (0, start + 1) }
    if start + 3 <= text.count {
      let word = text.extracting(start..<(start + 3))
      if same(word, "UTC") || same(word, "GMT") { return (0, start + 3) }
    }
    guard text[start] == 0x2b || text[start] == 0x2d, let hours = digits(text, start + 1, 2), hours <= 18 else { return nil }
    let sign = text[start] == 0x2b ? 1 : -1
    var at = start + 3
    let hasColon = at < text.count && text[at] == 0x3a
    guard let minutes = digits(text, hasColon ? at + 1 : at, 2) else { return hasColon ? nil : (sign * hours * 60, at) }
    at += hasColon ? 3 : 2
    return minutes < 60 ? (sign * (hours * 60 + minutes), at) : nil
  }
}

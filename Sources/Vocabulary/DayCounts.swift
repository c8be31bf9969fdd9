/// How many events there are on each day in UTC. Days are numbered from 1970-01-01.
///
/// Memory: 8 bytes for each day between the first and the last, which 13-digit times keep below 105,000 days.
package struct DayCounts: Sendable, Equatable {
  private var first = 0
  private var counts: [Int] = []

  package init() {}

  package static let dayMilliseconds: Int64 = 86_400_000

  /// The day of a time in epoch milliseconds.
  package static func day(of milliseconds: Int64) -> Int {
    Int(milliseconds / dayMilliseconds) - (milliseconds % dayMilliseconds < 0 ? 1 : 0)
  }

  @inline(__always)
  package mutating func add(_ milliseconds: Int64) { add(1, on: DayCounts.day(of: milliseconds)) }

  @inline(__always)
  package mutating func add(_ count: Int, on day: Int) {
    let at = day - first
    if at >= 0, at < counts.count {
      counts[at] += count
    } else {
      grow(to: day)
      counts[day - first] += count
    }
  }

  private mutating func grow(to day: Int) {
    if counts.isEmpty {
      first = day
      counts = [0]
    } else if day < first {
      counts.insert(contentsOf: repeatElement(0, count: first - day), at: 0)
      first = day
    } else {
      counts.append(contentsOf: repeatElement(0, count: day - first - counts.count + 1))
    }
  }

  package mutating func append(_ others: DayCounts) { others.each { add($1, on: $0) } }

  /// Calls `body` with each day that has events, in order.
  package func each(_ body: (_ day: Int, _ count: Int) -> Void) {
    for (at, count) in counts.enumerated() where count > 0 { body(first + at, count) }
  }

  package var total: Int { counts.reduce(0, +) }

  /// How many days have events.
  package var dayCount: Int { counts.count { $0 > 0 } }

  /// In order of days: how many days after the last (the first: after 1970-01-01), and how many events; each in groups of seven bits, the
  /// lowest first, all but the last marked.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    func append(_ number: Int) {
      var rest = UInt64(number)
      while rest > 0x7f {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }
    var last = 0
    each { day, count in
      precondition(day >= last, "events of ours are not from before 1970")
      append(day - last)
      append(count)
      last = day
    }
    return bytes
  }

  /// Nil for what `bytes` did not write.
  package init?(_ bytes: [UInt8]) {
    var at = 0
    func next() -> Int? {
      var number: UInt64 = 0
      for shift in stride(from: 0, to: 42, by: 7) {
        guard at < bytes.count else { return nil }
        let byte = bytes[at]
        at += 1
        number |= UInt64(byte & 0x7f) << UInt64(shift)
        if byte & 0x80 == 0 { return Int(number) }
      }
      return nil
    }
    var day = 0
    while at < bytes.count {
      guard let step = next(), let count = next(), count > 0, day + step <= DayCounts.lastDay else { return nil }
      day += step
      add(count, on: day)
    }
  }

  private static let lastDay = day(of: Limits.timestamps.upperBound)
}

/// What a history's events are counted by, so that there are few enough counts to show.
package enum TimeUnit: String, Sendable, CaseIterable, Codable {
  case day, week, month, year

  /// The first day of the week (a Monday), month or year that a day lies in.
  package func start(of day: Int) -> Int {
    switch self {
    case .day: return day
    case .week: return Week.firstDay(of: Week.number(of: day))
    case .month:
      let date = CivilDay(day)
      return day - date.day + 1
    case .year:
      let date = CivilDay(day)
      return CivilDay.firstDay(of: date.year)
    }
  }

  /// The finest unit by which events of these days are in at most so many places; years when none is.
  package static func finest(_ days: DayCounts, atMost limit: Int) -> TimeUnit {
    allCases.first { unit in
      var starts: Set<Int> = []
      days.each { day, _ in if starts.count <= limit { starts.insert(unit.start(of: day)) } }
      return starts.count <= limit
    } ?? .year
  }
}

/// Weeks from Monday on, numbered from the one that 1970-01-01, a Thursday, lies in.
package enum Week {
  package static func number(of day: Int) -> Int { (day + 3) / 7 - ((day + 3) % 7 < 0 ? 1 : 0) }

  package static func firstDay(of number: Int) -> Int { number * 7 - 3 }
}

/// A day of the Gregorian calendar.
package struct CivilDay: Sendable, Equatable {
  package private(set) var year: Int
  package private(set) var month = 1
  package private(set) var day: Int

  /// The day so many days after 1970-01-01.
  package init(_ number: Int) {
    year = 1970 + number * 400 / 146_097
    while CivilDay.firstDay(of: year) > number { year -= 1 }
    while CivilDay.firstDay(of: year + 1) <= number { year += 1 }
    var rest = number - CivilDay.firstDay(of: year)
    let isLeap = CivilDay.isLeap(year)
    for length in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
      if rest < length { break }
      rest -= length
      month += 1
    }
    day = rest + 1
  }

  static func firstDay(of year: Int) -> Int {
    let before = year - 1
    return before * 365 + before / 4 - before / 100 + before / 400 - 719_162
  }

  private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  /// As in 2024-05-01.
  package var text: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(year)-\(two(month))-\(two(day))"
  }
}

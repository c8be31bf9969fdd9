import Testing
import Vocabulary

@Suite("Days")
struct DayTests {
  @Test("every day from 1970 to 2287 has the date after the one before it")
  func dates() {
    var (year, month, day) = (1970, 1, 1)
    for number in 0...DayCounts.day(of: Limits.timestamps.upperBound) {
      let date = CivilDay(number)
      guard (date.year, date.month, date.day) == (year, month, day) else {
        Issue.record("day \(number) is \(date.text), not \(year)-\(month)-\(day)")
        return
      }
      let isLeap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)
      let length = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
      if day < length {
        day += 1
      } else if month < 12 {
        (month, day) = (month + 1, 1)
      } else {
        (year, month, day) = (year + 1, 1, 1)
      }
    }
  }

  @Test(
    "a time lies in its day in UTC, to the millisecond",
    arguments: [(-1, -1), (0, 0), (86_399_999, 0), (86_400_000, 1), (1_714_521_600_000, 19_844), (9_999_999_999_999, 115_740)]
      as [(Int64, Int)])
  func days(milliseconds: Int64, day: Int) { #expect(DayCounts.day(of: milliseconds) == day) }

  @Test(
    "a week begins on Monday, a month and a year on their first day",
    arguments: [
      // 2024-02-29 is a Thursday.
      (19_782, "2024-02-26", "2024-02-01", "2024-01-01"), (19_779, "2024-02-26", "2024-02-01", "2024-01-01"),
      (19_778, "2024-02-19", "2024-02-01", "2024-01-01"), (19_723, "2024-01-01", "2024-01-01", "2024-01-01"),
      (0, "1969-12-29", "1970-01-01", "1970-01-01"),
    ])
  func units(day: Int, week: String, month: String, year: String) {
    #expect(CivilDay(TimeUnit.week.start(of: day)).text == week)
    #expect(CivilDay(TimeUnit.month.start(of: day)).text == month)
    #expect(CivilDay(TimeUnit.year.start(of: day)).text == year)
  }

  @Test("counts come back from their bytes, in any order of adding, with gaps of any length")
  func roundTrip() throws {
    var counts = DayCounts()
    for (count, day) in [(3, 19_844), (1, 11_574), (200, 115_740), (70_000, 19_845), (4, 19_844)] { counts.add(count, on: day) }
    let read = try #require(DayCounts(counts.bytes))
    var found: [[Int]] = []
    read.each { found.append([$0, $1]) }
    #expect(found == [[11_574, 1], [19_844, 7], [19_845, 70_000], [115_740, 200]])
    #expect(read.total == 70_208 && read.dayCount == 4)
    #expect(DayCounts([])?.total == 0)
  }

  @Test(
    "what was not written by it is refused, and takes no memory",
    arguments: [[1], [0x80], [1, 0], [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1]] as [[UInt8]]
  )
  func damaged(bytes: [UInt8]) { #expect(DayCounts(bytes) == nil) }

  @Test(
    "events are counted by days until there are too many of them",
    arguments: [(120, TimeUnit.day), (121, .week), (840, .week), (855, .month)])
  func finest(dayCount: Int, unit: TimeUnit) {
    var counts = DayCounts()
    for day in 0..<dayCount { counts.add(1, on: 19_723 + day) }
    #expect(TimeUnit.finest(counts, atMost: 120) == unit)
  }

  @Test("few days that lie far apart stay days")
  func sparse() {
    var counts = DayCounts()
    for year in 0..<100 { counts.add(1, on: 12_000 + year * 1000) }
    #expect(TimeUnit.finest(counts, atMost: 120) == .day)
    for day in 0..<100_000 { counts.add(1, on: 12_000 + day) }
    #expect(TimeUnit.finest(counts, atMost: 120) == .year)
  }
}

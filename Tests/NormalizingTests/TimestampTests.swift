import Bytes
import Foundation
import Testing
import Vocabulary

@testable import Normalizing

@Suite struct TimestampTests {
  /// A mapping that takes a time without an offset as UTC.
  static let utc: Mapping = {
    var mapping = Mapping.native
    mapping.fields[.timestamp] = .converted(.path("timestamp"), .time(.native, zone: "UTC"))
    return mapping
  }()

  private func time(_ text: String, _ mapping: Mapping = .native) throws -> Fate {
    var harness = try Harness(mapping, header: conversionCells.keys.sorted())
    return try harness.csv(conversionCells.with("timestamp", text))
  }

  @Test(
    "thirteen digits are epoch milliseconds, as text or number; nothing else is",
    arguments: [("1000000000000", 1_000_000_000_000), ("9999999999999", 9_999_999_999_999), ("1700000000123", 1_700_000_000_123)]
      as [(String, Int64)])
  func milliseconds(text: String, expected: Int64) throws {
    #expect(try time(text).record?.timestamp == expected)
    #expect(try json(row(conversionCells, "\"timestamp\":\(text)")).record?.timestamp == expected)
    #expect(try time(text).record?.event.contains("\"timestamp\":\(text)") == true)
  }

  @Test(
    "another number of digits names the unit that it looks like",
    arguments: [
      ("1700000000", "seconds"), ("999999999", "seconds"), ("0", "seconds"), ("170000000000", "a digit too many or too few"),
      ("17000000000000", "a digit too many or too few"), ("1700000000000000", "microseconds"),
      ("1700000000000000000", "nanoseconds"),
    ])
  func units(text: String, unit: String) throws {
    for fate in [try time(text), try json(row(conversionCells, "\"timestamp\":\(text)"))] {
      Expected.reject(.timestampUnit, "timestamp").check(fate)
      #expect(fate.reject?.message.contains(unit) == true)
    }
  }

  @Test(
    "what is no time is rejected",
    arguments: [
      "0001700000000", "0999999999999", "-1700000000000", "-170000000000", "1700000000000.0", "1.7E+12", "1700000000000 ",
      "yesterday",
      "2024-05-01", "2024-05-01T12", "2024-05-01T12Z", "2024-5-1T12:00:00Z", "2024-05-01T24:00:00Z", "2024-05-01T12:60:00Z",
      "2024-05-01T12:00:60Z",
      "2024-13-01T12:00:00Z", "2024-00-01T12:00:00Z", "2024-04-31T12:00:00Z", "2023-02-29T12:00:00Z", "2100-02-29T12:00:00Z",
      "2024-02-30T12:00:00Z",
      "2024-05-00T12:00:00Z", "2024-05-01T12:00:00.Z", "2024-05-01T12:00:00Zx", "2024-05-01T12:00:00 ", "2024-05-01T12:00:00+",
      "2024-05-01T12:00:00+1",
      "2024-05-01T12:00:00+19:00", "2024-05-01T12:00:00+02:60", "2024-05-01T12:00:00+02:0", "2024-05-01T12:00:00+0200x",
      "2024/05/01 12:00:00Z",
      "2024-05-01T12:00:0Z", "2024-05-01X12:00:00Z", "05/01/2024 12:00:00", "2024-05-01T12:00:00 CET", "2024-05-01T12:00:00utc",
      "1969-12-31T23:59:59Z",
      "2001-09-09T01:46:39.999Z", "2286-11-20T17:46:40Z", "9999-12-31T23:59:59Z", "２０２４-05-01T12:00:00Z", "99999999999999999999",
    ])
  func noTime(text: String) throws {
    for fate in [try time(text), try json(row(conversionCells.with("timestamp", text)))] {
      Expected.reject(.badTimestamp, "timestamp").check(fate)
    }
    // Where the zone is known to be UTC, the rarer forms of ISO 8601 are times, as in any other zone.
    let fate = try time(text, Self.utc)
    if let reading = try? TimeReader(.native, zone: "+00:00").read(bytes(text).span) {
      #expect(fate.record?.timestamp == reading.milliseconds)
    } else {
      Expected.reject(.badTimestamp, "timestamp").check(fate)
    }
  }

  @Test(
    "a time without an offset is rejected, saying how to write one, unless the mapping takes it as UTC",
    arguments: [
      ("2024-05-01T12:00:00", 1_714_564_800_000), ("2024-05-01 12:00:00.5", 1_714_564_800_500),
      ("2024-05-01T12:00", 1_714_564_800_000),
    ] as [(String, Int64)])
  func withoutOffset(text: String, expected: Int64) throws {
    let fate = try time(text)
    Expected.reject(.badTimestamp, "timestamp").check(fate)
    #expect(fate.reject?.message.contains("2024-05-01T14:00:00+02:00") == true)
    #expect(try time(text, Self.utc).record?.timestamp == expected)
  }

  @Test(
    "every form of ISO 8601 with an offset is the same moment",
    arguments: [
      "2024-05-01T12:00:00Z", "2024-05-01t12:00:00z", "2024-05-01 12:00:00Z", "2024-05-01T12:00Z", "2024-05-01T14:00:00+02:00",
      "2024-05-01T14:00:00+0200", "2024-05-01T14:00:00+02", "2024-05-01T06:30:00-05:30", "2024-05-02T02:00:00+14:00",
      "2024-04-30T23:00:00-13:00",
      "2024-05-01T12:00:00+00:00", "2024-05-01T12:00:00-00:00", "2024-05-01 12:00:00 UTC", "2024-05-01 12:00:00UTC",
      "2024-05-01 14:00:00 +02:00",
      "2024-05-01T12:00:00.0Z", "2024-05-01T12:00:00,000Z", "2024-05-01T12:00:00.000999999999Z",
      "2024-05-01T12:00:00.0000000000000000000001+00:00",
    ])
  func forms(text: String) throws {
    #expect(try time(text).record?.timestamp == 1_714_564_800_000)
    #expect(try time(text, Self.utc).record?.timestamp == 1_714_564_800_000)
  }

  @Test("digits of a second count up to the millisecond and are cut off behind it", arguments: 1...9)
  func fractions(digitCount: Int) throws {
    let digits = String("987654321".prefix(digitCount))
    let milliseconds = Int64(digits.padding(toLength: 3, withPad: "0", startingAt: 0))!
    #expect(try time("2024-05-01T12:00:00.\(digits)Z").record?.timestamp == 1_714_564_800_000 + milliseconds)
  }

  @Test("the first and the last millisecond of 13 digits can be written as times")
  func ends() throws {
    #expect(try time("2001-09-09T01:46:40Z").record?.timestamp == 1_000_000_000_000)
    #expect(try time("2286-11-20T17:46:39.999Z").record?.timestamp == 9_999_999_999_999)
  }

  @Test("leap days are what Foundation says, in every kind of year", arguments: [2004, 2096, 2100, 2104, 2200, 2001, 2023, 2024])
  func leapDays(year: Int) throws {
    for day in ["02-28", "02-29", "03-01", "12-31", "01-01"] {
      let text = "\(year)-\(day)T12:00:00Z"
      guard year > 2001 || day == "12-31" else { continue }
      // Foundation lets the 29th of a common year pass as the day after.
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      guard day != "02-29" || isLeap else {
        #expect(try time(text).reject?.code == .badTimestamp)
        continue
      }
      let date = try #require(ISO8601DateFormatter().date(from: text))
      #expect(try time(text).record?.timestamp == Int64(date.timeIntervalSince1970 * 1000))
    }
  }

  @Test("seeded moments with seeded offsets come out as Foundation's calendar has them", arguments: 0..<10)
  func seeded(seed: Int) throws {
    var random = Seeded(seed)
    var calendar = Calendar(identifier: .gregorian)
    var harness = try Harness(header: conversionCells.keys.sorted())
    for _ in 0..<60 {
      let moment = Int64.random(in: Limits.timestamps, using: &random)
      let offset = random.below(2 * 18 * 60 + 1) - 18 * 60
      calendar.timeZone = try #require(TimeZone(secondsFromGMT: offset * 60))
      let parts = calendar.dateComponents(
        [.year, .month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: Double(moment / 1000)))
      func two(_ number: Int?) -> String { String("0\(number ?? 0)".suffix(2)) }
      let zone = (offset < 0 ? "-" : "+") + two(abs(offset) / 60) + ":" + two(abs(offset) % 60)
      let milliseconds = String("00\(moment % 1000)".suffix(3))
      let text =
        "\(parts.year!)-\(two(parts.month))-\(two(parts.day))T\(two(parts.hour)):\(two(parts.minute)):\(two(parts.second)).\(milliseconds)\(zone)"
      #expect(try harness.csv(conversionCells.with("timestamp", text)).record?.timestamp == moment, "\(text)")
    }
  }
}

import Bytes
import Foundation
import Testing
import Vocabulary

@testable import Normalizing

@Suite("Times as mappings say that they are written")
struct TimeReaderTests {
  private func read(_ text: String, _ format: TimeFormat, _ zone: String? = nil) throws -> TimeReading {
    let bytes = bytes(text)
    return try TimeReader(format, zone: zone).read(bytes.span)
  }

  private func fault(_ text: String, _ format: TimeFormat, _ zone: String? = nil) throws -> TimestampFault? {
    let bytes = bytes(text)
    let reader = try TimeReader(format, zone: zone)
    do {
      _ = try reader.read(bytes.span)
      return nil
    } catch {
      return error
    }
  }

  private func mappingFault(_ format: TimeFormat, _ zone: String? = nil) -> String? {
    do {
      _ = try TimeReader(format, zone: zone)
      return nil
    } catch {
      return error.message
    }
  }

  // 2024-05-01T12:00:00Z
  private static let noon: Int64 = 1_714_564_800_000

  @Test(
    "a declared unit is taken at its word, and what is finer than a millisecond is cut off towards the past",
    arguments: [
      ("1714564800", EpochUnit.seconds, 0), ("1714564800.9999", .seconds, 999), ("1714564800.123456", .seconds, 123),
      ("+1714564800", .seconds, 0), ("1714564800000", .milliseconds, 0), ("1714564800000.9", .milliseconds, 0),
      ("1714564800000999", .microseconds, 0), ("1714564800001000", .microseconds, 1), ("1714564800000999999", .nanoseconds, 0),
      ("1714564800001000000", .nanoseconds, 1), ("01714564800", .seconds, 0),
    ] as [(String, EpochUnit, Int64)])
  func epoch(text: String, unit: EpochUnit, expected: Int64) throws {
    #expect(try read(text, .epoch(unit)) == TimeReading(milliseconds: Self.noon + expected))
  }

  @Test(
    "a unit is told by the digits before the point, and said to be told unless they are milliseconds",
    arguments: [
      ("1714564800", true), ("1714564800000", false), ("1714564800000000", true), ("1714564800000000000", true),
      ("1714564800.0", true),
    ])
  func anyEpoch(text: String, isGuessed: Bool) throws {
    #expect(try read(text, .anyEpoch) == TimeReading(milliseconds: Self.noon, isGuessed: isGuessed))
  }

  @Test(
    "counts of no time from 2001 to 2286, and what is no count, are refused",
    arguments: [
      ("171456480", TimeFormat.anyEpoch), ("17145648000", .anyEpoch), ("0", .anyEpoch), ("-1714564800", .anyEpoch),
      ("999999999", .epoch(.seconds)), ("10000000000", .epoch(.seconds)), ("1714564800000", .epoch(.seconds)),
      ("1714564800", .epoch(.milliseconds)), ("1.714564800E9", .epoch(.seconds)), ("", .anyEpoch), (".5", .anyEpoch),
      ("1714564800.", .anyEpoch), ("1 714 564 800", .anyEpoch), ("99999999999999999999999999999999999999999", .anyEpoch),
      ("99999999999999999999999999999999999999", .epoch(.seconds)),
    ])
  func noEpoch(text: String, format: TimeFormat) throws {
    #expect(try fault(text, format) != nil)
  }

  @Test(
    "ISO 8601 is read in all its common forms",
    arguments: [
      "2024-05-01T12:00:00Z", "2024-05-01t12:00:00z", "2024-05-01 12:00:00Z", "2024-05-01T12:00Z", "2024-05-01T12:00:00.000Z",
      "2024-05-01T12:00:00,0009Z", "20240501T120000Z", "20240501T1200Z", "20240501 120000.0+0000", "2024-05-01T14:00:00+02:00",
      "2024-05-01T14:00:00+02", "2024-05-01T14:00:00 +0200", "2024-05-01T06:30:00-05:30", "2024-W18-3T12:00:00Z", "2024W183T120000Z",
      "2024-122T12:00:00Z", "2024122T120000Z", "2024-05-01T12:00:00 UTC",
    ])
  func iso(text: String) throws {
    #expect(try read(text, .iso8601) == TimeReading(milliseconds: Self.noon))
    // An offset in the text says more than a zone.
    #expect(try read(text, .iso8601, "Asia/Tokyo") == TimeReading(milliseconds: Self.noon))
  }

  @Test(
    "weeks and days of the year are those of the calendar",
    arguments: [
      ("2020-W53-5", 1_609_459_200_000), ("2021-W01-1", 1_609_718_400_000), ("2009-W01-1", 1_230_508_800_000),
      ("2015-W53-7", 1_451_779_200_000), ("2026-W01-1", 1_766_966_400_000), ("2024-366", 1_735_603_200_000),
      ("2023-365", 1_703_980_800_000), ("2024-001", 1_704_067_200_000), ("2024-05-01T24:00", 1_714_608_000_000),
    ] as [(String, Int64)])
  func calendar(text: String, expected: Int64) throws {
    #expect(try read(text, .iso8601, "UTC").milliseconds == expected)
  }

  @Test(
    "what is in none of the forms is refused",
    arguments: [
      "2024-05-01T12", "2024-5-1T12:00Z", "2024-13-01", "2024-02-30", "2023-02-29", "2024-W54-1", "2024-W00-1", "2021-W53-1",
      "2024-W18-8", "2024-W18-0", "2023-366", "2024-367", "2024-000", "2024-05-01T24:01", "2024-05-01T24:00:00.001", "2024-05-01T12:60",
      "2024-05-01T12:00:60Z", "2024-0501", "202405-01", "20240501T12:00", "2024-05-01T1200", "2024-05-01T12:00:00.Z", "2024",
      "2024-05", "", "12:00", "2024-05-01T12:00:00+19:00", "2024-05-01T12:00:00 CET", "0000-01-01", "1969-12-31", "2001-09-09T01:46:39Z",
    ])
  func noISO(text: String) throws {
    #expect(try fault(text, .iso8601, "UTC") != nil)
  }

  @Test("a time without offset needs a zone, and a day without time does too")
  func noOffset() throws {
    #expect(try fault("2024-05-01T12:00", .iso8601) == .noOffset)
    #expect(try fault("2024-05-01", .iso8601) == .noOffset)
    #expect(try read("2024-05-01", .iso8601, "+02:00").milliseconds == Self.noon - 14 * 3_600_000)
    #expect(try read("2024-05-01T12:00", .native, "UTC").milliseconds == Self.noon)
    #expect(try read("1714564800000", .native, "Europe/Paris").milliseconds == Self.noon)
    #expect(try fault("2024-05-01T12:00", .native) == .noOffset)
  }

  @Test(
    "patterns mean what their letters say",
    arguments: [
      ("M/d/yyyy HH:mm:ss", "5/1/2024 12:00:00"), ("M/d/yyyy HH:mm:ss", "05/01/2024 12:00:00"), ("MM/dd/yy hh:mm a", "05/01/24 12:00 PM"),
      ("dd.MM.yyyy HH:mm", "01.05.2024 12:00"), ("d MMM yyyy, HH:mm:ss", "1 May 2024, 12:00:00"),
      ("EEEE, d MMMM yyyy h:mm a", "wednesday, 1 MAY 2024 12:00 pm"), ("EEE, dd MMM yyyy HH:mm:ss", "Wed, 01 May 2024 12:00:00"),
      ("yyyy-MM-dd'T'HH:mm:ss.SSS", "2024-05-01T12:00:00.000999"), ("yyyyMMddHHmmss", "20240501120000"),
      ("yyyy-MM-dd HH:mm:ss X", "2024-05-01 14:00:00 +02"), ("yyyy-MM-dd HH:mm:ssXXX", "2024-05-01 14:00:00+02:00"),
      ("yyyy-MM-dd HH:mm:ss Z", "2024-05-01 14:00:00 +0200"), ("yyyy-MM-dd HH:mm:ss z", "2024-05-01 12:00:00 UTC"),
      ("dd/MMM/yyyy:HH:mm:ss Z", "01/May/2024:14:00:00 +0200"), ("d 'de' MMM yyyy H'h'mm", "1 de may 2024 12h00"),
      ("yyyy''MM''dd HH:mm", "2024'05'01 12:00"),
    ])
  func patterns(pattern: String, text: String) throws {
    #expect(try read(text, .pattern(pattern), "UTC").milliseconds == Self.noon)
  }

  @Test(
    "hours of half a day: 12 AM is midnight, 12 PM is noon",
    arguments: [("12", "AM", 0), ("1", "am", 1), ("11", "PM", 23), ("12", "PM", 12)])
  func halves(hour: String, half: String, expected: Int64) throws {
    let midnight = Self.noon - 12 * 3_600_000
    #expect(try read("5/1/2024 \(hour):00 \(half)", .pattern("M/d/yyyy h:mm a"), "UTC").milliseconds == midnight + expected * 3_600_000)
  }

  @Test(
    "a text of another form than its pattern is refused, naming the pattern",
    arguments: [
      ("M/d/yyyy HH:mm", "13/1/2024 12:00"), ("M/d/yyyy HH:mm", "5/32/2024 12:00"), ("M/d/yyyy HH:mm", "5/1/2024 25:00"),
      ("M/d/yyyy HH:mm", "5/1/2024 12:00 "), ("M/d/yyyy HH:mm", "5/1/2024"), ("M/d/yyyy HH:mm", "5/1/24 12:00"),
      ("M/d/yyyy h:mm a", "5/1/2024 13:00 PM"), ("M/d/yyyy h:mm a", "5/1/2024 0:00 AM"), ("dd MMM yyyy", "01 Mai 2024"),
      ("MM/dd/yyyy", "5/1/2024"), ("yyyy-MM-dd HH:mmXXX", "2024-05-01 12:00"),
    ])
  func otherForm(pattern: String, text: String) throws {
    #expect(try fault(text, .pattern(pattern), "UTC") == .otherForm(pattern))
  }

  @Test(
    "a pattern that cannot be meant is refused before any row is read, naming the right letters",
    arguments: [
      ("YYYY-MM-dd", "yyyy"), ("yyyy-MM-DD", "dd"), ("yyyy-MM-dd HH:MM:ss", "minutes"), ("yyyy-MM-dd hh:mm", "HH"), ("HH:mm", "year"),
      ("yyyy-MM HH:mm", "day"), ("yyyy-MM-dd'T", "closes"), ("yyyy-MM-ddTHH:mm", "'T'"), ("yyyy-MM-dd HH", "minutes"),
      ("yyyy-MM-dd HH:mm a", "1 to 12"), ("yyyy-MM-dd mm", "hours"), ("yyyyy-MM-dd", "nothing"), ("yyyy-MM-dd MMM HH:mm", "twice"),
      ("yyyy-MM-dd kk:mm", "HH"),
    ])
  func badPattern(pattern: String, hint: String) {
    #expect(mappingFault(.pattern(pattern), "UTC")?.contains(hint) == true)
  }

  @Test("a format that needs a zone is refused without one, and one that has none with one")
  func zoneNeeded() {
    #expect(mappingFault(.pattern("yyyy-MM-dd"))?.contains("zone") == true)
    #expect(mappingFault(.spreadsheet)?.contains("zone: UTC") == true)
    #expect(mappingFault(.epoch(.seconds), "UTC")?.contains("no zone") == true)
    #expect(mappingFault(.pattern("yyyy-MM-dd HH:mmX")) == nil)
  }

  @Test("a spreadsheet's days are counted by its calendar, to the nearest millisecond")
  func spreadsheet() throws {
    #expect(try read("45413.5", .spreadsheet, "UTC").milliseconds == Self.noon)
    #expect(try read("43951.5", .spreadsheet1904, "UTC").milliseconds == Self.noon)
    #expect(try read("45413.5", .spreadsheet, "Asia/Tokyo").milliseconds == Self.noon - 9 * 3_600_000)
    #expect(try read("45413.500000006", .spreadsheet, "UTC").milliseconds == Self.noon + 1)
    for text in ["60", "-45413.5", "4.54E4", "May 1", ""] { #expect(try fault(text, .spreadsheet, "UTC") != nil) }
  }

  @Test("every named format is found by its name, and any other text is a pattern")
  func names() {
    for (name, format) in TimeFormat.named { #expect(TimeFormat(name) == format && format.name == name) }
    #expect(TimeFormat("M/d/yyyy") == .pattern("M/d/yyyy") && TimeFormat("M/d/yyyy").name == "M/d/yyyy")
  }
}

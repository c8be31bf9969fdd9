import Bytes
import Foundation
import Testing
import Vocabulary

@testable import Normalizing

@Suite("Time zones")
struct ZoneTests {
  private func read(_ text: String, _ zone: String) throws -> TimeReading {
    let bytes = bytes(text)
    return try TimeReader(.iso8601, zone: zone).read(bytes.span)
  }

  @Test(
    "local times are those of the place, as another program computes them",
    arguments: [
      ("Europe/Paris", "2024-07-01T12:00", 1_719_828_000_000), ("Europe/Paris", "2024-01-01T12:00", 1_704_106_800_000),
      ("America/New_York", "2024-03-10T03:00", 1_710_054_000_000), ("Asia/Kathmandu", "2024-05-01T00:00", 1_714_500_900_000),
      ("America/St_Johns", "2024-05-01T00:00", 1_714_530_600_000), ("Africa/Casablanca", "2024-03-15T12:00", 1_710_504_000_000),
      ("Africa/Casablanca", "2024-05-15T12:00", 1_715_770_800_000), ("Pacific/Apia", "2011-12-29T12:00", 1_325_196_000_000),
      ("Pacific/Apia", "2011-12-31T12:00", 1_325_282_400_000), ("Europe/Paris", "2090-07-01T12:00", 3_802_586_400_000),
      ("UTC", "2024-05-01T12:00", 1_714_564_800_000), ("-05:30", "2024-05-01T12:00", 1_714_584_600_000),
    ] as [(String, String, Int64)])
  func places(zone: String, text: String, expected: Int64) throws {
    #expect(try read(text, zone) == TimeReading(milliseconds: expected))
  }

  @Test(
    "a time that the clocks showed twice is the earlier of the two, and is said to be",
    arguments: [
      ("Europe/Paris", "2024-10-27T02:30", 1_729_989_000_000), ("America/New_York", "2024-11-03T01:30", 1_730_611_800_000),
      ("Australia/Lord_Howe", "2024-04-07T01:45", 1_712_414_700_000),
    ] as [(String, String, Int64)])
  func twice(zone: String, text: String, expected: Int64) throws {
    #expect(try read(text, zone) == TimeReading(milliseconds: expected, isAmbiguous: true))
  }

  @Test(
    "a time that the clocks passed over is refused",
    arguments: [
      ("Europe/Paris", "2024-03-31T02:30"), ("America/New_York", "2024-03-10T02:00"), ("America/New_York", "2024-03-10T02:59:59"),
      ("Australia/Lord_Howe", "2024-10-06T02:15"), ("Pacific/Apia", "2011-12-30T12:00"),
    ])
  func skipped(zone: String, text: String) throws {
    #expect(throws: TimestampFault.skipped(zone: zone)) { try read(text, zone) }
  }

  @Test(
    "around each change of the clocks, every local minute is what searching all instants gives",
    arguments: ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo"],
    [2011, 2018, 2024, 2060])
  func everyMinute(name: String, year: Int) throws {
    let zone = try Zone(name)
    let oracle = try #require(TimeZone(identifier: name))
    func offset(_ seconds: Int64) -> Int64 { Int64(oracle.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))) }
    let start = Int64(daysSinceEpoch(year, 1, 1)) * 86_400
    for day in 0..<366 {
      let morning = start + Int64(day) * 86_400
      guard offset(morning) != offset(morning + 86_400) else { continue }
      // Every minute of three days, by all offsets that hold somewhere near.
      let offsets = Set([-2, -1, 0, 1, 2].map { offset(morning + $0 * 86_400) })
      for minute in stride(from: -1440, to: 2 * 1440, by: 1) {
        let local = morning + Int64(minute) * 60
        let instants = offsets.map { local - $0 }.filter { $0 + offset($0) == local }.sorted()
        let found = zone.instant(of: local)
        #expect(found?.seconds == instants.first && (found?.isAmbiguous ?? false) == (instants.count > 1))
      }
    }
  }

  @Test(
    "a name that is no place, or several, is refused, naming a place like it",
    arguments: [
      ("Paris", "Europe/Paris"), ("new york", "America/New_York"), ("EST", "UTC"), ("CET", "UTC"), ("Europe/Pari", "Europe/Paris"),
      ("", "UTC"), ("+25:00", "UTC"), ("local", "UTC"),
    ])
  func unknown(name: String, hint: String) {
    do {
      _ = try Zone(name)
      Issue.record("\(name) is no zone")
    } catch {
      #expect(error.message.contains(hint), "\(error.message)")
    }
  }
}

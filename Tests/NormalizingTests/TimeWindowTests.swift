import Testing

@testable import Normalizing

@Suite("Windows of time")
struct TimeWindowTests {
  private static let day: Int64 = 86_400_000
  /// 2026-01-01T00:00:00Z.
  private static let year: Int64 = 1_767_225_600_000

  @Test(
    "a window is read, its end a day later when it is a day",
    arguments: [
      ("2026-01-01..2026-01-31", year, year + 31 * day), ("2026-01-01..2026-01-01", year, year + day), ("2026-01-01..", year, nil),
      ("..2026-01-01", nil, year + day), ("2026-01-01T00:00:00Z..2026-01-01T00:00:01Z", year, year + 1000),
      ("2026-01-01T01:00:00+01:00..1767225600001", year, year + 1), ("1767225600000..", year, nil),
    ] as [(String, Int64?, Int64?)])
  func read(text: String, from: Int64?, to: Int64?) throws {
    let window = try #require(TimeWindow(text))
    #expect(window.from == from && window.to == to)
    if let from { #expect(window.contains(from) && !window.contains(from - 1)) }
    if let to { #expect(window.contains(to - 1) && !window.contains(to)) }
  }

  @Test(
    "what is no window is none",
    arguments: [
      "", "..", "2026-01-01", "2026-01-01..2025-12-31", "2026-01-01T00:00:00Z..2026-01-01T00:00:00Z", "2026-13-01..", "x..",
      "2026-01-01..y",
      "2026-01-01T00:00..", "1767225600..", "2026-01-01...",
    ])
  func none(text: String) { #expect(TimeWindow(text) == nil) }
}

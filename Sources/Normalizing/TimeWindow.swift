import Bytes

/// A span of time from one point up to another, which is no part of it. Either may be open.
package struct TimeWindow: Sendable, Hashable, Codable {
  /// Epoch milliseconds.
  package var from: Int64?
  package var to: Int64?

  /// Reads `FROM..TO`, either of which may be empty: a day (`2026-01-31`, in UTC; as the end, the day is part of the window), ISO 8601 with an
  /// offset, or 13 digits of epoch milliseconds. Nil for anything else, and for a window with nothing in it.
  package init?(_ text: String) {
    guard let dots = text.firstRange(of: "..") else { return nil }
    let ends = (String(text[..<dots.lowerBound]), String(text[dots.upperBound...]))
    guard ends != ("", ""), let from = TimeWindow.time(ends.0, isEnd: false), let to = TimeWindow.time(ends.1, isEnd: true) else {
      return nil
    }
    self.from = from.time
    self.to = to.time
    if let from = from.time, let to = to.time, from >= to { return nil }
  }

  package func contains(_ time: Int64) -> Bool { time >= from ?? .min && time < to ?? .max }

  private static func time(_ text: String, isEnd: Bool) -> (time: Int64?, Void)? {
    if text.isEmpty { return (nil, ()) }
    let bytes = Array(text.utf8)
    if let day = try? TimeReader(.pattern("yyyy-MM-dd"), zone: "UTC").read(bytes.span) {
      return (day.milliseconds + (isEnd ? 86_400_000 : 0), ())
    }
    return (try? epochMilliseconds(bytes.span, assumingUTC: false)).map { ($0, ()) }
  }
}

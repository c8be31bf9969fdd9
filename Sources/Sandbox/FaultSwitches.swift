internal import Foundation
internal import Vocabulary

extension SandboxFaults {
  /// A part of all requests, in ten-thousandths of a percent.
  package struct Share: Sendable, Equatable, CustomStringConvertible {
    package let parts: Int

    package static let whole = 1_000_000
    package static let none = Share(parts: 0)

    package init(parts: Int) { self.parts = parts }

    /// Reads `10%` or `0.5%`, with up to four decimals. Nil without the sign, and for more than all.
    package init?(_ text: some StringProtocol) {
      guard text.hasSuffix("%") else { return nil }
      let pieces = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
      guard (1...2).contains(pieces.count), pieces.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } }),
        let percent = Int(pieces[0]), percent <= 100, pieces.count < 2 || pieces[1].count <= 4
      else { return nil }
      let decimals = pieces.count < 2 ? "" : String(pieces[1])
      parts = percent * 10_000 + (Int(decimals.padding(toLength: 4, withPad: "0", startingAt: 0)) ?? 0)
      guard parts <= Share.whole else { return nil }
    }

    package var description: String {
      var decimals = String(parts % 10_000 + 10_000).dropFirst()
      while decimals.last == "0" { decimals.removeLast() }
      return "\(parts / 10_000)\(decimals.isEmpty ? "" : ".")\(decimals)%"
    }
  }

  /// A time in which nothing is answered, counted from the first request.
  package struct Outage: Sendable, Equatable, CustomStringConvertible {
    package let start, end: Duration

    package init(from start: Duration, to end: Duration) {
      self.start = start
      self.end = end
    }

    /// Reads `30s..60s`. Nil for anything else, and for one that ends before it begins.
    package init?(_ text: some StringProtocol) {
      let ends = text.components(separatedBy: "..").map { TimeText($0) }
      guard ends.count == 2, let start = ends[0], let end = ends[1], start.duration < end.duration else { return nil }
      self.init(from: start.duration, to: end.duration)
    }

    package var description: String { "\(TimeText(start))..\(TimeText(end))" }

    func includes(_ time: Duration) -> Bool { time >= start && time < end }
  }

  /// What the header says when it is sent at `now`.
  func retryAfterHeader(at now: Date) -> String? {
    guard let retryAfter, retryAfter.hasPrefix(SandboxFaults.datePrefix),
      let ahead = TimeText(retryAfter.dropFirst(SandboxFaults.datePrefix.count))
    else { return retryAfter }
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(secondsFromGMT: 0)
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    // The header has whole seconds: rounded up, so that the time is not over sooner.
    return format.string(from: Date(timeIntervalSince1970: (now.timeIntervalSince1970 + ahead.duration / .seconds(1)).rounded(.up)))
  }

  static let datePrefix = "date:"
}

/// A length of time as people write it: `200ms`, `30s`, `5m`, `2h`; a bare number is seconds.
package struct TimeText: Sendable, Hashable {
  package let duration: Duration

  package init(_ duration: Duration) { self.duration = duration }

  private static let units: [(name: String, milliseconds: Int)] = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]

  /// Reads a whole number with an optional unit. Nil for anything else, and for more than a year.
  package init?(_ text: some StringProtocol) {
    let unit = TimeText.units.first { text.hasSuffix($0.name) }
    let digits = text.dropLast(unit?.name.count ?? 0)
    guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let count = Int(digits) else { return nil }
    let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit?.milliseconds ?? 1000)
    guard !overflow, milliseconds <= 366 * 86_400_000 else { return nil }
    duration = .milliseconds(milliseconds)
  }

  private var milliseconds: Int { Int(duration / .milliseconds(1)) }
}

extension TimeText: CustomStringConvertible {
  /// In the largest unit that says it exactly, minutes and hours from two on.
  package var description: String {
    let count = milliseconds
    let unit =
      TimeText.units.dropFirst().first { unit in
        count.isMultiple(of: unit.milliseconds) && (unit.name == "s" || count >= 2 * unit.milliseconds)
      } ?? TimeText.units[0]
    return "\(count / unit.milliseconds)\(unit.name)"
  }
}

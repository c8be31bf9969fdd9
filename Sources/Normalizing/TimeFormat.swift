/// How a mapping's times are written.
package enum TimeFormat: Sendable, Hashable, Codable {
  /// What native rows have: 13 digits of epoch milliseconds, or ISO 8601 with an offset.
  case native
  /// A count since 1970-01-01T00:00:00Z, with digits behind a point or without.
  case epoch(EpochUnit)
  /// A count whose unit its magnitude tells.
  case anyEpoch
  case iso8601
  /// In the letters of Unicode's date patterns: `M/d/yyyy HH:mm:ss`.
  case pattern(String)
  /// A spreadsheet's count of days, by the calendar that calls 1900-01-01 day 1, or by the one that calls 1904-01-01 day 0.
  case spreadsheet
  case spreadsheet1904

  /// The names that a configuration may say; any other text is a pattern.
  package static let named: [(name: String, format: TimeFormat)] =
    [("native", .native), ("iso8601", .iso8601), ("epoch", .anyEpoch)] + EpochUnit.allCases.map { ("epoch_\($0.rawValue)", .epoch($0)) }
    + [("spreadsheet", .spreadsheet), ("spreadsheet_1904", .spreadsheet1904)]

  package init(_ text: String) { self = TimeFormat.named.first { $0.name == text }?.format ?? .pattern(text) }

  /// What `init` makes this of.
  package var name: String {
    if case .pattern(let text) = self { return text }
    return TimeFormat.named.first { $0.format == self }?.name ?? ""
  }
}

package enum EpochUnit: String, Sendable, Hashable, Codable, CaseIterable {
  case seconds, milliseconds, microseconds, nanoseconds

  /// Powers of ten by which milliseconds are finer, or coarser when negative.
  var exponent: Int {
    switch self {
    case .seconds: 3
    case .milliseconds: 0
    case .microseconds: -3
    case .nanoseconds: -6
    }
  }
}

/// What a mapping says that cannot be done, in words for who wrote it.
package struct MappingFault: Error, Sendable, Equatable, CustomStringConvertible {
  package let message: String
  package init(_ message: String) { self.message = message }
  package var description: String { message }
}

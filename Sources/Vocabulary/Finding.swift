/// How bad a finding is. A falsifying one ends an import before anything is sent, unless accepted by name.
package enum Severity: String, Sendable, Comparable, CaseIterable {
  case note, warning, falsifies

  package static func < (one: Severity, other: Severity) -> Bool {
    allCases.firstIndex(of: one)! < allCases.firstIndex(of: other)!
  }
}

/// Something suspicious in the input. The raw value is the code that JSON and `--accept` carry; it is a promise.
package enum FindingCode: String, Sendable, CaseIterable {
  case emptyInput = "empty-input"
  case unknownColumn = "unknown-column"
  case variationConflict = "variation-conflict"
  case earlyConversion = "early-conversion"
  case noDecision = "no-decision"
  case timestampFuture = "timestamp-future"
  case uuidShared = "uuid-shared"
  case changedAfterAccept = "changed-after-accept"
  case timestampGuessed = "timestamp-guessed"
  case timeAmbiguous = "time-ambiguous"
  case amountRounded = "amount-rounded"
  case timestampUnit = "timestamp-unit"
  case damagedID = "damaged-id"
  case revenueUnit = "revenue-unit"
  case unknownID = "unknown-id"
  case cutOffInput = "cut-off-input"
  case conversionWithoutAttributes = "conversion-without-attributes"
  case noNaturalID = "no-natural-id"
  case outsideWindow = "outside-window"
  case unmatchedPath = "unmatched-path"
  case nothingToSend = "nothing-to-send"
  case excludedNobody = "excluded-nobody"
  case personalData = "personal-data"
  case unknownAttribute = "unknown-attribute"

  /// Those that can falsify results, and so end an import.
  package static let falsifying: [FindingCode] = [
    .earlyConversion, .timestampFuture, .uuidShared, .timestampUnit, .damagedID, .revenueUnit, .unknownID, .cutOffInput,
  ]
}

/// Where a finding was seen.
package struct FindingPlace: Sendable, Equatable, Codable {
  package var file: String
  package var line: Int
  /// Where the row begins in its input.
  package var byte: Int
  /// The beginning of the event that the row became, as it stands in a body with its visitor; nil when it became none. Visitor data.
  package var event: String?

  package init(file: String, line: Int, byte: Int, event: String? = nil) {
    self.file = file
    self.line = line
    self.byte = byte
    self.event = event
  }

  package var text: String { "\(file):\(line)" }
}

/// A finding: its code, how bad it is, how often it was seen of how many that could be, and the first samples.
package struct Finding: Sendable, Equatable {
  package var code: FindingCode
  package var severity: Severity
  package var count: Int
  /// What the count is a share of; nil when it is of nothing that is counted.
  package var total: Int?
  /// Names, where it is about names: columns, files. Otherwise positions.
  package var samples: [String]
  package var places: [FindingPlace]

  package init(
    _ code: FindingCode, _ severity: Severity, count: Int, of total: Int? = nil, samples: [String] = [], places: [FindingPlace] = []
  ) {
    self.code = code
    self.severity = severity
    self.count = count
    self.total = total
    self.samples = samples.isEmpty ? places.map(\.text) : samples
    self.places = places
  }

  /// From 0 to 1; nil without a total.
  package var share: Double? { total.flatMap { $0 > 0 ? Double(count) / Double($0) : nil } }
}

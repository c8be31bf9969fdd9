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

  /// Those that can falsify results, and so end an import.
  package static let falsifying: [FindingCode] = [.earlyConversion, .timestampFuture, .uuidShared]
}

/// A finding: its code, how bad it is, how often it was seen, and the first samples (positions or names, no visitor data).
package struct Finding: Sendable, Equatable {
  package var code: FindingCode
  package var severity: Severity
  package var count: Int
  package var samples: [String]

  package init(_ code: FindingCode, _ severity: Severity, count: Int, samples: [String] = []) {
    self.code = code
    self.severity = severity
    self.count = count
    self.samples = samples
  }
}

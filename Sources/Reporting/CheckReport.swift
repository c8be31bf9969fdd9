import Foundation
package import Vocabulary

/// Where a sample's row begins.
package struct SampleKey: Sendable, Hashable {
  package var file: String
  package var byte: Int

  package init(file: String, byte: Int) {
    self.file = file
    self.byte = byte
  }
}

/// A sample's row as it stands in its input, or why it cannot be told.
package enum SampleRow: Sendable, Equatable {
  case row([UInt8])
  case absent(String)
}

/// What a check found, most harmful first, with sample rows beside the events that they became.
package struct CheckReport: Sendable {
  private let summary: RunSummary
  private let rows: [SampleKey: SampleRow]
  private let accepted: Set<FindingCode>

  /// Without `rows`, samples are positions alone, and no visitor data is told.
  package init(_ summary: RunSummary, rows: [SampleKey: SampleRow], accepted: Set<FindingCode>) {
    self.summary = summary
    self.rows = rows
    self.accepted = accepted
  }

  /// The report for people.
  package func text() -> String {
    let records = summary.records
    var lines = ["check: \(counted(records.read, "record")) read, \(counted(summary.findings.count, "finding")). Nothing was sent."]
    if !summary.rejects.isEmpty {
      let counts = summary.rejects.sorted { $0.key < $1.key }.map { "\($0.key) \(grouped($0.value))" }
      lines.append("\(grouped(records.rejected)) rejected: \(counts.joined(separator: ", ")); see `optireplay rejects plan`")
    }
    for finding in summary.findings { lines += [""] + text(finding) }
    return lines.joined(separator: "\n")
  }

  private func text(_ finding: Finding) -> [String] {
    var line = "\(finding.severity.rawValue)  \(finding.code.rawValue)  \(grouped(finding.count))"
    if let total = finding.total, let share = finding.share { line += " of \(grouped(total)), \(CheckReport.percent(share))" }
    if accepted.contains(finding.code), finding.severity == .falsifies { line += "  (accepted)" }
    var lines = [line, "  \(finding.code.consequence)", "  To mend it: \(finding.code.remedy)"]
    if finding.places.isEmpty, !finding.samples.isEmpty { lines.append("  \(finding.samples.joined(separator: ", "))") }
    for place in finding.places {
      lines.append("  \(place.text)")
      lines += CheckReport.sideBySide(place, rows)
    }
    return lines
  }

  /// A row and the event that it became, in two lines; none when rows are not to be shown.
  static func sideBySide(_ place: FindingPlace, _ rows: [SampleKey: SampleRow]) -> [String] {
    let row: String
    switch rows[SampleKey(file: place.file, byte: place.byte)] {
    case nil: return []
    case .row(let bytes)?: row = printable(bytes)
    case .absent(let reason)?: row = "not here: \(reason)"
    }
    return ["    row    " + row, "    event  " + (place.event.map { printable(Array($0.utf8)) } ?? "none, or not one that is told apart")]
  }

  /// The report as one line of JSON, keys sorted.
  package func json() -> String {
    struct Sample: Encodable {
      var file: String
      var line, byte: Int
      var row, event: String?
    }
    struct Sighting: Encodable {
      var code, severity: String
      var count: Int
      var share: Double?
      var accepted: Bool
      var samples: [Sample]
      var names: [String]?
      var server, fix: String
    }
    struct Shape: Encodable {
      var state: String
      var records: RunSummary.Records
      var rejects: [String: Int]
      var findings: [Sighting]
      var exit: Int32
      var message: String?
    }
    let findings = summary.findings.map { finding in
      Sighting(
        code: finding.code.rawValue, severity: finding.severity.rawValue, count: finding.count, share: finding.share,
        accepted: accepted.contains(finding.code),
        samples: finding.places.map { place in
          var sample = Sample(file: place.file, line: place.line, byte: place.byte)
          if case .row(let row)? = rows[SampleKey(file: place.file, byte: place.byte)] {
            sample.row = String(decoding: row, as: UTF8.self)
            sample.event = place.event
          }
          return sample
        }, names: finding.places.isEmpty ? finding.samples : nil, server: finding.code.consequence, fix: finding.code.remedy)
    }
    let shape = Shape(
      state: summary.state.rawValue, records: summary.records, rejects: summary.rejects, findings: findings, exit: summary.exit.rawValue,
      message: summary.message)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Only a number that is not finite could fail here, and there is none.
    return try! String(decoding: encoder.encode(shape), as: UTF8.self)
  }

  /// Characters of a row or event that a terminal shows.
  private static let shownCharacters = 300

  /// A text on one line, what is no character of its own written as a number, and shortened.
  static func printable(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes.prefix(4 * shownCharacters), as: UTF8.self)
    var shown = ""
    for scalar in text.unicodeScalars.prefix(shownCharacters) {
      if scalar.isUnseen { shown += scalar.writtenOut } else { shown.unicodeScalars.append(scalar) }
    }
    return text.unicodeScalars.count > shownCharacters || bytes.count > 4 * shownCharacters ? shown + " …" : shown
  }

  private static func percent(_ share: Double) -> String {
    let tenths = Int((share * 1000).rounded())
    return tenths == 0 ? "under 0.1 %" : "\(tenths / 10).\(tenths % 10) %"
  }
}

import Bytes
import Grouping

/// The first rows of each kind that become events, in the order of inputs and rows, whatever the order in which they are met.
struct FirstRows: Sendable {
  private struct Row: Sendable {
    var place: UInt64
    var sample: JudgeCounts.Sample
  }

  /// Rows of a kind that are kept.
  static let count = 2

  private var decisions: [Row] = []
  private var conversions: [Row] = []

  /// Decisions, then conversions.
  var samples: [JudgeCounts.Sample] { (decisions + conversions).map(\.sample) }

  mutating func add(_ record: borrowing StagedRecord) {
    // An input has less than 2^48 bytes.
    let place = UInt64(record.input) << 48 | UInt64(record.rowOffset)
    if record.isDecision {
      FirstRows.add(record, at: place, to: &decisions)
    } else {
      FirstRows.add(record, at: place, to: &conversions)
    }
  }

  mutating func append(_ later: FirstRows) {
    FirstRows.merge(later.decisions, into: &decisions)
    FirstRows.merge(later.conversions, into: &conversions)
  }

  private static func add(_ record: borrowing StagedRecord, at place: UInt64, to rows: inout [Row]) {
    if rows.count == count, place >= rows[count - 1].place { return }
    merge([Row(place: place, sample: JudgeCounts.Sample(record))], into: &rows)
  }

  private static func merge(_ later: [Row], into rows: inout [Row]) {
    if later.isEmpty { return }
    rows = Array((rows + later).sorted { $0.place < $1.place }.prefix(count))
  }
}

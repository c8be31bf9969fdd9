import Bytes
import Checkpointing
import Disk
import Foundation
import Grouping
import Vocabulary

/// What `explain` is asked for.
package enum SoughtKind: String, Sendable, CaseIterable { case event, visitor, row }

/// What is looked for among staged records.
enum Sought {
  /// An event id, as JSON text.
  case event([UInt8])
  /// A visitor id, as JSON text.
  case visitor([UInt8])
  /// A row of an input, by number.
  case row(input: Int, line: Int)

  func isMet(by record: borrowing StagedRecord) -> Bool {
    switch self {
    case .event(let id): same(record.eventID, id)
    case .visitor(let id): same(record.visitor, id)
    case .row(let input, let line): record.line == line && record.input == input
    }
  }
}

/// A record with what became of it, taken out of its place.
struct SeenRecord: Sendable {
  var visitor: [UInt8]
  var hash: UInt64
  var eventID: [UInt8]
  var isDecision: Bool
  var timestamp: Int64
  var input: Int
  var line: Int
  var byte: Int
  var event: [UInt8]
  /// Its place among the records of its visitor; nil for one that was taken out because another is identical.
  var ordinal: Int?
  var fate = RecordFate.kept

  init(_ record: borrowing StagedRecord) {
    visitor = copy(record.visitor)
    hash = record.hash
    eventID = copy(record.eventID)
    isDecision = record.isDecision
    timestamp = record.timestamp
    input = record.input
    line = record.line
    byte = record.rowOffset
    event = copy(record.event)
  }
}

/// Looks for records among those that are staged, and judges the visitors that they belong to, as planning did.
///
/// Memory: a partition, or the page of a large one; never a whole history.
struct RecordSearch {
  private let judges: PartitionJudges
  private let memoryBytes: Int

  /// So many visitors with one event id are told of.
  static let visitorLimit = 100

  init(_ judges: PartitionJudges, memoryBytes: Int) {
    self.judges = judges
    self.memoryBytes = memoryBytes
  }

  /// The visitors of records that are looked for, at most `visitorLimit`, in the order of partitions, each with the records as they were read,
  /// at most a hundred. Reads one partition for a visitor, all of them otherwise.
  func visitors(_ sought: Sought, _ stop: () throws(RunFailure) -> Void) throws(RunFailure) -> [(visitor: [UInt8], records: [SeenRecord])] {
    var found: [(visitor: [UInt8], records: [SeenRecord])] = []
    var numbers = 0..<judges.reader.count
    if case .visitor(let id) = sought {
      let number = judges.reader.partition(of: visitorHash(id.span))
      numbers = number..<(number + 1)
    }
    for number in numbers {
      try stop()
      do throws(DiskFailure) {
        try judges.reader.eachRecord(of: number) { record in
          guard sought.isMet(by: record) else { return }
          let seen = SeenRecord(record)
          if let at = found.firstIndex(where: { $0.visitor == seen.visitor }) {
            if case .visitor = sought { return }
            if found[at].records.count < RecordSearch.visitorLimit { found[at].records.append(seen) }
          } else if found.count < RecordSearch.visitorLimit {
            found.append((seen.visitor, [seen]))
          }
        }
      } catch {
        throw stagingFailure(error)
      }
    }
    return found
  }

  /// Calls `body` with each record of a visitor in the total order, identical ones taken out, each with its fate. Returns how many were.
  func each(of visitor: [UInt8], _ body: (SeenRecord) throws(RunFailure) -> Void) throws(RunFailure) -> Int {
    let number = judges.reader.partition(of: visitorHash(visitor.span))
    var judge = judges.judge(memoryBytes: memoryBytes)
    do {
      if let runs = judges.reader.largeRuns(of: number) {
        var walker = try PagedWalker(runs, memoryBytes: memoryBytes, identicalRows: judges.settings.identicalRows)
        guard try walker.seek(visitor) else { return 0 }
        return try RecordSearch.each(of: &walker, &judge, body)
      }
      var partition = try judges.reader.read(number)
      while partition.findVisitor() {
        let first = partition.records(of: partition.visitor).lowerBound
        guard same(StagedRecord(partition.bytes.span, at: partition.offsets[first]).visitor, visitor) else { continue }
        return try RecordSearch.each(of: &partition, &judge, body)
      }
      return 0
    } catch {
      throw stagingFailure(error)
    }
  }

  private static func each(
    of visitor: inout some VisitorPages & ~Copyable, _ judge: inout PartitionJudge, _ body: (SeenRecord) throws(RunFailure) -> Void
  ) throws(RunFailure) -> Int {
    _ = try judge.judge(&visitor)
    try visitor.eachPage { page, offsets, start throws(RunFailure) in
      for at in offsets.indices {
        var seen = SeenRecord(StagedRecord(page, at: offsets[at]))
        seen.ordinal = start + at
        seen.fate = judge.fates[start + at]
        try body(seen)
      }
    }
    return visitor.duplicateCountOfVisitor
  }
}

/// Which body of a plan holds an event. Memory: one row.
struct BodyFinder {
  private let checkpoint: Checkpoint
  private let run: RunID
  private let count: Int
  /// The one found last: events of a visitor lie close together.
  private var last: BodyRow?

  init(_ checkpoint: Checkpoint, _ run: RunID) throws(RunFailure) {
    self.checkpoint = checkpoint
    self.run = run
    count = try guarding { () throws(CheckpointFailure) in try checkpoint.bodyCount(run) }
  }

  /// The body with the event at a place of a visitor; nil when none has it.
  mutating func body(_ visitor: [UInt8], _ hash: UInt64, _ ordinal: Int) throws(RunFailure) -> BodyRow? {
    if let last, BodyFinder.holds(last, visitor, hash, ordinal) { return last }
    var low = 1
    var high = count
    // The last body that does not begin behind the event.
    while low < high {
      let middle = (low + high + 1) / 2
      let row = try row(middle)
      if BodyFinder.order(row.firstVisitor, row.firstIndex, visitor, hash, ordinal) <= 0 { low = middle } else { high = middle - 1 }
    }
    guard low <= count else { return nil }
    let found = try row(low)
    guard BodyFinder.holds(found, visitor, hash, ordinal) else { return nil }
    last = found
    return found
  }

  /// The first and the last body that can hold events of visitors with a hash; nil when none can.
  func bodies(of hash: UInt64) throws(RunFailure) -> ClosedRange<Int>? {
    var low = 1
    var high = count + 1
    while low < high {
      let middle = (low + high) / 2
      if visitorHash(try row(middle).lastVisitor.span) < hash { low = middle + 1 } else { high = middle }
    }
    let first = low
    var end = first
    while end <= count, visitorHash(try row(end).firstVisitor.span) <= hash { end += 1 }
    return end > first ? first...(end - 1) : nil
  }

  private func row(_ number: Int) throws(RunFailure) -> BodyRow {
    let row = try guarding { () throws(CheckpointFailure) in try checkpoint.body(run, number) }
    guard let row else { throw RunFailure(.diskTrouble, "body \(number) of run \(run) is missing; `optireplay verify` tells more") }
    return row
  }

  private static func holds(_ row: BodyRow, _ visitor: [UInt8], _ hash: UInt64, _ ordinal: Int) -> Bool {
    order(row.firstVisitor, row.firstIndex, visitor, hash, ordinal) <= 0
      && order(row.lastVisitor, row.lastIndex, visitor, hash, ordinal) >= 0
  }

  /// Below 0 when the first place comes before the second.
  private static func order(_ one: [UInt8], _ place: Int, _ other: [UInt8], _ hash: UInt64, _ ordinal: Int) -> Int {
    let first = visitorHash(one.span)
    if first != hash { return first < hash ? -1 : 1 }
    let bytes = Bytes.order(one.span, other.span)
    return bytes != 0 ? bytes : place == ordinal ? 0 : place < ordinal ? -1 : 1
  }
}

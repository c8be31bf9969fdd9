import Bytes
import Checkpointing
import Chunking
import Disk
import EventAPI
import Grouping
import Reporting
import Vocabulary

/// The records of one planned body, read from staging once more to write parts of it.
///
/// Memory: the records, about twice what the body has; while they are read, also their partition.
struct BodyRecords: ~Copyable {
  /// A part of the body, written.
  struct Written {
    var bytes: [UInt8]
    var decisionCount: Int
    var ledger: LedgerEntries
  }

  private struct Visitor {
    /// The first of the body's events that is this visitor's.
    var firstEvent: Int
    /// The first of `decisions` that is this visitor's.
    var firstDecision: Int
  }

  private let settings: RunSettings
  private let book: VariationBook
  private var records = ByteArena(limit: 1 << 40)
  /// Where each event of the body lies, in the body's order.
  private var events: [Int] = []
  private var visitors: [Visitor] = []
  /// Where decisions lie that conversions carry, each object once with its earliest time.
  private var decisions: [Int] = []
  /// Whether the visitor at hand is one of the body's, and whether the last one of them has been.
  private var isInside = false
  private var isPast = false

  /// Reads the records of a body. Throws 76 when staging no longer gives what was planned.
  init(_ body: BodyRow, _ judges: PartitionJudges, memoryBytes: Int) throws(RunFailure) {
    settings = judges.settings
    book = judges.book
    let reader = judges.reader
    let last = reader.partition(of: visitorHash(body.lastVisitor.span))
    let first = reader.partition(of: visitorHash(body.firstVisitor.span))
    guard first <= last else { throw noLongerPlanned(body.number) }
    for number in first...last {
      var judge = judges.judge(memoryBytes: memoryBytes)
      if let runs = reader.largeRuns(of: number) {
        try read(body, runs, &judge, memoryBytes: memoryBytes)
      } else {
        try read(body, try judge.make(number, from: nil))
      }
    }
    guard events.count == body.eventCount else { throw noLongerPlanned(body.number) }
  }

  var eventCount: Int { events.count }

  /// Which of the body's events has this id and visitor, both as JSON text; nil when none has.
  func event(_ id: [UInt8], of visitor: [UInt8]) -> Int? {
    events.indices.first { at in
      let record = StagedRecord(records.span, at: events[at])
      return same(record.eventID, id) && same(record.visitor, visitor)
    }
  }

  /// Writes a part of the body, byte by byte as the body would hold it.
  func write(_ part: BodyPart) -> Written {
    let wanted = part.events(of: events.count)
    var composer = BodyComposer(settings.body, limit: settings.bodyLimit)
    var ledger = LedgerCollector(book)
    var decisionCount = 0
    for number in visitors.indices {
      let end = number + 1 < visitors.count ? visitors[number + 1] : Visitor(firstEvent: events.count, firstDecision: decisions.count)
      let range = (visitors[number].firstEvent..<end.firstEvent).clamped(to: wanted)
      if range.isEmpty { continue }
      composer.begin()
      for at in visitors[number].firstDecision..<end.firstDecision { composer.learn(StagedRecord(records.span, at: decisions[at])) }
      for at in range {
        let record = StagedRecord(records.span, at: events[at])
        composer.append(record)
        ledger.add(record)
        if record.isDecision { decisionCount += 1 }
      }
    }
    guard let entries = ledger.finish() else { preconditionFailure("a part has an event") }
    return Written(bytes: composer.finish { copy($0) }, decisionCount: decisionCount, ledger: entries)
  }

  /// The line of `rejects.ndjson` for an event that the server refuses by itself.
  func rejectLine(_ event: Int, _ reject: Reject, inputs: [InputRow]) -> [UInt8] {
    let record = StagedRecord(records.span, at: events[event])
    var row = ByteArena(limit: 1 << 30)
    var native = NativeRowWriter()
    native.append(record, to: &row)
    var line = ByteArena(limit: 1 << 30)
    line.append(
      reject: reject, file: displayName(inputs[record.input].path), line: record.line, byte: record.rowOffset, form: .native, row: row.span)
    return copy(line.span)
  }

  private mutating func read(_ body: BodyRow, _ judged: JudgedPartition) throws(RunFailure) {
    guard var partition = judged.partition else { return }
    for number in judged.visitors.indices {
      partition.visitor = number
      let range = partition.records(of: number)
      try take(&partition, judged.fates[range], body)
    }
  }

  private mutating func read(
    _ body: BodyRow, _ runs: [SortedRun], _ judge: inout PartitionJudge, memoryBytes: Int
  ) throws(RunFailure) {
    do {
      var walker = try PagedWalker(runs, memoryBytes: memoryBytes, identicalRows: settings.identicalRows)
      if visitors.isEmpty {
        guard try walker.seek(body.firstVisitor) else { throw noLongerPlanned(body.number) }
      } else {
        guard try walker.nextVisitor() else { return }
      }
      repeat {
        _ = try judge.judge(&walker)
        try take(&walker, judge.fates[...], body)
      } while try walker.visitor != body.lastVisitor && walker.nextVisitor()
    } catch {
      throw stagingFailure(error)
    }
  }

  /// Takes what the body holds of a visitor, which may be nothing.
  private mutating func take(
    _ visitor: inout some VisitorPages & ~Copyable, _ fates: ArraySlice<RecordFate>, _ body: BodyRow
  ) throws(RunFailure) {
    if isPast { return }
    let carries = !settings.body.enrichDecisions
    var isFirst = false
    var isLast = false
    var carried: [Digest: Int64] = [:]
    try visitor.eachPage { page, offsets, start throws(RunFailure) in
      if start == 0 {
        let id = StagedRecord(page, at: offsets[0]).visitor
        isFirst = same(id, body.firstVisitor)
        isLast = same(id, body.lastVisitor)
        isInside = isInside || isFirst
        if isInside { visitors.append(Visitor(firstEvent: events.count, firstDecision: decisions.count)) }
      }
      guard isInside else { return }
      for at in offsets.indices {
        let fate = fates[fates.startIndex + start + at]
        guard fate.stands else { continue }
        let record = StagedRecord(page, at: offsets[at])
        let isBefore = isFirst && start + at < body.firstIndex
        let isBehind = isLast && start + at > body.lastIndex
        let isSent = fate == .kept && !isBefore && !isBehind
        let isCarried = carries && record.isDecision && (carried[Digest(record.decision)] ?? Int64.max) > record.timestamp
        guard isSent || isCarried else { continue }
        guard events.count <= body.eventCount else { throw noLongerPlanned(body.number) }
        if isSent { events.append(records.count) }
        if isCarried {
          carried[Digest(record.decision)] = record.timestamp
          decisions.append(records.count)
        }
        records.append(record.bytes)
      }
    }
    isPast = isInside && isLast
    if isPast { isInside = false }
  }
}

import Bytes
import Checkpointing
import Chunking
import Disk
import EventAPI
import Grouping
import Vocabulary

/// Writes planned bodies from staging, in order, each from its first key: the walk of planning once more, now with text.
///
/// A body that begins where the last one ended costs what it holds; any other costs its first partition, which is read and judged.
/// Memory: a few partitions, one body, and its ledger entries.
struct BodyAssembler: ~Copyable {
  private let settings: RunSettings
  private let reader: PartitionReader
  private let memoryBytes: Int
  private let judges: PartitionJudges
  private let noted: OrderReader?
  /// Composes partitions that lie ahead.
  private var ahead: PartitionsAhead<PartitionComposer>?
  /// Judges the visitors of large partitions.
  private var judge: PartitionJudge
  private var composer: BodyComposer
  private var ledger: LedgerCollector
  /// The partition at hand, −1 before the first: held in memory, or read page by page when it is large.
  private var number = -1
  private var held = ComposedPartition()
  private var paged: Paged?
  /// The visitor at hand among those written, and when it is split the next of its records; of a paged one the next record of its page.
  private var visitor = 0
  private var at = 0
  /// The hash of the last visitor of the body before.
  private var reached: UInt64 = 0

  /// A walker that may be there or not.
  private final class Paged {
    var walker: PagedWalker
    init(_ walker: consuming PagedWalker) { self.walker = walker }
  }

  init(_ judges: PartitionJudges, noted: OrderReader?, memoryBytes: Int) {
    settings = judges.settings
    ledger = LedgerCollector(judges.book)
    reader = judges.reader
    self.judges = judges
    self.noted = noted
    self.memoryBytes = memoryBytes
    judge = judges.judge(memoryBytes: memoryBytes / 4)
    composer = BodyComposer(settings.body, limit: settings.bodyLimit)
  }

  /// Writes a body and calls `use` with its bytes. Bodies must be asked for in ascending order. Returns what `use` made of it, and the
  /// body's ledger entries; throws 76 when staging no longer gives what was planned.
  mutating func compose<Value>(
    _ body: BodyRow, _ use: (Span<UInt8>) throws(RunFailure) -> Value
  ) throws(RunFailure) -> (Value, LedgerEntries) {
    do {
      let mismatch = noLongerPlanned(body.number)
      let hashes = (visitorHash(body.firstVisitor.span), visitorHash(body.lastVisitor.span))
      guard reached <= hashes.0, hashes.0 <= hashes.1, body.firstIndex < Int.max, body.lastIndex < Int.max else { throw mismatch }
      reached = hashes.1
      try goTo(body)
      while !(try paged == nil ? takeHeld(body, hashes.1) : takePaged(body)) {
        guard number + 1 < reader.count, !composer.isOverfull else { throw mismatch }
        try open(number + 1)
      }
      guard !composer.isOverfull else { throw mismatch }
      guard let entries = ledger.finish() else { throw mismatch }
      let value = try composer.finish { bytes throws(RunFailure) in
        guard bytes.count == body.byteCount else { throw mismatch }
        return try use(bytes)
      }
      return (value, entries)
    } catch {
      throw stagingFailure(error)
    }
  }

  /// Opens a partition, before its first visitor.
  private mutating func open(_ number: Int) throws {
    self.number = number
    composer.begin()
    visitor = -1
    at = 0
    paged = nil
    if let runs = reader.largeRuns(of: number) {
      held = ComposedPartition()
      paged = Paged(try PagedWalker(runs, memoryBytes: memoryBytes, identicalRows: settings.identicalRows))
    } else {
      if ahead?.next != number { ahead = judges.composed(from: number, noted: noted) }
      ahead!.giveBack(held)
      held = ComposedPartition()
      held = try ahead!.take()
    }
  }

  // MARK: partitions that are held

  /// Appends what belongs to the body. Returns false when the partition ends before the body.
  private mutating func takeHeld(_ body: BodyRow, _ lastHash: UInt64) -> Bool {
    if visitor < 0 { begin(0) }
    let last = find(body.lastVisitor, lastHash)
    let end = last.map { $0 + 1 } ?? held.written.visitors.count
    while visitor < end {
      if !held.written.visitors[visitor].isSplit {
        let whole = visitor..<min(end, held.written.split(from: visitor))
        Self.append(held.written, whole, to: &composer, &ledger)
        begin(whole.upperBound)
      } else if visitor == last {
        Self.append(held, visitor, at..<max(at, body.lastIndex + 1), to: &composer, &ledger)
        at = body.lastIndex + 1
        return true
      } else {
        Self.append(held, visitor, at..<Int.max, to: &composer, &ledger)
        begin(visitor + 1)
      }
    }
    return last != nil
  }

  /// Goes to a visitor that is written.
  private mutating func begin(_ number: Int) {
    visitor = number
    at = 0
    composer.begin()
    guard !settings.body.enrichDecisions, visitor < held.written.visitors.count, held.written.visitors[visitor].isSplit else { return }
    let partition = held.partition!
    for place in partition.records(of: held.written.visitors[visitor].number) where held.fates[place].stands {
      let record = StagedRecord(partition.bytes.span, at: partition.offsets[place])
      if record.isDecision { composer.learn(record) }
    }
  }

  /// The number of a visitor among those written; nil when it is none of them.
  private func find(_ wanted: [UInt8], _ hash: UInt64) -> Int? {
    var number = held.written.first(from: hash)
    while number < held.written.visitors.count, held.written.visitors[number].hash == hash {
      if isVisitor(number, wanted) { return number }
      number += 1
    }
    return nil
  }

  private func isVisitor(_ number: Int, _ wanted: [UInt8]) -> Bool {
    let visitor = held.written.visitors[number]
    guard visitor.isSplit, let partition = held.partition else { return held.written.isVisitor(number, wanted) }
    let first = partition.records(of: visitor.number).lowerBound
    return same(StagedRecord(partition.bytes.span, at: partition.offsets[first]).visitor, wanted)
  }

  private static func append(
    _ written: WrittenVisitors, _ whole: Range<Int>, to composer: inout BodyComposer, _ ledger: inout LedgerCollector
  ) {
    let (first, last) = (written.visitors[whole.lowerBound], written.visitors[whole.upperBound - 1])
    composer.append(visitors: written.text.span.extracting(first.text.lowerBound..<last.text.upperBound))
    ledger.add(written.entries.span.extracting(first.entries.lowerBound..<last.entries.upperBound))
  }

  private static func append(
    _ held: ComposedPartition, _ visitor: Int, _ wanted: Range<Int>, to composer: inout BodyComposer, _ ledger: inout LedgerCollector
  ) {
    let partition = held.partition!
    let bytes = partition.bytes.span
    for place in partition.records(of: held.written.visitors[visitor].number).dropFirst(wanted.lowerBound).prefix(wanted.count)
    where held.fates[place] == .kept {
      let record = StagedRecord(bytes, at: partition.offsets[place])
      composer.append(record)
      ledger.add(record)
    }
  }

  // MARK: large partitions, read page by page

  /// Appends what belongs to the body. Returns false when the partition ends before the body.
  private mutating func takePaged(_ body: BodyRow) throws -> Bool {
    if visitor < 0, !(try nextPaged()) { return false }
    while true {
      while at == paged!.walker.offsets.count {
        if try paged!.walker.nextPage() { at = 0 } else if !(try nextPaged()) { return false }
      }
      let ordinal = paged!.walker.pageStart + at
      if judge.fates[ordinal] == .kept { Self.append(paged!.walker, at, to: &composer, &ledger) }
      at += 1
      if composer.isOverfull { return true }
      if ordinal == body.lastIndex, paged!.walker.visitor == body.lastVisitor { return true }
    }
  }

  private static func append(
    _ walker: borrowing PagedWalker, _ at: Int, to composer: inout BodyComposer, _ ledger: inout LedgerCollector
  ) {
    let record = StagedRecord(walker.page.bytes.span, at: walker.offsets[at])
    composer.append(record)
    ledger.add(record)
  }

  /// Goes to the next visitor of a large partition. Returns false at its end.
  private mutating func nextPaged() throws -> Bool {
    guard try paged!.walker.nextVisitor() else { return false }
    try beginPaged()
    return true
  }

  private mutating func beginPaged() throws {
    visitor = 0
    at = 0
    _ = try judge.judge(&paged!.walker)
    composer.begin()
    if !settings.body.enrichDecisions {
      try paged!.walker.eachPage { page, offsets, start throws(RunFailure) in
        for at in offsets.indices where judge.fates[start + at].stands {
          let record = StagedRecord(page, at: offsets[at])
          if record.isDecision { composer.learn(record) }
        }
      }
    }
    try paged!.walker.rewind()
  }

  // MARK: the first record

  /// Goes to the body's first record, from where the last body ended when it lies behind that in the same partition.
  private mutating func goTo(_ body: BodyRow) throws {
    let hash = visitorHash(body.firstVisitor.span)
    let wanted = reader.partition(of: hash)
    if wanted != number { try open(wanted) }
    if paged != nil {
      if visitor < 0 || paged!.walker.visitor != body.firstVisitor || paged!.walker.pageStart + at > body.firstIndex {
        guard try paged!.walker.seek(body.firstVisitor) else { throw noLongerPlanned(body.number) }
        try beginPaged()
      }
      while paged!.walker.pageStart + at < body.firstIndex {
        if at == paged!.walker.offsets.count {
          guard try paged!.walker.nextPage() else { throw noLongerPlanned(body.number) }
          at = 0
        } else {
          at += 1
        }
      }
      return
    }
    guard let first = find(body.firstVisitor, hash) else { throw noLongerPlanned(body.number) }
    if visitor != first { begin(first) }
    at = body.firstIndex
  }
}

/// Staging does not give a body as it was planned.
func noLongerPlanned(_ number: Int) -> RunFailure {
  RunFailure(
    .stagingDamaged,
    "body \(number) is no longer what was planned; the staged records have changed; import the same inputs again to go on")
}

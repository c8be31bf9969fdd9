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
  /// Judges partitions that lie ahead.
  private var ahead: PartitionsAhead?
  /// Judges the visitors of large partitions.
  private var judge: PartitionJudge
  private var composer: BodyComposer
  private var ledger = LedgerCollector()
  /// The partition at hand, −1 before the first: held in memory, or read page by page when it is large.
  private var number = -1
  private var held = JudgedPartition()
  private var paged: Paged?
  /// The visitor at hand among those held, and the next of its records; of a paged one the next record of its page.
  private var visitor = 0
  private var at = 0

  /// A walker that may be there or not.
  private final class Paged {
    var walker: PagedWalker
    init(_ walker: consuming PagedWalker) { self.walker = walker }
  }

  init(_ judges: PartitionJudges, memoryBytes: Int) {
    settings = judges.settings
    reader = judges.reader
    self.judges = judges
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
      try goTo(body)
      let lastHash = visitorHash(body.lastVisitor.span)
      while !(try paged == nil ? takeHeld(body, lastHash) : takePaged(body)) {
        guard number + 1 < reader.count else { throw mismatch(body) }
        try open(number + 1)
      }
      let entries = ledger.finish()
      let mismatch = mismatch(body)
      let value = try composer.finish { bytes throws(RunFailure) in
        guard bytes.count == body.byteCount else { throw mismatch }
        return try use(bytes)
      }
      return (value, entries)
    } catch let failure as DiskFailure {
      throw stagingFailure(failure)
    } catch let failure as RunFailure {
      throw failure
    } catch {
      throw RunFailure(.bug, "\(error)")
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
      held = JudgedPartition()
      paged = Paged(try PagedWalker(runs, memoryBytes: memoryBytes, identicalRows: settings.identicalRows))
    } else {
      if ahead?.next != number { ahead = PartitionsAhead(judges, from: number) }
      ahead!.giveBack(held)
      held = JudgedPartition()
      held = try ahead!.take()
    }
  }

  // MARK: partitions that are held

  private var visitorCount: Int { held.partition!.visitorCount }

  /// Goes to a visitor that is held.
  private mutating func begin(_ number: Int) {
    visitor = number
    at = 0
    composer.begin()
    guard !settings.body.enrichDecisions, visitor < visitorCount, let partition = held.partition else { return }
    for place in partition.records(of: visitor) where held.fates[place].stands {
      let record = StagedRecord(partition.bytes.span, at: partition.offsets[place])
      if record.isDecision { composer.learn(record) }
    }
  }

  /// Appends what belongs to the body. Returns false when the partition ends before the body.
  private mutating func takeHeld(_ body: BodyRow, _ lastHash: UInt64) throws(RunFailure) -> Bool {
    if visitor < 0 { begin(0) }
    while visitor < visitorCount {
      let isLast = isAt(body.lastVisitor, lastHash)
      let end = isLast ? body.lastIndex + 1 : Int.max
      Self.append(held, visitor, at, upTo: end, to: &composer, &ledger)
      if isLast {
        at = end
        return true
      }
      begin(visitor + 1)
    }
    return false
  }

  /// Whether the visitor at hand, of those held, is this one.
  private func isAt(_ wanted: [UInt8], _ hash: UInt64) -> Bool {
    guard let partition = held.partition, visitor >= 0, visitor < partition.visitorCount, partition.hash(of: visitor) == hash else {
      return false
    }
    let first = partition.records(of: visitor).lowerBound
    return same(StagedRecord(partition.bytes.span, at: partition.offsets[first]).visitor, wanted)
  }

  private static func append(
    _ held: JudgedPartition, _ visitor: Int, _ from: Int, upTo end: Int, to composer: inout BodyComposer,
    _ ledger: inout LedgerCollector
  ) {
    let partition = held.partition!
    let records = partition.records(of: visitor)
    let hash = partition.hash(of: visitor)
    let bytes = partition.bytes.span
    let offsets = partition.offsets.span
    let fates = held.fates.span
    let marks = held.marks.span
    for place in records.dropFirst(from).prefix(end - from)
    where fates[place] == .kept {
      let record = StagedRecord(bytes, at: offsets[place])
      composer.append(record)
      ledger.add(hash, marks[place])
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
      if ordinal == body.lastIndex, paged!.walker.visitor == body.lastVisitor { return true }
    }
  }

  private static func append(
    _ walker: borrowing PagedWalker, _ at: Int, to composer: inout BodyComposer, _ ledger: inout LedgerCollector
  ) {
    let record = StagedRecord(walker.page.span, at: walker.offsets[at])
    composer.append(record)
    ledger.add(record.hash, EventMark(record))
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
    guard !settings.body.enrichDecisions else { return }
    try paged!.walker.eachPage { page, offsets, start throws(RunFailure) in
      for at in offsets.indices where judge.fates[start + at].stands {
        let record = StagedRecord(page, at: offsets[at])
        if record.isDecision { composer.learn(record) }
      }
    }
  }

  // MARK: the first record

  /// Goes to the body's first record, from where the last body ended when it lies behind that in the same partition.
  private mutating func goTo(_ body: BodyRow) throws {
    let hash = visitorHash(body.firstVisitor.span)
    let wanted = reader.partition(of: hash)
    if wanted != number { try open(wanted) }
    if paged != nil {
      if visitor < 0 || paged!.walker.visitor != body.firstVisitor || paged!.walker.pageStart + at > body.firstIndex {
        guard try paged!.walker.seek(body.firstVisitor) else { throw mismatch(body) }
        try beginPaged()
      }
      while paged!.walker.pageStart + at < body.firstIndex {
        if at == paged!.walker.offsets.count {
          guard try paged!.walker.nextPage() else { throw mismatch(body) }
          at = 0
        } else {
          at += 1
        }
      }
      return
    }
    if !isAt(body.firstVisitor, hash) || at > body.firstIndex {
      begin(held.partition!.firstVisitor(from: hash))
      while visitor < visitorCount, !isAt(body.firstVisitor, hash) { begin(visitor + 1) }
      guard visitor < visitorCount else { throw mismatch(body) }
    }
    at = body.firstIndex
  }

  private func mismatch(_ body: BodyRow) -> RunFailure {
    RunFailure(
      .stagingDamaged,
      "body \(body.number) is no longer what was planned; the staged records have changed; import the same inputs again to go on")
  }
}

import Bytes
import Chunking
import Disk
import EventAPI
import Grouping
import Vocabulary

/// A partition whose visitors are written as bodies hold them.
struct ComposedPartition: Sendable {
  var written = WrittenVisitors()
  /// Nil for a partition without split visitors, which is all written, and for one that is too large to be held: its visitors are read page
  /// by page.
  var partition: Partition?
  /// A fate for each record, as `partition.offsets` has them.
  var fates: [RecordFate] = []
}

/// Writes the visitors of planned partitions, which each are independent of all others.
///
/// Planning left a note of order and fates, so that nothing is sorted or judged again. A partition without one is.
/// Memory: a partition, and `memoryBytes` for comparing the ids of one visitor.
struct PartitionComposer: PartitionWorker, ~Copyable {
  private let reader: PartitionReader
  private let settings: RunSettings
  private let noted: OrderReader?
  private var judge: PartitionJudge
  private var measurer: VisitorMeasurer
  private var ledger: LedgerCollector
  /// Whose memory serves again.
  private var served = Partition()

  init(
    _ reader: PartitionReader, _ settings: RunSettings, noted: OrderReader?, book: VariationBook, _ judge: consuming PartitionJudge
  ) {
    ledger = LedgerCollector(book)
    self.reader = reader
    self.settings = settings
    self.noted = noted
    self.judge = judge
    measurer = VisitorMeasurer(settings.body, limit: settings.bodyLimit, writes: true)
  }

  /// Reads a partition and writes its visitors. Partitions must be asked for in ascending order.
  mutating func make(_ number: Int, from used: consuming ComposedPartition?) throws(RunFailure) -> ComposedPartition {
    guard reader.largeRuns(of: number) == nil else { return ComposedPartition() }
    var composed = used ?? ComposedPartition()
    composed.written.removeAll()
    var partition = composed.partition.take() ?? takeServed()
    composed.fates.removeAll(keepingCapacity: true)
    do throws(DiskFailure) {
      try reader.read(number, into: &partition, noted: noted)
    } catch {
      throw stagingFailure(error)
    }
    if let fates = partition.plannedFates { composed.fates = fates }
    while partition.findVisitor() {
      if partition.plannedFates == nil {
        _ = try judge.judge(&partition)
        judge.appendFates(to: &composed.fates)
      }
      write(partition, composed.fates, &composed.written)
    }
    if composed.written.splits.isEmpty { served = partition } else { composed.partition = partition }
    return composed
  }

  private mutating func takeServed() -> Partition {
    var taken = Partition()
    swap(&taken, &served)
    return taken
  }

  /// Writes the visitor found last.
  private mutating func write(_ partition: borrowing Partition, _ fates: [RecordFate], _ written: inout WrittenVisitors) {
    let number = partition.visitor
    let hash = partition.visitorHash
    let records = partition.records(of: number)
    let bytes = partition.bytes.span
    let offsets = partition.offsets.span
    measurer.begin()
    if !settings.body.enrichDecisions {
      for place in records where fates[place].stands {
        let record = StagedRecord(bytes, at: offsets[place])
        if record.isDecision { measurer.learn(record) }
      }
    }
    for place in records where fates[place] == .kept {
      let record = StagedRecord(bytes, at: offsets[place])
      let fits = measurer.measure(record, ordinal: place - records.lowerBound)
      precondition(fits, "what was planned fits into a body")
      ledger.add(record)
    }
    if measurer.visitor.isSplit {
      ledger.finish { _ in }
      written.append(split: number, hash: hash)
    } else if measurer.visitor.eventCount > 0 {
      Self.write(number, hash, &measurer, &ledger, &written)
    }
  }

  private static func write(
    _ number: Int, _ hash: UInt64, _ measurer: inout VisitorMeasurer, _ ledger: inout LedgerCollector, _ written: inout WrittenVisitors
  ) {
    measurer.end { text in
      ledger.finish { entries in written.append(number, hash: hash, text: text, entries: entries) }
    }
  }
}

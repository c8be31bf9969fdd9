import Bytes
import Disk

/// Reads several sorted runs as one, in the total order.
///
/// Up to two frames of each run are at hand. All records up to the first place where the frames of a run end are a *batch*, which is sorted
/// as a whole: that compares numbers, and hardly ever records.
///
///     run 0    a d │ e g │ …      those of run 1 end first, with f: a b c d e f are the batch;
///     run 1    b   │ c f │ …      then frames that all was taken of make room for the next ones
///
/// Memory: two frames a run, and 40 bytes for each of their records.
struct RunMerger: ~Copyable {
  /// The frames at hand of one run.
  private struct Source {
    var run: SortedRunReader
    /// Where the run's two places for frames begin.
    let start: Int
    var nextFrame = 0
    /// Where their records begin, in the order of the run, and how many are of the earlier frame; of these, the batch has taken some.
    var records: [Int] = []
    var firstFrameCount = 0
    var frameCount = 0
    var takenCount = 0

    var goesOn: Bool { nextFrame < run.frameCount }

    /// Adds the next frame.
    mutating func add(_ payload: Range<Int>, _ bytes: [UInt8]) {
      let bytes = bytes.span
      var at = payload.lowerBound
      while at < payload.upperBound {
        records.append(at)
        at += Int(load32(bytes, at))
      }
      if frameCount == 0 { firstFrameCount = records.count }
      frameCount += 1
      nextFrame += 1
    }

    /// Forgets the earlier frame, which all was taken of.
    mutating func dropFrame() {
      records.removeFirst(firstFrameCount)
      takenCount -= firstFrameCount
      firstFrameCount = records.count
      frameCount -= 1
    }
  }

  private var sources: [Source] = []
  /// Where the frames lie.
  private var bytes: [UInt8] = []
  /// The batch, and what of it is left behind.
  private var batch: [RecordKey] = []
  private var spare: [RecordKey] = []
  private var position = 0

  init(_ runs: [SortedRun]) throws(DiskFailure) {
    var start = 0
    for run in runs {
      let reader = try SortedRunReader(run)
      sources.append(Source(run: reader, start: start))
      start += 2 * reader.frameBytes
    }
    bytes = [UInt8](repeating: 0, count: start)
  }

  /// Bytes that the frames take.
  var frameBytes: Int { bytes.count }

  var isAtEnd: Bool { position == batch.count }

  /// Goes to the first record whose visitor hash is `hash` or greater.
  mutating func seek(_ hash: UInt64) throws(DiskFailure) {
    for at in sources.indices {
      sources[at].nextFrame = sources[at].run.firstFrame(for: hash)
      sources[at].frameCount = 0
      sources[at].takenCount = 0
      sources[at].records.removeAll(keepingCapacity: true)
      while true {
        try fetchFrames(at)
        let source = sources[at]
        sources[at].takenCount = source.records.firstIndex { load64(bytes.span, $0 + 8) >= hash } ?? source.records.count
        if sources[at].takenCount < source.records.count || !source.goesOn { break }
      }
    }
    try makeBatch()
  }

  // Of the record at hand; there must be one.

  var smallestHash: UInt64 { batch[position].hash }

  /// The JSON text of its visitor.
  var smallestVisitor: [UInt8] { copy(StagedRecord(bytes.span, at: batch[position].offset).visitor) }

  func smallestIsOf(_ visitor: [UInt8]) -> Bool { same(StagedRecord(bytes.span, at: batch[position].offset).visitor, visitor) }

  func copySmallest(to arena: inout ByteArena) { arena.append(StagedRecord(bytes.span, at: batch[position].offset).bytes) }

  func writeSmallest(to writer: inout SortedRunWriter) throws(DiskFailure) {
    try writer.append(StagedRecord(bytes.span, at: batch[position].offset))
  }

  /// Leaves the record behind.
  mutating func advance() throws(DiskFailure) {
    position += 1
    if position == batch.count { return try makeBatch() }
    let ahead = position + RunMerger.recordsAhead
    if ahead < batch.count { prefetch(bytes.span, batch[ahead].offset..<(batch[ahead].offset + RunMerger.bytesAhead)) }
  }

  /// Records of a batch lie in no order: how far ahead they are fetched, and the bytes of each, most records whole.
  private static let recordsAhead = 8
  private static let bytesAhead = 320

  private mutating func makeBatch() throws(DiskFailure) {
    for at in sources.indices { try fetchFrames(at) }
    batch.removeAll(keepingCapacity: true)
    position = 0
    let end = RunMerger.firstEnd(sources, bytes.span)
    for at in sources.indices {
      let source = sources[at]
      let count = end.map { RunMerger.count(source.records, upTo: $0, bytes.span) } ?? source.records.count
      for record in source.takenCount..<count {
        batch.append(RecordKey(hash: load64(bytes.span, source.records[record] + 8), offset: source.records[record]))
      }
      sources[at].takenCount = count
    }
    sortRecords(&batch, spare: &spare, bytes)
  }

  /// Reads frames of a run into the places that are free.
  private mutating func fetchFrames(_ at: Int) throws(DiskFailure) {
    while sources[at].frameCount > 0, sources[at].takenCount >= sources[at].firstFrameCount { sources[at].dropFrame() }
    while sources[at].frameCount < 2, sources[at].goesOn {
      let number = sources[at].nextFrame
      let payload = try sources[at].run.read(number, into: &bytes, at: sources[at].start + number % 2 * sources[at].run.frameBytes)
      sources[at].add(payload, bytes)
    }
  }

  /// The first of the places where frames at hand end though their runs go on; nil when all runs end.
  private static func firstEnd(_ sources: [Source], _ bytes: Span<UInt8>) -> Int? {
    var first: Int?
    for source in sources where source.goesOn {
      let last = source.records[source.records.count - 1]
      if let known = first, orderWithPlace(StagedRecord(bytes, at: last), StagedRecord(bytes, at: known)) >= 0 { continue }
      first = last
    }
    return first
  }

  /// How many of a run's records are not behind one.
  private static func count(_ records: [Int], upTo end: Int, _ bytes: Span<UInt8>) -> Int {
    var low = 0
    var high = records.count
    while low < high {
      let middle = (low + high) / 2
      let isBehind = orderWithPlace(StagedRecord(bytes, at: records[middle]), StagedRecord(bytes, at: end)) > 0
      if isBehind { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// Merges runs into fewer until all of them can be read at once within the memory given.
///
/// Each step merges as many runs as fit, and no more than are needed for the rest to fit; two always do. At most `fanIn` files
/// are open at once, well within the usual limit of 1,024. New runs get the numbers from `firstNumber` on. Returns the runs to go on
/// with; merged ones are removed from the disk.
func compact(
  _ runs: [SortedRun], memoryBytes: Int, fanIn: Int = 400, firstNumber: Int, path: (Int) -> String
) throws(DiskFailure) -> [SortedRun] {
  var pending: [(run: SortedRun, bytes: Int)] = []
  for run in runs { pending.append((run, try mergeBytes(of: run))) }
  var number = firstNumber
  while true {
    var fitting = 0
    var bytes = 0
    for run in pending {
      if fitting >= 2, bytes + run.bytes > memoryBytes || fitting >= fanIn { break }
      bytes += run.bytes
      fitting += 1
    }
    if fitting == pending.count { return pending.map(\.run) }
    let count = max(2, min(fitting, pending.count - fitting + 1))
    let merging = pending.prefix(count).map(\.run)
    let merged = try merge(merging, number: number, path: path(number))
    for run in merging { try Folder.remove(run.path) }
    pending.removeFirst(count)
    pending.append((merged, try mergeBytes(of: merged)))
    number += 1
  }
}

/// What reading a run among others takes.
private func mergeBytes(of run: SortedRun) throws(DiskFailure) -> Int { 2 * (try SortedRunReader(run).frameBytes) }

private func merge(_ runs: [SortedRun], number: Int, path: String) throws(DiskFailure) -> SortedRun {
  var merger = try RunMerger(runs)
  try merger.seek(0)
  var writer = try SortedRunWriter(number: number, partition: runs[0].partition, path: path)
  while !merger.isAtEnd {
    try merger.writeSmallest(to: &writer)
    try merger.advance()
  }
  return try writer.finish()
}

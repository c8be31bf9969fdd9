import Bytes
import Disk

/// Reads several sorted runs as one, in the total order.
///
/// A heap holds the runs by their record at hand; the smallest is at the top. Memory: one frame a run.
struct RunMerger: ~Copyable {
  /// A cursor that has a record, by its index, and the visitor hash of the record.
  private struct Entry {
    var hash: UInt64
    var cursor: Int
  }

  private var cursors: [SortedRunCursor] = []
  /// The smallest record first (binary heap).
  private var heap: [Entry] = []

  init(_ runs: [SortedRun]) throws(DiskFailure) {
    for run in runs { cursors.append(try SortedRunCursor(run)) }
  }

  /// Bytes that the merge holds at most.
  var frameBytes: Int { cursors.reduce(0) { $0 + $1.largestFrame + SortedRun.frameHeadBytes } }

  var isAtEnd: Bool { heap.isEmpty }

  /// Goes to the first record whose visitor hash is `hash` or greater.
  mutating func seek(_ hash: UInt64) throws(DiskFailure) {
    heap.removeAll(keepingCapacity: true)
    for at in cursors.indices where try cursors[at].seek(hash) { heap.append(Entry(hash: cursors[at].hash, cursor: at)) }
    for at in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(at) }
  }

  // Of the smallest record; there must be one.

  var smallestHash: UInt64 { heap[0].hash }

  /// The JSON text of its visitor.
  var smallestVisitor: [UInt8] {
    let frame = cursors[heap[0].cursor].frame
    return copy(StagedRecord(frame.span, at: cursors[heap[0].cursor].position).visitor)
  }

  // Through the cursor itself: a frame that is held besides is counted twice a record.

  mutating func smallestIsOf(_ visitor: [UInt8]) -> Bool { cursors[heap[0].cursor].isOf(visitor) }

  mutating func copySmallest(to arena: inout ByteArena) { cursors[heap[0].cursor].copy(to: &arena) }

  mutating func writeSmallest(to writer: inout SortedRunWriter) throws(DiskFailure) {
    try cursors[heap[0].cursor].write(to: &writer)
  }

  /// Leaves the smallest record behind.
  mutating func advance() throws(DiskFailure) {
    let at = heap[0].cursor
    if try cursors[at].advance() {
      heap[0].hash = cursors[at].hash
    } else {
      heap[0] = heap[heap.count - 1]
      heap.removeLast()
    }
    if heap.count > 1 { sink(0) }
  }

  private mutating func sink(_ start: Int) {
    let entry = heap[start]
    var parent = start
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, isBefore(heap[child + 1], heap[child]) { child += 1 }
      guard isBefore(heap[child], entry) else { break }
      heap[parent] = heap[child]
      parent = child
    }
    if parent != start { heap[parent] = entry }
  }

  private func isBefore(_ one: Entry, _ other: Entry) -> Bool {
    if one.hash != other.hash { return one.hash < other.hash }
    // Borrowed through the span, for a copy of an element would be counted.
    let cursors = cursors.span
    return orderWithPlace(
      StagedRecord(cursors[one.cursor].frame.span, at: cursors[one.cursor].position),
      StagedRecord(cursors[other.cursor].frame.span, at: cursors[other.cursor].position)) < 0
  }
}

/// Merges runs into fewer until all of them can be read at once within the memory given.
///
/// Each step merges as many runs as fit, and no more than are needed for the rest to fit; two always do. At most `fanIn` files
/// are open at once, well within the usual limit of 1,024. Returns the runs to go on with; merged ones are removed from the disk.
func compact(
  _ runs: [SortedRun], memoryBytes: Int, fanIn: Int = 400, path: (Int) -> String
) throws(DiskFailure) -> [SortedRun] {
  var pending: [(run: SortedRun, frameBytes: Int)] = []
  for run in runs { pending.append((run, try frameBytes(of: run))) }
  var number = (runs.map(\.number).max() ?? -1) + 1
  while true {
    var fitting = 0
    var bytes = 0
    for run in pending {
      if fitting >= 2, bytes + run.frameBytes > memoryBytes || fitting >= fanIn { break }
      bytes += run.frameBytes
      fitting += 1
    }
    if fitting == pending.count { return pending.map(\.run) }
    let count = max(2, min(fitting, pending.count - fitting + 1))
    let merging = pending.prefix(count).map(\.run)
    let merged = try merge(merging, number: number, path: path(number))
    for run in merging { try Folder.remove(run.path) }
    pending.removeFirst(count)
    pending.append((merged, try frameBytes(of: merged)))
    number += 1
  }
}

private func frameBytes(of run: SortedRun) throws(DiskFailure) -> Int {
  try SortedRunCursor(run).largestFrame + SortedRun.frameHeadBytes
}

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

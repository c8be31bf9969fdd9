import Bytes
package import Disk

/// Reads several sorted runs as one, in the total order.
///
/// A heap holds the runs by their record at hand; the smallest is at the top. Memory: one frame a run.
struct RunMerger: ~Copyable {
  private let cursors: [SortedRunCursor]
  /// Indices of the cursors that have a record, the smallest record first (binary heap).
  private var heap: [Int] = []

  init(_ runs: [SortedRun]) throws(DiskFailure) {
    var cursors: [SortedRunCursor] = []
    for run in runs { cursors.append(try SortedRunCursor(run)) }
    self.cursors = cursors
  }

  /// Bytes that the merge holds at most.
  var frameBytes: Int { cursors.reduce(0) { $0 + $1.largestFrame + SortedRun.frameHeadBytes } }

  var isAtEnd: Bool { heap.isEmpty }

  /// Goes to the first record whose visitor hash is `hash` or greater.
  mutating func seek(_ hash: UInt64) throws(DiskFailure) {
    heap.removeAll(keepingCapacity: true)
    for at in cursors.indices where try cursors[at].seek(hash) { heap.append(at) }
    for at in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(at) }
  }

  /// The frame that holds the smallest record, and where it begins. There must be one.
  var smallest: (frame: [UInt8], position: Int) {
    let cursor = cursors[heap[0]]
    return (cursor.frame, cursor.position)
  }

  /// The visitor hash of the smallest record. There must be one.
  var smallestHash: UInt64 { cursors[heap[0]].hash }

  /// Leaves the smallest record behind.
  mutating func advance() throws(DiskFailure) {
    if try !cursors[heap[0]].advance() {
      heap[0] = heap[heap.count - 1]
      heap.removeLast()
    }
    if heap.count > 1 { sink(0) }
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { return }
      if child + 1 < heap.count, isBefore(heap[child + 1], heap[child]) { child += 1 }
      guard isBefore(heap[child], heap[parent]) else { return }
      heap.swapAt(parent, child)
      parent = child
    }
  }

  private func isBefore(_ one: Int, _ other: Int) -> Bool {
    let a = cursors[one]
    let b = cursors[other]
    if a.hash != b.hash { return a.hash < b.hash }
    let frames = (a.frame, b.frame)
    return orderWithPlace(StagedRecord(frames.0.span, at: a.position), StagedRecord(frames.1.span, at: b.position)) < 0
  }
}

/// Merges runs into fewer until all of them can be read at once within the memory given.
///
/// Each pass reads and writes everything that it merges once. Returns the runs to go on with; merged ones are removed from the disk.
package func compact(
  _ runs: [SortedRun], memoryBytes: Int, nextPath: (Int) -> String
) throws(DiskFailure) -> [SortedRun] {
  var pending = runs
  var number = (runs.map(\.number).max() ?? -1) + 1
  while true {
    // The largest frames come first out of the way only when they must: take runs in order while they fit.
    var fitting: [SortedRun] = []
    var bytes = 0
    for run in pending {
      let needed = try SortedRunCursor(run).largestFrame + SortedRun.frameHeadBytes
      if fitting.count >= 2, bytes + needed > memoryBytes || fitting.count >= maximumFanIn { break }
      bytes += needed
      fitting.append(run)
    }
    if fitting.count == pending.count { return pending }
    let merged = try merge(fitting, number: number, path: nextPath(number))
    for run in fitting { try Folder.remove(run.path) }
    pending = Array(pending.dropFirst(fitting.count)) + [merged]
    number += 1
  }
}

/// Files open at once: well within the usual limit of 1,024.
private let maximumFanIn = 400

private func merge(_ runs: [SortedRun], number: Int, path: String) throws(DiskFailure) -> SortedRun {
  var merger = try RunMerger(runs)
  try merger.seek(0)
  var writer = try SortedRunWriter(number: number, path: path)
  while !merger.isAtEnd {
    let (frame, position) = merger.smallest
    try writer.append(StagedRecord(frame.span, at: position))
    try merger.advance()
  }
  return try writer.finish()
}

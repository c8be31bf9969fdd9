import Bytes
package import Disk
import Vocabulary

/// The partitions that are too large to be read whole, for one visitor may be larger than memory. Each is divided into pieces, which are
/// sorted by themselves, on several threads, and become runs that can be read as one.
///
/// What becomes a run depends on `memoryBytes` and `threadCount`; what reading them gives does not. Memory: `memoryBytes`, of which smaller
/// partitions take less. The runs are with the system, not yet on the disk.
package struct LargePartitions: Sendable {
  private struct Piece {
    var partition: Int
    var frames: Range<Int>
  }

  private let reader: PartitionReader
  private let memoryBytes: Int
  private let path: @Sendable (Int) -> String
  private let pieces: [Piece]
  /// So many threads sort within the memory.
  package let threadCount: Int

  /// A partition is large from `limit` bytes on.
  package init(
    of reader: PartitionReader, from limit: Int, memoryBytes: Int, threadCount: Int, path: @escaping @Sendable (Int) -> String
  ) {
    let threads = max(1, min(threadCount, memoryBytes / LargePartitions.fewestBytes))
    var pieces: [Piece] = []
    for partition in 0..<reader.count where reader.byteCount(of: partition) >= limit {
      // What sorts a record takes 80 bytes, and hardly any record is smaller than those: a head, two ids, and the words around them.
      let most = memoryBytes / threads / 2
      let bytes = min(most, max(LargePartitions.fewestBytes, reader.byteCount(of: partition) / LargePartitions.usualRuns))
      pieces += reader.frames(of: partition, upTo: bytes).map { Piece(partition: partition, frames: $0) }
    }
    self.reader = reader
    self.memoryBytes = memoryBytes
    self.path = path
    self.pieces = pieces
    self.threadCount = min(threads, pieces.count)
  }

  /// Bytes of a piece, unless memory is scarce: sorted close to the processor.
  private static let fewestBytes = 8 << 20
  /// Runs that a partition becomes when memory suffices.
  private static let usualRuns = 64

  /// Sorts pieces on one thread; `next` gives the numbers 0, 1, 2, …, each to one of the threads.
  package func sort(_ next: () -> Int) throws(DiskFailure) -> [SortedRun] {
    var sorter = RunSorter()
    var runs: [SortedRun] = []
    while true {
      let number = next()
      guard number < pieces.count else { return runs }
      let piece = pieces[number]
      runs.append(try sorter.sort(piece.frames, of: piece.partition, from: reader, number: number, path: path(number)))
    }
  }

  /// Makes the runs of all pieces few enough for each partition's to be read at once.
  package func compacted(_ runs: [SortedRun]) throws(DiskFailure) -> [SortedRun] {
    var found: [SortedRun] = []
    var number = pieces.count
    for (_, runs) in Dictionary(grouping: runs, by: \.partition).sorted(by: { $0.key < $1.key }) {
      let runs = runs.sorted { $0.number < $1.number }
      found += try compact(runs, memoryBytes: memoryBytes / 2, firstNumber: number, path: path)
      number = found.reduce(number) { max($0, $1.number + 1) }
    }
    return found
  }
}

import Bytes
package import Disk
import Vocabulary

/// Sorts the partitions that are too large to be read whole: one visitor may be larger than memory. Returns their sorted runs, few enough for
/// each partition's to be read at once.
///
/// A partition is large from `limit` bytes on. Memory: `memoryBytes`, taken only when there is one. The runs are with the system, not
/// yet on the disk.
package func sortLargePartitions(
  of reader: PartitionReader, from limit: Int, memoryBytes: Int, path: (Int) -> String
) throws(DiskFailure) -> [SortedRun] {
  var sorted: [SortedRun] = []
  var nextNumber = 0
  for partition in 0..<reader.count where reader.byteCount(of: partition) >= limit {
    let runs = try sort(partition, of: reader, memoryBytes: memoryBytes, firstNumber: nextNumber, path)
    let compacted = try compact(runs, memoryBytes: memoryBytes / 2, path: path)
    nextNumber = 1 + (runs + compacted).reduce(nextNumber) { max($0, $1.number) }
    sorted += compacted
  }
  return sorted
}

private func sort(
  _ partition: Int, of reader: PartitionReader, memoryBytes: Int, firstNumber: Int, _ path: (Int) -> String
) throws(DiskFailure) -> [SortedRun] {
  var sorter = RunSorter(memoryBytes: memoryBytes)
  var runs: [SortedRun] = []
  try reader.eachRecord(of: partition) { record throws(DiskFailure) in
    let start = sorter.arena.count
    sorter.arena.append(record.bytes)
    sorter.take(at: start)
    if sorter.isFull {
      runs.append(try sorter.write(number: firstNumber + runs.count, partition: partition, path: path(firstNumber + runs.count)))
    }
  }
  if sorter.recordCount > 0 {
    runs.append(try sorter.write(number: firstNumber + runs.count, partition: partition, path: path(firstNumber + runs.count)))
  }
  return runs
}

package import Disk

/// Reads all of a staging file and compares it with what was written; throws `.damaged` with the first difference. Memory: one frame.
package func check(_ file: PartitionFile) throws(DiskFailure) {
  let reader = try PartitionReader([file], runs: [], identicalRows: .once)
  var count = 0
  for partition in 0..<reader.count { try reader.eachRecord(of: partition) { _ in count += 1 } }
  try require(count, file.recordCount, file.path)
}

/// Reads all of a sorted run and compares it with what was written; throws `.damaged` with the first difference. Memory: two frames.
package func check(_ run: SortedRun) throws(DiskFailure) {
  var merger = try RunMerger([run])
  try merger.seek(0)
  var count = 0
  while !merger.isAtEnd {
    count += 1
    try merger.advance()
  }
  try require(count, run.recordCount, run.path)
}

private func require(_ count: Int, _ written: Int, _ path: String) throws(DiskFailure) {
  guard count == written else {
    throw DiskFailure(.damaged, path, "the staging file is damaged: it has \(count) records, and \(written) were written")
  }
}

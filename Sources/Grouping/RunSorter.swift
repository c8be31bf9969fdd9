import Bytes
import Disk

/// Sorts records of a large partition and writes them as a sorted run; again and again in the same memory.
///
/// Memory: the records, some 80 bytes for each, and 256 KiB on their way to the file.
struct RunSorter: ~Copyable {
  /// What the records lie in, and a key for each.
  var bytes: [UInt8] = []
  var keys: [RecordKey] = []
  private var spare: [RecordKey] = []
  private let frameBytes: Int

  /// `frameBytes` is smaller only in tests.
  init(frameBytes: Int = SortedRun.frameBytes) { self.frameBytes = frameBytes }

  /// Reads frames of a partition and writes their records as a sorted run.
  mutating func sort(
    _ frames: Range<Int>, of partition: Int, from reader: PartitionReader, number: Int, path: String
  ) throws(DiskFailure) -> SortedRun {
    var read: [RecordKey] = []
    swap(&read, &keys)
    _ = try reader.read(frames, of: partition, into: &bytes) { payload, bytes in collectKeys(&read, payload, bytes) }
    keys = read
    return try write(number: number, partition: partition, path: path)
  }

  /// Writes the records as a sorted run, and forgets them.
  mutating func write(number: Int, partition: Int, path: String) throws(DiskFailure) -> SortedRun {
    sortRecords(&keys, spare: &spare, bytes)
    var writer = try SortedRunWriter(number: number, partition: partition, path: path, frameBytes: frameBytes)
    var written = 0
    var sizes = InlineArray<16, Int>(repeating: 0)
    while written < keys.count {
      // Records lie in no order. The sizes of several are read at once, so that the waits for memory overlap.
      let batch = min(sizes.count, keys.count - written)
      for at in 0..<batch { sizes[at] = Int(load32(bytes.span, keys[written + at].offset)) }
      for at in 0..<batch {
        let start = keys[written + at].offset
        try writer.append(StagedRecord(bytes.span.extracting(start..<(start + sizes[at]))))
      }
      written += batch
    }
    keys.removeAll(keepingCapacity: true)
    return try writer.finish()
  }
}

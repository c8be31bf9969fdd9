import Bytes
import Disk

/// Sorts records of a large partition and writes them as a sorted run; again and again in the same memory.
///
/// Memory: the records, and some 80 bytes for each.
struct RunSorter: ~Copyable {
  /// The records lie in `payloads` of it.
  var bytes: [UInt8] = []
  var payloads: [Range<Int>] = []
  private var keys: [RecordKey] = []
  private var spare: [RecordKey] = []
  private let frameBytes: Int

  /// `frameBytes` is smaller only in tests.
  init(frameBytes: Int = SortedRun.frameBytes) { self.frameBytes = frameBytes }

  /// Writes the records as a sorted run.
  mutating func write(number: Int, partition: Int, path: String) throws(DiskFailure) -> SortedRun {
    keys.removeAll(keepingCapacity: true)
    collectKeys(&keys, payloads, bytes)
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
    return try writer.finish()
  }
}

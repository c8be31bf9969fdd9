import Bytes
import Disk
import Vocabulary

/// Collects the records of a large partition in memory and writes them as sorted runs.
///
/// Memory: `memoryBytes` for records, their keys and the sorting, and now and then one record more. It is set aside at once, so
/// that nothing is ever moved to a larger place, and takes room as it fills.
struct RunSorter: ~Copyable {
  /// Where records are put, one behind the other.
  var arena: ByteArena
  private var keys: [RecordKey] = []
  private var spare: [RecordKey] = []
  private let memoryBytes: Int
  private let frameBytes: Int
  private let keyLimit: Int

  init(memoryBytes: Int) { self.init(memoryBytes: memoryBytes, frameBytes: SortedRun.frameBytes) }

  /// `frameBytes` is smaller only in tests.
  init(memoryBytes: Int, frameBytes: Int) {
    self.memoryBytes = memoryBytes
    self.frameBytes = frameBytes
    // No record with its keys is as small as this: a head, two short ids, a time stamp and the words around them.
    keyLimit = max(1, memoryBytes / 192)
    // A row is at most 4 MiB, and its text six times that when every byte is escaped.
    let arenaLimit = memoryBytes + 16 * Limits.rowBytes
    arena = ByteArena(limit: arenaLimit, reserving: arenaLimit)
    keys.reserveCapacity(keyLimit)
    spare.reserveCapacity(keyLimit)
  }

  var recordCount: Int { keys.count }

  /// Takes the record that was just written at `offset` of the arena.
  mutating func take(at offset: Int) {
    keys.append(RecordKey(hash: load64(arena.span, offset + 8), offset: offset))
  }

  /// Whether the records must be written before another is taken.
  var isFull: Bool {
    arena.count + keys.count * 2 * MemoryLayout<RecordKey>.stride >= memoryBytes || keys.count >= keyLimit
  }

  /// Writes the records as a sorted run and forgets them.
  mutating func write(number: Int, partition: Int, path: String) throws(DiskFailure) -> SortedRun {
    Self.sort(&keys, &spare, arena)
    var writer = try SortedRunWriter(number: number, partition: partition, path: path, frameBytes: frameBytes)
    var written = 0
    var sizes = InlineArray<16, Int>(repeating: 0)
    while written < keys.count {
      // Records lie in no order. The sizes of several are read at once, so that the waits for memory overlap.
      let batch = min(sizes.count, keys.count - written)
      for at in 0..<batch { sizes[at] = Int(load32(arena.span, keys[written + at].offset)) }
      for at in 0..<batch {
        let start = keys[written + at].offset
        try writer.append(StagedRecord(arena.span.extracting(start..<(start + sizes[at]))))
      }
      written += batch
    }
    keys.removeAll(keepingCapacity: true)
    arena.removeAll()
    return try writer.finish()
  }

  private static func sort(_ keys: inout [RecordKey], _ spare: inout [RecordKey], _ records: borrowing ByteArena) {
    // 33 bits tell most visitors apart.
    let shift = sortByHash(&keys, spare: &spare, knownBits: 0, passes: 3)
    var start = 0
    while start < keys.count {
      let end = endOfTies(keys, start, shift: shift)
      sortTies(&keys, start..<end, records.span)
      start = end
    }
  }
}

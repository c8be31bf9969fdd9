package import Bytes
package import Disk
import Vocabulary

/// Collects staged records in memory and writes them as sorted runs: one for each worker.
///
/// Memory: `memoryBytes` for records, their keys and the sorting, and now and then one record more. It is set aside at once, so
/// that nothing is ever moved to a larger place, and takes room as it fills.
package struct RunSorter: ~Copyable {
  private struct Key {
    var hash: UInt64
    var offset: UInt64
  }

  /// Where the normaliser writes records, one behind the other.
  package var arena: ByteArena
  private var keys: [Key] = []
  private var spare: [Key] = []
  private let memoryBytes: Int
  private let frameBytes: Int
  private let keyLimit: Int

  package init(memoryBytes: Int) { self.init(memoryBytes: memoryBytes, frameBytes: SortedRun.frameBytes) }

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

  package var recordCount: Int { keys.count }

  /// Takes the record that was just written at `offset` of the arena.
  package mutating func take(at offset: Int) {
    keys.append(Key(hash: load64(arena.span, offset + 8), offset: UInt64(offset)))
  }

  /// Whether the records must be written before another is taken.
  package var isFull: Bool {
    arena.count + keys.count * 2 * MemoryLayout<Key>.stride >= memoryBytes || keys.count >= keyLimit
  }

  /// Writes the records as a sorted run and forgets them.
  package mutating func write(number: Int, path: String) throws(DiskFailure) -> SortedRun {
    sort()
    var writer = try SortedRunWriter(number: number, path: path, frameBytes: frameBytes)
    var written = 0
    var sizes = InlineArray<16, Int>(repeating: 0)
    while written < keys.count {
      // Records lie in no order. The sizes of several are read at once, so that the waits for memory overlap.
      let batch = min(sizes.count, keys.count - written)
      for at in 0..<batch { sizes[at] = Int(load32(arena.span, Int(keys[written + at].offset))) }
      for at in 0..<batch {
        let start = Int(keys[written + at].offset)
        try writer.append(StagedRecord(arena.span.extracting(start..<(start + sizes[at]))))
      }
      written += batch
    }
    keys.removeAll(keepingCapacity: true)
    arena.removeAll()
    return try writer.finish()
  }

  /// By the upper 33 bits of the hash in three passes, least significant first; what these leave equal, by comparing records.
  private mutating func sort() {
    spare.append(contentsOf: keys)
    for pass in 0..<3 {
      let shift = UInt64(31 + 11 * pass)
      var places = InlineArray<2048, Int>(repeating: 0)
      for key in keys { places[Int(truncatingIfNeeded: (key.hash &>> shift) & 2047)] &+= 1 }
      var sum = 0
      for digit in 0..<2048 { (places[digit], sum) = (sum, sum + places[digit]) }
      for key in keys {
        let digit = Int(truncatingIfNeeded: (key.hash &>> shift) & 2047)
        spare[places[digit]] = key
        places[digit] &+= 1
      }
      swap(&keys, &spare)
    }
    spare.removeAll(keepingCapacity: true)
    var sorting: [Key] = []
    swap(&sorting, &keys)
    Self.sortTies(&sorting, arena.span)
    keys = sorting
  }

  private static func sortTies(_ keys: inout [Key], _ bytes: Span<UInt8>) {
    var start = 0
    while start < keys.count {
      var end = start + 1
      while end < keys.count, keys[end].hash &>> 31 == keys[start].hash &>> 31 { end += 1 }
      if end - start > 1 {
        keys[start..<end].sort {
          orderWithPlace(StagedRecord(bytes, at: Int($0.offset)), StagedRecord(bytes, at: Int($1.offset))) < 0
        }
      }
      start = end
    }
  }
}

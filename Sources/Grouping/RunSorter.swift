package import Bytes
package import Disk
import Vocabulary

/// Collects staged records in memory and writes them as sorted runs: one for each worker.
///
/// Memory: `memoryBytes` for records, their keys and the sorting, and now and then one record more.
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

  package init(memoryBytes: Int) {
    self.memoryBytes = memoryBytes
    // A row is at most 4 MiB, and its text six times that when every byte is escaped.
    arena = ByteArena(limit: memoryBytes + 16 * Limits.rowBytes, reserving: min(memoryBytes, 1 << 20))
  }

  package var recordCount: Int { keys.count }

  /// Takes the record that was just written at `offset` of the arena.
  package mutating func take(at offset: Int) {
    keys.append(Key(hash: load64(arena.span, offset + 8), offset: UInt64(offset)))
  }

  /// Whether the records must be written before another is taken.
  package var isFull: Bool { arena.count + keys.count * 2 * MemoryLayout<Key>.stride >= memoryBytes }

  /// Writes the records as a sorted run and forgets them.
  package mutating func write(number: Int, path: String) throws(DiskFailure) -> SortedRun {
    sort()
    var writer = try SortedRunWriter(number: number, path: path)
    for key in keys { try writer.append(StagedRecord(arena.span, at: Int(key.offset))) }
    keys.removeAll(keepingCapacity: true)
    arena.removeAll()
    return try writer.finish()
  }

  /// By the upper 33 bits of the hash in three passes, least significant first; what these leave equal, by comparing records.
  private mutating func sort() {
    if spare.count < keys.count { spare = keys }
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
      let count = keys.count
      swap(&keys, &spare)
      if keys.count > count { keys.removeLast(keys.count - count) }
    }
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

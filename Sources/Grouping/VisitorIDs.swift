import Bytes
import Disk

/// The event ids of a visitor's records, in which equal ones are found.
///
/// Few lie together; many are spread over buckets by the first bits of their digests, so that equal ones share a bucket, which is looked through
/// close to the processor. When there are more than memory holds, the buckets are emptied into a file, as often as they are full, and taken back
/// slice by slice:
///
///     append … (full) append … (full) append … │ nextSlice: buckets 0…90 │ nextSlice: 91…180 │ nextSlice: 181…255 │ nil
///
/// Memory: 24 bytes for each of `limit` ids, and a bucket of them while they are compared or written; the file takes 24 bytes for each of all.
struct VisitorIDs: ~Copyable {
  struct Entry {
    let id: Digest
    /// Twice the ordinal, and one more when the id was derived: a visitor may have millions of these.
    let number: Int

    init(_ id: Digest, ordinal: Int, isDerived: Bool) {
      self.init(id, number: 2 * ordinal + (isDerived ? 1 : 0))
    }

    init(_ id: Digest, number: Int) {
      self.id = id
      self.number = number
    }

    var ordinal: Int { number / 2 }
    var isDerived: Bool { number % 2 == 1 }
  }

  /// Bytes that an id takes, with the share of a bucket that grows or is compared.
  static let entryBytes = MemoryLayout<Entry>.stride + 1

  private let limit: Int
  /// Ids in memory.
  private(set) var count = 0
  private var few: [Entry] = []
  /// Empty while there are few.
  private var buckets: [[Entry]] = []
  private var spilled: SpilledIDs
  /// Where the next slice begins; nil behind the last one.
  private var sliceStart: UInt64? = 0

  /// More than these are spread.
  private static let mostFew = 4096
  static let bucketCount = 256

  /// At most `limit` ids are kept in memory, 1 at least; the others on the disk of `folder`.
  init(limit: Int, folder: String) {
    self.limit = limit
    spilled = SpilledIDs(folder: folder)
  }

  mutating func removeAll() {
    few.removeAll(keepingCapacity: true)
    if !buckets.isEmpty { buckets = [] }
    if !spilled.isEmpty { spilled.removeAll() }
    sliceStart = 0
    count = 0
  }

  /// Ids are added in the order of their records, all of them before the first slice.
  mutating func append(_ entry: Entry) throws(DiskFailure) {
    if count == limit { try spill() }
    insert(entry)
  }

  private mutating func insert(_ entry: Entry) {
    count += 1
    if buckets.isEmpty {
      few.append(entry)
      if count > VisitorIDs.mostFew { spread() }
    } else {
      buckets[VisitorIDs.bucket(of: entry.id.high)].append(entry)
    }
  }

  private mutating func spread() {
    buckets = Array(repeating: [], count: VisitorIDs.bucketCount)
    for entry in few { buckets[VisitorIDs.bucket(of: entry.id.high)].append(entry) }
    few = []
  }

  private static func bucket(of high: UInt64) -> Int { Int(high >> 56) }

  /// Empties the buckets into the file.
  private mutating func spill() throws(DiskFailure) {
    if buckets.isEmpty { spread() }
    for at in buckets.indices where !buckets[at].isEmpty {
      try spilled.append(buckets[at], to: at)
      buckets[at].removeAll(keepingCapacity: true)
    }
    count = 0
  }

  /// Takes back the next slice of the ids, of as many as memory holds, and returns the high words that it spans; nil after the last one. Slices
  /// come in ascending order and leave none out. Marks every record whose id an earlier record has, and keeps of each id the first.
  mutating func nextSlice(_ fates: inout [RecordFate]) throws(DiskFailure) -> ClosedRange<UInt64>? {
    guard let lower = sliceStart else { return nil }
    var upper = UInt64.max
    if spilled.isEmpty {
      settle(&fates)
    } else {
      if lower == 0 { try spill() }
      upper = try takeBack(from: lower, &fates)
    }
    sliceStart = upper == .max ? nil : upper + 1
    return lower...upper
  }

  /// Takes back what the file has from `lower` on. Returns how far that goes: to the end of a bucket, or into one that is larger than memory.
  private mutating func takeBack(from lower: UInt64, _ fates: inout [RecordFate]) throws(DiskFailure) -> UInt64 {
    // Each slice has other buckets: what kept its memory would be all of them in the end.
    buckets = Array(repeating: [], count: VisitorIDs.bucketCount)
    count = 0
    let first = VisitorIDs.bucket(of: lower)
    var last = first
    var total = spilled.count(of: first)
    while last + 1 < VisitorIDs.bucketCount, total + spilled.count(of: last + 1) <= limit {
      last += 1
      total += spilled.count(of: last)
    }
    var upper = UInt64(last) << 56 | 0x00ff_ffff_ffff_ffff
    for bucket in first...last {
      for chunk in spilled.chunks(of: bucket) {
        for entry in try spilled.read(chunk) where entry.id.high >= lower && entry.id.high <= upper {
          insert(entry)
          if count > limit { narrow(bucket, lower, &upper, &fates) }
        }
      }
    }
    settle(&fates)
    return upper
  }

  /// Makes room in a bucket that is larger than memory by settling what is already known to be reused, and if that is not enough, by leaving
  /// the upper half of its ids to another slice.
  private mutating func narrow(_ bucket: Int, _ lower: UInt64, _ upper: inout UInt64, _ fates: inout [RecordFate]) {
    var table: [UInt32] = []
    VisitorIDs.settle(&buckets[bucket], &table, &fates)
    while buckets[bucket].count > limit / 2, upper > lower {
      upper = lower + (upper - lower) / 2
      buckets[bucket].removeAll { $0.id.high > upper }
    }
    count = buckets[bucket].count
  }

  /// Calls `body` with every id of the slice.
  func forEach(_ body: (Entry) -> Void) {
    few.forEach(body)
    for bucket in buckets { bucket.forEach(body) }
  }

  private mutating func settle(_ fates: inout [RecordFate]) {
    guard count > 1, !haveFewAllDifferent() else { return }
    var table: [UInt32] = []
    VisitorIDs.settle(&few, &table, &fates)
    for at in buckets.indices { VisitorIDs.settle(&buckets[at], &table, &fates) }
    count = buckets.reduce(few.count) { $0 + $1.count }
  }

  private static func settle(_ entries: inout [Entry], _ table: inout [UInt32], _ fates: inout [RecordFate]) {
    if entries.count < 2 { return }
    // Of each id, one more than where its entry is kept, at the place that its own bits name or the next free one.
    let mask = 1 << (Int.bitWidth - (2 * entries.count - 1).leadingZeroBitCount) - 1
    table.removeAll(keepingCapacity: true)
    table.append(contentsOf: repeatElement(0, count: mask + 1))
    var kept = 0
    for at in entries.indices {
      let entry = entries[at]
      var place = Int(truncatingIfNeeded: entry.id.low) & mask
      while table[place] != 0, entries[Int(table[place]) - 1].id != entry.id { place = (place + 1) & mask }
      if table[place] != 0 {
        let saysTheSame = entry.isDerived && entries[Int(table[place]) - 1].isDerived
        fates[entry.ordinal] = saysTheSame ? .sameEvent : .idReused
      } else {
        entries[kept] = entry
        kept += 1
        table[place] = UInt32(kept)
      }
    }
    entries.removeLast(entries.count - kept)
  }

  /// Whether these are few ids, each different from all others: then nothing is to be settled.
  private func haveFewAllDifferent() -> Bool {
    guard buckets.isEmpty, count <= VisitorIDs.fewest else { return false }
    for at in 1..<few.count {
      for other in 0..<at where few[other].id.low == few[at].id.low { return false }
    }
    return true
  }

  /// So few are compared each with each.
  private static let fewest = 16
}

import Bytes
import Disk

/// The event ids of a visitor's records, in which equal ones are found.
///
/// Many are first put in the order of the first bits of their digests, so that equal ones lie close together and are compared close to the
/// processor: a *bucket* at a time. When there are more than memory holds, they are written to a file, bucket by bucket, as often as memory is full,
/// and taken back slice by slice:
///
///     append … (full) append … (full) append … │ nextSlice: buckets 0…90 │ nextSlice: 91…180 │ nextSlice: 181…255 │ nil
///
/// Memory: 48 bytes for each of `limit` ids, and a bucket of them while they are compared or written; the file takes 24 bytes for each of all. A
/// bucket that is larger than memory is taken back in slices, which take 24 bytes for each id and up to 16 while they are compared.
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

  /// Bytes that an id takes, with the place it is moved to and its share of a bucket that is compared.
  static let entryBytes = 2 * MemoryLayout<Entry>.stride + 2

  private let limit: Int
  private var entries: [Entry] = []
  /// What they are put in order in.
  private var spare: [Entry] = []
  private var table: [UInt32] = []
  private var spilled: SpilledIDs
  /// Where the next slice begins; nil behind the last one.
  private var sliceStart: UInt64? = 0

  /// Ids up to these are compared without being put in order.
  private static let mostFew = 4096
  static let bucketCount = 256

  /// At most `limit` ids are kept in memory, 1 at least; the others on the disk of `folder`.
  init(limit: Int, folder: String) {
    self.limit = limit
    spilled = SpilledIDs(folder: folder)
  }

  /// Ids in memory.
  var count: Int { entries.count }

  mutating func removeAll() {
    if entries.capacity > 2 * VisitorIDs.mostFew {
      entries = []
      spare = []
      table = []
    } else {
      entries.removeAll(keepingCapacity: true)
    }
    if !spilled.isEmpty { spilled.removeAll() }
    sliceStart = 0
  }

  /// Ids are added in the order of their records, all of them before the first slice.
  mutating func append(_ entry: Entry) throws(DiskFailure) {
    if entries.count == limit { try spill() }
    entries.append(entry)
  }

  private static func bucket(of high: UInt64) -> Int { Int(high &>> 56) }

  /// Puts the ids in the order of their buckets; those of one stay in theirs. Returns where each bucket ends.
  private mutating func spread() -> InlineArray<256, Int> {
    var places = InlineArray<256, Int>(repeating: 0)
    for at in entries.indices { places[VisitorIDs.bucket(of: entries[at].id.high)] &+= 1 }
    var sum = 0
    for bucket in 0..<VisitorIDs.bucketCount { (places[bucket], sum) = (sum, sum + places[bucket]) }
    if spare.count > entries.count { spare.removeLast(spare.count - entries.count) }
    let nothing = Entry(Digest(high: 0, low: 0), number: 0)
    spare.append(contentsOf: repeatElement(nothing, count: entries.count - spare.count))
    for at in entries.indices {
      let bucket = VisitorIDs.bucket(of: entries[at].id.high)
      spare[places[bucket]] = entries[at]
      places[bucket] &+= 1
    }
    swap(&entries, &spare)
    return places
  }

  /// Writes the ids to the file, which leaves none in memory.
  private mutating func spill() throws(DiskFailure) {
    let ends = spread()
    var start = 0
    for bucket in 0..<VisitorIDs.bucketCount {
      if ends[bucket] > start { try spilled.append(entries[start..<ends[bucket]], to: bucket) }
      start = ends[bucket]
    }
    entries.removeAll(keepingCapacity: true)
  }

  /// Takes back the next slice of the ids, of as many as memory holds, and returns the high words that it spans; nil after the last one. Slices
  /// come in ascending order and leave none out. Marks every record whose id an earlier record has, and keeps of each id the first.
  mutating func nextSlice(_ fates: inout [RecordFate]) throws(DiskFailure) -> ClosedRange<UInt64>? {
    guard let lower = sliceStart else { return nil }
    var upper = UInt64.max
    if spilled.isEmpty {
      settle(&fates)
    } else {
      if lower == 0 {
        try spill()
        spare = []
      }
      upper = try takeBack(from: lower, &fates)
    }
    sliceStart = upper == .max ? nil : upper + 1
    return lower...upper
  }

  /// Takes back what the file has from `lower` on. Returns how far that goes: to the end of a bucket, or into one that is larger than memory.
  private mutating func takeBack(from lower: UInt64, _ fates: inout [RecordFate]) throws(DiskFailure) -> UInt64 {
    entries.removeAll(keepingCapacity: true)
    let first = VisitorIDs.bucket(of: lower)
    var last = first
    var total = spilled.count(of: first)
    while last + 1 < VisitorIDs.bucketCount, total + spilled.count(of: last + 1) <= limit {
      last += 1
      total += spilled.count(of: last)
    }
    var upper = UInt64(last) << 56 | 0x00ff_ffff_ffff_ffff
    for bucket in first...last {
      var kept = entries.count
      for chunk in spilled.chunks(of: bucket) {
        for entry in try spilled.read(chunk) where entry.id.high >= lower && entry.id.high <= upper {
          // Only of a bucket that is read alone.
          if entries.count >= limit { narrow(lower, &upper, &fates) }
          if entry.id.high <= upper { entries.append(entry) }
        }
      }
      settle(kept..<entries.count, &kept, &fates)
      entries.removeLast(entries.count - kept)
    }
    return upper
  }

  /// Makes room in a bucket that is larger than memory by settling what is already known to be reused, and if that is not enough, by leaving
  /// the upper half of its ids to another slice.
  private mutating func narrow(_ lower: UInt64, _ upper: inout UInt64, _ fates: inout [RecordFate]) {
    var kept = 0
    settle(0..<entries.count, &kept, &fates)
    entries.removeLast(entries.count - kept)
    while entries.count > limit / 2, upper > lower {
      upper = lower + (upper - lower) / 2
      entries.removeAll { $0.id.high > upper }
    }
  }

  /// Calls `body` with every id of the slice.
  func forEach(_ body: (Entry) -> Void) { entries.forEach(body) }

  private mutating func settle(_ fates: inout [RecordFate]) {
    guard count > 1, !areFewAllDifferent() else { return }
    var kept = 0
    if count <= VisitorIDs.mostFew {
      settle(0..<count, &kept, &fates)
    } else {
      let ends = spread()
      var start = 0
      for bucket in 0..<VisitorIDs.bucketCount {
        settle(start..<ends[bucket], &kept, &fates)
        start = ends[bucket]
      }
    }
    entries.removeLast(entries.count - kept)
  }

  /// Marks the records in a range whose ids an earlier one has, and moves the others to where `kept` ids are kept already.
  private mutating func settle(_ range: Range<Int>, _ kept: inout Int, _ fates: inout [RecordFate]) {
    if range.isEmpty { return }
    let first = kept
    // Of each id, one more than where its entry is kept behind the first, at the place that its own bits name or the next free one.
    let mask = 1 << (Int.bitWidth - (2 * range.count - 1).leadingZeroBitCount) - 1
    table.removeAll(keepingCapacity: true)
    table.append(contentsOf: repeatElement(0, count: mask + 1))
    for at in range {
      let entry = entries[at]
      var place = Int(truncatingIfNeeded: entry.id.low) & mask
      while table[place] != 0, entries[first + Int(table[place]) - 1].id != entry.id { place = (place + 1) & mask }
      if table[place] != 0 {
        let saysTheSame = entry.isDerived && entries[first + Int(table[place]) - 1].isDerived
        fates[entry.ordinal] = saysTheSame ? .sameEvent : .idReused
      } else {
        entries[kept] = entry
        kept += 1
        table[place] = UInt32(kept - first)
      }
    }
  }

  /// Whether these are few ids, each different from all others: then nothing is to be settled.
  private func areFewAllDifferent() -> Bool {
    guard count <= VisitorIDs.fewest else { return false }
    for at in 1..<entries.count {
      for other in 0..<at where entries[other].id.low == entries[at].id.low { return false }
    }
    return true
  }

  /// So few are compared each with each.
  private static let fewest = 16
}

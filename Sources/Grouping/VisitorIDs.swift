import Bytes

/// The event ids of a visitor's records, in which equal ones are found.
///
/// Few lie together; many are spread over buckets by bits of their digests, so that equal ones share a bucket, which is looked through close to
/// the processor. Memory: 24 bytes an id, and the 256th part of it while they are compared.
struct VisitorIDs {
  struct Entry {
    let id: Digest
    /// Twice the ordinal, and one more when the id was derived: a visitor may have millions of these.
    private let number: Int

    init(_ id: Digest, ordinal: Int, isDerived: Bool) {
      self.id = id
      number = 2 * ordinal + (isDerived ? 1 : 0)
    }

    var ordinal: Int { number / 2 }
    var isDerived: Bool { number % 2 == 1 }
  }

  /// Bytes that an id takes, with the share of a bucket that grows or is compared.
  static let entryBytes = MemoryLayout<Entry>.stride + 1

  private(set) var count = 0
  private var few: [Entry] = []
  /// Empty while there are few.
  private var buckets: [[Entry]] = []

  /// More than these are spread.
  private static let mostFew = 4096
  private static let bucketCount = 256

  mutating func removeAll() {
    few.removeAll(keepingCapacity: true)
    if !buckets.isEmpty { buckets = [] }
    count = 0
  }

  /// Ids are added in the order of their records.
  mutating func append(_ entry: Entry) {
    count += 1
    if buckets.isEmpty {
      few.append(entry)
      if count > VisitorIDs.mostFew { spread() }
    } else {
      buckets[VisitorIDs.bucket(of: entry)].append(entry)
    }
  }

  private mutating func spread() {
    buckets = Array(repeating: [], count: VisitorIDs.bucketCount)
    for entry in few { buckets[VisitorIDs.bucket(of: entry)].append(entry) }
    few = []
  }

  private static func bucket(of entry: Entry) -> Int { Int(entry.id.low >> 56) }

  /// Forgets the ids whose high words are above `bound`.
  mutating func remove(above bound: UInt64) {
    few.removeAll { $0.id.high > bound }
    for at in buckets.indices { buckets[at].removeAll { $0.id.high > bound } }
    recount()
  }

  /// Calls `body` with every id.
  func forEach(_ body: (Entry) -> Void) {
    few.forEach(body)
    for bucket in buckets { bucket.forEach(body) }
  }

  /// Marks every record whose id an earlier record has, and keeps of each id the first.
  mutating func settle(_ fates: inout [RecordFate]) {
    guard count > 1, !haveFewAllDifferent() else { return }
    var table: [UInt32] = []
    VisitorIDs.settle(&few, &table, &fates)
    for at in buckets.indices { VisitorIDs.settle(&buckets[at], &table, &fates) }
    recount()
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

  private mutating func recount() { count = buckets.reduce(few.count) { $0 + $1.count } }
}

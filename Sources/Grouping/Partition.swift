import Bytes
package import Vocabulary

/// Visitors that share the upper bits of their hashes, in memory. They are found one after the other, in the total order, and stay.
///
///     while partition.findVisitor() { … }        each while its records are still close to the processor
///     partition.visitor = 3                      and any again
///
/// Those of a partition that planning left a note of (`PlannedOrder`) are known, with the fates of their records, before they are looked for.
package struct Partition: Sendable {
  private struct Extent {
    var hash: UInt64
    /// Where the visitor's records begin in `offsets`.
    var start: Int
    var duplicateCount: Int
  }

  /// What the records lie in.
  package private(set) var bytes: [UInt8] = []
  /// Where each record of the visitors found begins in `bytes`, in the total order, duplicates taken out.
  package private(set) var offsets: [Int] = []
  /// The visitor that `VisitorPages` speaks of.
  package var visitor = -1
  private var extents: [Extent] = []
  private var identicalRows = IdenticalRows.once
  /// Sorted by the upper bits of their hashes, from `shift` on; as far as `sortedCount` into the total order.
  private var keys: [RecordKey] = []
  private var spare: [RecordKey] = []
  private var shift: UInt64 = 0
  private var sortedCount = 0
  /// The next key that is of no visitor yet.
  private var next = 0
  /// How many keys, or offsets that planning left, have had their records fetched ahead.
  private var fetchedCount = 0
  /// Copies to be numbered.
  private var copies: [(offset: Int, number: Int)] = []
  /// Tells the records apart from any others, and from the same in other places.
  private(set) var contentDigest: UInt64 = 0
  /// A fate for each record, as `offsets` has them, when planning left a note.
  package private(set) var plannedFates: [RecordFate]?

  /// Without visitors, and without memory for any.
  package init() {}

  /// Identical rows taken out so far whose event ids are derived from what they say.
  package private(set) var derivedDuplicates = JudgeCounts.Tally()

  /// Visitors found, or known.
  package var visitorCount: Int { extents.count }

  /// The memory of the bytes and of the keys, to be filled anew. The partition has no visitors then.
  mutating func takeMemory() -> (bytes: [UInt8], keys: [RecordKey]) {
    var taken: (bytes: [UInt8], keys: [RecordKey]) = ([], [])
    swap(&taken.bytes, &bytes)
    swap(&taken.keys, &keys)
    taken.keys.removeAll(keepingCapacity: true)
    forgetVisitors()
    return taken
  }

  /// Holds the visitors whose records lie in `bytes`, with a key each; there must be no others.
  mutating func hold(
    _ bytes: consuming [UInt8], _ keys: consuming [RecordKey], contentDigest: UInt64, partitionBits: Int, identicalRows: IdenticalRows
  ) {
    shift = sortByHash(&keys, spare: &spare, knownBits: partitionBits, passes: 2)
    self.bytes = bytes
    self.keys = keys
    self.identicalRows = identicalRows
    self.contentDigest = contentDigest
  }

  /// Holds the visitors of `bytes` as planning found them; there must be no others.
  mutating func hold(
    _ bytes: consuming [UInt8], _ keys: consuming [RecordKey], _ order: consuming PlannedOrder, contentDigest: UInt64
  ) {
    self.bytes = bytes
    self.keys = keys
    self.contentDigest = contentDigest
    offsets.reserveCapacity(order.places.count)
    for place in order.places {
      let offset = Int(place & ~PlannedOrder.firstOfVisitor)
      if place & PlannedOrder.firstOfVisitor != 0 {
        extents.append(Extent(hash: load64(self.bytes.span, offset + 8), start: offsets.count, duplicateCount: 0))
      }
      offsets.append(offset)
    }
    plannedFates = order.fates
  }

  private mutating func forgetVisitors() {
    sortedCount = 0
    next = 0
    fetchedCount = 0
    visitor = -1
    offsets.removeAll(keepingCapacity: true)
    extents.removeAll(keepingCapacity: true)
    plannedFates = nil
    derivedDuplicates = JudgeCounts.Tally()
  }

  /// Finds the next visitor and goes to it. Returns false when there is none.
  package mutating func findVisitor() -> Bool {
    if plannedFates != nil {
      guard visitor + 1 < extents.count else { return false }
      visitor += 1
      fetch(upTo: extents[visitor].start + Partition.recordsAhead)
      return true
    }
    guard next < keys.count else { return false }
    fetch(upTo: next + Partition.recordsAhead)
    if next == sortedCount {
      sortedCount = endOfTies(keys, next, shift: shift)
      Partition.sort(&keys, next..<sortedCount, bytes)
    }
    visitor = extents.count
    var extent = Extent(hash: keys[next].hash, start: offsets.count, duplicateCount: 0)
    let first = keys[next].offset
    var last = first
    var copyNumber = 0
    while next < sortedCount, keys[next].hash == extent.hash {
      let offset = keys[next].offset
      if offset == first {
        offsets.append(offset)
      } else {
        guard haveSameVisitor(first, offset) else { break }
        if !isIdentical(last, offset) {
          offsets.append(offset)
          last = offset
          copyNumber = 0
        } else if identicalRows == .keep, StagedRecord(bytes.span, at: offset).flags.contains(.derivedID) {
          copyNumber += 1
          copies.append((offset, copyNumber))
          offsets.append(offset)
        } else {
          extent.duplicateCount += 1
          Partition.note(bytes, at: offset, in: &derivedDuplicates)
        }
      }
      next += 1
    }
    // The number changes a copy's id, so all copies are found before one is numbered.
    for copy in copies { renumber(&bytes, at: copy.offset, copy.number) }
    copies.removeAll(keepingCapacity: true)
    extents.append(extent)
    return true
  }

  /// Records that are fetched ahead of the one at hand, and the bytes of each: most records whole.
  private static let recordsAhead = 24
  private static let bytesAhead = 320

  private mutating func fetch(upTo end: Int) {
    let isPlanned = plannedFates != nil
    let end = min(end, isPlanned ? offsets.count : keys.count)
    while fetchedCount < end {
      let offset = isPlanned ? offsets[fetchedCount] : keys[fetchedCount].offset
      prefetch(bytes.span, offset..<(offset + Partition.bytesAhead))
      fetchedCount += 1
    }
  }

  private static func note(_ bytes: [UInt8], at offset: Int, in duplicates: inout JudgeCounts.Tally) {
    duplicates.addDerived(bytes.span, at: offset)
  }

  private static func sort(_ keys: inout [RecordKey], _ range: Range<Int>, _ bytes: [UInt8]) { sortTies(&keys, range, bytes.span) }

  private func haveSameVisitor(_ one: Int, _ other: Int) -> Bool {
    same(StagedRecord(bytes.span, at: one).visitor, StagedRecord(bytes.span, at: other).visitor)
  }

  private func isIdentical(_ one: Int, _ other: Int) -> Bool {
    let (a, b) = (StagedRecord(bytes.span, at: one), StagedRecord(bytes.span, at: other))
    return a.timestamp == b.timestamp && order(a, b) == 0
  }

  /// Where the records of a visitor stand among `offsets`.
  package func records(of visitor: Int) -> Range<Int> {
    let end = visitor + 1 < extents.count ? extents[visitor + 1].start : offsets.count
    return extents[visitor].start..<end
  }

  /// The hash of a visitor that was found.
  package func hash(of visitor: Int) -> UInt64 { extents[visitor].hash }
}

extension Partition: VisitorPages {
  package var visitorHash: UInt64 { extents[visitor].hash }
  package var duplicateCountOfVisitor: Int { extents[visitor].duplicateCount }

  package mutating func eachPage(
    ofFirst recordCount: Int, _ body: (Span<UInt8>, Span<Int>, Int) throws(RunFailure) -> Void
  ) throws(RunFailure) {
    try body(bytes.span, offsets.span.extracting(records(of: visitor)), 0)
  }

  package mutating func judge(by judge: inout VisitorJudge, known: KnownEvents) throws(RunFailure) {
    try judge.judge(&self, known)
  }
}

/// Gives the record at `offset` the UUIDv5 (without a namespace) of its id's text, `#`, and its number among identical rows.
func renumber(_ bytes: inout [UInt8], at offset: Int, _ number: Int) {
  let (message, start) = numbering(StagedRecord(bytes.span, at: offset), number)
  var id = ByteArena(limit: 64)
  id.append(uuidOf: message.span)
  for at in 0..<id.count { bytes[offset + start + at] = id.span[at] }
}

private func numbering(_ record: borrowing StagedRecord, _ number: Int) -> (message: [UInt8], start: Int) {
  (copy(record.eventID) + Array("#\(number)".utf8), record.eventIDStart)
}

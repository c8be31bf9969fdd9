package import Bytes
package import Disk
import Vocabulary

/// What is done with rows that are identical in everything that makes an event.
package enum IdenticalRows: String, Sendable, CaseIterable, Codable {
  /// They are one event.
  case once
  /// Each is an event of its own; the ids of the second, third, … are derived from the first one's and a number.
  case keep
}

/// Walks staged visitors in the total order, as often as needed.
///
/// A visitor is handed out in *pages*: nearly always one, and as many as it takes when a visitor is larger than `pageBytes`. Its
/// records lie in `page`, at `offsets`, in the total order, duplicates taken out.
///
///     while try walker.nextVisitor() {
///       repeat { for offset in walker.offsets { … } } while try walker.nextPage()
///       try walker.rewind()          // and again from the visitor's first page
///     }
///
/// Memory: one frame for each run, one page, and the largest record.
package struct PagedWalker: ~Copyable, VisitorPages {
  private var merger: RunMerger
  private let pageBytes: Int
  private let identicalRows: IdenticalRows

  /// The records of the page at hand.
  package private(set) var page: ByteArena
  /// Where each record begins in `page`.
  package private(set) var offsets: [Int] = []
  /// Records of the visitor before this page.
  package private(set) var pageStart = 0
  /// Identical records taken out of the visitor; known when its last page has been read once.
  package private(set) var duplicateCountOfVisitor = 0
  package private(set) var derivedDuplicates = JudgeCounts.Tally()
  private var duplicateCount = 0
  /// The JSON text of the visitor at hand.
  package private(set) var visitor: [UInt8] = []
  package private(set) var visitorHash: UInt64 = 0
  /// Whether records of the visitor come behind this page.
  private(set) var visitorGoesOn = false
  private var isFirstPage = true
  /// The last record taken, before a number changed its id: what the next one is compared with.
  private var last: [UInt8] = []
  private var lastOffset = -1
  private var copyNumber = 0

  /// Opens the runs. `memoryBytes` are shared by frames and page.
  package init(_ runs: [SortedRun], memoryBytes: Int, identicalRows: IdenticalRows) throws(DiskFailure) {
    try self.init(runs, memoryBytes: memoryBytes, smallestPageBytes: 1 << 20, identicalRows: identicalRows)
  }

  /// `smallestPageBytes` is smaller only in tests.
  init(_ runs: [SortedRun], memoryBytes: Int, smallestPageBytes: Int, identicalRows: IdenticalRows) throws(DiskFailure) {
    var merger = try RunMerger(runs)
    try merger.seek(0)
    pageBytes = max(smallestPageBytes, min(64 << 20, memoryBytes - merger.frameBytes) / 2)
    self.identicalRows = identicalRows
    page = ByteArena(limit: pageBytes + 32 * Limits.rowBytes, reserving: 64 << 10)
    self.merger = merger
  }

  /// Goes to the next visitor and reads its first page. Returns false at the end.
  package mutating func nextVisitor() throws(DiskFailure) -> Bool {
    try skipRest()
    guard !merger.isAtEnd else { return false }
    visitor = merger.smallestVisitor
    visitorHash = merger.smallestHash
    try begin()
    return true
  }

  /// Goes to a visitor that is known to be there. Returns false when it is not.
  package mutating func seek(_ wanted: [UInt8]) throws(DiskFailure) -> Bool {
    try seek(wanted, Bytes.visitorHash(wanted.span))
  }

  /// Goes to a visitor that was there before; throws `.damaged` when it is not.
  package mutating func find(_ wanted: [UInt8]) throws(DiskFailure) { try find(wanted, Bytes.visitorHash(wanted.span)) }

  private mutating func find(_ wanted: [UInt8], _ hash: UInt64) throws(DiskFailure) {
    guard try seek(wanted, hash) else {
      throw DiskFailure(.damaged, "staging", "a visitor that was read before is no longer there")
    }
  }

  private mutating func seek(_ wanted: [UInt8], _ hash: UInt64) throws(DiskFailure) -> Bool {
    visitorHash = hash
    visitor = wanted
    visitorGoesOn = false
    try merger.seek(hash)
    while !merger.isAtEnd, merger.smallestHash == hash, !isOfVisitor { try merger.advance() }
    guard !merger.isAtEnd, isOfVisitor else { return false }
    try begin()
    return true
  }

  /// Reads the visitor's next page. Returns false when there is none.
  package mutating func nextPage() throws(DiskFailure) -> Bool {
    guard visitorGoesOn else { return false }
    pageStart += offsets.count
    isFirstPage = false
    try fill()
    return !offsets.isEmpty
  }

  /// Goes back to the visitor's first page. Costs nothing when that is the page at hand.
  package mutating func rewind() throws(DiskFailure) {
    if isFirstPage { return }
    try find(visitor, visitorHash)
  }

  private mutating func begin() throws(DiskFailure) {
    pageStart = 0
    duplicateCount = 0
    copyNumber = 0
    isFirstPage = true
    lastOffset = -1
    last.removeAll(keepingCapacity: true)
    try fill()
  }

  private mutating func skipRest() throws(DiskFailure) {
    guard visitorGoesOn else { return }
    while !merger.isAtEnd, isOfVisitor { try merger.advance() }
    visitorGoesOn = false
  }

  /// Whether the smallest record, which must be there, is the visitor's.
  private var isOfVisitor: Bool {
    mutating get { merger.smallestHash == visitorHash && merger.smallestIsOf(visitor) }
  }

  private mutating func fill() throws(DiskFailure) {
    // What the next record is compared with outlives its page.
    if lastOffset >= 0 {
      last = copy(StagedRecord(page.span, at: lastOffset).bytes)
      lastOffset = -1
    }
    page.removeAll()
    offsets.removeAll(keepingCapacity: true)
    while !merger.isAtEnd, isOfVisitor {
      if page.count >= pageBytes {
        visitorGoesOn = true
        return
      }
      take()
      try merger.advance()
    }
    visitorGoesOn = false
    duplicateCountOfVisitor = duplicateCount
  }

  /// Copies the smallest record into the page, unless it is identical with the one before.
  private mutating func take() {
    let offset = page.count
    merger.copySmallest(to: &page)
    if isIdenticalWithLast(offset) {
      guard identicalRows == .keep, StagedRecord(page.span, at: offset).flags.contains(.derivedID) else {
        duplicateCount += 1
        PagedWalker.note(page, at: offset, in: &derivedDuplicates)
        page.truncate(to: offset)
        return
      }
      // The number changes the copy's id, so what comes next is compared with the record as it was read.
      copyNumber += 1
      if lastOffset >= 0 { last = copy(StagedRecord(page.span, at: lastOffset).bytes) }
      lastOffset = -1
      renumber(at: offset)
    } else {
      copyNumber = 0
      lastOffset = offset
    }
    offsets.append(offset)
  }

  private static func note(_ page: borrowing ByteArena, at offset: Int, in duplicates: inout JudgeCounts.Tally) {
    duplicates.addDerived(page.span, at: offset)
  }

  private func isIdenticalWithLast(_ offset: Int) -> Bool {
    let record = StagedRecord(page.span, at: offset)
    if lastOffset >= 0 { return isIdentical(record, StagedRecord(page.span, at: lastOffset)) }
    return !last.isEmpty && isIdentical(record, StagedRecord(last.span))
  }

  private func isIdentical(_ one: borrowing StagedRecord, _ other: borrowing StagedRecord) -> Bool {
    one.timestamp == other.timestamp && order(one, other) == 0
  }

  /// Gives the record the UUIDv5 (without a namespace) of its id's text, `#`, and its number among identical rows.
  private mutating func renumber(at offset: Int) {
    let message = copy(StagedRecord(page.span, at: offset).eventID) + Array("#\(copyNumber)".utf8)
    var id = ByteArena(limit: 64)
    id.append(uuidOf: message.span)
    let start = StagedRecord(page.span, at: offset).eventIDStart + offset
    page.overwrite(at: start, with: id.span)
  }
}

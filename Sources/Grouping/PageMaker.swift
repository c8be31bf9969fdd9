package import Bytes
import Disk
import Vocabulary

/// Records of one visitor: all, or some of them when they are many.
package struct VisitorPage: ~Copyable, Sendable {
  package fileprivate(set) var bytes: ByteArena
  /// Where each record begins in `bytes`.
  fileprivate(set) var offsets: [Int] = []
  /// Records of the visitor before these.
  fileprivate(set) var start = 0
  /// Whether records of the visitor come behind these.
  fileprivate(set) var goesOn = false

  init(byteLimit: Int) { bytes = ByteArena(limit: byteLimit + 32 * Limits.rowBytes, reserving: 64 << 10) }
}

/// Makes the pages of visitors from sorted runs: each record once, or numbered.
///
/// After `nextVisitor` or `seek` call `fill` for each page, until one does not go on.
struct PageMaker: ~Copyable {
  private var merger: RunMerger
  private let pageBytes: Int
  private let identicalRows: IdenticalRows
  private var visitor: [UInt8] = []
  private var visitorHash: UInt64 = 0
  /// Records of the visitor handed out so far, and whether more come behind them.
  private var recordCount = 0
  private var visitorGoesOn = false
  /// Identical records taken out of the visitor; known when its last page has been made once.
  private(set) var duplicateCountOfVisitor = 0
  private(set) var derivedDuplicates = JudgeCounts.Tally()
  private var duplicateCount = 0
  /// How many of the visitor's records were seen when its pages were made before.
  private var knownCount = 0
  /// What the first record of a page is compared with: the last one taken, before a number changed its id.
  private var last: [UInt8] = []
  private var copyNumber = 0

  init(_ merger: consuming RunMerger, pageBytes: Int, identicalRows: IdenticalRows) throws(DiskFailure) {
    self.merger = merger
    self.pageBytes = pageBytes
    self.identicalRows = identicalRows
    try self.merger.seek(0)
  }

  /// Goes to the next visitor; nil at the end.
  mutating func nextVisitor() throws(DiskFailure) -> (visitor: [UInt8], hash: UInt64)? {
    if visitorGoesOn {
      while !merger.isAtEnd, isOfVisitor { try merger.advance() }
    }
    guard !merger.isAtEnd else {
      visitorGoesOn = false
      return nil
    }
    visitor = merger.smallestVisitor
    visitorHash = merger.smallestHash
    knownCount = 0
    begin()
    return (visitor, visitorHash)
  }

  /// Goes to a visitor, perhaps to the one at hand once more. Returns false when it is not there.
  mutating func seek(_ wanted: [UInt8], _ hash: UInt64, again: Bool) throws(DiskFailure) -> Bool {
    knownCount = again ? max(knownCount, recordCount + duplicateCount) : 0
    visitor = wanted
    visitorHash = hash
    visitorGoesOn = false
    try merger.seek(hash)
    while !merger.isAtEnd, merger.smallestHash == hash, !isOfVisitor { try merger.advance() }
    guard !merger.isAtEnd, isOfVisitor else { return false }
    begin()
    return true
  }

  private mutating func begin() {
    visitorGoesOn = true
    recordCount = 0
    duplicateCount = 0
    copyNumber = 0
    last.removeAll(keepingCapacity: true)
  }

  /// Whether the smallest record, which must be there, is the visitor's.
  private var isOfVisitor: Bool { merger.smallestHash == visitorHash && merger.smallestIsOf(visitor) }

  /// Makes the visitor's next page.
  mutating func fill(_ page: inout VisitorPage) throws(DiskFailure) {
    page.bytes.removeAll()
    page.offsets.removeAll(keepingCapacity: true)
    page.start = recordCount
    page.goesOn = false
    // Where in the page the record begins that the next one is compared with.
    var lastOffset = -1
    while !merger.isAtEnd, isOfVisitor {
      if page.bytes.count >= pageBytes {
        page.goesOn = true
        break
      }
      take(into: &page, &lastOffset)
      try merger.advance()
    }
    if page.goesOn, lastOffset >= 0 { last = copy(StagedRecord(page.bytes.span, at: lastOffset).bytes) }
    recordCount += page.offsets.count
    visitorGoesOn = page.goesOn
    if !page.goesOn { duplicateCountOfVisitor = duplicateCount }
  }

  /// Copies the smallest record into the page, unless it is identical with the one before.
  private mutating func take(into page: inout VisitorPage, _ lastOffset: inout Int) {
    let offset = page.bytes.count
    merger.copySmallest(to: &page.bytes)
    if isIdenticalWithLast(page, lastOffset, offset) {
      guard identicalRows == .keep, StagedRecord(page.bytes.span, at: offset).flags.contains(.derivedID) else {
        if recordCount + page.offsets.count + duplicateCount >= knownCount { derivedDuplicates.addDerived(page.bytes.span, at: offset) }
        duplicateCount += 1
        page.bytes.truncate(to: offset)
        return
      }
      // The number changes the copy's id, so what comes next is compared with the record as it was read.
      copyNumber += 1
      if lastOffset >= 0 { last = copy(StagedRecord(page.bytes.span, at: lastOffset).bytes) }
      lastOffset = -1
      PageMaker.renumber(&page, at: offset, copyNumber)
    } else {
      copyNumber = 0
      lastOffset = offset
    }
    page.offsets.append(offset)
  }

  private func isIdenticalWithLast(_ page: borrowing VisitorPage, _ lastOffset: Int, _ offset: Int) -> Bool {
    let record = StagedRecord(page.bytes.span, at: offset)
    if lastOffset >= 0 { return isIdentical(record, StagedRecord(page.bytes.span, at: lastOffset)) }
    return !last.isEmpty && isIdentical(record, StagedRecord(last.span))
  }

  private func isIdentical(_ one: borrowing StagedRecord, _ other: borrowing StagedRecord) -> Bool {
    one.timestamp == other.timestamp && order(one, other) == 0
  }

  /// Gives the record the UUIDv5 (without a namespace) of its id's text, `#`, and its number among identical rows.
  private static func renumber(_ page: inout VisitorPage, at offset: Int, _ number: Int) {
    let message = copy(StagedRecord(page.bytes.span, at: offset).eventID) + Array("#\(number)".utf8)
    var id = ByteArena(limit: 64)
    id.append(uuidOf: message.span)
    let start = StagedRecord(page.bytes.span, at: offset).eventIDStart + offset
    page.bytes.overwrite(at: start, with: id.span)
  }
}

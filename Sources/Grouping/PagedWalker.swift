import Bytes
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
/// records lie in `page.bytes`, at `offsets`, in the total order, duplicates taken out. While one page is looked at, the next ones are made by a
/// thread of its own.
///
///     while try walker.nextVisitor() {
///       repeat { for offset in walker.offsets { … } } while try walker.nextPage()
///       try walker.rewind()          // and again from the visitor's first page
///     }
///
/// Memory: two frames for each run, two to eight pages, and the largest record.
package struct PagedWalker: ~Copyable, VisitorPages {
  private var ahead: PagesAhead
  /// The page at hand.
  package private(set) var page: VisitorPage
  /// The JSON text of the visitor at hand.
  package private(set) var visitor: [UInt8] = []
  package private(set) var visitorHash: UInt64 = 0

  /// Opens the runs. `memoryBytes` are shared by frames and pages.
  package init(_ runs: [SortedRun], memoryBytes: Int, identicalRows: IdenticalRows) throws(DiskFailure) {
    let merger = try RunMerger(runs)
    let left = memoryBytes - merger.frameBytes
    let pageBytes = max(PagedWalker.fewestPageBytes, min(PagedWalker.mostPageBytes, left / 4))
    let pageCount = max(2, min(PagedWalker.mostPages, left / pageBytes))
    try self.init(merger, pageBytes: pageBytes, pagesAhead: pageCount - 1, identicalRows: identicalRows)
  }

  init(_ merger: consuming RunMerger, pageBytes: Int, pagesAhead: Int, identicalRows: IdenticalRows) throws(DiskFailure) {
    let maker = try PageMaker(merger, pageBytes: pageBytes, identicalRows: identicalRows)
    page = VisitorPage(byteLimit: pageBytes)
    ahead = PagesAhead(maker, pageCount: pagesAhead, pageBytes: pageBytes)
  }

  package static let fewestPageBytes = 1 << 20
  /// A page stays close to the processor, and a visitor of as much is one page.
  private static let mostPageBytes = 2 << 20
  /// So many pages bridge the time that the thread takes to sort a batch of frames, which then become pages at once.
  private static let mostPages = 8

  /// Where each record begins in the page.
  package var offsets: [Int] { page.offsets }
  /// Whether records of the visitor come behind the page.
  package var goesOn: Bool { page.goesOn }
  /// Records of the visitor before the page.
  package var pageStart: Int { page.start }
  /// Identical records taken out of the visitor; known when its last page has been read once.
  package var duplicateCountOfVisitor: Int { ahead.withMaker { $0.duplicateCountOfVisitor } }
  package var derivedDuplicates: JudgeCounts.Tally { ahead.withMaker { $0.derivedDuplicates } }

  /// Goes to the next visitor and reads its first page. Returns false at the end.
  package mutating func nextVisitor() throws(DiskFailure) -> Bool {
    ahead.end()
    guard let next = try ahead.withMaker({ maker throws(DiskFailure) in try maker.nextVisitor() }) else { return false }
    (visitor, visitorHash) = next
    try ahead.make(&page)
    return true
  }

  /// Goes to a visitor that is known to be there. Returns false when it is not.
  package mutating func seek(_ wanted: [UInt8]) throws(DiskFailure) -> Bool {
    try seek(wanted, Bytes.visitorHash(wanted.span), again: false)
  }

  private mutating func seek(_ wanted: [UInt8], _ hash: UInt64, again: Bool) throws(DiskFailure) -> Bool {
    ahead.end()
    (visitor, visitorHash) = (wanted, hash)
    guard try ahead.withMaker({ maker throws(DiskFailure) in try maker.seek(wanted, hash, again: again) }) else { return false }
    try ahead.make(&page)
    return true
  }

  /// Reads the visitor's next page. Returns false when there is none.
  package mutating func nextPage() throws(DiskFailure) -> Bool {
    guard page.goesOn else { return false }
    try ahead.take(&page)
    return !offsets.isEmpty
  }

  /// Goes back to the visitor's first page. Costs nothing when that is the page at hand.
  package mutating func rewind() throws(DiskFailure) {
    if pageStart == 0 { return }
    guard try seek(visitor, visitorHash, again: true) else {
      throw DiskFailure(.damaged, "staging", "a visitor that was read before is no longer there")
    }
  }
}

import Bytes
package import Disk
import Dispatch
import Foundation
import Synchronization
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
/// records lie in `page.bytes`, at `offsets`, in the total order, duplicates taken out. While one page is looked at, the next is made by a thread
/// of its own.
///
///     while try walker.nextVisitor() {
///       repeat { for offset in walker.offsets { … } } while try walker.nextPage()
///       try walker.rewind()          // and again from the visitor's first page
///     }
///
/// Memory: two frames for each run, two pages, and the largest record.
package struct PagedWalker: ~Copyable, VisitorPages {
  private let ahead: PageAhead
  /// The page at hand.
  package private(set) var page: VisitorPage
  /// Whether the next page is being made.
  private var isAhead = false
  /// The JSON text of the visitor at hand.
  package private(set) var visitor: [UInt8] = []
  package private(set) var visitorHash: UInt64 = 0

  /// Opens the runs. `memoryBytes` are shared by frames and pages.
  package init(_ runs: [SortedRun], memoryBytes: Int, identicalRows: IdenticalRows) throws(DiskFailure) {
    try self.init(runs, memoryBytes: memoryBytes, smallestPageBytes: 1 << 20, identicalRows: identicalRows)
  }

  /// `smallestPageBytes` is smaller only in tests.
  init(_ runs: [SortedRun], memoryBytes: Int, smallestPageBytes: Int, identicalRows: IdenticalRows) throws(DiskFailure) {
    let merger = try RunMerger(runs)
    let pageBytes = max(smallestPageBytes, min(PagedWalker.mostPageBytes, (memoryBytes - merger.frameBytes) / 4))
    let maker = try PageMaker(merger, pageBytes: pageBytes, identicalRows: identicalRows)
    page = VisitorPage(byteLimit: pageBytes)
    ahead = PageAhead(maker, VisitorPage(byteLimit: pageBytes))
  }

  /// A page stays close to the processor, and a visitor of as much is one page.
  private static let mostPageBytes = 2 << 20

  deinit { ahead.abandon() }

  /// Where each record begins in the page.
  package var offsets: [Int] { page.offsets }
  /// Records of the visitor before the page.
  package var pageStart: Int { page.start }
  /// Identical records taken out of the visitor; known when its last page has been read once.
  package var duplicateCountOfVisitor: Int { ahead.maker { $0.duplicateCountOfVisitor } }
  package var derivedDuplicates: JudgeCounts.Tally { ahead.maker { $0.derivedDuplicates } }

  /// Goes to the next visitor and reads its first page. Returns false at the end.
  package mutating func nextVisitor() throws(DiskFailure) -> Bool {
    endAhead()
    guard let next = try ahead.maker({ maker throws(DiskFailure) in try maker.nextVisitor() }) else { return false }
    (visitor, visitorHash) = next
    try makePage()
    return true
  }

  /// Goes to a visitor that is known to be there. Returns false when it is not.
  package mutating func seek(_ wanted: [UInt8]) throws(DiskFailure) -> Bool {
    try seek(wanted, Bytes.visitorHash(wanted.span), again: false)
  }

  private mutating func seek(_ wanted: [UInt8], _ hash: UInt64, again: Bool) throws(DiskFailure) -> Bool {
    endAhead()
    (visitor, visitorHash) = (wanted, hash)
    guard try ahead.maker({ maker throws(DiskFailure) in try maker.seek(wanted, hash, again: again) }) else { return false }
    try makePage()
    return true
  }

  /// Reads the visitor's next page. Returns false when there is none.
  package mutating func nextPage() throws(DiskFailure) -> Bool {
    guard page.goesOn else { return false }
    guard isAhead else { throw DiskFailure(.damaged, "staging", "a visitor whose page was not read has no next one") }
    isAhead = false
    try ahead.take(&page)
    isAhead = page.goesOn
    return !offsets.isEmpty
  }

  /// Goes back to the visitor's first page. Costs nothing when that is the page at hand.
  package mutating func rewind() throws(DiskFailure) {
    if pageStart == 0 { return }
    guard try seek(visitor, visitorHash, again: true) else {
      throw DiskFailure(.damaged, "staging", "a visitor that was read before is no longer there")
    }
  }

  private mutating func makePage() throws(DiskFailure) {
    try ahead.make(&page)
    isAhead = page.goesOn
  }

  /// Waits for a page that is of no use any more.
  private mutating func endAhead() {
    if isAhead { ahead.wait() }
    isAhead = false
  }
}

/// Makes the next page of a visitor on a thread of its own, which begins with the first visitor of several pages.
private final class PageAhead: Sendable {
  private struct State: ~Copyable {
    var maker: PageMaker
    var page: VisitorPage
    var failure: DiskFailure?
    var isRunning = false
    var isAbandoned = false
  }

  private let state: Mutex<State>
  private let wanted = DispatchSemaphore(value: 0)
  private let made = DispatchSemaphore(value: 0)

  init(_ maker: consuming sending PageMaker, _ page: consuming sending VisitorPage) {
    state = Mutex(State(maker: maker, page: page))
  }

  func maker<Value: Sendable, Failure: Error>(_ use: (inout PageMaker) throws(Failure) -> Value) throws(Failure) -> Value {
    try state.withLock { state throws(Failure) in try use(&state.maker) }
  }

  /// Makes a page here, and the next one ahead.
  func make(_ page: inout VisitorPage) throws(DiskFailure) {
    try state.withLock { state throws(DiskFailure) in try state.maker.fill(&page) }
    if page.goesOn { begin() }
  }

  /// Waits for the page that was made ahead, in exchange for one that has served, and makes the next.
  func take(_ page: inout VisitorPage) throws(DiskFailure) {
    wait()
    try state.withLock { state throws(DiskFailure) in
      if let failure = state.failure { throw failure }
      swap(&page, &state.page)
    }
    if page.goesOn { begin() }
  }

  func wait() { made.wait() }

  func abandon() {
    state.withLock { $0.isAbandoned = true }
    wanted.signal()
  }

  private func begin() {
    let isRunning = state.withLock { state in
      defer { state.isRunning = true }
      return state.isRunning
    }
    wanted.signal()
    if isRunning { return }
    let thread = Thread { [self] in run() }
    thread.name = "pages"
    thread.stackSize = 1 << 20
    thread.start()
  }

  private func run() {
    while true {
      wanted.wait()
      let isAbandoned = state.withLock { state in
        if state.isAbandoned { return true }
        do throws(DiskFailure) {
          try state.maker.fill(&state.page)
          state.failure = nil
        } catch {
          state.failure = error
        }
        return false
      }
      if isAbandoned { return }
      made.signal()
    }
  }
}

import Disk
import Dispatch
import Foundation
import Synchronization

/// Makes a visitor's next pages on a thread of its own, which begins with the first visitor of several pages.
///
/// The pages lie in a ring of slots. Each slot is in turn wanted of the thread and given back, so that its one user is always known:
///
///     caller   page 3 │ 4 │ …                  takes a page in exchange for the one that has served, and wants its slot filled again
///     thread            5 │ 6 │ 7 │ …          fills the slots that are wanted, as they follow; behind the last page it only gives them back
struct PagesAhead: ~Copyable {
  private let thread: PageThread
  /// Slots that are wanted and were not taken back yet, and the first of them.
  private var wantedCount = 0
  private var first = 0

  init(_ maker: consuming sending PageMaker, pageCount: Int, pageBytes: Int) {
    thread = PageThread(maker, (0..<pageCount).map { _ in PageSlot(pageBytes: pageBytes) })
  }

  deinit { thread.abandon() }

  /// Uses the maker while no page is made ahead.
  func withMaker<Value: Sendable, Failure: Error>(_ use: (inout PageMaker) throws(Failure) -> Value) throws(Failure) -> Value {
    try thread.maker.withLock { maker throws(Failure) in try use(&maker) }
  }

  /// Makes a visitor's first page here, and the next ones ahead.
  mutating func make(_ page: inout VisitorPage) throws(DiskFailure) {
    precondition(wantedCount == 0)
    try withMaker { maker throws(DiskFailure) in try maker.fill(&page) }
    guard page.goesOn else { return }
    thread.begin()
    while wantedCount < thread.slots.count { want() }
  }

  /// Waits for the next page, which must have been announced, in exchange for one that has served.
  mutating func take(_ page: inout VisitorPage) throws(DiskFailure) {
    guard wantedCount > 0 else { throw DiskFailure(.damaged, "staging", "a visitor whose page was not read has no next one") }
    do throws(DiskFailure) {
      try takeBack { slot throws(DiskFailure) in
        if let failure = slot.failure { throw failure }
        swap(&page, &slot.page)
      }
    } catch {
      end()
      throw error
    }
    if page.goesOn { want() } else { end() }
  }

  /// Gives up the pages that are made ahead.
  mutating func end() {
    if wantedCount == 0 { return }
    thread.end()
    while wantedCount > 0 { takeBack { _ in } }
  }

  private mutating func want() {
    wantedCount += 1
    thread.wanted.signal()
  }

  private mutating func takeBack<Failure: Error>(_ use: (inout PageSlot.Contents) throws(Failure) -> Void) throws(Failure) {
    thread.filled.wait()
    let slot = thread.slots[first]
    wantedCount -= 1
    first = (first + 1) % thread.slots.count
    try slot.contents.withLock { contents throws(Failure) in try use(&contents) }
  }
}

/// Where a page is handed over.
private final class PageSlot: Sendable {
  struct Contents: ~Copyable {
    var page: VisitorPage
    var failure: DiskFailure?
  }

  let contents: Mutex<Contents>

  init(pageBytes: Int) { contents = Mutex(Contents(page: VisitorPage(byteLimit: pageBytes))) }
}

/// The thread, and what it shares with its caller.
private final class PageThread: Sendable {
  private struct State {
    var isRunning = false
    var isAbandoned = false
    /// Whether the visitor has no more pages to be made.
    var isOver = false
  }

  let maker: Mutex<PageMaker>
  let slots: [PageSlot]
  let wanted = DispatchSemaphore(value: 0)
  let filled = DispatchSemaphore(value: 0)
  private let state = Mutex(State())

  init(_ maker: consuming sending PageMaker, _ slots: [PageSlot]) {
    self.maker = Mutex(maker)
    self.slots = slots
  }

  /// Another visitor begins.
  func begin() {
    let isRunning = state.withLock { state in
      defer { state.isRunning = true }
      state.isOver = false
      return state.isRunning
    }
    if isRunning { return }
    let thread = Thread { [self] in run() }
    thread.name = "pages"
    thread.stackSize = 1 << 20
    thread.start()
  }

  func end() { state.withLock { $0.isOver = true } }

  func abandon() {
    state.withLock { $0.isAbandoned = true }
    wanted.signal()
  }

  private func run() {
    var at = 0
    while true {
      wanted.wait()
      let (isAbandoned, isOver) = state.withLock { ($0.isAbandoned, $0.isOver) }
      if isAbandoned { return }
      if !isOver, !fill(slots[at]) { end() }
      at = (at + 1) % slots.count
      filled.signal()
    }
  }

  /// Returns whether there is another page behind this one.
  private func fill(_ slot: PageSlot) -> Bool {
    slot.contents.withLock { contents in
      do throws(DiskFailure) {
        try maker.withLock { maker throws(DiskFailure) in try maker.fill(&contents.page) }
        contents.failure = nil
        return contents.page.goesOn
      } catch {
        contents.failure = error
        return false
      }
    }
  }
}

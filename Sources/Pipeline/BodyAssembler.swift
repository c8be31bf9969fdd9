import Bytes
import Checkpointing
import Chunking
import Disk
import EventAPI
import Grouping
import Vocabulary

/// Writes planned bodies from staging, in order, each from its first key: the walk of planning once more, now with text.
///
/// A body that begins where the last one ended costs what it holds; any other is found by the index of the sorted runs, and by judging its
/// first visitor.
struct BodyAssembler: ~Copyable {
  private let settings: RunSettings
  private var walker: VisitorWalker
  private var judge: VisitorJudge
  private var known: LedgerFilter
  private var composer: BodyComposer
  private var ledger = LedgerCollector()
  /// The next record of the page at hand; nil before the first visitor.
  private var at: Int?

  init(
    _ runs: [SortedRun], settings: RunSettings, memoryBytes: Int, known: LedgerFilter
  ) throws(DiskFailure) {
    self.settings = settings
    walker = try VisitorWalker(runs, memoryBytes: memoryBytes, identicalRows: settings.identicalRows)
    judge = VisitorJudge(settings.rules, memoryBytes: memoryBytes / 4)
    self.known = known
    composer = BodyComposer(settings.body, limit: settings.bodyLimit)
  }

  /// Writes a body. Bodies must be asked for in ascending order. Returns its bytes and its ledger entries; throws 76 when staging no longer
  /// gives what was planned.
  mutating func compose(_ body: BodyRow) throws(RunFailure) -> (bytes: [UInt8], ledger: LedgerEntries) {
    do {
      try goTo(body)
      var isLast = false
      while !isLast {
        if !(try pageHasRecord()) {
          guard try walker.nextVisitor() else { throw mismatch(body) }
          try beginVisitor()
          continue
        }
        let ordinal = walker.pageStart + at!
        isLast = ordinal == body.lastIndex && walker.visitor == body.lastVisitor
        if judge.fates[ordinal] == .kept { BodyAssembler.append(walker, at!, to: &composer, &ledger) }
        at! += 1
      }
      let entries = ledger.finish()
      let bytes = composer.finish()
      guard bytes.count == body.byteCount else { throw mismatch(body) }
      return (bytes, entries)
    } catch let failure as DiskFailure {
      throw stagingFailure(failure)
    } catch let failure as RunFailure {
      throw failure
    } catch {
      throw RunFailure(.bug, "\(error)")
    }
  }

  private static func append(
    _ walker: borrowing VisitorWalker, _ at: Int, to composer: inout BodyComposer, _ ledger: inout LedgerCollector
  ) {
    let record = StagedRecord(walker.page.span, at: walker.offsets[at])
    composer.append(record)
    ledger.add(record)
  }

  /// Goes to the body's first record, from where the last body ended when the visitor is the same.
  private mutating func goTo(_ body: BodyRow) throws {
    if at != nil, try pageHasRecord() {
      // Inside a visitor: the next body goes on here, or further on in the same visitor.
    } else if at != nil, try walker.nextVisitor() {
      try beginVisitor()
    }
    let isThere = try at != nil && walker.visitor == body.firstVisitor && pageHasRecord() && walker.pageStart + at! <= body.firstIndex
    if !isThere {
      guard try walker.seek(body.firstVisitor) else { throw mismatch(body) }
      try beginVisitor()
    }
    while walker.pageStart + at! < body.firstIndex {
      at! += 1
      guard try pageHasRecord() else { throw mismatch(body) }
    }
  }

  /// Whether the visitor at hand has a record at `at`, reading its next page when needed.
  private mutating func pageHasRecord() throws(DiskFailure) -> Bool {
    guard let place = at else { return false }
    if place < walker.offsets.count { return true }
    guard try walker.nextPage() else { return false }
    at = 0
    return true
  }

  private mutating func beginVisitor() throws {
    try judge.judge(&walker, known: &known)
    composer.begin()
    at = 0
    try walker.eachPage { page, offsets, start throws(RunFailure) in
      for at in offsets.indices where judge.fates[start + at].stands {
        let record = StagedRecord(page, at: offsets[at])
        if record.isDecision, !settings.body.enrichDecisions { composer.learn(record) }
        if judge.fates[start + at] == .kept, !composer.fits(record, limit: settings.bodyLimit) { judge.markTooLarge(start + at) }
      }
    }
  }

  private func mismatch(_ body: BodyRow) -> RunFailure {
    RunFailure(
      .stagingDamaged,
      "body \(body.number) is no longer what was planned; the staged records have changed; import the same inputs again to go on")
  }
}

import Bytes
import Checkpointing
import Grouping
import Vocabulary

/// What the ledger knew when a run was planned, read by merging its slices in the order of visitor hashes.
///
/// A slice is opened when the walk reaches its first hash and closed behind its last. Its index tells which visitors it may know, and only
/// their parts are read: one by one, or ahead when one follows the other. Memory: of each open slice its index and up to 16 pages, and the
/// events of one visitor.
struct LedgerFilter {
  private struct OpenSlice {
    var slice: LedgerSlice
    var index: SliceIndex
    /// For each number of a run whether its entries stood when the run was planned; nil when all of the slice did.
    var stood: [Bool]?
    /// The entries of the parts from `firstPart` up to `endPart`, and where the next one to look at begins.
    var entries: [UInt8] = []
    var firstPart = 0
    var endPart = 0
    var at = 0
    /// How many parts are read at once when one follows the other.
    var stride = 1
    /// Whether it has more of the visitor at hand, from `at` on.
    var holdsMore = false
  }

  private static let mostPartsAtOnce = 16

  private let checkpoint: Checkpoint
  private let account: String
  private let endpoint: String
  private let mark: Int64
  private let later: RunID?
  private let run: RunID?
  private var waiting: [LedgerSlice] = []
  private var lastListed: LedgerSlice?
  private var isEndOfList: Bool
  private var open: [OpenSlice] = []
  private var hash: UInt64?
  private var names: VariationNames

  /// What slices up to `mark` know; only those of a run when one is given. After the run `later` is complete, entries of those before it may
  /// have been merged into slices above the mark.
  init(_ checkpoint: Checkpoint, account: String, endpoint: String, mark: Int64, before later: RunID? = nil, of run: RunID? = nil) {
    self.checkpoint = checkpoint
    names = VariationNames(checkpoint)
    self.account = account
    self.endpoint = endpoint
    self.mark = mark
    self.later = later
    self.run = run
    isEndOfList = mark == 0
  }

  /// What is known of a visitor hash, as far as the ids lie in a range. Hashes are asked for in ascending order, the ranges of one hash too.
  mutating func known(of visitorHash: UInt64, ids: ClosedRange<UInt64>) throws(RunFailure) -> KnownVisitor {
    var known = KnownVisitor()
    if isEndOfList, waiting.isEmpty, open.isEmpty { return known }
    do throws(CheckpointFailure) {
      if hash != visitorHash { try go(to: visitorHash) }
      for at in open.indices where open[at].holdsMore {
        try LedgerFilter.take(&open[at], visitorHash, ids, into: &known, &names, checkpoint)
      }
    } catch {
      throw error.runFailure
    }
    return known
  }

  private mutating func go(to visitorHash: UInt64) throws(CheckpointFailure) {
    precondition(hash ?? 0 <= visitorHash, "visitors are asked for in the order of their hashes")
    hash = visitorHash
    try openSlices(upTo: visitorHash)
    if open.contains(where: { $0.slice.lastHash < visitorHash }) { open.removeAll { $0.slice.lastHash < visitorHash } }
    for at in open.indices {
      open[at].holdsMore = open[at].index.mayHold(visitorHash)
      if open[at].holdsMore { try LedgerFilter.seek(&open[at], visitorHash, checkpoint) }
    }
  }

  private mutating func openSlices(upTo visitorHash: UInt64) throws(CheckpointFailure) {
    while true {
      if waiting.isEmpty {
        guard !isEndOfList else { return }
        waiting = try checkpoint.ledgerSlices(
          account: account, endpoint: endpoint, upTo: mark, before: later, of: run, after: lastListed, limit: 256
        ).reversed()
        isEndOfList = waiting.isEmpty
        lastListed = waiting.first ?? lastListed
        continue
      }
      guard let next = waiting.last, next.firstHash <= visitorHash else { return }
      waiting.removeLast()
      if next.lastHash >= visitorHash {
        open.append(OpenSlice(slice: next, index: try checkpoint.ledgerIndex(next), stood: try stood(next)))
      }
    }
  }

  /// By number of run; 0 is for what came from other checkpoints, of which nobody knows when.
  private func stood(_ slice: LedgerSlice) throws(CheckpointFailure) -> [Bool]? {
    guard slice.id > mark, let later else { return nil }
    return try [false] + checkpoint.ledgerRuns(slice).map { $0 < later }
  }

  /// Goes to the first entry whose hash is the visitor's or greater.
  private static func seek(_ open: inout OpenSlice, _ visitorHash: UInt64, _ checkpoint: Checkpoint) throws(CheckpointFailure) {
    let part = open.index.part(of: visitorHash)
    if part < open.firstPart || part >= open.endPart {
      // Reading on where the last reading ended goes ever faster; anything else begins small.
      open.stride = part == open.endPart && part > 0 ? min(open.stride * 2, LedgerFilter.mostPartsAtOnce) : 1
      try load(&open, part, checkpoint)
    }
    let start = (part - open.firstPart) * SliceIndex.partEntries
    var low = max(start, open.at / LedgerEntry.byteCount)
    var high = open.entries.count / LedgerEntry.byteCount
    while low < high {
      let middle = (low + high) / 2
      if load64(open.entries.span, middle * LedgerEntry.byteCount).byteSwapped < visitorHash { low = middle + 1 } else { high = middle }
    }
    open.at = low * LedgerEntry.byteCount
  }

  private static func load(_ open: inout OpenSlice, _ part: Int, _ checkpoint: Checkpoint) throws(CheckpointFailure) {
    open.entries = try checkpoint.ledgerParts(open.slice, from: part, count: open.stride)
    open.firstPart = part
    open.endPart = part + (open.entries.count / LedgerEntry.byteCount + SliceIndex.partEntries - 1) / SliceIndex.partEntries
    open.at = 0
  }

  private static func take(
    _ open: inout OpenSlice, _ hash: UInt64, _ ids: ClosedRange<UInt64>, into known: inout KnownVisitor, _ names: inout VariationNames,
    _ checkpoint: Checkpoint
  ) throws(CheckpointFailure) {
    while true {
      if open.at == open.entries.count {
        guard open.index.begins(open.endPart, upTo: hash) else { break }
        open.stride = min(open.stride * 2, LedgerFilter.mostPartsAtOnce)
        try load(&open, open.endPart, checkpoint)
      }
      let entry = LedgerEntry(open.entries.span, at: open.at)
      guard entry.visitorHash == hash else { break }
      guard entry.id <= ids.upperBound else { return }
      open.at += LedgerEntry.byteCount
      guard entry.id >= ids.lowerBound else { continue }
      if let stood = open.stood, !(entry.run < stood.count && stood[entry.run]) { continue }
      known.events.append(KnownEvent(id: entry.id, content: entry.content))
      if entry.variation > 0, let variation = try names.variation(entry.variation) {
        known.decisions.append(
          KnownDecision(id: entry.id, variation: variation, isHeldBack: entry.isHeldBack, timestamp: entry.timestamp))
      }
    }
    open.holdsMore = false
  }
}

/// What the numbers of variations stand for, as far as they were asked for.
private struct VariationNames {
  private static let mostVariations = 10_000

  private let checkpoint: Checkpoint
  private var variations: [Int: KnownVariation] = [:]

  init(_ checkpoint: Checkpoint) { self.checkpoint = checkpoint }

  mutating func variation(_ number: Int) throws(CheckpointFailure) -> KnownVariation? {
    if let known = variations[number] { return known }
    guard let stored = try checkpoint.ledgerVariation(number) else { return nil }
    let known = KnownVariation(campaign: stored.campaign, experiment: stored.experiment, variation: stored.variation)
    if variations.count == VariationNames.mostVariations { variations.removeAll() }
    variations[number] = known
    return known
  }
}

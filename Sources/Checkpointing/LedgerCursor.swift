internal import Bytes

/// Reads slices by merging: all their entries in the order of visitor hash and id.
///
/// A slice is opened when its first hash is reached. Memory: a few pages of each open slice.
struct LedgerCursor: ~Copyable {
  private struct Open {
    var slice: LedgerSlice
    /// What the entries' numbers of runs become.
    var runs: [Int]
    var entries: [UInt8] = []
    var at = 0
    var nextPart = 0
    /// Hash and id of the entry at `at`.
    var hash: UInt64 = 0
    var id: UInt64 = 0
  }

  private static let partsAtATime = 16

  private let checkpoint: Checkpoint
  /// By first hash, descending.
  private var waiting: [(slice: LedgerSlice, runs: [Int])]
  private var open: [Open] = []

  /// `runs` says for each slice what the entries' numbers of runs become; 0 stays.
  init(_ slices: [(slice: LedgerSlice, runs: [Int])], _ checkpoint: Checkpoint) {
    waiting = slices.sorted { ($0.slice.firstHash, $0.slice.id) > ($1.slice.firstHash, $1.slice.id) }
    self.checkpoint = checkpoint
  }

  /// Hash and id of the next entry; nil at the end.
  mutating func peek() throws(CheckpointFailure) -> (hash: UInt64, id: UInt64)? {
    guard let least = try least() else { return nil }
    return (open[least].hash, open[least].id)
  }

  /// Appends the next entry to `entries`. Returns false at the end.
  mutating func take(into entries: inout [UInt8]) throws(CheckpointFailure) -> Bool {
    guard let least = try least() else { return false }
    let start = entries.count
    let end = open[least].at + LedgerEntry.byteCount
    LedgerCursor.append(open[least].entries, open[least].at..<end, to: &entries)
    let run = LedgerEntry(entries.span, at: start).run
    let number = run < open[least].runs.count ? open[least].runs[run] : 0
    if number != run { LedgerEntry.set(run: number, in: &entries, at: start) }
    open[least].at = end
    if try !LedgerCursor.advance(&open[least], checkpoint) { open.remove(at: least) }
    return true
  }

  private static func append(_ bytes: [UInt8], _ range: Range<Int>, to entries: inout [UInt8]) {
    Bytes.append(bytes.span.extracting(range), to: &entries)
  }

  private mutating func least() throws(CheckpointFailure) -> Int? {
    var least = LedgerCursor.least(open)
    while let next = waiting.last, least.map({ next.slice.firstHash <= open[$0].hash }) ?? true {
      waiting.removeLast()
      var opened = Open(slice: next.slice, runs: next.runs)
      if try LedgerCursor.advance(&opened, checkpoint) { open.append(opened) }
      least = LedgerCursor.least(open)
    }
    return least
  }

  private static func least(_ open: [Open]) -> Int? {
    guard var least = open.indices.first else { return nil }
    for at in open.indices.dropFirst()
    where open[at].hash < open[least].hash || open[at].hash == open[least].hash && open[at].id < open[least].id {
      least = at
    }
    return least
  }

  /// Looks at the entry at hand, reading on where there is none. Returns false at the end.
  private static func advance(_ open: inout Open, _ checkpoint: Checkpoint) throws(CheckpointFailure) -> Bool {
    if open.at == open.entries.count {
      guard open.nextPart < open.slice.partCount else { return false }
      open.entries = try checkpoint.ledgerParts(open.slice, from: open.nextPart, count: LedgerCursor.partsAtATime)
      open.nextPart += LedgerCursor.partsAtATime
      open.at = 0
    }
    open.hash = load64(open.entries.span, open.at).byteSwapped
    open.id = load64(open.entries.span, open.at + 8).byteSwapped
    return true
  }
}

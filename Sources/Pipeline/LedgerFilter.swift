import Bytes
import Checkpointing
import Grouping
import Vocabulary

/// What the ledger knew when a run was planned, read by merging its slices in the order of visitor hashes.
///
///     entry   u64 visitor hash · 128 bits digest of the event id · u64 digest of the content, each highest byte first
///
/// A slice is opened when the walk reaches its first hash and closed behind its last. Memory: one part of each open slice, and the events
/// of one visitor.
struct LedgerFilter {
  private struct Entry {
    var visitorHash: UInt64
    var event: KnownEvent

    init(_ bytes: Span<UInt8>, at offset: Int) {
      visitorHash = load64(bytes, offset).byteSwapped
      event = KnownEvent(
        id: Digest(high: load64(bytes, offset + 8).byteSwapped, low: load64(bytes, offset + 16).byteSwapped),
        content: load64(bytes, offset + 24).byteSwapped)
    }
  }

  private struct OpenSlice {
    var slice: LedgerSlice
    /// The entries at hand, and which of them is next.
    var entries: [UInt8] = []
    var at = 0
    var nextEntry = 0
  }

  private let checkpoint: Checkpoint
  private let account: String
  private let endpoint: String
  private let mark: Int64
  private var waiting: [LedgerSlice] = []
  private var lastRead: LedgerSlice?
  private var isEndOfIndex: Bool
  private var open: [OpenSlice] = []
  /// The events of the hash asked for last: a visitor may be asked for in several ranges of ids.
  private var hash: UInt64?
  private var events: [KnownEvent] = []

  init(_ checkpoint: Checkpoint, account: String, endpoint: String, mark: Int64) {
    self.checkpoint = checkpoint
    self.account = account
    self.endpoint = endpoint
    self.mark = mark
    isEndOfIndex = mark == 0
  }

  /// The events of a visitor hash whose id digests lie in a range of high words. Hashes are asked for in ascending order, the ranges of one
  /// hash too.
  mutating func events(of visitorHash: UInt64, ids: ClosedRange<UInt64>) throws(RunFailure) -> [KnownEvent] {
    if isEndOfIndex, waiting.isEmpty, open.isEmpty, hash != visitorHash { return [] }
    do throws(CheckpointFailure) {
      if hash != visitorHash { try collect(visitorHash) }
    } catch {
      throw error.runFailure
    }
    if ids == 0...UInt64.max { return events }
    return events.filter { ids.contains($0.id.high) }
  }

  private mutating func collect(_ visitorHash: UInt64) throws(CheckpointFailure) {
    precondition(hash ?? 0 <= visitorHash, "visitors are asked for in the order of their hashes")
    hash = visitorHash
    events.removeAll(keepingCapacity: true)
    try openSlices(upTo: visitorHash)
    var kept = 0
    for at in open.indices {
      var slice = open[at]
      let isExhausted = try read(&slice, visitorHash)
      if !isExhausted {
        open[kept] = slice
        kept += 1
      }
    }
    open.removeLast(open.count - kept)
  }

  private mutating func openSlices(upTo visitorHash: UInt64) throws(CheckpointFailure) {
    while true {
      if waiting.isEmpty {
        guard !isEndOfIndex else { return }
        waiting = try checkpoint.ledgerSlices(account: account, endpoint: endpoint, upTo: mark, after: lastRead, limit: 256).reversed()
        isEndOfIndex = waiting.isEmpty
        lastRead = waiting.first ?? lastRead
        continue
      }
      guard let next = waiting.last, next.firstHash <= visitorHash else { return }
      waiting.removeLast()
      if next.lastHash >= visitorHash { open.append(OpenSlice(slice: next)) }
    }
  }

  /// Takes the entries of the hash and passes those before it. Returns whether nothing is left.
  private mutating func read(_ open: inout OpenSlice, _ visitorHash: UInt64) throws(CheckpointFailure) -> Bool {
    while true {
      if open.at == open.entries.count {
        guard open.nextEntry < open.slice.entryCount else { return true }
        open.entries = try checkpoint.ledgerEntries(open.slice.id, from: open.nextEntry, count: Checkpoint.partEntries)
        open.nextEntry += Checkpoint.partEntries
        open.at = 0
      }
      let entry = Entry(open.entries.span, at: open.at)
      if entry.visitorHash > visitorHash { return false }
      if entry.visitorHash == visitorHash { events.append(entry.event) }
      open.at += CheckpointFormat.entryBytes
    }
  }
}

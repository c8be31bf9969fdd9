import Bytes
import Checkpointing
import Grouping

/// What the ledger remembers of an event.
struct EventMark: Sendable {
  var id: Digest
  var content: UInt64

  init(_ record: borrowing StagedRecord) {
    id = Digest(record.eventID)
    content = contentDigest(record)
  }
}

/// Ledger entries as they are kept: in the order of visitor hashes, those of one visitor in the order of ids.
///
///     entry   u64 visitor hash · 128 bits digest of the event id · u64 digest of the content, each highest byte first
struct LedgerCollector: ~Copyable {
  private var entries = ByteArena(limit: 1 << 40)
  /// Of the visitor at hand.
  private var hash: UInt64 = 0
  private var marks: [EventMark] = []

  /// Adds an event of a visitor, who is the one at hand or one with a greater hash.
  mutating func add(_ hash: UInt64, _ mark: EventMark) {
    if hash != self.hash { begin(hash) }
    marks.append(mark)
  }

  /// Adds entries that are written already, of visitors behind the one at hand.
  mutating func add(_ written: Span<UInt8>) {
    guard written.count > 0 else { return }
    endVisitor()
    precondition(load64(written, 0).byteSwapped >= hash, "a body's records lie in the order of their visitors' hashes")
    hash = load64(written, written.count - CheckpointFormat.entryBytes).byteSwapped
    entries.append(written)
  }

  /// Calls `use` with all entries, and begins anew.
  mutating func finish<Value>(_ use: (Span<UInt8>) -> Value) -> Value {
    endVisitor()
    let value = use(entries.span)
    entries.removeAll()
    hash = 0
    return value
  }

  private mutating func begin(_ hash: UInt64) {
    precondition(self.hash <= hash, "a body's records lie in the order of their visitors' hashes")
    endVisitor()
    self.hash = hash
  }

  private mutating func endVisitor() {
    if marks.count > 1 { marks.sort { ($0.id.high, $0.id.low) < ($1.id.high, $1.id.low) } }
    for mark in marks {
      let start = entries.appendZeros(CheckpointFormat.entryBytes)
      entries.store(hash.byteSwapped, at: start)
      entries.store(mark.id.high.byteSwapped, at: start + 8)
      entries.store(mark.id.low.byteSwapped, at: start + 16)
      entries.store(mark.content.byteSwapped, at: start + 24)
    }
    marks.removeAll(keepingCapacity: true)
  }
}

extension LedgerEntries {
  /// The entries of one body. Of one without events there are none.
  init(_ entries: Span<UInt8>) {
    precondition(entries.count > 0, "a body has an event")
    self.init(
      firstHash: load64(entries, 0).byteSwapped, lastHash: load64(entries, entries.count - CheckpointFormat.entryBytes).byteSwapped,
      entries: copy(entries))
  }
}

/// The visitor hash of the ledger entry that begins at `offset`.
func ledgerHash(_ entries: Span<UInt8>, _ offset: Int) -> UInt64 { load64(entries, offset).byteSwapped }

/// The digest of the event id of the ledger entry that begins at `offset`.
func ledgerEvent(_ entries: Span<UInt8>, _ offset: Int) -> Digest {
  Digest(high: load64(entries, offset + 8).byteSwapped, low: load64(entries, offset + 16).byteSwapped)
}

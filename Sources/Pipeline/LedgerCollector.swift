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

/// The ledger entries of one body, collected while it is composed: in the order of visitor hashes.
struct LedgerCollector {
  private var hashes: [UInt64] = []
  private var marks: [EventMark] = []

  mutating func add(_ hash: UInt64, _ mark: EventMark) {
    precondition(hashes.last ?? 0 <= hash, "a body's records lie in the order of their visitors' hashes")
    hashes.append(hash)
    marks.append(mark)
  }

  /// The entries in the order of hash and id, and begins anew.
  mutating func finish() -> LedgerEntries {
    sortByID()
    var bytes = ByteArena(limit: hashes.count * CheckpointFormat.entryBytes + 64, reserving: hashes.count * CheckpointFormat.entryBytes)
    for (hash, mark) in zip(hashes, marks) {
      let start = bytes.appendZeros(CheckpointFormat.entryBytes)
      bytes.store(hash.byteSwapped, at: start)
      bytes.store(mark.id.high.byteSwapped, at: start + 8)
      bytes.store(mark.id.low.byteSwapped, at: start + 16)
      bytes.store(mark.content.byteSwapped, at: start + 24)
    }
    let result = LedgerEntries(firstHash: hashes.first!, lastHash: hashes.last!, entries: copy(bytes.span))
    hashes.removeAll(keepingCapacity: true)
    marks.removeAll(keepingCapacity: true)
    return result
  }

  /// Sorts the marks of each visitor, mostly a few.
  private mutating func sortByID() {
    var start = 0
    while start < hashes.count {
      var end = start + 1
      while end < hashes.count, hashes[end] == hashes[start] { end += 1 }
      if end - start > 1 { marks[start..<end].sort { ($0.id.high, $0.id.low) < ($1.id.high, $1.id.low) } }
      start = end
    }
  }
}

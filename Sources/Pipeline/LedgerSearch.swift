import Bytes
import Checkpointing
import Vocabulary

/// Looks for accepted events in the ledger: by visitor, by event id, or both.
///
/// Memory: a few parts of one slice.
struct LedgerSearch {
  /// An accepted event, and the run whose receipt brought it.
  struct Sighting {
    var run: RunID
    var visitorHash: UInt64
    var event: Digest
  }

  private let checkpoint: Checkpoint
  private let account: String
  private let endpoint: String

  init(_ checkpoint: Checkpoint, account: String, endpoint: String) {
    self.checkpoint = checkpoint
    self.account = account
    self.endpoint = endpoint
  }

  /// Calls `body` with each entry that has the visitor hash and the event id, where named, in slices up to `mark`.
  func each(
    upTo mark: Int64 = .max, visitorHash: UInt64?, event: Digest?, _ body: (Sighting) -> Void
  ) throws(RunFailure) {
    try guarding { () throws(CheckpointFailure) in
      var last: LedgerSlice?
      while true {
        let slices = try checkpoint.ledgerSlices(account: account, endpoint: endpoint, upTo: mark, after: last, limit: 256)
        guard let end = slices.last else { return }
        for slice in slices {
          // Slices come in the order of their first hashes.
          if let visitorHash, slice.firstHash > visitorHash { return }
          if let visitorHash, slice.lastHash < visitorHash { continue }
          try look(into: slice, visitorHash, event, body)
        }
        last = end
      }
    }
  }

  private func look(
    into slice: LedgerSlice, _ visitorHash: UInt64?, _ event: Digest?, _ body: (Sighting) -> Void
  ) throws(CheckpointFailure) {
    let chunk = 8 * Checkpoint.partEntries
    var run: RunID?
    for start in stride(from: 0, to: slice.entryCount, by: chunk) {
      let entries = try checkpoint.ledgerEntries(slice.id, from: start, count: chunk)
      for at in stride(from: 0, to: entries.count, by: CheckpointFormat.entryBytes) {
        let hash = ledgerHash(entries.span, at)
        if let visitorHash, hash > visitorHash { return }
        if let visitorHash, hash != visitorHash { continue }
        let id = ledgerEvent(entries.span, at)
        if let event, id != event { continue }
        if run == nil { run = try checkpoint.ledgerRun(slice.id) }
        if let run { body(Sighting(run: run, visitorHash: hash, event: id)) }
      }
    }
  }
}

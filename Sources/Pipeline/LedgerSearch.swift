import Bytes
import Checkpointing
import Vocabulary

/// Looks for accepted events in the ledger: by visitor, by event id, or both.
///
/// Memory: a few parts of one slice.
struct LedgerSearch {
  /// An accepted event by the high word of its id's digest, and the run whose receipt brought it; nil when another state folder's ledger did.
  struct Sighting {
    var run: RunID?
    var visitorHash: UInt64
    var event: UInt64
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
    if let visitorHash, try !checkpoint.ledgerIndex(slice).mayHold(visitorHash) { return }
    let sought = event?.high
    var runs: [RunID]?
    for part in stride(from: 0, to: slice.partCount, by: LedgerSearch.partsAtATime) {
      let entries = try checkpoint.ledgerParts(slice, from: part, count: LedgerSearch.partsAtATime)
      for at in stride(from: 0, to: entries.count, by: LedgerEntry.byteCount) {
        let entry = LedgerEntry(entries.span, at: at)
        if let visitorHash, entry.visitorHash > visitorHash { return }
        if let visitorHash, entry.visitorHash != visitorHash { continue }
        if let sought, entry.id != sought { continue }
        if runs == nil { runs = try checkpoint.ledgerRuns(slice) }
        let known = runs ?? []
        let run = known.indices.contains(entry.run - 1) ? known[entry.run - 1] : nil
        body(Sighting(run: run, visitorHash: entry.visitorHash, event: entry.id))
      }
    }
  }

  private static let partsAtATime = 32
}

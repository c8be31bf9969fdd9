package import Checkpointing
package import Delivering
import Disk
import Foundation
import Grouping
package import Logging
package import Reporting
package import Vocabulary

/// Looks at everything a state folder remembers and compares it with itself, and with the inputs where those still stand. Changes nothing and
/// takes no lock.
///
/// Memory: within `memoryBytes`, as a run has it. Records are staged once more into a folder of its own below the system's temporary one.
package struct Verifier: Sendable {
  let state: String
  let memoryBytes: Int
  let log: Logger
  let stop: StopSwitch
  let progress: @Sendable (RunProgress) -> Void
  var found = Verification()

  package init(
    _ state: String, memoryBytes: Int, log: Logger, stop: StopSwitch, progress: @escaping @Sendable (RunProgress) -> Void = { _ in }
  ) {
    if memoryBytes < RunFlow.smallMemoryBytes { ProcessMemory.returnLargeBuffers() }
    self.state = state
    self.memoryBytes = memoryBytes
    self.log = log
    self.stop = stop
    self.progress = progress
  }

  /// The same on a thread of its own.
  package func verification(of id: RunID?) async throws(RunFailure) -> Verification {
    try await onThread { () throws(RunFailure) in
      var verifier = self
      return try verifier.verify(id)
    }
  }

  /// Verifies one run, or all of them; the database and the ledger in any case. Throws 64 when there is nothing of the kind, 75 when it was
  /// stopped; what is damaged is in what it returns.
  package mutating func verify(_ id: RunID? = nil) throws(RunFailure) -> Verification {
    found = Verification()
    guard let checkpoint = try opened() else { return found }
    found.isBeingWritten = FolderLock.isHeld(folder: state)
    let folder = state
    let older =
      found.isBeingWritten ? nil : try looking { () throws(CheckpointFailure) in try StateFolder.olderCheckpoint(folder, checkpoint) }
    if let fault = older ?? nil {
      found.damages.append(.init(.checkpoint, fault, wayOn: Verifier.backup))
    }
    try looking { () throws(CheckpointFailure) in try checkpoint.verifyIntegrity() }
    for fault in try looking(.checkpoint, { () throws(CheckpointFailure) in try checkpoint.brokenReferences() }) ?? [] {
      found.damages.append(.init(.checkpoint, fault, wayOn: Verifier.backup))
    }
    let rows: [RunRow]
    if let id {
      rows = try looking { () throws(CheckpointFailure) in [try checkpoint.run(id)] } ?? []
    } else {
      rows = try looking { () throws(CheckpointFailure) in try checkpoint.allRuns() } ?? []
    }
    try verifyLedger(checkpoint)
    for row in rows {
      if stop.isStopped { throw RunFailure(.stopped, "stopped while verifying; nothing was changed") }
      try verify(row, checkpoint)
    }
    return found
  }

  /// What to do about a database that is damaged.
  static let backup =
    "restore the state folder from a backup, or move it aside and import again: what was accepted is then sent again with the same ids, "
    + "which the server counts once as far as it keeps its word"

  private mutating func opened() throws(RunFailure) -> Checkpoint? {
    guard StateFolder.hasCheckpoint(state) else {
      guard Folder.exists(state + "/runs") else {
        throw RunFailure(.usage, "nothing was imported with the state folder \(state) yet")
      }
      found.damages.append(
        .init(.checkpoint, "\(state)/checkpoint.sqlite is gone, and with it what was accepted", wayOn: Verifier.backup))
      return nil
    }
    do throws(RunFailure) {
      return try StateFolder.reader(state)
    } catch {
      guard error.status == .diskTrouble else { throw error }
      found.damages.append(.init(.checkpoint, error.message, wayOn: Verifier.backup))
      return nil
    }
  }

  /// Asks the checkpoint; what it says of damage is noted, and the answer is nil then.
  @discardableResult
  mutating func looking<Value>(
    _ part: Verification.Damage.Part = .checkpoint, run: RunID? = nil, _ body: () throws(CheckpointFailure) -> Value
  ) throws(RunFailure) -> Value? {
    do throws(CheckpointFailure) {
      return try body()
    } catch {
      var message = error.description
      if case .damaged(let path, let what) = error { message = "\(path): \(what)" }
      guard error.exitStatus == .diskTrouble else { throw error.runFailure }
      // One page may be met several times.
      if !found.damages.contains(where: { $0.message == message }) {
        found.damages.append(.init(run: run?.rawValue, part, message, wayOn: Verifier.backup))
      }
      return nil
    }
  }

  mutating func note(
    _ run: RunRow, _ part: Verification.Damage.Part, _ message: String, wayOn: String = Verifier.backup, mendsItself: Bool = false
  ) {
    found.damages.append(.init(run: run.id.rawValue, part, message, wayOn: wayOn, mendsItself: mendsItself))
  }

  // MARK: the ledger

  /// Reads all that endpoints have accepted: each part against its checksum, each slice against its order.
  private mutating func verifyLedger(_ checkpoint: Checkpoint) throws(RunFailure) {
    for fault in try looking(.ledger, { () throws(CheckpointFailure) in try checkpoint.ledgerFaults() }) ?? [] {
      found.damages.append(.init(run: nil, .ledger, "the ledger is not whole: \(fault)", wayOn: Verifier.backup))
    }
    let rows = try looking { () throws(CheckpointFailure) in try checkpoint.allRuns() } ?? []
    let places = Set(rows.map { [$0.account, $0.endpoint] }).sorted { $0.lexicographicallyPrecedes($1) }
    for place in places {
      var last: LedgerSlice?
      while !stop.isStopped {
        let after = last
        let slices = try looking(.ledger) { () throws(CheckpointFailure) in
          try checkpoint.ledgerSlices(account: place[0], endpoint: place[1], upTo: .max, after: after, limit: 256)
        }
        guard let slices, let end = slices.last else { break }
        for slice in slices { try verify(slice, checkpoint) }
        last = end
      }
    }
  }

  private mutating func verify(_ slice: LedgerSlice, _ checkpoint: Checkpoint) throws(RunFailure) {
    found.sliceCount += 1
    let chunk = 32
    var order = LedgerOrder(slice)
    for part in stride(from: 0, to: slice.partCount, by: chunk) {
      let entries = try looking(.ledger) { () throws(CheckpointFailure) in try checkpoint.ledgerParts(slice, from: part, count: chunk) }
      guard let entries else { return }
      order.take(entries)
    }
    guard try looking(.ledger, { () throws(CheckpointFailure) in try checkpoint.ledgerIndex(slice) }) != nil else { return }
    found.entryCount += slice.entryCount
    guard !order.isWhole else { return }
    found.damages.append(
      .init(
        run: nil, .ledger, "slice \(slice.id) of the ledger is not in the order of its entries, so some would not be found",
        wayOn: Verifier.backup))
  }
}

/// Whether the entries of a slice lie in its order, between its first and last hash.
private struct LedgerOrder {
  private let slice: LedgerSlice
  private var last: UInt64?
  private var isOrdered = true

  init(_ slice: LedgerSlice) { self.slice = slice }

  mutating func take(_ entries: [UInt8]) {
    for at in stride(from: 0, to: entries.count, by: LedgerEntry.byteCount) {
      let hash = LedgerEntry(entries.span, at: at).visitorHash
      if let last { isOrdered = isOrdered && last <= hash } else { isOrdered = isOrdered && hash == slice.firstHash }
      last = hash
    }
  }

  var isWhole: Bool { isOrdered && last == slice.lastHash }
}

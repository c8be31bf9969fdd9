import Bytes
import Checkpointing
import Chunking
import Delivering
import Dispatch
import Foundation
import Grouping
import Synchronization
import Vocabulary

/// Hands the pending bodies of a run to the lanes, each with its digest committed, and keeps the receipts that come back.
///
/// A body that the server refuses while it takes others is cut in two at its middle event, and so are the halves that it refuses, until the
/// guilty event stands alone and becomes a reject. The first half goes first.
///
/// Bodies are written on one queue, the next one already while the digest of the last is committed; digests and receipts are kept on another
/// queue. Neither is a thread of the cooperative pool. Memory: the body at hand, twice while it is written, and the one before it while its digest
/// is committed; the ledger entries of those in flight, and the records of those that are cut.
final class RunSender: BodySource, ReceiptKeeper {
  /// The body to hand out next: written, without its digest committed, or one that is sent in parts.
  private enum NextBody {
    case written(OutgoingBody, digest: [UInt8], LedgerEntries)
    case cut(BodyRow)
  }

  private struct Waiting {
    var rows: [BodyRow] = []
    var lastNumber = 0
  }

  private let checkpoint: Checkpoint
  private let run: RunID
  private let cutBodies: Mutex<CutBodies>
  private let assembler: Mutex<BodyAssembler>
  private let waiting = Mutex(Waiting())
  /// What was found when the next body was written ahead; nil when none was.
  private let ahead = Mutex<Result<NextBody?, RunFailure>?>(nil)
  private let ledger = Mutex<[Int: LedgerEntries]>([:])
  /// Requests that receipts have counted, how many of them were retries, and how they ended.
  private let counted = Mutex<(requests: Int, retries: Int, answers: [String: Int])>((0, 0, [:]))
  private let composing = DispatchQueue(label: "optireplay.composing")
  private let keeping = DispatchQueue(label: "optireplay.receipts")

  init(
    _ assembler: consuming sending BodyAssembler, _ cutBodies: consuming sending CutBodies, checkpoint: Checkpoint, run: RunID
  ) {
    self.assembler = Mutex(assembler)
    self.cutBodies = Mutex(cutBodies)
    self.checkpoint = checkpoint
    self.run = run
  }

  func nextBody() async throws(RunFailure) -> OutgoingBody? {
    let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<OutgoingBody?, RunFailure>, Never>) in
      composing.async {
        let next = self.ahead.withLock { $0.take() } ?? Result { () throws(RunFailure) in try self.compose() }
        guard case .success(.written(let body, let digest, let entries)) = next else {
          return continuation.resume(returning: Result { () throws(RunFailure) in try self.part(of: next.get()) })
        }
        self.keeping.async {
          continuation.resume(returning: Result { () throws(RunFailure) in try self.commit(body, digest, entries) })
        }
        let following = Result { () throws(RunFailure) in try self.compose() }
        self.ahead.withLock { $0 = following }
      }
    }
    return try result.get()
  }

  func nextPart(of number: Int, after refusal: Refusal?) async throws(RunFailure) -> OutgoingBody? {
    let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<OutgoingBody?, RunFailure>, Never>) in
      composing.async {
        continuation.resume(returning: Result { () throws(RunFailure) in try self.part(of: number, after: refusal) })
      }
    }
    return try result.get()
  }

  func keep(_ receipt: Receipt) async throws(RunFailure) {
    let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Void, RunFailure>, Never>) in
      keeping.async { continuation.resume(returning: Result { () throws(RunFailure) in try self.write(receipt) }) }
    }
    try result.get()
  }

  /// Counts what a delivery asked in vain. When this returns, nothing is written ahead any more, and no queue holds the checkpoint open.
  func countRest(of report: DeliveryReport) async throws(RunFailure) {
    await withCheckedContinuation { continuation in
      composing.async { [keeping] in keeping.async { continuation.resume() } }
    }
    let counted = counted.withLock { $0 }
    try guarding { () throws(CheckpointFailure) in
      try checkpoint.addRequests(
        run, requests: max(0, report.requestCount - counted.requests), retries: max(0, report.retryCount - counted.retries),
        answers: report.answers.merging(counted.answers) { $0 - $1 }, failures: report.failures)
    }
  }

  /// Writes the next body; nil when none is left.
  private func compose() throws(RunFailure) -> NextBody? {
    guard let row = try guarding({ () throws(CheckpointFailure) in try nextRow() }) else { return nil }
    if row.isCut { return .cut(row) }
    let ((body, digest), entries) = try assembler.withLock { assembler throws(RunFailure) in
      try assembler.compose(row) { bytes in
        (
          OutgoingBody(number: row.number, waitsFor: row.waitsFor, bytes: bytes, eventCount: row.eventCount), WideDigest.of(bytes).bytes
        )
      }
    }
    // The receipt will say what the plan says.
    let eventCount = entries.entries.count / LedgerEntry.byteCount
    guard eventCount == row.eventCount, eventCount == row.decisionCount + row.conversionCount else {
      throw RunFailure(
        .diskTrouble,
        "the checkpoint is damaged: body \(row.number) of run \(run) has \(eventCount) events, not those that it says; "
          + "`optireplay verify \(run)` tells what is damaged, and `optireplay resume \(run) --restage` plans what has not been accepted anew"
      )
    }
    return .written(body, digest: digest, entries)
  }

  /// From here on the body is what it is.
  private func commit(_ body: OutgoingBody, _ digest: [UInt8], _ entries: LedgerEntries) throws(RunFailure) -> OutgoingBody {
    try guarding { () throws(CheckpointFailure) in try checkpoint.commitDigest(run, body.number, digest) }
    ledger.withLock { $0[body.number] = entries }
    return body
  }

  /// The first part of a body that is sent in parts; nil without a body.
  private func part(of next: NextBody?) throws(RunFailure) -> OutgoingBody? {
    guard case .cut(let row) = next else { return nil }
    return outgoing(try cutBodies.withLock { cut throws(RunFailure) in try cut.part(of: row) })
  }

  private func part(of number: Int, after refusal: Refusal?) throws(RunFailure) -> OutgoingBody? {
    outgoing(try cutBodies.withLock { cut throws(RunFailure) in try cut.part(of: number, after: refusal) })
  }

  private func outgoing(_ part: CutBodies.Part?) -> OutgoingBody? {
    guard let part else { return nil }
    ledger.withLock { $0[part.body.number] = part.ledger }
    return part.body
  }

  private func nextRow() throws(CheckpointFailure) -> BodyRow? {
    try waiting.withLock { waiting throws(CheckpointFailure) in
      if waiting.rows.isEmpty {
        waiting.rows = try checkpoint.pendingBodies(run, after: waiting.lastNumber, limit: 256).reversed()
      }
      guard let row = waiting.rows.popLast() else { return nil }
      waiting.lastNumber = row.number
      return row
    }
  }

  private func write(_ receipt: Receipt) throws(RunFailure) {
    let entries = ledger.withLock { $0.removeValue(forKey: receipt.number) }
    let part = cutBodies.withLock { $0.partSent(of: receipt.number) }
    do throws(CheckpointFailure) {
      try checkpoint.keepReceipt(
        run,
        ReceiptRow(
          number: receipt.number, part: part.path, status: receipt.status, attemptCount: receipt.attemptCount,
          acceptedAt: receipt.acceptedAt),
        RequestEnds(took: Int64(receipt.took / .microseconds(1)), setbacks: receipt.setbacks), ledger: entries)
    } catch {
      throw error.runFailure
    }
    let answers = receipt.setbacks.reduce(into: ["\(receipt.status)": 1]) { $0[$1.key.answer, default: 0] += $1.value }
    counted.withLock {
      $0 = ($0.requests + receipt.attemptCount, $0.retries + receipt.attemptCount - 1, $0.answers.merging(answers, uniquingKeysWith: +))
    }
  }
}

/// How many lanes a delivery had at its end.
final class LaneCount: Sendable {
  private let count = Atomic(0)

  func note(_ number: Int) { count.store(number, ordering: .relaxed) }

  /// Nil without a delivery.
  var found: Int? {
    let number = count.load(ordering: .relaxed)
    return number > 0 ? number : nil
  }
}

internal import Foundation
internal import GRDB

/// Writes the plan of a run, body by body, in bounded memory however many bodies there are.
///
/// Bodies are written aside, in transactions of about a thousand, and become the plan of the run at once, with `commit`. Between
/// them the checkpoint can be read as usual, the ledger for instance. A process killed before `commit` leaves the run in phase
/// `planning` without a plan.
package final class PlanWriter {
  private let checkpoint: Checkpoint
  private let run: RunID
  private let plan: Int
  private var waiting: [BodyRow] = []
  private var waitingBytes = 0
  private var isCommitted = false
  /// Bodies appended so far, which is the number of the last.
  package private(set) var bodyCount = 0

  /// A transaction takes this many bodies, or this many bytes of visitor ids, whichever comes first.
  static let batchBodies = 1024
  private static let batchBytes = 1 << 20

  fileprivate init(_ checkpoint: Checkpoint, run: RunID, plan: Int) {
    self.checkpoint = checkpoint
    self.run = run
    self.plan = plan
  }

  /// Adds the next body: its number is the last one's plus 1, starting with 1, and it has no digest yet.
  package func append(_ body: BodyRow) throws(CheckpointFailure) {
    precondition(!isCommitted, "a committed plan takes no more bodies")
    precondition(body.number == bodyCount + 1, "bodies are numbered 1, 2, 3 …")
    precondition(body.digest == nil, "a planned body has no digest")
    precondition((body.waitsFor ?? 1) >= 1 && (body.waitsFor ?? 0) < body.number, "a body waits for an earlier one")
    bodyCount = body.number
    waiting.append(body)
    waitingBytes += body.firstVisitor.count + body.lastVisitor.count
    if waiting.count >= PlanWriter.batchBodies || waitingBytes >= PlanWriter.batchBytes { try flush() }
  }

  /// Makes what was appended the plan of the run: sets phase `sending` or `refused`, the summary (JSON text) and the mark.
  ///
  /// `ledgerMark` is the mark the planner filtered by. Throws `outOfOrder` when the run has ledger entries of its own
  ///   above it (from an earlier plan): the plan would send them again.
  package func commit(ledgerMark: Int64, summary: String, phase: RunPhase, now: Int64) throws(CheckpointFailure) {
    precondition(phase == .sending || phase == .refused, "a plan is sent or refused")
    precondition(!isCommitted, "a plan is committed once")
    try flush()
    try checkpoint.commitPlan(run, plan: plan, ledgerMark: ledgerMark, summary: summary, phase: phase, now: now)
    isCommitted = true
  }

  private func flush() throws(CheckpointFailure) {
    guard !waiting.isEmpty else { return }
    try checkpoint.insertBodies(run, plan: plan, waiting)
    waiting.removeAll(keepingCapacity: true)
    waitingBytes = 0
  }
}

// Plans and their bodies.
extension Checkpoint {
  /// Starts the plan of a run in phase `planning`; what an earlier, killed planner wrote is dropped.
  package func beginPlan(_ id: RunID) throws(CheckpointFailure) -> PlanWriter {
    let plan = try write("begin a plan") { db in
      try require(runRow(db, id), in: [.planning], to: "begin a plan")
      try db.perform("DELETE FROM body WHERE run = ?", [id.rawValue])
      return try currentPlan(db, id) + 1
    }
    return PlanWriter(self, run: id, plan: plan)
  }

  /// Bodies of the run's plan from `number` on, in order, at most `limit`.
  package func bodies(_ id: RunID, from number: Int = 1, limit: Int) throws(CheckpointFailure) -> [BodyRow] {
    try read("read the plan") { db in
      try bodyRows(db, "number >= ?3 ORDER BY number LIMIT ?4", [id.rawValue, try currentPlan(db, id), number, limit])
    }
  }

  /// The body of this number; nil when the plan has none.
  package func body(_ id: RunID, _ number: Int) throws(CheckpointFailure) -> BodyRow? {
    try read("read a body of the plan") { db in
      try bodyRows(db, "number = ?3", [id.rawValue, try currentPlan(db, id), number]).first
    }
  }

  /// How many bodies the run's plan has; they are numbered from 1 to this.
  package func bodyCount(_ id: RunID) throws(CheckpointFailure) -> Int {
    try read("count the bodies of the plan") { db in
      let sql = "SELECT count(*), coalesce(max(number), 0) FROM body WHERE run = ? AND plan = ?"
      let counts = try db.firstRow(sql, [id.rawValue, try currentPlan(db, id)]) { row in
        let columns = columns(row, "body")
        return (count: try columns.count(0), last: try columns.count(1))
      }
      guard let counts else { return 0 }
      guard counts.count == counts.last else {
        throw CheckpointFailure.damaged(
          path: path, what: "the plan of run \(id) has gaps: \(counts.count) of \(counts.last) bodies")
      }
      return counts.count
    }
  }

  /// Bodies of the plan of which something is left to send, with numbers above `number`, in order, at most `limit`.
  package func pendingBodies(_ id: RunID, after number: Int = 0, limit: Int) throws(CheckpointFailure) -> [BodyRow] {
    try read("read the pending bodies") { db in
      try bodyRows(
        db, "number > ?3 AND \(Checkpoint.isPending) ORDER BY number LIMIT ?4",
        [id.rawValue, try currentPlan(db, id), number, limit])
    }
  }

  /// Commits what a body is, before its first request; on the disk when this returns. The same digest again is fine. Throws
  /// `digestMismatch` when the committed one differs: a body sent again is byte-identical.
  package func commitDigest(_ id: RunID, _ number: Int, _ digest: [UInt8]) throws(CheckpointFailure) {
    precondition(digest.count == CheckpointFormat.digestBytes, "a body's digest has 16 bytes")
    // A read first: a body sent again costs no write.
    let isCommitted = try read("read a digest") { db in
      guard let body = try bodyRows(db, "number = ?3", [id.rawValue, try currentPlan(db, id), number]).first else {
        throw CheckpointFailure.outOfOrder(path: path, run: id, what: "a digest for body \(number), which is not in the plan")
      }
      guard let committed = body.digest else { return false }
      guard committed == digest else { throw CheckpointFailure.digestMismatch(path: path, run: id, body: number) }
      return true
    }
    if isCommitted { return }
    try write("commit a digest") { db in
      try requireSending(db, id)
      try db.perform(
        """
        UPDATE body SET digest = ?1, digest_checksum = row_checksum(run, plan, number, ?1)
        WHERE run = ?2 AND plan = ?3 AND number = ?4 AND digest IS NULL
        """,
        [Data(digest), id.rawValue, try currentPlan(db, id), number])
      guard db.changesCount == 1 else { throw CheckpointFailure.digestMismatch(path: path, run: id, body: number) }
    }
  }
}

extension Checkpoint {
  /// Something of a body of the query at hand is neither accepted nor refused.
  private static let isPending = """
    (NOT EXISTS (SELECT 1 FROM receipt
        WHERE receipt.run = body.run AND receipt.plan = body.plan AND receipt.number = body.number AND receipt.part = '')
      AND NOT EXISTS (SELECT 1 FROM part
        WHERE part.run = body.run AND part.plan = body.plan AND part.number = body.number AND part.part = '')
      OR EXISTS (SELECT 1 FROM part
        WHERE part.run = body.run AND part.plan = body.plan AND part.number = body.number AND part.state = 'pending'))
    """

  fileprivate func insertBodies(_ id: RunID, plan: Int, _ bodies: [BodyRow]) throws(CheckpointFailure) {
    try write("write the plan") { db in
      for body in bodies {
        try db.perform(
          """
          INSERT INTO body (\(RowChecksum.bodyColumns), checksum)
          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
            row_checksum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13))
          """,
          [
            id.rawValue, plan, body.number, body.byteCount, body.eventCount, body.decisionCount, body.conversionCount,
            body.visitorCount, body.firstIndex, body.lastIndex, body.waitsFor, Data(body.firstVisitor), Data(body.lastVisitor),
          ])
      }
    }
  }

  fileprivate func commitPlan(
    _ id: RunID, plan: Int, ledgerMark: Int64, summary: String, phase: RunPhase, now: Int64
  ) throws(CheckpointFailure) {
    try write("commit the plan") { db in
      try require(runRow(db, id), in: [.planning], to: "commit a plan")
      let sql = "SELECT coalesce(max(id), 0) FROM slice WHERE segment IN (SELECT segment FROM segment_run WHERE run = ?)"
      let own = try db.firstRow(sql, [id.rawValue]) { try columns($0, "slice").integer(0) }
      guard ledgerMark >= own ?? 0 else {
        throw CheckpointFailure.outOfOrder(path: path, run: id, what: "the plan would send accepted events again")
      }
      try db.perform("UPDATE run SET plan = ?, ledger_mark = ? WHERE id = ?", [plan, ledgerMark, id.rawValue])
      try setPhase(db, id, phase, summary: summary, now: now)
    }
  }

  func requireSending(_ db: Database, _ id: RunID) throws {
    let phase = try db.firstRow("SELECT phase FROM run WHERE id = ?", [id.rawValue]) { try columns($0, "run").text(0) }
    guard phase == RunPhase.sending.rawValue else {
      throw CheckpointFailure.outOfOrder(path: path, run: id, what: "nothing is sent in phase \(phase ?? "unknown")")
    }
  }

  /// Numbers of bodies of which something is left to send, in order.
  func pendingNumbers(_ db: Database, _ id: RunID, after number: Int, limit: Int) throws -> [Int] {
    var numbers: [Int] = []
    let sql = """
      SELECT number FROM body
      WHERE run = ? AND plan = ? AND number > ? AND \(Checkpoint.isPending) ORDER BY number LIMIT ?
      """
    try db.eachRow(sql, [id.rawValue, try currentPlan(db, id), number, limit]) { row in
      numbers.append(try columns(row, "body").count(0))
    }
    return numbers
  }

  /// `rest` may use ?3 and on; ?1 and ?2 are run and plan.
  private func bodyRows(_ db: Database, _ rest: String, _ arguments: StatementArguments) throws -> [BodyRow] {
    let sql = """
      SELECT number, byte_count, event_count, decision_count, conversion_count, visitor_count, first_index, last_index, waits_for,
        digest, first_visitor, last_visitor, EXISTS (SELECT 1 FROM part
          WHERE part.run = body.run AND part.plan = body.plan AND part.number = body.number) FROM body WHERE run = ?1 AND plan = ?2 AND \(rest)
      """
    var rows: [BodyRow] = []
    try db.eachRow(sql, arguments) { row in
      let columns = columns(row, "body")
      rows.append(
        BodyRow(
          number: try columns.count(0), byteCount: try columns.count(1), eventCount: try columns.count(2),
          decisionCount: try columns.count(3), conversionCount: try columns.count(4), visitorCount: try columns.count(5),
          firstVisitor: try columns.bytes(10), firstIndex: try columns.count(6), lastVisitor: try columns.bytes(11),
          lastIndex: try columns.count(7), waitsFor: try columns.countOrNil(8), digest: try columns.digestOrNil(9),
          isCut: try columns.integer(12) != 0))
    }
    return rows
  }
}

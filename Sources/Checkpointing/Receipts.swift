internal import Bytes
internal import Foundation
internal import GRDB
internal import Vocabulary

// Receipts, and the ledger entries that come with them.
extension Checkpoint {
  /// Keeps the receipt of a body, or of a part of one, its ledger entries and its requests in one transaction, on the disk when this returns. A second receipt for
  /// the same changes nothing. Returns whether it was the first. Throws `digestMissing` when its digest was never committed.
  @discardableResult
  package func keepReceipt(
    _ id: RunID, _ receipt: ReceiptRow, _ ends: RequestEnds? = nil, ledger: LedgerEntries?
  ) throws(CheckpointFailure) -> Bool {
    return try write("keep a receipt") { db in
      let plan = try currentPlan(db, id)
      guard try !hasReceipt(db, id, plan, receipt.number, receipt.part) else { return false }
      try requireSending(db, id)
      try insert(receipt, took: ends?.took, days: ledger.map(days), db, id, plan)
      try db.perform(
        "UPDATE destination SET accepted = 1 WHERE id = (SELECT destination FROM run WHERE id = ?) AND accepted = 0",
        [id.rawValue])
      if let ledger { try insert(ledger, db, id) }
      try addRequests(db, id, requests: receipt.attemptCount, retries: receipt.attemptCount - 1)
      if let ends {
        try addAnswers(db, id, answers(ends.setbacks).merging(["\(receipt.status)": 1], uniquingKeysWith: +))
        try addFailures(db, id, ends.setbacks)
      }
      return true
    }
  }

  /// The receipt of a whole body of the run's plan; nil while it is pending, and of one that is sent in parts.
  package func receipt(_ id: RunID, _ number: Int) throws(CheckpointFailure) -> ReceiptRow? {
    try read("read a receipt") { db in
      let sql = """
        SELECT number, status, attempt_count, accepted_at FROM receipt WHERE run = ? AND plan = ? AND number = ? AND part = ''
        """
      return try db.firstRow(sql, [id.rawValue, try currentPlan(db, id), number]) { row in
        let columns = columns(row, "receipt")
        return ReceiptRow(
          number: try columns.count(0), status: try columns.count(1), attemptCount: try columns.count(2),
          acceptedAt: try columns.integer(3))
      }
    }
  }

  /// When the newest receipt of all came, in epoch milliseconds; nil without any.
  package func newestReceiptTime() throws(CheckpointFailure) -> Int64? {
    try read("look for the newest receipt") { db in
      let time = try db.firstRow("SELECT coalesce(max(accepted_at), -1) FROM receipt") { try columns($0, "receipt").integer(0) }
      return time.flatMap { $0 < 0 ? nil : $0 }
    }
  }

  /// Whether the body of the run's plan, as a whole, has a receipt.
  package func isAccepted(_ id: RunID, _ number: Int) throws(CheckpointFailure) -> Bool {
    try read("look for a receipt") { db in try hasReceipt(db, id, try currentPlan(db, id), number, "") }
  }

  /// Whether this endpoint ever accepted a body of this account; forgetting runs does not change it.
  package func hasAccepted(account: String, endpoint: String) throws(CheckpointFailure) -> Bool {
    try read("look for any receipt") { db in
      let sql = "SELECT accepted FROM destination WHERE account = ? AND endpoint = ?"
      return try db.firstRow(sql, [account, endpoint]) { try columns($0, "destination").integer(0) } == 1
    }
  }

  /// What the receipts of a run add up to: of its present plan, or of all its plans. Reads them all: about a second per million.
  package func receiptTotals(_ id: RunID, ofAllPlans: Bool = true) throws(CheckpointFailure) -> ReceiptTotals {
    try read("add up the receipts") { db in
      let sql = """
        SELECT count(*), coalesce(sum(event_count), 0), coalesce(sum(decision_count), 0), coalesce(sum(conversion_count), 0),
          coalesce(sum(byte_count), 0) FROM receipt WHERE run = ?1 AND (?2 OR plan = ?3)
        """
      let totals = try db.firstRow(sql, [id.rawValue, ofAllPlans, try currentPlan(db, id)]) { row in
        let columns = columns(row, "receipt")
        return ReceiptTotals(
          bodies: try columns.count(0), events: try columns.count(1), decisions: try columns.count(2),
          conversions: try columns.count(3), bytes: try columns.count(4))
      }
      return totals ?? ReceiptTotals()
    }
  }

  private func hasReceipt(_ db: Database, _ id: RunID, _ plan: Int, _ number: Int, _ part: String) throws -> Bool {
    let sql = "SELECT 1 FROM receipt WHERE run = ? AND plan = ? AND number = ? AND part = ?"
    return try db.firstRow(sql, [id.rawValue, plan, number, part]) { _ in } != nil
  }

  /// Writes the receipt with the counts of what it is for, which must have a digest.
  private func insert(
    _ receipt: ReceiptRow, took: Int64?, days: DayCounts?, _ db: Database, _ id: RunID, _ plan: Int
  ) throws {
    let source =
      receipt.part.isEmpty
      ? "body WHERE run = ?1 AND plan = ?2 AND number = ?3 AND digest IS NOT NULL"
      : "part WHERE run = ?1 AND plan = ?2 AND number = ?3 AND part = ?4 AND state = 'pending'"
    try db.perform(
      """
      INSERT INTO receipt (\(RowChecksum.receiptColumns), checksum)
      SELECT *, \(RowChecksum.ofReceipt) FROM (
        SELECT run, plan, number, ?4 AS part, ?5 AS status, ?6 AS attempt_count, ?7 AS accepted_at, byte_count,
          decision_count + conversion_count AS event_count, decision_count, conversion_count, ?8 AS took, ?9 AS days
        FROM \(source))
      """,
      [
        id.rawValue, plan, receipt.number, receipt.part, receipt.status, receipt.attemptCount, receipt.acceptedAt, took,
        days.map { Data($0.bytes) },
      ])
    guard db.changesCount == 1 else { throw CheckpointFailure.digestMissing(path: path, run: id, body: receipt.number) }
    if receipt.part.isEmpty { return }
    try db.perform(
      "UPDATE part SET state = 'accepted' WHERE run = ? AND plan = ? AND number = ? AND part = ?",
      [id.rawValue, plan, receipt.number, receipt.part])
  }
}

/// The days of a body's events.
private func days(_ ledger: LedgerEntries) -> DayCounts {
  var days = DayCounts()
  let entries = ledger.entries.span
  for at in stride(from: 0, to: entries.count, by: LedgerEntry.byteCount) { days.add(LedgerEntry(entries, at: at).timestamp) }
  return days
}

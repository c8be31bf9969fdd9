internal import Foundation
internal import GRDB

/// A part of a body that the server refused whole: what it holds, and the bytes it must have.
package struct PartRow: Sendable, Equatable {
  /// The path of halves, `0` and `1`; parts of a body come in the order of their paths.
  package var part: String
  package var byteCount: Int
  package var decisionCount: Int
  package var conversionCount: Int
  /// 16 bytes.
  package var digest: [UInt8]

  package init(part: String, byteCount: Int, decisionCount: Int, conversionCount: Int, digest: [UInt8]) {
    self.part = part
    self.byteCount = byteCount
    self.decisionCount = decisionCount
    self.conversionCount = conversionCount
    self.digest = digest
  }
}

// Bodies that are sent in parts.
//
//   pending ──▶ accepted (its receipt is kept)
//      ├──────▶ cut      (its two halves are pending)
//      └──────▶ refused  (one event, which is a reject)
extension Checkpoint {
  /// Notes that the server refused a body, or the part of it named `part`, and that it goes on as two halves, whose digests are on the disk
  /// when this returns. The same again changes nothing.
  package func cut(_ id: RunID, _ number: Int, part: String, into halves: [PartRow]) throws(CheckpointFailure) {
    precondition(halves.count == 2 && halves.allSatisfy { $0.part.dropLast() == part }, "a part is cut into its halves")
    try write("cut a body") { db in
      let plan = try pendingPlan(db, id, number, part)
      guard try end(db, id, plan, number, part, as: "cut") else { return }
      for half in halves {
        try db.perform(
          """
          INSERT INTO part (run, plan, number, part, state, byte_count, decision_count, conversion_count, digest)
          VALUES (?, ?, ?, ?, 'pending', ?, ?, ?, ?)
          """,
          [id.rawValue, plan, number, half.part, half.byteCount, half.decisionCount, half.conversionCount, Data(half.digest)])
      }
    }
  }

  /// Notes that the server refused an event that stood alone. `line` is its line in the file of rejects.
  package func refuse(_ id: RunID, _ number: Int, part: String, line: [UInt8]) throws(CheckpointFailure) {
    try write("note a refused event") { db in
      let plan = try pendingPlan(db, id, number, part)
      guard try end(db, id, plan, number, part, as: "refused") else { return }
      try db.perform(
        "INSERT INTO refused_event (run, plan, number, part, line) VALUES (?, ?, ?, ?, ?)",
        [id.rawValue, plan, number, part, Data(line)])
    }
  }

  /// The first part of a body that is neither accepted nor refused; nil when there is none, or when the body is not cut.
  package func pendingPart(_ id: RunID, _ number: Int) throws(CheckpointFailure) -> PartRow? {
    try read("read the parts of a body") { db in
      let sql = """
        SELECT part, byte_count, decision_count, conversion_count, digest FROM part
        WHERE run = ? AND plan = ? AND number = ? AND state = 'pending' ORDER BY part LIMIT 1
        """
      return try db.firstRow(sql, [id.rawValue, try currentPlan(db, id), number]) { row in
        let columns = columns(row, "part")
        return PartRow(
          part: try columns.text(0), byteCount: try columns.count(1), decisionCount: try columns.count(2),
          conversionCount: try columns.count(3), digest: try columns.digest(4))
      }
    }
  }

  /// How many events of the run's plan the server refused one by one.
  package func refusedEventCount(_ id: RunID) throws(CheckpointFailure) -> Int {
    try read("count the refused events") { db in
      let sql = "SELECT count(*) FROM refused_event WHERE run = ? AND plan = ?"
      return try db.firstRow(sql, [id.rawValue, try currentPlan(db, id)]) { try columns($0, "refused_event").count(0) } ?? 0
    }
  }

  /// The lines of the events of the run's plan that the server refused, in the order of the bodies.
  package func eachRefusedEvent(_ id: RunID, _ body: ([UInt8]) throws -> Void) throws(CheckpointFailure) {
    try read("read the refused events") { db in
      let sql = "SELECT line FROM refused_event WHERE run = ? AND plan = ? ORDER BY number, part"
      try db.eachRow(sql, [id.rawValue, try currentPlan(db, id)]) { try body(try columns($0, "refused_event").bytes(0)) }
    }
  }

  /// The plan of a run that is being sent; throws when the body is not in it, or the part has not been committed.
  private func pendingPlan(_ db: Database, _ id: RunID, _ number: Int, _ part: String) throws -> Int {
    try requireSending(db, id)
    let plan = try currentPlan(db, id)
    let sql =
      part.isEmpty
      ? "SELECT 1 FROM body WHERE run = ? AND plan = ? AND number = ? AND digest IS NOT NULL"
      : "SELECT 1 FROM part WHERE run = ? AND plan = ? AND number = ? AND part = ?"
    let arguments: StatementArguments = part.isEmpty ? [id.rawValue, plan, number] : [id.rawValue, plan, number, part]
    guard try db.firstRow(sql, arguments, { _ in }) != nil else {
      throw CheckpointFailure.digestMissing(path: path, run: id, body: number)
    }
    return plan
  }

  /// Ends a body or a part of it; returns false when it ended before.
  private func end(_ db: Database, _ id: RunID, _ plan: Int, _ number: Int, _ part: String, as state: String) throws -> Bool {
    if part.isEmpty {
      let sql = "SELECT 1 FROM part WHERE run = ? AND plan = ? AND number = ? LIMIT 1"
      guard try db.firstRow(sql, [id.rawValue, plan, number], { _ in }) == nil else { return false }
      try db.perform(
        """
        INSERT INTO part (run, plan, number, part, state, byte_count, decision_count, conversion_count, digest)
        SELECT run, plan, number, '', ?, byte_count, decision_count, conversion_count, digest FROM body
        WHERE run = ? AND plan = ? AND number = ?
        """, [state, id.rawValue, plan, number])
      return true
    }
    try db.perform(
      "UPDATE part SET state = ? WHERE run = ? AND plan = ? AND number = ? AND part = ? AND state = 'pending'",
      [state, id.rawValue, plan, number, part])
    return db.changesCount == 1
  }
}

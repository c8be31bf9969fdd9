internal import Foundation
internal import GRDB

// What `verify` asks: whether the tables still say the same as each other.
extension Checkpoint {
  /// Rows that point at rows which are not there, told by table; empty when all is well.
  package func brokenReferences() throws(CheckpointFailure) -> [String] {
    try read("check the references between tables") { db in
      var counts: [String: Int] = [:]
      try db.eachRow("PRAGMA foreign_key_check") { row in
        counts[try columns(row, "foreign_key_check").text(0), default: 0] += 1
      }
      return counts.sorted { $0.key < $1.key }.map { "table \($0.key): \($0.value) rows belong to something that is not there" }
    }
  }

  /// What does not fit together in a run's bodies, parts, receipts, refused events and ledger entries; empty when all does. One consistent
  /// state is looked at, also while the run is being written.
  package func faults(of id: RunID) throws(CheckpointFailure) -> [String] {
    try read("compare the tables of a run") { db in
      let run = try runRow(db, id)
      let plan = try currentPlan(db, id)
      var faults: [String] = []
      // A run that goes back to an earlier phase, or is forgotten, loses its plan but not its receipts.
      let hasPlan = [.sending, .complete, .refused].contains(run.phase)
      let checksums =
        (try Schema.keepsChecksums(db) ? Relation.ofRows : []) + (try Schema.keepsRowSums(db) ? Relation.ofKeptRows : [])
        + (try Schema.keepsDigestSums(db) ? Relation.ofDigests : [])
      for relation in checksums + Relation.ofReceipts + (hasPlan ? Relation.ofPlan : []) {
        var found = Offenders()
        try db.eachRow(relation.sql, [id.rawValue, plan]) { found.add(try columns($0, relation.table).text(0)) }
        if found.count > 0 { faults.append("\(relation.what): \(found.words)") }
      }
      if run.phase == .complete {
        var found = Offenders()
        for number in try pendingNumbers(db, id, after: 0, limit: Offenders.limit) { found.add("\(number)") }
        if found.count > 0 { faults.append("the run is complete, but these bodies are neither accepted nor refused: \(found.words)") }
      }
      return try faults + totals(db, run)
    }
  }

  /// The sums that must be the same.
  private func totals(_ db: Database, _ run: RunRow) throws -> [String] {
    func sum(_ sql: String) throws -> Int {
      try db.firstRow(sql, [run.id.rawValue]) { try columns($0, "sums").count(0) } ?? 0
    }
    var faults: [String] = []
    let accepted = try sum("SELECT coalesce(sum(event_count), 0) FROM receipt WHERE run = ?")
    // Entries of several runs may have been merged: then they are added up together. Of a run that was pruned away there is nothing.
    let segment = "(SELECT segment FROM segment_run JOIN segment ON segment.id = segment AND state = 'live' WHERE segment_run.run = ?)"
    let ofSegment = try sum(
      "SELECT coalesce(sum(event_count), 0) FROM receipt WHERE run IN (SELECT run FROM segment_run WHERE segment = \(segment))")
    let remembered = try sum(
      "SELECT coalesce((SELECT pruned + (SELECT coalesce(sum(entry_count), 0) FROM slice WHERE segment = segment.id) FROM segment WHERE id = \(segment)), 0)"
    )
    if ofSegment != remembered {
      faults.append("receipts are for \(ofSegment) events, but the ledger remembers \(remembered) of them")
    }
    let attempts = try sum("SELECT coalesce(sum(attempt_count), 0) FROM receipt WHERE run = ?")
    let requests = try sum("SELECT coalesce(sum(requests), 0) FROM traffic WHERE run = ?")
    if requests < attempts { faults.append("its receipts took \(attempts) requests, but only \(requests) were counted") }
    let isNoted = try sum("SELECT accepted FROM destination WHERE id = (SELECT destination FROM run WHERE id = ?)")
    if accepted > 0, isNoted == 0 { faults.append("it has receipts, but its endpoint is noted as one that never accepted a body") }
    return faults
  }

  /// The parts of a body that is cut, by path, with what became of each: `pending`, `accepted`, `cut` or `refused`. Empty for a body that is not.
  package func parts(_ id: RunID, _ number: Int) throws(CheckpointFailure) -> [(part: PartRow, state: String)] {
    try read("read the parts of a body") { db in
      var parts: [(PartRow, String)] = []
      let sql = """
        SELECT part, byte_count, decision_count, conversion_count, digest, state FROM part
        WHERE run = ? AND plan = ? AND number = ? ORDER BY part
        """
      try db.eachRow(sql, [id.rawValue, try currentPlan(db, id), number]) { row in
        let columns = columns(row, "part")
        let part = PartRow(
          part: try columns.text(0), byteCount: try columns.count(1), decisionCount: try columns.count(2),
          conversionCount: try columns.count(3), digest: try columns.digest(4))
        parts.append((part, try columns.text(5)))
      }
      return parts
    }
  }

  /// The receipt of a part of a body of the run's plan; nil while it is pending.
  package func receipt(_ id: RunID, _ number: Int, part: String) throws(CheckpointFailure) -> ReceiptRow? {
    try read("read a receipt") { db in
      let sql = """
        SELECT number, part, status, attempt_count, accepted_at FROM receipt WHERE run = ? AND plan = ? AND number = ? AND part = ?
        """
      return try db.firstRow(sql, [id.rawValue, try currentPlan(db, id), number, part]) { row in
        let columns = columns(row, "receipt")
        return ReceiptRow(
          number: try columns.count(0), part: try columns.text(1), status: try columns.count(2), attemptCount: try columns.count(3),
          acceptedAt: try columns.integer(4))
      }
    }
  }

  /// The runs whose receipts brought the entries of a slice, as these number them, from 1.
  package func ledgerRuns(_ slice: LedgerSlice) throws(CheckpointFailure) -> [RunID] {
    try read("read the runs of the ledger") { db in
      var runs: [RunID] = []
      let sql = "SELECT run FROM segment_run WHERE segment = (SELECT segment FROM slice WHERE id = ?) ORDER BY number"
      try db.eachRow(sql, [slice.id]) { runs.append(RunID(rawValue: try columns($0, "segment_run").integer(0))) }
      return runs
    }
  }
}

/// What a relation was broken by: all are counted, and the first ones named.
private struct Offenders {
  static let limit = 1000
  private static let namedCount = 5
  private var names: [String] = []
  private(set) var count = 0

  mutating func add(_ name: String) {
    count += 1
    if names.count < Offenders.namedCount { names.append(name) }
  }

  var words: String { names.joined(separator: ", ") + (count > names.count ? " and \(count - names.count) more" : "") }
}

/// A query for what should not be there: it gives the names of bodies or parts, for a run `?1` and its plan `?2`.
private struct Relation {
  let table: String
  let what: String
  let sql: String

  private static let name = "CASE part WHEN '' THEN number || '' ELSE number || '.' || part END"

  /// Of every row with a checksum.
  static let ofRows = [
    Relation(
      table: "body", what: "bodies that are not as they were planned",
      sql: "SELECT number || '' FROM body WHERE run = ?1 AND ?2 IS NOT NULL AND checksum IS NOT \(RowChecksum.ofBody)"),
    Relation(
      table: "receipt", what: "receipts that are not as they were kept",
      sql: "SELECT \(name) FROM receipt WHERE run = ?1 AND ?2 IS NOT NULL AND checksum IS NOT \(RowChecksum.ofReceipt)"),
  ]

  /// The same of other tables. Rows of staging files are compared when they are read, since staging can be mended.
  static let ofKeptRows = [
    Relation(
      table: "run", what: "what is known of the run is not as it was kept",
      sql: "SELECT id || '' FROM run WHERE id = ?1 AND ?2 IS NOT NULL AND NOT \(KeptTable.run.isWhole)"),
    Relation(
      table: "destination", what: "its account and endpoint are not as they were kept",
      sql: """
        SELECT destination.id || '' FROM run JOIN destination ON destination.id = run.destination
        WHERE run.id = ?1 AND ?2 IS NOT NULL AND NOT \(KeptTable.destination.isWhole)
        """),
    Relation(
      table: "input", what: "inputs that are not as they were kept",
      sql: "SELECT number || '' FROM input WHERE run = ?1 AND ?2 IS NOT NULL AND NOT \(KeptTable.input.isWhole)"),
    Relation(
      table: "part", what: "parts of bodies that are not as they were kept",
      sql: "SELECT \(name) FROM part WHERE run = ?1 AND ?2 IS NOT NULL AND NOT \(KeptTable.part.isWhole)"),
    Relation(
      table: "refused_event", what: "refused events that are not as they were kept",
      sql: "SELECT \(name) FROM refused_event WHERE run = ?1 AND ?2 IS NOT NULL AND NOT \(KeptTable.refusedEvent.isWhole)"),
  ]

  /// Of what was committed before it was sent.
  static let ofDigests = [
    Relation(
      table: "body", what: "bodies whose committed digests are not as they were kept",
      sql: """
        SELECT number || '' FROM body WHERE run = ?1 AND ?2 IS NOT NULL
        AND digest_checksum IS NOT CASE WHEN digest IS NULL THEN NULL ELSE \(RowChecksum.ofDigest) END
        """)
  ]

  /// Of the receipts of all plans.
  static let ofReceipts = [
    Relation(
      table: "receipt", what: "receipts whose counts are none",
      sql: """
        SELECT \(name) FROM receipt WHERE run = ?1 AND ?2 IS NOT NULL
        AND (event_count <> decision_count + conversion_count OR event_count < 1 OR byte_count < 1 OR attempt_count < 1)
        """)
  ]

  /// Of the plan that counts.
  static let ofPlan = [
    Relation(
      table: "body", what: "bodies whose counts are none",
      sql: """
        SELECT number || '' FROM body WHERE run = ?1 AND plan = ?2
        AND (event_count <> decision_count + conversion_count OR event_count < 1 OR visitor_count < 1 OR byte_count < 1)
        """),
    Relation(
      table: "body", what: "bodies that wait for one that is not there",
      sql: """
        SELECT number || '' FROM body WHERE run = ?1 AND plan = ?2 AND waits_for IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM body AS first WHERE first.run = ?1 AND first.plan = ?2 AND first.number = body.waits_for)
        """),
    Relation(
      table: "receipt", what: "receipts for what was never sent, or is another size",
      sql: """
        SELECT \(name) FROM receipt WHERE run = ?1 AND plan = ?2 AND NOT EXISTS (
          SELECT 1 FROM body WHERE receipt.part = '' AND body.run = ?1 AND body.plan = ?2 AND body.number = receipt.number
          AND body.digest IS NOT NULL AND body.byte_count = receipt.byte_count AND body.decision_count = receipt.decision_count
          AND body.conversion_count = receipt.conversion_count)
        AND NOT EXISTS (
          SELECT 1 FROM part WHERE receipt.part <> '' AND part.run = ?1 AND part.plan = ?2 AND part.number = receipt.number
          AND part.part = receipt.part AND part.state = 'accepted' AND part.byte_count = receipt.byte_count
          AND part.decision_count = receipt.decision_count AND part.conversion_count = receipt.conversion_count)
        """),
    Relation(
      table: "part", what: "bodies sent in parts whose whole is another, or was accepted as well",
      sql: """
        SELECT number || '' FROM part WHERE run = ?1 AND plan = ?2 AND part = '' AND (state NOT IN ('cut', 'refused') OR NOT EXISTS (
          SELECT 1 FROM body WHERE body.run = ?1 AND body.plan = ?2 AND body.number = part.number AND body.digest = part.digest
          AND body.byte_count = part.byte_count AND body.decision_count = part.decision_count
          AND body.conversion_count = part.conversion_count)
        OR EXISTS (
          SELECT 1 FROM receipt WHERE receipt.run = ?1 AND receipt.plan = ?2 AND receipt.number = part.number AND receipt.part = ''))
        """),
    Relation(
      table: "part", what: "parts that were cut, but are not the sum of their halves",
      sql: """
        SELECT \(name) FROM part WHERE run = ?1 AND plan = ?2 AND state = 'cut' AND (
          SELECT count(*) = 2 AND sum(half.decision_count) = part.decision_count AND sum(half.conversion_count) = part.conversion_count
          FROM part AS half WHERE half.run = ?1 AND half.plan = ?2 AND half.number = part.number
          AND half.part IN (part.part || '0', part.part || '1')) IS NOT 1
        """),
    Relation(
      table: "part", what: "halves of what was not cut",
      sql: """
        SELECT \(name) FROM part WHERE run = ?1 AND plan = ?2 AND part <> '' AND NOT EXISTS (
          SELECT 1 FROM part AS whole WHERE whole.run = ?1 AND whole.plan = ?2 AND whole.number = part.number AND whole.state = 'cut'
          AND whole.part = substr(part.part, 1, length(part.part) - 1))
        """),
    Relation(
      table: "part", what: "parts without the receipt or the refused event that they ended with",
      sql: """
        SELECT \(name) FROM part WHERE run = ?1 AND plan = ?2 AND (
          (state = 'accepted') <> EXISTS (SELECT 1 FROM receipt WHERE receipt.run = ?1 AND receipt.plan = ?2
            AND receipt.number = part.number AND receipt.part = part.part)
          OR (state = 'refused') <> EXISTS (SELECT 1 FROM refused_event WHERE refused_event.run = ?1 AND refused_event.plan = ?2
            AND refused_event.number = part.number AND refused_event.part = part.part))
        """),
    Relation(
      table: "refused_event", what: "refused events of no part",
      sql: """
        SELECT \(name) FROM refused_event WHERE run = ?1 AND plan = ?2 AND NOT EXISTS (
          SELECT 1 FROM part WHERE part.run = ?1 AND part.plan = ?2 AND part.number = refused_event.number
          AND part.part = refused_event.part)
        """),
  ]
}

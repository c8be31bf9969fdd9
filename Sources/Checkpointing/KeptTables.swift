internal import GRDB

/// A table whose rows are kept with their checksums, in a column of their own.
///
/// The connection that writes has triggers that compute it with each change, so that no statement can leave it out. Whoever goes by a row
/// compares it first; a change computes it anew, whatever stood there.
struct KeptTable {
  let name: String
  private let key: [String]
  /// What the checksum is of: stored, so this order is a promise.
  private let columns: [String]

  private init(_ name: String, key: [String], _ others: [String]) {
    self.name = name
    self.key = key
    columns = key + others
  }

  static let destination = KeptTable("destination", key: ["id"], ["account", "endpoint", "accepted"])
  static let run = KeptTable(
    "run", key: ["id"],
    [
      "destination", "phase", "plan", "encoder", "created_at", "updated_at", "ledger_mark", "key", "settings", "counts", "summary",
      "specification", "configuration",
    ])
  static let input = KeptTable("input", key: ["run", "number"], ["path", "byte_count", "digest", "format", "row_count", "header"])
  static let stagingFile = KeptTable(
    "staging_file", key: ["run", "number"], ["file", "partition", "byte_count", "record_count", "checksum"])
  static let part = KeptTable(
    "part", key: ["run", "plan", "number", "part"], ["state", "byte_count", "decision_count", "conversion_count", "digest"])
  static let refusedEvent = KeptTable("refused_event", key: ["run", "plan", "number", "part"], ["line"])
  static let variation = KeptTable("variation", key: ["id"], ["campaign", "experiment", "variation"])
  static let segment = KeptTable("segment", key: ["id"], ["destination", "state", "pruned"])
  static let segmentRun = KeptTable("segment_run", key: ["segment", "number"], ["run"])
  static let slice = KeptTable(
    "slice", key: ["id"],
    ["segment", "destination", "first_hash", "last_hash", "entry_count", "decision_count", "first_time", "last_time"])

  static let all = [destination, run, input, stagingFile, part, refusedEvent, variation, segment, segmentRun, slice]

  /// What the ledger is read by.
  static let ofLedger = [destination, variation, segment, segmentRun, slice]

  /// An expression that is 1 for a row of this table, in a statement that names it, which is as it was kept.
  var isWhole: String { "(\(name).row_sum IS row_checksum(\(list(name))))" }

  /// The column, and the checksums of the rows that are there, which are taken as they are.
  var addition: String {
    "ALTER TABLE \(name) ADD COLUMN row_sum INTEGER; UPDATE \(name) SET row_sum = row_checksum(\(list(name)));"
  }

  /// Makes the triggers of all tables, of this connection alone.
  static func keep(_ db: Database) throws {
    for table in all {
      let place = table.key.map { "\($0) = NEW.\($0)" }.joined(separator: " AND ")
      let change = "BEGIN UPDATE \(table.name) SET row_sum = row_checksum(\(table.list("NEW"))) WHERE \(place); END"
      try db.execute(
        sql: """
          CREATE TEMP TRIGGER inserted_\(table.name) AFTER INSERT ON main.\(table.name) \(change);
          CREATE TEMP TRIGGER updated_\(table.name) AFTER UPDATE OF \(table.columns.joined(separator: ", ")) ON main.\(table.name) \(change);
          """)
    }
  }

  private func list(_ owner: String) -> String { columns.map { "\(owner).\($0)" }.joined(separator: ", ") }
}

// What is asked before a row is gone by.
extension Checkpoint {
  /// `table.isWhole`, or 1 where rows have no checksums yet.
  func isWhole(_ table: KeptTable, _ db: Database) throws -> String {
    try Schema.keepsRowSums(db) ? table.isWhole : "1"
  }

  func requireWhole(_ columns: Columns, _ index: Int) throws(CheckpointFailure) {
    guard try columns.integer(index) == 1 else {
      throw .damaged(path: path, what: "a row of table \(columns.table) is not as it was kept")
    }
  }

  /// Throws `damaged` when a run's own row, or that of its account and endpoint, is not as it was kept.
  package func requireWhole(_ id: RunID) throws(CheckpointFailure) {
    try read("check a run") { db in
      let sql = """
        SELECT \(try isWhole(.run, db)), coalesce(\(try isWhole(.destination, db)), 0) FROM run
        LEFT JOIN destination ON destination.id = run.destination WHERE run.id = ?
        """
      let isWhole = try db.firstRow(sql, [id.rawValue]) { row in
        let columns = columns(row, "run")
        return try columns.integer(0) == 1 && columns.integer(1) == 1
      }
      guard isWhole ?? true else {
        throw CheckpointFailure.damaged(path: path, what: "what is known of run \(id) is not as it was kept")
      }
    }
  }

  /// The runs whose own rows are not as they were kept, among them those whose phase or account may be another.
  package func damagedRuns() throws(CheckpointFailure) -> [RunID] {
    try read("check the runs") { db in
      var runs: [RunID] = []
      try db.eachRow("SELECT id FROM run WHERE NOT \(try isWhole(.run, db)) ORDER BY id") {
        runs.append(RunID(rawValue: try columns($0, "run").integer(0)))
      }
      return runs
    }
  }

  /// What is wrong with the lists that the ledger is read by, so that events might not be found; empty when nothing is. Entries and indexes
  /// have checksums that are compared when they are read. Takes about as long as reading the receipts: a second per million.
  package func ledgerFaults() throws(CheckpointFailure) -> [String] {
    try read("check the ledger's lists") { db in try listFaults(db) + countFaults(db) }
  }

  /// Throws `damaged` when a list is not as it was kept: for who rewrites the ledger, of which each part is then compared.
  func requireWholeLists() throws(CheckpointFailure) {
    let fault = try read("check the ledger's lists") { db in try listFaults(db).first }
    if let fault { throw .damaged(path: path, what: "the ledger is not whole: \(fault)") }
  }

  /// Throws `damaged` when there are any.
  package func requireSoundLedger() throws(CheckpointFailure) {
    if let fault = try ledgerFaults().first { throw .damaged(path: path, what: "the ledger is not whole: \(fault)") }
  }

  private func listFaults(_ db: Database) throws -> [String] {
    var faults: [String] = []
    if try Schema.keepsRowSums(db) {
      for table in KeptTable.ofLedger {
        let words = "rows of table \(table.name) that are not as they were kept"
        faults += try fault(db, words, "SELECT count(*) FROM \(table.name) WHERE NOT \(table.isWhole)")
      }
    }
    faults += try fault(
      db, "slices of no segment",
      """
      SELECT count(*) FROM slice LEFT JOIN segment ON segment.id = slice.segment
      WHERE segment.id IS NULL OR segment.destination <> slice.destination
      """)
    faults += try fault(
      db, "segments or runs that are gone",
      """
      SELECT count(*) FROM segment_run LEFT JOIN segment ON segment.id = segment_run.segment LEFT JOIN run ON run.id = segment_run.run
      WHERE segment.id IS NULL OR run.id IS NULL OR segment.destination <> run.destination
      """)
    return faults
  }

  /// What came from another checkpoint has no receipts here.
  private func countFaults(_ db: Database) throws -> [String] {
    try fault(
      db, "segments that do not have the events of their receipts",
      """
      SELECT count(*) FROM segment WHERE state = 'live' AND EXISTS (SELECT 1 FROM segment_run WHERE segment_run.segment = segment.id)
      AND pruned + (SELECT coalesce(sum(entry_count), 0) FROM slice WHERE slice.segment = segment.id) <> (
        SELECT coalesce(sum(event_count), 0) FROM receipt
        WHERE run IN (SELECT segment_run.run FROM segment_run WHERE segment_run.segment = segment.id))
      """)
  }

  private func fault(_ db: Database, _ words: String, _ sql: String) throws -> [String] {
    let count = try db.firstRow(sql) { try columns($0, "slice").count(0) } ?? 0
    return count > 0 ? ["\(words): \(count)"] : []
  }
}

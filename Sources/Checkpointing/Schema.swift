internal import Bytes
internal import Foundation
internal import GRDB

/// The tables, by version. A version that was ever released is never edited: a change is a new version.
enum Schema {
  /// "optR": says that an SQLite file is a checkpoint (https://www.sqlite.org/pragma.html#pragma_application_id).
  static let applicationID: Int64 = 0x6f70_7452

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: "PRAGMA application_id = \(applicationID)")
      try db.execute(sql: version1)
    }
    migrator.registerMigration("2", foreignKeyChecks: .immediate) { db in try db.execute(sql: version2) }
    migrator.registerMigration("3", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: version3)
      try db.takeOldLedger()
      try db.execute(sql: "DROP TABLE ledger_part; DROP TABLE ledger")
    }
    migrator.registerMigration("4", foreignKeyChecks: .immediate) { db in try db.execute(sql: version4) }
    migrator.registerMigration("5", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: version5)
      try note(db)
    }
    migrator.registerMigration("6", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: version6)
      try note(db)
    }
    migrator.registerMigration("7", foreignKeyChecks: .immediate) { db in
      for table in KeptTable.all { try db.execute(sql: table.addition) }
      try note(db)
    }
    migrator.registerMigration("8", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: version8)
      try note(db)
    }
    return migrator
  }

  /// Whether rows of bodies and receipts are kept with their checksums.
  static func keepsChecksums(_ db: Database) throws -> Bool { try migrator.appliedIdentifiers(db).contains("5") }

  /// Whether those of all other tables are, too, but for what only reports tell.
  static func keepsRowSums(_ db: Database) throws -> Bool { try migrator.appliedIdentifiers(db).contains("7") }

  /// Whether digests of bodies are kept with checksums of their own.
  static func keepsDigestSums(_ db: Database) throws -> Bool { try migrator.appliedIdentifiers(db).contains("8") }

  /// The versions that a reader can do with: what came later adds only what reports tell, and checksums.
  private static let readable: Set<String> = ["1", "2", "3"]

  /// Whether requests are kept with how they ended.
  static func keepsAnswers(_ db: Database) throws -> Bool { try migrator.appliedIdentifiers(db).contains("4") }

  /// Whether requests that failed are kept with their time.
  static func keepsFailures(_ db: Database) throws -> Bool { try migrator.appliedIdentifiers(db).contains("6") }

  /// Refuses a database that is cut short, not ours, or newer than us. Returns whether what it holds can be read as we read it.
  static func examine(_ db: Database, path: String) throws -> Bool {
    // SQLite reads the missing end of a last page as zeros. While there is a log, that page may still be on its way.
    let page = try db.firstRow("PRAGMA page_size") { try Columns(row: $0, path: path, table: "header").count(0) } ?? 1
    if let stamp = FileStamp(path), !stamp.hasLog, !stamp.byteCount.isMultiple(of: UInt64(page)) {
      throw CheckpointFailure.damaged(path: path, what: "its \(stamp.byteCount) bytes are not whole pages of \(page)")
    }
    let id = try db.firstRow("PRAGMA application_id") { try Columns(row: $0, path: path, table: "header").integer(0) }
    // A process killed while it created the file leaves no more than the table of versions.
    let strangers =
      "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'grdb\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    let tables = try db.firstRow(strangers) { try Columns(row: $0, path: path, table: "sqlite_master").count(0) } ?? 0
    guard id == applicationID || (id == 0 && tables == 0) else { throw CheckpointFailure.foreign(path: path) }
    let unknown = try migrator.appliedIdentifiers(db).subtracting(migrator.migrations)
    guard unknown.isEmpty else { throw CheckpointFailure.newerSchema(path: path, versions: unknown.sorted()) }
    if try keepsChecksums(db) {
      let noted = try db.firstRow("PRAGMA user_version") { try Columns(row: $0, path: path, table: "header").integer(0) }
      guard try noted == Int64(digest(db)) else {
        throw CheckpointFailure.damaged(path: path, what: "its tables are not defined as they were made")
      }
    }
    return try readable.isSubset(of: migrator.appliedIdentifiers(db))
  }

  /// Keeps a digest of the definitions of all tables and indexes, as the last step of a version: a definition that changed may still be one.
  private static func note(_ db: Database) throws {
    try db.execute(sql: "PRAGMA user_version = \(try digest(db))")
  }

  /// Of the texts as they are kept: another SQLite may have written them otherwise.
  private static func digest(_ db: Database) throws -> Int32 {
    let definitions =
      "SELECT name, tbl_name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    var bytes: [UInt8] = []
    try db.eachRow(definitions) { row in
      for column in 0..<3 { RowChecksum.append(row[column] as DatabaseValue, to: &bytes) }
    }
    return Int32(truncatingIfNeeded: Digest(bytes.span).high)
  }

  /// Small columns come before large ones: SQLite reads a row from its start.
  ///
  /// A body belongs to a plan, the n-th of its run, and `run.plan` says which one counts: a plan is written aside, in many
  /// transactions, and becomes the plan at once. Receipts repeat the counts of their bodies, so that they outlive a plan.
  private static let version1 = """
    CREATE TABLE destination (
      id INTEGER PRIMARY KEY,
      account TEXT NOT NULL,
      endpoint TEXT NOT NULL,
      accepted INTEGER NOT NULL DEFAULT 0,
      UNIQUE (account, endpoint)
    ) STRICT;

    CREATE TABLE run (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      destination INTEGER NOT NULL REFERENCES destination (id),
      phase TEXT NOT NULL CHECK (phase IN ('staging', 'planning', 'refused', 'sending', 'complete', 'forgotten')),
      plan INTEGER NOT NULL DEFAULT 0,
      encoder INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      ledger_mark INTEGER NOT NULL DEFAULT 0,
      key TEXT NOT NULL,
      settings TEXT NOT NULL,
      counts TEXT,
      summary TEXT,
      specification TEXT NOT NULL
    ) STRICT;
    CREATE INDEX run_destination ON run (destination, id);
    CREATE UNIQUE INDEX run_unfinished ON run (destination) WHERE phase IN ('staging', 'planning', 'sending');

    CREATE TABLE traffic (
      run INTEGER PRIMARY KEY REFERENCES run (id),
      requests INTEGER NOT NULL,
      retries INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE input (
      run INTEGER NOT NULL REFERENCES run (id),
      number INTEGER NOT NULL,
      path TEXT NOT NULL,
      byte_count INTEGER NOT NULL,
      digest BLOB NOT NULL CHECK (length(digest) = 16),
      format TEXT NOT NULL,
      row_count INTEGER NOT NULL,
      header BLOB NOT NULL,
      PRIMARY KEY (run, number)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE staging_file (
      run INTEGER NOT NULL REFERENCES run (id),
      number INTEGER NOT NULL,
      file TEXT NOT NULL,
      partition INTEGER,
      byte_count INTEGER NOT NULL,
      record_count INTEGER NOT NULL,
      checksum INTEGER NOT NULL,
      PRIMARY KEY (run, number)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE body (
      run INTEGER NOT NULL REFERENCES run (id),
      plan INTEGER NOT NULL,
      number INTEGER NOT NULL CHECK (number >= 1),
      byte_count INTEGER NOT NULL,
      event_count INTEGER NOT NULL,
      decision_count INTEGER NOT NULL,
      conversion_count INTEGER NOT NULL,
      visitor_count INTEGER NOT NULL,
      first_index INTEGER NOT NULL,
      last_index INTEGER NOT NULL,
      waits_for INTEGER CHECK (waits_for < number),
      digest BLOB CHECK (length(digest) = 16),
      first_visitor BLOB NOT NULL,
      last_visitor BLOB NOT NULL,
      PRIMARY KEY (run, plan, number)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE receipt (
      run INTEGER NOT NULL REFERENCES run (id),
      plan INTEGER NOT NULL,
      number INTEGER NOT NULL,
      status INTEGER NOT NULL,
      attempt_count INTEGER NOT NULL,
      accepted_at INTEGER NOT NULL,
      byte_count INTEGER NOT NULL,
      event_count INTEGER NOT NULL,
      decision_count INTEGER NOT NULL,
      conversion_count INTEGER NOT NULL,
      PRIMARY KEY (run, plan, number)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE ledger (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      destination INTEGER NOT NULL REFERENCES destination (id),
      run INTEGER NOT NULL REFERENCES run (id),
      first_hash INTEGER NOT NULL,
      last_hash INTEGER NOT NULL CHECK (first_hash <= last_hash),
      entry_count INTEGER NOT NULL CHECK (entry_count > 0)
    ) STRICT;
    CREATE INDEX ledger_order ON ledger (destination, first_hash, id, last_hash, entry_count);
    CREATE INDEX ledger_newest ON ledger (destination, id);
    CREATE INDEX ledger_run ON ledger (run, id);

    CREATE TABLE ledger_part (
      slice INTEGER NOT NULL REFERENCES ledger (id) ON DELETE CASCADE,
      part INTEGER NOT NULL,
      checksum INTEGER NOT NULL,
      entries BLOB NOT NULL CHECK (length(entries) > 0 AND length(entries) % 32 = 0),
      PRIMARY KEY (slice, part)
    ) STRICT, WITHOUT ROWID;
    """

  /// A body that the server refuses whole is sent in parts, each with a receipt of its own. A part is named by its path of halves; the whole
  /// body has an empty one.
  private static let version2 = """
    ALTER TABLE receipt RENAME TO receipt_1;
    CREATE TABLE receipt (
      run INTEGER NOT NULL REFERENCES run (id),
      plan INTEGER NOT NULL,
      number INTEGER NOT NULL,
      part TEXT NOT NULL,
      status INTEGER NOT NULL,
      attempt_count INTEGER NOT NULL,
      accepted_at INTEGER NOT NULL,
      byte_count INTEGER NOT NULL,
      event_count INTEGER NOT NULL,
      decision_count INTEGER NOT NULL,
      conversion_count INTEGER NOT NULL,
      PRIMARY KEY (run, plan, number, part)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO receipt SELECT run, plan, number, '', status, attempt_count, accepted_at, byte_count, event_count, decision_count,
      conversion_count FROM receipt_1;
    DROP TABLE receipt_1;

    CREATE TABLE part (
      run INTEGER NOT NULL REFERENCES run (id),
      plan INTEGER NOT NULL,
      number INTEGER NOT NULL,
      part TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'cut', 'refused')),
      byte_count INTEGER NOT NULL,
      decision_count INTEGER NOT NULL,
      conversion_count INTEGER NOT NULL,
      digest BLOB NOT NULL CHECK (length(digest) = 16),
      PRIMARY KEY (run, plan, number, part)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE refused_event (
      run INTEGER NOT NULL REFERENCES run (id),
      plan INTEGER NOT NULL,
      number INTEGER NOT NULL,
      part TEXT NOT NULL,
      line BLOB NOT NULL,
      PRIMARY KEY (run, plan, number, part)
    ) STRICT, WITHOUT ROWID;
    """

  /// Slices of the ledger belong to segments, which tell the runs of their entries apart. A segment that is `building` is not complete, one
  /// that is `dead` has been merged into another; neither is read, and both are swept. `pruned` counts the entries that were dropped for their age.
  private static let version3 = """
    CREATE TABLE variation (
      id INTEGER PRIMARY KEY,
      campaign BLOB NOT NULL,
      experiment BLOB NOT NULL,
      variation BLOB NOT NULL,
      UNIQUE (campaign, experiment, variation)
    ) STRICT;

    CREATE TABLE segment (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      destination INTEGER NOT NULL REFERENCES destination (id),
      state TEXT NOT NULL CHECK (state IN ('building', 'live', 'dead')),
      pruned INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE TABLE segment_run (
      segment INTEGER NOT NULL REFERENCES segment (id) ON DELETE CASCADE,
      number INTEGER NOT NULL CHECK (number >= 1),
      run INTEGER NOT NULL REFERENCES run (id),
      PRIMARY KEY (segment, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX segment_of_run ON segment_run (run);

    CREATE TABLE slice (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      segment INTEGER NOT NULL REFERENCES segment (id),
      destination INTEGER NOT NULL REFERENCES destination (id),
      first_hash INTEGER NOT NULL,
      last_hash INTEGER NOT NULL CHECK (first_hash <= last_hash),
      entry_count INTEGER NOT NULL CHECK (entry_count > 0),
      decision_count INTEGER NOT NULL,
      first_time INTEGER NOT NULL,
      last_time INTEGER NOT NULL CHECK (first_time <= last_time)
    ) STRICT;
    CREATE INDEX slice_order ON slice (destination, first_hash, id);
    CREATE INDEX slice_segment ON slice (segment);

    CREATE TABLE slice_index (
      slice INTEGER PRIMARY KEY REFERENCES slice (id),
      checksum INTEGER NOT NULL,
      bytes BLOB NOT NULL
    ) STRICT;

    CREATE TABLE slice_part (
      id INTEGER PRIMARY KEY,
      checksum INTEGER NOT NULL,
      entries BLOB NOT NULL
    ) STRICT;
    """

  /// What reports tell of requests: how long accepted ones took (microseconds) and the days of their events, which nobody knows of earlier
  /// receipts; how all of them ended; and the configuration as it is shown.
  private static let version4 = """
    ALTER TABLE receipt ADD COLUMN took INTEGER;
    ALTER TABLE receipt ADD COLUMN days BLOB;
    ALTER TABLE run ADD COLUMN configuration TEXT;

    CREATE TABLE answer (
      run INTEGER NOT NULL REFERENCES run (id),
      answer TEXT NOT NULL,
      requests INTEGER NOT NULL,
      PRIMARY KEY (run, answer)
    ) STRICT, WITHOUT ROWID;
    """

  /// Checksums; rows that are there are taken as they are.
  private static let version5 = """
    ALTER TABLE body ADD COLUMN checksum INTEGER;
    ALTER TABLE receipt ADD COLUMN checksum INTEGER;
    UPDATE body SET checksum = \(RowChecksum.ofBody);
    UPDATE receipt SET checksum = \(RowChecksum.ofReceipt);
    """

  /// When requests failed (epoch seconds), how, and how long they took (microseconds with two digits that count); nobody knows it of earlier
  /// ones.
  private static let version6 = """
    CREATE TABLE failed_request (
      run INTEGER NOT NULL REFERENCES run (id),
      second INTEGER NOT NULL,
      answer TEXT NOT NULL,
      took INTEGER NOT NULL,
      requests INTEGER NOT NULL,
      PRIMARY KEY (run, second, answer, took)
    ) STRICT, WITHOUT ROWID;
    """

  /// Checksums of digests, which come later than what a body was planned with; those that are there are taken as they are.
  private static let version8 = """
    ALTER TABLE body ADD COLUMN digest_checksum INTEGER;
    UPDATE body SET digest_checksum = \(RowChecksum.ofDigest) WHERE digest IS NOT NULL;
    """
}

extension Database {
  /// Takes the entries of version 2 as they are: 32 bytes each, with the whole digests of id and content and without a time. An event counts
  /// as old as its run, and no decision is known as one.
  fileprivate func takeOldLedger() throws {
    let segments = try Row.fetchAll(
      self, sql: "SELECT DISTINCT ledger.run, ledger.destination, run.updated_at FROM ledger JOIN run ON run.id = ledger.run ORDER BY run")
    for row in segments {
      let (run, destination, time): (Int64, Int64, Int64) = (row[0], row[1], row[2])
      let segment = try insertSegment(destination, runs: [run], state: "live")
      for slice in try Int64.fetchAll(self, sql: "SELECT id FROM ledger WHERE run = ? ORDER BY id", arguments: [run]) {
        var entries: [UInt8] = []
        let parts = try Data.fetchCursor(
          self, sql: "SELECT entries FROM ledger_part WHERE slice = ? ORDER BY part", arguments: [slice])
        while let part = try parts.next() {
          let old = [UInt8](part)
          for at in stride(from: 0, to: old.count, by: 32) {
            let word = { (offset: Int) in load64(old.span, at + offset).byteSwapped }
            entries += LedgerEntry(visitorHash: word(0), id: word(8), timestamp: time, content: word(24)).bytes
          }
        }
        // The same id, so that what is planned goes on being filtered by the same slices.
        if !entries.isEmpty { try insertSlice(entries, segment: segment, destination: destination, id: slice) }
      }
    }
  }
}

internal import Bytes
internal import Foundation
internal import GRDB

/// The database of a sandbox, to write into. What `store` has returned from outlives this process.
///
/// A rollback journal, not a write-ahead log: bodies are only ever added, so each byte is written once instead of twice, and
/// loading is twice as fast. Readers take the file for moments at a time (`StoreReader`), so that neither side waits long.
///
/// Memory: SQLite's page cache, about 2 MB.
struct SandboxStore: Sendable {
  private let path: String
  private let queue: DatabaseQueue

  /// Opens the file, or makes it with mode 0600. `prepare` runs before the tables are made: tests make the disk small there.
  init(
    at path: String, patience: Duration = StoreFormat.patience, prepare: @escaping @Sendable (Database) throws -> Void = { _ in }
  ) throws(SandboxFailure) {
    let path = URL(fileURLWithPath: path).path
    self.path = path
    do {
      SandboxStore.create(path)
      queue = try DatabaseQueue(path: path, configuration: StoreFormat.configuration(patience))
      try queue.inDatabase { db in
        // The page size is the file's own once it has tables.
        try db.execute(sql: "PRAGMA page_size = \(StoreFormat.pageBytes)")
        try prepare(db)
        let isNew = try StoreFormat.examine(db, path: path)
        // What is committed outlives this process, however it is killed. A power cut may cost the file, which holds nothing but what a
        // sandbox was sent, and a rehearsal does not wait for the disk.
        try db.execute(sql: "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = OFF")
        if isNew { try db.inTransaction(.immediate) { try StoreFormat.create(db, path: path) } }
        try SandboxStore.requireDurable(db, path: path)
      }
    } catch {
      throw SandboxFailure(error, path: path, doing: "open it")
    }
  }

  /// Adds the bodies that are not stored yet, and counts the requests, in one transaction. Returns for each body whether it is
  /// new.
  func store(_ bodies: [PackedBody], requestCount: Int) throws(SandboxFailure) -> [Bool] {
    do {
      var isNew: [Bool] = []
      try queue.inDatabase { db in
        try db.inTransaction(.immediate) {
          isNew = try bodies.map { try SandboxStore.add($0, db) }
          let repeatedCount = isNew.count { !$0 }
          try db.cachedStatement(sql: "UPDATE traffic SET requests = requests + ?, repeated = repeated + ?")
            .execute(arguments: [requestCount, repeatedCount])
          return .commit
        }
      }
      return isNew
    } catch {
      throw SandboxFailure(error, path: path, doing: "store what it was sent")
    }
  }

  func close() throws(SandboxFailure) {
    do {
      try queue.close()
    } catch {
      throw SandboxFailure(error, path: path, doing: "close it")
    }
  }

  private static func add(_ body: PackedBody, _ db: Database) throws -> Bool {
    let row = BodyRow(id: 0, body)
    let insertBody = try db.cachedStatement(
      sql: """
        INSERT INTO body (digest, byte_count, event_count, part_count, first_hash, last_hash, checksum)
        VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING
        """)
    let checksum = Int64(bitPattern: row.checksum)
    try insertBody.execute(arguments: [
      Data(row.digest), row.byteCount, row.eventCount, row.partCount, orderedInteger(row.firstHash), orderedInteger(row.lastHash),
      checksum,
    ])
    guard db.changesCount == 1 else { return false }
    let id = db.lastInsertedRowID
    let insertPart = try db.cachedStatement(sql: "INSERT INTO part (id, checksum, records) VALUES (?, ?, ?)")
    for (number, part) in body.parts.enumerated() {
      try insertPart.execute(arguments: [
        StoreFormat.partID(body: Int(id), number), Int64(bitPattern: part.checksum), part.records,
      ])
    }
    return true
  }

  /// Makes an empty file when there is none. What fails here fails again, with a reason, when SQLite opens the file.
  private static func create(_ path: String) {
    let url = URL(fileURLWithPath: path)
    guard (try? Data().write(to: url, options: .withoutOverwriting)) != nil else { return }
    try? FileManager.default.setAttributes([.posixPermissions: NSNumber(value: 0o600)], ofItemAtPath: path)
  }

  /// Reads back the setting without which a killed process could lose what was answered.
  static func requireDurable(_ db: Database, path: String) throws {
    let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode")
    guard mode == "truncate" else { throw SandboxFailure.notDurable(path: path, setting: "journal_mode=TRUNCATE") }
  }
}

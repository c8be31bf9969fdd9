internal import Foundation
internal import GRDB
internal import Synchronization

/// The memory of a state folder: runs, plans, receipts and the ledger, in one SQLite database.
///
/// What an operation has returned from is on the disk: WAL, `synchronous=FULL` (read back when opening), one transaction each. A
/// process may be killed at any time; nothing depends on `close`. Methods block, may be called from any thread, and take turns.
/// Memory is SQLite's page cache, about 2 MB, plus what a method returns.
package final class Checkpoint: Sendable {
  /// The absolute path of the database file.
  package let path: String
  private let connection: Connection
  /// Set on the connection's queue: the library can't be asked anything once the connection is closed.
  private let isClosed = Atomic(false)
  let ledgerReads = Mutex(LedgerReads())

  private enum Connection {
    case writer(DatabaseQueue)
    case reader(ReaderConnection)
  }

  /// Opens the checkpoint for writing; creates it with mode 0600 and brings it to our schema version when needed.
  ///
  /// `patience` is how long an operation waits for another writer before it throws `locked`.
  package convenience init(at path: String, patience: Duration = .seconds(10)) throws(CheckpointFailure) {
    try self.init(at: path, patience: patience) { _ in }
  }

  /// `prepare` runs before the schema is made: tests make the disk small there.
  init(
    at path: String, patience: Duration, prepare: @escaping @Sendable (Database) throws -> Void
  ) throws(CheckpointFailure) {
    let path = URL(fileURLWithPath: path).path
    self.path = path
    do {
      Checkpoint.create(path)
      let queue = try DatabaseQueue(path: path, configuration: Checkpoint.configuration(patience))
      try queue.inDatabase { db in
        try prepare(db)
        _ = try Schema.examine(db, path: path)
        Checkpoint.keepPrivate(path)
        try Checkpoint.setUp(db)
      }
      try Schema.migrator.migrate(queue)
      try queue.inDatabase { db in
        try KeptTable.keep(db)
        try Checkpoint.requireDurable(db, path: path)
      }
      connection = .writer(queue)
    } catch {
      throw CheckpointFailure(error, path: path, doing: "open the checkpoint")
    }
  }

  private init(path: String, reader: ReaderConnection) {
    self.path = path
    connection = .reader(reader)
  }

  /// Opens the checkpoint for reading: each operation sees one consistent state while another process writes, and none of them
  /// holds up the writer. Never creates or changes the checkpoint; operations that write throw `readOnly`.
  ///
  /// While no writer is at work, SQLite's two helper files are not made either, so a read-only folder will do.
  package static func reader(at path: String) throws(CheckpointFailure) -> Checkpoint {
    let path = URL(fileURLWithPath: path).path
    let reader = Checkpoint(path: path, reader: ReaderConnection(path: path))
    try reader.read("open the checkpoint") { _ in }
    return reader
  }

  /// Whether both are of one file, whatever its paths.
  package func isSameFile(as other: Checkpoint) -> Bool {
    guard let one = FileStamp(path), let other = FileStamp(other.path) else { return false }
    return one.isSameFile(as: other)
  }

  /// Folds the log into the database and closes it; operations afterwards throw. Not needed for anything to be kept: it leaves
  /// one tidy file. A reader at work makes it leave the log for the next close.
  package func close() throws(CheckpointFailure) {
    do {
      switch connection {
      case .reader(let reader):
        isClosed.store(true, ordering: .sequentiallyConsistent)
        reader.close()
      case .writer(let queue):
        try queue.inDatabase { db in
          guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
          try db.execute(sql: "PRAGMA busy_timeout = 0")
          do {
            try db.checkpoint(.truncate)
          } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED {
            // A reader still needs the log.
          }
        }
        try queue.close()
      }
    } catch {
      throw CheckpointFailure(error, path: path, doing: "close the checkpoint")
    }
  }

  /// Reads every page and compares tables with their indexes; throws `damaged` with the first difference. Takes as long as
  /// reading the file does.
  package func verifyIntegrity() throws(CheckpointFailure) {
    try read("check the checkpoint") { db in
      let verdict = try db.firstRow("PRAGMA integrity_check(1)") { row in
        try Columns(row: row, path: path, table: "integrity_check").text(0)
      }
      guard verdict == "ok" else { throw CheckpointFailure.damaged(path: path, what: verdict ?? "no answer from the check") }
    }
  }
}

// What the operations in the other files stand on.
extension Checkpoint {
  /// Whether this connection only reads.
  var isReader: Bool { if case .reader = connection { true } else { false } }

  /// The folder of the file, whose lock a writer has.
  var folder: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }

  /// Reads in one transaction. A reader may call `body` again when a writer came in between.
  func read<T>(_ doing: String, _ body: (Database) throws -> T) throws(CheckpointFailure) -> T {
    do {
      switch connection {
      case .writer(let queue): return try transact(queue, .deferred, doing, body)
      case .reader(let reader):
        try requireOpen(doing)
        return try reader.read(body)
      }
    } catch {
      throw CheckpointFailure(error, path: path, doing: doing)
    }
  }

  /// Writes in one transaction, which is on the disk when this returns and has left nothing behind when it throws.
  func write<T>(_ doing: String, _ body: (Database) throws -> T) throws(CheckpointFailure) -> T {
    do {
      guard case .writer(let queue) = connection else { throw CheckpointFailure.readOnly(path: path, doing: doing) }
      return try transact(queue, .immediate, doing, body)
    } catch {
      throw CheckpointFailure(error, path: path, doing: doing)
    }
  }

  private func transact<T>(
    _ queue: DatabaseQueue, _ kind: Database.TransactionKind, _ doing: String, _ body: (Database) throws -> T
  ) throws -> T {
    try queue.inDatabase { db in
      try requireOpen(doing)
      var result: T?
      try db.inTransaction(kind) {
        result = try body(db)
        return .commit
      }
      guard let result else { preconditionFailure("a committed transaction has a result") }
      return result
    }
  }

  private func requireOpen(_ doing: String) throws(CheckpointFailure) {
    guard isClosed.load(ordering: .sequentiallyConsistent) else { return }
    // 21 is SQLITE_MISUSE.
    throw .unexpected(path: path, doing: doing, code: 21, text: "the checkpoint is closed")
  }
}

// Opening.
extension Checkpoint {
  /// Bytes that the log is cut back to after a large transaction.
  private static let logBytes = 64 << 20

  static func configuration(_ patience: Duration, readonly: Bool = false) -> Configuration {
    var configuration = Configuration()
    configuration.label = "checkpoint"
    configuration.readonly = readonly
    configuration.busyMode = .timeout(patience / .seconds(1))
    // The journal mode stays `default`: with `wal` the library would set `synchronous=NORMAL` behind our back.
    configuration.journalMode = .default
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
      db.add(function: RowChecksum.function)
    }
    return configuration
  }

  /// Makes an empty file when there is none. What fails here fails again, with a reason, when SQLite opens the file.
  private static func create(_ path: String) {
    let url = URL(fileURLWithPath: path)
    guard (try? Data().write(to: url, options: .withoutOverwriting)) != nil else { return }
    keepPrivate(path)
  }

  /// Takes the file from everybody but its owner; SQLite gives its helper files the same mode.
  private static func keepPrivate(_ path: String) {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    guard let mode = attributes?[.posixPermissions] as? NSNumber, mode.intValue & 0o077 != 0 else { return }
    try? FileManager.default.setAttributes([.posixPermissions: NSNumber(value: 0o600)], ofItemAtPath: path)
  }

  /// `secure_delete=FAST`: dropped rows are zeroed where that costs no further page.
  private static func setUp(_ db: Database) throws {
    try db.execute(
      sql: """
        PRAGMA page_size = \(CheckpointFormat.pageBytes);
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA foreign_keys = ON;
        PRAGMA secure_delete = FAST;
        PRAGMA journal_size_limit = \(logBytes);
        """)
  }

  /// Reads back the settings without which a crash could lose what was committed, or a run could lose its rows.
  static func requireDurable(_ db: Database, path: String) throws {
    let mode = try db.firstRow("PRAGMA journal_mode") { try Columns(row: $0, path: path, table: "journal_mode").text(0) }
    guard mode == "wal" else { throw CheckpointFailure.notDurable(path: path, setting: "journal_mode=WAL") }
    // 2 is FULL (https://www.sqlite.org/pragma.html#pragma_synchronous).
    let level = try db.firstRow("PRAGMA synchronous") { try Columns(row: $0, path: path, table: "synchronous").count(0) }
    guard level == 2 else { throw CheckpointFailure.notDurable(path: path, setting: "synchronous=FULL") }
    let keys = try db.firstRow("PRAGMA foreign_keys") { try Columns(row: $0, path: path, table: "foreign_keys").count(0) }
    guard keys == 1 else { throw CheckpointFailure.notDurable(path: path, setting: "foreign_keys=ON") }
  }
}

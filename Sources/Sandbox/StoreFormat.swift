internal import Bytes
internal import Foundation
internal import GRDB

/// What writer and readers of the database agree on.
enum StoreFormat {
  /// "optS": says that an SQLite file is a sandbox (https://www.sqlite.org/pragma.html#pragma_application_id).
  static let applicationID: Int64 = 0x6f70_7453
  static let version: Int64 = 2
  /// Parts are blobs of 32 KB and more: pages of 16 KB took 156 MB/s where pages of 4 KB took 107.
  static let pageBytes = 16 << 10
  /// How long one side waits for the other. A commit of some large bodies takes a tenth of a second.
  static let patience = Duration.seconds(30)

  /// Records of a part are packed (`RecordPacker`); a body's parts together are its records in the total order. Hashes are stored
  /// so that SQLite orders them as unsigned numbers.
  private static let tables = """
    CREATE TABLE body (
      id INTEGER PRIMARY KEY,
      digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 16),
      byte_count INTEGER NOT NULL,
      event_count INTEGER NOT NULL,
      part_count INTEGER NOT NULL,
      first_hash INTEGER NOT NULL,
      last_hash INTEGER NOT NULL CHECK (first_hash <= last_hash),
      checksum INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX body_order ON body (first_hash, id);

    CREATE TABLE part (
      id INTEGER PRIMARY KEY,
      checksum INTEGER NOT NULL,
      records BLOB NOT NULL
    ) STRICT;

    CREATE TABLE traffic (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      requests INTEGER NOT NULL,
      repeated INTEGER NOT NULL
    ) STRICT;
    INSERT INTO traffic VALUES (1, 0, 0);
    """

  static func partID(body: Int, _ number: Int) -> Int { body << 20 | number }

  static func configuration(_ patience: Duration) -> Configuration {
    var configuration = Configuration()
    configuration.label = "sandbox"
    // SQLite's own waiting backs off to a tenth of a second and would miss the moments between two commits.
    let attempts = Int(patience / .milliseconds(1))
    configuration.busyMode = .callback { attempt in
      guard attempt < attempts else { return false }
      Thread.sleep(forTimeInterval: 0.001)
      return true
    }
    // The library must not choose journal mode and durability for us.
    configuration.journalMode = .default
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
    }
    return configuration
  }

  /// Refuses a database that is not ours or newer than us. Returns whether it is empty still.
  static func examine(_ db: Database, path: String) throws -> Bool {
    let id = try Int64.fetchOne(db, sql: "PRAGMA application_id")
    let version = try Int64.fetchOne(db, sql: "PRAGMA user_version")
    if id == applicationID, version == StoreFormat.version { return false }
    if id == applicationID, version ?? 0 < StoreFormat.version { throw SandboxFailure.outdated(path: path) }
    let tables = try Int64.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master")
    guard id == 0, version == 0, tables == 0 else { throw SandboxFailure.foreign(path: path) }
    return true
  }

  /// Makes the tables, unless another process just did.
  static func create(_ db: Database, path: String) throws -> Database.TransactionCompletion {
    guard try examine(db, path: path) else { return .rollback }
    try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version);" + tables)
    return .commit
  }
}

/// A stored body without its records.
struct BodyRow: Sendable {
  let id: Int
  let digest: [UInt8]
  let byteCount: Int
  let eventCount: Int
  let partCount: Int
  let firstHash: UInt64
  let lastHash: UInt64

  init(id: Int, _ body: PackedBody) {
    self.id = id
    digest = body.digest.bytes
    byteCount = body.byteCount
    eventCount = body.eventCount
    partCount = body.parts.count
    firstHash = body.firstHash
    lastHash = body.lastHash
  }

  /// Reads the columns in the order of `columns`, and checks them against the checksum that was stored with them.
  init(_ row: Row, path: String) throws {
    func integer(_ index: Int) throws -> Int64 {
      let value: DatabaseValue = row[index]
      guard case .int64(let integer) = value.storage else { throw BodyRow.damaged(path) }
      return integer
    }
    let digest: DatabaseValue = row[1]
    guard case .blob(let bytes) = digest.storage else { throw BodyRow.damaged(path) }
    id = Int(try integer(0))
    self.digest = [UInt8](bytes)
    byteCount = Int(try integer(2))
    eventCount = Int(try integer(3))
    partCount = Int(try integer(4))
    firstHash = hash(ordered: try integer(5))
    lastHash = hash(ordered: try integer(6))
    guard checksum == UInt64(bitPattern: try integer(7)) else { throw BodyRow.damaged(path) }
  }

  static let columns = "id, digest, byte_count, event_count, part_count, first_hash, last_hash, checksum"

  private static func damaged(_ path: String) -> SandboxFailure {
    .damaged(path: path, what: "a row of table body does not hold what was written")
  }

  /// Over everything but the id, which SQLite gives.
  var checksum: UInt64 {
    var arena = ByteArena(limit: 256)
    arena.append(digest)
    for number in [UInt64(byteCount), UInt64(eventCount), UInt64(partCount), firstHash, lastHash] {
      arena.store(number, at: arena.appendZeros(8))
    }
    return Digest(arena.span).high
  }
}

/// An unsigned hash as the signed integer that SQLite orders the same way.
func orderedInteger(_ hash: UInt64) -> Int64 { Int64(bitPattern: hash ^ (1 << 63)) }

/// The inverse of `orderedInteger`.
func hash(ordered: Int64) -> UInt64 { UInt64(bitPattern: ordered) ^ (1 << 63) }

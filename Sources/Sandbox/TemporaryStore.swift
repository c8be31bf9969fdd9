internal import Bytes
internal import Foundation
internal import GRDB

/// What reading a sandbox needs to put aside: a database in a temporary file that goes away with its owner, however that ends.
///
/// Memory: SQLite's page cache, about 2 MB, and as much while it sorts; everything beyond is in the file.
final class TemporaryStore {
  private let queue: DatabaseQueue
  private var runCount = 0

  init() throws {
    var configuration = Configuration()
    configuration.label = "sandbox-temporary"
    // An empty path is a file of SQLite's own in the system's temporary folder, deleted while it is open.
    queue = try DatabaseQueue(path: "", configuration: configuration)
    try queue.inDatabase { db in
      try db.execute(
        sql: """
          PRAGMA journal_mode = OFF;
          PRAGMA synchronous = OFF;
          PRAGMA page_size = \(StoreFormat.pageBytes);
          CREATE TABLE part (id INTEGER PRIMARY KEY, records BLOB NOT NULL) STRICT;
          CREATE TABLE version (
            high INTEGER NOT NULL, low INTEGER NOT NULL, place INTEGER NOT NULL, ordinal INTEGER NOT NULL, traits INTEGER NOT NULL
          ) STRICT;
          CREATE TABLE loser (ordinal INTEGER PRIMARY KEY) STRICT;
          """)
    }
  }

  // MARK: sorted runs

  /// Begins a run and returns its number.
  func beginRun() -> Int {
    runCount += 1
    return runCount
  }

  func append(_ records: Span<UInt8>, toRun run: Int, as number: Int) throws {
    let data = Data(copy(records))
    try queue.inDatabase { db in
      try db.cachedStatement(sql: "INSERT INTO part VALUES (?, ?)").execute(arguments: [
        StoreFormat.partID(body: run, number), data,
      ])
    }
  }

  /// The part, which is not kept: it is read once. Nil behind the last.
  func takePart(_ number: Int, of run: Int) throws -> [UInt8]? {
    let id = StoreFormat.partID(body: run, number)
    return try queue.inDatabase { db in
      guard let data = try Data.fetchOne(db.cachedStatement(sql: "SELECT records FROM part WHERE id = ?"), arguments: [id]) else {
        return nil
      }
      try db.cachedStatement(sql: "DELETE FROM part WHERE id = ?").execute(arguments: [id])
      return [UInt8](data)
    }
  }

  // MARK: versions of events

  func append(_ versions: [EventVersion]) throws {
    try queue.inDatabase { db in
      try db.inTransaction(.immediate) {
        let insert = try db.cachedStatement(sql: "INSERT INTO version VALUES (?, ?, ?, ?, ?)")
        for version in versions {
          try insert.execute(arguments: [
            Int64(bitPattern: version.id.high), Int64(bitPattern: version.id.low), Int64(bitPattern: version.place),
            version.ordinal,
            Int(version.traits.rawValue),
          ])
        }
        return .commit
      }
    }
  }

  /// Takes all versions out again and calls `isLoser` with each, those of one event together, the one accepted first before the
  /// others. Keeps the losers and returns how many there are.
  func takeVersions(_ isLoser: (EventVersion) -> Bool) throws -> Int {
    var loserCount = 0
    try queue.inDatabase { db in
      let insert = try db.cachedStatement(sql: "INSERT INTO loser VALUES (?)")
      let sorted = try db.cachedStatement(
        sql: "SELECT high, low, place, ordinal, traits FROM version ORDER BY high, low, place")
      let cursor = try Row.fetchCursor(sorted)
      while let row = try cursor.next() {
        let high: Int64 = row[0]
        let low: Int64 = row[1]
        let place: Int64 = row[2]
        let traits: UInt8 = row[4]
        let version = EventVersion(
          id: Digest(high: UInt64(bitPattern: high), low: UInt64(bitPattern: low)), place: UInt64(bitPattern: place),
          ordinal: row[3],
          traits: EventVersion.Traits(rawValue: traits))
        guard isLoser(version) else { continue }
        try insert.execute(arguments: [version.ordinal])
        loserCount += 1
      }
    }
    try queue.inDatabase { db in try db.execute(sql: "DELETE FROM version") }
    return loserCount
  }

  // MARK: versions that do not count

  func append(losers ordinals: [Int]) throws {
    try queue.inDatabase { db in
      try db.inTransaction(.immediate) {
        let insert = try db.cachedStatement(sql: "INSERT INTO loser VALUES (?)")
        for ordinal in ordinals { try insert.execute(arguments: [ordinal]) }
        return .commit
      }
    }
  }

  /// The next ones in their order, at most `limit`.
  func losers(after ordinal: Int, limit: Int) throws -> [Int] {
    try queue.inDatabase { db in
      let statement = try db.cachedStatement(sql: "SELECT ordinal FROM loser WHERE ordinal > ? ORDER BY ordinal LIMIT ?")
      return try Int.fetchAll(statement, arguments: [ordinal, limit])
    }
  }
}

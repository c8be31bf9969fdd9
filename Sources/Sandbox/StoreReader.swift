internal import Bytes
internal import Foundation
internal import GRDB

/// Reads a sandbox's database, also while a server writes into it.
///
/// Stored bodies never change, so one look at the number of bodies fixes what is read; each part is then fetched by itself, and
/// the file is held for moments only. Memory: SQLite's page cache, about 2 MB.
final class StoreReader {
  let path: String
  /// The last body that is read, and what was received until then.
  let lastBody: Int
  let requestCount: Int
  let repeatedCount: Int
  private let queue: DatabaseQueue
  private let isCancelled: () -> Bool

  /// `isCancelled` is asked before each part; reading then ends with `CancellationError`.
  init(at path: String, isCancelled: @escaping () -> Bool = { false }) throws {
    let path = URL(fileURLWithPath: path).path
    guard FileManager.default.fileExists(atPath: path) else { throw SandboxFailure.missing(path: path) }
    self.path = path
    self.isCancelled = isCancelled
    // Not opened as read-only: a reader must be able to roll back what a killed writer left half done.
    queue = try DatabaseQueue(path: path, configuration: StoreFormat.configuration(StoreFormat.patience))
    let found = try queue.inDatabase { db in
      try db.execute(sql: "PRAGMA query_only = ON")
      return try StoreReader.transact(db) { () -> [Int64]? in
        guard try !StoreFormat.examine(db, path: path) else { return nil }
        let last = try Int64.fetchOne(db, sql: "SELECT max(id) FROM body")
        guard let traffic = try Row.fetchOne(db, sql: "SELECT requests, repeated FROM traffic WHERE id = 1") else { return [] }
        return [last ?? 0, traffic[0], traffic[1]]
      }
    }
    guard let found else { throw SandboxFailure.missing(path: path) }
    guard found.count == 3, found.allSatisfy({ $0 >= 0 }) else {
      throw SandboxFailure.damaged(path: path, what: "table traffic has no usable row")
    }
    lastBody = Int(found[0])
    requestCount = Int(found[1])
    repeatedCount = Int(found[2])
  }

  /// The next bodies in the order of their first hash, then number; from the first on without `previous`.
  func bodies(after previous: BodyRow?, limit: Int) throws -> [BodyRow] {
    try requireWanted()
    return try queue.inDatabase { db in
      try StoreReader.transact(db) {
        let statement = try db.cachedStatement(
          sql: """
            SELECT \(BodyRow.columns) FROM body WHERE (first_hash, id) > (?, ?) AND id <= ? ORDER BY first_hash, id LIMIT ?
            """)
        let start = previous.map { orderedInteger($0.firstHash) } ?? .min
        var rows: [BodyRow] = []
        let cursor = try Row.fetchCursor(statement, arguments: [start, previous?.id ?? 0, lastBody, limit])
        while let row = try cursor.next() { rows.append(try BodyRow(row, path: path)) }
        return rows
      }
    }
  }

  /// The records of a part, which are what was written or it throws.
  func part(_ number: Int, of body: Int) throws -> [UInt8] {
    try requireWanted()
    return try queue.inDatabase { db in
      try StoreReader.transact(db) {
        let statement = try db.cachedStatement(sql: "SELECT checksum, records FROM part WHERE id = ?")
        let cursor = try Row.fetchCursor(statement, arguments: [StoreFormat.partID(body: body, number)])
        guard let row = try cursor.next() else { throw damaged("part \(number) of body \(body) is missing") }
        let checksum: DatabaseValue = row[0]
        let records: DatabaseValue = row[1]
        guard case .int64(let sum) = checksum.storage, case .blob(let data) = records.storage else {
          throw damaged("part \(number) of body \(body) has values of another kind")
        }
        let bytes = [UInt8](data)
        guard WideDigest.of(bytes.span).high == UInt64(bitPattern: sum) else {
          throw damaged("part \(number) of body \(body) does not hold what was written")
        }
        return bytes
      }
    }
  }

  func damaged(_ what: String) -> SandboxFailure { .damaged(path: path, what: what) }

  private func requireWanted() throws {
    if isCancelled() { throw CancellationError() }
  }

  private static func transact<Value>(_ db: Database, _ body: () throws -> Value) throws -> Value {
    var value: Value?
    try db.inTransaction(.deferred) {
      value = try body()
      return .commit
    }
    guard let value else { preconditionFailure("a committed transaction has a value") }
    return value
  }
}

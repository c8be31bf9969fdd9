internal import Foundation
internal import GRDB

/// The columns of a row, checked as they are read: what no version of ours writes is damage, never a value and never a trap.
struct Columns {
  let row: Row
  let path: String
  let table: String

  func integer(_ index: Int) throws(CheckpointFailure) -> Int64 {
    let value: DatabaseValue = row[index]
    guard case .int64(let integer) = value.storage else { throw damaged(index, "is not an integer") }
    return integer
  }

  /// A number of things.
  func count(_ index: Int) throws(CheckpointFailure) -> Int {
    let integer = try integer(index)
    guard let count = Int(exactly: integer), count >= 0 else { throw damaged(index, "is negative") }
    return count
  }

  func countOrNil(_ index: Int) throws(CheckpointFailure) -> Int? {
    let value: DatabaseValue = row[index]
    return value.isNull ? nil : try count(index)
  }

  func text(_ index: Int) throws(CheckpointFailure) -> String {
    let value: DatabaseValue = row[index]
    guard case .string(let text) = value.storage else { throw damaged(index, "is not text") }
    return text
  }

  func textOrNil(_ index: Int) throws(CheckpointFailure) -> String? {
    let value: DatabaseValue = row[index]
    return value.isNull ? nil : try text(index)
  }

  func bytes(_ index: Int) throws(CheckpointFailure) -> [UInt8] {
    let value: DatabaseValue = row[index]
    guard case .blob(let data) = value.storage else { throw damaged(index, "is not a blob") }
    return [UInt8](data)
  }

  func bytesOrNil(_ index: Int) throws(CheckpointFailure) -> [UInt8]? {
    let value: DatabaseValue = row[index]
    return value.isNull ? nil : try bytes(index)
  }

  func digest(_ index: Int) throws(CheckpointFailure) -> [UInt8] {
    let digest = try bytes(index)
    guard digest.count == CheckpointFormat.digestBytes else { throw damaged(index, "has \(digest.count) bytes") }
    return digest
  }

  func digestOrNil(_ index: Int) throws(CheckpointFailure) -> [UInt8]? {
    let value: DatabaseValue = row[index]
    return value.isNull ? nil : try digest(index)
  }

  func damaged(_ index: Int, _ what: String) -> CheckpointFailure {
    .damaged(path: path, what: "table \(table), column \(index): the value \(what)")
  }
}

/// An unsigned hash as the signed integer that SQLite orders the same way: 0 is the least Int64, 2^63 is 0.
func orderedInteger(_ hash: UInt64) -> Int64 { Int64(bitPattern: hash ^ (1 << 63)) }

/// The inverse of `orderedInteger`.
func hash(ordered: Int64) -> UInt64 { UInt64(bitPattern: ordered) ^ (1 << 63) }

extension Database {
  /// Runs a statement that is prepared once per connection.
  func perform(_ sql: String, _ arguments: StatementArguments = []) throws {
    try cachedStatement(sql: sql).execute(arguments: arguments)
  }

  /// Calls `body` with each row of a query that is prepared once per connection; a row is valid during its call only.
  func eachRow(_ sql: String, _ arguments: StatementArguments = [], _ body: (Row) throws -> Void) throws {
    let cursor = try Row.fetchCursor(cachedStatement(sql: sql), arguments: arguments)
    while let row = try cursor.next() { try body(row) }
  }

  /// The first row's value by `body`, nil when there is none.
  func firstRow<T>(_ sql: String, _ arguments: StatementArguments = [], _ body: (Row) throws -> T) throws -> T? {
    let cursor = try Row.fetchCursor(cachedStatement(sql: sql), arguments: arguments)
    return try cursor.next().map(body)
  }
}

import GRDB
import Testing

@testable import Checkpointing

@Suite("Checksums of rows") struct ChecksumTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func evaluate(_ expression: String) throws -> Int64? {
    let queue = try DatabaseQueue(configuration: Checkpoint.configuration(.zero))
    return try queue.read { try Int64.fetchOne($0, sql: "SELECT \(expression)") }
  }

  /// Computed with another implementation of MurmurHash3.
  @Test(
    "values have the checksum they always had: rows that are stored have it",
    arguments: [
      ("", 0), ("NULL", 5_048_724_184_180_415_669), ("0", 4_439_858_365_408_730_184), ("1", -8_225_227_468_499_371_731),
      ("'a', x'00ff', NULL, -1, 1.5", 7_010_916_584_956_261_492),
    ] as [(String, Int64)])
  func vectors(values: String, checksum: Int64) throws {
    #expect(try evaluate("row_checksum(\(values))") == checksum)
  }

  @Test("values that could be taken for each other have other checksums")
  func apart() throws {
    let lists = ["''", "x''", "NULL", "0", "0.0", "'a', 'b'", "'ab', ''", "'', 'ab'", "x'6162', ''", "NULL, NULL", "'0'", "1, 0", "0, 1"]
    #expect(try Set(lists.map { try evaluate("row_checksum(\($0))") }).count == lists.count)
  }

  /// A run of three bodies, of which the first was accepted.
  private func run() throws -> RunID {
    let checkpoint = try scratch.open()
    let run = try checkpoint.sending(3)
    try checkpoint.send(run, 1, entries: 10)
    try checkpoint.close()
    return run
  }

  @Test(
    "a value that changed in any column of a body or a receipt is told, though it looks like one",
    arguments: [("body", 3, "bodies that are not as they were planned: 3"), ("receipt", 1, "receipts that are not as they were kept: 1")])
  func eachColumn(table: String, number: Int, words: String) throws {
    let run = try run()
    let queue = try DatabaseQueue(path: scratch.path)
    let columns = try queue.read { db in
      try db.columns(in: table).map(\.name).filter { !["run", "plan", "number", "digest", "digest_checksum"].contains($0) }
    }
    try queue.close()
    #expect(columns.contains("checksum") && columns.count > 9)
    for column in columns {
      let copy = try scratch.copyAsKilled()
      try copy.tamper(
        """
        UPDATE \(table) SET \(column) = CASE typeof(\(column)) WHEN 'integer' THEN \(column) + 1 WHEN 'text' THEN '0'
          WHEN 'blob' THEN CAST(\(column) || x'00' AS BLOB) ELSE CASE '\(column)' WHEN 'days' THEN x'00' ELSE 1 END END
        WHERE number = \(number)
        """)
      let faults = try Checkpoint.reader(at: copy.path).faults(of: run)
      #expect(faults.contains { $0.hasPrefix(words) }, "\(column): \(faults)")
    }
  }

  @Test(
    "the digest that a body was committed with is not another one, nor none, nor that of a body that has none",
    arguments: [
      (1, "digest = zeroblob(16)"), (1, "digest = NULL"), (1, "digest_checksum = digest_checksum + 1"), (1, "digest_checksum = NULL"),
      (2, "digest = zeroblob(16)"), (2, "digest_checksum = 1"),
    ])
  func digests(number: Int, change: String) throws {
    let run = try run()
    #expect(try Checkpoint.reader(at: scratch.path).faults(of: run) == [])
    try scratch.tamper("UPDATE body SET \(change) WHERE number = \(number)")
    let faults = try Checkpoint.reader(at: scratch.path).faults(of: run)
    #expect(faults.contains("bodies whose committed digests are not as they were kept: \(number)"))
  }

  @Test("a receipt or a body that became another's is told", arguments: ["body", "receipt"])
  func renamed(table: String) throws {
    let run = try run()
    try scratch.tamper("UPDATE \(table) SET number = 7 WHERE number = 1")
    #expect(try Checkpoint.reader(at: scratch.path).faults(of: run).contains { $0.contains("not as they were") && $0.hasSuffix(": 7") })
  }

  @Test(
    "a definition that changed is told when the checkpoint is opened, by writers and readers",
    arguments: [
      "replace(sql, 'decision_count', 'decision_cound')", "replace(sql, 'number >= 1', 'number >= 3')",
      "replace(sql, 'INTEGER', 'INTeGER')",
    ])
  func definitions(change: String) throws {
    _ = try run()
    try scratch.tamper("PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = \(change) WHERE name = 'body'")
    let expected = CheckpointFailure.damaged(path: scratch.path, what: "its tables are not defined as they were made")
    #expect(failure { _ = try scratch.open() } == expected)
    #expect(failure { _ = try Checkpoint.reader(at: scratch.path) } == expected)
  }

  @Test("a view that somebody looks through is none of ours, and is let be")
  func view() throws {
    let run = try run()
    try scratch.tamper("CREATE VIEW progress AS SELECT count(*) FROM receipt")
    #expect(try scratch.open().faults(of: run) == [])
  }

  @Test("a checkpoint of version 4 is read without checksums, and has them once it is written to")
  func version4() throws {
    let queue = try DatabaseQueue(path: scratch.path)
    try Schema.migrator.migrate(queue, upTo: "4")
    try queue.inDatabase { db in
      try db.execute(
        sql: """
          INSERT INTO destination VALUES (1, 'acme', 'us', 1);
          INSERT INTO run (id, destination, phase, plan, encoder, created_at, updated_at, key, settings, specification)
            VALUES (1, 1, 'sending', 1, 1, 1, 1, 'k', '', '');
          INSERT INTO traffic VALUES (1, 3, 2);
          INSERT INTO body VALUES (1, 1, 1, 9, 2, 1, 1, 1, 0, 0, NULL, zeroblob(16), x'61', x'62');
          INSERT INTO body VALUES (1, 1, 2, 9, 2, 1, 1, 1, 0, 0, 1, NULL, x'61', x'62');
          INSERT INTO receipt VALUES (1, 1, 1, '', 204, 3, 7, 9, 2, 1, 1, NULL, NULL);
          """)
    }
    try queue.close()
    let run = RunID(rawValue: 1)
    #expect(try Checkpoint.reader(at: scratch.path).faults(of: run) == [])
    try scratch.open().close()
    #expect(try Checkpoint.reader(at: scratch.path).faults(of: run) == [])
    try scratch.tamper("UPDATE body SET last_index = 1 WHERE number = 2; UPDATE receipt SET accepted_at = 8")
    let faults = try Checkpoint.reader(at: scratch.path).faults(of: run)
    #expect(faults == ["bodies that are not as they were planned: 2", "receipts that are not as they were kept: 1"])
  }
}

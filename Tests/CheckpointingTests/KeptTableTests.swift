import GRDB
import Testing
import Vocabulary

@testable import Checkpointing

@Suite("Tables whose rows are kept with checksums") struct KeptTableTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// Rows in every table: a body accepted whole, one in parts, one of which was refused.
  private func run() throws -> RunID {
    let checkpoint = try scratch.open()
    let run = try checkpoint.sending(3)
    try checkpoint.send(run, 1, entries: 10)
    try checkpoint.commitDigest(run, 2, sampleDigest(2))
    let halves = [("0", 4, 5), ("1", 0, 1)].map {
      PartRow(part: $0.0, byteCount: 500, decisionCount: $0.1, conversionCount: $0.2, digest: sampleDigest(9))
    }
    try checkpoint.cut(run, 2, part: "", into: halves)
    try checkpoint.keepReceipt(
      run, ReceiptRow(number: 2, part: "0", status: 204, attemptCount: 1, acceptedAt: 7), ledger: sampleEntries(2, count: 9))
    try checkpoint.refuse(run, 2, part: "1", line: [0x7b, 0x7d])
    try checkpoint.close()
    return run
  }

  private func changedCount(_ table: KeptTable, _ scratch: Scratch) throws -> Int? {
    let queue = try DatabaseQueue(path: scratch.path, configuration: Checkpoint.configuration(.zero))
    return try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table.name) WHERE NOT \(table.isWhole)") }
  }

  @Test("a value that changed in any column is told, whatever it became", arguments: KeptTable.all.map(\.name))
  func eachColumn(name: String) throws {
    _ = try run()
    let table = try #require(KeptTable.all.first { $0.name == name })
    #expect(try changedCount(table, scratch) == 0)
    let queue = try DatabaseQueue(path: scratch.path)
    let (columns, count) = try queue.read { db in
      (try db.columns(in: name).map(\.name), try Int.fetchOne(db, sql: "SELECT count(*) FROM \(name)") ?? 0)
    }
    try queue.close()
    #expect(columns.contains("row_sum") && count > 0)
    for column in columns {
      let copy = try scratch.copyAsKilled()
      try copy.tamper(
        """
        UPDATE \(name) SET \(column) = CASE typeof(\(column)) WHEN 'integer' THEN \(column) / 2 + 7 WHEN 'text' THEN 'x' || \(column)
          WHEN 'blob' THEN CAST(\(column) || x'00' AS BLOB) ELSE CASE '\(column)' WHEN 'partition' THEN 1 ELSE 'x' END END
        """)
      #expect(try changedCount(table, copy) == count, "\(column)")
    }
  }

  @Test("rows of version 5 are taken as they are, and have checksums once the checkpoint is written to")
  func version5() throws {
    let queue = try DatabaseQueue(path: scratch.path, configuration: Checkpoint.configuration(.zero))
    try Schema.migrator.migrate(queue, upTo: "5")
    try queue.inDatabase { db in
      try db.execute(
        sql: """
          INSERT INTO destination VALUES (1, 'acme', 'us', 0);
          INSERT INTO run (id, destination, phase, plan, encoder, created_at, updated_at, key, settings, specification, counts)
            VALUES (1, 1, 'planning', 0, 1, 1, 1, 'k', '', '', '{}');
          INSERT INTO input VALUES (1, 0, '/a', 9, zeroblob(16), 'csv', 2, x'');
          INSERT INTO staging_file VALUES (1, 1, '1.records', NULL, 9, 2, 7);
          """)
    }
    try queue.close()
    let run = RunID(rawValue: 1)
    let reader = try Checkpoint.reader(at: scratch.path)
    #expect(try reader.faults(of: run) == [] && reader.ledgerFaults() == [] && reader.damagedRuns() == [])
    #expect(try reader.inputs(run).count == 1 && reader.stagingFiles(run).count == 1)
    try reader.requireWhole(run)
    try scratch.open().close()
    for table in KeptTable.all { #expect(try changedCount(table, scratch) == 0, "\(table.name)") }
    #expect(try Checkpoint.reader(at: scratch.path).inputs(run).count == 1)
    try scratch.tamper("UPDATE input SET byte_count = 8; UPDATE staging_file SET byte_count = 8; UPDATE run SET counts = '{ }'")
    let damaged = try Checkpoint.reader(at: scratch.path)
    #expect(failure { _ = try damaged.inputs(run) }?.exitStatus == .diskTrouble)
    #expect(failure { _ = try damaged.stagingFiles(run) }?.exitStatus == .diskTrouble)
    #expect(failure { try damaged.requireWhole(run) }?.exitStatus == .diskTrouble)
    #expect(try damaged.damagedRuns() == [run])
  }

  @Test("what a ledger goes through by its owner leaves its lists whole: merging, pruning, forgetting, other checkpoints")
  func upkeep() throws {
    let checkpoint = try scratch.open()
    var runs: [RunID] = []
    for _ in 1...5 {
      runs.append(try checkpoint.completed())
      #expect(try checkpoint.ledgerFaults() == [])
    }
    #expect(try checkpoint.compactLedger(account: "acme", endpoint: "us", leaving: 1) == 4)
    #expect(try checkpoint.ledgerFaults() == [])
    #expect(try checkpoint.pruneLedger(before: 1_700_000_000_003) > 0)
    #expect(try checkpoint.ledgerFaults() == [])
    try checkpoint.forget(runs[1], now: 10)
    #expect(try checkpoint.ledgerFaults() == [])
    let other = try Scratch()
    let taker = try other.open()
    #expect(try taker.mergeLedger(from: checkpoint).map(\.count).reduce(0, +) > 0)
    #expect(try taker.ledgerFaults() == [])
    for table in KeptTable.all { #expect(try changedCount(table, scratch) == 0 && changedCount(table, other) == 0, "\(table.name)") }
  }
}

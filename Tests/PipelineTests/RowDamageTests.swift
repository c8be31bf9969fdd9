import Foundation
import GRDB
import Reporting
import Sandbox
import Testing
import Vocabulary

@testable import Checkpointing
@testable import Pipeline

/// Rows of the checkpoint that were changed into others that look right.
@Suite("Rows that were changed by hand")
struct RowDamageTests {
  private func change(_ state: String, _ sql: String) throws {
    let queue = try DatabaseQueue(path: state + "/checkpoint.sqlite")
    let count = try queue.inDatabase { db in
      try db.execute(sql: "PRAGMA ignore_check_constraints = ON; " + sql)
      return db.changesCount
    }
    try queue.close()
    try #require(count > 0)
  }

  /// Writes with checksums that are right.
  private func writeAsWeDo(_ state: String, _ body: (Database) throws -> Void) throws {
    let queue = try DatabaseQueue(path: state + "/checkpoint.sqlite", configuration: Checkpoint.configuration(.zero))
    try queue.inDatabase { db in
      try KeptTable.keep(db)
      try body(db)
    }
    try queue.close()
  }

  private func exit(_ stopped: StoppedRun) async throws -> Vocabulary.ExitStatus {
    do {
      return try await stopped.resume().exit
    } catch let failure as RunFailure {
      return failure.status
    }
  }

  @Test(
    "a run does not go on with receipts, bodies or settings that do not add up: 74, and nothing is sent",
    arguments: [
      "DELETE FROM receipt WHERE number = 1",
      """
      INSERT INTO receipt SELECT run, plan, (SELECT max(number) FROM body), part, status, attempt_count, accepted_at, byte_count, event_count,
        decision_count, conversion_count, took, days, checksum FROM receipt WHERE number = 1
      """,
      "UPDATE receipt SET event_count = event_count + 1, conversion_count = conversion_count + 1 WHERE number = 1",
      "UPDATE receipt SET byte_count = byte_count + 1 WHERE number = 1",
      "UPDATE body SET event_count = event_count + 1 WHERE number = 3",
      "UPDATE body SET digest = NULL WHERE number = 1",
      "UPDATE body SET waits_for = number + 1 WHERE number = (SELECT max(number) FROM body)",
      "UPDATE body SET first_index = first_index + 1 WHERE number = (SELECT max(number) FROM body)",
      "UPDATE slice SET entry_count = entry_count - 1 WHERE id = (SELECT max(id) FROM slice WHERE entry_count > 1)",
      "UPDATE destination SET accepted = 0",
      "UPDATE run SET ledger_mark = ledger_mark + 1",
      "UPDATE run SET settings = replace(settings, '4000', '5000')",
      "UPDATE run SET specification = replace(specification, 'rows.ndjson', 'rowz.ndjson')",
    ])
  func refused(sql: String) async throws {
    let stopped = try await StoppedRun(seed: 96)
    let before = try stopped.status()
    try change(stopped.options.state, sql)
    #expect(try await exit(stopped) == .diskTrouble)
    #expect(try stopped.status() == before)
  }

  @Test("a body that does not have the events that its row says is not accepted")
  func otherCounts() async throws {
    let stopped = try await StoppedRun(seed: 96)
    try change(
      stopped.options.state,
      "UPDATE body SET event_count = event_count + 1, conversion_count = conversion_count + 1 WHERE number = (SELECT max(number) FROM body)"
    )
    #expect(try await exit(stopped) == .diskTrouble)
    let verified = try stopped.verify()
    #expect(!verified.damages.isEmpty)
    #expect(try stopped.status().bodies < stopped.summary.bodyCount)
  }

  @Test("a run of another version is told as such: its words are whole, and this version has no meaning for them")
  func otherVersion() async throws {
    let stopped = try await StoppedRun(seed: 96)
    try writeAsWeDo(stopped.options.state) { db in
      let row = try #require(try Row.fetchOne(db, sql: "SELECT specification, settings FROM run"))
      let settings = (row["settings"] as String).replacing("\"bodyLimit\"", with: "\"limitOfBodies\"")
      try db.execute(
        sql: "UPDATE run SET settings = ?, key = ?", arguments: [settings, storedKey(row["specification"], settings)])
    }
    #expect(try await exit(stopped) == .configuration)
  }

  @Test(
    "another value in any table that a run or the ledger goes by ends the run, or is mended, and nothing is sent that was not planned",
    arguments: [
      ("UPDATE run SET summary = NULL", .diskTrouble), ("UPDATE run SET summary = summary || ' '", .diskTrouble),
      ("UPDATE run SET counts = counts || ' '", .diskTrouble), ("UPDATE run SET created_at = created_at + 1", .diskTrouble),
      ("UPDATE run SET phase = 'planning'", .diskTrouble), ("UPDATE run SET encoder = 0", .diskTrouble),
      (
        "INSERT INTO destination (account, endpoint, accepted) VALUES ('12345', 'http://127.0.0.1:9', 1); UPDATE run SET destination = 2",
        .diskTrouble
      ),
      ("UPDATE destination SET endpoint = 'http://127.0.0.1:9'", .diskTrouble), ("UPDATE destination SET account = '12346'", .diskTrouble),
      ("DELETE FROM input", .diskTrouble), ("UPDATE input SET digest = zeroblob(16)", .diskTrouble),
      ("UPDATE input SET path = path || 'x'", .diskTrouble),
      ("UPDATE staging_file SET record_count = record_count + 1", .complete), ("UPDATE staging_file SET checksum = 0", .complete),
      ("DELETE FROM staging_file WHERE number = 1", .complete), ("DELETE FROM staging_file", .complete),
    ] as [(String, Vocabulary.ExitStatus)])
  func everyTable(sql: String, expected: Vocabulary.ExitStatus) async throws {
    let stopped = try await StoppedRun(seed: 96)
    let before = try stopped.status()
    try change(stopped.options.state, sql)
    #expect(try await exit(stopped) == expected)
    let status = try stopped.status()
    #expect(status.eventsInDifferentBodies == 0)
    #expect(status.bodies == (expected == .complete ? stopped.summary.bodyCount : before.bodies))
  }

  /// A run that was stopped between staging and its plan.
  private func staged() async throws -> StoppedRun {
    let stopped = try await StoppedRun(seed: 96)
    let checkpoint = try Checkpoint(at: stopped.options.state + "/checkpoint.sqlite")
    try checkpoint.restart(RunID(rawValue: 1), to: .planning, now: 1)
    try checkpoint.close()
    return stopped
  }

  @Test(
    "a run whose list of staging files lost some is not planned without their records: they are staged again",
    arguments: ["DELETE FROM staging_file", "UPDATE staging_file SET record_count = record_count - 1"])
  func lostStaging(sql: String) async throws {
    let stopped = try await staged()
    try change(stopped.options.state, sql)
    let summary = try await stopped.resume()
    #expect(summary.state == .complete && summary.records.pending == 0)
    #expect(summary.records.read == stopped.summary.records.read)
    #expect(summary.records.accepted == stopped.summary.records.accepted + stopped.summary.records.pending)
  }

  @Test("a run that is to be sent and has no plan does not end as complete")
  func noPlan() async throws {
    let stopped = try await staged()
    try writeAsWeDo(stopped.options.state) { try $0.execute(sql: "UPDATE run SET phase = 'sending', plan = 7") }
    #expect(try await exit(stopped) == .diskTrouble)
  }

  @Test(
    "the next run does not go by a ledger whose lists are not as they were kept: 74, and nothing is sent twice",
    arguments: [
      "UPDATE slice SET first_hash = first_hash + 1", "UPDATE slice SET last_hash = last_hash - 1",
      "UPDATE slice SET entry_count = entry_count - 1 WHERE entry_count > 1", "UPDATE slice SET id = id + 1000",
      "DELETE FROM slice WHERE id = 1",
      "DELETE FROM segment", "UPDATE segment SET state = 'dead'", "UPDATE segment SET pruned = 1",
      "UPDATE segment SET destination = destination + 1", "UPDATE slice SET destination = destination + 1",
      "UPDATE segment_run SET run = 2", "UPDATE variation SET variation = x'393939' WHERE id = 1",
      "UPDATE destination SET account = '12346'",
    ])
  func ledger(sql: String) async throws {
    let stopped = try await StoppedRun(seed: 96)
    _ = try await stopped.resume()
    let before = try stopped.status()
    try change(stopped.options.state, "PRAGMA foreign_keys = OFF; " + sql)
    let again = try stopped.folder.write(RandomHistory(seed: 96, visitors: 60, bodyLimit: 4000).rows, to: "again.ndjson")
    do {
      let summary = try await importer(stopped.options).run(try specification([again]), settings())
      #expect(summary.exit == .diskTrouble)
    } catch let failure as RunFailure {
      #expect(failure.status == .diskTrouble)
    }
    #expect(try stopped.status() == before)
    #expect(try !stopped.verify().damages.isEmpty)
  }

  @Test("the age of what is to be forgotten is not taken from a clock that lies behind the newest receipt")
  func clock() async throws {
    let stopped = try await StoppedRun(seed: 96)
    let state = try StateFolder(stopped.options.state)
    let newest = try #require(try state.checkpoint.newestReceiptTime())
    try state.requireClock(now: newest - 300_000)
    let failure = #expect(throws: RunFailure.self) { try state.requireClock(now: newest - 300_001) }
    #expect(failure?.status == .configuration)
  }

  @Test("an older copy of the checkpoint is not gone by where runs lie that it does not know: it says what to do")
  func olderCopy() async throws {
    let stopped = try await StoppedRun(seed: 96)
    let state = stopped.options.state
    let copy = try Data(contentsOf: URL(fileURLWithPath: state + "/checkpoint.sqlite"))
    func restore() throws {
      for name in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: state + "/checkpoint.sqlite" + name) }
      try copy.write(to: URL(fileURLWithPath: state + "/checkpoint.sqlite"), options: .atomic)
    }
    _ = try await stopped.resume()
    try restore()
    #expect(try await exit(stopped) == .diskTrouble, "its run is complete")
    #expect(try stopped.verify().damages.contains { $0.message.contains("is older than") })
    let later = try stopped.folder.write(
      [#"{"record":"conversion","visitor_id":"later","entity_id":"9","uuid":"later","timestamp":1714600000000}"#], to: "later.ndjson")
    try FileManager.default.removeItem(atPath: state + "/runs/1")
    #expect(try await exit(stopped) == .complete, "it goes on from what it knows")
    #expect(try stopped.status().eventsInDifferentBodies == 0)
    _ = try await importer(stopped.options).run(try specification([later]), settings())
    try restore()
    #expect(try await exit(stopped) == .diskTrouble, "a later run has left its folder")
  }
}

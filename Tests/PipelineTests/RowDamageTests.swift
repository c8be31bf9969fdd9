import GRDB
import Reporting
import Sandbox
import Testing
import Vocabulary

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
    let queue = try DatabaseQueue(path: stopped.options.state + "/checkpoint.sqlite")
    try await queue.write { db in
      let row = try #require(try Row.fetchOne(db, sql: "SELECT specification, settings FROM run"))
      let settings = (row["settings"] as String).replacing("\"bodyLimit\"", with: "\"limitOfBodies\"")
      try db.execute(
        sql: "UPDATE run SET settings = ?, key = ?", arguments: [settings, storedKey(row["specification"], settings)])
    }
    try queue.close()
    #expect(try await exit(stopped) == .configuration)
  }
}

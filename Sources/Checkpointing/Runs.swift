internal import GRDB
package import Vocabulary

// Runs and their phases.
extension Checkpoint {
  /// Begins a run in phase `staging`; `configuration` is what `configuration(_:)` tells of it. Throws `unfinishedRun` when its account and endpoint have one already.
  package func beginRun(
    account: String, endpoint: String, key: String, specification: String, settings: String, encoder: Int, configuration: String? = nil,
    now: Int64
  ) throws(CheckpointFailure) -> RunRow {
    try write("begin a run") { db in
      try db.perform("INSERT INTO destination (account, endpoint) VALUES (?, ?) ON CONFLICT DO NOTHING", [account, endpoint])
      if let run = try unfinishedRun(db, account, endpoint) { throw CheckpointFailure.unfinishedRun(path: path, run: run.id) }
      try db.perform(
        """
        INSERT INTO run (destination, phase, encoder, created_at, updated_at, key, settings, specification, configuration)
        SELECT id, 'staging', ?, ?, ?, ?, ?, ?, ? FROM destination WHERE account = ? AND endpoint = ?
        """, [encoder, now, now, key, settings, specification, configuration, account, endpoint])
      return try runRow(db, RunID(rawValue: db.lastInsertedRowID))
    }
  }

  /// The run of this number. Throws `unknownRun`.
  package func run(_ id: RunID) throws(CheckpointFailure) -> RunRow {
    try read("read a run") { db in try runRow(db, id) }
  }

  /// The one run of this account and endpoint that is staging, planning or sending.
  package func unfinishedRun(account: String, endpoint: String) throws(CheckpointFailure) -> RunRow? {
    try read("read the unfinished run") { db in try unfinishedRun(db, account, endpoint) }
  }

  /// The unfinished runs of all accounts and endpoints, oldest first.
  package func unfinishedRuns() throws(CheckpointFailure) -> [RunRow] {
    try read("read the unfinished runs") { db in
      try runRows(db, "WHERE phase IN ('staging', 'planning', 'sending') ORDER BY run.id")
    }
  }

  /// The newest run, of an account or an endpoint when named.
  package func latestRun(account: String? = nil, endpoint: String? = nil) throws(CheckpointFailure) -> RunRow? {
    try read("read the latest run") { db in
      try runRows(
        db, "WHERE (?1 IS NULL OR account = ?1) AND (?2 IS NULL OR endpoint = ?2) ORDER BY run.id DESC LIMIT 1",
        [account, endpoint]
      ).first
    }
  }

  /// All runs, oldest first.
  package func allRuns() throws(CheckpointFailure) -> [RunRow] {
    try read("read the runs") { db in try runRows(db, "ORDER BY run.id") }
  }

  /// Takes a run back to `staging` (drops inputs, staging files, counts and plan) or to `planning` (drops the plan). Receipts and
  /// ledger entries stay, so that what is planned anew can be filtered by them; `encoder` says which encoder the run goes on
  /// with, when not its own. Complete and forgotten runs can't be restarted.
  package func restart(_ id: RunID, to phase: RunPhase, encoder: Int? = nil, now: Int64) throws(CheckpointFailure) {
    precondition(phase == .staging || phase == .planning, "a run restarts at staging or at planning")
    try write("restart a run") { db in
      let run = try runRow(db, id)
      try require(run, in: [.staging, .planning, .sending, .refused], to: "restart")
      if !run.phase.isUnfinished, let other = try unfinishedRun(db, run.account, run.endpoint) {
        throw CheckpointFailure.unfinishedRun(path: path, run: other.id)
      }
      for table in ["body", "part"] { try db.perform("DELETE FROM \(table) WHERE run = ?", [id.rawValue]) }
      if phase == .staging {
        try db.perform("DELETE FROM input WHERE run = ?", [id.rawValue])
        try db.perform("DELETE FROM staging_file WHERE run = ?", [id.rawValue])
        try db.perform("UPDATE run SET counts = NULL WHERE id = ?", [id.rawValue])
      } else if try storedCounts(db, id) == nil {
        throw CheckpointFailure.outOfOrder(path: path, run: id, what: "planning before staging was complete")
      }
      try db.perform(
        "UPDATE run SET phase = ?, ledger_mark = 0, summary = NULL, encoder = ?, updated_at = ? WHERE id = ?",
        [phase.rawValue, encoder ?? run.encoder, now, id.rawValue])
    }
  }

  /// Ends a run in phase `sending` of which nothing is left to send.
  package func complete(_ id: RunID, summary: String, now: Int64) throws(CheckpointFailure) {
    try write("complete a run") { db in
      try require(runRow(db, id), in: [.sending], to: "complete")
      if let number = try pendingNumbers(db, id, after: 0, limit: 1).first {
        throw CheckpointFailure.outOfOrder(path: path, run: id, what: "complete while body \(number) has no receipt")
      }
      try setPhase(db, id, .complete, summary: summary, now: now)
    }
  }

  /// Ends a run by the gate or a finding. Throws when anything of it has been accepted.
  package func refuse(_ id: RunID, summary: String, now: Int64) throws(CheckpointFailure) {
    try write("refuse a run") { db in
      try require(runRow(db, id), in: [.staging, .planning, .sending], to: "refuse")
      guard try db.firstRow("SELECT 1 FROM receipt WHERE run = ? LIMIT 1", [id.rawValue], { _ in }) == nil else {
        throw CheckpointFailure.outOfOrder(path: path, run: id, what: "refused after bodies were accepted")
      }
      try setPhase(db, id, .refused, summary: summary, now: now)
    }
  }

  /// Drops the receipts and the ledger entries of a run, so that its events can be sent again on purpose. The run itself stays,
  /// in phase `forgotten`. Throws `inUse` while another run is being sent whose plan was made with these entries.
  package func forget(_ id: RunID, now: Int64) throws(CheckpointFailure) {
    try write("forget a run") { db in
      _ = try currentPlan(db, id)
      let user = try db.firstRow(
        """
        SELECT other.id FROM run JOIN run AS other ON other.destination = run.destination AND other.id <> run.id
        WHERE run.id = ? AND other.phase = 'sending'
        AND other.ledger_mark >= (SELECT min(id) FROM slice WHERE segment IN (SELECT segment FROM segment_run WHERE segment_run.run = run.id))
        """, [id.rawValue]
      ) { try columns($0, "run").integer(0) }
      if let user { throw CheckpointFailure.inUse(path: path, run: id, user: RunID(rawValue: user)) }
      try forgetEntries(db, id)
      for table in ["receipt", "part", "refused_event", "body", "staging_file", "failed_request"] {
        try db.perform("DELETE FROM \(table) WHERE run = ?", [id.rawValue])
      }
      try setPhase(db, id, .forgotten, summary: nil, now: now)
    }
  }

  /// Ends an unfinished run that can't go on; its receipts and ledger entries stay, so that what was accepted is never sent again.
  package func abandon(_ id: RunID, now: Int64) throws(CheckpointFailure) {
    try write("abandon a run") { db in
      try require(runRow(db, id), in: [.staging, .planning, .sending], to: "abandon")
      for table in ["body", "part", "staging_file"] { try db.perform("DELETE FROM \(table) WHERE run = ?", [id.rawValue]) }
      try setPhase(db, id, .forgotten, summary: nil, now: now)
    }
  }

  /// Adds to the requests and retries made for a run, and how the requests ended, those that failed also when: all that no receipt has counted.
  package func addRequests(
    _ id: RunID, requests: Int, retries: Int, answers: [String: Int] = [:], failures: [RequestFailure: Int] = [:]
  ) throws(CheckpointFailure) {
    precondition(requests >= 0 && retries >= 0, "requests are counted upwards")
    try write("count requests") { db in
      _ = try currentPlan(db, id)
      try addRequests(db, id, requests: requests, retries: retries)
      try addAnswers(db, id, answers)
      try addFailures(db, id, failures)
    }
  }

  func addRequests(_ db: Database, _ id: RunID, requests: Int, retries: Int) throws {
    try db.perform(
      """
      INSERT INTO traffic (run, requests, retries) VALUES (?, ?, ?)
      ON CONFLICT (run) DO UPDATE SET requests = requests + excluded.requests, retries = retries + excluded.retries
      """, [id.rawValue, requests, retries])
  }

  /// The requests and retries made for a run by all its processes.
  package func requestTotals(_ id: RunID) throws(CheckpointFailure) -> RequestTotals {
    try read("read the requests of a run") { db in
      let totals = try db.firstRow("SELECT requests, retries FROM traffic WHERE run = ?", [id.rawValue]) { row in
        let columns = columns(row, "traffic")
        return RequestTotals(requests: try columns.count(0), retries: try columns.count(1))
      }
      return totals ?? RequestTotals()
    }
  }
}

// What the other operations ask about a run.
extension Checkpoint {
  func columns(_ row: Row, _ table: String) -> Columns { Columns(row: row, path: path, table: table) }

  func runRow(_ db: Database, _ id: RunID) throws -> RunRow {
    guard let run = try runRows(db, "WHERE run.id = ?", [id.rawValue]).first else {
      throw CheckpointFailure.unknownRun(path: path, run: id)
    }
    return run
  }

  /// The number of the run's plan that counts; 0 before the first.
  func currentPlan(_ db: Database, _ id: RunID) throws -> Int {
    let plan = try db.firstRow("SELECT plan FROM run WHERE id = ?", [id.rawValue]) { try columns($0, "run").count(0) }
    guard let plan else { throw CheckpointFailure.unknownRun(path: path, run: id) }
    return plan
  }

  func storedCounts(_ db: Database, _ id: RunID) throws -> String? {
    try db.firstRow("SELECT counts FROM run WHERE id = ?", [id.rawValue]) { try columns($0, "run").textOrNil(0) } ?? nil
  }

  func require(_ run: RunRow, in phases: [RunPhase], to what: String) throws {
    guard phases.contains(run.phase) else {
      throw CheckpointFailure.outOfOrder(path: path, run: run.id, what: "can't \(what) in phase \(run.phase.rawValue)")
    }
  }

  /// A nil summary leaves the run's as it is.
  func setPhase(_ db: Database, _ id: RunID, _ phase: RunPhase, summary: String?, now: Int64) throws {
    try db.perform(
      "UPDATE run SET phase = ?, summary = coalesce(?, summary), updated_at = ? WHERE id = ?",
      [phase.rawValue, summary, now, id.rawValue])
  }

  private func unfinishedRun(_ db: Database, _ account: String, _ endpoint: String) throws -> RunRow? {
    try runRows(
      db, "WHERE account = ? AND endpoint = ? AND phase IN ('staging', 'planning', 'sending')", [account, endpoint]
    ).first
  }

  private func runRows(_ db: Database, _ rest: String, _ arguments: StatementArguments = []) throws -> [RunRow] {
    let sql = """
      SELECT run.id, account, endpoint, phase, encoder, created_at, updated_at, ledger_mark, key, settings, summary, specification
      FROM run JOIN destination ON destination.id = run.destination \(rest)
      """
    var rows: [RunRow] = []
    try db.eachRow(sql, arguments) { row in
      let columns = columns(row, "run")
      guard let phase = RunPhase(rawValue: try columns.text(3)) else { throw columns.damaged(3, "is no phase") }
      rows.append(
        RunRow(
          id: RunID(rawValue: try columns.integer(0)), account: try columns.text(1), endpoint: try columns.text(2), phase: phase,
          key: try columns.text(8), specification: try columns.text(11), settings: try columns.text(9),
          encoder: Int(try columns.integer(4)), createdAt: try columns.integer(5), updatedAt: try columns.integer(6),
          ledgerMark: try columns.integer(7), summary: try columns.textOrNil(10)))
    }
    return rows
  }
}

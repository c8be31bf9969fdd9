internal import GRDB
package import Vocabulary

/// What the receipts, requests and bodies of a run tell about how it went, as of one moment.
package struct Traffic: Sendable, Equatable {
  /// Requests by how they ended; those of earlier versions are not among them.
  package var answers: [String: Int] = [:]
  /// Receipts, and those of them that tell how long their request took.
  package var receipts = 0
  package var timedReceipts = 0
  /// How long accepted requests took, in microseconds, by percentile (nearest rank); empty when no receipt tells.
  package var took: [Int: Int64] = [:]
  /// Requests that were not accepted, as far as it is known when they ended, and how long they took: two digits count.
  package var failures = 0
  package var failuresTook: [Int: Int64] = [:]
  /// When the first and the last receipt came, in epoch milliseconds, or request failed, to the second.
  package var first: Int64 = 0
  package var last: Int64 = 0
  /// Requests by the time they ended, in pieces of `pieceMilliseconds` from `first` on; those without any are left out.
  package var pieceMilliseconds: Int64 = 0
  package var pieces: [Piece] = []
  /// The days of accepted events; nil when a receipt does not tell.
  package var days: DayCounts? = DayCounts()
  package var sizes = Sizes()

  package struct Piece: Sendable, Equatable {
    package var number: Int
    package var events = 0
    package var bytes = 0
    /// What bodies took that were accepted then, whenever it was.
    package var requests = 0
    package var retries = 0
    /// Requests that ended then.
    package var accepted = 0
    package var failed = 0
    /// How long the accepted ones took, in microseconds: half of them at most, and the longest. Nil when no receipt tells.
    package var tookHalf: Int64?
    package var tookMost: Int64?
  }

  /// Bodies of the plan by their size.
  package struct Sizes: Sendable, Equatable {
    package var bodies = 0
    package var bytes = 0
    package var smallest = 0
    package var largest = 0
    package var last = 0
    /// Bodies by tenths of the limit that they fill: below 10 %, 20 %, …, to the limit.
    package var tenths = [Int](repeating: 0, count: 10)
  }

  /// 100 is the longest.
  package static let percentiles = [50, 90, 99, 100]
  /// Pieces of time that receipts are counted in, at most.
  package static let mostPieces = 60
}

extension Checkpoint {
  /// How the sending of a run went, and the sizes of its bodies, of which `bodyLimit` is the most. Reads all receipts of the run.
  package func traffic(_ id: RunID, bodyLimit: Int) throws(CheckpointFailure) -> Traffic {
    precondition(bodyLimit > 0, "bodies have a limit")
    return try read("read how a run was sent") { db in
      let plan = try currentPlan(db, id)
      var traffic = Traffic()
      traffic.sizes = try sizes(db, id, plan, bodyLimit: bodyLimit)
      try db.eachRow(
        "SELECT count(*), coalesce(min(accepted_at), 0), coalesce(max(accepted_at), 0) FROM receipt WHERE run = ?", [id.rawValue]
      ) {
        let columns = columns($0, "receipt")
        (traffic.receipts, traffic.first, traffic.last) = (try columns.count(0), try columns.integer(1), try columns.integer(2))
      }
      let keepsFailures = try Schema.keepsFailures(db)
      if keepsFailures { try readFailures(db, id, &traffic) }
      try readPieces(db, id, &traffic)
      if keepsFailures { try addFailures(db, id, &traffic) }
      guard try Schema.keepsAnswers(db) else {
        if traffic.receipts > 0 { traffic.days = nil }
        return traffic
      }
      try db.eachRow("SELECT answer, requests FROM answer WHERE run = ?", [id.rawValue]) {
        let columns = columns($0, "answer")
        traffic.answers[try columns.text(0)] = try columns.count(1)
      }
      try readTimes(db, id, &traffic)
      try readTimesOfPieces(db, id, &traffic)
      try readDays(db, id, &traffic)
      return traffic
    }
  }

  /// The configuration that a run was begun with, as it is shown to people; nil when it was not kept.
  package func configuration(_ id: RunID) throws(CheckpointFailure) -> String? {
    try read("read a run's configuration") { db in
      guard try Schema.keepsAnswers(db) else { return nil }
      return try db.firstRow("SELECT configuration FROM run WHERE id = ?", [id.rawValue]) { try columns($0, "run").textOrNil(0) } ?? nil
    }
  }

  func addAnswers(_ db: Database, _ id: RunID, _ answers: [String: Int]) throws {
    for (answer, count) in answers where count > 0 {
      try db.perform(
        """
        INSERT INTO answer (run, answer, requests) VALUES (?, ?, ?)
        ON CONFLICT (run, answer) DO UPDATE SET requests = requests + excluded.requests
        """, [id.rawValue, answer, count])
    }
  }

  func addFailures(_ db: Database, _ id: RunID, _ failures: [RequestFailure: Int]) throws {
    for (failure, count) in failures where count > 0 {
      try db.perform(
        """
        INSERT INTO failed_request (run, second, answer, took, requests) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (run, second, answer, took) DO UPDATE SET requests = requests + excluded.requests
        """, [id.rawValue, failure.second, failure.answer, failure.took, count])
    }
  }

  private func readPieces(_ db: Database, _ id: RunID, _ traffic: inout Traffic) throws {
    guard traffic.receipts > 0 || traffic.failures > 0 else { return }
    // Seconds are not told apart in those that failed.
    traffic.pieceMilliseconds = max(traffic.failures > 0 ? 1000 : 0, pieceLength(of: traffic.last - traffic.first))
    let sql = """
      SELECT (accepted_at - ?2) / ?3, sum(event_count), sum(byte_count), sum(attempt_count), sum(attempt_count - 1), count(*)
      FROM receipt WHERE run = ?1 GROUP BY 1 ORDER BY 1
      """
    try db.eachRow(sql, [id.rawValue, traffic.first, traffic.pieceMilliseconds]) {
      let columns = columns($0, "receipt")
      traffic.pieces.append(
        Traffic.Piece(
          number: try columns.count(0), events: try columns.count(1), bytes: try columns.count(2), requests: try columns.count(3),
          retries: try columns.count(4), accepted: try columns.count(5)))
    }
  }

  // MARK: requests that failed

  /// How many failed, how long they took, and how far they widen the time of the receipts.
  private func readFailures(_ db: Database, _ id: RunID, _ traffic: inout Traffic) throws {
    var counts: [(took: Int64, requests: Int)] = []
    try db.eachRow("SELECT took, sum(requests) FROM failed_request WHERE run = ? GROUP BY took ORDER BY took", [id.rawValue]) {
      let columns = columns($0, "failed_request")
      counts.append((try columns.integer(0), try columns.count(1)))
    }
    traffic.failures = counts.reduce(0) { $0 + $1.requests }
    guard traffic.failures > 0 else { return }
    for percentile in Traffic.percentiles {
      var rank = (traffic.failures * percentile + 99) / 100
      traffic.failuresTook[percentile] =
        counts.first { count in
          rank -= count.requests
          return rank <= 0
        }?.took
    }
    try db.eachRow("SELECT min(second), max(second) FROM failed_request WHERE run = ?", [id.rawValue]) {
      let columns = columns($0, "failed_request")
      let (first, last) = (try columns.integer(0) * 1000, try columns.integer(1) * 1000)
      traffic.first = traffic.receipts > 0 ? min(traffic.first, first) : first
      traffic.last = traffic.receipts > 0 ? max(traffic.last, last) : last
    }
  }

  /// Adds them to the pieces of time.
  private func addFailures(_ db: Database, _ id: RunID, _ traffic: inout Traffic) throws {
    guard traffic.failures > 0 else { return }
    var pieces = Dictionary(uniqueKeysWithValues: traffic.pieces.map { ($0.number, $0) })
    let sql = "SELECT (second * 1000 - ?2) / ?3, sum(requests) FROM failed_request WHERE run = ?1 GROUP BY 1"
    try db.eachRow(sql, [id.rawValue, traffic.first, traffic.pieceMilliseconds]) {
      let columns = columns($0, "failed_request")
      let number = try columns.count(0)
      pieces[number, default: Traffic.Piece(number: number)].failed += try columns.count(1)
    }
    traffic.pieces = pieces.values.sorted { $0.number < $1.number }
  }

  /// How long accepted requests took, piece by piece.
  private func readTimesOfPieces(_ db: Database, _ id: RunID, _ traffic: inout Traffic) throws {
    var times: [Int64] = []
    var at = 0
    func end() {
      guard !times.isEmpty else { return }
      traffic.pieces[at].tookHalf = times[(times.count + 1) / 2 - 1]
      traffic.pieces[at].tookMost = times[times.count - 1]
      times.removeAll(keepingCapacity: true)
    }
    let sql = "SELECT (accepted_at - ?2) / ?3, took FROM receipt WHERE run = ?1 AND took IS NOT NULL ORDER BY 1, 2"
    try db.eachRow(sql, [id.rawValue, traffic.first, traffic.pieceMilliseconds]) {
      let columns = columns($0, "receipt")
      let number = try columns.count(0)
      if traffic.pieces[at].number != number {
        end()
        while traffic.pieces[at].number != number { at += 1 }
      }
      times.append(try columns.integer(1))
    }
    end()
  }

  private func readTimes(_ db: Database, _ id: RunID, _ traffic: inout Traffic) throws {
    let sql = "SELECT count(took) FROM receipt WHERE run = ?"
    traffic.timedReceipts = try db.firstRow(sql, [id.rawValue]) { try columns($0, "receipt").count(0) } ?? 0
    guard traffic.timedReceipts > 0 else { return }
    for percentile in Traffic.percentiles {
      let rank = (traffic.timedReceipts * percentile + 99) / 100
      let sql = "SELECT took FROM receipt WHERE run = ? AND took IS NOT NULL ORDER BY took LIMIT 1 OFFSET ?"
      traffic.took[percentile] = try db.firstRow(sql, [id.rawValue, rank - 1]) { try columns($0, "receipt").integer(0) }
    }
  }

  private func readDays(_ db: Database, _ id: RunID, _ traffic: inout Traffic) throws {
    var days = DayCounts()
    var isWhole = true
    try db.eachRow("SELECT days FROM receipt WHERE run = ?", [id.rawValue]) {
      let columns = columns($0, "receipt")
      guard let bytes = try columns.bytesOrNil(0) else {
        isWhole = false
        return
      }
      guard let found = DayCounts(bytes) else { throw columns.damaged(0, "is no count of days") }
      days.append(found)
    }
    traffic.days = isWhole ? days : nil
  }

  private func sizes(_ db: Database, _ id: RunID, _ plan: Int, bodyLimit: Int) throws -> Traffic.Sizes {
    var sizes = Traffic.Sizes()
    let whole = """
      SELECT count(*), coalesce(sum(byte_count), 0), coalesce(min(byte_count), 0), coalesce(max(byte_count), 0) FROM body
      WHERE run = ? AND plan = ?
      """
    try db.eachRow(whole, [id.rawValue, plan]) {
      let columns = columns($0, "body")
      (sizes.bodies, sizes.bytes) = (try columns.count(0), try columns.count(1))
      (sizes.smallest, sizes.largest) = (try columns.count(2), try columns.count(3))
    }
    let last = "SELECT byte_count FROM body WHERE run = ? AND plan = ? ORDER BY number DESC LIMIT 1"
    sizes.last = try db.firstRow(last, [id.rawValue, plan]) { try columns($0, "body").count(0) } ?? 0
    // What fills the limit to the last byte is in the last tenth.
    let tenths = "SELECT min(9, byte_count * 10 / ?3), count(*) FROM body WHERE run = ?1 AND plan = ?2 GROUP BY 1"
    try db.eachRow(tenths, [id.rawValue, plan, bodyLimit]) {
      let columns = columns($0, "body")
      let tenth = try columns.count(0)
      guard sizes.tenths.indices.contains(tenth) else { throw columns.damaged(0, "is negative") }
      sizes.tenths[tenth] = try columns.count(1)
    }
    return sizes
  }
}

/// The shortest of the usual lengths of time of which a span has at most `Traffic.mostPieces`, in milliseconds.
func pieceLength(of span: Int64) -> Int64 {
  let seconds: [Int64] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]
  let lengths = [100, 200, 500] + seconds.map { $0 * 1000 }
  if let length = lengths.first(where: { span / $0 < Int64(Traffic.mostPieces) }) { return length }
  let days = span / 86_400_000 / Int64(Traffic.mostPieces) + 1
  return days * 86_400_000
}

/// Requests that failed, by how they ended.
func answers(_ failures: [RequestFailure: Int]) -> [String: Int] {
  failures.reduce(into: [:]) { $0[$1.key.answer, default: 0] += $1.value }
}

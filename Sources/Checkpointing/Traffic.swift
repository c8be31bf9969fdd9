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
  /// When the first and the last receipt came, in epoch milliseconds.
  package var first: Int64 = 0
  package var last: Int64 = 0
  /// Receipts by the time they came, in pieces of `pieceMilliseconds` from `first` on; those without any are left out.
  package var pieceMilliseconds: Int64 = 0
  package var pieces: [Piece] = []
  /// The days of accepted events; nil when a receipt does not tell.
  package var days: DayCounts? = DayCounts()
  package var sizes = Sizes()

  package struct Piece: Sendable, Equatable {
    package var number: Int
    package var events: Int
    package var bytes: Int
    package var requests: Int
    package var retries: Int
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
      try readPieces(db, id, &traffic)
      guard try Schema.keepsAnswers(db) else {
        if traffic.receipts > 0 { traffic.days = nil }
        return traffic
      }
      try db.eachRow("SELECT answer, requests FROM answer WHERE run = ?", [id.rawValue]) {
        let columns = columns($0, "answer")
        traffic.answers[try columns.text(0)] = try columns.count(1)
      }
      try readTimes(db, id, &traffic)
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

  private func readPieces(_ db: Database, _ id: RunID, _ traffic: inout Traffic) throws {
    guard traffic.receipts > 0 else { return }
    traffic.pieceMilliseconds = pieceLength(of: traffic.last - traffic.first)
    let sql = """
      SELECT (accepted_at - ?2) / ?3, sum(event_count), sum(byte_count), sum(attempt_count), sum(attempt_count - 1)
      FROM receipt WHERE run = ?1 GROUP BY 1 ORDER BY 1
      """
    try db.eachRow(sql, [id.rawValue, traffic.first, traffic.pieceMilliseconds]) {
      let columns = columns($0, "receipt")
      traffic.pieces.append(
        Traffic.Piece(
          number: try columns.count(0), events: try columns.count(1), bytes: try columns.count(2), requests: try columns.count(3),
          retries: try columns.count(4)))
    }
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

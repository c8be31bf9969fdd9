internal import GRDB

/// How fast an endpoint has accepted events.
package struct AcceptedPace: Sendable, Equatable {
  /// The run that it is of.
  package var run: RunID
  package var eventsPerSecond: Double

  package init(run: RunID, eventsPerSecond: Double) {
    self.run = run
    self.eventsPerSecond = eventsPerSecond
  }
}

extension Checkpoint {
  /// A longer time without a receipt is one in which nobody was sending.
  private static let longestGap = 600_000
  /// Below so many receipts and milliseconds nothing was measured. Of the latest runs as many are looked at.
  private static let fewestReceipts = 10
  private static let shortestTime = 1000
  private static let runs = 10

  /// How fast events went in the latest complete run of an account and endpoint whose receipts tell it: events by the time between their
  /// receipts. Nil when none does. Reads the receipts of one run: about a second per million.
  package func acceptedPace(account: String, endpoint: String) throws(CheckpointFailure) -> AcceptedPace? {
    try read("measure the pace of earlier runs") { db in
      var ids: [Int64] = []
      try db.eachRow(
        """
        SELECT run.id FROM run JOIN destination ON destination.id = run.destination
        WHERE account = ? AND endpoint = ? AND phase = 'complete' ORDER BY run.id DESC LIMIT ?
        """, [account, endpoint, Checkpoint.runs]
      ) { ids.append(try columns($0, "run").integer(0)) }
      for id in ids {
        let found = try db.firstRow(
          """
          SELECT count(*), coalesce(sum(event_count), 0), coalesce(sum(gap), 0) FROM (
            SELECT event_count, accepted_at - lag(accepted_at) OVER (ORDER BY accepted_at) AS gap FROM receipt WHERE run = ?)
          WHERE gap >= 0 AND gap < ?
          """, [id, Checkpoint.longestGap]
        ) { row in
          let columns = columns(row, "receipt")
          return (receipts: try columns.count(0), events: try columns.count(1), milliseconds: try columns.count(2))
        }
        guard let found, found.receipts >= Checkpoint.fewestReceipts, found.milliseconds >= Checkpoint.shortestTime else { continue }
        return AcceptedPace(run: RunID(rawValue: id), eventsPerSecond: Double(found.events) * 1000 / Double(found.milliseconds))
      }
      return nil
    }
  }
}

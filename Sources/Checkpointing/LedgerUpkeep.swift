internal import Bytes
internal import GRDB

/// What the ledger holds of one account and endpoint.
package struct LedgerTotals: Sendable, Equatable {
  package var account: String
  package var endpoint: String
  package var events = 0
  package var decisions = 0
  package var segments = 0
  package var slices = 0
  /// Runs with entries here.
  package var runs = 0
  /// Entries and indexes, without what the database needs around them.
  package var bytes = 0
  /// Epoch milliseconds of the earliest and the latest event; nil without any.
  package var firstTime: Int64?
  package var lastTime: Int64?
}

// Looking at the ledger, and making it smaller or larger by hand.
extension Checkpoint {
  /// What the ledger holds, by account and endpoint. Reads no entries.
  package func ledgerTotals() throws(CheckpointFailure) -> [LedgerTotals] {
    try read("add up the ledger") { db in
      var totals: [LedgerTotals] = []
      let sql = """
        SELECT account, endpoint, coalesce(sum(entry_count), 0), coalesce(sum(decision_count), 0), count(DISTINCT slice.segment),
          count(slice.id), coalesce(sum(length(slice_index.bytes)), 0), min(first_time), max(last_time),
          (SELECT count(DISTINCT run) FROM segment_run JOIN segment AS other ON other.id = segment_run.segment
            WHERE other.destination = destination.id AND other.state = 'live')
        FROM destination
        LEFT JOIN (slice JOIN segment ON segment.id = slice.segment AND segment.state = 'live'
          JOIN slice_index ON slice_index.slice = slice.id) ON slice.destination = destination.id
        GROUP BY destination.id ORDER BY account, endpoint
        """
      try db.eachRow(sql) { row in
        let columns = columns(row, "slice")
        var total = LedgerTotals(account: try columns.text(0), endpoint: try columns.text(1))
        total.events = try columns.count(2)
        total.decisions = try columns.count(3)
        total.segments = try columns.count(4)
        total.slices = try columns.count(5)
        total.bytes = total.events * LedgerEntry.byteCount + (try columns.count(6))
        total.runs = try columns.count(9)
        if total.events > 0 {
          total.firstTime = try columns.integer(7)
          total.lastTime = try columns.integer(8)
        }
        totals.append(total)
      }
      return totals
    }
  }

  /// Forgets the events that happened before `time` (epoch milliseconds): they are not known any more when they come again. Throws
  /// `ledgerInUse` while a run is unfinished. Returns how many were forgotten. A process killed meanwhile has forgotten some of them.
  package func pruneLedger(before time: Int64) throws(CheckpointFailure) -> Int {
    try requireWholeLists()
    try sweepLedger()
    var forgotten = 0
    var last: Int64 = 0
    while true {
      let from = last
      let (next, count) = try write("prune the ledger") { db in
        if let user = try db.firstRow(
          "SELECT id FROM run WHERE phase IN ('staging', 'planning', 'sending')", [],
          {
            RunID(rawValue: try columns($0, "run").integer(0))
          })
        {
          throw CheckpointFailure.ledgerInUse(path: path, user: user)
        }
        let sql = "SELECT id, first_hash, last_hash, entry_count FROM slice WHERE id > ? AND first_time < ? ORDER BY id LIMIT 1"
        guard let slice = try db.firstRow(sql, [from, time], { try ledgerSlice($0) }) else { return (nil as Int64?, 0) }
        let segment = try db.firstRow("SELECT segment FROM slice WHERE id = ?", [slice.id]) { try columns($0, "slice").integer(0) }
        let count = try rewrite(slice, db) { $0.timestamp >= time }
        try db.perform("UPDATE segment SET pruned = pruned + ? WHERE id = ?", [count, segment])
        return (slice.id, count)
      }
      guard let next else { break }
      last = next
      forgotten += count
    }
    try write("drop empty segments") { db in
      try db.perform("DELETE FROM segment WHERE id NOT IN (SELECT segment FROM slice)")
    }
    return forgotten
  }

  /// Drops the entries of a run, wherever they were merged to.
  func forgetEntries(_ db: Database, _ id: RunID) throws {
    var places: [(segment: Int64, number: Int)] = []
    try db.eachRow("SELECT segment, number FROM segment_run WHERE run = ?", [id.rawValue]) { row in
      let columns = columns(row, "segment_run")
      places.append((try columns.integer(0), try columns.count(1)))
    }
    for place in places {
      var slices: [LedgerSlice] = []
      try db.eachRow("SELECT id, first_hash, last_hash, entry_count FROM slice WHERE segment = ?", [place.segment]) { row in
        slices.append(try ledgerSlice(row))
      }
      for slice in slices { _ = try rewrite(slice, db) { $0.run != place.number } }
      // How many of the run's own were pruned is not known, but how many the other runs have left.
      let sql = """
        UPDATE segment SET pruned = max(0,
          (SELECT coalesce(sum(event_count), 0) FROM receipt WHERE run <> ?2 AND run IN (SELECT run FROM segment_run WHERE segment = ?1))
          - (SELECT coalesce(sum(entry_count), 0) FROM slice WHERE segment = ?1)) WHERE id = ?1
        """
      try db.perform(sql, [place.segment, id.rawValue])
      if try db.firstRow("SELECT 1 FROM slice WHERE segment = ? LIMIT 1", [place.segment], { _ in }) == nil {
        try db.perform("DELETE FROM segment WHERE id = ?", [place.segment])
      }
    }
  }

  /// Keeps some of a slice's entries. Returns how many it has not kept.
  private func rewrite(_ slice: LedgerSlice, _ db: Database, keeping: (LedgerEntry) -> Bool) throws -> Int {
    var kept: [UInt8] = []
    var part = 0
    let places = (LedgerPlace(slice.id, 0).rawValue, LedgerPlace(slice.id + 1, 0).rawValue)
    try db.eachRow("SELECT id, checksum, entries FROM slice_part WHERE id >= ? AND id < ? ORDER BY id", [places.0, places.1]) { row in
      let columns = columns(row, "slice_part")
      let bytes = try columns.bytes(2)
      guard UInt64(bitPattern: try columns.integer(1)) == checksum(bytes.span, of: try columns.integer(0)) else {
        throw columns.damaged(2, "is not what was kept")
      }
      for at in stride(from: 0, to: bytes.count, by: LedgerEntry.byteCount) where keeping(LedgerEntry(bytes.span, at: at)) {
        append(bytes.span.extracting(at..<(at + LedgerEntry.byteCount)), to: &kept)
      }
      part += 1
    }
    guard part == slice.partCount else { throw CheckpointFailure.damaged(path: path, what: "ledger slice \(slice.id) lacks parts") }
    let dropped = slice.entryCount - kept.count / LedgerEntry.byteCount
    if dropped == 0 { return 0 }
    let owner = try db.firstRow("SELECT segment, destination FROM slice WHERE id = ?", [slice.id]) { row in
      let columns = columns(row, "slice")
      return (segment: try columns.integer(0), destination: try columns.integer(1))
    }
    try db.deleteSlice(slice.id)
    if let owner, !kept.isEmpty {
      try db.insertSlice(kept, segment: owner.segment, destination: owner.destination, id: slice.id)
    }
    return dropped
  }
}

// Ledgers of other checkpoints.
extension Checkpoint {
  /// Takes what another checkpoint's ledger knows and this one does not: events that it has not with the same content. The same again adds
  /// nothing. Returns how many entries came, by account and endpoint.
  ///
  /// What comes belongs to no run here, so `forget` does not drop it. A run that is planned already goes on without it.
  package func mergeLedger(
    from other: Checkpoint, isStopped: () -> Bool = { false }
  ) throws(CheckpointFailure) -> [(account: String, endpoint: String, count: Int)] {
    try requireWholeLists()
    try other.requireWholeLists()
    try sweepLedger()
    var added: [(account: String, endpoint: String, count: Int)] = []
    for totals in try other.ledgerTotals() where totals.events > 0 {
      let (account, endpoint) = (totals.account, totals.endpoint)
      let hasAccepted = try other.hasAccepted(account: account, endpoint: endpoint)
      let (destination, segment) = try write("begin a segment") { db in
        try db.perform("INSERT INTO destination (account, endpoint) VALUES (?, ?) ON CONFLICT DO NOTHING", [account, endpoint])
        guard let destination = try self.destination(db, account, endpoint) else {
          throw CheckpointFailure.damaged(path: path, what: "an account and endpoint just written are not there")
        }
        if hasAccepted { try db.perform("UPDATE destination SET accepted = 1 WHERE id = ?", [destination]) }
        return (destination, try db.insertSegment(destination, runs: [], state: "building"))
      }
      guard let count = try merge(from: other, account, endpoint, into: segment, destination, isStopped) else { break }
      try write("put a merged segment in place") { db in
        try db.perform("UPDATE segment SET state = ? WHERE id = ?", [count > 0 ? "live" : "dead", segment])
      }
      added.append((account, endpoint, count))
    }
    try sweepLedger()
    return added
  }

  private func allSlices(_ account: String, _ endpoint: String) throws(CheckpointFailure) -> [(slice: LedgerSlice, runs: [Int])] {
    try ledgerSlices(account: account, endpoint: endpoint, upTo: .max, limit: .max).map { ($0, []) }
  }

  /// Returns how many entries were new; nil when it was stopped.
  private func merge(
    from other: Checkpoint, _ account: String, _ endpoint: String, into segment: Int64, _ destination: Int64, _ isStopped: () -> Bool
  ) throws(CheckpointFailure) -> Int? {
    var theirs = LedgerCursor(try other.allSlices(account, endpoint), other)
    var ours = LedgerCursor(try allSlices(account, endpoint), self)
    var numbers: [Int: Int] = [:]
    var count = 0
    var entries: [UInt8] = []
    var known: [UInt8] = []
    var candidates: [UInt8] = []
    while let (hash, id) = try theirs.peek() {
      candidates.removeAll(keepingCapacity: true)
      known.removeAll(keepingCapacity: true)
      while let next = try theirs.peek(), next == (hash, id) { _ = try theirs.take(into: &candidates) }
      while let next = try ours.peek(), next <= (hash, id) {
        if next < (hash, id) { known.removeAll(keepingCapacity: true) }
        _ = try ours.take(into: &known)
      }
      for at in stride(from: 0, to: candidates.count, by: LedgerEntry.byteCount) {
        var entry = LedgerEntry(candidates.span, at: at)
        if Checkpoint.holds(known, entry) { continue }
        entry.run = 0
        if entry.variation > 0 { entry.variation = try number(of: entry.variation, from: other, &numbers) }
        known += entry.bytes
        entries += entry.bytes
        count += 1
      }
      if entries.count >= Checkpoint.sliceEntries * LedgerEntry.byteCount {
        if isStopped() { return nil }
        try keep(&entries, segment, destination)
      }
    }
    try keep(&entries, segment, destination)
    return count
  }

  private static func holds(_ known: [UInt8], _ entry: LedgerEntry) -> Bool {
    stride(from: 0, to: known.count, by: LedgerEntry.byteCount).contains { at in
      let other = LedgerEntry(known.span, at: at)
      return (other.visitorHash, other.id, other.content) == (entry.visitorHash, entry.id, entry.content)
    }
  }

  private func keep(_ entries: inout [UInt8], _ segment: Int64, _ destination: Int64) throws(CheckpointFailure) {
    if entries.isEmpty { return }
    let slice = entries
    try write("write a merged slice") { db in try db.insertSlice(slice, segment: segment, destination: destination) }
    entries.removeAll(keepingCapacity: true)
  }

  private func number(of theirs: Int, from other: Checkpoint, _ numbers: inout [Int: Int]) throws(CheckpointFailure) -> Int {
    if let known = numbers[theirs] { return known }
    guard let variation = try other.ledgerVariation(theirs) else { return 0 }
    let number = try write("number a variation") { db in try db.number(of: variation) }
    numbers[theirs] = number
    return number
  }
}

internal import Bytes
internal import GRDB

// Small old segments become large ones, so that a night reads few however many there were.
//
// Exports overlap with those of the last nights, which are therefore left as they are: looking for all events of a night in a segment of that
// night reads each of its parts once, and in one of a year it would read a part for each visitor. Of the older ones
//
//   size class of entries    0 – 65,535 │ – 262,143 │ – 1,048,575 │ …      four of a class become one
//
// Each entry is written once more for each class that it passes: after n nights there are at most three segments in each of log4(n) classes.
// A merged segment is written aside, in slices of a transaction each, and takes the place of the others at once; a process killed meanwhile
// leaves segments that are not `live`, which the next one sweeps. What came from other checkpoints is merged by itself, for the entries of runs
// are compared in number with the receipts that they came with. Nothing is merged while a run is unfinished: it is judged by the slices
// that stood when it was planned.
extension Checkpoint {
  static let segmentsOfAClass = 4
  /// The nights of a week: exports rarely reach further back.
  package static let recentSegments = 7
  private static let smallestClass = 65_536
  static let sliceEntries = 65_536

  struct Segment {
    var id: Int64
    var entryCount: Int
    /// By number: 1, 2, 3 …
    var runs: [Int64]

    var sizeClass: Int {
      var sizeClass = 0
      var bound = Checkpoint.smallestClass
      while entryCount >= bound {
        sizeClass += 1
        bound *= Checkpoint.segmentsOfAClass
      }
      return sizeClass
    }
  }

  /// Merges the segments of an account and endpoint, but for the newest, where there are many of a size. Does nothing while it has an unfinished run, and ends
  /// early when `isStopped`. Returns how many segments were merged.
  @discardableResult
  package func compactLedger(
    account: String, endpoint: String, leaving newest: Int = Checkpoint.recentSegments, isStopped: () -> Bool = { false }
  ) throws(CheckpointFailure) -> Int {
    try requireWholeLists()
    try sweepLedger()
    var merged = 0
    while !isStopped(), let (destination, group) = try segmentsToMerge(account, endpoint, leaving: newest) {
      guard try merge(group, destination, isStopped) else { break }
      merged += group.count
      try sweepLedger()
    }
    return merged
  }

  private func segmentsToMerge(
    _ account: String, _ endpoint: String, leaving newest: Int
  ) throws(CheckpointFailure) -> (Int64, [Segment])? {
    try read("look for segments to merge") { db in
      guard let destination = try destination(db, account, endpoint), try unfinishedRunID(db, destination) == nil else { return nil }
      // What was merged has a new number, but no new run.
      let old = try liveSegments(db, destination).sorted { ($0.runs.max() ?? 0, $0.id) < ($1.runs.max() ?? 0, $1.id) }.dropLast(newest)
      let ofRuns = Dictionary(grouping: old.filter { !$0.runs.isEmpty }) { $0.sizeClass }
      let fromElsewhere = Dictionary(grouping: old.filter(\.runs.isEmpty)) { $0.sizeClass }
      for (_, segments) in (Array(ofRuns) + Array(fromElsewhere)).sorted(by: { $0.key < $1.key }) {
        // A segment can tell so many runs apart and no more.
        var group: [Segment] = []
        var runCount = 0
        for segment in segments where runCount + segment.runs.count <= LedgerEntry.mostRuns {
          group.append(segment)
          runCount += segment.runs.count
        }
        if group.count >= Checkpoint.segmentsOfAClass { return (destination, group) }
      }
      return nil
    }
  }

  func liveSegments(_ db: Database, _ destination: Int64) throws -> [Segment] {
    var segments: [Segment] = []
    let sql = """
      SELECT segment.id, coalesce(sum(entry_count), 0) FROM segment LEFT JOIN slice ON slice.segment = segment.id
      WHERE segment.destination = ? AND state = 'live' GROUP BY segment.id ORDER BY segment.id
      """
    try db.eachRow(sql, [destination]) { row in
      let columns = columns(row, "segment")
      segments.append(Segment(id: try columns.integer(0), entryCount: try columns.count(1), runs: []))
    }
    for at in segments.indices { segments[at].runs = try runs(db, of: segments[at].id) }
    return segments
  }

  private func runs(_ db: Database, of segment: Int64) throws -> [Int64] {
    var runs: [Int64] = []
    try db.eachRow("SELECT number, run FROM segment_run WHERE segment = ? ORDER BY number", [segment]) { row in
      let columns = columns(row, "segment_run")
      guard try columns.count(0) == runs.count + 1 else { throw columns.damaged(0, "leaves a number out") }
      runs.append(try columns.integer(1))
    }
    return runs
  }

  /// Returns false when it was stopped.
  private func merge(_ group: [Segment], _ destination: Int64, _ isStopped: () -> Bool) throws(CheckpointFailure) -> Bool {
    var runs: [Int64] = []
    var numbers: [Int64: Int] = [:]
    for run in group.flatMap(\.runs) where numbers[run] == nil {
      runs.append(run)
      numbers[run] = runs.count
    }
    let made = runs
    let segment = try write("begin a segment") { db in try db.insertSegment(destination, runs: made, state: "building") }
    var slices: [(slice: LedgerSlice, runs: [Int])] = []
    for source in group {
      let map = [0] + source.runs.map { numbers[$0] ?? 0 }
      for slice in try self.slices(of: source.id) { slices.append((slice, map)) }
    }
    var cursor = LedgerCursor(slices, self)
    guard try write(&cursor, into: segment, destination, isStopped) else { return false }
    try write("put a merged segment in place") { db in
      guard try unfinishedRunID(db, destination) == nil else {
        throw CheckpointFailure.unexpected(path: path, doing: "merge segments", code: 0, text: "a run began meanwhile")
      }
      for source in group {
        try db.perform("UPDATE segment SET pruned = pruned + (SELECT pruned FROM segment WHERE id = ?) WHERE id = ?", [source.id, segment])
        try db.perform("UPDATE segment SET state = 'dead' WHERE id = ?", [source.id])
      }
      try db.perform("UPDATE segment SET state = 'live' WHERE id = ?", [segment])
    }
    return true
  }

  /// Writes all entries of a cursor into a segment. Returns false when it was stopped.
  private func write(
    _ cursor: inout LedgerCursor, into segment: Int64, _ destination: Int64, _ isStopped: () -> Bool
  ) throws(CheckpointFailure) -> Bool {
    var entries: [UInt8] = []
    entries.reserveCapacity(Checkpoint.sliceEntries * LedgerEntry.byteCount)
    while !isStopped() {
      while entries.count < Checkpoint.sliceEntries * LedgerEntry.byteCount, try cursor.take(into: &entries) {}
      if entries.isEmpty { return true }
      let slice = entries
      try write("write a merged slice") { db in try db.insertSlice(slice, segment: segment, destination: destination) }
      entries.removeAll(keepingCapacity: true)
    }
    return false
  }

  /// All slices of a segment.
  func slices(of segment: Int64) throws(CheckpointFailure) -> [LedgerSlice] {
    try read("read the slices of a segment") { db in
      var slices: [LedgerSlice] = []
      try db.eachRow("SELECT id, first_hash, last_hash, entry_count FROM slice WHERE segment = ? ORDER BY id", [segment]) { row in
        slices.append(try ledgerSlice(row))
      }
      return slices
    }
  }

  /// Drops what has been merged into others, or was never completed: a few slices in each transaction.
  func sweepLedger() throws(CheckpointFailure) {
    while true {
      let isDone = try write("sweep the ledger") { db in
        guard try db.firstRow("SELECT 1 FROM segment WHERE state <> 'live' LIMIT 1", [], { _ in }) != nil else { return true }
        var slices: [Int64] = []
        try db.eachRow("SELECT slice.id FROM slice JOIN segment ON segment.id = slice.segment WHERE state <> 'live' LIMIT 32") { row in
          slices.append(try columns(row, "slice").integer(0))
        }
        for slice in slices { try db.deleteSlice(slice) }
        if slices.isEmpty { try db.perform("DELETE FROM segment WHERE state <> 'live'") }
        return slices.isEmpty
      }
      if isDone { return }
    }
  }

  func destination(_ db: Database, _ account: String, _ endpoint: String) throws -> Int64? {
    try db.firstRow("SELECT id FROM destination WHERE account = ? AND endpoint = ?", [account, endpoint]) { row in
      try columns(row, "destination").integer(0)
    }
  }

  func unfinishedRunID(_ db: Database, _ destination: Int64) throws -> RunID? {
    let sql = "SELECT id FROM run WHERE destination = ? AND phase IN ('staging', 'planning', 'sending')"
    return try db.firstRow(sql, [destination]) { RunID(rawValue: try columns($0, "run").integer(0)) }
  }
}

internal import Bytes
internal import Disk
internal import Foundation
internal import GRDB
internal import Synchronization

// The ledger: what an endpoint has accepted, across runs.
//
// A run's entries are a segment, in slices that each came with a receipt, sorted by visitor hash. Later several small segments are merged
// into a large one (LedgerCompaction). The slices of a segment lie one behind the other but for those of cut bodies and visitors, so that
// reading in the order of hashes has about one slice of each segment open:
//
//   segment 3 (run 3)        │ slice 7: 0x02… – 0x3f… │ slice 8: 0x3f… – 0x9f… │ …
//   segment 5 (runs 1, 2)    │ slice 9: 0x00… – 0x1c… │ …
//
// A slice has an index, and its entries lie in parts of a page each, so that reading costs what is asked for.
extension Checkpoint {
  /// The greatest slice id of this account and endpoint; 0 when there is none. Ids only ever grow, also after `forget`.
  package func ledgerMark(account: String, endpoint: String) throws(CheckpointFailure) -> Int64 {
    try read("read the ledger's mark") { db in
      let sql = """
        SELECT coalesce(max(slice.id), 0) FROM slice JOIN segment ON segment.id = slice.segment AND segment.state = 'live'
        WHERE slice.destination = (SELECT id FROM destination WHERE account = ? AND endpoint = ?)
        """
      return try db.firstRow(sql, [account, endpoint]) { try columns($0, "slice").integer(0) } ?? 0
    }
  }

  /// How many slices up to `mark` there are: fewer than before when another process merged or dropped some meanwhile.
  package func ledgerSliceCount(account: String, endpoint: String, upTo mark: Int64) throws(CheckpointFailure) -> Int {
    try read("count the ledger's slices") { db in
      let sql = """
        SELECT count(*) FROM slice JOIN segment ON segment.id = slice.segment AND segment.state = 'live'
        WHERE slice.destination = (SELECT id FROM destination WHERE account = ? AND endpoint = ?) AND slice.id <= ?
        """
      return try db.firstRow(sql, [account, endpoint, mark]) { try columns($0, "slice").count(0) } ?? 0
    }
  }

  /// The next slices of this account and endpoint with ids up to `mark`, ordered by first hash, then id; at most `limit`, those
  /// behind `slice` when given, and only those of an unfinished run when given. With `later` also those above the mark that have entries of runs
  /// before that one: they were merged since.
  package func ledgerSlices(
    account: String, endpoint: String, upTo mark: Int64, before later: RunID? = nil, of run: RunID? = nil, after slice: LedgerSlice? = nil,
    limit: Int
  ) throws(CheckpointFailure) -> [LedgerSlice] {
    try read("read the ledger's slices") { db in
      let sql = """
        SELECT slice.id, first_hash, last_hash, entry_count
        FROM slice JOIN segment ON segment.id = slice.segment AND segment.state = 'live'
        WHERE slice.destination = (SELECT id FROM destination WHERE account = ?1 AND endpoint = ?2)
        AND (first_hash, slice.id) > (?3, ?4)
        AND (slice.id <= ?5 OR EXISTS (SELECT 1 FROM segment_run WHERE segment_run.segment = slice.segment AND segment_run.run < ?8))
        AND (?6 IS NULL OR slice.segment IN (SELECT segment FROM segment_run WHERE run = ?6))
        ORDER BY first_hash, slice.id LIMIT ?7
        """
      var slices: [LedgerSlice] = []
      let first = slice.map { orderedInteger($0.firstHash) } ?? Int64.min
      try db.eachRow(sql, [account, endpoint, first, slice?.id ?? 0, mark, run?.rawValue, limit, later?.rawValue]) { row in
        slices.append(try ledgerSlice(row))
      }
      return slices
    }
  }

  func ledgerSlice(_ row: Row) throws(CheckpointFailure) -> LedgerSlice {
    let columns = columns(row, "slice")
    let slice = LedgerSlice(
      id: try columns.integer(0), firstHash: hash(ordered: try columns.integer(1)), lastHash: hash(ordered: try columns.integer(2)),
      entryCount: try columns.count(3))
    guard slice.firstHash <= slice.lastHash else { throw columns.damaged(2, "is below the first hash") }
    guard slice.entryCount > 0, slice.partCount <= LedgerPlace.mostParts else { throw columns.damaged(3, "is no count of entries") }
    return slice
  }

  /// The index of a slice.
  package func ledgerIndex(_ slice: LedgerSlice) throws(CheckpointFailure) -> SliceIndex {
    let index = try read("read a ledger index") { db in
      try db.firstRow("SELECT checksum, bytes FROM slice_index WHERE slice = ?", [slice.id]) { row in
        let columns = columns(row, "slice_index")
        let bytes = try columns.bytes(1)
        guard UInt64(bitPattern: try columns.integer(0)) == checksum(bytes.span, of: slice.id) else {
          throw columns.damaged(1, "is not what was kept")
        }
        guard let index = SliceIndex(bytes.span, entryCount: slice.entryCount) else { throw columns.damaged(1, "has another length") }
        return index
      }
    }
    guard let index else { throw lacking("index", slice) }
    ledgerReads.withLock { $0.indexes += 1 }
    return index
  }

  /// What it means that nothing is kept of a slice that was listed: a writer may have dropped it since, but who alone may write knows of none.
  private func lacking(_ what: String, _ slice: LedgerSlice) -> CheckpointFailure {
    if isReader, FolderLock.isHeld(folder: folder) { return .ledgerChanged(path: path) }
    let hope = isReader ? " (unless an import has just ended: then run the same command again)" : ""
    return .damaged(path: path, what: "ledger slice \(slice.id) has no \(what)\(hope)")
  }

  /// The entries of parts `first ..< first + count` of a slice, in order; fewer where the slice ends.
  package func ledgerParts(_ slice: LedgerSlice, from first: Int, count: Int) throws(CheckpointFailure) -> [UInt8] {
    let wanted = max(0, min(slice.partCount - first, count))
    let entries = try read("read ledger entries") { db in
      var entries: [UInt8] = []
      entries.reserveCapacity(wanted * SliceIndex.partBytes)
      var part = first
      let places = LedgerPlace(slice.id, first).rawValue..<LedgerPlace(slice.id, first + wanted).rawValue
      let sql = "SELECT id, checksum, entries FROM slice_part WHERE id >= ? AND id < ? ORDER BY id"
      try db.eachRow(sql, [places.lowerBound, places.upperBound]) { row in
        let columns = columns(row, "slice_part")
        let bytes = try columns.bytes(2)
        let entryCount = min(SliceIndex.partEntries, slice.entryCount - part * SliceIndex.partEntries)
        let place = LedgerPlace(slice.id, part).rawValue
        guard try columns.integer(0) == place, bytes.count == entryCount * LedgerEntry.byteCount else {
          throw columns.damaged(2, "has another place or length than was kept")
        }
        guard UInt64(bitPattern: try columns.integer(1)) == checksum(bytes.span, of: place) else {
          throw columns.damaged(2, "is not what was kept")
        }
        entries += bytes
        part += 1
      }
      guard part == first || part == first + wanted else {
        throw CheckpointFailure.damaged(path: path, what: "part \(part) of ledger slice \(slice.id) is missing")
      }
      return entries
    }
    guard wanted == 0 || !entries.isEmpty else { throw lacking("entries", slice) }
    ledgerReads.withLock { $0.parts += wanted }
    return entries
  }

  /// What a decision was for; nil for a number that stands for none.
  package func ledgerVariation(_ number: Int) throws(CheckpointFailure) -> LedgerVariation? {
    try read("read a variation") { db in
      try db.firstRow("SELECT campaign, experiment, variation FROM variation WHERE id = ?", [number]) { row in
        let columns = columns(row, "variation")
        return LedgerVariation(campaign: try columns.bytes(0), experiment: try columns.bytes(1), variation: try columns.bytes(2))
      }
    }
  }

  /// What was read of the ledger since the checkpoint was opened.
  package var ledgerReadCounts: LedgerReads { ledgerReads.withLock { $0 } }
}

/// Reads of the ledger: of indexes, and of parts, which are a page each.
package struct LedgerReads: Equatable, Sendable {
  package var indexes = 0
  package var parts = 0
}

/// Where a part lies: the parts of a slice lie one behind the other.
struct LedgerPlace {
  static let mostParts = 1 << 12
  let rawValue: Int64

  init(_ slice: Int64, _ part: Int) { rawValue = slice << 12 + Int64(part) }
}

// Writing.
extension Checkpoint {
  /// Adds the entries of a receipt to the segment of its run.
  func insert(_ ledger: LedgerEntries, _ db: Database, _ id: RunID) throws {
    let destination = try db.firstRow("SELECT destination FROM run WHERE id = ?", [id.rawValue]) { try columns($0, "run").integer(0) }
    guard let destination else { throw CheckpointFailure.unknownRun(path: path, run: id) }
    let found = try db.firstRow(
      """
      SELECT segment.id FROM segment_run JOIN segment ON segment.id = segment_run.segment
      WHERE segment_run.run = ? AND segment.state = 'live'
      """, [id.rawValue]
    ) { try columns($0, "segment").integer(0) }
    let segment = try found ?? db.insertSegment(destination, runs: [id.rawValue], state: "live")
    var numbers: [Int: Int] = [:]
    var entries = ledger.entries
    try renumber(&entries) { local in
      if let known = numbers[local] { return known }
      let number = try db.number(of: ledger.variations[local - 1])
      numbers[local] = number
      return number
    }
    try db.insertSlice(entries, segment: segment, destination: destination)
  }
}

/// Gives the decisions among entries other numbers of variations.
func renumber(_ entries: inout [UInt8], _ number: (Int) throws -> Int) rethrows {
  for at in stride(from: 0, to: entries.count, by: LedgerEntry.byteCount) {
    let variation = LedgerEntry(entries.span, at: at).variation
    guard variation > 0 else { continue }
    let other = try number(variation)
    if other != variation { LedgerEntry.set(variation: other, in: &entries, at: at) }
  }
}

extension Database {
  /// Begins a segment; its runs are numbered from 1.
  func insertSegment(_ destination: Int64, runs: [Int64], state: String) throws -> Int64 {
    try perform("INSERT INTO segment (destination, state) VALUES (?, ?)", [destination, state])
    let segment = lastInsertedRowID
    for (at, run) in runs.enumerated() {
      try perform("INSERT INTO segment_run (segment, number, run) VALUES (?, ?, ?)", [segment, at + 1, run])
    }
    return segment
  }

  /// The number of a variation, which gets one now when it has none; 0 when all are taken.
  func number(of variation: LedgerVariation) throws -> Int {
    let arguments: StatementArguments = [Data(variation.campaign), Data(variation.experiment), Data(variation.variation)]
    let sql = "SELECT id FROM variation WHERE campaign = ? AND experiment = ? AND variation = ?"
    // Both columns are integers and never null.
    let known: Int? = try firstRow(sql, arguments) { $0[0] }
    if let known { return known }
    let last: Int? = try firstRow("SELECT coalesce(max(id), 0) FROM variation") { $0[0] }
    guard last ?? 0 < LedgerEntry.mostVariations else { return 0 }
    try perform("INSERT INTO variation (campaign, experiment, variation) VALUES (?, ?, ?)", arguments)
    return Int(lastInsertedRowID)
  }

  /// Adds a slice of sorted entries. `id` is that of one that this one replaces.
  func insertSlice(_ entries: [UInt8], segment: Int64, destination: Int64, id: Int64? = nil) throws {
    let count = entries.count / LedgerEntry.byteCount
    precondition(count > 0 && entries.count % LedgerEntry.byteCount == 0, "a slice has whole entries")
    precondition(count <= LedgerPlace.mostParts * SliceIndex.partEntries, "a slice's parts have places")
    var times = Int64.max...Int64.max
    var decisionCount = 0
    for at in stride(from: 0, to: entries.count, by: LedgerEntry.byteCount) {
      let entry = LedgerEntry(entries.span, at: at)
      times = min(times.lowerBound, entry.timestamp)...(at == 0 ? entry.timestamp : max(times.upperBound, entry.timestamp))
      if entry.variation > 0 { decisionCount += 1 }
    }
    let first = LedgerEntry(entries.span, at: 0).visitorHash
    let last = LedgerEntry(entries.span, at: entries.count - LedgerEntry.byteCount).visitorHash
    precondition(first <= last, "ledger entries are sorted by hash")
    try perform(
      """
      INSERT INTO slice (id, segment, destination, first_hash, last_hash, entry_count, decision_count, first_time, last_time)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [id, segment, destination, orderedInteger(first), orderedInteger(last), count, decisionCount, times.lowerBound, times.upperBound])
    let slice = lastInsertedRowID
    let index = SliceIndex(entries.span).bytes
    try perform(
      "INSERT INTO slice_index (slice, checksum, bytes) VALUES (?, ?, ?)",
      [slice, Int64(bitPattern: checksum(index.span, of: slice)), Data(index)])
    for (part, start) in stride(from: 0, to: entries.count, by: SliceIndex.partBytes).enumerated() {
      let range = start..<min(start + SliceIndex.partBytes, entries.count)
      let place = LedgerPlace(slice, part).rawValue
      try perform(
        "INSERT INTO slice_part (id, checksum, entries) VALUES (?, ?, ?)",
        [place, Int64(bitPattern: checksum(entries.span.extracting(range), of: place)), Data(entries[range])])
    }
  }

  /// Drops a slice with all that belongs to it.
  func deleteSlice(_ slice: Int64) throws {
    try perform(
      "DELETE FROM slice_part WHERE id >= ? AND id < ?", [LedgerPlace(slice, 0).rawValue, LedgerPlace(slice + 1, 0).rawValue])
    try perform("DELETE FROM slice_index WHERE slice = ?", [slice])
    try perform("DELETE FROM slice WHERE id = ?", [slice])
  }
}

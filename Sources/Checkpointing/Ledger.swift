internal import Foundation
internal import GRDB

// The ledger: what an endpoint has accepted, across runs.
//
// A slice is what one receipt brought, sorted by hash; slices overlap. Its entries are stored in parts of 16 KB, so that a merge
// of many slices reads a little of each at a time:
//
//   slice 7   hashes 0x02… – 0x9f…   │ part 0: entries 0–511 │ part 1: 512–1023 │ part 2: 1024–1100 │
//   slice 9   hashes 0x05… – 0xc1…   │ part 0: entries 0–300 │
extension Checkpoint {
  /// Entries of a part; only the last part of a slice has fewer. Ranges of whole parts are the cheapest to read.
  package static let partEntries = 512

  /// The greatest slice id of this account and endpoint; 0 when there is none. Ids only ever grow, also after `forget`.
  package func ledgerMark(account: String, endpoint: String) throws(CheckpointFailure) -> Int64 {
    try read("read the ledger's mark") { db in
      let sql = """
        SELECT coalesce(max(ledger.id), 0) FROM ledger
        WHERE destination = (SELECT id FROM destination WHERE account = ? AND endpoint = ?)
        """
      return try db.firstRow(sql, [account, endpoint]) { try columns($0, "ledger").integer(0) } ?? 0
    }
  }

  /// The next slices of this account and endpoint with ids up to `mark`, ordered by first hash, then id; at most `limit`, those
  /// behind `slice` when given.
  package func ledgerSlices(
    account: String, endpoint: String, upTo mark: Int64, after slice: LedgerSlice? = nil, limit: Int
  ) throws(CheckpointFailure) -> [LedgerSlice] {
    try read("read the ledger's index") { db in
      let sql = """
        SELECT id, first_hash, last_hash, entry_count FROM ledger
        WHERE destination = (SELECT id FROM destination WHERE account = ? AND endpoint = ?)
        AND (first_hash, id) > (?, ?) AND id <= ? ORDER BY first_hash, id LIMIT ?
        """
      var slices: [LedgerSlice] = []
      let first = slice.map { orderedInteger($0.firstHash) } ?? Int64.min
      try db.eachRow(sql, [account, endpoint, first, slice?.id ?? 0, mark, limit]) { row in
        let columns = columns(row, "ledger")
        let slice = LedgerSlice(
          id: try columns.integer(0), firstHash: hash(ordered: try columns.integer(1)),
          lastHash: hash(ordered: try columns.integer(2)), entryCount: try columns.count(3))
        guard slice.firstHash <= slice.lastHash else { throw columns.damaged(2, "is below the first hash") }
        guard slice.entryCount > 0 else { throw columns.damaged(3, "is 0") }
        slices.append(slice)
      }
      return slices
    }
  }

  /// Entries `first ..< first + count` of a slice, 32 bytes each, in the order they were kept; fewer where the slice ends.
  package func ledgerEntries(_ slice: Int64, from first: Int, count: Int) throws(CheckpointFailure) -> [UInt8] {
    precondition(first >= 0 && count >= 0, "a range of entries is not negative")
    return try read("read ledger entries") { db in
      let total = try db.firstRow("SELECT entry_count FROM ledger WHERE id = ?", [slice]) { try columns($0, "ledger").count(0) }
      guard let total else { throw CheckpointFailure.damaged(path: path, what: "ledger slice \(slice) is missing") }
      let end = count < total - min(first, total) ? first + count : total
      var entries: [UInt8] = []
      entries.reserveCapacity(max(0, end - first) * CheckpointFormat.entryBytes)
      var next = first
      while next < end {
        let part = next / Checkpoint.partEntries
        let partStart = part * Checkpoint.partEntries
        let partEnd = min(partStart + Checkpoint.partEntries, total)
        let wanted = min(end, partEnd) - next
        entries += try partBytes(
          db, slice, part, partCount: partEnd - partStart, from: next - partStart, count: wanted)
        next += wanted
      }
      return entries
    }
  }

  private func partBytes(
    _ db: Database, _ slice: Int64, _ part: Int, partCount: Int, from first: Int, count: Int
  ) throws -> ArraySlice<UInt8> {
    let size = CheckpointFormat.entryBytes
    let sql = "SELECT checksum, entries FROM ledger_part WHERE slice = ? AND part = ?"
    let bytes = try db.firstRow(sql, [slice, part]) { row in
      let columns = columns(row, "ledger_part")
      let bytes = try columns.bytes(1)
      guard bytes.count == partCount * size else { throw columns.damaged(1, "has another length than was kept") }
      guard UInt64(bitPattern: try columns.integer(0)) == checksum(bytes[...], slice: slice, part: part) else {
        throw columns.damaged(1, "is not what was kept")
      }
      return bytes
    }
    guard let bytes else { throw CheckpointFailure.damaged(path: path, what: "part \(part) of ledger slice \(slice) is missing") }
    return bytes[first * size..<(first + count) * size]
  }

  func insert(_ ledger: LedgerEntries, _ db: Database, _ id: RunID) throws {
    let size = CheckpointFormat.entryBytes
    try db.perform(
      """
      INSERT INTO ledger (destination, run, first_hash, last_hash, entry_count)
      SELECT destination, id, ?, ?, ? FROM run WHERE id = ?
      """, [orderedInteger(ledger.firstHash), orderedInteger(ledger.lastHash), ledger.entries.count / size, id.rawValue])
    let slice = db.lastInsertedRowID
    let partBytes = Checkpoint.partEntries * size
    for (part, start) in stride(from: 0, to: ledger.entries.count, by: partBytes).enumerated() {
      let bytes = ledger.entries[start..<min(start + partBytes, ledger.entries.count)]
      let checksum = Int64(bitPattern: checksum(bytes, slice: slice, part: part))
      try db.perform(
        "INSERT INTO ledger_part (slice, part, checksum, entries) VALUES (?, ?, ?, ?)", [slice, part, checksum, Data(bytes)])
    }
  }
}

/// Tells a part of the ledger from one with other bytes or of another place: each 8 bytes are mixed in with a multiplication and
/// a shift, both invertible, so that no change within one word goes unseen. SQLite itself checks no content.
private func checksum(_ bytes: ArraySlice<UInt8>, slice: Int64, part: Int) -> UInt64 {
  var sum = UInt64(bitPattern: slice) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(truncatingIfNeeded: part)
  var place = bytes.startIndex
  while place < bytes.endIndex {
    var word: UInt64 = 0
    for byte in bytes[place..<min(place + 8, bytes.endIndex)] { word = word << 8 | UInt64(byte) }
    sum = (sum ^ word) &* 0xff51_afd7_ed55_8ccd
    sum ^= sum >> 32
    place += 8
  }
  return sum
}

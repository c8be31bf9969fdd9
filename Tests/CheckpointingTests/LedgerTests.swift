import Disk
import Foundation
import Testing
import Vocabulary

@testable import Checkpointing

@Suite struct LedgerTests {
  let scratch: Scratch
  let checkpoint: Checkpoint

  init() throws {
    scratch = try Scratch()
    checkpoint = try scratch.open()
  }

  @Test("a receipt and its entries are kept together, once; a second receipt for the body changes nothing")
  func idempotent() throws {
    let id = try checkpoint.sending(2)
    #expect(try checkpoint.hasAccepted(account: "acme", endpoint: "us") == false)
    try checkpoint.commitDigest(id, 1, sampleDigest(1))
    #expect(try checkpoint.keepReceipt(id, sampleReceipt(1), ledger: sampleEntries(1, count: 3)))
    var other = sampleReceipt(1)
    other.attemptCount = 9
    #expect(try !checkpoint.keepReceipt(id, other, ledger: sampleEntries(2, count: 1)))
    #expect(try checkpoint.receipt(id, 1) == sampleReceipt(1))
    #expect(try checkpoint.receipt(id, 2) == nil)
    #expect(try checkpoint.isAccepted(id, 1))
    #expect(try !checkpoint.isAccepted(id, 2))
    #expect(try checkpoint.receiptTotals(id) == ReceiptTotals(bodies: 1, events: 10, decisions: 4, conversions: 6, bytes: 1_001))
    let slices = try checkpoint.ledgerSlices(account: "acme", endpoint: "us", upTo: .max, limit: 9)
    #expect(slices.map(\.entryCount) == [3])
    #expect(try checkpoint.hasAccepted(account: "acme", endpoint: "us"))
    #expect(try !checkpoint.hasAccepted(account: "acme", endpoint: "eu"))
  }

  @Test("a receipt for a body whose digest was never committed, or that is not in the plan, is refused and leaves nothing")
  func withoutDigest() throws {
    let id = try checkpoint.sending(1)
    for number in [1, 2] {
      let failed = failure { try checkpoint.keepReceipt(id, sampleReceipt(number), ledger: sampleEntries(1, count: 1)) }
      #expect(failed == .digestMissing(path: scratch.path, run: id, body: number))
    }
    #expect(try checkpoint.receiptTotals(id) == ReceiptTotals())
    #expect(try checkpoint.ledgerMark(account: "acme", endpoint: "us") == 0)
    #expect(try checkpoint.hasAccepted(account: "acme", endpoint: "us") == false)
  }

  @Test("a receipt without entries leaves the ledger alone")
  func noEntries() throws {
    let id = try checkpoint.sending(1)
    try checkpoint.commitDigest(id, 1, sampleDigest(1))
    try checkpoint.keepReceipt(id, sampleReceipt(1), ledger: nil)
    #expect(try checkpoint.isAccepted(id, 1))
    #expect(try checkpoint.ledgerMark(account: "acme", endpoint: "us") == 0)
  }

  static let edges: [UInt64] = [0, 1, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, .max - 1, .max]

  @Test("hashes around 2^63 keep their unsigned order, in the database and back")
  func order() throws {
    #expect(Self.edges.map(orderedInteger) == Self.edges.map(orderedInteger).sorted())
    #expect(Self.edges.map { hash(ordered: orderedInteger($0)) } == Self.edges)
    #expect(orderedInteger(0) == .min && orderedInteger(.max) == .max && orderedInteger(1 << 63) == 0)

    let shuffled = [5, 0, 7, 3, 4, 1, 6, 2].map { Self.edges[$0] }
    let id = try checkpoint.sending(shuffled.count)
    for (place, first) in shuffled.enumerated() {
      try checkpoint.commitDigest(id, place + 1, sampleDigest(1))
      let ledger = sampleEntries(place, count: 2, first: first, last: max(first, 1 << 63))
      try checkpoint.keepReceipt(id, sampleReceipt(place + 1), ledger: ledger)
    }
    var slices: [LedgerSlice] = []
    while let next = try checkpoint.ledgerSlices(account: "acme", endpoint: "us", upTo: .max, after: slices.last, limit: 1).first {
      slices.append(next)
    }
    #expect(slices.map(\.firstHash) == Self.edges)
    #expect(slices.map(\.lastHash) == Self.edges.map { max($0, 1 << 63) })
  }

  @Test("slices with equal first hashes are paged by id; the mark and other destinations are kept out")
  func paging() throws {
    let id = try checkpoint.sending(5)
    for number in 1...5 {
      try checkpoint.commitDigest(id, number, sampleDigest(number))
      try checkpoint.keepReceipt(id, sampleReceipt(number), ledger: sampleEntries(number, count: 1, first: 0, last: 0))
    }
    let other = try checkpoint.sending(1, endpoint: "eu")
    try checkpoint.send(other, 1)
    #expect(try checkpoint.ledgerMark(account: "acme", endpoint: "us") == 5)
    #expect(try checkpoint.ledgerMark(account: "acme", endpoint: "eu") == 6)
    #expect(try checkpoint.ledgerMark(account: "nobody", endpoint: "eu") == 0)
    let slices = { (mark: Int64, after: LedgerSlice?) in
      try checkpoint.ledgerSlices(account: "acme", endpoint: "us", upTo: mark, after: after, limit: 2)
    }
    let first = try slices(4, nil)
    #expect(first.map(\.id) == [1, 2])
    #expect(try slices(4, first[1]).map(\.id) == [3, 4])
    #expect(try slices(4, slices(4, first[1])[1]).isEmpty)
    #expect(try slices(0, nil).isEmpty)
  }

  @Test(
    "entries are read back in parts of any place and number",
    arguments: [
      1, SliceIndex.partEntries - 1, SliceIndex.partEntries, SliceIndex.partEntries + 1, 3 * SliceIndex.partEntries, 1_000,
    ])
  func parts(count: Int) throws {
    let id = try checkpoint.sending(1)
    try checkpoint.send(id, 1, entries: count)
    let all = sampleEntries(1, count: count).entries
    let slice = try #require(try checkpoint.ledgerSlices(account: "acme", endpoint: "us", upTo: .max, limit: 9).first)
    for first in 0...(slice.partCount + 1) {
      for length in [0, 1, 2, slice.partCount, .max] {
        let bytes = try checkpoint.ledgerParts(slice, from: first, count: length)
        let wanted = all.dropFirst(first * SliceIndex.partBytes).prefix(min(length, 10) * SliceIndex.partBytes)
        #expect(bytes == Array(wanted), "from \(first), \(length) parts")
      }
    }
    #expect(Double(all.count) / Double(count) + Double(try checkpoint.ledgerIndex(slice).bytes.count) / Double(count) <= 32 || count < 8)
  }

  @Test("forgetting a run drops its receipts and entries and nothing of others; its ids are not used again")
  func forget() throws {
    let kept = try checkpoint.sending(1)
    try checkpoint.send(kept, 1, entries: 600)
    try checkpoint.complete(kept, summary: "", now: 4)
    let id = try checkpoint.sending(2)
    try checkpoint.send(id, 1, entries: 600)
    try checkpoint.send(id, 2)
    try checkpoint.complete(id, summary: #"{"done":1}"#, now: 5)
    try checkpoint.forget(id, now: 60)

    let run = try checkpoint.run(id)
    #expect(run.phase == .forgotten && run.updatedAt == 60 && run.summary == #"{"done":1}"#)
    #expect(try checkpoint.receiptTotals(id) == ReceiptTotals())
    #expect(try checkpoint.bodyCount(id) == 0)
    #expect(try checkpoint.stagingFiles(id).isEmpty)
    #expect(try checkpoint.receiptTotals(kept).bodies == 1)
    #expect(try checkpoint.ledgerSlices(account: "acme", endpoint: "us", upTo: .max, limit: 9).map(\.id) == [1])
    #expect(try checkpoint.allEntries().count == 600)
    #expect(try checkpoint.hasAccepted(account: "acme", endpoint: "us"))
    let parts = try checkpoint.read("test") { db in
      let sql = "SELECT count(*) FROM slice_part WHERE id >= \(LedgerPlace(2, 0).rawValue)"
      return try db.firstRow(sql) { try checkpoint.columns($0, "slice_part").count(0) }
    }
    #expect(parts == 0, "the parts go with their slices")
    let gone = LedgerSlice(id: 2, firstHash: 0, lastHash: 1, entryCount: 1)
    // Who alone writes knows that nobody dropped them; who reads while another may write does not.
    let reader = try Checkpoint.reader(at: scratch.path)
    let lock = try FolderLock(folder: URL(fileURLWithPath: scratch.path).deletingLastPathComponent().path)
    for asking in [{ _ = try $0.ledgerIndex(gone) }, { _ = try $0.ledgerParts(gone, from: 0, count: 1) }] as [(Checkpoint) throws -> Void] {
      #expect(failure { try asking(checkpoint) }?.exitStatus == .diskTrouble)
      #expect(failure { try asking(reader) } == .ledgerChanged(path: scratch.path))
    }
    withExtendedLifetime(lock) {}

    let again = try checkpoint.sending(1)
    try checkpoint.send(again, 1)
    #expect(try checkpoint.ledgerMark(account: "acme", endpoint: "us") == 4)
  }

  @Test("a run is not forgotten while another is being sent that was planned with its entries")
  func inUse() throws {
    let old = try checkpoint.sending(1)
    try checkpoint.send(old, 1)
    try checkpoint.complete(old, summary: "", now: 4)
    let user = try checkpoint.sending(1)
    let elsewhere = try checkpoint.sending(1, endpoint: "eu")
    let failed = failure { try checkpoint.forget(old, now: 5) }
    #expect(failed == .inUse(path: scratch.path, run: old, user: user))
    #expect(failed?.exitStatus == .usage)
    #expect(try checkpoint.run(old).phase == .complete)
    try checkpoint.send(user, 1)
    try checkpoint.complete(user, summary: "", now: 6)
    try checkpoint.forget(old, now: 7)
    try checkpoint.forget(elsewhere, now: 8)
    #expect(try checkpoint.unfinishedRuns().isEmpty)
  }

  @Test(
    "a value that no version of ours writes is damage when it is read",
    arguments: [
      "UPDATE input SET digest = x'00'", "UPDATE body SET digest = x'0011' WHERE number = 1", "UPDATE body SET event_count = -1",
      "UPDATE run SET phase = 'lost'", "UPDATE slice SET last_hash = first_hash - 1", "UPDATE slice SET entry_count = 0",
      "UPDATE slice SET entry_count = 601", "UPDATE slice SET entry_count = 599", "UPDATE slice SET entry_count = 1200",
      "UPDATE slice SET entry_count = 100000000",
      "UPDATE slice_part SET entries = substr(entries, 2) WHERE id & 1", "DELETE FROM slice_part WHERE id & 1",
      "UPDATE slice_part SET entries = zeroblob(length(entries)) WHERE id & 1",
      "UPDATE slice_part SET entries = CAST(substr(entries, 1, 100) || x'ff' || substr(entries, 102) AS BLOB) WHERE id & 1",
      "UPDATE slice_part SET id = -id; UPDATE slice_part SET id = (-id / 4096) * 4096 + (1 - (-id & 1)) + (-id & 4094)",
      "UPDATE slice_index SET bytes = zeroblob(length(bytes))", "UPDATE slice_index SET bytes = substr(bytes, 9)",
      "DELETE FROM body WHERE number = 1", "UPDATE staging_file SET record_count = -1",
    ])
  func tampered(sql: String) throws {
    let id = try checkpoint.sending(2)
    try checkpoint.send(id, 1, entries: 600)
    try checkpoint.close()
    try scratch.tamper(sql)
    let failed = failure {
      let reader = try Checkpoint.reader(at: scratch.path)
      _ = try reader.allRuns()
      _ = try reader.inputs(id)
      _ = try reader.stagingFiles(id)
      _ = try reader.bodyCount(id)
      _ = try reader.bodies(id, limit: 9)
      for slice in try reader.ledgerSlices(account: "acme", endpoint: "us", upTo: .max, limit: 9) {
        _ = try reader.ledgerIndex(slice)
        _ = try reader.ledgerParts(slice, from: 0, count: slice.partCount)
      }
    }
    guard case .damaged(scratch.path, _) = failed else {
      Issue.record("\(String(describing: failed))")
      return
    }
  }
}

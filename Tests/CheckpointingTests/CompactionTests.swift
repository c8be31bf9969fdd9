import Bytes
import Foundation
import GRDB
import Testing
import Vocabulary

@testable import Checkpointing

@Suite("Segments of the ledger are merged") struct CompactionTests {
  let scratch: Scratch
  let checkpoint: Checkpoint

  init() throws {
    scratch = try Scratch()
    checkpoint = try scratch.open()
  }

  /// A complete run with one body.
  @discardableResult
  private func night(_ number: Int, entries: Int = 300, endpoint: String = "us", in checkpoint: Checkpoint? = nil) throws -> RunID {
    let checkpoint = checkpoint ?? self.checkpoint
    let run = try checkpoint.sending(1, endpoint: endpoint)
    try checkpoint.commitDigest(run, 1, sampleDigest(1))
    let ledger = sampleEntries(number, count: entries, times: Int64(number) * 86_400_000)
    try checkpoint.keepReceipt(run, sampleReceipt(1), ledger: ledger)
    try checkpoint.complete(run, summary: "", now: 4)
    return run
  }

  private func compact(_ isStopped: () -> Bool = { false }) throws -> Int {
    try checkpoint.compactLedger(account: "acme", endpoint: "us", leaving: 0, isStopped: isStopped)
  }

  /// Entries without the numbers that mean something inside their segment only.
  private func facts(_ entries: [LedgerEntry]) -> [LedgerEntry] {
    entries.map { entry in
      var fact = entry
      fact.run = 0
      return fact
    }.sorted { ($0.visitorHash, $0.id) < ($1.visitorHash, $1.id) }
  }

  @Test("entries stay what they are, however often their segments are merged", arguments: [3, 4, 5, 16, 21])
  func same(nights: Int) throws {
    for number in 1...nights { try night(number) }
    let before = facts(try checkpoint.allEntries())
    #expect(before.count == nights * 300)
    #expect(try compact() == (nights < 4 ? 0 : nights))
    let after = try checkpoint.allEntries()
    #expect(facts(after) == before)
    let totals = try #require(try checkpoint.ledgerTotals().first)
    #expect(totals.segments == (nights < 4 ? nights : 1))
    #expect(totals.events == nights * 300 && totals.decisions == nights * 100 && totals.runs == nights)
    #expect(totals.firstTime == 86_400_000 && totals.lastTime == Int64(nights) * 86_400_000 + 299)
    #expect(try checkpoint.ledgerMark(account: "acme", endpoint: "us") >= Int64(nights))
    try checkpoint.verifyIntegrity()
  }

  @Test("a run is forgotten to the last entry after it was merged, and nothing of others goes with it")
  func forget() throws {
    var runs: [RunID] = []
    for number in 1...5 { runs.append(try night(number)) }
    #expect(try compact() == 5)
    try checkpoint.forget(runs[2], now: 9)
    let wanted = [1, 2, 4, 5].flatMap { number in
      let bytes = sampleEntries(number, count: 300, times: Int64(number) * 86_400_000).entries
      return stride(from: 0, to: bytes.count, by: LedgerEntry.byteCount).map { LedgerEntry(bytes.span, at: $0) }
    }
    #expect(facts(try checkpoint.allEntries()) == facts(wanted))
    try checkpoint.forget(runs[0], now: 9)
    for run in [runs[1], runs[3], runs[4]] { try checkpoint.forget(run, now: 9) }
    #expect(try checkpoint.allEntries().isEmpty)
    #expect(try checkpoint.ledgerTotals().first?.segments == 0)
  }

  @Test("the segments of the last week are left as they are")
  func recent() throws {
    for number in 1...(Checkpoint.recentSegments + 3) { try night(number) }
    #expect(try checkpoint.compactLedger(account: "acme", endpoint: "us") == 0)
    let last = Checkpoint.recentSegments + 4
    try night(last)
    #expect(try checkpoint.compactLedger(account: "acme", endpoint: "us") == 4)
    let totals = try #require(try checkpoint.ledgerTotals().first)
    #expect(totals.segments == Checkpoint.recentSegments + 1 && totals.events == last * 300)
  }

  @Test("nothing is merged while a run is unfinished, in whichever phase; runs elsewhere do not matter")
  func unfinished() throws {
    for number in 1...4 { try night(number) }
    let run = try checkpoint.begin().id
    #expect(try compact() == 0)
    try checkpoint.stage(run)
    #expect(try compact() == 0)
    try checkpoint.plan(run, bodies: 1)
    let mark = try checkpoint.run(run).ledgerMark
    #expect(try compact() == 0)
    #expect(try checkpoint.ledgerSlices(account: "acme", endpoint: "us", upTo: mark, limit: 99).count == 4)
    try checkpoint.send(run, 1)
    #expect(try compact() == 0)
    try checkpoint.complete(run, summary: "", now: 5)
    try checkpoint.begin(endpoint: "eu")
    #expect(try compact() == 5)
  }

  @Test("a merge that is stopped or killed at any slice leaves the ledger as it was, and the next one does it")
  func stopped() throws {
    for number in 1...4 { try night(number, entries: Checkpoint.sliceEntries / 2) }
    let before = try checkpoint.allEntries()
    for patience in 0...3 {
      var asked = 0
      let merged = try compact {
        asked += 1
        return asked > patience
      }
      #expect(merged == 0)
      let kept = try scratch.copyAsKilled().withCheckpoint { killed in try killed.allEntries() }
      #expect(kept == before)
      #expect(try checkpoint.allEntries() == before)
    }
    #expect(try compact() == 4)
    #expect(facts(try checkpoint.allEntries()) == facts(before))
    let left = try checkpoint.read("test") { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM segment") }
    #expect(left == 1, "what was merged is swept")
  }

  @Test("after a year of nights a night reads less than twice the indexes and parts that it read in the first week")
  func year() throws {
    // One visitor of tonight in twenty was there on an earlier night, and tonight's export holds all of last night again.
    let size = 500
    var reads: [Int: LedgerReads] = [:]
    for number in 1...365 {
      let visitors = (0..<size).map { at in visitor(at % 20 == 0 && number > 1 ? (at * 7_919) % (number * size) : number * size + at) }
        .sorted()
      let run = try checkpoint.sending(1)
      try checkpoint.commitDigest(run, 1, sampleDigest(1))
      let entries = visitors.flatMap { LedgerEntry(visitorHash: $0, id: $0 &+ UInt64(number), timestamp: Int64(number), content: 1).bytes }
      try checkpoint.keepReceipt(run, sampleReceipt(1), ledger: LedgerEntries(entries: entries))
      try checkpoint.complete(run, summary: "", now: 4)
      try checkpoint.compactLedger(account: "acme", endpoint: "us")
      guard [7, 365].contains(number) else { continue }
      let before = checkpoint.ledgerReadCounts
      for slice in try checkpoint.ledgerSlices(account: "acme", endpoint: "us", upTo: .max, limit: .max) {
        let index = try checkpoint.ledgerIndex(slice)
        var part = -1
        let tonight = (0..<size).map { visitor((number + 1) * size + $0) }
        for hash in (visitors + tonight).sorted() where index.mayHold(hash) && index.part(of: hash) != part {
          part = index.part(of: hash)
          _ = try checkpoint.ledgerParts(slice, from: part, count: 1)
        }
      }
      let after = checkpoint.ledgerReadCounts
      reads[number] = LedgerReads(indexes: after.indexes - before.indexes, parts: after.parts - before.parts)
    }
    let (week, year) = (try #require(reads[7]), try #require(reads[365]))
    #expect(year.indexes + year.parts < 2 * (week.indexes + week.parts), "\(week), then \(year)")
  }

  @Test("pruning forgets what happened before a time and nothing else, in merged segments and others")
  func prune() throws {
    for number in 1...6 {
      try night(number)
      if number == 4 { _ = try compact() }
    }
    let all = try checkpoint.allEntries()
    let bound = Int64(3) * 86_400_000 + 100
    #expect(try checkpoint.pruneLedger(before: bound) == 700)
    #expect(facts(try checkpoint.allEntries()) == facts(all.filter { $0.timestamp >= bound }))
    #expect(try checkpoint.pruneLedger(before: bound) == 0)
    let run = try checkpoint.begin()
    #expect(failure { _ = try checkpoint.pruneLedger(before: bound) } == .ledgerInUse(path: scratch.path, user: run.id))
    try checkpoint.abandon(run.id, now: 3)
    #expect(try checkpoint.pruneLedger(before: .max) == 1_100)
    #expect(try checkpoint.ledgerTotals().first?.segments == 0)
  }

  @Test("another checkpoint's ledger is taken once, with what its decisions were for; what is known here already is not doubled")
  func merge() throws {
    let folder = try Scratch()
    let other = try folder.open()
    // Numbers of variations differ: these come first there.
    try other.write("test") { db in
      _ = try db.number(of: LedgerVariation(campaign: [0x39], experiment: [0x39], variation: [0x39]))
    }
    try night(1)
    try night(1, in: other)
    try night(2, in: other)
    try night(3, endpoint: "eu", in: other)
    let added = try checkpoint.mergeLedger(from: other)
    #expect(added.map(\.count) == [300, 300] && added.map(\.endpoint) == ["eu", "us"])
    for endpoint in ["us", "eu"] {
      let ours = try checkpoint.allEntries(endpoint: endpoint)
      let theirs = try other.allEntries(endpoint: endpoint)
      #expect(ours.count == theirs.count)
      for (one, another) in zip(facts(ours), facts(theirs)) {
        #expect(
          (one.visitorHash, one.id, one.content, one.timestamp) == (another.visitorHash, another.id, another.content, another.timestamp))
        #expect(try checkpoint.ledgerVariation(one.variation) == other.ledgerVariation(another.variation))
      }
      #expect(try checkpoint.hasAccepted(account: "acme", endpoint: endpoint))
    }
    #expect(try checkpoint.mergeLedger(from: other).map(\.count) == [0, 0])
    #expect(try checkpoint.ledgerTotals().map(\.events) == [300, 600])
    // What came from elsewhere is not forgotten with a run of here.
    try checkpoint.forget(RunID(rawValue: 1), now: 9)
    #expect(try checkpoint.ledgerTotals().map(\.events) == [300, 300])
  }

  @Test("what other checkpoints brought is merged by itself, and the ledger stays whole through merging, forgetting and pruning")
  func elsewhereAmongNights() throws {
    let folders = try (0..<5).map { _ in try Scratch() }
    let others = try folders.map { try $0.open() }
    for (at, other) in others.enumerated() { try night(100 + at, entries: 10, in: other) }
    var runs: [RunID] = []
    for number in 1...12 {
      runs.append(try night(number, entries: 10))
      if number <= others.count { _ = try checkpoint.mergeLedger(from: others[number - 1]) }
      _ = try compact()
      #expect(try checkpoint.ledgerFaults().isEmpty)
    }
    #expect(try checkpoint.ledgerTotals().first.map { $0.events == 17 * 10 && $0.segments < 8 } == true)
    for run in runs { #expect(try checkpoint.faults(of: run).isEmpty) }
    try checkpoint.forget(runs[2], now: 9)
    #expect(try checkpoint.ledgerFaults().isEmpty)
    #expect(try checkpoint.pruneLedger(before: 3 * 86_400_000) == 2 * 10)
    #expect(try checkpoint.ledgerFaults().isEmpty && compact() >= 0 && checkpoint.ledgerFaults().isEmpty)
    for run in runs.dropFirst(3) { #expect(try checkpoint.faults(of: run).isEmpty) }
    #expect(try checkpoint.ledgerTotals().first?.events == 14 * 10)
    // The same again adds nothing.
    #expect(try others.allSatisfy { try checkpoint.mergeLedger(from: $0).allSatisfy { $0.count == 0 } })
  }

  @Test("a visitor who is there is never denied, and few others are admitted", arguments: [1, 2, 1_000, 20_000])
  func filter(count: Int) {
    let entries = sampleEntries(1, count: count).entries
    let index = SliceIndex(entries.span)
    let hashes = stride(from: 0, to: entries.count, by: LedgerEntry.byteCount).map { LedgerEntry(entries.span, at: $0).visitorHash }
    let denied = hashes.count { !index.mayHold($0) }
    #expect(denied == 0)
    let strangers = (1...20_000).count { index.mayHold(visitor($0)) }
    #expect(strangers < 40)
    let bytes = index.bytes
    let stored = SliceIndex(bytes.span, entryCount: count)
    #expect(stored == index)
  }
}

/// A visitor's hash, as mixed as those of ids are (SplitMix64).
private func visitor(_ number: Int) -> UInt64 {
  var word = UInt64(number) &* 0x9e37_79b9_7f4a_7c15
  word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
  word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
  return word ^ (word >> 31)
}

@Suite("Ledgers of earlier versions") struct LedgerMigrationTests {
  @Test("entries of version 2 are known as before, by the same slices, and no decision among them is remembered as one")
  func migration() throws {
    let scratch = try Scratch()
    let queue = try DatabaseQueue(path: scratch.path)
    try Schema.migrator.migrate(queue, upTo: "2")
    let words: [[UInt64]] = (1...1_000).map { [UInt64($0) << 50, UInt64($0) &* 0x9e37_79b9_7f4a_7c15, 5, UInt64($0) << 30 | UInt64($0)] }
    let bytes = words.flatMap { $0.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } } }
    try queue.inDatabase { db in
      try db.execute(
        sql: """
          INSERT INTO destination (id, account, endpoint) VALUES (1, 'acme', 'us');
          INSERT INTO run (id, destination, phase, encoder, created_at, updated_at, ledger_mark, key, settings, specification)
            VALUES (1, 1, 'complete', 1, 1, 1700000000000, 0, 'k', '{}', '{}'), (2, 1, 'sending', 1, 1, 1, 7, 'k', '{}', '{}');
          INSERT INTO ledger (id, destination, run, first_hash, last_hash, entry_count)
            VALUES (7, 1, 1, \(orderedInteger(words[0][0])), \(orderedInteger(words[999][0])), 1000);
          """)
      for (part, start) in stride(from: 0, to: bytes.count, by: 512 * 32).enumerated() {
        try db.execute(
          sql: "INSERT INTO ledger_part (slice, part, checksum, entries) VALUES (7, ?, 0, ?)",
          arguments: [part, Data(bytes[start..<min(bytes.count, start + 512 * 32)])])
      }
    }
    try queue.close()
    #expect(failure { _ = try Checkpoint.reader(at: scratch.path) } == .olderSchema(path: scratch.path))
    let checkpoint = try scratch.open()
    #expect(try checkpoint.ledgerMark(account: "acme", endpoint: "us") == 7)
    let entries = try checkpoint.allEntries()
    #expect(entries.map(\.visitorHash) == words.map { $0[0] } && entries.map(\.id) == words.map { $0[1] })
    #expect(entries.allSatisfy { $0.timestamp == 1_700_000_000_000 && $0.variation == 0 && $0.run == 1 })
    #expect(entries.map(\.content) == words.map { $0[3] & LedgerEntry.contentMask })
    try checkpoint.verifyIntegrity()
    #expect(failure { try checkpoint.forget(RunID(rawValue: 1), now: 3) } != nil, "run 2 was planned with it")
  }
}

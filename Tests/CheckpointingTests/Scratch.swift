import Foundation
import GRDB
import Testing
import Vocabulary

@testable import Checkpointing

/// A folder that goes away with its owner, and a checkpoint's path in it.
final class Scratch {
  let folder: String
  var path: String { folder + "/checkpoint.sqlite" }
  var log: String { path + "-wal" }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("checkpoint-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func open() throws -> Checkpoint { try Checkpoint(at: path, patience: .zero) }

  var files: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } }

  func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

  /// What a kill leaves: the database and the first `logBytes` of its log, without the shared memory that died with the process.
  func copyAsKilled(logBytes: Int = .max) throws -> Scratch {
    let copy = try Scratch()
    try FileManager.default.copyItem(atPath: path, toPath: copy.path)
    let bytes = FileManager.default.contents(atPath: log) ?? Data()
    try bytes.prefix(logBytes).write(to: URL(fileURLWithPath: copy.log))
    return copy
  }

  /// Changes the file behind our back.
  func tamper(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.inDatabase { db in try db.execute(sql: "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; " + sql) }
    try queue.close()
  }
}

/// Operations named by what they are for, so that tests speak of facts.
extension Checkpoint {
  @discardableResult
  func begin(account: String = "acme", endpoint: String = "us", key: String = "k", now: Int64 = 1) throws -> RunRow {
    try beginRun(
      account: account, endpoint: endpoint, key: key, specification: #"{"files":["a.csv"]}"#, settings: #"{"max":3}"#, encoder: 1,
      now: now)
  }

  func stage(_ run: RunID) throws {
    try completeStaging(
      run, inputs: [sampleInput], files: [sampleStagingFile], counts: #"{"read":7}"#, now: 2)
  }

  func plan(_ run: RunID, bodies count: Int, mark: Int64? = nil, phase: RunPhase = .sending) throws {
    let writer = try beginPlan(run)
    for number in stride(from: 1, through: count, by: 1) { try writer.append(sampleBody(number)) }
    let row = try self.run(run)
    let mark = try mark ?? ledgerMark(account: row.account, endpoint: row.endpoint)
    try writer.commit(ledgerMark: mark, summary: #"{"bodies":\#(count)}"#, phase: phase, now: 3)
  }

  func send(_ run: RunID, _ number: Int, entries: Int = 2) throws {
    try commitDigest(run, number, sampleDigest(number))
    try keepReceipt(run, sampleReceipt(number), ledger: sampleEntries(number, count: entries))
  }

  /// A complete run of two bodies of ten events each.
  func completed() throws -> RunID {
    let run = try sending(2)
    for number in 1...2 { try send(run, number, entries: 10) }
    try complete(run, summary: "{}", now: 9)
    return run
  }

  /// A run that is being sent, with a plan of `count` bodies.
  func sending(_ count: Int, account: String = "acme", endpoint: String = "us") throws -> RunID {
    let run = try begin(account: account, endpoint: endpoint).id
    try stage(run)
    try plan(run, bodies: count)
    return run
  }
}

let sampleInput = InputRow(
  index: 0, path: "/data/a.csv", byteCount: 1_234, digest: [UInt8](0..<16), format: "csv", header: [UInt8]("a,b\r\n".utf8),
  rowCount: 7)
let sampleStagingFile = StagingFileRow(number: 1, file: "run-1", byteCount: 99, recordCount: 7, checksum: .max - 5)

func sampleBody(_ number: Int) -> BodyRow {
  BodyRow(
    number: number, byteCount: 1_000 + number, eventCount: 10, decisionCount: 4, conversionCount: 6, visitorCount: 3,
    firstVisitor: [UInt8]("v\(number)".utf8), firstIndex: 0, lastVisitor: [0xff, 0x00, UInt8(truncatingIfNeeded: number)],
    lastIndex: 5, waitsFor: number % 3 == 0 ? number - 1 : nil)
}

func sampleDigest(_ number: Int) -> [UInt8] { [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 16) }

func sampleReceipt(_ number: Int) -> ReceiptRow {
  ReceiptRow(number: number, status: 204, attemptCount: 1 + number % 2, acceptedAt: 1_700_000_000_000 + Int64(number))
}

/// Sorted entries between two hashes, which differ in slice and place. Every third is a decision, of one of two variations.
func sampleEntries(_ number: Int, count: Int, first: UInt64? = nil, last: UInt64? = nil, times: Int64 = 1_700_000_000_000) -> LedgerEntries
{
  let first = first ?? UInt64(number)
  let last = last ?? .max - UInt64(number)
  var entries: [UInt8] = []
  for place in 0..<count {
    let hash = count == 1 ? first : first + (last - first) / UInt64(count - 1) * UInt64(place)
    entries +=
      LedgerEntry(
        visitorHash: place == count - 1 && count > 1 ? last : hash, id: UInt64(number) << 32 | UInt64(place),
        timestamp: times + Int64(place),
        content: UInt64(number * 1000 + place), variation: place % 3 == 0 ? 1 + place / 3 % 2 : 0, isHeldBack: place % 6 == 3
      ).bytes
  }
  return LedgerEntries(entries: entries, variations: sampleVariations)
}

let sampleVariations = ["a", "b"].map {
  LedgerVariation(campaign: Array("1".utf8), experiment: Array("2".utf8), variation: Array($0.utf8))
}

extension Checkpoint {
  /// All entries that the ledger holds, slice by slice.
  func allEntries(account: String = "acme", endpoint: String = "us") throws -> [LedgerEntry] {
    var entries: [LedgerEntry] = []
    for slice in try ledgerSlices(account: account, endpoint: endpoint, upTo: .max, limit: .max) {
      let bytes = try ledgerParts(slice, from: 0, count: .max)
      for at in stride(from: 0, to: bytes.count, by: LedgerEntry.byteCount) { entries.append(LedgerEntry(bytes.span, at: at)) }
    }
    return entries
  }
}

/// The failure of a call, which must fail.
func failure(_ body: () throws -> Void, _ location: SourceLocation = #_sourceLocation) -> CheckpointFailure? {
  #expect(throws: CheckpointFailure.self, sourceLocation: location) { try body() }
}

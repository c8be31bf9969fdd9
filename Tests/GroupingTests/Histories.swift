import Bytes
import Disk
import EventAPI
import Foundation
import Vocabulary

@testable import Grouping

/// A sequence of numbers that its seed decides (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  mutating func pick<Element>(_ choices: [Element]) -> Element { choices[Int(next() % UInt64(choices.count))] }
}

/// A folder that goes away with its owner.
final class Scratch: Sendable {
  let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("grouping-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ number: Int) -> String { "\(folder)/\(number).run" }

  var names: [String] { FileManager.default.subpaths(atPath: folder) ?? [] }
}

/// A row before it is staged.
struct Row {
  var visitor = "v"
  var isDecision = false
  var session = ""
  var attributes = ""
  var campaign = "c"
  var experiment = "e"
  var variation = "x"
  var isHoldback: Bool?
  var timestamp: Int64 = 1_000
  var uuid = "u"
  var isDerived = false
  var revenue: Int64?
  var input = 0
  var place = 0
  /// A visitor hash to be believed instead of the true one.
  var hash: UInt64?

  /// The bytes of the staged record.
  var staged: [UInt8] {
    var arena = ByteArena(limit: 1 << 26)
    var encoder = RecordEncoder()
    func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    encoder.begin(
      isDecision ? .decision : .conversion, visitor: bytes(visitor).span, input: input, rowOffset: place, line: place + 1,
      into: &arena)
    encoder.group(session: bytes(session).span, attributes: bytes(attributes).span, into: &arena)
    if isDecision {
      encoder.decision(
        campaign: bytes(campaign).span, experiment: bytes(experiment).span, variation: bytes(variation).span,
        isHoldback: isHoldback,
        metadata: [UInt8]().span, timestamp: timestamp, into: &arena)
    } else {
      encoder.conversion(entity: bytes(campaign).span, key: bytes(experiment).span, timestamp: timestamp, into: &arena)
    }
    if isDerived {
      encoder.eventID(derivedFrom: bytes(uuid).span, into: &arena)
    } else {
      encoder.eventID(bytes(uuid).span, into: &arena)
    }
    if let revenue { encoder.revenue(revenue, into: &arena) }
    let start = encoder.end(into: &arena)
    if let hash { arena.store(hash, at: start + 8) }
    return copy(arena.span)
  }
}

extension Row {
  /// The event id as staged.
  var eventID: String {
    let bytes = staged
    return text(StagedRecord(bytes.span).eventID)
  }
}

/// Rows of few visitors, sessions, times and ids, so that all of them meet; about a third of them stand there twice or more.
func history(seed: UInt64, count: Int, visitors: Int = 6, sharesHashes: Bool = false) -> [Row] {
  var numbers = SeededNumbers(seed)
  var rows: [Row] = []
  for place in 0..<count {
    var row = Row(place: place)
    if !rows.isEmpty, numbers.next() % 3 == 0 {
      row = numbers.pick(rows)
      row.place = place
    } else {
      row.visitor = "visitor-\(numbers.next() % UInt64(visitors))"
      row.isDecision = numbers.next() % 3 == 0
      row.session = numbers.pick(["", "", "s1", "s\"2"])
      row.attributes = numbers.pick(["", #"[{"type":"browser","value":"x"}]"#])
      row.campaign = numbers.pick(["c1", "c2"])
      row.experiment = numbers.pick(["e1", "e1", "e2", ""])
      row.variation = numbers.pick(["a", "a", "b", ""])
      row.isHoldback = numbers.pick([nil, nil, nil, false, true])
      row.timestamp = 1_000 + Int64(numbers.next() % 12)
      row.uuid = "u\(numbers.next() % UInt64(max(1, count / 2)))"
      row.isDerived = numbers.next() % 2 == 0
      row.revenue = numbers.pick([nil, nil, 0, 5])
      if sharesHashes { row.hash = numbers.pick([7, 8]) }
    }
    row.input = Int(numbers.next() % 3)
    rows.append(row)
  }
  // One visitor has one hash.
  if sharesHashes { for at in rows.indices { rows[at].hash = rows[at].visitor.utf8.last! % 2 == 0 ? 7 : 8 } }
  return rows
}

/// Stages rows in the order given and compacts what that made.
func stage(_ rows: [Row], in scratch: Scratch, memoryBytes: Int, frameBytes: Int, mergeBytes: Int) throws -> [SortedRun] {
  var sorter = RunSorter(frameBytes: frameBytes)
  var runs: [SortedRun] = []
  func write(_ sorter: inout RunSorter) throws {
    collectKeys(&sorter.keys, 0..<sorter.bytes.count, sorter.bytes)
    runs.append(try sorter.write(number: runs.count, partition: 0, path: scratch.path(runs.count)))
    sorter.bytes.removeAll()
  }
  for row in rows {
    sorter.bytes += row.staged
    if sorter.bytes.count >= memoryBytes { try write(&sorter) }
  }
  if !sorter.bytes.isEmpty { try write(&sorter) }
  return try compact(runs, memoryBytes: mergeBytes, firstNumber: runs.count) { scratch.path($0) }
}

/// What tells a record's place in the total order, spelt out: the oracle of `order`.
func parts(_ bytes: [UInt8]) -> (
  hash: UInt64, visitor: [UInt8], kind: UInt8, group: [UInt8], time: Int64, id: [UInt8], event: [UInt8]
) {
  let record = StagedRecord(bytes.span)
  return (
    record.hash, copy(record.visitor), record.kind, copy(record.group), record.timestamp, copy(record.eventID), copy(record.event)
  )
}

private func isDerived(_ bytes: [UInt8]) -> Bool { StagedRecord(bytes.span).flags.contains(.derivedID) }

/// The orders under test, of whole records.
func found(_ one: [UInt8], _ other: [UInt8]) -> Int { order(StagedRecord(one.span), StagedRecord(other.span)) }
func placed(_ one: [UInt8], _ other: [UInt8]) -> Int { orderWithPlace(StagedRecord(one.span), StagedRecord(other.span)) }

func isBefore(_ one: [UInt8], _ other: [UInt8]) -> Bool {
  let (a, b) = (parts(one), parts(other))
  if a.hash != b.hash { return a.hash < b.hash }
  if a.visitor != b.visitor { return a.visitor.lexicographicallyPrecedes(b.visitor) }
  if a.kind != b.kind { return a.kind < b.kind }
  if a.group != b.group { return a.group.lexicographicallyPrecedes(b.group) }
  if a.time != b.time { return a.time < b.time }
  if a.id != b.id { return a.id.lexicographicallyPrecedes(b.id) }
  return a.event.lexicographicallyPrecedes(b.event)
}

/// The whole set in memory, sorted, each event once (or numbered): the oracle of walking. Texts of events by visitor.
func expectedVisitors(_ rows: [Row], _ identicalRows: IdenticalRows) -> [Visited] {
  let sorted = rows.map(\.staged).sorted { isBefore($0, $1) }
  var visitors: [Visited] = []
  var at = 0
  while at < sorted.count {
    var end = at
    while end < sorted.count, !isBefore(sorted[at], sorted[end]) { end += 1 }
    let copies = sorted[at..<end]
    let first = sorted[at]
    let record = StagedRecord(first.span)
    let visitor = copy(record.visitor)
    if visitors.last?.visitor != visitor { visitors.append(Visited(visitor: visitor, hash: record.hash)) }
    let derivedCount = copies.count { isDerived($0) }
    let isAnyGiven = derivedCount < copies.count
    let id = String(decoding: copy(record.eventID), as: UTF8.self)
    let event = String(decoding: copy(record.event), as: UTF8.self)
    visitors[visitors.count - 1].events.append(event)
    var numbered = 0
    if identicalRows == .keep { numbered = isAnyGiven ? derivedCount : derivedCount - 1 }
    for number in stride(from: 1, through: numbered, by: 1) {
      var arena = ByteArena(limit: 64)
      arena.append(uuidOf: Array("\(id)#\(number)".utf8).span)
      visitors[visitors.count - 1].events.append(event.replacingOccurrences(of: id, with: text(arena.span)))
    }
    visitors[visitors.count - 1].duplicateCount += copies.count - 1 - numbered
    at = end
  }
  return visitors
}

struct Visited: Equatable {
  var visitor: [UInt8]
  var hash: UInt64
  var events: [String] = []
  var duplicateCount = 0
}

extension VisitorJudge {
  /// Judges a visitor and settles all of its records.
  mutating func judgeAll(_ walker: inout PagedWalker, _ known: KnownEvents) throws {
    try judge(&walker, known)
    try walker.eachPage { page, offsets, start in
      for at in offsets.indices { _ = settle(StagedRecord(page, at: offsets[at]), start + at) }
    }
  }

  /// The same, but each record is settled as soon as it is taken, and once more where that was not the last word. Returns whether it was.
  mutating func judgeAtOnce(_ walker: inout PagedWalker, _ known: KnownEvents) throws -> Bool {
    let before = counts
    var isLastWord = true
    begin()
    try walker.eachPage { page, offsets, start throws(RunFailure) in
      for at in offsets.indices {
        let record = StagedRecord(page, at: offsets[at])
        try take(record, start + at)
        if isLastWord, settle(record, start + at) != .kept {
          isLastWord = false
          keep(start + at)
        }
      }
    }
    try walker.finish(by: &self, known: known)
    if isLastWord, keepsAll { return true }
    forgetSettled(since: before)
    try walker.eachPage { page, offsets, start in
      for at in offsets.indices { _ = settle(StagedRecord(page, at: offsets[at]), start + at) }
    }
    return false
  }
}

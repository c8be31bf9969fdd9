import Bytes
import Disk
import EventAPI
import Foundation
import Vocabulary

@testable import Grouping

/// A staged record of few visitors, sessions and ids, so that they meet.
private func record(_ input: inout Input, place: Int) -> [UInt8] {
  var arena = ByteArena(limit: 1 << 22)
  var encoder = RecordEncoder()
  let visitor = Array("v\(input.choice(below: 4))".utf8)
  let choice = input.byte()
  encoder.begin(choice & 1 == 0 ? .conversion : .decision, visitor: visitor.span, input: 0, rowOffset: place, line: place + 1, into: &arena)
  let session = [UInt8](repeating: 0x73, count: choice & 2 == 0 ? 0 : 3 * input.choice(below: 256))
  encoder.group(session: session.span, attributes: [UInt8]().span, into: &arena)
  let id = Array("\(choice >> 6)".utf8)
  let timestamp = Int64(1_700_000_000_000) + Int64(choice >> 5)
  if choice & 1 == 0 {
    encoder.conversion(entity: id.span, key: id.span, timestamp: timestamp, into: &arena)
  } else {
    encoder.decision(
      campaign: id.span, experiment: id.span, variation: id.span, isHoldback: choice & 4 == 0 ? nil : true, metadata: [UInt8]().span,
      timestamp: timestamp, into: &arena)
  }
  encoder.eventID(Array("u\(place)-\(choice >> 3 & 3)".utf8).span, into: &arena)
  if choice & 8 != 0 { encoder.revenue(Int64(input.byte()) << 40, into: &arena) }
  _ = encoder.end(into: &arena)
  return copy(arena.span)
}

/// The file with some of its bytes changed, moved, added or missing.
private func damaged(_ file: [UInt8], _ input: inout Input) -> [UInt8] {
  var file = file
  while !input.isEmpty, !file.isEmpty {
    let kind = input.choice(below: 6)
    func place() -> Int { (Int(input.byte()) << 8 | Int(input.byte())) % file.count }
    switch kind {
    case 0, 1:
      // Places count from the end too, where the index and the tail are.
      let at = place()
      file[kind == 0 ? at : file.count - 1 - at] ^= input.byte()
    case 2: file.removeLast(min(file.count, 1 + input.choice(below: 64)))
    case 3: file += [UInt8](repeating: input.byte(), count: 1 + input.choice(below: 64))
    case 4:
      let (from, to, count) = (place(), place(), input.choice(below: 256))
      for at in 0..<count where from + at < file.count && to + at < file.count { file[to + at] = file[from + at] }
    default: file.removeSubrange(..<min(file.count, 1 + input.choice(below: 64)))
    }
  }
  return file
}

/// Sorted runs and partition files give back what was written; with damage they are refused, or give back the same.
func feedRuns(_ input: inout Input) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let choice = input.byte()
  let frameBytes = [1, 300, 1000, 128 << 10][Int(choice >> 1) % 4]
  let records = (0..<input.choice(below: 12)).map { record(&input, place: $0) }
  let path = folder.appendingPathComponent("file").path
  if choice & 1 == 0 {
    try feedSortedRun(records, frameBytes: frameBytes, at: path, &input)
  } else {
    try feedPartitions(records, frameBytes: frameBytes, at: path, &input)
  }
}

private func feedSortedRun(_ records: [[UInt8]], frameBytes: Int, at path: String, _ input: inout Input) throws {
  let sorted = records.sorted { orderWithPlace(StagedRecord($0.span), StagedRecord($1.span)) < 0 }
  var writer = try SortedRunWriter(number: 3, partition: 1, path: path, frameBytes: frameBytes)
  for record in sorted { try writer.append(StagedRecord(record.span)) }
  let run = try writer.finish()
  func read() throws(DiskFailure) -> [[UInt8]] {
    var merger = try RunMerger([run])
    try merger.seek(0)
    var found: [[UInt8]] = []
    while !merger.isAtEnd {
      var record = ByteArena(limit: 1 << 30)
      merger.copySmallest(to: &record)
      found.append(copy(record.span))
      try merger.advance()
    }
    return found
  }
  let found = try read()
  try expect(found == sorted, "a run gives back other records")
  try damage(path, &input) { () throws(DiskFailure) in try read() == sorted }
}

private func feedPartitions(_ records: [[UInt8]], frameBytes: Int, at path: String, _ input: inout Input) throws {
  let bits = 1 + input.choice(below: 4)
  var writer = try PartitionWriter(number: 2, path: path, partitioning: Partitioning(bits: bits), frameBytes: frameBytes)
  for record in records { try writer.take(StagedRecord(record.span)) }
  let file = try writer.finish(isSynced: false)
  func read() throws(DiskFailure) -> [[UInt8]] {
    var found: [[UInt8]] = []
    let reader = try PartitionReader([file], runs: [], identicalRows: .keep)
    var partition = Partition()
    for number in 0..<reader.count {
      try reader.read(number, into: &partition)
      while partition.findVisitor() {}
      for visitor in 0..<partition.visitorCount {
        partition.visitor = visitor
        try? partition.eachPage { page, offsets, _ in
          for at in offsets.indices { found.append(copy(StagedRecord(page, at: offsets[at]).event)) }
        }
      }
    }
    return found
  }
  let first = try read()
  try expect(first.count == records.count, "partitions give back \(first.count) of \(records.count) records")
  try damage(path, &input) { () throws(DiskFailure) in try read() == first }
}

/// Damages the file, and expects that reading says so or changes nothing.
private func damage(_ path: String, _ input: inout Input, _ isSame: () throws(DiskFailure) -> Bool) throws {
  let good = try Folder.read(path)
  let bad = damaged(good, &input)
  try Data(bad).write(to: URL(fileURLWithPath: path))
  do {
    let isSame = try isSame()
    try expect(isSame, "a damaged file gives other records")
  } catch let failure as DiskFailure {
    try expect(failure.kind == .damaged, "damage is told as \(failure)")
    try expect(bad != good, "a file that is not damaged is refused")
  }
}

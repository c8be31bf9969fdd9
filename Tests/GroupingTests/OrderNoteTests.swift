import Bytes
import Disk
import Foundation
import Testing
import Vocabulary

@testable import Grouping

@Suite("Notes of the order that planning found")
struct OrderNoteTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private var path: String { scratch.path(99) }

  /// A visitor's hash, what its events say, and their fates.
  private struct Noted: Equatable {
    var hash: UInt64
    var events: [String]
    var fates: [RecordFate]
  }

  private func stage(_ seed: UInt64, bits: Int = 3, number: Int = 0) throws -> PartitionReader {
    var writer = try PartitionWriter(
      number: number, path: scratch.path(number), partitioning: Partitioning(bits: bits), frameBytes: 700)
    for row in history(seed: seed, count: 150, visitors: 25, sharesHashes: seed % 2 == 0) {
      let bytes = row.staged
      try writer.take(StagedRecord(bytes.span))
    }
    return try PartitionReader([try writer.finish(isSynced: false)], runs: [], identicalRows: .once)
  }

  /// Fates that any record of a place gets, so that they can be told apart.
  private func fate(_ place: Int) -> RecordFate { RecordFate(rawValue: UInt8(place % 9))! }

  /// Sorts all partitions, notes them but for those left out, and returns what was found.
  private func note(_ reader: PartitionReader, leavingOut: Set<Int> = []) throws -> [[Noted]] {
    var writer = try OrderWriter(path: path, partitionCount: reader.count)
    var found: [[Noted]] = []
    for number in 0..<reader.count {
      var partition = try reader.read(number)
      while partition.findVisitor() {}
      let fates = partition.offsets.indices.map { fate($0) }
      if !leavingOut.contains(number) { try writer.append(number, partition, fates) }
      found.append(visitors(partition, fates))
    }
    try writer.finish()
    return found
  }

  private func visitors(_ partition: borrowing Partition, _ fates: [RecordFate]) -> [Noted] {
    (0..<partition.visitorCount).map { visitor in
      let records = partition.records(of: visitor)
      return Noted(
        hash: StagedRecord(partition.bytes.span, at: partition.offsets[records.lowerBound]).hash,
        events: records.map { text(StagedRecord(partition.bytes.span, at: partition.offsets[$0]).event) }, fates: Array(fates[records]))
    }
  }

  @Test("a noted partition has the visitors, the order and the fates that were noted", arguments: [1, 2, 3] as [UInt64], [1, 3, 12])
  func sameAsSorted(seed: UInt64, bits: Int) throws {
    let reader = try stage(seed, bits: bits)
    let expected = try note(reader)
    let noted = try #require(OrderReader(path: path, partitionCount: reader.count))
    var used = Partition()
    for number in 0..<reader.count {
      try reader.read(number, into: &used, noted: noted)
      if expected[number].isEmpty {
        #expect(used.plannedFates == nil)
        continue
      }
      #expect(visitors(used, try #require(used.plannedFates)) == expected[number])
      var count = 0
      while used.findVisitor() {
        #expect(used.visitor == count && used.visitorHash == expected[number][count].hash)
        count += 1
      }
      #expect(count == expected[number].count)
    }
  }

  @Test("a partition that was not noted is sorted, in the memory of one that was")
  func leftOut() throws {
    let reader = try stage(5)
    let full = (0..<reader.count).filter { reader.byteCount(of: $0) > 0 }
    let expected = try note(reader, leavingOut: Set(full.suffix(1)))
    let noted = try #require(OrderReader(path: path, partitionCount: reader.count))
    var used = Partition()
    for number in full {
      try reader.read(number, into: &used, noted: noted)
      #expect((used.plannedFates == nil) == (number == full.last))
      while used.findVisitor() {}
      #expect(visitors(used, used.offsets.indices.map { fate($0) }) == expected[number])
    }
  }

  @Test("with any byte changed a note says what was noted, or nothing", arguments: [0x01, 0x80] as [UInt8])
  func eachByte(change: UInt8) throws {
    let reader = try stage(6, bits: 1)
    let expected = try note(reader)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    var unbelieved = 0
    for at in bytes.indices {
      var changed = bytes
      changed[at] ^= change
      try changed.write(to: URL(fileURLWithPath: path))
      let noted = OrderReader(path: path, partitionCount: reader.count)
      for number in 0..<reader.count {
        let partition = try reader.read(number, noted: noted)
        guard let fates = partition.plannedFates else {
          unbelieved += 1
          continue
        }
        #expect(visitors(partition, fates) == expected[number])
      }
    }
    // The eight bytes before the first frame say nothing.
    #expect(unbelieved >= bytes.count - 8)
  }

  @Test("a file that is cut short anywhere is no file of notes")
  func cutShort() throws {
    let reader = try stage(7, bits: 1)
    _ = try note(reader)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    for count in 0..<bytes.count {
      try bytes.prefix(count).write(to: URL(fileURLWithPath: path))
      let noted = OrderReader(path: path, partitionCount: reader.count)
      #expect(noted == nil)
    }
    try FileManager.default.removeItem(atPath: path)
    #expect(OrderReader(path: path, partitionCount: reader.count) == nil)
  }

  @Test("notes of other records in the same places are not believed")
  func otherRecords() throws {
    _ = try note(try stage(8))
    let other = try stage(9, number: 1)
    let noted = try #require(OrderReader(path: path, partitionCount: other.count))
    for number in 0..<other.count { #expect(try other.read(number, noted: noted).plannedFates == nil) }
    #expect(OrderReader(path: path, partitionCount: other.count * 2) == nil)
  }
}

import Bytes
import Disk
import Foundation
import Testing
import Vocabulary

@testable import Grouping

@Suite struct PartitionTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// Writes the rows, in their order, to as many files as there are workers, taking turns.
  private func write(_ rows: [Row], workers: Int = 1, bits: Int, frameBytes: Int) throws -> [PartitionFile] {
    try (0..<workers).map { worker in
      var writer = try PartitionWriter(
        number: worker, path: scratch.path(worker), partitioning: Partitioning(bits: bits), frameBytes: frameBytes)
      for (at, row) in rows.enumerated() where at % workers == worker {
        let bytes = row.staged
        try writer.take(StagedRecord(bytes.span))
      }
      return try writer.finish(isSynced: worker % 2 == 0)
    }
  }

  /// All visitors of a reader.
  private func read(_ reader: PartitionReader) throws(DiskFailure) -> [Visited] {
    var found: [Visited] = []
    var partition = Partition()
    for number in 0..<reader.count {
      try reader.read(number, into: &partition)
      let first = found.count
      while partition.findVisitor() { found.append(visited(&partition)) }
      #expect(partition.visitorCount == found.count - first)
      for visitor in 0..<partition.visitorCount {
        partition.visitor = visitor
        #expect(visited(&partition) == found[first + visitor])
        #expect(reader.partition(of: partition.visitorHash) == number)
      }
    }
    return found
  }

  /// All pages of the visitor at hand, read twice.
  private func visited(_ pages: inout some VisitorPages & ~Copyable) -> Visited {
    var readings: [Visited] = []
    for _ in 0..<2 {
      var visited = Visited(visitor: [], hash: pages.visitorHash)
      try? pages.eachPage { page, offsets, start in
        #expect(start == visited.events.count)
        visited.visitor = copy(StagedRecord(page, at: offsets[0]).visitor)
        for at in offsets.indices { visited.events.append(text(StagedRecord(page, at: offsets[at]).event)) }
      }
      visited.duplicateCount = pages.duplicateCountOfVisitor
      readings.append(visited)
    }
    #expect(readings[0] == readings[1])
    return readings[0]
  }

  @Test(
    "partitions hold the whole set sorted, each event once or numbered, however many files, partitions and frames",
    arguments: [1, 2, 3, 4] as [UInt64], [(1, 1, 64), (1, 12, 128 << 10), (2, 3, 900), (3, 8, 1), (5, 1, 1 << 20)])
  func wholeSet(seed: UInt64, way: (workers: Int, bits: Int, frame: Int)) throws {
    let rows = history(seed: seed, count: 120, visitors: 20, sharesHashes: seed % 2 == 0)
    let files = try write(rows, workers: way.workers, bits: way.bits, frameBytes: way.frame)
    #expect(files.reduce(0) { $0 + $1.recordCount } == rows.count)
    for identicalRows in IdenticalRows.allCases {
      let reader = try PartitionReader(files, runs: [], identicalRows: identicalRows)
      #expect(try read(reader) == expectedVisitors(rows, identicalRows))
    }
  }

  @Test("visitors of many records are sorted as those of few", arguments: [1, 2, 3] as [UInt64], [1, 2, 40])
  func manyRecords(seed: UInt64, visitors: Int) throws {
    // More sessions and times than repeat, and visitors that share a hash.
    var rows = history(seed: seed, count: 400, visitors: visitors, sharesHashes: seed == 3)
    for at in rows.indices where at % 3 == 0 { rows[at].session = "s\(at % 30)" }
    let files = try write(rows, bits: 4, frameBytes: 4096)
    for identicalRows in IdenticalRows.allCases {
      let reader = try PartitionReader(files, runs: [], identicalRows: identicalRows)
      #expect(try read(reader) == expectedVisitors(rows, identicalRows))
    }
  }

  @Test("the order of the rows changes nothing", arguments: [1, 2, 3] as [UInt64], IdenticalRows.allCases)
  func rowOrder(seed: UInt64, identicalRows: IdenticalRows) throws {
    var rows = history(seed: seed, count: 40)
    let derived = Row(visitor: "visitor-1", uuid: "shared by two rows", isDerived: true)
    var given = derived
    given.isDerived = false
    given.uuid = derived.eventID
    rows += [given, derived, derived]
    var numbers = SeededNumbers(seed)
    let expected = expectedVisitors(rows, identicalRows)
    for _ in 0..<4 {
      rows.shuffle(using: &numbers)
      for at in rows.indices { (rows[at].place, rows[at].input) = (at, Int(numbers.next() % 4)) }
      let reader = try PartitionReader(
        try write(rows, workers: 2, bits: 3, frameBytes: 700), runs: [], identicalRows: identicalRows)
      #expect(try read(reader) == expected)
    }
  }

  @Test("a partition too large to be held is sorted outside of memory, and walked the same", arguments: [1, 2] as [UInt64], [1, 20_000])
  func large(seed: UInt64, memoryBytes: Int) throws {
    let rows = history(seed: seed, count: 150, visitors: 9)
    let files = try write(rows, workers: 2, bits: 2, frameBytes: 2000)
    let reader = try PartitionReader(files, runs: [], identicalRows: .once)
    let limit = (0..<reader.count).map(reader.byteCount(of:)).max()!
    let scratch = scratch
    let large = LargePartitions(of: reader, from: limit, memoryBytes: memoryBytes, threadCount: 2) { scratch.path(100 + $0) }
    var number = -1
    let runs = try large.compacted(
      try large.sort {
        number += 1
        return number
      })
    #expect(!runs.isEmpty && Set(runs.map(\.path)).count == runs.count)
    let whole = try PartitionReader(files, runs: runs, identicalRows: .once)
    var found: [Visited] = []
    var largeCount = 0
    for number in 0..<whole.count {
      if let runs = whole.largeRuns(of: number) {
        largeCount += 1
        var walker = try PagedWalker(try RunMerger(runs), pageBytes: 500, pagesAhead: 1, identicalRows: .once)
        while try walker.nextVisitor() { found.append(visited(&walker)) }
      } else {
        var partition = try whole.read(number)
        while partition.findVisitor() { found.append(visited(&partition)) }
      }
    }
    #expect(largeCount == 1)
    #expect(found == expectedVisitors(rows, .once))
  }

  @Test("a record larger than a frame is a frame of its own")
  func largeRecord() throws {
    var rows = history(seed: 3, count: 12)
    rows[7].session = String(repeating: "s", count: 200_000)
    rows[8].session = String(repeating: "s", count: 200_001)
    let reader = try PartitionReader(try write(rows, bits: 1, frameBytes: 4096), runs: [], identicalRows: .once)
    #expect(try read(reader) == expectedVisitors(rows, .once))
  }

  @Test("no rows have no visitors")
  func nothing() throws {
    #expect(try read(PartitionReader(try write([], bits: 2, frameBytes: 100), runs: [], identicalRows: .once)).isEmpty)
    #expect(try read(PartitionReader([], runs: [], identicalRows: .once)).isEmpty)
  }

  @Test("a flipped bit anywhere in a file is found", arguments: [64, 128 << 10])
  func flippedBits(frameBytes: Int) throws {
    let files = try write(history(seed: 6, count: 6), bits: 2, frameBytes: frameBytes)
    let good = try Folder.read(files[0].path)
    for at in good.indices {
      var bad = good
      bad[at] ^= 1 << UInt8(at % 8)
      try Data(bad).write(to: URL(fileURLWithPath: files[0].path))
      #expect(damage(files) == .damaged, "byte \(at)")
    }
  }

  @Test("a file cut short, made longer, or put in another's place is damaged")
  func wrongFiles() throws {
    let rows = history(seed: 6, count: 10)
    let files = try write(rows, workers: 2, bits: 2, frameBytes: 300)
    let good = try Folder.read(files[0].path)
    for length in [0, 1, 31, 32, 100, good.count - 1] {
      try Data(good[..<length]).write(to: URL(fileURLWithPath: files[0].path))
      #expect(damage(files) == .damaged)
    }
    try Data(good + [0]).write(to: URL(fileURLWithPath: files[0].path))
    #expect(damage(files) == .damaged)
    try Data(try Folder.read(files[1].path)).write(to: URL(fileURLWithPath: files[0].path))
    #expect(damage(files) == .damaged)
    try FileManager.default.removeItem(atPath: files[0].path)
    #expect(damage(files) == .missing)
  }

  private func damage(_ files: [PartitionFile]) -> DiskFailure.Kind? {
    do throws(DiskFailure) {
      _ = try read(try PartitionReader(files, runs: [], identicalRows: .once))
      return nil
    } catch {
      return error.kind
    }
  }

  @Test("the more is expected, the more partitions there are, within bounds", arguments: [0, 1, 8 << 20, 1 << 30, 1 << 33, .max])
  func partitioning(expectedBytes: Int) {
    let count = Partitioning(expectedBytes: expectedBytes).count
    #expect(count >= 2 && count <= 4096)
    #expect(count == 2 || expectedBytes / count > 2 << 20)
    #expect(count == 4096 || expectedBytes / count <= 4 << 20)
    #expect(Partitioning(expectedBytes: nil).count == 256)
  }
}

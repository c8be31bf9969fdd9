import Bytes
import Disk
import Foundation
import Testing

@testable import Grouping

@Suite struct RunTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func write(_ rows: [Row], number: Int = 0, frameBytes: Int) throws -> SortedRun {
    var writer = try SortedRunWriter(number: number, partition: 5, path: scratch.path(number), frameBytes: frameBytes)
    for bytes in rows.map(\.staged).sorted(by: { placed($0, $1) < 0 }) { try writer.append(StagedRecord(bytes.span)) }
    return try writer.finish()
  }

  private func read(_ run: SortedRun, from hash: UInt64 = 0) throws(DiskFailure) -> [[UInt8]] {
    var merger = try RunMerger([run])
    var records = ByteArena(limit: 1 << 20)
    var starts: [Int] = []
    try merger.seek(hash)
    while !merger.isAtEnd {
      starts.append(records.count)
      merger.copySmallest(to: &records)
      try merger.advance()
    }
    return starts.map { copy(StagedRecord(records.span, at: $0).bytes) }
  }

  @Test("a run gives back what was written, from any hash on", arguments: [0, 1, 2, 40], [1, 300, 1_000, 128 << 10])
  func roundTrip(count: Int, frameBytes: Int) throws {
    let rows = history(seed: 4, count: count)
    let run = try write(rows, frameBytes: frameBytes)
    let expected = rows.map(\.staged).sorted { placed($0, $1) < 0 }
    #expect(run.recordCount == count)
    #expect(try read(run) == expected)
    let hashes = Set(expected.map { parts($0).hash })
    for hash in hashes.flatMap({ [$0 &- 1, $0, $0 &+ 1] }) + [.max] {
      #expect(try read(run, from: hash) == expected.filter { parts($0).hash >= hash })
    }
  }

  @Test("a flipped bit anywhere in a run is found, or changes nothing that is read", arguments: [300, 128 << 10])
  func flippedBits(frameBytes: Int) throws {
    let run = try write(history(seed: 6, count: 5), frameBytes: frameBytes)
    let expected = try read(run)
    let good = try Folder.read(run.path)
    var foundCount = 0
    for at in good.indices {
      var bad = good
      bad[at] ^= 1 << UInt8(at % 8)
      try Data(bad).write(to: URL(fileURLWithPath: run.path))
      do throws(DiskFailure) {
        #expect(try read(run) == expected, "byte \(at)")
      } catch {
        #expect(error.kind == .damaged)
        foundCount += 1
      }
    }
    // Only the unused count and hash in a frame's head may pass unseen.
    #expect(foundCount >= good.count - 12 * 5)
  }

  @Test("a run cut short, made longer, or put in another's place is damaged")
  func wrongFiles() throws {
    let rows = history(seed: 6, count: 5)
    let run = try write(rows, frameBytes: 300)
    let good = try Folder.read(run.path)
    for length in [0, 1, 31, 32, 100, good.count - 1] {
      try Data(good[..<length]).write(to: URL(fileURLWithPath: run.path))
      #expect(damage(run) == .damaged)
    }
    try Data(good + [0]).write(to: URL(fileURLWithPath: run.path))
    #expect(damage(run) == .damaged)
    // The same records under another number.
    let other = try write(rows, number: 1, frameBytes: 300)
    #expect(other.byteCount == run.byteCount && other.checksum != run.checksum)
    try Data(try Folder.read(other.path)).write(to: URL(fileURLWithPath: run.path))
    #expect(damage(run) == .damaged)
    try FileManager.default.removeItem(atPath: run.path)
    #expect(damage(run) == .missing)
  }

  private func damage(_ run: SortedRun) -> DiskFailure.Kind? {
    do throws(DiskFailure) {
      _ = try read(run)
      return nil
    } catch {
      return error.kind
    }
  }

  @Test(
    "runs are merged until all fit, no more than needed, and two always fit",
    arguments: [(1, 0, 1), (2, 0, 2), (3, 0, 2), (3, 3, 3), (4, 3, 3), (9, 4, 4), (9, 9, 9), (10, 9, 9)])
  func compacting(count: Int, fitting: Int, left: Int) throws {
    var runs: [SortedRun] = []
    for number in 0..<count { runs.append(try write([Row(uuid: "\(number)", place: number)], number: number, frameBytes: 1)) }
    let frameBytes = 2 * (try SortedRunReader(runs[0]).frameBytes)
    let merged = try compact(runs, memoryBytes: fitting * frameBytes, firstNumber: count) { scratch.path($0) }
    #expect(merged.count <= max(2, fitting) && merged.count >= min(left, 2))
    #expect(merged.reduce(0) { $0 + $1.recordCount } == count)
    if count <= max(2, fitting) { #expect(merged == runs) }
    let files = try FileManager.default.contentsOfDirectory(atPath: scratch.folder)
    #expect(files.count == merged.count)
  }

  @Test("more runs than files may be open are merged by as few as are too many")
  func fanIn() throws {
    var runs: [SortedRun] = []
    for number in 0..<8 { runs.append(try write([Row(uuid: "\(number)", place: number)], number: number, frameBytes: 1)) }
    let merged = try compact(runs, memoryBytes: 1 << 30, fanIn: 5, firstNumber: 8) { scratch.path($0) }
    #expect(merged.dropLast() == runs.dropFirst(4))
    #expect(merged.last?.recordCount == 4)
  }
}

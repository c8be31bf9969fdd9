import Bytes
import Disk
import Foundation
import Testing

@testable import Grouping

@Suite("The ids of a visitor") struct VisitorIDsTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// Ids, some of them several times; every third is derived.
  private func entries(_ count: Int, seed: UInt64) -> [VisitorIDs.Entry] {
    var numbers = SeededNumbers(seed)
    return (0..<count).map { at in
      let name = Array("id \(numbers.next() % UInt64(max(1, count * 2)))".utf8)
      return VisitorIDs.Entry(Digest(name.span), ordinal: at, isDerived: numbers.next() % 3 == 0)
    }
  }

  /// All slices of the ids, which must lie one behind the other and leave none out, and the ordinals that were kept.
  private func settle(_ ids: inout VisitorIDs, _ fates: inout [RecordFate], limit: Int) throws -> (slices: Int, kept: [Int]) {
    var slices: [ClosedRange<UInt64>] = []
    var kept: [Int] = []
    while let slice = try ids.nextSlice(&fates) {
      slices.append(slice)
      #expect(ids.count <= limit)
      ids.forEach {
        #expect(slice.contains($0.id.high))
        kept.append($0.ordinal)
      }
    }
    #expect(slices.first?.lowerBound == 0 && slices.last?.upperBound == .max)
    for (one, next) in zip(slices, slices.dropFirst()) { #expect(next.lowerBound == one.upperBound + 1) }
    #expect(try ids.nextSlice(&fates) == nil)
    return (slices.count, kept.sorted())
  }

  @Test(
    "the first record of an id stays, and the others are told, however many there are and however few fit into memory",
    arguments: [
      (0, 1), (1, 1), (2, 1), (2, 2), (16, 1), (17, 2), (17, 16), (17, 17), (300, 3), (4_095, 40), (4_096, 1 << 20), (4_097, 4_096),
      (4_097, 1 << 20), (12_000, 40), (12_000, 1_000), (12_000, 4_096), (12_000, 11_999), (12_000, 12_000), (12_000, 1 << 20),
    ])
  func settle(count: Int, limit: Int) throws {
    for seed in [1, 2] as [UInt64] {
      let entries = entries(count, seed: seed)
      var ids = VisitorIDs(limit: limit, folder: scratch.folder)
      // What was there before is forgotten.
      for entry in self.entries(seed == 1 ? 5_000 : 20, seed: 9) { try ids.append(entry) }
      ids.removeAll()
      #expect(ids.count == 0)

      var fates = [RecordFate](repeating: .kept, count: count)
      var expected = fates
      var firsts: [Digest: VisitorIDs.Entry] = [:]
      for entry in entries {
        try ids.append(entry)
        if let first = firsts[entry.id] {
          expected[entry.ordinal] = first.isDerived && entry.isDerived ? .sameEvent : .idReused
        } else {
          firsts[entry.id] = entry
        }
      }
      #expect(ids.count <= limit)
      let (slices, kept) = try settle(&ids, &fates, limit: limit)
      #expect(fates == expected)
      #expect(kept == firsts.values.map(\.ordinal).sorted())
      #expect(slices == 1 || count > limit)
      #expect(slices > 1 || firsts.count <= limit)
      #expect(count < 4_000 || expected.contains(.idReused) && expected.contains(.sameEvent))
    }
    #expect(scratch.names.isEmpty, "what was put aside has no name")
  }

  @Test("many records of few ids are settled in little memory", arguments: [1, 2, 15, 16, 17], [20, 1_000, 1 << 20])
  func fewLeft(count: Int, limit: Int) throws {
    var ids = VisitorIDs(limit: limit, folder: scratch.folder)
    var fates = [RecordFate](repeating: .kept, count: 10_000 + count)
    for at in 0..<10_000 { try ids.append(VisitorIDs.Entry(Digest(Array("the same".utf8).span), ordinal: at, isDerived: false)) }
    for at in 0..<count {
      try ids.append(VisitorIDs.Entry(Digest(Array("id \(at / 2)".utf8).span), ordinal: 10_000 + at, isDerived: false))
    }
    let (_, kept) = try settle(&ids, &fates, limit: limit)
    #expect(fates[0] == .kept && fates[1..<10_000].allSatisfy { $0 == .idReused })
    #expect((0..<count).allSatisfy { (fates[10_000 + $0] == .idReused) == ($0 % 2 == 1) })
    #expect(kept.count == 1 + (count + 1) / 2)
  }

  @Test("ids of one bucket only, more than memory holds, are settled in slices", arguments: [0, 1, 254, 255] as [UInt64], [100, 5000])
  func oneBucket(bucket: UInt64, limit: Int) throws {
    var ids = VisitorIDs(limit: limit, folder: scratch.folder)
    var numbers = SeededNumbers(bucket)
    var fates = [RecordFate](repeating: .kept, count: 13_000)
    var names: [Digest] = []
    for at in 0..<13_000 {
      // Every third is one that was there before.
      let id = at % 3 == 2 ? names[at / 2] : Digest(high: bucket << 56 | numbers.next() >> 8, low: numbers.next())
      names.append(id)
      try ids.append(VisitorIDs.Entry(id, ordinal: at, isDerived: false))
    }
    let (slices, kept) = try settle(&ids, &fates, limit: limit)
    var seen: Set<Digest> = []
    let expected = names.map { seen.insert($0).inserted ? RecordFate.kept : .idReused }
    #expect(fates == expected)
    #expect(kept == fates.indices.filter { expected[$0] == .kept })
    #expect(slices > 2)
  }

  @Test("where nothing can be put aside, that is said")
  func noFolder() throws {
    var ids = VisitorIDs(limit: 1, folder: scratch.folder + "/missing")
    try ids.append(VisitorIDs.Entry(Digest(high: 1, low: 1), ordinal: 0, isDerived: false))
    var failure: DiskFailure?
    do throws(DiskFailure) {
      try ids.append(VisitorIDs.Entry(Digest(high: 2, low: 2), ordinal: 1, isDerived: false))
    } catch {
      failure = error
    }
    #expect(failure?.description.contains("missing/scratch-") == true)
  }

  #if os(Linux)
    @Test("ids that come back changed are not believed", arguments: [0, 20, 24 * 20 - 1])
    func changed(byte: Int) throws {
      var ids = VisitorIDs(limit: 10, folder: scratch.folder)
      for entry in entries(30, seed: 3) { try ids.append(entry) }
      var fates = [RecordFate](repeating: .kept, count: 30)
      // Twenty of them are in the file.
      let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").map { "/proc/self/fd/\($0)" }
      let path = try #require(
        open.first { (try? FileManager.default.destinationOfSymbolicLink(atPath: $0))?.hasPrefix(scratch.folder + "/scratch-") == true })
      let file = try #require(FileHandle(forUpdatingAtPath: path))
      try file.seek(toOffset: UInt64(byte))
      let old = try #require(try file.read(upToCount: 1))
      try file.seek(toOffset: UInt64(byte))
      try file.write(contentsOf: [old[0] ^ 4])
      var failure: DiskFailure?
      do throws(DiskFailure) {
        while try ids.nextSlice(&fates) != nil {}
      } catch {
        failure = error
      }
      #expect(failure?.kind == .damaged)
    }
  #endif
}

import Bytes
import Testing

@testable import Grouping

@Suite("The ids of a visitor") struct VisitorIDsTests {
  /// Ids, some of them several times; every third is derived.
  private func entries(_ count: Int, seed: UInt64) -> [VisitorIDs.Entry] {
    var numbers = SeededNumbers(seed)
    return (0..<count).map { at in
      let name = Array("id \(numbers.next() % UInt64(max(1, count * 2)))".utf8)
      return VisitorIDs.Entry(Digest(name.span), ordinal: at, isDerived: numbers.next() % 3 == 0)
    }
  }

  private func kept(_ ids: VisitorIDs) -> [Int] {
    var ordinals: [Int] = []
    ids.forEach { ordinals.append($0.ordinal) }
    return ordinals.sorted()
  }

  @Test(
    "the first record of an id stays, and the others are told, however many there are",
    arguments: [0, 1, 2, 16, 17, 4_095, 4_096, 4_097, 12_000], [1, 2] as [UInt64])
  func settle(count: Int, seed: UInt64) {
    let entries = entries(count, seed: seed)
    var ids = VisitorIDs()
    // What was there before is forgotten.
    for entry in self.entries(seed == 1 ? 5_000 : 20, seed: 9) { ids.append(entry) }
    ids.removeAll()
    #expect(ids.count == 0 && kept(ids).isEmpty)

    var fates = [RecordFate](repeating: .kept, count: count)
    var expected = fates
    var firsts: [Digest: VisitorIDs.Entry] = [:]
    for entry in entries {
      ids.append(entry)
      if let first = firsts[entry.id] {
        expected[entry.ordinal] = first.isDerived && entry.isDerived ? .sameEvent : .idReused
      } else {
        firsts[entry.id] = entry
      }
    }
    #expect(ids.count == count)
    ids.settle(&fates)
    #expect(fates == expected)
    #expect(kept(ids) == firsts.values.map(\.ordinal).sorted() && ids.count == firsts.count)
    #expect(count < 4_000 || expected.contains(.idReused) && expected.contains(.sameEvent))

    let bound = UInt64.max / 3
    ids.remove(above: bound)
    #expect(kept(ids) == firsts.values.filter { $0.id.high <= bound }.map(\.ordinal).sorted() && ids.count == kept(ids).count)
    // Others that come later are compared with those that are left.
    fates = [RecordFate](repeating: .kept, count: 2 * count)
    for entry in entries where entry.id.high <= bound {
      ids.append(VisitorIDs.Entry(entry.id, ordinal: count + entry.ordinal, isDerived: entry.isDerived))
    }
    ids.settle(&fates)
    #expect(entries.allSatisfy { (fates[count + $0.ordinal] != .kept) == ($0.id.high <= bound) })
  }

  @Test("many records of few ids are settled again and again", arguments: [1, 2, 15, 16, 17])
  func fewLeft(count: Int) {
    var ids = VisitorIDs()
    var fates = [RecordFate](repeating: .kept, count: 10_000 + count)
    for at in 0..<10_000 { ids.append(VisitorIDs.Entry(Digest(Array("the same".utf8).span), ordinal: at, isDerived: false)) }
    ids.settle(&fates)
    #expect(ids.count == 1 && fates[0] == .kept && fates[1..<10_000].allSatisfy { $0 == .idReused })
    for at in 0..<count { ids.append(VisitorIDs.Entry(Digest(Array("id \(at / 2)".utf8).span), ordinal: 10_000 + at, isDerived: false)) }
    ids.settle(&fates)
    #expect((0..<count).allSatisfy { (fates[10_000 + $0] == .idReused) == ($0 % 2 == 1) })
  }
}

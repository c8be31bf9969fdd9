import Testing

@testable import Grouping

@Suite struct OrderTests {
  @Test("the total order is that of its parts one after another, strict and transitive", arguments: [1, 2, 3] as [UInt64])
  func order(seed: UInt64) {
    let records = history(seed: seed, count: 40, sharesHashes: seed % 2 == 0).map(\.staged)
    for one in records {
      for other in records {
        #expect((found(one, other) < 0) == isBefore(one, other))
        #expect((found(one, other) > 0) == isBefore(other, one))
        #expect(placed(one, other).signum() == -placed(other, one).signum())
        if found(one, other) != 0 { #expect(found(one, other).signum() == placed(one, other).signum()) }
      }
    }
    let sorted = records.sorted { placed($0, $1) < 0 }
    for low in sorted.indices {
      for high in sorted.indices where high > low { #expect(placed(sorted[low], sorted[high]) <= 0) }
    }
  }

  @Test("which of two identical rows is the first depends on how its id came, then input and row")
  func places() {
    var given = Row(uuid: "", input: 9, place: 9)
    let derived = Row(uuid: "some sixteen byte", isDerived: true)
    given.uuid = derived.eventID
    func order(_ one: Row, _ other: Row) -> Int { placed(one.staged, other.staged) }
    #expect(order(given, derived) < 0 && order(derived, given) > 0)
    var later = derived
    later.place = 1
    #expect(order(derived, later) < 0)
    later.input = 1
    later.place = 0
    #expect(order(derived, later) < 0 && order(later, later) == 0)
  }
}

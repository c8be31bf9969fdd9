import Testing

@testable import Chunking

@Suite("Parts of a body") struct BodyPartTests {
  @Test("cut as often as possible, the parts are the events in their order, after at most ⌈log2 n⌉ cuts", arguments: 1...130)
  func leaves(eventCount: Int) {
    let depth = (0...).first { 1 << $0 >= eventCount } ?? 0
    var leaves: [BodyPart] = []
    var waiting = [BodyPart()]
    while let part = waiting.popLast() {
      let events = part.events(of: eventCount)
      #expect(!events.isEmpty)
      #expect(part.path.count <= depth)
      if events.count == 1 {
        leaves.append(part)
      } else {
        let halves = part.halves
        #expect(halves[0].events(of: eventCount).upperBound == halves[1].events(of: eventCount).lowerBound)
        #expect(halves[0].events(of: eventCount).lowerBound == events.lowerBound)
        #expect(halves[1].events(of: eventCount).upperBound == events.upperBound)
        waiting += halves.reversed()
      }
    }
    #expect(leaves.map { $0.events(of: eventCount).lowerBound } == Array(0..<eventCount))
    #expect(leaves == leaves.sorted())
  }

  @Test("a part has a name, and a path that names it again")
  func names() {
    let part = BodyPart().halves[1].halves[0]
    #expect(part.name(of: 7) == "7.1.0")
    #expect(BodyPart(path: part.path) == part)
    #expect(BodyPart().name(of: 7) == "7")
    for path in ["2", "0 ", "a", "0.1"] { #expect(BodyPart(path: path) == nil) }
  }
}

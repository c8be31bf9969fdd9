import Bytes
import Disk
import Testing

@testable import Grouping

/// How a history is staged and read.
struct Way: Sendable, CustomStringConvertible {
  var sorting: Int
  var frame: Int
  var merging: Int
  var page: Int
  var ahead = 1
  var description: String { "sorting in \(sorting), frames of \(frame), merging in \(merging), pages of \(page), \(ahead) of them ahead" }

  static let all = [
    Way(sorting: 1 << 20, frame: 128 << 10, merging: 1 << 20, page: 1 << 20),
    Way(sorting: 1_500, frame: 1, merging: 1, page: 1, ahead: 7),
    Way(sorting: 2_000, frame: 300, merging: 4_000, page: 700, ahead: 2),
    Way(sorting: 5_000, frame: 1_000, merging: 1, page: 260),
    Way(sorting: 1_000, frame: 128 << 10, merging: 1 << 20, page: 1 << 20),
  ]
}

@Suite struct WalkTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func walker(_ rows: [Row], _ way: Way, _ identicalRows: IdenticalRows = .once) throws -> PagedWalker {
    let runs = try stage(rows, in: scratch, memoryBytes: way.sorting, frameBytes: way.frame, mergeBytes: way.merging)
    return try PagedWalker(try RunMerger(runs), pageBytes: way.page, pagesAhead: way.ahead, identicalRows: identicalRows)
  }

  private func events(_ walker: borrowing PagedWalker) -> [String] {
    walker.offsets.map { text(StagedRecord(walker.page.bytes.span, at: $0).event) }
  }

  /// All pages of the visitor at hand.
  private func read(_ walker: inout PagedWalker) throws -> Visited {
    var visited = Visited(visitor: walker.visitor, hash: walker.visitorHash)
    repeat {
      #expect(walker.pageStart == visited.events.count)
      visited.events += events(walker)
    } while try walker.nextPage()
    visited.duplicateCount = walker.duplicateCountOfVisitor
    return visited
  }

  @Test(
    "runs, merged and walked, are the whole set sorted, each event once or numbered, at every memory",
    arguments: [1, 2, 3, 4] as [UInt64], Way.all)
  func walk(seed: UInt64, way: Way) throws {
    let rows = history(seed: seed, count: 50, sharesHashes: seed % 2 == 0)
    for identicalRows in IdenticalRows.allCases {
      var walker = try walker(rows, way, identicalRows)
      var found: [Visited] = []
      while try walker.nextVisitor() {
        found.append(try read(&walker))
        try walker.rewind()
        // The second reading is the first one again, also when it is left in the middle.
        let again = try read(&walker)
        #expect(again == found.last)
        if found.count % 2 == 0 { try walker.rewind() }
      }
      #expect(found == expectedVisitors(rows, identicalRows))
    }
  }

  @Test("the order of the rows changes nothing", arguments: [1, 2, 3] as [UInt64], IdenticalRows.allCases)
  func rowOrder(seed: UInt64, identicalRows: IdenticalRows) throws {
    var rows = history(seed: seed, count: 40)
    // The same id given in one row and derived in another.
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
      var walker = try walker(rows, Way.all[2], identicalRows)
      var found: [Visited] = []
      while try walker.nextVisitor() { found.append(try read(&walker)) }
      #expect(found == expected)
    }
  }

  @Test("every visitor is found by its id, whichever was read before, and none that is not there", arguments: Way.all)
  func seek(way: Way) throws {
    let rows = history(seed: 9, count: 60, visitors: 12)
    let expected = expectedVisitors(rows, .once)
    var walker = try walker(rows, way)
    for visited in expected.reversed() + expected {
      #expect(try walker.seek(visited.visitor))
      #expect(try read(&walker) == visited)
    }
    #expect(try !walker.seek(Array("nobody".utf8)))
    // After a seek the walk goes on behind it.
    #expect(try walker.seek(expected[3].visitor))
    #expect(try walker.nextVisitor())
    #expect(walker.visitor == expected[4].visitor)
  }

  @Test("a visitor left in the middle of its pages does not show up again")
  func leaving() throws {
    let rows = history(seed: 5, count: 40)
    var walker = try walker(rows, Way.all[1])
    var visitors: [[UInt8]] = []
    while try walker.nextVisitor() {
      visitors.append(walker.visitor)
      if visitors.count % 2 == 0 { _ = try walker.nextPage() }
    }
    #expect(visitors == expectedVisitors(rows, .once).map(\.visitor))
  }

  @Test("a record larger than the memory passes through sorting, merging and pages")
  func largeRecord() throws {
    var rows = history(seed: 3, count: 12)
    rows[7].session = String(repeating: "s", count: 200_000)
    rows[8].session = String(repeating: "s", count: 200_001)
    for way in [Way(sorting: 1, frame: 1, merging: 1, page: 1, ahead: 7), Way.all[2]] {
      var walker = try walker(rows, way)
      var found: [Visited] = []
      while try walker.nextVisitor() { found.append(try read(&walker)) }
      #expect(found == expectedVisitors(rows, .once))
    }
  }

  @Test("identical rows with derived ids are counted once, however often their visitor is read", arguments: Way.all)
  func derivedDuplicates(way: Way) throws {
    let rows = history(seed: 11, count: 60, visitors: 2)
    var walker = try walker(rows, way)
    var counts: [Int] = []
    while try walker.nextVisitor() {
      for _ in 0..<3 {
        _ = try read(&walker)
        counts.append(walker.derivedDuplicates.count)
        try walker.rewind()
        if try walker.nextPage() { try walker.rewind() }
      }
    }
    #expect(counts.count == 6 && counts[0] == counts[2] && counts[3] == counts[5])
    var whole = try self.walker(rows, Way.all[0])
    while try whole.nextVisitor() {}
    #expect(counts[5] == whole.derivedDuplicates.count && counts[0] < counts[5] && counts[0] > 0)
  }

  @Test("damage in a page that is made ahead is found when the page is asked for, and again", arguments: [1, 2, 7])
  func damageAhead(ahead: Int) throws {
    let rows = (0..<40).map { Row(uuid: "\($0)", place: $0) }
    let runs = try stage(rows, in: scratch, memoryBytes: 1 << 20, frameBytes: 1, mergeBytes: 1 << 20)
    var bytes = try Folder.read(runs[0].path)
    bytes[bytes.count / 2] ^= 1
    try Folder.write(bytes, to: runs[0].path)
    var walker = try PagedWalker(try RunMerger(runs), pageBytes: 1, pagesAhead: ahead, identicalRows: .once)
    #expect(try walker.nextVisitor())
    var kind: DiskFailure.Kind?
    var count = 1
    do throws(DiskFailure) {
      while try walker.nextPage() { count += 1 }
    } catch {
      kind = error.kind
    }
    #expect(kind == .damaged && count > 1 && count < rows.count)
    #expect(throws: DiskFailure.self) { while try walker.nextPage() {} }
    // From its first page on the visitor is there once more.
    try walker.rewind()
    #expect(walker.pageStart == 0 && !walker.offsets.isEmpty)
  }

  @Test("no runs have no visitors")
  func nothing() throws {
    var walker = try walker([], Way.all[0])
    #expect(try !walker.nextVisitor())
    #expect(try !walker.seek(Array("v".utf8)))
  }
}

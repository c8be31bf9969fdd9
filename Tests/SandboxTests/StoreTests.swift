import Counting
import Foundation
import GRDB
import Testing
import Vocabulary

@testable import Sandbox

/// What is stored, and what becomes of it.
@Suite struct StoreTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test("the same body again is answered 204 and not stored twice, also after a restart")
  func repeated() async throws {
    let text = body([.decision("v", "d"), .conversion("v", "c")])
    for _ in 1...2 {
      try await scratch.serving { server in
        try await Wire.to(server.port) { wire in for _ in 1...2 { try await wire.post(text, expecting: 204) } }
      }
    }
    var expected = SandboxStatus()
    expected.requests = 4
    expected.bodies = 1
    expected.repeatedBodies = 3
    expected.bytes = text.utf8.count
    expected.events = 2
    expected.distinctEvents = 2
    expected.decisions = 1
    expected.conversions = 1
    #expect(try sandboxStatus(at: scratch.path) == expected)
  }

  @Test("the same body twice in one transaction is stored once")
  func repeatedInBatch() throws {
    let store = try SandboxStore(at: scratch.path)
    var packer = BodyPacker(bodyLimit: 1_000)
    let packed = try packer.pack(Array(body(.conversion("v", "u")).utf8).span)
    #expect(try store.store([packed, packed, packed], requestCount: 5) == [true, false, false])
    #expect(try store.store([], requestCount: 1) == [])
    try store.close()
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.requests == 6 && status.bodies == 1 && status.repeatedBodies == 2)
  }

  @Test("one event in two different bodies is one event, and counted as such")
  func twoBodies() throws {
    let shared = Event.conversion("v", "c", revenue: 7)
    try scratch.store([body([.decision("v", "d"), shared]), body([shared, .conversion("v", "other")])])
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.events == 4 && status.distinctEvents == 3)
    #expect(status.eventsInDifferentBodies == 1 && status.conflictingEvents == 0)
    let event = try scratch.countedEvent()
    #expect(event.conversions == 2 && event.revenue == 7)
  }

  @Test("one event twice in one body is one event in one body")
  func twiceInOneBody() throws {
    try scratch.store([body([.conversion("v", "c"), .conversion("v", "c")])])
    let status = try sandboxStatus(at: scratch.path)
    #expect(
      status.events == 2 && status.distinctEvents == 1 && status.eventsInDifferentBodies == 0 && status.conflictingEvents == 0)
  }

  @Test("one uuid at two visitors is two events")
  func twoVisitors() throws {
    try scratch.store([body([.conversion("v", "c"), .conversion("w", "c")])])
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.distinctEvents == 2 && status.conflictingEvents == 0)
  }

  @Test("of different contents with one visitor and uuid the first accepted counts", arguments: [false, true])
  func conflict(isReversed: Bool) throws {
    let bodies = [body([.decision("v", "d"), .conversion("v", "c", revenue: 1)]), body([.conversion("v", "c", revenue: 2)])]
    try scratch.store(isReversed ? bodies.reversed() : bodies)
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.distinctEvents == 2 && status.conflictingEvents == 1 && status.eventsInDifferentBodies == 1)
    #expect(try scratch.countedEvent().revenue == (isReversed ? 2 : 1))
  }

  @Test("of different contents in one body the first in the body counts, whatever the total order says")
  func conflictInOneBody() throws {
    for (first, last) in [(1, 2), (2, 1)] as [(Int64, Int64)] {
      let scratch = try Scratch()
      try scratch.store([
        body([.decision("v", "d"), .conversion("v", "c", revenue: first), .conversion("v", "c", revenue: last)])
      ])
      #expect(try scratch.countedEvent().revenue == first)
      let status = try sandboxStatus(at: scratch.path)
      #expect(status.conflictingEvents == 1 && status.eventsInDifferentBodies == 0)
    }
  }

  @Test("a decision and a conversion with one uuid are one event of the kind accepted first")
  func conflictOfKinds() throws {
    try scratch.store([body(.conversion("v", "u")), body(.decision("v", "u"))])
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.distinctEvents == 1 && status.conversions == 1 && status.decisions == 0)
    #expect(try sandboxResults(at: scratch.path) == Results(experiments: [], notCounted: ["duplicate": 1, "no_decision_here": 1]))
  }

  @Test("after a restart everything is there: status and results are the same")
  func restart() async throws {
    let first = try await scratch.serving { server in
      try await Wire.to(server.port) { wire in
        _ = try await wire.post(body([.decision("v", "d"), .conversion("v", "c")]))
        return [try await wire.get("/results.json"), try await wire.get("/status.json")]
      }
    }
    let second = try await scratch.serving { server in
      try await Wire.to(server.port) { wire in [try await wire.get("/results.json"), try await wire.get("/status.json")] }
    }
    #expect(first == second)
    #expect(first[0]?.status == 200)
  }

  @Test("a reader sees what is stored while a writer is in the midst of a transaction")
  func besideWriter() throws {
    try scratch.store([body(.conversion("v", "u"))])
    let store = try DatabaseQueue(path: scratch.path)
    try store.inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE; UPDATE traffic SET requests = 99")
      #expect(try sandboxStatus(at: scratch.path).requests == 1)
      try db.execute(sql: "COMMIT")
    }
    #expect(try sandboxStatus(at: scratch.path).requests == 99)
  }

  @Test("results can be read again and again while bodies come in")
  func whileServing() async throws {
    try await scratch.serving { server in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for lane in 0..<3 {
          group.addTask {
            try await Wire.to(server.port) { wire in
              for number in 0..<20 { try await wire.post(body([.conversion("v", "\(lane)-\(number)")]), expecting: 204) }
            }
          }
        }
        var last = 0
        while last < 60 {
          let status = try sandboxStatus(at: scratch.path)
          #expect(status.distinctEvents >= last)
          #expect(status.distinctEvents == status.events && status.bodies == status.events)
          last = status.distinctEvents
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("a store without bodies has empty results; one that was never made is missing")
  func nothing() async throws {
    #expect(failure { _ = try sandboxResults(at: scratch.path) } == .missing(path: scratch.path))
    #expect(failure { _ = try sandboxStatus(at: scratch.path) } == .missing(path: scratch.path))
    try Data().write(to: URL(fileURLWithPath: scratch.path))
    #expect(failure { _ = try sandboxStatus(at: scratch.path) } == .missing(path: scratch.path))
    try await scratch.serving { _ in }
    #expect(try sandboxResults(at: scratch.path) == Results())
    #expect(try sandboxStatus(at: scratch.path) == SandboxStatus())
  }

  @Test("a body without events is accepted and stored")
  func empty() async throws {
    try scratch.store([#"{"account_id":"1","visitors":[]}"#])
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.bodies == 1 && status.events == 0)
    #expect(try sandboxResults(at: scratch.path) == Results())
  }

  // MARK: the disk

  @Test("the file keeps what was committed when its process is killed, and only its owner reads it")
  func durable() throws {
    try scratch.store([body(.conversion("v", "u"))])
    let mode = try FileManager.default.attributesOfItem(atPath: scratch.path)[.posixPermissions] as? NSNumber
    #expect(mode?.intValue == 0o600)
    for (pragma, refused) in [("journal_mode = WAL", "journal_mode=TRUNCATE"), ("journal_mode = MEMORY", "journal_mode=TRUNCATE")] {
      let queue = try DatabaseQueue(path: scratch.path)
      try queue.inDatabase { db in
        try db.execute(sql: "PRAGMA journal_mode = TRUNCATE")
        try SandboxStore.requireDurable(db, path: "p")
        try db.execute(sql: "PRAGMA \(pragma)")
        #expect(failure { try SandboxStore.requireDurable(db, path: "p") } == .notDurable(path: "p", setting: refused))
      }
      try queue.close()
    }
  }

  @Test("a full disk is answered 500 with words, the failure is thrown at the end, and what was stored before is kept")
  func diskFull() async throws {
    let settings = SandboxSettings(storePath: scratch.path)
    let server = try await SandboxServer.start(settings) { db in try db.execute(sql: "PRAGMA max_page_count = 40") }
    try await Wire.to(server.port) { wire in
      try await wire.post(body(.conversion("v", "first")), expecting: 204)
      let large = body((0..<20_000).map { .conversion("a visitor of their own, \($0)", "u\($0)") })
      let response = try await wire.post(large)
      #expect(response?.status == 500)
      #expect(response?.message?.contains("the disk is full") == true)
      try await wire.post(body(.conversion("v", "last")), expecting: 204)
    }
    let full = SandboxFailure.diskFull(path: scratch.path, doing: "store what it was sent")
    await #expect(throws: full) { try await server.stop() }
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.bodies == 2 && status.events == 2)
  }

  @Test(
    "what was changed behind our back is found when it is read",
    arguments: [
      "UPDATE part SET records = CAST(replace(records, '50', '51') AS BLOB)", "DELETE FROM part", "UPDATE part SET checksum = 1",
      "UPDATE part SET records = zeroblob(10)", "UPDATE body SET event_count = 1", "UPDATE body SET byte_count = byte_count + 1",
      "UPDATE body SET first_hash = first_hash - 1", "UPDATE body SET part_count = 0", "UPDATE body SET digest = zeroblob(16)",
      "DELETE FROM traffic", "UPDATE traffic SET repeated = -1",
    ])
  func tampered(sql: String) throws {
    try scratch.store([body([.conversion("v", "u"), .conversion("w", "x")])])
    try scratch.tamper(sql)
    for read in [{ _ = try sandboxStatus(at: $0) }, { _ = try sandboxResults(at: $0) }] as [(String) throws -> Void] {
      let found = failure { try read(scratch.path) }
      guard case .damaged(let path, _) = found else {
        Issue.record("\(String(describing: found))")
        continue
      }
      #expect(path == scratch.path)
    }
  }

  @Test("a bit that fell over anywhere in the file is found, or changes nothing", arguments: [1, 2, 3] as [UInt64])
  func bits(seed: UInt64) throws {
    try scratch.store([body((0..<40).map { .conversion("v\($0)", "u\($0)") })])
    let results = try sandboxResults(at: scratch.path)
    let status = try sandboxStatus(at: scratch.path)
    let whole = try Data(contentsOf: URL(fileURLWithPath: scratch.path))
    var random = Seeded(seed: seed)
    for _ in 0..<60 {
      var bytes = whole
      let at = Int.random(in: 0..<whole.count, using: &random)
      bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      try bytes.write(to: URL(fileURLWithPath: scratch.path))
      do throws(SandboxFailure) {
        let read = try sandboxStatus(at: scratch.path)
        // What the table of requests says is not guarded: a number there is as good as another.
        #expect(read.events == status.events && read.bytes == status.bytes && read.bodies == status.bodies, "byte \(at)")
        #expect(try sandboxResults(at: scratch.path) == results, "byte \(at)")
      } catch {
        #expect(error != .missing(path: scratch.path), "byte \(at)")
      }
    }
  }

  @Test("what a killed writer left half done is undone by whoever reads or writes next", arguments: [false, true])
  func killed(isReader: Bool) throws {
    try scratch.store([body((0..<300).map { .conversion("v\($0)", "u\($0)") })])
    let results = try sandboxResults(at: scratch.path)
    let copy = try Scratch()
    let queue = try DatabaseQueue(path: scratch.path)
    try queue.inDatabase { db in
      // With a cache of two pages the changes go to the file before the commit.
      try db.execute(
        sql: """
          PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 2; BEGIN IMMEDIATE;
          UPDATE part SET records = zeroblob(length(records)); DELETE FROM body;
          INSERT INTO part SELECT id + 1000, 1, zeroblob(100000) FROM part;
          """)
      for file in ["", "-journal"] { try FileManager.default.copyItem(atPath: scratch.path + file, toPath: copy.path + file) }
      try db.execute(sql: "ROLLBACK")
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy.path)) != Data(contentsOf: URL(fileURLWithPath: scratch.path)))
    if !isReader { try copy.store([]) }
    #expect(try sandboxResults(at: copy.path) == results)
    #expect(try sandboxStatus(at: copy.path) == sandboxStatus(at: scratch.path))
  }

  @Test("a database of another program is refused and left as it is")
  func foreign() async throws {
    let queue = try DatabaseQueue(path: scratch.path)
    try queue.inDatabase { db in try db.execute(sql: "CREATE TABLE theirs (a)") }
    try queue.close()
    let before = try Data(contentsOf: URL(fileURLWithPath: scratch.path))
    #expect(failure { _ = try SandboxStore(at: scratch.path) } == .foreign(path: scratch.path))
    #expect(failure { _ = try sandboxStatus(at: scratch.path) } == .foreign(path: scratch.path))
    #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.path)) == before)
  }

  @Test("a sandbox of an earlier version is refused, and says that it may be deleted")
  func outdated() throws {
    try SandboxStore(at: scratch.path).close()
    let queue = try DatabaseQueue(path: scratch.path)
    try queue.inDatabase { db in try db.execute(sql: "PRAGMA user_version = 1") }
    try queue.close()
    #expect(failure { _ = try SandboxStore(at: scratch.path) } == .outdated(path: scratch.path))
    #expect(failure { _ = try sandboxStatus(at: scratch.path) } == .outdated(path: scratch.path))
    #expect(SandboxFailure.outdated(path: "x").description.contains("delete the file"))
  }

  @Test("what is no database is damage")
  func noDatabase() throws {
    try Data(repeating: 0x41, count: 40_000).write(to: URL(fileURLWithPath: scratch.path))
    for open in [{ _ = try SandboxStore(at: $0) }, { _ = try sandboxStatus(at: $0) }] as [(String) throws -> Void] {
      guard case .damaged = failure({ try open(scratch.path) }) else {
        Issue.record("not seen to be damaged")
        continue
      }
    }
  }
}

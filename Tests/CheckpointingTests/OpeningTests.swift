import Foundation
import GRDB
import Testing
import Vocabulary

@testable import Checkpointing

@Suite struct OpeningTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test("a real file is in WAL mode with synchronous FULL and foreign keys, and only its owner reads it")
  func durable() throws {
    for _ in 1...2 {
      let checkpoint = try scratch.open()
      let settings = try checkpoint.read("test") { db in
        try ["journal_mode", "synchronous", "foreign_keys", "application_id", "secure_delete"].map { name in
          try String.fetchOne(db, sql: "PRAGMA \(name)") ?? ""
        }
      }
      #expect(settings == ["wal", "2", "1", String(Schema.applicationID), "2"])
      try checkpoint.begin(endpoint: UUID().uuidString)
      for file in try scratch.files {
        let mode = try FileManager.default.attributesOfItem(atPath: scratch.folder + "/" + file)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600, "\(file)")
      }
      try checkpoint.close()
    }
  }

  @Test(
    "a weaker setting than promised is refused",
    arguments: ["synchronous = NORMAL", "journal_mode = DELETE", "foreign_keys = OFF"])
  func weaker(pragma: String) throws {
    try scratch.open().close()
    let queue = try DatabaseQueue(path: scratch.path)
    try queue.inDatabase { db -> Void in
      try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
      try Checkpoint.requireDurable(db, path: "p")
      try db.execute(sql: "PRAGMA \(pragma)")
      let refusal = failure { try Checkpoint.requireDurable(db, path: "p") }
      guard case .notDurable = refusal else {
        Issue.record("\(String(describing: refusal))")
        return
      }
      #expect(refusal?.exitStatus == .diskTrouble)
    }
  }

  @Test("a database in memory, which can't be in WAL mode, is refused by the same check")
  func inMemory() throws {
    try DatabaseQueue().inDatabase { db in
      #expect(failure { try Checkpoint.requireDurable(db, path: "p") } == .notDurable(path: "p", setting: "journal_mode=WAL"))
    }
  }

  @Test("closing leaves one file; it opens again with everything in it")
  func closing() throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.begin()
    #expect(try scratch.files.contains("checkpoint.sqlite-wal"))
    try checkpoint.close()
    #expect(try scratch.files == ["checkpoint.sqlite"])
    #expect(try scratch.open().run(run.id) == run)
    #expect(failure { _ = try checkpoint.allRuns() } != nil, "a closed checkpoint answers nothing")
  }

  @Test("a new checkpoint has pages of 16 KB, and one of an earlier version keeps its own", arguments: [nil, 4096, 512, 65_536] as [Int?])
  func pages(older: Int?) throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.begin()
    try checkpoint.close()
    if let older {
      let queue = try DatabaseQueue(path: scratch.path)
      try queue.inDatabase { try $0.execute(sql: "PRAGMA journal_mode = DELETE; PRAGMA page_size = \(older); VACUUM") }
      try queue.close()
    }
    let again = try scratch.open()
    #expect(try again.run(run.id) == run)
    try again.begin(endpoint: "another")
    #expect(try again.read("test") { try Int.fetchOne($0, sql: "PRAGMA page_size") } == older ?? 16_384)
    #expect(try again.read("test") { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
    try again.close()
  }

  @Test("a file that others could read is taken from them when it is opened")
  func tightened() throws {
    try scratch.open().close()
    try FileManager.default.setAttributes([.posixPermissions: NSNumber(value: 0o644)], ofItemAtPath: scratch.path)
    _ = try scratch.open()
    let mode = try FileManager.default.attributesOfItem(atPath: scratch.path)[.posixPermissions] as? NSNumber
    #expect(mode?.intValue == 0o600)
  }

  @Test("a schema of a later version is refused by writers and readers, by name")
  func newer() throws {
    try scratch.open().close()
    try scratch.tamper("INSERT INTO grdb_migrations VALUES ('99')")
    let expected = CheckpointFailure.newerSchema(path: scratch.path, versions: ["99"])
    #expect(failure { _ = try scratch.open() } == expected)
    #expect(failure { _ = try Checkpoint.reader(at: scratch.path) } == expected)
    #expect(expected.exitStatus == .configuration)
    #expect(expected.description.contains("schema 99"))
  }

  @Test("a database of another program is refused and left as it is")
  func foreign() throws {
    try scratch.tamper("CREATE TABLE theirs (x)")
    try FileManager.default.setAttributes([.posixPermissions: NSNumber(value: 0o640)], ofItemAtPath: scratch.path)
    let before = FileManager.default.contents(atPath: scratch.path)
    #expect(failure { _ = try scratch.open() } == .foreign(path: scratch.path))
    #expect(failure { _ = try Checkpoint.reader(at: scratch.path) } == .foreign(path: scratch.path))
    #expect(FileManager.default.contents(atPath: scratch.path) == before)
    let mode = try FileManager.default.attributesOfItem(atPath: scratch.path)[.posixPermissions] as? NSNumber
    #expect(mode?.intValue == 0o640)
  }

  @Test("garbage is damaged", arguments: [2, 15, 100, 512, 5_000])
  func garbage(count: Int) throws {
    try scratch.write((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) })
    for failed in [failure { _ = try scratch.open() }, failure { _ = try Checkpoint.reader(at: scratch.path) }] {
      guard case .damaged = failed else {
        Issue.record("\(String(describing: failed))")
        return
      }
      #expect(failed?.exitStatus == .diskTrouble)
    }
  }

  @Test("a file cut short is damaged", arguments: [1, 2, 3, 5, 10])
  func truncated(divisor: Int) throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.sending(50)
    for number in 1...50 { try checkpoint.send(run, number, entries: 100) }
    try checkpoint.close()
    let whole = try #require(FileManager.default.contents(atPath: scratch.path))
    try whole.prefix(whole.count / divisor - 1).write(to: URL(fileURLWithPath: scratch.path))
    for open in [scratch.open, { try Checkpoint.reader(at: self.scratch.path) }] {
      let failed = failure { try open().verifyIntegrity() }
      guard case .damaged = failed else {
        Issue.record("\(String(describing: failed))")
        return
      }
    }
  }

  @Test("pages overwritten behind our back are damaged, never believed and never a trap", arguments: 0..<24)
  func scrambled(seed: Int) throws {
    let checkpoint = try scratch.open()
    let run = try checkpoint.sending(5)
    for number in 1...4 { try checkpoint.send(run, number, entries: 600) }
    try checkpoint.close()
    var bytes = [UInt8](try #require(FileManager.default.contents(atPath: scratch.path)))
    let pageBytes = CheckpointFormat.pageBytes
    let page = 1 + seed * (bytes.count / pageBytes - 1) / 24
    for place in 0..<pageBytes { bytes[page * pageBytes + place] = UInt8(truncatingIfNeeded: place &* (seed &+ 7) &+ seed) }
    try scratch.write(bytes)
    let failed = failure {
      let reader = try Checkpoint.reader(at: scratch.path)
      _ = try reader.allRuns()
      _ = try reader.pendingBodies(run, limit: 10)
      try reader.verifyIntegrity()
    }
    guard case .damaged = failed else {
      Issue.record("\(String(describing: failed))")
      return
    }
  }

  @Test("a path that can't be opened is disk trouble that names SQLite's result")
  func unopenable() throws {
    try scratch.write([])
    let under = scratch.path + "/below.sqlite"
    for path in [under, scratch.folder, scratch.folder + "/no/such/folder/c.sqlite"] {
      let failed = failure { _ = try Checkpoint(at: path) }
      guard case .inputOutput(_, _, let code, _) = failed else {
        Issue.record("\(String(describing: failed))")
        return
      }
      #expect(code & 0xff == 14)
      #expect(failed?.exitStatus == .diskTrouble)
    }
    #expect(failure { _ = try Checkpoint.reader(at: under) } == .missing(path: under))
  }

  @Test("a second writer waits no longer than its patience, then says locked")
  func locked() throws {
    let one = try scratch.open()
    let two = try scratch.open()
    try one.write("test") { _ in
      let failed = failure { try two.begin() }
      #expect(failed == .locked(path: scratch.path, doing: "begin a run"))
      #expect(failed?.exitStatus == .locked)
    }
    #expect(try two.begin().id == RunID(rawValue: 1))
  }

  @Test(
    "two paths to one file are one file, whatever characters are in them",
    arguments: ["a b", "50%", "q?mode=ro", "#1", "é", "file:x"])
  func strangePaths(name: String) throws {
    let folder = scratch.folder + "/" + name
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let checkpoint = try Checkpoint(at: folder + "/c.sqlite")
    try checkpoint.begin()
    try checkpoint.close()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["c.sqlite"])
    #expect(try Checkpoint.reader(at: folder + "/../" + name + "/c.sqlite").allRuns().count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["c.sqlite"], "an immutable read leaves no files")
  }

  @Test("every failure is one line in lower case that starts with the path, and none ends with success")
  func messages() {
    let run = RunID(rawValue: 3)
    let all: [CheckpointFailure] = [
      .diskFull(path: "p", doing: "d"), .inputOutput(path: "p", doing: "d", code: 10, text: "t"), .locked(path: "p", doing: "d"),
      .damaged(path: "p", what: "w"), .newerSchema(path: "p", versions: ["2"]), .foreign(path: "p"),
      .readOnly(path: "p", doing: "d"),
      .missing(path: "p"), .olderSchema(path: "p"), .ledgerInUse(path: "p", user: run), .ledgerChanged(path: "p"),
      .notDurable(path: "p", setting: "s"), .unknownRun(path: "p", run: run),
      .unfinishedRun(path: "p", run: run),
      .inUse(path: "p", run: run, user: run), .digestMismatch(path: "p", run: run, body: 1),
      .digestMissing(path: "p", run: run, body: 1),
      .outOfOrder(path: "p", run: run, what: "w"), .unexpected(path: "p", doing: "d", code: 1, text: "t"),
    ]
    for failure in all {
      #expect(failure.description.hasPrefix("p: "))
      #expect(!failure.description.contains("\n"))
      #expect(failure.exitStatus != .complete)
    }
  }
}

import Checkpointing
import Delivering
import Foundation
import Pipeline
import Reporting
import Sandbox
import Testing
import Vocabulary

@Suite("A state folder that is verified")
struct VerifyTests {
  /// A complete run of a random history.
  private struct Complete {
    let folder: ScratchFolder
    let file: String
    let options: RunOptions
    let summary: RunSummary

    init(seed: Int, memoryBytes: Int = 64_000_000, keepsStaging: Bool = false) async throws {
      folder = try ScratchFolder()
      file = try folder.write(RandomHistory(seed: seed, visitors: 60, bodyLimit: 4000).rows, to: "rows.ndjson")
      var options = PipelineTests.options(folder, Conditions(memoryBytes: memoryBytes))
      options.keepsStaging = keepsStaging
      self.options = options
      summary = try await importer(options).run(try specification([file]), settings())
      try #require(summary.state == .complete)
    }
  }

  @Test("an unfinished run is built again from its staging, with much memory and with little", arguments: [64_000_000, 200_000])
  func unfinished(memoryBytes: Int) async throws {
    let stopped = try await StoppedRun(seed: 71, memoryBytes: memoryBytes)
    // Its inputs are not needed.
    try FileManager.default.removeItem(atPath: stopped.file)
    let found = try stopped.verify()
    #expect(found.damages == [])
    #expect(found.exit == .complete)
    #expect(found.runs.map(\.source) == [.staging])
    #expect(found.runs[0].rebuiltCount == stopped.summary.bodyCount)
    #expect(found.entryCount == stopped.summary.records.accepted)
    let files = try FileManager.default.contentsOfDirectory(atPath: stopped.staging)
    #expect(files.contains { $0.hasSuffix(".run") } == (memoryBytes < 1_000_000))
  }

  @Test("a complete run is built again from its inputs, as long as they are the same bytes")
  func complete() async throws {
    let run = try await Complete(seed: 72)
    let again = try await importer(run.options).run(try specification([run.file]), settings())
    #expect(again.requestCount == 0)
    var found = try verify(run.options.state)
    #expect(found.damages == [])
    #expect(found.runs.map(\.source) == [.inputs, nil])
    #expect(found.runs[0].rebuiltCount == run.summary.bodyCount)
    // What is verified is not changed.
    #expect(try verify(run.options.state) == found)
    let handle = try #require(FileHandle(forWritingAtPath: run.file))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("\n".utf8))
    try handle.close()
    found = try verify(run.options.state)
    #expect(found.exit == .complete)
    #expect(found.runs[0].source == nil)
    #expect(found.runs[0].reason?.contains("has changed since") == true)
    try FileManager.default.removeItem(atPath: run.file)
    #expect(try verify(run.options.state).runs[0].reason?.contains("is gone") == true)
  }

  @Test("a run planned with the ledger of another is built again with what the ledger knew then")
  func plannedWithLedger() async throws {
    let history = RandomHistory(seed: 73, visitors: 60, bodyLimit: 4000)
    let folder = try ScratchFolder()
    let one = try folder.write(history.rows[..<(history.rows.count / 2)], to: "one.ndjson")
    let all = try folder.write(history.rows, to: "all.ndjson")
    let options = options(folder)
    _ = try await importer(options).run(try specification([one]), settings())
    let second = try await importer(options).run(try specification([all]), settings())
    try #require(second.records.accepted > 0 && second.records.alreadyAccepted > 0)
    var found = try verify(options.state)
    #expect(found.damages == [])
    #expect(found.runs.map(\.source) == [.inputs, .inputs])
    do {
      try StateFolder(options.state).forget(RunID(rawValue: 1), keepingAccepted: false, now: 0)
    }
    found = try verify(options.state)
    #expect(found.damages == [], "that the ledger was made to forget is no damage")
    #expect(found.runs[1].source == nil)
    #expect(found.runs[1].reason?.contains("forgotten since") == true)
  }

  @Test("nights whose segments were merged since are built again with what the ledger knew when they were planned", arguments: [81, 82])
  func mergedSince(seed: Int) async throws {
    let history = RandomHistory(seed: seed, visitors: 30, bodyLimit: 4000)
    let folder = try ScratchFolder()
    let options = options(folder)
    let nights = 2 * Checkpoint.recentSegments
    for night in 1...nights {
      // Each night has all that came before.
      let rows = history.rows[..<(history.rows.count * night / nights)]
      _ = try await importer(options).run(try specification([try folder.write(rows, to: "night-\(night).ndjson")]), settings())
    }
    let checkpoint = try #require(try StateFolder.reader(options.state))
    let totals = try #require(try checkpoint.ledgerTotals().first)
    try #require(totals.segments < nights - 3, "some were merged")
    let found = try verify(options.state)
    #expect(found.damages == [])
    #expect(found.runs.count == nights)
    for run in found.runs { #expect(run.source == .inputs || run.bodyCount == 0, "\(run.run): \(run.reason ?? "")") }
  }

  @Test(
    "each kind of staging file is found when a bit is flipped, it is cut short, or gone; the inputs mend it, and without them it is 76",
    arguments: [".records", ".run"], ["flipped", "short", "gone"])
  func staging(suffix: String, what: String) async throws {
    let stopped = try await StoppedRun(seed: 74, memoryBytes: 200_000)
    let names = try FileManager.default.contentsOfDirectory(atPath: stopped.staging).filter { $0.hasSuffix(suffix) }
    let path = stopped.staging + "/" + (try #require(names.sorted().last))
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    switch what {
    case "flipped": bytes[bytes.count / 2] ^= 4
    case "short": bytes.removeLast(bytes.count / 3)
    default: break
    }
    if what == "gone" { try FileManager.default.removeItem(atPath: path) } else { try bytes.write(to: URL(fileURLWithPath: path)) }
    var found = try stopped.verify()
    #expect(found.damages.map(\.part) == [.staging])
    #expect(found.damages[0].message.contains(path))
    #expect(found.damages[0].mendsItself)
    #expect(found.exit == .diskTrouble)
    #expect(found.runs[0].source == .inputs, "the bodies are still what they were")
    #expect(found.runs[0].rebuiltCount == stopped.summary.bodyCount)
    let aside = stopped.file + ".aside"
    try FileManager.default.moveItem(atPath: stopped.file, toPath: aside)
    found = try stopped.verify()
    #expect(found.exit == .stagingDamaged)
    #expect(found.damages[0].wayOn.contains("--restage"))
    try FileManager.default.moveItem(atPath: aside, toPath: stopped.file)
    #expect(try await stopped.resume().state == .complete)
    #expect(try stopped.status().eventsInDifferentBodies == 0)
  }

  @Test("bodies sent in parts are built again part by part")
  func cutBodies() async throws {
    let run = try await RefusedRun(seed: 75)
    let found = try verify(run.options.state)
    #expect(found.damages == [])
    #expect(found.runs[1].rebuiltCount == run.summary.bodyCount)
  }

  @Test("staging that a process had begun to remove when it was killed is no damage, and the next import removes the rest")
  func halfRemoved() async throws {
    let run = try await Complete(seed: 77)
    let staging = StateFolder.runFolder(run.options.state, RunID(rawValue: 1)) + "/staging"
    try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: false)
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: staging + "/0.records"))
    let found = try verify(run.options.state)
    #expect(found.damages == [] && found.runs.map(\.source) == [.inputs])
    _ = try await importer(run.options).run(try specification([run.file]), settings())
    #expect(!FileManager.default.fileExists(atPath: staging))
  }

  @Test("kept staging of a complete run is used, and one that is damaged is no harm")
  func keptStaging() async throws {
    let run = try await Complete(seed: 76, keepsStaging: true)
    #expect(try verify(run.options.state).runs[0].source == .staging)
    let path = run.options.state + "/runs/1/staging/0.records"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
    let found = try verify(run.options.state)
    #expect(found.runs[0].source == .inputs)
    #expect(found.damages.map(\.wayOn).allSatisfy { $0.contains("remove") })
  }

  @Test("rejects that are gone or cut off are told", arguments: ["gone", "short", "garbled"])
  func rejects(what: String) async throws {
    let run = try await Complete(seed: 77)
    let path = run.options.state + "/runs/1/rejects.ndjson"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    try #require(bytes.count > 100)
    switch what {
    case "short": bytes.removeLast(40)
    case "garbled": bytes[1] ^= 1
    default: break
    }
    if what == "gone" { try FileManager.default.removeItem(atPath: path) } else { try bytes.write(to: URL(fileURLWithPath: path)) }
    let found = try verify(run.options.state)
    #expect(found.damages.map(\.part) == [.rejects])
    #expect(found.exit == .diskTrouble)
  }

  @Test("a checkpoint that is gone, empty, cut short or garbage is told with what is lost", arguments: ["gone", "short", "garbage"])
  func checkpoint(what: String) async throws {
    let run = try await Complete(seed: 78)
    let path = run.options.state + "/checkpoint.sqlite"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    // While the log is there, it may hold all that is cut off.
    for log in ["-wal", "-shm"] where FileManager.default.fileExists(atPath: path + log) {
      try FileManager.default.removeItem(atPath: path + log)
    }
    switch what {
    case "gone": try FileManager.default.removeItem(atPath: path)
    case "short": try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
    default: try Data(repeating: 0x55, count: 20_000).write(to: URL(fileURLWithPath: path))
    }
    let found = try verify(run.options.state)
    #expect(found.exit == .diskTrouble)
    #expect(found.damages.contains { $0.part == .checkpoint && !$0.wayOn.isEmpty })
    #expect(found.json().contains("\"exit\":74"))
  }

  @Test("a folder in which nothing was imported is wrong usage, and so is a run that is not there")
  func nothing() async throws {
    let folder = try ScratchFolder()
    #expect(throws: RunFailure.self) { try verify(folder.path) }
    let run = try await Complete(seed: 79)
    var verifier = Verifier(run.options.state, memoryBytes: 64_000_000, log: quiet, stop: StopSwitch())
    let failure = #expect(throws: RunFailure.self) { try verifier.verify(RunID(rawValue: 9)) }
    #expect(failure?.status == .usage)
  }

  @Test("while another process writes, what it works at is left out")
  func beingWritten() async throws {
    let stopped = try await StoppedRun(seed: 80)
    let state = try StateFolder(stopped.options.state)
    let found = try stopped.verify()
    _ = consume state
    #expect(found.isBeingWritten)
    #expect(found.damages == [])
    #expect(found.runs[0].reason?.contains("written now") == true)
    #expect(try !stopped.verify().isBeingWritten)
  }
}

import Delivering
import Foundation
import Pipeline
import Reporting
import Sandbox
import Testing
import Vocabulary

/// Whole imports into a server that takes all bodies but those with certain events in them.
@Suite("Bodies that the server refuses")
struct CutBodiesTests {
  private static let guiltyMark = "guilty-"

  /// A random history in which some events have ids that the server will not take.
  private func rows(seed: Int, guiltyCount: Int) -> [String] {
    var random = Seeded(seed)
    var rows = RandomHistory(seed: seed, visitors: 20, bodyLimit: 4000).rows
    for number in 0..<guiltyCount {
      let time = 1_714_600_000_000 + random.below(1_000_000)
      rows.append(
        #"{"record":"conversion","visitor_id":"v\#(random.below(20))","entity_id":"9","uuid":"\#(Self.guiltyMark)\#(number)","timestamp":\#(time)}"#
      )
    }
    return rows.shuffled(using: &random)
  }

  /// A server that refuses what is guilty, and has accepted something of the account before: a first refusal would concern the run.
  private func serving(
    _ folder: ScratchFolder, _ conditions: Conditions = Conditions(), more: [String] = [], _ body: (RunOptions) async throws -> Void
  ) async throws -> SandboxStatus {
    var sandbox = SandboxSettings(storePath: folder.path + "/sandbox.sqlite")
    sandbox.faults = SandboxFaults(try (["400@holding:" + Self.guiltyMark] + more).map { try #require(SandboxFaults.Rule($0)) })
    let server = try await SandboxServer.start(sandbox)
    let options = options(folder, conditions, endpoint: try #require(Endpoint(server.address)))
    let first = try folder.write(
      [#"{"record":"conversion","visitor_id":"a","entity_id":"9","uuid":"first","timestamp":1714600000000}"#], to: "first.ndjson")
    #expect(try await importer(options).run(try specification([first]), settings()).state == .complete)
    try await body(options)
    try await server.stop()
    return try sandboxStatus(at: sandbox.storePath)
  }

  /// Imports, stopping after so many requests; again and again until the run is through.
  private func carry(
    _ file: String, _ options: RunOptions, _ settings: RunSettings = settings(), stopAfter: Int? = nil
  ) async throws -> (RunSummary, processes: Int) {
    var processCount = 0
    while true {
      processCount += 1
      let stop = StopSwitch()
      let summary = try await importer(options, stop: stop) { progress in
        guard let stopAfter, case .sending(let delivery, _) = progress, delivery.requestCount >= stopAfter else { return }
        stop.stop()
      }.run(try specification([file]), settings)
      #expect(summary.records.fates == summary.records.read)
      guard summary.exit == .stopped, processCount < 400 else { return (summary, processCount) }
    }
  }

  @Test(
    "each guilty event becomes a reject with its row and the server's status, and all others are accepted, once",
    arguments: [71, 72, 73], [true, false])
  func guiltyEvents(seed: Int, enriches: Bool) async throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(seed: seed, guiltyCount: 7), to: "rows.ndjson")
    let settings = settings(enrichDecisions: enriches)
    var accepted = 0
    let status = try await serving(folder) { options in
      let (summary, _) = try await carry(file, options, settings)
      #expect(summary.state == .complete)
      #expect(summary.rejects["refused-by-server"] == 7)
      accepted = summary.records.accepted
      #expect(accepted == summary.decisionCount + summary.conversionCount - 7)
      let lines = try String(contentsOfFile: options.state + "/runs/\(summary.run)/rejects.ndjson", encoding: .utf8)
        .split(separator: "\n").filter { $0.contains("\"code\":\"refused-by-server\"") }
      #expect(lines.count == 7)
      #expect(lines.allSatisfy { $0.contains("with 400") && $0.contains(Self.guiltyMark) })
      // Only what was refused is tried again.
      let (again, _) = try await carry(file, options, settings)
      #expect(again.records.alreadyAccepted == accepted)
      #expect(again.records.accepted == 0)
      #expect(again.rejects["refused-by-server"] == 7)
    }
    #expect(status.distinctEvents == accepted + 1)
    #expect(status.eventsInDifferentBodies == 0)
  }

  @Test("a process that ends between the last answer and the telling of it leaves that to the next one")
  func toldLater() async throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(seed: 74, guiltyCount: 3), to: "rows.ndjson")
    _ = try await serving(folder) { options in
      let path = options.state + "/runs/2/rejects.ndjson"
      // Where a folder stands, no file can be written.
      let first = try await importer(options) { progress in
        if case .sending = progress { try? FileManager.default.createDirectory(atPath: path + ".new", withIntermediateDirectories: false) }
      }.run(try specification([file]), settings())
      #expect(first.exit == .diskTrouble)
      try FileManager.default.removeItem(atPath: path + ".new")
      let (second, _) = try await carry(file, options)
      #expect(second.run == first.run && second.state == .complete && second.requestCount == first.requestCount)
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      #expect(lines.count { $0.contains("\"code\":\"refused-by-server\"") } == 3)
      #expect(try verify(options.state).damages.isEmpty)
    }
  }

  @Test("stopped at every point of the cutting, the same command goes on with the same parts", arguments: [1, 2, 3, 5])
  func resumes(stopAfter: Int) async throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(seed: 74, guiltyCount: 4), to: "rows.ndjson")
    var accepted = 0
    let status = try await serving(folder) { options in
      let (summary, processes) = try await carry(file, options, stopAfter: stopAfter)
      #expect(processes > 2)
      #expect(summary.state == .complete)
      #expect(summary.rejects["refused-by-server"] == 4)
      accepted = summary.records.accepted
    }
    #expect(status.distinctEvents == accepted + 1)
    #expect(status.eventsInDifferentBodies == 0)
  }

  @Test("answers lost after a part was accepted send the very same part again")
  func lostAnswers() async throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(seed: 75, guiltyCount: 6), to: "rows.ndjson")
    var accepted = 0
    let status = try await serving(folder, Conditions(laneCount: 2), more: ["drop-after@every:5"]) { options in
      let (summary, _) = try await carry(file, options)
      #expect(summary.state == .complete)
      #expect(summary.rejects["refused-by-server"] == 6)
      accepted = summary.records.accepted
    }
    #expect(status.distinctEvents == accepted + 1)
    #expect(status.eventsInDifferentBodies == 0)
    #expect(status.repeatedBodies > 0)
  }

  @Test("more guilty events than allowed end the run with 78, and the same command with a higher limit goes on")
  func tooMany() async throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(seed: 76, guiltyCount: 9), to: "rows.ndjson")
    _ = try await serving(folder, Conditions(laneCount: 1)) { options in
      var options = options
      options.refusedEventLimit = 3
      let (ended, _) = try await carry(file, options)
      #expect(ended.exit == .configuration)
      #expect(ended.rejects["refused-by-server"] == 4)
      #expect(ended.message?.contains("refused 4 events one by one, more than --max-refused 3, the last one with 400") == true)
      // The same command sends nothing, so that no further event is refused.
      let (again, _) = try await carry(file, options)
      #expect(again.exit == .configuration && again.requestCount == ended.requestCount && again.rejects["refused-by-server"] == 4)
      #expect(again.message?.contains("refused 4 events one by one, more than --max-refused 3;") == true)
      options.refusedEventLimit = 100
      let (summary, _) = try await carry(file, options)
      #expect(summary.state == .complete)
      #expect(summary.rejects["refused-by-server"] == 9)
    }
  }
}

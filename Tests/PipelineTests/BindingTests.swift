import Delivering
import Foundation
import Grouping
import Pipeline
import Reporting
import Sandbox
import Testing
import Vocabulary

@Suite("Inputs that change, and folders that move")
struct BindingTests {
  enum Change: String, CaseIterable, Sendable { case grown, truncated, replaced, sameSize, gone }

  private static let rows = RandomHistory(seed: 91, visitors: 60, bodyLimit: 4000).rows
  private static let others = RandomHistory(seed: 92, visitors: 60, bodyLimit: 4000).rows

  /// Changes the file and returns how many rows it has then.
  private func change(_ change: Change, _ folder: ScratchFolder) throws -> Int {
    let rows = Self.rows
    switch change {
    case .grown:
      _ = try folder.write(rows + Self.others, to: "rows.ndjson")
      return rows.count + Self.others.count
    case .truncated:
      _ = try folder.write(rows[..<(rows.count / 2)], to: "rows.ndjson")
      return rows.count / 2
    case .replaced:
      _ = try folder.write(Self.others, to: "rows.ndjson")
      return Self.others.count
    case .sameSize:
      // Other visitors, in the very same number of bytes.
      let text = try String(contentsOfFile: folder.path + "/rows.ndjson", encoding: .utf8)
      try Data(text.replacing("\"visitor-", with: "\"visitar-").utf8).write(to: URL(fileURLWithPath: folder.path + "/rows.ndjson"))
      return rows.count
    case .gone:
      try FileManager.default.removeItem(atPath: folder.path + "/rows.ndjson")
      return 0
    }
  }

  @Test("an input that changes before it was all read is read as it is then", arguments: Change.allCases.filter { $0 != .gone })
  func changedBeforeStaging(kind: Change) async throws {
    let folder = try ScratchFolder()
    let file = try folder.write(Self.rows, to: "rows.ndjson")
    let options = options(folder, Conditions(blockBytes: 2000))
    let stop = StopSwitch()
    let stopped = try await importer(options, stop: stop) { if case .staging = $0 { stop.stop() } }
      .run(try specification([file]), settings())
    #expect(stopped.exit == .stopped)
    #expect(stopped.requestCount == 0)
    let rowCount = try change(kind, folder)
    let summary = try await importer(options).run(try specification([file]), settings())
    #expect(summary.state == .complete)
    #expect(summary.run == stopped.run, "it is the same run, staged again")
    #expect(summary.records.read == rowCount)
    let status = try sandboxStatus(at: StateFolder.sandboxPath(options.state))
    #expect(status.distinctEvents == summary.records.accepted)
    #expect(status.events == summary.records.accepted)
  }

  @Test("once staged, a run is finished as it was, and the input as it is then is imported after it", arguments: Change.allCases)
  func changedAfterStaging(kind: Change) async throws {
    let folder = try ScratchFolder()
    let file = try folder.write(Self.rows, to: "rows.ndjson")
    // Nothing of an input is judged by what it no longer has.
    let settings = settings(rules: JudgeRules(onConflict: .keep))
    let planned = try await bodies([file], settings, Conditions())
    let options = options(folder, Conditions(laneCount: 1))
    let stop = StopSwitch()
    let stopped = try await importer(options, stop: stop) { progress in
      if case .sending(let delivery, _) = progress, delivery.acceptedBodyCount > 1 { stop.stop() }
    }.run(try specification([file]), settings)
    #expect(stopped.exit == .stopped && stopped.records.pending > 0)
    let rowCount = try change(kind, folder)
    var summary: RunSummary?
    do {
      summary = try await importer(options).run(try specification([file]), settings)
      #expect(kind != .gone)
    } catch let failure as RunFailure {
      #expect(kind == .gone && failure.status == .inputUnreadable, "\(failure.message)")
    }
    #expect(try verify(options.state).damages == [])
    let status = try sandboxStatus(at: StateFolder.sandboxPath(options.state))
    #expect(status.eventsInDifferentBodies == 0)
    #expect(status.events == status.distinctEvents)
    #expect(status.bodies >= planned.count)
    guard let summary else { return #expect(status.bodies == planned.count, "the staged run went out whole") }
    #expect(summary.state == .complete)
    #expect(summary.run != stopped.run)
    #expect(summary.records.read == rowCount)
    #expect((summary.records.accepted == 0) == (kind == .truncated), "only what is new is sent")
  }

  @Test("a copied state folder goes on by itself while the original is being written, and is never held up by its lock")
  func copiedFolder() async throws {
    let stopped = try await StoppedRun(seed: 93)
    let copy = stopped.folder.path + "/copy"
    do {
      let state = try StateFolder(stopped.options.state)
      try FileManager.default.copyItem(atPath: stopped.options.state, toPath: copy)
      #expect(try Data(contentsOf: URL(fileURLWithPath: copy + "/lock")).count > 0)
      var options = stopped.options
      options.state = copy
      let summary = try #require(try await importer(options).resume(nil, restaging: false))
      #expect(summary.state == .complete)
      #expect(summary.bodyCount == stopped.summary.bodyCount)
      _ = consume state
    }
    #expect(try await stopped.resume().state == .complete)
    #expect(try stopped.status().eventsInDifferentBodies == 0)
  }
}

import Checkpointing
import Delivering
import Foundation
import Grouping
import Pipeline
import Reporting
import Sandbox
import Testing
import Vocabulary

@Suite("Runs know what earlier ones sent")
struct AcrossRunTests {
  /// A state whose first run sent a third of a history.
  private func begun(_ folder: ScratchFolder, _ history: RandomHistory, _ settings: RunSettings, _ conditions: Conditions) async throws
    -> RunOptions
  {
    let file = try folder.write(history.rows.enumerated().filter { $0.offset % 3 == 0 }.map(\.element), to: "first.ndjson")
    let options = options(folder, conditions)
    #expect(try await importer(options).run(try specification([file]), settings).state == .complete)
    return options
  }

  @Test(
    "bodies depend on what was sent before, and not on the order of rows, memory, or workers",
    arguments: [71, 72, 73], [JudgeRules(), JudgeRules(activations: .first, earlyConversions: .reject)])
  func sameBodies(seed: Int, rules: JudgeRules) async throws {
    let history = RandomHistory(seed: seed, visitors: 60, bodyLimit: 4000)
    let folder = try ScratchFolder()
    let settings = settings(rules: rules)
    let options = try await begun(folder, history, settings, Conditions())
    var made: [[Data]] = []
    for (rows, conditions) in [
      (history.rows, Conditions()), (history.rows.reversed(), Conditions(memoryBytes: 200_000, blockBytes: 5_000, workerCount: 1)),
    ] {
      let file = try folder.write(rows, to: "all.ndjson")
      var again = options
      again.memoryBytes = conditions.memoryBytes
      again.blockBytes = conditions.blockBytes
      again.workerCount = conditions.workerCount
      again.output = folder.path + "/bodies-\(made.count)"
      let plan = try await importer(again).plan(try specification([file]), settings)
      #expect(plan.records.alreadyAccepted > 0 && plan.records.pending > 0)
      made.append(try (1...plan.bodyCount).map { try Data(contentsOf: URL(fileURLWithPath: "\(again.output!)/\($0).json")) })
    }
    #expect(made[0] == made[1])
  }

  @Test("a run that is resumed without planning's note is judged by the ledger as it stood, and sends the bodies that were planned")
  func resumed() async throws {
    let history = RandomHistory(seed: 81, visitors: 120, bodyLimit: 4000)
    let folder = try ScratchFolder()
    let rules = JudgeRules(activations: .first, earlyConversions: .reject)
    let options = try await begun(folder, history, settings(rules: rules), Conditions(laneCount: 1))
    let file = try folder.write(history.rows, to: "all.ndjson")
    let stop = StopSwitch()
    let stopped = try await importer(options, stop: stop) { progress in
      if case .sending(let delivery, _) = progress, delivery.acceptedBodyCount >= 2 { stop.stop() }
    }.run(try specification([file]), settings(rules: rules))
    #expect(stopped.state == .incomplete && stopped.records.accepted > 0)
    try FileManager.default.removeItem(atPath: options.state + "/runs/2/staging/order")
    let summary = try #require(try await importer(options).resume(nil, restaging: false))
    #expect(summary.state == .complete, "\(summary.message ?? "")")
    #expect(summary.records.pending == 0 && summary.records.fates == summary.records.read)
    #expect(try sandboxStatus(at: StateFolder.sandboxPath(options.state)).eventsInDifferentBodies == 0)
  }

  @Test("a run without ledger that is stopped and restaged does not send its own events twice")
  func restagedWithoutLedger() async throws {
    let history = RandomHistory(seed: 91, visitors: 120, bodyLimit: 4000)
    let folder = try ScratchFolder()
    var settings = settings()
    let options = try await begun(folder, history, settings, Conditions(laneCount: 1))
    settings.ignoresLedger = true
    let sentBefore = try sandboxStatus(at: StateFolder.sandboxPath(options.state)).events
    let file = try folder.write(history.rows, to: "all.ndjson")
    let stop = StopSwitch()
    let stopped = try await importer(options, stop: stop) { progress in
      if case .sending(let delivery, _) = progress, delivery.acceptedBodyCount >= 2 { stop.stop() }
    }.run(try specification([file]), settings)
    #expect(stopped.state == .incomplete && stopped.ignoresLedger)
    let summary = try #require(try await importer(options).resume(nil, restaging: true))
    #expect(summary.state == .complete && summary.ignoresLedger)
    // All of it is this run's own, whatever the first run sent: and each event once.
    #expect(summary.records.alreadyAccepted == 0)
    #expect(summary.records.accepted > stopped.records.accepted)
    let sent = try sandboxStatus(at: StateFolder.sandboxPath(options.state)).events
    #expect(sent == sentBefore + summary.records.accepted)
  }
}

import Delivering
import Foundation
import Pipeline
import Reporting
import Sandbox
import Testing
import Vocabulary

@Suite("A run from files to receipts")
struct RunTests {
  @Test("the fates add up to the records read, and the server has what was accepted, once", arguments: 21...26)
  func fatesAddUp(seed: Int) async throws {
    let history = RandomHistory(seed: seed, visitors: 80, bodyLimit: 4000)
    let folder = try ScratchFolder()
    let file = try folder.write(history.rows, to: "rows.ndjson")
    let options = options(folder, Conditions(memoryBytes: 200_000, blockBytes: 5000))
    let summary = try await importer(options).run(try specification([file]), settings())
    #expect(summary.state == .complete)
    #expect(summary.exit == .complete)
    #expect(summary.records.read == history.rows.count)
    #expect(summary.records.fates == summary.records.read)
    #expect(summary.records.pending == 0)
    #expect(summary.records.rejected >= history.badRowCount)
    #expect(summary.rejects.values.reduce(0, +) == summary.records.rejected)
    #expect(summary.decisionCount + summary.conversionCount == summary.records.accepted)

    let store = StateFolder.sandboxPath(options.state)
    let status = try sandboxStatus(at: store)
    #expect(status.distinctEvents == summary.records.accepted)
    #expect(status.events == summary.records.accepted)
    #expect(status.eventsInDifferentBodies == 0)
    #expect(status.bodies == summary.bodyCount)
    #expect(try sandboxResults(at: store) == summary.expected)

    let again = try await importer(options).run(try specification([file]), settings())
    #expect(again.state == .complete)
    #expect(again.requestCount == 0)
    #expect(again.records.accepted == 0)
    #expect(again.records.alreadyAccepted == summary.records.accepted)
    #expect(again.records.fates == again.records.read)
    #expect(again.expected == summary.expected)
  }

  @Test("a run that is stopped while sending goes on where it was, with the same bodies", arguments: 31...34)
  func stoppedRunsGoOn(seed: Int) async throws {
    let history = RandomHistory(seed: seed, visitors: 80, bodyLimit: 4000)
    let folder = try ScratchFolder()
    let file = try folder.write(history.rows, to: "rows.ndjson")
    let expected = try await bodies([file], settings(), Conditions())
    let options = options(folder, Conditions(laneCount: 2))
    var random = Seeded(seed)
    var processCount = 0
    var accepted = 0
    while true {
      processCount += 1
      let stop = StopSwitch()
      let stopAfter = 1 + random.below(6)
      let summary = try await importer(options, stop: stop) { progress in
        if case .sending(let delivery, _) = progress, delivery.acceptedBodyCount >= stopAfter { stop.stop() }
      }.run(try specification([file]), settings())
      #expect(summary.records.fates == summary.records.read)
      #expect(summary.records.accepted >= accepted)
      accepted = summary.records.accepted
      if summary.state == .complete { break }
      #expect(summary.exit == .stopped)
      #expect(processCount < 200)
    }
    #expect(processCount > 2)
    let status = try sandboxStatus(at: StateFolder.sandboxPath(options.state))
    #expect(status.bodies == expected.count)
    #expect(status.bytes == expected.reduce(0) { $0 + $1.count })
    #expect(status.distinctEvents == accepted)
    #expect(status.eventsInDifferentBodies == 0)
  }

  @Test("a new import first finishes the unfinished one, and neither filters itself")
  func newImportsFinishOldOnes() async throws {
    let folder = try ScratchFolder()
    let one = try folder.write(RandomHistory(seed: 41, visitors: 40, bodyLimit: 4000).rows, to: "one.ndjson")
    let two = try folder.write(RandomHistory(seed: 42, visitors: 40, bodyLimit: 4000).rows, to: "two.ndjson")
    let options = options(folder)
    let stop = StopSwitch()
    let stopped = try await importer(options, stop: stop) { if case .sending = $0 { stop.stop() } }
      .run(try specification([one]), settings())
    #expect(stopped.state == .incomplete)
    #expect(stopped.records.pending > 0)
    let second = try await importer(options).run(try specification([two]), settings())
    #expect(second.state == .complete)
    let first = try await importer(options).run(try specification([one]), settings())
    #expect(first.requestCount == 0)
    #expect(first.records.accepted == 0)
    let status = try sandboxStatus(at: StateFolder.sandboxPath(options.state))
    #expect(status.eventsInDifferentBodies == 0)
  }

  @Test("the same command after its input has grown sends what is new and nothing else")
  func grownInputs() async throws {
    let history = RandomHistory(seed: 51, visitors: 60, bodyLimit: 4000)
    let folder = try ScratchFolder()
    let file = try folder.write(history.rows[..<(history.rows.count / 2)], to: "rows.ndjson")
    let options = options(folder)
    let first = try await importer(options).run(try specification([file]), settings())
    #expect(first.state == .complete)
    _ = try folder.write(history.rows, to: "rows.ndjson")
    let second = try await importer(options).run(try specification([file]), settings())
    #expect(second.state == .complete)
    #expect(second.records.accepted > 0)
    let status = try sandboxStatus(at: StateFolder.sandboxPath(options.state))
    #expect(status.distinctEvents == first.records.accepted + second.records.accepted)
    #expect(status.eventsInDifferentBodies == 0)
  }

  @Test("resume finishes a run without its command, and says when there is none")
  func resumes() async throws {
    let folder = try ScratchFolder()
    let file = try folder.write(RandomHistory(seed: 61, visitors: 40, bodyLimit: 4000).rows, to: "rows.ndjson")
    let options = options(folder)
    #expect(try await importer(options).resume(nil, restaging: false) == nil)
    let stop = StopSwitch()
    _ = try await importer(options, stop: stop) { if case .sending = $0 { stop.stop() } }.run(try specification([file]), settings())
    try FileManager.default.removeItem(atPath: file)
    let summary = try #require(try await importer(options).resume(nil, restaging: false))
    #expect(summary.state == .complete)
    #expect(summary.records.fates == summary.records.read)
    #expect(try await importer(options).resume(nil, restaging: false) == nil)
  }

  @Test("the gate speaks before anything is sent, and the next command may pass it")
  func theGate() async throws {
    let folder = try ScratchFolder()
    let good = (0..<8).map { #"{"visitor_id":"v\#($0)","entity_id":"1","timestamp":1700000000000}"# }
    let file = try folder.write(good + ["{}", "{}"], to: "rows.ndjson")
    var options = options(folder)
    options.maxRejects = .count(1)
    options.allowedRejects = .count(0)
    let refused = try await importer(options).run(try specification([file]), settings())
    #expect(refused.state == .refused)
    #expect(refused.exit == .refused)
    #expect(refused.requestCount == 0)
    #expect(refused.records.fates == refused.records.read)
    options.maxRejects = .count(2)
    let complete = try await importer(options).run(try specification([file]), settings())
    #expect(complete.state == .complete)
    #expect(complete.exit == .tooManyRejects)
    #expect(complete.records.accepted == 8)
    options.allowedRejects = .percent(20)
    #expect(try await importer(options).run(try specification([file]), settings()).exit == .complete)
  }

  @Test("a run that was stopped while planning and is then refused does not keep its command from what the file holds by now")
  func refusedLater() async throws {
    let folder = try ScratchFolder()
    let good = (0..<80).map { #"{"visitor_id":"v\#($0)","entity_id":"1","timestamp":1700000000000}"# }
    let file = try folder.write(good + Array(repeating: "{}", count: 20), to: "rows.ndjson")
    var options = options(folder)
    options.maxRejects = .count(1)
    let stop = StopSwitch()
    let stopped = try await importer(options, stop: stop) { if case .planning = $0 { stop.stop() } }.run(
      try specification([file]), settings())
    #expect(stopped.state == .incomplete)
    // The same bytes are refused, and that is all.
    let refused = try await importer(options).run(try specification([file]), settings())
    #expect(refused.state == .refused && refused.run == stopped.run)

    let again = StopSwitch()
    _ = try await importer(options, stop: again) { if case .planning = $0 { again.stop() } }.run(try specification([file]), settings())
    _ = try folder.write(good, to: "rows.ndjson")
    let complete = try await importer(options).run(try specification([file]), settings())
    #expect(complete.state == .complete && complete.records.accepted == 80)
  }

  @Test("staging goes with its run, and of a link in its place nothing but the link")
  func stagingGoes() async throws {
    for isLinked in [false, true] {
      let stopped = try await StoppedRun(seed: 61, memoryBytes: 20_000)
      let elsewhere = stopped.folder.path + "/elsewhere"
      if isLinked {
        try FileManager.default.moveItem(atPath: stopped.staging, toPath: elsewhere)
        try FileManager.default.createSymbolicLink(atPath: stopped.staging, withDestinationPath: elsewhere)
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: stopped.staging).sorted()
      #expect(names.count > 3)
      #expect(try await stopped.resume().state == .complete)
      #expect(!FileManager.default.fileExists(atPath: stopped.staging))
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: stopped.options.state + "/runs/1").sorted() == [
          "rejects.ndjson", "summary.json",
        ])
      if isLinked { #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere).sorted() == names) }
    }
  }
}

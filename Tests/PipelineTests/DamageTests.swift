import Checkpointing
import Delivering
import Foundation
import Pipeline
import Reporting
import Sandbox
import Testing
import Vocabulary

@Suite("Staging that was damaged")
struct DamageTests {
  /// A run that was stopped while sending, with what it needs to go on.
  private struct Stopped {
    let folder: ScratchFolder
    let file: String
    let options: RunOptions
    let summary: RunSummary

    init(seed: Int) async throws {
      folder = try ScratchFolder()
      file = try folder.write(RandomHistory(seed: seed, visitors: 60, bodyLimit: 4000).rows, to: "rows.ndjson")
      options = PipelineTests.options(folder, Conditions(laneCount: 1))
      let stop = StopSwitch()
      summary = try await importer(options, stop: stop) { progress in
        if case .sending(let delivery, _) = progress, delivery.acceptedBodyCount > 1 { stop.stop() }
      }.run(try specification([file]), settings())
      try #require(summary.state == .incomplete && summary.records.pending > 0)
    }

    /// Changes a byte in every part of every staging file.
    func damage() throws {
      let staging = options.state + "/runs/1/staging"
      for name in try FileManager.default.contentsOfDirectory(atPath: staging) where name.hasSuffix(".records") {
        let url = URL(fileURLWithPath: staging + "/" + name)
        var bytes = try Data(contentsOf: url)
        for at in stride(from: 20, to: bytes.count, by: 50) { bytes[at] ^= 1 }
        try bytes.write(to: url)
      }
    }

    var notes: URL { URL(fileURLWithPath: options.state + "/runs/1/staging/order") }

    func resume(restaging: Bool = false) async throws -> RunSummary {
      try #require(try await importer(options).resume(nil, restaging: restaging))
    }

    func status() throws -> SandboxStatus { try sandboxStatus(at: StateFolder.sandboxPath(options.state)) }
  }

  @Test("it is staged again from unchanged inputs, and the same bodies go out", arguments: [71, 72])
  func mends(seed: Int) async throws {
    let stopped = try await Stopped(seed: seed)
    try stopped.damage()
    let summary = try await stopped.resume()
    #expect(summary.state == .complete, "\(summary.message ?? "")")
    #expect(summary.records.fates == summary.records.read)
    #expect(summary.bodyCount == stopped.summary.bodyCount)
    let status = try stopped.status()
    #expect(status.distinctEvents == summary.records.accepted)
    #expect(status.bodies == summary.bodyCount)
    #expect(status.eventsInDifferentBodies == 0)
  }

  @Test(
    "a note of the order that is damaged, cut short or gone changes no body",
    arguments: ["damaged", "short", "gone", "of another plan"])
  func notes(what: String) async throws {
    let stopped = try await Stopped(seed: 76)
    var bytes = try Data(contentsOf: stopped.notes)
    #expect(bytes.count > 500)
    switch what {
    case "damaged": for at in stride(from: 9, to: bytes.count - 200, by: 31) { bytes[at] ^= 1 }
    case "short": bytes.removeLast(9)
    case "of another plan":
      let other = try await Stopped(seed: 77)
      bytes = try Data(contentsOf: other.notes)
    default: break
    }
    if what == "gone" { try FileManager.default.removeItem(at: stopped.notes) } else { try bytes.write(to: stopped.notes) }
    // Nothing but staging may be read, which is enough.
    try FileManager.default.removeItem(atPath: stopped.file)
    let summary = try await stopped.resume()
    #expect(summary.state == .complete, "\(summary.message ?? "")")
    #expect(summary.bodyCount == stopped.summary.bodyCount)
    let status = try stopped.status()
    #expect(status.distinctEvents == summary.records.accepted)
    #expect(status.eventsInDifferentBodies == 0)
  }

  @Test("with its inputs gone it ends with 76, and what was accepted stays accepted")
  func inputsAreGone() async throws {
    let stopped = try await Stopped(seed: 73)
    try stopped.damage()
    try FileManager.default.removeItem(atPath: stopped.file)
    let summary = try await stopped.resume()
    #expect(summary.exit == .stagingDamaged)
    #expect(summary.records.accepted == stopped.summary.records.accepted)
    #expect(summary.message?.contains("--restage") == true)
  }

  @Test("with changed inputs it can be read anew on purpose: what was accepted is not sent again")
  func restaged() async throws {
    let stopped = try await Stopped(seed: 74)
    try stopped.damage()
    let more = #"{"record":"conversion","visitor_id":"new","entity_id":"1","timestamp":1700000000000}"#
    let text = try String(contentsOfFile: stopped.file, encoding: .utf8) + more + "\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: stopped.file))
    #expect(try await stopped.resume().exit == .stagingDamaged)
    let summary = try await stopped.resume(restaging: true)
    #expect(summary.state == .complete, "\(summary.message ?? "")")
    #expect(summary.records.fates == summary.records.read)
    #expect(summary.records.pending == 0)
    let status = try stopped.status()
    #expect(status.events == status.distinctEvents)
    #expect(status.distinctEvents == summary.records.accepted)
  }

  @Test("what was not sent can be given up; the ledger keeps what was accepted")
  func givenUp() async throws {
    let stopped = try await Stopped(seed: 75)
    do {
      let state = try StateFolder(stopped.options.state)
      let run = try #require(try state.checkpoint.latestRun()).id
      try state.forget(run, keepingAccepted: true, now: 0)
    }
    #expect(try await importer(stopped.options).resume(nil, restaging: false) == nil)
    let again = try await importer(stopped.options).run(try specification([stopped.file]), settings())
    #expect(again.records.alreadyAccepted == stopped.summary.records.accepted)
    #expect(try stopped.status().eventsInDifferentBodies == 0)
  }
}

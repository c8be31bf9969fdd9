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
  @Test("it is staged again from unchanged inputs, and the same bodies go out", arguments: [71, 72])
  func mends(seed: Int) async throws {
    let stopped = try await StoppedRun(seed: seed)
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
    let stopped = try await StoppedRun(seed: 76)
    var bytes = try Data(contentsOf: stopped.notes)
    #expect(bytes.count > 500)
    switch what {
    case "damaged": for at in stride(from: 9, to: bytes.count - 200, by: 31) { bytes[at] ^= 1 }
    case "short": bytes.removeLast(9)
    case "of another plan":
      let other = try await StoppedRun(seed: 77)
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
    let stopped = try await StoppedRun(seed: 73)
    try stopped.damage()
    try FileManager.default.removeItem(atPath: stopped.file)
    let summary = try await stopped.resume()
    #expect(summary.exit == .stagingDamaged)
    #expect(summary.records.accepted == stopped.summary.records.accepted)
    #expect(summary.message?.contains("--restage") == true)
  }

  @Test("with changed inputs it can be read anew on purpose: what was accepted is not sent again")
  func restaged() async throws {
    let stopped = try await StoppedRun(seed: 74)
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
    let stopped = try await StoppedRun(seed: 75)
    do {
      let state = try StateFolder(stopped.options.state)
      let run = try #require(try state.checkpoint.latestRun()).id
      let rejects = try Data(contentsOf: URL(fileURLWithPath: StateFolder.rejectsPath(state.path, run)))
      #expect(try FileManager.default.contentsOfDirectory(atPath: StateFolder.runFolder(state.path, run)).count > 1)
      try state.forget(run, keepingAccepted: true, now: 0)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: StateFolder.runFolder(state.path, run)) == ["rejects.ndjson"],
        "they are still to be mended")
      #expect(try Data(contentsOf: URL(fileURLWithPath: StateFolder.rejectsPath(state.path, run))) == rejects)
      _ = try RejectRows(state.checkpoint, run, state: state.path)
    }
    #expect(try await importer(stopped.options).resume(nil, restaging: false) == nil)
    let again = try await importer(stopped.options).run(try specification([stopped.file]), settings())
    #expect(again.records.alreadyAccepted == stopped.summary.records.accepted)
    #expect(try stopped.status().eventsInDifferentBodies == 0)
  }
}

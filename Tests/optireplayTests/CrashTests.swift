import Foundation
import Testing
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("A process that is killed", .serialized)
struct CrashTests {
  /// A history is imported anew, by a server and a state folder of its own, as soon as a run of it is complete. So every kill that counts found
  /// work to do, in whichever phase.
  @Test(
    "killed at fifty random moments of unfinished runs, imports complete with every event once and no event in two bodies", arguments: [1])
  func killedAtRandomMoments(seed: Int) throws {
    let folder = try ScratchFolder()
    let file = folder.path + "/rows.csv"
    let eventCount = try writeHistory(to: file, visitors: 500)
    let plan = try Program().run(command("plan", file, folder.path + "/plan")).json()
    // How long an import takes that nobody kills, on this machine as it is now.
    let whole = try KilledImports(folder.path + "/whole")
    let lifetime = try ContinuousClock().measure { try whole.complete(file, eventCount, plan) }
    let lifeMicroseconds = Int(lifetime / .microseconds(1))
    var random = Seeded(seed)
    var kills: [String: Int] = [:]
    var roundCount = 0
    // On a machine that is busy with other things one phase may be met less often.
    while roundCount < 100,
      kills.values.reduce(0, +) < 50 || kills["sending", default: 0] < 5 || kills["staging", default: 0] + kills["planning", default: 0] < 5
    {
      roundCount += 1
      let round = try KilledImports(folder.path + "/\(roundCount)")
      // The moment is what is tested, so it is a time and not an event. Later processes of a run live longer, so that it comes to its end.
      var windowMicroseconds = 0
      repeat { windowMicroseconds += lifeMicroseconds / 4 } while try round.isKilled(file, after: random.below(windowMicroseconds))
      try round.complete(file, eventCount, plan)
      kills.merge(round.kills, uniquingKeysWith: +)
    }
    #expect(kills.values.reduce(0, +) >= 50)
    #expect(roundCount * eventCount >= 20_000)
    #expect(Set(kills.keys).isSubset(of: ["staging", "planning", "sending"]))
    #expect(kills["staging", default: 0] + kills["planning", default: 0] >= 5, "\(kills)")
    #expect(kills["sending", default: 0] >= 5, "\(kills)")
  }

  /// One decision and four or five conversions a visitor. Returns how many rows there are.
  private func writeHistory(to path: String, visitors: Int) throws -> Int {
    var rows = ["record,visitor_id,campaign_id,experiment_id,variation_id,entity_id,key,timestamp,revenue"]
    for visitor in 0..<visitors {
      let time = 1_700_000_000_000 + visitor * 1000
      rows.append("decision,v\(visitor),1,2,\(visitor % 2),,,\(time),")
      for event in 0..<(4 + visitor % 2) { rows.append("conversion,v\(visitor),,,,9,buy,\(time + event),\(1000 + event * 100)") }
    }
    try Data(rows.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
    return rows.count - 1
  }
}

private func command(_ verb: String, _ file: String, _ state: String, _ more: [String] = []) -> [String] {
  [verb, file, "--account-id", "1", "--state", state, "--max-body-bytes", "4000", "--json"] + more
}

/// Imports of one history into a server that takes its time, one process after the other.
private final class KilledImports {
  /// How many processes were killed while their run was unfinished, by its phase.
  private(set) var kills: [String: Int] = [:]
  private let state: String
  private let sandbox: SandboxProcess

  init(_ folder: String) throws {
    state = folder + "/state"
    sandbox = try SandboxProcess(state: folder + "/server", ["--delay", "40"])
  }

  private func arguments(_ file: String) -> [String] { command("import", file, state, ["--endpoint", sandbox.address]) }

  /// Imports the file and kills the process at that moment. Returns whether there is more to do; false when it came to its end before.
  func isKilled(_ file: String, after microseconds: Int) throws -> Bool {
    let running = try Program().start(arguments(file))
    usleep(UInt32(microseconds))
    kill(running.process.processIdentifier, SIGKILL)
    let outcome = try Program().finish(running)
    guard outcome.status == SIGKILL else {
      #expect(outcome.exit == .complete, "\(outcome.errors)")
      return false
    }
    let status = try Program().run(["status", "--state", state])
    // Killed before it had a run, or the database for one, a process has not begun.
    guard status.output.hasPrefix("run ") else { return true }
    // "run 1  2026-11-28T06:47:39Z  sending  account 1  …"; a run is the only one until it is complete.
    let phase = try #require(status.output.split(separator: "\n").last?.split(separator: " ").dropFirst(3).first.map(String.init))
    if phase == "complete" { return false }
    kills[phase, default: 0] += 1
    return true
  }

  /// Imports the file to the end and compares all that the server got with what a run that nobody killed would send.
  func complete(_ file: String, _ eventCount: Int, _ plan: [String: Any]) throws {
    let summary = try Program().run(arguments(file)).json()
    let records = try #require(summary["records"] as? [String: Int])
    #expect(summary["state"] as? String == "complete")
    #expect(records["read"] == eventCount)
    #expect(try #require(records["accepted"]) + (try #require(records["already_accepted"])) == eventCount)
    let status = try sandbox.get("status.json")
    #expect(status["distinct_events"] as? Int == eventCount)
    #expect(status["events"] as? Int == eventCount)
    #expect(status["events_in_different_bodies"] as? Int == 0)
    #expect(status["conflicting_events"] as? Int == 0)
    #expect(status["bodies"] as? Int == (plan["bodies"] as? Int), "the bodies are those of a run that nobody killed")
    let expected = try #require(plan["expected"] as? [String: Any])
    #expect(NSDictionary(dictionary: try sandbox.get("results.json")) == NSDictionary(dictionary: expected))
  }
}

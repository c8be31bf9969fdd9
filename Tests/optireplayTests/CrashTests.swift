import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("A process that is killed", .serialized)
struct CrashTests {
  @Test("killed at fifty random moments, imports complete with every event once and no event in two bodies", arguments: [1])
  func killedAtRandomMoments(seed: Int) throws {
    var random = Seeded(seed)
    var killCount = 0
    // What is complete has nothing left to lose: the next kills are of another import.
    while killCount < 50 { killCount += try killedUntilComplete(50 - killCount, &random) }
    #expect(killCount == 50)
  }

  /// Kills an import up to so many times, until it is complete, and looks at what the server was sent. Returns how many kills there were.
  private func killedUntilComplete(_ most: Int, _ random: inout Seeded) throws -> Int {
    let folder = try ScratchFolder()
    let file = folder.path + "/rows.csv"
    let eventCount = try writeHistory(to: file, visitors: 4000)
    #expect(eventCount >= 20_000)
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--delay", "20"])
    let command = [
      "import", file, "--account-id", "1", "--endpoint", sandbox.address, "--state", folder.path + "/state", "--max-body-bytes", "4000",
      "--json",
    ]
    var killCount = 0
    while killCount < most {
      let running = try Program().start(command)
      // The moment is what is tested, so it is a time and not an event: up to 0.9 s, from reading to the middle of sending.
      usleep(UInt32(random.below(900_000)))
      kill(running.process.processIdentifier, SIGKILL)
      let outcome = try Program().finish(running)
      guard outcome.status == SIGKILL else {
        #expect(outcome.status == 0)
        break
      }
      killCount += 1
    }
    let summary = try Program().run(command).json()
    let records = try #require(summary["records"] as? [String: Int])
    #expect(summary["state"] as? String == "complete")
    #expect(records["read"] == eventCount)
    #expect(try #require(records["accepted"]) + (try #require(records["already_accepted"])) == eventCount)
    let status = try sandbox.get("status.json")
    #expect(status["distinct_events"] as? Int == eventCount)
    #expect(status["events"] as? Int == eventCount)
    #expect(status["events_in_different_bodies"] as? Int == 0)
    #expect(status["conflicting_events"] as? Int == 0)

    let plan = try Program().run([
      "plan", file, "--account-id", "1", "--state", folder.path + "/other", "--max-body-bytes", "4000", "--json",
    ])
    #expect(status["bodies"] as? Int == (try plan.json()["bodies"] as? Int), "the bodies are those of a run that nobody killed")
    let results = try sandbox.get("results.json")
    let expected = try #require(try plan.json()["expected"] as? [String: Any])
    #expect(NSDictionary(dictionary: results) == NSDictionary(dictionary: expected))
    return killCount
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

import Foundation
import Testing
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The state folder as people meet it: verified, explained, copied, and fed from a pipe that broke.
@Suite("The state folder")
struct StateTests {
  private func rows(_ prefix: String, _ count: Int) -> String {
    "visitor_id,entity_id,timestamp\n" + (0..<count).map { "\(prefix)\($0),9,1700000000000\n" }.joined()
  }

  /// A run that ended with 75 after everything was staged and planned.
  private func stopped(_ folder: ScratchFolder) throws -> String {
    let file = try folder.write(rows("v", 500), to: "rows.csv")
    let outcome = try Program().run([
      "import", file, "--account-id", "1", "--state", folder.path + "/state", "--endpoint", "http://127.0.0.1:1/v1/events", "--retry-for",
      "0s",
    ])
    #expect(outcome.exit == .stopped, "\(outcome.errors)")
    return file
  }

  private func flip(_ path: String, at place: (Int) -> Int) throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[place(bytes.count)] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
  }

  @Test("verify exits with 0 when all is well, 74 for damage that the inputs mend, 76 when they are gone, and says how to go on")
  func verifies() throws {
    let folder = try ScratchFolder()
    let file = try stopped(folder)
    let command = ["verify", "--state", folder.path + "/state"]
    let sound = try Program().run(command)
    #expect(sound.exit == .complete)
    #expect(sound.output.contains("built again from staging") && sound.output.contains("nothing is damaged"))
    let staging = folder.path + "/state/runs/1/staging"
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: staging).first { $0.hasSuffix(".records") })
    try flip(staging + "/" + name) { $0 / 2 }
    let mendable = try Program().run(command)
    #expect(mendable.exit == .diskTrouble)
    #expect(mendable.output.contains("stages them again by itself"))
    try FileManager.default.removeItem(atPath: file)
    let lost = try Program().run(command + ["--json"])
    #expect(lost.exit == .stagingDamaged)
    let damage = try #require(try lost.json()["damage"] as? [[String: Any]])
    #expect(damage.count == 1)
    #expect(damage[0]["part"] as? String == "staging")
    #expect((damage[0]["way_on"] as? String)?.contains("--restage") == true)
    try flip(folder.path + "/state/checkpoint.sqlite") { _ in 20 }
    let database = try Program().run(command + ["--json"])
    #expect(database.exit == .diskTrouble)
    #expect(try database.json()["exit"] as? Int == 74)
    #expect(try Program().run(["verify", "7", "--state", folder.path + "/state"]).exit != .complete)
  }

  @Test("verify changes nothing, not even the folder's list of names")
  func verifyLeavesNoTrace() throws {
    let folder = try ScratchFolder()
    _ = try stopped(folder)
    let before = try names(folder.path + "/state")
    #expect(try Program().run(["verify", "--state", folder.path + "/state"]).exit == .complete)
    #expect(try Program().run(["explain", "v1", "--state", folder.path + "/state"]).exit == .complete)
    #expect(try names(folder.path + "/state") == before)
  }

  private func names(_ folder: String) throws -> [String: Date] {
    var found: [String: Date] = [:]
    for name in try #require(FileManager.default.enumerator(atPath: folder)).compactMap({ $0 as? String }) {
      found[name] = try FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.modificationDate] as? Date
    }
    return found
  }

  @Test("explain prints one JSON object, and exits with 64 for what nobody knows")
  func explains() throws {
    let folder = try ScratchFolder()
    _ = try stopped(folder)
    let state = ["--state", folder.path + "/state"]
    let outcome = try Program().run(["explain", "v7", "--json"] + state)
    #expect(outcome.exit == .complete)
    let told = try outcome.json()
    #expect(told["as"] as? String == "visitor")
    let events = try #require(told["events"] as? [[String: Any]])
    #expect(events.count == 1)
    #expect(events[0]["fate"] as? String == "pending")
    #expect((events[0]["row"] as? [String: Any])?["line"] as? Int == 9)
    #expect(try Program().run(["explain", "nobody"] + state).exit == .usage)
    #expect(try Program().run(["explain", "rows.csv:9999"] + state).exit == .usage)
    #expect(try Program().run(["explain", "x", "--state", folder.path + "/none"]).exit == .usage)
  }

  @Test("standard input that was staged is finished from staging, and then the next night's is taken")
  func standardInputStaged() throws {
    let folder = try ScratchFolder()
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--fault", "503@first:1"])
    let command = [
      "import", "-", "--account-id", "1", "--state", folder.path + "/state", "--endpoint", sandbox.address, "--retry-for", "0s", "--json",
    ]
    #expect(try Program().run(command, input: rows("one-", 40)).exit == .stopped)
    let second = try Program().run(command, input: rows("two-", 30))
    #expect(second.exit == .complete, "\(second.errors)")
    #expect((try second.json()["records"] as? [String: Int])?["accepted"] == 30)
    let status = try sandbox.get("status.json")
    #expect(status["distinct_events"] as? Int == 70)
    #expect(status["events"] as? Int == 70)
  }

  @Test("an unfinished run is finished though nothing matches the next night's pattern, which then ends with 66")
  func noMatchNextNight() throws {
    let folder = try ScratchFolder()
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--fault", "503@first:1"])
    let first = try folder.write(rows("one-", 40), to: "night-1.csv")
    let flags = ["--account-id", "1", "--state", folder.path + "/state", "--endpoint", sandbox.address, "--retry-for", "0s", "--json"]
    #expect(try Program().run(["import", first] + flags).exit == .stopped)
    let second = try Program().run(["import", folder.path + "/night-2*.csv"] + flags)
    #expect(second.exit == .inputUnreadable)
    #expect(second.errors.contains("no file matches it as a pattern"))
    #expect(try sandbox.get("status.json")["distinct_events"] as? Int == 40)
  }

  @Test("standard input that broke off with its reader is forgotten, and the next run reads its own afresh")
  func standardInputKilled() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Program.path)
    process.arguments = ["import", "-", "--account-id", "1", "--state", state, "--quiet"]
    let pipe = Pipe()
    process.standardInput = pipe
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    try pipe.fileHandleForWriting.write(contentsOf: Data(rows("lost-", 20).utf8))
    // It has begun to read when its staging folder is there.
    while !FileManager.default.fileExists(atPath: state + "/runs/1/staging"), process.isRunning { usleep(2000) }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let next = try Program().run(["import", "-", "--account-id", "1", "--state", state, "--json"], input: rows("kept-", 12))
    #expect(next.exit == .complete, "\(next.errors)")
    #expect((try next.json()["records"] as? [String: Int])?["accepted"] == 12)
    #expect(try Program().run(["verify", "--state", state]).exit == .complete)
  }

  @Test("a killed owner, or a lock file that names a living process, holds nobody up")
  func locks() throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows("v", 500), to: "rows.csv")
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--delay", "20"])
    let command = [
      "import", file, "--account-id", "1", "--state", folder.path + "/state", "--endpoint", sandbox.address, "--max-body-bytes", "2000",
      "--concurrency", "1",
    ]
    let owner = try Program().start(command)
    while try sandbox.get("status.json")["bodies"] as? Int ?? 0 < 1 { usleep(5000) }
    let verified = try Program().run(["verify", "--state", folder.path + "/state"])
    #expect(verified.exit == .complete, "\(verified.output)")
    #expect(verified.output.contains("another process is writing"))
    kill(owner.process.processIdentifier, SIGKILL)
    _ = try Program().finish(owner)
    // The number of the killed process may be another's by now: here it is this one's.
    try folder.write("\(getpid())", to: "state/lock")
    let next = try Program().run(command)
    #expect(next.exit == .complete, "\(next.errors)")
    #expect(try sandbox.get("status.json")["events_in_different_bodies"] as? Int == 0)
  }
}

import Foundation
import Testing
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Watching a run") struct WatchTests {
  private let folder: ScratchFolder
  private var state: [String] { ["--state", folder.path + "/state"] }

  init() throws { folder = try ScratchFolder() }

  private func rows(_ count: Int) throws -> String {
    try folder.write("visitor_id,entity_id,timestamp\n" + (0..<count).map { "v\($0),9,1700000000000\n" }.joined(), to: "rows.csv")
  }

  /// An import that takes some seconds, and is at work.
  private func importing(_ sandbox: SandboxProcess) throws -> (running: Program.Running, command: [String]) {
    let command = [
      "import", try rows(1000), "--account-id", "1", "--endpoint", sandbox.address, "--max-body-bytes", "3000", "--concurrency", "1",
    ]
    let running = try Program().start(command + state)
    while !FileManager.default.fileExists(atPath: folder.path + "/state/runs/1/progress.json"), running.process.isRunning { usleep(5000) }
    return (running, command + state)
  }

  private func objects(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
  }

  @Test("shows the same as the run's own terminal, an object a line, and ends with the run and its status")
  func watches() throws {
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--delay", "60"])
    let (running, _) = try importing(sandbox)
    let watched = try Program().run(["status", "--watch", "--json"] + state)
    let outcome = try Program().finish(running)
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    #expect(watched.exit == .complete, "\(watched.errors)")
    let lines = try objects(watched.output)
    #expect(lines.count >= 2, "\(watched.output)")
    #expect(lines.last?["state"] as? String == "ended" && lines.last?["phase"] as? String == "complete")
    let progress = lines.dropLast().compactMap { $0["progress"] as? [String: Any] }
    #expect(progress.count == lines.count - 1)
    let done = progress.filter { $0["phase"] as? String == "sending" }.compactMap { $0["done"] as? Int }
    #expect(done == done.sorted() && progress.last?["total"] as? Int == 1000, "\(progress)")
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/state/runs/1/progress.json"))
  }

  @Test("says when the run's process was killed, then what to do, and exits with 75; the same when it is asked later")
  func killed() throws {
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--delay", "60"])
    let (running, command) = try importing(sandbox)
    let watching = try Program().start(["status", "--watch"] + state)
    usleep(100_000)
    kill(running.process.processIdentifier, SIGKILL)
    _ = try Program().finish(running)
    for watched in [try Program().finish(watching), try Program().run(["status", "--watch", "1"] + state)] {
      #expect(watched.exit == .stopped, "\(watched.output)\(watched.errors)")
      #expect(watched.output.contains("nobody works on it: its process was killed; the same command again"), "\(watched.output)")
    }
    sandbox.signal(SIGCONT)
    let again = try Program().run(command)
    #expect(again.exit == .complete, "\(again.errors)")
    let ended = try Program().run(["status", "--watch"] + state)
    #expect(ended.exit == .complete && ended.output == "run 1: complete; nobody works on it any more\n", "\(ended.output)")
  }

  @Test("ends at once with what the last process ended with when nobody is at work")
  func ended() throws {
    let none = try Program().run(["status", "--watch"] + state)
    #expect(none.exit == .complete && none.output.contains("nothing was imported"))
    let bad = try folder.write("visitor_id,entity_id,timestamp\nv1,9,1700000000000\nv2,9,17\n", to: "bad.csv")
    let importing = ["import", bad, "--account-id", "1"] + state
    #expect(try Program().run(importing).exit == .refused)
    #expect(try Program().run(["status", "--watch"] + state).exit == .refused)
    #expect(try Program().run(importing + ["--max-rejects", "1"]).exit == .tooManyRejects)
    let told = try Program().run(["status", "--watch", "--json"] + state)
    #expect(told.exit == .tooManyRejects)
    #expect(try objects(told.output).first?["exit"] as? Int == 1)
    #expect(try Program().run(["status", "--watch", "9"] + state).exit != .complete)
  }

  @Test("an outage's run is told as one that nobody works on, with 75")
  func stopped() throws {
    let flags = ["--endpoint", "http://127.0.0.1:1/v1/events", "--retry-for", "0s"]
    #expect(try Program().run(["import", try rows(5), "--account-id", "1"] + flags + state).exit == .stopped)
    let watched = try Program().run(["status", "--watch"] + state)
    #expect(watched.exit == .stopped && watched.output.contains("nobody works on it; the same command again"), "\(watched.output)")
  }
}

import Foundation
import Testing
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Whether this machine lets a test make a disk of its own and freeze it.
private let canFreeze: Bool = {
  guard geteuid() == 0,
    let outcome = try? shell(
      """
      cd "$(mktemp -d)" && mkdir disk && truncate -s 16M image && mkfs.ext4 -q image && mount -o loop image disk || exit 1
      fsfreeze -f disk && fsfreeze -u disk && umount disk && rm -r "$PWD"
      """)
  else { return false }
  return outcome.status == 0
}()

/// Real pipes, processes and sockets that stand still. Limits are a second, and nothing depends on how exactly they are kept.
@Suite("Nothing hangs", .timeLimit(.minutes(5)))
struct NeverHangTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private let good = "visitor_id,entity_id,key,timestamp\nv1,9,buy,1700000010000\n"

  private func rows(_ count: Int) -> String {
    (0..<count).reduce(into: "visitor_id,entity_id,key,timestamp\n") { $0 += "visitor-\($1),9,buy,17000000\(10_000 + $1)\n" }
  }

  private func command(_ input: String, _ flags: [String] = []) -> [String] {
    ["import", input, "--account-id", "1", "--state", folder.path + "/state", "--json"] + flags
  }

  private func namedPipe() throws -> String {
    let path = folder.path + "/pipe"
    try #require(unsafe mkfifo(path, 0o600) == 0)
    return path
  }

  @Test("a pipe in the place of a file of the state folder ends every command at once", arguments: ["lock", "checkpoint.sqlite"])
  func pipeInStateFolder(name: String) throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    try #require(unsafe mkfifo("\(state)/\(name)", 0o600) == 0)
    try Data("visitor_id,entity_id,timestamp\n".utf8).write(to: URL(fileURLWithPath: folder.path + "/rows.csv"))
    for command in [["import", folder.path + "/rows.csv", "--account-id", "1"], ["status"], ["verify"]] {
      // Who only reads has nothing to read without a checkpoint.
      if name == "lock", command.count == 1 { continue }
      let outcome = try Program(folder: folder.path).run(command + ["--state", state])
      #expect(outcome.exit == .diskTrouble && (outcome.output + outcome.errors).contains("a pipe"), "\(command): \(outcome.errors)")
    }
  }

  @Test("a pipe that nobody writes to ends with 75 after the stall limit, and the same command goes on when somebody does")
  func unopenedPipe() throws {
    let path = try namedPipe()
    let stalled = try Program().run(command(path, ["--stall-timeout", "1s", "--preset", "native"]))
    #expect(stalled.exit == .stopped, "\(stalled.errors)")
    #expect(stalled.errors.contains("pipe: not a byte came for 1 s"))
    #expect(stalled.errors.contains("--stall-timeout"))
    let running = try Program().start(command(path, ["--stall-timeout", "1h"]))
    try Data(good.utf8).write(to: URL(fileURLWithPath: path), options: [])
    let outcome = try Program().finish(running)
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    #expect((try outcome.json()["records"] as? [String: Int])?["accepted"] == 1)
  }

  @Test(
    "standard input that falls silent ends with 75, whether packed or not, and so does check", arguments: ["import", "check", "packed"])
  func silentInput(what: String) throws {
    // Open for reading too, so that its end never comes.
    let writer = try FileHandle(forUpdating: URL(fileURLWithPath: try namedPipe()))
    // The beginning of what gzip writes, or of rows.
    try writer.write(contentsOf: what == "packed" ? Data([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]) : Data(good.utf8))
    var program = Program()
    program.environment["OPTIREPLAY_STALL_TIMEOUT"] = "1s"
    let arguments = what == "check" ? ["check"] + command("-").dropFirst() : command("-")
    let outcome = try program.finish(try program.start(arguments, from: writer))
    #expect(outcome.exit == .stopped, "\(outcome.errors)")
    #expect(outcome.errors.contains("standard input: not a byte came for 1 s"))
  }

  @Test("a run that waits for a pipe is stopped in good order by a signal and by its time limit", arguments: [true, false])
  func stoppedWhileWaiting(bySignal: Bool) throws {
    let path = try namedPipe()
    let running = try Program().start(command(path, bySignal ? [] : ["--time-limit", "1s"]))
    if bySignal {
      // Until it has taken the state folder, after which it minds signals.
      while !FileManager.default.fileExists(atPath: folder.path + "/state/runs/1/staging/0.records") { usleep(5000) }
      kill(running.process.processIdentifier, SIGTERM)
    }
    let outcome = try Program().finish(running)
    #expect(outcome.exit == .stopped, "\(outcome.errors)")
    #expect(outcome.errors.contains("stopped \(bySignal ? "on request" : "after 1 s (--time-limit)") while reading"), "\(outcome.errors)")
  }

  @Test("the time limit stops sending with 75, and the same command goes on")
  func timeLimit() throws {
    let file = try folder.write(rows(300), to: "rows.csv")
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--delay", "200"])
    let flags = ["--endpoint", sandbox.address, "--max-body-bytes", "2000", "--concurrency", "1"]
    let stopped = try Program().run(command(file, flags + ["--time-limit", "2s"]))
    #expect(stopped.exit == .stopped, "\(stopped.errors)")
    #expect(stopped.errors.contains("stopped after 2 s (--time-limit)"))
    let fates = try #require(try stopped.json()["records"] as? [String: Int])
    #expect(fates["pending"] ?? 0 > 0)
    let resumed = try Program().run(command(file, Array(flags.dropLast(2)) + ["--concurrency", "16"]))
    #expect(resumed.exit == .complete, "\(resumed.errors)")
    let status = try sandbox.get("status.json")
    #expect(status["events"] as? Int == 300 && status["distinct_events"] as? Int == 300)
  }

  @Test("a server that stands still ends with 75 by the limits of requests, and the same command goes on when it answers")
  func stalledServer() throws {
    let file = try folder.write(rows(3), to: "rows.csv")
    let sandbox = try SandboxProcess(state: folder.path + "/server")
    sandbox.signal(SIGSTOP)
    let flags = ["--endpoint", sandbox.address]
    let stopped = try Program().run(command(file, flags + ["--request-timeout", "1s", "--retry-for", "0s"]))
    sandbox.signal(SIGCONT)
    #expect(stopped.exit == .stopped, "\(stopped.errors)")
    #expect(stopped.errors.contains("not a byte of an answer for 500 ms"), "\(stopped.errors)")
    let resumed = try Program().run(command(file, flags))
    #expect(resumed.exit == .complete, "\(resumed.errors)")
    #expect(try sandbox.get("status.json")["distinct_events"] as? Int == 3)
  }

  @Test("a run that is itself stopped for longer than its limits goes on to its end")
  func stoppedProcess() throws {
    let file = try folder.write(rows(300), to: "rows.csv")
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--delay", "100"])
    let flags = [
      "--endpoint", sandbox.address, "--max-body-bytes", "2000", "--concurrency", "2", "--request-timeout", "1s", "--stall-timeout", "1s",
      "--retry-for", "4s",
    ]
    let running = try Program().start(command(file, flags))
    while try sandbox.get("status.json")["bodies"] as? Int ?? 0 < 3 { usleep(5000) }
    kill(running.process.processIdentifier, SIGSTOP)
    sleep(3)
    kill(running.process.processIdentifier, SIGCONT)
    let outcome = try Program().finish(running)
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    let status = try sandbox.get("status.json")
    #expect(status["distinct_events"] as? Int == 300 && status["events_in_different_bodies"] as? Int == 0)
  }

  @Test(
    "a disk that stands still ends with 74 and is named, and the same command goes on",
    .enabled(if: canFreeze, "no disk can be frozen here"))
  func frozenDisk() throws {
    let file = try folder.write(rows(300), to: "rows.csv")
    let again = "\(Program.path) import \(file) --account-id 1 --state disk/state"
    // Who waits for a frozen disk can end only when it is thawed.
    let outcome = try shell(
      """
      cd \(folder.path) && mkdir disk && truncate -s 64M image && mkfs.ext4 -q image && mount -o loop image disk || exit 99
      : >errors
      fsfreeze -f disk
      \(again) --stall-timeout 1s >/dev/null 2>errors & run=$!
      for i in $(seq 600); do grep -q 'nothing has moved' errors && break; sleep 0.1; done
      fsfreeze -u disk; wait $run; first=$?
      \(again) --json --quiet
      echo "$first $?" >&2; cat errors >&2
      """)
    #expect(outcome.errors.hasPrefix("74 0\n"), "\(outcome.errors)")
    #expect(outcome.errors.contains("waiting for the disk under"))
    #expect((try outcome.json()["records"] as? [String: Int])?["accepted"] == 300)
  }

  @Test("the lanes that were found are in the result, and a number fixes them", arguments: [nil, "auto", "3"])
  func lanes(concurrency: String?) throws {
    let file = try folder.write(rows(600), to: "rows.csv")
    let sandbox = try SandboxProcess(state: folder.path + "/server")
    let flags = ["--endpoint", sandbox.address, "--max-body-bytes", "1500"] + (concurrency.map { ["--concurrency", $0] } ?? [])
    let outcome = try Program().run(command(file, flags))
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    let lanes = try #require(try outcome.json()["lanes"] as? Int)
    if concurrency == "3" { #expect(lanes == 3) } else { #expect((1...16).contains(lanes)) }
    // A run that sends nothing has found none.
    #expect(try Program().run(command(file, flags)).json()["lanes"] == nil)
  }

  @Test(
    "what is no limit is said, on the command line and in a configuration",
    arguments: [
      ("concurrency", "0"), ("concurrency", "65"), ("concurrency", "many"), ("time-limit", "0"), ("time-limit", "soon"),
      ("request-timeout", "0"), ("request-timeout", "2h"), ("stall-timeout", "-1"),
    ])
  func wrongLimits(flag: String, value: String) throws {
    let file = try folder.write(good, to: "rows.csv")
    let outcome = try Program().run(command(file, ["--\(flag)=\(value)"]))
    #expect(outcome.exit == .usage, "\(outcome.errors)")
    #expect(outcome.errors.contains("--\(flag)"))
    let key = flag.replacing("-", with: "_")
    let config = try folder.write("account_id: 1\n\(key): \(value)\ninputs: [{files: rows.csv}]\n", to: "import.yaml")
    let configured = try Program().run(["plan", "--config", config, "--state", folder.path + "/state"])
    // plan sends nothing, and so does not ask how.
    let isOfSending = flag == "concurrency" || flag == "request-timeout"
    #expect(configured.exit == (isOfSending ? .complete : value == "0" ? .usage : .configuration), "\(configured.errors)")
  }

  @Test("limits may be keys of a configuration, and its schema knows them")
  func configured() throws {
    try folder.write(good, to: "rows.csv")
    let config = try folder.write(
      """
      account_id: 1
      concurrency: auto
      request_timeout: 30s
      time_limit: 1h
      stall_timeout: 0
      inputs: [{files: rows.csv}]
      """, to: "import.yaml")
    let outcome = try Program().run(["import", "--config", config, "--state", folder.path + "/state"])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    let schema = try Program().run(["init", "--schema"]).output
    for key in ["concurrency", "request_timeout", "time_limit", "stall_timeout"] { #expect(schema.contains("\"\(key)\"")) }
  }
}

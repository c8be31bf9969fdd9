import Foundation
import Testing
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Whether this machine lets a test mount a small disk of its own.
private let canMount: Bool = {
  guard geteuid() == 0,
    let outcome = try? shell("mkdir -p /tmp/probe.$$ && mount -t tmpfs -o size=64k none /tmp/probe.$$ && rmdir /tmp/probe.$$ || true")
  else {
    return false
  }
  return outcome.status == 0 && !outcome.errors.contains("mount:")
}()

/// Runs a script in a mount namespace of its own, so that what it mounts is gone when it ends.
func shell(_ script: String) throws -> Program.Outcome {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = ["unshare", "-m", "sh", "-c", script]
  let base = FileManager.default.temporaryDirectory.appendingPathComponent("optireplay-\(UUID().uuidString)")
  let output = base.appendingPathExtension("out")
  let errors = base.appendingPathExtension("err")
  for url in [output, errors] { _ = FileManager.default.createFile(atPath: url.path, contents: nil) }
  process.standardOutput = try FileHandle(forWritingTo: output)
  process.standardError = try FileHandle(forWritingTo: errors)
  process.standardInput = FileHandle.nullDevice
  try process.run()
  return try Program().finish(Program.Running(process: process, output: output, errors: errors))
}

@Suite("Bad luck")
struct BadLuckTests {
  private func rows(_ count: Int) -> String {
    (0..<count).reduce(into: "visitor_id,entity_id,key,timestamp\n") { $0 += "visitor-\($1),9,buy,17000000\(10_000 + $1)\n" }
  }

  private func command(_ file: String, _ folder: ScratchFolder, _ endpoint: String, _ flags: [String] = []) -> [String] {
    ["import", file, "--account-id", "1", "--state", folder.path + "/state", "--endpoint", endpoint, "--json", "--max-body-bytes", "2000"]
      + flags
  }

  private func records(_ outcome: Program.Outcome) throws -> [String: Int] {
    try #require(try outcome.json()["records"] as? [String: Int])
  }

  @Test("an endpoint that is down ends with 75 when the patience ends, resumable")
  func endpointIsDown() throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(3), to: "rows.csv")
    let outcome = try Program().run(command(file, folder, "http://127.0.0.1:1/v1/events", ["--retry-for", "0s"]))
    #expect(outcome.exit == .stopped, "\(outcome.errors)")
    #expect(outcome.errors.contains("connection refused"))
    #expect(try outcome.json()["state"] as? String == "incomplete")
    #expect(try records(outcome)["pending"] == 3)
  }

  @Test(
    "answers of servers that are no Event API for us end with 69",
    arguments: ["login-page", "200", "401", "403", "404", "302"])
  func strangers(fault: String) throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(3), to: "rows.csv")
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--fault", fault])
    let outcome = try Program().run(command(file, folder, sandbox.address))
    #expect(outcome.exit == .notAnEventAPI, "\(outcome.errors)")
    #expect(outcome.errors.contains("check --endpoint") || outcome.errors.contains("--endpoint"))
    #expect(try records(outcome)["accepted"] == 0)
  }

  @Test("a refused body ends with 78 and the server's words, resumable", arguments: ["400", "413"])
  func refusedBodies(fault: String) throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(30), to: "rows.csv")
    let state = folder.path + "/server"
    do {
      let sandbox = try SandboxProcess(state: state, ["--fault", fault])
      let outcome = try Program().run(command(file, folder, sandbox.address, ["--concurrency", "1"]))
      #expect(outcome.exit == .configuration)
      #expect(outcome.errors.contains("refused body 1 with \(fault)"), "\(outcome.errors)")
    }
    #expect(try Program().run(["status", "--state", folder.path + "/state"]).output.contains("sending"))
  }

  @Test(
    "trouble that heals is tried again until every event is there once",
    arguments: ["503@first:2", "429@every:4", "drop-before@every:5", "drop-after@every:3"])
  func troubleHeals(fault: String) throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(60), to: "rows.csv")
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--fault", fault, "--retry-after", "0"])
    let outcome = try Program().run(command(file, folder, sandbox.address, ["--concurrency", "2"]))
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    #expect(try outcome.json()["retries"] as? Int != 0)
    let status = try sandbox.get("status.json")
    #expect(status["distinct_events"] as? Int == 60)
    #expect(status["events_in_different_bodies"] as? Int == 0)
  }

  @Test("signals stop a run in good order with 75, and resume finishes it", arguments: [SIGTERM, SIGINT, SIGHUP])
  func signals(signal: Int32) throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(2000), to: "rows.csv")
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--delay", "10"])
    let running = try Program().start(command(file, folder, sandbox.address, ["--concurrency", "1"]))
    // Until the first bodies are there.
    while try sandbox.get("status.json")["bodies"] as? Int ?? 0 < 3 { usleep(5000) }
    kill(running.process.processIdentifier, signal)
    let outcome = try Program().finish(running)
    #expect(outcome.exit == .stopped, "\(outcome.errors)")
    let stopped = try records(outcome)
    #expect(try #require(stopped["accepted"]) > 0)
    #expect(try #require(stopped["pending"]) > 0)
    #expect(stopped.filter { $0.key != "read" }.values.reduce(0, +) == stopped["read"])
    let resumed = try Program().run(["resume", "--state", folder.path + "/state", "--json"])
    #expect(resumed.exit == .complete, "\(resumed.errors)")
    #expect(try records(resumed)["accepted"] == 2000)
    let status = try sandbox.get("status.json")
    #expect(status["events"] as? Int == 2000)
  }

  @Test("a second process is turned away with 73 while the first works")
  func oneWriter() throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(500), to: "rows.csv")
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--delay", "20"])
    let first = try Program().start(command(file, folder, sandbox.address, ["--concurrency", "1"]))
    while try sandbox.get("status.json")["bodies"] as? Int ?? 0 < 1 { usleep(5000) }
    let second = try Program().run(command(file, folder, sandbox.address))
    #expect(second.exit == .locked, "\(second.errors)")
    #expect(second.errors.contains("process \(first.process.processIdentifier)"))
    #expect(try Program().run(["status", "--state", folder.path + "/state"]).output.contains("run 1"))
    kill(first.process.processIdentifier, SIGKILL)
    _ = try Program().finish(first)
  }

  @Test("a full disk ends with 74 and the same command goes on when there is room", .enabled(if: canMount, "no disks can be mounted here"))
  func fullDisk() throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(30_000), to: "rows.csv")
    let program = Program.path
    let outcome = try shell(
      """
      mkdir \(folder.path)/small && mount -t tmpfs -o size=3m none \(folder.path)/small || exit 99
      \(program) import \(file) --account-id 1 --state \(folder.path)/small/state --quiet >/dev/null; first=$?
      mount -o remount,size=100m \(folder.path)/small || exit 98
      \(program) import \(file) --account-id 1 --state \(folder.path)/small/state --json --quiet
      echo "$first $?" >&2
      """)
    #expect(outcome.errors.hasSuffix("74 0\n"), "\(outcome.errors)")
    #expect(outcome.errors.contains("free some space"))
    #expect(try records(outcome)["accepted"] == 30_000)
  }

  @Test("a read-only state folder ends with 74", .enabled(if: canMount, "no disks can be mounted here"))
  func readOnlyState() throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(3), to: "rows.csv")
    let outcome = try shell(
      """
      mkdir \(folder.path)/disk && mount -t tmpfs -o size=3m,ro none \(folder.path)/disk || exit 99
      exec \(Program.path) import \(file) --account-id 1 --state \(folder.path)/disk/state
      """)
    #expect(outcome.exit == .diskTrouble, "\(outcome.errors)")
    #expect(outcome.errors.contains("--state"))
  }
}

import Foundation
import Testing
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `report` as people use it, for runs in every state.
@Suite("A run's report, from the program")
struct ReportTests {
  private func decisions(_ count: Int) -> String {
    "visitor_id,campaign_id,experiment_id,variation_id,timestamp\n"
      + (0..<count).map { "v\($0),20001,30001,\(40001 + $0 % 2),\(1_714_600_000_000 + $0 * 3_600_000)\n" }.joined()
  }

  private func report(_ state: String, _ arguments: [String] = []) throws -> [String: Any] {
    let outcome = try Program().run(["report"] + arguments + ["--state", state, "--json"])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    return try outcome.json()
  }

  private func number(_ report: [String: Any], _ place: String...) throws -> Int {
    var value: Any = report
    for name in place { value = try #require((value as? [String: Any])?[name], "\(place)") }
    return try #require(value as? Int)
  }

  /// The fates add up to the records read, and so do the places on the axis of time and the answers.
  private func addUp(_ report: [String: Any]) throws {
    let records = try #require(report["records"] as? [String: Int])
    let read = records["read"]
    #expect(records.filter { $0.key != "read" }.values.reduce(0, +) == read)
    if let times = report["event_times"] as? [String: Any] {
      let pieces = try #require(times["pieces"] as? [[String: Any]])
      func sum(_ name: String) -> Int { pieces.reduce(0) { $0 + ($1[name] as? Int ?? 0) } }
      #expect(sum("read") + (times["undated"] as? Int ?? -1) == read)
      #expect(sum("already_accepted") == records["already_accepted"])
      if report["state"] as? String != "planned" { #expect(sum("accepted") == records["accepted"]) }
    }
    let answers = try #require(report["answers"] as? [[String: Any]])
    #expect(answers.reduce(0) { $0 + ($1["requests"] as? Int ?? 0) } == report["requests"] as? Int)
    let inputs = try #require(report["inputs"] as? [[String: Any]])
    #expect(inputs.reduce(0) { $0 + ($1["records"] as? Int ?? 0) } == read)
    if let sending = report["sending"] as? [String: Any] {
      let pieces = try #require(sending["pieces"] as? [[String: Any]])
      #expect(pieces.reduce(0) { $0 + ($1["events"] as? Int ?? 0) } == records["accepted"])
    }
  }

  @Test("of a complete run tells rejects, retries by their cause, latency, throughput, and digests; the numbers add up")
  func complete() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--fault", "503@every:3", "--retry-after", "0"])
    let file = try folder.write(decisions(400) + "bad,20001,30001,40001,1714600000\n", to: "decisions.csv")
    let run = try Program().run([
      "import", "--account-id", "1", file, "--endpoint", sandbox.address, "--state", state, "--max-body-bytes", "9000",
    ])
    #expect(run.exit == .tooManyRejects, "\(run.errors)")
    let told = try report(state)
    try addUp(told)
    let answers = try #require(told["answers"] as? [[String: Any]])
    #expect(Set(answers.compactMap { $0["answer"] as? String }) == ["204", "503"])
    #expect(try number(told, "latency_ms", "receipts") == number(told, "bodies"))
    // Each request stands once in time: accepted or failed.
    let failed = try number(told, "requests") - number(told, "bodies")
    #expect(try failed > 0 && number(told, "failed_latency_ms", "requests") == failed)
    let pieces = try #require((told["sending"] as? [String: Any])?["pieces"] as? [[String: Any]])
    func sum(_ name: String) -> Int { pieces.reduce(0) { $0 + ($1[name] as? Int ?? -1) } }
    #expect(try sum("failed_requests") == failed && sum("accepted_requests") == number(told, "bodies"))
    #expect((told["unknown"] as? [Any])?.isEmpty == true, "\(told["unknown"] ?? "")")
    #expect(try number(told, "exit") == 1 && told["resume"] == nil && told["state"] as? String == "complete")
    let rejected = try #require(told["rejected"] as? [[String: Any]])
    let sample = try #require((rejected.first?["samples"] as? [[String: Any]])?.first)
    #expect(sample["line"] as? Int == 402 && sample["row"] as? String == "bad,20001,30001,40001,1714600000")
    #expect((rejected.first?["remedy"] as? String)?.contains("epoch_seconds") == true)
    let digest = try #require((told["inputs"] as? [[String: Any]])?.first?["digest"] as? String)
    #expect(digest.count == 32 && digest.allSatisfy(\.isHexDigit))
    let quiet = try report(state, ["1", "--no-rows"])
    #expect(!"\(quiet)".contains("bad,20001"))
    // The same command again: everything was accepted before.
    _ = try Program().run(["import", "--account-id", "1", file, "--endpoint", sandbox.address, "--state", state, "--no-strict"])
    try addUp(try report(state))
  }

  @Test("of a run that stopped has the command that goes on, and of a run that went on has all of it")
  func incomplete() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/it's the state"
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--fault", "403@3-3"])
    let file = try folder.write(decisions(300), to: "decisions.csv")
    let stopped = try Program().run([
      "import", "--account-id", "1", file, "--endpoint", sandbox.address, "--state", state, "--max-body-bytes", "9000", "--concurrency",
      "1",
    ])
    #expect(stopped.exit == .notAnEventAPI, "\(stopped.errors)")
    let told = try report(state)
    try addUp(told)
    #expect(try number(told, "records", "pending") > 0 && number(told, "records", "accepted") > 0)
    #expect(try number(told, "failed_latency_ms", "requests") == 1 && (told["unknown"] as? [Any])?.isEmpty == true)
    #expect(try number(told, "exit") == 69 && (told["message"] as? String)?.contains("answered 403") == true)
    let resume = try #require(told["resume"] as? String)
    #expect(resume == "optireplay resume 1 --state '\(folder.path)/it'\\''s the state'")
    #expect(try Program().run(["resume", "1", "--state", state]).exit == .complete)
    let whole = try report(state)
    try addUp(whole)
    #expect(try number(whole, "records", "accepted") == 300 && whole["resume"] == nil && whole["message"] == nil)
  }

  @Test("of a refused run, of a plan, and of a forgotten run")
  func otherStates() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    let bad = try folder.write("visitor_id,entity_id,timestamp\nv,9,1\nw,9,1714600000000\n", to: "bad.csv")
    #expect(try Program().run(["import", "--account-id", "1", bad, "--state", state]).exit == .refused)
    let refused = try report(state)
    try addUp(refused)
    #expect(refused["state"] as? String == "refused" && (refused["message"] as? String)?.contains("--max-rejects") == true)
    #expect(try number(refused, "exit") == 65 && refused["resume"] == nil)

    let good = try folder.write(decisions(20), to: "good.csv")
    #expect(try Program().run(["plan", "--account-id", "1", good, "--state", state]).exit == .complete)
    let planned = try report(state, ["plan"])
    try addUp(planned)
    #expect(planned["state"] as? String == "planned" && planned["run"] as? String == "plan")
    #expect(try number(planned, "records", "pending") == 20 && number(planned, "exit") == 0)
    #expect(try report(state)["run"] as? String == "1", "the plan is no run")

    #expect(try Program().run(["import", "--account-id", "1", good, "--state", state]).exit == .complete)
    #expect(try Program().run(["forget", "2", "--yes", "--state", state]).exit == .complete)
    let forgotten = try report(state, ["2"])
    #expect(forgotten["phase"] as? String == "forgotten")
    #expect((forgotten["unknown"] as? [[String: String]])?.contains { $0["fact"] == "body_sizes" } == true)
  }

  @Test("while an import waits for its input, takes no lock and leaves no trace")
  func atWork() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    let pipe = Pipe()
    let running = try Program().start(["import", "--account-id", "1", "-", "--state", state], from: pipe.fileHandleForReading)
    pipe.fileHandleForWriting.write(Data(decisions(3).utf8))
    // The run is there soon after the process is.
    while try Program().run(["report", "--json", "--state", state]).exit != .complete, running.process.isRunning { usleep(20_000) }
    let told = try report(state)
    #expect(told["at_work"] as? Bool == true && told["phase"] as? String == "staging" && told["resume"] == nil)
    try pipe.fileHandleForWriting.close()
    #expect(try Program().finish(running).exit == .complete)
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: state).sorted() }
    let before = try names()
    #expect(try report(state)["at_work"] as? Bool == false)
    #expect(try names() == before)
  }

  @Test("shows the configuration without secrets: no values of the environment, no user, password or query")
  func secrets() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    try folder.write("customer,kind,at\nanna,sale,1714600000000\n", to: "rows.csv")
    let config = try folder.write(
      """
      account_id: "${ACCOUNT}"
      client_name: "${WHOSE:-nobody}/x"
      inputs:
        - files: rows.csv
          record: conversion
          fields:
            visitor_id: {sha256: customer, salt: "${SALT}"}
            entity_id: {from: kind, lookup: {sale: "id-${TOKEN}-1"}}
            key: {const: "${TOKEN}"}
            timestamp: at

      """, to: "c.yaml")
    let sandbox = try SandboxProcess(state: folder.path + "/server")
    let secret = sandbox.address.replacing("http://", with: "http://user:hunter2@") + "?key=hunter2"
    var program = Program()
    program.environment = [
      "ACCOUNT": "77001", "SALT": "pepper-in-the-environment", "TOKEN": "token-in-the-environment", "WHOSE": "mine",
      "HTTPS_PROXY": "http://user:hunter2@proxy.example:1",
    ]
    let run = try program.run(["import", "--config", config, "--endpoint", secret, "--state", state])
    #expect(run.exit == .complete, "\(run.errors)")
    let page = folder.path + "/r.html"
    let outcome = try Program().run(["report", "--state", state, "--json", "--html", page])
    let shown = try String(contentsOfFile: page, encoding: .utf8)
    for word in ["hunter2", "in-the-environment", "proxy.example"] {
      #expect(!outcome.output.contains(word) && !shown.contains(word), "\(word)")
    }
    let configuration = try #require(try outcome.json()["configuration"] as? String)
    for line in [
      "account_id: \"${ACCOUNT}\"", "client_name: \"${WHOSE}/x\"", "salt: \"${SALT}\"", "lookup: {sale: \"id-${TOKEN}-1\"}",
      "key: {const: \"${TOKEN}\"}",
    ] { #expect(configuration.contains(line), "\(line) in\n\(configuration)") }
  }

  @Test("a wrong question is answered with 64, and a page that has no place with 74")
  func wrong() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    #expect(try Program().run(["report", "--json", "--state", state]).exit == .usage)
    #expect(
      try Program().run(["import", "--account-id", "1", try folder.write(decisions(2), to: "d.csv"), "--state", state]).exit == .complete)
    let bare = try Program().run(["report", "--state", state])
    #expect(bare.exit == .usage && bare.errors.contains("--html FILE"))
    #expect(try Program().run(["report", "x", "--json", "--state", state]).exit == .usage)
    #expect(try Program().run(["report", "9", "--json", "--state", state]).exit != .complete)
    #expect(try Program().run(["report", "plan", "--json", "--state", state]).exit == .usage)
    let nowhere = try Program().run(["report", "--html", folder.path + "/none/r.html", "--state", state])
    #expect(nowhere.exit == .diskTrouble && nowhere.errors.contains("name another with --html"))
    #expect(try Program().run(["report", "--help"]).output.contains("--no-rows"))
  }

  @Test(
    "a browser finds no fault with the page, however hostile the rows are, and its numbers are those of the JSON",
    .enabled(if: PageLooker.hasBrowser, "needs chromium and python3"))
  func inBrowser() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    let long = String(repeating: "w", count: 10_000)
    let hostile = ["<script>alert(1)</script>", "\\\"><img src=x onerror=alert(2)>", "\\u202eright\\u200f to left", "\\u0007bell", long]
    var lines: [String] = []
    for (at, name) in hostile.enumerated() {
      // No attribute of a page can hold a control character, by which results are compared.
      let id = name.replacing("\\u0007", with: "")
      for arm in 1...2 {
        lines.append(
          "{\"record\":\"decision\",\"visitor_id\":\"\(name)\(arm)\",\"campaign_id\":\"\(id)\",\"experiment_id\":\"\(id)\","
            + "\"variation_id\":\"\(arm)\(id)\",\"timestamp\":\(1_714_600_000_000 + at * 86_400_000)}")
      }
      lines.append(
        "{\"record\":\"conversion\",\"visitor_id\":\"\(name)1\",\"entity_id\":\"\(id)\",\"key\":\"\(id)\",\"timestamp\":1714700000000}")
      lines.append("{\"record\":\"conversion\",\"visitor_id\":\"\(name)1\",\"entity_id\":\"\(name)\",\"timestamp\":\"\(name)\"}")
      lines.append("{\"\(name)\":")
    }
    let file = try folder.write(lines.joined(separator: "\n") + "\n", to: "<b>&\u{202e}'rows'.ndjson")
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--fault", "503@first:1", "--retry-after", "0"])
    let run = try Program().run([
      "import", "--account-id", "<i>1", file, "--endpoint", sandbox.address, "--state", state, "--max-rejects", "100%", "--max-body-bytes",
      "90000",
    ])
    #expect(run.exit == .tooManyRejects, "\(run.errors)")
    let page = folder.path + "/report.html"
    let outcome = try Program().run(["report", "--state", state, "--html", page, "--json"])
    let expected = try JSONSerialization.data(withJSONObject: try #require(try outcome.json()["expected"]))
    let found = try PageLooker.look([
      page, "--facts", try folder.write(outcome.output, to: "report.json"), "--results", try folder.write(expected, to: "expected.json"),
    ])
    #expect(found.status == 0, "\(found.text)")
    // What the page leaves out or says wrong is found.
    let text = try String(contentsOfFile: page, encoding: .utf8).replacing(
      "http-equiv=\"Content-Security-Policy\"", with: "name=\"policy\"")
    for (sound, faulty, told) in [
      ("data-fact=\"records.accepted\" value=\"", "data-fact=\"records.accepted\" value=\"1", "records.accepted is"),
      ("data-fact=\"inputs.0.bytes\"", "data-fact=\"inputs.7.bytes\"", "inputs.0.bytes"),
      ("role=\"img\"", "role=\"picture\"", "says nothing"),
      ("<summary>", "<summary><img src=\"http://127.0.0.1:9/\" alt=\"x\">", "console"),
    ] {
      #expect(text.contains(sound))
      let changed = try folder.write(text.replacing(sound, with: faulty), to: "faulty.html")
      let fault = try PageLooker.look([changed, "--facts", folder.path + "/report.json"])
      #expect(fault.status == 1 && fault.text.contains(told), "\(told): \(fault.text.prefix(500))")
    }
  }
}

/// `Scripts/page`, where there is a browser for it.
enum PageLooker {
  static let hasBrowser =
    has(["chromium", "chromium-browser", "chromium-headless-shell", "google-chrome"]) && has(["python3"])

  private static func has(_ programs: [String]) -> Bool {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    return programs.contains { name in folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") } }
  }

  static func look(_ arguments: [String]) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = Program.root.appendingPathComponent("Scripts/page")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }
}

import Foundation
import Testing
import Vocabulary

private let hasPython: Bool = {
  let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
  return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/python3") }
}()

/// The program at a terminal of its own, with a server of its own in the vendor's place: `Tests/Terminal/terminal.py`.
@Suite("At a terminal", .enabled(if: hasPython, "python3 is not installed"))
struct TerminalTests {
  private static let question = "Type yes to send it"

  private let folder: ScratchFolder
  private var state: [String] { ["--state", folder.path + "/state"] }

  init() throws { folder = try ScratchFolder() }

  private func rows(_ count: Int, to name: String = "rows.csv") throws -> String {
    try folder.write("visitor_id,entity_id,timestamp\n" + (0..<count).map { "v\($0),9,1700000000000\n" }.joined(), to: name)
  }

  /// What the terminal showed, and the exit status.
  private func terminal(
    _ options: [String], _ command: [String], environment: [String: String] = [:]
  ) throws -> (exit: Vocabulary.ExitStatus?, shown: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["python3", Program.root.appendingPathComponent("Tests/Terminal/terminal.py").path] + options + ["--", Program.path] + command
    var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("OPTIREPLAY_") }
    for (name, value) in environment { variables[name] = value }
    process.environment = variables
    process.standardInput = FileHandle.nullDevice
    let output = URL(fileURLWithPath: folder.path + "/shown")
    try Data().write(to: output)
    process.standardOutput = try FileHandle(forWritingTo: output)
    try process.run()
    process.waitUntilExit()
    let shown = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    return (Vocabulary.ExitStatus(rawValue: process.terminationStatus), shown)
  }

  private func toVendor(_ file: String, _ endpoint: String = "us") -> [String] {
    ["import", file, "--account-id", "12345", "--endpoint", endpoint, "--retry-for", "0s"] + state
  }

  @Test(
    "before an account's first import to us or eu somebody is asked, after everything was judged, and yes sends it",
    arguments: ["us", "eu"])
  func yes(endpoint: String) throws {
    let file = try rows(300)
    let first = try terminal(["--vendor", "--say", Self.question, " YES \\n"], toVendor(file, endpoint))
    #expect(first.exit == .complete, "\(first.shown)")
    for words in [
      "first import of account 12345 to \(endpoint) (https://\(endpoint == "eu" ? "eu." : "")logx.optimizely.com/v1/events)",
      "0 decisions and 300 conversions of 300 visitors", "Nothing of it can be undone", "count towards its bill", Self.question,
      "vendor: 1 bodies for",
    ] { #expect(first.shown.contains(words), "\(words)\n\(first.shown)") }
    let readme = try String(contentsOf: Program.root.appendingPathComponent("README.md"), encoding: .utf8)
    let lines = first.shown.replacing("\r\n", with: "\n").replacing(Self.question + ":", with: Self.question + ":\n").split(separator: "\n")
    for line in lines.map({ ($0.split(separator: "\u{1b}[J").last ?? "").replacing("\r", with: "") }) {
      let isTold = line.hasPrefix("Nothing of it") || line.hasPrefix(Self.question) || line.hasPrefix("This is the first import")
      if isTold, endpoint == "us" { #expect(readme.contains("\n\(line)\n"), "\(line)") }
    }
    // Nor again, with other rows.
    let second = try terminal(["--vendor"], toVendor(try rows(400), endpoint))
    #expect(
      second.exit == .complete && !second.shown.contains(Self.question) && second.shown.contains("vendor: 1 bodies"), "\(second.shown)")
  }

  @Test(
    "whatever is not yes sends nothing, leaves a run to be resumed, and ends with 75: no, y, nothing, Ctrl-D, Ctrl-C",
    arguments: ["no\\n", "y\\n", "\\n", "\\x04", "\\x03", "yes please\\n"])
  func no(answer: String) throws {
    let file = try rows(20)
    for command in [toVendor(file), toVendor(file), ["resume"] + state] {
      let asked = try terminal(["--vendor", "--say", Self.question, answer], command)
      #expect(asked.exit == .stopped && asked.shown.contains("vendor: 0 bodies"), "\(asked.shown)")
      #expect(asked.shown.contains("`optireplay resume 1`, asks again, with --yes it does not ask"), "\(asked.shown)")
    }
    let resumed = try terminal(["--vendor"], ["resume", "--yes"] + state)
    #expect(resumed.exit == .complete && !resumed.shown.contains(Self.question) && resumed.shown.contains("vendor: 1 bodies"))
  }

  @Test("--yes, its variable and its key of a configuration send without asking")
  func assumed() throws {
    let file = try rows(20)
    let config = try folder.write("account_id: 12345\nendpoint: us\nyes: true\ninputs: [{files: rows.csv}]\n", to: "import.yaml")
    for (number, (command, variables)) in [
      (toVendor(file) + ["--yes"], [:]), (toVendor(file), ["OPTIREPLAY_YES": "1"]), (["import", "--config", config] + state, [:]),
    ].enumerated() {
      try? FileManager.default.removeItem(atPath: folder.path + "/state")
      let sent = try terminal(["--vendor"], command, environment: variables)
      #expect(sent.exit == .complete && sent.shown.contains("vendor: 1 bodies"), "\(number): \(sent.shown)")
      #expect(!sent.shown.contains(Self.question))
    }
  }

  @Test("when standard input is the data, the answer comes from the terminal and never from the data")
  func dataOnStandardInput() throws {
    let file = try rows(20)
    let said = try terminal(["--vendor", "--input", file, "--say", Self.question, "yes\\n"], toVendor("-"))
    #expect(
      said.exit == .complete && said.shown.contains("300 conversions") == false && said.shown.contains("20 accepted"), "\(said.shown)")
    let silent = try terminal(["--vendor", "--input", file, "--errors", folder.path + "/errors"], toVendor("-"))
    // Standard input and error are files: as under cron nobody is asked, and this account has sent before.
    #expect(silent.exit == .complete, "\(silent.shown)")
  }

  @Test("where there is a terminal but none to ask at, nothing is sent, and it is said what to do")
  func nobodyToAsk() throws {
    let file = try rows(20)
    let asked = try terminal(["--vendor", "--detached"], toVendor(file))
    #expect(asked.exit == .stopped && asked.shown.contains("vendor: 0 bodies"), "\(asked.shown)")
    #expect(asked.shown.contains("nobody can be asked") && asked.shown.contains("--yes"), "\(asked.shown)")
  }

  @Test("without a terminal, as under cron, nobody is asked; a rehearsal and a server of one's own are never asked for")
  func unasked() throws {
    let file = try rows(20)
    let cron = try terminal(
      ["--vendor", "--input", "/dev/null", "--errors", folder.path + "/errors"], toVendor(file))
    #expect(cron.exit == .complete && cron.shown.contains("vendor: 1 bodies"), "\(cron.shown)")
    let errors = try String(contentsOfFile: folder.path + "/errors", encoding: .utf8)
    #expect(!errors.contains("\u{1b}") && !errors.contains("\r"), "\(errors)")
    let rehearsal = try terminal([], ["import", file, "--account-id", "12345"] + state)
    #expect(rehearsal.exit == .complete && !rehearsal.shown.contains(Self.question))
    let sandbox = try SandboxProcess(state: folder.path + "/server")
    let own = try terminal([], toVendor(file, sandbox.address))
    #expect(own.exit == .complete && !own.shown.contains(Self.question), "\(own.shown)")
  }

  /// What a screen of so many columns shows in the end, and the most columns that a drawn line took.
  private func lines(_ shown: String) -> [String] {
    shown.replacing("\r\n", with: "\n").split(separator: "\n").map { line in
      // What is drawn last in a line is what stays.
      line.split(separator: "\u{1b}[J").last.map { String($0).replacing("\r", with: "") } ?? ""
    }
  }

  @Test("each phase has a line that stays and fits, whatever the width", arguments: [40, 80, 200])
  func phases(columns: Int) throws {
    let file = try rows(3000)
    let shown = try terminal(["--columns", "\(columns)"], ["import", file, "--account-id", "1", "--max-body-bytes", "5000"] + state).shown
    let lines = lines(shown)
    for phase in ["reading  3,000 rows", "planning  3,000 records", "sending  3,000 accepted"] {
      #expect(lines.contains { $0.hasPrefix(phase) }, "\(lines)")
    }
    // Nothing but erasing to the end of the screen is asked of the terminal, so nothing is to be restored.
    for part in shown.split(separator: "\u{1b}").dropFirst() { #expect(part.hasPrefix("[J")) }
    for drawn in shown.split(separator: "\u{1b}[J") {
      if let line = drawn.split(separator: "\r").last, line.contains("  [") { #expect(line.count < columns, "\(line)") }
    }
  }

  @Test("a dumb terminal, and --quiet, get no line that is drawn over", arguments: ["dumb", "xterm"])
  func plain(kind: String) throws {
    let file = try rows(300)
    let command = ["import", file, "--account-id", "1"] + state + (kind == "dumb" ? [] : ["--quiet"])
    let shown = try terminal([], command, environment: ["AS_TERM": kind])
    #expect(shown.exit == .complete && !shown.shown.contains("\u{1b}"), "\(shown.shown)")
    if kind != "dumb" { #expect(shown.shown.hasPrefix("run 1: complete"), "\(shown.shown)") }
  }

  @Test("a terminal that is made narrower while something is drawn, and Ctrl-C then, leave an end that can be read")
  func narrower() throws {
    let file = try rows(3000)
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--delay", "50"])
    let shown = try terminal(
      ["--columns", "120", "--narrow", "sending  [", "40", "--say", "in flight", "\\x03"],
      ["import", file, "--account-id", "1", "--max-body-bytes", "3000", "--concurrency", "1", "--endpoint", sandbox.address] + state)
    #expect(shown.exit == .stopped, "\(shown.shown)")
    #expect(shown.shown.contains("SIGINT: stopping in good order"))
    #expect(lines(shown.shown).contains { $0.contains("run the same command again to go on") }, "\(shown.shown)")
  }
}

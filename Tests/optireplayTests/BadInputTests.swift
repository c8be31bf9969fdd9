import Foundation
import Testing
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Bad input")
struct BadInputTests {
  private static let header = "visitor_id,entity_id,key,timestamp\n"
  private static let good = "v1,9,buy,1700000000000\n"

  /// Imports one file of these bytes as a rehearsal.
  private func rehearse(_ bytes: Data, name: String = "rows.csv", _ flags: [String] = []) throws -> Program.Outcome {
    let folder = try ScratchFolder()
    let file = try folder.write(bytes, to: name)
    return try Program().run(["import", file, "--account-id", "1", "--state", folder.path + "/state", "--json"] + flags)
  }

  private func rehearse(_ text: String, name: String = "rows.csv", _ flags: [String] = []) throws -> Program.Outcome {
    try rehearse(Data(text.utf8), name: name, flags)
  }

  private func rejects(_ outcome: Program.Outcome) throws -> [String: Int] {
    try #require(try outcome.json()["rejects"] as? [String: Int])
  }

  private func accepted(_ outcome: Program.Outcome) throws -> Int? {
    (try outcome.json()["records"] as? [String: Int])?["accepted"]
  }

  private func findings(_ outcome: Program.Outcome) throws -> [String] {
    (try outcome.json()["findings"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
  }

  @Test("a missing file ends with 66 and its path")
  func missingFile() throws {
    let folder = try ScratchFolder()
    let outcome = try Program().run(["import", folder.path + "/none.csv", "--account-id", "1", "--state", folder.path + "/state"])
    #expect(outcome.exit == .inputUnreadable)
    #expect(outcome.errors.contains("none.csv: cannot open it: no such file"))
  }

  @Test("a packed file is imported as the plain one; one that ends in the middle ends with 66 and nothing sent")
  func packedFile() throws {
    let folder = try ScratchFolder()
    let rows = (0..<3_000).map { "v\($0),9,buy,\(1_700_000_000_000 + $0)\n" }.joined()
    let plain = try folder.write(BadInputTests.header + rows, to: "rows.csv")
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    gzip.arguments = ["gzip", "-k", plain]
    try gzip.run()
    gzip.waitUntilExit()
    try #require(gzip.terminationStatus == 0)
    let packed = try Data(contentsOf: URL(fileURLWithPath: plain + ".gz"))
    let whole = try rehearse(packed, name: "rows.csv.gz")
    #expect(whole.exit == .complete, "\(whole.errors)")
    #expect(try accepted(whole) == 3_000)
    let cut = try rehearse(packed.dropLast(100), name: "rows.csv.gz")
    #expect(cut.exit == .inputUnreadable)
    #expect(cut.errors.contains("rows.csv.gz: packed byte \(packed.count - 100): it ends in the middle, so rows are missing"))
    #expect(!cut.output.contains("accepted"))
  }

  @Test("a pattern without a match ends with 66")
  func patternWithoutMatch() throws {
    let folder = try ScratchFolder()
    let outcome = try Program().run(["import", folder.path + "/*.csv", "--account-id", "1", "--state", folder.path + "/state"])
    #expect(outcome.exit == .inputUnreadable)
    #expect(outcome.errors.contains("\(folder.path)/*.csv: cannot open it: no such file or directory, and no file matches it as a pattern"))
  }

  @Test("what a pattern matches lies in its folder: a link that leads out of it ends with 66, one within does not")
  func patternWithLink() throws {
    let folder = try ScratchFolder()
    let rows = "visitor_id,entity_id,timestamp\nv,1,1700000000000\n"
    try FileManager.default.createDirectory(atPath: folder.path + "/exports/old", withIntermediateDirectories: true)
    try Data(rows.utf8).write(to: URL(fileURLWithPath: folder.path + "/exports/old/1.csv"))
    try Data(rows.utf8).write(to: URL(fileURLWithPath: folder.path + "/secret"))
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/exports/latest.csv", withDestinationPath: "old/1.csv")
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/current", withDestinationPath: "exports")
    func run(_ name: String) throws -> Program.Outcome {
      try Program().run(["import", folder.path + "/" + name, "--account-id", "1", "--state", folder.path + "/state"])
    }
    for name in ["exports/*.csv", "current/*.csv", "exp*/*.csv"] { #expect(try run(name).exit == .complete) }
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/exports/z.csv", withDestinationPath: folder.path + "/secret")
    let refused = try run("exports/*.csv")
    #expect(refused.exit == .inputUnreadable)
    #expect(refused.errors.contains("exports/z.csv matches the pattern") && refused.errors.contains("leads out of its folder"))
    // Named by itself it is meant.
    #expect(try run("exports/z.csv").exit == .complete)
  }

  @Test("a folder ends with 66 and a hint")
  func folder() throws {
    let folder = try ScratchFolder()
    let outcome = try Program().run(["import", folder.path, "--account-id", "1", "--state", folder.path + "/state"])
    #expect(outcome.exit == .inputUnreadable)
    #expect(outcome.errors.contains("it is a folder; name the files in it"))
  }

  @Test("an unreadable file ends with 66", .enabled(if: geteuid() != 0, "root may read everything"))
  func unreadableFile() throws {
    let folder = try ScratchFolder()
    let file = try folder.write(BadInputTests.header, to: "rows.csv")
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: file)
    let outcome = try Program().run(["import", file, "--account-id", "1", "--state", folder.path + "/state"])
    #expect(outcome.exit == .inputUnreadable)
  }

  @Test("an empty file and a header without rows are complete, with a finding", arguments: ["", "\n", header, "\u{feff}" + header])
  func emptyFiles(text: String) throws {
    let outcome = try rehearse(text)
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    #expect(try findings(outcome) == ["empty-input"])
    #expect(try accepted(outcome) == 0)
  }

  @Test("a wrong delimiter is refused with the likely one", arguments: [(";", "';'"), ("\t", "a tab"), ("|", "'|'")])
  func wrongDelimiter(delimiter: String, name: String) throws {
    let text = (BadInputTests.header + BadInputTests.good).replacing(",", with: delimiter)
    let outcome = try rehearse(text)
    #expect(outcome.exit == .refused)
    #expect(outcome.errors.contains(name), "\(outcome.errors)")
    let right = try rehearse(text, name: "rows.csv", ["--delimiter", delimiter == "\t" ? "tab" : delimiter])
    #expect(try accepted(right) == 1)
  }

  @Test(
    "a binary file ends with 66", arguments: [Data([0x1f, 0x8b, 8, 0, 0, 0]), Data([0x50, 0x4b, 3, 4, 20, 0]), Data([1, 0, 2, 0, 3])])
  func binaryFile(bytes: Data) throws {
    let outcome = try rehearse(bytes + Data(repeating: 0, count: 100))
    #expect(outcome.exit == .inputUnreadable, "\(outcome.errors)")
  }

  @Test("Latin-1 bytes are a reject, and the other rows are accepted")
  func latin1() throws {
    let row = Data("v\u{e9}".unicodeScalars.map { UInt8($0.value) }) + Data(",9,buy,1700000000000\n".utf8)
    let outcome = try rehearse(Data((BadInputTests.header + BadInputTests.good).utf8) + row, ["--max-rejects", "1"])
    #expect(outcome.exit == .tooManyRejects)
    #expect(try rejects(outcome) == ["not-utf8": 1])
    #expect(try accepted(outcome) == 1)
  }

  @Test("a quote that never closes is a reject, and the other rows are accepted")
  func openQuote() throws {
    let text = BadInputTests.header + "v0,9,\"buy,1700000000000\n" + BadInputTests.good + "v2,9,buy,1700000000000\n"
    let outcome = try rehearse(text, ["--max-rejects", "1"])
    #expect(outcome.exit == .tooManyRejects)
    #expect(try rejects(outcome) == ["bad-quote": 1])
    #expect(try accepted(outcome) == 2)
  }

  @Test("a line of 100 MB is a reject, and the other rows are accepted")
  func hugeLine() throws {
    var bytes = Data((BadInputTests.header + BadInputTests.good).utf8)
    bytes.append(Data(repeating: 0x61, count: 100_000_000))
    bytes.append(Data(("\n" + BadInputTests.good.replacing("v1", with: "v2")).utf8))
    let outcome = try rehearse(bytes, ["--max-rejects", "1", "--memory", "32MB"])
    #expect(outcome.exit == .tooManyRejects, "\(outcome.errors)")
    #expect(try rejects(outcome) == ["row-too-long": 1])
    #expect(try accepted(outcome) == 2)
  }

  @Test("unknown columns are ignored and said once")
  func unknownColumns() throws {
    let outcome = try rehearse("visitor_id,entity_id,timestamp,colour\nv1,9,1700000000000,crimson\nv2,9,1700000000000,blue\n")
    #expect(outcome.exit == .complete)
    #expect(try findings(outcome).contains("unknown-column"))
    #expect(outcome.output.contains("colour"))
    #expect(!outcome.output.contains("crimson"))
  }

  @Test("a missing required column is refused before reading on, with the closest one")
  func missingColumn() throws {
    let outcome = try rehearse("visitor_id,entity_id,time_stamp\nv1,9,1700000000000\n")
    #expect(outcome.exit == .refused)
    #expect(outcome.errors.contains("the column timestamp is missing"))
    #expect(outcome.errors.contains("the closest column is time_stamp"))
  }

  @Test("the wrong kind of a file is refused, and nothing is sent")
  func wrongKind() throws {
    let folder = try ScratchFolder()
    let file = try folder.write(BadInputTests.header + BadInputTests.good, to: "rows.csv")
    let outcome = try Program().run(["import", "--decisions", file, "--account-id", "1", "--state", folder.path + "/state"])
    #expect(outcome.exit == .refused)
    #expect(outcome.errors.contains("campaign_id"))
  }

  @Test("a column that is there twice is refused by its name")
  func doubledColumn() throws {
    let outcome = try rehearse("visitor_id,entity_id,timestamp,timestamp\nv1,9,1700000000000,1\n")
    #expect(outcome.exit == .refused)
    #expect(outcome.errors.contains("timestamp"))
  }

  @Test("standard input is read like a file")
  func standardInput() throws {
    let folder = try ScratchFolder()
    let outcome = try Program().run(
      ["import", "-", "--account-id", "1", "--state", folder.path + "/state", "--json"],
      input: BadInputTests.header + BadInputTests.good)
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    #expect(try accepted(outcome) == 1)
  }

  @Test("rejects come back as rows that can be corrected and imported", arguments: ["csv", "ndjson"])
  func rejectsComeBack(format: String) throws {
    let folder = try ScratchFolder()
    let file = try folder.write(
      "visitor_id,entity_id,timestamp,tags.colour\nv1,9,1700000000000,crimson\n\"v,2\",9,170000000,blue\nv3,9\n", to: "rows.csv")
    let state = folder.path + "/state"
    let outcome = try Program().run(["import", file, "--account-id", "1", "--state", state, "--json", "--max-rejects", "2"])
    #expect(try rejects(outcome) == ["timestamp-unit": 1, "ragged-row": 1])
    let rows = try Program().run(["rejects", "--format", format, "--state", state, "--quiet"])
    #expect(rows.status == 0, "\(rows.errors)")
    let corrected = try folder.write(rows.output.replacing("170000000", with: "1700000000001"), to: "corrected.\(format)")
    let again = try Program().run(["import", corrected, "--account-id", "1", "--state", state, "--json", "--max-rejects", "2"])
    #expect(try accepted(again) == 1, "\(rows.output) \(again.output)")
    #expect(try rejects(again) == ["missing-field": 1])
    #expect(try !findings(again).contains("unknown-column"))
  }
}

@Suite("A command that went wrong")
struct WrongCommandTests {
  private let good = "visitor_id,entity_id,timestamp\nv1,9,1700000000000\n"

  @Test("a mistyped command begins no run, so that the right one is not held up", arguments: ["none.csv", "columns.csv", "delimiter.csv"])
  func mistyped(name: String) throws {
    let folder = try ScratchFolder()
    let state = ["--account-id", "1", "--state", folder.path + "/state"]
    try folder.write("visitor,entity,time\nv1,9,1700000000000\n", to: "columns.csv")
    try folder.write(good.replacing(",", with: ";"), to: "delimiter.csv")
    let wrong = try Program().run(["import", "\(folder.path)/\(name)"] + state)
    #expect(wrong.exit == .inputUnreadable || wrong.exit == .refused)
    #expect(try Program().run(["status", "--state", folder.path + "/state"]).output.contains("nothing was imported"))
    let right = try Program().run(["import", try folder.write(good, to: "rows.csv")] + state)
    #expect(right.exit == .complete, "\(right.errors)")
  }

  @Test("resume never reads a standard input of its own, for what it would find there is not what the run read")
  func resumeWithoutInput() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    let command = ["import", "-", "--account-id", "1", "--state", state, "--endpoint", "http://127.0.0.1:1/v1/events", "--retry-for", "0s"]
    #expect(try Program().run(command, input: good).exit == .stopped)
    let resumed = try Program().run(["resume", "--restage", "--state", state], input: "")
    #expect(resumed.exit == .inputUnreadable)
    #expect(try Program().run(["status", "--state", state]).output.contains("1 pending"))
  }

  @Test("a run that is not there is wrong usage", arguments: ["status", "rejects", "forget"])
  func unknownRun(command: String) throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    _ = try Program().run(["import", try folder.write(good, to: "rows.csv"), "--account-id", "1", "--state", state])
    #expect(try Program().run([command, "99", "--state", state]).exit == .usage)
  }

  @Test("a rule of trouble that is none is told how one is written")
  func unknownRule() throws {
    let outcome = try Program().run([
      "sandbox", "--port", "0", "--state", try ScratchFolder().path, "--fault", "503@first:1", "--fault", "bogus",
    ])
    #expect(outcome.exit == .usage && outcome.errors.contains("--fault: 'bogus' is no rule; one is a status from 200 to 599, login-page"))
  }

  @Test("a folder without plans says so, and a name that is none is told where names are", arguments: ["rejects", "report"])
  func runNames(command: String) throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    let more = command == "report" ? ["--json"] : []
    _ = try Program().run(["import", try folder.write(good, to: "rows.csv"), "--account-id", "1", "--state", state])
    for (name, words) in [("plan", "nothing was planned with the state folder"), ("latest", "'latest' is not a run; see")] {
      let outcome = try Program().run([command, name, "--state", state] + more)
      #expect(outcome.exit == .usage && outcome.errors.contains(words), "\(outcome.errors)")
    }
  }

  @Test("one server is one endpoint however its URL is spelt, and no secret is kept")
  func endpointSpellings() throws {
    let folder = try ScratchFolder()
    let sandbox = try SandboxProcess(state: folder.path + "/server")
    let state = folder.path + "/state"
    let file = try folder.write(good, to: "rows.csv")
    let spellings = [
      sandbox.address, sandbox.address + "?token=secret", sandbox.address.replacing("http://", with: "HTTP://user:secret@"),
    ]
    for (number, spelling) in spellings.enumerated() {
      let outcome = try Program().run(["import", file, "--account-id", "1", "--state", state, "--endpoint", spelling, "--json"])
      #expect(outcome.exit == .complete, "\(outcome.errors)")
      #expect(try outcome.json()["requests"] as? Int == (number == 0 ? 1 : 0))
    }
    #expect(try !Program().run(["status", "--state", state]).output.contains("secret"))
    let checkpoint = try Data(contentsOf: URL(fileURLWithPath: state + "/checkpoint.sqlite"))
    #expect(checkpoint.range(of: Data("secret".utf8)) == nil)
  }

  @Test("rows that differ in session alone are one event, and not a reject")
  func sessionsMakeNoEvents() throws {
    let folder = try ScratchFolder()
    let file = try folder.write(
      "visitor_id,entity_id,timestamp,session_id\nv1,9,1700000000000,a\nv1,9,1700000000000,b\n", to: "rows.csv")
    let outcome = try Program().run(["import", file, "--account-id", "1", "--state", folder.path + "/state", "--json"])
    #expect(outcome.exit == .complete)
    let records = try #require(try outcome.json()["records"] as? [String: Int])
    #expect(records["accepted"] == 1 && records["duplicate"] == 1)
  }

  @Test("an activation of a split visitor is accepted before its conversions are sent, also when the first body fails at first")
  func activationsFirst() throws {
    let folder = try ScratchFolder()
    var rows = ["record,visitor_id,campaign_id,experiment_id,variation_id,entity_id,timestamp"]
    for number in 0..<40 {
      rows.append("decision,v1,\(number),\(number),7,,17000000000\(10 + number)")
      rows.append("conversion,v1,,,,9,17000000001\(10 + number)")
    }
    let file = try folder.write(rows.joined(separator: "\n"), to: "rows.csv")
    let sandbox = try SandboxProcess(state: folder.path + "/server", ["--fault", "503@first:1", "--retry-after", "0"])
    let outcome = try Program().run([
      "import", file, "--account-id", "1", "--state", folder.path + "/state", "--endpoint", sandbox.address, "--max-body-bytes", "1000",
      "--json",
    ])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    // With a fault on the first request nothing else may have gone out before it was sent again: one chain, one request at a time.
    let bodies = try #require(try outcome.json()["bodies"] as? Int)
    #expect(bodies > 10)
    #expect(try outcome.json()["requests"] as? Int == bodies + 1)
    #expect(try sandbox.get("status.json")["distinct_events"] as? Int == 80)
  }
}

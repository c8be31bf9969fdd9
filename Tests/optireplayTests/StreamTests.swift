import Foundation
import Testing
import Vocabulary

/// Standard output and standard error that are full, closed, or that nobody reads any more.
@Suite("The standard streams")
struct StreamTests {
  private func imported(_ folder: ScratchFolder, _ redirection: String, _ flags: String = "") throws -> Program.Outcome {
    let file = try folder.write("visitor_id,entity_id,timestamp\nanna,9,1700000000000\n", to: "rows.csv")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "\"$0\" import \"$1\" --account-id 1 --state \"$2\" \(flags) \(redirection)", Program.path, file, folder.path + "/state",
    ]
    process.standardInput = FileHandle.nullDevice
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let texts = [output, errors].map { String(decoding: $0.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) }
    process.waitUntilExit()
    return Program.Outcome(status: process.terminationStatus, output: texts[0], errors: texts[1])
  }

  @Test("a run goes on to its end when what it says can no longer be written", arguments: ["2> /dev/full", "2>&-", "2>&- < /dev/null"])
  func errorsAreLost(redirection: String) throws {
    let folder = try ScratchFolder()
    let outcome = try imported(folder, redirection)
    #expect(outcome.exit == .complete, "\(outcome.status)")
    #expect(outcome.output.contains("run 1: complete"))
  }

  @Test(
    "a result that cannot be written ends with 74, and the run is complete all the same", arguments: ["> /dev/full", ">&-", ">&- 0<&-"])
  func resultIsLost(redirection: String) throws {
    let folder = try ScratchFolder()
    let outcome = try imported(folder, redirection)
    #expect(outcome.exit == .diskTrouble, "\(outcome.status)")
    #expect(outcome.errors.contains("error: standard output: cannot write to it"))
    let again = try imported(folder, "", "--json")
    #expect(again.exit == .complete)
    #expect(try again.json()["requests"] as? Int == 0)
  }

  @Test("who asked and has gone away is no trouble")
  func nobodyReads() throws {
    let folder = try ScratchFolder()
    // `true` has ended long before there is a result.
    let outcome = try imported(folder, "| true; test -z \"$(\"$0\" status --state \"$2\" | grep -v complete)\"")
    #expect(outcome.status == 0)
    #expect(!outcome.errors.contains("error"), "\(outcome.errors)")
  }

  #if os(Linux)
    @Test("whoever reads the log and stops to take it holds no run up")
    func readerStalls() throws {
      let folder = try ScratchFolder()
      let file = try folder.write("visitor_id,entity_id,timestamp\nanna,9,1700000000000\n", to: "rows.csv")
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      // The pipe is full (`pipe(7)`: 65,536 bytes) before the program begins. Whoever should read it looks for the status, for a minute at most.
      process.arguments = [
        "-c",
        """
        { head -c 65536 /dev/zero; "$0" import "$1" --account-id 1 --state "$2/state" > "$2/output"; echo $? > "$2/status"; } 2>&1 |
        { i=0; while [ ! -e "$2/status" ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done; test $i -lt 600; }
        """, Program.path, file, folder.path,
      ]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      #expect(try String(contentsOfFile: folder.path + "/status", encoding: .utf8) == "0\n")
      #expect(try String(contentsOfFile: folder.path + "/output", encoding: .utf8).contains("run 1: complete"))
    }
  #endif

  @Test("control characters of names and rows are written out where people read, and kept in data")
  func escapes() throws {
    let folder = try ScratchFolder()
    let file = try folder.write(
      "visitor_id,entity_id,timestamp\n\u{1b}[2Janna,9,17000\nbert,9,1700000000000\n", to: "\u{1b}[31m\u{202e}.csv")
    let state = folder.path + "/state"
    let outcome = try Program().run(["import", file, "--account-id", "1", "--state", state, "--max-rejects", "5"])
    let text = try Program().run(["rejects", "--format", "text", "--state", state])
    let missing = try Program().run(["plan", file + "x", "--account-id", "1", "--state", state])
    #expect(outcome.output.contains(#"\u{1b}[31m\u{202e}.csv:2"#))
    #expect(text.output.contains(#"\u{1b}[31m\u{202e}.csv:2"#))
    #expect(missing.errors.contains(#"\u{1b}[31m\u{202e}.csvx"#))
    let explained = try Program().run(["explain", file + ":2", "--state", state])
    #expect(explained.output.contains(#"\u{1b}[2Janna"#))
    for told in [outcome, text, missing, explained] { #expect(!(told.output + told.errors).contains("\u{1b}")) }
    let logged = try Program().run(["plan", "\u{85}\u{1b}.csv", "--account-id", "1", "--state", state, "--log-format", "json"])
    let lines = logged.errors.split(separator: "\n").map { try? JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
    #expect(lines.last??["message"]?.contains(#"\u{85}\u{1b}.csv"#) == true, "\(logged.errors)")
    let rows = try Program().run(["rejects", "--format", "csv", "--state", state])
    #expect(rows.output.contains("\u{1b}[2Janna"))
  }
}

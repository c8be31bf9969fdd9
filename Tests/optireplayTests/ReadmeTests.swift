import Foundation
import Testing
import Vocabulary

/// What the README shows is run, and what it says is compared with the program.
@Suite("The README is true")
struct ReadmeTests {
  private struct Step {
    var command: String
    var output: [Substring] = []
  }

  private func readme() throws -> [Substring] {
    try String(contentsOf: Program.root.appendingPathComponent("README.md"), encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// The commands of the console blocks with the lines that they print, in order.
  private func steps() throws -> [Step] {
    var steps: [Step] = []
    var isInside = false
    for line in try readme() {
      if line.hasPrefix("```") {
        isInside = line == "```console"
      } else if isInside, line.hasPrefix("$ ") {
        steps.append(Step(command: String(line.dropFirst(2))))
      } else if isInside, line.hasPrefix("> ") {
        // As shells show the further lines of a command.
        steps[steps.count - 1].command += "\n" + line.dropFirst(2)
      } else if isInside {
        steps[steps.count - 1].output.append(line)
      }
    }
    return steps
  }

  @Test("every session prints what the README shows")
  func sessions() throws {
    let folder = try ScratchFolder()
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/Scripts", withDestinationPath: Program.root.appendingPathComponent("Scripts").path)
    let steps = try steps()
    #expect(steps.count > 5)
    for step in steps {
      #expect(try run(step.command, in: folder.path) == step.output.joined(separator: "\n"), "$ \(step.command)")
    }
  }

  @Test("the suites and scripts that it names are there")
  func suitesAndScripts() throws {
    let words = try readme().joined(separator: "\n").split { !($0.isLetter || $0.isNumber || $0 == "/" || $0 == "_") }
    let suites = Set(words.filter { $0.hasSuffix("Tests") && $0 != "Tests" }.map { "\($0).swift" })
    let files = try #require(FileManager.default.enumerator(atPath: Program.root.appendingPathComponent("Tests").path))
    let names = Set(files.compactMap { ($0 as? String)?.split(separator: "/").last.map(String.init) })
    #expect(suites.count > 10 && suites.subtracting(names).isEmpty, "\(suites.subtracting(names))")
    let scripts = Set(words.filter { $0.hasPrefix("Scripts/") })
    #expect(scripts.count > 4)
    for script in scripts {
      #expect(FileManager.default.isExecutableFile(atPath: Program.root.appendingPathComponent(String(script)).path), "\(script)")
    }
  }

  /// What a shell prints on standard output, without the last line end.
  private func run(_ command: String, in folder: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", command]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("OPTIREPLAY_") }
    environment["PATH"] =
      URL(fileURLWithPath: Program.path).deletingLastPathComponent().path + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
    process.environment = environment
    let output = URL(fileURLWithPath: folder + "/.output")
    try Data().write(to: output)
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  @Test("the table of exit statuses is the program's")
  func exitStatuses() throws {
    let rows = try readme().filter { $0.hasPrefix("| ") && $0.dropFirst(2).first?.isNumber == true }
    #expect(rows.map(String.init) == Vocabulary.ExitStatus.allCases.map { "| \($0.rawValue) | \($0.meaning) |" })
    let help = try Program().run(["--help"])
    for status in Vocabulary.ExitStatus.allCases { #expect(help.output.contains("\n  \(status.rawValue)")) }
  }

  @Test("each finding is told, and those that falsify when they do")
  func findings() throws {
    let lines = try readme()
    let text = lines.joined(separator: "\n")
    for code in FindingCode.allCases { #expect(text.contains("`\(code.rawValue)`"), "\(code.rawValue)") }
    let rows = lines.filter { $0.hasPrefix("| `") }.joined(separator: "\n")
    for code in FindingCode.falsifying { #expect(rows.contains("`\(code.rawValue)`"), "\(code.rawValue)") }
  }

  @Test("the limits are the program's")
  func limits() throws {
    let text = try readme().joined(separator: "\n")
    #expect(Limits.rowBytes == 4 << 20 && text.contains("4 MiB"))
    #expect(Limits.bodyBytes == 3_500_000 && text.contains("3,500,000 bytes"))
    #expect(Limits.smallestBodyBytes == 1000 && text.contains("1,000 at least"))
    #expect(Limits.smallestMemoryBytes == 32_000_000 && text.contains("32 MB at least"))
    #expect(Limits.inputs == 65_535 && text.contains("65,535"))
    #expect(Limits.lanes == 4 && Limits.mostAdaptingLanes == 16 && text.contains("from 4 on and 16 at most"))
    #expect(Limits.mostLanes == 64 && text.contains("`--concurrency N`, 64 at most"))
    #expect(Limits.connectSeconds == 10 && text.contains("| one connection | 10 s "))
    #expect(Limits.requestSeconds == 120 && text.contains("`--request-timeout`, 2 min unless named"))
    #expect(Limits.stallSeconds == 3600 && text.contains("`--stall-timeout`, 1 h unless named"))
    #expect(Limits.silenceSeconds == 60 && text.contains("after 1 min what is waited for"))
    #expect(Limits.curveSpans == 100 && text.contains("by week\nand more where there are over 100"))
    #expect(Limits.attributeValues == 100 && text.contains("one with more than 100 values is left out"))
    #expect(Limits.nestingDepth == 128 && text.contains("128 levels"))
    #expect(Limits.wholeFileBytes == 256 << 20 && text.contains("256 MiB; from a pipe"))
    #expect(Limits.shownTimes == 120 && text.contains("that makes at most 120"))
    #expect(Limits.shownConfigurationBytes == 64 << 10 && text.contains("the first 64 KiB of the configuration"))
  }
}

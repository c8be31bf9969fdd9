import ArgumentParser
import Checkpointing
import Delivering
import Foundation
import Logging
import Pipeline
import Reporting
import Vocabulary

/// How much memory a command may take that reads records again.
struct MemoryArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Memory for buffers, 32MB at least. (default: 512MB)", valueName: "size"))
  var memory: ByteCount?

  func bytes() throws -> Int {
    let bytes = try Given.value(memory, "memory")?.bytes ?? Limits.memoryBytes
    guard bytes >= Limits.smallestMemoryBytes else {
      throw ValidationError("--memory is too small; at least \(ByteCount(Limits.smallestMemoryBytes)) are needed")
    }
    return bytes
  }
}

struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compares all that is remembered with itself, and builds every body again. Changes nothing.",
    discussion: """
      Looks at the database (SQLite's own check, and whether bodies, receipts, ledger, counts and rejects add up), at each part of the \
      ledger and of staging by its checksum, and builds each body of a run once more to compare it byte for byte with what was committed \
      before it was sent. A run that is complete has no staging any more: its inputs are read again, when they are the very bytes that \
      were imported, into a temporary folder (TMPDIR names another place), which takes about twice their size.

      Takes no lock. What another process writes meanwhile is left out, and said.

      Exits with 0 when nothing is damaged, also when bodies could not be built because inputs are gone or have changed, which is said; \
      with 74 when something is damaged; with 76 when that is staging alone, and the inputs to mend it are gone or have changed. Each \
      thing that is damaged is told with what is lost and how to go on.
      """)

  @Argument(help: "The run; all of them without.")
  var run: Int64?

  @OptionGroup var memory: MemoryArguments
  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      let folder = try state.folder()
      voice.log.notice("state folder: \(folder)")
      let id = run.map { RunID(rawValue: $0) }
      let bytes = try memory.bytes()
      let stop = StopSwitch()
      let display = ProgressDisplay(voice, tellsPhases: false)
      let verifier = Verifier(folder, memoryBytes: bytes, log: voice.log, stop: stop) { display.take($0) }
      display.begin()
      defer { display.end() }
      let found = try await stoppable(stop, voice.log) { try await verifier.verification(of: id) }
      voice.terminal.clearProgress()
      if voice.isJSON { voice.terminal.result(found.json()) } else { voice.terminal.words(found.text()) }
      if found.exit != .complete { throw ExitCode(found.exit.rawValue) }
    }
  }
}

import ArgumentParser
import Checkpointing
import Foundation
import Logging
import Pipeline
import Reporting
import Vocabulary

struct LedgerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger",
    abstract: "Shows, shrinks and merges what the state folder remembers of accepted events.",
    discussion: """
      The ledger is why an event is sent once however many exports hold it, why a corrected event is told (changed-after-accept), and why a \
      visitor whom an earlier run activated is judged by that decision. It takes about 30 bytes an event, and holds digests rather than visitors.
      """,
    subcommands: [LedgerStatsCommand.self, LedgerPruneCommand.self, LedgerMergeCommand.self])
}

struct LedgerStatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Shows what the ledger holds, by account and endpoint.",
    discussion: "Takes no lock, so it can be asked while an import is at work.")

  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  private struct Shape: Encodable {
    struct Ledger: Encodable {
      var account, endpoint: String
      var events, decisions, runs, segments, bytes: Int
      /// Epoch milliseconds.
      var first_time, last_time: Int64?
    }
    var ledgers: [Ledger]
  }

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      let folder = try state.folder()
      let totals = try StateFolder.reader(folder)?.ledgerTotals() ?? []
      if voice.isJSON {
        return voice.terminal.result(
          json(
            Shape(
              ledgers: totals.map {
                Shape.Ledger(
                  account: $0.account, endpoint: $0.endpoint, events: $0.events, decisions: $0.decisions, runs: $0.runs,
                  segments: $0.segments, bytes: $0.bytes, first_time: $0.firstTime, last_time: $0.lastTime)
              })))
      }
      voice.log.notice("state folder: \(folder)")
      if totals.allSatisfy({ $0.events == 0 }) { voice.terminal.result("the ledger is empty") }
      for total in totals where total.events > 0 {
        voice.terminal.result(
          "account \(total.account), \(total.endpoint): \(counted(total.events, "event")), \(counted(total.decisions, "decision")) among them"
        )
        if let first = total.firstTime, let last = total.lastTime {
          voice.terminal.result("  from \(time(first)) to \(time(last))")
        }
        voice.terminal.result(
          "  of \(counted(total.runs, "run")), in \(counted(total.segments, "segment")) of \(ByteCount(total.bytes)) together")
      }
    }
  }
}

struct LedgerPruneCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Forgets events that happened long ago.",
    discussion: """
      What is forgotten is not recognised any more: an export that reaches further back is sent again, and a conversion whose visitor's \
      decision was forgotten counts as one without. So keep more than the longest overlap of your exports, and longer than your \
      experiments run. An event's age counts from its own time, not from the night that sent it.

        optireplay ledger prune --older-than 400d
      """)

  @Option(help: ArgumentHelp("Forget events older than this, with its unit: 400d, 36h.", valueName: "duration"))
  var olderThan: Age

  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  private struct Shape: Encodable {
    var forgotten: Int
    /// Epoch milliseconds.
    var before: Int64
  }

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      let folder = try state.folder()
      voice.log.notice("state folder: \(folder)")
      try requireState(folder)
      let state = try StateFolder(folder)
      let now = Int64(Date().timeIntervalSince1970 * 1000)
      try state.requireClock(now: now)
      let before = now - olderThan.duration.components.seconds * 1000
      let forgotten = try state.checkpoint.pruneLedger(before: before)
      voice.terminal.result(
        voice.isJSON
          ? json(Shape(forgotten: forgotten, before: before))
          : "forgot \(counted(forgotten, "event")) from before \(time(before)); they would be sent again")
    }
  }
}

struct LedgerMergeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Takes what the ledgers of other state folders know, of shards or other machines.",
    discussion: """
      Afterwards what those have sent is not sent from here. The others stay as they are, and merging the same again adds nothing. What \
      comes this way belongs to no run here, so `forget` does not drop it; `ledger prune` does.

        optireplay ledger merge /backup/optireplay shard-2/checkpoint.sqlite
      """)

  @Argument(help: ArgumentHelp("State folders, or the checkpoint.sqlite of one.", valueName: "files"))
  var files: [String]

  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  private struct Shape: Encodable {
    struct Merged: Encodable {
      var file, account, endpoint: String
      var entries: Int
    }
    var merged: [Merged]
  }

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      let folder = try state.folder()
      voice.log.notice("state folder: \(folder)")
      let state = try StateFolder(folder)
      // None is begun when one of them cannot be read.
      let others = try files.map { file in (file: file, checkpoint: try state.otherCheckpoint(file)) }
      var merged: [Shape.Merged] = []
      for other in others {
        for part in try state.checkpoint.mergeLedger(from: other.checkpoint) {
          merged.append(Shape.Merged(file: other.file, account: part.account, endpoint: part.endpoint, entries: part.count))
          try state.checkpoint.compactLedger(account: part.account, endpoint: part.endpoint)
        }
      }
      if voice.isJSON { return voice.terminal.result(json(Shape(merged: merged))) }
      if merged.isEmpty { voice.terminal.result("nothing was accepted by those, so nothing was added") }
      for part in merged {
        voice.terminal.result("\(part.file): \(counted(part.entries, "new event")) of account \(part.account), \(part.endpoint)")
      }
    }
  }
}

private func json(_ value: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  // Texts and whole numbers are always JSON.
  return try! String(decoding: encoder.encode(value), as: UTF8.self)
}

private func time(_ milliseconds: Int64) -> String { Date(timeIntervalSince1970: Double(milliseconds) / 1000).ISO8601Format() }

private func requireState(_ folder: String) throws {
  guard try StateFolder.reader(folder) != nil else {
    throw RunFailure(.usage, "nothing was imported with the state folder \(folder) yet")
  }
}

import ArgumentParser
import Checkpointing
import Foundation
import Logging
import Pipeline
import Reporting
import Vocabulary

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows the runs of the state folder, or one of them.",
    discussion: """
      Takes no lock, so it can be asked while an import is at work.

      --watch shows the progress of the run that another process works on, until it ends, and then exits with the status of that process; \
      with 75 when it was killed, or nobody works on an unfinished run. With --json it prints an object a second.
      """)

  @Argument(help: "The run; all of them without.")
  var run: Int64?

  @Flag(help: "Watch the run that is worked on, until it ends.")
  var watch = false

  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      let folder = try state.folder()
      if watch {
        let status = try await StatusWatch(folder: folder, named: run.map { RunID(rawValue: $0) }, voice: voice).end()
        if status != .complete { throw ExitCode(status.rawValue) }
        return
      }
      guard let checkpoint = try StateFolder.reader(folder) else {
        voice.log.notice("state folder: \(folder)")
        voice.terminal.result(voice.isJSON ? "{\"runs\":[]}" : "nothing was imported with this state folder yet")
        return
      }
      do throws(CheckpointFailure) {
        if let run {
          show(try checkpoint.run(RunID(rawValue: run)), try summary(checkpoint, try checkpoint.run(RunID(rawValue: run))), voice)
        } else {
          try showAll(checkpoint, voice)
        }
      } catch {
        throw error.runFailure
      }
    }
  }

  private func summary(_ checkpoint: Checkpoint, _ row: RunRow) throws(CheckpointFailure) -> RunSummary? {
    try? checkpoint.summary(of: row)
  }

  private func show(_ row: RunRow, _ summary: RunSummary?, _ voice: Voice) {
    guard let summary else {
      voice.terminal.result("run \(row.id): written by another version, which can show it")
      return
    }
    if voice.isJSON { return voice.terminal.result(summary.json()) }
    voice.terminal.words(summary.text() + (summary.message.map { "\n" + $0 } ?? ""))
  }

  private func showAll(_ checkpoint: Checkpoint, _ voice: Voice) throws(CheckpointFailure) {
    let rows = try checkpoint.allRuns()
    if voice.isJSON {
      var objects: [String] = []
      for row in rows { if let summary = try summary(checkpoint, row) { objects.append(summary.json()) } }
      voice.terminal.result("{\"runs\":[" + objects.joined(separator: ",") + "]}")
      return
    }
    if rows.isEmpty { voice.terminal.result("nothing was imported with this state folder yet") }
    for row in rows {
      let records = try summary(checkpoint, row)?.records
      let counts = records.map { "\(grouped($0.read)) read, \(grouped($0.accepted)) accepted, \(grouped($0.pending)) pending" } ?? ""
      let time = Date(timeIntervalSince1970: Double(row.createdAt) / 1000).ISO8601Format()
      voice.terminal.words("run \(row.id)  \(time)  \(row.phase.rawValue)  account \(row.account)  \(row.endpoint)  \(counts)")
    }
  }
}

extension RejectForm: ExpressibleByArgument {}

struct RejectsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rejects",
    abstract: "Prints what a run rejected, as rows to correct and import again.",
    discussion: """
      Each row carries what was wrong with it under _reject, which an import ignores. Rows that could not be taken apart stand there as \
      text. Without a run: those of the latest; `plan` names the last plan. Rows hold visitor data.
      """)

  enum Form: String, ExpressibleByArgument, CaseIterable { case ndjson, csv, text }

  @Argument(help: "The run, or plan.")
  var run: String?

  @Option(help: "ndjson, csv, or text: where and why, without the rows.")
  var format: Form = .ndjson

  @Option(help: "Rows as they were read (raw) or as native rows, when the run had a preset: one import cannot read both. (default: raw)")
  var form: RejectForm?

  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      let state = try state.folder()
      let named = try NamedRun(run, state: state)
      let rejects = try RejectRows(named.checkpoint, named.row.id, state: named.home, form: form)
      switch format {
      case .text: try rejects.eachText { voice.terminal.words($0) }
      case .ndjson: try rejects.eachObject { voice.terminal.result($0) }
      case .csv: try rejects.eachLine { voice.terminal.result($0) }
      }
      let others = try rejects.otherCount()
      if others > 0, format != .text {
        let way = rejects.preset.map { "--preset \($0)" } ?? "their configuration"
        let (form, by) = form == .native ? ("raw", way) : ("native", "--preset native")
        voice.log.warning("\(counted(others, "reject")) more: pass --form \(form) for them, and import them with \(by)")
      }
    }
  }
}

struct ForgetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Drops what is remembered of a run, so that it can be sent again on purpose.",
    discussion: """
      The server is not told: it keeps what it has. Events that are sent again with the same ids are counted once, as far as the \
      server keeps its word.
      """)

  @Argument(help: "The run.")
  var run: Int64

  @Flag(help: "Drop only what was not sent yet; what was accepted stays remembered.")
  var pending = false

  @Flag(help: "Do not ask.")
  var yes = false

  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      let folder = try state.folder()
      voice.log.notice("state folder: \(folder)")
      guard try StateFolder.reader(folder) != nil else {
        throw RunFailure(.usage, "nothing was imported with the state folder \(folder) yet")
      }
      let state = try StateFolder(folder)
      let id = RunID(rawValue: run)
      let row = try state.checkpoint.run(id)
      let accepted = try state.checkpoint.receiptTotals(id).events
      if pending, !row.phase.isUnfinished {
        throw RunFailure(.usage, "run \(run) is \(row.phase.rawValue), so nothing of it is pending")
      }
      if !yes { try ask(row, accepted, voice) }
      try state.forget(id, keepingAccepted: pending, now: Int64(Date().timeIntervalSince1970 * 1000))
      voice.terminal.result(
        pending
          ? "run \(run): dropped what was not sent; \(grouped(accepted)) accepted events stay remembered"
          : "run \(run): forgotten; its \(grouped(accepted)) accepted events can be sent again, but for those that another run sent too")
    }
  }

  private func ask(_ row: RunRow, _ accepted: Int, _ voice: Voice) throws {
    voice.terminal.line(
      pending
        ? "run \(run) goes to \(row.endpoint); what it has not sent yet will be dropped."
        : "\(row.endpoint) accepted \(grouped(accepted)) events of run \(run). Forgetting lets them be sent again.")
    voice.terminal.line("Type the number of the run to go on:")
    guard let answer = readLine(), answer.trimmingCharacters(in: .whitespaces) == "\(run)" else {
      throw RunFailure(.usage, "nothing was dropped; pass --yes to drop it without being asked")
    }
  }
}

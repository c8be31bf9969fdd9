import ArgumentParser
import Checkpointing
import Delivering
import EventAPI
import Foundation
import Logging
import Pipeline
import Reporting
import Vocabulary

/// How a command speaks.
struct OutputArguments: ParsableArguments {
  @Flag(help: "Print the result as one JSON object.")
  var json = false

  @Flag(help: "No progress, and only warnings.")
  var quiet = false

  @Option(help: "How the log on standard error is written. (default: text)")
  var logFormat: LogFormat?

  /// What a command speaks with whose configuration may say how. A configuration that cannot be read ends the command.
  func voice(of input: InputArguments, delivery: DeliveryArguments? = nil) async throws -> Voice {
    do throws(RunFailure) {
      try await input.fetchDatafile(delivery)
      try input.useConfiguration()
    } catch {
      throw try voice().told(error)
    }
    do {
      return try voice()
    } catch let failure as RunFailure {
      // How to speak is what could not be read.
      throw Voice.plain.told(failure)
    }
  }

  func voice() throws -> Voice {
    let isQuiet = try Given.flag(quiet, "quiet")
    let terminal = Terminal(isQuiet: isQuiet)
    var handler = TerminalLog(terminal: terminal, format: try Given.value(logFormat, "log-format") ?? .text)
    handler.logLevel = isQuiet ? .warning : .notice
    let made = handler
    return Voice(terminal: terminal, log: Logger(label: Product.name) { _ in made }, isJSON: try Given.flag(json, "json"))
  }
}

/// What a command speaks with.
struct Voice: Sendable {
  let terminal: Terminal
  let log: Logger
  let isJSON: Bool

  static var plain: Voice {
    let terminal = Terminal(isQuiet: false)
    return Voice(
      terminal: terminal, log: Logger(label: Product.name) { _ in TerminalLog(terminal: terminal, format: .text) }, isJSON: false)
  }

  /// Says what became of a run, and ends the command with its status. With `rows` the first rows are shown with the events that they become.
  func end(_ summary: RunSummary, rows: [SampleKey: SampleRow]? = nil) throws {
    terminal.clearProgress()
    if isJSON {
      terminal.result(summary.json(rows: rows))
    } else {
      let shown = rows.flatMap { summary.firstRowsText($0) }
      terminal.words(([summary.text()] + [shown].compactMap { $0 }).joined(separator: "\n"))
    }
    if summary.exit == .complete { return }
    if let message = summary.message { log.error("\(message)") }
    throw ExitCode(summary.exit.rawValue)
  }

  /// Says why a command ends, and returns its status.
  func told(_ failure: RunFailure) -> ExitCode {
    terminal.clearProgress()
    log.error("\(failure.message)")
    return ExitCode(failure.status.rawValue)
  }

  /// Runs the body; a failure of it is told and ends the command with its status. So does a result that could not be printed, which would
  /// otherwise be a success without a word.
  func failing<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      let value = try await body()
      if let lost = terminal.lostResult { throw told(lost) }
      return value
    } catch let code as ExitCode {
      if let lost = terminal.lostResult, code != ExitCode(ExitStatus.diskTrouble.rawValue) { log.error("\(lost.message)") }
      throw code
    } catch let failure as RunFailure {
      throw told(failure)
    } catch let failure as CheckpointFailure {
      throw told(failure.runFailure)
    }
  }
}

struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Reads files, assembles bodies, and sends them.",
    discussion: """
      Everything is read and judged before anything is sent. Without --endpoint this is a rehearsal: the bodies go to the built-in \
      sandbox, and `optireplay sandbox` shows what it counted.

      The same command again continues what was interrupted, and sends nothing when all is done.
      """)

  @OptionGroup(title: "Input") var input: InputArguments
  @OptionGroup(title: "Bodies") var body: BodyArguments
  @Option(help: ArgumentHelp("us, eu, a URL, or sandbox. (default: sandbox, a rehearsal)", valueName: "endpoint"))
  var endpoint: EndpointText?
  @OptionGroup(title: "Delivery") var delivery: DeliveryArguments
  @OptionGroup(title: "Judgement and resources") var gate: GateArguments
  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try await output.voice(of: input, delivery: delivery)
    try await voice.failing {
      let settings = try body.settings(input)
      var options = RunOptions(
        state: try state.folder(), account: settings.body.accountID, endpoint: try Given.endpoint(endpoint) ?? .sandbox)
      try input.requireRegion(of: options.endpoint)
      try gate.apply(to: &options)
      try delivery.apply(to: &options)
      let specification = try input.specification()
      options.configuration = try keptConfiguration(specification, settings, options, input)
      voice.log.notice("state folder: \(options.state)")
      if options.endpoint == .sandbox {
        voice.log.notice("a rehearsal into the built-in sandbox: nothing leaves this machine unless --endpoint names where to")
      }
      let ready = options
      let yes = try delivery.assumesYes()
      let summary = try await importing(ready, voice, assumesYes: yes) { importer in try await importer.run(specification, settings) }
      if summary.rehearsal, summary.state == .complete {
        voice.log.notice("results page: `optireplay sandbox --state \(shellWord(ready.state))` serves it at http://127.0.0.1:8787/")
      }
      try voice.end(summary)
    }
  }
}

/// Makes an importer that signals and its time limit can stop, and lets it work under a watchdog.
func importing<Value: Sendable>(
  _ options: RunOptions, _ voice: Voice, assumesYes: Bool = false, _ body: @escaping @Sendable (Importer) async throws -> Value
) async throws -> Value {
  let stop = StopSwitch()
  let watchdog = Watchdog(options)
  let display = ProgressDisplay(voice)
  var options = options
  options.consent = consent(assumed: assumesYes, stop, voice)
  let importer = Importer(options, log: voice.log, stop: stop) { progress in
    watchdog.moved(to: progress)
    display.take(progress)
  }
  watchdog.begin(stop, voice)
  display.begin()
  defer {
    display.end()
    watchdog.end()
  }
  return try await stoppable(stop, voice.log, atOnce: { voice.terminal.clearProgress() }) { try await body(importer) }
}

struct ResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Continues the unfinished run of the state folder, without naming its inputs.",
    discussion: "A run that was still reading reads its inputs again from the start; any later, they are needed no more.")

  @Argument(help: "The run, when several are unfinished.")
  var run: Int64?

  @Flag(help: "Read the inputs again, as they are now. What was accepted stays accepted and is not sent again.")
  var restage = false

  @Option(help: ArgumentHelp("The run's own URL, when it holds a secret: those are not stored.", valueName: "endpoint"))
  var endpoint: EndpointText?

  @OptionGroup(title: "Delivery") var delivery: DeliveryArguments
  @OptionGroup(title: "Judgement and resources") var gate: GateArguments
  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      let folder = try state.folder()
      voice.log.notice("state folder: \(folder)")
      let id = run.map { RunID(rawValue: $0) }
      var options = RunOptions(state: folder, account: "", endpoint: .sandbox)
      // Whether a status of one's own may be named depends on where the run goes.
      if let checkpoint = try StateFolder.reader(folder), let row = try checkpoint.unfinishedRun(id) {
        options.endpoint = Endpoint(row.endpoint) ?? .sandbox
        if let endpoint = try Given.endpoint(endpoint) {
          guard endpoint.name == row.endpoint else {
            throw RunFailure(.usage, "run \(row.id) goes to \(row.endpoint), which is not the --endpoint named here")
          }
          options.endpoint = endpoint
        }
      }
      try gate.apply(to: &options)
      try delivery.apply(to: &options)
      let ready = options
      let yes = try delivery.assumesYes()
      let summary = try await importing(ready, voice, assumesYes: yes) { importer in try await importer.resume(id, restaging: restage) }
      guard let summary else {
        voice.log.notice("there is nothing to resume")
        return
      }
      try voice.end(summary)
    }
  }
}

/// A text as a shell takes it for one word.
func shellWord(_ text: String) -> String {
  let isPlain =
    !text.isEmpty
    && text.utf8.allSatisfy { byte in
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
        || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "/._-+=:@,%".utf8.contains(byte)
    }
  return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}

extension Checkpoint {
  /// The unfinished run that `resume` would take; nil when there is none, or more than one.
  fileprivate func unfinishedRun(_ id: RunID?) throws -> RunRow? {
    let runs = try unfinishedRuns().filter { id == nil || $0.id == id }
    return runs.count == 1 ? runs[0] : nil
  }
}

struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Shows what an import would do, and sends nothing.",
    discussion: """
      Reads and judges everything as an import does: records, rejects, findings, bodies, and the results to expect by the server's \
      published rules; how long sending takes, at --rate or as fast as an earlier run to the same endpoint went; and the first rows of each \
      kind beside the events that they become, which are visitors' data and left out with --positions-only. With --output the bodies are \
      written as files, byte for byte what an import would send; with --html the results to expect are written as a page. Exits with 0 \
      unless an import would be refused.
      """)

  @OptionGroup(title: "Input") var input: InputArguments
  @OptionGroup(title: "Bodies") var body: BodyArguments
  @Option(help: ArgumentHelp("The endpoint whose ledger tells what is new. (default: sandbox)", valueName: "endpoint"))
  var endpoint: EndpointText?
  @Option(name: .customLong("output"), help: ArgumentHelp("A folder to write the bodies into: 1.json, 2.json, …", valueName: "dir"))
  var outputFolder: String?
  @Option(help: ArgumentHelp("A file to write the expected results into, as the page that `sandbox` would show.", valueName: "file"))
  var html: String?
  @Option(help: ArgumentHelp("Say how long sending takes at so many events a second.", valueName: "events/s"))
  var rate: Double?
  @Flag(help: "Do not show the first rows and the events that they become.")
  var positionsOnly = false
  @Flag(help: "Print the whole configuration instead, with all that flags, environment, datafile and defaults say; nothing is read.")
  var showConfig = false
  @OptionGroup(title: "Judgement and resources") var gate: GateArguments
  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try await output.voice(of: input)
    try await voice.failing {
      let settings = try body.settings(input)
      var options = RunOptions(
        state: try state.folder(), account: settings.body.accountID, endpoint: try Given.endpoint(endpoint) ?? .sandbox)
      try input.requireRegion(of: options.endpoint)
      try gate.apply(to: &options)
      options.output = outputFolder
      options.keepsFirstRows = !positionsOnly
      let rate = try Given.value(rate, "rate")
      if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate must be more than 0") }
      options.countsDetails = html != nil
      let specification = try input.specification()
      if showConfig {
        return voice.terminal.result(shownConfiguration(specification, settings, options, datafile: try input.datafilePath()))
      }
      options.configuration = try keptConfiguration(specification, settings, options, input)
      voice.log.notice("state folder: \(options.state)")
      if let html { try PageFile.requirePlace(html) }
      let ready = options
      var summary = try await importing(ready, voice) { importer in try await importer.plan(specification, settings) }
      if let html, summary.state == .planned || summary.state == .refused {
        try PageFile.write(ResultsPage(plan: summary).html(), to: html)
        voice.log.notice("results page: \(html)")
      }
      summary.estimate = try estimate(rate, ready)
      try voice.end(summary, rows: positionsOnly ? nil : sampleRows(summary.firstRows, of: specification))
    }
  }

  /// At the rate that is named, else at that of an earlier run to the same endpoint.
  private func estimate(_ rate: Double?, _ options: RunOptions) throws -> SendingEstimate {
    if let rate { return SendingEstimate(eventsPerSecond: rate, source: .given) }
    guard let pace = try StateFolder.reader(options.state)?.acceptedPace(account: options.account, endpoint: options.endpoint.name) else {
      return .example
    }
    return SendingEstimate(eventsPerSecond: pace.eventsPerSecond, source: .run(pace.run.rawValue))
  }
}

import ArgumentParser
import EventAPI
import Logging
import Pipeline
import Reporting
import Vocabulary

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Reads and judges everything, and reports what looks wrong, most harmful first. Sends nothing.",
    discussion: """
      Each finding has its share, what the server would do with such events, how to mend it, and up to three samples: where, the row as \
      it stands there, and the event that it became. Samples show visitors' data; --positions-only leaves rows and events out.

      Exits with 65 when an import would be refused: by a finding that falsifies results and is not accepted by name (--accept), or by \
      too many rejects.
      """)

  @OptionGroup(title: "Input") var input: InputArguments
  @OptionGroup(title: "Bodies") var body: BodyArguments
  @Option(help: ArgumentHelp("The endpoint whose ledger tells what is new. (default: sandbox)", valueName: "endpoint"))
  var endpoint: EndpointText?
  @Flag(help: "Say where samples are, and not what is in them.")
  var positionsOnly = false
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
      let specification = try input.specification()
      voice.log.notice("state folder: \(options.state)")
      let ready = options
      let summary = try await importing(ready, voice) { importer in try await importer.plan(specification, settings) }
      let rows = positionsOnly ? [:] : sampleRows(summary.findings.flatMap(\.places), of: specification)
      let report = CheckReport(summary, rows: rows, accepted: ready.acceptedFindings)
      voice.terminal.clearProgress()
      if voice.isJSON { voice.terminal.result(report.json()) } else { voice.terminal.words(report.text()) }
      if summary.exit == .complete { return }
      if let message = summary.message { voice.log.error("\(message)") }
      throw ExitCode(summary.exit.rawValue)
    }
  }
}

import ArgumentParser
import Configuring
import Foundation
import Logging
import Pipeline
import Vocabulary

struct InitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Looks at files and writes a configuration to begin with.",
    discussion: """
      optireplay init orders.csv > import.yaml

      looks at the first rows: their format, which column is likely to be what, how times and amounts are written, each with the reason. What \
      it cannot know is left as a QUESTION, and a question whose wrong answer would falsify results leaves a "?" that must be answered \
      before anything is read. Then: optireplay check --config import.yaml

      --preset prints a preset as a configuration instead, and --schema the JSON Schema of configurations, for editors. The presets are \
      \(Presets.names.joined(separator: ", ")).
      """)

  @Argument(help: ArgumentHelp("Files to look at. Patterns in quotes are expanded.", valueName: "files"))
  var files: [String] = []

  @Option(help: ArgumentHelp("The project's datafile, by path or address: it knows keys and ids.", valueName: "file|url"))
  var datafile: String?

  @Option(help: ArgumentHelp("Print this preset as a configuration instead.", valueName: "name"))
  var preset: String?

  @Flag(help: "Print the JSON Schema of configurations instead.")
  var schema = false

  @OptionGroup var output: OutputArguments

  func validate() throws {
    guard [!files.isEmpty, preset != nil, schema].count(where: { $0 }) == 1 else {
      throw ValidationError("name files to look at, or --preset, or --schema")
    }
    if let preset, !Presets.names.contains(preset) {
      throw ValidationError("--preset \(preset) is not known; there are \(Presets.names.joined(separator: ", "))")
    }
  }

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      if let preset, let text = Presets.configuration(preset) { return voice.terminal.result(text) }
      if schema { return voice.terminal.result(ConfigurationSchema.text(settings: Given.names.map(Given.key))) }
      if let datafile, Fetched.isAddress(datafile) { try await Fetched.fetch(datafile) }
      let project = try datafile.map { name throws(RunFailure) in try NamedConfiguration.datafile(name) }
      var samples: [FileSample] = []
      for input in try NamedInputs(files: files).resolved() {
        guard input.path != "-" else { throw RunFailure(.usage, "standard input cannot be looked at and read again; name a file") }
        samples.append(try sample(input.path))
      }
      let proposal = Proposal(samples, datafile: project, datafileName: datafile.map(absolute))
      voice.terminal.result(proposal.text)
      voice.log.notice(
        proposal.questionCount == 0 ? "nothing is left to ask" : "\(proposal.questionCount) left to answer: look for QUESTION")
    }
  }

  private func absolute(_ name: String) -> String {
    Fetched.isAddress(name) ? name : URL(fileURLWithPath: name).standardizedFileURL.path
  }
}

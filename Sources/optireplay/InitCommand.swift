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
      before anything is read. What no flag says of the form of files is told by the files. Then: optireplay check --config import.yaml

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

  @OptionGroup(title: "Form of the files")
  var form: FormArguments

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
      if let preset, let text = Presets.configuration(preset) { return voice.terminal.result(try result(text, [], voice)) }
      if schema { return voice.terminal.result(ConfigurationSchema.text(settings: Given.names.map(Given.key))) }
      if let datafile, Fetched.isAddress(datafile) { try await Fetched.fetch(datafile) }
      let project = try datafile.map { name throws(RunFailure) in try NamedConfiguration.datafile(name) }
      let said = try form.form()
      var samples: [FileSample] = []
      var forms: [String: InputForm] = [:]
      for input in try NamedInputs(files: files).resolved() {
        guard input.path != "-" else { throw RunFailure(.usage, "standard input cannot be looked at and read again; name a file") }
        let look = try sample(input.path, form: said)
        samples.append(look.sample)
        forms[input.path] = look.form
      }
      let proposal = Proposal(samples, forms: forms, datafile: project, datafileName: datafile.map(absolute))
      voice.terminal.result(try result(proposal.text, proposal.questions, voice))
      voice.log.notice(
        proposal.questionCount == 0 ? "nothing is left to ask" : "\(proposal.questionCount) left to answer: look for QUESTION")
    }
  }

  /// A configuration as it is, or as one JSON object with what it leaves to answer.
  private func result(_ configuration: String, _ questions: [String], _ voice: Voice) throws -> String {
    guard voice.isJSON else { return configuration }
    struct Result: Encodable { var configuration: String, questions: [String] }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(Result(configuration: configuration, questions: questions)), as: UTF8.self)
  }

  private func absolute(_ name: String) -> String {
    Fetched.isAddress(name) ? name : URL(fileURLWithPath: name).standardizedFileURL.path
  }
}

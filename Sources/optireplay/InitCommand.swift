import ArgumentParser
import Configuring
import Vocabulary

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Writes a configuration to begin with.",
    discussion: """
      optireplay init --preset segment > import.yaml

      prints the preset as a configuration: change what your files have otherwise, and import them with --config import.yaml. The presets \
      are \(Presets.names.joined(separator: ", ")).
      """)

  @Option(help: ArgumentHelp("The preset to begin with.", valueName: "name"))
  var preset: String

  func run() throws {
    guard let text = Presets.configuration(preset) else {
      throw ValidationError("--preset \(preset) is not known; there are \(Presets.names.joined(separator: ", "))")
    }
    print(text)
  }
}

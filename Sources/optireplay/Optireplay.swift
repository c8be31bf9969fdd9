import ArgumentParser
import Disk
import Vocabulary

@main struct Optireplay: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Product.name,
    abstract: "Replays history into Optimizely's Event API.",
    discussion: """
      Reads logged decisions and conversions from CSV and NDJSON, assembles each visitor's events with activations first, and delivers \
      every event exactly once as far as the server can tell.

      Without --endpoint nothing leaves this machine: an import is a rehearsal into the built-in sandbox. A first session:

        optireplay plan   --account-id 12345 --decisions decisions.csv --conversions conversions.csv
        optireplay import --account-id 12345 --decisions decisions.csv --conversions conversions.csv
        optireplay import --account-id 12345 --decisions decisions.csv --conversions conversions.csv --endpoint us

      The same command again is always safe: it continues what was interrupted, and sends nothing when all is done.

      \(ExitStatus.table)
      """,
    version: Product.version,
    subcommands: [
      ImportCommand.self, ResumeCommand.self, CheckCommand.self, PlanCommand.self, StatusCommand.self, RejectsCommand.self,
      ReportCommand.self, ExplainCommand.self, VerifyCommand.self, ForgetCommand.self, LedgerCommand.self,
      InitCommand.self, SandboxCommand.self,
    ])

  static func main() async {
    StandardStreams.holdPlaces()
    await main(nil)
  }
}

extension ExitStatus {
  /// The exit statuses as `--help` shows them.
  static var table: String {
    "Exit status:\n" + allCases.map { "  \($0.rawValue)\($0.rawValue < 10 ? " " : "")  \($0.meaning)" }.joined(separator: "\n")
  }
}

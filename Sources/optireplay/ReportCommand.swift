import ArgumentParser
import Foundation
import Logging
import Pipeline
import Reporting
import Vocabulary

struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Tells all that is known of a run, as a page or as JSON.",
    discussion: """
      What was read and where each row went, rejects with samples and how to mend them, findings, events over time, expected results, bodies, \
      requests, files, the configuration without secrets, and the command that goes on. The page is one file that loads nothing else. Without \
      a run: the latest; `plan` names the last plan. Takes no lock, so it can be asked while an import is at work.
      """)

  @Argument(help: "The run, or plan.")
  var run: String?

  @Option(help: ArgumentHelp("The file to write the page into.", valueName: "file"))
  var html: String?

  @Flag(help: "Leave out the rows of samples, which hold visitors' data.")
  var noRows = false

  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      guard html != nil || voice.isJSON else {
        throw ValidationError("name the page's file with --html FILE, or ask for --json")
      }
      if let html { try PageFile.requirePlace(html) }
      let folder = try state.folder()
      let maker = try ReportMaker(state: folder, run: run, showsRows: !noRows)
      let report = try maker.report(stateFlag: " --state \(shellWord(folder))")
      if let html {
        try PageFile.write(RunReportPage(report).html(), to: html)
        voice.log.notice("report: \(html)")
      }
      if voice.isJSON { voice.terminal.result(report.json()) }
    }
  }
}

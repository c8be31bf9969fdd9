import ArgumentParser
import Delivering
import Foundation
import Logging
import Pipeline
import Reporting
import Sandbox
import Vocabulary

extension SandboxFaults.Rule: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

struct SandboxCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandbox",
    abstract: "Runs the built-in Event API until it is stopped.",
    discussion: """
      It validates every body by the vendor's published rules, keeps what it accepts in the state folder, and counts: / is a \
      results page, live while something is sent, and /results.json and /status.json say the same to programs. What rehearsals with the \
      same state folder were accepted is there too. Only this machine is listened to unless --host says otherwise.

      Trouble on demand: --fault 503@every:5 answers every fifth request with 503; others are a status from 200 to 599, login-page, \
      drop-before and drop-after; @first:N, @from:N and @N-M name other requests, and @holding:TEXT those whose body has \
      TEXT in it.
      """)

  @Option(help: "The port to listen on; 0 takes any that is free.")
  var port = 8787

  @Option(help: ArgumentHelp("The address to listen on.", valueName: "address"))
  var host = "127.0.0.1"

  @Option(help: ArgumentHelp("Trouble on demand; may be given several times.", valueName: "rule"))
  var fault: [SandboxFaults.Rule] = []

  @Option(help: ArgumentHelp("Hold every answer back.", valueName: "ms"))
  var delay = 0

  @Option(help: ArgumentHelp("Sent as Retry-After with the statuses of --fault.", valueName: "value"))
  var retryAfter: String?

  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try output.voice()
    guard (0...65_535).contains(port) else { throw ValidationError("--port must lie between 0 and 65535") }
    guard (0...3_600_000).contains(delay) else { throw ValidationError("--delay must lie between 0 and 3600000 milliseconds") }
    try await voice.failing {
      let folder = try state.folder()
      voice.log.notice("state folder: \(folder)")
      try StateFolder.make(folder)
      var settings = SandboxSettings(storePath: StateFolder.sandboxPath(folder))
      settings.host = host
      settings.port = port
      settings.faults = SandboxFaults(fault, delay: .milliseconds(delay), retryAfter: retryAfter)
      settings.page = SandboxPage(policy: ResultsPage.policy) { ResultsPage(sandbox: $0).html() }
      let ready = settings
      do throws(SandboxFailure) {
        let server = try await SandboxServer.start(ready)
        voice.terminal.result(server.address)
        voice.log.notice("results page: \(server.pageAddress)")
        await stopped(voice)
        try await server.stop()
      } catch {
        throw error.runFailure
      }
    }
  }

  private func stopped(_ voice: Voice) async {
    let stop = StopSwitch()
    _ = try? await stoppable(stop, voice.log) { await stop.wait() }
  }
}

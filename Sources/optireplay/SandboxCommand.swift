import ArgumentParser
import Delivering
import Foundation
import Logging
import Pipeline
import Reporting
import Sandbox
import Vocabulary

extension FaultsPage {
  fileprivate init(_ form: FaultForm) {
    self.init(
      form.fields.map {
        Field(name: $0.name, label: $0.label, hint: $0.hint, isLong: $0.isLong, value: $0.value, problem: $0.problem)
      }, made: form.made.map { ($0.label, $0.count) }, seconds: form.seconds, isSet: form.isSet)
  }
}

/// Trouble that the sandbox makes on demand.
struct TroubleArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Answer a share of the requests with a failure, such as 10%.", valueName: "share"))
  var fail: String?

  @Option(help: ArgumentHelp("What --fail answers with, such as 500,429. (default: 503)", valueName: "statuses"))
  var codes: String?

  @Option(
    help: ArgumentHelp(
      "Sent as Retry-After with failures: seconds (2), a date so far ahead (date:2s), or another text as it stands.", valueName: "value"))
  var retryAfter: String?

  @Option(help: ArgumentHelp("Close the connection of a share of the requests; nothing is stored.", valueName: "share"))
  var drop: String?

  @Option(help: ArgumentHelp("Store a share of the requests and close the connection without an answer.", valueName: "share"))
  var loseAnswers: String?

  @Option(help: ArgumentHelp("Hold every answer back, such as 200ms.", valueName: "time"))
  var slow: String?

  @Option(
    help: ArgumentHelp(
      "Close all connections in a time after the first request, such as 30s..60s; may be several, divided by commas.", valueName: "times"))
  var outage: String?

  @Option(help: ArgumentHelp("Answer larger bodies with 413, such as 1MB.", valueName: "bytes"))
  var limit: String?

  @Option(help: ArgumentHelp("A rule for requests by number or content; may be given several times.", valueName: "rule"))
  var fault: [String] = []

  @Option(help: ArgumentHelp("A whole number; the same one has the same requests hit. (default: 1)", valueName: "number"))
  var seed: String?

  @Option(help: ArgumentHelp("The same as --slow, in milliseconds.", valueName: "ms"))
  var delay: Int?

  func faults() throws -> SandboxFaults {
    if let delay, !(0...3_600_000).contains(delay) {
      throw ValidationError("--delay must lie between 0 and 3600000 milliseconds")
    }
    if delay != nil, slow != nil { throw ValidationError("--delay and --slow say the same; give one of them") }
    let rules = try fault.map { text in
      guard let rule = SandboxFaults.Rule(text) else {
        throw ValidationError("--fault: '\(text)' is no rule; \(SandboxFaults.Rule.form), such as 503@every:5")
      }
      return rule
    }
    var faults = SandboxFaults(rules, delay: .milliseconds(delay ?? 0))
    let given = [
      ("fail", fail), ("codes", codes), ("retry_after", retryAfter), ("drop", drop), ("lose_answers", loseAnswers), ("slow", slow),
      ("outage", outage), ("limit", limit), ("seed", seed),
    ]
    for case (let name, let text?) in given {
      if let problem = faults.set(name, text) { throw ValidationError("--\(name.replacing("_", with: "-")): \(problem)") }
    }
    if let problem = faults.problem { throw ValidationError(problem) }
    return faults
  }
}

struct SandboxCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandbox",
    abstract: "Runs the built-in Event API until it is stopped.",
    discussion: """
      It validates every body by the vendor's published rules, keeps what it accepts in the state folder, and counts: / is a \
      results page, live while something is sent, and /results.json and /status.json say the same to programs. What rehearsals with the \
      same state folder were accepted is there too. Only this machine is listened to unless --host says otherwise.

      Trouble on demand, to rehearse an import against it (--endpoint takes the printed address): --fail 10% answers a tenth of the requests \
      with one of --codes, --drop 1% closes the connection before anything is stored, --lose-answers 1% afterwards, --slow 200ms holds \
      every answer back, --outage 30s..60s closes all connections in that time after the first request, --limit 1MB answers larger bodies \
      with 413. Whom a share hits follows from --seed and the number of the request. /faults shows all this and changes it meanwhile.

      --fault 503@every:5 answers every fifth request with 503; others are a status from 200 to 599, login-page, \
      drop-before and drop-after; @first:N, @from:N and @N-M name other requests, and @holding:TEXT those whose body has \
      TEXT in it. Outages go before rules, and rules before shares.
      """)

  @Option(help: "The port to listen on; 0 takes any that is free.")
  var port = 8787

  @Option(help: ArgumentHelp("The address to listen on.", valueName: "address"))
  var host = "127.0.0.1"

  @OptionGroup(title: "Trouble on demand") var trouble: TroubleArguments
  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try output.voice()
    guard (0...65_535).contains(port) else { throw ValidationError("--port must lie between 0 and 65535") }
    let faults = try trouble.faults()
    try await voice.failing {
      let folder = try state.folder()
      voice.log.notice("state folder: \(folder)")
      try StateFolder.make(folder)
      var settings = SandboxSettings(storePath: StateFolder.sandboxPath(folder))
      settings.host = host
      settings.port = port
      settings.faults = faults
      settings.page = SandboxPage(policy: ResultsPage.policy) { ResultsPage(sandbox: $0, $1).html() }
      settings.faultsPage = SandboxFaultsPage(policy: FaultsPage.policy) { FaultsPage($0).html() }
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

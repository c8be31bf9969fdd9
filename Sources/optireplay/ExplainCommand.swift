import ArgumentParser
import Checkpointing
import Delivering
import Logging
import Pipeline
import Reporting
import Synchronization
import Vocabulary

extension SoughtKind: ExpressibleByArgument {}

struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Shows the way of an event: row, body, request, receipt, run. Changes nothing.",
    discussion: """
      What is asked for is an event's uuid, a visitor's id (its events are listed run by run, in the order of bodies), or FILE:LINE, a row of an input:

        optireplay explain 10fdc734-a585-546c-97bd-ee955432f3d9
        optireplay explain visitor-23
        optireplay explain orders.csv:17

      A text that ends in :LINE is a row when a run has such an input. One with the form of a UUID is an event's id first, and a visitor's \
      if there is no such event; any other is a visitor's id first. --as says which it is.

      An event is accepted (its receipt says when), already accepted (by an earlier run), a duplicate, filtered, rejected, or pending; \
      each with its reason. An unfinished run is read from its staging; a complete one from its inputs, when they are the very bytes that \
      were imported, by way of a temporary folder (TMPDIR names another place) that takes about twice their size. When neither is \
      left, the ledger still tells which run and body brought an accepted event.

      Looks into the runs that accepted what is asked for, and the unfinished ones. Rows and events hold visitor data. Exits with 64 when \
      nothing is known.
      """)

  @Argument(help: ArgumentHelp("An event's uuid, a visitor's id, or FILE:LINE.", valueName: "uuid|visitor|file:line"))
  var what: String

  @Option(name: .customLong("as"), help: "What it is: event, visitor, or row.")
  var kind: SoughtKind?

  @Option(help: "Look into this run only.")
  var run: Int64?

  @OptionGroup var memory: MemoryArguments
  @OptionGroup var state: StateArguments
  @OptionGroup var output: OutputArguments

  func run() async throws {
    let voice = try output.voice()
    try await voice.failing {
      let folder = try state.folder()
      voice.log.notice("state folder: \(folder)")
      let bytes = try memory.bytes()
      let stop = StopSwitch()
      let display = ProgressDisplay(voice, tellsPhases: false)
      let explainer = Explainer(folder, memoryBytes: bytes, log: voice.log, stop: stop) { display.take($0) }
      display.begin()
      defer { display.end() }
      let teller = Teller(voice, what)
      let id = run.map { RunID(rawValue: $0) }
      let (what, kind) = (what, kind)
      try await stoppable(stop, voice.log) {
        try await explainer.explanation(of: what, as: kind, run: id) { teller.take($0) }
      }
      teller.end()
    }
  }
}

/// Prints what is told as it comes: a visitor may have millions of events.
private final class Teller: Sendable {
  private struct State {
    var kind: SoughtKind?
    var wayCount = 0
    var notes: [String] = []
  }

  private let voice: Voice
  private let what: String
  private let state = Mutex(State())

  init(_ voice: Voice, _ what: String) {
    self.voice = voice
    self.what = what
  }

  func take(_ told: Explainer.Told) {
    state.withLock { state in
      switch told {
      case .kind(let kind):
        guard state.kind == nil else { return }
        state.kind = kind
        if voice.isJSON { voice.terminal.result("{\"as\":\"\(kind.rawValue)\",\"events\":[") }
      case .note(let note):
        if voice.isJSON { state.notes.append(note) } else { voice.log.notice("\(note)") }
      case .way(let way):
        state.wayCount += 1
        if voice.isJSON {
          voice.terminal.result((state.wayCount == 1 ? "" : ",") + way.json())
        } else if state.kind == .visitor {
          voice.terminal.words(way.line())
        } else {
          voice.terminal.words((state.wayCount == 1 ? "" : "\n") + way.text())
        }
      }
    }
  }

  func end() {
    state.withLock { state in
      if voice.isJSON { voice.terminal.result("],\"notes\":[" + state.notes.map(jsonText).joined(separator: ",") + "]}") }
    }
  }
}

import Disk
import Foundation
import Logging
import Synchronization
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Everything a person sees: results on standard output, the rest on standard error, where a progress line is drawn over and over on a
/// terminal and now and then otherwise.
///
/// What cannot be written to standard error, or is not taken for some seconds, is lost, and the work goes on. What cannot be written to standard output is `lostResult`.
/// Control characters, which a file's name or a row may hold, are written out wherever people read.
final class Terminal: Sendable {
  private struct State {
    var progress = ""
    var shownAt: ContinuousClock.Instant?
    var lost: DiskFailure?
    /// Whether the reader of standard error takes nothing; then it is not waited for.
    var isHeldUp = false

    mutating func write(_ text: String) {
      do throws(DiskFailure) {
        try StandardStreams.write(Array(text.utf8), to: .errors, waiting: .seconds(isHeldUp ? 0 : Limits.readerSeconds))
        isHeldUp = false
      } catch {
        isHeldUp = error.kind == .stalled
      }
    }
  }

  private let state = Mutex(State())
  private let isTerminal = isatty(2) == 1
  private let isQuiet: Bool

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  /// How often progress is shown: ten times a second on a terminal, every ten seconds elsewhere.
  private var interval: Duration { isTerminal ? .milliseconds(100) : .seconds(10) }

  /// Prints a result on standard output, as it is: JSON, rows.
  func result(_ text: String) {
    clearProgress()
    if state.withLock({ $0.lost != nil }) { return }
    // Without the lock: a reader may take its time, and meanwhile others must be able to speak.
    do throws(DiskFailure) {
      try StandardStreams.write(Array((text + "\n").utf8), to: .output)
    } catch {
      let failure = error
      state.withLock { $0.lost = failure }
    }
  }

  /// Prints a result for people on standard output.
  func words(_ text: String) { result(visible(text)) }

  /// Why a result could not be printed; nil when all were, or when who asked for them has gone away.
  var lostResult: RunFailure? { state.withLock { $0.lost?.kind == .abandoned ? nil : $0.lost?.runFailure(forInput: false) } }

  /// Prints a line on standard error, above the progress line.
  func line(_ text: String) {
    state.withLock { state in
      state.write((state.progress.isEmpty ? "" : Terminal.eraseLine) + visible(text) + "\n" + state.progress)
    }
  }

  /// Shows where things stand. What comes too soon after the last is not shown.
  func progress(_ text: @autoclosure () -> String) {
    if isQuiet { return }
    state.withLock { state in
      let now = ContinuousClock.now
      guard let last = state.shownAt else {
        state.shownAt = now
        return
      }
      guard now - last >= interval else { return }
      state.shownAt = now
      if isTerminal {
        state.progress = String(visible(text()).prefix(Terminal.columns - 1))
        state.write(Terminal.eraseLine + state.progress)
      } else {
        state.write(visible(text()) + "\n")
      }
    }
  }

  /// Takes the progress line away.
  func clearProgress() {
    state.withLock { state in
      if !state.progress.isEmpty { state.write(Terminal.eraseLine) }
      state.progress = ""
    }
  }

  private static let eraseLine = "\r\u{1b}[2K"
  private static let columns = ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init).map { max(20, $0) } ?? 80
}

/// Writes log lines to the terminal, as text or as one JSON object a line.
struct TerminalLog: LogHandler {
  let terminal: Terminal
  let format: LogFormat
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.notice

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    switch format {
    case .text: terminal.line("\(Product.name): \(event.level < .warning ? "" : "\(event.level): ")\(event.message)")
    case .json:
      struct Line: Encodable { var level, message, time: String }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      // What would be written out in the line is so here, where it stays JSON.
      let line = Line(level: event.level.rawValue, message: visible("\(event.message)"), time: Date().ISO8601Format())
      // Three texts can always be written.
      terminal.line(String(decoding: try! encoder.encode(line), as: UTF8.self))
    }
  }
}

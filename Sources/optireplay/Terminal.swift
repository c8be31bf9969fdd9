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

/// Everything a person sees: results on standard output, the rest on standard error, at whose foot a progress line is drawn over and over when
/// that is a terminal.
///
/// The cursor waits at the beginning of the progress line, and is never hidden: a terminal that is made narrower breaks the line behind the
/// cursor, where it is erased, and a process that is killed leaves nothing to be restored.
///
/// What cannot be written to standard error, or is not taken for some seconds, is lost, and the work goes on. What cannot be written to standard output is `lostResult`.
/// Control characters, which a file's name or a row may hold, are written out wherever people read.
final class Terminal: Sendable {
  private struct State {
    var progress = ""
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
  /// Whether a line can be drawn over: standard error is a terminal, and not a dumb one.
  let canDraw: Bool
  let isQuiet: Bool

  init(isQuiet: Bool) {
    self.isQuiet = isQuiet
    let kind = ProcessInfo.processInfo.environment["TERM"] ?? ""
    canDraw = isatty(2) == 1 && !kind.isEmpty && kind != "dumb"
  }

  /// Columns of the terminal as it is now.
  var columns: Int {
    Screen.columns(of: 2) ?? ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init) ?? 80
  }

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
    let text = visible(text)
    state.withLock { state in
      state.write(
        state.progress.isEmpty ? text + "\n" : "\r" + Terminal.eraseRest + text + "\n" + state.progress + Terminal.eraseRest + "\r")
    }
  }

  /// Draws the progress line anew, in place. A process in the background leaves the terminal to whom it belongs.
  func draw(_ text: String) {
    guard canDraw, Screen.isInForeground(of: 2) else { return }
    state.withLock { state in
      state.progress = text
      state.write("\r" + text + Terminal.eraseRest + "\r")
    }
  }

  /// Takes the progress line away.
  func clearProgress() {
    state.withLock { state in
      if !state.progress.isEmpty { state.write("\r" + Terminal.eraseRest) }
      state.progress = ""
    }
  }

  /// Erases from the cursor to the end of the screen.
  private static let eraseRest = "\u{1b}[J"
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

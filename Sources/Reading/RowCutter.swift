internal import Bytes
internal import Vocabulary

/// Finds the ends of rows in an input that comes in windows, each of which begins with a row.
///
///     ┌──────────── delimiter ────────────┐
///     ▼                                   │            ┌─ row end ─▶ the next row
///   plain ── quote at a cell's start ─▶ quoted ── quote, then
///     │                                   ▲            ├─ quote (doubled) ─▶ quoted
///     └─ row end ─▶ the next row          └── any      └─ anything else ─▶ broken
///
/// A row that begins with the comment character is none, and is read to its line end without regard to quotes.
///
/// A row that breaks, or whose quotes go on to the end of the input or over its limit of bytes, gives up its first line only, and
/// the next row begins behind that.
///
/// Time is linear in the input, for hostile input too. Wherever a row goes on over a line end it is inside of quotes (else it
/// would have ended), so all rows that go on over the same line end are in the same state from there on: they fail together. What
/// the first of them came to is kept as a `Trail`, and a later one goes on where the trail ends: each byte is looked at once in a
/// first line and once in a trail.
///
///     a","        the first row fails far below, in quotes at every line end
///     a","        so does the second: once it is in quotes behind its first line, it need not be read again
///     a","
///
/// Memory: the state alone. A window need not be larger than the limit and two bytes for a row to be judged.
struct RowCutter {
  private enum Place { case plain, quoted, broken, comment }

  /// Where the machine stands: everything before `at` is read.
  private struct State {
    var place = Place.plain
    var at = 0
    /// The quote that was opened last.
    var opened = 0
  }

  /// What the last row came to that gave up its first line: up to `state.at` it was in quotes at every line end.
  private struct Trail {
    var state: State
    /// How it ended; nil when only its own row's limit stopped it.
    var failure: CutFault.Reason?
  }

  /// Rows that are none in one cut, so that their list stays small.
  private static let mostFaults = 1 << 16

  private let format: InputFormat
  private let delimiter: UInt8
  /// A line feed when quotes are data: it is looked for anyway.
  private let quote: UInt8
  /// Nil when no line is a comment.
  private let comment: UInt8?
  private let rowBytes: Int
  /// Where the row begins in the window; 0 between calls.
  private var row = 0
  private var state = State()
  /// The end of the row's first line, once the row went on over it: the line without its end, and where the next begins.
  private var firstLine: (end: Int, next: Int)?
  private var trail: Trail?
  /// Rows of the last cut that are none.
  private(set) var faults: [CutFault] = []
  /// How many lines end in the whole rows of the last cut; nil when it did not come to be known.
  private(set) var lineEndCount: Int?
  /// Whether the row at the beginning of the next window is longer than the limit, in one line.
  private(set) var isOver = false

  /// Whether windows with ordinary quotes only may be cut the short way.
  private let isShort: Bool

  /// A cutter for rows of at most `rowBytes`.
  init(_ format: InputFormat, _ dialect: CSVDialect, rowBytes: Int = Limits.rowBytes, isShort: Bool = true) {
    self.format = format
    self.isShort = isShort
    self.rowBytes = rowBytes
    delimiter = dialect.delimiter
    quote = format == .csv ? dialect.quote ?? lineFeed : lineFeed
    comment = format == .csv ? dialect.comment : nil
  }

  /// How many bytes of the window are whole rows. The next window must begin behind them, and hold more when there were none and
  /// `isOver` is not set.
  ///
  /// `offset` is where the window begins in the input; `isLast` says that the input ends with it.
  mutating func cut(_ window: Span<UInt8>, offset: Int, isLast: Bool) -> Int {
    faults.removeAll()
    lineEndCount = nil
    // No row of this window can come onto a trail that ends before it.
    if let trail, trail.state.at <= 0 { self.trail = nil }
    if isShort, trail == nil, let cut = ordinaryCut(window, isLast) {
      state = State()
      firstLine = nil
      lineEndCount = cut.lineEndCount
      return cut.end
    }
    while row < window.count, faults.count < Self.mostFaults, advance(window, offset, isLast) {}
    let end = row
    row = 0
    state.at -= end
    state.opened -= end
    if let line = firstLine { firstLine = (line.end - end, line.next - end) }
    trail?.state.at -= end
    trail?.state.opened -= end
    return end
  }

  /// Begins anew behind a row that was over the limit.
  mutating func restart() {
    state = State()
    firstLine = nil
    trail = nil
    isOver = false
  }

  /// The cut of a window without room for a row over the limit and with ordinary quotes only, as this machine would make it; nil for
  /// any other.
  private func ordinaryCut(_ window: Span<UInt8>, _ isLast: Bool) -> OrdinaryCut? {
    guard window.count <= rowBytes, !holdsComment(window) else { return nil }
    if format == .csv {
      return Reading.ordinaryCut(window, delimiter: delimiter, quote: quote == lineFeed ? nil : quote, isLast: isLast)
    }
    let end = isLast ? window.count : lastIndex(of: lineFeed, in: window).map { $0 + 1 } ?? 0
    return OrdinaryCut(end: end, lineEndCount: nil)
  }

  /// Whether a line of the window seems to be a comment, in which quotes would count for nothing.
  private func holdsComment(_ window: Span<UInt8>) -> Bool {
    guard let comment else { return false }
    var at = firstIndex(of: comment, in: window)
    while let place = at {
      if place == 0 || isLineEnd(window[place - 1]) { return true }
      at = firstIndex(of: comment, in: window, from: place + 1)
    }
    return false
  }

  /// Reads on to the end of the row. Returns false when the window ends before, or when the row is over the limit.
  private mutating func advance(_ window: Span<UInt8>, _ offset: Int, _ isLast: Bool) -> Bool {
    while true {
      let goesOn: Bool?
      switch state.place {
      case .plain: goesOn = readPlain(window, offset, isLast)
      case .quoted: goesOn = readQuoted(window, offset, isLast)
      case .broken: goesOn = readBroken(window, offset, isLast)
      case .comment: goesOn = readComment(window, offset, isLast)
      }
      if let goesOn { return goesOn }
    }
  }

  // Each of these reads up to the next change of place and returns nil, or ends the row and returns true, or cannot: false.

  private mutating func readPlain(_ window: Span<UInt8>, _ offset: Int, _ isLast: Bool) -> Bool? {
    if state.at == row, window[row] == comment {
      state.place = .comment
      return nil
    }
    let stop =
      format == .csv ? firstStop(window, from: state.at, or: quote) : firstIndex(of: lineFeed, in: window, from: state.at)
    guard let stop else {
      state.at = window.count
      // In NDJSON a carriage return at the end may belong to the line end.
      let end = format == .ndjson && !isLast ? window.count - 1 : endOfText(window, window.count)
      if end - row > rowBytes { return giveUp(.endless, offset) }
      if isLast { begin(window.count) }
      return isLast
    }
    state.at = stop
    if isLineEnd(window[stop]) {
      if endOfText(window, stop) - row > rowBytes { return giveUp(.endless, offset) }
      guard let next = behindLineEnd(window, stop, isLast) else { return false }
      begin(next)
      return true
    }
    if stop - row >= rowBytes { return giveUp(.endless, offset) }
    if stop == row || window[stop - 1] == delimiter {
      state.place = .quoted
      state.opened = stop
    }
    state.at = stop + 1
    return nil
  }

  private mutating func readQuoted(_ window: Span<UInt8>, _ offset: Int, _ isLast: Bool) -> Bool? {
    let stop =
      firstLine == nil
      ? firstStop(window, from: state.at, or: quote) : firstIndex(of: quote, in: window, from: state.at)
    guard let stop else {
      state.at = window.count
      if window.count - row > rowBytes { return giveUp(.endless, offset) }
      if isLast, firstLine == nil { firstLine = (window.count, window.count) }
      return isLast ? giveUp(.unclosed, offset) : false
    }
    state.at = stop
    if isLineEnd(window[stop]) {
      if stop - row > rowBytes { return giveUp(.endless, offset) }
      guard let next = behindLineEnd(window, stop, isLast) else { return false }
      firstLine = (stop, next)
      state.at = next
      return follow(offset)
    }
    if stop - row >= rowBytes { return giveUp(.endless, offset) }
    let behind = stop + 1
    guard behind < window.count || isLast else { return false }
    state.at = behind
    if behind == window.count || isLineEnd(window[behind]) {
      state.place = .plain
    } else if window[behind] == quote {
      state.at = behind + 1
    } else if window[behind] == delimiter {
      state.place = .plain
      state.at = behind + 1
    } else if firstLine == nil {
      state.place = .broken
    } else {
      return giveUp(.followed, offset)
    }
    return nil
  }

  private mutating func readBroken(_ window: Span<UInt8>, _ offset: Int, _ isLast: Bool) -> Bool? {
    let stop = firstStop(window, from: state.at) ?? window.count
    state.at = stop
    if stop - row > rowBytes { return giveUp(.endless, offset) }
    if stop == window.count {
      guard isLast else { return false }
      firstLine = (stop, stop)
    } else {
      guard let next = behindLineEnd(window, stop, isLast) else { return false }
      firstLine = (stop, next)
    }
    return giveUp(.followed, offset)
  }

  private mutating func readComment(_ window: Span<UInt8>, _ offset: Int, _ isLast: Bool) -> Bool? {
    let stop = firstStop(window, from: state.at) ?? window.count
    state.at = stop
    if stop - row > rowBytes { return giveUp(.endless, offset) }
    if stop == window.count {
      if isLast { begin(stop) }
      return isLast
    }
    guard let next = behindLineEnd(window, stop, isLast) else { return false }
    begin(next)
    return true
  }

  /// Goes on at the end of the trail when there is one over the line end just read, or fails as it did.
  private mutating func follow(_ offset: Int) -> Bool? {
    guard let trail, let firstLine, firstLine.next <= trail.state.at else { return nil }
    // Two rows that are both in quotes opened the same one: a run of quotes never leaves both of them quoted.
    state = trail.state
    guard let failure = trail.failure else { return nil }
    return giveUp(failure, offset)
  }

  /// Makes the row's first line a fault and begins the next row behind it. A row without a first line is over the limit instead.
  private mutating func giveUp(_ reason: CutFault.Reason, _ offset: Int) -> Bool {
    guard let line = firstLine else {
      isOver = true
      return false
    }
    if state.place != .broken {
      trail = Trail(state: state, failure: reason == .endless ? nil : reason)
    }
    faults.append(CutFault(reason: reason, place: offset + state.opened, range: row..<line.end, next: line.next))
    begin(line.next)
    return true
  }

  private mutating func begin(_ next: Int) {
    row = next
    state = State(at: next)
    firstLine = nil
  }

  private func isLineEnd(_ byte: UInt8) -> Bool { byte == lineFeed || byte == carriageReturn }

  /// Where the row's text ends when its line end begins at `end`: in NDJSON a carriage return before it is no text.
  private func endOfText(_ window: Span<UInt8>, _ end: Int) -> Int {
    format == .ndjson && end > row && window[end - 1] == carriageReturn ? end - 1 : end
  }

  /// Where the next line begins; nil when the line end may go on behind the window.
  private func behindLineEnd(_ window: Span<UInt8>, _ end: Int, _ isLast: Bool) -> Int? {
    if window[end] == lineFeed { return end + 1 }
    guard end + 1 < window.count else { return isLast ? end + 1 : nil }
    return window[end + 1] == lineFeed ? end + 2 : end + 1
  }
}

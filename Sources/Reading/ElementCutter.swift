internal import Bytes
internal import Vocabulary

/// Finds the ends of elements in a JSON array that comes in windows, each of which begins with an element or with what divides two.
///
///     window   {"a":[1,    2]} ,  {"b":3} , {"a
///     cuts                      ▲          ▲          behind a comma, and behind the blanks that follow it
///
/// An element that is no JSON is left to the parser. An element longer than the limit is passed over; so is everything behind a bracket
/// that does not close what was opened, and behind the array. Each is one fault, as is an array that does not end.
///
/// Memory: the state alone. A window need not be larger than the limit and a byte for an element to be judged.
struct ElementCutter {
  /// What comes next.
  private enum Place {
    /// The first element, or the end of the array.
    case first
    /// An element.
    case next
    /// The rest of an element.
    case inside
    /// Nothing but blanks.
    case behind
  }

  /// What is passed over.
  private enum Passing { case element, rest }

  /// Elements that are none in one cut, so that their list stays small.
  private static let mostFaults = 1 << 16

  private let rowBytes: Int
  private var place = Place.behind
  private var scan = ElementScan()
  /// Everything before it is read.
  private var at = 0
  private var passing: Passing?
  private var reason = CutFault.Reason.tooLong
  /// Where the structure broke.
  private var breakPlace = 0
  /// Elements of the last cut that are none.
  private(set) var faults: [CutFault] = []

  /// A cutter for elements of at most `rowBytes`, up to the comma behind them. Until an array begins it expects none.
  init(rowBytes: Int = Limits.rowBytes) { self.rowBytes = rowBytes }

  /// Goes behind the bracket that begins the array.
  mutating func begin() { place = .first }

  /// Whether the array has not come to its end, nor to a fault that goes to the end of the input.
  var isOpen: Bool { place != .behind || passing != nil }

  /// Whether the next window begins with what must be passed over.
  var isOver: Bool { passing != nil }

  /// How many bytes of the window are whole elements and what divides them. The next window must begin behind them.
  ///
  /// `offset` is where the window begins in the input; `isLast` says that the input ends with it.
  mutating func cut(_ window: Span<UInt8>, offset: Int, isLast: Bool) -> Int {
    faults.removeAll()
    var end = 0
    while faults.count < Self.mostFaults {
      if place != .inside {
        at = skipSpace(window, at)
        end = at
        guard at < window.count, beginElement(window, offset) else { break }
        if place != .inside { end = at }
        continue
      }
      let step = scan.read(window, &at)
      if at - end > rowBytes {
        passing = .element
        reason = .tooLong
      } else if step == .breaks {
        passRest(.unmatched, offset + at)
      }
      guard step == .ends, passing == nil else { break }
      endElement(window)
      end = at
    }
    if isLast, at == window.count, place != .behind, passing == nil {
      let text = endOfElement(window, end, at)
      faults.append(CutFault(reason: .unfinished, place: offset + at, range: end..<text, next: at))
      place = .behind
      end = at
    }
    at -= end
    return end
  }

  /// Begins an element, passes one that is missing, or ends the array; returns false when there is something behind that.
  private mutating func beginElement(_ window: Span<UInt8>, _ offset: Int) -> Bool {
    if place == .behind {
      passRest(.trailing, offset + at)
      return false
    }
    if window[at] == 0x2c || window[at] == 0x5d {
      // Only an array without any elements ends before one.
      if place == .next || window[at] == 0x2c {
        faults.append(CutFault(reason: .missing, place: offset + at, range: at..<at, next: at + 1))
      }
      endElement(window)
    } else {
      place = .inside
      scan = ElementScan()
    }
    return true
  }

  /// Goes over the comma behind an element, or over the end of the array.
  private mutating func endElement(_ window: Span<UInt8>) {
    place = window[at] == 0x2c ? .next : .behind
    at += 1
  }

  private mutating func passRest(_ reason: CutFault.Reason, _ place: Int) {
    passing = .rest
    self.reason = reason
    breakPlace = place
  }

  /// Reads on in what is passed over; returns where that ends, or nil when it takes all of the window.
  mutating func pass(_ window: Span<UInt8>) -> Int? {
    defer { at = 0 }
    guard passing == .element else { return nil }
    switch scan.read(window, &at) {
    case .goesOn: return nil
    case .breaks:
      // Its end cannot be known, so it takes all that is left.
      passing = .rest
      return nil
    case .ends:
      endElement(window)
      passing = nil
      return at
    }
  }

  /// The fault of what was passed over, up to `end` of the input. When the input ended with it, so does the array.
  mutating func endPassing(at end: Int) -> CutFault {
    let isAtDivider = passing == nil
    if !isAtDivider { place = .behind }
    passing = nil
    let rowEnd = isAtDivider ? end - 1 : end
    return CutFault(reason: reason, place: reason == .tooLong ? rowEnd : breakPlace, range: 0..<0, next: 0)
  }
}

/// Where the text of an element ends that begins at `start` and whose divider is at `end`: before the blanks.
func endOfElement(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
  var at = end
  while at > start, isBlank(bytes[at - 1]) { at -= 1 }
  return at
}

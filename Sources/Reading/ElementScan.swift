internal import Bytes

/// Finds where an element of a JSON array ends, in text that comes in pieces: brackets are counted, strings are passed over.
///
///     {"a":"]\"}","b":[1,2]},          the comma behind it
///     1 2 }                           a bracket that closes nothing: where the element ends cannot be known
///
/// It says nothing about whether the element is JSON. Memory: itself; of brackets deeper than 128 it knows the number, not the kinds.
struct ElementScan {
  enum Step {
    /// The text ends before the element does.
    case goesOn
    /// At the comma or the bracket behind the element.
    case ends
    /// At a bracket that does not close the one opened last.
    case breaks
  }

  private static let knownDepth = UInt128.bitWidth

  private var depth = 0
  /// A bit for each open bracket, the innermost lowest: set for an object.
  private var objects: UInt128 = 0
  private var isInString = false
  private var isEscaped = false

  /// Reads on from `at` to where the element ends or breaks, or to the end of the text.
  mutating func read(_ text: Span<UInt8>, _ at: inout Int) -> Step {
    while at < text.count {
      if isInString {
        readString(text, &at)
        continue
      }
      switch text[at] {
      case 0x22: isInString = true
      case 0x7b, 0x5b: open(isObject: text[at] == 0x7b)
      case 0x7d, 0x5d:
        if depth == 0, text[at] == 0x5d { return .ends }
        guard close(isObject: text[at] == 0x7d) else { return .breaks }
      case 0x2c: if depth == 0 { return .ends }
      default: break
      }
      at &+= 1
    }
    return .goesOn
  }

  /// Reads on inside of a string, over one escape, or over the closing quote.
  private mutating func readString(_ text: Span<UInt8>, _ at: inout Int) {
    if !isEscaped { at = endOfPlainText(text, at) }
    guard at < text.count else { return }
    if isEscaped {
      isEscaped = false
    } else if text[at] == 0x5c {
      isEscaped = true
    } else if text[at] == 0x22 {
      isInString = false
    }
    at &+= 1
  }

  private mutating func open(isObject: Bool) {
    if depth < Self.knownDepth { objects = objects << 1 | (isObject ? 1 : 0) }
    depth += 1
  }

  /// Closes the bracket opened last; returns false when there is none, or one of the other kind.
  private mutating func close(isObject: Bool) -> Bool {
    guard depth > 0 else { return false }
    if depth <= Self.knownDepth {
      guard (objects & 1 == 1) == isObject else { return false }
      objects >>= 1
    }
    depth -= 1
    return true
  }
}

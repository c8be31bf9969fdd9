/// A part of a body that was cut in two, and perhaps again: which half of which half.
///
///     body 7, 5 events   ─▶   7.0 (3)   7.1 (2)
///          7.0           ─▶   7.0.0 (2)   7.0.1 (1)
///
/// Parts that are not cut again, in the order of their paths, are the body's events in the body's order.
package struct BodyPart: Hashable, Sendable, Comparable {
  /// A digit for each cut, `0` for the first half; empty for the whole body.
  package let path: String

  /// The whole body.
  package init() { path = "" }

  /// Nil when the text is no path.
  package init?(path: String) {
    guard path.utf8.allSatisfy({ $0 == 0x30 || $0 == 0x31 }) else { return nil }
    self.path = path
  }

  /// The part's two halves, the first first.
  package var halves: [BodyPart] { ["0", "1"].map { BodyPart(digits: path + $0) } }

  /// Which events of a body with so many are in the part. A part of an odd number has its middle event in the first half, so that after
  /// ⌈log2 n⌉ cuts an event of n stands alone.
  package func events(of eventCount: Int) -> Range<Int> {
    var range = 0..<eventCount
    for digit in path.utf8 {
      precondition(range.count > 1, "an event that stands alone is not cut")
      let middle = range.lowerBound + (range.count + 1) / 2
      range = digit == 0x30 ? range.lowerBound..<middle : middle..<range.upperBound
    }
    return range
  }

  /// Whether a body of so many events can have been cut this way.
  package func isPossible(of eventCount: Int) -> Bool {
    var count = eventCount
    for digit in path.utf8 {
      guard count > 1 else { return false }
      count = digit == 0x30 ? (count + 1) / 2 : count / 2
    }
    return count > 0
  }

  /// What the part of a body is called: `7.0.1`.
  package func name(of number: Int) -> String { ([String(number)] + path.map(String.init)).joined(separator: ".") }

  package static func < (one: BodyPart, other: BodyPart) -> Bool { one.path < other.path }

  private init(digits: String) { path = digits }
}

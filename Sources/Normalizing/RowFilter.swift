import Bytes
import Vocabulary

/// A condition, made ready for the rows of one input.
struct RowFilter: Sendable {
  private enum Test: Sendable {
    case isOneOf(Set<Digest>)
    case isNoneOf(Set<Digest>)
    case isEmpty, isNotEmpty
    /// Whether the value compares so with a number: lower, equal, higher.
    case compares(ExactDecimal, Set<Int>)
  }

  private let source: SourceReader
  private let test: Test

  init(_ condition: Condition, _ places: inout RowPlaces, _ context: SourceContext) throws(HeaderRefusal) {
    source = try SourceReader(condition.source, &places, context)
    func digests(_ values: [String]) -> Set<Digest> { Set(values.map { Digest(Array($0.utf8).span) }) }
    func number(_ text: String) throws(HeaderRefusal) -> ExactDecimal {
      guard let number = ExactDecimal(Array(text.utf8).span) else {
        throw HeaderRefusal(message: "a condition compares \(condition.source.description) with \(text), which is no number")
      }
      return number
    }
    switch condition.test {
    case .isOneOf(let values): test = .isOneOf(digests(values))
    case .isNoneOf(let values): test = .isNoneOf(digests(values))
    case .isEmpty: test = .isEmpty
    case .isNotEmpty: test = .isNotEmpty
    case .less(let text): test = .compares(try number(text), [-1])
    case .atMost(let text): test = .compares(try number(text), [-1, 0])
    case .greater(let text): test = .compares(try number(text), [1])
    case .atLeast(let text): test = .compares(try number(text), [0, 1])
    }
  }

  private func compare(
    _ text: Span<UInt8>, _ number: ExactDecimal, _ outcomes: Set<Int>, _ scratch: inout ByteArena
  ) throws(Reject) -> Bool {
    scratch.removeAll()
    // A JSON number may have an exponent.
    if isNumber(text) { _ = scratch.append(canonical: text, digitLimit: 38) } else { scratch.append(text) }
    let value = ExactDecimal(scratch.span)
    guard let outcome = value?.compared(with: number) else {
      throw Reject(
        .badNumber, column: source.name,
        "a condition compares this with a number, and it is none; correct the row, or say beside the test how numbers are written "
          + "(decimal, group)")
    }
    return outcomes.contains(outcome)
  }

  /// Whether the row passes. `target` is left as it was. Throws for a value that is compared with a number and is none.
  func passes(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces, _ scratch: inout ByteArena,
    _ counts: inout ConversionCounts, _ target: inout ByteArena
  ) throws(Reject) -> Bool {
    let start = target.count
    defer { target.truncate(to: start) }
    let isThere = try source.append(row, tape, places, &scratch, &counts, into: &target) != nil
    let text = target.span.extracting(start..<target.count)
    return switch test {
    case .isEmpty: !isThere
    case .isNotEmpty: isThere
    case .isOneOf(let values): isThere && values.contains(Digest(text))
    case .isNoneOf(let values): !isThere || !values.contains(Digest(text))
    case .compares(let number, let outcomes): isThere ? try compare(text, number, outcomes, &scratch) : false
    }
  }
}

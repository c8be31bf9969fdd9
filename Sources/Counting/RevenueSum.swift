/// Revenue of a number of visitors: its sum, and the sum of the squares of what each visitor came to, in hundredths. Both are exact, and the same
/// in whatever order visitors and their events come; the events of one visitor come together.
struct RevenueSum: Sendable {
  private(set) var sum: Int128 = 0
  /// Of the visitors before the last; nil when it is beyond what can be counted.
  private var squaresBefore: Int128? = 0
  private var ofLast: Int128 = 0

  /// Adds an amount of the visitor at hand; `isOther` says that the amounts before were another's.
  mutating func add(_ amount: Int64, isOther: Bool) {
    if isOther { endVisitor() }
    sum += Int128(amount)
    ofLast += Int128(amount)
  }

  mutating func add(_ other: RevenueSum) {
    endVisitor()
    sum += other.sum
    squaresBefore = RevenueSum.sum(squaresBefore, other.squares)
  }

  /// Squares are not negative, so in no order is a sum on the way greater than the whole.
  var squares: Int128? {
    let (square, isOver) = ofLast.multipliedReportingOverflow(by: ofLast)
    return RevenueSum.sum(squaresBefore, isOver ? nil : square)
  }

  private mutating func endVisitor() {
    squaresBefore = squares
    ofLast = 0
  }

  private static func sum(_ one: Int128?, _ other: Int128?) -> Int128? {
    guard let one, let other else { return nil }
    let (sum, isOver) = one.addingReportingOverflow(other)
    return isOver ? nil : sum
  }
}

import Foundation

/// How many of a number did something.
package struct Proportion: Sendable, Equatable {
  package var successes: Int
  package var total: Int

  /// `successes` lies between 0 and `total`.
  package init(_ successes: Int, of total: Int) {
    precondition(successes >= 0 && successes <= total, "a part is not larger than the whole")
    self.successes = successes
    self.total = total
  }

  /// Between 0 and 1; nil of none.
  package var rate: Double? { total == 0 ? nil : Double(successes) / Double(total) }

  /// The score interval at 95 %: E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of the
  /// American Statistical Association 22 (1927), 209–212. Nil of none.
  package var interval: ClosedRange<Double>? {
    guard let rate else { return nil }
    let count = Double(total)
    let square = Statistics.quantile * Statistics.quantile
    let middle = 2 * count * rate + square
    let spread = Statistics.quantile * (square + 4 * count * rate * (1 - rate)).squareRoot()
    let whole = 2 * (count + square)
    // At the ends the exact bound is the end itself, which rounding must not miss.
    let lower = successes == 0 ? 0 : max(0, (middle - spread) / whole)
    let upper = successes == total ? 1 : min(1, (middle + spread) / whole)
    return lower...upper
  }
}

/// Something beside that of a baseline.
package protocol Comparison: Sendable {
  /// What it has more than the baseline.
  var difference: Double { get }
  /// Where the true difference lies, at 95 %.
  var interval: ClosedRange<Double> { get }
}

extension Comparison {
  /// Whether the interval leaves 0 out.
  package var isClear: Bool { !interval.contains(0) }
}

/// A rate beside that of a baseline.
package struct RateComparison: Comparison, Equatable {
  /// The rate less the baseline's, between −1 and 1.
  package let difference: Double
  /// Where the true difference lies, at 95 %.
  package let interval: ClosedRange<Double>
  /// The difference in relation to the baseline's rate; nil when that is 0.
  package let lift: Double?

  /// The interval is Newcombe's hybrid score interval without continuity correction, which holds for small numbers and for rates near 0
  /// and 1 too: R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17 (1998),
  /// 873–890, method 10. Nil when one of the two is of none.
  package init?(_ proportion: Proportion, to baseline: Proportion) {
    guard let rate = proportion.rate, let score = proportion.interval, let other = baseline.rate, let otherScore = baseline.interval
    else { return nil }
    func distance(_ one: Double, _ two: Double) -> Double { (one * one + two * two).squareRoot() }
    difference = rate - other
    let below = distance(rate - score.lowerBound, otherScore.upperBound - other)
    let above = distance(score.upperBound - rate, other - otherScore.lowerBound)
    interval = max(-1, difference - below)...min(1, difference + above)
    lift = other == 0 ? nil : difference / other
  }
}

/// Whether visitors are spread over variations as chance would spread them over equal shares (Pearson's chi-square test).
package struct SampleRatio: Sendable, Equatable {
  package let chiSquare: Double
  package let degreesOfFreedom: Int
  /// How likely chance alone brings a spread at least as uneven.
  package let probability: Double

  /// A smaller probability is a mismatch: R. Kohavi, D. Tang, Y. Xu, Trustworthy Online Controlled Experiments (2020), chapter 21.
  package static let threshold = 0.001

  /// Nil when there is nothing to compare: fewer than two variations, or no visitor.
  package init?(_ visitors: [Int]) {
    let total = visitors.reduce(0.0) { $0 + Double($1) }
    guard visitors.count > 1, total > 0 else { return nil }
    let share = total / Double(visitors.count)
    chiSquare = visitors.reduce(0.0) { $0 + (Double($1) - share) * (Double($1) - share) } / share
    degreesOfFreedom = visitors.count - 1
    probability = Statistics.chiSquareTail(chiSquare, degreesOfFreedom: degreesOfFreedom)
  }

  package var isMismatch: Bool { probability < SampleRatio.threshold }
}

package enum Statistics {
  /// Of the normal distribution at 97.5 %.
  static let quantile = 1.959963984540054

  /// The probability that a chi-square variable is `value` or more: Q(k/2, value/2), the regularised upper incomplete gamma function.
  ///
  /// k is whole, so Q begins at Q(1, x) = e⁻ˣ or Q(½, x) = erfc √x and grows by Q(a + 1, x) = Q(a, x) + xᵃ e⁻ˣ / Γ(a + 1)
  /// (DLMF, https://dlmf.nist.gov/8.4.E6, 8.8.E6). All terms are positive, so nothing cancels out; they are summed by their logarithms,
  /// so that none vanishes on the way.
  package static func chiSquareTail(_ value: Double, degreesOfFreedom: Int) -> Double {
    precondition(degreesOfFreedom > 0, "a chi-square variable has a degree of freedom")
    guard value > 0 else { return 1 }
    let half = value / 2
    var order = degreesOfFreedom.isMultiple(of: 2) ? 1.0 : 0.5
    var tail = order == 1 ? exp(-half) : erfc(half.squareRoot())
    // ln(xᵃ e⁻ˣ / Γ(a + 1)), where Γ(2) = 1 and Γ(3/2) = √π / 2.
    var logTerm = order * log(half) - half - (order == 1 ? 0 : log(Double.pi.squareRoot() / 2))
    while order < Double(degreesOfFreedom) / 2 {
      tail += exp(logTerm)
      order += 1
      logTerm += log(half) - log(order)
    }
    return min(1, tail)
  }
}

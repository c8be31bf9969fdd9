import Foundation

/// A number of visitors and what each came to, as its sum and the sum of its squares, both exact.
package struct Sample: Sendable, Equatable {
  package var count: Int
  package var sum: Int128
  package var squares: Int128

  package init(count: Int, sum: Int128, squares: Int128) {
    self.count = count
    self.sum = sum
    self.squares = squares
  }

  package var mean: Double { Double(sum) / Double(count) }

  /// Of the population that the sample is of: divided by one less than the count. Nil of fewer than two, and of sums that no sample has.
  var variance: Double? {
    guard count > 1 else { return nil }
    // n Σx² − (Σx)², in which nothing is lost as long as 128 bits hold it.
    let (left, leftIsOver) = squares.multipliedReportingOverflow(by: Int128(count))
    let (right, rightIsOver) = sum.multipliedReportingOverflow(by: sum)
    let spread =
      leftIsOver || rightIsOver ? Double(squares) * Double(count) - Double(sum) * Double(sum) : Double(left - right)
    return spread < 0 ? nil : spread / Double(count) / Double(count - 1)
  }
}

/// A mean beside that of a baseline.
package struct MeanComparison: Comparison, Equatable {
  /// The mean less the baseline's.
  package let difference: Double
  /// Where the true difference lies, at 95 %.
  package let interval: ClosedRange<Double>

  /// The interval is Welch's, which does not take the two to vary alike: B. L. Welch, The generalization of "Student's" problem when several
  /// different population variances are involved, Biometrika 34 (1947), 28–35. It holds for many visitors; of few, when most come to nothing
  /// and one to very much, it is rough. Nil when one of the two has fewer than two visitors, or none of the two varies.
  package init?(_ sample: Sample, to baseline: Sample) {
    guard let variance = sample.variance, let other = baseline.variance, variance + other > 0 else { return nil }
    let (one, two) = (variance / Double(sample.count), other / Double(baseline.count))
    let freedom = (one + two) * (one + two) / (one * one / Double(sample.count - 1) + two * two / Double(baseline.count - 1))
    difference = sample.mean - baseline.mean
    let reach = Statistics.studentQuantile(degreesOfFreedom: freedom) * (one + two).squareRoot()
    interval = (difference - reach)...(difference + reach)
  }
}

extension Statistics {
  /// Of Student's distribution at 97.5 %; the degrees of freedom, 1 or more, need not be whole.
  static func studentQuantile(degreesOfFreedom freedom: Double) -> Double {
    if freedom > 1000 {
      // Abramowitz and Stegun, 26.7.5; what is left out is below 10⁻¹². Below, the fraction ends late where there are many degrees.
      let z = quantile
      let square = z * z
      let terms = [
        z * (square + 1) / 4, z * ((5 * square + 16) * square + 3) / 96, z * (((3 * square + 19) * square + 17) * square - 15) / 384,
      ]
      return z + terms.reversed().reduce(0) { ($0 + $1) / freedom }
    }
    // Greater than that of the normal distribution, and than 12.8 for none of the degrees: halved until no number lies between.
    var (low, high) = (0.0, 13.0)
    while true {
      let middle = (low + high) / 2
      guard middle > low, middle < high else { return middle }
      if studentTails(middle, degreesOfFreedom: freedom) > 0.05 { low = middle } else { high = middle }
    }
  }

  /// The probability that a variable of Student's distribution lies farther from 0 than `value`: the regularised incomplete beta function
  /// I(x; ν/2, 1/2) at x = ν / (ν + t²) (M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions, 26.7.1).
  static func studentTails(_ value: Double, degreesOfFreedom freedom: Double) -> Double {
    guard value > 0 else { return 1 }
    let (a, b) = (freedom / 2, 0.5)
    let (x, rest) = (freedom / (freedom + value * value), value * value / (freedom + value * value))
    let logFront = logGammaRatio(a) - log(Double.pi.squareRoot()) + a * log1p(-rest) + b * log(rest)
    // The fraction comes to its end soon on the left of the mean; on the right that of the mirrored function does.
    return x < (a + 1) / (a + b + 2)
      ? exp(logFront) * betaFraction(x, a, b) / a : 1 - exp(logFront) * betaFraction(rest, b, a) / b
  }

  /// ln(Γ(a + 1/2) / Γ(a)), in which two large logarithms would cancel out.
  private static func logGammaRatio(_ a: Double) -> Double {
    // Γ(a + 1/2) / Γ(a) = √a (1 − 1/8a + 1/128a² + 5/1024a³ − 21/32768a⁴ − …) (Abramowitz and Stegun, 6.1.48).
    guard a < 50 else {
      let inverse = 1 / a
      return log(a) / 2 + log1p(inverse * (-1 / 8.0 + inverse * (1 / 128.0 + inverse * (5 / 1024.0 - inverse * 21 / 32768.0))))
    }
    return lgamma(a + 0.5) - lgamma(a)
  }

  /// The continued fraction of the incomplete beta function (Abramowitz and Stegun, 26.5.8), from its front (W. J. Lentz, Applied Optics 15,
  /// 1976, 668–671).
  private static func betaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    func away(_ value: Double) -> Double { value.magnitude < 1e-300 ? 1e-300 : value }
    var upper = 1.0
    var lower = 1 / away(1 - (a + b) * x / (a + 1))
    var value = lower
    for step in 1...10_000 {
      let m = Double(step)
      for part in [m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))] {
        lower = 1 / away(1 + part * lower)
        upper = away(1 + part / upper)
        value *= upper * lower
      }
      if (upper * lower - 1).magnitude < 1e-15 { break }
    }
    return value
  }
}

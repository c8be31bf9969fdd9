import Testing

@testable import Counting

/// Against values that others have published.
@Suite struct StatisticsTests {
  /// R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), 857–872, table I,
  /// method 3.
  @Test(
    "the interval of a rate is the published score interval",
    arguments: [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)])
  func score(successes: Int, total: Int, lower: Double, upper: Double) throws {
    let interval = try #require(Proportion(successes, of: total).interval)
    #expect(isNear(interval.lowerBound, lower, 0.00005) && isNear(interval.upperBound, upper, 0.00005))
  }

  /// R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17 (1998), 873–890,
  /// table II, method 10.
  @Test(
    "the interval of a difference is the published hybrid score interval",
    arguments: [
      (56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (6, 7, 2, 7, 0.0582, 0.8062), (5, 56, 0, 29, -0.0381, 0.1926),
      (0, 10, 0, 20, -0.1611, 0.2775), (0, 10, 0, 10, -0.2775, 0.2775), (10, 10, 0, 20, 0.6791, 1), (10, 10, 0, 10, 0.6075, 1),
    ])
  func hybrid(successes: Int, total: Int, baseline: Int, of baselineTotal: Int, lower: Double, upper: Double) throws {
    let found = try #require(RateComparison(Proportion(successes, of: total), to: Proportion(baseline, of: baselineTotal)))
    #expect(isNear(found.interval.lowerBound, lower, 0.00005) && isNear(found.interval.upperBound, upper, 0.00005))
    // The other way round it is the same with its sign changed.
    let reverse = try #require(RateComparison(Proportion(baseline, of: baselineTotal), to: Proportion(successes, of: total)))
    #expect(isNear(reverse.interval.lowerBound, -found.interval.upperBound, 1e-12) && isNear(reverse.difference, -found.difference, 1e-12))
    #expect(found.isClear == (lower > 0) && reverse.isClear == found.isClear)
  }

  @Test("a lift is relative to the baseline, and there is none to 0 or of nobody")
  func lifts() throws {
    let lift = try #require(RateComparison(Proportion(30, of: 200), to: Proportion(10, of: 100))?.lift)
    #expect(isNear(lift, 0.5, 1e-12))
    let fromNothing = try #require(RateComparison(Proportion(1, of: 2), to: Proportion(0, of: 2)))
    #expect(fromNothing.lift == nil && fromNothing.difference == 0.5)
    #expect(RateComparison(Proportion(0, of: 0), to: Proportion(1, of: 2)) == nil)
    #expect(RateComparison(Proportion(1, of: 2), to: Proportion(0, of: 0)) == nil)
  }

  /// NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4, critical values of the chi-square distribution.
  @Test(
    "the tail of chi-square is the published one",
    arguments: [
      (1, 0.10, 2.706), (1, 0.05, 3.841), (1, 0.01, 6.635), (1, 0.001, 10.828), (2, 0.05, 5.991), (2, 0.001, 13.816), (3, 0.05, 7.815),
      (4, 0.05, 9.488), (9, 0.01, 21.666), (10, 0.05, 18.307), (10, 0.001, 29.588), (29, 0.05, 42.557), (100, 0.10, 118.498),
      (100, 0.05, 124.342), (100, 0.001, 149.449),
    ])
  func tail(degreesOfFreedom: Int, probability: Double, critical: Double) {
    // Values have three decimals: the probability lies between those of the ends of what rounds to them.
    let most = Statistics.chiSquareTail(critical - 0.0006, degreesOfFreedom: degreesOfFreedom)
    let least = Statistics.chiSquareTail(critical + 0.0006, degreesOfFreedom: degreesOfFreedom)
    #expect(least < probability && probability < most)
  }

  /// What scipy.stats.t.ppf(0.975, ν) of SciPy 1.17 says; whole ones are those of the usual tables.
  @Test(
    "the quantile of Student's distribution is the published one",
    arguments: [
      (1, 12.706204736174694), (1.5, 6.016663104427929), (2, 4.302652729749462), (3.7, 2.8675207071911895), (10, 2.228138851986274),
      (30, 2.0422724563012378), (97.3, 1.9846459078517171), (99, 1.9842169515864174), (101, 1.983731002955606), (1_000, 1.9623390808264083),
      (123_456.7, 1.9599832001362323), (1e9, 1.959963986912325), (1e12, 1.9599639845424262),
    ])
  func student(degreesOfFreedom: Double, quantile: Double) {
    #expect(isNear(Statistics.studentQuantile(degreesOfFreedom: degreesOfFreedom), quantile, quantile * 1e-11))
  }

  /// The first is the example of R's t.test, whose page prints it: the sleep data of Student (The probable error of a mean, Biometrika 6
  /// (1908), 20), t.test(extra ~ group), from −3.3654832 to 0.2054832, here in tenths. The others are what SciPy 1.17 says:
  /// scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95), of a = [1999, 0, 0, 0, 2500, 0, 12999, 0, 0, 1] and
  /// b = [0, 0, 1999, 0, 0], and of 100,000 visitors, of whom 3 % bring log-normal revenue, and 60,000, of whom 3.5 % do.
  @Test(
    "the interval of a difference of means is the published one",
    arguments: [
      (Sample(count: 10, sum: 75, squares: 3_443), Sample(count: 10, sum: 233, squares: 9_037), -33.654832307117104, 2.0548323071171026),
      (
        Sample(count: 10, sum: 17_499, squares: 179_220_003), Sample(count: 5, sum: 1_999, squares: 3_996_001), -1625.3627322584664,
        4325.562732258467
      ),
      (
        Sample(count: 100_000, sum: 14_152_604, squares: 180_257_318_498),
        Sample(count: 60_000, sum: 10_120_066, squares: 129_056_431_630), -41.437666753788704, -12.845786579544633
      ),
    ])
  func welch(sample: Sample, baseline: Sample, lower: Double, upper: Double) throws {
    let found = try #require(MeanComparison(sample, to: baseline))
    #expect(isNear(found.interval.lowerBound, lower, 1e-6) && isNear(found.interval.upperBound, upper, 1e-6))
    #expect(isNear(found.difference, (lower + upper) / 2, 1e-6) && found.isClear == (upper < 0))
    let reverse = try #require(MeanComparison(baseline, to: sample))
    #expect(isNear(reverse.interval.lowerBound, -found.interval.upperBound, 1e-9))
  }

  /// [10¹² + 0, + 1, + 2] against [10¹² + 5, + 6, + 9], by SciPy without the 10¹²: in fractions the squares would cancel out.
  @Test("what varies little about much is not lost")
  func cancellation() throws {
    let (one, other): ([Int128], [Int128]) = ([0, 1, 2], [5, 6, 9])
    func sample(_ rests: [Int128]) -> Sample {
      let amounts = rests.map { 1_000_000_000_000 + $0 }
      return Sample(count: amounts.count, sum: amounts.reduce(0, +), squares: amounts.reduce(0) { $0 + $1 * $1 })
    }
    let found = try #require(MeanComparison(sample(one), to: sample(other)))
    // A mean about 10¹² has its last bit at about 10⁻⁴.
    #expect(isNear(found.interval.lowerBound, -10.014963234748992, 3e-4) && isNear(found.interval.upperBound, -1.3183700985843423, 3e-4))
  }

  @Test("means of fewer than two, or that do not vary, and sums that cannot be, have no interval")
  func noInterval() {
    let fine = Sample(count: 2, sum: 1, squares: 1)
    #expect(MeanComparison(fine, to: fine) != nil && MeanComparison(fine, to: Sample(count: 3, sum: 0, squares: 0)) != nil)
    for other in [Sample(count: 0, sum: 0, squares: 0), Sample(count: 1, sum: 4, squares: 16), Sample(count: 2, sum: 9, squares: 1)] {
      #expect(MeanComparison(fine, to: other) == nil && MeanComparison(other, to: fine) == nil)
    }
    #expect(MeanComparison(Sample(count: 2, sum: 2, squares: 2), to: Sample(count: 3, sum: 3, squares: 3)) == nil)
    // Beyond 128 bits it is near enough.
    let huge = Sample(count: 1 << 40, sum: 1 << 100, squares: Int128.max)
    #expect(MeanComparison(huge, to: fine).map { $0.difference.isFinite && $0.interval.upperBound.isFinite } ?? true)
  }

  @Test("the tail goes from 1 to 0, also where single terms are too small for a number", arguments: [1, 2, 3, 1_999, 2_000])
  func ends(degreesOfFreedom: Int) {
    func tail(_ value: Double) -> Double { Statistics.chiSquareTail(value, degreesOfFreedom: degreesOfFreedom) }
    let mean = Double(degreesOfFreedom)
    #expect(tail(0) == 1 && tail(-1) == 1 && tail(1e9) == 0)
    // The median is about k (1 − 2/9k)³.
    #expect(degreesOfFreedom < 1_000 || isNear(tail(mean - 2 / 3), 0.5, 0.001))
    #expect(tail(mean * 0.9) > tail(mean) && tail(mean) > tail(mean * 1.1))
  }

  /// R. Kohavi, D. Tang, Y. Xu, Trustworthy Online Controlled Experiments (2020), chapter 21: 821,588 against 815,482, p = 1.8 · 10⁻⁶.
  @Test("the sample ratio of a published mismatch has its probability")
  func sampleRatio() throws {
    let ratio = try #require(SampleRatio([821_588, 815_482]))
    #expect(isNear(ratio.probability, 1.8e-6, 0.05e-6) && ratio.degreesOfFreedom == 1 && ratio.isMismatch)
  }

  @Test("equal shares are no mismatch, and one variation or nobody is nothing to test", arguments: [1, 7, 1_000_000])
  func equalShares(visitors: Int) throws {
    let ratio = try #require(SampleRatio([visitors, visitors, visitors]))
    #expect(ratio.chiSquare == 0 && ratio.probability == 1 && !ratio.isMismatch && ratio.degreesOfFreedom == 2)
    #expect(SampleRatio([visitors]) == nil && SampleRatio([]) == nil && SampleRatio([0, 0]) == nil)
  }

  private func isNear(_ one: Double, _ other: Double, _ distance: Double) -> Bool { abs(one - other) <= distance }
}

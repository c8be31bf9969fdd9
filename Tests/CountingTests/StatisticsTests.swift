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

import Counting

/// Cells that say something else for each baseline that can be chosen: a page's style shows those of the chosen one, so that choosing needs no script.
struct Versus {
  /// Positions of the variations that can be chosen.
  let baselines: Range<Int>

  init(variations count: Int) { baselines = 0..<min(count, PageParts.baselines) }

  /// What compares each of some variations with each baseline; nil where there is nothing to compare, as with itself.
  func comparisons<One: Comparison>(_ count: Int, _ compare: (_ at: Int, _ baseline: Int) -> One?) -> [[One?]] {
    (0..<count).map { at in baselines.map { at == $0 ? nil : compare(at, $0) } }
  }

  /// The cell of a variation; `baseline` stands where it is the baseline itself.
  func cell<One: Comparison>(_ at: Int, _ comparisons: [One?], baseline: String = "", _ text: (One) -> String) -> String {
    zip(baselines, comparisons).map { base, comparison in
      let shown = base == at ? "<span class=\"soft\">\(baseline)</span>" : comparison.map(text) ?? "–"
      return "<span class=\"versus v\(base + 1)\(comparison?.isClear == true ? " clear" : "")\">\(shown)</span>"
    }.joined()
  }

  /// The farthest from 0 that any interval reaches: one scale for all of them, so that their lengths can be compared.
  static func reach<One: Comparison>(_ comparisons: [[One?]]) -> Double {
    comparisons.joined().compactMap(\.self).reduce(0) { max($0, -$1.interval.lowerBound, $1.interval.upperBound) }
  }

  /// An interval as words.
  static func interval(_ comparison: some Comparison, _ write: (Double) -> String) -> String {
    "\(write(comparison.interval.lowerBound)) to \(write(comparison.interval.upperBound))"
  }

  /// A difference with its interval.
  static func words(_ comparison: some Comparison, _ write: (Double) -> String) -> String {
    "\(write(comparison.difference)) (\(interval(comparison, write)))"
  }

  /// An interval as a picture that 0 is in the middle of.
  static func picture(_ comparison: some Comparison, reach: Double) -> String {
    func place(_ value: Double) -> String { Markup.plain(reach == 0 ? 60 : 60 + 58 * value / reach) }
    let (low, high) = (comparison.interval.lowerBound, comparison.interval.upperBound)
    return """
      <svg class="interval" viewBox="0 0 120 12" aria-hidden="true">\
      <line class="zero" x1="60" x2="60" y1="0" y2="12"/><line x1="\(place(low))" x2="\(place(high))" y1="6" y2="6"/>\
      <circle cx="\(place(comparison.difference))" cy="6" r="3"/></svg>
      """
  }
}

extension Results.Event {
  /// How many of a variation's visitors did it. Results that were read from elsewhere may say anything.
  func proportion(of visitors: Int) -> Proportion { Proportion(max(0, min(convertingVisitors, visitors)), of: max(0, visitors)) }

  /// What a variation's visitors came to, in hundredths; nil when it is not known of each.
  func revenue(of visitors: Int) -> Sample? {
    guard let revenueSquares, revenue != .max, revenue != .min else { return nil }
    return Sample(count: visitors, sum: Int128(revenue), squares: revenueSquares)
  }

  /// An event that nobody did.
  static func none(_ key: String, _ entityID: String) -> Results.Event {
    Results.Event(key: key, entityID: entityID, convertingVisitors: 0, conversions: 0, revenue: 0, value: 0, revenueSquares: 0)
  }
}

extension MeanComparison {
  /// Of two variations' revenue per visitor, in hundredths.
  init?(_ event: Results.Event, of visitors: Int, to baseline: Results.Event, of others: Int) {
    guard let sample = event.revenue(of: visitors), let other = baseline.revenue(of: others) else { return nil }
    self.init(sample, to: other)
  }
}

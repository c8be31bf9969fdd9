internal import Vocabulary

/// Counts by days, which become weeks, four weeks, and 52 weeks when there are too many of them.
///
/// How long a span is follows from the earliest and the latest day alone, so counting is the same in any order. Memory: at most `limit`
/// numbers for each row.
struct TimelineCounter: Sendable {
  struct Place: Hashable, Sendable {
    var row: Int
    var span: Int
  }

  private static let spanDays = [1, 7, 28, 364]

  private(set) var counts: [Place: Int] = [:]
  private var step = 0
  private var low = Int.max
  private var high = Int.min
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  /// Adds one to a row on the day of a time, in epoch milliseconds.
  mutating func add(_ row: Int, at timestamp: Int64) {
    let day = DayCounts.day(of: timestamp)
    let span = TimelineCounter.span(ofDay: day, step: step)
    widen(span, span)
    counts[Place(row: row, span: TimelineCounter.span(ofDay: day, step: step)), default: 0] += 1
  }

  /// Adds what another has counted, whose rows have other numbers here.
  mutating func append(_ other: TimelineCounter, row: (Int) -> Int) {
    guard !other.counts.isEmpty else { return }
    while step < other.step { coarsen() }
    var other = other
    while other.step < step { other.coarsen() }
    widen(other.low, other.high)
    while other.step < step { other.coarsen() }
    for (place, count) in other.counts { counts[Place(row: row(place.row), span: place.span), default: 0] += count }
  }

  var spanDays: Int { TimelineCounter.spanDays[step] }
  var spanCount: Int { counts.isEmpty ? 0 : high - low + 1 }
  var firstDay: Int { counts.isEmpty ? 0 : TimelineCounter.firstDay(ofSpan: low, step: step) }

  /// The counts of a row, span by span.
  func counts(of row: Int) -> [Int] {
    counts.isEmpty ? [] : (low...high).map { counts[Place(row: row, span: $0)] ?? 0 }
  }

  private mutating func widen(_ first: Int, _ last: Int) {
    low = min(low, first)
    high = max(high, last)
    while high - low >= limit, step + 1 < TimelineCounter.spanDays.count { coarsen() }
  }

  private mutating func coarsen() {
    let next = step + 1
    func moved(_ span: Int) -> Int { TimelineCounter.span(ofDay: TimelineCounter.firstDay(ofSpan: span, step: step), step: next) }
    var merged: [Place: Int] = [:]
    for (place, count) in counts { merged[Place(row: place.row, span: moved(place.span)), default: 0] += count }
    counts = merged
    if low <= high { (low, high) = (moved(low), moved(high)) }
    step = next
  }

  /// Spans are of whole weeks.
  private static func span(ofDay day: Int, step: Int) -> Int {
    guard step > 0 else { return day }
    let (week, weeks) = (Week.number(of: day), spanDays[step] / 7)
    return week / weeks - (week % weeks < 0 ? 1 : 0)
  }

  private static func firstDay(ofSpan span: Int, step: Int) -> Int { step == 0 ? span : Week.firstDay(of: span * spanDays[step] / 7) }
}

import Testing

@testable import Delivering

@Suite("How many lanes") struct LaneLimitTests {
  /// Goes through a round in which every lane is busy and each answer takes so long.
  private func round(_ limit: inout LaneLimit, at now: inout Duration, trip: Duration) {
    let start = now
    for _ in 0..<max(limit.width, LaneLimit.leastTrips) { limit.started(inFlight: limit.width) }
    now += trip
    for _ in 0..<max(limit.width, LaneLimit.leastTrips) { limit.succeeded(startedAt: start, roundTrip: trip, at: now) }
    now += .milliseconds(1)
  }

  @Test("it begins with four, or with as many as there may be", arguments: [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (16, 4)])
  func start(most: Int, width: Int) { #expect(LaneLimit(from: 4, most: most).width == width) }

  @Test("it grows by one a round while all is well, and never beyond the most", arguments: [1, 4, 5, 16])
  func growth(most: Int) {
    var limit = LaneLimit(from: 4, most: most)
    var now = Duration.zero
    var widths: [Int] = []
    for _ in 0..<20 {
      round(&limit, at: &now, trip: .seconds(1))
      widths.append(limit.width)
    }
    #expect(widths == (0..<20).map { min(most, 5 + $0) })
  }

  @Test("it does not grow while there is no use for the lanes that there are") func noUse() {
    var limit = LaneLimit(from: 4, most: 16)
    for second in 0..<100 {
      limit.started(inFlight: 2)
      limit.succeeded(startedAt: .seconds(second), roundTrip: .seconds(1), at: .seconds(second + 1))
    }
    #expect(limit.width == 4)
  }

  @Test("strain halves it, once for all that started before, and never below one") func halves() {
    var limit = LaneLimit(from: 4, most: 16)
    for _ in 0..<4 { limit.strained(startedAt: .seconds(1), inFlight: 4, at: .seconds(2)) }
    #expect(limit.width == 2)
    for second in 3..<10 { limit.strained(startedAt: .seconds(second), inFlight: 2, at: .seconds(second)) }
    #expect(limit.width == 1)
  }

  @Test("a step beyond what failed is tried after calm rounds, twice as many each time that it fails") func probes() {
    var limit = LaneLimit(from: 4, most: 16)
    var now = Duration.seconds(1)
    limit.strained(startedAt: .zero, inFlight: 4, at: now)
    var roundCounts: [Int] = []
    for _ in 0..<6 {
      now += .seconds(1)
      var count = 0
      while limit.width < 4 {
        round(&limit, at: &now, trip: .seconds(1))
        count += 1
      }
      roundCounts.append(count)
      limit.strained(startedAt: now, inFlight: 4, at: now + .seconds(1))
      now += .seconds(1)
      #expect(limit.width == 2)
    }
    // One round from two to three, then the patience.
    #expect(roundCounts == [9, 17, 33, 65, 65, 65])
  }

  @Test("once a step beyond holds, it grows every round again") func recovers() {
    var limit = LaneLimit(from: 4, most: 16)
    var now = Duration.seconds(1)
    for _ in 0..<3 {
      limit.strained(startedAt: now, inFlight: limit.width, at: now + .seconds(1))
      now += .seconds(2)
    }
    #expect(limit.width == 1)
    var count = 0
    while limit.width < 16 {
      round(&limit, at: &now, trip: .seconds(1))
      count += 1
    }
    #expect(count == 8 + 14)
  }

  @Test("round trips that grow with the lanes cut it to seven tenths, at the second slow round") func queue() {
    var limit = LaneLimit(from: 4, most: 16)
    var now = Duration.zero
    var widths: [Int] = []
    for _ in 0..<6 {
      // Four are worked on at once.
      round(&limit, at: &now, trip: .seconds(1) * limit.width / 4)
      widths.append(limit.width)
    }
    // Six take half as long again, which is still borne; seven are slow.
    #expect(widths == [5, 6, 7, 7, 4, 4])
  }

  @Test("round trips that fewer lanes do not shorten are what is to be expected from now on") func slower() {
    var limit = LaneLimit(from: 8, most: 8)
    var now = Duration.zero
    for _ in 0..<3 { round(&limit, at: &now, trip: .seconds(1)) }
    var widths: [Int] = []
    for _ in 0..<6 {
      round(&limit, at: &now, trip: .seconds(4))
      widths.append(limit.width)
    }
    #expect(widths == [8, 5, 8, 8, 8, 8])
  }

  @Test("a single slow round changes nothing, nor do quick ones that differ by little") func chance() {
    var limit = LaneLimit(from: 8, most: 8)
    var now = Duration.zero
    for number in 0..<40 { round(&limit, at: &now, trip: number % 2 == 0 ? .seconds(1) : .seconds(9)) }
    #expect(limit.width == 8)
    var quick = LaneLimit(from: 8, most: 8)
    for number in 0..<40 { round(&quick, at: &now, trip: .milliseconds(number < 20 ? 1 : 20)) }
    #expect(quick.width == 8)
  }

  @Test("what started before a cut says nothing about the lanes after it") func late() {
    var limit = LaneLimit(from: 4, most: 16)
    limit.strained(startedAt: .zero, inFlight: 4, at: .seconds(1))
    for _ in 0..<100 { limit.succeeded(startedAt: .zero, roundTrip: .seconds(2), at: .seconds(2)) }
    #expect(limit.width == 2)
  }

  @Test("a number that is fixed stays, whatever happens", arguments: [1, 4, 64])
  func fixed(width: Int) {
    var limit = LaneLimit(fixed: width)
    var now = Duration.zero
    for _ in 0..<5 {
      round(&limit, at: &now, trip: .seconds(1))
      limit.strained(startedAt: now, inFlight: width, at: now)
    }
    #expect(limit.width == width)
  }
}

@Suite("Patience") struct PatienceTests {
  @Test("it is over when failures have lasted for its limit, and a success starts over", arguments: [0, 1, 60])
  func limit(seconds: Int) {
    var patience = Patience(limit: .seconds(seconds))
    #expect(!patience.isOver(at: .seconds(1000)))
    patience.failed(at: .seconds(10))
    patience.failed(at: .seconds(10))
    #expect(patience.failureCount == 2)
    #expect(patience.isOver(at: .seconds(10 + seconds)))
    #expect(seconds == 0 || !patience.isOver(at: .seconds(9 + seconds)))
    #expect(patience.ends(before: .seconds(11 + seconds)))
    patience.succeeded()
    #expect(!patience.isOver(at: .seconds(1000)))
    #expect(patience.failureCount == 0)
  }

  @Test("time in which this machine slept does not count") func asleep() {
    var patience = Patience(limit: .seconds(60))
    patience.failed(at: .seconds(10))
    patience.waits(until: .seconds(12))
    // Somebody stopped the process for an hour.
    patience.looked(at: .seconds(3612))
    #expect(!patience.isOver(at: .seconds(3612)))
    #expect(!patience.isOver(at: .seconds(3669)))
    #expect(patience.isOver(at: .seconds(3670)))
  }

  @Test("an event that is a little late, or whose time nobody knows, counts") func late() {
    var patience = Patience(limit: .seconds(60))
    patience.failed(at: .zero)
    patience.waits(until: .seconds(58))
    patience.looked(at: .seconds(61))
    #expect(patience.isOver(at: .seconds(61)))
    var other = Patience(limit: .seconds(60))
    other.failed(at: .zero)
    other.waits(until: nil)
    other.looked(at: .seconds(61))
    #expect(other.isOver(at: .seconds(61)))
  }
}

import Testing

@testable import Delivering

@Suite("Back-off") struct BackoffTests {
  @Test(
    "the bound starts at a second, doubles, and stays at a minute",
    arguments: [
      (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (64, 60), (10_000, 60),
    ])
  func bound(count: Int, seconds: Int) { #expect(Backoff.bound(afterFailures: count) == .seconds(seconds)) }

  @Test("jitter stays within bounds, uses all of them, and repeats with its seed", arguments: [0, 1, 7, UInt64.max])
  func jitter(seed: UInt64) {
    var jitter = Jitter(seed: seed)
    var again = Jitter(seed: seed)
    let fractions = (0..<2000).map { _ in jitter.fraction() }
    #expect(fractions == (0..<2000).map { _ in again.fraction() })
    #expect(fractions.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect((fractions.min() ?? 1) < 0.01 && (fractions.max() ?? 0) > 0.99)
    let mean = fractions.reduce(0, +) / 2000
    #expect(abs(mean - 0.5) < 0.03)
  }

  @Test("a delay lies between zero and its bound, and never before what the server asks", arguments: [1, 3, 7, 40])
  func delays(count: Int) {
    var jitter = Jitter(seed: 3)
    for _ in 0..<200 {
      let fraction = jitter.fraction()
      let free = Backoff.delay(afterFailures: count, fraction: fraction, retryAfter: nil)
      #expect(free >= .zero && free <= Backoff.bound(afterFailures: count))
      #expect(Backoff.delay(afterFailures: count, fraction: fraction, retryAfter: .zero) == free)
      #expect(Backoff.delay(afterFailures: count, fraction: fraction, retryAfter: .seconds(90)) == .seconds(90))
    }
  }
}

@Suite("Retry-After") struct RetryAfterTests {
  /// 1994-11-06 08:49:37 UTC.
  static let moment: Int64 = 784_111_777

  private func delay(_ values: String...) -> Duration? { RetryAfter.delay(values, epochMilliseconds: Self.moment * 1000) }

  @Test(
    "seconds are read, with white space around them",
    arguments: [("0", 0), ("120", 120), (" 7\t", 7), ("007", 7), ("86400", 86_400)])
  func seconds(text: String, seconds: Int) { #expect(delay(text) == .seconds(seconds)) }

  @Test(
    "a delay of more than a day is a day",
    arguments: [
      "86401", "999999999999", "9223372036854775807", "9223372036854775808", String(repeating: "9", count: 4000),
      "Fri, 31 Dec 9999 23:59:59 GMT",
    ])
  func capped(text: String) { #expect(delay(text) == .seconds(86_400)) }

  @Test(
    "a date is a delay from now, and none when it has passed",
    arguments: [
      ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sun, 06 Nov 1994 08:50:07 GMT", 30), ("Sun, 06 Nov 1994 08:49:36 GMT", 0),
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Mon, 07 Nov 1994 08:49:36 GMT", 86_399), ("Mon, 01 Jan 0000 00:00:00 GMT", 0),
    ])
  func dates(text: String, seconds: Int) { #expect(delay(text) == .seconds(seconds)) }

  @Test(
    "the calendar is right at its seams",
    arguments: [
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
      ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
      ("Sun, 28 Feb 2100 23:59:59 GMT", 4_107_542_399), ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
      ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800), ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
    ])
  func calendar(text: String, seconds: Int64) { #expect(RetryAfter.epochSeconds(Array(text.utf8)) == seconds) }

  @Test(
    "anything else is no delay",
    arguments: [
      "", " ", "-1", "+1", "1.5", "1e3", "0x10", "10s", "10, 20", "١٢", "1 2", "soon", "NaN",
      "Sun, 06 Nov 1994 08:49:37 UTC", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
      "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 31 Apr 1994 08:49:37 GMT", "Tue, 29 Feb 2100 00:00:00 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 06 nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, -6 Nov 1994 08:49:37 GMT",
      "Xyz, 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 GMT ,", "Sun, 06 Nov 19940 8:49:37 GMT",
    ])
  func hostile(text: String) { #expect(delay(text) == nil) }

  @Test("of several values the longest readable one counts") func several() {
    #expect(delay("3", "soon", "10", "Sun, 06 Nov 1994 08:49:42 GMT") == .seconds(10))
    #expect(delay("soon", "later") == nil)
    #expect(RetryAfter.delay([], epochMilliseconds: 0) == nil)
  }

  @Test("a clock that is far off does not overflow", arguments: [Int64.min, .max, 0])
  func clock(epochMilliseconds: Int64) {
    let delay = RetryAfter.delay(["Sun, 06 Nov 1994 08:49:37 GMT"], epochMilliseconds: epochMilliseconds)
    #expect(delay == nil || (delay! >= .zero && delay! <= .seconds(86_400)))
  }
}

@Suite("Lanes") struct LaneMachineTests {
  @Test("as many requests as lanes start at once", arguments: [1, 2, 4, 64])
  func width(count: Int) {
    var lanes = LaneMachine(LaneLimit(fixed: count))
    for _ in 0..<count {
      #expect(lanes.mayStart(at: .zero) == .start)
      lanes.started(eventCount: 1, at: .zero)
    }
    #expect(lanes.mayStart(at: .zero) == .full)
    lanes.succeeded(startedAt: .zero, roundTrip: .zero, at: .zero)
    #expect(lanes.mayStart(at: .zero) == .start)
  }

  @Test("a failure holds all lanes until the delay has passed, and a success of another does not free them") func sharedDelay() {
    var lanes = LaneMachine(LaneLimit(fixed: 4))
    for _ in 0..<2 { lanes.started(eventCount: 1, at: .zero) }
    lanes.failed(startedAt: .zero, at: .seconds(1), fraction: 0.5, retryAfter: .seconds(30))
    #expect(lanes.mayStart(at: .seconds(1)) == .holdUntil(.seconds(31)))
    lanes.succeeded(startedAt: .zero, roundTrip: .zero, at: .zero)
    #expect(lanes.mayStart(at: .seconds(30)) == .holdUntil(.seconds(31)))
    #expect(lanes.mayStart(at: .seconds(31)) == .start)
  }

  @Test("lanes that fail together are one wave; a wave after it waits twice as long; a success starts over") func waves() {
    var lanes = LaneMachine(LaneLimit(fixed: 4))
    for _ in 0..<4 { lanes.started(eventCount: 1, at: .zero) }
    for _ in 0..<3 { lanes.failed(startedAt: .zero, at: .seconds(1), fraction: 1, retryAfter: nil) }
    #expect(lanes.notBefore == .seconds(2))
    lanes.failed(startedAt: .zero, at: .milliseconds(1500), fraction: 1, retryAfter: nil)
    #expect(lanes.notBefore == .milliseconds(2500))
    for (start, delay) in [(3, 2), (6, 4), (11, 8)] {
      lanes.started(eventCount: 1, at: .seconds(start))
      lanes.failed(startedAt: .seconds(start), at: .seconds(start), fraction: 1, retryAfter: nil)
      #expect(lanes.notBefore == .seconds(start + delay))
    }
    lanes.started(eventCount: 1, at: .seconds(20))
    lanes.succeeded(startedAt: .zero, roundTrip: .zero, at: .zero)
    lanes.started(eventCount: 1, at: .seconds(21))
    lanes.failed(startedAt: .seconds(21), at: .seconds(21), fraction: 1, retryAfter: nil)
    #expect(lanes.notBefore == .seconds(22))
  }

  @Test("a rate spaces starts by the events that went before") func rate() {
    var lanes = LaneMachine(LaneLimit(fixed: 4), eventsPerSecond: 100)
    lanes.started(eventCount: 250, at: .zero)
    #expect(lanes.mayStart(at: .seconds(2)) == .holdUntil(.milliseconds(2500)))
    lanes.started(eventCount: 0, at: .milliseconds(2500))
    #expect(lanes.mayStart(at: .milliseconds(2500)) == .start)
    lanes.started(eventCount: .max, at: .seconds(3))
    #expect(lanes.mayStart(at: .seconds(3)) == .holdUntil(.seconds(86_403)))
  }
}

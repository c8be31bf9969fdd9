/// Full jitter: delays drawn evenly between zero and a bound that doubles (AWS Architecture Blog, "Exponential Backoff And
/// Jitter").
struct Jitter {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A fraction of at least 0 and below 1; the same seed gives the same fractions. SplitMix64, 53 bits of it.
  mutating func fraction() -> Double {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    word ^= word >> 31
    return Double(word >> 11) / 9_007_199_254_740_992
  }
}

enum Backoff {
  /// The longest delay after this many failures in a row: 1 s, 2 s, 4 s … up to the limit.
  static func bound(afterFailures count: Int) -> Duration {
    precondition(count >= 1, "a back-off follows a failure")
    // 2^6 seconds are beyond the limit already; the cap keeps the shift small however long an outage lasts.
    return min(DeliveryLimits.longestBackoff, DeliveryLimits.firstBackoff * (1 << min(count - 1, 6)))
  }

  /// The delay that a fraction picks. What the server asks for is a lower bound, so that `Retry-After: 0` can't turn retries into
  /// a storm.
  static func delay(afterFailures count: Int, fraction: Double, retryAfter: Duration?) -> Duration {
    max(bound(afterFailures: count) * fraction, retryAfter ?? .zero)
  }
}

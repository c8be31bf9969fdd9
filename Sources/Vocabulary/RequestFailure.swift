/// Requests that were not accepted, as they are counted: those that ended alike, in the same second, and took about as long.
package struct RequestFailure: Sendable, Hashable {
  /// A status, or why there was none.
  package var answer: String
  /// When the requests ended, in epoch seconds.
  package var second: Int64
  /// How long they took, in microseconds with two digits that count, so that there are few counts of many requests.
  package var took: Int64

  package init(answer: String, endedAt milliseconds: Int64, took: Duration) {
    self.answer = answer
    second = milliseconds / 1000
    self.took = RequestFailure.rounded(Int64(took / .microseconds(1)))
  }

  private static func rounded(_ time: Int64) -> Int64 {
    var unit: Int64 = 1
    while time / unit >= 100 { unit *= 10 }
    return (max(0, time) + unit / 2) / unit * unit
  }
}

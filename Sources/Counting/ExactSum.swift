/// A sum of fractions that is the same in whatever order they are added: exact, and rounded once when asked.
///
/// It keeps what rounding would lose as further parts, each smaller than the last bit of the next (Shewchuk, *Adaptive Precision
/// Floating-Point Arithmetic*, 1997). A sum beyond the largest fraction stays there. Memory: nearly always one part or two, never
/// more than about forty.
struct ExactSum {
  /// The smallest first; the sum is that of all parts.
  private var parts: [Double] = []

  mutating func add(_ amount: Double) {
    var rest = amount
    var kept = 0
    for at in parts.indices {
      var part = parts[at]
      if rest.magnitude < part.magnitude { swap(&rest, &part) }
      let sum = rest + part
      guard sum.isFinite else {
        parts = [sum > 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude]
        return
      }
      let lost = part - (sum - rest)
      if lost != 0 {
        parts[kept] = lost
        kept += 1
      }
      rest = sum
    }
    parts.removeLast(parts.count - kept)
    if rest != 0 { parts.append(rest) }
  }

  mutating func add(_ other: ExactSum) {
    for part in other.parts { add(part) }
  }

  /// The fraction nearest to the sum, of two equally near ones the even one.
  var rounded: Double {
    guard var sum = parts.last else { return 0 }
    for at in parts.indices.dropLast().reversed() {
      let before = sum
      sum = before + parts[at]
      let lost = parts[at] - (sum - before)
      guard lost != 0 else { continue }
      // Half a last bit was rounded to the even side; parts below may say that the other is nearer.
      if at > 0, (lost < 0) == (parts[at - 1] < 0) {
        let other = sum + 2 * lost
        if other - sum == 2 * lost { sum = other }
      }
      break
    }
    return sum
  }
}

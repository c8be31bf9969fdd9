/// A duration in words: `250 ms`, `90 s`, `30 min`.
package func spoken(_ duration: Duration) -> String {
  let (seconds, attoseconds) = duration.components
  if attoseconds != 0, seconds < 10 { return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms" }
  return seconds >= 60 && seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds) s"
}

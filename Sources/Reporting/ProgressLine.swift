internal import Foundation
internal import Vocabulary

/// One line of text that says where a run stands. What does not fit is left out, the least important first.
package enum ProgressLine {
  /// A part of the line; those of a low rank are kept first.
  private struct Part {
    var rank: Int
    var text: String
  }

  private static let gap = "  "
  /// Columns that the bar may have with its brackets. It takes the most that the line leaves free; it has few sizes, so that it does not grow and
  /// shrink with each digit beside it.
  private static let barColumns = [10, 12, 22, 32, 42]

  /// The line for a terminal of so many columns, the last of which stays free.
  package static func text(_ state: ProgressState, _ pace: ProgressPace, columns: Int) -> String {
    let room = max(1, columns - 1)
    var parts = parts(state, pace)
    var bar: Int?
    if state.share != nil { bar = 4 }
    var kept: Set<Int> = []
    var width = 0
    var barRoom = 0
    let ranked = (parts.indices.map { ($0, parts[$0].rank) } + (bar.map { [(-1, $0)] } ?? [])).sorted { $0.1 < $1.1 }
    for (index, _) in ranked {
      let columns = index < 0 ? barColumns[0] : ScreenText.columns(parts[index].text)
      let more = columns + (width > 0 ? gap.count : 0)
      guard width + more <= room else { continue }
      width += more
      if index < 0 { barRoom = barColumns[0] } else { kept.insert(index) }
    }
    // A word that does not fit takes no other's place, but something is always said.
    if kept.isEmpty, let first = parts.indices.min(by: { parts[$0].rank < parts[$1].rank }) {
      return ScreenText.fitted(parts[first].text, columns: room)
    }
    if barRoom > 0, let share = state.share {
      let free = barRoom + room - width
      barRoom = barColumns.last { $0 <= free } ?? barRoom
      let at = kept.contains(0) ? 1 : 0
      parts.insert(Part(rank: 4, text: self.bar(share, columns: barRoom)), at: at)
      kept = Set(kept.map { $0 >= at ? $0 + 1 : $0 } + [at])
    }
    return parts.indices.filter(kept.contains).map { parts[$0].text }.joined(separator: gap)
  }

  /// The whole line without a bar, for a log.
  package static func plain(_ state: ProgressState, _ pace: ProgressPace) -> String {
    let parts = parts(state, pace).map { $0.text.trimmingCharacters(in: .whitespaces) }
    return parts[0] + ": " + parts.dropFirst().joined(separator: ", ")
  }

  /// What a phase came to, when it is over.
  package static func closing(_ state: ProgressState, _ whole: ProgressPace) -> String {
    let amount = amount(state) + (state.bytes.map { ", \(ByteCount($0))" } ?? "") + " in \(elapsed(whole.seconds))"
    return ([name(state) + gap + amount] + rates(whole, state).map(\.text) + trouble(state).map(\.text)).joined(separator: ", ")
  }

  /// In the order in which they stand; the first is the phase.
  private static func parts(_ state: ProgressState, _ pace: ProgressPace) -> [Part] {
    var parts = [Part(rank: 1, text: name(state))]
    if let share = state.share {
      let percent = String(Int((share * 100).rounded(.down)))
      parts.append(Part(rank: 0, text: String(repeating: " ", count: 3 - percent.count) + percent + " %"))
      parts.append(Part(rank: 5, text: amount(state)))
    } else {
      parts.append(Part(rank: 0, text: state.bytes.map { "\(ByteCount($0))" } ?? amount(state)))
      if state.bytes != nil { parts.append(Part(rank: 5, text: amount(state))) }
    }
    parts += rates(pace, state)
    if let sending = state.sending { parts.append(Part(rank: 8, text: "\(sending.inFlight) in flight of \(sending.lanes)")) }
    parts += trouble(state)
    if let wait = state.sending?.waitSeconds { parts.append(Part(rank: 3, text: "again in \(rough(wait))")) }
    if let left = pace.secondsLeft { parts.append(Part(rank: 2, text: "\(rough(left)) left")) }
    return parts
  }

  private static func name(_ state: ProgressState) -> String {
    switch state.phase {
    case .staging: "reading"
    case .planning: "planning"
    case .sending: "sending"
    case .asking: "asking"
    }
  }

  private static func amount(_ state: ProgressState) -> String {
    switch state.phase {
    case .staging: counted(state.records, "row")
    case .planning: counted(state.records, "record")
    case .sending, .asking: "\(grouped(state.records)) accepted"
    }
  }

  private static func rates(_ pace: ProgressPace, _ state: ProgressState) -> [Part] {
    var parts: [Part] = []
    if let rate = pace.recordsPerSecond { parts.append(Part(rank: 6, text: "\(grouped(Int(rate.rounded())))/s")) }
    if state.bytes != nil, let rate = pace.bytesPerSecond { parts.append(Part(rank: 7, text: "\(ByteCount(Int(rate.rounded())))/s")) }
    return parts
  }

  private static func trouble(_ state: ProgressState) -> [Part] {
    guard let sending = state.sending, sending.retries > 0 || sending.lastTrouble != nil else { return [] }
    let retries = Part(rank: 9, text: counted(sending.retries, "retry", "retries"))
    return [retries] + (sending.lastTrouble.map { [Part(rank: 10, text: "last: \(visible($0).replacing("\n", with: " "))")] } ?? [])
  }

  private static func bar(_ share: Double, columns: Int) -> String {
    let inside = columns - 2
    let filled = min(inside, Int((share * Double(inside)).rounded(.down)))
    return "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: inside - filled) + "]"
  }

  /// A time as one says it of what is not known exactly.
  static func rough(_ seconds: Double) -> String {
    let whole = Int(max(1, seconds.rounded(.up)))
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3600: return "\((whole + 30) / 60) min"
    case ..<172_800:
      let minutes = (whole + 30) / 60
      return "\(minutes / 60) h \(minutes % 60) min"
    default: return "\(grouped((whole + 43_200) / 86_400)) days"
    }
  }

  private static func elapsed(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    switch whole {
    case ..<10: return "\(Double((seconds * 10).rounded()) / 10) s"
    case ..<60: return "\(whole) s"
    case ..<3600: return "\(whole / 60) min \(whole % 60) s"
    default: return "\(grouped(whole / 3600)) h \(whole / 60 % 60) min"
    }
  }
}

import Bytes

/// The decisions in force at a moment, without brackets: the first `count` bytes of `text`. Of one visitor, equal counts are
/// equal texts.
struct InForce {
  var text: [UInt8] = []
  var count = 0
}

/// The decisions of one visitor by time, for bodies whose conversions carry the decisions in force (`enrich_decisions` false).
///
/// In force at a moment is every decision made until then, each object once, in the order they were made. So what is in force at
/// a moment is the beginning of what is in force later: one text serves all moments.
///
/// Memory: a few times `limit`, however many decisions a visitor has: a conversion with more than `limit` bytes of them fits into
/// no body, so those behind are left out.
struct DecisionsInForce {
  private let limit: Int
  private var decisions: [(timestamp: Int64, text: [UInt8])] = []
  private var byteCount = 0
  private var isSettled = true
  /// The decisions' texts with commas between them, and where the text of the first 1, 2, … ends.
  private var text: [UInt8] = []
  private var ends: [Int] = []

  init(limit: Int) { self.limit = limit }

  mutating func removeAll() {
    decisions.removeAll(keepingCapacity: true)
    text.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    byteCount = 0
    isSettled = true
  }

  mutating func learn(_ record: borrowing StagedRecord) {
    decisions.append((record.timestamp, copy(record.decision)))
    byteCount += record.decision.count + 1
    isSettled = false
    if byteCount > 2 * limit { settle() }
  }

  mutating func at(_ timestamp: Int64) -> InForce {
    if !isSettled { settle() }
    var low = 0
    var high = decisions.count
    while low < high {
      let middle = (low + high) / 2
      if decisions[middle].timestamp <= timestamp { low = middle + 1 } else { high = middle }
    }
    return InForce(text: text, count: low == 0 ? 0 : ends[low - 1])
  }

  /// Leaves each object once, with its earliest time, in the order of time, and drops those that begin behind `limit` bytes.
  private mutating func settle() {
    decisions.sort {
      let texts = order($0.text.span, $1.text.span)
      return texts != 0 ? texts < 0 : $0.timestamp < $1.timestamp
    }
    var kept = 0
    for at in decisions.indices where at == 0 || decisions[at].text != decisions[kept - 1].text {
      decisions[kept] = decisions[at]
      kept += 1
    }
    decisions.removeLast(decisions.count - kept)
    decisions.sort { $0.timestamp != $1.timestamp ? $0.timestamp < $1.timestamp : order($0.text.span, $1.text.span) < 0 }
    text.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    for decision in decisions {
      if text.count > limit { break }
      if !text.isEmpty { text.append(0x2c) }
      text += decision.text
      ends.append(text.count)
    }
    decisions.removeLast(decisions.count - ends.count)
    byteCount = text.count + 1
    isSettled = true
  }
}

import Bytes

/// The decisions of one visitor by time, for bodies whose conversions carry the decisions in force (`enrich_decisions` false).
///
/// In force at a moment is every decision made until then, each object once, in the order they were made. Memory grows with one visitor's
/// different decisions.
struct DecisionsInForce {
  private var decisions: [(timestamp: Int64, text: [UInt8])] = []
  private var isSorted = true
  /// The text for the first 0, 1, 2, … decisions.
  private var texts: [[UInt8]] = [[]]

  mutating func removeAll() {
    decisions.removeAll(keepingCapacity: true)
    texts = [[]]
    isSorted = true
  }

  mutating func learn(_ record: borrowing StagedRecord) {
    let text = copy(record.decision)
    if let known = decisions.firstIndex(where: { $0.text == text }) {
      decisions[known].timestamp = min(decisions[known].timestamp, record.timestamp)
    } else {
      decisions.append((record.timestamp, text))
    }
    isSorted = false
  }

  /// The text of the decisions in force at a moment, without brackets.
  mutating func text(at timestamp: Int64) -> [UInt8] {
    if !isSorted {
      decisions.sort { $0.timestamp != $1.timestamp ? $0.timestamp < $1.timestamp : $0.text.lexicographicallyPrecedes($1.text) }
      texts = [[]]
      for decision in decisions {
        let before = texts[texts.count - 1]
        texts.append(before.isEmpty ? decision.text : before + [0x2c] + decision.text)
      }
      isSorted = true
    }
    var low = 0
    var high = decisions.count
    while low < high {
      let middle = (low + high) / 2
      if decisions[middle].timestamp <= timestamp { low = middle + 1 } else { high = middle }
    }
    return texts[low]
  }
}

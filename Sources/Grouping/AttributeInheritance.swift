import Bytes
import Disk
package import Vocabulary

/// Writes all staged records anew, with the attributes that conversions inherit: one without attributes takes those of its visitor's latest
/// decision at or before it, so that it counts in segments. Of decisions at one time the last in the total order counts.
///
/// Nothing else changes, so that everything behind works as if the rows had said it; event ids that are derived from rows stay as they were.
/// Records come in no order, and identical ones stay. Memory: of one partition 40 bytes for each decision and each different set of attributes
/// once; `memoryBytes` is the most, and 65 says that a partition has more.
package func inheritAttributes(
  of reader: PartitionReader, into file: (number: Int, path: String), memoryBytes: Int, isSynced: Bool
) throws(RunFailure) -> PartitionFile {
  do {
    var writer = try PartitionWriter(
      number: file.number, path: file.path, partitioning: reader.partitioning, memoryBytes: memoryBytes)
    var changed = ByteArena(limit: 1 << 30)
    for partition in 0..<reader.count {
      var attributes = DecisionAttributes(limitBytes: memoryBytes)
      try reader.eachRecord(of: partition) { record throws(DiskFailure) in if record.isDecision { attributes.learn(record) } }
      guard !attributes.isTooLarge else {
        throw RunFailure(
          .refused, "--inherit-attributes: a visitor has more decisions than this memory can hold; raise --memory, or leave the flag out")
      }
      attributes.sort()
      try reader.eachRecord(of: partition) { record throws(DiskFailure) in
        guard !record.isDecision, attributeStart(record.group) == nil, let inherited = attributes.latest(for: record) else {
          return try writer.take(record)
        }
        changed.removeAll()
        changed.append(record, inheriting: inherited.span)
        try take(changed, &writer)
      }
    }
    return try writer.finish(isSynced: isSynced)
  } catch let failure as RunFailure {
    throw failure
  } catch let failure as DiskFailure {
    throw failure.runFailure(forInput: false)
  } catch {
    throw RunFailure(.bug, "\(error)")
  }
}

private func take(_ record: borrowing ByteArena, _ writer: inout PartitionWriter) throws(DiskFailure) {
  try writer.take(StagedRecord(record.span))
}

/// Where the attributes begin in what a visitor object says besides its id; nil without any. No JSON string holds this text: quotes in it have
/// backslashes.
private func attributeStart(_ group: Span<UInt8>) -> Int? {
  let markCount = 15
  guard group.count > markCount else { return nil }
  for at in 0...(group.count - markCount) where group[at] == 0x2c {
    if same(group.extracting(at..<(at + markCount)), ",\"attributes\":[") { return at }
  }
  return nil
}

/// The attributes of a partition's decisions, by visitor and time.
private struct DecisionAttributes {
  struct Entry {
    var visitor: Digest
    var timestamp: Int64
    /// The number of its group in `groups`.
    var group: Int
  }

  private let limitBytes: Int
  private var byteCount = 0
  private var entries: [Entry] = []
  /// All that visitor objects say besides ids, attributes last; it also orders decisions of one time.
  private var groups: [[UInt8]] = [[]]
  private var numbers: [Digest: Int] = [:]
  private(set) var isTooLarge = false

  init(limitBytes: Int) { self.limitBytes = limitBytes }

  mutating func learn(_ decision: borrowing StagedRecord) {
    guard byteCount < limitBytes else {
      isTooLarge = true
      return
    }
    byteCount += MemoryLayout<Entry>.stride
    entries.append(Entry(visitor: Digest(decision.visitor), timestamp: decision.timestamp, group: number(of: decision.group)))
  }

  private mutating func number(of group: Span<UInt8>) -> Int {
    if group.count == 0 { return 0 }
    let digest = Digest(group)
    if let known = numbers[digest] { return known }
    numbers[digest] = groups.count
    groups.append(copy(group))
    // The text, and what array and dictionary keep of it.
    byteCount += group.count + 96
    return groups.count - 1
  }

  mutating func sort() {
    let groups = groups
    entries.sort { one, other in
      if one.visitor != other.visitor { return (one.visitor.high, one.visitor.low) < (other.visitor.high, other.visitor.low) }
      if one.timestamp != other.timestamp { return one.timestamp < other.timestamp }
      return DecisionAttributes.isLess(groups[one.group], groups[other.group])
    }
  }

  private static func isLess(_ one: [UInt8], _ other: [UInt8]) -> Bool { order(one.span, other.span) < 0 }

  /// The attributes of the visitor's latest decision at or before a conversion; nil when there is none, or it has none.
  func latest(for conversion: borrowing StagedRecord) -> [UInt8]? {
    let visitor = Digest(conversion.visitor)
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      let entry = entries[middle]
      let isBehind =
        entry.visitor == visitor
        ? entry.timestamp > conversion.timestamp : (entry.visitor.high, entry.visitor.low) > (visitor.high, visitor.low)
      if isBehind { high = middle } else { low = middle + 1 }
    }
    guard low > 0, entries[low - 1].visitor == visitor else { return nil }
    let group = groups[entries[low - 1].group]
    return attributeStart(group.span).map { Array(group[$0...]) }
  }
}

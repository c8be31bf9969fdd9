import Bytes
package import Vocabulary

/// Whole visitors that share the upper bits of their hashes, in memory and in the total order, duplicates taken out.
package struct Partition: Sendable {
  private struct Extent {
    var hash: UInt64
    /// Where the visitor's records begin in `offsets`.
    var start: Int
    var duplicateCount: Int
  }

  /// What the records lie in.
  package private(set) var bytes: [UInt8] = []
  /// Where each record begins in `bytes`, in the total order.
  package private(set) var offsets: [Int] = []
  /// The visitor that `VisitorPages` speaks of.
  package var visitor = 0
  private var keys: [RecordKey] = []
  private var spare: [RecordKey] = []
  private var extents: [Extent] = []

  /// Without visitors, and without memory for any.
  package init() {}

  package var visitorCount: Int { extents.count }

  /// The memory of the bytes, to be filled anew.
  mutating func takeBytes() -> [UInt8] {
    var taken: [UInt8] = []
    swap(&taken, &bytes)
    return taken
  }

  /// Sorts the records that lie in `payloads` of `bytes`, in the memory of a partition that has served.
  init(
    bytes: consuming [UInt8], payloads: [Range<Int>], partitionBits: Int, identicalRows: IdenticalRows,
    reusing used: consuming Partition
  ) {
    var keys: [RecordKey] = []
    var spare: [RecordKey] = []
    swap(&keys, &used.keys)
    swap(&spare, &used.spare)
    keys.removeAll(keepingCapacity: true)
    Partition.collect(&keys, payloads, bytes.span)
    sort(&keys, spare: &spare, knownBits: partitionBits, passes: 2, bytes.span)
    self = used
    self.bytes = bytes
    self.keys = keys
    self.spare = spare
    visitor = 0
    findVisitors(identicalRows)
  }

  private static func collect(_ keys: inout [RecordKey], _ payloads: [Range<Int>], _ bytes: Span<UInt8>) {
    for payload in payloads {
      var at = payload.lowerBound
      while at < payload.upperBound {
        keys.append(RecordKey(hash: load64(bytes, at + 8), offset: at))
        at += Int(load32(bytes, at))
      }
    }
  }

  private mutating func findVisitors(_ identicalRows: IdenticalRows) {
    offsets.removeAll(keepingCapacity: true)
    extents.removeAll(keepingCapacity: true)
    offsets.reserveCapacity(keys.count)
    var at = 0
    while at < keys.count {
      let first = keys[at].offset
      if at == 0 || !isSameVisitor(at, at - 1) {
        extents.append(Extent(hash: keys[at].hash, start: offsets.count, duplicateCount: 0))
      }
      offsets.append(first)
      var copyNumber = 0
      at += 1
      // The number changes a copy's id, so all copies are found before one is numbered.
      let firstCopy = at
      while at < keys.count, keys[at].hash == keys[at - 1].hash, isIdentical(first, keys[at].offset) { at += 1 }
      for copy in firstCopy..<at {
        if identicalRows == .keep, StagedRecord(bytes.span, at: keys[copy].offset).flags.contains(.derivedID) {
          copyNumber += 1
          renumber(&bytes, at: keys[copy].offset, copyNumber)
          offsets.append(keys[copy].offset)
        } else {
          extents[extents.count - 1].duplicateCount += 1
        }
      }
    }
  }

  private func isSameVisitor(_ one: Int, _ other: Int) -> Bool {
    keys[one].hash == keys[other].hash
      && same(StagedRecord(bytes.span, at: keys[one].offset).visitor, StagedRecord(bytes.span, at: keys[other].offset).visitor)
  }

  private func isIdentical(_ one: Int, _ other: Int) -> Bool {
    let (a, b) = (StagedRecord(bytes.span, at: one), StagedRecord(bytes.span, at: other))
    return a.timestamp == b.timestamp && order(a, b) == 0
  }

  /// Where the records of a visitor stand among `offsets`.
  package func records(of visitor: Int) -> Range<Int> {
    let end = visitor + 1 < extents.count ? extents[visitor + 1].start : offsets.count
    return extents[visitor].start..<end
  }

  /// The first visitor whose hash is `hash` or greater; `visitorCount` without one.
  package func firstVisitor(from hash: UInt64) -> Int {
    var low = 0
    var high = extents.count
    while low < high {
      let middle = (low + high) / 2
      if extents[middle].hash < hash { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension Partition: VisitorPages {
  package var visitorHash: UInt64 { extents[visitor].hash }
  package var duplicateCountOfVisitor: Int { extents[visitor].duplicateCount }

  package mutating func eachPage(_ body: (Span<UInt8>, Span<Int>, Int) throws(RunFailure) -> Void) throws(RunFailure) {
    try body(bytes.span, offsets.span.extracting(records(of: visitor)), 0)
  }

  package mutating func judge(by judge: inout VisitorJudge, known: KnownEvents) throws(RunFailure) {
    try judge.judge(&self, known)
  }
}

/// Gives the record at `offset` the UUIDv5 (without a namespace) of its id's text, `#`, and its number among identical rows.
func renumber(_ bytes: inout [UInt8], at offset: Int, _ number: Int) {
  let (message, start) = numbering(StagedRecord(bytes.span, at: offset), number)
  var id = ByteArena(limit: 64)
  id.append(uuidOf: message.span)
  for at in 0..<id.count { bytes[offset + start + at] = id.span[at] }
}

private func numbering(_ record: borrowing StagedRecord, _ number: Int) -> (message: [UInt8], start: Int) {
  (copy(record.eventID) + Array("#\(number)".utf8), record.eventIDStart)
}

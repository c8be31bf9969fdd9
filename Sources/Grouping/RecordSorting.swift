import Bytes

/// A record to be sorted: the hash of its visitor, and where it begins.
struct RecordKey {
  var hash: UInt64
  var offset: Int
}

/// Sorts the keys of records in `bytes` into the total order, and among equal events by their place.
///
/// The upper `knownBits` of all hashes are equal. The bits below them are sorted by in `passes` of eleven, least significant first;
/// what these leave equal, nearly always one visitor, by comparing records. `spare` is memory of the caller, as large as `keys`.
func sort(
  _ keys: inout [RecordKey], spare: inout [RecordKey], knownBits: Int, passes: Int, _ bytes: Span<UInt8>
) {
  let lowestBit = 64 - knownBits - 11 * passes
  spare.removeAll(keepingCapacity: true)
  spare.append(contentsOf: keys)
  for pass in 0..<passes {
    sortOnce(keys.span, &spare, shift: UInt64(lowestBit + 11 * pass))
    swap(&keys, &spare)
  }
  sortTies(&keys, shift: UInt64(lowestBit), bytes)
}

/// Moves the keys into `sorted` by eleven bits of their hashes; equal ones stay in their order.
private func sortOnce(_ keys: Span<RecordKey>, _ sorted: inout [RecordKey], shift: UInt64) {
  var places = InlineArray<2048, Int>(repeating: 0)
  for at in keys.indices { places[Int(truncatingIfNeeded: (keys[at].hash &>> shift) & 2047)] &+= 1 }
  var sum = 0
  for digit in 0..<2048 { (places[digit], sum) = (sum, sum + places[digit]) }
  var target = sorted.mutableSpan
  for at in keys.indices {
    let digit = Int(truncatingIfNeeded: (keys[at].hash &>> shift) & 2047)
    target[places[digit]] = keys[at]
    places[digit] &+= 1
  }
}

/// Visitors with more records than this are not sorted by insertion.
private let fewRecords = 24

private func sortTies(_ keys: inout [RecordKey], shift: UInt64, _ bytes: Span<UInt8>) {
  var start = 0
  let count = keys.count
  while start < count {
    let bits = keys[start].hash &>> shift
    var end = start + 1
    while end < count, keys[end].hash &>> shift == bits { end += 1 }
    if end - start > fewRecords {
      sortMany(&keys, start..<end, bytes)
    } else if end - start > 1 {
      sortFew(&keys, start..<end, bytes)
    }
    start = end
  }
}

private func sortFew(_ keys: inout [RecordKey], _ range: Range<Int>, _ bytes: Span<UInt8>) {
  var keys = keys.mutableSpan
  for at in (range.lowerBound + 1)..<range.upperBound {
    let key = keys[at]
    let record = StagedRecord(bytes, at: key.offset)
    var hole = at
    while hole > range.lowerBound, orderWithPlace(record, StagedRecord(bytes, at: keys[hole - 1].offset)) < 0 {
      keys[hole] = keys[hole - 1]
      hole -= 1
    }
    keys[hole] = key
  }
}

/// Sorts the records of one visitor, or of few that share the upper bits of their hashes, by kind, group and time as numbers, and
/// compares records only where these are equal.
private func sortMany(_ keys: inout [RecordKey], _ range: Range<Int>, _ bytes: Span<UInt8>) {
  guard let ranks = groupRanks(keys.span.extracting(range), bytes) else {
    keys[range].sort { orderWithPlace(StagedRecord(bytes, at: $0.offset), StagedRecord(bytes, at: $1.offset)) < 0 }
    return
  }
  var items: [(rank: Int, timestamp: Int64, offset: Int)] = []
  items.reserveCapacity(range.count)
  for (at, key) in zip(ranks.indices, keys[range]) {
    items.append((ranks[at], StagedRecord(bytes, at: key.offset).timestamp, key.offset))
  }
  items.sort { one, other in
    if one.rank != other.rank { return one.rank < other.rank }
    if one.timestamp != other.timestamp { return one.timestamp < other.timestamp }
    return orderWithPlace(StagedRecord(bytes, at: one.offset), StagedRecord(bytes, at: other.offset)) < 0
  }
  for (at, item) in zip(range, items) { keys[at].offset = item.offset }
}

/// For each key a number that orders kind and group; nil when the keys are of several visitors.
private func groupRanks(_ keys: Span<RecordKey>, _ bytes: Span<UInt8>) -> [Int]? {
  let first = StagedRecord(bytes, at: keys[0].offset)
  var numbers: [Int] = []
  numbers.reserveCapacity(keys.count)
  /// For each different kind and group, in the order they appear, a record that has them.
  var samples: [Int] = []
  var known: [Digest: Int] = [:]
  var latest = -1
  for at in keys.indices {
    let record = StagedRecord(bytes, at: keys[at].offset)
    guard record.hash == first.hash, same(record.visitor, first.visitor) else { return nil }
    if latest < 0 || !haveSameGroup(record, StagedRecord(bytes, at: samples[latest])) {
      let digest = Digest(record.group, seed: UInt64(record.kind))
      latest = known[digest] ?? samples.count
      if latest == samples.count {
        known[digest] = latest
        samples.append(keys[at].offset)
      } else if !haveSameGroup(record, StagedRecord(bytes, at: samples[latest])) {
        return nil
      }
    }
    numbers.append(latest)
  }
  let inOrder = samples.indices.sorted { one, other in
    let (a, b) = (StagedRecord(bytes, at: samples[one]), StagedRecord(bytes, at: samples[other]))
    return a.kind != b.kind ? a.kind < b.kind : order(a.group, b.group) < 0
  }
  var ranks = [Int](repeating: 0, count: samples.count)
  for (rank, number) in inOrder.enumerated() { ranks[number] = rank }
  return numbers.map { ranks[$0] }
}

private func haveSameGroup(_ one: borrowing StagedRecord, _ other: borrowing StagedRecord) -> Bool {
  one.kind == other.kind && same(one.group, other.group)
}

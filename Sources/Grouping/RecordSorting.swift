import Bytes

/// A record to be sorted: the hash of its visitor, and where it begins.
struct RecordKey {
  var hash: UInt64
  var offset: Int
}

/// Adds the keys of the records that lie in `payload` of `bytes`: soonest done when these have just been read.
func collectKeys(_ keys: inout [RecordKey], _ payload: Range<Int>, _ bytes: [UInt8]) {
  let bytes = bytes.span
  var at = payload.lowerBound
  while at < payload.upperBound {
    keys.append(RecordKey(hash: load64(bytes, at + 8), offset: at))
    at += Int(load32(bytes, at))
  }
}

/// Sorts keys into the total order, and equal events by their place. `spare` is memory of the caller, as large as `keys`.
func sortRecords(_ keys: inout [RecordKey], spare: inout [RecordKey], _ bytes: [UInt8]) {
  let bytes = bytes.span
  guard let first = keys.first else { return }
  // Many are of one visitor; few are in order soonest when they are compared.
  if keys.count <= fewRecords || keys.allSatisfy({ $0.hash == first.hash }) { return sortTies(&keys, 0..<keys.count, bytes) }
  // 33 bits tell most visitors apart.
  let shift = sortByHash(&keys, spare: &spare, knownBits: 0, passes: 3)
  var start = 0
  while start < keys.count {
    let end = endOfTies(keys, start, shift: shift)
    sortTies(&keys, start..<end, bytes)
    start = end
  }
}

/// Sorts the keys by bits of their hashes below the upper `knownBits`, which are equal: in `passes` of eleven, least significant first.
/// Returns how far to shift a hash for the bits that are sorted then. `spare` is memory of the caller, as large as `keys`.
func sortByHash(_ keys: inout [RecordKey], spare: inout [RecordKey], knownBits: Int, passes: Int) -> UInt64 {
  let lowestBit = 64 - knownBits - 11 * passes
  if spare.count > keys.count { spare.removeLast(spare.count - keys.count) }
  spare.append(contentsOf: repeatElement(RecordKey(hash: 0, offset: 0), count: keys.count - spare.count))
  for pass in 0..<passes {
    sortOnce(keys.span, &spare, shift: UInt64(lowestBit + 11 * pass))
    swap(&keys, &spare)
  }
  return UInt64(lowestBit)
}

/// Where the keys end whose hashes have the same upper bits as the one at `start`.
@inline(__always)
func endOfTies(_ keys: [RecordKey], _ start: Int, shift: UInt64) -> Int {
  let bits = keys[start].hash &>> shift
  var end = start + 1
  while end < keys.count, keys[end].hash &>> shift == bits { end += 1 }
  return end
}

/// Sorts the keys of one visitor, or of few that share the upper bits of their hashes, into the total order, and equal events by their place.
func sortTies(_ keys: inout [RecordKey], _ range: Range<Int>, _ bytes: Span<UInt8>) {
  if range.count > fewRecords { sortMany(&keys, range, bytes) } else if range.count > 1 { sortFew(&keys, range, bytes) }
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

/// Most are of one visitor whose decisions, and whose conversions, have one session and set of attributes: they differ in time, which is
/// compared without their texts.
private func sortFew(_ keys: inout [RecordKey], _ range: Range<Int>, _ bytes: Span<UInt8>) {
  var keys = keys.mutableSpan
  // As many as `fewRecords`.
  var ranks = InlineArray<24, UInt64>(repeating: 0)
  let areRanked = rank(keys.span.extracting(range), bytes, &ranks)
  for at in 1..<range.count {
    let key = keys[range.lowerBound + at]
    let rank = ranks[at]
    var hole = at
    while hole > 0 {
      let before = keys[range.lowerBound + hole - 1]
      if areRanked, rank != ranks[hole - 1] {
        guard rank < ranks[hole - 1] else { break }
      } else {
        guard orderWithPlace(StagedRecord(bytes, at: key.offset), StagedRecord(bytes, at: before.offset)) < 0 else { break }
      }
      keys[range.lowerBound + hole] = before
      ranks[hole] = ranks[hole - 1]
      hole -= 1
    }
    keys[range.lowerBound + hole] = key
    ranks[hole] = rank
  }
}

/// Numbers that put the records of one visitor in order by kind and time. Returns false when that is not their order.
private func rank(_ keys: Span<RecordKey>, _ bytes: Span<UInt8>, _ ranks: inout InlineArray<24, UInt64>) -> Bool {
  let first = StagedRecord(bytes, at: keys[0].offset)
  // A record of either kind, whose group the others of its kind must have.
  var (decision, conversion) = (-1, -1)
  for at in keys.indices {
    let offset = keys[at].offset
    let record = StagedRecord(bytes, at: offset)
    let sample = record.isDecision ? decision : conversion
    guard keys[at].hash == keys[0].hash, record.timestamp >= 0, at == 0 || same(record.visitor, first.visitor) else { return false }
    guard sample < 0 || same(record.group, StagedRecord(bytes, at: sample).group) else { return false }
    if record.isDecision { decision = offset } else { conversion = offset }
    ranks[at] = UInt64(record.timestamp) | (record.isDecision ? 0 : 1 << 63)
  }
  return true
}

/// Sorts the records of one visitor, or of few that share the upper bits of their hashes. Those of one are put in order by a number that says
/// kind, group and time, and compared only where it is equal.
private func sortMany(_ keys: inout [RecordKey], _ range: Range<Int>, _ bytes: Span<UInt8>) {
  guard let ranks = groupRanks(keys.span.extracting(range), bytes), var items = ranked(keys.span.extracting(range), ranks, bytes) else {
    keys[range].sort { orderWithPlace(StagedRecord(bytes, at: $0.offset), StagedRecord(bytes, at: $1.offset)) < 0 }
    return
  }
  let bits = items.reduce(0) { $0 | $1.hash }.bitWidthInUse
  var spare = items
  for shift in stride(from: 0, to: bits, by: 11) {
    sortOnce(items.span, &spare, shift: UInt64(shift))
    swap(&items, &spare)
  }
  var start = 0
  while start < items.count {
    let end = endOfTies(items, start, shift: 0)
    if end - start > 1 {
      items[start..<end].sort { orderWithPlace(StagedRecord(bytes, at: $0.offset), StagedRecord(bytes, at: $1.offset)) < 0 }
    }
    start = end
  }
  for at in items.indices { keys[range.lowerBound + at].offset = items[at].offset }
}

/// The keys with a number for a hash that orders kind, group and time; nil when that takes more than its bits.
private func ranked(_ keys: Span<RecordKey>, _ ranks: [Int], _ bytes: Span<UInt8>) -> [RecordKey]? {
  var (earliest, latest) = (Int64.max, Int64.min)
  var items: [RecordKey] = []
  items.reserveCapacity(keys.count)
  for at in keys.indices {
    let time = StagedRecord(bytes, at: keys[at].offset).timestamp
    (earliest, latest) = (min(earliest, time), max(latest, time))
    items.append(RecordKey(hash: UInt64(bitPattern: time), offset: keys[at].offset))
  }
  let timeBits = UInt64(bitPattern: latest &- earliest).bitWidthInUse
  guard timeBits + UInt64(ranks.max() ?? 0).bitWidthInUse <= 64 else { return nil }
  for at in items.indices {
    items[at].hash = UInt64(ranks[at]) << UInt64(timeBits) | (items[at].hash &- UInt64(bitPattern: earliest))
  }
  return items
}

extension UInt64 {
  /// Bits up to the highest that is set.
  fileprivate var bitWidthInUse: Int { 64 - leadingZeroBitCount }
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

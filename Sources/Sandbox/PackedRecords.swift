internal import Bytes

/// Writes staged records, in the total order, in the form they are stored in: visitor and group once for the records that share
/// them, small numbers in few bytes, the event's text as it is.
///
///     u8 tag: 1 conversion, 2 same visitor as before, 4 same group as before
///     u8 flags        number row offset        number timestamp
///     [number bytes, visitor]        [number bytes, group]
///     number bytes of the event, then the six lengths at 48 … 68 of the head
///     [8 bytes revenue]  [8 bytes value]       event
///
/// A number is in groups of seven bits, lowest first, the eighth saying that another follows. Input and line are not kept.
struct RecordPacker: ~Copyable {
  private(set) var bytes = ByteArena(limit: 1 << 30)
  private(set) var recordCount = 0
  /// Where the last visitor and group lie in `bytes`.
  private var visitor = 0..<0
  private var group = 0..<0

  /// Where the head keeps the lengths of the event's parts.
  fileprivate static var firstLength: Int { 48 }
  fileprivate static var lastLength: Int { 68 }

  fileprivate enum Tag {
    static let conversion: UInt8 = 1
    static let sameVisitor: UInt8 = 2
    static let sameGroup: UInt8 = 4
  }

  /// A part ends with the record that brings it to as many bytes. It is what a reader holds of each body at a time.
  static let partBytes = 32 << 10

  var isPartFull: Bool { bytes.count >= RecordPacker.partBytes }

  mutating func removeAll() {
    bytes.removeAll()
    recordCount = 0
  }

  mutating func append(_ record: borrowing StagedRecord) {
    let sameVisitor = recordCount > 0 && same(record.visitor, bytes.span.extracting(visitor))
    let sameGroup = recordCount > 0 && same(record.group, bytes.span.extracting(group))
    bytes.append((record.isDecision ? 0 : Tag.conversion) | (sameVisitor ? Tag.sameVisitor : 0) | (sameGroup ? Tag.sameGroup : 0))
    bytes.append(record.flags.rawValue)
    bytes.append(sevenBits: UInt64(record.rowOffset))
    bytes.append(sevenBits: UInt64(bitPattern: record.timestamp))
    if !sameVisitor { visitor = append(counted: record.visitor) }
    if !sameGroup { group = append(counted: record.group) }
    bytes.append(sevenBits: UInt64(record.eventCount))
    var place = RecordPacker.firstLength
    while place <= RecordPacker.lastLength {
      bytes.append(sevenBits: UInt64(load32(record.bytes, place)))
      place += 4
    }
    if let revenue = record.revenue { bytes.append(word: UInt64(bitPattern: revenue)) }
    if let value = record.value { bytes.append(word: value.bitPattern) }
    bytes.append(record.event)
    recordCount += 1
  }

  /// The arena holds one record.
  mutating func append(_ arena: borrowing ByteArena) { append(StagedRecord(arena.span)) }

  /// Appends a length and the bytes, and returns where they lie.
  private mutating func append(counted text: Span<UInt8>) -> Range<Int> {
    bytes.append(sevenBits: UInt64(text.count))
    bytes.append(text)
    return (bytes.count - text.count)..<bytes.count
  }
}

/// Reads what `RecordPacker` wrote, one record at a time: the same staged records, but for input and line, which are 0.
struct RecordUnpacker {
  enum Step { case record, end, damaged }

  private var cursor = PackedCursor()
  private var visitor = 0..<0
  private var group = 0..<0
  private var hash: UInt64 = 0
  private var isFirst = true

  /// Replaces what the arena holds by the next record. `packed` is the same at every call.
  mutating func next(_ packed: Span<UInt8>, into arena: inout ByteArena) -> Step {
    arena.removeAll()
    guard cursor.at < packed.count else { return .end }
    guard let tag = cursor.byte(packed), let rawFlags = cursor.byte(packed), let rowOffset = cursor.number(packed),
      rowOffset <= UInt64(Int64.max), let timestamp = cursor.number(packed), readNames(tag, packed),
      let eventCount = cursor.number(packed), let eventBytes = Int(exactly: eventCount)
    else { return .damaged }
    _ = arena.appendZeros(StagedRecord.headBytes)
    for place in stride(from: RecordPacker.firstLength, through: RecordPacker.lastLength, by: 4) {
      guard let length = cursor.number(packed), let short = UInt32(exactly: length) else { return .damaged }
      arena.store(short, at: place)
    }
    let flags = StagedRecord.Flags(rawValue: rawFlags)
    if flags.contains(.revenue) {
      guard let word = cursor.word(packed) else { return .damaged }
      arena.store(word, at: 72)
    }
    if flags.contains(.value) {
      guard let word = cursor.word(packed) else { return .damaged }
      arena.store(word, at: 80)
    }
    guard let event = cursor.range(packed, count: eventBytes) else { return .damaged }
    arena.append(packed.extracting(visitor))
    arena.append(packed.extracting(group))
    arena.append(packed.extracting(event))
    arena.store(UInt32(arena.count), at: 0)
    arena.store(tag & RecordPacker.Tag.conversion, at: 4)
    arena.store(rawFlags, at: 5)
    arena.store(hash, at: 8)
    arena.store(timestamp, at: 16)
    arena.store(rowOffset, at: 24)
    arena.store(UInt32(visitor.count), at: 36)
    arena.store(UInt32(group.count), at: 40)
    arena.store(UInt32(event.count), at: 44)
    return .record
  }

  /// Finds the record's visitor and group, which may be those of the record before.
  private mutating func readNames(_ tag: UInt8, _ packed: Span<UInt8>) -> Bool {
    if tag & RecordPacker.Tag.sameVisitor == 0 {
      guard let range = cursor.range(packed) else { return false }
      visitor = range
      hash = visitorHash(packed.extracting(range))
    } else if isFirst {
      return false
    }
    if tag & RecordPacker.Tag.sameGroup == 0 {
      guard let range = cursor.range(packed) else { return false }
      group = range
    } else if isFirst {
      return false
    }
    isFirst = false
    return true
  }
}

private struct PackedCursor {
  var at = 0

  mutating func byte(_ bytes: Span<UInt8>) -> UInt8? {
    guard at < bytes.count else { return nil }
    at += 1
    return bytes[at - 1]
  }

  mutating func number(_ bytes: Span<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = byte(bytes) else { return nil }
      number |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return number }
    }
    return nil
  }

  mutating func word(_ bytes: Span<UInt8>) -> UInt64? {
    guard bytes.count - at >= 8 else { return nil }
    at += 8
    return load64(bytes, at - 8)
  }

  /// A length and the bytes behind it.
  mutating func range(_ bytes: Span<UInt8>) -> Range<Int>? {
    guard let number = number(bytes), let count = Int(exactly: number) else { return nil }
    return range(bytes, count: count)
  }

  mutating func range(_ bytes: Span<UInt8>, count: Int) -> Range<Int>? {
    guard count <= bytes.count - at else { return nil }
    at += count
    return (at - count)..<at
  }
}

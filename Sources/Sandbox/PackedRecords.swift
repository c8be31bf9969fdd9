internal import Bytes
internal import EventAPI

/// Writes staged records, in the total order, in the form they are stored in: what their texts have in common is left out.
///
///     u8 tag: 1 conversion, 2 same visitor as before, 4 same group as before, 8 the id is a UUID, 16 the names are those of the slot
///     u8 flags        number row offset        number timestamp
///     [number bytes, visitor]        [number bytes, group]
///     u8 slot, and unless it has the names: the lengths of campaign, experiment and variation, or of entity and key;
///         number bytes, names: a decision's object from its campaign id on, or a conversion's text from its entity id to its key
///     [16 bytes UUID] or [number bytes, event id]
///     number bytes, what stands behind the event id
///     [8 bytes revenue]  [8 bytes value]
///
/// A number is in groups of seven bits, lowest first, the eighth saying that another follows. A slot holds the names that were written for it
/// last. Input and line are not kept.
struct RecordPacker: ~Copyable {
  private(set) var bytes = ByteArena(limit: 1 << 30)
  private(set) var recordCount = 0
  /// The last visitor's hash, and where the last visitor and group lie in `bytes`.
  private var hash: UInt64 = 0
  private var visitor = 0..<0
  private var group = 0..<0
  private var slots = NameSlots()

  fileprivate enum Tag {
    static let conversion: UInt8 = 1
    static let sameVisitor: UInt8 = 2
    static let sameGroup: UInt8 = 4
    static let uuid: UInt8 = 8
    static let knownNames: UInt8 = 16
  }

  /// A part ends with the record that brings it to as many bytes. It is what a reader holds of each body at a time.
  static let partBytes = 32 << 10

  var isPartFull: Bool { bytes.count >= RecordPacker.partBytes }

  mutating func removeAll() {
    bytes.removeAll()
    recordCount = 0
    slots = NameSlots()
  }

  /// Appends the record of an event, whose texts lie in the body or among the records.
  mutating func append(_ event: BodyEvent, of body: Span<UInt8>, _ records: Span<UInt8>) {
    let text = event.liesInBody ? body : records
    let isConversion = event.isConversion
    let sameVisitor =
      recordCount > 0 && event.hash == hash && same(text.extracting(event.visitor), bytes.span.extracting(visitor))
    let sameGroup = recordCount > 0 && same(text.extracting(event.group), bytes.span.extracting(group))
    let names = text.extracting(EventFrame.names(of: event))
    let slot = NameSlots.slot(of: names)
    let isKnown = slots.holds(names, at: slot, isConversion: isConversion, in: bytes.span)
    let uuid = UUIDWords(text.extracting(event.eventID))
    hash = event.hash
    var tag: UInt8 = isConversion ? Tag.conversion : 0
    if sameVisitor { tag |= Tag.sameVisitor }
    if sameGroup { tag |= Tag.sameGroup }
    if uuid != nil { tag |= Tag.uuid }
    if isKnown { tag |= Tag.knownNames }
    bytes.append(tag)
    bytes.append(event.flags.rawValue)
    bytes.append(sevenBits: UInt64(event.rowOffset))
    bytes.append(sevenBits: UInt64(bitPattern: event.timestamp))
    if !sameVisitor { visitor = append(counted: text.extracting(event.visitor)) }
    if !sameGroup { group = append(counted: text.extracting(event.group)) }
    bytes.append(UInt8(slot))
    if !isKnown {
      bytes.append(sevenBits: UInt64(event.campaignOrEntityBytes))
      bytes.append(sevenBits: UInt64(event.experimentOrKeyBytes))
      if !isConversion { bytes.append(sevenBits: UInt64(event.variationBytes)) }
      slots.set(append(counted: names), at: slot, isConversion: isConversion)
    }
    if let uuid { append(uuid) } else { _ = append(counted: text.extracting(event.eventID)) }
    _ = append(counted: text.extracting(EventFrame.rest(of: event)))
    if event.flags.contains(.revenue) { bytes.append(word: UInt64(bitPattern: event.revenue)) }
    if event.flags.contains(.value) { bytes.append(word: event.value.bitPattern) }
    recordCount += 1
  }

  mutating func append(_ record: borrowing StagedRecord) { append(BodyEvent(record), of: record.bytes, record.bytes) }

  /// The arena holds one record.
  mutating func append(_ arena: borrowing ByteArena) { append(StagedRecord(arena.span)) }

  /// Appends a length and the bytes, and returns where they lie.
  private mutating func append(counted text: Span<UInt8>) -> Range<Int> {
    bytes.append(sevenBits: UInt64(text.count))
    bytes.append(text)
    return (bytes.count - text.count)..<bytes.count
  }

  private mutating func append(_ uuid: UUIDWords) {
    bytes.append(word: UInt64(uuid.first) | UInt64(uuid.second) << 32)
    bytes.append(word: UInt64(uuid.third) | UInt64(uuid.fourth) << 32)
  }
}

/// The names written last, so that those that come again and again are written once a part.
private struct NameSlots {
  private struct Slot {
    var names = 0..<0
    var isConversion = false
  }

  static let count = 64
  /// Not inline: to look at one of an `InlineArray` inside of another value, all of it was copied (Swift 6.3.1).
  private var slots = [Slot](repeating: Slot(), count: NameSlots.count)

  /// Names share a slot by chance.
  static func slot(of names: Span<UInt8>) -> Int {
    guard names.count >= 8 else { return names.count }
    let mixed = (load64(names, 0) ^ load64(names, names.count - 8) &* 3 ^ UInt64(names.count)) &* 0x9e37_79b9_7f4a_7c15
    return Int(mixed >> 58)
  }

  func holds(_ names: Span<UInt8>, at slot: Int, isConversion: Bool, in bytes: Span<UInt8>) -> Bool {
    let known = slots[slot]
    return known.isConversion == isConversion && !known.names.isEmpty && same(bytes.extracting(known.names), names)
  }

  mutating func set(_ names: Range<Int>, at slot: Int, isConversion: Bool) { slots[slot] = Slot(names: names, isConversion: isConversion) }
}

/// What every event's text has in common. All records have the encoder's one text.
private enum EventFrame {
  /// `{"entity_id":"` NAMES `","timestamp":` TIMESTAMP `,"uuid":"` ID `"` REST `}`
  static let conversion: StaticString = "{\"entity_id\":\""
  static let conversionTime: StaticString = "\",\"timestamp\":"
  static let conversionEnd: StaticString = "}"
  /// `{"decisions":[{"campaign_id":"` NAMES `],"events":[{"entity_id":"` CAMPAIGN `","type":…,"timestamp":` … `"` REST `}]}`
  static let decision: StaticString = "{\"decisions\":[{\"campaign_id\":\""
  static let decisionEvent: StaticString = "],\"events\":[{\"entity_id\":\""
  static let decisionTime: StaticString = "\",\"type\":\"campaign_activated\",\"key\":\"campaign_activated\",\"timestamp\":"
  static let decisionEnd: StaticString = "}]}"
  static let id: StaticString = ",\"uuid\":\""
  private static let timestampBytes = 13

  /// Where the names lie in the text that the event lies in.
  static func names(of event: BodyEvent) -> Range<Int> {
    let start = (event.isConversion ? conversion : decision).utf8CodeUnitCount
    let end: Int
    var idStart: Int
    if event.isConversion {
      end = start + event.campaignOrEntityBytes + (event.flags.contains(.hasKey) ? 9 + event.experimentOrKeyBytes : 0)
      idStart = end + conversionTime.utf8CodeUnitCount
    } else {
      end = event.decisionBytes + 14
      idStart = end + decisionEvent.utf8CodeUnitCount + event.campaignOrEntityBytes + decisionTime.utf8CodeUnitCount
    }
    idStart += timestampBytes + id.utf8CodeUnitCount
    precondition(event.eventIDStart == idStart, "the record's text is the encoder's")
    let textStart = event.event.lowerBound
    return (textStart + start)..<(textStart + end)
  }

  /// Where it goes on behind the id, in the text that the event lies in.
  static func rest(of event: BodyEvent) -> Range<Int> {
    (event.eventID.upperBound + 1)..<(event.event.upperBound - (event.isConversion ? conversionEnd : decisionEnd).utf8CodeUnitCount)
  }
}

/// Reads what `RecordPacker` wrote, one record at a time: the same staged records, but for input and line, which are 0.
struct RecordUnpacker {
  enum Step { case record, end, damaged }

  private struct Names {
    var text = 0..<0
    var isConversion = false
    var campaignOrEntityBytes = 0
    var experimentOrKeyBytes = 0
    var variationBytes = 0
  }

  private var cursor = PackedCursor()
  private var visitor = 0..<0
  private var group = 0..<0
  private var hash: UInt64 = 0
  private var isFirst = true
  private var slots = [Names](repeating: Names(), count: NameSlots.count)

  /// Replaces what the arena holds by the next record. `packed` is the same at every call.
  mutating func next(_ packed: Span<UInt8>, into arena: inout ByteArena) -> Step {
    arena.removeAll()
    guard cursor.at < packed.count else { return .end }
    return read(packed, &arena) == nil ? .damaged : .record
  }

  private mutating func read(_ packed: Span<UInt8>, _ arena: inout ByteArena) -> Void? {
    guard let tag = cursor.byte(packed), let rawFlags = cursor.byte(packed), let rowOffset = cursor.count(packed),
      let timestamp = cursor.number(packed), readVisitor(tag, packed), let names = readNames(tag, packed)
    else { return nil }
    var head = RecordHead()
    head.isConversion = names.isConversion
    head.flags = StagedRecord.Flags(rawValue: rawFlags)
    head.hash = hash
    head.timestamp = Int64(bitPattern: timestamp)
    head.rowOffset = rowOffset
    head.campaignOrEntityBytes = names.campaignOrEntityBytes
    head.experimentOrKeyBytes = names.experimentOrKeyBytes
    head.variationBytes = names.variationBytes
    _ = arena.appendZeros(StagedRecord.headBytes)
    arena.append(packed.extracting(visitor))
    arena.append(packed.extracting(group))
    head.visitorBytes = visitor.count
    head.groupBytes = group.count
    let start = arena.count
    appendBeginning(names, head.timestamp, packed, &arena)
    if !names.isConversion { head.decisionBytes = EventFrame.decision.utf8CodeUnitCount - 14 + names.text.count }
    head.eventIDStart = arena.count - start
    if tag & RecordPacker.Tag.uuid != 0 {
      guard let upper = cursor.word(packed), let lower = cursor.word(packed) else { return nil }
      arena.append(
        uuid: UUIDWords(
          UInt32(truncatingIfNeeded: upper), UInt32(upper >> 32), UInt32(truncatingIfNeeded: lower), UInt32(lower >> 32)))
    } else {
      guard let id = cursor.range(packed) else { return nil }
      arena.append(packed.extracting(id))
    }
    head.eventIDBytes = arena.count - start - head.eventIDStart
    guard let rest = cursor.range(packed) else { return nil }
    arena.append(0x22)
    arena.append(packed.extracting(rest))
    arena.append(names.isConversion ? EventFrame.conversionEnd : EventFrame.decisionEnd)
    head.eventBytes = arena.count - start
    if head.flags.contains(.revenue) {
      guard let word = cursor.word(packed) else { return nil }
      head.revenue = Int64(bitPattern: word)
    }
    if head.flags.contains(.value) {
      guard let word = cursor.word(packed) else { return nil }
      head.value = Double(bitPattern: word)
    }
    arena.overwrite(head, at: 0)
    return ()
  }

  /// Appends an event's text up to its id.
  private func appendBeginning(_ names: Names, _ timestamp: Int64, _ packed: Span<UInt8>, _ arena: inout ByteArena) {
    arena.append(names.isConversion ? EventFrame.conversion : EventFrame.decision)
    arena.append(packed.extracting(names.text))
    if names.isConversion {
      arena.append(EventFrame.conversionTime)
    } else {
      arena.append(EventFrame.decisionEvent)
      arena.append(packed.extracting(names.text).extracting(first: names.campaignOrEntityBytes))
      arena.append(EventFrame.decisionTime)
    }
    arena.append(decimal: timestamp)
    arena.append(EventFrame.id)
  }

  /// Finds the record's visitor and group, which may be those of the record before.
  private mutating func readVisitor(_ tag: UInt8, _ packed: Span<UInt8>) -> Bool {
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

  /// Finds the record's names, which may be those of its slot.
  private mutating func readNames(_ tag: UInt8, _ packed: Span<UInt8>) -> Names? {
    guard let slot = cursor.byte(packed), slot < NameSlots.count else { return nil }
    let isConversion = tag & RecordPacker.Tag.conversion != 0
    if tag & RecordPacker.Tag.knownNames != 0 {
      let names = slots[Int(slot)]
      return names.text.isEmpty || names.isConversion != isConversion ? nil : names
    }
    var names = Names()
    names.isConversion = isConversion
    guard let first = cursor.count(packed), let second = cursor.count(packed), let third = isConversion ? 0 : cursor.count(packed),
      let text = cursor.range(packed), first <= text.count, second <= text.count, third <= text.count
    else { return nil }
    names.text = text
    names.campaignOrEntityBytes = first
    names.experimentOrKeyBytes = second
    names.variationBytes = third
    slots[Int(slot)] = names
    return names
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

  /// A number of bytes.
  mutating func count(_ bytes: Span<UInt8>) -> Int? { number(bytes).flatMap { Int(exactly: $0) } }

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

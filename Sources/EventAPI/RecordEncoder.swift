public import Bytes
public import Vocabulary

/// Writes one staged record: its head, and the JSON text that a body will hold.
///
/// Call in this order: `begin`, `group`, then `decision` or `conversion`, `eventID`, any of the optional members, `end`. All ids and keys
/// are given as plain UTF-8 text; the encoder escapes them. What is written until `end` can be taken back with `abandon`.
///
/// One record has one text: members come in a fixed order, and lists that have no order of their own are sorted by the caller.
/// All of it is inlined where rows are normalized: the head's numbers stay in registers until `end`, and literals are stored as words.
@usableFromInline package struct RecordEncoder {
  /// The version of staged records, of their text and of the form in which they lie on the disk; a run that was staged with another one is
  /// staged anew.
  package static let version = 2

  @usableFromInline var start = 0
  @usableFromInline var groupStart = 0
  @usableFromInline var eventStart = 0
  @usableFromInline var head: RecordHead

  @inlinable @inline(__always)
  package init() { head = RecordHead() }

  /// Begins a record at the arena's end with the visitor it belongs to and the place its row was read from.
  @inlinable @inline(__always)
  package mutating func begin(
    _ kind: RecordKind, visitor: Span<UInt8>, input: Int, rowOffset: Int, line: Int, into arena: inout ByteArena
  ) {
    head = RecordHead()
    head.isConversion = kind == .conversion
    head.input = input
    head.rowOffset = rowOffset
    head.line = line
    start = arena.appendZeros(StagedRecord.headBytes)
    let visitorStart = arena.count
    head.hash = arena.append(visitor: visitor)
    head.visitorBytes = arena.count &- visitorStart
    groupStart = arena.count
    eventStart = groupStart
  }

  /// Writes what else the visitor object says: a session id and the text of an attribute array, each left out when empty.
  @inlinable @inline(__always)
  package mutating func group(session: Span<UInt8>, attributes: Span<UInt8>, into arena: inout ByteArena) {
    group(session: session, into: &arena)
    if !attributes.isEmpty {
      beginAttributes(&arena)
      arena.append(attributes)
      endAttributes(arena)
    }
  }

  /// The same without attributes.
  @inlinable @inline(__always)
  package mutating func group(session: Span<UInt8>, into arena: inout ByteArena) {
    guard !session.isEmpty else { return }
    arena.append(",\"session_id\":\"")
    arena.append(escaping: session)
    arena.append(0x22)
    endAttributes(arena)
  }

  /// Begins the member of the attributes, whose array the caller writes, behind `group`.
  @inlinable @inline(__always)
  package func beginAttributes(_ arena: inout ByteArena) { arena.append(",\"attributes\":") }

  /// The group ends here.
  @inlinable @inline(__always)
  package mutating func endAttributes(_ arena: borrowing ByteArena) {
    head.groupBytes = arena.count &- groupStart
    eventStart = arena.count
  }

  /// Writes a decision and the beginning of its `campaign_activated` event. An empty experiment or variation is the JSON `null`;
  /// `metadata` is the text of an object or empty; `isHoldback` is written only when it is given.
  @inlinable @inline(__always)
  package mutating func decision(
    campaign: Span<UInt8>, experiment: Span<UInt8>, variation: Span<UInt8>, isHoldback: Bool?, metadata: Span<UInt8>,
    timestamp: Int64, into arena: inout ByteArena
  ) {
    arena.append("{\"decisions\":[{\"campaign_id\":\"")
    let campaignStart = arena.count
    arena.append(escaping: campaign)
    head.campaignOrEntityBytes = arena.count &- campaignStart
    arena.append("\",\"experiment_id\":")
    if experiment.isEmpty { head.flags.insert(.nullExperiment) }
    head.experimentOrKeyBytes = appendIDOrNull(experiment, into: &arena)
    arena.append(",\"variation_id\":")
    if variation.isEmpty { head.flags.insert(.nullVariation) }
    head.variationBytes = appendIDOrNull(variation, into: &arena)
    if let isHoldback {
      arena.append(isHoldback ? ",\"is_campaign_holdback\":true" : ",\"is_campaign_holdback\":false")
      if isHoldback { head.flags.insert(.holdback) }
    }
    if !metadata.isEmpty {
      arena.append(",\"metadata\":")
      arena.append(metadata)
    }
    arena.append(0x7d)
    head.decisionBytes = arena.count &- eventStart &- 14
    arena.append("],\"events\":[{\"entity_id\":\"")
    arena.append(escaping: campaign)
    // In two, each of which is stored as a few words; a longer one would be a call.
    arena.append("\",\"type\":\"campaign_activated\",\"key\":")
    arena.append("\"campaign_activated\",\"timestamp\":")
    append(timestamp: timestamp, into: &arena)
  }

  /// Writes the beginning of a conversion event. An empty key is left out.
  @inlinable @inline(__always)
  package mutating func conversion(entity: Span<UInt8>, key: Span<UInt8>, timestamp: Int64, into arena: inout ByteArena) {
    arena.append("{\"entity_id\":\"")
    let entityStart = arena.count
    arena.append(escaping: entity)
    head.campaignOrEntityBytes = arena.count &- entityStart
    if !key.isEmpty {
      head.flags.insert(.hasKey)
      arena.append("\",\"key\":\"")
      let keyStart = arena.count
      arena.append(escaping: key)
      head.experimentOrKeyBytes = arena.count &- keyStart
    }
    arena.append("\",\"timestamp\":")
    append(timestamp: timestamp, into: &arena)
  }

  @inlinable @inline(__always)
  mutating func append(timestamp: Int64, into arena: inout ByteArena) {
    arena.append(milliseconds: timestamp)
    head.timestamp = timestamp
  }

  /// Returns the bytes of the id, without quotes.
  @inlinable @inline(__always)
  func appendIDOrNull(_ id: Span<UInt8>, into arena: inout ByteArena) -> Int {
    guard !id.isEmpty else {
      arena.append("null")
      return 4
    }
    arena.append(0x22)
    let idStart = arena.count
    arena.append(escaping: id)
    let idBytes = arena.count &- idStart
    arena.append(0x22)
    return idBytes
  }

  /// Writes an event id as given.
  @inlinable @inline(__always)
  package mutating func eventID(_ id: Span<UInt8>, into arena: inout ByteArena) {
    beginEventID(&arena)
    arena.append(escaping: id)
    endEventID(&arena)
  }

  /// Writes the UUIDv5 of `message`, whose first sixteen bytes are the namespace.
  @inlinable @inline(__always)
  package mutating func eventID(derivedFrom message: Span<UInt8>, into arena: inout ByteArena) {
    beginEventID(&arena)
    arena.append(uuidOf: message)
    endEventID(&arena)
    head.flags.insert(.derivedID)
  }

  @inlinable @inline(__always)
  mutating func beginEventID(_ arena: inout ByteArena) {
    arena.append(",\"uuid\":\"")
    head.eventIDStart = arena.count &- eventStart
  }

  @inlinable @inline(__always)
  mutating func endEventID(_ arena: inout ByteArena) {
    head.eventIDBytes = arena.count &- eventStart &- head.eventIDStart
    arena.append(0x22)
  }

  @inlinable @inline(__always)
  package mutating func revenue(_ amount: Int64, into arena: inout ByteArena) {
    arena.append(",\"revenue\":")
    arena.append(decimal: amount)
    head.revenue = amount
    head.flags.insert(.revenue)
  }

  /// Writes a value: the JSON number's own text, and the fraction it stands for into the head.
  @inlinable @inline(__always)
  package mutating func value(_ text: Span<UInt8>, _ number: Double, into arena: inout ByteArena) {
    arena.append(",\"value\":")
    arena.append(text)
    head.value = number
    head.flags.insert(.value)
  }

  @inlinable @inline(__always)
  package mutating func quantity(_ count: Int64, into arena: inout ByteArena) {
    arena.append(",\"quantity\":")
    arena.append(decimal: count)
  }

  /// Writes the text of the tags object.
  @inlinable @inline(__always)
  package mutating func tags(_ object: Span<UInt8>, into arena: inout ByteArena) {
    beginTags(&arena)
    arena.append(object)
  }

  /// Begins the member of the tags, whose object the caller writes.
  @inlinable @inline(__always)
  package func beginTags(_ arena: inout ByteArena) { arena.append(",\"tags\":") }

  /// Writes the text of the properties object.
  @inlinable @inline(__always)
  package mutating func properties(_ object: Span<UInt8>, into arena: inout ByteArena) {
    beginProperties(&arena)
    arena.append(object)
  }

  /// Begins the member of the properties, whose object the caller writes.
  @inlinable @inline(__always)
  package func beginProperties(_ arena: inout ByteArena) { arena.append(",\"properties\":") }

  /// Completes the record and returns where it begins in the arena.
  @inlinable @inline(__always)
  package mutating func end(into arena: inout ByteArena) -> Int {
    if head.isConversion { arena.append(0x7d) } else { arena.append("}]}") }
    head.eventBytes = arena.count &- eventStart
    arena.overwrite(head, at: start)
    return start
  }

  /// Takes back everything since `begin`.
  package func abandon(_ arena: inout ByteArena) { arena.truncate(to: start) }
}

package import Bytes
package import Vocabulary

/// Writes one staged record: its head, and the JSON text that a body will hold.
///
/// Call in this order: `begin`, `group`, then `decision` or `conversion`, `eventID`, any of the optional members, `end`. All ids and keys
/// are given as plain UTF-8 text; the encoder escapes them. What is written until `end` can be taken back with `abandon`.
///
/// One record has one text: members come in a fixed order, and lists that have no order of their own are sorted by the caller.
package struct RecordEncoder {
  /// The text version; a run that was planned with another one is planned anew.
  package static let version = 1

  private var start = 0
  private var eventStart = 0
  private var flags = StagedRecord.Flags(rawValue: 0)
  private var kind = RecordKind.decision

  package init() {}

  /// Begins a record at the arena's end with the visitor it belongs to and the place its row was read from.
  package mutating func begin(
    _ kind: RecordKind, visitor: Span<UInt8>, input: Int, rowOffset: Int, line: Int, into arena: inout ByteArena
  ) {
    self.kind = kind
    flags = StagedRecord.Flags(rawValue: 0)
    start = arena.appendZeros(StagedRecord.headBytes)
    let visitorStart = arena.count
    arena.append(escaping: visitor)
    arena.store(kind.rawValue, at: start + 4)
    arena.store(UInt16(input), at: start + 6)
    arena.store(UInt64(rowOffset), at: start + 24)
    arena.store(UInt32(clamping: line), at: start + 32)
    arena.store(UInt32(arena.count - visitorStart), at: start + 36)
    let hash = visitorHash(arena.span.extracting(visitorStart..<arena.count))
    arena.store(hash, at: start + 8)
    eventStart = arena.count
  }

  /// Writes what else the visitor object says: a session id and the text of an attribute array, each left out when empty.
  package mutating func group(session: Span<UInt8>, attributes: Span<UInt8>, into arena: inout ByteArena) {
    let groupStart = arena.count
    if !session.isEmpty {
      arena.append(",\"session_id\":\"")
      arena.append(escaping: session)
      arena.append(0x22)
    }
    if !attributes.isEmpty {
      arena.append(",\"attributes\":")
      arena.append(attributes)
    }
    arena.store(UInt32(arena.count - groupStart), at: start + 40)
    eventStart = arena.count
  }

  /// Writes a decision and the beginning of its `campaign_activated` event. An empty experiment or variation is the JSON `null`;
  /// `metadata` is the text of an object or empty; `isHoldback` is written only when it is given.
  package mutating func decision(
    campaign: Span<UInt8>, experiment: Span<UInt8>, variation: Span<UInt8>, isHoldback: Bool?, metadata: Span<UInt8>,
    timestamp: Int64, into arena: inout ByteArena
  ) {
    arena.append("{\"decisions\":[{\"campaign_id\":\"")
    let campaignStart = arena.count
    arena.append(escaping: campaign)
    let campaignEnd = arena.count
    arena.store(UInt32(campaignEnd - campaignStart), at: start + 48)
    arena.append("\",\"experiment_id\":")
    if experiment.isEmpty { flags.insert(.nullExperiment) }
    appendIDOrNull(experiment, lengthAt: start + 52, into: &arena)
    arena.append(",\"variation_id\":")
    if variation.isEmpty { flags.insert(.nullVariation) }
    appendIDOrNull(variation, lengthAt: start + 56, into: &arena)
    if let isHoldback {
      arena.append(isHoldback ? ",\"is_campaign_holdback\":true" : ",\"is_campaign_holdback\":false")
      if isHoldback { flags.insert(.holdback) }
    }
    if !metadata.isEmpty {
      arena.append(",\"metadata\":")
      arena.append(metadata)
    }
    arena.append(0x7d)
    arena.store(UInt32(arena.count - eventStart - 14), at: start + 68)
    arena.append("],\"events\":[{\"entity_id\":\"")
    arena.appendOwn(campaignStart..<campaignEnd)
    arena.append("\",\"type\":\"campaign_activated\",\"key\":\"campaign_activated\",\"timestamp\":")
    append(timestamp: timestamp, into: &arena)
  }

  /// Writes the beginning of a conversion event. An empty key is left out.
  package mutating func conversion(entity: Span<UInt8>, key: Span<UInt8>, timestamp: Int64, into arena: inout ByteArena) {
    arena.append("{\"entity_id\":\"")
    let entityStart = arena.count
    arena.append(escaping: entity)
    arena.store(UInt32(arena.count - entityStart), at: start + 48)
    if !key.isEmpty {
      flags.insert(.hasKey)
      arena.append("\",\"key\":\"")
      let keyStart = arena.count
      arena.append(escaping: key)
      arena.store(UInt32(arena.count - keyStart), at: start + 52)
    }
    arena.append("\",\"timestamp\":")
    append(timestamp: timestamp, into: &arena)
  }

  private func append(timestamp: Int64, into arena: inout ByteArena) {
    arena.append(decimal: timestamp)
    arena.store(timestamp, at: start + 16)
  }

  private func appendIDOrNull(_ id: Span<UInt8>, lengthAt place: Int, into arena: inout ByteArena) {
    guard !id.isEmpty else {
      arena.append("null")
      arena.store(UInt32(4), at: place)
      return
    }
    arena.append(0x22)
    let idStart = arena.count
    arena.append(escaping: id)
    arena.store(UInt32(arena.count - idStart), at: place)
    arena.append(0x22)
  }

  /// Writes an event id as given.
  package mutating func eventID(_ id: Span<UInt8>, into arena: inout ByteArena) {
    let idStart = beginEventID(&arena)
    arena.append(escaping: id)
    endEventID(idStart, &arena)
  }

  /// Writes the UUIDv5 of `message`, whose first sixteen bytes are the namespace.
  package mutating func eventID(derivedFrom message: Span<UInt8>, into arena: inout ByteArena) {
    let idStart = beginEventID(&arena)
    arena.append(uuidOf: message)
    endEventID(idStart, &arena)
    flags.insert(.derivedID)
  }

  private func beginEventID(_ arena: inout ByteArena) -> Int {
    arena.append(",\"uuid\":\"")
    return arena.count
  }

  private func endEventID(_ idStart: Int, _ arena: inout ByteArena) {
    arena.store(UInt32(idStart - eventStart), at: start + 60)
    arena.store(UInt32(arena.count - idStart), at: start + 64)
    arena.append(0x22)
  }

  package mutating func revenue(_ amount: Int64, into arena: inout ByteArena) {
    arena.append(",\"revenue\":")
    arena.append(decimal: amount)
    arena.store(amount, at: start + 72)
    flags.insert(.revenue)
  }

  /// Writes a value: the JSON number's own text, and the fraction it stands for into the head.
  package mutating func value(_ text: Span<UInt8>, _ number: Double, into arena: inout ByteArena) {
    arena.append(",\"value\":")
    arena.append(text)
    arena.store(number.bitPattern, at: start + 80)
    flags.insert(.value)
  }

  package mutating func quantity(_ count: Int64, into arena: inout ByteArena) {
    arena.append(",\"quantity\":")
    arena.append(decimal: count)
  }

  /// Writes the text of the tags object.
  package mutating func tags(_ object: Span<UInt8>, into arena: inout ByteArena) {
    arena.append(",\"tags\":")
    arena.append(object)
  }

  /// Writes the text of the properties object.
  package mutating func properties(_ object: Span<UInt8>, into arena: inout ByteArena) {
    arena.append(",\"properties\":")
    arena.append(object)
  }

  /// Completes the record and returns where it begins in the arena.
  package mutating func end(into arena: inout ByteArena) -> Int {
    arena.append(kind == .decision ? "}]}" : "}")
    arena.store(UInt32(arena.count - eventStart), at: start + 44)
    arena.store(flags.rawValue, at: start + 5)
    arena.store(UInt32(arena.count - start), at: start)
    return start
  }

  /// Takes back everything since `begin`.
  package func abandon(_ arena: inout ByteArena) { arena.truncate(to: start) }
}

/// A record as it is staged: a head of numbers and the JSON text that a body will hold, written once.
///
///     offset  0  u32  bytes of the whole record, head included
///             4  u8   kind: 0 decision, 1 conversion
///             5  u8   flags
///             6  u16  input
///             8  u64  hash of the visitor's text
///            16  i64  timestamp, epoch ms
///            24  u64  byte offset of the row in its input
///            32  u32  line of the row
///            36  u32  bytes of the visitor's text        40  u32  of the group's     44  u32  of the event's
///            48  u32  campaign or entity                 52  u32  experiment or key  56  u32  variation
///            60  u32  where the event id begins in the event's text                  64  u32  its bytes
///            68  u32  bytes of the decision object inside a decision's text
///            72  i64  revenue      80  f64 value
///            88  visitor, group, event
///
/// *Visitor*: the inside of the JSON string of the visitor id. *Group*: the members of the visitor object that follow it (session
/// id and attributes), with their leading comma. *Event*: a decision's whole snapshot, or a conversion's event object.
@usableFromInline package struct StagedRecord: ~Escapable {
  @usableFromInline package let bytes: Span<UInt8>

  @inlinable @inline(__always) @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  /// The record that begins at `offset` of `bytes`.
  @inlinable @inline(__always) @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>, at offset: Int) {
    self.bytes = bytes.extracting(offset..<(offset &+ Int(load32(bytes, offset))))
  }

  @inlinable package static var headBytes: Int { 88 }

  @usableFromInline package struct Flags: OptionSet, Sendable {
    @usableFromInline package let rawValue: UInt8
    @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }
    @inlinable package static var revenue: Flags { Flags(rawValue: 1) }
    @inlinable package static var value: Flags { Flags(rawValue: 2) }
    /// The event id was derived from the record, not given.
    @inlinable package static var derivedID: Flags { Flags(rawValue: 4) }
    @inlinable package static var holdback: Flags { Flags(rawValue: 8) }
    /// The decision's experiment or variation is the JSON `null`.
    @inlinable package static var nullExperiment: Flags { Flags(rawValue: 16) }
    @inlinable package static var nullVariation: Flags { Flags(rawValue: 32) }
    @inlinable package static var hasKey: Flags { Flags(rawValue: 64) }
  }

  @inlinable package var byteCount: Int { bytes.count }
  @inlinable package var isDecision: Bool { bytes[4] == 0 }
  @inlinable package var kind: UInt8 { bytes[4] }
  @inlinable package var flags: Flags { Flags(rawValue: bytes[5]) }
  @inlinable package var input: Int { Int(bytes[6]) | Int(bytes[7]) << 8 }
  @inlinable package var hash: UInt64 { load64(bytes, 8) }
  @inlinable package var timestamp: Int64 { Int64(bitPattern: load64(bytes, 16)) }
  @inlinable package var rowOffset: Int { Int(load64(bytes, 24)) }
  @inlinable package var line: Int { Int(load32(bytes, 32)) }
  @inlinable package var revenue: Int64? { flags.contains(.revenue) ? Int64(bitPattern: load64(bytes, 72)) : nil }
  @inlinable package var value: Double? { flags.contains(.value) ? Double(bitPattern: load64(bytes, 80)) : nil }

  @inlinable var visitorCount: Int { Int(load32(bytes, 36)) }
  @inlinable var groupCount: Int { Int(load32(bytes, 40)) }
  @inlinable var eventStart: Int { StagedRecord.headBytes &+ visitorCount &+ groupCount }
  @inlinable package var eventCount: Int { Int(load32(bytes, 44)) }

  package var visitor: Span<UInt8> {
    @inlinable @_lifetime(copy self) get { bytes.extracting(StagedRecord.headBytes..<(StagedRecord.headBytes &+ visitorCount)) }
  }
  package var group: Span<UInt8> {
    @inlinable @_lifetime(copy self) get { bytes.extracting((StagedRecord.headBytes &+ visitorCount)..<eventStart) }
  }
  /// Group and event, which lie together.
  package var groupAndEvent: Span<UInt8> {
    @inlinable @_lifetime(copy self) get { bytes.extracting((StagedRecord.headBytes &+ visitorCount)..<bytes.count) }
  }
  package var event: Span<UInt8> {
    @inlinable @_lifetime(copy self) get { bytes.extracting(eventStart..<(eventStart &+ eventCount)) }
  }
  /// Where the event id begins in the record.
  @inlinable package var eventIDStart: Int { eventStart &+ Int(load32(bytes, 60)) }
  /// The inside of the JSON string of the event id.
  package var eventID: Span<UInt8> {
    @inlinable @_lifetime(copy self) get {
      let start = eventIDStart
      return bytes.extracting(start..<(start &+ Int(load32(bytes, 64))))
    }
  }

  /// Where a decision's campaign id begins in its text: behind `{"decisions":[{"campaign_id":"`.
  @inlinable package static var campaignStart: Int { 30 }
  /// Where a conversion's entity id begins in its text: behind `{"entity_id":"`.
  @inlinable package static var entityStart: Int { 14 }

  /// A decision's campaign id or a conversion's entity id, as JSON text without quotes.
  package var campaignOrEntity: Span<UInt8> {
    @inlinable @_lifetime(copy self) get { name(isDecision ? StagedRecord.campaignStart : StagedRecord.entityStart, load32(bytes, 48)) }
  }
  /// A decision's experiment id (`null` without quotes when it is one) or a conversion's key (empty without one), as JSON text.
  package var experimentOrKey: Span<UInt8> {
    @inlinable @_lifetime(copy self) get {
      let first = Int(load32(bytes, 48))
      // `","experiment_id":` and a quote unless null; `","key":"`.
      if isDecision {
        return name(StagedRecord.campaignStart &+ first &+ (flags.contains(.nullExperiment) ? 18 : 19), load32(bytes, 52))
      }
      return name(StagedRecord.entityStart &+ first &+ (flags.contains(.hasKey) ? 9 : 0), load32(bytes, 52))
    }
  }
  /// A decision's variation id, as JSON text without quotes; `null` when it is one.
  package var variation: Span<UInt8> {
    @inlinable @_lifetime(copy self) get {
      let quotes = (flags.contains(.nullExperiment) ? 0 : 2) &+ (flags.contains(.nullVariation) ? 0 : 1)
      let start = StagedRecord.campaignStart &+ Int(load32(bytes, 48)) &+ 18 &+ Int(load32(bytes, 52)) &+ 16 &+ quotes
      return name(start, load32(bytes, 56))
    }
  }
  /// The decision object inside a decision's snapshot.
  package var decision: Span<UInt8> {
    @inlinable @_lifetime(copy self) get { name(14, load32(bytes, 68)) }
  }

  @inlinable @_lifetime(copy self)
  func name(_ start: Int, _ count: UInt32) -> Span<UInt8> {
    bytes.extracting((eventStart &+ start)..<(eventStart &+ start &+ Int(count)))
  }
}

extension ByteArena {
  /// Appends a record with more behind what its visitor object says besides the id.
  package mutating func append(_ record: borrowing StagedRecord, inheriting more: Span<UInt8>) {
    let start = count
    append(record.bytes.extracting(0..<StagedRecord.headBytes))
    append(record.visitor)
    append(record.group)
    append(more)
    append(record.event)
    store(UInt32(count - start), at: start)
    store(UInt32(record.groupCount + more.count), at: start + 40)
  }
}

/// Negative, zero or positive as `one` comes before, equals or comes after `other` in the total order: hash of the visitor,
/// visitor, kind (decisions first), session and attributes, timestamp, event id, text.
///
/// Zero means one event, wherever the two were read.
package func order(_ one: borrowing StagedRecord, _ other: borrowing StagedRecord) -> Int {
  if one.hash != other.hash { return one.hash < other.hash ? -1 : 1 }
  let visitors = order(one.visitor, other.visitor)
  if visitors != 0 { return visitors }
  if one.kind != other.kind { return one.kind < other.kind ? -1 : 1 }
  let groups = order(one.group, other.group)
  if groups != 0 { return groups }
  if one.timestamp != other.timestamp { return one.timestamp < other.timestamp ? -1 : 1 }
  let ids = order(one.eventID, other.eventID)
  if ids != 0 { return ids }
  return order(one.event, other.event)
}

/// The total order, and among equal events the order of rows: which of two identical ones is the first. Rows that give their
/// event id come before those whose id was derived, wherever they were read; then input and row say.
package func orderWithPlace(_ one: borrowing StagedRecord, _ other: borrowing StagedRecord) -> Int {
  let records = order(one, other)
  if records != 0 { return records }
  let areDerived = (one.flags.contains(.derivedID), other.flags.contains(.derivedID))
  if areDerived.0 != areDerived.1 { return areDerived.0 ? 1 : -1 }
  if one.input != other.input { return one.input - other.input }
  return one.rowOffset - other.rowOffset
}

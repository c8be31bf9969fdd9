public import Bytes

/// One event of a body: the numbers of its record, and where the record's texts lie. Nothing is copied for it.
///
///     let text = event.liesInBody ? body : reader.records.span
///     text.extracting(event.visitor), text.extracting(event.group), text.extracting(event.event)
///
/// What is not said here is as in `StagedRecord`. Memory: 96 bytes, however long the texts.
///
/// Inlined where events are packed: their numbers are read where they lie.
@usableFromInline package struct BodyEvent {
  @usableFromInline package var hash: UInt64
  @usableFromInline package var timestamp: Int64
  @usableFromInline package var revenue: Int64
  @usableFromInline package var value: Double
  /// Where the event begins in the body.
  @usableFromInline package var rowOffset: Int
  /// Where the visitor's text begins. The group's follows it, in a body behind a quote.
  @usableFromInline var visitorStart: Int
  @usableFromInline var eventStart: Int
  @usableFromInline var visitorCount: UInt32
  @usableFromInline var groupCount: UInt32
  @usableFromInline var eventCount: UInt32
  @usableFromInline var campaignOrEntityCount: UInt32
  @usableFromInline var experimentOrKeyCount: UInt32
  @usableFromInline var variationCount: UInt32
  @usableFromInline var decisionCount: UInt32
  @usableFromInline var eventIDOffset: UInt32
  @usableFromInline var eventIDCount: UInt32
  @usableFromInline package var flags: StagedRecord.Flags
  @usableFromInline package var isConversion: Bool
  /// Whether the texts lie in the body itself, as those in the encoder's own form do; the others lie in the reader's `records`.
  @usableFromInline package var liesInBody: Bool

  @inlinable package var visitor: Range<Int> { BodyEvent.range(visitorStart, visitorCount) }
  @inlinable package var group: Range<Int> {
    BodyEvent.range(visitorStart &+ Int(visitorCount) &+ (liesInBody ? 1 : 0), groupCount)
  }
  @inlinable package var event: Range<Int> { BodyEvent.range(eventStart, eventCount) }
  @inlinable package var eventID: Range<Int> { BodyEvent.range(eventStart &+ eventIDStart, eventIDCount) }
  @inlinable package var campaignOrEntityBytes: Int { Int(campaignOrEntityCount) }
  @inlinable package var experimentOrKeyBytes: Int { Int(experimentOrKeyCount) }
  @inlinable package var variationBytes: Int { Int(variationCount) }
  @inlinable package var decisionBytes: Int { Int(decisionCount) }
  /// Where the event id begins in the event's text.
  @inlinable package var eventIDStart: Int { Int(eventIDOffset) }

  /// Bytes of the staged record.
  var recordBytes: Int { StagedRecord.headBytes + visitor.count + group.count + event.count }

  @inlinable @inline(__always)
  static func range(_ start: Int, _ count: UInt32) -> Range<Int> { start..<(start &+ Int(count)) }
}

extension BodyEvent {
  /// An event whose texts lie in the body, which has less than 4 GiB.
  @inline(__always)
  init(
    isConversion: Bool, flags: StagedRecord.Flags, hash: UInt64, timestamp: Int64, revenue: Int64, value: Double, rowOffset: Int,
    visitor: Range<Int>, groupBytes: Int, event: Range<Int>, eventID: Range<Int>, campaignOrEntityBytes: Int,
    experimentOrKeyBytes: Int, variationBytes: Int, decisionBytes: Int
  ) {
    self.hash = hash
    self.timestamp = timestamp
    self.revenue = revenue
    self.value = value
    self.rowOffset = rowOffset
    visitorStart = visitor.lowerBound
    eventStart = event.lowerBound
    visitorCount = UInt32(truncatingIfNeeded: visitor.count)
    groupCount = UInt32(truncatingIfNeeded: groupBytes)
    eventCount = UInt32(truncatingIfNeeded: event.count)
    campaignOrEntityCount = UInt32(truncatingIfNeeded: campaignOrEntityBytes)
    experimentOrKeyCount = UInt32(truncatingIfNeeded: experimentOrKeyBytes)
    variationCount = UInt32(truncatingIfNeeded: variationBytes)
    decisionCount = UInt32(truncatingIfNeeded: decisionBytes)
    eventIDOffset = UInt32(truncatingIfNeeded: eventID.lowerBound &- event.lowerBound)
    eventIDCount = UInt32(truncatingIfNeeded: eventID.count)
    self.flags = flags
    self.isConversion = isConversion
    liesInBody = true
  }

  /// The event whose record lies at `offset` of some text.
  package init(_ record: borrowing StagedRecord, at offset: Int = 0) {
    hash = record.hash
    timestamp = record.timestamp
    revenue = record.revenue ?? 0
    value = record.value ?? 0
    rowOffset = record.rowOffset
    visitorStart = offset + StagedRecord.headBytes
    eventStart = offset + record.byteCount - record.eventCount
    visitorCount = UInt32(record.visitor.count)
    groupCount = UInt32(record.group.count)
    eventCount = UInt32(record.eventCount)
    campaignOrEntityCount = UInt32(record.campaignOrEntity.count)
    experimentOrKeyCount = UInt32(record.experimentOrKey.count)
    variationCount = record.isDecision ? UInt32(record.variation.count) : 0
    decisionCount = record.isDecision ? UInt32(record.decision.count) : 0
    eventIDOffset = UInt32(record.eventIDStart - (record.byteCount - record.eventCount))
    eventIDCount = UInt32(record.eventID.count)
    flags = record.flags
    isConversion = !record.isDecision
    liesInBody = false
  }

  /// The head of the event's staged record; its texts' bytes are not in it.
  var head: RecordHead {
    var head = RecordHead()
    head.isConversion = isConversion
    head.flags = flags
    head.hash = hash
    head.timestamp = timestamp
    head.rowOffset = rowOffset
    head.campaignOrEntityBytes = campaignOrEntityBytes
    head.experimentOrKeyBytes = experimentOrKeyBytes
    head.variationBytes = variationBytes
    head.decisionBytes = decisionBytes
    head.eventIDStart = eventIDStart
    head.eventIDBytes = eventID.count
    head.revenue = revenue
    head.value = value
    return head
  }
}

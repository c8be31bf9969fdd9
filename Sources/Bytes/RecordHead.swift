/// The numbers at the head of a staged record (`StagedRecord`), for a writer that knows them all before it writes.
@usableFromInline package struct RecordHead {
  @usableFromInline package var isConversion = false
  @usableFromInline package var flags = StagedRecord.Flags(rawValue: 0)
  @usableFromInline package var hash: UInt64 = 0
  @usableFromInline package var timestamp: Int64 = 0
  @usableFromInline package var rowOffset = 0
  @usableFromInline package var campaignOrEntityBytes = 0
  @usableFromInline package var experimentOrKeyBytes = 0
  @usableFromInline package var variationBytes = 0
  /// Where the event id begins in the event's text.
  @usableFromInline package var eventIDStart = 0
  @usableFromInline package var eventIDBytes = 0
  @usableFromInline package var decisionBytes = 0
  @usableFromInline package var revenue: Int64 = 0
  @usableFromInline package var value = 0.0

  @inlinable package init() {}
}

extension ByteArena {
  /// Appends a staged record of input 0 and line 0, and returns where it begins.
  @inlinable @inline(__always)
  package mutating func append(_ head: RecordHead, visitor: Span<UInt8>, group: Span<UInt8>, event: Span<UInt8>) -> Int {
    let start = count
    let length = StagedRecord.headBytes &+ visitor.count &+ group.count &+ event.count
    reserve(length)
    appendPair(length, (head.isConversion ? 1 : 0) | Int(head.flags.rawValue) &<< 8)
    appendReserved(head.hash)
    appendReserved(UInt64(bitPattern: head.timestamp))
    appendReserved(UInt64(head.rowOffset))
    appendPair(0, visitor.count)
    appendPair(group.count, event.count)
    appendPair(head.campaignOrEntityBytes, head.experimentOrKeyBytes)
    appendPair(head.variationBytes, head.eventIDStart)
    appendPair(head.eventIDBytes, head.decisionBytes)
    appendReserved(UInt64(bitPattern: head.revenue))
    appendReserved(head.value.bitPattern)
    append(visitor)
    append(group)
    append(event)
    return start
  }

  /// Makes sure that `length` more bytes can be written without growing.
  @inlinable @inline(__always)
  package mutating func reserve(_ length: Int) {
    if length > capacity &- count { grow(by: length) }
  }

  /// Two numbers of 32 bits, the first one first.
  @inlinable @inline(__always)
  mutating func appendPair(_ first: Int, _ second: Int) {
    appendReserved(UInt64(UInt32(truncatingIfNeeded: first)) | UInt64(UInt32(truncatingIfNeeded: second)) &<< 32)
  }

  /// Eight bytes, lowest first, which were reserved.
  @inlinable @inline(__always)
  mutating func appendReserved(_ word: UInt64) {
    precondition(8 <= capacity &- count)
    // SAFETY: the line above proves that eight bytes lie inside the allocation behind `count`.
    unsafe base.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt64.self)
    written &+= 8
  }
}

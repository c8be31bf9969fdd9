/// The numbers at the head of a staged record (`StagedRecord`), for a writer to gather and to write all at once.
@usableFromInline package struct RecordHead {
  @usableFromInline package var isConversion: Bool
  @usableFromInline package var flags: StagedRecord.Flags
  @usableFromInline package var hash: UInt64
  @usableFromInline package var timestamp: Int64
  @usableFromInline package var rowOffset: Int
  @usableFromInline package var input: Int
  @usableFromInline package var line: Int
  @usableFromInline package var visitorBytes: Int
  @usableFromInline package var groupBytes: Int
  @usableFromInline package var eventBytes: Int
  @usableFromInline package var campaignOrEntityBytes: Int
  @usableFromInline package var experimentOrKeyBytes: Int
  @usableFromInline package var variationBytes: Int
  /// Where the event id begins in the event's text.
  @usableFromInline package var eventIDStart: Int
  @usableFromInline package var eventIDBytes: Int
  @usableFromInline package var decisionBytes: Int
  @usableFromInline package var revenue: Int64
  @usableFromInline package var value: Double

  @inlinable @inline(__always)
  package init() {
    isConversion = false
    flags = StagedRecord.Flags(rawValue: 0)
    hash = 0
    timestamp = 0
    rowOffset = 0
    input = 0
    line = 0
    visitorBytes = 0
    groupBytes = 0
    eventBytes = 0
    campaignOrEntityBytes = 0
    experimentOrKeyBytes = 0
    variationBytes = 0
    eventIDStart = 0
    eventIDBytes = 0
    decisionBytes = 0
    revenue = 0
    value = 0
  }
}

extension ByteArena {
  /// Appends a staged record, whose head need not know the bytes of its texts, and returns where it begins.
  @inlinable @inline(__always)
  package mutating func append(_ head: RecordHead, visitor: Span<UInt8>, group: Span<UInt8>, event: Span<UInt8>) -> Int {
    let start = count
    let length = StagedRecord.headBytes &+ visitor.count &+ group.count &+ event.count
    reserve(length)
    _ = appendZeros(StagedRecord.headBytes)
    append(visitor)
    append(group)
    append(event)
    var head = head
    head.visitorBytes = visitor.count
    head.groupBytes = group.count
    head.eventBytes = event.count
    overwrite(head, at: start)
    return start
  }

  /// Makes sure that `length` more bytes can be written without growing.
  @inlinable @inline(__always)
  package mutating func reserve(_ length: Int) {
    if length > capacity &- count { grow(by: length) }
  }

  /// Appends a visitor as the inside of a JSON string, and returns the hash of it.
  @usableFromInline package mutating func append(visitor: Span<UInt8>) -> UInt64 {
    let start = count
    append(escaping: visitor)
    // An escape takes more bytes than what it stands for, so equal counts are equal texts; the given one is at hand sooner.
    return count &- start == visitor.count ? visitorHash(visitor) : visitorHash(span.extracting(start..<count))
  }

  /// Writes the head of the record that begins at `start` and ends where the arena does.
  @inlinable @inline(__always)
  package mutating func overwrite(_ head: RecordHead, at start: Int) {
    precondition(start >= 0 && start <= count &- StagedRecord.headBytes)
    // SAFETY: the line above proves that the head's bytes lie inside what is initialised.
    let target = unsafe base + start
    let kind = (head.isConversion ? 1 : 0) | Int(head.flags.rawValue) &<< 8 | head.input &<< 16
    unsafe target.storePair(count &- start, kind, at: 0)
    unsafe target.storeBytes(of: head.hash.littleEndian, toByteOffset: 8, as: UInt64.self)
    unsafe target.storeBytes(of: head.timestamp.littleEndian, toByteOffset: 16, as: Int64.self)
    unsafe target.storeBytes(of: UInt64(head.rowOffset).littleEndian, toByteOffset: 24, as: UInt64.self)
    unsafe target.storePair(Int(UInt32(clamping: head.line)), head.visitorBytes, at: 32)
    unsafe target.storePair(head.groupBytes, head.eventBytes, at: 40)
    unsafe target.storePair(head.campaignOrEntityBytes, head.experimentOrKeyBytes, at: 48)
    unsafe target.storePair(head.variationBytes, head.eventIDStart, at: 56)
    unsafe target.storePair(head.eventIDBytes, head.decisionBytes, at: 64)
    unsafe target.storeBytes(of: head.revenue.littleEndian, toByteOffset: 72, as: Int64.self)
    unsafe target.storeBytes(of: head.value.bitPattern.littleEndian, toByteOffset: 80, as: UInt64.self)
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

extension UnsafeMutableRawPointer {
  /// Stores two numbers of 32 bits, the first one first, in eight bytes that the caller knows to be there.
  @inlinable @inline(__always)
  func storePair(_ first: Int, _ second: Int, at offset: Int) {
    let word = UInt64(UInt32(truncatingIfNeeded: first)) | UInt64(UInt32(truncatingIfNeeded: second)) &<< 32
    // SAFETY: the caller's proof.
    unsafe storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
  }
}

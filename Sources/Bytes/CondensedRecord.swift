// Staged records as they lie on the disk: without the words that all of a kind have in common, and without what is said twice. Half the bytes
// are written and read then, and what becomes of them is the same to the byte: all that is left out was compared with what is put there again.
//
//     offset  0  u16  bytes of the condensed record, head included     2  u8  kind     3  u8  flags     4  u16  input
//             6  u8   bytes of the visitor's text    7  u8  of the campaign or entity    8  u8  of the experiment or key
//             9  u8   of the variation              10  u8  of the event id             11  u8  zero
//            12  u16  of the group                  14  u16 of a decision's members between its variation and its end
//            16  u64  hash of the visitor's text
//            24  u48  timestamp, epoch ms           30  u16 lower half of the line
//            32  u48  byte offset of the row        38  u16 upper half of the line
//            40  f64  value, if there is one
//                visitor, group, campaign or entity, experiment or key, variation, those members, event id, and what follows the id's quote
//                (behind `,"revenue":` when there is a revenue)
//
// A record that is written in another way, or has a number that is larger, lies there as it is behind a u16 of zero.

private let condensedHeadBytes = 40
/// Bytes of the words that an event's text has besides what is condensed.
private let conversionWords = 14 + 14 + 13 + 10
private let decisionWords = 30 + 18 + 16 + 27 + 36 + 33 + 13 + 10
private let keyWords = 9
private let revenueWords = 11

extension ByteArena {
  /// Appends the condensed form of a record.
  package mutating func append(condensing record: borrowing StagedRecord) {
    let start = count
    if condense(record) { return }
    truncate(to: start)
    _ = appendZeros(2)
    append(record.bytes)
  }

  /// Appends the condensed form when the record is written as the encoder does. Returns false when it is not, with something appended.
  @inline(__always)
  private mutating func condense(_ record: borrowing StagedRecord) -> Bool {
    let bytes = record.bytes
    guard bytes.count <= 0xffff else { return false }
    let (visitor, group) = (load32(bytes, 36), load32(bytes, 40))
    let (first, second, third) = (load32(bytes, 48), load32(bytes, 52), load32(bytes, 56))
    let id = load32(bytes, 64)
    let (timestamp, row) = (load64(bytes, 16), load64(bytes, 24))
    guard visitor | first | second | third | id <= 0xff, group <= 0xffff, (timestamp | row) >> 48 == 0 else { return false }
    let flags = record.flags
    let isDecision = record.isDecision
    // What the head does not need to say for such a record, it must not say.
    guard isDecision || load32(bytes, 68) == 0, flags.contains(.revenue) || load64(bytes, 72) == 0,
      flags.contains(.value) || load64(bytes, 80) == 0, record.eventStart &+ record.eventCount == bytes.count
    else { return false }
    let start = count
    _ = appendZeros(condensedHeadBytes)
    if flags.contains(.value) { append(bytes.extracting(80..<88)) }
    append(bytes.extracting(StagedRecord.headBytes..<record.eventStart))
    var text = TextCursor(bytes, at: record.eventStart)
    var middle = 0
    if isDecision {
      let campaign = text.at &+ StagedRecord.campaignStart
      text.skip("{\"decisions\":[{\"campaign_id\":\"")
      copy(from: &text, Int(first))
      text.skip("\",\"experiment_id\":")
      copyID(from: &text, Int(second), isNull: flags.contains(.nullExperiment))
      text.skip(",\"variation_id\":")
      copyID(from: &text, Int(third), isNull: flags.contains(.nullVariation))
      middle = record.eventStart &+ 13 &+ Int(load32(bytes, 68)) &- text.at
      guard middle >= 0, middle <= 0xffff else { return false }
      copy(from: &text, middle)
      text.skip("}],\"events\":[{\"entity_id\":\"")
      text.skip(sameAs: campaign, Int(first))
      text.skip("\",\"type\":\"campaign_activated\",\"key\":")
      text.skip("\"campaign_activated\",\"timestamp\":")
    } else {
      text.skip("{\"entity_id\":\"")
      copy(from: &text, Int(first))
      if flags.contains(.hasKey) {
        text.skip("\",\"key\":\"")
        copy(from: &text, Int(second))
      }
      text.skip("\",\"timestamp\":")
    }
    text.skip(milliseconds: timestamp)
    text.skip(",\"uuid\":\"")
    guard text.at == record.eventIDStart else { return false }
    copy(from: &text, Int(id))
    text.skip("\"")
    if flags.contains(.revenue) {
      text.skip(",\"revenue\":")
      guard text.isSame, leadingNumber(bytes, at: text.at) == record.revenue else { return false }
    }
    copy(from: &text, bytes.count &- text.at)
    guard text.isSame else { return false }
    let condensedBytes = count &- start
    let line = UInt64(load32(bytes, 32))
    store(UInt64(condensedBytes) | (load64(bytes, 4) & 0xffff_ffff) &<< 16 | UInt64(visitor) &<< 48 | UInt64(first) &<< 56, at: start)
    store(UInt64(second) | UInt64(third) &<< 8 | UInt64(id) &<< 16 | UInt64(group) &<< 32 | UInt64(middle) &<< 48, at: start &+ 8)
    store(load64(bytes, 8), at: start &+ 16)
    store(timestamp | (line & 0xffff) &<< 48, at: start &+ 24)
    store(row | (line &>> 16) &<< 48, at: start &+ 32)
    return true
  }

  @inline(__always)
  private mutating func copy(from text: inout TextCursor, _ length: Int) {
    guard text.isSame, length <= text.bytes.count &- text.at else {
      text.isSame = false
      return
    }
    append(text.bytes.extracting(text.at..<(text.at &+ length)))
    text.at &+= length
  }

  /// An id in quotes, or the JSON `null`.
  @inline(__always)
  private mutating func copyID(from text: inout TextCursor, _ length: Int, isNull: Bool) {
    if isNull { return text.skip("null") }
    text.skip("\"")
    copy(from: &text, length)
    text.skip("\"")
  }

  /// Appends the record whose condensed form begins at `offset` of `condensed`. Returns where the next one begins; nil, with nothing appended, when none
  /// begins there, or it does not fit.
  package mutating func append(expanding condensed: Span<UInt8>, at offset: Int) -> Int? {
    guard condensed.count &- offset >= condensedHeadBytes else { return nil }
    let sizes = load64(condensed, offset)
    guard sizes & 0xffff != 0 else { return append(plain: condensed, at: offset &+ 2) }
    let end = offset &+ Int(sizes & 0xffff)
    guard end <= condensed.count, end >= offset &+ condensedHeadBytes, condensed[offset &+ 2] <= 1, condensed[offset &+ 11] == 0 else {
      return nil
    }
    return expand(condensed.extracting(offset..<end), sizes) ? end : nil
  }

  private mutating func append(plain condensed: Span<UInt8>, at start: Int) -> Int? {
    let length = Int(load32(condensed, start))
    guard length >= StagedRecord.headBytes, length <= condensed.count &- start, length <= room else { return nil }
    append(condensed.extracting(start..<(start &+ length)))
    return start &+ length
  }

  /// `condensed` is one condensed record, of which a head is there.
  @inline(__always)
  private mutating func expand(_ condensed: Span<UInt8>, _ sizes: UInt64) -> Bool {
    let more = load64(condensed, 8)
    let (times, rows) = (load64(condensed, 24), load64(condensed, 32))
    var head = RecordHead()
    head.isConversion = UInt8(truncatingIfNeeded: sizes &>> 16) != 0
    head.flags = StagedRecord.Flags(rawValue: UInt8(truncatingIfNeeded: sizes &>> 24))
    head.input = Int(sizes &>> 32 & 0xffff)
    head.visitorBytes = Int(sizes &>> 48 & 0xff)
    head.campaignOrEntityBytes = Int(sizes &>> 56)
    head.experimentOrKeyBytes = Int(more & 0xff)
    head.variationBytes = Int(more &>> 8 & 0xff)
    head.eventIDBytes = Int(more &>> 16 & 0xff)
    head.groupBytes = Int(more &>> 32 & 0xffff)
    let middle = Int(more &>> 48)
    head.hash = load64(condensed, 16)
    head.timestamp = Int64(times & 0xffff_ffff_ffff)
    head.rowOffset = Int(rows & 0xffff_ffff_ffff)
    head.line = Int(times &>> 48 | (rows &>> 48) &<< 16)
    var at = condensedHeadBytes
    if head.flags.contains(.value) {
      guard condensed.count >= at &+ 8 else { return false }
      head.value = Double(bitPattern: load64(condensed, at))
      at &+= 8
    }
    let isNull = (head.flags.contains(.nullExperiment), head.flags.contains(.nullVariation))
    let hasKey = head.flags.contains(.hasKey)
    let hasRevenue = head.flags.contains(.revenue)
    // Bytes that are read below, but for those of the last text; and bytes that are written.
    var texts = head.visitorBytes &+ head.groupBytes &+ head.campaignOrEntityBytes &+ head.eventIDBytes
    var length = StagedRecord.headBytes &+ condensed.count &- at &+ (hasRevenue ? revenueWords : 0)
    if head.isConversion {
      texts &+= hasKey ? head.experimentOrKeyBytes : 0
      length &+= conversionWords &+ (hasKey ? keyWords : 0)
    } else {
      texts &+= (isNull.0 ? 0 : head.experimentOrKeyBytes) &+ (isNull.1 ? 0 : head.variationBytes) &+ middle
      length &+= decisionWords &+ (isNull.0 ? 4 : 2) &+ (isNull.1 ? 4 : 2) &+ head.campaignOrEntityBytes
    }
    let isTime = head.timestamp >= 1_000_000_000_000 && head.timestamp < 10_000_000_000_000
    guard at &+ texts <= condensed.count, length <= room, isTime, !head.isConversion || middle == 0 else { return false }
    let start = appendZeros(StagedRecord.headBytes)
    move(condensed, &at, head.visitorBytes &+ head.groupBytes)
    let eventStart = count
    if head.isConversion {
      append("{\"entity_id\":\"")
      move(condensed, &at, head.campaignOrEntityBytes)
      if hasKey {
        append("\",\"key\":\"")
        move(condensed, &at, head.experimentOrKeyBytes)
      }
      append("\",\"timestamp\":")
    } else {
      append("{\"decisions\":[{\"campaign_id\":\"")
      let campaign = condensed.extracting(at..<(at &+ head.campaignOrEntityBytes))
      move(condensed, &at, head.campaignOrEntityBytes)
      append("\",\"experiment_id\":")
      moveID(condensed, &at, head.experimentOrKeyBytes, isNull: isNull.0)
      append(",\"variation_id\":")
      moveID(condensed, &at, head.variationBytes, isNull: isNull.1)
      move(condensed, &at, middle)
      append(0x7d)
      head.decisionBytes = count &- eventStart &- 14
      append("],\"events\":[{\"entity_id\":\"")
      append(campaign)
      append("\",\"type\":\"campaign_activated\",\"key\":")
      append("\"campaign_activated\",\"timestamp\":")
    }
    append(milliseconds: head.timestamp)
    append(",\"uuid\":\"")
    head.eventIDStart = count &- eventStart
    move(condensed, &at, head.eventIDBytes)
    append(0x22)
    if hasRevenue {
      append(",\"revenue\":")
      head.revenue = leadingNumber(condensed, at: at) ?? 0
    }
    move(condensed, &at, condensed.count &- at)
    precondition(count &- start == length)
    head.eventBytes = count &- eventStart
    overwrite(head, at: start)
    return true
  }

  @inline(__always)
  private mutating func move(_ condensed: Span<UInt8>, _ at: inout Int, _ length: Int) {
    append(condensed.extracting(at..<(at &+ length)))
    at &+= length
  }

  @inline(__always)
  private mutating func moveID(_ condensed: Span<UInt8>, _ at: inout Int, _ length: Int, isNull: Bool) {
    if isNull { return append("null") }
    append(0x22)
    move(condensed, &at, length)
    append(0x22)
  }
}

/// Where in a record's text one is, and whether all that was left out so far is what the encoder writes there.
private struct TextCursor: ~Escapable {
  let bytes: Span<UInt8>
  var at: Int
  var isSame = true

  @inline(__always) @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, at start: Int) {
    self.bytes = bytes
    at = start
  }

  @inline(__always)
  mutating func skip(_ words: StaticString) {
    isSame = isSame && holds(bytes, at, words)
    at &+= words.utf8CodeUnitCount
  }

  @inline(__always)
  mutating func skip(sameAs other: Int, _ length: Int) {
    guard isSame, length <= bytes.count &- at else {
      isSame = false
      return
    }
    isSame = same(bytes.extracting(at..<(at &+ length)), bytes.extracting(other..<(other &+ length)))
    at &+= length
  }

  /// Thirteen digits.
  @inline(__always)
  mutating func skip(milliseconds number: UInt64) {
    guard isSame, 13 <= bytes.count &- at, let digits = thirteenDigits(bytes.extracting(at..<(at &+ 13))) else {
      isSame = false
      return
    }
    isSame = UInt64(digits) == number
    at &+= 13
  }
}

/// The whole number that begins at `start` and ends before the first byte that is no digit; nil when it has more than 64 bits.
@inline(__always)
private func leadingNumber(_ bytes: Span<UInt8>, at start: Int) -> Int64? {
  guard start < bytes.count else { return nil }
  var end = bytes[start] == 0x2d ? start &+ 1 : start
  while end < bytes.count, bytes[end] &- 0x30 <= 9 { end &+= 1 }
  return wholeNumber(bytes.extracting(start..<end))
}

extension [UInt8] {
  /// Fills a part with the records whose condensed forms `condensed` holds, one behind the other. Returns how many bytes they take; nil when it holds
  /// anything else, or more than fits.
  package mutating func fill(_ part: Range<Int>, expanding condensed: Span<UInt8>) -> Int? {
    precondition(part.lowerBound >= 0 && part.upperBound <= count)
    return unsafe withUnsafeMutableBytes { bytes -> Int? in
      guard let base = bytes.baseAddress else { return condensed.isEmpty ? 0 : nil }
      // SAFETY: the precondition proves that the part lies in the array, which nobody else touches while this runs.
      var arena = unsafe ByteArena(lending: base + part.lowerBound, byteCount: part.count)
      var at = 0
      while at < condensed.count {
        guard let next = arena.append(expanding: condensed, at: at) else { return nil }
        at = next
      }
      return arena.count
    }
  }
}

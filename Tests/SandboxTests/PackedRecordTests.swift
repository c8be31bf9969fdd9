import Bytes
import EventAPI
import Testing
import Vocabulary

@testable import Sandbox

/// The form in which records are stored.
@Suite struct PackedRecordTests {
  private static func letters(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x61, count: count) }

  private static func bytes(_ text: String, _ isWanted: Bool = true) -> [UInt8] { isWanted ? Array(text.utf8) : [] }

  /// A record with every member at an edge of its own, by number.
  private static func append(_ number: Int, to arena: inout ByteArena) -> Int {
    var encoder = RecordEncoder()
    let lengths = [1, 127, 128, 16_383, 16_384, 40_000]
    let times: [Int64] = [1_000_000_000_000, 9_999_999_999_999, 1_700_000_000_000]
    let visitor = number < 8 ? bytes("v\(number / 3)") : letters(lengths[number % 6])
    let session = letters(number % 2 * number)
    let attributes = bytes("[1]", number % 4 == 1)
    let isDecision = number % 3 == 0
    encoder.begin(
      isDecision ? .decision : .conversion, visitor: visitor.span, input: 0,
      rowOffset: [0, 127, 128, 16_383, Int(UInt32.max), Int.max][number % 6], line: 0, into: &arena)
    encoder.group(session: session.span, attributes: attributes.span, into: &arena)
    if isDecision {
      let campaign = bytes("\"ca\n\"")
      let experiment = bytes("e", number % 2 == 1)
      let variation = number % 4 == 0 ? [] : letters(lengths[number % 5])
      let metadata = bytes(#"{"enabled":true}"#, number % 5 == 0)
      encoder.decision(
        campaign: campaign.span, experiment: experiment.span, variation: variation.span,
        isHoldback: [nil, true, false][number / 3 % 3],
        metadata: metadata.span, timestamp: times[number / 3 % 3], into: &arena)
    } else {
      let entity = letters(lengths[number % 4])
      let key = bytes("ключ", number % 2 == 1)
      encoder.conversion(entity: entity.span, key: key.span, timestamp: times[number / 3 % 3], into: &arena)
    }
    let id = letters(36)
    if number % 5 == 4 { encoder.eventID(derivedFrom: id.span, into: &arena) } else { encoder.eventID(id.span, into: &arena) }
    appendAmounts(number, encoder: &encoder, to: &arena)
    return encoder.end(into: &arena)
  }

  private static func appendAmounts(_ number: Int, encoder: inout RecordEncoder, to arena: inout ByteArena) {
    let amounts: [Int64] = [.min, -1, 0, 1, .max]
    let fractions = [("-0", -0.0), ("5e-324", Double.leastNonzeroMagnitude), ("1e308", 1e308), ("0.1", 0.1)]
    if number % 2 == 0 { encoder.revenue(amounts[number % 5], into: &arena) }
    if number % 3 != 1 {
      let (text, fraction) = fractions[number % 4]
      let value = bytes(text)
      encoder.value(value.span, fraction, into: &arena)
    }
    let tags = bytes(#"{"a":1}"#)
    let properties = bytes(#"{"a":"b"}"#)
    if number % 7 == 0 { encoder.quantity(.min, into: &arena) }
    if number % 7 == 1 { encoder.tags(tags.span, into: &arena) }
    if number % 7 == 2 { encoder.properties(properties.span, into: &arena) }
  }

  static func unpacked(_ packed: Span<UInt8>) -> [[UInt8]]? {
    var unpacker = RecordUnpacker()
    var arena = ByteArena(limit: 1 << 20)
    var records: [[UInt8]] = []
    while true {
      switch unpacker.next(packed, into: &arena) {
      case .record: records.append(copy(arena.span))
      case .end: return records
      case .damaged: return nil
      }
    }
  }

  @Test("records come out of their packed form as they went in, with every member at its edges", arguments: [1, 2, 60])
  func roundTrip(count: Int) {
    var arena = ByteArena(limit: 1 << 24)
    var packer = RecordPacker()
    var records: [[UInt8]] = []
    for number in 0..<count {
      let offset = PackedRecordTests.append(number, to: &arena)
      let record = StagedRecord(arena.span, at: offset)
      records.append(copy(record.bytes))
      packer.append(record)
    }
    #expect(PackedRecordTests.unpacked(packer.bytes.span) == records)
    #expect(packer.recordCount == count)
  }

  @Test("a packed form that is cut short is seen to be, wherever it is cut between records")
  func cut() {
    var arena = ByteArena(limit: 1 << 20)
    var packer = RecordPacker()
    var ends = [0]
    for number in 0..<4 {
      let offset = PackedRecordTests.append(number, to: &arena)
      packer.append(StagedRecord(arena.span, at: offset))
      ends.append(packer.bytes.count)
    }
    let whole = copy(packer.bytes.span)
    for length in 0...whole.count {
      let records = PackedRecordTests.unpacked(whole.span.extracting(0..<length))
      #expect(records?.count == ends.firstIndex(of: length), "\(length) of \(whole.count) bytes")
    }
  }

  @Test("a first record that is said to share the visitor of none is damage")
  func nothingToShare() {
    for tag: UInt8 in [2, 4, 6] {
      #expect(PackedRecordTests.unpacked([tag, 0, 0, 0, 1, 0x76, 0, 0, 0, 0, 0, 0, 0, 0].span) == nil)
    }
  }

  @Test("names that no record before has written are damage, as are those of the other kind, and a slot beyond the last")
  func unknownNames() {
    let head: [UInt8] = [1, 0, 0, 0, 1, 0x76, 0]
    let event: [UInt8] = [1, 0x69, 0]
    #expect(PackedRecordTests.unpacked((head + [7, 1, 0, 1, 0x65] + event).span)?.count == 1)
    let known: [UInt8] = [1 | 2 | 4 | 16, 0, 0, 0, 7]
    #expect(PackedRecordTests.unpacked((head + [7, 1, 0, 1, 0x65] + event + known + event).span)?.count == 2)
    let decision: [UInt8] = [2 | 4 | 16, 0, 0, 0, 7]
    #expect(PackedRecordTests.unpacked((head + [7, 1, 0, 1, 0x65] + event + decision + event).span) == nil)
    #expect(PackedRecordTests.unpacked((head + [8, 1, 0, 1, 0x65] + event + known + event).span) == nil)
    #expect(PackedRecordTests.unpacked((head + [64, 1, 0, 1, 0x65] + event).span) == nil)
    #expect(PackedRecordTests.unpacked((head + [7, 2, 0, 1, 0x65] + event).span) == nil)
  }

  @Test("ordinary events are stored in a third of their text, whatever their names and amounts")
  func size() throws {
    let names = (0..<20).map { "purchase-\($0)" }
    let events = (0..<2_000).map { number in
      let id = String(repeating: "\(number % 10)", count: 8) + "-0000-4000-8000-" + String(100_000_000_000 + number)
      var event = Event.conversion("visitor-\(number / 5)", id, revenue: number % 2 == 0 ? 1_999 : nil)
      event.entity = "2030172\(number % 20)"
      event.key = names[number % 20]
      return event
    }
    let text = body(events)
    var packer = BodyPacker(bodyLimit: 1 << 20)
    let packed = try packer.pack(Array(text.utf8).span)
    let stored = packed.parts.reduce(0) { $0 + $1.records.count }
    #expect(stored * 3 < text.utf8.count, "\(stored) of \(text.utf8.count) bytes")
    #expect(packed.parts.reduce(0) { $0 + (PackedRecordTests.unpacked(Array($1.records).span)?.count ?? 0) } == 2_000)
  }

  @Test("a body's records are packed in the total order, whatever their order in the body")
  func order() throws {
    let events = (0..<50).map { Event.conversion("v\($0 % 7)", "u\($0)", at: 1_700_000_000_000 - Int64($0)) }
    var packer = BodyPacker(bodyLimit: 1 << 20)
    let forward = try packer.pack(Array(body(events).utf8).span)
    let backward = try packer.pack(Array(body(events.reversed()).utf8).span)
    func texts(_ packed: PackedBody) -> [[UInt8]] {
      packed.parts.flatMap { PackedRecordTests.unpacked(Array($0.records).span) ?? [] }.map { Array($0[88...]) }
    }
    #expect(texts(forward).count == 50)
    #expect(texts(forward) == texts(backward))
    #expect(forward.digest != backward.digest)
    #expect(
      forward.firstHash == backward.firstHash && forward.lastHash == backward.lastHash && forward.firstHash < forward.lastHash)
  }

  @Test("a body is divided into parts that a reader can hold")
  func parts() throws {
    let events = (0..<8_000).map { Event.conversion("v\($0)", "u\($0)") }
    var packer = BodyPacker(bodyLimit: 1 << 21)
    let packed = try packer.pack(Array(body(events).utf8).span)
    #expect(packed.parts.count > 4)
    for part in packed.parts { #expect(part.records.count < RecordPacker.partBytes + 300) }
    #expect(packed.parts.reduce(0) { $0 + (PackedRecordTests.unpacked(Array($1.records).span)?.count ?? 0) } == 8_000)
  }
}

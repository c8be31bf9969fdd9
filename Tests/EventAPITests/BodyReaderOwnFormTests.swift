import Bytes
import EventAPI
import Testing
import Vocabulary

/// What one reading of a body came to, each record byte by byte.
private struct Outcome: Equatable {
  var fault: BodyFault?
  var records: [[UInt8]] = []
  var visitorObjectCount = 0

  init(_ body: [UInt8], with reader: inout BodyReader) {
    do throws(BodyFault) {
      try reader.read(body.span)
      records = reader.offsets.map { copy(StagedRecord(reader.records.span, at: $0).bytes) }
      visitorObjectCount = reader.visitorObjectCount
    } catch {
      fault = error
    }
  }
}

/// Visitor objects in the encoder's own form, with each optional member somewhere.
private let ownVisitors = [
  #"{"visitor_id":"v1","snapshots":[{"decisions":[],"events":[{"entity_id":"5","key":"buy","timestamp":1700000000002,"uuid":"u2","revenue":1999,"value":1.50,"quantity":3,"tags":{"product":"sku \"7\" \\","size":10.5,"wide":true},"properties":{"a":"x","b":"y"}},{"entity_id":"6","timestamp":1700000000003,"uuid":"u3"}]}]}"#,
  #"{"visitor_id":"vé😀","session_id":"s","attributes":[{"type":"custom","entity_id":"7","key":"plan","value":"gold"},{"type":"custom","entity_id":"8","key":"age","value":-7}],"snapshots":[{"decisions":[{"campaign_id":"c1","experiment_id":"e1","variation_id":null,"is_campaign_holdback":false}],"events":[{"entity_id":"c1","type":"campaign_activated","key":"campaign_activated","timestamp":1700000000001,"uuid":"u1"}]},{"decisions":[{"campaign_id":"c2","experiment_id":null,"variation_id":"x","is_campaign_holdback":true}],"events":[{"entity_id":"c2","type":"campaign_activated","key":"campaign_activated","timestamp":1700000000001,"uuid":"u4","revenue":-5,"value":-0.0,"tags":{"t":false}}]}]}"#,
  #"{"visitor_id":"a long visitor id of more than sixteen bytes","attributes":[{"type":"custom","entity_id":"7","key":"$opt_x","value":"a\"b"}],"snapshots":[{"decisions":[{"campaign_id":"9560823711","experiment_id":"5733750339","variation_id":"6630810318"}],"events":[{"entity_id":"9560823711","type":"campaign_activated","key":"campaign_activated","timestamp":9999999999999,"uuid":"7d5e6f0a-0a97-5659-8501-346a596bf46f"}]},{"decisions":[],"events":[{"entity_id":"1260528914","key":"page_view","timestamp":1000000000000,"uuid":"order-0003560476","value":64.809}]}]}"#,
]

private func ownBody() -> [UInt8] {
  let settings = BodySettings(accountID: "1", anonymizeIP: true, clientName: "c", clientVersion: "1", enrichDecisions: true)
  return settings.prefix + bytes(ownVisitors.joined(separator: ",")) + settings.suffix
}

/// The generator of `SplitMix64`: the same numbers for the same seed.
private struct Dice {
  var state: UInt64

  mutating func roll(_ sides: Int) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return Int((word ^ (word >> 31)) % UInt64(sides))
  }
}

@Suite struct BodyReaderOwnFormTests {
  /// Pieces that change the meaning where they stand, more often than a byte by chance would.
  private static let pieces = [
    "\"", "\\", ",", ":", "{", "}", "[", "]", "0", "1", "9", ".", "-", "e", "E5", " ", "\n", "\u{1}", "\u{7f}", "\u{e000}", "\u{e000}12",
    "é", "\\\"",
    "\\\\", "\\n", "\\u0041", "\\/", "null", "true", "campaign_activated", "\"\"", "{}", "[]", "000", "99999999999999999999", ",\"x\":1",
    ",\"key\":\"k\"", ",\"type\":\"t\"", "$opt_event_properties", "{\"type\":\"device\",\"value\":1},",
  ].map { Array($0.utf8) }

  /// Replaces, inserts, removes, or copies some bytes at a random place.
  private static func mutate(_ body: inout [UInt8], _ dice: inout Dice) {
    let at = dice.roll(body.count)
    let end = min(body.count, at + dice.roll(3))
    switch dice.roll(8) {
    case 0: body[at] = UInt8(dice.roll(256))
    case 1: body.removeSubrange(at..<min(body.count, at + 1 + dice.roll(30)))
    case 2, 3:
      // A whole member or element, as far as commas say, goes elsewhere or is there twice.
      let comma = UInt8(ascii: ",")
      let places = body.indices.filter { body[$0] == comma }
      let first = places[dice.roll(places.count - 1)]
      let last = places.first { $0 > first } ?? body.count
      let piece = Array(body[first..<last])
      if dice.roll(2) == 0 { body.removeSubrange(first..<last) }
      body.insert(contentsOf: piece, at: places[dice.roll(places.count)] % body.count)
    default: body.replaceSubrange(at..<end, with: pieces[dice.roll(pieces.count)])
    }
  }

  @Test("visitor objects as the encoder writes them are read in one pass, to the same records as in the general way")
  func form() {
    var short = BodyReader()
    var general = BodyReader(readsOwnForm: false)
    let body = ownBody()
    let outcome = Outcome(body, with: &short)
    #expect(outcome.fault == nil && outcome.records.count == 6)
    #expect(outcome == Outcome(body, with: &general))
    #expect(short.ownFormCount == ownVisitors.count && general.ownFormCount == 0)
  }

  @Test("whatever is done to a body, both ways come to the same records or the same fault", arguments: 0..<UInt64(20))
  func mutations(seed: UInt64) {
    var dice = Dice(state: seed)
    var short = BodyReader()
    var general = BodyReader(readsOwnForm: false)
    let body = ownBody()
    for _ in 0..<200 {
      var mutated = body
      for _ in 0...dice.roll(3) { Self.mutate(&mutated, &dice) }
      let outcome = Outcome(mutated, with: &short)
      let expected = Outcome(mutated, with: &general)
      #expect(outcome == expected, "seed \(seed): \(text(mutated.span))")
      if outcome != expected { return }
    }
  }

  @Test("a piece in the place of every fourth byte, or before it, makes both ways come to the same", arguments: 0..<pieces.count)
  func replacements(piece: Int) {
    var short = BodyReader()
    var general = BodyReader(readsOwnForm: false)
    let body = ownBody()
    for at in stride(from: piece % 4, to: body.count, by: 4) {
      for length in 0...1 {
        var mutated = body
        mutated.replaceSubrange(at..<(at + length), with: Self.pieces[piece])
        let outcome = Outcome(mutated, with: &short)
        let expected = Outcome(mutated, with: &general)
        #expect(outcome == expected, "at byte \(at): \(text(mutated.span))")
        if outcome != expected { return }
      }
    }
  }

  @Test("a body cut short anywhere is the same fault in both ways")
  func cuts() {
    var short = BodyReader()
    var general = BodyReader(readsOwnForm: false)
    let body = ownBody()
    for count in body.indices {
      let outcome = Outcome(Array(body[..<count]), with: &short)
      #expect(outcome.fault != nil && outcome == Outcome(Array(body[..<count]), with: &general))
    }
  }

  @Test("records that would take too much room are the same fault in both ways", arguments: 1...24)
  func room(count: Int) {
    let limit = 4_000
    var short = BodyReader(bodyLimit: limit)
    var general = BodyReader(bodyLimit: limit, readsOwnForm: false)
    // Each event becomes a record with the visitor's long id: near 24 events the room of 64,000 bytes ends.
    let events = (0..<count).map { #"{"entity_id":"5","timestamp":1700000000002,"uuid":"\#($0)"}"# }.joined(separator: ",")
    let id = String(repeating: "v", count: 2_100)
    let body = bytes(
      #"{"account_id":"1","visitors":[{"visitor_id":"\#(id)","snapshots":[{"decisions":[],"events":[\#(events)]}]}]}"#)
    let outcome = Outcome(body, with: &short)
    #expect(outcome == Outcome(body, with: &general))
    #expect((short.ownFormCount == 1) == (outcome.fault == nil))
    #expect(count > 1 || outcome.fault == nil)
    #expect(count < 24 || outcome.fault != nil)
  }

  @Test("visitor objects in and out of the form share the room for records", arguments: 38...58, [true, false])
  func sharedRoom(count: Int, isOwnFirst: Bool) {
    let limit = 10_000
    var short = BodyReader(bodyLimit: limit)
    var general = BodyReader(bodyLimit: limit, readsOwnForm: false)
    let events = (0..<count).map { #"{"entity_id":"5","timestamp":1700000000002,"uuid":"\#($0)"}"# }.joined(separator: ",")
    let id = String(repeating: "v", count: 1_400)
    let object = #"{"visitor_id":"\#(id)","snapshots":[{"decisions":[],"events":[\#(events)]}]}"#
    // One of them begins with a space, which the form has not. Records of 1,543 bytes: near 50 of each the room of 160,000 ends.
    let other = "{ " + object.dropFirst()
    let objects = isOwnFirst ? [object, other] : [other, object]
    let body = bytes(#"{"account_id":"1","visitors":[\#(objects.joined(separator: ","))]}"#)
    let outcome = Outcome(body, with: &short)
    #expect(outcome == Outcome(body, with: &general))
    #expect(outcome.fault != nil || short.ownFormCount == 1 && outcome.records.count == 2 * count)
    #expect(count > 40 || outcome.fault == nil)
    #expect(count < 55 || outcome.fault?.path.hasPrefix("visitors[1]") == true)
  }

  @Test("events in the form lie in the body, the others among the records, each with the texts of its record")
  func places() throws {
    var reader = BodyReader()
    let object = #"{"visitor_id":"w","snapshots":[{"decisions":[], "events":[{"entity_id":"5","timestamp":1700000000002,"uuid":"u"}]}]}"#
    let body = bytes(text(ownBody().span).replacing(#""visitors":["#, with: #""visitors":[\#(object),"#))
    try reader.read(body.span)
    #expect(reader.events.map(\.liesInBody) == [false] + Array(repeating: true, count: 6))
    for (event, offset) in zip(reader.events, reader.offsets) {
      let record = StagedRecord(reader.records.span, at: offset)
      let source = event.liesInBody ? body : copy(reader.records.span)
      let texts = [event.visitor, event.group, event.event, event.eventID].map { Array(source[$0]) }
      let expected = [copy(record.visitor), copy(record.group), copy(record.event), copy(record.eventID)]
      #expect(texts == expected)
      let numbers = [event.hash, UInt64(event.rowOffset), UInt64(event.timestamp)]
      let expectedNumbers = [record.hash, UInt64(record.rowOffset), UInt64(record.timestamp)]
      #expect(numbers == expectedNumbers)
    }
  }
}

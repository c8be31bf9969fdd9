import Bytes
import EventAPI
import Foundation
import Testing
import Vocabulary

@testable import Sandbox

/// The generator of `SplitMix64`: the same numbers for the same seed.
private struct Dice {
  var state: UInt64

  mutating func word() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  mutating func roll(_ sides: Int) -> Int { Int(word() % UInt64(sides)) }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[roll(elements.count)] }
}

/// Random bodies in the encoder's own form, and other spellings of them.
private enum Spelling {
  private static let visitors = ["v", "visitor-2", "vé", "a long visitor id of more than sixteen bytes", "0", "user_a5017d7c_535813"]

  /// Three times in four the visitors come in the total order, each once.
  static func body(_ dice: inout Dice) -> String {
    var ids = visitors.filter { _ in dice.roll(3) > 0 }
    ids.sort { visitorHash(Array($0.utf8).span) < visitorHash(Array($1.utf8).span) }
    if dice.roll(4) == 0 { ids = (0...dice.roll(8)).map { _ in dice.pick(visitors) } }
    let objects = ids.map { visitor($0, &dice) }
    return #"{"account_id":"1","visitors":[\#(objects.joined(separator: ","))]}"#
  }

  private static func visitor(_ id: String, _ dice: inout Dice) -> String {
    var text = #"{"visitor_id":"\#(id)""#
    if dice.roll(4) == 0 { text += #","session_id":"s\#(dice.roll(2))""# }
    if dice.roll(3) == 0 {
      text += #","attributes":[{"type":"custom","entity_id":"7","key":"plan","value":"\#(dice.pick(["gold", "a \\\"b\\\""]))"}]"#
    }
    let decisions = (0..<dice.roll(3)).map { decision(1_700_000_000_000 + Int64($0), &dice) }
    let conversions = (0..<dice.roll(6)).map { conversion(1_700_000_000_000 + Int64($0), &dice) }
    let snapshots = decisions + (conversions.isEmpty ? [] : [#"{"decisions":[],"events":[\#(conversions.joined(separator: ","))]}"#])
    return text + #","snapshots":[\#(snapshots.joined(separator: ","))]}"#
  }

  private static func decision(_ timestamp: Int64, _ dice: inout Dice) -> String {
    let campaign = dice.pick(["9560823711", "c", "default-rollout-2029-20301771717"])
    let experiment = dice.pick([#""5733750339""#, "null"])
    let variation = dice.pick([#""6630810319""#, #""6630810318""#, "null"])
    let holdback = dice.pick(["", "", #","is_campaign_holdback":true"#, #","is_campaign_holdback":false"#])
    return #"{"decisions":[{"campaign_id":"\#(campaign)","experiment_id":\#(experiment),"variation_id":\#(variation)\#(holdback)}],"#
      + #""events":[{"entity_id":"\#(campaign)","type":"campaign_activated","key":"campaign_activated","#
      + #""timestamp":\#(timestamp)\#(rest(&dice))]}"#
  }

  private static func conversion(_ timestamp: Int64, _ dice: inout Dice) -> String {
    let key = dice.pick(["", #","key":"purchase""#, #","key":"page_view""#])
    return #"{"entity_id":"\#(dice.pick(["1260528912", "5", "50"]))"\#(key),"timestamp":\#(timestamp)\#(rest(&dice))"#
  }

  /// What an event has behind its timestamp.
  private static func rest(_ dice: inout Dice) -> String {
    var text = #","uuid":"\#(uuid(&dice))""#
    if dice.roll(3) == 0 { text += #","revenue":\#(dice.pick([-1, 0, 1_999, 999_999_999_999_999_999, Int64.min, .max]))"# }
    if dice.roll(3) == 0 { text += #","value":\#(dice.pick(["0", "-0.0", "64.809", "1.50"]))"# }
    if dice.roll(4) == 0 { text += #","quantity":3"# }
    if dice.roll(2) == 0 { text += #","tags":{"product":"sku-\#(dice.roll(3_000))","wide":true}"# }
    if dice.roll(4) == 0 { text += #","properties":{"a":"x"}"# }
    return text + "}"
  }

  /// A canonical one mostly; else letters in upper case, a character less or more, one that is no digit, or no UUID at all.
  private static func uuid(_ dice: inout Dice) -> String {
    let digits = [dice.word(), dice.word()].flatMap { word in (0..<16).map { Array("0123456789abcdef")[Int(word >> (4 * $0) & 15)] } }
    var text = ""
    for (index, digit) in digits.enumerated() { text += ([8, 12, 16, 20].contains(index) ? "-" : "") + String(digit) }
    switch dice.roll(12) {
    case 0: return text.uppercased()
    case 1: return String(text.dropLast())
    case 2: return text + "0"
    case 3: return "g" + text.dropFirst()
    case 4: return text.replacing("-", with: "_")
    case 5: return "order-\(dice.roll(3))"
    default: return text
    }
  }

  /// What may be written in another way: white space, escapes, members twice, in another order, unknown, wrong, or none.
  private static let others = [
    (#",""#, ",\n \""), (#"":"#, #"" : "#), (#"{""#, #"{ ""#), (#"}]"#, "} ]"), (#""key":"p"#, #""key":"\u0070"#),
    (#""visitor_id":"v"#, #""visitor_id":"\u0076"#), (#""revenue":"#, #""revenue":7,"revenue":"#),
    (#""key":"purchase""#, #""key":"other","key":"purchase""#), (#","quantity":3"#, #","quantity":3,"type":"t""#),
    (#"{"entity_id":"5","#, #"{"value":2,"entity_id":"5","#), (#","uuid":""#, #","unknown":{"a":[1]},"uuid":""#),
    (#""value":"#, #""value":1e1,"value":"#), (#""tags":"#, #""properties":"#), (#""timestamp":17"#, #""timestamp":7"#),
    (#""snapshots":[{"#, #""snapshots":[{"decisions":[],"events":[]},{"#),
  ]

  /// Writes one random thing in another way, in one random place where it is.
  static func respell(_ body: String, _ dice: inout Dice) -> String {
    let (old, new) = dice.pick(others)
    var pieces = body.components(separatedBy: old)
    guard pieces.count > 1 else { return body }
    let at = dice.roll(pieces.count - 1)
    pieces.replaceSubrange(at...(at + 1), with: [pieces[at] + new + pieces[at + 1]])
    return pieces.joined(separator: old)
  }
}

/// What became of a body: the fault, or its records in the total order, each byte by byte.
private struct Outcome: Equatable {
  var fault: BodyFault?
  var records: [[UInt8]] = []

  /// Packed and unpacked.
  init(_ body: [UInt8], with packer: inout BodyPacker) {
    do throws(BodyFault) {
      let packed = try packer.pack(body.span)
      records = packed.parts.flatMap { PackedRecordTests.unpacked(Array($0.records).span) ?? [] }
      let hashes = records.map { StagedRecord($0.span).hash }
      #expect(packed.eventCount == records.count)
      #expect(packed.firstHash == hashes.first ?? 0 && packed.lastHash == hashes.last ?? 0)
    } catch {
      fault = error
    }
  }

  /// Read in the general way, whatever the form, and sorted as the total order says.
  init(_ body: [UInt8], with reader: inout BodyReader) {
    do throws(BodyFault) {
      try reader.read(body.span)
      let unsorted = reader.offsets.map { copy(StagedRecord(reader.records.span, at: $0).bytes) }
      records = unsorted.sorted { orderWithPlace(StagedRecord($0.span), StagedRecord($1.span)) < 0 }
    } catch {
      fault = error
    }
  }
}

/// Bodies judged and packed, held against the general reader and the order of its records.
@Suite struct PackedBodyTests {
  @Test(
    "however a body is spelled and ordered, its records come out of the store as the general reader writes them",
    arguments: 0..<UInt64(10))
  func bodies(seed: UInt64) {
    var dice = Dice(state: seed)
    var packer = BodyPacker(bodyLimit: 100_000)
    var general = BodyReader(bodyLimit: 100_000, readsOwnForm: false)
    var own = BodyReader(bodyLimit: 100_000)
    var counts = (own: 0, mixed: 0, faulty: 0, inOrder: 0, inDisorder: 0)
    for _ in 0..<40 {
      var text = Spelling.body(&dice)
      if dice.roll(3) > 0 { for _ in 0...dice.roll(3) { text = Spelling.respell(text, &dice) } }
      let body = Array(text.utf8)
      let outcome = Outcome(body, with: &packer)
      let expected = Outcome(body, with: &general)
      #expect(outcome == expected, "seed \(seed): \(text)")
      if outcome != expected { return }
      guard expected.fault == nil, (try? own.readInPlace(body.span)) != nil else {
        counts.faulty += 1
        continue
      }
      if own.ownFormCount == own.visitorObjectCount { counts.own += 1 } else if own.ownFormCount > 0 { counts.mixed += 1 }
      let places = expected.records.map { StagedRecord($0.span).rowOffset }
      if places == own.events.map(\.rowOffset) { counts.inOrder += 1 } else { counts.inDisorder += 1 }
    }
    // Each of the ways was gone.
    #expect(counts.own > 0 && counts.mixed > 0 && counts.faulty > 0 && counts.inOrder > 0 && counts.inDisorder > 0, "\(counts)")
  }

  @Test("a conversion of ours is stored in less than 110 bytes, with its visitor, UUID, tag, and an amount in every fourth")
  func bytesPerConversion() throws {
    let keys = ["add_to_cart", "purchase", "page_view", "signup"]
    let objects = (0..<1_000).map { number in
      #"{"visitor_id":"user_\#(number * 7_919)_\#(100_000 + number)","snapshots":[{"decisions":[],"events":["#
        + #"{"entity_id":"126052891\#(number % 4)","key":"\#(keys[number % 4])","timestamp":\#(1_700_000_000_000 + number * 86_400),"#
        + #""uuid":"254f7b39-9650-53d2-b55c-\#(100_000_000_000 + number)","#
        + (number % 4 == 1 ? #""revenue":9029,"# : "") + #""tags":{"product":"sku-\#(number)"}}]}]}"#
    }
    var packer = BodyPacker(bodyLimit: 1 << 20)
    let packed = try packer.pack(Array(#"{"account_id":"1","visitors":[\#(objects.joined(separator: ","))]}"#.utf8).span)
    #expect(packed.eventCount == 1_000)
    let stored = packed.parts.reduce(0) { $0 + $1.records.count }
    #expect(stored < 110 * 1_000, "\(stored) bytes")
  }
}

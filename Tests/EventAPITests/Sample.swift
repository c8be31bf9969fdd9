import Bytes
import EventAPI
import Foundation
import Vocabulary

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A record to be written, each of whose optional members may be there or not, and the object that it should become.
struct Sample {
  var kind = RecordKind.conversion
  var visitor = "v\"1\" é😀"
  var session = ""
  var attributes = ""
  var campaignOrEntity = "c\\1"
  var experimentOrKey = ""
  var variation = ""
  var isHoldback: Bool?
  var metadata = ""
  var timestamp: Int64 = 1_700_000_000_123
  var uuid: String? = "id-\"7\""
  var revenue: Int64?
  var value: String?
  var quantity: Int64?
  var tags = ""
  var properties = ""

  /// The sample whose optional members are there as the bits of `choice` say.
  init(_ kind: RecordKind, choice: Int) {
    var bits = choice
    func next() -> Bool {
      defer { bits >>= 1 }
      return bits & 1 == 1
    }
    self.kind = kind
    if next() { session = "s\t1" }
    if next() { attributes = #"[{"type":"custom","entity_id":"7","key":"k","value":-1.50},{"type":"device","value":"a\"b"}]"# }
    if next() { experimentOrKey = "e/\u{1}" }
    if next() { revenue = choice & 1 == 0 ? 0 : .min }
    if next() { value = "-0.50" }
    if next() { quantity = choice & 1 == 0 ? 0 : .max }
    if next() {
      tags = #"{"$opt_event_properties":{"z":[1,null]},"a":1.0,"b":false}"#
      properties = #"{"color":"red"}"#
    }
    if next() { uuid = nil }
    guard kind == .decision else { return }
    if next() { variation = "x" }
    if next() { metadata = #"{"flag_key":"f","rule_key":"r","rule_type":"t","variation_key":"v","enabled":true}"# }
    if next() { isHoldback = choice & 1 == 1 }
  }

  static let choices: [RecordKind: Range<Int>] = [.conversion: 0..<(1 << 8), .decision: 0..<(1 << 11)]

  /// Writes the record at the arena's end and returns where it begins.
  func write(into arena: inout ByteArena, input: Int = 3, rowOffset: Int = 1 << 40, line: Int = 77) -> Int {
    var encoder = RecordEncoder()
    encoder.begin(kind, visitor: bytes(visitor).span, input: input, rowOffset: rowOffset, line: line, into: &arena)
    encoder.group(session: bytes(session).span, attributes: bytes(attributes).span, into: &arena)
    let first = bytes(campaignOrEntity)
    let second = bytes(experimentOrKey)
    if kind == .decision {
      encoder.decision(
        campaign: first.span, experiment: second.span, variation: bytes(variation).span, isHoldback: isHoldback,
        metadata: bytes(metadata).span, timestamp: timestamp, into: &arena)
    } else {
      encoder.conversion(entity: first.span, key: second.span, timestamp: timestamp, into: &arena)
    }
    if let uuid {
      encoder.eventID(bytes(uuid).span, into: &arena)
    } else {
      encoder.eventID(derivedFrom: bytes("0123456789abcdef").span, into: &arena)
    }
    if let revenue { encoder.revenue(revenue, into: &arena) }
    if let value { encoder.value(bytes(value).span, Double(value)!, into: &arena) }
    if let quantity { encoder.quantity(quantity, into: &arena) }
    if !tags.isEmpty { encoder.tags(bytes(tags).span, into: &arena) }
    if !properties.isEmpty { encoder.properties(bytes(properties).span, into: &arena) }
    return encoder.end(into: &arena)
  }

  /// What RFC 9562 makes of `0123456789abcdef`, as Python says.
  static let derivedID = "fe5567e8-d769-5508-9218-2cdf69d74bb1"

  /// The visitor object that holds the record alone.
  var visitorObject: NSDictionary {
    get throws {
      var event: [String: Any] = ["entity_id": campaignOrEntity, "timestamp": timestamp, "uuid": uuid ?? Sample.derivedID]
      if let revenue { event["revenue"] = revenue }
      if let value { event["value"] = Double(value)! }
      if let quantity { event["quantity"] = quantity }
      if !tags.isEmpty { event["tags"] = try object(tags) }
      if !properties.isEmpty { event["properties"] = try object(properties) }
      var decisions: [[String: Any]] = []
      if kind == .decision {
        event["type"] = "campaign_activated"
        event["key"] = "campaign_activated"
        decisions.append(["campaign_id": campaignOrEntity])
        decisions[0]["experiment_id"] = experimentOrKey.isEmpty ? NSNull() : experimentOrKey
        decisions[0]["variation_id"] = variation.isEmpty ? NSNull() : variation
        if let isHoldback { decisions[0]["is_campaign_holdback"] = isHoldback }
        if !metadata.isEmpty { decisions[0]["metadata"] = try object(metadata) }
      } else if !experimentOrKey.isEmpty {
        event["key"] = experimentOrKey
      }
      var visitor: [String: Any] = ["visitor_id": self.visitor, "snapshots": [["decisions": decisions, "events": [event]]]]
      if !session.isEmpty { visitor["session_id"] = session }
      if !attributes.isEmpty { visitor["attributes"] = try object(attributes) }
      return visitor as NSDictionary
    }
  }
}

func object(_ text: String) throws -> Any { try JSONSerialization.jsonObject(with: Data(text.utf8)) }

/// A visitor object with the record alone, as a body holds it.
func visitorText(_ record: borrowing StagedRecord) -> String {
  let event = text(record.event)
  let snapshot = record.isDecision ? event : #"{"decisions":[],"events":["# + event + "]}"
  return #"{"visitor_id":""# + text(record.visitor) + "\"" + text(record.group) + #","snapshots":["# + snapshot + "]}"
}

/// What of a record does not depend on where its row was read.
func essence(_ record: borrowing StagedRecord) -> String {
  let flags = record.flags.subtracting(.derivedID).rawValue
  return [
    "\(record.kind) \(flags) \(record.hash) \(record.timestamp) \(record.revenue ?? 1) \(record.value ?? 1)",
    text(record.visitor),
    text(record.group), text(record.event), text(record.eventID), text(record.campaignOrEntity), text(record.experimentOrKey),
    record.isDecision ? text(record.variation) + text(record.decision) : "",
  ].joined(separator: "\n")
}

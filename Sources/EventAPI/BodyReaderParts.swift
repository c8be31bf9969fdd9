import Bytes
import Vocabulary

/// One event object, judged: where its values lie.
struct EventParts {
  private(set) var entity = 0..<0
  private(set) var key = 0..<0
  private(set) var uuid = 0..<0
  private(set) var timestamp: Int64 = 0
  private(set) var isActivation = false
  private(set) var revenue: Int64?
  private(set) var quantity: Int64?
  private(set) var value: Range<Int>?
  private(set) var fraction = 0.0
  /// Nodes, or -1.
  private(set) var tags = -1
  private(set) var properties = -1

  init(_ node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape) throws(BodyFault) {
    try expect(node, .object, tape)
    var slots = (entity: -1, key: -1, type: -1, uuid: -1, timestamp: -1, revenue: -1, quantity: -1, value: -1)
    var at = node + 1
    let end = tape.nodes[node].next
    while at < end {
      let name = text.extracting(tape.nodes[at].range)
      switch name.count {
      case 3 where same(name, "key"): slots.key = at + 1
      case 4 where same(name, "uuid"): slots.uuid = at + 1
      case 4 where same(name, "type"): slots.type = at + 1
      case 4 where same(name, "tags"): tags = at + 1
      case 5 where same(name, "value"): slots.value = at + 1
      case 7 where same(name, "revenue"): slots.revenue = at + 1
      case 8 where same(name, "quantity"): slots.quantity = at + 1
      case 9 where same(name, "timestamp"): slots.timestamp = at + 1
      case 9 where same(name, "entity_id"): slots.entity = at + 1
      case 10 where same(name, "properties"): properties = at + 1
      default: break
      }
      at = tape.nodes[at + 1].next
    }
    timestamp = try EventParts.timestamp(slots.timestamp, text, tape)
    uuid = try id(slots.uuid, "uuid", tape)
    entity = try id(slots.entity, "entity_id", tape)
    if slots.key >= 0 {
      try expect(slots.key, .string, tape, "key")
      key = tape.nodes[slots.key].range
    }
    var type = 0..<0
    if slots.type >= 0 {
      try expect(slots.type, .string, tape, "type")
      type = tape.nodes[slots.type].range
    }
    let isKey = same(text.extracting(key), "campaign_activated")
    isActivation = same(text.extracting(type), "campaign_activated")
    guard isKey == isActivation else {
      throw BodyFault(isKey ? "type" : "key", "is not campaign_activated; an activation has both its type and its key so")
    }
    if slots.revenue >= 0 { revenue = try whole(slots.revenue, "revenue", text, tape) }
    if slots.quantity >= 0 { quantity = try whole(slots.quantity, "quantity", text, tape) }
    if slots.value >= 0 {
      try expect(slots.value, .number, tape, "value")
      let number = tape.nodes[slots.value].range
      guard let fraction = Bytes.fraction(text.extracting(number)) else {
        throw BodyFault("value", "is larger than any number can be")
      }
      value = number
      self.fraction = fraction
    }
  }

  /// Epoch milliseconds: thirteen digits.
  private static func timestamp(_ node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape) throws(BodyFault) -> Int64 {
    guard node >= 0 else { throw BodyFault("timestamp", "is missing") }
    let number = try whole(node, "timestamp", text, tape)
    guard Limits.timestamps.contains(number) else {
      let unit =
        switch tape.nodes[node].count {
        case 9...10: ", which looks like seconds"
        case 15...16: ", which looks like microseconds"
        case 18...19: ", which looks like nanoseconds"
        default: ""
        }
      throw BodyFault("timestamp", "is not in epoch milliseconds, which have 13 digits\(unit)")
    }
    return number
  }
}

/// One decision object, judged: where its values lie. An empty experiment or variation is the JSON `null`.
struct DecisionParts {
  private(set) var campaign = 0..<0
  private(set) var experiment = 0..<0
  private(set) var variation = 0..<0
  private(set) var isHoldback: Bool?
  private(set) var metadata = MetadataParts()

  init() {}

  init(_ node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape) throws(BodyFault) {
    try expect(node, .object, tape)
    var slots = (campaign: -1, experiment: -1, variation: -1, holdback: -1, metadata: -1)
    var at = node + 1
    while at < tape.nodes[node].next {
      let name = text.extracting(tape.nodes[at].range)
      switch name.count {
      case 8 where same(name, "metadata"): slots.metadata = at + 1
      case 11 where same(name, "campaign_id"): slots.campaign = at + 1
      case 12 where same(name, "variation_id"): slots.variation = at + 1
      case 13 where same(name, "experiment_id"): slots.experiment = at + 1
      case 20 where same(name, "is_campaign_holdback"): slots.holdback = at + 1
      default: break
      }
      at = tape.nodes[at + 1].next
    }
    campaign = try id(slots.campaign, "campaign_id", tape)
    experiment = try DecisionParts.idOrNull(slots.experiment, "experiment_id", tape)
    variation = try DecisionParts.idOrNull(slots.variation, "variation_id", tape)
    if slots.holdback >= 0 {
      let kind = tape.nodes[slots.holdback].kind
      guard kind == .true || kind == .false else {
        throw BodyFault("is_campaign_holdback", "is \(kind.words), not true or false")
      }
      isHoldback = kind == .true
    }
    if slots.metadata >= 0 {
      do throws(BodyFault) { metadata = try MetadataParts(slots.metadata, text, tape) } catch { throw error.within("metadata") }
    }
  }

  private static func idOrNull(_ node: Int, _ member: StaticString, _ tape: borrowing RowTape) throws(BodyFault) -> Range<Int> {
    guard node >= 0 else { throw BodyFault("\(member)", "is missing; when there is none, send an explicit null") }
    return tape.nodes[node].kind == .null ? 0..<0 : try id(node, member, tape)
  }
}

/// A decision's metadata: nodes, or -1.
struct MetadataParts {
  private(set) var flagKey = -1
  private(set) var ruleKey = -1
  private(set) var ruleType = -1
  private(set) var variationKey = -1
  private(set) var enabled = -1

  init() {}

  init(_ node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape) throws(BodyFault) {
    try expect(node, .object, tape)
    var at = node + 1
    while at < tape.nodes[node].next {
      let name = text.extracting(tape.nodes[at].range)
      switch name.count {
      case 7 where same(name, "enabled"): enabled = at + 1
      case 8 where same(name, "flag_key"): flagKey = at + 1
      case 8 where same(name, "rule_key"): ruleKey = at + 1
      case 9 where same(name, "rule_type"): ruleType = at + 1
      case 13 where same(name, "variation_key"): variationKey = at + 1
      default: break
      }
      at = tape.nodes[at + 1].next
    }
    if flagKey >= 0 { try expect(flagKey, .string, tape, "flag_key") }
    if ruleKey >= 0 { try expect(ruleKey, .string, tape, "rule_key") }
    if ruleType >= 0 { try expect(ruleType, .string, tape, "rule_type") }
    if variationKey >= 0 { try expect(variationKey, .string, tape, "variation_key") }
    if enabled >= 0 {
      let kind = tape.nodes[enabled].kind
      guard kind == .true || kind == .false else { throw BodyFault("enabled", "is \(kind.words), not true or false") }
    }
  }
}

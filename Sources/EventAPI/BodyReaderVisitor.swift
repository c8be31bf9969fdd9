import Bytes
import Vocabulary

/// Judges one visitor object and adds its events. Writes the records of those that are not in the encoder's own form.
struct VisitorReader: ~Copyable {
  private(set) var records: ByteArena
  private(set) var events: [BodyEvent] = []
  /// What the limit leaves for records, whether they are written or not: the outcome does not depend on the form.
  private var room: Int
  private var encoder = RecordEncoder()
  /// The visitor's attributes first, then the parts of the event at hand.
  private var texts: BodyTexts
  private var visitor = 0..<0
  private var session = 0..<0
  private var attributes = 0..<0
  private var bodyOffset = 0
  private var visitorBytes = 0

  init(recordLimit: Int) {
    records = ByteArena(limit: recordLimit)
    room = recordLimit
    texts = BodyTexts(limit: recordLimit)
  }

  mutating func removeAll() {
    records.removeAll()
    events.removeAll(keepingCapacity: true)
    room = records.limit
  }

  /// Writes the event's record unless it is written, and returns where it begins.
  mutating func write(_ event: BodyEvent, of body: Span<UInt8>) -> Int {
    guard event.liesInBody else { return event.visitor.lowerBound - StagedRecord.headBytes }
    return records.append(
      event.head, visitor: body.extracting(event.visitor), group: body.extracting(event.group), event: body.extracting(event.event))
  }

  /// Reads the visitor object at `start` of `body` if it is in the encoder's own form. Returns where it ends; nil, and nothing is
  /// changed, when it is not.
  mutating func readOwnForm(_ body: Span<UInt8>, _ start: Int) -> Int? {
    let count = events.count
    var form = OwnForm(at: start, room: room)
    if form.read(body, &events) {
      room = form.room
      return form.at
    }
    events.removeLast(events.count - count)
    return nil
  }

  /// Bytes that must be free before an event is written: its text is at most the visitor object's, its campaign id twice; the fixed
  /// parts are under a kilobyte.
  static func room(forVisitorOf visitorBytes: Int) -> Int { 4 * visitorBytes + 1024 }

  /// As below, with the text in an arena.
  mutating func read(
    decoded: borrowing ByteArena, _ tape: borrowing RowTape, bodyOffset: Int, visitorBytes: Int
  ) throws(BodyFault) {
    try read(decoded.span, tape, bodyOffset: bodyOffset, visitorBytes: visitorBytes)
  }

  /// Reads the visitor object that is the tape's first node. `bodyOffset` and `visitorBytes` say where it lies in the body.
  mutating func read(
    _ text: Span<UInt8>, _ tape: borrowing RowTape, bodyOffset: Int, visitorBytes: Int
  ) throws(BodyFault) {
    self.bodyOffset = bodyOffset
    self.visitorBytes = visitorBytes
    try expect(0, .object, tape)
    var slots = (visitor: -1, snapshots: -1, attributes: -1, session: -1)
    var at = 1
    while at < tape.nodes[0].next {
      let name = text.extracting(tape.nodes[at].range)
      switch name.count {
      case 9 where same(name, "snapshots"): slots.snapshots = at + 1
      case 10 where same(name, "visitor_id"): slots.visitor = at + 1
      case 10 where same(name, "attributes"): slots.attributes = at + 1
      case 10 where same(name, "session_id"): slots.session = at + 1
      default: break
      }
      at = tape.nodes[at + 1].next
    }
    visitor = try id(slots.visitor, "visitor_id", tape)
    session = slots.session < 0 ? 0..<0 : try id(slots.session, "session_id", tape)
    texts.removeAll()
    attributes = 0..<0
    if slots.attributes >= 0 {
      do throws(BodyFault) { attributes = try texts.attributes(slots.attributes, text, tape) } catch {
        throw error.within("attributes")
      }
    }
    guard slots.snapshots >= 0 else { throw BodyFault("snapshots", "is missing") }
    try expect(slots.snapshots, .array, tape, "snapshots")
    var snapshot = slots.snapshots + 1
    var index = 0
    while snapshot < tape.nodes[slots.snapshots].next {
      do throws(BodyFault) { try readSnapshot(snapshot, text, tape) } catch { throw error.within("snapshots[\(index)]") }
      snapshot = tape.nodes[snapshot].next
      index += 1
    }
  }

  private mutating func readSnapshot(_ node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape) throws(BodyFault) {
    try expect(node, .object, tape)
    var events = -1
    var decisions = -1
    var at = node + 1
    while at < tape.nodes[node].next {
      let name = text.extracting(tape.nodes[at].range)
      if same(name, "events") { events = at + 1 } else if same(name, "decisions") { decisions = at + 1 }
      at = tape.nodes[at + 1].next
    }
    if decisions >= 0 {
      try expect(decisions, .array, tape, "decisions")
      var decision = decisions + 1
      var index = 0
      while decision < tape.nodes[decisions].next {
        do throws(BodyFault) { _ = try DecisionParts(decision, text, tape) } catch { throw error.within("decisions[\(index)]") }
        decision = tape.nodes[decision].next
        index += 1
      }
    }
    guard events >= 0 else { throw BodyFault("events", "is missing") }
    try expect(events, .array, tape, "events")
    var event = events + 1
    var index = 0
    while event < tape.nodes[events].next {
      do throws(BodyFault) { try readEvent(event, decisions, text, tape) } catch { throw error.within("events[\(index)]") }
      event = tape.nodes[event].next
      index += 1
    }
  }

  private mutating func readEvent(
    _ node: Int, _ decisions: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape
  ) throws(BodyFault) {
    let parts = try EventParts(node, text, tape)
    guard room >= VisitorReader.room(forVisitorOf: visitorBytes) else {
      throw BodyFault(
        "", "carries attributes or ids so large that all events with theirs need over \(records.limit) bytes; send less at a time"
      )
    }
    texts.truncate(to: attributes.upperBound)
    let tags = try texts.tags(parts.tags, text, tape)
    let properties = try texts.properties(parts.properties, text, tape)
    var decision = DecisionParts()
    var metadata = 0..<0
    if parts.isActivation {
      decision = try self.decision(of: parts, decisions, text, tape)
      metadata = texts.metadata(decision.metadata, text, tape)
    }
    let ranges = Ranges(
      visitor: visitor, session: session, attributes: attributes, tags: tags, properties: properties, metadata: metadata,
      bodyOffset: bodyOffset + tape.nodes[node].start)
    let start = VisitorReader.write(parts, decision, ranges, text, texts, &encoder, &records)
    let event = BodyEvent(StagedRecord(records.span, at: start), at: start)
    events.append(event)
    room -= event.recordBytes
  }

  /// Where the parts of a record lie: visitor and session in the visitor's text, the others among the texts written again.
  private struct Ranges {
    var visitor, session, attributes, tags, properties, metadata: Range<Int>
    var bodyOffset: Int
  }

  private static func write(
    _ event: EventParts, _ decision: DecisionParts, _ ranges: Ranges, _ text: Span<UInt8>, _ texts: borrowing BodyTexts,
    _ encoder: inout RecordEncoder, _ records: inout ByteArena
  ) -> Int {
    let written = texts.arena.span
    encoder.begin(
      event.isActivation ? .decision : .conversion, visitor: text.extracting(ranges.visitor), input: 0,
      rowOffset: ranges.bodyOffset, line: 0, into: &records)
    encoder.group(
      session: text.extracting(ranges.session), attributes: written.extracting(ranges.attributes), into: &records)
    if event.isActivation {
      encoder.decision(
        campaign: text.extracting(decision.campaign), experiment: text.extracting(decision.experiment),
        variation: text.extracting(decision.variation), isHoldback: decision.isHoldback,
        metadata: written.extracting(ranges.metadata), timestamp: event.timestamp, into: &records)
    } else {
      encoder.conversion(
        entity: text.extracting(event.entity), key: text.extracting(event.key), timestamp: event.timestamp, into: &records)
    }
    encoder.eventID(text.extracting(event.uuid), into: &records)
    if let revenue = event.revenue { encoder.revenue(revenue, into: &records) }
    if let value = event.value { encoder.value(text.extracting(value), event.fraction, into: &records) }
    if let quantity = event.quantity { encoder.quantity(quantity, into: &records) }
    if !ranges.tags.isEmpty { encoder.tags(written.extracting(ranges.tags), into: &records) }
    if !ranges.properties.isEmpty { encoder.properties(written.extracting(ranges.properties), into: &records) }
    return encoder.end(into: &records)
  }

  /// The decision that the activation belongs to: the one with its campaign, else the only one.
  private func decision(
    of event: EventParts, _ decisions: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape
  ) throws(BodyFault) -> DecisionParts {
    var last: DecisionParts?
    var count = 0
    var node = decisions + 1
    while decisions >= 0, node < tape.nodes[decisions].next {
      let parts = try DecisionParts(node, text, tape)
      if same(text.extracting(parts.campaign), text.extracting(event.entity)) { return parts }
      last = parts
      count += 1
      node = tape.nodes[node].next
    }
    guard let last else {
      throw BodyFault(
        "", "is a campaign_activated event, and its snapshot has no decision; put the decision into the same snapshot")
    }
    guard count == 1 else {
      throw BodyFault(
        "entity_id", "is the campaign of none of the snapshot's \(count) decisions, so it is not clear which is meant")
    }
    return last
  }
}

// MARK: what values must be

/// Requires a kind of value.
func expect(_ node: Int, _ kind: NodeKind, _ tape: borrowing RowTape, _ member: StaticString = "") throws(BodyFault) {
  if tape.nodes[node].kind != kind { throw BodyFault("\(member)", "is \(tape.nodes[node].kind.words), not \(kind.words)") }
}

/// A member that must be there: a string that is not empty. A node below 0 is a missing member.
func id(_ node: Int, _ member: StaticString, _ tape: borrowing RowTape) throws(BodyFault) -> Range<Int> {
  guard node >= 0 else { throw BodyFault("\(member)", "is missing") }
  guard tape.nodes[node].kind == .string else {
    throw BodyFault(
      "\(member)", "is \(tape.nodes[node].kind.words), not a string; ids are strings, also when they are all digits")
  }
  guard tape.nodes[node].count > 0 else { throw BodyFault("\(member)", "is empty") }
  return tape.nodes[node].range
}

/// A whole number of at most 64 bits, without fraction or exponent.
func whole(_ node: Int, _ member: StaticString, _ text: Span<UInt8>, _ tape: borrowing RowTape) throws(BodyFault) -> Int64 {
  guard tape.nodes[node].kind == .number else {
    throw BodyFault("\(member)", "is \(tape.nodes[node].kind.words), not a whole number")
  }
  guard let number = wholeNumber(text.extracting(tape.nodes[node].range)) else {
    throw BodyFault("\(member)", "is not a whole number of at most 64 bits, written without point and exponent")
  }
  return number
}

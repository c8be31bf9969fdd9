import Bytes
import Vocabulary

/// Reads visitor objects that are spelled as `RecordEncoder` and the planner spell them: members in their order, no white space,
/// lists sorted, numbers plain. The text of such an object's events is the text of their records, byte by byte, so nothing is
/// written: each literal piece is compared, each value's end is found, and the event is said to lie where it does.
///
/// The form is a part of what is legal, and judges nothing: whatever differs from it in any way, legal or not, is not read here but
/// left to `VisitorReader.read` from the visitor object's beginning. Both come to the same records.
///
/// Not in the form although the encoder writes it, because rare: metadata, attributes that are not custom, escapes other than `\"`
/// and `\\` in values of tags, properties and attributes, or any escapes elsewhere, exponents, numbers of more than 18 digits.
struct OwnForm {
  /// Where the next byte of the body is read.
  private(set) var at: Int
  /// Bytes of records that there is room for.
  private(set) var room: Int
  /// The same before the last event.
  private var lastRoom = Int.max
  private var visitor = 0..<0
  private var groupBytes = 0
  private var hash: UInt64 = 0
  // Of the event at hand.
  private var timestamp: Int64 = 0
  private var eventID = 0..<0
  private var flags = StagedRecord.Flags(rawValue: 0)
  private var revenue: Int64 = 0
  private var value: Double = 0

  init(at: Int, room: Int) {
    self.at = at
    self.room = room
  }

  /// Appends the events of the visitor object at `at`, and moves behind it. False when it is not in the form, or has so many
  /// events that the room for their records ends; then `events` are to be taken back by the caller.
  mutating func read(_ body: Span<UInt8>, _ events: inout [BodyEvent]) -> Bool {
    let start = at
    guard take("{\"visitor_id\":\"", body), let visitor = takeText(body) else { return false }
    self.visitor = visitor
    hash = visitorHash(body.extracting(visitor))
    let groupStart = at
    if take(",\"session_id\":\"", body), takeText(body) == nil { return false }
    if take(",\"attributes\":[", body), !takeAttributes(body) { return false }
    groupBytes = at - groupStart
    guard take(",\"snapshots\":[", body) else { return false }
    repeat {
      if take("{\"decisions\":[],\"events\":[", body) {
        repeat {
          guard takeConversion(body, &events) else { return false }
        } while take(0x2c, body)
        guard take("]}", body) else { return false }
      } else {
        guard takeDecision(body, &events) else { return false }
      }
    } while take(0x2c, body)
    // The same limit as the general reader's: what it refuses, it must see.
    return take("]}", body) && lastRoom >= VisitorReader.room(forVisitorOf: at - start)
  }

  // MARK: events

  private mutating func takeConversion(_ body: Span<UInt8>, _ events: inout [BodyEvent]) -> Bool {
    let start = at
    flags = []
    guard take("{\"entity_id\":\"", body), let entity = takeText(body) else { return false }
    var keyBytes = 0
    if take(",\"key\":\"", body) {
      guard let key = takeText(body) else { return false }
      // No key for a conversion: the general reader says so.
      if holds(body, key.lowerBound, "campaign_activated\"") { return false }
      keyBytes = key.count
      flags = .hasKey
    }
    guard takeRest(body), takeRoom(from: start) else { return false }
    events.append(
      BodyEvent(
        isConversion: true, flags: flags, hash: hash, timestamp: timestamp, revenue: revenue, value: value, rowOffset: start,
        visitor: visitor, groupBytes: groupBytes, event: start..<at, eventID: eventID, campaignOrEntityBytes: entity.count,
        experimentOrKeyBytes: keyBytes, variationBytes: 0, decisionBytes: 0))
    return true
  }

  private mutating func takeDecision(_ body: Span<UInt8>, _ events: inout [BodyEvent]) -> Bool {
    let start = at
    flags = []
    guard take("{\"decisions\":[{\"campaign_id\":\"", body), let campaign = takeText(body) else { return false }
    guard take(",\"experiment_id\":", body), let experimentBytes = takeIDOrNull(body, .nullExperiment) else { return false }
    guard take(",\"variation_id\":", body), let variationBytes = takeIDOrNull(body, .nullVariation) else { return false }
    if take(",\"is_campaign_holdback\":true", body) {
      flags.insert(.holdback)
    } else {
      _ = take(",\"is_campaign_holdback\":false", body)
    }
    // Behind `{"decisions":[` and before `],"events":[`.
    let decisionBytes = at + 1 - start - 14
    guard take("}],\"events\":[", body) else { return false }
    let rowOffset = at
    guard take("{\"entity_id\":\"", body), let entity = takeText(body) else { return false }
    guard same(body.extracting(entity), body.extracting(campaign)) else { return false }
    guard take(",\"type\":\"campaign_activated\",\"key\":\"campaign_activated\"", body) else { return false }
    guard takeRest(body), take("]}", body), takeRoom(from: start) else { return false }
    events.append(
      BodyEvent(
        isConversion: false, flags: flags, hash: hash, timestamp: timestamp, revenue: revenue, value: value, rowOffset: rowOffset,
        visitor: visitor, groupBytes: groupBytes, event: start..<at, eventID: eventID, campaignOrEntityBytes: campaign.count,
        experimentOrKeyBytes: experimentBytes, variationBytes: variationBytes, decisionBytes: decisionBytes))
    return true
  }

  /// What both kinds of events have from their timestamp on, to their closing brace.
  @inline(__always)
  private mutating func takeRest(_ body: Span<UInt8>) -> Bool {
    guard take(",\"timestamp\":", body), let timestamp = takeTimestamp(body), take(",\"uuid\":\"", body), let eventID = takeText(body)
    else { return false }
    self.timestamp = timestamp
    self.eventID = eventID
    revenue = 0
    value = 0
    return take(0x7d, body) || takeOptional(body)
  }

  /// The members that an event may have behind its id, and its closing brace.
  private mutating func takeOptional(_ body: Span<UInt8>) -> Bool {
    if take(",\"revenue\":", body) {
      guard let revenue = takeWhole(body) else { return false }
      self.revenue = revenue
      flags.insert(.revenue)
    }
    if take(",\"value\":", body) {
      let number = at
      guard takeNumber(body), let value = fraction(body.extracting(number..<at)) else { return false }
      self.value = value
      flags.insert(.value)
    }
    if take(",\"quantity\":", body), takeWhole(body) == nil { return false }
    if take(",\"tags\":{", body), !takeMembers(body, areTags: true) { return false }
    if take(",\"properties\":{", body), !takeMembers(body, areTags: false) { return false }
    return take(0x7d, body)
  }

  /// Takes the room for the record of an event whose text began at `start` and ends here.
  @inline(__always)
  private mutating func takeRoom(from start: Int) -> Bool {
    lastRoom = room
    room -= StagedRecord.headBytes + visitor.count + groupBytes + at - start
    return room >= 0
  }

  // MARK: lists

  /// One custom attribute or more in ascending order, and the closing bracket.
  private mutating func takeAttributes(_ body: Span<UInt8>) -> Bool {
    var previous = 0..<0
    repeat {
      let start = at
      guard take("{\"type\":\"custom\",\"entity_id\":\"", body), takeText(body) != nil, take(",\"key\":\"", body),
        let key = takeText(body), isAttributeKey(body.extracting(key)), take(",\"value\":", body), takeScalar(body), take(0x7d, body)
      else { return false }
      if !previous.isEmpty, order(body.extracting(previous), body.extracting(start..<at)) >= 0 { return false }
      previous = start..<at
    } while take(0x2c, body)
    return take(0x5d, body)
  }

  /// One member or more in ascending order of their names, and the closing brace.
  private mutating func takeMembers(_ body: Span<UInt8>, areTags: Bool) -> Bool {
    var previous: Range<Int>?
    repeat {
      guard take(0x22, body) else { return false }
      let name = at..<endOfPlainText(body, at)
      at = name.upperBound
      guard take("\":", body) else { return false }
      if let previous, order(body.extracting(previous), body.extracting(name)) >= 0 { return false }
      previous = name
      guard areTags || (at < body.count && body[at] == 0x22), takeScalar(body) else { return false }
    } while take(0x2c, body)
    return take(0x7d, body)
  }

  // MARK: values

  /// A string, a plain number, true or false.
  private mutating func takeScalar(_ body: Span<UInt8>) -> Bool {
    if take(0x22, body) {
      // It may begin with U+E000 and then has a rule of its own.
      if at < body.count, body[at] == 0xee { return false }
      while true {
        at = endOfPlainText(body, at)
        if take(0x22, body) { return true }
        guard take("\\\"", body) || take("\\\\", body) else { return false }
      }
    }
    return take("true", body) || take("false", body) || takeNumber(body)
  }

  /// The bytes of an id or of `null`, which is noted.
  private mutating func takeIDOrNull(_ body: Span<UInt8>, _ null: StagedRecord.Flags) -> Int? {
    if take(0x22, body) { return takeText(body)?.count }
    flags.insert(null)
    return take("null", body) ? 4 : nil
  }

  /// Some text without escapes, and its closing quote. Where the text lies; nil when it is empty or ends otherwise.
  @inline(__always)
  private mutating func takeText(_ body: Span<UInt8>) -> Range<Int>? {
    let start = at
    let end = endOfPlainText(body, start)
    guard end > start, end < body.count, body[end] == 0x22 else { return nil }
    at = end + 1
    return start..<end
  }

  /// Thirteen digits, of which the first is no zero, and a comma behind them: exactly what `Limits.timestamps` holds.
  @inline(__always)
  private mutating func takeTimestamp(_ body: Span<UInt8>) -> Int64? {
    let end = at &+ 13
    guard end < body.count, body[end] == 0x2c, let timestamp = thirteenDigits(body.extracting(at..<end)) else { return nil }
    at = end
    return timestamp
  }

  /// A number without point and exponent, in the one spelling that the encoder has for it, up to 18 digits.
  @inline(__always)
  private mutating func takeWhole(_ body: Span<UInt8>) -> Int64? {
    let isNegative = take(0x2d, body)
    guard let number = takeDigits(body), !(isNegative && number == 0), !isFractional(body) else { return nil }
    return isNegative ? -number : number
  }

  /// A JSON number without exponent, up to 18 digits on each side of its point.
  @inline(__always)
  private mutating func takeNumber(_ body: Span<UInt8>) -> Bool {
    _ = take(0x2d, body)
    guard takeDigits(body) != nil else { return false }
    if take(0x2e, body) {
      let start = at
      while at < body.count, body[at] &- 0x30 <= 9 { at &+= 1 }
      guard at > start, at - start <= 18 else { return false }
    }
    return !isFractional(body)
  }

  /// Whether a number goes on here.
  @inline(__always)
  private func isFractional(_ body: Span<UInt8>) -> Bool {
    at < body.count && (body[at] == 0x2e || body[at] | 0x20 == 0x65)
  }

  /// Digits, the first one not 0 unless it is the only one.
  @inline(__always)
  private mutating func takeDigits(_ body: Span<UInt8>) -> Int64? {
    let start = at
    var number: UInt64 = 0
    while at < body.count, at &- start < 19 {
      let digit = body[at] &- 0x30
      guard digit <= 9 else { break }
      number = number &* 10 &+ UInt64(digit)
      at &+= 1
    }
    let count = at &- start
    guard count > 0, count <= 18, count == 1 || body[start] != 0x30 else { return nil }
    return Int64(number)
  }

  // MARK: pieces

  /// Moves behind `piece` if it is there.
  @inline(__always)
  private mutating func take(_ piece: StaticString, _ body: Span<UInt8>) -> Bool {
    guard holds(body, at, piece) else { return false }
    at &+= piece.utf8CodeUnitCount
    return true
  }

  @inline(__always)
  private mutating func take(_ byte: UInt8, _ body: Span<UInt8>) -> Bool {
    guard at < body.count, body[at] == byte else { return false }
    at &+= 1
    return true
  }
}

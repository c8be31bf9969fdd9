package import Bytes
package import EventAPI

/// Where a body begins or ends: a visitor, and the place of a record among the visitor's records in the total order.
package struct BodyKey: Sendable, Equatable {
  package var visitor: [UInt8]
  package var ordinal: Int

  package init(visitor: [UInt8], ordinal: Int) {
    self.visitor = visitor
    self.ordinal = ordinal
  }
}

/// What is known of a body before it is written. With the staged records it says every byte.
package struct BodyPlan: Sendable, Equatable {
  package var number: Int
  package var byteCount: Int
  package var eventCount: Int
  package var decisionCount: Int
  package var visitorCount: Int
  package var first: BodyKey
  package var last: BodyKey
  /// The body that must be accepted before this one is sent: it holds the last activation of a visitor whose conversions are
  /// here.
  package var waitsFor: Int?

  package init(
    number: Int, byteCount: Int, eventCount: Int, decisionCount: Int, visitorCount: Int, first: BodyKey, last: BodyKey,
    waitsFor: Int?
  ) {
    self.number = number
    self.byteCount = byteCount
    self.eventCount = eventCount
    self.decisionCount = decisionCount
    self.visitorCount = visitorCount
    self.first = first
    self.last = last
    self.waitsFor = waitsFor
  }
}

/// Cuts visitors into bodies 1, 2, 3, …, without writing any.
///
/// A visitor that does not fit into the room left begins the next body whole; only one that is larger than an empty body is
/// split, event by event. For each visitor call, with its records in the total order: `begin`; `learn` for each decision and
/// `fits` for each record; `measure` for each that is kept; `startPlacing`; `place` for each that is kept. Memory: one visitor's
/// different decisions.
package struct BodyCutter: ~Copyable {
  private let limit: Int
  private let enriches: Bool
  private var body: BodyBuilder
  private var visitorAlone: BodyBuilder
  private var decisions: DecisionsInForce
  private var visitor: [UInt8] = []
  private var isSplit = false
  private var number = 1
  private var visitorCount = 0
  private var first: BodyKey?
  private var lastOrdinal = 0
  private var lastVisitor: [UInt8] = []
  private var waitsFor: Int?
  private var visitorIsInBody = false
  /// The body that took the latest activation of the visitor at hand.
  private var activationBody: Int?

  package init(_ settings: BodySettings, limit: Int) {
    self.limit = limit
    enriches = settings.enrichDecisions
    decisions = DecisionsInForce(limit: limit)
    body = BodyBuilder(settings, limit: limit, writes: false)
    visitorAlone = BodyBuilder(settings, limit: limit, writes: false)
  }

  /// Begins a visitor, given by the JSON text of its id.
  package mutating func begin(_ visitor: [UInt8]) {
    self.visitor = visitor
    decisions.removeAll()
    visitorAlone.removeAll()
    isSplit = false
    visitorIsInBody = false
    activationBody = nil
  }

  /// Notes a kept decision, which conversions will carry when the server does not add it itself. One that no body can hold is not
  /// sent, so no conversion carries it either.
  package mutating func learn(_ record: borrowing StagedRecord) {
    if !enriches, body.bytesAlone(record, decisions: InForce()) <= limit { decisions.learn(record) }
  }

  /// Whether an empty body can hold the record. To be asked when all decisions are learnt.
  package mutating func fits(_ record: borrowing StagedRecord) -> Bool {
    body.bytesAlone(record, decisions: inForce(record)) <= limit
  }

  /// Adds the record to the size of the visitor.
  package mutating func measure(_ record: borrowing StagedRecord) {
    if isSplit { return }
    visitorAlone.append(record, decisions: inForce(record))
    isSplit = visitorAlone.byteCount > limit
  }

  /// Decides where the measured visitor begins. Returns the body that this completes, if any.
  package mutating func startPlacing() -> BodyPlan? {
    guard !body.isEmpty else { return nil }
    let needed = 1 + visitorAlone.byteCount - visitorAlone.emptyBytes
    return isSplit || body.byteCount + needed > limit ? complete() : nil
  }

  /// Puts the record, the `ordinal`-th of its visitor, into a body. Returns the body that this completes, if any.
  package mutating func place(_ record: borrowing StagedRecord, ordinal: Int) -> BodyPlan? {
    var completed: BodyPlan?
    let inForce = inForce(record)
    if isSplit, !body.isEmpty, body.byteCount + body.growth(record, decisions: inForce) > limit { completed = complete() }
    if !visitorIsInBody {
      visitorIsInBody = true
      visitorCount += 1
    }
    if record.isDecision {
      activationBody = number
    } else if let activationBody, activationBody != number {
      waitsFor = activationBody
    }
    body.append(record, decisions: inForce)
    if first == nil { first = BodyKey(visitor: visitor, ordinal: ordinal) }
    lastOrdinal = ordinal
    lastVisitor = visitor
    return completed
  }

  package mutating func endVisitor() { body.endVisitor() }

  /// Completes the last body; nil when there is none.
  package mutating func finish() -> BodyPlan? { body.isEmpty ? nil : complete() }

  private mutating func complete() -> BodyPlan {
    precondition(body.byteCount <= limit, "body \(number) has \(body.byteCount) bytes, over its limit of \(limit)")
    let plan = BodyPlan(
      number: number, byteCount: body.byteCount, eventCount: body.eventCount, decisionCount: body.decisionCount,
      visitorCount: visitorCount, first: first!, last: BodyKey(visitor: lastVisitor, ordinal: lastOrdinal), waitsFor: waitsFor)
    number += 1
    body.removeAll()
    visitorCount = 0
    visitorIsInBody = false
    first = nil
    waitsFor = nil
    return plan
  }

  private mutating func inForce(_ record: borrowing StagedRecord) -> InForce {
    enriches || record.isDecision ? InForce() : decisions.at(record.timestamp)
  }
}

/// Writes planned bodies. For each visitor `begin` and `learn` as with the cutter, then `append` what belongs to the body.
package struct BodyComposer: ~Copyable {
  private let limit: Int
  private let enriches: Bool
  private var body: BodyBuilder
  private var decisions: DecisionsInForce

  package init(_ settings: BodySettings, limit: Int) {
    self.limit = limit
    enriches = settings.enrichDecisions
    decisions = DecisionsInForce(limit: limit)
    body = BodyBuilder(settings, limit: limit, writes: true)
  }

  package mutating func begin() {
    body.endVisitor()
    decisions.removeAll()
  }

  package mutating func learn(_ record: borrowing StagedRecord) {
    if !enriches, body.bytesAlone(record, decisions: InForce()) <= limit { decisions.learn(record) }
  }

  /// Whether an empty body of `limit` bytes can hold the record; the answer the cutter gave.
  package mutating func fits(_ record: borrowing StagedRecord, limit: Int) -> Bool {
    body.bytesAlone(record, decisions: inForce(record)) <= limit
  }

  package mutating func append(_ record: borrowing StagedRecord) {
    body.append(record, decisions: inForce(record))
  }

  /// Completes the body, hands out its bytes, and begins the next.
  package mutating func finish() -> [UInt8] {
    body.finish()
    let bytes = copy(body.text.span)
    body.removeAll()
    return bytes
  }

  private mutating func inForce(_ record: borrowing StagedRecord) -> InForce {
    enriches || record.isDecision ? InForce() : decisions.at(record.timestamp)
  }
}

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
  /// The body that must be accepted before this one is sent: it holds the latest activation of a visitor who goes on here.
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
/// split, event by event. For each visitor call, with its records in the total order: `begin`; `learn` for each decision; `measure`
/// for each record that is to be sent; `startPlacing`; and when the visitor `isSplit`, `place` for each record that fits; `endVisitor`.
/// Memory: one visitor's different decisions.
package struct BodyCutter: ~Copyable {
  private let limit: Int
  private let enriches: Bool
  private var body: BodyBuilder
  private var visitorAlone: BodyBuilder
  private var decisions: DecisionsInForce
  private var visitor: [UInt8] = []
  /// Whether the visitor is larger than an empty body, so that its records are placed one by one.
  package private(set) var isSplit = false
  /// The places of the first and the last record measured.
  private var measured: (first: Int, last: Int)?
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
    measured = nil
    visitorIsInBody = false
    activationBody = nil
  }

  /// Notes a kept decision, which conversions will carry when the server does not add it itself. One that no body can hold is not
  /// sent, so no conversion carries it either.
  package mutating func learn(_ record: borrowing StagedRecord) {
    if !enriches, body.bytesAlone(record, decisions: InForce()) <= limit { decisions.learn(record) }
  }

  /// Adds the record, the `ordinal`-th of its visitor, to the size of the visitor. Returns false, and adds nothing, when no body can
  /// hold it. To be called when all decisions are learnt.
  package mutating func measure(_ record: borrowing StagedRecord, ordinal: Int) -> Bool {
    let inForce = inForce(record)
    if !isSplit {
      let growth = visitorAlone.growth(record, decisions: inForce)
      if visitorAlone.byteCount + growth <= limit {
        visitorAlone.append(record, decisions: inForce, growth: growth)
        measured = (measured?.first ?? ordinal, ordinal)
        return true
      }
    }
    guard body.bytesAlone(record, decisions: inForce) <= limit else { return false }
    isSplit = true
    return true
  }

  /// Decides where the measured visitor begins, and puts it there whole unless it is split. Returns the body that this completes, if
  /// any.
  package mutating func startPlacing() -> BodyPlan? {
    var completed: BodyPlan?
    if !body.isEmpty, isSplit || body.byteCount + 1 + visitorAlone.byteCount - visitorAlone.emptyBytes > limit {
      completed = complete()
    }
    if !isSplit, let measured {
      visitorCount += 1
      body.append(objectsOf: visitorAlone)
      if first == nil { first = BodyKey(visitor: visitor, ordinal: measured.first) }
      lastOrdinal = measured.last
      lastVisitor = visitor
    }
    return completed
  }

  /// Puts the record, the `ordinal`-th of its split visitor, into a body. Returns the body that this completes, if any.
  package mutating func place(_ record: borrowing StagedRecord, ordinal: Int) -> BodyPlan? {
    var completed: BodyPlan?
    let inForce = inForce(record)
    if !body.isEmpty, body.byteCount + body.growth(record, decisions: inForce) > limit { completed = complete() }
    if !visitorIsInBody {
      visitorIsInBody = true
      visitorCount += 1
    }
    // Activations go in order, so that the last one's receipt says that all of them are there.
    if let activationBody, activationBody != number { waitsFor = activationBody }
    if record.isDecision { activationBody = number }
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

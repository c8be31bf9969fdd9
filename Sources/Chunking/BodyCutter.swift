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

/// Cuts measured visitors into bodies 1, 2, 3, …, without writing any.
///
/// A visitor that does not fit into the room left begins the next body whole; only one that is larger than an empty body is
/// split, event by event. In the total order call `place` for each visitor that is not split; for any other `learn` for each of its
/// decisions; `beginSplit`; `place` for each record that is to be sent and fits; and `endSplit`.
/// Memory: one visitor's different decisions.
package struct BodyCutter: ~Copyable {
  private let limit: Int
  private let enriches: Bool
  private var body: BodyBuilder
  private var decisions: DecisionsInForce
  private var number = 1
  private var visitorCount = 0
  private var first: BodyKey?
  private var last = BodyKey(visitor: [], ordinal: 0)
  private var waitsFor: Int?
  /// Of a split visitor.
  private var visitor: [UInt8] = []
  private var visitorIsInBody = false
  /// The body that took the latest activation of the split visitor.
  private var activationBody: Int?

  package init(_ settings: BodySettings, limit: Int) {
    self.limit = limit
    enriches = settings.enrichDecisions
    decisions = DecisionsInForce(limit: limit)
    body = BodyBuilder(settings, limit: limit, writes: false)
  }

  /// Another cutter at the same place.
  package func copied() -> BodyCutter { BodyCutter(of: self) }

  private init(of other: borrowing BodyCutter) {
    limit = other.limit
    enriches = other.enriches
    body = other.body.copied()
    decisions = other.decisions
    number = other.number
    visitorCount = other.visitorCount
    first = other.first
    last = other.last
    waitsFor = other.waitsFor
    visitor = other.visitor
    visitorIsInBody = other.visitorIsInBody
    activationBody = other.activationBody
  }

  /// Puts a visitor that fits into a body there whole. Returns the body that this completes, if any.
  package mutating func place(_ measured: MeasuredVisitor, _ visitor: Span<UInt8>) -> BodyPlan? {
    precondition(!measured.isSplit, "a split visitor is placed record by record")
    guard measured.eventCount > 0 else { return nil }
    var completed: BodyPlan?
    if !body.isEmpty, body.byteCount + 1 + measured.byteCount > limit { completed = complete() }
    visitorCount += 1
    body.append(measured)
    if first == nil { first = BodyKey(visitor: copy(visitor), ordinal: measured.first) }
    last.ordinal = measured.last
    copy(visitor, into: &last.visitor)
    return completed
  }

  /// Begins a split visitor in a body of its own. Returns the body that this completes, if any.
  package mutating func beginSplit(_ visitor: Span<UInt8>) -> BodyPlan? {
    let completed = body.isEmpty ? nil : complete()
    self.visitor = copy(visitor)
    visitorIsInBody = false
    activationBody = nil
    return completed
  }

  /// Notes a decision of the split visitor that stands, as `VisitorMeasurer.learn` does.
  package mutating func learn(_ record: borrowing StagedRecord) {
    if !enriches, body.bytesAlone(record, decisions: InForce()) <= limit { decisions.learn(record) }
  }

  /// Puts the record, the `ordinal`-th of the split visitor, into a body. Returns the body that this completes, if any.
  package mutating func place(_ record: borrowing StagedRecord, ordinal: Int) -> BodyPlan? {
    var completed: BodyPlan?
    let inForce = enriches || record.isDecision ? InForce() : decisions.at(record.timestamp)
    if !body.isEmpty, body.byteCount + body.growth(record, decisions: inForce) > limit { completed = complete() }
    if !visitorIsInBody {
      visitorIsInBody = true
      visitorCount += 1
      last.visitor = visitor
    }
    // Activations go in order, so that the last one's receipt says that all of them are there.
    if let activationBody, activationBody != number { waitsFor = activationBody }
    if record.isDecision { activationBody = number }
    body.append(record, decisions: inForce)
    if first == nil { first = BodyKey(visitor: visitor, ordinal: ordinal) }
    last.ordinal = ordinal
    return completed
  }

  package mutating func endSplit() {
    body.endVisitor()
    decisions.removeAll()
  }

  /// Completes the last body; nil when there is none.
  package mutating func finish() -> BodyPlan? { body.isEmpty ? nil : complete() }

  private mutating func complete() -> BodyPlan {
    precondition(body.byteCount <= limit, "body \(number) has \(body.byteCount) bytes, over its limit of \(limit)")
    let plan = BodyPlan(
      number: number, byteCount: body.byteCount, eventCount: body.eventCount, decisionCount: body.decisionCount,
      visitorCount: visitorCount, first: first!, last: last, waitsFor: waitsFor)
    number += 1
    body.removeAll()
    visitorCount = 0
    visitorIsInBody = false
    first = nil
    waitsFor = nil
    return plan
  }
}

/// Writes planned bodies. For each visitor `begin` and `learn` as with the cutter, then `append` what belongs to the body.
package struct BodyComposer: ~Copyable {
  private let limit: Int
  private let enriches: Bool
  private var body: BodyBuilder
  private var decisions: DecisionsInForce
  /// Whether something was left out because the body cannot hold it: then the body is not as it was planned.
  package private(set) var isOverfull = false

  package init(_ settings: BodySettings, limit: Int) {
    self.limit = limit
    enriches = settings.enrichDecisions
    decisions = DecisionsInForce(limit: limit)
    body = BodyBuilder(settings, limit: limit, writes: true)
  }

  package mutating func begin() {
    body.endVisitor()
    if !enriches { decisions.removeAll() }
  }

  package mutating func learn(_ record: borrowing StagedRecord) {
    if !enriches, body.bytesAlone(record, decisions: InForce()) <= limit { decisions.learn(record) }
  }

  package mutating func append(_ record: borrowing StagedRecord) {
    let decisions = inForce(record)
    let growth = body.growth(record, decisions: decisions)
    guard body.byteCount + growth <= limit else {
      isOverfull = true
      return
    }
    body.append(record, decisions: decisions, growth: growth)
  }

  /// Appends visitors that `VisitorMeasurer` has written, with commas between them.
  package mutating func append(visitors: Span<UInt8>) {
    guard body.byteCount + 1 + visitors.count <= limit + 1 else {
      isOverfull = true
      return
    }
    body.append(objects: visitors)
  }

  /// Where the visitor's id begins in what `VisitorMeasurer` has written.
  package static var visitorStart: Int { 15 }

  /// Completes the body, calls `use` with its bytes, and begins the next.
  package mutating func finish<Value, Failure: Error>(_ use: (Span<UInt8>) throws(Failure) -> Value) throws(Failure) -> Value {
    body.finish()
    let value = try use(body.text.span)
    body.removeAll()
    isOverfull = false
    return value
  }

  private mutating func inForce(_ record: borrowing StagedRecord) -> InForce {
    enriches || record.isDecision ? InForce() : decisions.at(record.timestamp)
  }
}

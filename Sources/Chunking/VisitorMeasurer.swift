package import Bytes
package import EventAPI

/// What a visitor takes in a body.
package struct MeasuredVisitor: Sendable, Equatable {
  /// Bytes of the visitor's objects, with the commas between them.
  package var byteCount = 0
  package var eventCount = 0
  package var decisionCount = 0
  /// The places of the first and the last record that is sent.
  package var first = 0
  package var last = 0
  /// Whether the visitor is larger than an empty body, so that its records are placed one by one; then the rest says nothing.
  package var isSplit = false

  package init() {}
}

/// Measures visitors, each by itself: `begin`; `learn` for each decision that stands; then `measure` for each record that is to be sent, in
/// the total order. One that writes has the visitor's text after `end`. Memory: one visitor's different decisions; and its text, at most a
/// body's.
package struct VisitorMeasurer: ~Copyable {
  private let limit: Int
  private let enriches: Bool
  private var alone: BodyBuilder
  private var decisions: DecisionsInForce
  /// The visitor as far as it is measured.
  package private(set) var visitor = MeasuredVisitor()

  /// A measurer; with `writes` one that also writes the visitors' objects.
  package init(_ settings: BodySettings, limit: Int, writes: Bool = false) {
    self.limit = limit
    enriches = settings.enrichDecisions
    decisions = DecisionsInForce(limit: limit)
    alone = BodyBuilder(settings, limit: limit, writes: writes)
  }

  package mutating func begin() {
    if !enriches { decisions.removeAll() }
    alone.removeAll()
    visitor = MeasuredVisitor()
  }

  /// Notes a decision that stands, which conversions will carry when the server does not add it itself. One that no body can hold is not
  /// sent, so no conversion carries it either.
  package mutating func learn(_ record: borrowing StagedRecord) {
    if !enriches, alone.bytesAlone(record, decisions: InForce()) <= limit { decisions.learn(record) }
  }

  /// Adds the record, the `ordinal`-th of its visitor. Returns false, and adds nothing, when no body can hold it.
  package mutating func measure(_ record: borrowing StagedRecord, ordinal: Int) -> Bool {
    let inForce = enriches || record.isDecision ? InForce() : decisions.at(record.timestamp)
    if !visitor.isSplit {
      let growth = alone.growth(record, decisions: inForce)
      if alone.byteCount + growth <= limit {
        alone.append(record, decisions: inForce, growth: growth)
        if visitor.eventCount == 0 { visitor.first = ordinal }
        visitor.last = ordinal
        visitor.eventCount += 1
        visitor.decisionCount += record.isDecision ? 1 : 0
        visitor.byteCount = alone.byteCount - alone.emptyBytes
        return true
      }
    }
    guard alone.bytesAlone(record, decisions: inForce) <= limit else { return false }
    visitor.isSplit = true
    return true
  }

  /// Completes the visitor, and calls `use` with its objects as a body holds them. Only of a measurer that writes, and of a visitor that is
  /// not split.
  package mutating func end(_ use: (Span<UInt8>) -> Void) {
    precondition(!visitor.isSplit, "a split visitor is written record by record")
    alone.endObjects(use)
  }
}

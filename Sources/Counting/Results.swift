/// What an experiment's results page would show for a history, as far as the rules are public. The JSON names are a promise.
package struct Results: Sendable, Equatable, Codable {
  package struct Experiment: Sendable, Equatable, Codable {
    package var experimentID: String
    package var campaignID: String
    package var variations: [Variation]

    enum CodingKeys: String, CodingKey {
      case experimentID = "experiment_id"
      case campaignID = "campaign_id"
      case variations
    }
  }

  package struct Variation: Sendable, Equatable, Codable {
    package var variationID: String
    package var visitors: Int
    package var events: [Event]

    enum CodingKeys: String, CodingKey {
      case variationID = "variation_id"
      case visitors, events
    }
  }

  /// A kind of event in a variation: how many of its visitors did it, how often, and the sums.
  package struct Event: Sendable, Equatable, Codable {
    package var key: String
    package var entityID: String
    package var convertingVisitors: Int
    package var conversions: Int
    /// Hundredths of the currency unit.
    package var revenue: Int64
    package var value: Double

    enum CodingKeys: String, CodingKey {
      case key
      case entityID = "entity_id"
      case convertingVisitors = "converting_visitors"
      case conversions, revenue, value
    }
  }

  /// Why an event is in no row above.
  package enum Reason: String, Sendable, CaseIterable {
    /// A conversion of a visitor without a decision in this history; an SDK may have activated it elsewhere.
    case noDecisionHere = "no_decision_here"
    /// A conversion before its visitor's decision.
    case beforeDecision = "before_decision"
    /// A decision of a visitor who already belongs to a variation of the experiment.
    case laterDecision = "later_decision"
    /// A decision that was held back, or names no experiment or variation.
    case holdback = "holdback"
  }

  /// Sorted by experiment id, then campaign id; variations and events likewise by id, then key.
  package var experiments: [Experiment]
  package var notCounted: [String: Int]

  enum CodingKeys: String, CodingKey {
    case experiments
    case notCounted = "not_counted"
  }

  package init(experiments: [Experiment] = [], notCounted: [String: Int] = [:]) {
    self.experiments = experiments
    self.notCounted = notCounted
  }
}

/// What an experiment's results page would show for a history, as far as the rules are public. The JSON names are a promise.
package struct Results: Sendable, Equatable, Codable {
  package struct Experiment: Sendable, Equatable, Codable {
    package var experimentID: String
    package var campaignID: String
    package var variations: [Variation]
    /// By reason: events that are not counted here; they may be counted in another experiment. Nil in results of earlier versions.
    package var notCounted: [String: Int]?

    package init(experimentID: String, campaignID: String, variations: [Variation], notCounted: [String: Int]? = nil) {
      self.experimentID = experimentID
      self.campaignID = campaignID
      self.variations = variations
      self.notCounted = notCounted
    }

    enum CodingKeys: String, CodingKey {
      case experimentID = "experiment_id"
      case campaignID = "campaign_id"
      case variations
      case notCounted = "not_counted"
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
    /// The sum of the squares of each visitor's revenue. Nil in results of earlier versions, and when it is beyond what can be counted.
    package var revenueSquares: Int128?

    package init(
      key: String, entityID: String, convertingVisitors: Int, conversions: Int, revenue: Int64, value: Double,
      revenueSquares: Int128? = nil
    ) {
      self.key = key
      self.entityID = entityID
      self.convertingVisitors = convertingVisitors
      self.conversions = conversions
      self.revenue = revenue
      self.value = value
      self.revenueSquares = revenueSquares
    }

    enum CodingKeys: String, CodingKey {
      case key
      case entityID = "entity_id"
      case convertingVisitors = "converting_visitors"
      case conversions, revenue, value
      case revenueSquares = "revenue_squares"
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
    /// A decision that was held back, or names no experiment or variation; a conversion of a visitor who has no other decisions.
    case holdback = "holdback"
    /// An event that came before, by visitor and event id. Who drops duplicates before counting adds these.
    case duplicate = "duplicate"
  }

  /// Sorted by experiment id, then campaign id; variations and events likewise by id, then key.
  package var experiments: [Experiment]
  package var notCounted: [String: Int]

  enum CodingKeys: String, CodingKey {
    case experiments
    case notCounted = "not_counted"
  }

  /// Adds events that are not counted because they came before.
  package mutating func add(duplicates count: Int) {
    if count > 0 { notCounted[Reason.duplicate.rawValue, default: 0] += count }
  }

  package init(experiments: [Experiment] = [], notCounted: [String: Int] = [:]) {
    self.experiments = experiments
    self.notCounted = notCounted
  }
}

// Squares are digits in a string: readers that take numbers for doubles, or for 64 bits, would change or refuse them.
extension Results.Event {
  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    key = try fields.decode(String.self, forKey: .key)
    entityID = try fields.decode(String.self, forKey: .entityID)
    convertingVisitors = try fields.decode(Int.self, forKey: .convertingVisitors)
    conversions = try fields.decode(Int.self, forKey: .conversions)
    revenue = try fields.decode(Int64.self, forKey: .revenue)
    value = try fields.decode(Double.self, forKey: .value)
    revenueSquares = try fields.decodeIfPresent(String.self, forKey: .revenueSquares).map { text in
      guard let squares = Int128(text) else {
        throw DecodingError.dataCorruptedError(forKey: .revenueSquares, in: fields, debugDescription: "these are not digits")
      }
      return squares
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(key, forKey: .key)
    try fields.encode(entityID, forKey: .entityID)
    try fields.encode(convertingVisitors, forKey: .convertingVisitors)
    try fields.encode(conversions, forKey: .conversions)
    try fields.encode(revenue, forKey: .revenue)
    try fields.encode(value, forKey: .value)
    try fields.encodeIfPresent(revenueSquares.map { "\($0)" }, forKey: .revenueSquares)
  }
}

import Vocabulary

/// What results are made of: when visitors came and converted, and how those with an attribute did.
package struct ResultDetails: Sendable, Equatable, Codable {
  package struct Experiment: Sendable, Equatable, Codable {
    package var experimentID: String
    package var campaignID: String
    package var timeline: Timeline
    /// Sorted by key, then type.
    package var attributes: [Attribute]

    package init(experimentID: String, campaignID: String, timeline: Timeline, attributes: [Attribute]) {
      self.experimentID = experimentID
      self.campaignID = campaignID
      self.timeline = timeline
      self.attributes = attributes
    }
  }

  /// When things happened, in spans of equal length, one behind the other.
  package struct Timeline: Sendable, Equatable, Codable {
    /// Days of one span: 1, 7, 28 or 364. All days are those of UTC; weeks begin on Mondays.
    package var spanDays: Int
    /// The first day of the first span, counted from 1970-01-01.
    package var firstDay: Int
    package var spanCount: Int
    /// As in the results.
    package var variations: [Variation]

    package init(spanDays: Int, firstDay: Int, spanCount: Int, variations: [Variation]) {
      self.spanDays = spanDays
      self.firstDay = firstDay
      self.spanCount = spanCount
      self.variations = variations
    }
  }

  package struct Variation: Sendable, Equatable, Codable {
    package var variationID: String
    /// Visitors by the span of their decision.
    package var visitors: [Int]
    package var events: [Event]

    package init(variationID: String, visitors: [Int], events: [Event]) {
      self.variationID = variationID
      self.visitors = visitors
      self.events = events
    }
  }

  package struct Event: Sendable, Equatable, Codable {
    package var key: String
    package var entityID: String
    /// Visitors by the span of the first conversion that counts.
    package var convertingVisitors: [Int]

    package init(key: String, entityID: String, convertingVisitors: [Int]) {
      self.key = key
      self.entityID = entityID
      self.convertingVisitors = convertingVisitors
    }
  }

  package struct Attribute: Sendable, Equatable, Codable {
    /// Empty where a type has none.
    package var key: String
    package var type: String
    /// Those with most visitors first, then by text.
    package var values: [Value]

    package init(key: String, type: String, values: [Value]) {
      self.key = key
      self.type = type
      self.values = values
    }
  }

  /// One value of an attribute: a segment. Its visitors are those whose decision has the value, or a conversion that counts; its conversions
  /// are those that have it themselves ("How Optimizely Experimentation counts conversions", support.optimizely.com).
  package struct Value: Sendable, Equatable, Codable {
    package var text: String
    /// As in the results.
    package var variations: [Results.Variation]

    package init(text: String, variations: [Results.Variation]) {
      self.text = text
      self.variations = variations
    }

    package var visitors: Int { variations.reduce(0) { $0 + $1.visitors } }
  }

  /// As in the results.
  package var experiments: [Experiment]
  /// Keys (or types, where there is none) of attributes with more values than are counted.
  package var wideAttributes: [String]
  /// Whether there would be more numbers than are kept, so that there are none.
  package var isTooMuch: Bool

  package init(experiments: [Experiment] = [], wideAttributes: [String] = [], isTooMuch: Bool = false) {
    self.experiments = experiments
    self.wideAttributes = wideAttributes
    self.isTooMuch = isTooMuch
  }
}

/// Limits of details, which tests set lower.
struct DetailLimits: Sendable, Equatable {
  var spans = Limits.curveSpans
  var values = Limits.attributeValues
  var rows = Limits.detailNumbers
}

import Vocabulary

/// A field of a record, by the name that native rows give it.
package enum Field: String, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
  case record
  case account = "account_id"
  case visitor = "visitor_id"
  case session = "session_id"
  case campaign = "campaign_id"
  case experiment = "experiment_id"
  case variation = "variation_id"
  case holdback = "is_campaign_holdback"
  case flagKey = "flag_key"
  case ruleKey = "rule_key"
  case ruleType = "rule_type"
  case variationKey = "variation_key"
  case enabled
  case entity = "entity_id"
  case key
  case timestamp
  case uuid
  case revenue, value, quantity

  /// The field's place in a row's list of values: its place above. Asked for many times a row, so it is a jump, not a look-up.
  var slot: Int {
    switch self {
    case .record: 0
    case .account: 1
    case .visitor: 2
    case .session: 3
    case .campaign: 4
    case .experiment: 5
    case .variation: 6
    case .holdback: 7
    case .flagKey: 8
    case .ruleKey: 9
    case .ruleType: 10
    case .variationKey: 11
    case .enabled: 12
    case .entity: 13
    case .key: 14
    case .timestamp: 15
    case .uuid: 16
    case .revenue: 17
    case .value: 18
    case .quantity: 19
    }
  }
}

extension Field {
  /// The only kind of record that has it; nil when both have.
  var kind: RecordKind? {
    switch self {
    case .campaign, .experiment, .variation, .holdback, .flagKey, .ruleKey, .ruleType, .variationKey, .enabled: .decision
    case .entity, .key: .conversion
    case .record, .account, .visitor, .session, .timestamp, .uuid, .revenue, .value, .quantity: nil
    }
  }
}

/// A condition on one element of a list: its member at `path` is, or is not, one of `values`.
package struct ElementFilter: Sendable, Hashable, Codable {
  package var path: Path
  package var isOneOf: Bool
  package var values: [String]

  package init(_ path: String, isOneOf: Bool = true, _ values: [String]) {
    self.path = Path(path)
    self.isOneOf = isOneOf
    self.values = values
  }
}

/// Where named values (tags, properties) come from.
package enum NamedValues: Sendable, Hashable, Codable {
  /// One value under a name of its own.
  case one(name: String, Source, ValueType?)
  /// The members of a JSON object, or the CSV columns whose names begin with the path and a dot.
  case members(of: Path)
  /// A list whose elements hold a name, and a value in the first of several places that has one.
  case pairs(of: Path, name: Path, value: [Path])
}

/// Where a visitor's attributes come from.
package enum AttributeValues: Sendable, Hashable, Codable {
  /// Named values of custom attributes, whose entity ids come from the settings: object members, or columns `PATH.KEY`.
  case members(of: Path)
  /// One custom attribute; without an entity id it comes from the settings.
  case one(key: String, entity: String?, Source, ValueType?)
  /// A list of attribute objects; only elements that pass every filter are taken.
  case elements(of: Path, filters: [ElementFilter], type: Path, entity: Path, key: Path, value: Path, entityOnlyForCustom: Bool)
}

/// How the rows of an input become records: a value, so that a preset and a user's own file are the same thing.
package struct Mapping: Sendable, Hashable, Codable {
  /// The name that messages use.
  package var name: String
  /// Whether it is a preset's as it stands, so that the name says all of it.
  package var isPreset = false
  package var fields: [Field: Source]
  package var tags: [NamedValues]
  package var properties: [NamedValues]
  package var attributes: [AttributeValues]
  /// Columns that are known and not needed: no finding speaks of them.
  package var ignored: [Path]
  /// What a row must be like to be taken: all of these. Others are filtered.
  package var conditions: [Condition]
  /// A list inside of the row, or lists inside of lists, each element of which is a record. Paths that begin as this one does lead to the
  /// element at hand.
  package var explode: Path?

  /// What the names of columns begin with that the list of rejects adds to its rows; an import passes over them.
  package static let rejectPrefix = "_reject"

  package init(
    name: String, fields: [Field: Source], tags: [NamedValues] = [], properties: [NamedValues] = [],
    attributes: [AttributeValues] = [], ignored: [Path] = [], conditions: [Condition] = [], explode: Path? = nil
  ) {
    self.name = name
    self.fields = fields
    self.tags = tags
    self.properties = properties
    self.attributes = attributes
    self.ignored = ignored
    self.conditions = conditions
    self.explode = explode
  }

  /// Whether it says what revenue counts: by a unit, or by a form of rows whose revenue is known to count hundredths.
  package var saysRevenueUnit: Bool {
    if let revenue = fields[.revenue], revenue.saysUnit { return true }
    return isPreset && name != Mapping.native.name
  }

  /// The columns whose presence makes a row a decision when nothing else says what it is.
  package var decisionMarks: [Path] { fields[.variation]?.columns ?? [] }
}

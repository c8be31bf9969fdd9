import Normalizing
import Vocabulary
import Yams

/// Reads the keys of an input that say how its rows become records.
///
///     fields:      {visitor_id: user, timestamp: {from: at, zone: Europe/Paris}}
///     tags:        {category: cat, items: {from: count, type: number}, "*": labels}
///     attributes:  {plan: {from: plan, entity_id: "77"}}
///     where:       {status: [paid, sent], amount: {greater: 0}}
enum MappingKeys {
  /// The mapping of an input: a preset's, changed by what the input says. Nil when it says nothing, so that the command's holds.
  static func read(_ keys: inout Keys, preset: Mapping?) -> Mapping? {
    let fields = keys.keys("fields")
    let tags = keys.keys("tags")
    let properties = keys.keys("properties")
    let attributes = keys.keys("attributes")
    let conditions = keys.keys("where")
    guard fields != nil || tags != nil || properties != nil || attributes != nil || conditions != nil else { return preset }
    // Without a preset and without fields, rows are native ones.
    var mapping = preset ?? (fields == nil ? Mapping.native : Mapping(name: "configuration", fields: [:], decisionMarks: []))
    if preset != nil || fields == nil { mapping.name += ", changed" }
    if var fields { read(&fields, into: &mapping) }
    if var tags { mapping.tags += named(&tags) }
    if var properties { mapping.properties += named(&properties) }
    if var attributes { read(attributes: &attributes, into: &mapping) }
    if var conditions { mapping.conditions += read(conditions: &conditions) }
    if let variation = mapping.fields[.variation], preset == nil, fields != nil { mapping.decisionMarks = variation.columns }
    return mapping
  }

  private static func read(_ fields: inout Keys, into mapping: inout Mapping) {
    for field in Field.allCases {
      guard let node = fields.value(field.rawValue), let read = SourceKeys(node, field.rawValue, fields.environment) else { continue }
      mapping.fields[field] = read.source
    }
    fields.end()
  }

  /// Names with the places of their values; `*` takes all members of an object, or all columns below it, or a list of pairs.
  private static func named(_ keys: inout Keys) -> [NamedValues] {
    let environment = keys.environment
    return keys.all().compactMap { entry in
      guard entry.name == "*" else {
        return SourceKeys(entry.value, entry.name, environment, extra: .type).map { .one(name: entry.name, $0.source, $0.type) }
      }
      if case .scalar = entry.value { return environment.text(entry.value, "*").map { .members(of: Path($0)) } }
      guard var list = Keys(entry.value, "*", environment) else { return nil }
      defer { list.end() }
      guard let pairs = list.text("pairs"), let name = list.text("name"), let value = list.text("value") else {
        environment.problems.add(entry.value, "* is a path whose members are taken, or pairs with the paths of their name and value")
        return nil
      }
      return .pairs(of: Path(pairs), name: Path(name), value: Path(value))
    }
  }

  private static func read(attributes: inout Keys, into mapping: inout Mapping) {
    let environment = attributes.environment
    for entry in attributes.all() {
      if entry.name == "*" {
        if let path = environment.text(entry.value, "*") { mapping.attributes.append(.members(of: Path(path))) }
      } else if let read = SourceKeys(entry.value, entry.name, environment, extra: .attribute) {
        mapping.attributes.append(.one(key: entry.name, entity: read.entityID, read.source, read.type))
      }
    }
  }

  /// A column or path each, with a value that it has, values of which it has one, or tests.
  private static func read(conditions: inout Keys) -> [Condition] {
    let environment = conditions.environment
    return conditions.all().flatMap { entry -> [Condition] in
      let source = Source.path(Path(entry.name))
      guard case .mapping = entry.value else {
        return [Condition(source, .isOneOf(environment.texts(entry.value, entry.name)))]
      }
      guard var tests = Keys(entry.value, entry.name, environment) else { return [] }
      var found: [Condition.Test] = []
      if let values = tests.texts("in") { found.append(.isOneOf(values)) }
      if let value = tests.text("equals") { found.append(.isOneOf([value])) }
      if let values = tests.texts("not_in") { found.append(.isNoneOf(values)) }
      if let value = tests.text("not") { found.append(.isNoneOf([value])) }
      if let isEmpty = tests.boolean("empty") { found.append(isEmpty ? .isEmpty : .isNotEmpty) }
      for (name, test) in [
        ("less", Condition.Test.less), ("at_most", Condition.Test.atMost), ("greater", Condition.Test.greater),
        ("at_least", Condition.Test.atLeast),
      ] {
        guard let text = tests.text(name) else { continue }
        if Double(text) == nil || text.contains(where: \.isLetter) {
          environment.problems.add(entry.value, "\(name) compares with a number, not with \(text)")
        }
        found.append(test(text))
      }
      tests.end()
      return found.map { Condition(source, $0) }
    }
  }
}

import Normalizing
import Vocabulary
import Yams

/// Reads the keys of an input that say how its rows become records.
///
///     fields:      {visitor_id: user, timestamp: {from: at, zone: Europe/Paris}}
///     tags:        {category: cat, items: {from: count, type: number}, "*": labels}
///     attributes:  {plan: {from: plan, entity_id: "77"}}
///     where:       {status: [paid, sent], amount: {greater: 0}}
///     explode:     orders.items
enum MappingKeys {
  /// The mapping of an input: a preset's, changed by what the input says. Nil when it says nothing, so that the command's holds.
  static func read(_ keys: inout Keys) -> Mapping? {
    let environment = keys.environment
    let node = keys.value("preset")
    let fields = keys.keys("fields")
    let said = node.flatMap { environment.text($0, "preset") }
    let preset = said.flatMap { name in presetMapping(name, node!, replacing: fields?.names ?? [], environment) }
    return change(preset, said, &keys, fields)
  }

  /// Reads the keys of a preset's text; `replaced` are the fields that an input says itself, which are left out.
  static func read(preset name: String, _ keys: inout Keys, replacing replaced: Set<String>) -> Mapping? {
    var fields = keys.keys("fields")
    fields?.leaveOut(replaced)
    guard var mapping = change(nil, nil, &keys, fields) else { return nil }
    mapping.name = name
    mapping.isPreset = true
    return mapping
  }

  private static func presetMapping(_ name: String, _ node: Node, replacing: Set<String>, _ environment: Environment) -> Mapping? {
    guard Presets.names.contains(name) else {
      environment.problems.add(node, "preset is \(Presets.names.joined(separator: " or ")), not \(name)\(hint(name, Presets.names))")
      return nil
    }
    do throws(Datafile.Fault) {
      return try Presets.mapping(name, datafile: environment.datafile, replacing: replacing)
    } catch {
      environment.problems.add(node, error.message)
      return nil
    }
  }

  private static func change(_ preset: Mapping?, _ said: String?, _ keys: inout Keys, _ fields: Keys?) -> Mapping? {
    let tags = keys.keys("tags")
    let properties = keys.keys("properties")
    let attributes = keys.keys("attributes")
    let conditions = conditions(&keys)
    let explode = keys.text("explode")
    let ignored = keys.texts("ignore")
    let saysNothing = fields == nil && tags == nil && properties == nil && attributes == nil && conditions == nil && explode == nil
    guard !saysNothing || ignored != nil else { return preset }
    // Without a preset and without fields, rows are native ones.
    var mapping = preset ?? (fields == nil ? Mapping.native : Mapping(name: "configuration", fields: [:]))
    if preset != nil || fields == nil { mapping.name = Presets.changed(mapping.name) }
    mapping.isPreset = false
    if var fields { read(&fields, into: &mapping) }
    if var tags { mapping.tags += named(&tags) }
    if var properties { mapping.properties += named(&properties) }
    if var attributes { read(attributes: &attributes, into: &mapping) }
    for var conditions in conditions ?? [] { mapping.conditions += read(conditions: &conditions) }
    if let explode { mapping.explode = Path(explode) }
    mapping.ignored += (ignored ?? []).map { Path($0) }
    return mapping
  }

  private static func read(_ fields: inout Keys, into mapping: inout Mapping) {
    for field in Field.allCases {
      guard let node = fields.value(field.rawValue), let read = SourceKeys(node, field.rawValue, fields.environment) else { continue }
      mapping.fields[field] = read.source
    }
    fields.end()
  }

  /// Names with the places of their values; `*` takes all members of an object, or all columns below it, or a list of pairs, or several of
  /// these.
  private static func named(_ keys: inout Keys) -> [NamedValues] {
    let environment = keys.environment
    return keys.all().flatMap { entry -> [NamedValues] in
      if entry.name == "*" { return several(entry.value).compactMap { whole($0, environment) } }
      return SourceKeys(entry.value, entry.name, environment, extra: .type).map { [.one(name: entry.name, $0.source, $0.type)] } ?? []
    }
  }

  private static func several(_ node: Node) -> [Node] { if case .sequence(let nodes) = node { Array(nodes) } else { [node] } }

  private static func whole(_ node: Node, _ environment: Environment) -> NamedValues? {
    if case .scalar = node { return environment.text(node, "*").map { .members(of: Path($0)) } }
    guard var list = Keys(node, "*", environment) else { return nil }
    defer { list.end() }
    guard let pairs = list.text("pairs"), let name = list.text("name"), let values = list.texts("value"), !values.isEmpty else {
      environment.problems.add(node, "* is a path whose members are taken, or pairs with the paths of their name and value")
      return nil
    }
    return .pairs(of: Path(pairs), name: Path(name), value: values.map { Path($0) })
  }

  private static func read(attributes: inout Keys, into mapping: inout Mapping) {
    let environment = attributes.environment
    for entry in attributes.all() {
      if entry.name == "*" {
        mapping.attributes += several(entry.value).compactMap { list($0, environment) }
      } else if let read = SourceKeys(entry.value, entry.name, environment, extra: .attribute) {
        mapping.attributes.append(.one(key: entry.name, entity: read.entityID, read.source, read.type))
      }
    }
  }

  /// Whose entity ids are taken from a list of attribute objects; others than custom attributes have none.
  private enum EntityIDs: String, CaseIterable { case all, custom }

  /// A path whose members are attributes by key, or a list of attribute objects with the paths of their parts.
  private static func list(_ node: Node, _ environment: Environment) -> AttributeValues? {
    if case .scalar = node { return environment.text(node, "*").map { .members(of: Path($0)) } }
    guard var list = Keys(node, "*", environment) else { return nil }
    defer { list.end() }
    let filters = list.keys("where").map { filters in
      var filters = filters
      return elementFilters(&filters)
    }
    let ids = list.word("entity_ids", EntityIDs.self)
    guard let elements = list.text("elements"), let value = list.text("value") else {
      environment.problems.add(
        node, "* is a path whose members are attributes by key, or elements with the paths of their type, entity_id, key and value")
      return nil
    }
    return .elements(
      of: Path(elements), filters: filters ?? [], type: Path(list.text("type") ?? "type"),
      entity: Path(list.text("entity_id") ?? "entity_id"), key: Path(list.text("key") ?? "key"), value: Path(value),
      entityOnlyForCustom: ids == .custom)
  }

  /// Members of an element, each with a value that it has, values of which it has one, or `not` or `not_in`.
  private static func elementFilters(_ keys: inout Keys) -> [ElementFilter] {
    let environment = keys.environment
    return keys.all().flatMap { entry -> [ElementFilter] in
      guard case .mapping = entry.value else { return [ElementFilter(entry.name, environment.texts(entry.value, entry.name))] }
      guard var tests = Keys(entry.value, entry.name, environment) else { return [] }
      var filters: [ElementFilter] = []
      if let values = tests.texts("in") { filters.append(ElementFilter(entry.name, values)) }
      if let values = tests.texts("not_in") ?? tests.texts("not") {
        filters.append(ElementFilter(entry.name, isOneOf: false, values))
      }
      tests.end()
      return filters
    }
  }

  /// Conditions, all of which a row must meet: one mapping, or several.
  private static func conditions(_ keys: inout Keys) -> [Keys]? {
    let environment = keys.environment
    return keys.value("where").map { several($0).compactMap { Keys($0, "where", environment) } }
  }

  /// A column or path each, with a value that it has, values of which it has one, or tests.
  private static func read(conditions: inout Keys) -> [Condition] {
    let environment = conditions.environment
    return conditions.all().flatMap { entry -> [Condition] in
      var source = Source.path(Path(entry.name))
      guard !entry.value.isNull else {
        environment.problems.add(entry.key, "where names \(entry.name) and no value; for rows without one write {empty: true}")
        return []
      }
      guard case .mapping = entry.value else {
        return [Condition(source, .isOneOf(environment.texts(entry.value, entry.name)))]
      }
      guard var tests = Keys(entry.value, entry.name, environment) else { return [] }
      let problemCount = environment.problems.all.count
      var found: [Condition.Test] = []
      let decimal = tests.text("decimal")
      let group = tests.text("group")
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
        if !Conversion.number(NumberFormat()).reads(text) {
          environment.problems.add(entry.value, "\(name) compares with a number, as in 12.5, not with \(text)")
        }
        found.append(test(text))
      }
      tests.end()
      if found.isEmpty, environment.problems.all.count == problemCount {
        environment.problems.add(entry.key, "where says nothing of \(entry.name): write a value, or a test such as {not: test}")
      }
      if decimal != nil || group != nil {
        let conversion = Conversion.number(NumberFormat(decimal: decimal ?? ".", group: group))
        if let fault = conversion.fault { environment.problems.add(entry.value, fault) }
        source = .converted(source, conversion)
      }
      return found.map { Condition(source, $0) }
    }
  }
}

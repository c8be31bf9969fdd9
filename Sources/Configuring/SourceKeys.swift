import Normalizing
import Yams

/// Reads where one value comes from.
///
///     user_id                                           a column, or a path into JSON
///     {from: amount, unit: major, decimal: ","}         with what is done to it
///     {sha256: {from: email, text: [trim, lowercase]}, salt: "${SALT}"}
///     {const: web}     {first: [a, b]}     {join: [a, b], separator: "-"}     {from: [order_id, line]}: an event id derived from them
struct SourceKeys {
  /// What a value may say besides where it comes from: a tag's type, an attribute's entity id.
  enum Extra { case none, type, attribute }

  var source: Source
  var type: ValueType?
  var entityID: String?

  /// Nil, and a problem, for what cannot be read.
  init?(_ node: Node, _ name: String, _ environment: Environment, extra: Extra = .none) {
    if case .scalar = node {
      guard let text = environment.text(node, name) else { return nil }
      guard !text.isEmpty else {
        environment.problems.add(node, "\(name) names no column; leave it out, or write {const: ...}")
        return nil
      }
      source = .path(Path(text))
      return
    }
    guard var keys = Keys(node, name, environment) else { return nil }
    let base = SourceKeys.base(&keys, node, isEventID: name == Field.uuid.rawValue)
    let otherwise = SourceKeys.otherwise(&keys)
    let resolved = KeyLookups.read(&keys, node, base, otherwise ?? .reject)
    let lookup = SourceKeys.lookup(&keys, node, otherwise ?? .reject)
    if otherwise != nil, !keys.names.contains("lookup"), !keys.names.contains("key") {
      environment.problems.add(node, "otherwise belongs to lookup or key, neither of which is here")
    }
    let conversion = SourceKeys.conversion(&keys, node)
    if extra != .none { type = keys.word("type", ValueType.self) }
    if extra == .attribute { entityID = keys.text("entity_id") }
    keys.end()
    guard var base else { return nil }
    if let resolved { base = resolved }
    if let lookup { base = .lookup(base, lookup) }
    if let conversion { base = .converted(base, conversion) }
    source = base
  }

  /// Exactly one of the keys that say where a value comes from.
  private static func base(_ keys: inout Keys, _ node: Node, isEventID: Bool) -> Source? {
    let problems = keys.environment.problems
    let before = problems.all.count
    var found: [Source] = []
    if let from = keys.value("from") {
      if case .sequence(let nodes) = from {
        if isEventID {
          found.append(.eventID(nodes.compactMap { SourceKeys($0, "from", keys.environment)?.source }))
        } else {
          problems.add(from, "from names one column; for several write first (the first that is there) or join")
          return nil
        }
      } else if let text = keys.environment.text(from, "from") {
        found.append(.path(Path(text)))
      }
    }
    if let text = keys.text("const") { found.append(.constant(text)) }
    let salt = salt(&keys)
    if let hashed = keys.value("sha256") {
      guard let inner = SourceKeys(hashed, "sha256", keys.environment) else { return nil }
      found.append(.hashed(inner.source, salt: salt ?? ""))
    } else if salt != nil {
      problems.add(node, "salt belongs to sha256, which is not here")
    }
    if let sources = sources(&keys, "first") { found.append(sources.count == 1 ? sources[0] : .first(sources)) }
    let separator = keys.text("separator")
    if let sources = sources(&keys, "join") {
      found.append(.join(sources, separator: separator ?? ""))
    } else if separator != nil {
      problems.add(node, "separator belongs to join, which is not here")
    }
    guard found.count == 1 else {
      if found.isEmpty, problems.all.count > before {
        return nil
      } else if found.isEmpty {
        problems.add(node, "\(keys.place) does not say where its value comes from: write from, const, first, join or sha256")
      } else {
        problems.add(
          node, "\(keys.place) says more than once where its value comes from: from, const, first, join and sha256 exclude each other")
      }
      return nil
    }
    return found[0]
  }

  /// A salt as it is written, once its variables are known to be there.
  private static func salt(_ keys: inout Keys) -> String? {
    guard let node = keys.value("salt"), keys.environment.text(node, "salt") != nil, case .scalar(let scalar) = node else { return nil }
    if !scalar.string.contains("${") {
      keys.environment.problems.add(
        node, "a salt is a secret, and what stands here is stored and shown: name a variable of the environment, as in \"${SALT}\"")
    }
    return scalar.string
  }

  private static func sources(_ keys: inout Keys, _ name: String) -> [Source]? {
    guard let node = keys.value(name) else { return nil }
    guard case .sequence(let nodes) = node, !nodes.isEmpty else {
      keys.environment.problems.add(node, "\(name) is a list of columns, paths, or places of values")
      return nil
    }
    return nodes.compactMap { SourceKeys($0, name, keys.environment)?.source }
  }

  /// A table that stands here, or a CSV file's first two columns, or the two that `columns` names.
  private static func lookup(_ keys: inout Keys, _ place: Node, _ otherwise: Lookup.Otherwise) -> Lookup? {
    let columns = keys.texts("columns")
    guard let node = keys.value("lookup") else {
      if columns != nil { keys.environment.problems.add(place, "columns belongs to lookup, which is not here") }
      return nil
    }
    if case .scalar = node {
      guard let file = keys.environment.text(node, "lookup") else { return nil }
      return table(file, columns, node, keys.environment).map {
        Lookup($0.entries, otherwise: otherwise, of: file, isFile: true, ambiguous: $0.ambiguous.sorted())
      }
    }
    guard var entries = Keys(node, "lookup", keys.environment) else { return nil }
    var table: [String: String] = [:]
    for entry in entries.all() {
      if let value = keys.environment.text(entry.value, entry.name) { table[entry.name] = value }
    }
    return Lookup(table, otherwise: otherwise)
  }

  private static func table(_ file: String, _ columns: [String]?, _ node: Node, _ environment: Environment) -> KeyTable? {
    let problems = environment.problems
    let rows: [[String]]
    do throws(Datafile.Fault) {
      rows = try environment.rows(file)
    } catch {
      problems.add(node, error.message)
      return nil
    }
    guard let header = rows.first, header.count > 1 else {
      problems.add(
        node,
        "\(file) has no two columns with commas, semicolons or tabs between them; a table has what stands in rows in one, and what it stands for in another"
      )
      return nil
    }
    var places = [0, 1]
    if let columns {
      guard columns.count == 2 else {
        problems.add(node, "columns names two of the table's: what stands in rows, and what it stands for")
        return nil
      }
      places = []
      for name in columns {
        guard let place = header.firstIndex(of: name) else {
          problems.add(node, "\(file) has no column \(name)\(hint(name, header))")
          return nil
        }
        places.append(place)
      }
    }
    let pairs = rows.dropFirst().map { ($0[places[0]], $0[places[1]]) }.filter { !$0.0.isEmpty }
    return KeyTable(Array(pairs))
  }

  /// `reject`, `keep`, `absent`, or `{const: TEXT}`.
  private static func otherwise(_ keys: inout Keys) -> Lookup.Otherwise? {
    guard let node = keys.value("otherwise") else { return nil }
    if case .mapping = node {
      guard var constant = Keys(node, "otherwise", keys.environment) else { return nil }
      defer { constant.end() }
      return constant.text("const").map(Lookup.Otherwise.constant)
    }
    switch keys.environment.text(node, "otherwise") {
    case "reject": return .reject
    case "keep": return .keep
    case "absent": return .absent
    default:
      keys.environment.problems.add(node, "otherwise is reject, keep, absent, or {const: TEXT}")
      return nil
    }
  }

  /// A time, an amount of money, or a number in a form of its own.
  private static func conversion(_ keys: inout Keys, _ node: Node) -> Conversion? {
    let problems = keys.environment.problems
    let format = keys.text("format")
    let zone = keys.text("zone")
    let decimal = keys.text("decimal")
    let group = keys.text("group")
    let number = NumberFormat(decimal: decimal ?? ".", group: group)
    let unit = keys.word("unit", MoneyFormat.Unit.self)
    let exponent = keys.integer("exponent")
    let rounding = keys.word("rounding", MoneyFormat.Rounding.self)
    let steps = keys.texts("text").map { steps in steps.compactMap { step($0, &keys, node) } }
    let isTime = format != nil || zone != nil
    if let steps {
      guard !isTime, unit == nil, decimal == nil, group == nil else {
        problems.add(node, "\(keys.place) is a text by text, and something else by its other keys; it can be one of them")
        return nil
      }
      return .text(steps)
    }
    guard !isTime || (unit == nil && decimal == nil && group == nil) else {
      problems.add(node, "\(keys.place) is a time by its format or zone, and a number by its unit, decimal or group; it can be one of them")
      return nil
    }
    let conversion: Conversion
    if isTime {
      conversion = .time(format.map(TimeFormat.init) ?? .native, zone: zone)
    } else if let unit {
      conversion = .money(MoneyFormat(unit: unit, exponent: exponent ?? 2, number: number, rounding: rounding ?? .reject))
    } else {
      if exponent != nil || rounding != nil {
        problems.add(node, "exponent and rounding belong to unit (major or minor), which is not here")
      }
      guard decimal != nil || group != nil else { return nil }
      conversion = .number(number)
    }
    if let fault = conversion.fault { problems.add(node, fault) }
    return conversion
  }

  private static func step(_ word: String, _ keys: inout Keys, _ node: Node) -> TextStep? {
    if let step = TextStep(rawValue: word) { return step }
    let words = TextStep.allCases.map(\.rawValue)
    keys.environment.problems.add(node, "text is \(words.joined(separator: ", ")) or several of them, not \(word)\(hint(word, words))")
    return nil
  }
}

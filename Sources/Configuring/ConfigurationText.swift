import Normalizing
import Vocabulary

/// Writes configurations as YAML that reads as what it was made of.
///
/// Tables of a datafile stand in it as they are, so that it says all by itself.
package struct ConfigurationText {
  package private(set) var text = ""

  /// What is left out where a configuration is only looked at.
  package struct Omission: Sendable {
    /// Variables of the environment by name: their names stand where their values would.
    package var variables: [String: String] = [:]
    /// Entries of a table that are shown.
    package var tableLimit = Int.max

    package init() {}

    package init(variables: [String: String], tableLimit: Int) {
      self.variables = variables.filter { !$0.value.isEmpty }
      self.tableLimit = tableLimit
    }
  }

  @TaskLocal private static var omission = Omission()

  /// `settings` are keys with their values, in this order.
  package init(
    settings: [(key: String, value: String)], attributes: [String: String], inputs: [ConfiguredInput],
    omitting omission: Omission = Omission()
  ) {
    self = Self.$omission.withValue(omission) { Self(settings, attributes, inputs) }
  }

  private init(_ settings: [(key: String, value: String)], _ attributes: [String: String], _ inputs: [ConfiguredInput]) {
    for (key, value) in settings { text += "\(key): \(Self.scalar(value))\n" }
    if !attributes.isEmpty {
      text += "attributes:\n"
      for (key, entity) in attributes.sorted(by: { $0.key < $1.key }) { text += "  \(Self.name(key)): \(Self.scalar(entity))\n" }
    }
    text += "inputs:\n"
    for input in inputs { append(input) }
  }

  private mutating func append(_ input: ConfiguredInput) {
    var lines = ["files: \(Self.list(input.files.map(Self.scalar)))"]
    if let record = input.record { lines.append("record: \(record.word)") }
    let form = input.form
    if let format = form.format { lines.append("format: \(format.rawValue)") }
    for (key, mark) in [("delimiter", form.delimiter), ("quote", form.quote), ("comment", form.comment)] {
      if let mark { lines.append("\(key): \(mark.isEmpty ? "none" : mark == "\t" ? "tab" : Self.scalar(mark))") }
    }
    if let header = form.header { lines.append("header: \(header)") }
    if let skip = form.skip { lines.append("skip: \(skip)") }
    if let encoding = form.encoding { lines.append("encoding: \(encoding.rawValue)") }
    if let mapping = input.mapping { lines += Self.lines(mapping) }
    for (at, line) in lines.enumerated() { text += (at == 0 ? "  - " : "    ") + line + "\n" }
  }

  /// The keys of an input that say a mapping.
  private static func lines(_ mapping: Mapping) -> [String] {
    var lines = ["# \(mapping.name)"]
    func append(_ name: String, _ entries: [String]) {
      if !entries.isEmpty { lines += ["\(name):"] + entries.map { "  " + $0 } }
    }
    if let explode = mapping.explode { lines.append("explode: \(scalar(explode.description))") }
    append("fields", Field.allCases.compactMap { field in mapping.fields[field].map { "\(field.rawValue): \(value($0))" } })
    append("tags", named(mapping.tags))
    append("properties", named(mapping.properties))
    append("attributes", attributes(mapping.attributes))
    append("where", mapping.conditions.map { "- {\(name($0.source.description)): {\(test($0.test))}}" })
    if !mapping.ignored.isEmpty { lines.append("ignore: \(list(mapping.ignored.map { scalar($0.description) }))") }
    return lines
  }

  // MARK: values

  private static func value(_ source: Source, _ more: [String] = []) -> String {
    if case .path(let path) = source, more.isEmpty { return scalar(path.description) }
    return "{\((keys(source) + more).joined(separator: ", "))}"
  }

  /// The keys that say where a value comes from and what is done to it. A reader looks a value up first and converts it then; what is done in
  /// another order stands in a `first` of its own.
  private static func keys(_ source: Source) -> [String] {
    switch source {
    case .path(let path): ["from: \(scalar(path.description))"]
    case .constant(let text): ["const: \(scalar(text))"]
    case .first(let sources): ["first: \(list(sources.map { value($0) }))"]
    case .join(let sources, let separator): ["join: \(list(sources.map { value($0) }))", "separator: \(scalar(separator))"]
    case .eventID(let sources): ["from: \(list(sources.map { value($0) }))"]
    case .hashed(let inner, let salt): ["sha256: \(value(inner))", "salt: \(name(salt))"]
    case .lookup(let inner, let lookup): base(inner) + keys(lookup)
    case .converted(let inner, let conversion):
      if case .lookup(let innermost, let lookup) = inner {
        base(innermost) + keys(lookup) + keys(conversion)
      } else {
        base(inner) + keys(conversion)
      }
    }
  }

  private static func base(_ source: Source) -> [String] {
    switch source {
    case .path, .constant, .first, .join, .eventID, .hashed: keys(source)
    case .lookup, .converted: ["first: [\(value(source))]"]
    }
  }

  private static func keys(_ lookup: Lookup) -> [String] {
    let limit = omission.tableLimit
    var entries = lookup.table.sorted { $0.key < $1.key }.prefix(limit).map { "\(name($0.key)): \(scalar($0.value))" }
    if lookup.table.count > limit { entries.append("…: \(lookup.table.count - limit) more") }
    let otherwise: String =
      switch lookup.otherwise {
      case .reject: "reject"
      case .keep: "keep"
      case .absent: "absent"
      case .constant(let text): "{const: \(scalar(text))}"
      }
    return ["lookup: {\(entries.joined(separator: ", "))}", "otherwise: \(otherwise)"]
  }

  private static func keys(_ conversion: Conversion) -> [String] {
    switch conversion {
    case .time(let format, let zone):
      ["format: \(scalar(format.name))"] + (zone.map { ["zone: \(scalar($0))"] } ?? [])
    case .money(let money):
      ["unit: \(money.unit.rawValue)", "exponent: \(money.exponent)", "rounding: \(money.rounding.rawValue)"] + keys(money.number)
    case .number(let number): keys(number)
    case .text(let steps): ["text: \(list(steps.map(\.rawValue)))"]
    }
  }

  private static func keys(_ number: NumberFormat) -> [String] {
    ["decimal: \(scalar(number.decimal))"] + (number.group.map { ["group: \(scalar($0))"] } ?? [])
  }

  // MARK: lists

  private static func named(_ values: [NamedValues]) -> [String] {
    var lines: [String] = []
    var whole: [String] = []
    for values in values {
      switch values {
      case .one(let name, let source, let type):
        lines.append("\(Self.name(name)): \(value(source, type.map { ["type: \($0.rawValue)"] } ?? []))")
      case .members(let path): whole.append(scalar(path.description))
      case .pairs(let path, let name, let values):
        let paths = list(values.map { scalar($0.description) })
        whole.append("{pairs: \(scalar(path.description)), name: \(scalar(name.description)), value: \(paths)}")
      }
    }
    return lines + (whole.isEmpty ? [] : ["\"*\": \(list(whole))"])
  }

  private static func attributes(_ values: [AttributeValues]) -> [String] {
    var lines: [String] = []
    var whole: [String] = []
    for values in values {
      switch values {
      case .one(let key, let entity, let source, let type):
        let more = (type.map { ["type: \($0.rawValue)"] } ?? []) + (entity.map { ["entity_id: \(scalar($0))"] } ?? [])
        lines.append("\(name(key)): \(value(source, more))")
      case .members(let path): whole.append(scalar(path.description))
      case .elements(let path, let filters, let type, let entity, let key, let value, let entityOnlyForCustom):
        var keys = [("elements", path), ("type", type), ("entity_id", entity), ("key", key), ("value", value)].map {
          "\($0): \(scalar($1.description))"
        }
        keys.append("entity_ids: \(entityOnlyForCustom ? "custom" : "all")")
        let tests = filters.map {
          "\(name($0.path.description)): {\($0.isOneOf ? "in" : "not_in"): \(list($0.values.map(scalar)))}"
        }
        if !tests.isEmpty { keys.append("where: {\(tests.joined(separator: ", "))}") }
        whole.append("{\(keys.joined(separator: ", "))}")
      }
    }
    return lines + (whole.isEmpty ? [] : ["\"*\": \(list(whole))"])
  }

  private static func test(_ test: Condition.Test) -> String {
    switch test {
    case .isOneOf(let values): "in: \(list(values.map(scalar)))"
    case .isNoneOf(let values): "not_in: \(list(values.map(scalar)))"
    case .isEmpty: "empty: true"
    case .isNotEmpty: "empty: false"
    case .less(let number): "less: \(scalar(number))"
    case .atMost(let number): "at_most: \(scalar(number))"
    case .greater(let number): "greater: \(scalar(number))"
    case .atLeast(let number): "at_least: \(scalar(number))"
    }
  }

  private static func list(_ items: [String]) -> String { "[\(items.joined(separator: ", "))]" }

  // MARK: scalars

  /// A text as YAML that reads as that very text: as it stands when it is a plain word, else in double quotes. A dollar is doubled, as it would
  /// begin a variable.
  static func scalar(_ text: String) -> String {
    let variables = omission.variables
    guard !variables.isEmpty, variables.values.contains(where: text.contains) else { return quoted(text, dollar: "$$") }
    return "\"" + named(text[...], variables.sorted { ($0.value.count, $1.key) > ($1.value.count, $0.key) }) + "\""
  }

  /// A text inside of quotes, with the names of variables where their values stand; the longest value goes first.
  private static func named(_ text: Substring, _ variables: [(key: String, value: String)]) -> String {
    guard let (name, value) = variables.first else {
      let quoted = quoted(String(text), dollar: "$$")
      return quoted.hasPrefix("\"") ? String(quoted.dropFirst().dropLast()) : quoted
    }
    return text.split(separator: value, omittingEmptySubsequences: false).map { named($0, Array(variables.dropFirst())) }
      .joined(separator: "${\(name)}")
  }

  /// A key as YAML; no variables stand in keys.
  static func name(_ text: String) -> String { quoted(text, dollar: "$") }

  private static func quoted(_ text: String, dollar: String) -> String {
    let first = text.unicodeScalars.first
    let isWord =
      first.map { $0.isASCII && ($0.properties.isAlphabetic || $0 == "_" || $0 == "/") } == true
      && text.unicodeScalars.allSatisfy { $0.isASCII && ($0.properties.isAlphabetic || "0123456789_-./".unicodeScalars.contains($0)) }
    if isWord, !reserved.contains(text.lowercased()) { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "$": quoted += dollar
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      default:
        if isPrintable(scalar) {
          quoted.unicodeScalars.append(scalar)
        } else {
          let digits = String(scalar.value, radix: 16)
          quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        }
      }
    }
    return quoted + "\""
  }

  /// Words that YAML takes for something else than a text.
  private static let reserved: Set<String> = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "none", "tab"]

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate: false
    default: true
    }
  }
}

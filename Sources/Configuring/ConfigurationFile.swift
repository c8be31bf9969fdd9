package import Normalizing
package import Vocabulary
import Yams

/// An input as a configuration names it.
package struct ConfiguredInput: Sendable, Equatable {
  /// Files, folders and patterns as they are written; relative ones count from the configuration's folder.
  package var files: [String]
  package var record: RecordKind?
  package var form: InputForm
  /// How its rows become records; nil when it does not say.
  package var mapping: Mapping?

  package init(files: [String], record: RecordKind? = nil, form: InputForm = InputForm(), mapping: Mapping? = nil) {
    self.files = files
    self.record = record
    self.form = form
    self.mapping = mapping
  }
}

/// A configuration: one YAML document.
///
///     account_id: "12001"
///     endpoint: eu
///     inputs:
///       - files: exports/*.csv
///         record: conversion
///         fields: {visitor_id: user, entity_id: {from: event, lookup: {bought: "9"}}, timestamp: {from: at, zone: Europe/Paris}}
package struct ConfigurationFile: Sendable, Equatable {
  /// The values of settings by their keys, as texts: lists with commas between. A setting is a flag with `_` for `-`.
  package var settings: [String: String] = [:]
  /// The lines where they stand.
  package var settingLines: [String: Int] = [:]
  /// Entity ids of custom attributes by key.
  package var attributes: [String: String] = [:]
  package var inputs: [ConfiguredInput] = []

  /// Reads a configuration. `settings` are the keys that it may have besides `inputs` and `attributes`; `datafile` reads the datafile that the key of this name says, which turns keys into ids, and `rows` a CSV
  /// file that a table is made of.
  /// Throws everything that is wrong with it.
  package init(
    _ text: String, file: String, settings names: [String], variables: [String: String],
    datafile: (String?) throws(Datafile.Fault) -> Datafile? = { _ throws(Datafile.Fault) in nil },
    rows: ((String) throws(Datafile.Fault) -> [[String]])? = nil
  ) throws(ConfigurationFault) {
    let problems = Problems()
    var environment = Environment(variables: variables, problems: problems)
    if let rows { environment.rows = rows }
    guard let root = try ConfigurationFile.compose(text, file) else {
      throw ConfigurationFault(file: file, problems: [.init(line: 0, message: "the configuration is empty; it needs at least inputs")])
    }
    if var keys = Keys(root, "the configuration", environment) {
      for name in names {
        guard let value = keys.value(name) else { continue }
        let texts = environment.texts(value, name)
        if texts.contains(where: { $0.contains(",") }), case .sequence = value {
          problems.add(value, "\(name) has a comma in one of its values; leave it out")
        }
        settings[name] = texts.joined(separator: ",")
        settingLines[name] = value.mark?.line
      }
      let named = keys.value("datafile")
      do throws(Datafile.Fault) {
        environment.datafile = try datafile(named.flatMap { environment.text($0, "datafile") })
      } catch {
        problems.add(named ?? root, error.message)
      }
      if var attributes = keys.keys("attributes") {
        for entry in attributes.all() { self.attributes[entry.name] = environment.text(entry.value, entry.name) }
      }
      readInputs(&keys, root, environment)
      keys.end()
    }
    if let fault = problems.fault(file) { throw fault }
  }

  /// What a configuration says of one of its keys, before it is read: where its datafile lies and how to get there. Nil when it does not say.
  /// What is wrong with it is told when it is read.
  package static func said(of key: String, _ text: String, variables: [String: String]) -> String? {
    let environment = Environment(variables: variables, problems: Problems())
    guard let root = try? compose(text, ""), var keys = Keys(root, "", environment) else { return nil }
    return keys.text(key)
  }

  static func compose(_ text: String, _ file: String) throws(ConfigurationFault) -> Node? {
    func fault(_ line: Int, _ message: String) -> ConfigurationFault {
      ConfigurationFault(file: file, problems: [.init(line: line, message: message)])
    }
    do {
      let root = try Yams.compose(yaml: text)
      if let root, hasMoreValues(root, than: text.utf8.count + mostAliased) {
        throw fault(0, "its aliases, written out, are more than \(mostAliased) values; name fewer of them with *")
      }
      return root
    } catch let fault as ConfigurationFault {
      throw fault
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
        throw fault(mark.line, "this is not YAML: \(problem)")
      case .duplicatedKeysInMapping(let names, let context):
        throw fault(context.mark.line, "the key \(names.joined(separator: ", ")) stands here more than once; leave one")
      case .reader(let problem, _, _, _): throw fault(0, "this is not text in UTF-8: \(problem)")
      default: throw fault(0, "this cannot be read as YAML: \(error)")
      }
    } catch {
      throw fault(0, "this cannot be read as YAML: \(error)")
    }
  }

  /// Values that aliases may stand for in all. An alias of aliases of aliases stands for billions in a few lines, and each would be read.
  private static let mostAliased = 100_000

  private static func hasMoreValues(_ root: Node, than limit: Int) -> Bool {
    var left = limit
    var open = [root]
    while let node = open.popLast() {
      left -= 1
      if left < 0 { return true }
      switch node {
      case .mapping(let mapping): for (key, value) in mapping { open += [key, value] }
      case .sequence(let sequence): open += sequence
      default: break
      }
    }
    return false
  }

  private mutating func readInputs(_ keys: inout Keys, _ root: Node, _ environment: Environment) {
    guard let node = keys.value("inputs") else {
      environment.problems.add(root, "the configuration has no inputs: a list of files and how they are read")
      return
    }
    guard case .sequence(let nodes) = node, !nodes.isEmpty else {
      environment.problems.add(node, "inputs is a list, each with files; begin each with a hyphen")
      return
    }
    for node in nodes {
      guard var input = Keys(node, "an input", environment) else { continue }
      let before = environment.problems.all.count
      let files = input.texts("files") ?? []
      if files.isEmpty, environment.problems.all.count == before {
        environment.problems.add(node, "an input has no files; name some, or - for standard input")
      }
      let record = input.word("record", RecordWord.self)
      let form = ConfigurationFile.form(&input)
      let mapping = MappingKeys.read(&input)
      input.end()
      // What could not be read is not missing as well.
      if let mapping, environment.problems.all.count == before { ConfigurationFile.check(mapping, record?.kind, node, environment) }
      inputs.append(ConfiguredInput(files: files, record: record?.kind, form: form, mapping: mapping))
    }
  }

  private enum RecordWord: String, CaseIterable {
    case decision, conversion
    var kind: RecordKind { self == .decision ? .decision : .conversion }
  }

  private static func form(_ input: inout Keys) -> InputForm {
    let environment = input.environment
    var form = InputForm()
    form.format = input.word("format", InputFormat.self)
    form.delimiter = mark(&input, "delimiter")
    form.quote = mark(&input, "quote")
    form.comment = mark(&input, "comment")
    form.header = input.boolean("header")
    if let node = input.value("skip"), let lines = input.integer("skip") {
      if !(0...Limits.skippedLines).contains(lines) {
        environment.problems.add(node, "skip is a number of lines from 0 to \(Limits.skippedLines), not \(lines)")
      }
      form.skip = lines
    }
    form.encoding = input.word("encoding", TextEncoding.self)
    return form
  }

  /// One character, `tab`, or `none`.
  private static func mark(_ input: inout Keys, _ key: String) -> String? {
    guard let node = input.value(key), let text = input.environment.text(node, key) else { return nil }
    switch text {
    case "tab", "\t": return "\t"
    case "none" where key == "quote": return ""
    default:
      if text.utf8.count == 1, text != "\n", text != "\r" { return text }
      input.environment.problems.add(node, "\(key) is one character, or tab\(key == "quote" ? ", or none" : "")")
      return nil
    }
  }

  /// What a mapping lacks whatever its input holds.
  private static func check(_ mapping: Mapping, _ kind: RecordKind?, _ node: Node, _ environment: Environment) {
    func require(_ fields: [Field], _ what: String) {
      for field in fields where mapping.fields[field] == nil {
        environment.problems.add(node, "the fields have no \(field.rawValue), which every \(what) needs")
      }
    }
    require([.visitor, .timestamp], "record")
    if kind == .decision { require([.campaign], "decision") }
    if kind == .conversion { require([.entity], "conversion") }
    if kind == nil, mapping.fields[.record] == nil, mapping.fields[.campaign] == nil, mapping.fields[.entity] == nil {
      environment.problems.add(
        node, "the fields have neither entity_id, which conversions need, nor campaign_id, which decisions need; map one of them")
    }
  }
}

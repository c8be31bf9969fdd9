import Normalizing
import Vocabulary
import Yams

/// The keys and values of one place of a configuration. Each key is asked for by name, and `end` finds those that nobody asked for.
struct Keys {
  /// What messages call the place: `fields`, `inputs`.
  let place: String
  let environment: Environment
  private var pairs: [(key: Node, value: Node)]
  private var asked: [String] = []

  /// The keys of a node; nil, and a problem, when it has none.
  init?(_ node: Node, _ place: String, _ environment: Environment) {
    guard case .mapping(let mapping) = node else {
      environment.problems.add(node, "\(place) has keys and values, and here stands \(node.words)")
      return nil
    }
    self.place = place
    self.environment = environment
    pairs = mapping.map { ($0.key, $0.value) }
  }

  var names: Set<String> { Set(pairs.compactMap { $0.key.scalar?.string }) }

  /// Takes keys away, whatever they say.
  mutating func leaveOut(_ names: Set<String>) { pairs.removeAll { names.contains($0.key.scalar?.string ?? "") } }

  /// All keys, in their order. Nothing is left to be asked for.
  mutating func all() -> [(name: String, key: Node, value: Node)] {
    let all = pairs.map { ($0.key.scalar?.string ?? "", $0.key, $0.value) }
    asked += all.map(\.0)
    return all
  }

  /// The value of a key; nil when it is not there, or is `null`.
  mutating func value(_ name: String) -> Node? {
    asked.append(name)
    guard let value = pairs.first(where: { $0.key.scalar?.string == name })?.value, !value.isNull else { return nil }
    return value
  }

  mutating func text(_ name: String) -> String? { value(name).flatMap { environment.text($0, name) } }

  /// A text or several.
  mutating func texts(_ name: String) -> [String]? { value(name).map { environment.texts($0, name) } }

  mutating func keys(_ name: String) -> Keys? { value(name).flatMap { Keys($0, name, environment) } }

  mutating func integer(_ name: String) -> Int? {
    guard let node = value(name), let text = environment.text(node, name) else { return nil }
    guard let number = Int(text) else {
      environment.problems.add(node, "\(name) is a whole number, not \(text)")
      return nil
    }
    return number
  }

  mutating func boolean(_ name: String) -> Bool? {
    guard let node = value(name), let text = environment.text(node, name) else { return nil }
    switch text {
    case "true": return true
    case "false": return false
    default:
      environment.problems.add(node, "\(name) is true or false, not \(text)")
      return nil
    }
  }

  /// One of a few words.
  mutating func word<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type) -> Word? where Word.RawValue == String {
    guard let node = value(name), let text = environment.text(node, name) else { return nil }
    if let word = Word(rawValue: text) { return word }
    let words = Word.allCases.map(\.rawValue)
    environment.problems.add(node, "\(name) is \(words.joined(separator: ", ")), not \(text)\(hint(text, words))")
    return nil
  }

  /// Reports the keys that nobody asked for.
  func end() {
    for (key, _) in pairs {
      let name = key.scalar?.string ?? ""
      guard !asked.contains(name) else { continue }
      environment.problems.add(key, "\"\(name)\" is no key of \(place)\(hint(name, asked))")
    }
  }
}

/// The closest of some words, as a question at the end of a message.
func hint(_ word: String, _ words: [String]) -> String { closest(to: word, among: words).map { "; did you mean \($0)?" } ?? "" }

/// What values may refer to, and where what is wrong with them is told.
struct Environment {
  let variables: [String: String]
  var datafile: Datafile?
  /// Reads a CSV file that a table is made of: its header, and rows with as many cells.
  var rows: (String) throws(Datafile.Fault) -> [[String]] = { file throws(Datafile.Fault) in
    throw Datafile.Fault("\(file) cannot be read here")
  }
  let problems: Problems

  /// A scalar's own text with its variables put in: `${NAME}`, `${NAME:-otherwise}`, and `$$` for a dollar. Nothing is taken for a number or
  /// a yes on the way, so ids keep their digits.
  func text(_ node: Node, _ name: String) -> String? {
    guard case .scalar(let scalar) = node else {
      problems.add(node, "\(name) is one value, and here stands \(node.words)")
      return nil
    }
    return expanded(scalar.string, node)
  }

  func texts(_ node: Node, _ name: String) -> [String] {
    guard case .sequence(let nodes) = node else { return text(node, name).map { [$0] } ?? [] }
    return nodes.compactMap { text($0, name) }
  }

  private func expanded(_ text: String, _ node: Node) -> String? {
    if text == "?" {
      problems.add(node, "this question is not answered yet: write what stands for the \"?\"")
      return nil
    }
    switch Variables.expand(text, variables) {
    case .text(let text): return text
    case .missing(let name):
      problems.add(node, "the environment variable \(name) is not set; set it, or write ${\(name):-otherwise}")
      return nil
    }
  }
}

extension Node {
  /// An empty value or `null`, written plainly.
  var isNull: Bool {
    guard case .scalar(let scalar) = self, scalar.style == .plain || scalar.style == .any else { return false }
    return ["", "~", "null"].contains(scalar.string)
  }

  /// What stands there, for messages.
  var words: String {
    switch self {
    case .scalar: "one value"
    case .mapping: "keys and values"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }
}

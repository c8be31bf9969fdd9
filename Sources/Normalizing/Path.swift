/// The way to a value in a row: the names of nested JSON members, which a CSV column spells with dots between them.
///
///     user.id                       the member `id` of the member `user`, or the column or member of that very name
///     items[0].price                the first element of a list
///     params[key='page'].value      the first element whose `key` is that text
///     decisions[id=event.test].arm  the first element whose `id` is what another path leads to, from the row's beginning
package struct Path: Sendable, Hashable, Codable, CustomStringConvertible {
  package indirect enum Step: Sendable, Hashable {
    case member(String)
    /// An element of a list by its index, from 0.
    case element(Int)
    /// The first element of a list whose member is a text, or what a path leads to.
    case text(member: String, String)
    case path(member: String, Path)
  }

  /// As it was written.
  package let description: String
  package let steps: [Step]

  /// The member or column of this very name.
  package init(name: String) {
    description = name
    steps = [.member(name)]
  }

  /// A bracket that is neither an index nor a choice is part of a name.
  package init(_ text: String) { self.init(text, depth: 0) }

  private init(_ text: String, depth: Int) {
    description = text
    var steps: [Step] = []
    var rest = text[...]
    while true {
      let (name, brackets, after) = Path.part(rest, depth)
      steps.append(.member(String(name)))
      steps += brackets
      guard let next = after else { break }
      rest = next
    }
    self.steps = steps
  }

  package init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// The first name of a path with the brackets behind it, and what follows the dot behind them.
  private static func part(_ text: Substring, _ depth: Int) -> (name: Substring, brackets: [Step], rest: Substring?) {
    let dot = text.firstIndex(of: ".") ?? text.endIndex
    if let open = text.firstIndex(of: "["), open < dot, open > text.startIndex {
      var brackets: [Step] = []
      var rest = text[open...]
      while rest.hasPrefix("["), let end = close(rest), let step = step(rest[rest.index(after: rest.startIndex)..<end], depth) {
        brackets.append(step)
        rest = rest[rest.index(after: end)...]
      }
      if rest.isEmpty { return (text[..<open], brackets, nil) }
      if rest.hasPrefix(".") { return (text[..<open], brackets, rest.dropFirst()) }
    }
    return (text[..<dot], [], dot < text.endIndex ? text[text.index(after: dot)...] : nil)
  }

  /// So deep a choice may hold a path that chooses itself.
  private static let nesting = 4

  /// Where the bracket that a text begins with is closed, outside of quotes.
  private static func close(_ text: Substring) -> Substring.Index? {
    var depth = 0
    var isQuoted = false
    for at in text.indices {
      switch text[at] {
      case "'": isQuoted.toggle()
      case "[" where !isQuoted: depth += 1
      case "]" where !isQuoted:
        depth -= 1
        if depth == 0 { return at }
      default: break
      }
    }
    return nil
  }

  private static func step(_ inside: Substring, _ depth: Int) -> Step? {
    let isNumber = !inside.isEmpty && inside.utf8.allSatisfy { (0x30...0x39).contains($0) }
    if isNumber { return Int(inside).map(Step.element) }
    guard let equals = inside.firstIndex(of: "="), equals > inside.startIndex else { return nil }
    let member = String(inside[..<equals])
    let value = inside[inside.index(after: equals)...]
    guard !member.contains("'"), !value.isEmpty else { return nil }
    if value.hasPrefix("'") {
      guard value.count > 1, value.hasSuffix("'") else { return nil }
      return .text(member: member, String(value.dropFirst().dropLast()))
    }
    if value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return .text(member: member, String(value)) }
    return depth < Path.nesting ? .path(member: member, Path(String(value), depth: depth + 1)) : nil
  }
}

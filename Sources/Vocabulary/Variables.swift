/// Puts variables into texts: `${NAME}`, `${NAME:-otherwise}`, and `$$` for a dollar. An empty variable counts as one that is not there.
package enum Variables {
  package enum Outcome: Sendable, Equatable {
    case text(String)
    /// The variable of this name is not there, and nothing says what to take instead.
    case missing(String)
  }

  package static func expand(_ text: String, _ variables: [String: String]) -> Outcome {
    guard text.contains("$") else { return .text(text) }
    var result = ""
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      if rest.hasPrefix("$") {
        result += "$"
        rest = rest.dropFirst()
      } else if rest.hasPrefix("{"), let end = rest.firstIndex(of: "}") {
        let inside = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
        let parts = inside.split(separator: ":-", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        if let value = variables[name], !value.isEmpty {
          result += value
        } else if parts.count == 2 {
          result += parts[1]
        } else {
          return .missing(name)
        }
      } else {
        result += "$"
      }
    }
    return .text(result + rest)
  }
}

import Yams

/// What is wrong with a configuration, line by line.
package struct ConfigurationFault: Error, Sendable, Equatable, CustomStringConvertible {
  package struct Problem: Sendable, Equatable {
    /// Counted from 1; 0 when the file as a whole is meant.
    package var line: Int
    package var message: String
  }

  package var file: String
  /// In the order of lines.
  package var problems: [Problem]

  /// A line each: `import.yaml:17: "visitor" is no key of fields; did you mean visitor_id?`
  package var description: String {
    problems.map { $0.line == 0 ? "\(file): \($0.message)" : "\(file):\($0.line): \($0.message)" }.joined(separator: "\n")
  }
}

/// Collects what is wrong, so that all of it is told at once.
final class Problems {
  private(set) var all: [ConfigurationFault.Problem] = []

  /// So many are told at once.
  static let most = 20

  func add(_ node: Node, _ message: String) { add(node.mark?.line ?? 0, message) }

  func add(_ line: Int, _ message: String) {
    all.append(ConfigurationFault.Problem(line: line, message: message))
  }

  func fault(_ file: String) -> ConfigurationFault? {
    guard !all.isEmpty else { return nil }
    let sorted = all.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }.map(\.element)
    return ConfigurationFault(file: file, problems: Array(sorted.prefix(Problems.most)))
  }
}

import Disk
import Foundation
package import Vocabulary

/// The inputs as a command names them, patterns and all.
package struct NamedInputs: Sendable {
  /// Inputs whose rows say what they are.
  package var files: [String]
  package var decisions: [String]
  package var conversions: [String]

  package init(files: [String] = [], decisions: [String] = [], conversions: [String] = []) {
    self.files = files
    self.decisions = decisions
    self.conversions = conversions
  }

  /// The inputs by absolute path, in one order however they were named, so that the same files are the same command. A pattern that matches
  /// nothing stays as it is: whoever opens it finds that it is missing, which is told when its turn comes and not before. Throws 66 for a
  /// match that lies outside of the pattern's folder, 64 for no input, too many, or one that is named as both kinds.
  package func resolved() throws(RunFailure) -> [ImportSpecification.Input] {
    var inputs: [String: ImportSpecification.Input] = [:]
    for (names, kind) in [(files, nil), (decisions, RecordKind.decision), (conversions, RecordKind.conversion)] {
      for name in names {
        for path in try paths(name) {
          if let other = inputs[path], other.kind != kind {
            throw RunFailure(.usage, "\(visibleName(path)) is named twice, as different kinds of input; name it once")
          }
          inputs[path] = ImportSpecification.Input(path: path, record: kind)
        }
      }
    }
    guard !inputs.isEmpty else {
      throw RunFailure(.usage, "no input is named; name files, or - for standard input")
    }
    guard inputs.count <= Limits.inputs else {
      throw RunFailure(.usage, "\(inputs.count) inputs are named, and a run takes \(Limits.inputs) at most; import them in parts")
    }
    return inputs.values.sorted { Array($0.path.utf8).lexicographicallyPrecedes(Array($1.path.utf8)) }
  }

  private func paths(_ name: String) throws(RunFailure) -> [String] {
    if name == "-" { return ["-"] }
    if Folder.exists(name) || !isPattern(name) { return [absolute(name)] }
    let matches = Folder.matches(name)
    guard !matches.isEmpty else { return [absolute(name)] }
    // What a pattern names was put there by anybody who may write there, and so was a link to a file that only its reader may see.
    let home = realPath(fixedFolder(name))
    for path in matches where !realPath(path).hasPrefix(home == "/" ? home : home + "/") {
      throw RunFailure(
        .inputUnreadable,
        "\(visibleName(path)) matches the pattern \(visibleName(name)) and leads out of its folder, through a link; name the file that is meant, "
          + "or make the pattern narrower")
    }
    return matches.map(absolute)
  }

  /// The folder that a pattern begins with, before anything in it stands for many names.
  private func fixedFolder(_ pattern: String) -> String {
    let fixed = pattern.split(separator: "/", omittingEmptySubsequences: false).prefix { !isPattern($0) }
    return fixed.isEmpty ? "." : fixed.joined(separator: "/") + "/"
  }

  /// Where a path leads when all links are followed.
  private func realPath(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }

  private func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
}

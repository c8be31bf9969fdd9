package import Normalizing

/// Mappings that come with the program: texts as a configuration's inputs have them, to print, to change, and nothing else.
package enum Presets {
  /// In the order in which they are told.
  package static var names: [String] { all.map(\.name) }

  private static let all: [(name: String, text: String)] = [
    ("native", nativeText), ("events-export", eventsExportText), ("sdk-log", sdkLogText), ("segment", segmentText), ("ga4", ga4Text),
  ]

  /// A preset's text: the keys of an input, with comments, and a row as an example. Nil when there is none of that name.
  package static func text(_ name: String) -> String? { all.first { $0.name == name }?.text }

  /// A configuration whose only input is read by a preset, to begin an own one with. Nil when there is none of that name.
  package static func configuration(_ name: String) -> String? {
    guard let text = text(name) else { return nil }
    let keys = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "    " + $0 }.joined(separator: "\n")
    return """
      # The preset \(name), to be changed.
      account_id: ${ACCOUNT_ID}
      # The project's datafile, which turns keys into ids:
      # datafile: datafile.json
      inputs:
        - files: ${FILES}
      \(keys)
      """
  }

  /// The paths of a mapping that its preset does not name: what a configuration's author has written.
  package static func ownPaths(of mapping: Mapping) -> [[Path]] {
    if mapping.isPreset { return [] }
    guard let base = names.first(where: { mapping.name == changed($0) }) else { return mapping.watchedPaths }
    // No path depends on what a datafile says.
    guard let datafile = try? Datafile(Array("{}".utf8)), let preset = try? self.mapping(base, datafile: datafile) else {
      preconditionFailure("an empty object is a datafile, with which each preset can be read")
    }
    let known = Set(preset.watchedPaths)
    return mapping.watchedPaths.filter { !known.contains($0) }
  }

  /// What a mapping is called that begins with a preset.
  static func changed(_ name: String) -> String { name + ", changed" }

  /// The mapping of a preset. `replaced` are fields that are mapped otherwise, whose values in the preset are left alone. Throws when a field
  /// turns keys into ids and there is no datafile. The name must be one of `names`.
  package static func mapping(
    _ name: String, datafile: Datafile?, replacing replaced: Set<String> = []
  ) throws(Datafile.Fault) -> Mapping {
    guard let text = text(name) else { preconditionFailure("there is no preset \(name)") }
    let problems = Problems()
    let environment = Environment(variables: [:], datafile: datafile, problems: problems)
    var mapping: Mapping?
    do throws(ConfigurationFault) {
      if let node = try ConfigurationFile.compose(text, name), var keys = Keys(node, "the preset", environment) {
        mapping = MappingKeys.read(preset: name, &keys, replacing: replaced)
        keys.end()
      }
    } catch {
      preconditionFailure("the preset \(name) is not YAML: \(error)")
    }
    if let fault = problems.fault(name) {
      // Nothing else can be missing: the texts are ours, and a test reads each of them with a datafile.
      precondition(datafile == nil, "the preset \(name) cannot be read: \(fault)")
      throw Datafile.Fault(
        "the preset \(name) turns keys into ids by the project's datafile; name it with --datafile (or the key datafile), or map these "
          + "fields yourself")
    }
    guard let mapping else { preconditionFailure("the preset \(name) maps nothing") }
    return mapping
  }
}

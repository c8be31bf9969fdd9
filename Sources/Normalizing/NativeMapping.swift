extension Mapping {
  /// Rows whose columns or members are named as in the API.
  package static let native: Mapping = {
    var native = rows
    native.isPreset = true
    return native
  }()

  private static let rows = Mapping(
    name: "native",
    fields: Dictionary(
      uniqueKeysWithValues: Field.allCases.filter { $0 != .account }.map { ($0, Source.path(Path(name: $0.rawValue))) }),
    tags: [.members(of: "tags")],
    properties: [.members(of: "properties")],
    attributes: [
      .members(of: "attributes"),
      .elements(
        of: "attributes", filters: [], type: "type", entity: "entity_id", key: "key", value: "value", entityOnlyForCustom: false),
    ])
}

extension Path: ExpressibleByStringLiteral {
  package init(stringLiteral text: String) { self.init(text) }
}

// Lists and objects of a row that go into its native row as they are.

extension NamedValues {
  /// Where a whole list or object lies; nil for a value of its own.
  var wholePath: Path? {
    switch self {
    case .members(let path), .pairs(let path, _, _): path
    case .one: nil
    }
  }

  func moved(to path: Path) -> NamedValues {
    switch self {
    case .members: .members(of: path)
    case .pairs(_, let name, let value): .pairs(of: path, name: name, value: value)
    case .one: self
    }
  }
}

extension AttributeValues {
  var wholePath: Path? {
    switch self {
    case .members(let path), .elements(let path, _, _, _, _, _, _): path
    case .one: nil
    }
  }

  func moved(to path: Path) -> AttributeValues {
    switch self {
    case .members: .members(of: path)
    case .elements(_, let filters, let type, let entity, let key, let value, let entityOnlyForCustom):
      .elements(
        of: path, filters: filters, type: type, entity: entity, key: key, value: value, entityOnlyForCustom: entityOnlyForCustom)
    case .one: self
    }
  }
}

extension Mapping {
  /// The objects and lists that it takes as they are.
  var wholePaths: [Path] { (tags + properties).compactMap(\.wholePath) + attributes.compactMap(\.wholePath) }
}

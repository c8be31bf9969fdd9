/// Where a mapping's named values lie in JSON rows.
struct MemberLists: Sendable {
  struct Pairs: Sendable {
    var way: MemberTable.Way
    /// Nil for the members of an object.
    var name: [[UInt8]]?
    var value: [[UInt8]]
  }

  struct Elements: Sendable {
    var way: MemberTable.Way
    var filters: [(path: [[UInt8]], isOneOf: Bool, values: [[UInt8]])]
    var type, entity, key, value: [[UInt8]]
    var entityOnlyForCustom: Bool
  }

  var tags: [Pairs] = []
  var properties: [Pairs] = []
  var attributeMembers: [MemberTable.Way] = []
  var attributeElements: [Elements] = []

  init(_ mapping: Mapping, _ members: inout MemberTable) {
    func bytes(_ path: Path) -> [[UInt8]] { path.names.map { Array($0.utf8) } }
    func bind(_ values: NamedValues) -> Pairs? {
      switch values {
      case .members(let path): Pairs(way: members.way(to: path), name: nil, value: [])
      case .pairs(let path, let name, let value): Pairs(way: members.way(to: path), name: bytes(name), value: bytes(value))
      case .one: nil
      }
    }
    tags = mapping.tags.compactMap(bind)
    properties = mapping.properties.compactMap(bind)
    for values in mapping.attributes {
      switch values {
      case .members(let path): attributeMembers.append(members.way(to: path))
      case .one: break
      case .elements(let path, let filters, let type, let entity, let key, let value, let onlyForCustom):
        attributeElements.append(
          Elements(
            way: members.way(to: path),
            filters: filters.map { (bytes($0.path), $0.isOneOf, $0.values.map { Array($0.utf8) }) },
            type: bytes(type), entity: bytes(entity), key: bytes(key), value: bytes(value), entityOnlyForCustom: onlyForCustom))
      }
    }
  }
}

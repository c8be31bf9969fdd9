/// Where a mapping's named values lie in JSON rows.
struct MemberLists: Sendable {
  struct Pairs: Sendable {
    var way: MemberTable.Way
    /// Nil for the members of an object.
    var name: [MemberTable.Step]?
    /// The first of these that leads to a value.
    var values: [[MemberTable.Step]]
  }

  struct Elements: Sendable {
    var way: MemberTable.Way
    var filters: [(path: [MemberTable.Step], isOneOf: Bool, values: [[UInt8]])]
    var type, entity, key, value: [MemberTable.Step]
    var entityOnlyForCustom: Bool
  }

  var tags: [Pairs] = []
  var properties: [Pairs] = []
  var attributeMembers: [MemberTable.Way] = []
  var attributeElements: [Elements] = []

  init(_ mapping: Mapping, _ members: inout MemberTable) {
    func steps(_ path: Path) -> [MemberTable.Step] { members.steps(of: path) }
    func bind(_ values: NamedValues) -> Pairs? {
      switch values {
      case .members(let path): Pairs(way: members.way(to: path), name: nil, values: [])
      case .pairs(let path, let name, let value):
        Pairs(way: members.way(to: path), name: steps(name), values: value.map { members.steps(of: $0) })
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
            filters: filters.map { (steps($0.path), $0.isOneOf, $0.values.map { Array($0.utf8) }) },
            type: steps(type), entity: steps(entity), key: steps(key), value: steps(value), entityOnlyForCustom: onlyForCustom))
      }
    }
  }
}

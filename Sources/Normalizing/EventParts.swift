import Bytes
import EventAPI
import Vocabulary

/// The texts of one event's attributes, tags, properties and metadata, each in one order, in memory that is used again for each row.
struct EventParts: ~Copyable {
  /// What the ranges below point into.
  var arena = ByteArena(limit: 256 << 20)
  private var list: [Part] = []
  private(set) var attributes = 0..<0
  private(set) var tags = 0..<0
  /// The tags with every number in its one canonical form, for derived ids.
  private(set) var canonicalTags = 0..<0
  private(set) var properties = 0..<0
  var hasAttributes = false
  var hasTags = false
  var hasProperties = false
  /// Whether the row's tags hold a number, which has other spellings.
  private var hasNumber = false
  /// Where the canonical texts of one row must end.
  private var canonicalEnd = 0
  /// Attributes left out so far because their entity id is not known.
  private(set) var droppedCount = 0

  mutating func begin() {
    arena.removeAll()
    attributes = 0..<0
    tags = 0..<0
    canonicalTags = 0..<0
    properties = 0..<0
    hasAttributes = false
    hasTags = false
    hasProperties = false
  }

  // MARK: JSON members and lists

  /// No body could hold more, and nothing else bounds what derived ids are made from.
  func requireRoom(_ bytes: Int) throws(Reject) {
    guard bytes <= Limits.bodyBytes else {
      throw Reject(
        .eventTooLarge,
        "attributes, tags and properties are larger than a body of \(Limits.bodyBytes) bytes; shorten them")
    }
  }

  mutating func addMembers(
    _ lists: borrowing MemberLists, _ members: borrowing MemberTable, _ known: borrowing CustomAttributes, _ row: Span<UInt8>,
    _ tape: borrowing RowTape, canonical: Bool
  ) throws(Reject) {
    let nodes = tape.nodes.span
    if !list.isEmpty { list.removeAll(keepingCapacity: true) }
    let ways = lists.attributeMembers.span
    for at in ways.indices {
      let node = members.node(at: ways[at], row, tape)
      guard node >= 0 else { continue }
      if nodes[node].kind == .object {
        try addCustomAttributes(node, known, row, tape)
      } else if lists.attributeElements.isEmpty {
        throw Reject(.wrongType, column: "attributes", "attributes are an object of keys and values")
      }
    }
    let elements = lists.attributeElements.span
    for at in elements.indices {
      let node = members.node(at: elements[at].way, row, tape)
      guard node >= 0, nodes[node].kind != .object || lists.attributeMembers.isEmpty else { continue }
      try addAttributes(node, elements[at], members, known, row, tape)
    }
    attributes = endList(&list, open: 0x5b, close: 0x5d, into: &arena)
    hasNumber = false
    tags = try addNamed(lists.tags.span, members, row, tape, canonical: false, onlyText: false)
    let hasNumber = hasNumber
    properties = try addNamed(lists.properties.span, members, row, tape, canonical: false, onlyText: true)
    hasAttributes = !attributes.isEmpty
    hasTags = !tags.isEmpty
    hasProperties = !properties.isEmpty
    try requireRoom(attributes.count + tags.count + properties.count)
    canonicalTags = tags
    guard canonical, hasNumber else { return }
    canonicalEnd = arena.count + 2 * Limits.rowBytes
    canonicalTags = try addNamed(lists.tags.span, members, row, tape, canonical: true, onlyText: false)
  }

  /// Begins a part of the list: its bracket or comma, which the limit of canonical texts does not count.
  @inline(__always)
  private mutating func beginPart(open: UInt8) -> Int {
    arena.append(list.isEmpty ? open : 0x2c)
    canonicalEnd += 1
    return arena.count
  }

  private mutating func addCustomAttributes(
    _ object: Int, _ known: borrowing CustomAttributes, _ row: Span<UInt8>, _ tape: borrowing RowTape
  ) throws(Reject) {
    let nodes = tape.nodes.span
    var at = object + 1
    while at < nodes[object].next {
      let name = row.extracting(nodes[at].range)
      let value = at + 1
      at = nodes[value].next
      if nodes[value].kind == .null { continue }
      if known.dropsOthers, known.entity(of: name) == nil {
        droppedCount += 1
        continue
      }
      try requireKey(name)
      let start = beginPart(open: 0x5b)
      guard known.appendHead(of: name, into: &arena) else { throw unknownAttribute(name) }
      let headEnd = arena.count
      try appendScalar(value, "attributes", row, tape, canonical: false)
      arena.append(0x7d)
      // Of members with one name the last counts, whatever their values.
      list.append(Part(name: start..<headEnd, text: start..<arena.count))
    }
  }

  private func unknownAttribute(_ name: Span<UInt8>) -> Reject {
    let key = text(name)
    return Reject(
      .unknownAttribute, column: "attributes.\(key)",
      "the entity id of this custom attribute is not known; pass --attribute '\(key)=ENTITY_ID', or --unknown-attributes drop to leave out "
        + "all whose id is not known")
  }

  private func requireKey(_ key: Span<UInt8>) throws(Reject) {
    guard isAttributeKey(key) else {
      throw Reject(
        .badKey, column: "attributes",
        "an attribute's key has at most \(Limits.attributeKeyCharacters) letters, digits, spaces, and _ - .; rename it")
    }
  }

  private mutating func addAttributes(
    _ array: Int, _ elements: MemberLists.Elements, _ members: borrowing MemberTable, _ known: borrowing CustomAttributes,
    _ row: Span<UInt8>, _ tape: borrowing RowTape
  ) throws(Reject) {
    guard tape.nodes[array].kind == .array else {
      throw Reject(
        .wrongType, column: "attributes", "attributes are an object of keys and values, or a list of attribute objects")
    }
    var element = array + 1
    while element < tape.nodes[array].next {
      defer { element = tape.nodes[element].next }
      guard tape.nodes[element].kind == .object else {
        throw Reject(.badAttribute, column: "attributes", "an element of the list is not an attribute object")
      }
      guard passes(elements, element, members, row, tape) else { continue }
      let value = members.node(elements.value.span, of: element, row, tape)
      if value < 0 { continue }
      let type = try textMember(elements.type, of: element, members, row, tape)
      let isCustom = same(row.extracting(type), "custom")
      var entity = try textMember(elements.entity, of: element, members, row, tape)
      if elements.entityOnlyForCustom, !isCustom { entity = 0..<0 }
      let key = try textMember(elements.key, of: element, members, row, tape)
      if type.isEmpty { throw Reject(.badAttribute, column: "attributes", "an attribute has no type; most are of type custom") }
      if isCustom, key.isEmpty {
        throw Reject(.badAttribute, column: "attributes", "a custom attribute has no key; write it next to its entity id")
      }
      if isCustom, entity.isEmpty {
        guard let entity = known.entity(of: row.extracting(key)) else {
          guard known.dropsOthers else { throw unknownAttribute(row.extracting(key)) }
          droppedCount += 1
          continue
        }
        try addAttribute(type: row.extracting(type), entity: entity.span, key: row.extracting(key), value: value, row, tape)
        continue
      }
      if !isCustom, !entity.isEmpty {
        throw Reject(
          .badAttribute, column: "attributes", "an entity id is not valid on an attribute that is not custom; leave it out")
      }
      try addAttribute(
        type: row.extracting(type), entity: row.extracting(entity), key: row.extracting(key), value: value, row, tape)
    }
  }

  private func passes(
    _ elements: MemberLists.Elements, _ element: Int, _ members: borrowing MemberTable, _ row: Span<UInt8>, _ tape: borrowing RowTape
  ) -> Bool {
    for filter in elements.filters {
      let node = members.node(filter.path.span, of: element, row, tape)
      var isListed = false
      if node >= 0 {
        for value in filter.values where same(row.extracting(tape.nodes[node].range), value) { isListed = true }
      }
      if isListed != filter.isOneOf { return false }
    }
    return true
  }

  private func textMember(
    _ path: [MemberTable.Step], of element: Int, _ members: borrowing MemberTable, _ row: Span<UInt8>, _ tape: borrowing RowTape
  ) throws(Reject) -> Range<Int> {
    let node = members.node(path.span, of: element, row, tape)
    guard node >= 0 else { return 0..<0 }
    switch tape.nodes[node].kind {
    case .string: return tape.nodes[node].range
    case .number:
      for at in tape.nodes[node].range where row[at] &- 0x30 > 9 {
        throw Reject(.badAttribute, column: "attributes", "an attribute's id is not a whole number")
      }
      return tape.nodes[node].range
    default: throw Reject(.badAttribute, column: "attributes", "an attribute's type, id and key are text")
    }
  }

  private mutating func addAttribute(
    type: Span<UInt8>, entity: Span<UInt8>, key: Span<UInt8>, value: Int, _ row: Span<UInt8>, _ tape: borrowing RowTape
  ) throws(Reject) {
    if !key.isEmpty { try requireKey(key) }
    let start = beginPart(open: 0x5b)
    AttributeText.appendHead(type: type, entity: entity, key: key, into: &arena)
    try appendScalar(value, "attributes", row, tape, canonical: false)
    arena.append(0x7d)
    list.append(Part(name: start..<arena.count, text: start..<arena.count))
  }

  private mutating func addNamed(
    _ all: Span<MemberLists.Pairs>, _ members: borrowing MemberTable, _ row: Span<UInt8>, _ tape: borrowing RowTape,
    canonical: Bool, onlyText: Bool
  ) throws(Reject) -> Range<Int> {
    if !list.isEmpty { list.removeAll(keepingCapacity: true) }
    let nodes = tape.nodes.span
    let column = onlyText ? "properties" : "tags"
    for index in all.indices {
      let node = members.node(at: all[index].way, row, tape)
      guard node >= 0 else { continue }
      guard nodes[node].kind == (all[index].name == nil ? .object : .array) else {
        let form = all[index].name == nil ? "an object" : "a list"
        throw Reject(.wrongType, column: column, "\(column) are \(form) of names and values")
      }
      if let name = all[index].name {
        try addPairs(node, name, all[index].values, members, column, row, tape, canonical, onlyText)
        continue
      }
      var at = node + 1
      while at < nodes[node].next {
        if nodes[at + 1].kind != .null { try addNamed(at, at + 1, column, row, tape, canonical, onlyText) }
        at = nodes[at + 1].next
      }
    }
    return endList(&list, open: 0x7b, close: 0x7d, into: &arena)
  }

  private mutating func addPairs(
    _ array: Int, _ namePath: [MemberTable.Step], _ valuePaths: [[MemberTable.Step]], _ members: borrowing MemberTable,
    _ column: String, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ canonical: Bool, _ onlyText: Bool
  ) throws(Reject) {
    let nodes = tape.nodes.span
    var at = array + 1
    while at < nodes[array].next {
      let name = members.node(namePath.span, of: at, row, tape)
      var value = -1
      for path in valuePaths where value < 0 { value = members.node(path.span, of: at, row, tape) }
      guard nodes[at].kind == .object, value < 0 || name >= 0 && nodes[name].kind == .string else {
        throw Reject(
          .wrongType, column: column, "an element of the list is not an object with a name, which is text, and a value")
      }
      if value >= 0 { try addNamed(name, value, column, row, tape, canonical, onlyText) }
      at = nodes[at].next
    }
  }

  private mutating func addNamed(
    _ name: Int, _ value: Int, _ column: String, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ canonical: Bool,
    _ onlyText: Bool
  ) throws(Reject) {
    let start = beginPart(open: 0x7b)
    arena.append(0x22)
    arena.append(escaping: row.extracting(tape.nodes[name].range))
    let nameEnd = arena.count
    arena.append("\":")
    if onlyText, tape.nodes[value].kind != .string {
      throw Reject(.wrongType, column: column, "a property's value is text; write it in double quotes, or make it a tag")
    }
    if tape.nodes[value].kind == .object, same(row.extracting(tape.nodes[name].range), "$opt_event_properties") {
      try appendObject(value, column, row, tape, canonical: canonical)
    } else {
      try appendScalar(value, column, row, tape, canonical: canonical)
    }
    list.append(Part(name: (start + 1)..<nameEnd, text: start..<arena.count))
  }

  private mutating func appendScalar(
    _ node: Int, _ column: String, _ row: Span<UInt8>, _ tape: borrowing RowTape, canonical: Bool
  ) throws(Reject) {
    let value = row.extracting(tape.nodes[node].range)
    switch tape.nodes[node].kind {
    case .string, .cell:
      if hasReservedPrefix(value) { throw reservedPrefix(column) }
      arena.append(0x22)
      arena.append(escaping: value)
      arena.append(0x22)
    case .number: try appendNumber(value, column, canonical: canonical)
    case .true: arena.append("true")
    case .false: arena.append("false")
    default:
      throw Reject(.wrongType, column: column, "a value is text, a number, true or false; lists and objects cannot be sent")
    }
  }

  private mutating func appendNumber(_ number: Span<UInt8>, _ column: String, canonical: Bool) throws(Reject) {
    hasNumber = true
    guard fraction(number) != nil else {
      throw Reject(.badNumber, column: column, "a number is larger than the server can hold; correct it")
    }
    guard canonical else { return arena.append(number) }
    guard arena.count + number.count + Limits.decimalDigits < canonicalEnd else {
      throw Reject(
        .eventTooLarge, column: column,
        "its numbers, written without exponents, are too large to derive an event id from; give a uuid")
    }
    if !arena.append(canonical: number, digitLimit: Limits.decimalDigits) { arena.append(number) }
  }

  /// Writes an object again without white space, its members in their own order.
  private mutating func appendObject(
    _ object: Int, _ column: String, _ row: Span<UInt8>, _ tape: borrowing RowTape, canonical: Bool
  ) throws(Reject) {
    let isArray = tape.nodes[object].kind == .array
    arena.append(isArray ? 0x5b : 0x7b)
    var at = object + 1
    while at < tape.nodes[object].next {
      if at > object + 1 { arena.append(0x2c) }
      if !isArray {
        appendQuoted(row.extracting(tape.nodes[at].range))
        arena.append(0x3a)
        at += 1
      }
      switch tape.nodes[at].kind {
      case .object, .array: try appendObject(at, column, row, tape, canonical: canonical)
      case .string, .cell: appendQuoted(row.extracting(tape.nodes[at].range))
      case .number: try appendNumber(row.extracting(tape.nodes[at].range), column, canonical: canonical)
      case .true, .false, .null: arena.append(row.extracting(tape.nodes[at].range))
      }
      at = tape.nodes[at].next
    }
    arena.append(isArray ? 0x5d : 0x7d)
  }

  private mutating func appendQuoted(_ text: Span<UInt8>) {
    arena.append(0x22)
    arena.append(escaping: text)
    arena.append(0x22)
  }

  // MARK: metadata

  /// Writes the decision's metadata object; an empty range when the row has none of it.
  @inline(__always)
  mutating func metadata(_ values: borrowing RowValues, _ row: Span<UInt8>) throws(Reject) -> Range<Int> {
    if values.isAbsent(.flagKey), values.isAbsent(.ruleKey), values.isAbsent(.ruleType), values.isAbsent(.variationKey),
      values.isAbsent(.enabled)
    {
      return 0..<0
    }
    return try presentMetadata(values, row)
  }

  @inline(never)
  private mutating func presentMetadata(_ values: borrowing RowValues, _ row: Span<UInt8>) throws(Reject) -> Range<Int> {
    let start = arena.count
    try appendMetadata(.flagKey, "\"flag_key\":", start, values, row)
    try appendMetadata(.ruleKey, "\"rule_key\":", start, values, row)
    try appendMetadata(.ruleType, "\"rule_type\":", start, values, row)
    try appendMetadata(.variationKey, "\"variation_key\":", start, values, row)
    if let enabled = try values.boolean(.enabled, row) {
      arena.append(arena.count == start ? 0x7b : 0x2c)
      arena.append(enabled ? "\"enabled\":true" : "\"enabled\":false")
    }
    if arena.count > start { arena.append(0x7d) }
    return start..<arena.count
  }

  private mutating func appendMetadata(
    _ field: Field, _ name: StaticString, _ start: Int, _ values: borrowing RowValues, _ row: Span<UInt8>
  ) throws(Reject) {
    if values.isAbsent(field) { return }
    let range = try values.id(field, row)
    arena.append(arena.count == start ? 0x7b : 0x2c)
    arena.append(name)
    appendQuoted(row.extracting(range))
  }

  @inline(never)
  func reservedPrefix(_ column: String) -> Reject {
    Reject(
      .reservedPrefix, column: column,
      "the text begins with the character U+E000, by which the server marks typed values; remove it")
  }
}

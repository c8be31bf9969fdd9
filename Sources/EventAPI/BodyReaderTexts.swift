import Bytes
import Vocabulary

/// Writes attributes, tags, properties and metadata in the one form that equal ones share: no white space, members sorted by name,
/// attributes by their text, of members with one name the last.
struct BodyTexts: ~Copyable {
  private struct Part {
    var name: Range<Int>
    var text: Range<Int>
  }

  private(set) var arena: ByteArena
  private var parts: [Part] = []

  init(limit: Int) { arena = ByteArena(limit: limit) }

  mutating func removeAll() { arena.removeAll() }

  mutating func truncate(to length: Int) { arena.truncate(to: length) }

  // MARK: attributes

  mutating func attributes(_ array: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape) throws(BodyFault) -> Range<Int> {
    try expect(array, .array, tape)
    parts.removeAll(keepingCapacity: true)
    var element = array + 1
    var index = 0
    while element < tape.nodes[array].next {
      do throws(BodyFault) { try attribute(element, text, tape) } catch { throw error.within("[\(index)]") }
      element = tape.nodes[element].next
      index += 1
    }
    return list(open: 0x5b, close: 0x5d)
  }

  private mutating func attribute(_ node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape) throws(BodyFault) {
    try expect(node, .object, tape)
    var slots = (type: -1, entity: -1, key: -1, value: -1)
    var at = node + 1
    while at < tape.nodes[node].next {
      let name = text.extracting(tape.nodes[at].range)
      switch name.count {
      case 3 where same(name, "key"): slots.key = at + 1
      case 4 where same(name, "type"): slots.type = at + 1
      case 5 where same(name, "value"): slots.value = at + 1
      case 9 where same(name, "entity_id"): slots.entity = at + 1
      default: break
      }
      at = tape.nodes[at + 1].next
    }
    let type = try id(slots.type, "type", tape)
    let isCustom = same(text.extracting(type), "custom")
    if !isCustom, slots.entity >= 0 { throw BodyFault("entity_id", "is only valid on an attribute of type custom; leave it out") }
    let start = arena.count
    arena.append("{\"type\":")
    appendQuoted(text.extracting(type))
    if isCustom {
      arena.append(",\"entity_id\":")
      appendQuoted(text.extracting(try id(slots.entity, "entity_id", tape)))
    }
    if isCustom || slots.key >= 0 {
      let key = text.extracting(try id(slots.key, "key", tape))
      try requireKey(key)
      arena.append(",\"key\":")
      appendQuoted(key)
    }
    guard slots.value >= 0 else { throw BodyFault("value", "is missing") }
    arena.append(",\"value\":")
    do throws(BodyFault) { try appendScalar(slots.value, text, tape) } catch { throw error.within("value") }
    arena.append(0x7d)
    parts.append(Part(name: start..<arena.count, text: start..<arena.count))
  }

  private func requireKey(_ key: Span<UInt8>) throws(BodyFault) {
    guard key.count <= Limits.attributeKeyCharacters else {
      throw BodyFault("key", "is longer than \(Limits.attributeKeyCharacters) characters")
    }
    guard isAttributeKey(key) else { throw BodyFault("key", "may hold only letters a to z, digits, spaces, and _ - .") }
  }

  // MARK: tags, properties, metadata

  /// The tags object's text; empty without one.
  mutating func tags(_ node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape) throws(BodyFault) -> Range<Int> {
    guard node >= 0 else { return 0..<0 }
    try expect(node, .object, tape, "tags")
    return try members(of: node, text, tape, areTags: true)
  }

  /// The properties object's text; empty without one.
  mutating func properties(_ node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape) throws(BodyFault) -> Range<Int> {
    guard node >= 0 else { return 0..<0 }
    try expect(node, .object, tape, "properties")
    return try members(of: node, text, tape, areTags: false)
  }

  private mutating func members(
    of node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape, areTags: Bool
  ) throws(BodyFault) -> Range<Int> {
    parts.removeAll(keepingCapacity: true)
    var at = node + 1
    while at < tape.nodes[node].next {
      let start = arena.count
      let name = text.extracting(tape.nodes[at].range)
      appendQuoted(name)
      let nameEnd = arena.count - 1
      arena.append(0x3a)
      do throws(BodyFault) {
        if areTags, tape.nodes[at + 1].kind == .object, same(name, "$opt_event_properties") {
          appendAny(at + 1, text, tape)
        } else {
          if !areTags { try expect(at + 1, .string, tape) }
          try appendScalar(at + 1, text, tape, isText: !areTags)
        }
      } catch {
        throw error.within(Bytes.text(name)).within(areTags ? "tags" : "properties")
      }
      parts.append(Part(name: (start + 1)..<nameEnd, text: start..<arena.count))
      at = tape.nodes[at + 1].next
    }
    return list(open: 0x7b, close: 0x7d)
  }

  mutating func metadata(_ metadata: MetadataParts, _ text: Span<UInt8>, _ tape: borrowing RowTape) -> Range<Int> {
    let start = arena.count
    func append(_ node: Int, _ name: StaticString) {
      guard node >= 0 else { return }
      arena.append(arena.count == start ? 0x7b : 0x2c)
      arena.append(name)
      appendAny(node, text, tape)
    }
    append(metadata.flagKey, "\"flag_key\":")
    append(metadata.ruleKey, "\"rule_key\":")
    append(metadata.ruleType, "\"rule_type\":")
    append(metadata.variationKey, "\"variation_key\":")
    append(metadata.enabled, "\"enabled\":")
    if arena.count > start { arena.append(0x7d) }
    return start..<arena.count
  }

  // MARK: values

  private mutating func appendScalar(
    _ node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape, isText: Bool = false
  ) throws(BodyFault) {
    let kind = tape.nodes[node].kind
    let value = text.extracting(tape.nodes[node].range)
    switch kind {
    case .string:
      if !isText, value.count >= 3, value[0] == 0xee, value[1] == 0x80, value[2] == 0x80 { try requireTyped(value) }
      appendQuoted(value)
    case .number:
      guard fraction(value) != nil else { throw BodyFault("", "is larger than any number can be") }
      arena.append(value)
    case .true: arena.append("true")
    case .false: arena.append("false")
    default: throw BodyFault("", "is \(kind.words), not a string, number or boolean")
    }
  }

  /// A string that begins with U+E000 is a number or boolean in disguise (OpenAPI, *Attribute*).
  private func requireTyped(_ value: Span<UInt8>) throws(BodyFault) {
    let typed = value.extracting(3..<value.count)
    guard isNumber(typed) || same(typed, "true") || same(typed, "false") else {
      throw BodyFault("", "begins with U+E000, by which the server knows numbers and booleans sent as strings, and is neither")
    }
  }

  /// Writes any value again without white space, its members in their own order.
  private mutating func appendAny(_ node: Int, _ text: Span<UInt8>, _ tape: borrowing RowTape) {
    let value = tape.nodes[node]
    switch value.kind {
    case .string, .cell: appendQuoted(text.extracting(value.range))
    case .number, .true, .false, .null: arena.append(text.extracting(value.range))
    case .object, .array:
      arena.append(value.kind == .object ? 0x7b : 0x5b)
      var at = node + 1
      while at < value.next {
        if at > node + 1 { arena.append(0x2c) }
        if value.kind == .object {
          appendQuoted(text.extracting(tape.nodes[at].range))
          arena.append(0x3a)
          at += 1
        }
        appendAny(at, text, tape)
        at = tape.nodes[at].next
      }
      arena.append(value.kind == .object ? 0x7d : 0x5d)
    }
  }

  private mutating func appendQuoted(_ text: Span<UInt8>) {
    arena.append(0x22)
    arena.append(escaping: text)
    arena.append(0x22)
  }

  /// Appends the parts as an array or object and returns where it lies; empty without parts. What they were made of stays before it.
  private mutating func list(open: UInt8, close: UInt8) -> Range<Int> {
    guard !parts.isEmpty else { return arena.count..<arena.count }
    sort()
    let start = arena.count
    for at in parts.indices {
      if at + 1 < parts.count, compare(parts[at], parts[at + 1]) == 0 { continue }
      arena.append(arena.count == start ? open : 0x2c)
      arena.appendOwn(parts[at].text)
    }
    arena.append(close)
    return start..<arena.count
  }

  private func compare(_ one: Part, _ other: Part) -> Int {
    order(arena.span.extracting(one.name), arena.span.extracting(other.name))
  }

  /// By name; of equal names the earlier first. A handful mostly: insertion is free of allocations. Many are sorted as such.
  private mutating func sort() {
    if parts.count > 32 {
      var sorting: [Part] = []
      swap(&sorting, &parts)
      Self.sortMany(&sorting, arena.span)
      parts = sorting
      return
    }
    for at in parts.indices.dropFirst() {
      var hole = at
      while hole > 0, compare(parts[hole - 1], parts[hole]) > 0 {
        parts.swapAt(hole, hole - 1)
        hole -= 1
      }
    }
  }

  private static func sortMany(_ parts: inout [Part], _ bytes: Span<UInt8>) {
    parts.sort {
      let names = order(bytes.extracting($0.name), bytes.extracting($1.name))
      return names != 0 ? names < 0 : $0.text.lowerBound < $1.text.lowerBound
    }
  }
}

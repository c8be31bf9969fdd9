import Bytes
import Vocabulary

extension EventParts {
  // MARK: CSV columns, which the binding has sorted

  /// Looks whether the row's attributes, tags and properties can be written; `appendColumns` writes them.
  @inline(__always)
  mutating func look(at columns: borrowing NamedColumns, _ row: Span<UInt8>, _ nodes: Span<Node>) throws(Reject) {
    hasAttributes = try look(at: columns.attributes.span, row, nodes)
    hasTags = try look(at: columns.tags.span, row, nodes)
    hasProperties = try look(at: columns.properties.span, row, nodes)
    if row.count > columns.ordinaryRowBytes { try measure(columns, row, nodes) }
  }

  /// Whether any of the columns has a value. Throws when one has a value that cannot be sent.
  @inline(__always)
  private func look(at columns: Span<NamedColumn>, _ row: Span<UInt8>, _ nodes: Span<Node>) throws(Reject) -> Bool {
    var hasAny = false
    for at in columns.indices {
      let node = nodes[columns[at].column]
      if node.count == 0 { continue }
      hasAny = true
      if row[node.start] == 0xee, hasReservedPrefix(row.extracting(node.range)) { throw reservedPrefix(columns[at].header) }
    }
    return hasAny
  }

  @inline(never)
  private mutating func measure(_ columns: borrowing NamedColumns, _ row: Span<UInt8>, _ nodes: Span<Node>) throws(Reject) {
    appendColumns(columns.attributes.span, row, nodes, open: 0x5b, close: 0x5d, into: &arena)
    appendColumns(columns.tags.span, row, nodes, open: 0x7b, close: 0x7d, into: &arena)
    appendColumns(columns.properties.span, row, nodes, open: 0x7b, close: 0x7d, into: &arena)
    try requireRoom(arena.count)
    arena.removeAll()
  }

  // MARK: writing the parts, wherever they come from

  /// Writes the attributes' array; the row has one.
  @inline(__always)
  func appendAttributes(
    _ columns: borrowing NamedColumns, _ row: Span<UInt8>, _ nodes: Span<Node>, into target: inout ByteArena
  ) {
    if attributes.isEmpty {
      appendColumns(columns.attributes.span, row, nodes, open: 0x5b, close: 0x5d, into: &target)
    } else {
      target.append(arena.span.extracting(attributes))
    }
  }

  /// Writes the object of the tags, when there is one.
  @inline(__always)
  func appendTags(_ columns: borrowing NamedColumns, _ row: Span<UInt8>, _ nodes: Span<Node>, into target: inout ByteArena) {
    if tags.isEmpty {
      appendColumns(columns.tags.span, row, nodes, open: 0x7b, close: 0x7d, into: &target)
    } else {
      target.append(arena.span.extracting(tags))
    }
  }

  /// Writes the object of the properties, when there is one.
  @inline(__always)
  func appendProperties(_ columns: borrowing NamedColumns, _ row: Span<UInt8>, _ nodes: Span<Node>, into target: inout ByteArena) {
    if properties.isEmpty {
      appendColumns(columns.properties.span, row, nodes, open: 0x7b, close: 0x7d, into: &target)
    } else {
      target.append(arena.span.extracting(properties))
    }
  }

  /// Writes the tags with canonical numbers, and the properties on a line of their own, into the parts' own memory.
  mutating func appendOwnTagsAndProperties(_ columns: borrowing NamedColumns, _ row: Span<UInt8>, _ nodes: Span<Node>) {
    appendColumns(columns.tags.span, row, nodes, open: 0x7b, close: 0x7d, into: &arena)
    arena.appendOwn(canonicalTags)
    arena.append(0x0a)
    appendColumns(columns.properties.span, row, nodes, open: 0x7b, close: 0x7d, into: &arena)
    arena.appendOwn(properties)
  }
}

/// Writes the columns that have a value, which the binding has sorted, as a JSON array or object: nothing without any.
@inline(__always)
func appendColumns(
  _ columns: Span<NamedColumn>, _ row: Span<UInt8>, _ nodes: Span<Node>, open: UInt8, close: UInt8, into arena: inout ByteArena
) {
  let start = arena.count
  for at in columns.indices {
    let node = nodes[columns[at].column]
    if node.count == 0 { continue }
    arena.append(arena.count == start ? open : 0x2c)
    arena.append(columns[at].text.span)
    arena.append(0x22)
    arena.append(escaping: row.extracting(node.range))
    arena.append(0x22)
    // An attribute is an object of its own, and its value the last member.
    if open == 0x5b { arena.append(0x7d) }
  }
  if arena.count > start { arena.append(close) }
}

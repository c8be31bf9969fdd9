/// What a value in a row is.
@usableFromInline package enum NodeKind: UInt8, Sendable {
  /// A CSV cell: text, whatever it looks like.
  case cell
  case string, number, `true`, `false`, null, object, array
}

/// One value of a row: its kind and where its bytes lie. For text that is the inside of the quotes.
@usableFromInline package struct Node: Sendable {
  @usableFromInline package var kind: NodeKind
  /// Whether the bytes still hold escapes or doubled quotes.
  @usableFromInline package var escaped: Bool
  @usableFromInline package var start: Int
  @usableFromInline package var count: Int
  /// The node behind this one and everything inside it.
  @usableFromInline package var next: Int

  @inlinable package init(kind: NodeKind, escaped: Bool, start: Int, count: Int, next: Int) {
    self.kind = kind
    self.escaped = escaped
    self.start = start
    self.count = count
    self.next = next
  }

  @inlinable package var range: Range<Int> { start..<(start + count) }
}

/// A row taken apart, in the order of its text; positions count from the row's first byte.
///
///     {"a":1,"b":[true]}     object(next 6)  "a"  1  "b"  array(next 6)  true
///     x,"y ""z""",           cell  cell(escaped)  cell
///
/// A tape is used again for each row, so that no row costs an allocation.
package struct RowTape: Sendable {
  package var nodes: [Node] = []
  /// Whether any node is escaped, so that the row must be copied and decoded before its values are read.
  package var hasEscapes = false

  package init() {}

  package mutating func removeAll() {
    nodes.removeAll(keepingCapacity: true)
    hasEscapes = false
  }

  /// Copies the row into `arena` with every escaped value decoded behind it, and points the nodes there.
  ///
  /// Afterwards positions count from the arena's first byte and no node is escaped. Values only shrink when decoded, so
  /// twice the row's size is enough.
  package mutating func decode(_ row: Span<UInt8>, quote: UInt8, into arena: inout ByteArena) {
    arena.removeAll()
    arena.append(row)
    for at in nodes.indices where nodes[at].escaped {
      let text = row.extracting(nodes[at].range)
      let start = arena.count
      if nodes[at].kind == .cell { arena.append(undoubling: text, quote: quote) } else { arena.append(unescaping: text) }
      nodes[at].start = start
      nodes[at].count = arena.count - start
      nodes[at].escaped = false
    }
    hasEscapes = false
  }

  /// The value of the last member named `name` of the object at `object`, as JavaScript and Python read duplicates; nil without one.
  package func member(_ name: Span<UInt8>, of object: Int, in row: Span<UInt8>) -> Int? {
    var found: Int?
    var at = object + 1
    while at < nodes[object].next {
      if same(row.extracting(nodes[at].range), name) { found = at + 1 }
      at = nodes[at + 1].next
    }
    return found
  }
}

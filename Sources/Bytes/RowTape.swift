/// What a value in a row is.
@usableFromInline package enum NodeKind: UInt8, Sendable {
  /// A CSV cell: text, whatever it looks like.
  case cell
  case string, number, `true`, `false`, null, object, array
}

/// One value of a row: its kind and where its bytes lie. For text that is the inside of the quotes.
///
/// Sixteen bytes, because rows are split as fast as nodes can be written. Rows, bodies and what they decode to are far below 4 GiB;
/// who fills a tape makes sure of it once a row, not once a node.
@frozen
@usableFromInline package struct Node: Sendable {
  @usableFromInline var start32: UInt32
  @usableFromInline var count32: UInt32
  @usableFromInline var next32: UInt32
  @usableFromInline package var kind: NodeKind
  /// Whether the bytes still hold escapes or doubled quotes.
  @usableFromInline package var escaped: Bool

  @inlinable @inline(__always)
  package init(kind: NodeKind, escaped: Bool, start: Int, count: Int, next: Int) {
    start32 = UInt32(truncatingIfNeeded: start)
    count32 = UInt32(truncatingIfNeeded: count)
    next32 = UInt32(truncatingIfNeeded: next)
    self.kind = kind
    self.escaped = escaped
  }

  @inlinable package var start: Int {
    @inline(__always) get { Int(start32) }
    @inline(__always) set { start32 = UInt32(truncatingIfNeeded: newValue) }
  }

  @inlinable package var count: Int {
    @inline(__always) get { Int(count32) }
    @inline(__always) set { count32 = UInt32(truncatingIfNeeded: newValue) }
  }

  /// The node behind this one and everything inside it.
  @inlinable package var next: Int {
    @inline(__always) get { Int(next32) }
    @inline(__always) set { next32 = UInt32(truncatingIfNeeded: newValue) }
  }

  @inlinable package var range: Range<Int> {
    @inline(__always) get { start..<(start &+ count) }
  }
}

/// A row taken apart, in the order of its text; positions count from the row's first byte.
///
///     {"a":1,"b":[true]}     object(next 6)  "a"  1  "b"  array(next 6)  true
///     x,"y ""z""",           cell  cell(escaped)  cell
///
/// A tape is used again for each row, so that no row costs an allocation.
@usableFromInline package struct RowTape: Sendable {
  /// More bytes than any text that is put on a tape has, decoded parts included: what a node can point at.
  @inlinable package static var mostBytes: Int { Int(UInt32.max) }

  @usableFromInline package var nodes: [Node] = []
  /// Whether any node is escaped, so that the row must be copied and decoded before its values are read.
  @usableFromInline package var hasEscapes = false

  package init() {}

  package mutating func removeAll() {
    nodes.removeAll(keepingCapacity: true)
    hasEscapes = false
  }

  /// Makes the tape that of a row of so many cells, all of which are still to be written.
  package mutating func begin(cellCount: Int) {
    hasEscapes = false
    if nodes.count > cellCount { nodes.removeLast(nodes.count - cellCount) }
    while nodes.count < cellCount { nodes.append(Node(kind: .cell, escaped: false, start: 0, count: 0, next: 0)) }
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
    precondition(arena.count <= Self.mostBytes)
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

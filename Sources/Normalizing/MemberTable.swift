import Bytes

/// Finds the members that a mapping asks for in JSON rows.
///
/// Rows of one file mostly have their members in one order, so each member is first compared with the one that stood in its place in the
/// row before.
struct MemberTable: Sendable {
  /// A top-level member that a path begins with.
  private struct Wanted {
    var name: [UInt8]
    /// The field whose value it is, or -1.
    var slot = -1
  }

  /// The way to a value from a wanted top-level member.
  struct Way: Sendable {
    var top: Int
    var rest: [[UInt8]]
  }

  private var wanted: [Wanted] = []
  /// For each place in a row: which wanted name stood there last, or -1.
  private var guesses: [Int] = []
  /// For each wanted name: the node of its value in the row at hand, or -1.
  private var found: [Int] = []
  /// Names that no field asks for, with the number of rows that had them; only so many are told apart.
  private(set) var unknown: [(name: [UInt8], rowCount: Int)] = []
  private static let unknownNames = 100

  /// Makes sure that nothing is said of the path's member.
  mutating func ignore(_ path: Path) { _ = way(to: path) }

  /// Makes sure that the path can be followed in each row.
  mutating func way(to path: Path) -> Way {
    let name = Array(path.names[0].utf8)
    let top: Int
    if let known = wanted.firstIndex(where: { $0.name == name }) {
      top = known
    } else {
      top = wanted.count
      wanted.append(Wanted(name: name))
      found.append(-1)
    }
    return Way(top: top, rest: path.names.dropFirst().map { Array($0.utf8) })
  }

  /// Makes the member that the way leads to the value of the field in `slot`. False when that cannot be: the way goes on, or the member is
  /// another field's value.
  mutating func bind(_ way: Way, to slot: Int) -> Bool {
    guard way.rest.isEmpty, wanted[way.top].slot < 0 else { return false }
    wanted[way.top].slot = slot
    return true
  }

  /// Looks through a row, whose object is the tape's first node, and sets the fields that members are bound to; all others are absent. The last
  /// of duplicate members counts.
  mutating func scan(_ row: Span<UInt8>, _ nodes: Span<Node>, _ values: inout RowValues) {
    values.removeAll()
    Self.scan(row, nodes, wanted, &guesses, &found, &unknown, &values)
  }

  private static func scan(
    _ row: Span<UInt8>, _ nodes: Span<Node>, _ wanted: [Wanted], _ guesses: inout [Int], _ found: inout [Int],
    _ unknown: inout [(name: [UInt8], rowCount: Int)], _ values: inout RowValues
  ) {
    var found = found.mutableSpan
    for at in found.indices { found[at] = -1 }
    let wanted = wanted.span
    var at = 1
    var place = 0
    let end = nodes[0].next
    while at < end {
      let name = row.extracting(nodes[at].range)
      if place == guesses.count { guesses.append(-1) }
      var index = guesses[place]
      if index < 0 || !isSame(name, wanted[index].name.span) {
        index = lookUp(name, wanted, &unknown)
        guesses[place] = index
      }
      let value = nodes[at + 1]
      if index >= 0 {
        found[index] = at + 1
        // An empty text says no more than an absent one: neither has bytes.
        if wanted[index].slot >= 0 { values.set(slot: wanted[index].slot, value.kind == .null ? RowValues.absent : value) }
      }
      at = value.next
      place += 1
    }
  }

  private static func lookUp(
    _ name: Span<UInt8>, _ wanted: Span<Wanted>, _ unknown: inout [(name: [UInt8], rowCount: Int)]
  ) -> Int {
    for at in wanted.indices where isSame(name, wanted[at].name.span) { return at }
    for at in unknown.indices where same(name, unknown[at].name) {
      unknown[at].rowCount += 1
      return -1
    }
    if unknown.count < MemberTable.unknownNames, !text(name).hasPrefix(Mapping.rejectPrefix) { unknown.append((copy(name), 1)) }
    return -1
  }

  /// The node of a top-level member in the row scanned last, or -1. A JSON `null` is an absent value.
  @inline(__always)
  func node(top: Int, _ nodes: Span<Node>) -> Int {
    let node = found[top]
    if node < 0 { return -1 }
    return nodes[node].kind == .null ? -1 : node
  }

  /// The node at the way's end in the row scanned last, or -1. A JSON `null` is an absent value.
  @inline(__always)
  func node(at way: borrowing Way, _ row: Span<UInt8>, _ tape: borrowing RowTape) -> Int {
    let node = node(top: way.top, tape.nodes.span)
    return way.rest.isEmpty || node < 0 ? node : elementNode(way.rest.span, of: node, row, tape)
  }
}

/// Whether two names are the same bytes: most are short, and two words cover them.
@inline(__always)
private func isSame(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
  let count = one.count
  guard count == other.count else { return false }
  if count > 16 { return same(one, other) }
  if count >= 8 {
    return (load64(one, 0) ^ load64(other, 0)) | (load64(one, count &- 8) ^ load64(other, count &- 8)) == 0
  }
  if count >= 4 {
    return (load32(one, 0) ^ load32(other, 0)) | (load32(one, count &- 4) ^ load32(other, count &- 4)) == 0
  }
  for at in 0..<count where one[at] != other[at] { return false }
  return true
}

/// The node of a list element's member at `path`, or -1.
func elementNode(_ path: Span<[UInt8]>, of element: Int, _ row: Span<UInt8>, _ tape: borrowing RowTape) -> Int {
  let nodes = tape.nodes.span
  var node = element
  for at in path.indices {
    guard node >= 0 else { return -1 }
    switch nodes[node].kind {
    case .object: node = tape.member(path[at].span, of: node, in: row) ?? -1
    case .array: node = elementNode(path[at], of: node, nodes)
    default: return -1
    }
  }
  return node >= 0 && nodes[node].kind == .null ? -1 : node
}

/// The node of a list's element by an index as a path writes it, `[3]`, or -1.
private func elementNode(_ index: [UInt8], of list: Int, _ nodes: Span<Node>) -> Int {
  guard index.count > 2, index[0] == 0x5b, let wanted = wholeNumber(index.span.extracting(1..<(index.count - 1))) else { return -1 }
  var node = list + 1
  var at = 0
  while node < nodes[list].next {
    if at == wanted { return node }
    at += 1
    node = nodes[node].next
  }
  return -1
}

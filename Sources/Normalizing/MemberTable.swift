import Bytes

/// Finds the members that a mapping asks for in JSON rows.
///
/// Rows of one file mostly have their members in one order, so each member is first compared with the one that stood in its place in the
/// row before.
struct MemberTable: Sendable {
  /// The way to a value from a wanted top-level member.
  struct Way: Sendable {
    var top: Int
    var rest: [[UInt8]]
  }

  private var names: [[UInt8]] = []
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
    if let known = names.firstIndex(of: name) {
      top = known
    } else {
      top = names.count
      names.append(name)
      found.append(-1)
    }
    return Way(top: top, rest: path.names.dropFirst().map { Array($0.utf8) })
  }

  /// Looks through a row, whose object is the tape's first node. The last of duplicate members counts.
  mutating func scan(_ row: Span<UInt8>, _ tape: borrowing RowTape) {
    for at in found.indices { found[at] = -1 }
    var at = 1
    var place = 0
    let end = tape.nodes[0].next
    while at < end {
      let name = row.extracting(tape.nodes[at].range)
      if place == guesses.count { guesses.append(-1) }
      var wanted = guesses[place]
      if wanted < 0 || !same(name, names[wanted]) {
        wanted = lookUp(name)
        guesses[place] = wanted
      }
      if wanted >= 0 { found[wanted] = at + 1 }
      at = tape.nodes[at + 1].next
      place += 1
    }
  }

  private mutating func lookUp(_ name: Span<UInt8>) -> Int {
    for at in names.indices where same(name, names[at]) { return at }
    for at in unknown.indices where same(name, unknown[at].name) {
      unknown[at].rowCount += 1
      return -1
    }
    if unknown.count < MemberTable.unknownNames, !text(name).hasPrefix(Mapping.rejectPrefix) { unknown.append((copy(name), 1)) }
    return -1
  }

  /// The node at the way's end in the row scanned last, or -1. A JSON `null` is an absent value.
  func node(at way: Way, _ row: Span<UInt8>, _ tape: borrowing RowTape) -> Int {
    var node = found[way.top]
    for name in way.rest {
      guard node >= 0, tape.nodes[node].kind == .object else { return -1 }
      node = tape.member(name.span, of: node, in: row) ?? -1
    }
    return node >= 0 && tape.nodes[node].kind == .null ? -1 : node
  }
}

/// The node of a list element's member at `path`, or -1.
func elementNode(_ path: [[UInt8]], of element: Int, _ row: Span<UInt8>, _ tape: borrowing RowTape) -> Int {
  var node = element
  for name in path {
    guard node >= 0, tape.nodes[node].kind == .object else { return -1 }
    node = tape.member(name.span, of: node, in: row) ?? -1
  }
  return node >= 0 && tape.nodes[node].kind == .null ? -1 : node
}

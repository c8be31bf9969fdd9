import Bytes
import Vocabulary

/// Takes a list inside of a row apart, and lists inside of lists: goes from element to element, the outermost list first.
///
///     visitors.snapshots.events       {"visitors":[{"snapshots":[{"events":[1,2]},{"events":[3]}]}]}   ─▶   1, 2, 3
///
/// An object counts as a list of one. What is absent, `null` or empty has no elements. A row in which something else stands on the way is a
/// reject, none of whose elements is taken.
struct Exploder: Sendable {
  private let path: String
  private let names: [[UInt8]]
  /// The number of the wanted member that the outermost list is.
  private let first: Int
  /// For each list: the node behind its last element.
  private var ends: [Int]
  /// How many elements of the innermost lists were taken.
  private(set) var ordinal = 0

  /// Throws for a path that is more than names.
  init(_ path: Path, _ members: inout MemberTable) throws(HeaderRefusal) {
    names = try Exploder.names(path)
    self.path = path.description
    first = members.want(names[0])
    ends = [Int](repeating: 0, count: names.count)
  }

  /// The names of the lists, the outermost first. Throws for a path that is more than names.
  static func names(_ path: Path) throws(HeaderRefusal) -> [[UInt8]] {
    var names: [[UInt8]] = []
    for step in path.steps {
      guard case .member(let name) = step else {
        throw HeaderRefusal(message: "explode names lists by their members alone, with dots between them; \(path) has brackets")
      }
      names.append(Array(name.utf8))
    }
    return names
  }

  /// Goes to the first element of a row that was scanned. False when there is none.
  mutating func begin(_ row: Span<UInt8>, _ tape: borrowing RowTape, _ members: inout MemberTable) throws(Reject) -> Bool {
    ordinal = 0
    // The whole row is looked through before any of its elements is taken.
    let list = members.node(top: first, tape.nodes.span)
    if list >= 0, tape.nodes[list].kind != .null { try check(list, level: 0, row, tape) }
    return descend(from: 0, row, tape, &members)
  }

  /// Goes to the next element. False when there is none.
  mutating func next(_ row: Span<UInt8>, _ tape: borrowing RowTape, _ members: inout MemberTable) -> Bool {
    advance(at: names.count - 1, row, tape, &members)
  }

  private func check(_ list: Int, level: Int, _ row: Span<UInt8>, _ tape: borrowing RowTape) throws(Reject) {
    let nodes = tape.nodes.span
    let isList = nodes[list].kind == .array
    guard isList || nodes[list].kind == .object else {
      throw Reject(.wrongType, column: path, "\(name(level)) is neither a list nor an object; correct the row, or explode another path")
    }
    guard level + 1 < names.count else { return }
    let inner = names[level + 1]
    var element = isList ? list + 1 : list
    let end = nodes[list].next
    while element < end {
      guard nodes[element].kind == .object else {
        throw Reject(.wrongType, column: path, "an element of \(name(level)) is not an object; correct the row, or explode another path")
      }
      if let list = tape.member(inner.span, of: element, in: row), nodes[list].kind != .null {
        try check(list, level: level + 1, row, tape)
      }
      element = nodes[element].next
    }
  }

  private func name(_ level: Int) -> String {
    names.prefix(level + 1).map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
  }

  /// Goes to the first element at or behind the element at hand of the list at `level` - 1.
  private mutating func descend(
    from level: Int, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ members: inout MemberTable
  ) -> Bool {
    let nodes = tape.nodes.span
    var level = level
    while level < names.count {
      let list = list(at: level, row, tape, members)
      let isThere = list >= 0 && nodes[list].kind != .null
      let element = isThere && nodes[list].kind == .array ? list + 1 : list
      guard isThere, element < nodes[list].next else { return level > 0 && advance(at: level - 1, row, tape, &members) }
      members.elements[level] = element
      ends[level] = nodes[list].next
      level += 1
    }
    ordinal += 1
    return true
  }

  /// The node of the list at a level inside of the element at hand, or -1.
  private func list(at level: Int, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ members: borrowing MemberTable) -> Int {
    if level == 0 { return members.node(top: first, tape.nodes.span) }
    let name = names[level]
    return tape.member(name.span, of: members.elements[level - 1], in: row) ?? -1
  }

  private mutating func advance(
    at level: Int, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ members: inout MemberTable
  ) -> Bool {
    var level = level
    while level >= 0 {
      let next = tape.nodes[members.elements[level]].next
      if next < ends[level] {
        members.elements[level] = next
        return descend(from: level + 1, row, tape, &members)
      }
      level -= 1
    }
    return false
  }
}

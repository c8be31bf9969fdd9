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

  /// The way to a value from a wanted top-level member, or from the element at hand of a list that is taken apart.
  struct Way: Sendable {
    /// The wanted member's number; below 0 the element at hand of the list at depth -1 - top.
    var top: Int
    var rest: [Step]
    /// The wanted member that has the whole path for a name, dots and all, or -1. It counts when the way leads nowhere.
    var whole = -1

    var isMember: Bool { top >= 0 && rest.isEmpty }
  }

  enum Step: Sendable {
    case member([UInt8])
    case element(Int)
    case choice(Choice)
  }

  /// The first element of a list whose member is a text, or the text that a way leads to.
  final class Choice: Sendable {
    let member: [UInt8]
    let text: [UInt8]
    let way: Way?

    init(member: [UInt8], text: [UInt8], way: Way?) {
      self.member = member
      self.text = text
      self.way = way
    }
  }

  private var wanted: [Wanted] = []
  /// For each place in a row: which wanted name stood there last, or -1.
  private var guesses: [Int] = []
  /// For each wanted name: the node of its value in the row at hand, or -1.
  private var found: [Int] = []
  /// Names that no field asks for, with the number of rows that had them; only so many are told apart.
  private(set) var unknown: [(name: [UInt8], rowCount: Int)] = []
  private static let unknownNames = 100
  /// The names of lists that are taken apart, the outermost first.
  private let exploded: [[UInt8]]
  /// The node of the element at hand for each of them.
  var elements: [Int]

  init(exploded: [[UInt8]] = []) {
    self.exploded = exploded
    elements = [Int](repeating: -1, count: exploded.count)
  }

  /// Makes sure that nothing is said of the path's member.
  mutating func ignore(_ path: Path) { _ = way(to: path) }

  /// Makes sure that the path can be followed in each row.
  mutating func way(to path: Path) -> Way {
    let steps = path.steps.map { step($0) }
    let depth = depth(of: steps)
    if depth > 0 {
      if depth == exploded.count, depth < steps.count { looksIntoElements = true }
      return Way(top: -depth, rest: Array(steps[depth...]))
    }
    guard case .member(let name) = steps[0] else { preconditionFailure("a path begins with a name") }
    let whole = steps.count > 1 ? want(Array(path.description.utf8)) : -1
    return Way(top: want(name), rest: Array(steps.dropFirst()), whole: whole)
  }

  /// Steps from an element, or from a row.
  mutating func steps(of path: Path) -> [Step] { path.steps.map { step($0) } }

  mutating func want(_ name: [UInt8]) -> Int {
    if let known = wanted.firstIndex(where: { $0.name == name }) { return known }
    wanted.append(Wanted(name: name))
    found.append(-1)
    return wanted.count - 1
  }

  /// How many lists that are taken apart a way goes through; one of which it names an element itself is not taken apart for it.
  private func depth(of steps: [Step]) -> Int {
    var depth = 0
    while depth < exploded.count, depth < steps.count, case .member(let name) = steps[depth], name == exploded[depth] { depth += 1 }
    if depth > 0, depth < steps.count {
      if case .member = steps[depth] { return depth }
      return depth - 1
    }
    return depth
  }

  private mutating func step(_ step: Path.Step) -> Step {
    switch step {
    case .member(let name): .member(Array(name.utf8))
    case .element(let index): .element(index)
    case .text(let member, let text): .choice(Choice(member: Array(member.utf8), text: Array(text.utf8), way: nil))
    case .path(let member, let path): .choice(Choice(member: Array(member.utf8), text: [], way: way(to: path)))
    }
  }

  /// Makes the member that the way leads to the value of the field in `slot`. False when that cannot be: the way goes on, or the member is
  /// another field's value.
  mutating func bind(_ way: Way, to slot: Int) -> Bool {
    guard way.isMember, wanted[way.top].slot < 0 else { return false }
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

  /// Whether a list is taken apart, and the element at hand is looked into.
  private(set) var looksIntoElements = false

  /// The node at the way's end in the row scanned last, or -1. A JSON `null` is an absent value.
  @inline(__always)
  func node(at way: borrowing Way, _ row: Span<UInt8>, _ tape: borrowing RowTape) -> Int {
    if way.top >= 0 {
      let node = node(top: way.top, tape.nodes.span)
      if way.rest.isEmpty { return node }
      let end = node < 0 ? -1 : self.node(way.rest.span, of: node, row, tape)
      return end < 0 && way.whole >= 0 ? self.node(top: way.whole, tape.nodes.span) : end
    }
    return node(way.rest.span, of: elements[-1 - way.top], row, tape)
  }

  /// The node that steps lead to from a node, or -1. A JSON `null` is an absent value.
  func node(_ steps: Span<Step>, of element: Int, _ row: Span<UInt8>, _ tape: borrowing RowTape) -> Int {
    let nodes = tape.nodes.span
    var node = element
    for at in steps.indices {
      guard node >= 0 else { return -1 }
      switch steps[at] {
      case .member(let name): node = nodes[node].kind == .object ? tape.member(name.span, of: node, in: row) ?? -1 : -1
      case .element(let index): node = nodes[node].kind == .array ? MemberTable.element(index, of: node, nodes) : -1
      case .choice(let choice): node = nodes[node].kind == .array ? self.element(choice, of: node, row, tape) : -1
      }
    }
    return node >= 0 && nodes[node].kind == .null ? -1 : node
  }

  /// The node of a list's element by its index, or -1.
  private static func element(_ index: Int, of list: Int, _ nodes: Span<Node>) -> Int {
    var node = list + 1
    var at = 0
    while node < nodes[list].next {
      if at == index { return node }
      at += 1
      node = nodes[node].next
    }
    return -1
  }

  /// The node of the first element that is chosen, or -1.
  private func element(_ choice: Choice, of list: Int, _ row: Span<UInt8>, _ tape: borrowing RowTape) -> Int {
    let nodes = tape.nodes.span
    let name = choice.member
    var wanted = 0..<0
    if let way = choice.way {
      let value = node(at: way, row, tape)
      guard value >= 0, nodes[value].kind != .object, nodes[value].kind != .array else { return -1 }
      wanted = nodes[value].range
    }
    var element = list + 1
    while element < nodes[list].next {
      if nodes[element].kind == .object, let member = tape.member(name.span, of: element, in: row), nodes[member].kind != .object,
        nodes[member].kind != .array, nodes[member].kind != .null
      {
        let text = row.extracting(nodes[member].range)
        if choice.way == nil ? same(text, choice.text) : same(text, row.extracting(wanted)) { return element }
      }
      element = nodes[element].next
    }
    return -1
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

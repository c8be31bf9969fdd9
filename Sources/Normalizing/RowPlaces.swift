import Bytes

/// Where the values of one input's rows are found: its columns by name, or its members by path.
struct RowPlaces: Sendable {
  /// Nil for JSON rows.
  private let columns: [[UInt8]: Int]?
  private let header: [String]
  var members: MemberTable
  /// Columns that a source looks at.
  private(set) var used: Set<Int> = []

  /// `exploded` are the names of the lists of JSON rows that are taken apart, the outermost first.
  init(header: [String]?, exploded: [[UInt8]] = []) {
    members = MemberTable(exploded: exploded)
    self.header = header ?? []
    isCSV = header != nil
    columns = header.map { Dictionary($0.enumerated().map { (Array($1.utf8), $0) }, uniquingKeysWith: { first, _ in first }) }
  }

  let isCSV: Bool

  enum Place: Sendable {
    case column(Int)
    case member(MemberTable.Way)
  }

  /// Where the path leads. Nil when there is no such column.
  mutating func place(_ path: Path) -> Place? {
    guard let columns else { return .member(members.way(to: path)) }
    guard let column = columns[Array(path.description.utf8)] else { return nil }
    used.insert(column)
    return .column(column)
  }

  /// Whether a CSV file has a column of this very name.
  func hasColumn(_ path: Path) -> Bool { columns?[Array(path.description.utf8)] != nil }

  /// The columns whose names begin with the path and a dot, and what follows there.
  mutating func columns(below path: Path) -> [(name: [UInt8], column: Int)] {
    let prefix = Array((path.description + ".").utf8)
    let found = header.enumerated().filter { $1.utf8.count > prefix.count && $1.utf8.starts(with: prefix) }
    used.formUnion(found.map(\.offset))
    return found.map { (Array($0.element.utf8.dropFirst(prefix.count)), $0.offset) }
  }

  /// Takes a column for one that nothing looks at.
  mutating func leaveOut(_ column: Int) { used.remove(column) }

  /// Columns that nothing looks at.
  var unused: [String] { header.indices.filter { !used.contains($0) }.map { header[$0] } }

  /// The first of the used columns whose name stands there twice.
  var doubled: String? {
    used.sorted().map { header[$0] }.first { name in header.count { $0 == name } > 1 }
  }

  /// A cell or a top-level member; one without bytes is an absent value.
  @inline(__always)
  func simpleNode(_ place: Int, _ tape: borrowing RowTape) -> Node {
    if isCSV { return tape.nodes[place] }
    let at = members.node(top: place, tape.nodes.span)
    return at < 0 ? RowValues.absent : tape.nodes[at]
  }

  /// The node of the value in the row at hand, or -1. JSON rows were scanned before.
  func node(_ place: Place, _ row: Span<UInt8>, _ tape: borrowing RowTape) -> Int {
    switch place {
    case .column(let column): column < tape.nodes.count && tape.nodes[column].count > 0 ? column : -1
    case .member(let way): members.node(at: way, row, tape)
    }
  }
}

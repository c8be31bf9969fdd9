import Bytes

/// Watches whether the paths that a configuration names lead anywhere in the rows of an input: one that never does is most likely misspelt.
///
/// Memory: the paths that have led nowhere so far, which each row is looked at for.
struct PathWatch: Sendable {
  private struct Wanted {
    var group: [Path]
    var ways: [MemberTable.Way]
  }

  private var unmet: [Wanted] = []
  /// The groups of paths of which one has led somewhere.
  private(set) var met: Set<[Path]> = []

  /// JSON rows: the ways are followed in each of them.
  init(_ groups: [[Path]], _ members: inout MemberTable) {
    for group in groups { unmet.append(Wanted(group: group, ways: group.map { members.way(to: $0) })) }
  }

  /// A CSV file, whose header says it once and for all: a path is a column, or what columns' names begin with.
  init(_ groups: [[Path]], header: [String]) {
    for group in groups {
      let isThere = group.contains { path in header.contains { $0 == path.description || $0.hasPrefix(path.description + ".") } }
      if isThere { met.insert(group) }
    }
  }

  var isOver: Bool { unmet.isEmpty }

  /// Looks at a row that was scanned, or the element at hand of a list that is taken apart.
  mutating func look(_ row: Span<UInt8>, _ tape: borrowing RowTape, _ members: borrowing MemberTable) {
    var at = 0
    while at < unmet.count {
      if leads(unmet[at].ways, row, tape, members) {
        met.insert(unmet[at].group)
        unmet.remove(at: at)
      } else {
        at += 1
      }
    }
  }

  private func leads(
    _ ways: [MemberTable.Way], _ row: Span<UInt8>, _ tape: borrowing RowTape, _ members: borrowing MemberTable
  ) -> Bool {
    for way in ways where members.node(at: way, row, tape) >= 0 { return true }
    return false
  }
}

extension Mapping {
  /// The paths that rows are looked at for, in groups of which one is enough: what the source of one value names.
  package var watchedPaths: [[Path]] {
    var groups: [[Path]] = []
    func add(_ source: Source) {
      switch source {
      case .path(let path): groups.append([path])
      case .constant: break
      case .first(let sources):
        let hasConstant = sources.contains { if case .constant = $0 { true } else { false } }
        if !hasConstant { groups.append(source.columns) }
      case .join(let sources, _), .eventID(let sources): for source in sources { add(source) }
      case .lookup(let source, _), .converted(let source, _), .hashed(let source, _): add(source)
      }
    }
    for (_, source) in fields.sorted(by: { $0.key.slot < $1.key.slot }) { add(source) }
    for values in tags + properties {
      switch values {
      case .one(_, let source, _): add(source)
      case .members(let path), .pairs(let path, _, _): groups.append([path])
      }
    }
    for values in attributes {
      switch values {
      case .one(_, _, let source, _): add(source)
      case .members(let path), .elements(let path, _, _, _, _, _, _): groups.append([path])
      }
    }
    for condition in conditions { add(condition.source) }
    if let explode { groups.append([explode]) }
    var seen: Set<[Path]> = []
    return groups.filter { !$0.isEmpty && seen.insert($0).inserted }
  }
}

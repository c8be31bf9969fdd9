import Bytes
import Vocabulary

/// A lookup table whose entries are found without allocations.
struct LookupTable: Sendable {
  private let places: [Digest: Int]
  private let values: [[UInt8]]
  private let names: [String]
  private let otherwise: Lookup.Otherwise
  private let name: String?
  private let isFile: Bool
  private let ambiguous: Set<Digest>

  init(_ lookup: Lookup) {
    let sorted = lookup.table.sorted { $0.key < $1.key }
    names = sorted.map(\.key)
    values = sorted.map { Array($0.value.utf8) }
    places = Dictionary(
      sorted.enumerated().map { (Digest(Array($1.key.utf8).span), $0) }, uniquingKeysWith: { first, _ in first })
    otherwise = lookup.otherwise
    name = lookup.of
    isFile = lookup.isFile
    ambiguous = Set(lookup.ambiguous.map { Digest(Array($0.utf8).span) })
  }

  func append(_ name: Span<UInt8>, into target: inout ByteArena) throws(Reject) -> NodeKind? {
    let start = target.count
    if let place = places[Digest(name)] {
      target.append(values[place])
    } else {
      switch otherwise {
      case .keep: target.append(name)
      case .absent: break
      case .constant(let value): target.append(Array(value.utf8))
      case .reject:
        guard !ambiguous.contains(Digest(name)) else {
          throw Reject(
            .unknownKey,
            isFile
              ? "\(self.name ?? "") has several rows for this value; leave one of them"
              : "\(self.name ?? "the table") have several entries for this key; name the flag and the rule as well")
        }
        let hint = closest(to: text(name), among: names).map { "; the closest is \($0.replacing("\u{1f}", with: " / "))" } ?? ""
        if let table = self.name, isFile {
          throw Reject(.unknownKey, "\(table) has no row for this value\(hint); add one, or say with otherwise what it becomes")
        }
        if let table = self.name {
          throw Reject(.unknownKey, "\(table) have no such key\(hint); correct the row, or take a newer datafile")
        }
        throw Reject(.unknownKey, "the mapping's table has no entry for this value\(hint); add one, or say what else it becomes")
      }
    }
    return target.count > start ? .string : nil
  }
}

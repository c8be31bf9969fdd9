import Bytes
import EventAPI
import Vocabulary

/// Why an input is refused before its rows are read: its columns cannot make records.
package struct HeaderRefusal: Error, Sendable, Equatable {
  package let message: String
}

/// What rows are normalised with, besides their mapping.
package struct NormalizerSettings: Sendable, Hashable, Codable {
  package var accountID: String
  /// Entity ids of custom attributes by key.
  package var attributes: [String: String]
  /// What becomes of custom attributes whose entity id is not among them.
  package var unknownAttributes: UnknownAttributes

  package init(accountID: String, attributes: [String: String] = [:], unknownAttributes: UnknownAttributes = .reject) {
    self.accountID = accountID
    self.attributes = attributes
    self.unknownAttributes = unknownAttributes
  }

  /// Whether a column that names this attribute is passed over.
  func drops(_ key: String) -> Bool { unknownAttributes == .drop && (attributes[key] ?? "").isEmpty }
}

/// What is done with a custom attribute whose entity id nobody says.
package enum UnknownAttributes: String, Sendable, Hashable, Codable, CaseIterable {
  /// Its row is a reject, and a file with a column of it is refused.
  case reject
  /// It is left out, with a finding.
  case drop
}

/// A named CSV column: where it stands, its name, and the text that goes before its value in a body.
struct NamedColumn: Sendable {
  var column: Int
  var name: [UInt8]
  var text: [UInt8]
  /// The column's full name, for messages.
  var header: String
}

/// A column that a field is read from.
struct BoundColumn: Sendable {
  var slot: Int
  var column: Int
  /// Whether its cell counts even when it is empty: no other column of the field was looked at before.
  var isFirstLook: Bool
}

/// The columns of attributes, tags and properties; none for JSON rows.
struct NamedColumns: Sendable {
  /// Sorted by name bytes, as bodies need them.
  var tags: [NamedColumn] = []
  var properties: [NamedColumn] = []
  /// Sorted by the attribute's text.
  var attributes: [NamedColumn] = []
  /// The most bytes that a row may have whose attributes, tags and properties are smaller than a body in any case.
  private(set) var ordinaryRowBytes = 0

  /// Computes what follows from the columns' texts.
  mutating func complete() {
    // A byte of a row takes six at most; around each value stand its column's text, two quotes, a comma and two brackets at most.
    let textBytes = (tags + properties + attributes).reduce(0) { $0 + $1.text.count + 8 }
    ordinaryRowBytes = (Limits.bodyBytes - textBytes) / 6
  }
}

/// A mapping bound to the header of one CSV input: which column is which field.
struct ColumnBinding: Sendable {
  /// For each field the columns to look at, in order; the first that is not empty counts.
  var columns: [[Int]] = Array(repeating: [], count: Field.allCases.count)
  /// The same as one list of only the fields that have a column, and of a field's columns the first comes last.
  private(set) var bound: [BoundColumn] = []
  var named = NamedColumns()
  var unknown: [String] = []
  var kind: RecordKind?
  /// Cells that a row must have.
  var cellCount: Int

  /// Binds a header. Throws when a required column is missing (naming the one most like it), when a column that is needed stands there
  /// twice, or when a custom attribute has no entity id (naming the flag). Names are compared byte by byte.
  init(_ mapping: Mapping, header: [String], kind: RecordKind?, settings: NormalizerSettings, likelyDelimiter: String?)
    throws(HeaderRefusal)
  {
    cellCount = header.count
    let names = header.map { Array($0.utf8) }
    let places = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    func place(_ path: Path) -> Int? { places[Array(path.description.utf8)] }
    let ignored = (mapping.ignored + mapping.decisionMarks).compactMap(place)
    var used: Set<Int> = []
    for (field, source) in mapping.fields {
      columns[field.slot] = source.columns.compactMap(place)
      used.formUnion(columns[field.slot])
    }
    bound = columns.enumerated().flatMap { slot, columns in
      columns.reversed().enumerated().map { BoundColumn(slot: slot, column: $1, isFirstLook: $0 == 0) }
    }
    func bind(_ path: Path) -> [NamedColumn] {
      let prefix = Array((path.description + ".").utf8)
      return names.enumerated().filter { $1.count > prefix.count && $1.starts(with: prefix) }.map { column, name in
        used.insert(column)
        return NamedColumn(column: column, name: Array(name.dropFirst(prefix.count)), text: [], header: header[column])
      }
    }
    for case .members(let path) in mapping.tags { named.tags += bind(path) }
    for case .members(let path) in mapping.properties { named.properties += bind(path) }
    for case .members(let path) in mapping.attributes { named.attributes += bind(path) }
    let dropped = named.attributes.filter { settings.drops(String(decoding: $0.name, as: UTF8.self)) }.map(\.column)
    named.attributes.removeAll { dropped.contains($0.column) }
    used.subtract(dropped)
    for column in used.sorted() where names[(column + 1)...].contains(names[column]) {
      throw HeaderRefusal(message: "the header has the column \(header[column]) more than once; rename or remove all but one")
    }
    try Self.writeTexts(&named, settings)

    self.kind = kind
    if kind == nil, columns[Field.record.slot].isEmpty {
      if case .constant(let word)? = mapping.fields[.record] {
        self.kind = RecordKind.allCases.first { $0.word == word }
      } else {
        self.kind = mapping.decisionMarks.contains { place($0) != nil } ? .decision : .conversion
      }
    }
    let unused = header.indices.filter { !used.contains($0) }
    unknown = unused.filter { !ignored.contains($0) && !header[$0].hasPrefix(Mapping.rejectPrefix) }.map { header[$0] }
    try requireColumns(mapping, unused: unused.map { header[$0] }, likelyDelimiter: likelyDelimiter)
  }

  private static func writeTexts(
    _ named: inout NamedColumns, _ settings: NormalizerSettings
  ) throws(HeaderRefusal) {
    for at in named.attributes.indices {
      let name = named.attributes[at].name
      let key = String(decoding: name, as: UTF8.self)
      guard isAttributeKey(name.span) else {
        throw HeaderRefusal(
          message: "the column \(named.attributes[at].header) does not name an attribute: keys have at most "
            + "\(Limits.attributeKeyCharacters) letters, digits, spaces, and _ - .; rename the column")
      }
      guard let entity = settings.attributes[key], !entity.isEmpty else {
        throw HeaderRefusal(
          message: "the entity id of the custom attribute in column \(named.attributes[at].header) is not known; "
            + "pass --attribute '\(key)=ENTITY_ID', or rename the column")
      }
      named.attributes[at].text = AttributeText.head(type: Array("custom".utf8), entity: Array(entity.utf8), key: name)
    }
    named.attributes.sort { $0.text.lexicographicallyPrecedes($1.text) }
    for at in named.tags.indices { named.tags[at].text = memberText(named.tags[at].name) }
    for at in named.properties.indices { named.properties[at].text = memberText(named.properties[at].name) }
    // By the inside of the quotes, as JSON rows' members are.
    func byName(_ one: NamedColumn, _ other: NamedColumn) -> Bool {
      one.text.dropFirst().dropLast(2).lexicographicallyPrecedes(other.text.dropFirst().dropLast(2))
    }
    named.tags.sort(by: byName)
    named.properties.sort(by: byName)
    named.complete()
  }

  private func requireColumns(_ mapping: Mapping, unused: [String], likelyDelimiter: String?) throws(HeaderRefusal) {
    var required: [Field] = [.visitor, .timestamp]
    switch kind {
    case .decision:
      required.append(.campaign)
      if columns[Field.holdback.slot].isEmpty { required += [.experiment, .variation] }
    case .conversion: required.append(.entity)
    case nil: break
    }
    for field in required where columns[field.slot].isEmpty {
      guard let source = mapping.fields[field], !source.columns.isEmpty else { continue }
      let name = source.description
      var message = "the column \(name) is missing, which every \(kind?.word ?? "row") needs"
      if let likelyDelimiter {
        message += "; the header has one column with \(likelyDelimiter) in it, so the file may not be divided by commas"
      } else if let closest = closest(to: name, among: unused, isSynonym: true) {
        message += "; the closest column is \(closest): rename it, or map it as `optireplay init` proposes"
      } else {
        message += "; map the columns that there are: `optireplay init` proposes how"
      }
      throw HeaderRefusal(message: message)
    }
  }
}

/// `"NAME":` as it stands in a body.
func memberText(_ name: [UInt8]) -> [UInt8] {
  var arena = ByteArena(limit: name.count * 6 + 64)
  arena.append(0x22)
  arena.append(escaping: name.span)
  arena.append("\":")
  return copy(arena.span)
}

/// The name among `names` that takes the fewest changes to become `name`, when they are few enough to be a slip; with `isSynonym` also when
/// half of it is the same, as of `user_id` and `visitor_id`.
package func closest(to name: String, among names: [String], isSynonym: Bool = false) -> String? {
  let scored = names.map { other in (other, isBeginning(other, of: name) ? 1 : changes(from: other.lowercased(), to: name.lowercased())) }
  guard let best = scored.min(by: { $0.1 < $1.1 }) else { return nil }
  if isSynonym, best.1 > 1 { return best.1 <= max(2, name.count * 2 / 3) && best.0.count * 2 >= name.count ? best.0 : nil }
  // Of short names every second one would be close.
  return best.1 <= max(1, min(name.count, best.0.count) / 3) ? best.0 : nil
}

/// Whether one of two names is the other's beginning, and half of it.
private func isBeginning(_ one: String, of other: String) -> Bool {
  let (short, long) = one.count < other.count ? (one.lowercased(), other.lowercased()) : (other.lowercased(), one.lowercased())
  return short.count >= 3 && short.count < long.count && short.count * 3 >= long.count && long.hasPrefix(short)
}

/// Insertions, deletions, replacements and swaps of neighbours between two texts (Damerau and Levenshtein's, without changes inside of swaps).
private func changes(from one: String, to other: String) -> Int {
  let a = Array(one)
  let b = Array(other)
  var beforeLast: [Int] = []
  var last: [Int] = []
  var row = Array(0...b.count)
  for i in a.indices {
    (beforeLast, last) = (last, row)
    row[0] = i + 1
    for j in b.indices {
      row[j + 1] = min(last[j] + (a[i] == b[j] ? 0 : 1), row[j] + 1, last[j + 1] + 1)
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1) }
    }
  }
  return row[b.count]
}

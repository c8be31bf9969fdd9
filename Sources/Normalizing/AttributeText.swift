import Bytes
import Vocabulary

/// Writes the text of attributes, one form for one attribute, and of whole sets, sorted, so that equal sets are equal bytes.
enum AttributeText {
  /// An attribute's text up to its value: `{"type":"custom","entity_id":"7","key":"browser","value":`.
  static func head(type: [UInt8], entity: [UInt8], key: [UInt8]) -> [UInt8] {
    var arena = ByteArena(limit: 64 + 6 * (type.count + entity.count + key.count))
    appendHead(type: type.span, entity: entity.span, key: key.span, into: &arena)
    return copy(arena.span)
  }

  static func appendHead(type: Span<UInt8>, entity: Span<UInt8>, key: Span<UInt8>, into arena: inout ByteArena) {
    arena.append("{\"type\":\"")
    arena.append(escaping: type)
    if !entity.isEmpty {
      arena.append("\",\"entity_id\":\"")
      arena.append(escaping: entity)
    }
    if !key.isEmpty {
      arena.append("\",\"key\":\"")
      arena.append(escaping: key)
    }
    arena.append("\",\"value\":")
  }
}

/// The custom attributes whose entity ids are known, each with its text up to its value, found by key without allocations.
struct CustomAttributes: Sendable {
  private let keys: [[UInt8]]
  private let entities: [[UInt8]]
  private let heads: [[UInt8]]
  /// Whether others are left out.
  let dropsOthers: Bool

  init(_ settings: NormalizerSettings) {
    let known = settings.attributes.filter { !$0.value.isEmpty }.map { (Array($0.key.utf8), Array($0.value.utf8)) }
      .sorted { $0.0.lexicographicallyPrecedes($1.0) }
    dropsOthers = settings.unknownAttributes == .drop
    keys = known.map(\.0)
    entities = known.map(\.1)
    heads = known.map { AttributeText.head(type: Array("custom".utf8), entity: $1, key: $0) }
  }

  /// Appends the text of the attribute with this key up to its value; false when its entity id is not known.
  func appendHead(of key: Span<UInt8>, into arena: inout ByteArena) -> Bool {
    let index = index(of: key)
    if index < 0 { return false }
    let heads = heads.span
    arena.append(heads[index].span)
    return true
  }

  /// The entity id of the attribute with this key.
  func entity(of key: Span<UInt8>) -> [UInt8]? {
    let index = index(of: key)
    return index < 0 ? nil : entities[index]
  }

  /// Where the key stands among the known ones, or -1.
  private func index(of key: Span<UInt8>) -> Int {
    let keys = keys.span
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      let comparison = order(keys[middle].span, key)
      if comparison == 0 { return middle }
      if comparison < 0 { low = middle + 1 } else { high = middle }
    }
    return -1
  }
}

/// One member of an object or element of a list: what it is sorted by, and its text.
struct Part {
  var name: Range<Int>
  var text: Range<Int>
}

/// Ends the JSON array or object whose parts were written one behind the other, each behind a byte for the bracket or comma, and returns where
/// it lies, sorted by name bytes: nowhere without parts. Of parts with one name the last is written, as JavaScript and Python read
/// duplicate members.
func endList(_ parts: inout [Part], open: UInt8, close: UInt8, into arena: inout ByteArena) -> Range<Int> {
  if parts.isEmpty { return 0..<0 }
  // Rows mostly have their members in one order already: then the list is written.
  var at = 1
  while at < parts.count, order(arena.span.extracting(parts[at - 1].name), arena.span.extracting(parts[at].name)) < 0 { at += 1 }
  guard at == parts.count else { return appendSorted(&parts, open: open, close: close, into: &arena) }
  arena.append(close)
  return (parts[0].text.lowerBound - 1)..<arena.count
}

/// Writes the list again behind its parts.
private func appendSorted(_ parts: inout [Part], open: UInt8, close: UInt8, into arena: inout ByteArena) -> Range<Int> {
  func areInOrder(_ one: Int, _ other: Int) -> Bool {
    order(arena.span.extracting(parts[one].name), arena.span.extracting(parts[other].name)) <= 0
  }
  // A handful of parts mostly: insertion keeps rows free of allocations. Thousands are sorted as such.
  if parts.count > 64 {
    let keyed = parts.enumerated().map { (copy(arena.span.extracting($1.name)), $0, $1) }
    parts = keyed.sorted { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0.lexicographicallyPrecedes($1.0) }.map(\.2)
  } else {
    for at in 1..<max(1, parts.count) {
      var hole = at
      while hole > 0, !areInOrder(hole - 1, hole) {
        parts.swapAt(hole, hole - 1)
        hole -= 1
      }
    }
  }
  let start = arena.count
  for at in parts.indices {
    if at + 1 < parts.count, areInOrder(at + 1, at) { continue }
    arena.append(arena.count == start ? open : 0x2c)
    arena.appendOwn(parts[at].text)
  }
  arena.append(close)
  return start..<arena.count
}

/// Whether a user's text begins with U+E000, by which the server knows typed values.
func hasReservedPrefix(_ text: Span<UInt8>) -> Bool {
  text.count >= 3 && text[0] == 0xee && text[1] == 0x80 && text[2] == 0x80
}

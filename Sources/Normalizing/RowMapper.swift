import Bytes
import EventAPI
import Vocabulary

/// Writes rows of a mapping that computes as native rows, which are then judged as any native row is.
///
///     order_id,when,amount                       {"entity_id":"9","timestamp":1714564800000,"revenue":1999,…}
///     A7,5/1/2024 12:00,19.99         ─▶         as bytes and nodes, never parsed
///
/// Memory: the row at hand, as it came and as a native one.
final class RowMapper {
  /// What a mapping asks for, bound to one input.
  struct Parts {
    var places: RowPlaces
    var filters: [RowFilter] = []
    /// What kind of record all rows are, as far as the header says it.
    var kind: RecordKind?
    var record: Named?
    var fields = Values()
    var tags = Values()
    var tagsName = 0..<0
    var properties = Values()
    var propertiesName = 0..<0
    var attributes: [Attribute] = []
    var wholes: [Whole] = []
    /// The words that every attribute has: its members' names, and `custom`.
    var words: [Range<Int>] = []
    var attributesName = 0..<0
    var exploder: Exploder?
    var watch = PathWatch([], header: [])
    /// The same values as cells of a native row: the places of the row's cells that stand as they are, and below 0 the number of a computed
    /// one, -1 the first. Nil when cells cannot say them.
    var cells: [Int]?
    var computedCells: [Named] = []
  }

  /// A value that is written under a name.
  struct Named {
    var name: Range<Int>
    var source: SourceReader
    var type: ValueType?
    /// Whether a row without a value is a reject.
    var mustSay = false
    /// The only kind of record that has it.
    var kind: RecordKind?
    /// Whether it says what kind of record the row is.
    var isRecord = false
  }

  /// Values that are cells or top-level members as they stand, which most are, and all others.
  struct Values {
    var simple: [(name: Range<Int>, place: Int)] = []
    var simpleNames: [String] = []
    var computed: [Named] = []

    var isEmpty: Bool { simple.isEmpty && computed.isEmpty }

    mutating func append(_ value: Named) {
      let place = value.type == nil ? value.source.simplePlace : -1
      if place < 0 { return computed.append(value) }
      simple.append((value.name, place))
      simpleNames.append(value.source.name)
    }
  }

  struct Attribute {
    var value: Named
    var entity: Range<Int>
  }

  /// A list or object of the row that goes into the native row as it is, in CSV one that a cell's text is, or columns below a path.
  struct Whole {
    var name: Range<Int>
    var column: String
    var place: RowPlaces.Place?
    var columns: [(name: Range<Int>, column: Int)] = []
  }

  /// All that changes with rows, in one place: each access to a member of a class is checked, and there is one for each row.
  struct State: ~Copyable {
    fileprivate var parts: Parts
    fileprivate var decoded = ByteArena(limit: 4 * Limits.rowBytes)
    /// Whether the row mapped last stands there.
    fileprivate var isDecoded = false
    /// Whether the row mapped last may have further records.
    fileprivate(set) var hasMore = false
    /// The native row of the row mapped last.
    fileprivate(set) var target: NativeRow
  }

  private(set) var state: State
  private let headerCount: Int
  private let explode: Path?
  /// What the native rows are read by.
  let native: Mapping
  /// The columns of the native rows and the entity ids of their attributes, when they are cells: those are read faster than members.
  private(set) var columns: (header: [String], attributes: [String: String])?
  /// What kind of record all rows are, as far as the header says it.
  var kind: RecordKind? { state.parts.kind }

  init(
    _ mapping: Mapping, header: [String]?, kind: RecordKind?, settings: NormalizerSettings, variables: [String: String],
    watched: [[Path]]? = nil
  ) throws(HeaderRefusal) {
    headerCount = header?.count ?? 0
    explode = mapping.explode
    if header != nil, let list = mapping.explode {
      throw HeaderRefusal(message: "explode takes the list \(list) apart, and cells hold no lists; give rows as JSON")
    }
    let exploded = try mapping.explode.map(Exploder.names) ?? []
    var binder = Binder(mapping, own: watched, header: header, settings: settings, variables: variables, exploded: exploded)
    try binder.bindFields(recordMustSay: header != nil && kind == nil)
    try binder.bindLists()
    var known = kind
    if let path = mapping.explode { binder.parts.exploder = try Exploder(path, &binder.parts.places.members) }
    if known == nil, mapping.fields[.record] == nil, header != nil {
      known = mapping.decisionMarks.contains { binder.parts.places.place($0) != nil } ? .decision : .conversion
    }
    for path in mapping.ignored + mapping.decisionMarks { _ = binder.parts.places.place(path) }
    try binder.requireFields(known)
    binder.parts.kind = known
    if header != nil { columns = binder.bindCells() }
    native = binder.native
    if header == nil { binder.parts.watch = PathWatch(watched ?? [], &binder.parts.places.members) }
    let parts = binder.parts
    state = State(parts: parts, target: binder.takeTarget())
  }

  /// Columns that the mapping does not ask for, or members with the number of rows that had them.
  var unknownNames: [(name: String, rowCount: Int)] {
    headerCount > 0
      ? state.parts.places.unused.filter { !$0.hasPrefix(Mapping.rejectPrefix) }.map { ($0, 0) }
      : state.parts.places.members.unknown.map { (String(decoding: $0.name, as: UTF8.self), $0.rowCount) }
  }

  /// Of the watched paths those that have led somewhere.
  var metPaths: Set<[Path]> { state.parts.watch.met }

  /// The number of the row's list element at hand, from 1, and its list; nil when rows are not taken apart.
  var element: (ordinal: Int, list: Path)? {
    guard let exploder = state.parts.exploder, let list = explode else { return nil }
    return (exploder.ordinal, list)
  }

  /// Makes `state.target` the native row of a row, or of the first element of its list. Returns false when the mapping filters it, and for a row
  /// without elements.
  func map(_ row: Span<UInt8>, _ tape: inout RowTape, quote: UInt8) throws(Reject) -> Bool {
    try Self.map(row, &tape, quote, headerCount, &state)
  }

  private static func map(
    _ row: Span<UInt8>, _ tape: inout RowTape, _ quote: UInt8, _ headerCount: Int, _ state: inout State
  ) throws(Reject) -> Bool {
    state.hasMore = false
    state.isDecoded = tape.hasEscapes
    if state.isDecoded { tape.decode(row, quote: quote, into: &state.decoded) }
    return try map(row, tape, headerCount, isFirst: true, &state)
  }

  /// The same for the next element of the row mapped last. Nil when there is none.
  func mapNext(_ row: Span<UInt8>, _ tape: borrowing RowTape) throws(Reject) -> Bool? {
    guard state.hasMore else { return nil }
    let passes = try Self.map(row, tape, headerCount, isFirst: false, &state)
    return state.hasMore ? passes : nil
  }

  private static func map(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, _ headerCount: Int, isFirst: Bool, _ state: inout State
  ) throws(Reject) -> Bool {
    try state.isDecoded
      ? map(state.decoded, tape, headerCount, isFirst, &state.parts, &state.hasMore, into: &state.target)
      : map(row, tape, headerCount, isFirst, &state.parts, &state.hasMore, into: &state.target)
  }

  private static func map(
    _ decoded: borrowing ByteArena, _ tape: borrowing RowTape, _ headerCount: Int, _ isFirst: Bool, _ parts: inout Parts,
    _ hasMore: inout Bool, into target: inout NativeRow
  ) throws(Reject) -> Bool {
    try map(decoded.span, tape, headerCount, isFirst, &parts, &hasMore, into: &target)
  }

  private static func map(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, _ headerCount: Int, _ isFirst: Bool, _ parts: inout Parts, _ hasMore: inout Bool,
    into target: inout NativeRow
  ) throws(Reject) -> Bool {
    if isFirst { try look(at: row, tape, headerCount, &parts, into: &target) }
    if parts.exploder != nil {
      // Stays false when this throws: such a row has no elements.
      hasMore =
        try isFirst
        ? parts.exploder!.begin(row, tape, &parts.places.members) : parts.exploder!.next(row, tape, &parts.places.members)
      guard hasMore else { return false }
      // Nothing of an element that is no object could be told from what another says.
      if parts.places.members.looksIntoElements, let element = parts.places.members.elements.last, tape.nodes[element].kind != .object {
        throw Reject(.wrongType, "the element is not an object; correct the row, or explode another path")
      }
    }
    if !parts.watch.isOver { parts.watch.look(row, tape, parts.places.members) }
    return try map(row, tape, parts, into: &target)
  }

  /// Finds the row's cells or members.
  private static func look(
    at row: Span<UInt8>, _ tape: borrowing RowTape, _ headerCount: Int, _ parts: inout Parts, into target: inout NativeRow
  ) throws(Reject) {
    if headerCount > 0 {
      guard tape.nodes.count >= headerCount else {
        throw Reject(.raggedRow, "the row has \(tape.nodes.count) cells and the header \(headerCount); complete it")
      }
    } else {
      guard tape.nodes.count > 0, tape.nodes[0].kind == .object else {
        throw Reject(.notAnObject, "the row is not a JSON object; write one object a line")
      }
      var values = RowValues()
      parts.places.members.scan(row, tape.nodes.span, &values)
    }
    target.begin(row)
  }

  private static func map(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, _ parts: borrowing Parts, into target: inout NativeRow
  ) throws(Reject) -> Bool {
    target.beginCells()
    for filter in parts.filters {
      guard try target.passes(filter, row, tape, parts.places) else { return false }
    }
    if let cells = parts.cells {
      try append(cells.span, parts.computedCells.span, parts.kind, row, tape, parts.places, into: &target)
      return true
    }
    _ = target.open(.object)
    var kind = parts.kind
    if let record = parts.record { kind = try append(record, row, tape, parts.places, into: &target) ?? kind }
    try append(parts.fields, of: kind, row, tape, parts.places, into: &target)
    try appendObject(parts.tagsName, parts.tags, row, tape, parts.places, into: &target)
    try appendObject(parts.propertiesName, parts.properties, row, tape, parts.places, into: &target)
    if !parts.attributes.isEmpty {
      target.append(parts.attributesName)
      let list = target.open(.array)
      for attribute in parts.attributes { try append(attribute, parts.words, row, tape, parts.places, into: &target) }
      target.close(list)
    }
    for whole in parts.wholes { try append(whole, row, tape, parts.places, into: &target) }
    target.end()
    return true
  }

  private static func append(
    _ cells: Span<Int>, _ computed: Span<Named>, _ known: RecordKind?, _ row: Span<UInt8>, _ tape: borrowing RowTape,
    _ places: borrowing RowPlaces, into target: inout NativeRow
  ) throws(Reject) {
    let nodes = tape.nodes.span
    var kind = known
    for at in cells.indices {
      let place = cells[at]
      if place >= 0 {
        target.append(cell: nodes[place])
      } else {
        try append(computed[-1 - place], &kind, row, tape, places, into: &target)
      }
    }
  }

  private static func append(
    _ cell: borrowing Named, _ kind: inout RecordKind?, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces,
    into target: inout NativeRow
  ) throws(Reject) {
    if let only = cell.kind, let kind, only != kind { return target.append(cell: 0..<0) }
    let value = try target.read(cell.source, cell.type, row, tape, places)
    target.append(cell: value?.range ?? 0..<0)
    guard cell.isRecord else { return }
    if value == nil, cell.mustSay { throw missingRecord(cell.source.name) }
    if let value { kind = recordKind(target.bytes.span.extracting(value.range)) ?? kind }
  }

  private static func missingRecord(_ column: String) -> Reject {
    Reject(.missingField, column: column, "record is empty; write decision or conversion")
  }

  private static func recordKind(_ word: Span<UInt8>) -> RecordKind? {
    same(word, "decision") ? .decision : same(word, "conversion") ? .conversion : nil
  }

  private static func appendObject(
    _ name: Range<Int>, _ values: borrowing Values, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces,
    into target: inout NativeRow
  ) throws(Reject) {
    guard !values.isEmpty else { return }
    target.append(name)
    let object = target.open(.object)
    try append(values, of: nil, row, tape, places, into: &target)
    target.close(object)
  }

  /// Writes what kind of record the row is, and returns it; nil when it says nothing that is known.
  private static func append(
    _ record: borrowing Named, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces, into target: inout NativeRow
  ) throws(Reject) -> RecordKind? {
    guard let (value, kind) = try target.read(record.source, nil, row, tape, places) else {
      // As in native rows: an empty cell says nothing, and what a row is must be said.
      guard record.mustSay else { return nil }
      throw missingRecord(record.source.name)
    }
    target.append(record.name)
    target.append(value, kind)
    return recordKind(target.bytes.span.extracting(value))
  }

  /// Writes the values that a record of a kind has.
  private static func append(
    _ values: borrowing Values, of kind: RecordKind?, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces,
    into target: inout NativeRow
  ) throws(Reject) {
    let simple = values.simple.span
    for at in simple.indices {
      let node = places.simpleNode(simple[at].place, tape)
      if node.count == 0 { continue }
      guard node.kind != .object, node.kind != .array else {
        throw Reject(.wrongType, column: values.simpleNames[at], SourceReader.wrongType)
      }
      target.append(simple[at].name, node)
    }
    for named in values.computed {
      // What only the other kind has is not looked at: a decision has no event whose key could be unknown.
      if let only = named.kind, let kind, only != kind { continue }
      guard let (value, kind) = try target.read(named.source, named.type, row, tape, places) else { continue }
      target.append(named.name)
      target.append(value, kind)
    }
  }

  private static func append(
    _ attribute: Attribute, _ words: [Range<Int>], _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces,
    into target: inout NativeRow
  ) throws(Reject) {
    guard let (value, kind) = try target.read(attribute.value.source, attribute.value.type, row, tape, places) else { return }
    let object = target.open(.object)
    for word in [words[0], words[1], words[2], attribute.entity, words[3], attribute.value.name, words[4]] { target.append(word) }
    target.append(value, kind)
    target.close(object)
  }

  private static func append(
    _ whole: Whole, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces, into target: inout NativeRow
  ) throws(Reject) {
    if !whole.columns.isEmpty {
      target.append(whole.name)
      let object = target.open(.object)
      for (name, column) in whole.columns where tape.nodes[column].count > 0 {
        target.append(name)
        target.append(text: row.extracting(tape.nodes[column].range))
      }
      target.close(object)
    } else if let place = whole.place {
      let node = places.node(place, row, tape)
      guard node >= 0 else { return }
      if places.isCSV { return try target.append(whole.name, json: row.extracting(tape.nodes[node].range), column: whole.column) }
      target.append(whole.name)
      target.append(node, row, tape)
    }
  }
}

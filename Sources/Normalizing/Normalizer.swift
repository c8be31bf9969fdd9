package import Bytes
internal import EventAPI
package import Vocabulary

/// Turns rows into staged records, by a mapping bound to one input.
///
/// Every type and limit of the Event API is checked here, because the server checks nothing. No memory is taken per row.
///
/// Methods that only read are mutating all the same: the compiler (Swift 6.3.1) copies the whole of a value for the others.
package struct Normalizer: ~Copyable {
  private let mapping: Mapping
  private let known: CustomAttributes
  private let account: [UInt8]
  private let derivationHead: [UInt8]
  private let columns: ColumnBinding?
  private let bound: [BoundColumn]
  private let named: NamedColumns
  private let headerCount: Int
  private let kind: RecordKind?
  private var members: MemberTable
  /// For each field of JSON rows that is no member's alone the ways to look along, in order; the first that leads to a value counts.
  private var ways: [(slot: Int, ways: [MemberTable.Way])] = []
  private var decisionMarks: [MemberTable.Way] = []
  private var lists: MemberLists
  private var values = RowValues()
  private var parts = EventParts()
  /// Constants of the mapping by field, written behind each row that is decoded.
  private let constants: [(slot: Int, text: [UInt8])]
  private let assumesUTC: Bool
  /// Whether rows without escapes are read where they stand.
  private let isPlain: Bool
  /// Nil when values are read where they stand.
  private let mapper: RowMapper?
  private var watch: PathWatch
  /// What rows are copied into that cannot be read where they stand, apart from the normalizer that reads it.
  private let aside = Aside()

  private final class Aside {
    var decoded = ByteArena(limit: 4 * Limits.rowBytes)
  }

  /// Binds a mapping to an input: CSV with its header, or JSON rows without. `variables` are those of the environment, for salts; `watched`
  /// are paths of which is told whether they lead anywhere, and whose columns must be there; nil when all columns must. Throws when the header cannot make records.
  package init(
    mapping: Mapping, header: [String]?, kind: RecordKind?, settings: NormalizerSettings,
    variables: [String: String] = [:], watched: [[Path]]? = nil, likelyDelimiter: String? = nil
  ) throws(HeaderRefusal) {
    // Lists and objects may stand in a CSV file's cells as JSON, which are taken apart.
    let takesCells = header.map { header in mapping.wholePaths.contains { header.contains($0.description) } } ?? false
    let mapper =
      mapping.isDirect && !takesCells
      ? nil : try RowMapper(mapping, header: header, kind: kind, settings: settings, variables: variables, watched: watched)
    let binding: ColumnBinding?
    if let columns = mapper?.columns, let native = mapper?.native {
      var settings = settings
      settings.attributes = columns.attributes
      binding = try ColumnBinding(native, header: columns.header, kind: mapper?.kind, settings: settings, likelyDelimiter: nil)
    } else if let header, mapper == nil {
      binding = try ColumnBinding(mapping, header: header, kind: kind, settings: settings, likelyDelimiter: likelyDelimiter)
    } else {
      binding = nil
    }
    self.mapper = mapper
    self.mapping = mapping
    explodes = mapping.explode != nil
    computes = mapper != nil
    dropsAttributes = settings.unknownAttributes == .drop
    // What is mapped comes as native JSON rows.
    let mapping = mapper?.native ?? mapping
    known = CustomAttributes(settings)
    account = Array(settings.accountID.utf8)
    derivationHead = EventParts.derivationHead(account: account)
    var members = MemberTable()
    lists = MemberLists(mapping, &members)
    var constants: [(Int, [UInt8])] = []
    for (field, source) in mapping.fields.sorted(by: { $0.key.slot < $1.key.slot }) {
      switch source.withoutUTC {
      case .path(let path):
        let way = members.way(to: path)
        if !members.bind(way, to: field.slot) { ways.append((field.slot, [way])) }
      case .constant(let text): if !text.isEmpty { constants.append((field.slot, Array(text.utf8))) }
      default: ways.append((field.slot, source.columns.map { members.way(to: $0) }))
      }
    }
    for path in mapping.decisionMarks { decisionMarks.append(members.way(to: path)) }
    for path in mapping.ignored { members.ignore(path) }
    // What is mapped is watched by the mapper.
    watch = header.map { PathWatch(watched ?? [], header: $0) } ?? PathWatch(mapper == nil ? watched ?? [] : [], &members)
    self.members = members
    self.constants = constants
    assumesUTC = mapping.fields[.timestamp]?.isUTC ?? false
    isPlain = constants.isEmpty && mapper == nil
    columns = binding
    bound = binding?.bound ?? []
    named = binding?.named ?? NamedColumns()
    headerCount = binding?.cellCount ?? 0
    self.kind = mapper == nil ? binding?.kind ?? kind : mapper?.kind
  }

  /// Columns or members that no field asks for, with the number of rows seen with them (all rows, for a column: counted as 0 here).
  package var unknownNames: [(name: String, rowCount: Int)] {
    mapper?.unknownNames ?? columns.map { $0.unknown.map { ($0, 0) } }
      ?? members.unknown.map { (String(decoding: $0.name, as: UTF8.self), $0.rowCount) }
  }

  /// Attributes left out so far because their entity id is not known.
  package var droppedAttributeCount: Int { parts.droppedCount }

  /// Of the watched paths those that have led somewhere so far.
  package var metPaths: Set<[Path]> { watch.met.union(mapper?.metPaths ?? []) }

  /// Whether rows have lists that are taken apart, so that one may become several records.
  package let explodes: Bool

  /// Whether the mapping computes values, so that its conversions may see something.
  package let computes: Bool

  /// Whether attributes are left out whose entity id is not known.
  package let dropsAttributes: Bool

  /// What the mapping's conversions saw so far.
  package var conversionCounts: ConversionCounts { mapper?.state.target.counts ?? ConversionCounts() }

  /// Writes the row's record at the end of `arena`, or says why there is none; then the arena is as it was. The tape is the row's, and of no
  /// use afterwards.
  @inline(__always)
  package mutating func normalize(
    _ row: Span<UInt8>, _ tape: inout RowTape, quote: UInt8, place: RowPlace, into arena: inout ByteArena
  ) -> RowOutcome {
    isPlain && !tape.hasEscapes
      ? normalize(row, tape, place: place, into: &arena) : normalizeAside(row, &tape, quote: quote, place: place, into: &arena)
  }

  /// The same for the next element of the row's list, which the mapping takes apart. Nil when there is none.
  @inline(__always)
  package mutating func normalizeNext(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, place: RowPlace, into arena: inout ByteArena
  ) -> RowOutcome? {
    mapper == nil ? nil : normalizeElement(row, tape, place: place, into: &arena)
  }

  @inline(never)
  private mutating func normalizeElement(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, place: RowPlace, into arena: inout ByteArena
  ) -> RowOutcome? {
    guard let mapper, mapper.state.hasMore else { return nil }
    do throws(Reject) {
      guard let passes = try mapper.mapNext(row, tape) else { return nil }
      guard passes else { return .filtered }
    } catch {
      return .reject(ofElement(error))
    }
    return normalize(mapper.state.target, place: place, into: &arena)
  }

  @inline(never)
  private mutating func normalizeAside(
    _ row: Span<UInt8>, _ tape: inout RowTape, quote: UInt8, place: RowPlace, into arena: inout ByteArena
  ) -> RowOutcome {
    if let mapper {
      do throws(Reject) {
        guard try mapper.map(row, &tape, quote: quote) else { return .filtered }
      } catch {
        return .reject(ofElement(error))
      }
      return normalize(mapper.state.target, place: place, into: &arena)
    }
    let aside = aside
    tape.decode(row, quote: quote, into: &aside.decoded)
    for constant in constants {
      let next = tape.nodes.count + 1
      tape.nodes.append(Node(kind: .cell, escaped: false, start: aside.decoded.count, count: constant.text.count, next: next))
      aside.decoded.append(constant.text.span)
    }
    return normalize(aside.decoded.span, tape, place: place, into: &arena)
  }

  private mutating func normalize(_ native: borrowing NativeRow, place: RowPlace, into arena: inout ByteArena) -> RowOutcome {
    normalize(native.bytes.span, native.tape, place: place, into: &arena)
  }

  private mutating func normalize(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, place: RowPlace, into arena: inout ByteArena
  ) -> RowOutcome {
    do throws(Reject) {
      let nodes = tape.nodes.span
      if columns != nil { try findCells(nodes) } else { try findMembers(row, tape) }
      if !constants.isEmpty {
        for (at, constant) in constants.enumerated() {
          values.set(slot: constant.slot, nodes[nodes.count - constants.count + at])
        }
      }
      return .record(at: try write(row, tape, nodes, place, &arena))
    } catch {
      return .reject(named(error))
    }
  }

  @inline(__always)
  private mutating func findCells(_ nodes: Span<Node>) throws(Reject) {
    let cellCount = nodes.count - constants.count
    guard cellCount >= headerCount else { throw raggedRow(cellCount) }
    values.set(bound, nodes)
  }

  @inline(never)
  private mutating func raggedRow(_ cellCount: Int) -> Reject {
    Reject(.raggedRow, "the row has \(cellCount) cells and the header \(headerCount); complete it")
  }

  private mutating func findMembers(_ row: Span<UInt8>, _ tape: borrowing RowTape) throws(Reject) {
    let nodes = tape.nodes.span
    guard nodes.count > 0, nodes[0].kind == .object else {
      throw Reject(.notAnObject, "the row is not a JSON object; write one object a line")
    }
    members.scan(row, nodes, &values)
    if !watch.isOver { watch.look(row, tape, members) }
    for at in ways.indices {
      var value = RowValues.absent
      for way in ways[at].ways where value.count == 0 {
        let node = members.node(at: way, row, tape)
        if node >= 0 { value = nodes[node] }
      }
      values.set(slot: ways[at].slot, value)
    }
  }

  /// The reject with its column named as the input names it.
  private mutating func named(_ reject: Reject) -> Reject {
    var named = reject
    if let field = reject.column.flatMap(Field.init(rawValue:)), let source = mapping.fields[field], !source.columns.isEmpty {
      named.column = source.description
    }
    return ofElement(named)
  }

  /// The reject with the element that it is about, when the row's list is taken apart.
  private mutating func ofElement(_ reject: Reject) -> Reject {
    guard let element = mapper?.element, element.ordinal > 0 else { return reject }
    return Reject(reject.code, column: reject.column, "\(reject.message) (element \(element.ordinal) of \(element.list))")
  }

  @inline(__always)
  private mutating func kindOfRow(_ row: Span<UInt8>, _ tape: borrowing RowTape) throws(Reject) -> RecordKind {
    if let kind, values.isAbsent(.record) { return kind }
    return try kindSaid(row, tape)
  }

  @inline(never)
  private mutating func kindSaid(_ row: Span<UInt8>, _ tape: borrowing RowTape) throws(Reject) -> RecordKind {
    if !values.isAbsent(.record) {
      let word = row.extracting(values.word(.record))
      guard let said: RecordKind = same(word, "decision") ? .decision : same(word, "conversion") ? .conversion : nil else {
        throw Reject(.badRecord, column: "record", "record is neither decision nor conversion")
      }
      guard kind == nil || kind == said else {
        throw Reject(
          .badRecord, column: "record", "the row is a \(said.word), and its file was named as one of the other kind; correct one of them")
      }
      return said
    }
    if columns != nil { throw Reject(.missingField, column: "record", "record is empty; write decision or conversion") }
    for at in decisionMarks.indices where members.node(at: decisionMarks.span[at], row, tape) >= 0 { return .decision }
    return values.isAbsent(.campaign) ? .conversion : .decision
  }

  @inline(__always)
  private mutating func write(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, _ nodes: Span<Node>, _ place: RowPlace, _ arena: inout ByteArena
  ) throws(Reject) -> Int {
    var fields = try readFields(row, tape)
    parts.begin()
    if columns != nil {
      try parts.look(at: named, row, nodes)
    } else {
      try parts.addMembers(lists, members, known, row, tape, canonical: fields.uuid.isEmpty)
    }
    fields.ids = try idsOf(fields.kind, row)

    let start = arena.count
    var encoder = RecordEncoder()
    encoder.begin(
      fields.kind, visitor: row.extracting(fields.visitor), input: place.input, rowOffset: place.offset, line: place.line, into: &arena)
    encoder.group(session: row.extracting(fields.session), into: &arena)
    if parts.hasAttributes {
      encoder.beginAttributes(&arena)
      parts.appendAttributes(named, row, nodes, into: &arena)
      encoder.endAttributes(arena)
    }
    switch fields.kind {
    case .decision:
      do throws(Reject) {
        try writeDecision(fields, row, &encoder, &arena)
      } catch {
        arena.truncate(to: start)
        throw error
      }
    case .conversion:
      encoder.conversion(
        entity: row.extracting(fields.ids.campaignOrEntity), key: row.extracting(fields.ids.experimentOrKey),
        timestamp: fields.timestamp, into: &arena)
    }
    if fields.uuid.isEmpty {
      let derivation = parts.derivation(derivationHead, fields, named, row, nodes)
      encoder.eventID(derivedFrom: parts.arena.span.extracting(derivation), into: &arena)
    } else {
      encoder.eventID(row.extracting(fields.uuid), into: &arena)
    }
    if let revenue = fields.revenue { encoder.revenue(revenue, into: &arena) }
    if let value = fields.value { encoder.value(row.extracting(value.range), value.value, into: &arena) }
    if let quantity = fields.quantity { encoder.quantity(quantity, into: &arena) }
    if parts.hasTags {
      encoder.beginTags(&arena)
      parts.appendTags(named, row, nodes, into: &arena)
    }
    if parts.hasProperties {
      encoder.beginProperties(&arena)
      parts.appendProperties(named, row, nodes, into: &arena)
    }
    _ = encoder.end(into: &arena)
    guard arena.count - start <= Limits.bodyBytes else {
      arena.truncate(to: start)
      throw Reject(.eventTooLarge, "the event is larger than a body of \(Limits.bodyBytes) bytes; shorten its tags or properties")
    }
    return start
  }

  /// The fields that decisions and conversions share, except for the ids.
  @inline(__always)
  private mutating func readFields(_ row: Span<UInt8>, _ tape: borrowing RowTape) throws(Reject) -> EventFields {
    let kind = try kindOfRow(row, tape)
    let account = try values.id(.account, row)
    if !account.isEmpty, !same(row.extracting(account), self.account) {
      throw Reject(.otherAccount, column: "account_id", "the row belongs to another account than --account-id; split the input")
    }
    return EventFields(
      kind: kind,
      visitor: try values.visitor(row),
      session: try values.id(.session, row),
      timestamp: try values.timestamp(row, assumingUTC: assumesUTC),
      uuid: try values.id(.uuid, row),
      revenue: try values.wholeNumber(.revenue, "revenue counts hundredths of the currency unit: 19.99 is 1999", row),
      value: try values.number(.value, row),
      quantity: try values.wholeNumber(.quantity, "round it, or leave it out", row))
  }

  @inline(__always)
  private mutating func writeDecision(
    _ fields: EventFields, _ row: Span<UInt8>, _ encoder: inout RecordEncoder, _ arena: inout ByteArena
  ) throws(Reject) {
    let ids = fields.ids
    let holdback = try values.boolean(.holdback, row)
    if holdback != true, ids.experimentOrKey.isEmpty || ids.variation.isEmpty {
      let missing: Field = ids.experimentOrKey.isEmpty ? .experiment : .variation
      throw Reject(
        .missingField, column: missing.rawValue, "\(missing.rawValue) is empty and the decision is no holdback; fill it")
    }
    let metadata = try parts.metadata(values, row)
    encoder.decision(
      campaign: row.extracting(ids.campaignOrEntity), experiment: row.extracting(ids.experimentOrKey),
      variation: row.extracting(ids.variation), isHoldback: holdback, metadata: parts.arena.span.extracting(metadata),
      timestamp: fields.timestamp, into: &arena)
  }

  @inline(__always)
  private mutating func idsOf(_ kind: RecordKind, _ row: Span<UInt8>) throws(Reject) -> EventIDs {
    switch kind {
    case .decision:
      return EventIDs(
        campaignOrEntity: try values.requiredID(.campaign, row, entity: true),
        experimentOrKey: try values.id(.experiment, row, entity: true),
        variation: try values.id(.variation, row, entity: true))
    case .conversion:
      let key = try values.id(.key, row)
      if key.count == 18, same(row.extracting(key), "campaign_activated") {
        throw Reject(
          .badKey, column: Field.key.rawValue,
          "campaign_activated is the key of activations, which decisions imply; leave the row out, or give it as a decision")
      }
      return EventIDs(campaignOrEntity: try values.requiredID(.entity, row, entity: true), experimentOrKey: key)
    }
  }
}

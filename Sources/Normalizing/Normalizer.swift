package import Bytes
internal import EventAPI
package import Vocabulary

/// Where a row was read: the input's number, the byte of its first byte, and its line.
package struct RowPlace: Sendable, Equatable {
  package var input: Int
  package var offset: Int
  package var line: Int

  package init(input: Int, offset: Int, line: Int) {
    self.input = input
    self.offset = offset
    self.line = line
  }
}

/// What became of a row.
package enum RowOutcome: Sendable {
  /// A record was written; it begins at this byte of the arena.
  case record(at: Int)
  case reject(Reject)
}

/// Turns rows into staged records, by a mapping bound to one input.
///
/// Every type and limit of the Event API is checked here, because the server checks nothing. No memory is taken per row.
package struct Normalizer: ~Copyable {
  private let mapping: Mapping
  private let known: CustomAttributes
  private let account: [UInt8]
  private let columns: ColumnBinding?
  private let kind: RecordKind?
  private var members: MemberTable
  private var ways: [[MemberTable.Way]] = Array(repeating: [], count: Field.allCases.count)
  private var decisionMarks: [MemberTable.Way] = []
  private var lists: MemberLists
  private var values = RowValues()
  private var parts = EventParts()
  /// Constants of the mapping by field, written behind each row that is decoded.
  private let constants: [(slot: Int, text: [UInt8])]

  /// Binds a mapping to an input: CSV with its header, or JSON rows without. Throws when the header cannot make records.
  package init(
    mapping: Mapping, header: [String]?, kind: RecordKind?, settings: NormalizerSettings, likelyDelimiter: String? = nil
  ) throws(HeaderRefusal) {
    self.mapping = mapping
    known = CustomAttributes(settings)
    self.account = Array(settings.accountID.utf8)
    var members = MemberTable()
    lists = MemberLists(mapping, &members)
    var constants: [(Int, [UInt8])] = []
    for (field, source) in mapping.fields.sorted(by: { $0.key.slot < $1.key.slot }) {
      switch source {
      case .path(let path): ways[field.slot] = [members.way(to: path)]
      case .first(let paths): ways[field.slot] = paths.map { members.way(to: $0) }
      case .constant(let text): if !text.isEmpty { constants.append((field.slot, Array(text.utf8))) }
      }
    }
    for path in mapping.decisionMarks { decisionMarks.append(members.way(to: path)) }
    for path in mapping.ignored { members.ignore(path) }
    self.members = members
    self.constants = constants
    if let header {
      let binding = try ColumnBinding(mapping, header: header, kind: kind, settings: settings, likelyDelimiter: likelyDelimiter)
      columns = binding
      self.kind = binding.kind
    } else {
      columns = nil
      self.kind = kind
    }
  }

  /// Columns or members that no field asks for, with the number of rows seen with them (all rows, for a column: counted as 0 here).
  package var unknownNames: [(name: String, rowCount: Int)] {
    columns.map { $0.unknown.map { ($0, 0) } } ?? members.unknown.map { (String(decoding: $0.name, as: UTF8.self), $0.rowCount) }
  }

  /// Decodes a row into `arena` when its values cannot be read where they stand. Returns whether it did: then the arena's bytes, not the
  /// row's, go to `normalize`.
  package func prepare(_ row: Span<UInt8>, _ tape: inout RowTape, quote: UInt8, into arena: inout ByteArena) -> Bool {
    guard tape.hasEscapes || !constants.isEmpty else { return false }
    tape.decode(row, quote: quote, into: &arena)
    for constant in constants {
      let next = tape.nodes.count + 1
      tape.nodes.append(Node(kind: .cell, escaped: false, start: arena.count, count: constant.text.count, next: next))
      arena.append(constant.text.span)
    }
    return true
  }

  /// Writes the row's record at the end of `arena`, or says why there is none; a reject leaves the arena as it was.
  package mutating func normalize(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, place: RowPlace, into arena: inout ByteArena
  ) -> RowOutcome {
    do throws(Reject) {
      if let columns {
        let cellCount = tape.nodes.count - constants.count
        guard cellCount >= columns.cellCount else {
          throw Reject(.raggedRow, "the row has \(cellCount) cells and the header \(columns.cellCount); complete it")
        }
        let bound = columns.bound.span
        for at in bound.indices { values.nodes[bound[at].slot] = -1 }
        for at in bound.indices where tape.nodes[bound[at].column].count > 0 { values.nodes[bound[at].slot] = bound[at].column }
      } else {
        guard let root = tape.nodes.first, root.kind == .object else {
          throw Reject(.notAnObject, "the row is not a JSON object; write one object a line")
        }
        members.scan(row, tape)
        for slot in ways.indices { values.nodes[slot] = member(ways[slot], row, tape) }
      }
      for (at, constant) in constants.enumerated() {
        values.nodes[constant.slot] = tape.nodes.count - constants.count + at
      }
      return .record(at: try write(row, tape, place, &arena))
    } catch {
      return .reject(named(error))
    }
  }

  /// The reject with its column named as the input names it.
  private func named(_ reject: Reject) -> Reject {
    guard let field = reject.column.flatMap(Field.init(rawValue:)), let source = mapping.fields[field] else { return reject }
    var named = reject
    switch source {
    case .path(let path): named.column = path.description
    case .first(let paths): named.column = paths.map(\.description).joined(separator: ", ")
    case .constant: break
    }
    return named
  }

  private func member(_ ways: [MemberTable.Way], _ row: Span<UInt8>, _ tape: borrowing RowTape) -> Int {
    for way in ways {
      let node = members.node(at: way, row, tape)
      // An empty text says no more than an absent one.
      if node >= 0, tape.nodes[node].kind != .string || tape.nodes[node].count > 0 { return node }
    }
    return -1
  }

  private func kindOfRow(_ row: Span<UInt8>, _ tape: borrowing RowTape) throws(Reject) -> RecordKind {
    let node = values.node(.record)
    if node >= 0 {
      let word = row.extracting(tape.nodes[node].range)
      guard let said: RecordKind = same(word, "decision") ? .decision : same(word, "conversion") ? .conversion : nil else {
        throw Reject(.badRecord, column: "record", "record is neither decision nor conversion")
      }
      guard kind == nil || kind == said else {
        throw Reject(
          .badRecord, column: "record", "the row is a \(said.word), and its file was named as one of the other kind; correct one of them")
      }
      return said
    }
    if let kind { return kind }
    if columns != nil { throw Reject(.missingField, column: "record", "record is empty; write decision or conversion") }
    for way in decisionMarks where members.node(at: way, row, tape) >= 0 { return .decision }
    return values.isAbsent(.campaign) ? .conversion : .decision
  }

  private mutating func write(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, _ place: RowPlace, _ arena: inout ByteArena
  ) throws(Reject) -> Int {
    let kind = try kindOfRow(row, tape)
    let named = try values.id(.account, row, tape)
    if !named.isEmpty, !same(row.extracting(named), account) {
      throw Reject(.otherAccount, column: "account_id", "the row belongs to another account than --account-id; split the input")
    }
    let visitor = try values.requiredID(.visitor, row, tape)
    let session = try values.id(.session, row, tape)
    let timestamp = try values.timestamp(row, tape, assumingUTC: mapping.timesWithoutOffsetAreUTC)
    let uuid = try values.id(.uuid, row, tape)
    let revenue = try values.wholeNumber(.revenue, "revenue counts hundredths of the currency unit: 19.99 is 1999", row, tape)
    let value = try values.number(.value, row, tape)
    let quantity = try values.wholeNumber(.quantity, "round it, or leave it out", row, tape)
    parts.begin()
    if let columns {
      try parts.addColumns(columns, row, tape)
    } else {
      try parts.addMembers(lists, members, known, row, tape, canonical: uuid.isEmpty)
    }

    let ids = try idsOf(kind, row, tape)
    var encoder = RecordEncoder()
    encoder.begin(
      kind, visitor: row.extracting(visitor), input: place.input, rowOffset: place.offset, line: place.line, into: &arena)
    encoder.group(session: row.extracting(session), attributes: parts.arena.span.extracting(parts.attributes), into: &arena)
    switch kind {
    case .decision:
      do throws(Reject) {
        let holdback = try values.boolean(.holdback, row, tape)
        if holdback != true, ids.experimentOrKey.isEmpty || ids.variation.isEmpty {
          let missing: Field = ids.experimentOrKey.isEmpty ? .experiment : .variation
          throw Reject(
            .missingField, column: missing.rawValue, "\(missing.rawValue) is empty and the decision is no holdback; fill it")
        }
        let metadata = try parts.metadata(values, row, tape)
        encoder.decision(
          campaign: row.extracting(ids.campaignOrEntity), experiment: row.extracting(ids.experimentOrKey),
          variation: row.extracting(ids.variation),
          isHoldback: holdback, metadata: parts.arena.span.extracting(metadata), timestamp: timestamp, into: &arena)
      } catch {
        encoder.abandon(&arena)
        throw error
      }
    case .conversion:
      encoder.conversion(
        entity: row.extracting(ids.campaignOrEntity), key: row.extracting(ids.experimentOrKey), timestamp: timestamp, into: &arena
      )
    }
    if uuid.isEmpty {
      let derivation = parts.derivation(
        derivedIDNamespace, account, kind, visitor: visitor, ids: ids, timestamp, revenue, value?.range, quantity, row)
      encoder.eventID(derivedFrom: parts.arena.span.extracting(derivation), into: &arena)
    } else {
      encoder.eventID(row.extracting(uuid), into: &arena)
    }
    if let revenue { encoder.revenue(revenue, into: &arena) }
    if let value { encoder.value(row.extracting(value.range), value.value, into: &arena) }
    if let quantity { encoder.quantity(quantity, into: &arena) }
    if !parts.tags.isEmpty { encoder.tags(parts.arena.span.extracting(parts.tags), into: &arena) }
    if !parts.properties.isEmpty { encoder.properties(parts.arena.span.extracting(parts.properties), into: &arena) }
    let start = encoder.end(into: &arena)
    guard arena.count - start <= Limits.bodyBytes else {
      arena.truncate(to: start)
      throw Reject(.eventTooLarge, "the event is larger than a body of \(Limits.bodyBytes) bytes; shorten its tags or properties")
    }
    return start
  }

  private func idsOf(
    _ kind: RecordKind, _ row: Span<UInt8>, _ tape: borrowing RowTape
  ) throws(Reject) -> EventIDs {
    switch kind {
    case .decision:
      return EventIDs(
        campaignOrEntity: try values.requiredID(.campaign, row, tape, entity: true),
        experimentOrKey: try values.id(.experiment, row, tape, entity: true),
        variation: try values.id(.variation, row, tape, entity: true))
    case .conversion:
      let key = try values.id(.key, row, tape)
      if same(row.extracting(key), "campaign_activated") {
        throw Reject(
          .badKey, column: Field.key.rawValue,
          "campaign_activated is the key of activations, which decisions imply; leave the row out, or give it as a decision")
      }
      return EventIDs(campaignOrEntity: try values.requiredID(.entity, row, tape, entity: true), experimentOrKey: key)
    }
  }
}

/// The namespace of derived ids: the UUIDv5 of `event.optireplay` in the DNS namespace, 2b4ebe69-f740-5e3b-bf28-176cb194d6f0.
private let derivedIDNamespace: [UInt8] = [
  0x2b, 0x4e, 0xbe, 0x69, 0xf7, 0x40, 0x5e, 0x3b, 0xbf, 0x28, 0x17, 0x6c, 0xb1, 0x94, 0xd6, 0xf0,
]

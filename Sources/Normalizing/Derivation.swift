import Bytes
import EventAPI
import Vocabulary

extension EventParts {
  /// What every text that an id is derived from begins with: the namespace, and the line of the account.
  static func derivationHead(account: [UInt8]) -> [UInt8] {
    var arena = ByteArena(limit: 64 + 6 * account.count)
    arena.append(derivedIDNamespace.span)
    arena.append(escaping: account.span)
    arena.append(0x0a)
    return copy(arena.span)
  }

  /// Writes the text that an event's id is derived from, and returns where it lies.
  ///
  /// One line each for account, visitor, kind, ids (campaign, experiment, variation; or entity, key), timestamp, revenue, value, quantity,
  /// tags, properties. Texts are the inside of JSON strings, so no line holds a line end; decimals have no exponent and no trailing
  /// zeros; an absent field is an empty line.
  mutating func derivation(
    _ head: [UInt8], _ fields: borrowing EventFields, _ columns: borrowing NamedColumns, _ row: Span<UInt8>, _ nodes: Span<Node>
  ) -> Range<Int> {
    let start = arena.count
    arena.append(head.span)
    arena.append(escaping: row.extracting(fields.visitor))
    if fields.kind == .decision { arena.append("\ndecision\n") } else { arena.append("\nconversion\n") }
    arena.append(escaping: row.extracting(fields.ids.campaignOrEntity))
    arena.append(0x0a)
    arena.append(escaping: row.extracting(fields.ids.experimentOrKey))
    arena.append(0x0a)
    if fields.kind == .decision {
      arena.append(escaping: row.extracting(fields.ids.variation))
      arena.append(0x0a)
    }
    arena.append(milliseconds: fields.timestamp)
    arena.append(0x0a)
    if let revenue = fields.revenue { arena.append(decimal: revenue) }
    arena.append(0x0a)
    if let value = fields.value, !arena.append(canonical: row.extracting(value.range), digitLimit: Limits.decimalDigits) {
      arena.append(row.extracting(value.range))
    }
    arena.append(0x0a)
    if let quantity = fields.quantity { arena.append(decimal: quantity) }
    arena.append(0x0a)
    appendOwnTagsAndProperties(columns, row, nodes)
    return start..<arena.count
  }
}

/// The namespace of derived ids: the UUIDv5 of `event.optireplay` in the DNS namespace, 2b4ebe69-f740-5e3b-bf28-176cb194d6f0.
private let derivedIDNamespace: [UInt8] = [
  0x2b, 0x4e, 0xbe, 0x69, 0xf7, 0x40, 0x5e, 0x3b, 0xbf, 0x28, 0x17, 0x6c, 0xb1, 0x94, 0xd6, 0xf0,
]

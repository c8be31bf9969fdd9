package import Bytes
import Vocabulary

/// Writes staged records as native NDJSON rows again, so that a reject can be corrected and imported.
package struct NativeRowWriter: ~Copyable {
  private var parser = JSONParser(depthLimit: Limits.nestingDepth)
  private var tape = RowTape()

  package init() {}

  /// Appends the row of a record, without a line end. A derived event id is left out: a corrected row has another.
  package mutating func append(_ record: borrowing StagedRecord, to arena: inout ByteArena) {
    arena.append(
      record.isDecision ? "{\"record\":\"decision\",\"visitor_id\":\"" : "{\"record\":\"conversion\",\"visitor_id\":\"")
    arena.append(record.visitor)
    arena.append(0x22)
    arena.append(record.group)
    let event = record.event
    do {
      try parser.parse(event, into: &tape)
    } catch {
      preconditionFailure("the text of a staged event is not JSON: \(error)")
    }
    let isDerived = record.flags.contains(.derivedID)
    if record.isDecision {
      // {"decisions":[{…}],"events":[{…}]}: the first object inside each list.
      appendMembers(of: 3, event, &arena) { name in !same(name, "metadata") }
      if let metadata = tape.member(Array("metadata".utf8).span, of: 3, in: event) {
        appendMembers(of: metadata, event, &arena) { _ in true }
      }
      let events = tape.member(Array("events".utf8).span, of: 0, in: event)!
      appendMembers(of: events + 1, event, &arena) { name in
        !same(name, "entity_id") && !same(name, "type") && !same(name, "key") && !(isDerived && same(name, "uuid"))
      }
    } else {
      appendMembers(of: 0, event, &arena) { name in !(isDerived && same(name, "uuid")) }
    }
    arena.append(0x7d)
  }

  private func appendMembers(
    of object: Int, _ event: Span<UInt8>, _ arena: inout ByteArena, where isWanted: (Span<UInt8>) -> Bool
  ) {
    var at = object + 1
    while at < tape.nodes[object].next {
      let name = tape.nodes[at]
      let value = tape.nodes[at + 1]
      at = value.next
      guard isWanted(event.extracting(name.range)) else { continue }
      let quotes = value.kind == .string ? 1 : 0
      arena.append(",\"")
      arena.append(event.extracting(name.range))
      arena.append("\":")
      arena.append(event.extracting((value.start - quotes)..<(value.start + value.count + quotes)))
    }
  }
}

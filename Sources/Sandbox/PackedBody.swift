internal import Bytes
internal import EventAPI
internal import Foundation

/// An accepted body as it is stored.
struct PackedBody: Sendable {
  struct Part: Sendable {
    var checksum: UInt64
    var records: Data
  }

  var digest: Digest
  var byteCount: Int
  var eventCount = 0
  /// Hashes of the first and last visitor in the total order.
  var firstHash: UInt64 = 0
  var lastHash: UInt64 = 0
  var parts: [Part] = []
}

/// What one thread needs to judge bodies and pack their records; used again for each body.
///
/// Memory: the body's events, and the records of those that are not in our own form.
struct BodyPacker: ~Copyable {
  private var reader: BodyReader
  private let bodyLimit: Int
  /// The indices of a body's events in the total order, when they do not come in it.
  private var order: [Int] = []
  private var packer = RecordPacker()

  /// A reader whose records grew beyond this many times the body limit is not kept, and its memory is free again.
  private static let keptRatio = 4

  init(bodyLimit: Int) {
    self.bodyLimit = bodyLimit
    reader = BodyReader(bodyLimit: bodyLimit)
  }

  /// Judges the body and packs its records in the total order, or throws the first fault.
  mutating func pack(_ body: Span<UInt8>) throws(BodyFault) -> PackedBody {
    if reader.records.count > BodyPacker.keptRatio * bodyLimit { reader = BodyReader(bodyLimit: bodyLimit) }
    try reader.readInPlace(body)
    let events = reader.events
    let records = reader.records.span
    var packed = PackedBody(digest: WideDigest.of(body), byteCount: body.count, eventCount: events.count)
    packer.removeAll()
    if let last = events.indices.last {
      let isSorted = BodyPacker.isSorted(events, body, records)
      if !isSorted { BodyPacker.sort(&order, events, body, records) }
      packed.firstHash = events[isSorted ? 0 : order[0]].hash
      packed.lastHash = events[isSorted ? last : order[last]].hash
      for at in 0...last {
        if packer.isPartFull { packed.parts.append(packer.endPart()) }
        packer.append(events[isSorted ? at : order[at]], of: body, records)
      }
      packed.parts.append(packer.endPart())
    }
    return packed
  }

  /// Whether the events come in the total order, as those in bodies of ours do.
  private static func isSorted(_ events: [BodyEvent], _ body: Span<UInt8>, _ records: Span<UInt8>) -> Bool {
    var hash: UInt64 = 0
    for at in events.indices {
      let next = events[at].hash
      if next < hash || next == hash && at > 0 && orderOfOneHash(events[at - 1], events[at], body, records) > 0 { return false }
      hash = next
    }
    return true
  }

  /// The events' indices in the total order.
  private static func sort(_ order: inout [Int], _ events: [BodyEvent], _ body: Span<UInt8>, _ records: Span<UInt8>) {
    order.removeAll(keepingCapacity: true)
    order.append(contentsOf: events.indices)
    order.sort { one, other in
      let (one, other) = (events[one], events[other])
      return one.hash != other.hash ? one.hash < other.hash : orderOfOneHash(one, other, body, records) < 0
    }
  }
}

/// As `orderWithPlace` of the events' records, when their visitors have one hash.
private func orderOfOneHash(_ one: BodyEvent, _ other: BodyEvent, _ body: Span<UInt8>, _ records: Span<UInt8>) -> Int {
  let text = one.liesInBody ? body : records
  let otherText = other.liesInBody ? body : records
  // Events of one visitor object in our own form share its texts.
  let areShared = one.liesInBody && other.liesInBody && one.visitor == other.visitor
  if !areShared {
    let visitors = order(text.extracting(one.visitor), otherText.extracting(other.visitor))
    if visitors != 0 { return visitors }
  }
  if one.isConversion != other.isConversion { return other.isConversion ? -1 : 1 }
  if !areShared {
    let groups = order(text.extracting(one.group), otherText.extracting(other.group))
    if groups != 0 { return groups }
  }
  if one.timestamp != other.timestamp { return one.timestamp < other.timestamp ? -1 : 1 }
  let ids = order(text.extracting(one.eventID), otherText.extracting(other.eventID))
  if ids != 0 { return ids }
  let texts = order(text.extracting(one.event), otherText.extracting(other.event))
  return texts != 0 ? texts : one.rowOffset - other.rowOffset
}

extension RecordPacker {
  /// What was packed since the last part.
  fileprivate mutating func endPart() -> PackedBody.Part {
    let part = PackedBody.Part(checksum: WideDigest.of(bytes.span).high, records: Data(copy(bytes.span)))
    removeAll()
    return part
  }
}

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
/// Memory: the body's records, unpacked, and their order.
struct BodyPacker: ~Copyable {
  private var reader: BodyReader
  private let bodyLimit: Int
  /// Where the records begin, in their total order.
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
    try reader.read(body)
    order.removeAll(keepingCapacity: true)
    order.append(contentsOf: reader.offsets)
    BodyPacker.sort(&order, reader.records.span)
    var packed = PackedBody(digest: WideDigest.of(body), byteCount: body.count, eventCount: order.count)
    if let first = order.first, let last = order.last {
      packed.firstHash = StagedRecord(reader.records.span, at: first).hash
      packed.lastHash = StagedRecord(reader.records.span, at: last).hash
    }
    packer.removeAll()
    for offset in order {
      if packer.isPartFull { packed.parts.append(packer.endPart()) }
      packer.append(StagedRecord(reader.records.span, at: offset))
    }
    if packer.recordCount > 0 { packed.parts.append(packer.endPart()) }
    return packed
  }

  /// Bodies of ours come in order; those of others are sorted.
  private static func sort(_ offsets: inout [Int], _ records: Span<UInt8>) {
    func comesBefore(_ one: Int, _ other: Int) -> Bool {
      let one = StagedRecord(records, at: one)
      let other = StagedRecord(records, at: other)
      if one.hash != other.hash { return one.hash < other.hash }
      return orderWithPlace(one, other) < 0
    }
    for at in offsets.indices.dropFirst() where comesBefore(offsets[at], offsets[at - 1]) {
      offsets.sort(by: comesBefore)
      return
    }
  }
}

extension RecordPacker {
  /// What was packed since the last part.
  fileprivate mutating func endPart() -> PackedBody.Part {
    let part = PackedBody.Part(checksum: WideDigest.of(bytes.span).high, records: Data(copy(bytes.span)))
    removeAll()
    return part
  }
}

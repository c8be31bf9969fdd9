import Bytes
package import Disk
import Vocabulary

/// The order and the fates that planning found for the records of partitions: kept in a file, so that sending neither sorts nor judges again.
///
///     frame    for each partition: head (32 bytes): u32 magic, u32 partition, u32 records, u32 zero, u64 digest of what the partition holds,
///              u64 checksum of the payload
///              payload: for each record a u32, where it begins in the partition, the highest bit set at the first of a visitor; then for
///              each its fate, a byte
///     index    for each partition a u64, where its frame begins; 0 when it has none
///     tail     u64 offset of the index, u32 partitions, u32 magic, u64 digest of the index
///
/// It is a note, not a source: a partition without a frame, or whose frame is not what was written, or speaks of other records, is sorted and
/// judged once more, with the same result.
package struct PlannedOrder: Sendable, Equatable {
  /// Where each record begins, with the mark at the first one of a visitor.
  var places: [UInt32]
  package var fates: [RecordFate]

  static let firstOfVisitor: UInt32 = 1 << 31
  /// A partition of as many bytes has no note.
  static let partitionBytes = 1 << 31

  fileprivate static let magic: UInt32 = 0x4f50_504f
  fileprivate static let headBytes = 32
  fileprivate static let tailBytes = 24
}

/// Writes the notes of one plan, partition by partition, in ascending order.
///
/// Memory: eight bytes for each partition, the note of one, and 256 KiB on their way to the file.
package struct OrderWriter: ~Copyable {
  private var file: FileWriter
  private var index: [UInt64]
  private var frame = ByteArena(limit: 1 << 40)

  /// Creates the file for so many partitions.
  package init(path: String, partitionCount: Int) throws(DiskFailure) {
    index = [UInt64](repeating: 0, count: partitionCount)
    var file = try FileWriter(path: path, holding: Limits.writtenBytes)
    // No frame begins at 0, which says that there is none.
    try file.write([UInt8](repeating: 0, count: 8))
    self.file = file
  }

  /// Notes a partition whose visitors were all found, with a fate for each of its records.
  package mutating func append(_ number: Int, _ partition: borrowing Partition, _ fates: [RecordFate]) throws(DiskFailure) {
    precondition(fates.count == partition.offsets.count, "each record has a fate")
    guard partition.bytes.count < PlannedOrder.partitionBytes, !fates.isEmpty else { return }
    frame.removeAll()
    _ = frame.appendZeros(PlannedOrder.headBytes + fates.count * 5)
    var at = PlannedOrder.headBytes
    for visitor in 0..<partition.visitorCount {
      var mark = PlannedOrder.firstOfVisitor
      for record in partition.records(of: visitor) {
        frame.store(UInt32(partition.offsets[record]) | mark, at: at)
        mark = 0
        at += 4
      }
    }
    for fate in fates {
      frame.store(fate.rawValue, at: at)
      at += 1
    }
    frame.store(PlannedOrder.magic, at: 0)
    frame.store(UInt32(number), at: 4)
    frame.store(UInt32(fates.count), at: 8)
    frame.store(partition.contentDigest, at: 16)
    frame.store(WideDigest.of(frame.span.extracting(PlannedOrder.headBytes...), seed: partition.contentDigest).high, at: 24)
    index[number] = UInt64(file.byteCount)
    try file.write(frame)
  }

  package consuming func finish() throws(DiskFailure) {
    frame.removeAll()
    for offset in index { frame.store(offset, at: frame.appendZeros(8)) }
    let digest = WideDigest.of(frame.span).high
    let offset = UInt64(file.byteCount)
    let tail = frame.appendZeros(PlannedOrder.tailBytes)
    frame.store(offset, at: tail)
    frame.store(UInt32(index.count), at: tail + 8)
    frame.store(PlannedOrder.magic, at: tail + 12)
    frame.store(digest, at: tail + 16)
    try file.write(frame)
    try file.flush()
  }
}

/// Reads the notes of a plan. Several threads may read at once.
package final class OrderReader: Sendable {
  private let file: FileReader
  private let index: [UInt64]

  /// Opens a file of notes; nil when it is none.
  package init?(path: String, partitionCount: Int) {
    guard let file = try? FileReader(path: path), let byteCount = file.byteCount,
      byteCount >= PlannedOrder.tailBytes + partitionCount * 8
    else { return nil }
    var end = [UInt8](repeating: 0, count: PlannedOrder.tailBytes + partitionCount * 8)
    let start = byteCount - end.count
    guard (try? file.read(into: &end, at: start)) != nil else { return nil }
    let tail = partitionCount * 8
    guard load64(end.span, tail) == UInt64(start), load32(end.span, tail + 8) == UInt32(partitionCount),
      load32(end.span, tail + 12) == PlannedOrder.magic,
      load64(end.span, tail + 16) == WideDigest.of(end.span.extracting(0..<tail)).high
    else { return nil }
    self.file = file
    index = (0..<partitionCount).map { load64(end.span, $0 * 8) }
  }

  /// What was noted of a partition with this content; nil when nothing was, or it can't be believed.
  func order(of number: Int, contentDigest: UInt64) -> PlannedOrder? {
    guard index[number] > 0, let offset = Int(exactly: index[number]) else { return nil }
    var head = [UInt8](repeating: 0, count: PlannedOrder.headBytes)
    guard (try? file.read(into: &head, at: offset)) != nil else { return nil }
    let count = Int(load32(head.span, 8))
    guard load32(head.span, 0) == PlannedOrder.magic, load32(head.span, 4) == UInt32(number), load32(head.span, 12) == 0,
      load64(head.span, 16) == contentDigest, count * 5 <= file.byteCount ?? 0
    else { return nil }
    var payload = [UInt8](repeating: 0, count: count * 5)
    guard (try? file.read(into: &payload, at: offset + PlannedOrder.headBytes)) != nil,
      WideDigest.of(payload.span, seed: contentDigest).high == load64(head.span, 24)
    else { return nil }
    let places = (0..<count).map { load32(payload.span, $0 * 4) }
    let fates = payload[(count * 4)...].compactMap(RecordFate.init(rawValue:))
    return fates.count == count ? PlannedOrder(places: places, fates: fates) : nil
  }
}

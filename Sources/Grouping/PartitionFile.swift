package import Bytes
package import Disk
import Vocabulary

/// A file of staged records in the order they were read, arranged in frames by partition: the upper bits of the visitor hash.
///
///     frame    head (32 bytes): u32 magic, u32 payload bytes, u32 partition, u32 frame number, u64 bytes of its records, u64 checksum
///              payload: records of one partition, condensed
///     …
///     index    for each frame: u64 offset, u32 partition, u32 bytes with its head, u32 bytes of its records
///     tail     u64 offset of the index, u32 frames, u32 bits of the partition, u64 records, u64 checksum of index and the fields
///              before
///
/// A partition lies in all files of a run, in many frames. It is small enough to be read whole and sorted in memory.
package struct PartitionFile: Sendable, Equatable {
  package var number: Int
  package var path: String
  package var byteCount: Int
  package var recordCount: Int
  /// The tail's checksum, over the index, which a checkpoint keeps to know the file again.
  package var checksum: UInt64

  package init(number: Int, path: String, byteCount: Int, recordCount: Int, checksum: UInt64) {
    self.number = number
    self.path = path
    self.byteCount = byteCount
    self.recordCount = recordCount
    self.checksum = checksum
  }

  static let magic: UInt32 = 0x5152_504f
  static let frameHeadBytes = 32
  /// Where in the head the checksum stands.
  static let checksumPlace = 24
  static let indexEntryBytes = 20
  static let tailBytes = 32
  /// The number that stands for the index where a frame's would stand.
  static let indexFrame = 0xffff_ffff

  /// A frame's checksum also covers where it belongs, so that a frame of another place or file is not believed.
  static func checksum(_ payload: Span<UInt8>, file: Int, partition: Int, frame: Int) -> UInt64 {
    WideDigest.of(payload, seed: UInt64(file) << 52 ^ UInt64(partition) << 32 ^ UInt64(frame)).high
  }
}

/// How records are divided into partitions: by so many upper bits of the visitor hash.
package struct Partitioning: Sendable, Equatable {
  package let bits: Int

  package init(bits: Int) {
    precondition((1...Partitioning.mostBits).contains(bits))
    self.bits = bits
  }

  /// Partitions that a history of about so many staged bytes divides into, so that each can be sorted close to the processor. Nil
  /// says that nobody knows.
  package init(expectedBytes: Int?) {
    var bits = expectedBytes == nil ? Partitioning.usualBits : 1
    let expectedBytes = expectedBytes ?? 0
    while bits < Partitioning.mostBits, expectedBytes >> bits > Partitioning.usualBytes { bits += 1 }
    self.bits = bits
  }

  package var count: Int { 1 << bits }

  @inline(__always)
  func partition(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> UInt64(64 &- bits)) }

  private static let usualBits = 8
  static let mostBits = 12
  private static let usualBytes = 4 << 20
}

/// Divides staged records into partitions and writes them to one file, on one thread.
///
/// Memory: `memoryBytes` for the frames that fill, at least 4 KiB for each partition, and 256 KiB on their way to the file.
package struct PartitionWriter: ~Copyable {
  private let number: Int
  private let partitioning: Partitioning
  private var file: FileWriter
  private var shelves: ByteShelves
  /// For each shelf, the bytes of its records before they were condensed.
  private var recordBytes: [Int]
  private var condensed = ByteArena(limit: 1 << 30)
  private var index = ByteArena(limit: 1 << 30)
  private var frameCount = 0
  private var recordCount = 0

  package init(number: Int, path: String, partitioning: Partitioning, memoryBytes: Int) throws(DiskFailure) {
    let capacity = min(128 << 10, max(4 << 10, memoryBytes / partitioning.count))
    try self.init(number: number, path: path, partitioning: partitioning, frameBytes: capacity)
  }

  /// `frameBytes` is smaller only in tests.
  init(number: Int, path: String, partitioning: Partitioning, frameBytes: Int) throws(DiskFailure) {
    self.number = number
    self.partitioning = partitioning
    file = try FileWriter(path: path, holding: Limits.writtenBytes)
    shelves = ByteShelves(count: partitioning.count, capacity: frameBytes)
    recordBytes = [Int](repeating: 0, count: partitioning.count)
  }

  /// Takes a record, wherever it lies in the total order.
  package mutating func take(_ record: borrowing StagedRecord) throws(DiskFailure) {
    let partition = partitioning.partition(of: record.hash)
    recordCount &+= 1
    condensed.removeAll()
    condensed.append(condensing: record)
    if shelves.length(of: partition) == 0 || !Self.put(condensed, on: partition, of: &shelves) {
      try endFrame(of: partition)
      guard beginFrame(of: partition) else { return try writeAlone(partition, recordBytes: record.byteCount) }
    }
    recordBytes[partition] &+= record.byteCount
  }

  @inline(__always)
  private static func put(_ condensed: borrowing ByteArena, on shelf: Int, of shelves: inout ByteShelves) -> Bool {
    shelves.append(condensed.span, to: shelf)
  }

  /// Puts the record that is condensed into a new frame. Returns false when no frame that waits holds it.
  private mutating func beginFrame(of partition: Int) -> Bool {
    let head = InlineArray<32, UInt8>(repeating: 0)
    if shelves.append(head.span, to: partition), Self.put(condensed, on: partition, of: &shelves) { return true }
    shelves.removeAll(from: partition)
    return false
  }

  /// Writes the record that is condensed as a frame of its own.
  private mutating func writeAlone(_ partition: Int, recordBytes: Int) throws(DiskFailure) {
    var frame = ByteArena(limit: condensed.count + PartitionFile.frameHeadBytes, reserving: condensed.count + 64)
    _ = frame.appendZeros(PartitionFile.frameHeadBytes)
    frame.append(condensed.span)
    let checksum = checksum(of: frame.span, partition)
    for (offset, number) in headNumbers(frame.count, partition) { frame.store(number, at: offset) }
    frame.store(UInt64(recordBytes), at: 16)
    frame.store(checksum, at: PartitionFile.checksumPlace)
    note(frame.count, partition, recordBytes: recordBytes)
    try file.write(frame)
  }

  private mutating func endFrame(of partition: Int) throws(DiskFailure) {
    let length = shelves.length(of: partition)
    guard length > 0 else { return }
    let checksum = checksum(of: shelves.span(of: partition), partition)
    for (offset, number) in headNumbers(length, partition) { shelves.store(number, at: offset, of: partition) }
    shelves.store(UInt64(recordBytes[partition]), at: 16, of: partition)
    shelves.store(checksum, at: PartitionFile.checksumPlace, of: partition)
    note(length, partition, recordBytes: recordBytes[partition])
    try Self.write(shelves, partition, to: &file)
    shelves.removeAll(from: partition)
    recordBytes[partition] = 0
  }

  private static func write(
    _ shelves: borrowing ByteShelves, _ partition: Int, to file: inout FileWriter
  ) throws(DiskFailure) {
    try file.write(shelves.span(of: partition))
  }

  private func headNumbers(_ frameBytes: Int, _ partition: Int) -> [(Int, UInt32)] {
    [
      (0, PartitionFile.magic), (4, UInt32(frameBytes - PartitionFile.frameHeadBytes)), (8, UInt32(partition)),
      (12, UInt32(frameCount)),
    ]
  }

  private func checksum(of frame: Span<UInt8>, _ partition: Int) -> UInt64 {
    PartitionFile.checksum(
      frame.extracting(PartitionFile.frameHeadBytes...), file: number, partition: partition, frame: frameCount)
  }

  private mutating func note(_ frameBytes: Int, _ partition: Int, recordBytes: Int) {
    let entry = index.appendZeros(PartitionFile.indexEntryBytes)
    index.store(UInt64(file.byteCount), at: entry)
    index.store(UInt32(partition), at: entry + 8)
    index.store(UInt32(frameBytes), at: entry + 12)
    index.store(UInt32(recordBytes), at: entry + 16)
    frameCount += 1
  }

  /// Completes the file. With `isSynced` it is on the disk when this returns.
  package consuming func finish(isSynced: Bool) throws(DiskFailure) -> PartitionFile {
    for partition in 0..<partitioning.count { try endFrame(of: partition) }
    let tail = index.appendZeros(24)
    index.store(UInt64(file.byteCount), at: tail)
    index.store(UInt32(frameCount), at: tail + 8)
    index.store(UInt32(partitioning.bits), at: tail + 12)
    index.store(UInt64(recordCount), at: tail + 16)
    let checksum = PartitionFile.checksum(index.span, file: number, partition: 0, frame: PartitionFile.indexFrame)
    let place = index.appendZeros(8)
    index.store(checksum, at: place)
    try file.write(index)
    if isSynced { try file.sync() } else { try file.flush() }
    return PartitionFile(
      number: number, path: file.path, byteCount: file.byteCount, recordCount: recordCount, checksum: checksum)
  }
}

import Bytes
import Disk
import Vocabulary

/// A file with records of a large partition in the total order, in frames with checksums, and with an index by visitor hash.
///
///     frame    head (32 bytes): u32 magic, u32 payload bytes, u32 records, u32 frame number, u64 hash of the first record,
///              u64 checksum
///              payload: whole records, as they are: they are read several times, and condensing them would take longer than the disk
///     …
///     index    for each frame: u64 offset, u64 hash of the first record
///     tail     u64 offset of the index, u32 frames, u32 largest frame, u64 records, u64 checksum of index and the fields before
package struct SortedRun: Sendable, Equatable {
  package var number: Int
  package var partition: Int
  package var path: String
  package var byteCount: Int
  package var recordCount: Int
  /// The tail's checksum, over the index, which a checkpoint keeps to know the file again.
  package var checksum: UInt64

  package init(number: Int, partition: Int, path: String, byteCount: Int, recordCount: Int, checksum: UInt64) {
    self.number = number
    self.partition = partition
    self.path = path
    self.byteCount = byteCount
    self.recordCount = recordCount
    self.checksum = checksum
  }

  static let magic: UInt32 = 0x4652_504f
  static let frameHeadBytes = 32
  static let tailBytes = 32
  /// Payload bytes at which a frame is full.
  static let frameBytes = 64 << 10
  /// The number that stands for the index where a frame's would stand.
  static let indexFrame = 0xffff_ffff

  /// A frame's checksum also covers where it belongs, so that a frame of another place or file is not believed.
  static func checksum(_ payload: Span<UInt8>, run: Int, frame: Int) -> UInt64 {
    WideDigest.of(payload, seed: UInt64(run) << 32 ^ UInt64(frame)).high
  }
}

/// Writes a sorted run. Records must come in the total order. Memory: a frame, and 256 KiB on their way to the file.
struct SortedRunWriter: ~Copyable {
  private let number: Int
  private let partition: Int
  private let frameBytes: Int
  private var file: FileWriter
  private var payload = ByteArena(limit: 1 << 30, reserving: SortedRun.frameBytes + 4096)
  private var head = ByteArena(limit: SortedRun.frameHeadBytes)
  private var index = ByteArena(limit: 1 << 30)
  private var recordsInFrame: UInt32 = 0
  private var recordCount = 0
  private var frameCount = 0
  private var largestFrame = 0
  private var firstHash: UInt64 = 0

  /// `frameBytes` is smaller only in tests.
  init(number: Int, partition: Int, path: String, frameBytes: Int = SortedRun.frameBytes) throws(DiskFailure) {
    self.number = number
    self.partition = partition
    self.frameBytes = frameBytes
    file = try FileWriter(path: path, holding: Limits.writtenBytes)
  }

  mutating func append(_ record: borrowing StagedRecord) throws(DiskFailure) {
    if payload.count > 0, payload.count + record.byteCount > frameBytes { try endFrame() }
    if payload.count == 0 { firstHash = record.hash }
    payload.append(record.bytes)
    recordsInFrame += 1
    recordCount += 1
  }

  private mutating func endFrame() throws(DiskFailure) {
    guard payload.count > 0 else { return }
    head.removeAll()
    let start = head.appendZeros(SortedRun.frameHeadBytes)
    head.store(SortedRun.magic, at: start)
    head.store(UInt32(payload.count), at: 4)
    head.store(recordsInFrame, at: 8)
    head.store(UInt32(frameCount), at: 12)
    head.store(firstHash, at: 16)
    head.store(SortedRun.checksum(payload.span, run: number, frame: frameCount), at: 24)
    let entry = index.appendZeros(16)
    index.store(UInt64(file.byteCount), at: entry)
    index.store(firstHash, at: entry + 8)
    try file.write(head)
    try file.write(payload)
    largestFrame = max(largestFrame, payload.count)
    frameCount += 1
    recordsInFrame = 0
    payload.removeAll()
  }

  /// Completes the file; it is with the system, not yet on the disk.
  consuming func finish() throws(DiskFailure) -> SortedRun {
    try endFrame()
    let tail = index.appendZeros(24)
    index.store(UInt64(file.byteCount), at: tail)
    index.store(UInt32(frameCount), at: tail + 8)
    index.store(UInt32(largestFrame), at: tail + 12)
    index.store(UInt64(recordCount), at: tail + 16)
    let checksum = SortedRun.checksum(index.span, run: number, frame: SortedRun.indexFrame)
    let place = index.appendZeros(8)
    index.store(checksum, at: place)
    try file.write(index)
    try file.flush()
    return SortedRun(
      number: number, partition: partition, path: file.path, byteCount: file.byteCount, recordCount: recordCount, checksum: checksum)
  }
}

/// Reads the frames of a sorted run. Every frame is checked before it is believed, once.
struct SortedRunReader {
  let run: SortedRun
  private let file: Opened
  /// For each frame its offset and the hash of its first record, as in the file; then the offset of the index, the next frame's
  /// as it were.
  private let index: [UInt8]
  let frameCount: Int
  private let largestPayload: Int
  private var areChecked: [Bool]

  /// A file that a struct which is copied can hold.
  private final class Opened: Sendable {
    let reader: FileReader
    init(_ path: String) throws(DiskFailure) { reader = try FileReader(path: path) }
  }

  /// Opens a run and reads its index. Throws `.damaged` when the file is not the one that was written.
  init(_ run: SortedRun) throws(DiskFailure) {
    self.run = run
    file = try Opened(run.path)
    guard let byteCount = file.reader.byteCount, byteCount == run.byteCount, byteCount >= SortedRun.tailBytes else {
      throw damage(run, "its size is not what was written")
    }
    var tail = [UInt8](repeating: 0, count: SortedRun.tailBytes)
    try file.reader.read(into: &tail, at: byteCount - SortedRun.tailBytes)
    let indexOffset = load64(tail.span, 0)
    frameCount = Int(load32(tail.span, 8))
    guard load64(tail.span, 24) == run.checksum, indexOffset <= UInt64(byteCount),
      Int(indexOffset) + frameCount * 16 + SortedRun.tailBytes == byteCount
    else { throw damage(run, "its end is not what was written") }
    var index = [UInt8](repeating: 0, count: frameCount * 16 + 24)
    try file.reader.read(into: &index, at: Int(indexOffset))
    guard SortedRun.checksum(index.span, run: run.number, frame: SortedRun.indexFrame) == run.checksum else {
      throw damage(run, "its index is not what was written")
    }
    largestPayload = Int(load32(tail.span, 12))
    areChecked = [Bool](repeating: false, count: frameCount)
    self.index = index
  }

  /// Bytes that the largest frame takes.
  var frameBytes: Int { largestPayload + SortedRun.frameHeadBytes }

  /// The first frame that may hold records of the hash or a greater one: the last that begins before the hash.
  func firstFrame(for hash: UInt64) -> Int {
    var low = 0
    var high = frameCount
    while low < high {
      let middle = (low + high) / 2
      if load64(index.span, middle * 16 + 8) < hash { low = middle + 1 } else { high = middle }
    }
    return max(0, low - 1)
  }

  /// Reads a frame into the buffer from `start` on; `frameBytes` fit there. Returns where its records lie.
  mutating func read(_ number: Int, into buffer: inout [UInt8], at start: Int) throws(DiskFailure) -> Range<Int> {
    let offset = Int(load64(index.span, number * 16))
    let end = start + Int(load64(index.span, (number + 1) * 16)) - offset
    let payload = (start + SortedRun.frameHeadBytes)..<end
    guard !payload.isEmpty, end - start <= frameBytes else { throw damage(run, "its index is not what was written") }
    try file.reader.read(into: &buffer, start..<end, at: offset)
    if areChecked[number] { return payload }
    let frame = buffer.span.extracting(start..<end)
    guard load32(frame, 0) == SortedRun.magic, Int(load32(frame, 4)) == payload.count, Int(load32(frame, 12)) == number,
      load64(frame, 24) == SortedRun.checksum(frame.extracting(SortedRun.frameHeadBytes...), run: run.number, frame: number)
    else { throw damage(run, "frame \(number) is not what was written") }
    areChecked[number] = true
    return payload
  }
}

private func damage(_ run: SortedRun, _ words: String) -> DiskFailure {
  DiskFailure(.damaged, run.path, "the staging file is damaged: \(words)")
}

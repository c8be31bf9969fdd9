package import Bytes
package import Disk
import Vocabulary

/// Reads the partitions of a run's staging, each whole and in the total order. Every frame is checked before it is believed.
///
/// Several threads may read at once. Memory: 24 bytes for each of their frames; 20 more while they are opened.
package final class PartitionReader: Sendable {
  /// Small, for there are a million of large inputs.
  private struct Frame {
    var offset = 0
    var number: UInt32 = 0
    private var bytesInFile: UInt32 = 0
    private var bytesInMemory: UInt32 = 0
    private var fileNumber: UInt16 = 0

    var file: Int { Int(fileNumber) }
    /// Bytes of the frame in its file.
    var byteCount: Int { Int(bytesInFile) }
    /// Bytes of its records in memory.
    var recordBytes: Int { Int(bytesInMemory) }

    init() {}

    /// The entry of a frame's number in the index of a file.
    init(_ entry: Span<UInt8>, number: Int, file: Int) {
      offset = Int(load64(entry, 0))
      self.number = UInt32(number)
      bytesInFile = load32(entry, 12)
      bytesInMemory = load32(entry, 16)
      fileNumber = UInt16(file)
    }
  }

  private final class Opened: Sendable {
    let file: PartitionFile
    let reader: FileReader

    init(_ file: PartitionFile) throws(DiskFailure) {
      self.file = file
      reader = try FileReader(path: file.path)
    }
  }

  private let files: [Opened]
  private let identicalRows: IdenticalRows
  /// The frames of all partitions, one partition behind the other, and where each partition's begin.
  private let frames: [Frame]
  private let starts: [Int]
  private let byteCounts: [Int]
  /// The sorted runs of large partitions.
  private let runs: [Int: [SortedRun]]
  package let partitioning: Partitioning

  /// Opens the files of one run and reads their indexes. Throws `.damaged` when one of them is not what was written.
  package init(_ files: [PartitionFile], runs: [SortedRun], identicalRows: IdenticalRows) throws(DiskFailure) {
    var opened: [Opened] = []
    var indexes: [[UInt8]] = []
    var bits: Int?
    for file in files {
      let file = try Opened(file)
      let index = try PartitionReader.readIndex(file)
      let found = Int(load32(index.span, index.count - 12))
      guard found == bits ?? found, (1...Partitioning.mostBits).contains(found) else {
        throw damage(file.file, "it divides records differently")
      }
      bits = found
      opened.append(file)
      indexes.append(index)
    }
    partitioning = Partitioning(bits: bits ?? 1)
    self.files = opened
    self.identicalRows = identicalRows
    self.runs = Dictionary(grouping: runs, by: \.partition)
    var counts = [Int](repeating: 0, count: partitioning.count + 1)
    for (file, index) in zip(opened, indexes) {
      for entry in PartitionReader.entries(of: index) {
        let partition = Int(load32(index.span, entry + 8))
        guard partition < partitioning.count else { throw damage(file.file, "its index names a partition that is none") }
        counts[partition + 1] += 1
      }
    }
    for partition in 0..<partitioning.count { counts[partition + 1] += counts[partition] }
    starts = counts
    var bytes = [Int](repeating: 0, count: partitioning.count)
    var frames = [Frame](repeating: Frame(), count: counts[partitioning.count])
    for (at, index) in indexes.enumerated() {
      for (number, entry) in PartitionReader.entries(of: index).enumerated() {
        let partition = Int(load32(index.span, entry + 8))
        let frame = Frame(index.span.extracting(entry..<(entry + PartitionFile.indexEntryBytes)), number: number, file: at)
        frames[counts[partition]] = frame
        counts[partition] += 1
        bytes[partition] += frame.recordBytes
      }
    }
    byteCounts = bytes
    self.frames = frames
  }

  /// Where the entries of an index begin.
  private static func entries(of index: [UInt8]) -> StrideTo<Int> {
    stride(from: 0, to: index.count - 24, by: PartitionFile.indexEntryBytes)
  }

  /// Index and tail up to its checksum.
  private static func readIndex(_ opened: Opened) throws(DiskFailure) -> [UInt8] {
    let file = opened.file
    guard let byteCount = opened.reader.byteCount, byteCount == file.byteCount, byteCount >= PartitionFile.tailBytes else {
      throw damage(file, "its size is not what was written")
    }
    var tail = [UInt8](repeating: 0, count: PartitionFile.tailBytes)
    try opened.reader.read(into: &tail, at: byteCount - PartitionFile.tailBytes)
    let offset = load64(tail.span, 0)
    let frameCount = Int(load32(tail.span, 8))
    guard load64(tail.span, 24) == file.checksum, offset <= UInt64(byteCount),
      Int(offset) + frameCount * PartitionFile.indexEntryBytes + PartitionFile.tailBytes == byteCount
    else { throw damage(file, "its end is not what was written") }
    var index = [UInt8](repeating: 0, count: frameCount * PartitionFile.indexEntryBytes + 24)
    try opened.reader.read(into: &index, at: Int(offset))
    guard
      PartitionFile.checksum(index.span, file: file.number, partition: 0, frame: PartitionFile.indexFrame) == file.checksum
    else { throw damage(file, "its index is not what was written") }
    return index
  }

  /// Partitions, in the order of their hashes.
  package var count: Int { partitioning.count }

  /// The partition of a visitor hash.
  package func partition(of hash: UInt64) -> Int { partitioning.partition(of: hash) }

  /// Bytes that a partition takes when it is read.
  package func byteCount(of partition: Int) -> Int { byteCounts[partition] }

  /// The sorted runs of a partition that is too large to be read whole; nil for any other.
  package func largeRuns(of partition: Int) -> [SortedRun]? { runs[partition] }

  /// Reads a partition: sorted, or in the order that planning noted.
  package func read(_ number: Int, noted: OrderReader? = nil) throws(DiskFailure) -> Partition {
    var partition = Partition()
    try read(number, into: &partition, noted: noted)
    return partition
  }

  /// Reads a partition into the memory of another that has served. After a failure `partition` has no visitors. Memory: its bytes, and 40 for
  /// each record.
  package func read(_ number: Int, into partition: inout Partition, noted: OrderReader? = nil) throws(DiskFailure) {
    var (bytes, keys) = partition.takeMemory()
    var payloads: [Range<Int>] = []
    let content = try read(starts[number]..<starts[number + 1], of: number, into: &bytes) { payload, bytes in
      if noted == nil { collectKeys(&keys, payload, bytes) } else { payloads.append(payload) }
    }
    if let order = noted?.order(of: number, contentDigest: content) {
      return partition.hold(bytes, keys, order, contentDigest: content)
    }
    for payload in payloads { collectKeys(&keys, payload, bytes) }
    partition.hold(bytes, keys, contentDigest: content, partitionBits: partitioning.bits, identicalRows: identicalRows)
  }

  /// The frames of a partition, divided into ranges of about so many bytes, each of a frame at least.
  func frames(of number: Int, upTo limit: Int) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var start = starts[number]
    var bytes = 0
    for at in starts[number]..<starts[number + 1] {
      if at > start, bytes + frames[at].recordBytes > limit {
        ranges.append(start..<at)
        start = at
        bytes = 0
      }
      bytes += frames[at].recordBytes
    }
    if start < starts[number + 1] { ranges.append(start..<starts[number + 1]) }
    return ranges
  }

  /// Reads frames of a partition, instead of what `bytes` holds, and calls `body` with where the records of each lie in them. Returns what
  /// tells the records apart from any others.
  func read(
    _ range: Range<Int>, of number: Int, into bytes: inout [UInt8], _ body: (Range<Int>, [UInt8]) -> Void
  ) throws(DiskFailure) -> UInt64 {
    let byteCount = frames[range].reduce(0) { $0 + $1.recordBytes }
    if bytes.count > byteCount { bytes.removeLast(bytes.count - byteCount) }
    if bytes.count < byteCount {
      bytes.reserveCapacity(byteCount)
      bytes.append(contentsOf: repeatElement(0, count: byteCount - bytes.count))
    }
    var condensed = [UInt8](repeating: 0, count: frames[range].reduce(0) { max($0, $1.byteCount) })
    var at = 0
    var content: UInt64 = 0
    for frame in frames[range] {
      let range = at..<(at + frame.recordBytes)
      let checksum = try read(frame, of: number, through: &condensed, into: &bytes, range)
      // A frame's checksum covers where it belongs, too.
      content = (content ^ checksum) &* 0x9e37_79b9_7f4a_7c15
      body(range, bytes)
      at = range.upperBound
    }
    return content
  }

  /// Calls `body` with each record of a partition, in no order. Memory: one frame, as it lies in its file and expanded.
  package func eachRecord(of number: Int, _ body: (borrowing StagedRecord) throws(DiskFailure) -> Void) throws(DiskFailure) {
    for frame in frames[starts[number]..<starts[number + 1]] {
      var condensed = [UInt8](repeating: 0, count: frame.byteCount)
      var bytes = [UInt8](repeating: 0, count: frame.recordBytes)
      _ = try read(frame, of: number, through: &condensed, into: &bytes, 0..<frame.recordBytes)
      var at = 0
      while at < bytes.count {
        let record = StagedRecord(bytes.span, at: at)
        at += record.byteCount
        try body(record)
      }
    }
  }

  /// Reads a frame into memory that holds any, and its records into a part of `bytes` that holds just these. Returns the frame's checksum.
  private func read(
    _ frame: Frame, of partition: Int, through condensed: inout [UInt8], into bytes: inout [UInt8], _ range: Range<Int>
  ) throws(DiskFailure) -> UInt64 {
    let opened = files[frame.file]
    try opened.reader.read(into: &condensed, 0..<frame.byteCount, at: frame.offset)
    let head = condensed.span.extracting(..<frame.byteCount)
    guard head.count > PartitionFile.frameHeadBytes, load32(head, 0) == PartitionFile.magic,
      Int(load32(head, 4)) == head.count - PartitionFile.frameHeadBytes, Int(load32(head, 8)) == partition,
      load32(head, 12) == frame.number, load64(head, 16) == UInt64(frame.recordBytes)
    else { throw damage(opened.file, "frame \(frame.number) is not what was written") }
    let payload = head.extracting(PartitionFile.frameHeadBytes...)
    let checksum = PartitionFile.checksum(payload, file: opened.file.number, partition: partition, frame: Int(frame.number))
    guard load64(head, PartitionFile.checksumPlace) == checksum, bytes.fill(range, expanding: payload) == range.count else {
      throw damage(opened.file, "frame \(frame.number) is not what was written")
    }
    return checksum
  }
}

private func damage(_ file: PartitionFile, _ words: String) -> DiskFailure {
  DiskFailure(.damaged, file.path, "the staging file is damaged: \(words)")
}

package import Bytes
package import Disk
import Vocabulary

/// Reads the partitions of a run's staging, each whole and in the total order. Every frame is checked before it is believed.
///
/// Several threads may read at once. Memory: the indexes of the files, 16 bytes a frame.
package final class PartitionReader: Sendable {
  private struct Frame {
    var file: Int
    var number: Int
    var offset: Int
    var byteCount: Int
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
    var frames: [(partition: Int, frame: Frame)] = []
    var bits: Int?
    for (at, file) in files.enumerated() {
      let file = try Opened(file)
      let index = try PartitionReader.readIndex(file)
      let found = Int(load32(index.span, index.count - 12))
      guard found == bits ?? found, (1...Partitioning.mostBits).contains(found) else {
        throw damage(file.file, "it divides records differently")
      }
      bits = found
      for number in 0..<((index.count - 24) / 16) {
        let partition = Int(load32(index.span, number * 16 + 8))
        guard partition < 1 << found else { throw damage(file.file, "its index names a partition that is none") }
        frames.append(
          (
            partition,
            Frame(
              file: at, number: number, offset: Int(load64(index.span, number * 16)),
              byteCount: Int(load32(index.span, number * 16 + 12)))
          ))
      }
      opened.append(file)
    }
    partitioning = Partitioning(bits: bits ?? 1)
    self.files = opened
    self.identicalRows = identicalRows
    self.runs = Dictionary(grouping: runs, by: \.partition)
    var counts = [Int](repeating: 0, count: partitioning.count + 1)
    var bytes = [Int](repeating: 0, count: partitioning.count)
    for (partition, frame) in frames {
      counts[partition + 1] += 1
      bytes[partition] += frame.byteCount
    }
    for partition in 0..<partitioning.count { counts[partition + 1] += counts[partition] }
    starts = counts
    byteCounts = bytes
    var sorted = [Frame](repeating: Frame(file: 0, number: 0, offset: 0, byteCount: 0), count: frames.count)
    for (partition, frame) in frames {
      sorted[counts[partition]] = frame
      counts[partition] += 1
    }
    self.frames = sorted
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
      Int(offset) + frameCount * 16 + PartitionFile.tailBytes == byteCount
    else { throw damage(file, "its end is not what was written") }
    var index = [UInt8](repeating: 0, count: frameCount * 16 + 24)
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
      if at > start, bytes + frames[at].byteCount > limit {
        ranges.append(start..<at)
        start = at
        bytes = 0
      }
      bytes += frames[at].byteCount
    }
    if start < starts[number + 1] { ranges.append(start..<starts[number + 1]) }
    return ranges
  }

  /// Reads frames of a partition, instead of what `bytes` holds, and calls `body` with where the records of each lie in them. Returns what
  /// tells the records apart from any others.
  func read(
    _ range: Range<Int>, of number: Int, into bytes: inout [UInt8], _ body: (Range<Int>, [UInt8]) -> Void
  ) throws(DiskFailure) -> UInt64 {
    let byteCount = frames[range].reduce(0) { $0 + $1.byteCount }
    if bytes.count > byteCount { bytes.removeLast(bytes.count - byteCount) }
    if bytes.count < byteCount {
      bytes.reserveCapacity(byteCount)
      bytes.append(contentsOf: repeatElement(0, count: byteCount - bytes.count))
    }
    var at = 0
    var content: UInt64 = 0
    for frame in frames[range] {
      let range = at..<(at + frame.byteCount)
      try read(frame, of: number, into: &bytes, range)
      // A frame's checksum covers where it belongs, too.
      content = (content ^ load64(bytes.span, at + PartitionFile.checksumPlace)) &* 0x9e37_79b9_7f4a_7c15
      body((at + PartitionFile.frameHeadBytes)..<range.upperBound, bytes)
      at = range.upperBound
    }
    return content
  }

  /// Calls `body` with each record of a partition, in no order. Memory: one frame.
  package func eachRecord(of number: Int, _ body: (borrowing StagedRecord) throws(DiskFailure) -> Void) throws(DiskFailure) {
    for frame in frames[starts[number]..<starts[number + 1]] {
      var bytes = [UInt8](repeating: 0, count: frame.byteCount)
      try read(frame, of: number, into: &bytes, 0..<frame.byteCount)
      var at = PartitionFile.frameHeadBytes
      while at < bytes.count {
        let record = StagedRecord(bytes.span, at: at)
        at += record.byteCount
        try body(record)
      }
    }
  }

  private func read(_ frame: Frame, of partition: Int, into bytes: inout [UInt8], _ range: Range<Int>) throws(DiskFailure) {
    let opened = files[frame.file]
    try opened.reader.read(into: &bytes, range, at: frame.offset)
    let head = bytes.span.extracting(range)
    guard head.count > PartitionFile.frameHeadBytes, load32(head, 0) == PartitionFile.magic,
      Int(load32(head, 4)) == head.count - PartitionFile.frameHeadBytes, Int(load32(head, 8)) == partition,
      Int(load32(head, 12)) == frame.number, load64(head, 16) == 0,
      load64(head, PartitionFile.checksumPlace)
        == PartitionFile.checksum(
          head.extracting(PartitionFile.frameHeadBytes...), file: opened.file.number, partition: partition, frame: frame.number)
    else { throw damage(opened.file, "frame \(frame.number) is not what was written") }
  }
}

private func damage(_ file: PartitionFile, _ words: String) -> DiskFailure {
  DiskFailure(.damaged, file.path, "the staging file is damaged: \(words)")
}

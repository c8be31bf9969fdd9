import Bytes
import Disk

/// Ids in a file, by buckets. What is read again is what was written: each chunk is compared with its digest.
struct SpilledIDs: ~Copyable {
  struct Chunk {
    var offset: Int
    var count: Int
    var digest: UInt64
  }

  private let folder: String
  /// Nil while there are none.
  private var file: ScratchFile?
  private var byteCount = 0
  private var buckets: [[Chunk]] = []

  private static let entryBytes = 24

  init(folder: String) { self.folder = folder }

  var isEmpty: Bool { buckets.isEmpty }

  mutating func removeAll() {
    file = nil
    byteCount = 0
    buckets = []
  }

  func count(of bucket: Int) -> Int { buckets[bucket].reduce(0) { $0 + $1.count } }

  func chunks(of bucket: Int) -> [Chunk] { buckets[bucket] }

  mutating func append(_ entries: ArraySlice<VisitorIDs.Entry>, to bucket: Int) throws(DiskFailure) {
    if buckets.isEmpty {
      file = try ScratchFile(in: folder)
      buckets = Array(repeating: [], count: VisitorIDs.bucketCount)
    }
    let room = SpilledIDs.entryBytes * entries.count
    var bytes = ByteArena(limit: room, reserving: room)
    for entry in entries {
      let at = bytes.appendZeros(SpilledIDs.entryBytes)
      bytes.store(entry.id.high, at: at)
      bytes.store(entry.id.low, at: at + 8)
      bytes.store(UInt64(entry.number), at: at + 16)
    }
    let offset = byteCount
    try file!.append(bytes.span)
    byteCount += bytes.count
    buckets[bucket].append(
      Chunk(offset: offset, count: entries.count, digest: WideDigest.of(bytes.span, seed: UInt64(offset)).high))
  }

  func read(_ chunk: Chunk) throws(DiskFailure) -> [VisitorIDs.Entry] {
    var bytes = [UInt8](repeating: 0, count: SpilledIDs.entryBytes * chunk.count)
    try file!.read(into: &bytes, at: chunk.offset)
    guard WideDigest.of(bytes.span, seed: UInt64(chunk.offset)).high == chunk.digest else {
      throw DiskFailure(.damaged, folder, "ids that were put aside there came back changed")
    }
    return stride(from: 0, to: bytes.count, by: SpilledIDs.entryBytes).map { at in
      VisitorIDs.Entry(
        Digest(high: load64(bytes.span, at), low: load64(bytes.span, at + 8)), number: Int(load64(bytes.span, at + 16)))
    }
  }
}

internal import Bytes
internal import Disk
internal import Dispatch
internal import Foundation
internal import Synchronization
internal import Vocabulary

/// The plain bytes of a packed input, unpacked ahead on a thread of its own.
///
///     file ─▶ thread: read, digest, unpack ─▶ at most `ahead` chunks ─▶ `read`
///
/// What ends the file early is a failure, never an end. Memory: `ahead` + 2 chunks, and what unpacking takes (`Unpacker`).
final class PackedInput {
  /// What the thread hands over.
  enum Chunk: Sendable {
    /// The first `count` bytes of them.
    case bytes([UInt8], count: Int)
    /// The end, and what was read of the packed file.
    case end(digest: Digest, byteCount: Int)
    case failure(ReadFailure)
  }

  fileprivate static let chunkBytes = 1 << 18
  /// Bytes of the packed file read at a time.
  fileprivate static let packedBytes = 1 << 17
  private static let ahead = 4

  private let chunks = ChunkQueue(room: PackedInput.ahead)
  private var chunk: [UInt8] = []
  private var chunkCount = 0
  private var at = 0
  private var ended: (digest: Digest, byteCount: Int)?
  private let packedCount = PackedCount()

  /// Bytes of the packed file read so far.
  private final class PackedCount: Sendable { let count = Atomic(0) }

  /// Begins to unpack a file whose first bytes have been read.
  init(_ file: consuming FileReader, beginning: [UInt8], _ packing: Packing) {
    let worker = UnpackingThread(file, beginning, packing)
    let thread = Thread { [chunks, packedCount] in
      worker.run(chunks) { packedCount.count.store($0, ordering: .relaxed) }
    }
    thread.name = "unpack"
    thread.stackSize = 1 << 20
    thread.start()
  }

  deinit { chunks.abandon() }

  /// Bytes of the packed file that were read so far.
  var byteCount: Int { ended?.byteCount ?? packedCount.count.load(ordering: .relaxed) }

  /// The digest of the packed file, once its end was reached; before that the one of no bytes.
  var digest: Digest { ended?.digest ?? WideDigest().value }

  /// The bytes of `start` with those of the input behind them: `count` in all, or fewer at the end.
  func read(behind start: [UInt8], to count: Int) throws(ReadFailure) -> [UInt8] {
    var bytes = start
    bytes.reserveCapacity(count)
    while bytes.count < count, ended == nil {
      if at == chunkCount {
        chunks.giveBack(&chunk)
        (chunkCount, at) = (0, 0)
        switch chunks.take() {
        case .bytes(let next, let count): (chunk, chunkCount) = (next, count)
        case .end(let digest, let byteCount): ended = (digest, byteCount)
        case .failure(let failure):
          // Asked again, it says so again.
          chunks.put(.failure(failure))
          throw failure
        }
        continue
      }
      let taken = min(count - bytes.count, chunkCount - at)
      Bytes.append(chunk.span.extracting(at..<(at + taken)), to: &bytes)
      at += taken
    }
    return bytes
  }
}

/// What the thread works with.
private final class UnpackingThread: Sendable {
  private let file: Mutex<FileReader?>
  private let beginning: [UInt8]
  private let packing: Packing

  init(_ file: consuming FileReader, _ beginning: [UInt8], _ packing: Packing) {
    self.file = Mutex(file)
    self.beginning = beginning
    self.packing = packing
  }

  func run(_ chunks: ChunkQueue, _ progress: (Int) -> Void) {
    guard let file = file.withLock({ $0.take() }) else { return }
    do throws(ReadFailure) {
      try UnpackingThread.unpack(file, beginning, packing, chunks, progress)
    } catch {
      chunks.put(.failure(error))
    }
  }

  private static func unpack(
    _ file: consuming FileReader, _ beginning: [UInt8], _ packing: Packing, _ chunks: ChunkQueue, _ progress: (Int) -> Void
  ) throws(ReadFailure) {
    var file = file
    var packed = beginning
    var unpacker = Unpacker(packing)
    var digest = WideDigest()
    var byteCount = 0
    var plainCount = 0
    var plain = [UInt8](repeating: 0, count: PackedInput.chunkBytes)
    var filled = 0
    while !packed.isEmpty {
      digest.take(packed.span)
      byteCount += packed.count
      progress(byteCount)
      var at = 0
      while true {
        do throws(UnpackFault) {
          try unpacker.unpack(packed, &at, into: &plain, &filled)
        } catch {
          throw fault(error, file.path, byteCount - packed.count + at)
        }
        guard filled == plain.count else { break }
        plainCount += filled
        guard !isBomb(packed: byteCount, plain: plainCount) else {
          throw .packed(
            path: file.path, byte: byteCount - packed.count + at,
            message:
              "it unpacks to more than \(Limits.unpackRatio) times its size, as no rows do; look at what is in it, and if it is right unpack "
              + "it first, for example: \(packing.rawValue) -dc FILE | optireplay import -")
        }
        guard chunks.put(.bytes(plain, count: filled)) else { return }
        plain = chunks.takeBack() ?? [UInt8](repeating: 0, count: PackedInput.chunkBytes)
        filled = 0
      }
      packed = try read(&file)
    }
    guard unpacker.isComplete else {
      throw .packed(
        path: file.path, byte: byteCount, message: "it ends in the middle, so rows are missing; fetch or export the file again")
    }
    if filled > 0 { guard chunks.put(.bytes(plain, count: filled)) else { return } }
    chunks.put(.end(digest: digest.value, byteCount: byteCount))
  }

  private static func read(_ file: inout FileReader) throws(ReadFailure) -> [UInt8] {
    do throws(DiskFailure) {
      return try file.read(behind: [], to: PackedInput.packedBytes)
    } catch {
      throw .disk(error)
    }
  }

  private static func fault(_ fault: UnpackFault, _ path: String, _ byte: Int) -> ReadFailure {
    switch fault {
    case .damaged(let words):
      .packed(path: path, byte: byte, message: "it is damaged (\(words)), so rows are missing; fetch or export the file again")
    case .window:
      .packed(
        path: path, byte: byte,
        message: "unpacking it takes more than \(Unpacker.windowBytes >> 20) MB of memory; pack it again without --long, or unpack it first"
      )
    }
  }
}

/// Whether a packed input is more than any rows would be.
func isBomb(packed: Int, plain: Int) -> Bool { plain > Limits.unpackedBytesUnjudged && plain / Limits.unpackRatio > packed }

/// Chunks from one thread to another, in their order, so many at most.
private final class ChunkQueue: Sendable {
  private struct State {
    var chunks: [PackedInput.Chunk] = []
    /// The arrays of chunks that were read, to be filled again.
    var spare: [[UInt8]] = []
    var isAbandoned = false
  }

  private let state = Mutex(State())
  /// They begin at zero, because one that ends lower than it began stops the program.
  private let room = DispatchSemaphore(value: 0)
  private let news = DispatchSemaphore(value: 0)

  init(room count: Int) { for _ in 0..<count { room.signal() } }

  /// Hands a chunk over once there is room. Returns false when nobody takes any more.
  @discardableResult
  func put(_ chunk: PackedInput.Chunk) -> Bool {
    room.wait()
    let isWanted = state.withLock { state in
      state.chunks.append(chunk)
      return !state.isAbandoned
    }
    news.signal()
    return isWanted
  }

  /// Waits for the next chunk.
  func take() -> PackedInput.Chunk {
    news.wait()
    let chunk = state.withLock { $0.chunks.removeFirst() }
    room.signal()
    return chunk
  }

  /// Takes the bytes of a chunk that was read, and leaves none: whoever fills them again holds them alone.
  func giveBack(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    state.withLock { state in
      state.spare.append(bytes)
      bytes = []
    }
  }

  /// An array that was given back, if there is one.
  func takeBack() -> [UInt8]? { state.withLock { $0.spare.popLast() } }

  /// Says that no more chunks are taken.
  func abandon() {
    state.withLock { $0.isAbandoned = true }
    room.signal()
  }
}

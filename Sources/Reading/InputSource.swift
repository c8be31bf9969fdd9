internal import Bytes
internal import Disk

/// The bytes of one input from front to back, whose beginning has been looked at. What is packed with gzip or zstd, as its first bytes say,
/// comes unpacked.
///
/// Memory: the beginning, and for a packed input what `PackedInput` says.
struct InputSource: ~Copyable {
  /// Bytes that are looked at before anything is read.
  static let lookBytes = 4096

  /// A file that is read as it is.
  private final class Plain {
    var file: FileReader
    init(_ file: consuming FileReader) { self.file = file }

    func read(behind start: [UInt8], to count: Int) throws(ReadFailure) -> [UInt8] {
      do throws(DiskFailure) {
        return try file.read(behind: start, to: count)
      } catch {
        throw .disk(error)
      }
    }
  }

  private enum Origin {
    case plain(Plain)
    case packed(PackedInput)
  }

  private let origin: Origin
  /// The beginning of the input, the byte order mark included.
  private(set) var beginning: [UInt8] = []
  private var content = WideDigest()
  /// Bytes given out so far.
  private var givenCount = 0
  /// Whether there is nothing behind the bytes given out.
  private(set) var isAtEnd = false

  private init(_ origin: Origin, beginning: [UInt8]) {
    self.origin = origin
    self.beginning = beginning
    isAtEnd = beginning.isEmpty
  }

  /// Opens an input and looks at its beginning. Throws when it cannot be read or is no text.
  static func open(_ path: String) throws(ReadFailure) -> InputSource {
    var file = try openFile(path)
    var look = [UInt8](repeating: 0, count: lookBytes)
    do throws(DiskFailure) {
      look.removeSubrange(try file.read(into: &look, from: 0)...)
    } catch {
      throw .disk(error)
    }
    let origin: Origin
    if let packing = Packing(beginning: look) {
      let packed = PackedInput(file, beginning: look, packing)
      look = try packed.read(behind: [], to: lookBytes)
      origin = .packed(packed)
    } else {
      origin = .plain(Plain(file))
    }
    if let message = refusal(ofBeginning: look) { throw .notText(path: path, message: message) }
    return InputSource(origin, beginning: look)
  }

  private static func openFile(_ path: String) throws(ReadFailure) -> FileReader {
    do throws(DiskFailure) {
      return try FileReader(path: path)
    } catch {
      throw .disk(error)
    }
  }

  /// Bytes of the input read so far, packed as they are.
  var byteCount: Int {
    switch origin {
    case .plain: givenCount
    case .packed(let packed): packed.byteCount
    }
  }

  /// The digest of the bytes given out so far; of a packed input that of the file as it is, at its end.
  var digest: Digest {
    switch origin {
    case .plain: content.value
    case .packed(let packed): packed.digest
    }
  }

  /// Bytes of the UTF-8 byte order mark at the beginning: 3 or 0.
  var markBytes: Int { beginning.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0 }

  /// The bytes of `start` with those of the input behind them: `count` in all, or fewer at the end of the input.
  mutating func read(behind start: [UInt8], to count: Int) throws(ReadFailure) -> [UInt8] {
    var bytes = start
    let looked = beginning.dropFirst(givenCount).prefix(count - start.count)
    bytes += looked
    let isLookedAt = givenCount + looked.count < beginning.count
    if !isLookedAt, beginning.count < Self.lookBytes {
      isAtEnd = true
    } else if !isLookedAt, bytes.count < count {
      bytes = try readOn(bytes, to: count)
      isAtEnd = bytes.count < count
    }
    if case .plain = origin { content.take(bytes.span.extracting(start.count...)) }
    givenCount += bytes.count - start.count
    return bytes
  }

  private func readOn(_ bytes: [UInt8], to count: Int) throws(ReadFailure) -> [UInt8] {
    switch origin {
    case .plain(let plain): try plain.read(behind: bytes, to: count)
    case .packed(let packed): try packed.read(behind: bytes, to: count)
    }
  }
}

/// What is wrong with an input that begins like this, and what to do with it; nil for text.
private func refusal(ofBeginning bytes: [UInt8]) -> String? {
  let packed: [(magic: [UInt8], message: String)] = [
    ([0x1f, 0x8b], "this is packed with gzip twice; unpack it once, for example: gzip -dc FILE | optireplay import -"),
    ([0x28, 0xb5, 0x2f, 0xfd], "this is packed twice; unpack it once, for example: zstd -dc FILE | optireplay import -"),
    (
      [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
      "this is packed with xz; unpack it first, for example: xz -dc FILE | optireplay import -"
    ),
    (Array("BZh".utf8), "this is packed with bzip2; unpack it first, for example: bzip2 -dc FILE | optireplay import -"),
    ([0x50, 0x4b, 0x03, 0x04], "this is a zip archive or a spreadsheet; unpack it, or export it as CSV in UTF-8"),
    (Array("PAR1".utf8) + [0x15], "this is a Parquet file; export it as CSV or NDJSON"),
  ]
  for (magic, message) in packed where bytes.starts(with: magic) {
    // "BZh" may also begin a header.
    if magic.count == 3, !bytes.dropFirst(4).starts(with: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) { continue }
    return message
  }
  // Text of UTF-16 has a mark, or a zero in every other byte of its ASCII characters.
  let isMarked = bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff])
  let zeros = bytes.prefix(4).map { $0 == 0 }
  if isMarked || zeros == [true, false, true, false] || zeros == [false, true, false, true] {
    return "this is UTF-16; write it as UTF-8 first, for example: iconv -f UTF-16 -t UTF-8 FILE"
  }
  if bytes.contains(0) { return "this is a binary file (it has NUL bytes at its beginning); export it as CSV or NDJSON in UTF-8" }
  return nil
}

internal import Bytes
internal import Disk
internal import Vocabulary

/// The bytes of one input from front to back, whose beginning has been looked at. What is packed with gzip or zstd, as its first bytes say,
/// comes unpacked, and what is declared to be no UTF-8 comes as UTF-8.
///
/// Memory: the beginning, for a packed input what `PackedInput` says, and for one that is no UTF-8 what was read last.
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
  /// Bytes read so far.
  private var readCount = 0
  /// Whether there is nothing behind the bytes read so far.
  private var isReadToEnd = false
  /// Nil for UTF-8.
  private var transcoder: Transcoder?

  private init(_ origin: Origin, beginning: [UInt8], _ encoding: TextEncoding) {
    self.origin = origin
    self.beginning = beginning
    isReadToEnd = beginning.isEmpty
    transcoder = Transcoder(encoding)
  }

  /// Opens an input and looks at its beginning. Throws when it cannot be read, or is no text of this encoding.
  static func open(
    _ path: String, encoding: TextEncoding = .utf8, patience: PipePatience = PipePatience()
  ) throws(ReadFailure) -> InputSource {
    var file = try openFile(path, patience)
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
    let source = InputSource(origin, beginning: look, encoding)
    if encoding != .utf8, source.markBytes > 0 {
      throw .notText(path: path, message: "this is UTF-8, as the mark at its beginning says, not \(encoding.rawValue); declare it as utf-8")
    }
    return source
  }

  private static func openFile(_ path: String, _ patience: PipePatience) throws(ReadFailure) -> FileReader {
    do throws(DiskFailure) {
      return try FileReader(path: path, patience: patience)
    } catch {
      throw .disk(error)
    }
  }

  /// Lets the bytes be, whatever was declared. To be called before any is read.
  mutating func takeAsUTF8() { transcoder = nil }

  /// Bytes of the input read so far, packed as they are.
  var byteCount: Int {
    switch origin {
    case .plain: readCount
    case .packed(let packed): packed.byteCount
    }
  }

  /// The digest of the bytes read so far; of a packed input that of the file as it is, at its end.
  var digest: Digest {
    switch origin {
    case .plain: content.value
    case .packed(let packed): packed.digest
    }
  }

  /// Bytes of the UTF-8 byte order mark at the beginning: 3 or 0.
  var markBytes: Int { beginning.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0 }

  /// Whether there is nothing behind the text given out.
  var isAtEnd: Bool { isReadToEnd && transcoder?.isEmpty ?? true }

  /// The bytes of `start` with the text of the input behind them: `count` bytes in all, one or two more where a character that was
  /// transcoded goes over that, or fewer at the end of the input.
  mutating func read(behind start: [UInt8], to count: Int) throws(ReadFailure) -> [UInt8] {
    guard transcoder != nil else { return try readBytes(behind: start, to: count) }
    var text = start
    text.reserveCapacity(count + Transcoder.mostBytes)
    while text.count < count, !isAtEnd {
      if transcoder?.isEmpty ?? true {
        let bytes = try readBytes(behind: [], to: count - start.count)
        transcoder?.take(bytes)
      }
      transcoder?.write(to: &text, count: count)
    }
    return text
  }

  /// The bytes of `start` with those of the input behind them: `count` in all, or fewer at the end of the input.
  private mutating func readBytes(behind start: [UInt8], to count: Int) throws(ReadFailure) -> [UInt8] {
    var bytes = start
    let looked = beginning.dropFirst(readCount).prefix(count - start.count)
    bytes += looked
    let isLookedAt = readCount + looked.count < beginning.count
    if !isLookedAt, beginning.count < Self.lookBytes {
      isReadToEnd = true
    } else if !isLookedAt, bytes.count < count {
      bytes = try readOn(bytes, to: count)
      isReadToEnd = bytes.count < count
    }
    if case .plain = origin { content.take(bytes.span.extracting(start.count...)) }
    readCount += bytes.count - start.count
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

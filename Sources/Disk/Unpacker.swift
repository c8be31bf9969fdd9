internal import CZlib
internal import CZstd

/// How a file is packed, as its first bytes say.
package enum Packing: String, Sendable, CaseIterable {
  case gzip, zstd

  package init?(beginning: [UInt8]) {
    if beginning.starts(with: [0x1f, 0x8b]) {
      self = .gzip
    } else if beginning.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
      self = .zstd
    } else {
      return nil
    }
  }

  /// What the names of such files end with.
  package var suffixes: [String] { self == .gzip ? [".gz", ".gzip"] : [".zst", ".zstd"] }
}

/// Why packed bytes cannot be unpacked.
package enum UnpackFault: Error, Sendable, Equatable {
  case damaged(String)
  /// They need a window of more memory than `Unpacker.windowBytes`.
  case window
}

/// Unpacks gzip or zstd: members or frames one behind the other, with zeros behind the last one as tapes and some tools leave them.
///
/// Memory: 40 KB for gzip, up to `windowBytes` for zstd.
@safe
package struct Unpacker: ~Copyable {
  /// The most memory that a zstd frame may ask for: what `zstd` itself unpacks without being told to take more.
  package static let windowBytes = 128 << 20

  private let packing: Packing
  /// zlib keeps the address of what it works with, so it does not move.
  private let gzip: UnsafeMutablePointer<z_stream>
  private let zstd: OpaquePointer?
  /// Whether a member has begun and not ended.
  private var isInside = false
  /// Whether zeros are all that may come.
  private var isPadding = false

  package init(_ packing: Packing) {
    self.packing = packing
    unsafe gzip = .allocate(capacity: 1)
    unsafe gzip.initialize(to: z_stream())
    if packing == .gzip {
      // 16 asks for gzip's head and checksum, 15 for its largest window.
      let status = unsafe inflateInit2_(
        gzip, 16 + 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
      precondition(status == Z_OK, "zlib cannot begin: \(status)")
      unsafe zstd = nil
    } else {
      unsafe zstd = ZSTD_createDCtx()
      precondition(unsafe zstd != nil, "libzstd cannot begin")
      _ = unsafe ZSTD_DCtx_setParameter(
        zstd, ZSTD_d_windowLogMax, Int32(Unpacker.windowBytes.trailingZeroBitCount))
    }
  }

  deinit {
    if packing == .gzip { unsafe inflateEnd(gzip) } else { unsafe ZSTD_freeDCtx(zstd) }
    unsafe gzip.deinitialize(count: 1)
    unsafe gzip.deallocate()
  }

  /// Whether nothing is missing behind the bytes so far.
  package var isComplete: Bool { !isInside }

  /// Unpacks from `packed`, from `at` on, as much as fits into `plain` behind its first `filled` bytes. Moves `at` and `filled`. To be called
  /// again until `at` is at the end and `filled` did not reach it.
  package mutating func unpack(
    _ packed: [UInt8], _ at: inout Int, into plain: inout [UInt8], _ filled: inout Int
  ) throws(UnpackFault) {
    precondition(at >= 0 && at <= packed.count && filled >= 0 && filled <= plain.count)
    while filled < plain.count {
      if !isInside {
        while at < packed.count, packed[at] == 0 {
          isPadding = true
          at += 1
        }
        guard at < packed.count else { return }
        if isPadding { throw .damaged("there is something behind the zeros at its end") }
        isInside = true
      }
      let before = (at, filled)
      switch packing {
      case .gzip: try inflateSome(packed, &at, &plain, &filled)
      case .zstd: try decompressSome(packed, &at, &plain, &filled)
      }
      // Nothing goes on without more bytes.
      if (at, filled) == before { return }
    }
  }

  private mutating func inflateSome(
    _ packed: [UInt8], _ at: inout Int, _ plain: inout [UInt8], _ filled: inout Int
  ) throws(UnpackFault) {
    let inCount = min(packed.count - at, 1 << 30)
    let outCount = min(plain.count - filled, 1 << 30)
    let start = (at, filled)
    let gzip = unsafe gzip
    let status = unsafe packed.withUnsafeBufferPointer { source in
      unsafe plain.withUnsafeMutableBufferPointer { target in
        // SAFETY: source and target have inCount and outCount bytes behind `at` and `filled` by the counts above; zlib writes no others, and
        // does not change what it reads.
        unsafe gzip.pointee.next_in = UnsafeMutablePointer(
          mutating: source.baseAddress.map { unsafe $0 + start.0 })
        unsafe gzip.pointee.avail_in = UInt32(inCount)
        unsafe gzip.pointee.next_out = target.baseAddress.map { unsafe $0 + start.1 }
        unsafe gzip.pointee.avail_out = UInt32(outCount)
        return unsafe inflate(gzip, Z_NO_FLUSH)
      }
    }
    at += inCount - Int(unsafe gzip.pointee.avail_in)
    filled += outCount - Int(unsafe gzip.pointee.avail_out)
    switch status {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END:
      isInside = false
      unsafe inflateReset(gzip)
    case Z_MEM_ERROR: throw .damaged("there is no memory to unpack it")
    default:
      throw .damaged(
        unsafe gzip.pointee.msg.map { unsafe String(cString: $0) } ?? "it is not what gzip writes")
    }
  }

  private mutating func decompressSome(
    _ packed: [UInt8], _ at: inout Int, _ plain: inout [UInt8], _ filled: inout Int
  ) throws(UnpackFault) {
    let start = (at, filled)
    let zstd = unsafe zstd
    let (status, read, written) = unsafe packed.withUnsafeBytes { source in
      unsafe plain.withUnsafeMutableBytes { target in
        // SAFETY: both buffers say their whole size and where to go on, which lies inside by the caller's precondition.
        var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: start.0)
        var output = unsafe ZSTD_outBuffer(
          dst: target.baseAddress, size: target.count, pos: start.1)
        let status = unsafe ZSTD_decompressStream(zstd, &output, &input)
        return unsafe (status, input.pos, output.pos)
      }
    }
    at = read
    filled = written
    if ZSTD_isError(status) != 0 {
      if ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge { throw .window }
      throw .damaged(unsafe String(cString: ZSTD_getErrorName(status)))
    }
    if status == 0 { isInside = false }
  }
}

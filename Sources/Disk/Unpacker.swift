internal import CIsal
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
/// Memory: 90 KB for gzip, up to `windowBytes` for zstd.
@safe
package struct Unpacker: ~Copyable {
  /// The most memory that a zstd frame may ask for: what `zstd` itself unpacks without being told to take more.
  package static let windowBytes = 128 << 20

  private let packing: Packing
  private let gzip: UnsafeMutableRawPointer?
  private let zstd: OpaquePointer?
  /// Whether a member has begun and not ended.
  private var isInside = false
  /// Whether zeros are all that may come.
  private var isPadding = false

  package init(_ packing: Packing) {
    self.packing = packing
    if packing == .gzip {
      unsafe gzip = cisal_create()
      precondition(unsafe gzip != nil, "ISA-L cannot begin")
      unsafe zstd = nil
    } else {
      unsafe gzip = nil
      unsafe zstd = ZSTD_createDCtx()
      precondition(unsafe zstd != nil, "libzstd cannot begin")
      _ = unsafe ZSTD_DCtx_setParameter(
        zstd, ZSTD_d_windowLogMax, Int32(Unpacker.windowBytes.trailingZeroBitCount))
    }
  }

  deinit {
    if packing == .gzip { unsafe cisal_free(gzip) } else { unsafe ZSTD_freeDCtx(zstd) }
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
        if packing == .gzip, packed[at] != 0x1f { throw .damaged("there is something behind its end that gzip did not write") }
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
    let inCount = UInt32(min(packed.count - at, 1 << 30))
    let outCount = UInt32(min(plain.count - filled, 1 << 30))
    let start = (at, filled)
    let gzip = unsafe gzip
    var (inLeft, outLeft) = (inCount, outCount)
    let status = unsafe packed.withUnsafeBufferPointer { source in
      unsafe plain.withUnsafeMutableBufferPointer { target in
        // SAFETY: source and target have inCount and outCount bytes behind `at` and `filled` by the counts above; ISA-L writes no others, and
        // does not change what it reads.
        unsafe cisal_unpack(
          gzip, source.baseAddress.map { unsafe $0 + start.0 }, &inLeft, target.baseAddress.map { unsafe $0 + start.1 }, &outLeft)
      }
    }
    at += Int(inCount - inLeft)
    filled += Int(outCount - outLeft)
    switch status {
    case 0: break
    case 1:
      isInside = false
      unsafe cisal_reset(gzip)
    case ISAL_INCORRECT_CHECKSUM: throw .damaged("its checksum is that of other bytes")
    case ISAL_UNSUPPORTED_METHOD, ISAL_INVALID_WRAPPER: throw .damaged("its head is none that gzip writes")
    default: throw .damaged("it is not what gzip writes")
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

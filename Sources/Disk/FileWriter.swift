package import Bytes

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A new file that is written from front to back. What stood at its path before is replaced.
package struct FileWriter: ~Copyable {
  private let descriptor: Int32
  package let path: String
  package private(set) var byteCount = 0

  /// Creates the file, for its owner alone (mode 0600). `appending` keeps what it holds and writes behind it.
  package init(path: String, appending: Bool = false) throws(DiskFailure) {
    self.path = path
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (appending ? O_APPEND : O_TRUNC)
    descriptor = uninterrupted { unsafe open(path, flags, 0o600) }
    guard descriptor >= 0 else { throw DiskFailure.system(errno, path, doing: "create it") }
  }

  deinit { close(descriptor) }

  /// Appends the bytes. They are with the system, not yet on the disk, when it returns.
  package mutating func write(_ bytes: Span<UInt8>) throws(DiskFailure) {
    try writeAll(bytes, to: descriptor, path: path)
    byteCount += bytes.count
  }

  package mutating func write(_ bytes: [UInt8]) throws(DiskFailure) { try write(bytes.span) }

  package mutating func write(_ arena: borrowing ByteArena) throws(DiskFailure) { try write(arena.span) }

  /// Waits until everything written is on the disk.
  package func sync() throws(DiskFailure) {
    guard uninterrupted({ fsync(descriptor) }) == 0 else { throw DiskFailure.system(errno, path, doing: "bring it to the disk") }
  }
}

/// Writes all of the bytes where the file stands.
func writeAll(_ bytes: Span<UInt8>, to descriptor: Int32, path: String) throws(DiskFailure) {
  var written = 0
  while written < bytes.count {
    let got = uninterrupted {
      unsafe bytes.withUnsafeBytes { source in
        // SAFETY: written < source.count, and at most the rest is written.
        unsafe write(descriptor, source.baseAddress! + written, source.count - written)
      }
    }
    if got < 0 { throw DiskFailure.system(errno, path, doing: "write to it") }
    written += got
  }
}

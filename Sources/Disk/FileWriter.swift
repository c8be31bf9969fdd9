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
  /// Bytes written by this writer, held back or not.
  package private(set) var byteCount = 0
  /// What is held back.
  private var held: ByteArena

  /// Creates the file, for its owner alone (mode 0600). `appending` keeps what it holds and writes behind it.
  ///
  /// Bytes are held back until there are as many as `holding`, and go to the system together: of many small writes each fills pages in part, which
  /// the system clears first and comes back to, and that takes longer than copying them. What is still held is lost without `flush` or `sync`.
  package init(path: String, appending: Bool = false, holding: Int = 0) throws(DiskFailure) {
    self.path = path
    held = ByteArena(limit: holding, reserving: holding)
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (appending ? O_APPEND : O_TRUNC)
    descriptor = uninterrupted { unsafe open(path, flags, 0o600) }
    guard descriptor >= 0 else { throw DiskFailure.system(errno, path, doing: "create it") }
  }

  deinit { close(descriptor) }

  /// Appends the bytes. They are with the system, not yet on the disk, when it returns, but for those that are held back.
  package mutating func write(_ bytes: Span<UInt8>) throws(DiskFailure) {
    byteCount += bytes.count
    if held.limit == 0 { return try writeAll(bytes, to: descriptor, path: path) }
    var rest = bytes
    while held.count + rest.count >= held.limit {
      let fitting = held.limit - held.count
      held.append(rest.extracting(first: fitting))
      rest = rest.extracting(droppingFirst: fitting)
      try flush()
    }
    held.append(rest)
  }

  /// Hands what is held back to the system. After a failure the writer is of no more use: part of it may be there.
  package mutating func flush() throws(DiskFailure) {
    try writeAll(held.span, to: descriptor, path: path)
    held.removeAll()
  }

  package mutating func write(_ bytes: [UInt8]) throws(DiskFailure) { try write(bytes.span) }

  package mutating func write(_ arena: borrowing ByteArena) throws(DiskFailure) { try write(arena.span) }

  /// Waits until everything written is on the disk.
  package mutating func sync() throws(DiskFailure) {
    try flush()
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

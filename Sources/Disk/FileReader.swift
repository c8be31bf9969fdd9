#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// An open file that is read from front to back, or at any place.
package struct FileReader: ~Copyable, Sendable {
  private let descriptor: Int32
  package let path: String
  /// Bytes of the file when it was opened; nil for a pipe or a terminal.
  package let byteCount: Int?
  /// Seconds since 1970 when the file was last changed; 0 for a pipe.
  package let changedAt: Int

  /// Opens a file; `-` is standard input. Throws when it is missing, a folder, or unreadable.
  package init(path: String) throws(DiskFailure) {
    self.path = path
    let isStandardInput = path == "-"
    descriptor = isStandardInput ? dup(0) : unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DiskFailure.system(errno, path, doing: "open it") }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw DiskFailure.system(code, path, doing: "look at it")
    }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      close(descriptor)
      throw DiskFailure.system(EISDIR, path, doing: "read it")
    }
    byteCount = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    #if canImport(Darwin)
      changedAt = byteCount == nil ? 0 : Int(status.st_mtimespec.tv_sec)
    #else
      changedAt = byteCount == nil ? 0 : Int(status.st_mtim.tv_sec)
    #endif
  }

  deinit { close(descriptor) }

  /// Fills `buffer` from `start` to its end as far as the file goes, waiting for a pipe. Returns how many bytes were read: fewer than
  /// asked for only at the end of the file.
  package mutating func read(into buffer: inout [UInt8], from start: Int) throws(DiskFailure) -> Int {
    var filled = start
    while filled < buffer.count {
      let got = unsafe buffer.withUnsafeMutableBytes { bytes in
        // SAFETY: filled < bytes.count, and at most the rest of the buffer is asked for.
        unsafe systemRead(descriptor, bytes.baseAddress! + filled, bytes.count - filled)
      }
      if got == 0 { break }
      if got < 0 {
        if errno == EINTR { continue }
        throw DiskFailure.system(errno, path, doing: "read it")
      }
      filled += got
    }
    return filled - start
  }

  /// The bytes of `start` with those of the file behind them, `count` in all or fewer at the end of the file, waiting for a pipe. The
  /// memory is not cleared before it is read into.
  package mutating func read(behind start: [UInt8], to count: Int) throws(DiskFailure) -> [UInt8] {
    precondition(start.count <= count)
    var failure: DiskFailure?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      // SAFETY: the buffer has room for `count` bytes; the start fits in by the precondition, and each read asks for at most the
      // rest. `filled` counts what was written.
      _ = unsafe buffer.update(fromContentsOf: start)
      filled = start.count
      while filled < count {
        let got = unsafe systemRead(descriptor, buffer.baseAddress! + filled, count - filled)
        if got == 0 { break }
        if got < 0 {
          if errno == EINTR { continue }
          failure = DiskFailure.system(errno, path, doing: "read it")
          break
        }
        filled += got
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Fills the whole buffer from `offset` of the file; throws `.damaged` when the file ends before.
  package func read(into buffer: inout [UInt8], at offset: Int) throws(DiskFailure) {
    try read(into: &buffer, 0..<buffer.count, at: offset)
  }

  /// Fills a part of the buffer from `offset` of the file; throws `.damaged` when the file ends before.
  package func read(into buffer: inout [UInt8], _ part: Range<Int>, at offset: Int) throws(DiskFailure) {
    precondition(part.lowerBound >= 0 && part.upperBound <= buffer.count)
    var filled = 0
    while filled < part.count {
      let got = unsafe buffer.withUnsafeMutableBytes { bytes in
        // SAFETY: the precondition proves that the part lies in the buffer, and at most its rest is asked for.
        unsafe pread(descriptor, bytes.baseAddress! + part.lowerBound + filled, part.count - filled, off_t(offset + filled))
      }
      if got == 0 { throw DiskFailure(.damaged, path, "ends at byte \(offset + filled), before what was written there") }
      if got < 0 {
        if errno == EINTR { continue }
        throw DiskFailure.system(errno, path, doing: "read it")
      }
      filled += got
    }
  }
}

/// `read(2)` by another name, which the method above would hide.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
  unsafe read(descriptor, bytes, count)
}

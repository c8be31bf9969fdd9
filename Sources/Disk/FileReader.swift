internal import Vocabulary

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// How long a pipe may bring nothing before it counts as stalled.
///
/// It is counted in waits of a quarter of a second, not by a clock: time in which this process was stopped or the machine slept does not
/// count, nor do clocks that are set.
package struct PipePatience: Sendable {
  fileprivate static let wait = Duration.milliseconds(250)

  /// Nil for ever.
  package var limit: Duration?
  /// Whether nobody wants the bytes any more; asked at each wait. Then the pipe counts as stalled at once.
  package var isOver: @Sendable () -> Bool
  /// The flag that allows more.
  fileprivate var flag: String? = "--stall-timeout"

  /// For files that are read on the way to something else: nobody writes them for longer than a minute.
  package static var short: PipePatience {
    var patience = PipePatience(limit: .seconds(60))
    patience.flag = nil
    return patience
  }

  package init(limit: Duration? = .seconds(Limits.stallSeconds), isOver: @escaping @Sendable () -> Bool = { false }) {
    self.limit = limit
    self.isOver = isOver
  }
}

/// An open file that is read from front to back, or at any place.
package struct FileReader: ~Copyable, Sendable {
  private let descriptor: Int32
  package let path: String
  private let patience: PipePatience
  /// Bytes of the file when it was opened; nil for a pipe or a terminal.
  package let byteCount: Int?
  /// Seconds since 1970 when the file was last changed; 0 for a pipe.
  package let changedAt: Int

  /// Opens a file; `-` is standard input. Throws when it is missing, a folder, or unreadable. Of a pipe nobody waits for the other end
  /// here: that is the first read's business.
  package init(path: String, patience: PipePatience = PipePatience()) throws(DiskFailure) {
    self.path = path
    self.patience = patience
    descriptor = path == "-" ? dup(0) : openFile(path)
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
      try waitForBytes()
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
        do throws(DiskFailure) {
          try waitForBytes()
        } catch {
          failure = error
          break
        }
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

  /// Waits until a pipe has bytes or its end; a file has them always.
  private func waitForBytes() throws(DiskFailure) {
    if byteCount != nil { return }
    var silence = Duration.zero
    while true {
      let wait = patience.limit.map { min($0 - silence, PipePatience.wait) } ?? PipePatience.wait
      var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = unsafe poll(&state, 1, Int32((wait / .milliseconds(1)).rounded(.up)))
      if ready > 0 { return }
      if ready < 0, errno != EINTR { throw DiskFailure.system(errno, path, doing: "wait for it") }
      if patience.isOver() { throw DiskFailure(.stalled, path, "nobody waits for its bytes any more") }
      if ready == 0 { silence += wait }
      if let limit = patience.limit, silence >= limit {
        throw DiskFailure(
          .stalled, path,
          "not a byte came for \(spoken(limit)), and its other end is still open or was never opened; see what became of the command that "
            + "writes to it and run the same command again" + (patience.flag.map { ", or allow more with \($0)" } ?? ""))
      }
    }
  }

  /// Fills the whole buffer from `offset` of the file; throws `.damaged` when the file ends before.
  package func read(into buffer: inout [UInt8], at offset: Int) throws(DiskFailure) {
    try read(into: &buffer, 0..<buffer.count, at: offset)
  }

  /// Fills a part of the buffer from `offset` of the file; throws `.damaged` when the file ends before.
  package func read(into buffer: inout [UInt8], _ part: Range<Int>, at offset: Int) throws(DiskFailure) {
    try readAll(into: &buffer, part, at: offset, from: descriptor, path: path)
  }
}

/// Fills a part of the buffer from `offset` of the file; throws `.damaged` when the file ends before.
func readAll(
  into buffer: inout [UInt8], _ part: Range<Int>, at offset: Int, from descriptor: Int32, path: String
) throws(DiskFailure) {
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

/// Opens a file to read it; negative when that fails. A named pipe without a writer would hold `open` up for ever, unless it is told not
/// to wait; reading is to wait again.
private func openFile(_ path: String) -> Int32 {
  let flags = O_RDONLY | O_CLOEXEC | (isNamedPipe(path) ? O_NONBLOCK : 0)
  let descriptor = uninterrupted { unsafe open(path, flags) }
  if descriptor >= 0 {
    let flags = fcntl(descriptor, F_GETFL)
    if flags & O_NONBLOCK != 0 { _ = fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) }
  }
  return descriptor
}

private func isNamedPipe(_ path: String) -> Bool {
  var status = stat()
  return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
}

/// `read(2)` by another name, which the method above would hide.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
  unsafe read(descriptor, bytes, count)
}

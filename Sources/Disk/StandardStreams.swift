#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The three streams that a process is begun with.
package enum StandardStreams {
  package enum Stream: Int32, Sendable {
    case output = 1
    case errors = 2
  }

  /// Takes the places of streams that are closed. Otherwise the first files opened would get them, and what is said there would be written
  /// into those: a progress line into staging, for instance. What is read from or written to such a stream fails all the same.
  package static func holdPlaces() {
    for place: Int32 in 0...2 where fcntl(place, F_GETFD) < 0 {
      // The lowest place that is free is this one, for those below are taken.
      _ = unsafe open("/dev/null", place == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// Lets a reader that goes away be an error of the write, and not the end of the process.
  package static func outliveReaders() { _ = signal(SIGPIPE, SIG_IGN) }

  /// Writes all bytes. Throws `.abandoned` when nobody reads the stream any more, and `.stalled` when its reader takes nothing for longer than
  /// `limit`; without one it is waited for.
  package static func write(_ bytes: [UInt8], to stream: Stream, waiting limit: Duration? = nil) throws(DiskFailure) {
    var written = 0
    while written < bytes.count {
      if let limit { try requireRoom(in: stream, within: limit) }
      // With room for anything, a pipe takes so much without waiting.
      let count = min(bytes.count - written, limit == nil ? bytes.count : pieceBytes)
      let got = unsafe bytes.withUnsafeBytes { source in
        // SAFETY: written < source.count, and `count` is at most the rest.
        unsafe systemWrite(stream.rawValue, source.baseAddress! + written, count)
      }
      if got >= 0 {
        written += got
        continue
      }
      let code = errno
      if code == EINTR { continue }
      if code == EPIPE { throw DiskFailure(.abandoned, name(stream), "nobody reads it any more") }
      // Somebody else made the terminal or pipe one that does not wait.
      guard code == EAGAIN else { throw DiskFailure.system(code, name(stream), doing: "write to it") }
      try requireRoom(in: stream, within: limit)
    }
  }

  /// What every system's pipes take whole: `PIPE_BUF` is 512 at least (POSIX).
  private static let pieceBytes = 512

  private static func requireRoom(in stream: Stream, within limit: Duration?) throws(DiskFailure) {
    var state = pollfd(fd: stream.rawValue, events: Int16(POLLOUT), revents: 0)
    let wait = limit.map { Int32(($0 / .milliseconds(1)).rounded(.up)) } ?? -1
    guard unsafe poll(&state, 1, wait) == 0 else { return }
    throw DiskFailure(.stalled, name(stream), "its reader takes nothing")
  }

  private static func name(_ stream: Stream) -> String { stream == .output ? "standard output" : "standard error" }
}

/// `write(2)` by another name, which the method above would hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  unsafe write(descriptor, bytes, count)
}

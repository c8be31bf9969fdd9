#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file for what does not fit into memory: without a name, so that it is gone with its owner, however that ends.
package struct ScratchFile: ~Copyable {
  private let descriptor: Int32
  /// Where it was made; messages name it.
  package let folder: String

  /// Makes an empty file on the disk of `folder`, for its owner alone.
  package init(in folder: String) throws(DiskFailure) {
    self.folder = folder
    let path = "\(folder)/scratch-\(UInt64.random(in: .min ... .max))"
    descriptor = uninterrupted { unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600) }
    guard descriptor >= 0 else { throw DiskFailure.system(errno, path, doing: "create it") }
    guard unsafe unlink(path) == 0 else {
      let code = errno
      close(descriptor)
      throw DiskFailure.system(code, path, doing: "take its name away")
    }
  }

  deinit { close(descriptor) }

  /// Appends the bytes.
  package func append(_ bytes: Span<UInt8>) throws(DiskFailure) {
    try writeAll(bytes, to: descriptor, path: folder)
  }

  /// Fills the buffer from `offset` of the file.
  package func read(into buffer: inout [UInt8], at offset: Int) throws(DiskFailure) {
    try readAll(into: &buffer, 0..<buffer.count, at: offset, from: descriptor, path: folder)
  }
}

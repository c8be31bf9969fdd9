#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Which file a path leads to, and what tells whether it changed between two looks. Costs one call of the system.
package struct FileState: Equatable, Sendable {
  package let device: UInt64
  package let file: UInt64
  package let byteCount: UInt64
  /// When its content changed last: seconds and nanoseconds.
  package let changedAt: [Int]

  /// Nil when there is no such file.
  package init?(_ path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    device = UInt64(truncatingIfNeeded: status.st_dev)
    file = UInt64(status.st_ino)
    byteCount = UInt64(clamping: status.st_size)
    #if canImport(Darwin)
      changedAt = [status.st_mtimespec.tv_sec, status.st_mtimespec.tv_nsec]
    #else
      changedAt = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
    #endif
  }
}

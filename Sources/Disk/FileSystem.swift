#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension Folder {
  /// The kind of the network file system that holds a path; nil when it is a local one, or nobody knows.
  package static func networkFileSystem(of path: String) -> String? {
    #if canImport(Darwin)
      var status = unsafe statfs()
      guard unsafe statfs(path, &status) == 0, status.f_flags & UInt32(MNT_LOCAL) == 0 else { return nil }
      return "network"
    #else
      guard let resolved = realPath(path), let mounts = try? read("/proc/self/mountinfo") else { return nil }
      return networkFileSystem(of: resolved, mounts: String(decoding: mounts, as: UTF8.self))
    #endif
  }

  /// The same by a table of mounts as Linux gives it (`proc_pid_mountinfo(5)`): of those above the path the longest, of these the last, counts.
  static func networkFileSystem(of path: String, mounts: String) -> String? {
    var best: (point: String, kind: String)?
    for line in mounts.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 6, let dash = words.dropFirst(6).firstIndex(of: "-"), dash + 1 < words.count else { continue }
      let point = unescaped(words[4])
      guard path == point || path.hasPrefix(point.hasSuffix("/") ? point : point + "/") else { continue }
      if point.utf8.count >= best?.point.utf8.count ?? 0 { best = (point, String(words[dash + 1])) }
    }
    guard let kind = best?.kind, networkKinds.contains(kind) else { return nil }
    return kind
  }

  private static let networkKinds: Set = [
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "9p", "lustre", "gpfs", "ocfs2", "gfs2", "coda", "glusterfs",
    "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "beegfs",
  ]

  /// Spaces and the like stand as `\040` in the table.
  private static func unescaped(_ word: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(word.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == 0x5c, rest.count >= 3, let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func realPath(_ path: String) -> String? {
    // SAFETY: with no buffer given, the system makes one, which is freed below.
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}

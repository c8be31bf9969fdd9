internal import Foundation
internal import Vocabulary

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What is done with whole folders and files by path.
package enum Folder {
  /// Makes the folder and those above it, for its owner alone (mode 0700). One that is there already is left as it is.
  package static func make(_ path: String) throws(DiskFailure) {
    var built = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      built += (built.isEmpty || built.hasSuffix("/") ? "" : "/") + part
      if uninterrupted({ unsafe mkdir(built, 0o700) }) == 0 { continue }
      let code = errno
      guard code == EEXIST || code == EROFS || code == EACCES, isFolder(built) else {
        throw DiskFailure.system(code, built, doing: "create the folder")
      }
    }
  }

  /// Throws when the path is neither a file nor a folder, nor nothing. A symbolic link was made by who wants our files elsewhere, or others'
  /// removed; a pipe would be waited for without end.
  package static func requireOrdinary(_ path: String) throws(DiskFailure) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    switch status.st_mode & S_IFMT {
    case S_IFREG, S_IFDIR: return
    case S_IFLNK:
      throw DiskFailure(.other, path, "this is a link that leads elsewhere, and no link belongs here; see who made it, and remove it")
    default:
      throw DiskFailure(.other, path, "this is a pipe, a socket or a device, and none belongs here; see who made it, and remove it")
    }
  }

  /// Who but this user, and root, may change what is in a folder, as the rest of `this folder …`; nil when nobody may.
  package static func othersWhoMayWrite(_ path: String) -> String? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    if status.st_uid != geteuid(), status.st_uid != 0 { return "belongs to another user (\(status.st_uid))" }
    if status.st_mode & S_IWOTH != 0 { return "may be written by everybody" }
    return status.st_mode & S_IWGRP != 0 ? "may be written by its group (\(status.st_gid))" : nil
  }

  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether the folder holds nothing, or is not there.
  package static func isEmpty(_ path: String) -> Bool {
    guard isFolder(path) else { return !exists(path) }
    return (try? FileManager.default.contentsOfDirectory(atPath: path).isEmpty) ?? false
  }

  /// Whether it is a folder, no link to one, that belongs to this user and that nobody else may look into.
  package static func isOursAlone(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid()
      && status.st_mode & 0o077 == 0
  }

  /// The names of what is in a folder, in no order; none when it cannot be read.
  package static func names(in path: String) -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }

  /// Bytes of a regular file; nil for anything else.
  package static func byteCount(of path: String) -> Int? {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// Whether the path names an ordinary file, which can be read as often as one likes.
  package static func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  package static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0
  }

  /// Removes a folder with everything in it, or a file; nothing happens when there is none. Links are removed, not followed.
  package static func remove(_ path: String) throws(DiskFailure) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    while true {
      do {
        return try FileManager.default.removeItem(atPath: path)
      } catch  where isInterruption(error) {
        // What is left is removed the next time.
      } catch {
        throw DiskFailure(.other, path, "cannot remove it: \(error.localizedDescription)")
      }
    }
  }

  private static func isInterruption(_ error: any Error) -> Bool {
    ((error as? CocoaError)?.underlying as? POSIXError)?.code == .EINTR
  }

  /// Puts the file at `source` in the place of `target` in one step, so that a reader sees the one or the other, whole.
  package static func replace(_ target: String, with source: String) throws(DiskFailure) {
    guard uninterrupted({ unsafe rename(source, target) }) == 0 else {
      throw DiskFailure.system(errno, target, doing: "put it in place")
    }
    guard let slash = target.lastIndex(of: "/") else { return try sync(".") }
    try sync(slash == target.startIndex ? "/" : String(target[..<slash]))
  }

  /// Waits until the folder's list of names is on the disk.
  package static func sync(_ path: String) throws(DiskFailure) {
    let descriptor = uninterrupted { unsafe open(path, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw DiskFailure.system(errno, path, doing: "open the folder") }
    defer { close(descriptor) }
    guard uninterrupted({ fsync(descriptor) }) == 0 else {
      throw DiskFailure.system(errno, path, doing: "bring the folder to the disk")
    }
  }

  /// Writes a small file whole: under another name first, synced, then put in place.
  package static func write(_ bytes: [UInt8], to path: String) throws(DiskFailure) { try write(bytes.span, to: path) }

  package static func write(_ bytes: Span<UInt8>, to path: String) throws(DiskFailure) {
    var writer = try FileWriter(path: path + ".new")
    try writer.write(bytes)
    try writer.sync()
    try replace(path, with: path + ".new")
  }

  /// Puts a small file in place whole, as soon as the system likes: for what is of no use after a power cut.
  package static func note(_ bytes: [UInt8], to path: String) throws(DiskFailure) {
    var writer = try FileWriter(path: path + ".new")
    try writer.write(bytes)
    guard unsafe rename(path + ".new", path) == 0 else { throw DiskFailure.system(errno, path, doing: "put it in place") }
  }

  /// Reads a whole small file to its end, also one that does not know its size: a pipe, or a file that grows.
  ///
  /// A pipe that stays silent for a minute is stalled, and more than `Limits.wholeFileBytes` is no small file.
  package static func read(_ path: String) throws(DiskFailure) -> [UInt8] {
    var reader = try FileReader(path: path, patience: .short)
    var bytes = [UInt8](repeating: 0, count: (reader.byteCount ?? 0) + 1)
    var filled = 0
    while true {
      filled += try reader.read(into: &bytes, from: filled)
      if filled < bytes.count { return Array(bytes[..<filled]) }
      guard filled <= Limits.wholeFileBytes else {
        throw DiskFailure(.other, path, "it has more than \(Limits.wholeFileBytes >> 20) MiB, which no such file has; name another")
      }
      bytes += [UInt8](repeating: 0, count: bytes.count + 4096)
    }
  }
}

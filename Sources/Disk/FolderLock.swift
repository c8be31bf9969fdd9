#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The right to write into a state folder. One process has it at a time; the system takes it back when that process ends, however it ends.
///
/// It is a lock of the system (`flock`) on an open file, not the file itself: what the file says names the owner in messages, and decides
/// nothing. So no killed process, reused process number or copied folder ever holds anybody up.
///
/// The folder itself is locked too, where its file system can do that: so nobody gets in who removes the file.
package struct FolderLock: ~Copyable {
  private let descriptor: Int32
  private let folderDescriptor: Int32
  /// Who had the lock before and ended without giving it back, when that was on another machine; nil otherwise.
  package let leftByOtherHost: String?

  /// `verify` asks for the lock for an instant, to know whether somebody has it.
  private static let attempts = 5
  private static let pauseMicroseconds: UInt32 = 10_000

  /// Takes the lock of a folder, or throws `.locked` naming the process that has it.
  package init(folder: String) throws(DiskFailure) {
    let (descriptor, folderDescriptor, owner) = try FolderLock.locked(folder)
    self.descriptor = descriptor
    self.folderDescriptor = folderDescriptor
    leftByOtherHost = owner.contains(" on ") && !owner.hasSuffix(" on \(FolderLock.hostName)") ? owner : nil
  }

  /// An open file with the lock, which names this process, and who was named there before.
  private static func locked(_ folder: String) throws(DiskFailure) -> (Int32, folder: Int32, owner: String) {
    let path = folder + "/lock"
    let descriptor = uninterrupted { unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) }
    guard descriptor >= 0 else { throw DiskFailure.system(errno, path, doing: "create it") }
    var code = lock(descriptor)
    let folderDescriptor = uninterrupted { unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    // A network file system may not lock folders.
    if code == 0, folderDescriptor >= 0, lock(folderDescriptor) == EWOULDBLOCK { code = EWOULDBLOCK }
    let owner = (try? Folder.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    guard code == 0 else {
      close(descriptor)
      close(folderDescriptor)
      guard code == EWOULDBLOCK else { throw DiskFailure.system(code, path, doing: "lock it") }
      let here = " on \(hostName)"
      let owner = owner.hasSuffix(here) ? String(owner.dropLast(here.count)) : owner
      throw DiskFailure(
        .locked, folder,
        "another optireplay\(owner.isEmpty ? "" : " (process \(owner))") is using this state folder; wait for it to end, or name another with --state"
      )
    }
    let text = Array("\(getpid()) on \(hostName)".utf8)
    // SAFETY: the text is not empty, and all of it is what is written.
    let write = { unsafe text.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress!, $0.count, 0) } }
    guard uninterrupted({ ftruncate(descriptor, 0) }) == 0, uninterrupted(write) > 0
    else {
      code = errno
      close(descriptor)
      close(folderDescriptor)
      throw DiskFailure.system(code, path, doing: "write to it")
    }
    return (descriptor, folderDescriptor, owner)
  }

  /// Locks an open file or folder; 0, or why not.
  private static func lock(_ descriptor: Int32) -> Int32 {
    for attempt in 1...attempts {
      let code = uninterrupted { flock(descriptor, LOCK_EX | LOCK_NB) } == 0 ? 0 : errno
      guard code == EWOULDBLOCK, attempt < attempts else { return code }
      usleep(pauseMicroseconds)
    }
    preconditionFailure("the last attempt returns")
  }

  deinit {
    // Nobody is named when nobody has it. Should that fail, the name is of no consequence.
    _ = ftruncate(descriptor, 0)
    // A child between its fork and its exec has the descriptor too, and would hold the lock for that long.
    _ = flock(descriptor, LOCK_UN)
    close(descriptor)
    guard folderDescriptor >= 0 else { return }
    _ = flock(folderDescriptor, LOCK_UN)
    close(folderDescriptor)
  }

  /// Whether a process has the lock of a folder just now. Changes nothing.
  package static func isHeld(folder: String) -> Bool {
    let descriptor = uninterrupted { unsafe open(folder + "/lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    let isHeld = uninterrupted { flock(descriptor, LOCK_SH | LOCK_NB) } != 0 && errno == EWOULDBLOCK
    _ = flock(descriptor, LOCK_UN)
    return isHeld
  }

  /// The number of the process that the lock of a folder names, which may be gone or on another machine; nil when it names none.
  package static func owner(of folder: String) -> Int32? {
    guard let text = try? Folder.read(folder + "/lock") else { return nil }
    return String(decoding: text, as: UTF8.self).split(separator: " ").first.flatMap { Int32($0) }
  }

  private static var hostName: String {
    var name = [UInt8](repeating: 0, count: 256)
    let isKnown = unsafe name.withUnsafeMutableBytes { bytes in
      // SAFETY: the buffer has as many bytes as are said, the last of which stays zero.
      unsafe gethostname(bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count - 1) == 0
    }
    return isKnown ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "this machine"
  }
}

import Disk
import Foundation
import Vocabulary

/// A folder that goes away with its owner, for its owner alone, below the system's temporary one.
///
/// A killed process leaves its own behind. The next one removes it: what has such a name, belongs to this user alone, and holds a lock that no
/// process has any more.
struct TemporaryFolder: ~Copyable {
  let path: String
  private let lock: FolderLock

  /// Nobody's own folder is called so, such as a state folder that a script made with a unique name.
  private static let prefix = "optireplay-temporary-"
  /// A folder that is younger may be one whose owner has not locked it yet.
  private static let youngest: Double = 60

  /// The system's temporary folder, or the one that TMPDIR names.
  static var system: String { FileManager.default.temporaryDirectory.path }

  init(in parent: String = TemporaryFolder.system, now: Date = Date()) throws(RunFailure) {
    TemporaryFolder.sweep(parent, now: now)
    let path = "\(parent)/\(TemporaryFolder.prefix)\(UUID().uuidString)"
    do throws(DiskFailure) {
      try Folder.make(path)
      lock = try FolderLock(folder: path)
    } catch {
      throw error.runFailure(forInput: false)
    }
    self.path = path
  }

  // What cannot be removed is the next one's to remove.
  deinit { try? Folder.remove(path) }

  /// Removes what killed processes left behind. What cannot be removed stays: nobody is held up by it.
  private static func sweep(_ parent: String, now: Date) {
    for name in Folder.names(in: parent) where name.hasPrefix(prefix) && UUID(uuidString: String(name.dropFirst(prefix.count))) != nil {
      let path = "\(parent)/\(name)"
      guard Folder.isOursAlone(path), FileState(path + "/checkpoint.sqlite") == nil, let state = FileState(path + "/lock"),
        now.timeIntervalSince1970 - Double(state.changedAt[0]) > youngest,
        let lock = try? FolderLock(folder: path)
      else { continue }
      try? Folder.remove(path)
      _ = consume lock
    }
  }
}

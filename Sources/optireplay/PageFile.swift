import Disk
import Foundation
import Pipeline
import Vocabulary

/// Where a page that was asked for goes.
enum PageFile {
  /// Finds out before long work that the page has no place. Throws 74.
  static func requirePlace(_ path: String) throws(RunFailure) {
    let target = target(path)
    if kind(target) == .typeDirectory {
      throw RunFailure(.diskTrouble, "\(path): the page cannot be written: it is a folder; name a file in it with --html")
    }
    if !isFile(target) { return }
    let folder = URL(fileURLWithPath: target).deletingLastPathComponent().path
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw RunFailure(
        .diskTrouble, "\(path): the page cannot be written: \(folder) is no folder, or not writable; name another with --html")
    }
  }

  /// Writes the page whole, for its owner alone, since it can hold what rows say. A link stays, and what it leads to is written; what is no
  /// file, such as a pipe, is written into. Throws 74 when it cannot be.
  static func write(_ page: String, to path: String) throws(RunFailure) {
    let target = target(path)
    do {
      if isFile(target) {
        try Folder.write(Array(page.utf8), to: target)
      } else {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.write(contentsOf: Data(page.utf8))
        try handle.close()
      }
    } catch {
      let words = (error as? DiskFailure).map { "\($0)" } ?? error.localizedDescription
      throw RunFailure(.diskTrouble, "\(path): the page could not be written: \(words); name another file with --html")
    }
  }

  /// Where links lead, also to what is not there yet.
  private static func target(_ path: String) -> String {
    var url = URL(fileURLWithPath: path)
    // As many as Linux follows.
    for _ in 0..<40 {
      guard let next = try? FileManager.default.destinationOfSymbolicLink(atPath: url.path) else { break }
      url = URL(fileURLWithPath: next, relativeTo: url.deletingLastPathComponent())
    }
    return url.path
  }

  /// Whether a file is there or can be made. The system's own names for open files stand for pipes and terminals too.
  private static func isFile(_ path: String) -> Bool {
    guard let kind = kind(path) else { return !path.hasPrefix("/proc/") && !path.hasPrefix("/dev/") }
    return kind == .typeRegular
  }

  private static func kind(_ path: String) -> FileAttributeType? {
    try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
  }
}

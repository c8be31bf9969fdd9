import Bytes
import Disk
import Foundation
package import Normalizing
package import Vocabulary

/// Which records are taken, by what they are: the others are filtered.
package struct Selection: Sendable, Hashable, Codable {
  /// A file of visitor ids, as it was when the run began.
  package struct Exclusion: Sendable, Hashable, Codable {
    package var path: String
    package var digest: [UInt8]
  }

  package var window: TimeWindow?
  package var exclusion: Exclusion?

  /// `excludes` is the absolute path of a text file, one visitor id a line, as it would be sent. Throws 66 when it cannot be read.
  package init(window: TimeWindow? = nil, excludes path: String? = nil) throws(RunFailure) {
    exclusion = try path.map { path throws(RunFailure) in Exclusion(path: path, digest: digest(try read(path))) }
    self.window = window
  }
}

/// A selection with its list of visitors in memory.
struct Selector: Sendable {
  private let window: TimeWindow?
  private let excluded: Set<Digest>
  private let hasList: Bool

  /// Throws 66 when the list cannot be read, 65 when it has changed since the run began, and 64 when it is too long.
  init(_ selection: Selection) throws(RunFailure) {
    window = selection.window
    hasList = selection.exclusion != nil
    guard let exclusion = selection.exclusion else {
      excluded = []
      return
    }
    let bytes = try read(exclusion.path)
    guard digest(bytes) == exclusion.digest else {
      throw RunFailure(
        .refused, "\(exclusion.path): the list of excluded visitors has changed since the run began; run the same command again")
    }
    guard firstInvalidUTF8(in: bytes.span) == nil else {
      throw RunFailure(.configuration, "\(exclusion.path): this is not text in UTF-8, as visitor ids are; save it as UTF-8")
    }
    var excluded: Set<Digest> = []
    for line in Selector.lines(bytes) { excluded.insert(Digest(Selector.escaped(line).span)) }
    guard excluded.count <= Limits.excludedVisitors else {
      throw RunFailure(
        .usage, "\(exclusion.path): a list excludes \(Limits.excludedVisitors) visitors at most; leave their rows out of the input instead")
    }
    self.excluded = excluded
  }

  /// How many visitors the list has; nil without one.
  var excludedCount: Int? { hasList ? excluded.count : nil }

  enum Verdict { case taken, outsideWindow, excluded }

  func verdict(_ record: borrowing StagedRecord) -> Verdict {
    if !excluded.isEmpty, excluded.contains(Digest(record.visitor)) { return .excluded }
    if let window, !window.contains(record.timestamp) { return .outsideWindow }
    return .taken
  }

  /// The lines that are not empty, without a byte order mark and without carriage returns before their ends.
  private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
    return text.split(separator: 0x0a).map { trimmed($0) }.filter { !$0.isEmpty }
  }

  /// Without white space at its ends, which no id is told by.
  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    line.drop { $0 == 0x20 || $0 == 0x09 }.reversed().drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }.reversed()[...]
  }

  /// A visitor id as records have it: the inside of a JSON string.
  private static func escaped(_ line: ArraySlice<UInt8>) -> [UInt8] {
    var arena = ByteArena(limit: 1 << 30)
    let bytes = Array(line)
    arena.append(escaping: bytes.span)
    return copy(arena.span)
  }
}

private func read(_ path: String) throws(RunFailure) -> [UInt8] {
  do throws(DiskFailure) {
    return try Folder.read(path)
  } catch {
    throw error.runFailure(forInput: true)
  }
}

private func digest(_ bytes: [UInt8]) -> [UInt8] { Digest(bytes.span).bytes }

package import Vocabulary

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Makes a call of the system again for as long as a signal interrupts it, and returns what it said in the end.
///
/// Not for `close`: Linux has given the descriptor back when that is interrupted, and its number may be another file's by then.
func uninterrupted<Result: FixedWidthInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}

/// What went wrong with a file or folder: where, what the system said, and what to do next.
package struct DiskFailure: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Kind: Sendable, Equatable {
    case missing, unreadable, isDirectory, full, readOnly, locked, damaged, stalled, abandoned, other
  }

  package let kind: Kind
  package let path: String
  package let message: String

  package init(_ kind: Kind, _ path: String, _ message: String) {
    self.kind = kind
    self.path = path
    self.message = message
  }

  package var description: String { "\(visibleName(path)): \(message)" }

  /// The failure that the system's error number stands for.
  static func system(_ code: Int32, _ path: String, doing act: String) -> DiskFailure {
    let words = unsafe String(cString: strerror(code)).lowercased()
    switch code {
    case ENOENT, ENOTDIR:
      let more = isPattern(path) ? ", and no file matches it as a pattern" : ""
      return DiskFailure(.missing, path, "cannot \(act): \(words)\(more); check the path")
    case EACCES, EPERM: return DiskFailure(.unreadable, path, "cannot \(act): \(words); check who may do so")
    case EISDIR: return DiskFailure(.isDirectory, path, "cannot \(act): it is a folder; name the files in it")
    case ENOSPC, EDQUOT:
      return DiskFailure(.full, path, "cannot \(act): \(words); free some space and run the same command again")
    case EROFS: return DiskFailure(.readOnly, path, "cannot \(act): \(words); name another folder with --state")
    default: return DiskFailure(.other, path, "cannot \(act): \(words)")
    }
  }

  /// The exit status when the failure ends a run: 75 for a pipe that brings nothing, 66 for an input, 73 for a lock, else 74.
  package func runFailure(forInput: Bool) -> RunFailure {
    if kind == .stalled { return RunFailure(.stopped, description) }
    if forInput { return RunFailure(.inputUnreadable, description) }
    if kind == .locked { return RunFailure(.locked, description) }
    return RunFailure(.diskTrouble, description)
  }
}

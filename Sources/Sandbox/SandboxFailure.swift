internal import GRDB
package import Vocabulary

/// Why the sandbox could not do what was asked: where, what, and what to do next.
package enum SandboxFailure: Error, Sendable, Equatable {
  /// Another program listens there already.
  case portInUse(host: String, port: Int)
  /// The address could not be listened on, or not be let go.
  case network(host: String, port: Int, text: String)
  case diskFull(path: String, doing: String)
  case inputOutput(path: String, doing: String, text: String)
  case locked(path: String, doing: String)
  case readOnly(path: String, doing: String)
  /// The file is not what was written.
  case damaged(path: String, what: String)
  /// A database of another program, or of a later version of this one.
  case foreign(path: String)
  /// A database of an earlier version of this one.
  case outdated(path: String)
  case missing(path: String)
  /// SQLite did not take a setting that our promises stand on.
  case notDurable(path: String, setting: String)
  /// What neither input nor disk explains: a bug of ours.
  case unexpected(path: String, doing: String, text: String)

  /// What ends a run when nobody handles the failure.
  package var runFailure: RunFailure {
    let status: ExitStatus =
      switch self {
      case .portInUse: .usage
      case .network: .stopped
      case .diskFull, .inputOutput, .readOnly, .damaged, .missing, .notDurable: .diskTrouble
      case .locked: .locked
      case .foreign, .outdated: .configuration
      case .unexpected: .bug
      }
    return RunFailure(status, description)
  }
}

extension SandboxFailure: CustomStringConvertible {
  /// One line in lower case, without visitor data.
  package var description: String {
    switch self {
    case .portInUse(let host, let port):
      "\(host):\(port): another program listens there; name another port with --port, or 0 for any that is free"
    case .network(let host, let port, let text): "\(host):\(port): cannot serve: \(text)"
    case .diskFull(let path, let doing): "\(path): the disk is full (could not \(doing)); free some space and try again"
    case .inputOutput(let path, let doing, let text): "\(path): could not \(doing): \(text); check the path and the disk"
    case .locked(let path, let doing): "\(path): another process is writing (could not \(doing)); wait for it to end"
    case .readOnly(let path, let doing):
      "\(path): read-only (could not \(doing)); make the file and its folder writable, or name another folder with --state"
    case .damaged(let path, let what):
      "\(path): damaged: \(what); delete the file, which holds only what the sandbox was sent"
    case .foreign(let path):
      "\(path): a database of another program or of a later version; name another folder with --state"
    case .outdated(let path):
      "\(path): a sandbox of an earlier version of optireplay; delete the file, which holds only what the sandbox was sent"
    case .missing(let path): "\(path): nothing has been sent to a sandbox with this state folder yet"
    case .notDurable(let path, let setting):
      "\(path): SQLite refused \(setting), without which an accepted event could be lost; keep the file on a local disk"
    case .unexpected(let path, let doing, let text): "\(path): could not \(doing): \(text); please report this"
    }
  }
}

extension SandboxFailure {
  /// Our own failures pass as they are, SQLite's are sorted by result code (https://www.sqlite.org/rescode.html).
  init(_ error: any Error, path: String, doing: String) {
    if let failure = error as? SandboxFailure {
      self = failure
      return
    }
    guard let error = error as? DatabaseError else {
      self = .unexpected(path: path, doing: doing, text: "\(error)")
      return
    }
    let text = "\(error.message ?? "no message") (SQLite result \(error.extendedResultCode.rawValue))"
    self =
      switch error.resultCode {
      case .SQLITE_FULL: .diskFull(path: path, doing: doing)
      case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL: .locked(path: path, doing: doing)
      case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT: .damaged(path: path, what: text)
      case .SQLITE_READONLY, .SQLITE_PERM: .readOnly(path: path, doing: doing)
      case .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_NOMEM, .SQLITE_NOLFS: .inputOutput(path: path, doing: doing, text: text)
      default: .unexpected(path: path, doing: doing, text: text)
      }
  }
}

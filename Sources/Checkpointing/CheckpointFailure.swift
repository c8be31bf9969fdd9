internal import GRDB
package import Vocabulary

/// Why the checkpoint could not do what was asked: where, what, and what to do next.
///
/// Every operation of `Checkpoint` throws this and nothing else. An operation that throws has changed nothing: each writes in one
/// transaction. `doing` names the operation in a few words, `code` is SQLite's extended result code.
package enum CheckpointFailure: Error, Equatable, Sendable {
  /// The disk, the quota or the file system holds no more.
  case diskFull(path: String, doing: String)
  /// The file could not be opened, read, written or synced.
  case inputOutput(path: String, doing: String, code: Int32, text: String)
  /// Another process has been writing for longer than our patience.
  case locked(path: String, doing: String)
  /// The file is not what was written: not a database, cut short, or a value that no version of ours writes.
  case damaged(path: String, what: String)
  /// A later version of the program wrote the file; `versions` are its schema versions that we do not know.
  case newerSchema(path: String, versions: [String])
  /// An earlier version of the program wrote the file, and reading does not change it.
  case olderSchema(path: String)
  /// An intact SQLite database that another program owns.
  case foreign(path: String)
  /// The file or its folder may not be written.
  case readOnly(path: String, doing: String)
  /// There is no checkpoint to read yet.
  case missing(path: String)
  /// SQLite did not take a setting that our promises stand on.
  case notDurable(path: String, setting: String)
  /// No run has this number.
  case unknownRun(path: String, run: RunID)
  /// This account and endpoint already have an unfinished run, which must be finished or forgotten first.
  case unfinishedRun(path: String, run: RunID)
  /// The run can't be forgotten now: the plan of `user`, which is being sent, was made with its ledger entries.
  case inUse(path: String, run: RunID, user: RunID)
  /// The ledger can't be changed now: `user`, which is unfinished, was or will be planned with it as it stands.
  case ledgerInUse(path: String, user: RunID)
  /// Another process changed the ledger while it was read.
  case ledgerChanged(path: String)
  /// Another digest is committed for this body: what would be sent now is not what may have been sent before.
  case digestMismatch(path: String, run: RunID, body: Int)
  /// The body has no committed digest, so it can't have been sent.
  case digestMissing(path: String, run: RunID, body: Int)
  /// Asked for what the state of the run does not allow: a bug of ours.
  case outOfOrder(path: String, run: RunID, what: String)
  /// An error of SQLite that no input and no disk explains: a bug of ours.
  case unexpected(path: String, doing: String, code: Int32, text: String)

  /// What the process ends with when nobody handles the failure.
  package var exitStatus: ExitStatus {
    switch self {
    case .diskFull, .inputOutput, .damaged, .readOnly, .missing, .notDurable, .digestMismatch: .diskTrouble
    case .locked, .ledgerChanged: .locked
    case .newerSchema, .olderSchema, .foreign: .configuration
    case .unknownRun, .inUse, .ledgerInUse: .usage
    case .unfinishedRun, .digestMissing, .outOfOrder, .unexpected: .bug
    }
  }
}

extension CheckpointFailure: CustomStringConvertible {
  /// One line in lower case, without visitor data.
  package var description: String {
    switch self {
    case .diskFull(let path, let doing):
      "\(path): the disk is full (could not \(doing)); free some space, then run the same command again"
    case .inputOutput(let path, let doing, let code, let text):
      "\(path): could not \(doing): \(text) (SQLite result \(code)); check the path and the disk, then run the same command again"
    case .locked(let path, let doing):
      "\(path): another process is writing (could not \(doing)); wait for it to end, then run the same command again"
    case .damaged(let path, let what):
      "\(path): damaged: \(what); restore it from a backup, or move the state folder aside, "
        + "which forgets what has been sent"
    case .newerSchema(let path, let versions):
      "\(path): written by a later version of the program (schema \(versions.joined(separator: ", "))); use that version"
    case .olderSchema(let path):
      "\(path): written by an earlier version of the program; an import, a resume or `optireplay ledger merge` brings it up to date"
    case .foreign(let path):
      "\(path): a database of another program; name another state folder with --state"
    case .readOnly(let path, let doing):
      "\(path): read-only (could not \(doing)); make the file and its folder writable, or name another folder with --state"
    case .missing(let path):
      "\(path): there is no checkpoint; nothing has been imported with this state folder yet, or --state names another"
    case .notDurable(let path, let setting):
      "\(path): SQLite refused \(setting), without which a crash could lose receipts; keep the state folder on a local disk"
    case .unknownRun(let path, let run):
      "\(path): there is no run \(run); see status for those that are known"
    case .unfinishedRun(let path, let run):
      "\(path): run \(run) of this account and endpoint is unfinished; finish it with resume, or drop it with forget"
    case .inUse(let path, let run, let user):
      "\(path): run \(user) is being sent and was planned with the ledger of run \(run); finish run \(user) with resume first"
    case .ledgerInUse(let path, let user):
      "\(path): run \(user) is unfinished and is judged by the ledger as it stands; finish it with resume, or drop it with forget"
    case .ledgerChanged(let path):
      "\(path): another process changed the ledger while it was read; run the same command again"
    case .digestMismatch(let path, let run, let body):
      "\(path): body \(body) of run \(run) is not the one that was committed; it was not sent; "
        + "`optireplay verify \(run)` tells what is damaged, and `optireplay resume \(run) --restage` plans what has not been accepted anew"
    case .digestMissing(let path, let run, let body):
      "\(path): body \(body) of run \(run) has a receipt but no committed digest; please report this"
    case .outOfOrder(let path, let run, let what):
      "\(path): run \(run): \(what); please report this"
    case .unexpected(let path, let doing, let code, let text):
      "\(path): could not \(doing): \(text) (SQLite result \(code)); please report this"
    }
  }
}

extension CheckpointFailure {
  /// Our own failures pass as they are, SQLite's are sorted by result code (https://www.sqlite.org/rescode.html).
  init(_ error: any Error, path: String, doing: String) {
    if let failure = error as? CheckpointFailure {
      self = failure
      return
    }
    guard let error = error as? DatabaseError else {
      self = .unexpected(path: path, doing: doing, code: -1, text: "\(error)")
      return
    }
    let code = error.extendedResultCode.rawValue
    let text = error.message ?? "no message"
    self =
      switch error.resultCode {
      case .SQLITE_FULL: .diskFull(path: path, doing: doing)
      case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL: .locked(path: path, doing: doing)
      case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT: .damaged(path: path, what: "\(text) (SQLite result \(code))")
      case .SQLITE_READONLY, .SQLITE_PERM: .readOnly(path: path, doing: doing)
      case .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_NOMEM, .SQLITE_NOLFS:
        .inputOutput(path: path, doing: doing, code: code, text: text)
      // Our statements are what they are: when a table or column of theirs is missing, the schema that the file holds is another one.
      case .SQLITE_ERROR where text.hasPrefix("no such "): .damaged(path: path, what: "its schema is not what was written: \(text)")
      default: .unexpected(path: path, doing: doing, code: code, text: text)
      }
  }
}

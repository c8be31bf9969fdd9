internal import Disk
internal import GRDB
internal import Synchronization

/// A read-only connection that leaves no trace.
///
/// An ordinary read-only connection to a WAL database makes two helper files and leaves them behind. So as long as there is no
/// log, the file is opened as immutable, which touches nothing, and after each read it is made sure that the file and the log are
/// as they were before; otherwise the read is done again. When there is a log (a writer is at work, or was killed), the
/// connection is an ordinary one.
final class ReaderConnection: Sendable {
  private struct Opened {
    let queue: DatabaseQueue
    let stamp: FileStamp
    let isImmutable: Bool
  }

  private let path: String
  private let opened = Mutex<Opened?>(nil)
  /// Reads that a writer may spoil before the ordinary connection is used, which can't be.
  private static let attempts = 4

  init(path: String) { self.path = path }

  func read<T>(_ body: (Database) throws -> T) throws -> T {
    for attempt in 0... {
      let connection = try connect(mayBeImmutable: attempt < ReaderConnection.attempts)
      guard connection.isImmutable else { return try connection.queue.read(body) }
      let result = Result { try connection.queue.read(body) }
      if FileStamp(path) == connection.stamp { return try result.get() }
    }
    preconditionFailure("the last attempt is an ordinary connection")
  }

  func close() {
    opened.withLock { $0 = nil }
  }

  private func connect(mayBeImmutable: Bool) throws -> Opened {
    guard let stamp = FileStamp(path) else { throw CheckpointFailure.missing(path: path) }
    let kept = opened.withLock { $0 }
    if let kept, kept.isImmutable ? mayBeImmutable && kept.stamp == stamp : kept.stamp.isSameFile(as: stamp) { return kept }
    var connection: Opened?
    if mayBeImmutable, !stamp.hasLog {
      // An SQLite built without URI file names looks for a file of that name and finds none.
      connection = try? Opened(queue: open(immutableName), stamp: stamp, isImmutable: true)
    }
    let new = try connection ?? Opened(queue: open(path), stamp: stamp, isImmutable: false)
    do {
      guard try new.queue.read({ try Schema.examine($0, path: path) }) else {
        // A process killed while it made the file has left no version behind.
        let isOlder = try new.queue.read { try !Schema.migrator.appliedIdentifiers($0).isEmpty }
        throw isOlder ? CheckpointFailure.olderSchema(path: path) : CheckpointFailure.missing(path: path)
      }
    } catch  where new.isImmutable && FileStamp(path) != stamp {
      // A writer came in between: look again, the ordinary way.
      return try connect(mayBeImmutable: false)
    }
    opened.withLock { $0 = new }
    return new
  }

  private func open(_ name: String) throws -> DatabaseQueue {
    try DatabaseQueue(path: name, configuration: Checkpoint.configuration(.seconds(10), readonly: true))
  }

  /// The path as a URI file name (https://www.sqlite.org/uri.html).
  private var immutableName: String {
    var name = "file:"
    for character in path {
      switch character {
      case "%": name += "%25"
      case "?": name += "%3f"
      case "#": name += "%23"
      default: name.append(character)
      }
    }
    return name + "?immutable=1"
  }
}

/// What tells whether a file and its log changed between two looks.
struct FileStamp: Equatable {
  let state: FileState
  /// Whether there is a log with something in it.
  let hasLog: Bool

  /// Nil when there is no such file.
  init?(_ path: String) {
    guard let state = FileState(path) else { return nil }
    self.state = state
    hasLog = FileState(path + "-wal").map { $0.byteCount > 0 } ?? false
  }

  var byteCount: UInt64 { state.byteCount }

  /// Whether both are of one file, whatever became of it.
  func isSameFile(as other: FileStamp) -> Bool { (state.device, state.file) == (other.state.device, other.state.file) }
}

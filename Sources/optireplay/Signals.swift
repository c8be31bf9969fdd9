import Delivering
import Disk
import Logging
import UnixSignals
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Runs `body` so that the first SIGTERM, SIGINT or SIGHUP stops it in good order, and a second one at once: what the checkpoint holds
/// then is what the next run goes on from. `atOnce` is called before that end.
func stoppable<Value: Sendable>(
  _ stop: StopSwitch, _ log: Logger, atOnce: @escaping @Sendable () -> Void = {}, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  StandardStreams.outliveReaders()
  let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
  return try await withThrowingTaskGroup(of: Value?.self) { group in
    group.addTask {
      for await signal in signals {
        if stop.isStopped {
          atOnce()
          _exit(ExitStatus.stopped.rawValue)
        }
        log.notice("\(signal): stopping in good order; once more ends at once, still resumable")
        stop.stop()
      }
      return nil
    }
    group.addTask { try await body() }
    while let value = try await group.next() {
      if let value {
        group.cancelAll()
        return value
      }
    }
    throw CancellationError()
  }
}

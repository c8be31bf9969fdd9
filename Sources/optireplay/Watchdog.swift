import ArgumentParser
import Delivering
import Dispatch
import Foundation
import Logging
import Pipeline
import Synchronization
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Looks after a run once a second, on a thread of its own that nothing else can hold up, and does what its watch says.
final class Watchdog: Sendable {
  private let watch: Mutex<RunWatch>
  private let start = ContinuousClock.now
  private let ended = DispatchSemaphore(value: 0)

  init(_ options: RunOptions) { watch = Mutex(RunWatch(options)) }

  func moved(to progress: RunProgress) { watch.withLock { $0.moved(to: progress) } }

  /// Begins to look. To be ended with `end`.
  func begin(_ stop: StopSwitch, _ voice: Voice) {
    let thread = Thread { [self] in
      while ended.wait(timeout: .now() + RunWatch.interval / .seconds(1)) == .timedOut { look(stop, voice) }
    }
    thread.name = "watch"
    thread.stackSize = 1 << 20
    thread.start()
  }

  func end() { ended.signal() }

  private func look(_ stop: StopSwitch, _ voice: Voice) {
    // POSIX: a million a second. All threads of the process, in their own code and in the system's.
    let work = Duration.microseconds(Int64(clock()))
    for word in watch.withLock({ $0.look(at: ContinuousClock.now - start, working: work) }) {
      switch word {
      case .tell(let text): voice.log.notice("\(text)")
      case .stop(let reason):
        voice.log.notice("stopping in good order \(reason)")
        stop.stop(reason)
      case .end(let failure): _exit(voice.told(failure).rawValue)
      }
    }
  }
}

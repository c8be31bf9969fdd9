import Dispatch
import Foundation
import Synchronization
import Vocabulary

/// Hands work from one thread to others, at most `capacity` pieces waiting, so that a fast reader never runs ahead of its workers.
final class WorkQueue<Work: Sendable>: Sendable {
  private let waiting = Mutex<[Work?]>([])
  private let filled = DispatchSemaphore(value: 0)
  /// It begins at zero and is raised, because one that ends lower than it began stops the program.
  private let free = DispatchSemaphore(value: 0)
  private let abandoned = Atomic(false)

  init(capacity: Int) { for _ in 0..<capacity { free.signal() } }

  /// Says that what is put from now on is of no use: a worker has failed.
  func abandon() { abandoned.store(true, ordering: .relaxed) }

  var isAbandoned: Bool { abandoned.load(ordering: .relaxed) }

  /// Waits for room and puts the work last; nil tells one worker that there is no more.
  func put(_ work: Work?) {
    free.wait()
    waiting.withLock { $0.append(work) }
    filled.signal()
  }

  /// Waits for work and takes the first; nil when there is no more for this worker.
  func take() -> Work? {
    filled.wait()
    let work = waiting.withLock { $0.removeFirst() }
    free.signal()
    return work
  }
}

/// Runs `body` on `count` threads of their own, while `lead` runs on this one, and returns what they returned when all have ended.
///
/// CPU-bound phases never run on the cooperative pool, where a blocked thread would hold up others.
func onThreads<Result: Sendable, Failure: Error>(
  _ count: Int, _ body: @escaping @Sendable (Int) -> Result, lead: () throws(Failure) -> Void
) throws(Failure) -> [Result] {
  let results = Mutex<[Int: Result]>([:])
  let ended = DispatchSemaphore(value: 0)
  // The results outlive this call only through the threads, which all end before it returns.
  let box = Box(results)
  for number in 0..<count {
    let thread = Thread {
      let result = body(number)
      box.results.withLock { $0[number] = result }
      ended.signal()
    }
    thread.name = "worker \(number + 1)"
    thread.stackSize = 4 << 20
    thread.start()
  }
  let outcome = Swift.Result<Void, Failure> { () throws(Failure) in try lead() }
  for _ in 0..<count { ended.wait() }
  try outcome.get()
  return box.results.withLock { found in (0..<count).map { found[$0]! } }
}

/// Runs `body` on a thread of its own and waits without holding one of the cooperative pool.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws(RunFailure) -> Result) async throws(RunFailure) -> Result {
  let result = await withCheckedContinuation { (continuation: CheckedContinuation<Swift.Result<Result, RunFailure>, Never>) in
    let thread = Thread { continuation.resume(returning: Swift.Result { () throws(RunFailure) in try body() }) }
    thread.name = "run"
    thread.stackSize = 4 << 20
    thread.start()
  }
  return try result.get()
}

private final class Box<Result: Sendable>: Sendable {
  let results: Mutex<[Int: Result]>
  init(_ results: consuming Mutex<[Int: Result]>) { self.results = results }
}

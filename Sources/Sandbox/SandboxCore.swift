internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// What the connections of one server share.
final class SandboxCore: Sendable {
  let bodyLimit: Int
  let faults: SandboxFaults
  let room: BodyRoom
  let keeper: BodyKeeper
  private let storePath: String
  private let requestCount = Atomic(0)
  private let isStopping = Atomic(false)
  /// One thread: pages are computed one at a time.
  private let reading = NIOThreadPool(numberOfThreads: 1)

  init(_ settings: SandboxSettings, _ store: SandboxStore) {
    // A place in a body is 32 bits.
    bodyLimit = min(settings.bodyLimit, 1 << 30)
    faults = settings.faults
    storePath = settings.storePath
    room = BodyRoom(byteCount: settings.bodiesAtATime * bodyLimit)
    keeper = BodyKeeper(store, bodyLimit: bodyLimit, judgeCount: settings.judgeCount)
    reading.start()
  }

  /// The number of a request for events that has arrived whole, from 1.
  func nextRequest() -> Int { requestCount.add(1, ordering: .relaxed).newValue }

  /// Computes a page from the store, as it is when its turn comes.
  func page(_ route: Route, on eventLoop: any EventLoop) -> EventLoopFuture<Answer> {
    let promise = eventLoop.makePromise(of: Answer.self)
    reading.submit { [self] _ in promise.succeed(compute(route)) }
    return promise.futureResult
  }

  private func compute(_ route: Route) -> Answer {
    var reading = SandboxReading(storePath)
    reading.isCancelled = { self.isStopping.load(ordering: .relaxed) }
    do throws(SandboxFailure) {
      if case .results = route { return Answer(json: try reading.results()) }
      return Answer(json: try reading.status())
    } catch {
      return Answer(error)
    }
  }

  /// Gives up pages at work.
  func stopReading() { isStopping.store(true, ordering: .relaxed) }

  /// Ends the threads and closes the store. Returns the first failure to store.
  func stop() async -> SandboxFailure? {
    try? await reading.shutdownGracefully()
    return await keeper.stop()
  }
}

internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// What the connections of one server share.
final class SandboxCore: Sendable {
  let bodyLimit: Int
  let bodyTimeLimit: Duration
  private let guardian: BrowserGuard
  let faults: FaultGate
  let faultsPage: SandboxFaultsPage?
  let room: BodyRoom
  let keeper: BodyKeeper
  private let page: SandboxPage?
  private let storePath: String
  /// A page's edition is one of this server: a browser may hold that of another one, which had the same port.
  private let server = UInt64.random(in: 0...UInt64.max)
  private let isStopping = Atomic(false)
  /// One thread: pages are computed one at a time.
  private let reading = NIOThreadPool(numberOfThreads: 1)

  init(_ settings: SandboxSettings, _ store: SandboxStore) {
    // A place in a body is 32 bits.
    bodyLimit = min(settings.bodyLimit, 1 << 30)
    bodyTimeLimit = settings.bodyTimeLimit
    guardian = BrowserGuard(listeningOn: settings.host)
    faults = FaultGate(settings.faults)
    faultsPage = settings.faultsPage
    page = settings.page
    storePath = settings.storePath
    room = BodyRoom(byteCount: settings.bodiesAtATime * bodyLimit)
    keeper = BodyKeeper(store, bodyLimit: bodyLimit, judgeCount: settings.judgeCount)
    reading.start()
  }

  /// Bytes that a body may have now.
  var bodyLimitNow: Int { faults.bodyLimit.map { min($0, bodyLimit) } ?? bodyLimit }

  /// What is done with a request of this client.
  func route(_ head: HTTPRequestHead, from address: SocketAddress?, bodyLimit: Int) -> Route {
    if let refusal = guardian.refusal(head) { return .refuse(refusal) }
    let route = Route(head, bodyLimit: bodyLimit)
    switch route {
    case .faults, .setFaults:
      if faultsPage == nil { return .nothing }
      return BrowserGuard.refusalOfTrouble(head, from: address).map(Route.refuse) ?? route
    case .events, .page, .results, .status, .refuse: return route
    }
  }

  var hasPage: Bool { page != nil }

  /// Computes an answer from the store, as it is when its turn comes.
  func compute(_ route: Route, on eventLoop: any EventLoop) -> EventLoopFuture<Answer> {
    let promise = eventLoop.makePromise(of: Answer.self)
    reading.submit { [self] _ in promise.succeed(compute(route)) }
    return promise.futureResult
  }

  private func compute(_ route: Route) -> Answer {
    var reading = SandboxReading(storePath)
    reading.isCancelled = { self.isStopping.load(ordering: .relaxed) }
    do throws(SandboxFailure) {
      if case .page(let held) = route, let page { return try compute(page, held: held, reading) }
      if case .results = route { return Answer(json: try reading.results()) }
      return Answer(json: try reading.status())
    } catch {
      return Answer(error)
    }
  }

  private func compute(_ page: SandboxPage, held: String?, _ reading: SandboxReading) throws(SandboxFailure) -> Answer {
    // What comes between the two looks is in the page but not in its name, so it is only sent once more.
    let edition = "\"\(server)-\(try reading.edition())\""
    if held == edition { return Answer(unchanged: edition) }
    let (results, details) = try reading.detailedResults()
    return Answer(page: page.html(results, details), policy: page.policy, edition: edition)
  }

  /// Gives up pages at work.
  func stopReading() { isStopping.store(true, ordering: .relaxed) }

  /// Ends the threads and closes the store. Returns the first failure to store.
  func stop() async -> SandboxFailure? {
    try? await reading.shutdownGracefully()
    return await keeper.stop()
  }
}

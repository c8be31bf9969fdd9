internal import Bytes
internal import EventAPI
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Judges bodies and stores them, on threads of its own.
///
/// Bodies that wait while a transaction is at work all go into the next one, so that many small bodies share the wait for the
/// disk. A body's outcome is known when its transaction is committed.
final class BodyKeeper: Sendable {
  enum Outcome: Sendable {
    case stored
    /// It was stored before, byte by byte.
    case repeated
    case faulty(BodyFault)
    /// There was no body to keep.
    case counted
    case failed(SandboxFailure)
  }

  /// One request on its way into the store.
  private struct Waiting {
    var body: PackedBody?
    /// The outcome when there is nothing to store.
    var outcome: Outcome
    var promise: EventLoopPromise<Outcome>
  }

  private struct State {
    var waiting: [Waiting] = []
    var isStoring = false
    var firstFailure: SandboxFailure?
  }

  private final class Judge: Sendable {
    let packer: Mutex<BodyPacker>
    init(bodyLimit: Int) { packer = Mutex(BodyPacker(bodyLimit: bodyLimit)) }
  }

  private let store: SandboxStore
  private let judges: [Judge]
  private let judging: NIOThreadPool
  private let storing = NIOThreadPool(numberOfThreads: 1)
  private let state = Mutex(State())

  init(_ store: SandboxStore, bodyLimit: Int, judgeCount: Int) {
    self.store = store
    judges = (0..<judgeCount).map { _ in Judge(bodyLimit: bodyLimit) }
    judging = NIOThreadPool(numberOfThreads: judgeCount)
    judging.start()
    storing.start()
  }

  /// Judges the body and stores it. Counts the request in any case.
  func keep(_ body: ByteBuffer, on eventLoop: any EventLoop) -> EventLoopFuture<Outcome> {
    let promise = eventLoop.makePromise(of: Outcome.self)
    judging.submit { [self] _ in
      switch pack(body) {
      case .success(let packed): store(Waiting(body: packed, outcome: .stored, promise: promise))
      case .failure(let fault): store(Waiting(body: nil, outcome: .faulty(fault), promise: promise))
      }
    }
    return promise.futureResult
  }

  /// Counts a request whose body is not looked at.
  func count(on eventLoop: any EventLoop) -> EventLoopFuture<Outcome> {
    let promise = eventLoop.makePromise(of: Outcome.self)
    store(Waiting(body: nil, outcome: .counted, promise: promise))
    return promise.futureResult
  }

  /// Ends the threads when what they were given is done, and closes the store. Returns the first failure there was.
  func stop() async -> SandboxFailure? {
    try? await judging.shutdownGracefully()
    try? await storing.shutdownGracefully()
    do throws(SandboxFailure) { try store.close() } catch { state.withLock { $0.firstFailure = $0.firstFailure ?? error } }
    return state.withLock { $0.firstFailure }
  }

  private func pack(_ body: ByteBuffer) -> Result<PackedBody, BodyFault> {
    // There are as many judges as threads, so one of them is free.
    for judge in judges {
      if let packed = judge.packer.withLockIfAvailable({ $0.packed(body) }) { return packed }
    }
    return judges[0].packer.withLock { $0.packed(body) }
  }

  private func store(_ request: Waiting) {
    let isFirst = state.withLock { state in
      state.waiting.append(request)
      defer { state.isStoring = true }
      return !state.isStoring
    }
    if isFirst { storing.submit { [self] _ in storeWaiting() } }
  }

  /// Stores what waits, and what came meanwhile, until nothing waits.
  private func storeWaiting() {
    while true {
      let batch = state.withLock { state in
        defer { state.waiting = [] }
        state.isStoring = !state.waiting.isEmpty
        return state.waiting
      }
      if batch.isEmpty { return }
      store(batch)
    }
  }

  private func store(_ batch: [Waiting]) {
    do throws(SandboxFailure) {
      var isNew = try store.store(batch.compactMap(\.body), requestCount: batch.count)[...]
      for request in batch {
        if request.body != nil, isNew.popFirst() == false {
          request.promise.succeed(.repeated)
        } else {
          request.promise.succeed(request.outcome)
        }
      }
    } catch {
      state.withLock { $0.firstFailure = $0.firstFailure ?? error }
      for request in batch { request.promise.succeed(request.body == nil ? request.outcome : .failed(error)) }
    }
  }
}

extension BodyPacker {
  fileprivate mutating func packed(_ body: ByteBuffer) -> Result<PackedBody, BodyFault> {
    do throws(BodyFault) {
      return .success(try pack(body.readableBytesUInt8Span))
    } catch {
      return .failure(error)
    }
  }
}

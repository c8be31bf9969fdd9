internal import NIOCore
internal import Synchronization

/// How many bytes of bodies are in memory at a time. Who finds no room waits in turn, and its connection is not read meanwhile.
final class BodyRoom: Sendable {
  private struct State {
    var free: Int
    var waiting: [(byteCount: Int, promise: EventLoopPromise<Void>)] = []
  }

  private let state: Mutex<State>

  init(byteCount: Int) { state = Mutex(State(free: byteCount)) }

  /// Takes room, at most as much as there is in all; nil when it was taken at once.
  func take(_ byteCount: Int, on eventLoop: any EventLoop) -> EventLoopFuture<Void>? {
    state.withLock { state in
      if state.waiting.isEmpty, state.free >= byteCount {
        state.free -= byteCount
        return nil
      }
      let promise = eventLoop.makePromise(of: Void.self)
      state.waiting.append((byteCount, promise))
      return promise.futureResult
    }
  }

  func giveBack(_ byteCount: Int) {
    let granted = state.withLock { state in
      state.free += byteCount
      var granted: [EventLoopPromise<Void>] = []
      while let next = state.waiting.first, next.byteCount <= state.free {
        state.free -= next.byteCount
        granted.append(next.promise)
        state.waiting.removeFirst()
      }
      return granted
    }
    for promise in granted { promise.succeed() }
  }
}

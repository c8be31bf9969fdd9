internal import Foundation
internal import GRDB
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// The built-in Event API on a port of this machine.
///
/// `POST /v1/events` takes bodies by the published rules; a body is answered 204 when it is committed. `GET /results.json` and
/// `GET /status.json` say what is stored, and `GET /` shows it when the settings have a page; where they have another, `/faults` shows and sets
/// the trouble on demand. One thread for the network, others judge, store, and compute pages.
///
/// Memory: measured beyond an idle program's, with bodies of 3.5 MB that are full of ordinary events: 25 MB for a client that
/// sends one at a time, 40 MB for two, 50 MB for any number. Events that share large attributes take up to
/// `BodyReader.recordRatio` times their body while it is judged. A page that is asked for takes 20 MB more, and up to another 20 MB for what
/// its curves and segments count.
package final class SandboxServer: Sendable {
  private static let idleTimeout = TimeAmount.seconds(30)

  /// The port that is listened on, also when 0 was asked for.
  package let port: Int
  private let host: String
  private let core: SandboxCore
  private let group: MultiThreadedEventLoopGroup
  private let listener: any Channel
  private let connections: Connections
  private let isStopped = Atomic(false)

  private init(
    _ settings: SandboxSettings, _ core: SandboxCore, _ group: MultiThreadedEventLoopGroup, _ listener: any Channel,
    _ connections: Connections
  ) {
    host = settings.host
    port = listener.localAddress?.port ?? settings.port
    self.core = core
    self.group = group
    self.listener = listener
    self.connections = connections
  }

  /// Where to POST to.
  package var address: String { pageAddress + "v1/events" }

  /// Where the results page is.
  package var pageAddress: String {
    let name = ["0.0.0.0", "::", ""].contains(host) ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host
    return "http://\(name):\(port)/"
  }

  /// Opens the store, which it makes if need be, and listens.
  package static func start(_ settings: SandboxSettings) async throws(SandboxFailure) -> SandboxServer {
    try await start(settings) { _ in }
  }

  /// `prepare` is for tests: see `SandboxStore`.
  static func start(
    _ settings: SandboxSettings, prepare: @escaping @Sendable (Database) throws -> Void
  ) async throws(SandboxFailure) -> SandboxServer {
    let core = SandboxCore(settings, try SandboxStore(at: settings.storePath, prepare: prepare))
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let connections = Connections()
    do {
      let listener = try await ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 256)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(IdleStateHandler(readTimeout: idleTimeout))
            try pipeline.configureHTTPServerPipeline()
            try pipeline.addHandler(ConnectionHandler(core))
            connections.insert(channel)
          }
        }
        .bind(host: settings.host, port: settings.port).get()
      return SandboxServer(settings, core, group, listener, connections)
    } catch {
      _ = await core.stop()
      try? await group.shutdownGracefully()
      throw SandboxFailure(listening: error, settings)
    }
  }

  /// Answers what is being stored, closes every connection, lets the port go, and closes the store. What was answered 204 is in
  /// it. Throws the first failure to store that there was, at the first call only.
  package func stop() async throws(SandboxFailure) {
    guard !isStopped.exchange(true, ordering: .sequentiallyConsistent) else { return }
    core.stopReading()
    try? await listener.close()
    let open = connections.stop()
    for channel in open { channel.pipeline.fireUserInboundEventTriggered(ServerStops()) }
    for channel in open { try? await channel.closeFuture.get() }
    // Only then the network's thread: outcomes still come to it, also for clients that are gone.
    let failure = await core.stop()
    try? await group.shutdownGracefully()
    if let failure { throw failure }
  }
}

/// The open connections.
private final class Connections: Sendable {
  private struct State {
    var open: [ObjectIdentifier: any Channel] = [:]
    var isStopping = false
  }

  private let state = Mutex(State())

  func insert(_ channel: any Channel) {
    let id = ObjectIdentifier(channel)
    let isLate = state.withLock { state in
      if !state.isStopping { state.open[id] = channel }
      return state.isStopping
    }
    if isLate { return channel.close(promise: nil) }
    channel.closeFuture.whenComplete { [self] _ in state.withLock { $0.open[id] = nil } }
  }

  /// Those that are open; later ones are closed at once.
  func stop() -> [any Channel] {
    state.withLock { state in
      state.isStopping = true
      return Array(state.open.values)
    }
  }
}

extension SandboxFailure {
  fileprivate init(listening error: any Error, _ settings: SandboxSettings) {
    guard let error = error as? IOError else {
      self = .network(host: settings.host, port: settings.port, text: "\(error)")
      return
    }
    if error.errnoCode == EADDRINUSE {
      self = .portInUse(host: settings.host, port: settings.port)
    } else {
      self = .network(host: settings.host, port: settings.port, text: "\(error)")
    }
  }
}

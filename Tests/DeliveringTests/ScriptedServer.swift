import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// A real server on the loopback that answers as a script says.
final class ScriptedServer: Sendable {
  struct Request: Sendable {
    /// Its place in the order of arrival, from 0.
    var index: Int
    /// The body as a number; -1 when it is none.
    var number: Int
    var bodyCount: Int
    var method: HTTPMethod
    var uri: String
    var headers: HTTPHeaders
    /// Which connection it came on, from 0.
    var connection: Int
  }

  indirect enum Reply: Sendable {
    case status(Int, [(String, String)] = [], String = "")
    /// The connection is reset (RST) without an answer.
    case reset
    case close
    case never
    /// A head that promises a body, some of it, and then silence.
    case stall(Int, String)
    /// A 200 with a byte each ten milliseconds.
    case trickle
    /// The reply, once `release()` was called.
    case held(Reply)
  }

  private struct State {
    var requests: [Request] = []
    var connectionCount = 0
    var openCount = 0
    var mostOpen = 0
    var answered: [Int] = []
  }

  private let state = Mutex(State())
  private let gate: EventLoopPromise<Void>
  private let script: @Sendable (Request) -> Reply
  private let arrival: @Sendable (Request) -> Void

  private init(arrival: @escaping @Sendable (Request) -> Void, script: @escaping @Sendable (Request) -> Reply) {
    gate = MultiThreadedEventLoopGroup.singleton.any().makePromise()
    self.arrival = arrival
    self.script = script
  }

  var requests: [Request] { state.withLock { $0.requests } }
  var connectionCount: Int { state.withLock { $0.connectionCount } }
  /// The most requests that were unanswered at one time.
  var mostOpen: Int { state.withLock { $0.mostOpen } }

  func release() { gate.succeed() }

  /// Serves while the body runs. The address ends in `/v1/events`.
  static func serving<Result: Sendable>(
    tls: NIOSSLContext? = nil, arrival: @escaping @Sendable (Request) -> Void = { _ in },
    _ script: @escaping @Sendable (Request) -> Reply,
    while body: (ScriptedServer, String) async throws -> Result
  ) async throws -> Result {
    let server = ScriptedServer(arrival: arrival, script: script)
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Handler(server))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port ?? 0
    do {
      let result = try await body(server, "\(tls == nil ? "http://127.0.0.1" : "https://localhost"):\(port)/v1/events")
      server.release()
      try await channel.close()
      return result
    } catch {
      server.release()
      try await channel.close()
      throw error
    }
  }

  /// Runs the body with a port of the loopback where nobody listens, and nobody else can: it is the near end of a connection that stays
  /// open. A port that was only let go is soon the next server's, which would then get what was never meant for it.
  static func withDeadPort<Result: Sendable>(_ body: (Int) async throws -> Result) async throws -> Result {
    let group = MultiThreadedEventLoopGroup.singleton
    let listener = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
    let held = try await ClientBootstrap(group: group).connect(to: try #require(listener.localAddress)).get()
    let result: Result
    do {
      result = try await body(try #require(held.localAddress?.port))
    } catch {
      try await held.close()
      try await listener.close()
      throw error
    }
    try await held.close()
    try await listener.close()
    return result
  }

  private func connected() -> Int {
    state.withLock { state in
      state.connectionCount += 1
      return state.connectionCount - 1
    }
  }

  private func arrived(_ head: HTTPRequestHead, _ body: ByteBuffer, connection: Int) -> Request {
    let request = state.withLock { state in
      let request = Request(
        index: state.requests.count, number: Int(String(buffer: body)) ?? -1, bodyCount: body.readableBytes, method: head.method,
        uri: head.uri, headers: head.headers, connection: connection)
      state.requests.append(request)
      state.openCount += 1
      state.mostOpen = max(state.mostOpen, state.openCount)
      return request
    }
    arrival(request)
    return request
  }

  private func left() { state.withLock { $0.openCount -= 1 } }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let server: ScriptedServer
    private var connection = 0
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(_ server: ScriptedServer) { self.server = server }

    func channelActive(context: ChannelHandlerContext) {
      connection = server.connected()
      context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head):
        self.head = head
        body.clear()
      case .body(var part): body.writeBuffer(&part)
      case .end:
        guard let head else { return }
        act(server.script(server.arrived(head, body, connection: connection)), context)
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func act(_ reply: Reply, _ context: ChannelHandlerContext) {
      switch reply {
      case .never: break
      case .close, .reset:
        server.left()
        if case .reset = reply, let channel = context.channel as? any SocketOptionProvider {
          // Lingering for no time makes the kernel send a reset instead of an orderly end.
          channel.setSoLinger(linger(l_onoff: 1, l_linger: 0)).assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        } else {
          context.close(promise: nil)
        }
      case .held(let inner):
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        server.gate.futureResult.hop(to: context.eventLoop).whenComplete { _ in
          let (handler, context) = bound.value
          handler.act(inner, context)
        }
      case .status(let status, let headers, let text):
        server.left()
        var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: HTTPHeaders(headers))
        if status != 204, status >= 200 { head.headers.add(name: "Content-Length", value: String(text.utf8.count)) }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !text.isEmpty { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      case .stall(let status, let text):
        server.left()
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: ["Content-Length": "100000"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
      case .trickle:
        server.left()
        context.write(
          wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "100000"]))), promise: nil)
        let channel = context.channel
        context.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(10)) { task in
          guard channel.isActive else { return task.cancel() }
          channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: "x"))), promise: nil)
        }
      }
    }
  }
}

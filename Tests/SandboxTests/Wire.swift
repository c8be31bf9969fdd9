import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A connection to the sandbox that sends bytes as they are and takes answers apart: small enough to break every rule of HTTP.
final class Wire: Sendable {
  struct Response: Sendable, Equatable {
    var status: Int
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    /// The words of a JSON answer.
    var message: String? { (try? JSONDecoder().decode([String: String].self, from: Data(body)))?["message"] }
  }

  private let channel: any Channel
  private let inbox: Inbox

  private init(_ channel: any Channel, _ inbox: Inbox) {
    self.channel = channel
    self.inbox = inbox
  }

  /// Connects, runs the body, and closes.
  static func to<Result: Sendable>(_ port: Int, _ body: (Wire) async throws -> Result) async throws -> Result {
    let inbox = Inbox()
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Reader(inbox)) }
      }
      .connect(host: "127.0.0.1", port: port).get()
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body(Wire(channel, inbox))) } catch { outcome = .failure(error) }
    try? await channel.close()
    return try outcome.get()
  }

  func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

  func send(_ text: String) async throws { try await send(Array(text.utf8)) }

  /// The next answer, an informational one included; nil when the connection ends before it.
  func response() async -> Response? { await inbox.next() }

  /// Posts events and waits for the answer.
  func post(_ body: [UInt8], strict: Bool = true, headers: String = "") async throws -> Response? {
    let head = "POST /v1/events HTTP/1.1\r\nHost: sandbox\r\n" + (strict ? "X-Optimizely-Strict: true\r\n" : "") + headers
    try await send(Array("\(head)Content-Length: \(body.count)\r\n\r\n".utf8) + body)
    return await response()
  }

  func post(_ body: String, strict: Bool = true, headers: String = "") async throws -> Response? {
    try await post(Array(body.utf8), strict: strict, headers: headers)
  }

  func get(_ path: String, method: String = "GET") async throws -> Response? {
    try await send("\(method) \(path) HTTP/1.1\r\nHost: sandbox\r\n\r\n")
    return await response()
  }

  /// Posts events in strict mode and expects a status; nil is a connection that ends without an answer.
  func post(_ body: String, expecting status: Int?, _ location: SourceLocation = #_sourceLocation) async throws {
    let response = try await post(body)
    #expect(response?.status == status, sourceLocation: location)
  }

  func get(_ path: String, expecting status: Int, _ location: SourceLocation = #_sourceLocation) async throws {
    let response = try await get(path)
    #expect(response?.status == status, sourceLocation: location)
  }

  /// Bytes from the server, until an answer is whole.
  private final class Inbox: Sendable {
    private struct State {
      var bytes: [UInt8] = []
      var isClosed = false
      var waiting: CheckedContinuation<Response?, Never>?
    }

    private let state = Mutex(State())

    func next() async -> Response? {
      await withCheckedContinuation { continuation in
        state.withLock { $0.waiting = continuation }
        deliver()
      }
    }

    func append(_ bytes: [UInt8]) {
      state.withLock { $0.bytes += bytes }
      deliver()
    }

    func close() {
      state.withLock { $0.isClosed = true }
      deliver()
    }

    private func deliver() {
      let (waiting, response) = state.withLock { state -> (CheckedContinuation<Response?, Never>?, Response?) in
        guard let waiting = state.waiting else { return (nil, nil) }
        let response = Response(takenFrom: &state.bytes)
        guard response != nil || state.isClosed else { return (nil, nil) }
        state.waiting = nil
        return (waiting, response)
      }
      waiting?.resume(returning: response)
    }
  }

  private final class Reader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let inbox: Inbox

    init(_ inbox: Inbox) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      inbox.append(Array(unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) { inbox.close() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}

extension Wire.Response {
  /// Takes the first whole answer off the front of the bytes.
  fileprivate init?(takenFrom bytes: inout [UInt8]) {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
    status = Int(lines[0].split(separator: " ")[1]) ?? 0
    headers = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    let count = headers["content-length"].flatMap { Int($0) } ?? 0
    guard bytes.count >= end.upperBound + count else { return nil }
    body = Array(bytes[end.upperBound..<(end.upperBound + count)])
    bytes.removeFirst(end.upperBound + count)
  }
}

internal import NIOCore
internal import NIOHTTP1

/// Said to a connection when the server stops: what is being stored is answered, everything else ends.
struct ServerStops: Sendable {}

/// One connection: takes requests in, has them kept, and answers.
///
/// Memory: a body once there is room for it, else what one read brings. While a body waits for room the connection is not read.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private enum State {
    /// Between requests.
    case idle
    /// A request with an answer of its own is coming in; nothing of it is kept.
    case passing(Route)
    /// A body for the store is coming in.
    case receiving(strict: Bool)
    /// A request has come in and is not answered yet.
    case answering(isKept: Bool)
    /// The last answer is out; what still comes is passed over.
    case leaving
    case closed
  }

  private let core: SandboxCore
  private var state = State.idle
  private var keepsAlive = true
  private var expectsContinue = false
  private var body = ByteBuffer()
  /// Bytes that the body of the request at hand may have.
  private var bodyLimit = 0
  /// Bytes of room that this connection has, or waits for.
  private var room = 0
  private var isWaiting = false
  private var hasHeldRead = false
  private var passedBytes = 0
  /// Ends a request whose body takes too long, however it trickles.
  private var deadline: Scheduled<Void>?

  /// Bytes that are read after an early answer, so that a client in the midst of sending gets to read it.
  private static let passedLimit = 8 << 20
  private static let leaveAfter = TimeAmount.seconds(2)

  init(_ core: SandboxCore) { self.core = core }

  // MARK: what comes in

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): begin(head, context)
    case .body(let part): take(part, context)
    case .end: end(context)
    }
  }

  /// Holds reads back while a body waits for room.
  func read(context: ChannelHandlerContext) {
    if isWaiting { hasHeldRead = true } else { context.read() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    stopReceiving()
    deadline?.cancel()
    state = .closed
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { close(context) }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ServerStops:
      keepsAlive = false
      if case .answering(isKept: true) = state { return }
      close(context)
    case let idle as IdleStateHandler.IdleStateEvent where idle == .read:
      // A body that stops coming must not keep its room from others.
      if case .receiving = state, !isWaiting {
        answer(Answer(.requestTimeout, message: "the body stopped coming"), early: true, context)
      }
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard case .idle = state else { return }
    // What follows the head of an answer to HEAD would be read as the next answer.
    keepsAlive = head.isKeepAlive && head.method != .HEAD
    expectsContinue = head.headers.first(name: "Expect")?.lowercased() == "100-continue"
    bodyLimit = core.bodyLimitNow
    let route = core.route(head, from: context.remoteAddress, bodyLimit: bodyLimit)
    let length = Route.contentLength(head)
    guard case .events(let strict) = route else {
      state = .passing(route)
      switch route {
      // A client that asks first, or has a body over the limit, need not send it.
      case .refuse(let refusal) where expectsContinue || length ?? 0 > bodyLimit:
        if refusal.status == .payloadTooLarge { core.faults.countOverLimit() }
        answer(refusal, early: true, context)
      case .setFaults: askForBody(context)
      default: break
      }
      if case .passing = state { startDeadline(context) }
      return
    }
    state = .receiving(strict: strict)
    room = length ?? core.bodyLimit
    if let granted = core.room.take(room, on: context.eventLoop) {
      isWaiting = true
      granted.assumeIsolated().whenSuccess { [self] in resume(length, context) }
    } else {
      prepare(length, context)
    }
  }

  private func resume(_ length: Int?, _ context: ChannelHandlerContext) {
    isWaiting = false
    guard case .receiving = state else { return giveRoomBack() }
    prepare(length, context)
    if hasHeldRead {
      hasHeldRead = false
      context.read()
    }
  }

  private func prepare(_ length: Int?, _ context: ChannelHandlerContext) {
    if let length { body.reserveCapacity(length) }
    startDeadline(context)
    askForBody(context)
  }

  private func startDeadline(_ context: ChannelHandlerContext) {
    deadline?.cancel()
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(core.bodyTimeLimit)) { [self] in
      switch state {
      case .receiving, .passing: answer(Answer(.requestTimeout, message: "the body took too long to come"), early: true, context)
      case .idle, .answering, .leaving, .closed: break
      }
    }
  }

  private func askForBody(_ context: ChannelHandlerContext) {
    guard expectsContinue, body.readableBytes == 0 else { return }
    let head = HTTPResponseHead(version: .http1_1, status: .continue)
    context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
  }

  private func take(_ part: ByteBuffer, _ context: ChannelHandlerContext) {
    switch state {
    case .receiving:
      guard body.readableBytes + part.readableBytes <= bodyLimit else {
        core.faults.countOverLimit()
        return answer(.tooLarge(bodyLimit), early: true, context)
      }
      body.writeImmutableBuffer(part)
    case .passing(.setFaults):
      guard body.readableBytes + part.readableBytes <= FormText.limit else {
        body = ByteBuffer()
        return answer(.tooLarge(FormText.limit), early: true, context)
      }
      body.writeImmutableBuffer(part)
    case .passing, .leaving:
      passedBytes += part.readableBytes
      if passedBytes > ConnectionHandler.passedLimit { close(context) }
    case .idle, .answering, .closed: break
    }
  }

  // MARK: what is done with it

  private func end(_ context: ChannelHandlerContext) {
    deadline?.cancel()
    switch state {
    case .receiving(let strict):
      state = .answering(isKept: true)
      keep(strict: strict, context)
    case .passing(let route):
      state = .answering(isKept: false)
      passedBytes = 0
      switch route {
      case .events: preconditionFailure("a body of events is received, not passed over")
      case .page where !core.hasPage: answer(.about, early: false, context)
      case .refuse(let refusal): answer(refusal, early: false, context)
      case .faults(let isJSON, let isSet): answer(core.showFaults(isJSON: isJSON, isSet: isSet), early: false, context)
      case .setFaults(let isJSON):
        let form = body
        body = ByteBuffer()
        answer(core.setFaults(form.readableBytesView, isJSON: isJSON), early: false, context)
      case .page, .results, .status: show(route, context)
      }
    case .idle, .answering, .leaving, .closed: break
    }
  }

  private func keep(strict: Bool, _ context: ChannelHandlerContext) {
    let verdict = core.faults.judge(body.readableBytesUInt8Span)
    let outcome: EventLoopFuture<BodyKeeper.Outcome>
    switch verdict.act {
    case nil, .dropAfter: outcome = core.keeper.keep(body, on: context.eventLoop)
    case .status, .loginPage, .dropBefore: outcome = core.keeper.count(on: context.eventLoop)
    }
    body = ByteBuffer()
    outcome.assumeIsolated().whenSuccess { [self] outcome in
      giveRoomBack()
      guard verdict.delay > .zero else { return decide(verdict, outcome, strict: strict, context) }
      context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(verdict.delay)) { [self] in
        decide(verdict, outcome, strict: strict, context)
      }
    }
  }

  private func decide(
    _ verdict: FaultGate.Verdict, _ outcome: BodyKeeper.Outcome, strict: Bool, _ context: ChannelHandlerContext
  ) {
    guard let act = verdict.act else { return answer(Answer(outcome, strict: strict), early: false, context) }
    guard let ruled = Answer(act, retryAfter: verdict.retryAfter) else { return close(context) }
    answer(ruled, early: false, context)
  }

  private func show(_ route: Route, _ context: ChannelHandlerContext) {
    core.compute(route, on: context.eventLoop).assumeIsolated().whenSuccess { [self] page in answer(page, early: false, context) }
  }

  // MARK: what goes out

  /// Writes the answer. An early one comes before the request's end and is the connection's last.
  private func answer(_ answer: Answer, early: Bool, _ context: ChannelHandlerContext) {
    if case .closed = state { return }
    if early {
      keepsAlive = false
      stopReceiving()
    }
    var head = HTTPResponseHead(version: .http1_1, status: answer.status)
    for (name, value) in answer.headers { head.headers.add(name: name, value: value) }
    if answer.status.mayHaveResponseBody {
      head.headers.add(name: "Content-Type", value: answer.type)
      head.headers.add(name: "Content-Length", value: "\(answer.body.count)")
    }
    if !keepsAlive { head.headers.add(name: "Connection", value: "close") }
    state = keepsAlive ? .idle : .leaving
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if answer.status.mayHaveResponseBody, !answer.body.isEmpty {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
    }
    guard !keepsAlive else { return context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }
    // Closing with bytes unread would reset the connection and lose the answer on its way: first only our half is closed.
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    guard early else { return context.close(promise: nil) }
    context.close(mode: .output, promise: nil)
    context.eventLoop.assumeIsolated().scheduleTask(in: ConnectionHandler.leaveAfter) { [self] in close(context) }
    if isWaiting, hasHeldRead { context.read() }
  }

  private func close(_ context: ChannelHandlerContext) {
    if case .closed = state { return }
    stopReceiving()
    state = .closed
    context.close(promise: nil)
  }

  /// Lets a body go that was coming in. One that is being kept has its room until then; one that waits for room gives it back
  /// when it gets it.
  private func stopReceiving() {
    guard case .receiving = state, !isWaiting else { return }
    body = ByteBuffer()
    giveRoomBack()
  }

  private func giveRoomBack() {
    if room > 0 { core.room.giveBack(room) }
    room = 0
  }
}

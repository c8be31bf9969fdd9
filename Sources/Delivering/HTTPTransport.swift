import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Sends a body once and says how that ended. It never throws and never hangs.
protocol Transport: Sendable {
  /// `giveUp` gives the request up when thrown.
  func post(_ payload: ByteBuffer, giveUp: StopSwitch) async -> Exchange
}

/// The transport over HTTP/1.1 with kept connections. Shut it down when done.
struct HTTPTransport: Transport {
  private let client: HTTPClient
  private let request: HTTPClientRequest
  private let timeLimit: Duration
  private let host: String

  init(_ route: Route, _ settings: DeliverySettings) throws(RunFailure) {
    var request = HTTPClientRequest(url: route.address)
    request.method = .POST
    // Bodies without a charset were once read as ISO-8859-1, and ids outside ASCII became question marks.
    request.headers.add(name: "Content-Type", value: "application/json; charset=utf-8")
    request.headers.add(name: "User-Agent", value: settings.userAgent)
    if settings.strict { request.headers.add(name: "X-Optimizely-Strict", value: "true") }

    self.request = request
    timeLimit = settings.requestTimeLimit
    host = route.proxy?.host ?? route.place
    client = try HTTPTransport.client(route, settings)
  }

  /// A client for a route, which its owner shuts down.
  static func client(_ route: Route, _ settings: DeliverySettings) throws(RunFailure) -> HTTPClient {
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow,
      timeout: .init(
        connect: TimeAmount(settings.connectTimeLimit),
        // From when the whole body was handed to the system, whose buffers may hold all of it: a slow way up counts as silence.
        read: TimeAmount(settings.idleTimeLimit)),
      connectionPool: .init(
        idleTimeout: TimeAmount(DeliveryLimits.idleConnection), concurrentHTTP1ConnectionsPerHostSoftLimit: settings.laneCount))
    configuration.httpVersion = .http1Only
    // The client's own retries hide a refused connection for as long as the connect time limit; ours say so at once.
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.proxy = route.proxy.map(HTTPTransport.proxy)
    if route.isSecure, let caFile = route.caFile {
      var tls = TLSConfiguration.makeClientConfiguration()
      tls.trustRoots = .certificates(try HTTPTransport.authorities(caFile))
      configuration.tlsConfiguration = tls
    }
    return HTTPClient(configuration: configuration)
  }

  /// Closes all connections. The only error of a shutdown is a second one.
  func shutdown() async { try? await client.shutdown() }

  func post(_ payload: ByteBuffer, giveUp: StopSwitch) async -> Exchange {
    await withTaskGroup(of: Exchange.self) { group in
      group.addTask { await exchange(payload) }
      // The watchdogs: a request ends in time, or with the drain, whatever the server and the client do.
      group.addTask {
        try? await Task.sleep(for: timeLimit)
        return .broken(.timedOut)
      }
      group.addTask {
        _ = await giveUp.wait()
        return .broken(.givenUp)
      }
      let first = await group.next() ?? .broken(.timedOut)
      group.cancelAll()
      // An answer that came with the last tick counts more than the tick.
      for await other in group { if case .answered = other { return other } }
      return first
    }
  }

  private func exchange(_ payload: ByteBuffer) async -> Exchange {
    var request = request
    request.body = .bytes(payload)
    do {
      let response = try await client.execute(request, timeout: TimeAmount(timeLimit))
      let headers = response.headers
      return .answered(
        Answer(
          status: Int(response.status.code), retryAfter: headers["Retry-After"], date: headers.first(name: "Date"),
          location: headers.first(name: "Location"), contentType: headers.first(name: "Content-Type"),
          words: await words(of: response.body, to: payload)))
    } catch {
      return .broken(Breakage(error, host: host))
    }
  }

  /// The beginning of an answer, without what it repeats of the payload. The status has been said: a body that breaks off or comes too slowly takes nothing back.
  private func words(of body: HTTPClientResponse.Body, to payload: ByteBuffer) async -> [UInt8] {
    var words: [UInt8] = []
    var byteCount = 0
    do {
      for try await part in body {
        byteCount += part.readableBytes
        // One byte more than is quoted, so that the quote knows it was cut.
        words += part.readableBytesView.prefix(DeliveryLimits.wordBytes + 1 - words.count)
        if byteCount > DeliveryLimits.answerBytes { break }
      }
    } catch {}
    return words.isEmpty ? words : Echo.removed(from: words, of: Array(payload.readableBytesView))
  }

  private static func proxy(_ proxy: Route.Proxy) -> HTTPClient.Configuration.Proxy {
    switch proxy.kind {
    case .socks: .socksServer(host: proxy.host, port: proxy.port)
    case .http:
      .server(
        host: proxy.host, port: proxy.port,
        authorization: proxy.user.map { .basic(username: $0, password: proxy.password ?? "") })
    }
  }

  static func authorities(_ file: String) throws(RunFailure) -> [NIOSSLCertificate] {
    // A pipe that nobody writes to would be waited for without end.
    let attributes = try? FileManager.default.attributesOfItem(atPath: URL(fileURLWithPath: file).resolvingSymlinksInPath().path)
    let isFile = attributes?[.type] as? FileAttributeType == .typeRegular
    guard isFile, let certificates = try? NIOSSLCertificate.fromPEMFile(file), !certificates.isEmpty else {
      throw RunFailure(.configuration, "\(file): no PEM certificates could be read; correct SSL_CERT_FILE or --ca-file")
    }
    return certificates
  }
}

extension Breakage {
  /// Sorts what the client throws. Unknown errors count as a lost connection, which is retried until the patience ends.
  init(_ error: any Error, host: String) {
    switch error {
    case let error as HTTPClientError: self = Breakage(error)
    case let error as NIOConnectionError:
      if error.connectionErrors.isEmpty, error.dnsAError != nil || error.dnsAAAAError != nil {
        self = .unresolved(host: error.host)
      } else {
        let reasons = error.connectionErrors.map { Breakage.reason($0.error) }
        self = .refused(reasons.first ?? "the host has no address we can use")
      }
    case let error as NIOSSLError: self = Breakage(error)
    case let error as NIOSSLExtraError where error == .failedToValidateHostname || error == .serverHostnameImpossibleToMatch:
      self = .untrusted("it is for another host name than \(host)")
    // A numeric address is connected to without a search for the host, and fails with the bare error of the system.
    case let error as IOError where Breakage.unreachable.contains(error.errnoCode): self = .refused(Breakage.reason(error))
    case is CancellationError: self = .givenUp
    case ChannelError.connectTimeout: self = .connectTimedOut
    default: self = .lost(Breakage.reason(error))
    }
  }

  private static let unreachable = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, ETIMEDOUT]

  private init(_ error: HTTPClientError) {
    switch error {
    case .connectTimeout, .socksHandshakeTimeout, .httpProxyHandshakeTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout:
      self = .connectTimedOut
    case .readTimeout, .writeTimeout: self = .silent
    case .deadlineExceeded: self = .timedOut
    case .remoteConnectionClosed: self = .lost("the server closed it without an answer")
    case .cancelled: self = .givenUp
    case .invalidProxyResponse: self = .refused("the proxy opened no way to the server")
    case .invalidURL, .emptyHost, .emptyScheme, .proxyAuthenticationRequired:
      self = .unusable(error.shortDescription.lowercased())
    default:
      let isHeader = error.shortDescription.hasPrefix("Invalid header")
      self = isHeader ? .unusable("a header has characters that HTTP does not allow") : .lost(error.shortDescription.lowercased())
    }
  }

  private init(_ error: NIOSSLError) {
    switch error {
    case .handshakeFailed(let cause):
      let text = String(describing: cause)
      if text.contains("CERTIFICATE_VERIFY_FAILED") {
        self = .untrusted("no trusted authority vouches for it, or it has expired")
      } else if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
        self = .handshake("the server does not speak TLS on this port")
      } else {
        self = .handshake("the TLS handshake failed")
      }
    case .noCertificateToValidate, .unableToValidateCertificate, .cannotMatchULabel, .cannotFindPeerIP:
      self = .untrusted("it can't be checked")
    default: self = .lost("TLS ended uncleanly")
    }
  }

  /// An error of the system in its own words: `connection refused`.
  private static func reason(_ error: any Error) -> String {
    guard let error = error as? IOError else { return ServerWords.visible(Array("\(error)".utf8), limitBytes: 120) }
    switch error.errnoCode {
    case ECONNREFUSED: return "connection refused"
    case ECONNRESET: return "connection reset"
    case EPIPE: return "the server closed it while we were sending"
    default: return ServerWords.visible(Array(error.systemText.utf8), limitBytes: 120)
    }
  }
}

extension IOError {
  /// The system's text for the error, without the name of the call that met it.
  fileprivate var systemText: String { description.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? description }
}

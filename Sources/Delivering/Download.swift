import AsyncHTTPClient
import NIOCore
import NIOHTTP1
package import Vocabulary

/// Fetches what lies at an http or https address, through the proxy and trusting the authorities that bodies would be sent by: those named,
/// else those of the environment.
///
/// Throws 66 when it cannot be fetched: no answer within `timeLimit`, not all of it within ten times that, any other status than 200 (redirects
/// are not followed), or more bytes than `limitBytes`; and 78 for an address that is none. Memory: what is fetched.
package func download(
  _ address: String, limitBytes: Int, timeLimit: Duration = .seconds(60), proxy: String? = nil, caFile: String? = nil,
  environment: [String: String]
) async throws(RunFailure) -> [UInt8] {
  var settings = DeliverySettings(address: address, laneCount: 1, seed: 0, hasAcceptedBefore: false)
  settings.requestTimeLimit = timeLimit
  (settings.proxy, settings.caFile) = (proxy, caFile)
  let route = try Route(settings, environment: environment)
  let client = try HTTPTransport.client(route, settings)
  let outcome = await fetch(client, route, limitBytes: limitBytes, timeLimit: timeLimit)
  // The only error of a shutdown is a second one.
  try? await client.shutdown()
  return try outcome.get()
}

private func fetch(_ client: HTTPClient, _ route: Route, limitBytes: Int, timeLimit: Duration) async -> Result<[UInt8], RunFailure> {
  func failure(_ words: String) -> Result<[UInt8], RunFailure> {
    .failure(RunFailure(.inputUnreadable, "\(route.place): \(words); check the address, or fetch the file yourself and name it"))
  }
  let wholeLimit = timeLimit * 10
  let start = ContinuousClock.now
  do {
    let response = try await client.execute(HTTPClientRequest(url: route.address), timeout: TimeAmount(timeLimit))
    guard response.status.code == 200 else { return failure("the server answers \(response.status.code)") }
    var bytes: [UInt8] = []
    for try await part in response.body {
      guard bytes.count + part.readableBytes <= limitBytes else { return failure("this has more than \(limitBytes) bytes") }
      bytes += part.readableBytesView
      // A server that sends a byte now and then is never silent.
      guard ContinuousClock.now - start <= wholeLimit else { return failure("it has not come whole within \(spoken(wholeLimit))") }
    }
    return .success(bytes)
  } catch {
    return failure("\(words(Breakage(error, host: route.proxy?.host ?? route.place), timeLimit))")
  }
}

private func words(_ breakage: Breakage, _ timeLimit: Duration) -> String {
  switch breakage {
  case .unresolved(let host): "the host name \(host) was not found"
  case .refused(let reason): "no connection: \(reason)"
  case .connectTimedOut, .timedOut, .silent, .givenUp: "no answer within \(spoken(timeLimit))"
  case .handshake(let reason): "no secure connection: \(reason)"
  case .untrusted(let reason): "the server's certificate is not trusted: \(reason)"
  case .lost(let reason), .unusable(let reason): reason
  }
}

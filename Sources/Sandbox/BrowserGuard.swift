internal import NIOHTTP1

/// Keeps web pages of strangers away from a sandbox on this machine.
///
/// A page in a browser here can send requests to this port. It cannot read the answers of another site, but it can post events; and by a
/// name of its own that is made to lead here (DNS rebinding) the sandbox would be its own site. So what a browser says is looked at: a
/// page's site (`Origin`), and the name that it asked for (`Host`). Programs that say neither are not concerned.
struct BrowserGuard: Sendable {
  /// Whether this machine alone is listened to. Otherwise somebody chose to be asked by any name.
  private let isLocal: Bool

  init(listeningOn host: String) {
    isLocal = BrowserGuard.isLocal(host.lowercased())
  }

  /// The answer to a request that a stranger's page made; nil for any other.
  func refusal(_ head: HTTPRequestHead) -> Answer? {
    let host = head.headers.first(name: "Host")?.lowercased() ?? ""
    if isLocal, BrowserGuard.isForeign(BrowserGuard.name(host)) {
      return Answer(
        .misdirectedRequest, message: "this sandbox listens to this machine alone, and has no such name; ask 127.0.0.1 or localhost")
    }
    let origins = head.headers["Origin"].map { $0.lowercased() }
    guard origins.allSatisfy({ $0 == "http://\(host)" || $0 == "https://\(host)" }) else {
      return Answer(.forbidden, message: "pages of other sites may not use the sandbox")
    }
    return nil
  }

  /// The name in a `Host` header, without its port and a closing dot.
  private static func name(_ host: String) -> Substring {
    if host.hasPrefix("[") { return host.prefix { $0 != "]" }.dropFirst() }
    let name = host.prefix { $0 != ":" }
    return name.hasSuffix(".") ? name.dropLast() : name
  }

  /// Whether a stranger can own the name: it has a dot, and is no address.
  private static func isForeign(_ name: Substring) -> Bool {
    let isAddress = name.contains(":") || name.allSatisfy { $0.isASCII && $0.isNumber || $0 == "." }
    return name.contains(".") && !isAddress && !name.hasSuffix(".localhost")
  }

  private static func isLocal(_ host: String) -> Bool {
    host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || host.hasPrefix("127.")
  }
}

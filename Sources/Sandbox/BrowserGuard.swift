internal import NIOCore
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
    guard BrowserGuard.origins(head, are: ["http://\(host)", "https://\(host)"]) else {
      return Answer(.forbidden, message: "pages of other sites may not use the sandbox")
    }
    return nil
  }

  /// The answer to a request to see or set trouble, besides `refusal`, that neither a program on this machine made nor a page of this very
  /// server in a browser on it; nil for any other.
  static func refusalOfTrouble(_ head: HTTPRequestHead, from address: SocketAddress?) -> Answer? {
    guard isLoopback(address) else {
      return Answer(.forbidden, message: "trouble is set from the machine that the sandbox runs on")
    }
    let hosts = head.headers["Host"].map { $0.lowercased() }
    guard hosts.count == 1, isLoopback(host: hosts[0]) else {
      return Answer(.forbidden, message: "trouble is set at 127.0.0.1, [::1] or localhost, and not by another name of this machine")
    }
    guard origins(head, are: ["http://\(hosts[0])"]) else {
      return Answer(.forbidden, message: "a page of another origin must not set trouble; open /faults itself")
    }
    // What browsers tell that send no origin. Pages may link here, so seeing it is another matter.
    let sites = head.headers["Sec-Fetch-Site"]
    guard head.method == .GET || sites.allSatisfy({ ["same-origin", "none"].contains($0.lowercased()) }) else {
      return Answer(.forbidden, message: "a page of another site must not set trouble; open /faults itself")
    }
    return nil
  }

  private static func origins(_ head: HTTPRequestHead, are own: [String]) -> Bool {
    head.headers["Origin"].allSatisfy { own.contains($0.lowercased()) }
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

  /// Whether who listens to this host listens to this machine alone.
  private static func isLocal(_ host: String) -> Bool {
    isLoopback(host: host.contains(":") ? "[\(host)]" : host) || host.hasSuffix(".localhost") || host.hasPrefix("127.")
  }

  /// Whether a browser that sends this name means this machine, whatever a name server says.
  private static func isLoopback(host: String) -> Bool {
    let name = name(host)
    if name == "localhost" || name == "::1" { return true }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  private static func isLoopback(_ address: SocketAddress?) -> Bool {
    switch address {
    case .v4, .v6:
      guard let text = address?.ipAddress?.lowercased() else { return false }
      return text == "::1" || text.hasPrefix("127.") || text.hasPrefix("::ffff:127.")
    case .unixDomainSocket: return true
    case nil: return false
    }
  }
}

/// Where bodies go: the vendor's two regions, a URL, or the built-in sandbox.
package enum Endpoint: Sendable, Hashable {
  case us
  case eu
  case sandbox
  case url(String)

  /// `us`, `eu`, `sandbox`, or an http or https URL; nil for anything else.
  package init?(_ text: String) {
    switch text {
    case "us": self = .us
    case "eu": self = .eu
    case "sandbox": self = .sandbox
    default:
      guard Endpoint.plain(text) != nil else { return nil }
      self = .url(text)
    }
  }

  /// The name that runs, receipts and the ledger are kept under: one server has one name however its URL is spelt, and no name holds a
  /// user, a password or a query. A URL that is a region's own counts as that region.
  package var name: String {
    switch self {
    case .us: return "us"
    case .eu: return "eu"
    case .sandbox: return "sandbox"
    case .url(let text):
      let plain = Endpoint.plain(text)
      if plain == Endpoint.us.address { return "us" }
      if plain == Endpoint.eu.address { return "eu" }
      return plain ?? text
    }
  }

  /// Whether the vendor's own servers are meant.
  package var isVendors: Bool { name == "us" || name == "eu" }

  /// The URL with scheme and host in lower case, without user, default port, query, fragment and closing slash; nil when it is not an
  /// http or https URL with a host.
  private static func plain(_ text: String) -> String? {
    guard let mark = text.firstRange(of: "://") else { return nil }
    let scheme = text[..<mark.lowerBound].lowercased()
    guard let defaultPort = ["http": ":80", "https": ":443"][scheme] else { return nil }
    let rest = text[mark.upperBound...].prefix { $0 != "?" && $0 != "#" }
    let authority = rest.prefix { $0 != "/" }
    var host = String(authority[(authority.lastIndex(of: "@").map(authority.index(after:)) ?? authority.startIndex)...]).lowercased()
    if host.hasSuffix(defaultPort) { host.removeLast(defaultPort.count) }
    guard !host.isEmpty, !host.hasPrefix(":") else { return nil }
    var path = rest.dropFirst(authority.count)
    while path.hasSuffix("/") { path.removeLast() }
    return "\(scheme)://\(host)\(path)"
  }

  /// The address to POST to; nil for the sandbox, whose address is known when it listens. Source: OpenAPI 1.3.0, `servers`.
  package var address: String? {
    switch self {
    case .us: "https://logx.optimizely.com/v1/events"
    case .eu: "https://eu.logx.optimizely.com/v1/events"
    case .sandbox: nil
    case .url(let text): text
    }
  }
}

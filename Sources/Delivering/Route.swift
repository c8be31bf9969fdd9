import Foundation
import Vocabulary

/// The way to the server: where, through which proxy, trusting whom.
struct Route: Equatable {
  struct Proxy: Equatable {
    enum Kind { case http, socks }
    var kind: Kind
    var host: String
    var port: Int
    /// From `user:password@`, for an HTTP proxy.
    var user: String?
    var password: String?
  }

  /// The address to POST to, as given.
  let address: String
  /// The address as messages show it: without user, password and query.
  let place: String
  let isSecure: Bool
  let proxy: Proxy?
  /// A PEM file to trust instead of the system's authorities.
  let caFile: String?

  /// What the settings leave open is taken from the environment: `https_proxy` or `HTTPS_PROXY` for an https address,
  /// `http_proxy` for an http one (not `HTTP_PROXY`, which a web server may fill from a request header), `no_proxy` or
  /// `NO_PROXY`, `SSL_CERT_FILE`. A proxy from the environment is never used for this machine itself.
  init(_ settings: DeliverySettings, environment: [String: String]) throws(RunFailure) {
    guard let url = URL(string: settings.address), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
      let host = url.host, !host.isEmpty
    else {
      throw RunFailure(
        .configuration, "\(Route.shown(settings.address)): not an http or https URL; name the address to post to with --endpoint")
    }
    let bareHost = host.trimmingPrefix("[").filter { $0 != "]" }.lowercased()
    let isSecure = scheme == "https"
    let port = url.port ?? (isSecure ? 443 : 80)
    self.isSecure = isSecure
    address = settings.address
    let shownHost = bareHost.contains(":") ? "[\(bareHost)]" : bareHost
    place = "\(scheme)://\(shownHost)\(url.port.map { ":\($0)" } ?? "")\(url.path)"
    caFile = settings.caFile ?? Route.value(of: ["SSL_CERT_FILE"], in: environment)
    if let proxy = settings.proxy {
      self.proxy = try Route.proxy(proxy, from: "--proxy")
      return
    }
    let names = isSecure ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]
    let exceptions = Route.value(of: ["no_proxy", "NO_PROXY"], in: environment) ?? ""
    if let proxy = Route.value(of: names, in: environment), !Route.isLocal(bareHost),
      !Route.excepts(exceptions, host: bareHost, port: port)
    {
      self.proxy = try Route.proxy(proxy, from: names[0])
    } else {
      proxy = nil
    }
  }

  private static func value(of names: [String], in environment: [String: String]) -> String? {
    names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
  }

  private static func shown(_ address: String) -> String {
    ServerWords.visible(Array(address.utf8), limitBytes: DeliveryLimits.headerBytes)
  }

  private static func isLocal(_ host: String) -> Bool {
    host == "localhost" || host.hasSuffix(".localhost") || host == "::1"
      || (host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." })
  }

  /// Whether a `no_proxy` list names the host: `*`, the host, a domain it lies in (with or without the leading dot), any of them
  /// with a port.
  static func excepts(_ list: String, host: String, port: Int) -> Bool {
    list.split(whereSeparator: { $0 == "," || $0 == " " }).contains { entry in
      var name = entry.lowercased()
      if name == "*" { return true }
      if let colon = name.lastIndex(of: ":"), let entryPort = Int(name[name.index(after: colon)...]),
        !name.dropLast().contains("::")
      {
        if entryPort != port { return false }
        name = String(name[..<colon])
      }
      if name.hasPrefix("*.") { name.removeFirst() }
      if name.hasPrefix(".") { name.removeFirst() }
      name = name.filter { $0 != "[" && $0 != "]" }
      return !name.isEmpty && (host == name || host.hasSuffix("." + name))
    }
  }

  /// Reads `[scheme://][user:password@]host[:port]`. The message never shows the text: it may hold a password.
  private static func proxy(_ text: String, from origin: String) throws(RunFailure) -> Proxy {
    let kinds: [String: (Proxy.Kind, Int)] = ["http": (.http, 80), "socks5": (.socks, 1080), "socks5h": (.socks, 1080)]
    guard let url = URL(string: text.contains("://") ? text : "http://\(text)"), let scheme = url.scheme?.lowercased(),
      let (kind, port) = kinds[scheme], let host = url.host, !host.isEmpty
    else {
      throw RunFailure(.configuration, "\(origin): not a proxy address we can use; give http://host:port or socks5://host:port")
    }
    return Proxy(
      kind: kind, host: host.filter { $0 != "[" && $0 != "]" }, port: url.port ?? port,
      user: url.user(percentEncoded: false), password: url.password(percentEncoded: false))
  }
}

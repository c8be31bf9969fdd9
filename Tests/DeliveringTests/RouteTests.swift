import Testing
import Vocabulary

@testable import Delivering

@Suite("The route") struct RouteTests {
  private func route(_ address: String, _ environment: [String: String] = [:], proxy: String? = nil, caFile: String? = nil) throws
    -> Route
  {
    var settings = DeliverySettings.test(address)
    settings.proxy = proxy
    settings.caFile = caFile
    return try Route(settings, environment: environment)
  }

  @Test(
    "the place shows neither credentials nor query",
    arguments: [
      ("https://u:secret@Example.com/v1/events?key=secret#x", "https://example.com/v1/events"),
      ("http://127.0.0.1:8080/v1/events", "http://127.0.0.1:8080/v1/events"), ("HTTP://[::1]:80/", "http://[::1]:80/"),
      ("https://logx.optimizely.com/v1/events", "https://logx.optimizely.com/v1/events"),
    ])
  func place(address: String, place: String) throws { #expect(try route(address).place == place) }

  @Test(
    "what is no http address is a wrong configuration",
    arguments: [
      "", "us", "ftp://x/", "http://", "https:///v1", "//host/v1", "file:///etc/passwd", "http:// /",
    ])
  func addresses(address: String) {
    let failure = #expect(throws: RunFailure.self) { try route(address) }
    #expect(failure?.status == .configuration)
    #expect(failure?.message.contains("--endpoint") == true)
  }

  @Test(
    "the proxy is the setting's, else the environment's for the scheme",
    arguments: [
      ("https://there/", ["https_proxy": "http://p:3128"], "p:3128"), ("https://there/", ["HTTPS_PROXY": "p"], "p:80"),
      ("https://there/", ["https_proxy": "", "HTTPS_PROXY": "q:1"], "q:1"), ("https://there/", ["http_proxy": "p:1"], nil),
      ("http://there/", ["http_proxy": "p:1", "https_proxy": "q:2"], "p:1"), ("http://there/", ["HTTP_PROXY": "p:1"], nil),
      ("https://there/", ["https_proxy": "socks5://p"], "p:1080"), ("http://127.0.0.1:9/", ["http_proxy": "p:1"], nil),
      ("http://localhost/", ["http_proxy": "p:1"], nil), ("http://[::1]/", ["http_proxy": "p:1"], nil),
      ("http://127.evil.com/", ["http_proxy": "p:1"], "p:1"),
      ("https://a.there/", ["https_proxy": "p:1", "no_proxy": "x, there"], nil),
      ("https://a.there/", ["https_proxy": "p:1", "NO_PROXY": "x"], "p:1"),
    ] as [(String, [String: String], String?)])
  func proxies(address: String, environment: [String: String], expected: String?) throws {
    let proxy = try route(address, environment).proxy
    #expect(proxy.map { "\($0.host):\($0.port)" } == expected)
  }

  @Test("a proxy that is set is used whatever the environment says") func setProxy() throws {
    let proxy = try route("http://localhost/", ["no_proxy": "*"], proxy: "http://us%40er:pass@p:8080").proxy
    #expect(proxy == Route.Proxy(kind: .http, host: "p", port: 8080, user: "us@er", password: "pass"))
  }

  @Test("a proxy we can't use is named without its password", arguments: ["https://u:secret@p:1", "http://", "ftp://secret"])
  func badProxy(text: String) {
    let failure = #expect(throws: RunFailure.self) { try route("https://there/", ["https_proxy": text]) }
    #expect(failure?.status == .configuration)
    #expect(failure?.message.contains("secret") == false)
  }

  @Test(
    "no_proxy names hosts, domains and ports",
    arguments: [
      ("*", true), ("there.com", true), (".there.com", true), ("*.there.com", true), ("com", true), ("here.com", false),
      ("there.co", false),
      ("", false), (",, ,", false), (".", false), ("a.there.com:443", true), ("a.there.com:80", false), ("x,y a.there.com", true),
      ("A.There.COM", true),
    ])
  func exceptions(list: String, excepts: Bool) { #expect(Route.excepts(list, host: "a.there.com", port: 443) == excepts) }

  @Test("authorities come from the setting, else from SSL_CERT_FILE") func authorities() throws {
    #expect(try route("https://there/", ["SSL_CERT_FILE": "/a"], caFile: "/b").caFile == "/b")
    #expect(try route("https://there/", ["SSL_CERT_FILE": "/a"]).caFile == "/a")
    #expect(try route("https://there/", ["SSL_CERT_FILE": ""]).caFile == nil)
  }
}

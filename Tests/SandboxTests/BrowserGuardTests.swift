import NIOHTTP1
import Testing

@testable import Sandbox

/// Requests that a page in a browser on this machine makes.
@Suite("Pages of strangers")
struct BrowserGuardTests {
  private func status(_ host: String?, origin: String? = nil, listeningOn: String = "127.0.0.1") -> UInt? {
    var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/v1/events")
    if let host { head.headers.add(name: "Host", value: host) }
    if let origin { head.headers.add(name: "Origin", value: origin) }
    return BrowserGuard(listeningOn: listeningOn).refusal(head)?.status.code
  }

  @Test(
    "a name that can be a stranger's is refused, whatever leads here by it",
    arguments: [
      "evil.example", "evil.example:8787", "EVIL.example.", "127.0.0.1.evil.example", "localhost.evil.example", "1.2.3.4x.com:80",
    ])
  func foreignNames(host: String) { #expect(status(host) == 421) }

  @Test(
    "addresses, this machine's names, and names without a dot are taken; so is none",
    arguments: [
      "127.0.0.1:8787", "127.9.9.9", "[::1]:8787", "localhost", "LOCALHOST:1", "localhost.", "a.localhost", "sandbox:80", nil, "",
    ])
  func ownNames(host: String?) { #expect(status(host) == nil) }

  @Test("whoever listens to others is asked by any name", arguments: ["0.0.0.0", "::", "10.0.0.1"])
  func others(listeningOn: String) { #expect(status("sandbox.example", listeningOn: listeningOn) == nil) }

  @Test(
    "a page of another site is refused, one of the sandbox's own is not",
    arguments: [
      ("https://evil.example", UInt?.some(403)), ("null", 403), ("http://127.0.0.1:9", 403), ("http://127.0.0.1", 403), ("", 403),
      ("http://127.0.0.1:8787", nil), ("https://127.0.0.1:8787", nil),
    ])
  func origins(origin: String, expected: UInt?) {
    #expect(status("127.0.0.1:8787", origin: origin) == expected)
    #expect(status("127.0.0.1:8787", origin: origin, listeningOn: "0.0.0.0") == expected)
  }

  @Test("what is refused is neither stored nor counted")
  func refusedIsNotStored() async throws {
    let scratch = try Scratch()
    let statuses = try await scratch.serving { server in
      try await Wire.to(server.port) { wire in
        [
          try await wire.post(body(bytes: 1000), headers: "Origin: https://evil.example\r\n")?.status,
          try await wire.post(body(bytes: 1000))?.status,
        ]
      }
    }
    #expect(statuses == [403, 204])
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.requests == 1 && status.bodies == 1)
  }
}

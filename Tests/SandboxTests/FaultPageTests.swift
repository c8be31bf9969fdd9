import Foundation
import Testing

@testable import Sandbox

/// Trouble that is seen and set while a server runs.
@Suite struct FaultPageTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func serving<Result: Sendable>(_ faults: SandboxFaults = .none, _ body: (SandboxServer) async throws -> Result) async throws
    -> Result
  {
    var settings = SandboxSettings(storePath: scratch.path)
    settings.faults = faults
    settings.faultsPage = SandboxFaultsPage(policy: "form-action 'self'") { form in
      form.fields.map { "\($0.name)=\($0.value)\($0.problem.map { " (\($0))" } ?? "")" }.joined(separator: "|") + (form.isSet ? "|set" : "")
    }
    let server = try await SandboxServer.start(settings)
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body(server)) } catch { outcome = .failure(error) }
    try await server.stop()
    return try outcome.get()
  }

  @Test("a form sets it from the next request on, and the answer leads back to the page")
  func set() async throws {
    try await serving { server in
      try await Wire.to(server.port) { wire in
        try await wire.post(body(.conversion("v", "1")), expecting: 204)
        let answer = try await wire.form("fail=100%25&codes=500%2C+500&retry_after=7")
        #expect(answer?.status == 303 && answer?.headers["location"] == "/faults?set")
        let failed = try await wire.post(body(.conversion("v", "2")))
        #expect(failed?.status == 500 && failed?.headers["retry-after"] == "7")
        let page = try await wire.faults("GET", "/faults?set")
        #expect(
          page?.status == 200 && page?.text.hasPrefix("fail=100%|codes=500,500|retry_after=7|") == true
            && page?.text.hasSuffix("|set") == true)
        // A browser that may send no referrer sends no origin.
        #expect(page?.headers["referrer-policy"] == "same-origin" && page?.headers["cache-control"] == "no-store")
        #expect(page?.headers["content-security-policy"] == "form-action 'self'" && page?.headers["x-content-type-options"] == "nosniff")
      }
    }
  }

  @Test("a wrong value sets nothing, and comes back with what is wrong")
  func wrong() async throws {
    try await serving { server in
      try await Wire.to(server.port) { wire in
        let answer = try await wire.form("fail=100%25&codes=many&slow=")
        #expect(answer?.status == 400)
        #expect(answer?.text.hasPrefix("fail=100%|codes=many (codes are statuses") == true, "\(answer?.text ?? "")")
        try await wire.post(body(.conversion("v", "1")), expecting: 204)
        let json = try await wire.form("drop=60%25&fail=50%25", path: "/faults.json")
        #expect(json?.status == 400 && json?.message?.hasPrefix("fail: the shares") == true)
        let unknown = try await wire.form("fail=1%25&nothing=1")
        #expect(unknown?.status == 400 && unknown?.message?.hasPrefix("nothing: there is no such field") == true)
        #expect(try await wire.form(String(repeating: "a", count: FormText.limit + 1))?.status == 413)
      }
    }
  }

  @Test("a body over the limit is a request too, and the time of outages begins with it", arguments: [199, 200, 201])
  func overLimit(bytes: Int) async throws {
    var faults = SandboxFaults.none
    #expect(faults.set("limit", "200") == nil)
    try await serving(faults) { server in
      try await Wire.to(server.port) { wire in try await wire.post(body(bytes: bytes), expecting: bytes > 200 ? 413 : 204) }
      let shown = try await Wire.to(server.port) { wire in try #require(try await wire.faults("GET", "/faults.json")).body }
      let object = try #require(try JSONSerialization.jsonObject(with: Data(shown)) as? [String: Any])
      let made = try #require(object["made"] as? [String: Int])
      #expect(made["requests"] == 1 && made["over_limit"] == (bytes > 200 ? 1 : 0) && object["seconds"] is Double)
    }
  }

  @Test("programs see and set it as JSON; fields that are not named stay, and a bare % is one")
  func json() async throws {
    try await serving(SandboxFaults([try #require(SandboxFaults.Rule("418@first:1"))])) { server in
      try await Wire.to(server.port) { wire in
        try await wire.post("{}", expecting: 418)
        struct Shown: Decodable {
          var faults: [String: String]
          var made: [String: Int]
          var seconds: Double?
        }
        func shown(_ response: Wire.Response?) throws -> Shown {
          try JSONDecoder().decode(Shown.self, from: Data(try #require(response).body))
        }
        let before = try shown(try await wire.faults("GET", "/faults.json"))
        #expect(before.faults["rules"] == "418@first:1" && before.made["requests"] == 1 && before.made["by_rules"] == 1)
        #expect(try #require(before.seconds) >= 0)
        let after = try shown(try await wire.form("drop=100%&slow=1ms", path: "/faults.json"))
        #expect(after.faults["rules"] == "418@first:1" && after.faults["drop"] == "100%" && after.faults["slow"] == "1ms")
        #expect(
          after.made == ["requests": 0, "in_outages": 0, "by_rules": 0, "failed": 0, "dropped": 0, "answers_lost": 0, "over_limit": 0])
        #expect(after.seconds == nil)
        let object = try shown(try await wire.form("{\"slow\": \"2ms\", \"seed\": 7}", path: "/faults.json"))
        #expect(object.faults["slow"] == "2ms" && object.faults["seed"] == "7" && object.faults["drop"] == "100%")
        for wrong in ["{\"seed\": [7]}", "{\"seed\": 7", "{\"seed\": null}", "{}{}"] {
          let refused = try await wire.form(wrong, path: "/faults.json")
          #expect(refused?.status == 400 && refused?.message?.hasPrefix("this is no JSON object of texts") == true, "\(wrong)")
        }
      }
    }
  }

  @Test(
    "only this server's own page and programs on this machine have access",
    arguments: [
      ("Host: 127.0.0.1:80", true), ("Host: localhost", true), ("Host: LOCALHOST:8787", true), ("Host: [::1]:8787", true),
      ("Host: 127.0.0.1:80\r\nOrigin: http://127.0.0.1:80", true),
      ("Host: localhost\r\nOrigin: http://localhost\r\nSec-Fetch-Site: same-origin", true),
      ("Host: localhost\r\nSec-Fetch-Site: none", true),
      // A name server can make any other name mean this machine.
      ("Host: sandbox", false), ("Host: evil.example", false), ("Host: 127.0.0.1.evil.example", false), ("Host: 127.evil.example.1", false),
      ("Host: localhost.evil.example", false), ("Host: 192.168.0.1", false), ("Host: ", false), ("X: y", false),
      ("Host: localhost\r\nHost: evil", false),
      // A page of another origin that is open in the same browser.
      ("Host: 127.0.0.1:80\r\nOrigin: http://evil.example", false), ("Host: 127.0.0.1:80\r\nOrigin: null", false),
      ("Host: 127.0.0.1:80\r\nOrigin: http://127.0.0.1:81", false), ("Host: 127.0.0.1:80\r\nOrigin: https://127.0.0.1:80", false),
      ("Host: 127.0.0.1:80\r\nOrigin: http://localhost:80", false), ("Host: localhost\r\nSec-Fetch-Site: cross-site", false),
      ("Host: localhost\r\nSec-Fetch-Site: same-site", false),
    ])
  func access(headers: String, isGranted: Bool) async throws {
    try await serving { server in
      let answer = try await Wire.to(server.port) { wire in try await wire.form("fail=100%25", headers: headers) }
      // 421 is the answer to whoever asks for a name that this machine does not have.
      #expect(isGranted ? answer?.status == 303 : [403, 421].contains(answer?.status))
      let set = try await Wire.to(server.port) { wire in try await wire.post("{}")?.status }
      #expect(set == (isGranted ? 503 : 400))
    }
  }

  @Test("other methods are refused, and a server without the page has no such path", arguments: ["PUT", "DELETE", "OPTIONS"])
  func methods(method: String) async throws {
    try await serving { server in
      let answer = try await Wire.to(server.port) { wire in try await wire.faults(method, "/faults") }
      #expect(answer?.status == 405 && answer?.headers["allow"] == "GET, POST" && answer?.headers["access-control-allow-origin"] == nil)
    }
    try await Scratch().serving { server in
      for method in ["GET", "POST"] {
        let answer = try await Wire.to(server.port) { wire in try await wire.faults(method, "/faults") }
        #expect(answer?.status == 404)
      }
    }
  }

  @Test("a form that waits to be asked for is asked for")
  func expects() async throws {
    try await serving { server in
      try await Wire.to(server.port) { wire in
        try await wire.send("POST /faults HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n")
        #expect(await wire.response()?.status == 100)
        try await wire.send("fail=1%")
        #expect(await wire.response()?.status == 303)
      }
    }
  }
}

extension Wire {
  fileprivate func faults(_ method: String, _ path: String) async throws -> Response? {
    try await send("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    return await response()
  }

  fileprivate func form(_ text: String, path: String = "/faults", headers: String = "Host: localhost") async throws -> Response? {
    try await send("POST \(path) HTTP/1.1\r\n\(headers)\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
    return await response()
  }
}

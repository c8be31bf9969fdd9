import Counting
import Foundation
import Testing

@testable import Sandbox

/// The results page that a server shows when it is given one.
@Suite struct PageTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func wire<Result: Sendable>(_ body: (Wire) async throws -> Result) async throws -> Result {
    var settings = SandboxSettings(storePath: scratch.path)
    settings.page = SandboxPage(policy: "default-src 'none'") { results, details in
      "<!DOCTYPE html>\(details.experiments.count) experiments, \(results.notCounted)"
    }
    let server = try await SandboxServer.start(settings)
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await Wire.to(server.port, body)) } catch { outcome = .failure(error) }
    try await server.stop()
    return try outcome.get()
  }

  @Test("it is made from what is stored, and guarded by its headers")
  func page() async throws {
    try await wire { wire in
      let empty = try await wire.get("/")
      #expect(empty?.text == "<!DOCTYPE html>0 experiments, [:]")
      try await wire.post(body([.decision("v", "d"), .conversion("w", "c")]), expecting: 204)
      let page = try await wire.get("/?x=1")
      #expect(page?.status == 200 && page?.text == "<!DOCTYPE html>1 experiments, [\"no_decision_here\": 1]")
      let headers = try #require(page?.headers)
      #expect(headers["content-type"] == "text/html; charset=utf-8" && headers["content-security-policy"] == "default-src 'none'")
      #expect(headers["x-content-type-options"] == "nosniff" && headers["referrer-policy"] == "no-referrer")
      #expect(headers["cache-control"] == "no-cache" && headers["etag"] != empty?.headers["etag"])
    }
  }

  @Test("who holds it is told that nothing has changed, until something has")
  func unchanged() async throws {
    let edition = try await wire { wire in
      let edition = try #require(try await wire.get("/")?.headers["etag"])
      for _ in 1...2 {
        let again = try await wire.get("/", ifNot: edition)
        #expect(again?.status == 304 && again?.body == [] && again?.headers["etag"] == edition)
      }
      try await wire.post(body(.decision("v", "d")), expecting: 204)
      #expect(try await wire.get("/", ifNot: edition)?.status == 200)
      return try #require(try await wire.get("/")?.headers["etag"])
    }
    // Another server may have the same port and another history.
    let other = try await wire { wire in try await wire.get("/", ifNot: edition) }
    #expect(other?.status == 200)
  }

  @Test("an event that comes again is told as a duplicate, a body that comes again is not")
  func duplicates() throws {
    let first = body([.decision("v", "d"), .conversion("v", "c")])
    try scratch.store([first, first, body([.conversion("v", "c"), .conversion("v", "e")])])
    #expect(try sandboxResults(at: scratch.path).notCounted == ["duplicate": 1])
  }
}

extension Wire {
  fileprivate func get(_ path: String, ifNot edition: String) async throws -> Response? {
    try await send("GET \(path) HTTP/1.1\r\nHost: sandbox\r\nIf-None-Match: \(edition)\r\n\r\n")
    return await response()
  }
}

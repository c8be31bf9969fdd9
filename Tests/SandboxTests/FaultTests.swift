import Foundation
import Testing

@testable import Sandbox

/// Trouble on demand.
@Suite struct FaultTests {
  private typealias Rule = SandboxFaults.Rule

  @Test(
    "a rule is an act and, behind an at sign, when",
    arguments: [
      ("503", Rule(.status(503), .always)), ("login-page", Rule(.loginPage, .always)),
      ("drop-before@every:3", Rule(.dropBefore, .every(3))),
      ("drop-after@first:1", Rule(.dropAfter, .first(1))), ("429@from:7", Rule(.status(429), .from(7))),
      ("200@2-2", Rule(.status(200), .between(2, 2))), ("599@1-9", Rule(.status(599), .between(1, 9))),
    ])
  func rule(text: String, rule: SandboxFaults.Rule) { #expect(Rule(text) == rule) }

  @Test(
    "what is no rule is none",
    arguments: [
      "", "@", "503@", "199", "600", "drop", "503@every:0", "503@first:-1", "503@3-2", "503@0-2", "503@1-2-3", "503@often",
      "503@every:",
    ])
  func noRule(text: String) { #expect(Rule(text) == nil) }

  @Test(
    "a rule acts on the requests it names and on no other",
    arguments: [
      ("503", [1, 2, 3, 4, 5, 6]), ("503@every:2", [2, 4, 6]), ("503@first:2", [1, 2]), ("503@from:5", [5, 6]),
      ("503@2-4", [2, 3, 4]),
    ])
  func numbering(text: String, hit: [Int]) async throws {
    let scratch = try Scratch()
    let rule = try #require(Rule(text))
    try await scratch.serving(faults: SandboxFaults([rule], retryAfter: "7")) { server in
      try await Wire.to(server.port) { wire in
        // Requests that are refused for what they are have no number.
        try await wire.get("/nothing", expecting: 404)
        for number in 1...6 {
          let response = try await wire.post(body(.conversion("v", "u\(number)")))
          #expect(response?.status == (hit.contains(number) ? 503 : 204), "request \(number)")
          #expect(response?.headers["retry-after"] == (hit.contains(number) ? "7" : nil))
        }
      }
    }
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.requests == 6)
    #expect(status.bodies == 6 - hit.count)
  }

  @Test("of two rules for a request the first decides")
  func first() async throws {
    try await Scratch().serving(faults: SandboxFaults([Rule(.status(429), .first(1)), Rule(.status(500), .always)])) { server in
      try await Wire.to(server.port) { wire in
        try await wire.post("{}", expecting: 429)
        try await wire.post("{}", expecting: 500)
      }
    }
  }

  @Test(
    "a status is the answer to any body, and nothing is stored; one that has no body is sent without",
    arguments: [204, 304, 200, 302, 400, 503])
  func status(code: Int) async throws {
    let scratch = try Scratch()
    try await scratch.serving(faults: SandboxFaults([Rule(.status(code), .always)])) { server in
      try await Wire.to(server.port) { wire in
        for text in [body(.conversion("v", "u")), "not JSON"] {
          let response = try await wire.post(text)
          #expect(response?.status == code)
          #expect(response?.body.isEmpty == [204, 304].contains(code))
          #expect(response?.headers["retry-after"] == nil)
        }
      }
    }
    #expect(try sandboxStatus(at: scratch.path).bodies == 0)
  }

  @Test("a login page is status 200 and HTML, and nothing is stored")
  func loginPage() async throws {
    let scratch = try Scratch()
    try await scratch.serving(faults: SandboxFaults([Rule(.loginPage, .always)])) { server in
      try await Wire.to(server.port) { wire in
        let response = try await wire.post(body(.conversion("v", "u")))
        #expect(response?.status == 200)
        #expect(response?.headers["content-type"] == "text/html; charset=utf-8")
        #expect(response?.text.contains("password") == true)
      }
    }
    #expect(try sandboxStatus(at: scratch.path).bodies == 0)
  }

  @Test(
    "a connection dropped before has stored nothing, one dropped after has stored the body",
    arguments: [SandboxFaults.Act.dropBefore, .dropAfter])
  func drops(act: SandboxFaults.Act) async throws {
    let scratch = try Scratch()
    try await scratch.serving(faults: SandboxFaults([Rule(act, .first(1))])) { server in
      try await Wire.to(server.port) { wire in try await wire.post(body(.conversion("v", "u")), expecting: nil) }
      #expect(try sandboxStatus(at: scratch.path).bodies == (act == .dropAfter ? 1 : 0))
      try await Wire.to(server.port) { wire in try await wire.post(body(.conversion("v", "u")), expecting: 204) }
    }
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.bodies == 1)
    #expect(status.repeatedBodies == (act == .dropAfter ? 1 : 0))
  }

  @Test("answers are held back for the delay, also those of rules")
  func delay() async throws {
    let delay = Duration.milliseconds(60)
    try await Scratch().serving(faults: SandboxFaults([Rule(.status(503), .first(1))], delay: delay)) { server in
      try await Wire.to(server.port) { wire in
        for status in [503, 204] {
          let start = ContinuousClock.now
          try await wire.post(body(.conversion("v", "u")), expecting: status)
          #expect(ContinuousClock.now - start >= delay)
        }
      }
    }
  }
}

import Foundation
import Testing

@testable import Sandbox

/// Starting and stopping.
@Suite struct ServerTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test("a port that is taken is named; after the stop it is free again")
  func port() async throws {
    let other = try Scratch()
    let port = try await scratch.serving { server in
      #expect(server.address == "http://127.0.0.1:\(server.port)/v1/events")
      var settings = SandboxSettings(storePath: other.path)
      settings.port = server.port
      await #expect(throws: SandboxFailure.portInUse(host: "127.0.0.1", port: server.port)) {
        _ = try await SandboxServer.start(settings)
      }
      return server.port
    }
    var settings = SandboxSettings(storePath: other.path)
    settings.port = port
    let server = try await SandboxServer.start(settings)
    #expect(server.port == port)
    try await server.stop()
    try await server.stop()
  }

  @Test("a host that does not exist, or a store that cannot be made, is a failure with words")
  func impossible() async throws {
    var settings = SandboxSettings(storePath: scratch.path)
    settings.host = "256.0.0.1"
    await #expect(throws: SandboxFailure.self) { _ = try await SandboxServer.start(settings) }
    await #expect(throws: SandboxFailure.self) {
      _ = try await SandboxServer.start(SandboxSettings(storePath: scratch.folder + "/none/sandbox.sqlite"))
    }
  }

  @Test("stopping answers what is being stored, and closes every other connection")
  func stopping() async throws {
    var settings = SandboxSettings(storePath: scratch.path)
    settings.faults = SandboxFaults(delay: .milliseconds(300))
    let server = try await SandboxServer.start(settings)
    let path = scratch.path
    try await Wire.to(server.port) { idle in
      try await idle.get("/", expecting: 200)
      try await Wire.to(server.port) { half in
        try await half.send("POST /v1/events HTTP/1.1\r\nHost: s\r\nContent-Length: 100\r\n\r\n{")
        try await Wire.to(server.port) { wire in
          async let answer = wire.post(body(.conversion("v", "u")))
          // Stored, and its answer held back.
          while try sandboxStatus(at: path).bodies == 0 { await Task.yield() }
          try await server.stop()
          let response = try await answer
          #expect(response?.status == 204)
          #expect(await wire.response() == nil)
        }
        #expect(await half.response() == nil)
      }
      #expect(await idle.response() == nil)
    }
    #expect(try sandboxStatus(at: path).bodies == 1)
  }

  @Test("many small bodies on many connections are all stored, each once")
  func many() async throws {
    try await scratch.serving { server in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for lane in 0..<12 {
          group.addTask {
            try await Wire.to(server.port) { wire in
              for number in 0..<25 {
                let text = body([.decision("v\(lane)", "d\(number)"), .conversion("v\(number)", "c\(lane)")])
                try await wire.post(text, expecting: 204)
              }
            }
          }
        }
        try await group.waitForAll()
      }
    }
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.requests == 300 && status.bodies == 300 && status.events == 600 && status.distinctEvents == 600)
  }

  @Test("a client that goes away in the midst of a body leaves nothing behind")
  func halfBody() async throws {
    try await scratch.serving { server in
      for _ in 1...(2 * SandboxSettings(storePath: "").bodiesAtATime) {
        try await Wire.to(server.port) { wire in
          try await wire.send("POST /v1/events HTTP/1.1\r\nHost: s\r\nContent-Length: 3500000\r\n\r\n{\"account_id\":")
        }
      }
      try await Wire.to(server.port) { wire in try await wire.post(body(.conversion("v", "u")), expecting: 204) }
    }
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.requests == 1 && status.bodies == 1)
  }
}

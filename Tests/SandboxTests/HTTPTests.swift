import Counting
import Foundation
import NIOCore
import NIOPosix
import Testing
import Vocabulary

@testable import Sandbox

/// What the sandbox makes of requests as such.
@Suite struct HTTPTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func wire<Result: Sendable>(bodyLimit: Int? = nil, _ body: (Wire) async throws -> Result) async throws -> Result {
    try await scratch.serving(bodyLimit: bodyLimit) { server in try await Wire.to(server.port, body) }
  }

  @Test(
    "a body of up to the limit is taken, one more byte is answered 413, whichever way its length is said",
    arguments: [-1, 0, 1], [true, false])
  func limit(beyond: Int, chunked: Bool) async throws {
    let limit = 2_000
    let text = body(bytes: limit + beyond)
    let response = try await wire(bodyLimit: limit) { wire in
      guard chunked else { return try await wire.post(text) }
      try await wire.send(
        "POST /v1/events HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\nX-Optimizely-Strict: true\r\n\r\n")
      let bytes = Array(text.utf8)
      for start in stride(from: 0, to: bytes.count, by: 700) {
        let chunk = bytes[start..<min(start + 700, bytes.count)]
        try await wire.send(Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8))
      }
      // The connection may have ended already.
      try? await wire.send("0\r\n\r\n")
      return await wire.response()
    }
    #expect(response?.status == (beyond > 0 ? 413 : 204))
    if beyond > 0 {
      #expect(response?.message == "the body has more than 2000 bytes, the most that are taken; split it")
      #expect(response?.headers["connection"] == "close")
    }
    #expect(try sandboxStatus(at: scratch.path).bodies == (beyond > 0 ? 0 : 1))
  }

  @Test("bodies at the vendor's own limit are taken by default", arguments: [0, 1])
  func vendorsLimit(beyond: Int) async throws {
    let response = try await wire { wire in try await wire.post(body(bytes: Limits.bodyBytes + beyond)) }
    #expect(response?.status == (beyond > 0 ? 413 : 204))
  }

  @Test("a body that is too large is answered before it has come, and no more than that is read")
  func early() async throws {
    let response = try await wire(bodyLimit: 1_000) { wire in
      try await wire.send("POST /v1/events HTTP/1.1\r\nHost: s\r\nContent-Length: 1001\r\n\r\n{")
      let response = await wire.response()
      let end = await wire.response()
      #expect(end == nil)
      return response
    }
    #expect(response?.status == 413)
  }

  @Test("who asks before sending is told to continue, and answered afterwards")
  func continues() async throws {
    try await wire { wire in
      let text = body(.conversion("v", "u"))
      try await wire.send(
        "POST /v1/events HTTP/1.1\r\nHost: s\r\nExpect: 100-continue\r\nContent-Length: \(text.utf8.count)\r\n\r\n")
      #expect(await wire.response()?.status == 100)
      try await wire.send(text)
      #expect(await wire.response()?.status == 204)
    }
  }

  @Test(
    "who asks before sending what is not taken is refused at once",
    arguments: [
      ("POST /v1/events", "Content-Length: 1001\r\n", 413),
      ("POST /v1/events", "Content-Length: 5\r\nContent-Encoding: gzip\r\n", 415),
      ("POST /v2/events", "Content-Length: 5\r\n", 404), ("PUT /v1/events", "Content-Length: 5\r\n", 405),
    ])
  func refusedBefore(line: String, headers: String, status: Int) async throws {
    try await wire(bodyLimit: 1_000) { wire in
      try await wire.send("\(line) HTTP/1.1\r\nHost: s\r\nExpect: 100-continue\r\n\(headers)\r\n")
      #expect(await wire.response()?.status == status)
      #expect(await wire.response() == nil)
    }
  }

  @Test(
    "another path or method is answered with words, and the connection serves on",
    arguments: [
      ("GET", "/v1/events", 405, "POST"), ("DELETE", "/v1/events?a=b", 405, "POST"), ("POST", "/results.json", 405, "GET"),
      ("POST", "/", 405, "GET"), ("GET", "/v1/event", 404, nil), ("POST", "/v1/events/", 404, nil),
    ])
  func elsewhere(method: String, path: String, status: Int, allowed: String?) async throws {
    try await wire { wire in
      for _ in 1...2 {
        let response = try await wire.get(path, method: method)
        #expect(response?.status == status)
        #expect(response?.headers["allow"] == allowed)
        #expect(response?.message?.isEmpty == false)
      }
      try await wire.post(body(.conversion("v", "u")), expecting: 204)
    }
  }

  @Test(
    "a coding of the content is refused unless it is none", arguments: [("gzip", 415), ("Identity", 204), ("deflate, gzip", 415)])
  func coding(name: String, status: Int) async throws {
    try await wire { wire in
      let response = try await wire.post(body(.conversion("v", "u")), headers: "Content-Encoding: \(name)\r\n")
      #expect(response?.status == status)
      try await wire.post(body(.conversion("v", "u")), expecting: 204)
    }
  }

  @Test("one connection serves many requests, also when they are sent without waiting")
  func keptAlive() async throws {
    try await wire { wire in
      var requests = ""
      for number in 1...20 {
        let text = body(.conversion("v", "u\(number)"))
        requests += "POST /v1/events HTTP/1.1\r\nHost: s\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
      }
      try await wire.send(requests)
      for _ in 1...20 { #expect(await wire.response()?.status == 204) }
    }
    #expect(try sandboxStatus(at: scratch.path).bodies == 20)
  }

  @Test("a connection that is to be closed is closed after its answer", arguments: ["1.1", "1.0"])
  func closes(version: String) async throws {
    try await wire { wire in
      let text = body(.conversion("v", "u"))
      let header = version == "1.1" ? "Connection: close\r\n" : ""
      try await wire.send("POST /v1/events HTTP/\(version)\r\n\(header)Content-Length: \(text.utf8.count)\r\n\r\n\(text)")
      let response = await wire.response()
      #expect(response?.status == 204)
      #expect(response?.headers["connection"] == "close")
      #expect(await wire.response() == nil)
    }
  }

  @Test("what is not HTTP is answered 400 and ends the connection")
  func notHTTP() async throws {
    try await wire { wire in
      try await wire.send("hello\r\n\r\n")
      #expect(await wire.response()?.status == 400)
      #expect(await wire.response() == nil)
    }
  }

  @Test("the first page says what there is")
  func about() async throws {
    try await wire { wire in
      let page = try await wire.get("/")
      #expect(page?.status == 200)
      for path in ["/v1/events", "/results.json", "/status.json"] { #expect(page?.text.contains(path) == true) }
    }
  }

  @Test("results and status are served as JSON with sorted names, and are what the file gives")
  func pages() async throws {
    let text = body([.decision("v", "d"), .conversion("v", "c", revenue: 5)])
    let (results, status) = try await wire { wire in
      _ = try await wire.post(text)
      return (try await wire.get("/results.json"), try await wire.get("/status.json?now"))
    }
    #expect(results?.headers["content-type"] == "application/json")
    let one = #""conversions":1,"converting_visitors":1,"entity_id":"50","key":"purchase","revenue":5,"revenue_squares":"25","value":0"#
    #expect(
      results?.text
        == #"{"experiments":[{"campaign_id":"20","experiment_id":"30","not_counted":{},"variations":[{"events":[{\#(one)}],"variation_id":"40","#
        + #""visitors":1}]}],"not_counted":{}}"#
        + "\n")
    #expect(
      status?.text
        == #"{"bodies":1,"bytes":\#(text.utf8.count),"conflicting_events":0,"conversions":1,"decisions":1,"distinct_events":2,"#
        + #""events":2,"events_in_different_bodies":0,"repeated_bodies":0,"requests":1}"#
        + "\n")
    #expect(try JSONDecoder().decode(Results.self, from: Data(results?.body ?? [])) == sandboxResults(at: scratch.path))
    #expect(try JSONDecoder().decode(SandboxStatus.self, from: Data(status?.body ?? [])) == sandboxStatus(at: scratch.path))
  }

  @Test("more bodies than there is room for wait for each other, and a client that goes away gives its room back")
  func room() async throws {
    let text = body(.conversion("v", "u"))
    let head = "POST /v1/events HTTP/1.1\r\nHost: s\r\nExpect: 100-continue\r\nContent-Length: \(text.utf8.count)\r\n\r\n"
    try await scratch.serving(bodyLimit: text.utf8.count) { server in
      try await Wire.to(server.port) { last in
        // As many as there is room for have been told to continue, and send nothing more.
        func hold(_ count: Int) async throws {
          guard count > 0 else { return try await last.send(head) }
          try await Wire.to(server.port) { wire in
            try await wire.send(head)
            #expect(await wire.response()?.status == 100)
            try await hold(count - 1)
          }
        }
        try await hold(SandboxSettings(storePath: "").bodiesAtATime)
        #expect(await last.response()?.status == 100)
        try await last.send(text)
        #expect(await last.response()?.status == 204)
      }
    }
  }

  @Test("a body that trickles is given up when its time is over, and its room with it", arguments: ["/v1/events", "/nothing"])
  func trickle(path: String) async throws {
    let text = body(.conversion("v", "u"))
    try await scratch.serving(bodyLimit: text.utf8.count, bodyTimeLimit: .milliseconds(200)) { server in
      try await Wire.to(server.port) { wire in
        // What trickles does not put it off: that would be the other time limit.
        try await wire.send("POST \(path) HTTP/1.1\r\nHost: s\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text.prefix(3))")
        let response = await wire.response()
        #expect(response?.status == 408)
        #expect(response?.message == "the body took too long to come")
      }
      try await Wire.to(server.port) { try await $0.post(text, expecting: 204) }
    }
  }

  @Test("room is given in turn, and never more than there is")
  func roomInTurn() throws {
    let loop = MultiThreadedEventLoopGroup.singleton.any()
    let room = BodyRoom(byteCount: 10)
    #expect(room.take(6, on: loop) == nil)
    let large = try #require(room.take(5, on: loop))
    let small = try #require(room.take(1, on: loop))
    room.giveBack(6)
    try large.wait()
    try small.wait()
    #expect(room.take(4, on: loop) == nil)
    #expect(room.take(1, on: loop) != nil)
    room.giveBack(1)
  }
}

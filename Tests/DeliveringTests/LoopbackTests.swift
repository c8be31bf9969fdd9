import NIOHTTP1
import Synchronization
import Testing
import Vocabulary

@testable import Delivering

/// The whole deliverer against a real server on the loopback. Back-off passes on a clock that does not wait; requests take real
/// time.
@Suite("On the loopback", .timeLimit(.minutes(5))) struct LoopbackTests {
  private func deliver(
    to address: String, _ source: some BodySource, _ book: ReceiptBook = ReceiptBook(), lanes: Int = 2,
    stop: StopSwitch = StopSwitch(),
    clock: SwiftClock = SwiftClock(), environment: [String: String] = [:], _ change: (inout DeliverySettings) -> Void = { _ in },
    progress: @escaping @Sendable (DeliveryProgress) -> Void = { _ in }
  ) async -> DeliveryReport {
    var settings = DeliverySettings.test(address, lanes: lanes)
    settings.requestTimeLimit = .seconds(20)
    change(&settings)
    return await Deliverer(settings: settings, environment: environment)
      .deliver(from: source, receipts: book, stop: stop, clock: clock, progress: progress)
  }

  @Test("a stream of 204s is delivered over kept connections, a lane each", arguments: [1, 2, 4])
  func stream(lanes: Int) async throws {
    try await ScriptedServer.serving { _ in
      .status(204)
    } while: { server, address in
      let book = ReceiptBook()
      let report = await deliver(to: address, ListSource(bodies(100)), book, lanes: lanes) { $0.userAgent = "tester/1" }
      #expect(
        report
          == DeliveryReport(
            outcome: .complete, acceptedBodyCount: 100, requestCount: 100, retryCount: 0, laneCount: lanes, answers: ["204": 100]))
      #expect(book.numbers == Array(1...100))
      #expect(Set(server.requests.map(\.number)) == Set(1...100))
      #expect(server.mostOpen <= lanes)
      #expect(server.connectionCount <= lanes)
      let request = try #require(server.requests.first)
      #expect(request.method == .POST && request.uri == "/v1/events")
      #expect(request.headers["Content-Type"] == ["application/json; charset=utf-8"])
      #expect(request.headers["X-Optimizely-Strict"] == ["true"])
      #expect(request.headers["User-Agent"] == ["tester/1"])
      #expect(request.headers["Content-Length"] == ["1"])
      #expect(request.headers["Transfer-Encoding"].isEmpty)
    }
  }

  @Test("as many requests as lanes are open at once", arguments: [1, 2, 4])
  func width(lanes: Int) async throws {
    let arrived = Mutex(0)
    let gate = Mutex<ScriptedServer?>(nil)
    // No answer comes before all lanes have asked.
    let arrival: @Sendable (ScriptedServer.Request) -> Void = { _ in
      let count = arrived.withLock { count in
        count += 1
        return count
      }
      if count == lanes { gate.withLock { $0 }?.release() }
    }
    try await ScriptedServer.serving(arrival: arrival) { _ in
      .held(.status(204))
    } while: { server, address in
      gate.withLock { $0 = server }
      let report = await deliver(to: address, ListSource(bodies(12)), lanes: lanes)
      #expect(report.outcome == .complete)
      #expect(server.mostOpen == lanes)
    }
  }

  @Test("without strict the header is left out") func lax() async throws {
    try await ScriptedServer.serving { _ in
      .status(204)
    } while: { server, address in
      _ = await deliver(to: address, ListSource(bodies(1))) { $0.strict = false }
      #expect(server.requests.count == 1)
      #expect(server.requests.first?.headers["X-Optimizely-Strict"] == [])
    }
  }

  @Test("a large body arrives whole, and whole again") func large() async throws {
    let body = OutgoingBody(number: 1, bytes: Array(repeating: UInt8(ascii: "x"), count: Limits.bodyBytes).span, eventCount: 1)
    try await ScriptedServer.serving {
      $0.index == 0 ? .status(500) : .status(204)
    } while: { server, address in
      let report = await deliver(to: address, ListSource([body]))
      #expect(report.outcome == .complete)
      #expect(server.requests.map(\.bodyCount) == [Limits.bodyBytes, Limits.bodyBytes])
    }
  }

  @Test(
    "what may heal is sent again until it is accepted",
    arguments: [
      ScriptedServer.Reply.status(503), .status(500, [], "oops"), .status(408), .status(425),
      .status(429, [("Retry-After", "0")]),
      .status(503, [("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")]), .status(429, [("Retry-After", "rubbish")]), .reset,
      .close,
    ])
  func heals(reply: ScriptedServer.Reply) async throws {
    try await ScriptedServer.serving {
      $0.index % 4 == 1 ? reply : .status(204)
    } while: { server, address in
      let book = ReceiptBook()
      let report = await deliver(to: address, ListSource(bodies(12)), book)
      #expect(report.outcome == .complete)
      #expect(book.numbers == Array(1...12))
      #expect(report.retryCount == server.requests.count - 12)
      #expect(report.retryCount >= 3)
    }
  }

  @Test("a server that accepts only the n-th try gets n tries", arguments: [1, 2, 5, 9])
  func nth(n: Int) async throws {
    try await ScriptedServer.serving {
      $0.index + 1 < n ? .status(502) : .status(204)
    } while: { server, address in
      let book = ReceiptBook()
      let report = await deliver(to: address, ListSource(bodies(1)), book)
      #expect(
        report
          == DeliveryReport(
            outcome: .complete, acceptedBodyCount: 1, requestCount: n, retryCount: n - 1, laneCount: 2, answers: report.answers))
      #expect(report.answers.values.reduce(0, +) == n && report.answers["204"] == 1)
      #expect(book.receipts.map(\.attemptCount) == [n])
    }
  }

  @Test(
    "a delay that the server asks for is slept by all lanes; a date counts from the answer's own",
    arguments: [
      [("Retry-After", "30")], [("Date", "Sun, 06 Nov 1994 08:49:07 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")],
      [("Date", "Mon, 01 Mar 2100 00:00:00 GMT"), ("Retry-After", "Mon, 01 Mar 2100 00:00:30 GMT")],
    ])
  func retryAfter(headers: [(String, String)]) async throws {
    let clock = SwiftClock()
    try await ScriptedServer.serving {
      $0.index == 0 ? .status(429, headers) : .status(204)
    } while: { _, address in
      let report = await deliver(to: address, ListSource(bodies(1)), clock: clock)
      #expect(report.outcome == .complete)
      #expect(clock.sleeps.contains { $0 > .seconds(29) && $0 <= .seconds(30) })
    }
  }

  @Test(
    "an answer that is no Event API's ends the run with 69 and says what it was",
    arguments: [
      (
        ScriptedServer.Reply.status(200, [("Content-Type", "text/html")], "<html>Sign in</html>"),
        "200 with content type text/html"
      ),
      (.status(302, [("Location", "https://login.example/")]), "302 and points to https://login.example/"),
      (.status(401), "401"), (.status(403), "403"), (.status(404, [], "no such page"), "404"), (.status(202), "202"),
    ])
  func strangers(reply: ScriptedServer.Reply, words: String) async throws {
    try await ScriptedServer.serving { _ in
      reply
    } while: { server, address in
      let report = await deliver(to: address, ListSource(bodies(50)), lanes: 1)
      let failure = failure(of: report.outcome)
      #expect(failure?.status == .notAnEventAPI)
      #expect(failure?.message.contains(words) == true)
      #expect(server.requests.count == 1)
    }
  }

  @Test("a refusal ends the run with 78 and the server's words, however long they are", arguments: [400, 413, 410])
  func refusals(status: Int) async throws {
    let words = "account_id is \u{1b}missing\n" + String(repeating: "x", count: 100_000)
    try await ScriptedServer.serving { _ in
      .status(status, [], words)
    } while: { _, address in
      let report = await deliver(to: address, ListSource(bodies(50)), lanes: 1)
      let failure = failure(of: report.outcome)
      #expect(failure?.status == .configuration)
      #expect(failure?.message.contains(#"\#(status): "account_id is \u{1b}missing\n"#) == true)
      #expect((failure?.message.utf8.count ?? 0) < 1000)
      #expect(failure?.message.contains("--no-strict") == (status != 410))
    }
  }

  @Test("a refusal lets the requests in flight land and keeps their receipts") func refusalAmidFlight() async throws {
    let arrived = Mutex<[Int]>([])
    let gate = Mutex<ScriptedServer?>(nil)
    try await ScriptedServer.serving { request in
      arrived.withLock { $0.append(request.number) }
      return request.number == 3 ? .status(400, [], "no") : .held(.status(204))
    } while: { server, address in
      gate.withLock { $0 = server }
      let book = ReceiptBook()
      let report = await deliver(
        to: address, ListSource(bodies(50)), book, lanes: 3,
        progress: { progress in
          // The refusal has been judged once only two are left in flight.
          if progress.inFlightCount == 2, progress.requestCount == 3 { gate.withLock { $0 }?.release() }
        })
      #expect(failure(of: report.outcome)?.status == .configuration)
      #expect(book.numbers == [1, 2])
      #expect(arrived.withLock { $0.sorted() } == [1, 2, 3])
    }
  }

  @Test("a request that is never answered ends with its time limit, and is tried again") func timeLimit() async throws {
    try await ScriptedServer.serving {
      $0.index == 0 ? .never : .status(204)
    } while: { server, address in
      let report = await deliver(to: address, ListSource(bodies(1))) { $0.requestTimeLimit = .milliseconds(100) }
      #expect(report.outcome == .complete)
      #expect(report.retryCount >= 1)
    }
    try await ScriptedServer.serving { _ in
      .never
    } while: { _, address in
      let report = await deliver(to: address, ListSource(bodies(1))) {
        $0.requestTimeLimit = .milliseconds(50)
        $0.retryFor = .zero
      }
      #expect(failure(of: report.outcome)?.message.contains("no answer within 50 ms") == true)
    }
  }

  @Test("a server that is silent is given up long before the request's time limit") func silence()
    async throws
  {
    try await ScriptedServer.serving {
      $0.index == 0 ? .never : .status(204)
    } while: { server, address in
      let troubles = Mutex<[String]>([])
      let report = await deliver(to: address, ListSource(bodies(1))) {
        $0.requestTimeLimit = .seconds(100)
        $0.idleTimeLimit = .milliseconds(100)
      } progress: { progress in
        if let trouble = progress.trouble { troubles.withLock { $0.append(trouble) } }
      }
      #expect(report.outcome == .complete)
      #expect(troubles.withLock { $0.first } == "not a byte of an answer for 100 ms")
    }
  }

  @Test("an answer whose body never ends counts by its status", arguments: [200, 400])
  func stalledAnswer(status: Int) async throws {
    try await ScriptedServer.serving { _ in
      .stall(status, "words")
    } while: { _, address in
      let report = await deliver(to: address, ListSource(bodies(1))) {
        $0.requestTimeLimit = .milliseconds(300)
        $0.acceptedStatuses = [200]
      }
      if status == 200 { #expect(report.outcome == .complete) }
      if status == 400 { #expect(failure(of: report.outcome)?.message.contains(#"400: "words""#) == true) }
    }
  }

  @Test("the server sees a waiting body only after it accepted the other", arguments: [1, 2, 4])
  func waiting(lanes: Int) async throws {
    let waits = [3: 2, 4: 2, 5: 4, 9: 8]
    try await ScriptedServer.serving {
      $0.number == 2 && $0.index < 8 ? .status(503) : .status(204)
    } while: { server, address in
      let book = ReceiptBook()
      let report = await deliver(to: address, ListSource(bodies(10, waits: waits)), book, lanes: lanes)
      #expect(report.outcome == .complete)
      for (number, other) in waits {
        let first = server.requests.firstIndex { $0.number == number } ?? 0
        let last = server.requests.lastIndex { $0.number == other } ?? .max
        #expect(first > last)
      }
    }
  }

  @Test("a stop midway keeps what the requests in flight bring, and sends no more") func stopMidway() async throws {
    let stop = StopSwitch()
    let gate = Mutex<ScriptedServer?>(nil)
    try await ScriptedServer.serving {
      $0.number <= 4 ? .status(204) : .held(.status(204))
    } while: { server, address in
      gate.withLock { $0 = server }
      let book = ReceiptBook()
      let report = await deliver(
        to: address, ListSource(bodies(50)), book, stop: stop, clock: SwiftClock { _ in true },
        progress: { progress in
          if progress.acceptedBodyCount == 4, progress.inFlightCount == 2 {
            stop.stop()
            gate.withLock { $0 }?.release()
          }
        })
      #expect(failure(of: report.outcome)?.status == .stopped)
      #expect(book.numbers == [1, 2, 3, 4, 5, 6])
      #expect(server.requests.count <= 6)
    }
  }

  @Test("requests that outlast the drain are given up, and the rest is kept") func drain() async throws {
    let stop = StopSwitch()
    try await ScriptedServer.serving {
      $0.number <= 4 ? .status(204) : .never
    } while: { _, address in
      let book = ReceiptBook()
      let report = await deliver(
        to: address, ListSource(bodies(50)), book, stop: stop,
        progress: { if $0.acceptedBodyCount == 4, $0.inFlightCount == 2 { stop.stop() } })
      #expect(failure(of: report.outcome)?.message.contains("2 requests without an answer given up") == true)
      #expect(book.numbers == [1, 2, 3, 4])
    }
  }

  @Test("a port where nobody listens ends with 75 and says so", arguments: [1, 4])
  func refused(lanes: Int) async throws {
    try await ScriptedServer.withDeadPort { port in
      let clock = SwiftClock()
      let address = "http://127.0.0.1:\(port)/v1/events"
      let report = await deliver(to: address, ListSource(bodies(9)), lanes: lanes, clock: clock) { $0.retryFor = .seconds(120) }
      let failure = failure(of: report.outcome)
      #expect(failure?.status == .stopped)
      #expect(
        failure?.message.hasPrefix("\(address): no connection: connection refused; no body was accepted within 2 min") == true)
      #expect(report.retryCount > 0)
      // Sleeps that overlap make this clock run ahead of what was planned, which counts as time asleep.
      #expect(clock.now() <= .seconds(360))
    }
  }

  @Test("a host name that can't exist is told apart from a refusal") func unresolved() async {
    // A label of more than 63 characters fails in the resolver, before anything goes out.
    let host = String(repeating: "a", count: 64) + ".invalid"
    let report = await deliver(to: "http://\(host)/", ListSource(bodies(1))) { $0.retryFor = .zero }
    #expect(failure(of: report.outcome)?.status == .stopped)
    #expect(failure(of: report.outcome)?.message.contains("the host name \(host) was not found") == true)
  }

  @Test("an http proxy of the setting or the environment is asked to connect", arguments: [true, false], [407, 503])
  func proxy(isSet: Bool, status: Int) async throws {
    try await ScriptedServer.serving { _ in
      .status(status)
    } while: { server, address in
      let proxy = address.replacing("/v1/events", with: "")
      let report = await deliver(
        to: "http://there.invalid/", ListSource(bodies(1)), environment: isSet ? [:] : ["http_proxy": proxy]
      ) {
        if isSet { $0.proxy = proxy }
        $0.retryFor = .zero
      }
      // Credentials that are missing stay missing; a proxy that can't reach the server may reach it later.
      #expect(failure(of: report.outcome)?.status == (status == 407 ? .configuration : .stopped))
      #expect(failure(of: report.outcome)?.message.contains("proxy") == true)
      #expect(server.requests.first?.method == .CONNECT)
    }
  }
}

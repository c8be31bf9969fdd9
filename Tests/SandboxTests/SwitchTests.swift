import Foundation
import Synchronization
import Testing

@testable import Sandbox

/// Trouble by shares and times, with clocks that tests set.
@Suite struct SwitchTests {
  /// A clock that stands until it is moved.
  private final class Hands: Sendable {
    private let time = Mutex(ContinuousClock.now)
    var now: ContinuousClock.Instant { time.withLock { $0 } }
    func move(_ duration: Duration) { time.withLock { $0 += duration } }
  }

  private func faults(_ fields: [String: String]) throws -> SandboxFaults {
    var faults = SandboxFaults.none
    for (name, text) in fields { try #require(faults.set(name, text) == nil, "\(name)=\(text)") }
    return faults
  }

  private func hits(_ fields: [String: String], requests: Int) throws -> [SandboxFaults.Act?] {
    let faults = try faults(fields)
    return (1...requests).map { faults.trouble(on: $0, after: .zero, [UInt8]().span)?.act }
  }

  @Test(
    "a field is read and written",
    arguments: [
      ("fail", "10%", "10%"), ("fail", " 0.5% ", "0.5%"), ("fail", "0%", ""), ("fail", "100%", "100%"), ("drop", "0.0001%", "0.0001%"),
      ("lose_answers", "1.50%", "1.5%"), ("codes", "500, 429", "500,429"), ("codes", "", "503"), ("retry_after", "2", "2"),
      ("retry_after", "date:2s", "date:2s"), ("retry_after", "soon", "soon"), ("slow", "200ms", "200ms"), ("slow", "2", "2s"),
      ("slow", "1h", "60m"), ("outage", "30s..60s", "30s..60s"), ("outage", "0..1s, 5m..2h", "0s..1s,5m..2h"), ("limit", "1MB", "1000000"),
      ("limit", "1", "1"), ("limit", "3500000", "3500000"), ("limit", "", ""), ("seed", "18446744073709551615", "18446744073709551615"),
      ("seed", "", "1"),
      ("rules", "503@every:2\r\n\r\ndrop-after@holding:a@b\nlogin-page@3-4", "503@every:2\ndrop-after@holding:a@b\nlogin-page@3-4"),
      ("rules", "429@first:1\n200@from:2\ndrop-before", "429@first:1\n200@from:2\ndrop-before"),
    ])
  func field(name: String, text: String, written: String) throws {
    let form = FaultForm(try faults([name: text]), FaultGate.Tally())
    #expect(form.fields.first { $0.name == name }?.value == written)
    // What is written is read as the same.
    let again = try faults([name: written])
    #expect(try faults([name: text]) == again)
  }

  @Test(
    "a wrong value is refused with words, and changes nothing",
    arguments: [
      ("fail", "10"), ("fail", "0.1"), ("fail", "-1%"), ("fail", "101%"), ("fail", "100.0001%"), ("fail", "1.00001%"), ("fail", ".5%"),
      ("fail", "%"), ("drop", "many"), ("codes", "200"), ("codes", "600"), ("codes", "500,,429"), ("codes", "500;429"),
      ("retry_after", "date:soon"), ("retry_after", "a\r\nSet-Cookie: b"), ("retry_after", "später"), ("slow", "-1s"), ("slow", "2h"),
      ("slow", "1.5s"), ("slow", "s"), ("outage", "30s"), ("outage", "60s..30s"), ("outage", "5s..5s"), ("outage", "1s..2s..3s"),
      ("limit", "0"), ("limit", "3500001"), ("limit", "much"), ("seed", "-1"), ("seed", "1.5"), ("seed", "18446744073709551616"),
      ("rules", "503@often"), ("rules", "503\n199"),
    ])
  func refused(name: String, text: String) {
    var faults = SandboxFaults.none
    let problem = faults.set(name, text)
    #expect(problem?.isEmpty == false && faults == .none)
  }

  @Test("shares that add up to more than all are refused", arguments: [("60%", "40%", "0%", true), ("60%", "40%", "0.0001%", false)])
  func sum(fail: String, drop: String, lose: String, isSound: Bool) throws {
    let problem = try faults(["fail": fail, "drop": drop, "lose_answers": lose]).problem
    #expect((problem == nil) == isSound)
  }

  @Test("shares hit as many requests as they say, each with one trouble, and all codes alike", arguments: ["1", "2", "99"])
  func shares(seed: String) throws {
    let hits = try hits(["fail": "10%", "codes": "500,429", "drop": "1%", "lose_answers": "2%", "seed": seed], requests: 100_000)
    // Five standard deviations around what is expected of 100,000 throws.
    for (act, share) in [(SandboxFaults.Act.status(500), 0.05), (.status(429), 0.05), (.dropBefore, 0.01), (.dropAfter, 0.02)] {
      let expected = 100_000 * share
      #expect(abs(Double(hits.count { $0 == act }) - expected) < 5 * (expected * (1 - share)).squareRoot(), "\(act)")
    }
  }

  @Test("the same seed hits the same requests, another one others")
  func seeds() throws {
    func hits(_ seed: String) throws -> [SandboxFaults.Act?] { try self.hits(["fail": "50%", "seed": seed], requests: 200) }
    let seven = try hits("7")
    #expect(try hits("7") == seven)
    #expect(try hits("8") != seven)
    #expect(try hits("0") != hits("1"))
  }

  @Test("none is never, and all is always")
  func ends() throws {
    #expect(try hits(["fail": "0%"], requests: 1000).allSatisfy { $0 == nil })
    #expect(try hits(["fail": "100%"], requests: 1000).allSatisfy { $0 == .status(503) })
    #expect(try hits(["lose_answers": "100%"], requests: 1000).allSatisfy { $0 == .dropAfter })
  }

  @Test("outages count from the first request, begin with their first moment and end before their last")
  func outages() throws {
    let hands = Hands()
    let gate = FaultGate(try faults(["outage": "30s..60s,90s..91s"]), now: { hands.now })
    // Waiting for the first request is not counted.
    hands.move(.seconds(1000))
    var closed: [Int] = []
    for second in 0...100 {
      if gate.judge([UInt8]().span).act == .dropBefore { closed.append(second) }
      hands.move(.seconds(1))
    }
    #expect(closed == Array(30..<60) + [90])
    #expect(gate.shown.tally.causes[.outage] == 31 && gate.shown.tally.requests == 101 && gate.shown.tally.time == .seconds(101))
  }

  @Test("an outage goes before a rule, and a rule before a share")
  func precedence() throws {
    let hands = Hands()
    let gate = FaultGate(try faults(["outage": "0s..1s", "rules": "418@first:2", "fail": "100%"]), now: { hands.now })
    var acts: [SandboxFaults.Act?] = []
    for _ in 1...3 {
      acts.append(gate.judge([UInt8]().span).act)
      hands.move(.seconds(1))
    }
    #expect(acts == [.dropBefore, .status(418), .status(503)])
  }

  @Test("setting begins anew: the next request is the first, and outages count from it")
  func anew() throws {
    let hands = Hands()
    let gate = FaultGate(.none, now: { hands.now })
    _ = gate.judge([UInt8]().span)
    hands.move(.seconds(500))
    gate.set(try faults(["outage": "0s..5s", "rules": "500@first:1"]))
    #expect(gate.shown.tally == FaultGate.Tally())
    hands.move(.seconds(500))
    #expect(gate.judge([UInt8]().span).act == .dropBefore)
    hands.move(.seconds(5))
    #expect(gate.judge([UInt8]().span).act == nil)
  }

  @Test(
    "Retry-After is seconds, a date so far ahead, or the text as it stands",
    arguments: [
      ("2", "2"), ("date:0", "Sun, 06 Nov 1994 08:49:37 GMT"), ("date:2s", "Sun, 06 Nov 1994 08:49:39 GMT"),
      ("date:1500ms", "Sun, 06 Nov 1994 08:49:39 GMT"), ("date:1h", "Sun, 06 Nov 1994 09:49:37 GMT"), ("Fri, 31 Dec", "Fri, 31 Dec"),
    ])
  func retryAfter(text: String, header: String) throws {
    // RFC 9110, 5.6.7 gives this moment as its example.
    let gate = FaultGate(try faults(["retry_after": text]), date: { Date(timeIntervalSince1970: 784_111_777) })
    #expect(gate.judge([UInt8]().span).retryAfter == header)
  }

  @Test("a limit answers a larger body with 413, whether its length is said or not", arguments: [199, 200, 201])
  func limit(bytes: Int) async throws {
    let scratch = try Scratch()
    try await scratch.serving(faults: try faults(["limit": "200"])) { server in
      try await Wire.to(server.port) { wire in try await wire.post(body(bytes: bytes), expecting: bytes > 200 ? 413 : 204) }
      try await Wire.to(server.port) { wire in
        try await wire.send(
          "POST /v1/events HTTP/1.1\r\nHost: sandbox\r\nTransfer-Encoding: chunked\r\n\r\n\(String(bytes, radix: 16))\r\n\(body(bytes: bytes))\r\n0\r\n\r\n"
        )
        #expect(await wire.response()?.status == (bytes > 200 ? 413 : 204))
      }
    }
  }
}

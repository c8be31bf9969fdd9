import Testing
import Vocabulary

@testable import Delivering

@Suite("Judging answers") struct JudgeTests {
  private func verdict(
    _ answer: Answer, hasAccepted: Bool = false, _ change: (inout DeliverySettings) -> Void = { _ in }
  ) -> Verdict {
    var settings = DeliverySettings.test()
    change(&settings)
    return Judge(place: "https://there/v1/events", settings: settings)
      .verdict(on: .answered(answer), of: 12, hasAccepted: hasAccepted, epochMilliseconds: 0)
  }

  private func ending(_ answer: Answer, hasAccepted: Bool = false) -> RunFailure? {
    if case .end(let failure) = verdict(answer, hasAccepted: hasAccepted) { failure } else { nil }
  }

  @Test("exactly 204 accepts, of all statuses there are", arguments: 100..<1000)
  func everyStatus(status: Int) {
    let verdict = verdict(Answer(status: status))
    switch status {
    case 204: #expect(verdict == .accepted)
    case 408, 425, 429, 500...599:
      let isStrain = [408, 429, 502, 503, 504].contains(status)
      #expect(
        verdict == .retry(Setback(trouble: "the server answered \(status)", isServerError: status >= 500, isStrain: isStrain)))
    default:
      guard case .end(let failure) = verdict else {
        Issue.record("\(status) gave \(verdict)")
        return
      }
      let isOurs = (400..<500).contains(status) && ![401, 403, 404, 405].contains(status)
      #expect(failure.status == (isOurs ? .configuration : .notAnEventAPI))
      #expect(failure.message.contains("\(status)"))
      #expect(failure.message.hasPrefix("https://there/v1/events: "))
    }
  }

  @Test("other statuses accept when the settings say so, and then only those") func acceptedStatuses() {
    #expect(verdict(Answer(status: 200)) { $0.acceptedStatuses = [200, 202] } == .accepted)
    #expect(verdict(Answer(status: 204)) { $0.acceptedStatuses = [200, 202] } != .accepted)
  }

  @Test(
    "a refusal quotes the server up to where it repeats what was sent",
    arguments: [
      (#"{"account_id":"1","visitors":[{"visitor_id":"anna"}]}"#, true), (#"bad: {\"visitor_id\":\"anna\"}"#, true),
      (#"visitors[0].visitor_id: required"#, false), ("visitor", false),
    ])
  func repeatedWords(words: String, isCut: Bool) {
    let failure = ending(Answer(status: 400, words: Array(words.utf8)))
    #expect(failure?.message.contains("anna") == false)
    #expect(failure?.message.contains("…") == isCut)
    #expect(failure?.message.contains(words.prefix(4)) == true)
  }

  @Test("a refusal quotes the server on one line") func words() {
    let failure = ending(Answer(status: 400, words: Array("bad\r\n\u{1b}[31mtimestamp\u{202e}".utf8)))
    #expect(failure?.message.contains(#"refused body 12 with 400: "bad\r\n\u{1b}[31mtimestamp\u{202e}""#) == true)
    #expect(ending(Answer(status: 413))?.message.contains("with 413;") == true)
  }

  @Test("a refusal before anything was accepted ends the run, with the hint at --no-strict in strict mode", arguments: [400, 413])
  func hint(status: Int) {
    func hints(_ change: (inout DeliverySettings) -> Void) -> Bool? {
      guard case .end(let failure) = verdict(Answer(status: status), hasAccepted: false, change) else { return nil }
      return failure.message.contains("--no-strict")
    }
    #expect(hints { _ in } == true)
    #expect(hints { $0.strict = false } == false)
  }

  @Test("a refusal after the server accepted anything, now or in an earlier run, concerns the body", arguments: [400, 413])
  func laterRefusal(status: Int) {
    let answer = Answer(status: status, words: Array("bad\nuuid".utf8))
    let refused = Verdict.refused(status: status, words: #"bad\nuuid"#)
    #expect(verdict(answer, hasAccepted: true) == refused)
    #expect(verdict(answer) { $0.hasAcceptedBefore = true } == refused)
  }

  @Test("a redirect names its target, a polite page its content type") func strangers() {
    #expect(
      ending(Answer(status: 302, location: "https://login/\u{7}"))?.message.contains(#"302 and points to https://login/\u{7};"#)
        == true)
    #expect(ending(Answer(status: 307))?.message.contains("names no other address") == true)
    #expect(ending(Answer(status: 200, contentType: "text/html"))?.message.contains("200 with content type text/html") == true)
    #expect(ending(Answer(status: 202))?.message.contains("202 with no content type, but an Event API accepts with 204") == true)
  }

  @Test("broken exchanges are told apart") func breakages() {
    let judge = Judge(place: "https://there/", settings: .test())
    func verdict(_ breakage: Breakage) -> Verdict {
      judge.verdict(on: .broken(breakage), of: 1, hasAccepted: false, epochMilliseconds: 0)
    }
    let healing: [(Breakage, String, isStrain: Bool)] = [
      (.unresolved(host: "nowhere"), "the host name nowhere was not found", false),
      (.refused("connection refused"), "no connection: connection refused", false),
      (.connectTimedOut, "no connection within 10 s", true), (.timedOut, "no answer within 2 min", true),
      (.silent, "not a byte of an answer for 1 min", true), (.handshake("x"), "no secure connection: x", false),
      (.lost("connection reset"), "the connection broke: connection reset", true),
    ]
    for (breakage, trouble, isStrain) in healing {
      #expect(verdict(breakage) == .retry(Setback(trouble: trouble, isStrain: isStrain)))
    }
    #expect(verdict(.givenUp) == .givenUp)
    for (breakage, status) in [(Breakage.untrusted("x"), ExitStatus.notAnEventAPI), (.unusable("x"), .configuration)] {
      guard case .end(let failure) = verdict(breakage) else {
        Issue.record("\(breakage) does not end the run")
        continue
      }
      #expect(failure.status == status)
    }
  }

  @Test("a retried answer carries what the server asks for, in both forms") func retryAfter() {
    for text in ["5", "Thu, 01 Jan 1970 00:00:05 GMT"] {
      guard case .retry(let setback) = verdict(Answer(status: 503, retryAfter: [text])) else {
        Issue.record("503 is not retried")
        return
      }
      #expect(setback.retryAfter == .seconds(5))
      #expect(setback.isServerError)
    }
  }

  @Test(
    "a date that the server asks for counts from the date of its answer, wherever our clock stands",
    arguments: [Int64(0), 784_111_777_000, 4_102_444_800_000, .min, .max])
  func retryAfterDate(epochMilliseconds: Int64) {
    let answer = Answer(status: 429, retryAfter: ["Sun, 06 Nov 1994 08:49:37 GMT"], date: "Sun, 06 Nov 1994 08:49:30 GMT")
    let verdict = Judge(place: "https://there/", settings: .test())
      .verdict(on: .answered(answer), of: 1, hasAccepted: false, epochMilliseconds: epochMilliseconds)
    guard case .retry(let setback) = verdict else {
      Issue.record("429 is not retried")
      return
    }
    #expect(setback.retryAfter == .seconds(7))
  }

  @Test("without a date of the answer that can be read, ours counts", arguments: [nil, "", "today", "0"] as [String?])
  func retryAfterDateAlone(date: String?) {
    let asked = ["Sun, 06 Nov 1994 08:49:37 GMT"]
    #expect(RetryAfter.delay(asked, sentAt: date, epochMilliseconds: 784_111_775_500) == .milliseconds(1500))
  }

  @Test(
    "durations are spoken in their unit",
    arguments: [
      (Duration.zero, "0 s"), (.milliseconds(250), "250 ms"), (.seconds(59), "59 s"), (.seconds(60), "1 min"),
      (.seconds(90), "90 s"),
      (.seconds(1800), "30 min"),
    ])
  func durations(duration: Duration, text: String) { #expect(spoken(duration) == text) }
}

@Suite("A server's words") struct ServerWordsTests {
  @Test("words are cut at the limit, between characters", arguments: [0, 1, 499, 500, 501, 4000])
  func limit(count: Int) {
    let text = ServerWords.visible(Array(repeating: UInt8(ascii: "a"), count: count), limitBytes: 500)
    #expect(text == String(repeating: "a", count: min(count, 500)) + (count > 500 ? "…" : ""))
    let umlauts = ServerWords.visible(Array(("a" + String(repeating: "ü", count: count)).utf8), limitBytes: 500)
    #expect(!umlauts.contains("\u{fffd}"))
  }

  @Test("no byte and no character breaks the line or steers the terminal") func everything() {
    for byte in UInt8.min...UInt8.max {
      let text = ServerWords.visible([0x41, byte], limitBytes: 500)
      #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
    }
    let nasty = "a\u{85}\u{2028}\u{2029}\u{200b}\u{202e}\u{2066}\u{feff}\u{9b}b"
    #expect(
      ServerWords.visible(Array(nasty.utf8), limitBytes: 500)
        == #"a\u{85}\u{2028}\u{2029}\u{200b}\u{202e}\u{2066}\u{feff}\u{9b}b"#)
  }

  @Test("white space says nothing") func blank() {
    #expect(ServerWords.visible(Array(" \r\n\t".utf8), limitBytes: 500) == "")
    #expect(ServerWords.visible(Array("no\n room \r\n".utf8), limitBytes: 500) == #"no\n room"#)
    #expect(ServerWords.visible(header: "  ") == nil)
    #expect(ServerWords.visible(header: nil) == nil)
  }
}

import Synchronization
import Testing
import Vocabulary

@testable import Delivering

@Suite("The driver", .timeLimit(.minutes(5))) struct DriverTests {
  private func run(
    _ source: ListSource, _ book: ReceiptBook = ReceiptBook(), lanes: Int = 2, retryFor: Duration = .seconds(1800),
    clock: SwiftClock = SwiftClock(), stop: StopSwitch = StopSwitch(), progress: @Sendable (DeliveryProgress) -> Void = { _ in },
    script: @escaping @Sendable (Int, Int) -> Exchange
  ) async -> DeliveryReport {
    var settings = DeliverySettings.test(lanes: lanes)
    settings.retryFor = retryFor
    let driver = Driver(
      settings: settings, judge: Judge(place: "http://here/", settings: settings), source: source, keeper: book,
      transport: ScriptedTransport(script), clock: clock, stop: stop)
    return await driver.run(progress: progress)
  }

  private static let accepted = Exchange.answered(Answer(status: 204))

  @Test("whatever single request fails, all bodies are accepted once", arguments: 1...12)
  func sweep(failing: Int) async {
    let breakages: [Exchange] = [
      .broken(.timedOut), .broken(.lost("reset")), .broken(.refused("x")), .answered(Answer(status: 503)),
      .answered(Answer(status: 429)),
    ]
    for breakage in breakages {
      let count = Mutex(0)
      let book = ReceiptBook()
      let report = await run(ListSource(bodies(10)), book) { _, _ in
        count.withLock { count in
          count += 1
          return count == failing ? breakage : Self.accepted
        }
      }
      #expect(report.outcome == .complete)
      #expect(book.numbers == Array(1...10))
      let failed = failing <= 10 ? 1 : 0
      let word = ["timeout", "connection_lost", "no_connection", "503", "429"][breakages.firstIndex(of: breakage)!]
      #expect(
        report
          == DeliveryReport(
            outcome: .complete, acceptedBodyCount: 10, requestCount: 10 + failed, retryCount: failed, laneCount: 2,
            answers: failed == 1 ? ["204": 10, word: 1] : ["204": 10]))
      // The receipt of the body that failed tells how, and no other does.
      #expect(book.receipts.filter { !$0.setbacks.isEmpty }.map(\.setbacks.words) == (failed == 1 ? [[word: 1]] : []))
      #expect(book.receipts.allSatisfy { $0.attemptCount == 1 + $0.setbacks.values.reduce(0, +) && $0.took >= .zero })
    }
  }

  /// What a time of day may be at each look: it goes back an hour, on a year, or stands anywhere.
  enum Jump: String, CaseIterable, Sendable { case back, forth, anywhere }

  @Test("a time of day that jumps changes nothing of what is waited for", arguments: Jump.allCases)
  func clockJumps(jump: Jump) async {
    let looks = Mutex<Int64>(0)
    let clock = SwiftClock(timeOfDay: { _ in
      let look = looks.withLock { looks in
        looks += 1
        return looks
      }
      return switch jump {
      case .back: 1_700_000_000_000 - 3_600_000 * look
      case .forth: 1_700_000_000_000 + 31_536_000_000 * look
      case .anywhere: look % 2 == 0 ? 0 : 253_402_300_799_000
      }
    })
    func deliver(_ clock: SwiftClock, failures: Int, retryFor: Duration) async -> DeliveryReport {
      await run(ListSource(bodies(6)), lanes: 1, retryFor: retryFor, clock: clock) { _, attempt in
        let asked = ["20", "Sun, 06 Nov 1994 08:49:37 GMT"][attempt % 2]
        let answer = Answer(status: 503, retryAfter: [asked], date: "Sun, 06 Nov 1994 08:49:07 GMT")
        return attempt <= failures ? .answered(answer) : Self.accepted
      }
    }
    let steady = SwiftClock()
    let report = await deliver(steady, failures: 3, retryFor: .seconds(1800))
    #expect(report.outcome == .complete)
    #expect(await deliver(clock, failures: 3, retryFor: .seconds(1800)) == report)
    #expect(clock.sleeps == steady.sleeps)
    #expect(looks.withLock { $0 } > 12)
    // And it ends when it should.
    let (impatient, other) = (SwiftClock(), SwiftClock(timeOfDay: { _ in clock.epochMilliseconds() }))
    let ended = await deliver(impatient, failures: 1000, retryFor: .seconds(300))
    #expect(failure(of: ended.outcome) != nil)
    var again = await deliver(other, failures: 1000, retryFor: .seconds(300))
    // What they say when requests failed is what the clock said.
    #expect(again.failures.words == ended.failures.words)
    again.failures = ended.failures
    #expect(again == ended)
    #expect(other.now() == impatient.now())
  }

  @Test("whatever receipt can't be kept, the run ends with the keeper's words", arguments: 1...8)
  func keeperFails(at: Int) async {
    let trouble = RunFailure(.diskTrouble, "disk full")
    let book = ReceiptBook(failsAt: (at, trouble))
    let report = await run(ListSource(bodies(8)), book) { _, _ in Self.accepted }
    #expect(report.outcome == .stopped(trouble))
    #expect(report.acceptedBodyCount < 8)
    #expect(book.receipts.count <= at + 1)
  }

  @Test("wherever the source fails, what it gave before is delivered or in flight no more", arguments: 0...8)
  func sourceFails(after: Int) async {
    let trouble = RunFailure(.stagingDamaged, "bad checksum")
    let book = ReceiptBook()
    let report = await run(ListSource(bodies(8), failsAfter: (after, trouble)), book) { _, _ in Self.accepted }
    #expect(report.outcome == .stopped(trouble))
    #expect(book.receipts.count == report.acceptedBodyCount)
    #expect(report.acceptedBodyCount <= after)
  }

  @Test("a receipt tells the attempts and the time of day") func receipts() async {
    let book = ReceiptBook()
    _ = await run(ListSource(bodies(1)), book) { _, attempt in attempt < 3 ? .answered(Answer(status: 500)) : Self.accepted }
    #expect(book.receipts.first?.attemptCount == 3)
    #expect(book.receipts.first?.status == 204)
    #expect((book.receipts.first?.acceptedAt ?? 0) > 1_700_000_000_000)
  }

  @Test("each request that failed is told once: by the receipt of its body, or by the report") func failures() async {
    let source = ListSource(bodies(4)) { _, _ in .success(nil) }
    let book = ReceiptBook()
    // Body 2 fails and is refused, 3 fails and is accepted, 4 fails and ends the run.
    let report = await run(source, book, lanes: 1) { number, attempt in
      switch (number, attempt) {
      case (2, 1), (3, 1), (4, 1): .answered(Answer(status: 503))
      case (2, _): .answered(Answer(status: 400))
      case (4, _): .answered(Answer(status: 401))
      default: Self.accepted
      }
    }
    #expect(report.answers == ["204": 2, "503": 3, "400": 1, "401": 1])
    #expect(book.receipts.map(\.setbacks.words) == [[:], ["503": 1]])
    #expect(report.failures.words == ["503": 2, "400": 1, "401": 1])
    #expect(report.failures.keys.allSatisfy { $0.second >= 1_700_000_000 })
  }

  @Test(
    "of how long a failed request took two digits count",
    arguments: [(0, 0), (9, 9), (99, 99), (104, 100), (105, 110), (995, 1000), (123_456, 120_000), (30_049_000, 30_000_000)]
      as [(Int, Int64)])
  func twoDigits(microseconds: Int, kept: Int64) {
    #expect(RequestFailure(answer: "503", endedAt: 1_999, took: .microseconds(microseconds)).took == kept)
    #expect(RequestFailure(answer: "503", endedAt: 1_999, took: .zero).second == 1)
  }

  @Test("a refused body is sent in the parts that the source makes of it, each with a receipt") func parts() async {
    let asked = Mutex<[Refusal?]>([])
    let source = ListSource(bodies(3)) { number, refusal in
      let count = asked.withLock {
        $0.append(refusal)
        return $0.count
      }
      guard number == 2, count < 3 else { return .success(nil) }
      return .success(OutgoingBody(number: 2, bytes: Array("\(20 + count)".utf8).span, eventCount: 1, isPart: true))
    }
    let book = ReceiptBook()
    let report = await run(source, book, lanes: 1) { number, _ in
      .answered(Answer(status: number == 2 ? 400 : 204, words: Array("no".utf8)))
    }
    #expect(report.outcome == .complete)
    #expect(report.requestCount == 5)
    #expect(book.numbers == [1, 2, 2, 3])
    #expect(asked.withLock { $0 } == [Refusal(status: 400, words: "no", attemptCount: 1), nil, nil])
  }

  @Test("when the source cannot say how a refused body goes on, the run ends with its words") func partsFail() async {
    let source = ListSource(bodies(3)) { _, _ in .failure(RunFailure(.stagingDamaged, "gone")) }
    let report = await run(source, lanes: 1) { number, _ in .answered(Answer(status: number == 2 ? 413 : 204)) }
    #expect(failure(of: report.outcome) == RunFailure(.stagingDamaged, "gone"))
  }

  @Test("refused connections end with 75 when the patience does, and no test waits for it", arguments: [1, 4])
  func patience(lanes: Int) async {
    let clock = SwiftClock()
    let report = await run(ListSource(bodies(9)), lanes: lanes, retryFor: .seconds(600), clock: clock) { _, _ in
      .broken(.refused("connection refused"))
    }
    #expect(failure(of: report.outcome)?.status == .stopped)
    #expect(report.acceptedBodyCount == 0)
    // Sleeps that overlap make this clock run ahead of what was planned, which counts as time asleep.
    #expect(clock.now() <= .seconds(1200))
    #expect(clock.sleeps.allSatisfy { $0 <= .seconds(60) })
    #expect(report.retryCount > 5)
  }

  @Test("a stop during a back-off that would last a minute ends at once") func stopWhileWaiting() async {
    let stop = StopSwitch()
    let source = ListSource(bodies(9))
    let report = await run(source, clock: SwiftClock { _ in true }, stop: stop) { progress in
      if progress.holdUp != nil { stop.stop() }
    } script: { _, _ in
      .answered(Answer(status: 503, retryAfter: ["60"]))
    }
    #expect(failure(of: report.outcome)?.message.contains("stopped on request, 0 bodies accepted") == true)
  }

  @Test("stopped before it began, it sends nothing") func stoppedEarly() async {
    let stop = StopSwitch()
    stop.stop()
    let source = ListSource(bodies(3))
    let report = await run(source, stop: stop) { _, _ in Self.accepted }
    #expect(failure(of: report.outcome)?.status == .stopped)
    #expect(report.requestCount == 0)
    #expect(source.handedOutCount == 0)
  }

  @Test("a cancelled task ends like a stopped one") func cancelled() async {
    let report = await withTaskGroup(of: DeliveryReport.self) { group in
      group.addTask { await run(ListSource(bodies(1000))) { _, _ in .answered(Answer(status: 503)) } }
      group.cancelAll()
      return await group.next()
    }
    #expect(report.flatMap { failure(of: $0.outcome)?.status } == .stopped)
  }

  @Test("progress ends where the report does, and never goes back") func progress() async {
    let seen = Mutex<[DeliveryProgress]>([])
    let report = await run(ListSource(bodies(20, eventCount: 3))) { progress in
      seen.withLock { $0.append(progress) }
    } script: { number, attempt in
      number % 5 == 0 && attempt == 1 ? .answered(Answer(status: 429)) : Self.accepted
    }
    let all = seen.withLock { $0 }
    #expect(all.last?.acceptedBodyCount == report.acceptedBodyCount)
    #expect(all.last?.acceptedEventCount == 60)
    #expect(all.last?.retryCount == 4)
    #expect(all.last?.inFlightCount == 0)
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.acceptedBodyCount <= $1.acceptedBodyCount && $0 != $1 })
    #expect(all.contains { $0.trouble == "the server answered 429" })
  }
}

@Suite("The stop switch", .timeLimit(.minutes(5))) struct StopSwitchTests {
  @Test("all who wait learn of a stop, those who come later too") func stops() async {
    let stop = StopSwitch()
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<10 { group.addTask { await stop.wait() } }
      await Task.yield()
      stop.stop()
      stop.stop()
      for await answer in group { #expect(answer) }
    }
    #expect(await stop.wait())
    #expect(stop.isStopped)
  }

  @Test("a cancelled wait ends without a stop") func cancelled() async {
    let stop = StopSwitch()
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<10 { group.addTask { await stop.wait() } }
      group.cancelAll()
      for await answer in group { #expect(!answer) }
    }
    #expect(!stop.isStopped)
  }
}

extension [RequestFailure: Int] {
  /// By how they ended.
  fileprivate var words: [String: Int] { reduce(into: [:]) { $0[$1.key.answer, default: 0] += $1.value } }
}

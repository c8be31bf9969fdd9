import Delivering
import Foundation
import Pipeline
import Testing
import Vocabulary

@Suite("The watch over a run") struct RunWatchTests {
  /// Looks once a second while the process computes for a part of the time; the seconds at which something was said.
  private func words(
    _ change: (inout RunOptions) -> Void = { _ in }, progress: RunProgress?, seconds: Int, working: Double = 0,
    moving: (Int) -> RunProgress? = { _ in nil }
  ) -> [(second: Int, word: RunWatch.Word)] {
    var options = RunOptions(state: "/state", account: "1", endpoint: .sandbox)
    change(&options)
    var watch = RunWatch(options)
    if let progress { watch.moved(to: progress) }
    var said: [(Int, RunWatch.Word)] = []
    for second in 0...seconds {
      if let progress = moving(second) { watch.moved(to: progress) }
      for word in watch.look(at: .seconds(second), working: .seconds(Double(second) * working)) {
        said.append((second, word))
        if case .end = word { return said }
      }
    }
    return said
  }

  private func sending(inFlight: Int = 0, holdUp: Duration? = nil) -> RunProgress {
    var delivery = DeliveryProgress()
    delivery.inFlightCount = inFlight
    delivery.holdUp = holdUp
    return .sending(delivery, of: PlannedAmount(bodies: 9))
  }

  private func texts(_ said: [(second: Int, word: RunWatch.Word)]) -> [String] {
    said.compactMap { if case .tell(let text) = $0.word { text } else { nil } }
  }

  private func ending(_ said: [(second: Int, word: RunWatch.Word)]) -> (second: Int, failure: RunFailure)? {
    guard let last = said.last, case .end(let failure) = last.word else { return nil }
    return (last.second, failure)
  }

  @Test("silence is told after a minute, and again each time that it has doubled") func told() {
    let said = words(progress: .planning(records: 5, of: 9), seconds: 1000)
    #expect(said.map(\.second) == [60, 120, 240, 480, 960])
    #expect(texts(said)[0] == "nothing has moved for 1 min, while planning (5 of 9 records); waiting for the disk under /state")
  }

  @Test("it is said what is waited for, whatever the run is doing")
  func waits() {
    let cases: [(RunProgress?, String)] = [
      (nil, "before anything was read; waiting for the disk under /state"),
      (.staging(bytes: 2000, from: "standard input"), "while reading; waiting for standard input, behind 2 KB read so far"),
      (.staging(bytes: 0, from: nil), "while staging what was read"),
      (sending(), "0 of 9 bodies accepted); waiting for the disk under /state"), (sending(inFlight: 2), "waiting for the server, or"),
    ]
    for (progress, words) in cases {
      let said = texts(self.words(progress: progress, seconds: 70))
      #expect(said.count == 1 && said[0].contains(words), "\(said)")
    }
  }

  @Test("whatever moves or computes is left alone, however slow it is")
  func slow() {
    #expect(words(progress: .planning(records: 0, of: 9), seconds: 100_000, working: 0.1).isEmpty)
    #expect(words(progress: nil, seconds: 100_000, moving: { $0 % 50 == 0 ? .planning(records: $0, of: 9) : nil }).isEmpty)
    // The same again is no movement.
    #expect(!words(progress: nil, seconds: 100, moving: { _ in .planning(records: 1, of: 9) }).isEmpty)
  }

  @Test("a disk that does not move ends the run with 74 after the stall limit, and not at all without one")
  func stalledDisk() throws {
    for progress in [RunProgress.planning(records: 1, of: 9), .staging(bytes: 7, from: nil), sending()] {
      let (second, failure) = try #require(ending(words({ $0.stallLimit = .seconds(600) }, progress: progress, seconds: 10_000)))
      #expect(second == 600)
      #expect(failure.status == .diskTrouble)
      #expect(failure.message.contains("nothing has moved for 10 min"))
      #expect(failure.message.contains("run the same command again"))
      #expect(ending(words({ $0.stallLimit = nil }, progress: progress, seconds: 10_000)) == nil)
    }
  }

  @Test("what has a limit of its own is not cut short: a pipe, a request, a back-off, a rate")
  func excused() throws {
    func second(_ progress: RunProgress) throws -> Int {
      try #require(
        ending(
          words(
            {
              $0.stallLimit = .seconds(100)
              $0.requestTimeLimit = .seconds(300)
            }, progress: progress, seconds: 10_000))
      ).second
    }
    #expect(try second(.staging(bytes: 1, from: "standard input")) == 160)
    #expect(try second(sending(inFlight: 1)) == 400)
    #expect(try second(sending(holdUp: .seconds(5000))) == 5100)
    let backedOff = words(progress: sending(holdUp: .seconds(5000)), seconds: 5000)
    #expect(backedOff.isEmpty)
  }

  @Test("time in which the process was stopped is no silence, but counts for the time limit")
  func stopped() {
    var options = RunOptions(state: "/state", account: "1", endpoint: .sandbox)
    options.stallLimit = .seconds(60)
    var watch = RunWatch(options)
    for hour in 0..<20 { #expect(watch.look(at: .seconds(3600 * hour), working: .zero).isEmpty) }
    options.timeLimit = .seconds(7200)
    var limited = RunWatch(options)
    #expect(limited.look(at: .zero, working: .zero).isEmpty)
    #expect(limited.look(at: .seconds(7200), working: .zero) == [.stop("after 120 min (--time-limit)")])
  }

  @Test("the time limit stops the run once, and ends it when it does not end by itself")
  func timeLimit() throws {
    let said = words({ $0.timeLimit = .seconds(100) }, progress: nil, seconds: 1000, working: 1)
    #expect(said.first?.second == 100 && said.first?.word == .stop("after 100 s (--time-limit)"))
    #expect(said.count == 2)
    let (second, failure) = try #require(ending(said))
    #expect(second == 160)
    #expect(failure.status == .stopped)
    #expect(failure.message.contains("--time-limit"))
  }
}

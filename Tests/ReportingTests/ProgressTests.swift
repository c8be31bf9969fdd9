import Foundation
import Testing
import Vocabulary

@testable import Reporting

@Suite("A progress line") struct ProgressLineTests {
  private static let widths = Array(10...200)

  private func sending(_ done: Int, of total: Int?, trouble: String? = nil, wait: Double? = nil) -> ProgressState {
    var sending = ProgressState.Sending()
    sending.inFlight = 3
    sending.lanes = 6
    sending.retries = trouble == nil ? 0 : 12
    sending.lastTrouble = trouble
    sending.waitSeconds = wait
    return ProgressState(.sending, done: done, of: total, records: done, bytes: done * 300, sending: sending)
  }

  private var pace: ProgressPace {
    var pace = ProgressPace()
    pace.seconds = 100
    pace.recordsPerSecond = 12_345.4
    pace.bytesPerSecond = 3_456_789
    pace.secondsLeft = 185
    return pace
  }

  private var states: [ProgressState] {
    let most = 4_000_000_000
    return [0, 1, most / 3, most - 1, most].flatMap { done in
      [
        sending(done, of: most), sending(done, of: nil),
        sending(done, of: most, trouble: "the server answered 503 (数据库 überlastet)", wait: 3.2),
        sending(done, of: most, trouble: "a\u{1b}[2J\r\nb"),
        ProgressState(.staging, done: done, of: most, records: done / 80, bytes: done),
        ProgressState(.staging, done: done, of: nil, records: done / 80, bytes: done),
        ProgressState(.planning, done: done, of: most, records: done), ProgressState(.planning, done: 0, of: 0, records: 0),
      ]
    }
  }

  @Test("fits at every width from 10 to 200 columns, leaves the last one free, and always says something", arguments: widths)
  func fits(columns: Int) {
    for state in states {
      for pace in [pace, ProgressPace()] {
        let text = ProgressLine.text(state, pace, columns: columns)
        let width = ScreenText.columns(text)
        #expect(width > 0 && width < columns, "\(columns): \(text)")
        #expect(!text.contains("\n") && !text.contains("\u{1b}"))
      }
    }
  }

  @Test("says the share, the rates, what was accepted, what is in flight, the retries, their last cause, and the time left")
  func whole() {
    let text = ProgressLine.text(sending(1_000_000, of: 4_000_000, trouble: "the server answered 503", wait: 3.2), pace, columns: 200)
    #expect(
      text == "sending  [##########------------------------------]   25 %  1,000,000 accepted  12,345/s  3.4 MB/s  "
        + "3 in flight of 6  12 retries  last: the server answered 503  again in 4 s  3 min left")
    let reading = ProgressLine.text(
      ProgressState(.staging, done: 500, of: 1000, records: 7, bytes: 500), ProgressPace(), columns: 40)
    #expect(reading == "reading  [#####-----]   50 %  7 rows")
  }

  @Test(
    "has a bar at 0 %, between, and at 100 %, and none where nobody knows the total",
    arguments: [
      (0, "[----------]", "  0 %"), (1, "[----------]", "  1 %"), (50, "[#####-----]", " 50 %"), (99, "[#########-]", " 99 %"),
      (100, "[##########]", "100 %"), (101, "[##########]", "100 %"),
    ])
  func bar(done: Int, bar: String, percent: String) {
    let text = ProgressLine.text(ProgressState(.planning, done: done, of: 100, records: done), ProgressPace(), columns: 30)
    #expect(text == "planning  \(bar)  \(percent)")
    let unknown = ProgressLine.text(ProgressState(.staging, done: done, of: nil, records: 3, bytes: 2000), pace, columns: 200)
    #expect(unknown == "reading  2 KB  3 rows  12,345/s  3.4 MB/s  3 min left")
  }

  @Test("has a bar that keeps its size while the numbers beside it grow by digits")
  func steadyBar() {
    let sizes = [7, 99, 1_234, 56_789].map { count in
      let line = ProgressLine.text(
        ProgressState(.planning, done: count, of: 100_000, records: count), ProgressPace(), columns: 60)
      return line.count { "#-[]".contains($0) }
    }
    #expect(sizes == [22, 22, 22, 22], "\(sizes)")
  }

  @Test("leaves out what matters least when it gets narrow")
  func narrow() {
    let state = sending(1_000_000, of: 4_000_000, trouble: "the server answered 503", wait: 3.2)
    let lines = [80, 40, 30, 20, 10].map { ProgressLine.text(state, pace, columns: $0) }
    #expect(
      lines == [
        "sending  [##--------]   25 %  1,000,000 accepted  again in 4 s  3 min left",
        "sending  [##------]   25 %  3 min left", "sending   25 %  3 min left", "sending   25 %", " 25 %",
      ], "\(lines)")
  }

  @Test("is one plain line without a bar in a log")
  func plain() {
    let text = ProgressLine.plain(sending(1_000_000, of: 4_000_000), pace)
    #expect(text == "sending: 25 %, 1,000,000 accepted, 12,345/s, 3.4 MB/s, 3 in flight of 6, 3 min left")
  }

  @Test("ends as one line that says what the phase came to")
  func closing() {
    var whole = pace
    whole.seconds = 250.4
    let text = ProgressLine.closing(sending(1_000_000, of: 1_000_000, trouble: "the server answered 503"), whole)
    #expect(
      text == "sending  1,000,000 accepted, 300 MB in 4 min 10 s, 12,345/s, 3.4 MB/s, 12 retries, last: the server answered 503")
    whole.seconds = 0.04
    #expect(ProgressLine.closing(ProgressState(.planning, done: 1, of: 1, records: 1), whole).hasPrefix("planning  1 record in 0.0 s"))
  }

  @Test(
    "says times as one does of what is not known exactly",
    arguments: [
      (0.0, "1 s"), (0.2, "1 s"), (59, "59 s"), (59.5, "1 min"), (60, "1 min"), (89, "1 min"), (90, "2 min"), (3599, "60 min"),
      (3600, "1 h 0 min"), (8000, "2 h 13 min"), (172_799, "48 h 0 min"), (172_800, "2 days"), (1e9, "11,574 days"),
    ])
  func times(seconds: Double, text: String) {
    #expect(ProgressLine.rough(seconds) == text)
  }

  @Test(
    "counts the columns that characters take, and cuts no wide one in half",
    arguments: [("abc", 3), ("日本", 4), ("e\u{301}", 1), ("🎉", 2), ("ü", 1), ("\u{200b}", 0), ("", 0)])
  func columns(text: String, columns: Int) {
    #expect(ScreenText.columns(text) == columns)
    #expect(ScreenText.columns(ScreenText.fitted(text + "日本", columns: columns + 1)) == columns)
  }
}

/// A run as it goes: how much is done at each tenth of a second until all is.
private struct Simulation: Sendable {
  var name: String
  /// Events done by a time in seconds.
  var done: @Sendable (Double) -> Double

  static let total = 3_000_000.0

  static let all = [
    Simulation(name: "steady") { 10_000 * $0 },
    Simulation(name: "in bursts of bodies") { (($0 / 3).rounded(.down)) * 40_000 },
    Simulation(name: "half as fast after half") { $0 < 150 ? 10_000 * $0 : 1_500_000 + 5_000 * ($0 - 150) },
    Simulation(name: "twice as fast after half") { $0 < 300 ? 5_000 * $0 : 1_500_000 + 10_000 * ($0 - 300) },
    Simulation(name: "paused for 40 s") { $0 < 90 ? 10_000 * $0 : $0 < 130 ? 900_000 : 900_000 + 10_000 * ($0 - 130) },
    Simulation(name: "throttled 8 s of 20") { time in
      let (turns, rest) = ((time / 20).rounded(.down), time.truncatingRemainder(dividingBy: 20))
      return 120_000 * turns + 10_000 * min(12, rest)
    },
    Simulation(name: "a short one") { 750_000 * $0 },
  ]

  /// The time left as it was told when each of these shares was done, and as it was.
  func told(at shares: [Double]) -> [(told: Double?, actual: Double)] {
    var meter = ProgressMeter()
    var rows: [(Double?, Double, Double)] = []
    var tick = 0
    while true {
      let time = Double(tick) / 10
      let done = min(Simulation.total, done(time))
      meter.take(
        ProgressState(.sending, done: Int(done), of: Int(Simulation.total), records: Int(done)), at: .milliseconds(100 * tick))
      rows.append((meter.pace.secondsLeft, time, done))
      if done >= Simulation.total { break }
      tick += 1
    }
    let end = Double(tick) / 10
    return shares.map { share in
      // Where it stands still at a share, when it goes on.
      let row = rows.last { $0.2 <= Simulation.total * share } ?? rows[0]
      return (row.0, end - row.1)
    }
  }
}

@Suite("The time left") struct ProgressMeterTests {
  @Test("converges, whether a run is steady, slows down, pauses, is throttled or comes in bursts")
  func converges() throws {
    let shares = [0.1, 0.25, 0.5, 0.6, 0.75, 0.9, 0.95]
    var table = ["time left, told / true, in seconds, when so much was done:"]
    table.append("".padding(toLength: 26, withPad: " ", startingAt: 0) + shares.map { cell("\(Int($0 * 100)) %") }.joined())
    for simulation in Simulation.all {
      let told = simulation.told(at: shares)
      table.append(
        simulation.name.padding(toLength: 26, withPad: " ", startingAt: 0)
          + told.map { cell(($0.told.map { "\(Int($0.rounded()))" } ?? "–") + " / \(Int($0.actual.rounded()))") }.joined())
    }
    print(table.joined(separator: "\n"))
    for simulation in Simulation.all {
      // What a run is about to do nobody can know, so the middle is left out.
      for (told, actual) in simulation.told(at: [0.75, 0.9, 0.95]) {
        let told = try #require(told ?? (simulation.name == "a short one" ? actual : nil), "\(simulation.name)")
        #expect(abs(told - actual) <= max(0.25 * actual, 8), "\(simulation.name): \(told) told, \(actual) true")
      }
    }
  }

  private func cell(_ text: String) -> String { String(repeating: " ", count: max(1, 12 - text.count)) + text }

  @Test("of a steady run is right within a fiftieth from the first seconds on")
  func steady() throws {
    for (told, actual) in Simulation.all[0].told(at: [0.01, 0.1, 0.3, 0.5, 0.8, 0.99]) {
      #expect(abs(try #require(told) - actual) <= max(0.1, actual / 50), "\(actual)")
    }
  }

  @Test("is not told without a total, before a second has passed, while nothing was done, or when all is")
  func untold() {
    func left(_ states: [(Int, Int?)], every: Duration = .seconds(1)) -> Double? {
      var meter = ProgressMeter()
      for (at, (done, total)) in states.enumerated() {
        meter.take(ProgressState(.staging, done: done, of: total, records: done, bytes: done), at: every * at)
      }
      return meter.pace.secondsLeft
    }
    #expect(left([]) == nil)
    #expect(left([(5, 10)]) == nil)
    #expect(left([(0, nil), (5, nil), (9, nil)]) == nil)
    #expect(left([(0, 10), (5, 10)], every: .milliseconds(900)) == nil)
    #expect(left([(0, 10), (0, 10), (0, 10)]) == nil)
    #expect(left([(0, 10), (5, 10), (10, 10)]) == nil)
    #expect(left([(0, 10), (5, 10), (12, 10)]) == nil)
    #expect(left([(0, 10), (5, 10)]) == 1)
  }

  @Test("is at least as long as requests must wait")
  func waiting() {
    var meter = ProgressMeter()
    var state = ProgressState(.sending, done: 0, of: 10, records: 0, sending: ProgressState.Sending())
    meter.take(state, at: .zero)
    state.done = 9
    state.sending?.waitSeconds = 90
    meter.take(state, at: .seconds(9))
    #expect(meter.pace.secondsLeft == 90)
  }

  @Test("begins anew with another phase, and with less than was done")
  func anew() {
    var meter = ProgressMeter()
    meter.take(ProgressState(.staging, done: 0, of: 10, records: 0, bytes: 0), at: .zero)
    meter.take(ProgressState(.staging, done: 10, of: 10, records: 100, bytes: 10), at: .seconds(4))
    #expect(meter.pace.recordsPerSecond == 25 && meter.whole.bytesPerSecond == 2.5)
    meter.take(ProgressState(.planning, done: 0, of: 100, records: 0), at: .seconds(4))
    #expect(meter.pace == ProgressPace() && meter.whole == ProgressPace())
    meter.take(ProgressState(.planning, done: 50, of: 100, records: 50), at: .seconds(6))
    #expect(meter.pace.recordsPerSecond == 25 && meter.pace.secondsLeft == 2 && meter.whole.seconds == 2)
    meter.take(ProgressState(.planning, done: 20, of: 100, records: 20), at: .seconds(7))
    #expect(meter.pace.secondsLeft == nil)
  }

  @Test("what was done before this process counts for the share and not for the rate")
  func resumed() {
    var meter = ProgressMeter()
    meter.take(ProgressState(.sending, done: 900, of: 1000, records: 900, bytes: 9000), at: .seconds(5))
    meter.take(ProgressState(.sending, done: 920, of: 1000, records: 920, bytes: 9200), at: .seconds(7))
    #expect(meter.pace.recordsPerSecond == 10 && meter.pace.secondsLeft == 8 && meter.whole.recordsPerSecond == 10)
  }
}

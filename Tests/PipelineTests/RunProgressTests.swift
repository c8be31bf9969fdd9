import Checkpointing
import Delivering
import Foundation
import Pipeline
import Reporting
import Synchronization
import Testing
import Vocabulary

/// What a run told of where it stands.
private final class Told: Sendable {
  private let all = Mutex<[ProgressState]>([])

  func take(_ progress: RunProgress) { all.withLock { $0.append(progress.state()) } }

  func states(_ phase: ProgressState.Phase) -> [ProgressState] { all.withLock { $0.filter { $0.phase == phase } } }
}

@Suite("Where a run stands") struct RunProgressTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func file(_ count: Int) throws -> String {
    let path = folder.path + "/rows.csv"
    let rows = ["visitor_id,entity_id,timestamp"] + (0..<count).map { "v\($0),9,1700000000000" }
    try (rows.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  @Test("each phase is told from nothing to all of it, files by their bytes as they are, packed or not", arguments: [false, true])
  func phases(isPacked: Bool) async throws {
    var path = try file(900)
    if isPacked {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["gzip", path]
      try process.run()
      process.waitUntilExit()
      path += ".gz"
    }
    let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    let told = Told()
    let summary = try await importer(options(folder), progress: told.take).run(try specification([path]), settings())
    #expect(summary.exit == .complete)
    let staging = told.states(.staging)
    #expect(staging.first?.done == 0 && staging.allSatisfy { $0.total == size && $0.done <= size })
    #expect(staging.last?.done == size && staging.last?.records == 900)
    #expect(told.states(.planning).last.map { [$0.done, $0.total] } == [900, 900])
    let sending = told.states(.sending)
    #expect(sending.first?.done == 0 && sending.allSatisfy { $0.total == 900 })
    #expect(sending.last?.done == 900 && sending.last?.bytes == summary.byteCount)
    #expect(sending.last?.sending?.requests == summary.requestCount)
    for phase in [staging, sending] { #expect(phase.map(\.done) == phase.map(\.done).sorted()) }
  }

  @Test("what cannot tell its size has no total")
  func pipes() async throws {
    let pipe = folder.path + "/pipe"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "mkfifo \(pipe) && echo made && cat \(try file(20)) > \(pipe)"]
    let made = Pipe()
    process.standardOutput = made
    try process.run()
    _ = made.fileHandleForReading.availableData
    let told = Told()
    #expect(try await importer(options(folder), progress: told.take).run(try specification([pipe]), settings()).exit == .complete)
    process.waitUntilExit()
    let staging = told.states(.staging)
    #expect(!staging.isEmpty && staging.allSatisfy { $0.total == nil } && staging.last?.records == 20)
  }

  @Test("a run that goes on begins where it was left")
  func resumed() async throws {
    let files = try specification([try file(900)])
    let stop = StopSwitch()
    let stopped = try await importer(options(folder, Conditions(laneCount: 1)), stop: stop) { progress in
      if case .sending(let delivery, _) = progress, delivery.acceptedBodyCount >= 2 { stop.stop() }
    }.run(files, settings())
    #expect(stopped.exit == .stopped && stopped.records.accepted > 0)
    let told = Told()
    let summary = try await importer(options(folder), progress: told.take).run(files, settings())
    #expect(summary.exit == .complete && told.states(.staging).isEmpty)
    let sending = told.states(.sending)
    #expect(sending.first?.done == stopped.records.accepted && sending.last?.done == 900 && sending.last?.bytes == summary.byteCount)
  }

  @Test(
    "a wait gets shorter while nothing else is told, and ends",
    arguments: [(0.0, 4.5), (4, 0.5), (4.5, nil), (9, nil)] as [(Double, Double?)])
  func waiting(waited: Double, left: Double?) {
    var delivery = DeliveryProgress()
    delivery.holdUp = .milliseconds(4500)
    delivery.lastTrouble = "the server answered 503"
    let state = RunProgress.sending(delivery, of: PlannedAmount(bodies: 3, events: 30)).state(waited: waited)
    #expect(state.sending?.waitSeconds == left && state.sending?.lastTrouble == "the server answered 503")
  }

  @Test("somebody who is asked may take days, though not beyond the run's own limit")
  func asking() {
    var options = RunOptions(state: "/state", account: "1", endpoint: .us)
    options.timeLimit = .seconds(400_000)
    var watch = RunWatch(options)
    watch.moved(to: .asking)
    for second in 0..<400 { #expect(watch.look(at: .seconds(second * 1000), working: .zero).isEmpty) }
    #expect(watch.look(at: .seconds(400_000), working: .zero).count == 1)
  }

  @Test("a run at work leaves a note of where it stands, and one that has ended leaves none")
  func notes() async throws {
    let state = folder.path + "/state"
    let note = Mutex<ProgressNote?>(nil)
    // The first note is made half a second after the beginning; the run is held up until it is there.
    let summary = try await importer(options(folder)) { progress in
      guard case .planning = progress, note.withLock({ $0 }) == nil else { return }
      for _ in 0..<2000 {
        if let found = StateFolder.progressNote(state, RunID(rawValue: 1)) {
          note.withLock { $0 = found }
          return
        }
        usleep(5000)
      }
    }.run(try specification([try file(900)]), settings())
    #expect(summary.exit == .complete)
    let found = try #require(note.withLock { $0 })
    #expect(found.run == 1 && found.process == ProcessInfo.processInfo.processIdentifier && found.beat >= 1)
    #expect(!StateFolder.hasProgressNote(state, RunID(rawValue: 1)) && StateFolder.progressNote(state, RunID(rawValue: 1)) == nil)
    #expect(StateFolder.lastExit(state, RunID(rawValue: 1)) == .complete && !StateFolder.isHeld(state))
  }
}

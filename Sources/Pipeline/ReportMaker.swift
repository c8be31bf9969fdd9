import Bytes
import Checkpointing
import Disk
import Foundation
package import Reporting
package import Vocabulary

/// Gathers what is known of a run, from the checkpoint and the run's folder. Takes no lock and changes nothing.
///
/// Memory: a row of each input, and a reject at a time.
package struct ReportMaker {
  private let checkpoint: Checkpoint
  private let row: RunRow
  private let home: String
  private let isPlan: Bool
  private let showsRows: Bool

  /// `state` is the folder that the user named; `run` is `plan`, a number, or nil for the latest. Throws 64 when there is no such run.
  package init(state: String, run: String?, showsRows: Bool) throws(RunFailure) {
    let named = try NamedRun(run, state: state)
    isPlan = named.isPlan
    home = named.home
    checkpoint = named.checkpoint
    row = named.row
    self.showsRows = showsRows
  }

  /// The facts. `stateFlag` is how commands name the state folder, with a space before it.
  package func report(stateFlag: String) throws(RunFailure) -> RunReport {
    let settings: ReportSettings = try fromStoredJSON(row.settings, "settings")
    let specification: ReportSpecification = try fromStoredJSON(row.specification, "input specification")
    let traffic = try guarding { () throws(CheckpointFailure) in try checkpoint.traffic(row.id, bodyLimit: max(1, settings.bodyLimit)) }
    var report = RunReport(
      summary: try summary(), account: row.account, phase: row.phase.rawValue, createdAt: row.createdAt, updatedAt: row.updatedAt,
      madeAt: epochMilliseconds())
    report.isAtWork = row.phase.isUnfinished && FolderLock.isHeld(folder: home)
    let inputs = try guarding { () throws(CheckpointFailure) in try checkpoint.inputs(row.id) }
    report.inputs = inputs.map {
      RunReport.Input(
        path: displayName($0.path), format: $0.format, byteCount: $0.byteCount, recordCount: $0.rowCount,
        digest: String(hexOf: $0.digest))
    }
    report.rejectSamples = try rejectSamples(report.summary.rejects)
    let plan: PlanRecord? = try row.summary.map { text throws(RunFailure) in try fromStoredJSON(text, "plan") }
    tell(traffic, plan, limit: settings.bodyLimit, &report)
    report.configuration = try guarding { () throws(CheckpointFailure) in try checkpoint.configuration(row.id) }
    if report.configuration == nil {
      report.unknown.append(.init("configuration", "the version of optireplay that began this run did not keep it"))
    }
    report.resume = resume(specification, stateFlag)
    if report.summary.records.rejected > 0, row.phase != .forgotten {
      report.rejectsCommand = "optireplay rejects \(isPlan ? "plan" : "\(row.id)")\(stateFlag) > rejected.ndjson"
    }
    return report
  }

  /// The summary, with what only the last process of the run knows: its time, its exit status, and why it stopped.
  private func summary() throws(RunFailure) -> RunSummary {
    var summary = try checkpoint.summary(of: row)
    if isPlan {
      summary.run = "plan"
      if row.phase == .sending {
        summary.state = .planned
        summary.exit = .complete
      }
    }
    guard let last = StateFolder.lastWord(home, row.id), last.state == summary.state.rawValue else { return summary }
    summary.seconds = last.seconds
    summary.laneCount = last.lanes
    if let exit = ExitStatus(rawValue: last.exit) { summary.exit = exit }
    summary.message = last.message ?? summary.message
    return summary
  }

  private func rejectSamples(_ counts: [String: Int]) throws(RunFailure) -> [RunReport.RejectSample] {
    let path = StateFolder.rejectsPath(home, row.id)
    guard counts.values.contains(where: { $0 > 0 }), Folder.exists(path) else { return [] }
    var left = counts.mapValues { min($0, RunReport.rejectSamples) }
    var samples: [RunReport.RejectSample] = []
    do throws(DiskFailure) {
      var lines = try LineReader(path: path)
      let decoder = JSONDecoder()
      while left.values.contains(where: { $0 > 0 }), let line = try lines.next() {
        guard let reject = try? decoder.decode(RejectEntry.self, from: Data(line)) else {
          throw DiskFailure(.damaged, path, "a line of it is not what was written")
        }
        guard left[reject.code, default: 0] > 0 else { continue }
        left[reject.code, default: 0] -= 1
        samples.append(
          RunReport.RejectSample(
            code: reject.code, file: reject.file, line: reject.line, column: reject.column, message: reject.message,
            row: showsRows ? reject.row.map(beginning) : nil))
      }
    } catch {
      throw error.runFailure(forInput: false)
    }
    return samples
  }

  private func beginning(_ row: String) -> String {
    row.unicodeScalars.count > RunReport.rowCharacters ? String(row.unicodeScalars.prefix(RunReport.rowCharacters)) + "…" : row
  }

  // MARK: how it went

  private func tell(_ traffic: Traffic, _ plan: PlanRecord?, limit: Int, _ report: inout RunReport) {
    let old = "the version of optireplay that made this run did not keep it"
    report.answers = traffic.answers
    let requests = report.summary.requestCount
    let told = traffic.answers.values.reduce(0, +)
    if told < requests {
      report.unknown.append(.init("answers", told == 0 ? old : "of \(requests - told) requests an earlier version kept none"))
    }
    report.latency = latency(traffic.took, of: traffic.timedReceipts)
    report.failedLatency = latency(traffic.failuresTook, of: traffic.failures)
    if traffic.timedReceipts < traffic.receipts {
      let missing = traffic.receipts - traffic.timedReceipts
      report.unknown.append(.init("latency_ms", traffic.timedReceipts == 0 ? old : "an earlier version kept none of \(missing) receipts"))
    }
    report.sending = sending(traffic, requests, &report)
    let sizes = traffic.sizes
    if sizes.bodies > 0 {
      report.sizes = RunReport.Sizes(
        limit: limit, smallest: sizes.smallest, largest: sizes.largest,
        meanFill: sizes.bodies > 1 ? Double(sizes.bytes - sizes.last) / Double(sizes.bodies - 1) / Double(limit) : nil, tenths: sizes.tenths
      )
    } else if report.summary.bodyCount > 0 {
      report.unknown.append(.init("body_sizes", "the run was forgotten, and its bodies with it"))
    }
    guard let plan else { return }
    guard let times = plan.times else {
      report.unknown.append(.init("event_times", old))
      return
    }
    if traffic.days == nil { report.unknown.append(.init("event_times.accepted", "receipts of an earlier version do not tell it")) }
    report.times = shown(times, accepted: traffic.days, read: report.summary.records.read)
  }

  private func latency(_ took: [Int: Int64], of requests: Int) -> RunReport.Latency? {
    guard requests > 0 else { return nil }
    func milliseconds(_ percentile: Int) -> Double { Double(took[percentile] ?? 0) / 1000 }
    return RunReport.Latency(
      requests: requests, p50: milliseconds(50), p90: milliseconds(90), p99: milliseconds(99), max: milliseconds(100))
  }

  private func sending(_ traffic: Traffic, _ requests: Int, _ report: inout RunReport) -> RunReport.Sending? {
    let untold = requests - traffic.receipts - traffic.failures
    if untold > 0 {
      let why = row.phase == .forgotten ? "the run was forgotten, and that with it" : "of \(counted(untold, "request")) it was not kept"
      report.unknown.append(.init("sending.pieces.failed_requests", why))
    }
    guard !traffic.pieces.isEmpty else { return nil }
    let tellsFailures = untold <= 0 || traffic.failures > 0
    return RunReport.Sending(
      from: traffic.first, to: traffic.last, pieceMilliseconds: traffic.pieceMilliseconds,
      pieces: traffic.pieces.map { piece in
        .init(
          number: piece.number, events: piece.events, bytes: piece.bytes, requests: piece.requests, retries: piece.retries,
          accepted: piece.accepted, failed: tellsFailures ? piece.failed : nil, p50: piece.tookHalf.map { Double($0) / 1000 },
          max: piece.tookMost.map { Double($0) / 1000 })
      })
  }

  private func shown(_ planned: PlannedTimes, accepted: DayCounts?, read: Int) -> RunReport.Times {
    var pieces: [Int: RunReport.Times.Piece] = [:]
    for piece in planned.pieces {
      pieces[piece.day] = .init(
        day: piece.day, read: piece.read, known: piece.known, planned: piece.planned, accepted: accepted == nil ? nil : 0)
    }
    accepted?.each { day, count in
      // What an earlier plan of the run sent may be of a time that the present one does not have.
      let start = planned.unit.start(of: day)
      pieces[start, default: .init(day: start, read: 0, known: 0, planned: 0, accepted: 0)].accepted? += count
    }
    return RunReport.Times(
      unit: planned.unit, pieces: pieces.values.sorted { $0.day < $1.day }, undated: read - planned.pieces.reduce(0) { $0 + $1.read })
  }

  /// How the run goes on; nil when it does not.
  private func resume(_ specification: ReportSpecification, _ stateFlag: String) -> String? {
    guard row.phase.isUnfinished, !isPlan else { return nil }
    // What can be read only once has to come again while it was not read to its end.
    if row.phase == .staging, specification.inputs.contains(where: { $0.path == "-" }) { return nil }
    return "optireplay resume \(row.id)\(stateFlag)"
  }
}

/// What a report needs of settings and inputs, whatever else a version knows.
private struct ReportSettings: Decodable {
  var bodyLimit: Int
}

private struct ReportSpecification: Decodable {
  struct Input: Decodable {
    var path: String
  }

  var inputs: [Input]
}

/// What the last process of a run said of it.
struct LastWord: Decodable {
  var state: String
  var seconds: Double
  var exit: Int32
  var lanes: Int?
  var message: String?
}

extension StateFolder {
  /// Nil when no process has ended its work on the run yet.
  static func lastWord(_ state: String, _ run: RunID) -> LastWord? {
    guard let text = try? Folder.read(runFolder(state, run) + "/summary.json") else { return nil }
    return try? JSONDecoder().decode(LastWord.self, from: Data(text))
  }
}

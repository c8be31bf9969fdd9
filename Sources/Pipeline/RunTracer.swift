import Bytes
import Checkpointing
import Chunking
import Delivering
import Disk
import Foundation
import Grouping
import Logging
import Reporting
import Vocabulary

/// Tells the ways of events of one run.
struct RunTracer {
  private let flow: RunFlow
  private let checkpoint: Checkpoint
  private let memoryBytes: Int

  init(_ run: RunRow, _ explainer: Explainer, _ checkpoint: Checkpoint) throws(RunFailure) {
    var options = RunOptions(state: explainer.state, account: run.account, endpoint: Endpoint(run.endpoint) ?? .sandbox)
    options.memoryBytes = explainer.memoryBytes
    options.scratchFolder = TemporaryFolder.system
    memoryBytes = explainer.memoryBytes / 8
    self.checkpoint = checkpoint
    flow = try RunFlow(
      run, options: options, home: explainer.state, checkpoint: checkpoint, ledger: checkpoint, log: explainer.log, stop: explainer.stop,
      progress: explainer.progress)
  }

  /// Whether another run may tell what this one could not.
  static func canGoOn(after failure: RunFailure) -> Bool { [.stagingDamaged, .inputUnreadable, .refused].contains(failure.status) }

  // MARK: rows that are no records

  /// Tells the rejects of a row that staging found.
  func rejects(_ file: String, _ line: Int, _ tell: (EventWay) -> Void) throws(RunFailure) {
    let path = StateFolder.rejectsPath(flow.home, flow.run.id)
    guard Folder.exists(path) else { return }
    do throws(DiskFailure) {
      var lines = try LineReader(path: path)
      let decoder = JSONDecoder()
      while let text = try lines.next() {
        // Rows that are records are told with their visitors.
        guard let reject = try? decoder.decode(RejectEntry.self, from: Data(text)), reject.line == line, reject.file == file,
          reject.form == RejectForm.raw.rawValue
        else { continue }
        var way = EventWay(.rejected, run: flow.run.told, reason: reject.words)
        way.row = EventWay.Row(file: file, line: line, byte: reject.byte)
        way.row?.text = reject.row
        tell(way)
      }
    } catch {
      throw error.runFailure(forInput: false)
    }
  }

  /// Tells what became of a row that neither is a record nor was rejected.
  func otherRow(_ input: Int, _ line: Int, _ tell: (EventWay) -> Void) throws(RunFailure) {
    let file = displayName(flow.specification.inputs[input].path)
    let reading = try flow.row(ofInput: input, line: line)
    var way = EventWay(.filtered, run: flow.run.told)
    switch reading.verdict {
    case .record(.excluded): way.reason = "its visitor is on the list of --exclude"
    case .record(.outsideWindow): way.reason = "its time is outside of --window"
    case .filtered: way.reason = "the conditions of the configuration (where) leave it out"
    case .record(.taken): throw RunFailure(.bug, "\(file):\(line) is a record, but was not staged; please report this")
    case .reject(let reject):
      way.fate = .rejected
      way.reason = "\(reject.column.map { "\($0): " } ?? "")\(reject.message) [\(reject.code.rawValue)]"
    case .none(let before):
      throw RunFailure(
        .usage, "no row of \(file) begins at line \(line)" + (before.map { "; the one before it begins at line \($0)" } ?? ""))
    }
    way.row = reading.row.map { row in
      var told = EventWay.Row(file: file, line: line, byte: row.byte)
      told.text = text(row.bytes.span)
      return told
    }
    tell(way)
  }

  // MARK: records

  /// Tells the ways of records that are looked for, and returns how many there are. Throws 76 or 66 when the run's records cannot be read.
  func records(_ sought: Sought, _ tell: (EventWay) -> Void, note: (String) -> Void) throws(RunFailure) -> Int {
    if flow.run.phase.isUnfinished, flow.run.phase != .staging {
      do throws(RunFailure) {
        return try records(sought, try flow.staged(), tell, note)
      } catch {
        guard error.status == .stagingDamaged else { throw error }
        note("the staging of run \(flow.run.id) is damaged: `optireplay verify \(flow.run.id)` tells more")
      }
    }
    guard flow.run.encoder == RunFlow.encoderVersion else {
      throw RunFailure(.stagingDamaged, "another version of optireplay made it")
    }
    if let reason = try flow.whyInputsAreNotReadable() { throw RunFailure(.stagingDamaged, reason) }
    flow.log.notice("run \(flow.run.id) has no staging any more: all its inputs are read again, which takes as long as importing them did")
    let scratch = try TemporaryFolder()
    return try records(sought, try flow.stagedAgain(in: scratch.path + "/staging"), tell, note)
  }

  private func records(
    _ sought: Sought, _ staged: Staged, _ tell: (EventWay) -> Void, _ note: (String) -> Void
  ) throws(RunFailure) -> Int {
    let judges = try flow.judges(staged)
    let search = RecordSearch(judges, memoryBytes: memoryBytes)
    let found = try search.visitors(sought) { () throws(RunFailure) in
      if flow.stop.isStopped { throw RunFailure(.stopped, "stopped while explaining; nothing was changed") }
    }
    if found.count == RecordSearch.visitorLimit { note("more than \(found.count) visitors have it; these are the first") }
    var count = 0
    for (visitor, records) in found {
      var teller = try WayTeller(flow, judges, memoryBytes: memoryBytes)
      teller.showsRows = if case .visitor = sought { false } else { true }
      count += try tellVisitor(visitor, records, sought, search, &teller, tell, note)
    }
    return count
  }

  private func tellVisitor(
    _ visitor: [UInt8], _ records: [SeenRecord], _ sought: Sought, _ search: RecordSearch, _ teller: inout WayTeller,
    _ tell: (EventWay) -> Void, _ note: (String) -> Void
  ) throws(RunFailure) -> Int {
    var count = 0
    var untold = records
    var firsts: [[UInt8]: SeenRecord] = [:]
    var twins: [Int: SeenRecord] = [:]
    let duplicateCount = try search.each(of: visitor) { seen throws(RunFailure) in
      if case .visitor = sought {
        count += 1
        return tell(try teller.way(of: seen, first: nil))
      }
      let isSought = records.contains { $0.eventID == seen.eventID }
      guard isSought else { return }
      let first = firsts[seen.eventID]
      if first == nil { firsts[seen.eventID] = seen }
      for at in untold.indices where untold[at].isSameEvent(as: seen) && twins[at] == nil { twins[at] = seen }
      let isAsked =
        switch sought {
        case .row(let input, let line): seen.input == input && seen.line == line
        default: true
        }
      guard isAsked else { return }
      count += 1
      untold.removeAll { $0.input == seen.input && $0.byte == seen.byte && $0.isSameEvent(as: seen) }
      twins = [:]
      tell(try teller.way(of: seen, first: first))
    }
    if case .visitor = sought {
      if duplicateCount > 0 {
        note("\(counted(duplicateCount, "further row")) of this visitor in run \(flow.run.id) said the same and were taken once")
      }
      return count
    }
    return try count + tellDuplicates(untold, sought, firsts, &teller, tell)
  }

  /// Tells the records that were taken out because an identical one stands.
  private func tellDuplicates(
    _ records: [SeenRecord], _ sought: Sought, _ firsts: [[UInt8]: SeenRecord], _ teller: inout WayTeller, _ tell: (EventWay) -> Void
  ) throws(RunFailure) -> Int {
    for record in records {
      var way = try teller.duplicate(record, of: firsts[record.eventID])
      way.run = flow.run.told
      tell(way)
    }
    return records.count
  }
}

extension SeenRecord {
  /// Whether two records of one visitor say the same as far as is known here.
  func isSameEvent(as other: SeenRecord) -> Bool {
    eventID == other.eventID && timestamp == other.timestamp && isDecision == other.isDecision && event == other.event
  }
}

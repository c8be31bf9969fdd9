import Bytes
package import Checkpointing
package import Delivering
import Disk
import Foundation
import Grouping
package import Logging
package import Reporting
package import Vocabulary

/// Tells the way of events: from the row to the receipt.
///
/// It goes by staging where a run still has it, by the inputs where they hold the very bytes that were imported (they are staged once more into
/// a temporary folder), and by the ledger alone where neither is left. Changes nothing and takes no lock. Memory: within `memoryBytes`.
package struct Explainer: Sendable {
  let state: String
  let memoryBytes: Int
  let log: Logger
  let stop: StopSwitch
  let progress: @Sendable (RunProgress) -> Void

  /// Of runs that accepted something of a visitor, so many are read again; the others are told by the ledger.
  static let readRunLimit = 10

  package init(
    _ state: String, memoryBytes: Int, log: Logger, stop: StopSwitch, progress: @escaping @Sendable (RunProgress) -> Void = { _ in }
  ) {
    if memoryBytes < RunFlow.smallMemoryBytes { ProcessMemory.returnLargeBuffers() }
    self.state = state
    self.memoryBytes = memoryBytes
    self.log = log
    self.stop = stop
    self.progress = progress
  }

  /// What is told, piece by piece: a note for people, or the way of an event.
  package enum Told: Sendable {
    /// What the text was taken for; comes first.
    case kind(SoughtKind)
    case note(String)
    case way(EventWay)
  }

  /// What a text names.
  private enum Name {
    case id(String)
    case row(file: String, line: Int, inputs: [RunID: Int])
  }

  /// The same on a thread of its own.
  package func explanation(
    of text: String, as kind: SoughtKind?, run: RunID?, _ tell: @escaping @Sendable (Told) -> Void
  ) async throws(RunFailure) {
    try await onThread { () throws(RunFailure) in try explain(text, as: kind, run: run, tell) }
  }

  /// Tells what is known of an event id, a visitor id, or `FILE:LINE`. Throws 64 when nothing is.
  package func explain(_ text: String, as kind: SoughtKind?, run: RunID?, _ tell: (Told) -> Void) throws(RunFailure) {
    guard let checkpoint = try StateFolder.reader(state) else {
      throw RunFailure(.usage, "nothing was imported with the state folder \(state) yet")
    }
    let runs = try candidates(run, checkpoint)
    if runs.isEmpty {
      throw RunFailure(.usage, run.map { "run \($0) is forgotten" } ?? "nothing was read with the state folder \(state) yet")
    }
    switch try name(text, kind, runs) {
    case .row(let file, let line, let inputs):
      try explain(file, line, inputs, runs.filter { inputs[$0.id] != nil }, checkpoint, tell)
    case .id(let id):
      try explain(id, kind, runs, isNamed: run != nil, checkpoint, tell)
    }
  }

  /// The runs that can be asked, newest first.
  private func candidates(_ id: RunID?, _ checkpoint: Checkpoint) throws(RunFailure) -> [RunRow] {
    try guarding { () throws(CheckpointFailure) in
      if let id { return [try checkpoint.run(id)].filter { $0.phase != .forgotten } }
      return try checkpoint.allRuns().filter { $0.phase != .forgotten && $0.phase != .staging }.reversed()
    }
  }

  // MARK: what is meant

  /// `FILE:LINE` is a row when a run has such an input; anything else is an id.
  private func name(_ text: String, _ kind: SoughtKind?, _ runs: [RunRow]) throws(RunFailure) -> Name {
    guard kind == nil || kind == .row else { return .id(text) }
    guard let colon = text.lastIndex(of: ":"), let line = Int(text[text.index(after: colon)...]), line > 0 else {
      if kind == .row { throw RunFailure(.usage, "'\(text)' names no row; write FILE:LINE, as in orders.csv:17") }
      return .id(text)
    }
    let file = String(text[..<colon])
    let absolute = URL(fileURLWithPath: file).standardizedFileURL.path
    var (inputs, paths) = Explainer.inputs(of: runs) { $0 == absolute || displayName($0) == file || $0 == file }
    if paths.isEmpty { (inputs, paths) = Explainer.inputs(of: runs) { $0.hasSuffix("/" + file) } }
    guard paths.count <= 1 else {
      throw RunFailure(.usage, "\(file) may be \(paths.sorted().prefix(5).joined(separator: " or ")); name it with its folder")
    }
    if let path = paths.first { return .row(file: displayName(path), line: line, inputs: inputs) }
    if kind == .row { throw RunFailure(.usage, "no run has an input called \(file); see `optireplay status`") }
    return .id(text)
  }

  /// Which input of each run has a path that is meant, and all such paths.
  private static func inputs(of runs: [RunRow], _ isMeant: (String) -> Bool) -> ([RunID: Int], paths: Set<String>) {
    var inputs: [RunID: Int] = [:]
    var paths: Set<String> = []
    for run in runs {
      guard let specification: ImportSpecification = try? fromStoredJSON(run.specification, "input specification") else { continue }
      for (index, input) in specification.inputs.enumerated() where isMeant(input.path) {
        inputs[run.id] = index
        paths.insert(input.path)
      }
    }
    return (inputs, paths)
  }

  // MARK: rows

  private func explain(
    _ file: String, _ line: Int, _ inputs: [RunID: Int], _ runs: [RunRow], _ checkpoint: Checkpoint, _ tell: (Told) -> Void
  ) throws(RunFailure) {
    var reasons: [String] = []
    for run in runs {
      do throws(RunFailure) {
        let tracer = try RunTracer(run, self, checkpoint)
        guard let input = inputs[run.id] else { continue }
        var isTold = false
        let take = { (way: EventWay) in
          if !isTold { tell(.kind(.row)) }
          isTold = true
          tell(.way(way))
        }
        try tracer.rejects(file, line, take)
        do throws(RunFailure) {
          _ = try tracer.records(.row(input: input, line: line), take) { tell(.note($0)) }
        } catch {
          // A reject is all that most such rows are.
          guard isTold, RunTracer.canGoOn(after: error) else { throw error }
        }
        if !isTold { try tracer.otherRow(input, line, take) }
        if runs.count > 1 { tell(.note("other runs read this file too; --run names one of them")) }
        return
      } catch {
        guard RunTracer.canGoOn(after: error) else { throw error }
        reasons.append("run \(run.id): \(error.message)")
      }
    }
    throw RunFailure(.usage, "what became of \(file):\(line) cannot be told any more: \(reasons.joined(separator: "; "))")
  }

  // MARK: ids

  private func explain(
    _ text: String, _ kind: SoughtKind?, _ runs: [RunRow], isNamed: Bool, _ checkpoint: Checkpoint, _ tell: (Told) -> Void
  ) throws(RunFailure) {
    var reasons: [String] = []
    for kind in kind.map({ [$0] }) ?? Explainer.kinds(of: text) {
      let sought = Explainer.sought(text, kind)
      let accepting = try accepting(sought, runs, checkpoint)
      let newest = isNamed ? runs : asked(runs, accepting)
      let asked = kind == .visitor ? newest.reversed() : newest
      var count = 0
      for run in asked {
        do throws(RunFailure) {
          if stop.isStopped { throw RunFailure(.stopped, "stopped while explaining; nothing was changed") }
          let tracer = try RunTracer(run, self, checkpoint)
          _ = try tracer.records(sought) { way in
            if count == 0 { tell(.kind(kind)) }
            count += 1
            tell(.way(way))
          } note: {
            tell(.note($0))
          }
        } catch {
          guard RunTracer.canGoOn(after: error) else { throw error }
          if let sightings = accepting[run.id] {
            if count == 0 { tell(.kind(kind)) }
            count += 1
            for way in try byLedger(run, sightings, kind, reason: error.message, checkpoint) { tell(.way(way)) }
          } else {
            reasons.append("run \(run.id): \(error.message)")
          }
        }
        // Without a word of the ledger, the newest run that has it is the one to tell of.
        if count > 0, accepting.isEmpty, kind == .event { break }
      }
      if count > 0 {
        if !isNamed, asked.count < runs.count {
          tell(.note("looked into \(counted(asked.count, "run")) of \(runs.count), those that accepted it; --run names another"))
        }
        return
      }
    }
    throw RunFailure(
      .usage,
      "no event and no visitor of the runs at hand has this id"
        + (reasons.isEmpty ? "" : "; not looked into: " + reasons.joined(separator: "; "))
        + "; rows that were rejected when they were read are found by FILE:LINE alone")
  }

  /// A text with the form of a UUID is an event's id first and a visitor's then, any other the other way round.
  private static func kinds(of text: String) -> [SoughtKind] { UUID(uuidString: text) != nil ? [.event, .visitor] : [.visitor, .event] }

  private static func sought(_ text: String, _ kind: SoughtKind) -> Sought {
    var arena = ByteArena(limit: 1 << 30)
    let bytes = Array(text.utf8)
    arena.append(escaping: bytes.span)
    let id = copy(arena.span)
    return kind == .visitor ? .visitor(id) : .event(id)
  }

  /// What the ledger knows, by the run that brought it: of each at most a thousand events.
  private func accepting(
    _ sought: Sought, _ runs: [RunRow], _ checkpoint: Checkpoint
  ) throws(RunFailure) -> [RunID: [LedgerSearch.Sighting]] {
    var found: [RunID: [LedgerSearch.Sighting]] = [:]
    for place in Set(runs.map { [$0.account, $0.endpoint] }) {
      let search = LedgerSearch(checkpoint, account: place[0], endpoint: place[1])
      let take = { (sighting: LedgerSearch.Sighting) in
        // What other state folders knew is no run's here.
        guard let run = sighting.run, found[run, default: []].count < 1000 else { return }
        found[run, default: []].append(sighting)
      }
      switch sought {
      case .event(let id): try search.each(visitorHash: nil, event: Digest(id.span), take)
      case .visitor(let id): try search.each(visitorHash: visitorHash(id.span), event: nil, take)
      case .row: break
      }
    }
    return found
  }

  /// Unfinished runs and those that accepted something of it; of nothing is known, the newest ones.
  private func asked(_ runs: [RunRow], _ accepting: [RunID: [LedgerSearch.Sighting]]) -> [RunRow] {
    let known = runs.filter { $0.phase.isUnfinished || accepting[$0.id] != nil }
    return Array((known.contains { accepting[$0.id] != nil } ? known : runs).prefix(Explainer.readRunLimit))
  }

  /// What is known when neither staging nor inputs are left.
  private func byLedger(
    _ run: RunRow, _ sightings: [LedgerSearch.Sighting], _ kind: SoughtKind, reason: String, _ checkpoint: Checkpoint
  ) throws(RunFailure) -> [EventWay] {
    let finder = try BodyFinder(checkpoint, run.id)
    return try Set(sightings.map(\.visitorHash)).sorted().map { hash throws(RunFailure) in
      let count = sightings.count { $0.visitorHash == hash }
      let bodies = try finder.bodies(of: hash)
      var way = EventWay(.accepted, run: run.told)
      way.reason =
        "the ledger has \(kind == .event ? "it" : counted(count, "event") + " of this visitor")"
        + (bodies.map { ", sent in \($0.count == 1 ? "body \($0.lowerBound)" : "bodies \($0.lowerBound) to \($0.upperBound)")" } ?? "")
        + "; the row cannot be told: \(reason)"
      if let bodies, bodies.count == 1 {
        let row = try guarding { () throws(CheckpointFailure) in try checkpoint.body(run.id, bodies.lowerBound) }
        if let row { try way.tell(row, run.id, checkpoint) }
      }
      return way
    }
  }
}

extension RunRow {
  var told: EventWay.Run { EventWay.Run(run: id.rawValue, phase: phase.rawValue, account: account, endpoint: endpoint) }
}

extension EventWay {
  /// Adds a whole body and its receipt.
  mutating func tell(_ row: BodyRow, _ run: RunID, _ checkpoint: Checkpoint) throws(RunFailure) {
    var body = Body(number: row.number, bytes: row.byteCount, events: row.eventCount)
    body.digest = row.digest.map { String(hexOf: $0) }
    body.waitsFor = row.waitsFor
    self.body = body
    let receipt = try guarding { () throws(CheckpointFailure) in try checkpoint.receipt(run, row.number) }
    if let receipt { tell(receipt) }
  }

  mutating func tell(_ receipt: ReceiptRow) {
    self.receipt = Receipt(status: receipt.status, attempts: receipt.attemptCount, acceptedAt: receipt.acceptedAt)
  }
}

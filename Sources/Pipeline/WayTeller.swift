import Bytes
import Checkpointing
import Chunking
import Grouping
import Reading
import Reporting
import Vocabulary

/// Makes the way of an event from a judged record and what the checkpoint knows. Memory: a body's records, when it was sent in parts.
struct WayTeller {
  private let flow: RunFlow
  private let judges: PartitionJudges
  private let memoryBytes: Int
  private var finder: BodyFinder?
  /// Whether rows and events are told with their text.
  var showsRows = true
  /// Whether each input is still what was staged.
  private var unchanged: [Int: Bool] = [:]
  /// What the ledger knew of the visitor at hand.
  private var known: (hash: UInt64, runs: [UInt64: RunID])?

  /// The body told last, whole, with its receipt.
  private var last: EventWay?

  /// So many accepted events of one visitor are told with the run that brought them.
  private static let knownLimit = 100_000

  init(_ flow: RunFlow, _ judges: PartitionJudges, memoryBytes: Int) throws(RunFailure) {
    self.flow = flow
    self.judges = judges
    self.memoryBytes = memoryBytes
    let hasPlan = [.sending, .complete, .refused].contains(flow.run.phase)
    finder = hasPlan ? try BodyFinder(flow.checkpoint, flow.run.id) : nil
  }

  /// The way of a record. `first` is the first one of its visitor with the same id, when that is another.
  mutating func way(of seen: SeenRecord, first: SeenRecord?) throws(RunFailure) -> EventWay {
    var way = EventWay(.pending, run: flow.run.told)
    try tell(seen, &way)
    let other = first.map { ", \(place($0))" } ?? ""
    switch seen.fate {
    case .kept: try tellSent(seen, &way)
    case .alreadyAccepted:
      way.fate = .alreadyAccepted
      way.reason = try acceptedBefore(seen)
    case .sameEvent where flow.settings.identicalRows == .once:
      way.fate = .duplicate
      way.reason = "an earlier row of its visitor says the same\(other)"
    case .conflictFiltered:
      way.fate = .filtered
      way.reason = "its visitor was in another variation of the campaign before (--on-conflict first)"
    case .activationFiltered:
      way.fate = .filtered
      way.reason = "an earlier decision of its visitor for the same variation is sent (--activations first)"
    default:
      way.fate = .rejected
      way.reason = reject(seen.fate, flow.settings).map { "\($0.column.map { "\($0): " } ?? "")\($0.message) [\($0.code.rawValue)]" }
      if seen.fate == .idReused, first != nil { way.reason? += "; the first is\(other.dropFirst())" }
    }
    return way
  }

  /// The way of a record that was taken out because an identical one stands.
  mutating func duplicate(_ seen: SeenRecord, of first: SeenRecord?) throws(RunFailure) -> EventWay {
    var way = EventWay(.duplicate, run: flow.run.told, reason: "identical with \(first.map(place) ?? "another row"), which stands for it")
    try tell(seen, &way)
    return way
  }

  private func place(_ seen: SeenRecord) -> String { "\(displayName(flow.specification.inputs[seen.input].path)):\(seen.line)" }

  // MARK: row and event

  private mutating func tell(_ seen: SeenRecord, _ way: inout EventWay) throws(RunFailure) {
    var event = EventWay.Event(
      visitor: unescaped(seen.visitor), uuid: unescaped(seen.eventID), record: seen.isDecision ? "decision" : "conversion",
      timestamp: seen.timestamp)
    let path = flow.specification.inputs[seen.input].path
    var row = EventWay.Row(file: displayName(path), line: seen.line, byte: seen.byte)
    if showsRows {
      event.text = text(seen.event.span)
      if try isUnchanged(seen.input) {
        let place = FindingPlace(file: row.file, line: row.line, byte: row.byte)
        switch sampleRows([place], of: flow.specification)[SampleKey(file: row.file, byte: row.byte)] {
        case .row(let bytes): row.text = text(bytes.span)
        case .absent(let reason): row.absent = reason
        case nil: row.absent = "the input is none of the run's"
        }
      } else {
        row.absent = "the input can be read only once, is gone, or has changed since"
      }
    }
    way.event = event
    way.row = row
  }

  private mutating func isUnchanged(_ index: Int) throws(RunFailure) -> Bool {
    if let known = unchanged[index] { return known }
    let inputs = try guarding { () throws(CheckpointFailure) in try flow.checkpoint.inputs(flow.run.id) }
    let row = inputs.first { $0.index == index }
    let isSame = row.map { row in row.path != "-" && (try? fileDigest(row.path))?.bytes == row.digest } ?? false
    unchanged[index] = isSame
    return isSame
  }

  private func unescaped(_ id: [UInt8]) -> String {
    var arena = ByteArena(limit: id.count + 64)
    arena.append(unescaping: id.span)
    return text(arena.span)
  }

  // MARK: body and receipt

  private mutating func tellSent(_ seen: SeenRecord, _ way: inout EventWay) throws(RunFailure) {
    guard finder != nil else {
      way.reason = "the run is not planned yet"
      return
    }
    guard let ordinal = seen.ordinal, let row = try finder?.body(seen.visitor, seen.hash, ordinal) else {
      throw RunFailure(.diskTrouble, "no body of run \(flow.run.id) has this event; `optireplay verify \(flow.run.id)` tells more")
    }
    // Events of one body come one behind the other.
    if last?.body?.number != row.number {
      var told = EventWay(.pending, run: flow.run.told)
      try told.tell(row, flow.run.id, flow.checkpoint)
      last = told
    }
    way.body = last?.body
    way.receipt = last?.receipt
    if flow.run.phase == .refused {
      way.reason = "the run was refused, and nothing of it was sent"
    } else if row.isCut {
      try tellPart(seen, row, &way)
    } else if way.receipt != nil {
      way.fate = .accepted
    } else {
      way.reason =
        row.digest == nil
        ? "its body is not sent yet" : "its body may have been sent, but has no receipt: it is sent again, byte for byte the same"
    }
  }

  /// The part of a refused body that has the event.
  private func tellPart(_ seen: SeenRecord, _ row: BodyRow, _ way: inout EventWay) throws(RunFailure) {
    let records = try BodyRecords(row, judges, memoryBytes: memoryBytes)
    guard let event = records.event(seen.eventID, of: seen.visitor) else { throw noLongerPlanned(row.number) }
    let (parts, checkpoint) = (
      try guarding { () throws(CheckpointFailure) in try flow.checkpoint.parts(flow.run.id, row.number) }, flow.checkpoint
    )
    for (part, state) in parts where state != "cut" {
      guard let path = BodyPart(path: part.part), path.isPossible(of: records.eventCount) else { throw noLongerPlanned(row.number) }
      guard path.events(of: records.eventCount).contains(event) else { continue }
      var body = EventWay.Body(number: row.number, bytes: part.byteCount, events: part.decisionCount + part.conversionCount)
      body.part = path.name(of: row.number)
      body.digest = String(hexOf: part.digest)
      way.body = body
      switch state {
      case "accepted":
        way.fate = .accepted
        let receipt = try guarding { () throws(CheckpointFailure) in
          try checkpoint.receipt(flow.run.id, row.number, part: part.part)
        }
        if let receipt { way.tell(receipt) }
      case "refused":
        way.fate = .rejected
        way.reason = "the server refused it when it stood alone; `optireplay rejects \(flow.run.id)` has its words [refused-by-server]"
      default: way.reason = "the server refused its body whole; this part of it is not accepted yet"
      }
      return
    }
  }

  // MARK: earlier runs

  /// Which earlier run brought the event, and in which body.
  private mutating func acceptedBefore(_ seen: SeenRecord) throws(RunFailure) -> String {
    if known?.hash != seen.hash {
      var runs: [UInt64: RunID] = [:]
      try LedgerSearch(flow.checkpoint, account: flow.run.account, endpoint: flow.run.endpoint).each(
        upTo: flow.run.ledgerMark, visitorHash: seen.hash, event: nil
      ) { sighting in
        if runs.count < WayTeller.knownLimit, runs[sighting.event] == nil { runs[sighting.event] = sighting.run }
      }
      known = (seen.hash, runs)
    }
    guard let run = known?.runs[Digest(seen.eventID.span).high] else { return "by an earlier run" }
    let finder = try BodyFinder(flow.checkpoint, run)
    guard let bodies = try finder.bodies(of: seen.hash) else { return "by run \(run)" }
    return "by run \(run), "
      + (bodies.count == 1 ? "body \(bodies.lowerBound)" : "one of bodies \(bodies.lowerBound) to \(bodies.upperBound)")
  }
}

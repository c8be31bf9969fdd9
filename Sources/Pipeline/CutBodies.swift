import Bytes
import Checkpointing
import Chunking
import Delivering
import Vocabulary

/// The bodies of a run that are sent in parts: cuts what the server refuses at its middle event, until the guilty event stands alone and
/// becomes a reject.
///
///     body 7 refused ─▶ 7.0 accepted ─▶ 7.1 refused ─▶ 7.1.0 refused: one event, a reject ─▶ 7.1.1 accepted
///
/// Each part's digest is committed before the part is first sent, and the first half goes first. Memory: the records of each such body that
/// is under way.
struct CutBodies {
  /// A part on its way, and what the ledger will remember of it.
  struct Part {
    var body: OutgoingBody
    var ledger: LedgerEntries
  }

  private final class UnderWay {
    let records: BodyRecords
    /// What was sent last.
    var part = BodyPart()

    init(_ records: consuming BodyRecords) { self.records = records }
  }

  private let judges: PartitionJudges
  private let checkpoint: Checkpoint
  private let run: RunID
  private let memoryBytes: Int
  private let refusedEventLimit: Int
  private var underWay: [Int: UnderWay] = [:]

  /// `memoryBytes` are for judging visitors that are larger than a page, while a body's records are read.
  init(_ judges: PartitionJudges, checkpoint: Checkpoint, run: RunID, memoryBytes: Int, refusedEventLimit: Int) {
    self.judges = judges
    self.checkpoint = checkpoint
    self.run = run
    self.memoryBytes = memoryBytes
    self.refusedEventLimit = refusedEventLimit
  }

  /// What was sent last of a body: all of it, unless it is sent in parts.
  func partSent(of number: Int) -> BodyPart { underWay[number]?.part ?? BodyPart() }

  /// The first part that is left of a body which was cut before.
  mutating func part(of row: BodyRow) throws(RunFailure) -> Part? {
    try next(try begin(row), row.number, waitsFor: row.waitsFor)
  }

  /// The part of a body that follows after its last one was accepted, or refused. Nil when nothing of the body is left. Throws 78 when the
  /// server has refused too many events.
  mutating func part(of number: Int, after refusal: Refusal?) throws(RunFailure) -> Part? {
    let body: UnderWay
    if let begun = underWay[number] {
      body = begun
    } else {
      let row = try guarding { () throws(CheckpointFailure) in try checkpoint.body(run, number) }
      guard let row else { throw RunFailure(.bug, "body \(number) was refused, and is not in the plan") }
      body = try begin(row)
    }
    if let refusal { try cut(body, number, refusal) }
    return try next(body, number)
  }

  private mutating func begin(_ row: BodyRow) throws(RunFailure) -> UnderWay {
    let body = UnderWay(try BodyRecords(row, judges, memoryBytes: memoryBytes))
    guard let digest = row.digest, digest == CutBodies.digest(body.records.write(BodyPart())) else { throw noLongerPlanned(row.number) }
    underWay[row.number] = body
    return body
  }

  private mutating func next(_ body: UnderWay, _ number: Int, waitsFor: Int? = nil) throws(RunFailure) -> Part? {
    let row = try guarding { () throws(CheckpointFailure) in try checkpoint.pendingPart(run, number) }
    guard let row else {
      underWay[number] = nil
      return nil
    }
    guard let part = BodyPart(path: row.part), part.isPossible(of: body.records.eventCount) else { throw noLongerPlanned(number) }
    let written = body.records.write(part)
    guard row.digest == CutBodies.digest(written) else { throw noLongerPlanned(number) }
    body.part = part
    let outgoing = OutgoingBody(
      number: number, waitsFor: waitsFor, bytes: written.bytes.span, eventCount: row.decisionCount + row.conversionCount, isPart: true)
    return Part(body: outgoing, ledger: written.ledger)
  }

  /// Cuts what was sent last in two; an event that stands alone becomes a reject.
  private func cut(_ body: UnderWay, _ number: Int, _ refusal: Refusal) throws(RunFailure) {
    let events = body.part.events(of: body.records.eventCount)
    guard events.count > 1 else { return try refuse(body, number, events.lowerBound, refusal) }
    let halves = body.part.halves.map { half in
      let written = body.records.write(half)
      return PartRow(
        part: half.path, byteCount: written.bytes.count, decisionCount: written.decisionCount,
        conversionCount: half.events(of: body.records.eventCount).count - written.decisionCount, digest: CutBodies.digest(written))
    }
    try guarding { () throws(CheckpointFailure) in try checkpoint.cut(run, number, part: body.part.path, into: halves) }
  }

  private func refuse(_ body: UnderWay, _ number: Int, _ event: Int, _ refusal: Refusal) throws(RunFailure) {
    let words = refusal.words.isEmpty ? "" : ": \"\(refusal.words)\""
    let reject = Reject(
      .refusedByServer, "the server refused this event by itself with \(refusal.status)\(words); mend what it names, and import it again")
    let count = try guarding { () throws(CheckpointFailure) in
      try checkpoint.refuse(
        run, number, part: body.part.path,
        line: body.records.rejectLine(event, reject, inputs: try checkpoint.inputs(run)))
      return try checkpoint.refusedEventCount(run)
    }
    guard count > refusedEventLimit else { return }
    throw tooManyRefused(count, limit: refusedEventLimit, run, last: "\(refusal.status)\(words)")
  }

  private static func digest(_ written: BodyRecords.Written) -> [UInt8] { WideDigest.of(written.bytes.span).bytes }
}

/// The server refused more single events than are borne.
func tooManyRefused(_ count: Int, limit: Int, _ run: RunID, last: String? = nil) -> RunFailure {
  RunFailure(
    .configuration,
    "the server refused \(count) events one by one, more than --max-refused \(limit)\(last.map { ", the last one with \($0)" } ?? ""); "
      + "`optireplay rejects \(run)` lists them; mend their cause and import what is mended, or raise --max-refused and run the same command "
      + "again to go on")
}

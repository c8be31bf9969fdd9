internal import Bytes
internal import Counting

/// One content that an event was received with. An event is a visitor and a uuid; more than one version of it is a conflict.
struct EventVersion {
  struct Traits: OptionSet {
    let rawValue: UInt8
    static let conversion = Traits(rawValue: 1)
    /// This very content is in two or more bodies.
    static let inBodies = Traits(rawValue: 2)
  }

  /// Of the uuid.
  var id: Digest
  /// Where it was received first.
  var place: Place
  /// Its number among all versions in the total order, from 1.
  var ordinal: Int
  var traits: Traits
}

/// Counts what is stored, event by event: which are the same, which version of an event was accepted first, what results follow.
///
/// Feed it all records in the total order. Equal records are neighbours there, but versions of one event may lie anywhere among
/// the visitor's records, so each visitor is judged at its end: in memory, or on disk when it has more than `versionLimit`
/// versions.
///
/// Memory: `versionLimit` versions of 40 bytes, and as many losers of 8.
struct Census: ~Copyable {
  static let versionLimit = 1 << 16

  private(set) var status = SandboxStatus()
  /// Counts every version, so it is right only as long as there are no losers.
  private(set) var counter: ResultCounter
  /// Versions of events that were accepted before in another version; complete after `finish`.
  private(set) var loserCount = 0

  private let versionLimit: Int
  private let temporary: () throws -> TemporaryStore
  private var previous = PreviousRecord()
  private var ordinal = 0
  private var versions: [EventVersion] = []
  /// Whether versions of this visitor are on disk.
  private var isSpilled = false
  private var losers: [Int] = []

  init(versionLimit: Int = Census.versionLimit, details: Bool = false, temporary: @escaping () throws -> TemporaryStore) {
    self.versionLimit = versionLimit
    counter = ResultCounter(details: details)
    self.temporary = temporary
  }

  /// Takes the record that the arena holds.
  mutating func take(_ arena: borrowing ByteArena) throws {
    let record = StagedRecord(arena.span)
    let place = Place(record.rowOffset)
    switch previous.step(to: record) {
    case .same(let last):
      if body(of: place) != body(of: last) { versions[versions.count - 1].traits.insert(.inBodies) }
      return
    case .visitor: try endVisitor()
    case .first, .event: break
    }
    if versions.count >= versionLimit { try spill() }
    ordinal += 1
    let id = Digest(record.eventID)
    versions.append(EventVersion(id: id, place: place, ordinal: ordinal, traits: record.isDecision ? [] : .conversion))
    counter.count(record)
  }

  /// Ends the last visitor.
  mutating func finish() throws {
    if ordinal > 0 { try endVisitor() }
    if !losers.isEmpty { try putLosersAside() }
  }

  private mutating func spill() throws {
    try temporary().append(versions)
    versions.removeAll(keepingCapacity: true)
    isSpilled = true
  }

  private mutating func endVisitor() throws {
    counter.endVisitor()
    var judge = VersionJudge()
    if isSpilled {
      try spill()
      loserCount += try temporary().takeVersions { version in judge.take(version) }
      isSpilled = false
    } else {
      if versions.count > 1 {
        versions.sort { ($0.id.high, $0.id.low, $0.place) < ($1.id.high, $1.id.low, $1.place) }
      }
      for version in versions where judge.take(version) { losers.append(version.ordinal) }
      versions.removeAll(keepingCapacity: true)
      if losers.count >= versionLimit { try putLosersAside() }
    }
    judge.finish()
    status.distinctEvents += judge.decisionCount + judge.conversionCount
    status.decisions += judge.decisionCount
    status.conversions += judge.conversionCount
    status.conflictingEvents += judge.conflictCount
    status.eventsInDifferentBodies += judge.inBodiesCount
  }

  private mutating func putLosersAside() throws {
    loserCount += losers.count
    try temporary().append(losers: losers)
    losers.removeAll(keepingCapacity: true)
  }
}

/// The record before, to see what is new about the next one.
struct PreviousRecord: ~Copyable {
  enum Step {
    case first, visitor, event
    /// Equal to the record before, which was received at this place.
    case same(Place)
  }

  private var bytes = ByteArena(limit: 1 << 30)

  /// Compares with the record before and, unless equal, keeps the record in its place.
  mutating func step(to record: borrowing StagedRecord) -> Step {
    let step = bytes.count == 0 ? .first : PreviousRecord.step(StagedRecord(bytes.span), record)
    if case .same = step { return step }
    bytes.removeAll()
    bytes.append(record.bytes)
    return step
  }

  private static func step(_ last: borrowing StagedRecord, _ record: borrowing StagedRecord) -> Step {
    if order(record, last) == 0 { return .same(Place(last.rowOffset)) }
    return record.hash == last.hash && same(record.visitor, last.visitor) ? .event : .visitor
  }
}

/// Judges one visitor's versions, those of one event together, the one accepted first before the others.
private struct VersionJudge {
  private(set) var decisionCount = 0
  private(set) var conversionCount = 0
  private(set) var conflictCount = 0
  private(set) var inBodiesCount = 0
  private var first: EventVersion?
  private var versionCount = 0
  private var isInBodies = false

  /// Returns whether another version of the event was accepted before.
  mutating func take(_ version: EventVersion) -> Bool {
    if let first, first.id == version.id {
      versionCount += 1
      if version.traits.contains(.inBodies) || body(of: version.place) != body(of: first.place) { isInBodies = true }
      return true
    }
    finish()
    first = version
    versionCount = 1
    isInBodies = version.traits.contains(.inBodies)
    return false
  }

  /// Ends the event at hand.
  mutating func finish() {
    guard let first else { return }
    if first.traits.contains(.conversion) { conversionCount += 1 } else { decisionCount += 1 }
    if versionCount > 1 { conflictCount += 1 }
    if isInBodies { inBodiesCount += 1 }
    self.first = nil
  }
}

import Bytes
import EventAPI

/// Builds one body: knows to the byte how large it is, and writes it when asked to.
///
///     {"account_id":"…","visitors":[{"visitor_id":"…",…,"snapshots":[S,S,{"decisions":[],"events":[E,E]}]},{…}],…}
///
/// Records of one visitor come one after another, decisions first. A visitor object lasts while session and attributes stay the
/// same; each decision is a snapshot of its own; conversions share one for as long as the decisions in force stay the same.
struct BodyBuilder: ~Copyable {
  private enum Snapshot { case none, closed, conversions }

  private let prefix: [UInt8]
  private let suffix: [UInt8]
  private let writes: Bool
  /// Bytes of the body if it ended here.
  private(set) var byteCount: Int
  private(set) var eventCount = 0
  private(set) var decisionCount = 0
  private var hasObjects = false
  private var objectIsOpen = false
  private var snapshot = Snapshot.none
  private var group: [UInt8] = []
  /// How many bytes of decisions in force the snapshot of conversions carries.
  private var inForceCount = 0
  /// What is written so far: the body without what closes it.
  private(set) var text: ByteArena

  /// A builder that measures, or one that also writes bodies of up to `limit` bytes.
  init(_ settings: BodySettings, limit: Int, writes: Bool) {
    prefix = settings.prefix
    suffix = settings.suffix
    self.writes = writes
    text = ByteArena(limit: limit + 64, reserving: writes ? 1 << 16 : 64)
    byteCount = prefix.count + suffix.count
    if writes { text.append(prefix) }
  }

  /// Another builder that has measured the same.
  func copied() -> BodyBuilder { BodyBuilder(of: self) }

  private init(of other: borrowing BodyBuilder) {
    precondition(!other.writes, "what is written is written once")
    prefix = other.prefix
    suffix = other.suffix
    writes = false
    byteCount = other.byteCount
    eventCount = other.eventCount
    decisionCount = other.decisionCount
    hasObjects = other.hasObjects
    objectIsOpen = other.objectIsOpen
    snapshot = other.snapshot
    group = other.group
    inForceCount = other.inForceCount
    text = ByteArena(limit: 0)
  }

  /// Bytes of a body without visitors.
  var emptyBytes: Int { prefix.count + suffix.count }

  var isEmpty: Bool { eventCount == 0 }

  /// Begins the next body.
  mutating func removeAll() {
    byteCount = emptyBytes
    eventCount = 0
    decisionCount = 0
    hasObjects = false
    objectIsOpen = false
    snapshot = .none
    text.removeAll()
    if writes { text.append(prefix) }
  }

  /// The next record is another visitor's: its objects stand apart.
  mutating func endVisitor() {
    closeObject()
  }

  /// Adds a visitor that was measured by itself.
  mutating func append(_ visitor: MeasuredVisitor) {
    precondition(!writes, "what was only measured cannot be written")
    closeObject()
    byteCount += (hasObjects ? 1 : 0) + visitor.byteCount
    eventCount += visitor.eventCount
    decisionCount += visitor.decisionCount
    hasObjects = true
  }

  /// Adds visitors whose objects are written already, with commas between them.
  mutating func append(objects: Span<UInt8>) {
    precondition(writes, "what is written belongs into a body that is written")
    closeObject()
    if hasObjects { text.append(0x2c) }
    text.append(objects)
    byteCount += (hasObjects ? 1 : 0) + objects.count
    hasObjects = true
  }

  /// Bytes by which the record would make the body larger.
  func growth(_ record: borrowing StagedRecord, decisions: InForce) -> Int {
    guard objectIsOpen, same(record.group, group) else {
      return (hasObjects ? 1 : 0) + BodyBuilder.objectBytes + record.visitor.count + record.group.count
        + snapshotBytes(record, decisions)
    }
    if !record.isDecision, snapshot == .conversions, decisions.count == inForceCount { return 1 + record.eventCount }
    return 1 + snapshotBytes(record, decisions)
  }

  /// Bytes of a body that holds the record and nothing else.
  func bytesAlone(_ record: borrowing StagedRecord, decisions: InForce) -> Int {
    emptyBytes + BodyBuilder.objectBytes + record.visitor.count + record.group.count + snapshotBytes(record, decisions)
  }

  /// `{"visitor_id":"` `"` `,"snapshots":[` `]}`
  private static let objectBytes = 15 + 1 + 14 + 2
  /// `{"decisions":[` `],"events":[` `]}`
  private static let snapshotBytes = 14 + 12 + 2

  private func snapshotBytes(_ record: borrowing StagedRecord, _ decisions: InForce) -> Int {
    record.isDecision ? record.eventCount : BodyBuilder.snapshotBytes + decisions.count + record.eventCount
  }

  /// Adds the record.
  mutating func append(_ record: borrowing StagedRecord, decisions: InForce) {
    append(record, decisions: decisions, growth: growth(record, decisions: decisions))
  }

  /// Adds the record, whose growth was asked for just before.
  mutating func append(_ record: borrowing StagedRecord, decisions: InForce, growth: Int) {
    byteCount += growth
    eventCount += 1
    if record.isDecision { decisionCount += 1 }
    if !objectIsOpen || !same(record.group, group) { openObject(record) }
    if record.isDecision {
      closeSnapshot()
      if writes {
        if snapshot == .closed { text.append(0x2c) }
        text.append(record.event)
      }
      snapshot = .closed
      return
    }
    if snapshot == .conversions, decisions.count == inForceCount {
      if writes { text.append(0x2c) }
    } else {
      closeSnapshot()
      if writes {
        text.append(snapshot == .closed ? ",{\"decisions\":[" : "{\"decisions\":[")
        text.append(decisions.text.span.extracting(0..<decisions.count))
        text.append("],\"events\":[")
      }
      inForceCount = decisions.count
      snapshot = .conversions
    }
    if writes { text.append(record.event) }
  }

  private mutating func openObject(_ record: borrowing StagedRecord) {
    closeObject()
    if writes {
      if hasObjects { text.append(0x2c) }
      text.append("{\"visitor_id\":\"")
      text.append(record.visitor)
      text.append(0x22)
      text.append(record.group)
      text.append(",\"snapshots\":[")
    }
    if !same(record.group, group) { copy(record.group, into: &group) }
    hasObjects = true
    objectIsOpen = true
    snapshot = .none
  }

  private mutating func closeSnapshot() {
    guard snapshot == .conversions else { return }
    if writes { text.append("]}") }
    snapshot = .closed
  }

  private mutating func closeObject() {
    guard objectIsOpen else { return }
    closeSnapshot()
    if writes { text.append("]}") }
    objectIsOpen = false
    snapshot = .none
  }

  /// Completes the objects of what was added, and calls `use` with their text.
  mutating func endObjects(_ use: (Span<UInt8>) -> Void) {
    precondition(writes, "a builder that measures has no text")
    closeObject()
    precondition(text.count + suffix.count == byteCount, "objects measured and written differ")
    use(text.span.extracting(prefix.count..<text.count))
  }

  /// Completes the text: afterwards `text` is the body, `byteCount` bytes long.
  mutating func finish() {
    precondition(writes, "a builder that measures has no text")
    closeObject()
    text.append(suffix)
    precondition(text.count == byteCount, "a body measured \(byteCount) bytes and was written with \(text.count)")
  }
}

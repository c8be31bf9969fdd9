package import Bytes
import Vocabulary

/// What is wrong with a body: where, as a path from its top (`visitors[3].snapshots[0].events[1].timestamp`), and in words.
package struct BodyFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// Empty when the body as a whole is meant.
  package var path: String
  package var message: String

  package init(_ path: String, _ message: String) {
    self.path = path
    self.message = message
  }

  /// One line: the path, a colon, the words.
  package var description: String { path.isEmpty ? "the body \(message)" : "\(path): \(message)" }

  /// The same fault seen from further out.
  func within(_ outer: String) -> BodyFault {
    BodyFault(path.isEmpty ? outer : path.hasPrefix("[") ? outer + path : "\(outer).\(path)", message)
  }
}

/// Reads one Event API body: judges it by every published rule (EVENT-API, *Objects*; OpenAPI 1.3.0), and takes it apart into records.
///
///     try reader.read(bytes)
///     for offset in reader.offsets { StagedRecord(reader.records.span, at: offset) … }
///
/// or, without copying what is in the encoder's own form:
///
///     try reader.readInPlace(bytes)
///     for event in reader.events { … }
///
/// An event is one record, in the order of the body. A `campaign_activated` event becomes a decision record with the decision of its
/// snapshot that has the event's `entity_id` as campaign, else the only one; any other event becomes a conversion. Records have the
/// encoder's one text whatever the body's spelling, order of members and white space; `rowOffset` is where the event begins in the
/// body. Members that the API does not know are passed over. Of members with one name the last counts.
///
/// A reader is used again for each body. Memory: events, records written, the decoded text and nodes of one visitor object at a time.
package struct BodyReader: ~Copyable {
  package let bodyLimit: Int
  /// Whether visitor objects in the encoder's own form are read in one pass (`OwnForm`). It changes the time, not the outcome.
  private let readsOwnForm: Bool
  private var parser = JSONParser(depthLimit: Limits.nestingDepth)
  private var tape = RowTape()
  private var decoded: ByteArena
  private var visitors: VisitorReader

  /// A reader of bodies of up to `bodyLimit` bytes, less than 4 GiB. Tests leave out the short way for the encoder's own form, to compare.
  package init(bodyLimit: Int = Limits.bodyBytes, readsOwnForm: Bool = true) {
    precondition(bodyLimit <= Int(UInt32.max))
    self.bodyLimit = bodyLimit
    self.readsOwnForm = readsOwnForm
    decoded = ByteArena(limit: 2 * bodyLimit + 64)
    visitors = VisitorReader(recordLimit: BodyReader.recordRatio * max(bodyLimit, Limits.smallestBodyBytes))
  }

  /// Bytes of records that one byte of a body may become: attributes are repeated for each event of their visitor object.
  package static let recordRatio = 16

  /// The events of the body read last, of no use after a fault.
  package var events: [BodyEvent] { _read { yield visitors.events } }
  /// The records of the events that do not lie in the body; of all events after `read`.
  package var records: ByteArena { _read { yield visitors.records } }
  /// Where the record of each event begins after `read`.
  package private(set) var offsets: [Int] = []
  /// Visitor objects of the body read last.
  package private(set) var visitorObjectCount = 0
  /// How many of them were in the encoder's own form and read in one pass.
  package private(set) var ownFormCount = 0

  /// Replaces `events`, `records` and `offsets` by those of `body`, or throws the first fault.
  package mutating func read(_ body: Span<UInt8>) throws(BodyFault) {
    try readInPlace(body)
    for event in visitors.events { offsets.append(visitors.write(event, of: body)) }
  }

  /// Replaces `events` and `records` by those of `body`, or throws the first fault. Faults are the same as those of `read`.
  package mutating func readInPlace(_ body: Span<UInt8>) throws(BodyFault) {
    visitors.removeAll()
    offsets.removeAll(keepingCapacity: true)
    visitorObjectCount = 0
    ownFormCount = 0
    guard body.count <= bodyLimit else {
      throw BodyFault("", "has \(body.count) bytes; at most \(bodyLimit) are taken, so split it")
    }
    if let offset = firstInvalidUTF8(in: body) { throw BodyFault("", "is not UTF-8 at byte \(offset); send it as UTF-8") }
    var at = skipSpace(body, 0)
    guard at < body.count else { throw BodyFault("", "is empty; send one JSON object") }
    guard body[at] == 0x7b else { throw BodyFault("", "is not a JSON object") }
    var hasAccount = false
    var hasVisitors = false
    at = skipSpace(body, at + 1)
    if at < body.count, body[at] == 0x7d {
      at += 1
    } else {
      while true {
        let name = try readName(body, &at)
        switch name {
        case .account: hasAccount = true
        case .visitors: hasVisitors = true
        default: break
        }
        if name == .visitors { at = try readVisitors(body, at) } else { at = try readMember(name, body, at) }
        at = skipSpace(body, at)
        guard at < body.count else { throw syntax(.end, at) }
        at += 1
        if body[at - 1] == 0x7d { break }
        guard body[at - 1] == 0x2c else { throw syntax(.comma, at - 1) }
        at = skipSpace(body, at)
      }
    }
    at = skipSpace(body, at)
    guard at == body.count else { throw syntax(.trailing, at) }
    guard hasAccount else { throw BodyFault("account_id", "is missing") }
    guard hasVisitors else { throw BodyFault("visitors", "is missing") }
  }

  private enum Member: String {
    case account = "account_id"
    case project = "project_id"
    case visitors, revision
    case anonymizeIP = "anonymize_ip"
    case clientName = "client_name"
    case clientVersion = "client_version"
    case enrichDecisions = "enrich_decisions"
    case unknown
  }

  /// Reads a member's name and its colon, and moves to where its value begins.
  private mutating func readName(_ body: Span<UInt8>, _ at: inout Int) throws(BodyFault) -> Member {
    guard at < body.count else { throw syntax(.end, at) }
    guard body[at] == 0x22 else { throw syntax(.key, at) }
    let end = try parse(body, at)
    decode(body.extracting(at..<end))
    let name = Member(rawValue: text(decoded.span.extracting(tape.nodes[0].range))) ?? .unknown
    at = skipSpace(body, end)
    guard at < body.count else { throw syntax(.end, at) }
    guard body[at] == 0x3a else { throw syntax(.colon, at) }
    at = skipSpace(body, at + 1)
    return name
  }

  private mutating func readMember(_ name: Member, _ body: Span<UInt8>, _ start: Int) throws(BodyFault) -> Int {
    let end = try parse(body, start)
    let value = tape.nodes[0]
    switch name {
    case .account, .project:
      guard value.kind == .string else { throw BodyFault(name.rawValue, "is \(value.kind.words), not a string; ids are strings") }
      guard value.count > 0 else { throw BodyFault(name.rawValue, "is empty") }
    case .revision, .clientName, .clientVersion:
      guard value.kind == .string else { throw BodyFault(name.rawValue, "is \(value.kind.words), not a string") }
    case .anonymizeIP, .enrichDecisions:
      guard value.kind == .true || value.kind == .false else {
        throw BodyFault(name.rawValue, "is \(value.kind.words), not true or false")
      }
    case .visitors, .unknown: break
    }
    return end
  }

  private mutating func readVisitors(_ body: Span<UInt8>, _ start: Int) throws(BodyFault) -> Int {
    // An earlier member of this name does not count.
    visitors.removeAll()
    visitorObjectCount = 0
    ownFormCount = 0
    guard start < body.count, body[start] == 0x5b else {
      _ = try parse(body, start)
      throw BodyFault("visitors", "is \(tape.nodes[0].kind.words), not an array")
    }
    var at = skipSpace(body, start + 1)
    if at < body.count, body[at] == 0x5d { return at + 1 }
    while true {
      let end = try readVisitor(body, at)
      visitorObjectCount += 1
      at = skipSpace(body, end)
      guard at < body.count else { throw syntax(.end, at) }
      if body[at] == 0x5d { return at + 1 }
      guard body[at] == 0x2c else { throw syntax(.comma, at) }
      at = skipSpace(body, at + 1)
    }
  }

  /// Reads one visitor object and returns where it ends.
  private mutating func readVisitor(_ body: Span<UInt8>, _ start: Int) throws(BodyFault) -> Int {
    if readsOwnForm, let end = visitors.readOwnForm(body, start) {
      ownFormCount += 1
      return end
    }
    let end = try parse(body, start)
    do throws(BodyFault) {
      if tape.hasEscapes {
        decode(body.extracting(start..<end))
        try visitors.read(decoded: decoded, tape, bodyOffset: start, visitorBytes: end - start)
      } else {
        try visitors.read(body.extracting(start..<end), tape, bodyOffset: start, visitorBytes: end - start)
      }
    } catch {
      throw error.within("visitors[\(visitorObjectCount)]")
    }
    return end
  }

  /// Takes the value that begins at `start` apart and returns where it ends. Positions in the tape count from `start`.
  private mutating func parse(_ body: Span<UInt8>, _ start: Int) throws(BodyFault) -> Int {
    do throws(JSONFault) {
      return start + (try parser.parseFirst(body.extracting(min(start, body.count)...), into: &tape))
    } catch {
      throw syntax(error.reason, start + error.offset)
    }
  }

  private mutating func decode(_ text: Span<UInt8>) { tape.decode(text, quote: 0x22, into: &decoded) }

  private func syntax(_ reason: JSONFault.Reason, _ offset: Int) -> BodyFault {
    BodyFault("", "is not JSON at byte \(offset): \(reason.rawValue)")
  }
}

extension NodeKind {
  /// What a value is, for a message that says what it should be.
  var words: String {
    switch self {
    case .cell, .string: "a string"
    case .number: "a number"
    case .true, .false: "a boolean"
    case .null: "null"
    case .object: "an object"
    case .array: "an array"
    }
  }
}

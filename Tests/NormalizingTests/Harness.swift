import Bytes
import EventAPI
import Testing
import Vocabulary

@testable import Normalizing

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A record's texts, as they will stand in a body.
struct Written: Equatable {
  var kind: RecordKind
  var visitor: String
  var group: String
  var event: String
  var eventID: String
  var isDerived: Bool
  var revenue: Int64?
  var value: Double?
  var timestamp: Int64

  init(_ record: borrowing StagedRecord) {
    kind = record.isDecision ? .decision : .conversion
    visitor = text(record.visitor)
    group = text(record.group)
    event = text(record.event)
    eventID = text(record.eventID)
    isDerived = record.flags.contains(.derivedID)
    revenue = record.revenue
    value = record.value
    timestamp = record.timestamp
  }

  /// The body that holds the record alone.
  var body: [UInt8] {
    let settings = BodySettings(accountID: "1", anonymizeIP: true, clientName: "c", clientVersion: "1", enrichDecisions: true)
    let snapshot = kind == .decision ? event : #"{"decisions":[],"events":["# + event + "]}"
    let visitorObject = #"{"visitor_id":""# + visitor + "\"" + group + #","snapshots":["# + snapshot + "]}"
    return settings.prefix + bytes(visitorObject) + settings.suffix
  }
}

/// What became of a row.
enum Fate: Equatable {
  case record(Written)
  case reject(Reject)
  case filtered

  var record: Written? { if case .record(let written) = self { written } else { nil } }
  var reject: Reject? { if case .reject(let reject) = self { reject } else { nil } }
}

/// A row taken apart.
struct Row {
  var bytes: [UInt8]
  var tape: RowTape

  /// One JSON text; nil when it is none.
  init?(json: [UInt8]) {
    bytes = json
    tape = RowTape()
    var parser = JSONParser(depthLimit: Limits.nestingDepth)
    do { try parser.parse(json.span, into: &tape) } catch { return nil }
  }

  /// Cells as they are, whatever they hold.
  init(cells: [[UInt8]]) {
    bytes = []
    tape = RowTape()
    for cell in cells {
      if !bytes.isEmpty { bytes.append(0x2c) }
      tape.nodes.append(Node(kind: .cell, escaped: false, start: bytes.count, count: cell.count, next: tape.nodes.count + 1))
      bytes += cell
    }
  }
}

/// Normalises rows of one input, one after another.
struct Harness: ~Copyable {
  private var normalizer: Normalizer
  private var arena = ByteArena(limit: 64 << 20)
  private let header: [String]?

  init(
    _ mapping: Mapping = .native, header: [String]? = nil, kind: RecordKind? = nil, account: String = "1",
    attributes: [String: String] = [:], likelyDelimiter: String? = nil
  ) throws(HeaderRefusal) {
    self.header = header
    normalizer = try Normalizer(
      mapping: mapping, header: header, kind: kind, settings: NormalizerSettings(accountID: account, attributes: attributes),
      likelyDelimiter: likelyDelimiter)
    arena.append("before")
  }

  var conversionCounts: ConversionCounts { normalizer.conversionCounts }

  var unknownNames: [String] { normalizer.unknownNames.map { "\($0.name) \($0.rowCount)" } }

  private static let place = RowPlace(input: 3, offset: 5, line: 7)

  mutating func normalize(_ row: Row) -> Fate {
    var tape = row.tape
    let length = arena.count
    return fate(normalizer.normalize(row.bytes.span, &tape, quote: 0x22, place: Harness.place, into: &arena), length)
  }

  /// The fates of all elements of a row.
  mutating func normalizeAll(_ text: String) throws -> [Fate] {
    let row = try #require(Row(json: NormalizingTests.bytes(text)))
    var tape = row.tape
    let length = arena.count
    var fates = [fate(normalizer.normalize(row.bytes.span, &tape, quote: 0x22, place: Harness.place, into: &arena), length)]
    while let outcome = normalizer.normalizeNext(row.bytes.span, tape, place: Harness.place, into: &arena) {
      fates.append(fate(outcome, length))
    }
    return fates
  }

  private mutating func fate(_ outcome: RowOutcome, _ length: Int) -> Fate {
    switch outcome {
    case .filtered:
      precondition(arena.count == length, "a row that is left out leaves the arena as it was")
      return .filtered
    case .reject(let reject):
      precondition(arena.count == length, "a reject leaves the arena as it was")
      return .reject(reject)
    case .record(let start):
      precondition(start == length, "a record begins where the arena ended")
      let written = read(start)
      arena.truncate(to: length)
      return .record(written)
    }
  }

  private func read(_ start: Int) -> Written {
    let record = StagedRecord(arena.span, at: start)
    precondition(start + record.byteCount == arena.count, "a record ends where the arena ends")
    precondition(record.input == 3 && record.rowOffset == 5 && record.line == 7, "a record knows its row")
    return Written(record)
  }

  mutating func json(_ text: String) throws -> Fate { normalize(try #require(Row(json: bytes(text)))) }

  /// A CSV row, its cells by column name.
  mutating func csv(_ cells: [String: String]) throws -> Fate {
    normalize(Row(cells: try #require(header).map { bytes(cells[$0] ?? "") }))
  }
}

/// A native JSON row's fate.
func json(_ text: String, _ mapping: Mapping = .native, kind: RecordKind? = nil, attributes: [String: String] = [:]) throws
  -> Fate
{
  var harness = try Harness(mapping, kind: kind, attributes: attributes)
  return try harness.json(text)
}

/// A native CSV row's fate, with the columns that it names.
func csv(_ cells: [String: String], kind: RecordKind? = nil, attributes: [String: String] = [:]) throws -> Fate {
  var harness = try Harness(header: cells.keys.sorted(), kind: kind, attributes: attributes)
  return try harness.csv(cells)
}

/// What a table expects of a row.
enum Expected: CustomTestStringConvertible {
  /// The event's text has this in it.
  case has(String)
  /// The event's text has this not in it.
  case lacks(String)
  case reject(RejectCode, String)

  var testDescription: String {
    switch self {
    case .has(let text): "has \(text)"
    case .lacks(let text): "lacks \(text)"
    case .reject(let code, let column): "\(code.rawValue) in \(column)"
    }
  }

  func check(_ fate: Fate, _ location: SourceLocation = #_sourceLocation) {
    switch self {
    case .has(let part): #expect(fate.record?.event.contains(part) == true, "\(fate)", sourceLocation: location)
    case .lacks(let part): #expect(fate.record?.event.contains(part) == false, "\(fate)", sourceLocation: location)
    case .reject(let code, let column):
      #expect(fate.reject?.code == code, "\(fate)", sourceLocation: location)
      #expect(fate.reject?.column == column, "\(fate)", sourceLocation: location)
      #expect(fate.reject?.message.isEmpty == false, sourceLocation: location)
    }
  }
}

let decisionCells = [
  "visitor_id": "v", "campaign_id": "11", "experiment_id": "22", "variation_id": "33", "timestamp": "1700000000000",
]
let conversionCells = ["visitor_id": "v", "entity_id": "55", "timestamp": "1700000000000"]

/// A native JSON row with the members of a cell dictionary, and more behind them: of two members with one name the last counts.
func row(_ cells: [String: String], _ more: String = "") -> String {
  let members = cells.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }
  return "{" + (members + (more.isEmpty ? [] : [more])).joined(separator: ",") + "}"
}

extension Dictionary where Key == String, Value == String {
  func with(_ name: String, _ value: String) -> [String: String] { merging([name: value]) { $1 } }
  func without(_ name: String) -> [String: String] { filter { $0.key != name } }
}

/// The id that is derived from a text.
func uuid5(_ name: String) -> String {
  let namespace: [UInt8] = [
    0x2b, 0x4e, 0xbe, 0x69, 0xf7, 0x40, 0x5e, 0x3b, 0xbf, 0x28, 0x17, 0x6c, 0xb1, 0x94, 0xd6, 0xf0,
  ]
  var arena = ByteArena(limit: 36)
  arena.append(uuidOf: (namespace + bytes(name)).span)
  return text(arena.span)
}

extension Mapping {
  /// Rows as the Experimentation Events Export has them: other names, times in UTC, attributes as a list with ids for all.
  static let eventsExport = Mapping(
    name: "events-export",
    fields: [
      .account: .path("account_id"), .visitor: .path("visitor_id"), .session: .path("session_id"),
      .campaign: .path("campaign_id"), .experiment: .path("experiment_id"), .variation: .path("variation_id"),
      .holdback: .path("is_holdback"), .timestamp: .converted(.path("timestamp"), .time(.native, zone: "UTC")), .uuid: .path("uuid"),
      .entity: .path("entity_id"),
      .key: .path("event_name"), .revenue: .path("revenue"), .value: .path("value"), .quantity: .path("quantity"),
    ],
    tags: [.members(of: "tags")],
    attributes: [
      .elements(
        of: "attributes",
        filters: [
          ElementFilter("type", isOneOf: false, ["metadata"]), ElementFilter("name", isOneOf: false, ["$opt_enrich_decisions"]),
        ],
        type: "type", entity: "id", key: "name", value: "value", entityOnlyForCustom: true)
    ],
    ignored: [
      "process_timestamp", "user_ip", "user_agent", "referer", "revision", "client_engine", "client_version", "event_type",
      "experiments",
    ])
}

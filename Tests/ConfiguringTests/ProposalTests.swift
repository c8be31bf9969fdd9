import Foundation
import Normalizing
import Testing
import Vocabulary

@testable import Configuring

@Suite("Proposed configurations")
struct ProposalTests {
  private static let variables = ["ACCOUNT_ID": "1", "SALT": "s"]

  private func sample(_ columns: [String], _ rows: [[String?]], _ format: InputFormat = .csv) -> FileSample {
    FileSample(path: "/a/rows.\(format.rawValue)", format: format, columns: columns, rows: rows)
  }

  private func read(_ text: String, datafile: Datafile? = nil) throws(ConfigurationFault) -> ConfigurationFile {
    try ConfigurationFile(text, file: "p.yaml", settings: ["account_id"], variables: ProposalTests.variables) {
      _ throws(Datafile.Fault) in datafile
    }
  }

  private func mapping(_ sample: FileSample, _ answers: [String: String] = [:]) throws -> Mapping {
    let text = answers.reduce(Proposal([sample], datafile: nil).text) { $0.replacing($1.key, with: $1.value) }
    return try #require(try read(text).inputs.first?.mapping, "\(text)")
  }

  /// A conversion file whose times are these.
  private func times(_ cells: [String]) -> FileSample { sample(["user", "goal_id", "when"], cells.map { ["u", "9", $0] }) }

  @Test(
    "times are told by their cells",
    arguments: [
      (["1714564800000"], nil), (["1714564800"], .epoch(.seconds)), (["1714564800.25"], .epoch(.seconds)),
      (["1714564800000000"], .epoch(.microseconds)), (["1714564800000000000"], .epoch(.nanoseconds)),
      (["2024-05-01T12:00:00Z", "2024-05-01T14:00:00+02:00"], nil),
    ] as [([String], TimeFormat?)])
  func plainTimes(cells: [String], format: TimeFormat?) throws {
    let expected = format.map { Source.converted(.path("when"), .time($0, zone: nil)) } ?? .path("when")
    #expect(try mapping(times(cells)).fields[.timestamp] == expected)
  }

  @Test(
    "a local time's zone is a question, and the configuration does not read before it is answered",
    arguments: [
      (["2024-05-01 12:00:00"], nil), (["2024-05-01"], nil), (["5/13/2024 14:00"], "M/d/yyyy HH:mm"),
      (["13/5/2024 14:00"], "d/M/yyyy HH:mm"),
      (["13/5/2024 14:00", "1/2/2024 01:00"], "d/M/yyyy HH:mm"), (["5/13/2024 2:00 PM"], "M/d/yyyy h:mm a"),
      (["5/13/2024 14:00", "5/14/2024 9:30"], "M/d/yyyy H:mm"), (["1.5.2024"], "d.M.yyyy"),
      (["45413.5", "45414.25"], "spreadsheet"),
    ] as [([String], String?)])
  func localTimes(cells: [String], format: String?) throws {
    let proposal = Proposal([times(cells)], datafile: nil)
    #expect(throws: ConfigurationFault.self) { try read(proposal.text) }
    let found = try mapping(times(cells), ["zone: \"?\"": "zone: Europe/Paris"]).fields[.timestamp]
    #expect(found == .converted(.path("when"), .time(format.map(TimeFormat.init) ?? .native, zone: "Europe/Paris")))
  }

  @Test("days and months that cannot be told apart are a question of their own")
  func ambiguousDays() throws {
    let sample = times(["5/1/2024 14:00", "6/2/2024 15:00"])
    let text = Proposal([sample], datafile: nil).text
    #expect(text.contains("is it M/d/yyyy HH:mm or d/M/yyyy HH:mm?"))
    #expect(throws: ConfigurationFault.self) { try read(text.replacing("zone: \"?\"", with: "zone: UTC")) }
    _ = try mapping(sample, ["zone: \"?\"": "zone: UTC", "format: \"?\"": "format: d/M/yyyy HH:mm"])
  }

  @Test(
    "amounts with decimals count whole units, and what others count is a question",
    arguments: [
      (["19.99", "5.00"], MoneyFormat(unit: .major)), (["1,019.99", "5.00"], MoneyFormat(unit: .major, number: NumberFormat(group: ","))),
      (["1.019,99", "5,00"], MoneyFormat(unit: .major, number: NumberFormat(decimal: ",", group: "."))),
      (["19,9"], MoneyFormat(unit: .major, number: NumberFormat(decimal: ","))), (["1999", "20"], nil),
    ] as [([String], MoneyFormat?)])
  func money(cells: [String], format: MoneyFormat?) throws {
    let sample = sample(["user", "goal_id", "ts", "total"], cells.map { ["u", "9", "1714564800000", $0] })
    if format == nil { #expect(throws: ConfigurationFault.self) { try read(Proposal([sample], datafile: nil).text) } }
    let found = try mapping(sample, ["unit: \"?\"": "unit: minor"]).fields[.revenue]
    #expect(found == .converted(.path("total"), .money(format ?? MoneyFormat(unit: .minor))))
  }

  @Test("columns are found by the names that people give them, in any spelling, and of nested members by the last")
  func names() throws {
    let sample = sample(
      ["user.Customer-ID", "event name", "order.Placed At", "order.order_no", "session id", "qty", "colour"],
      [["c1", "buy", "1714564800000", "A1", "s", "2", "red"], ["c1", "buy", "1714564800001", "A2", "s", "1", "blue"]], .ndjson)
    let text = Proposal([sample], datafile: nil).text
    for line in [
      "visitor_id: user.Customer-ID", "entity_id: {from: \"event name\", key: event}", "timestamp: \"order.Placed At\"",
      "uuid: {from: [order.order_no, \"event name\"]}", "session_id: \"session id\"", "quantity: qty", "#   colour: colour",
    ] { #expect(text.contains(line), "\(line) in\n\(text)") }
  }

  @Test("keys are looked up in the datafile, and those that it does not have are told by number")
  func keys() throws {
    let datafile = try Datafile(
      Array(
        #"{"accountId":"7","events":[{"id":"9","key":"buy"}],"experiments":[{"id":"2","key":"checkout","layerId":"1","variations":[{"id":"3","key":"red"}]}]}"#
          .utf8))
    let conversions = sample(["user", "event", "ts"], [["u", "buy", "1714564800000"], ["u", "look", "1714564800000"]])
    let decisions = sample(["user", "experiment", "variant", "ts"], [["u", "checkout", "red", "1714564800000"]])
    let proposal = Proposal([conversions, decisions], datafile: datafile, datafileName: "/d.json")
    #expect(proposal.text.contains("account_id: \"7\"") && proposal.text.contains("1 of 2 keys are not in the datafile"))
    let file = try read(proposal.text.replacing("datafile: /d.json", with: "datafile: x"), datafile: datafile)
    #expect(file.inputs.map(\.record) == [.conversion, .decision])
    #expect(Set(file.inputs[1].mapping?.fields.keys.map { $0 } ?? []) == [.visitor, .timestamp, .campaign, .experiment, .variation])
  }

  @Test("addresses of people are proposed as hashes, with a salt, and a question")
  func mails() throws {
    let sample = sample(
      ["customer email", "goal", "ts"], [["anna@example.com", "9", "1714564800000"], ["b@example.com", "9", "1714564800000"]])
    let proposal = Proposal([sample], datafile: nil)
    #expect(proposal.text.contains("must not be sent"))
    let hashed = Source.hashed(.converted(.path("customer email"), .text([.trim, .lowercase])), salt: "${SALT}")
    #expect(try mapping(sample).fields[.visitor] == hashed)
  }

  @Test("damage by spreadsheets is told, and what is missing does not read or import as if it were there")
  func damage() throws {
    let damaged = sample(["user", "goal", "ts"], [["u", "9.56E+09", "1714564800000"]])
    #expect(Proposal([damaged], datafile: nil).text.contains("a spreadsheet cut digits off"))
    let bare = sample(["x", "y"], [["1", "2"]])
    let text = Proposal([bare], datafile: nil).text
    for field in ["visitor_id", "timestamp", "entity_id"] { #expect(text.contains("\(field): \"?\""), "\(text)") }
  }

  @Test(
    "known forms of rows are named",
    arguments: [
      (["visitor_id", "entity_id", "timestamp", "revenue"], ["v", "9", "1714564800000", "1999"], "native"),
      (["visitor_id", "entity_id", "timestamp", "revenue"], ["v", "9", "1714564800000", "19.99"], nil),
      (["visitor_id", "entity_id", "timestamp"], ["v", "9", "1714564800"], nil),
      (["uuid", "timestamp", "visitor_id", "is_holdback"], ["u", "2024-05-01 12:00:00", "v", "false"], "events-export"),
      (["account_id", "visitors[]"], ["1", nil], "sdk-log"),
      (["type", "event", "messageId", "userId"], ["track", "x", "m", "u"], "segment"),
      (["event_name", "event_timestamp", "user_pseudo_id"], ["x", "1714564800000000", "u"], "ga4"),
    ] as [([String], [String?], String?)])
  func presets(columns: [String], row: [String?], preset: String?) {
    let text = Proposal([sample(columns, [row], .ndjson)], datafile: nil).text
    #expect(text.contains("preset: ") == (preset != nil))
    if let preset { #expect(text.contains("preset: \(preset)\n") || text.hasSuffix("preset: \(preset)")) }
  }

  @Test("whatever columns are called, the text reads once its questions are answered, and holds no visitor's data", arguments: 0..<60)
  func hostile(seed: Int) throws {
    var state = UInt64(seed) &+ 7
    func below(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    let pieces = [
      "user", "email", "event", "total", "date", "<script>", "\"", "'", ":", "#", "\n", "\t", "- ", "{", "[", "$", "${X}", "\u{202e}", "é",
      "", " ",
    ]
    var names: [String] = []
    while names.count < 1 + below(8) {
      let name = (0..<(1 + below(3))).map { _ in pieces[below(pieces.count)] }.joined()
      if !names.contains(name) { names.append(name) }
    }
    let cells = ["secret\(seed)@example.com", "1714564800", "19,99", "Secret Name", "5/1/2024 14:00", nil, "9.5E+09", "secret-\(seed)"]
    let rows = (0..<(1 + below(5))).map { _ in names.map { _ in cells[below(cells.count)] } }
    let proposal = Proposal([sample(names, rows)], datafile: nil)
    #expect(!proposal.text.lowercased().contains("secret"), "\(proposal.text)")
    #expect(proposal.text.components(separatedBy: "# QUESTION: ").count - 1 == proposal.questionCount)
    let answers = [
      "unit: \"?\"": "unit: minor", "zone: \"?\"": "zone: UTC", "format: \"?\"": "format: M/d/yyyy HH:mm", "key: event}": "key: event}",
    ]
    let datafile = try Datafile(Array("{}".utf8))
    do throws(ConfigurationFault) {
      let answered = answers.reduce(proposal.text) { $0.replacing($1.key, with: $1.value) }.replacing("\"?\"", with: "answered")
      _ = try read(answered, datafile: datafile)
    } catch {
      Issue.record("\(error)\n\(proposal.text)")
    }
  }
}

@Suite("The schema of configurations")
struct SchemaTests {
  @Test("it is JSON, its references lead somewhere, and each of its keys is read by configurations")
  func keys() throws {
    let text = ConfigurationSchema.text(settings: ["account_id", "exclude"])
    let root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let definitions = try #require(root["$defs"] as? [String: Any])
    var references: Set<String> = []
    func walk(_ value: Any) {
      if let object = value as? [String: Any] {
        if let name = object["$ref"] as? String { references.insert(String(name.dropFirst("#/$defs/".count))) }
        object.values.forEach(walk)
      }
      (value as? [Any])?.forEach(walk)
    }
    walk(root)
    #expect(references.isSubset(of: definitions.keys) && references.contains("value"))
    func properties(_ value: Any?) throws -> [String] {
      try #require(((value as? [String: Any])?["properties"] as? [String: Any])?.keys.sorted())
    }
    func unknown(_ yaml: String) -> Bool {
      do throws(ConfigurationFault) {
        _ = try ConfigurationFile(yaml, file: "", settings: ["account_id", "exclude"], variables: [:])
        return false
      } catch {
        return error.description.contains("is no key of")
      }
    }
    for key in try properties(root) { #expect(!unknown("\(key): x"), "\(key)") }
    for key in try properties(definitions["input"]) { #expect(!unknown("inputs: [{\(key): x}]"), "\(key)") }
    for (name, place) in [("value", "fields: {visitor_id: "), ("typed", "tags: {a: "), ("attribute", "attributes: {a: ")] {
      let object = try #require(((definitions[name] as? [String: Any])?["anyOf"] as? [Any])?.last)
      for key in try properties(object) { #expect(!unknown("inputs: [{files: a, \(place){\(key): x}}}]"), "\(name): \(key)") }
    }
    // What only attributes have is unknown elsewhere, in the schema as in the reader.
    for place in ["fields: {visitor_id: ", "tags: {a: "] { #expect(unknown("inputs: [{files: a, \(place){entity_id: x}}}]")) }
    #expect(unknown("inputs: [{files: a, fields: {visitor_id: {type: string}}}]"))
    #expect(unknown("inputs: [{files: a, fields: {visitor_id: {frm: x}}}]"), "the test sees what is unknown")
  }
}

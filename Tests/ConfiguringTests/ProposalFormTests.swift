import Foundation
import Normalizing
import Testing
import Vocabulary

@testable import Configuring

@Suite("Forms of files in proposed configurations")
struct ProposalFormTests {
  private let time = Proposals.time

  @Test("rows of both kinds are two inputs of one file, each with the rows of its kind")
  func mixed() throws {
    let rows: [[String?]] = [
      ["u", "2", "30", nil, nil, time], ["u", nil, nil, "9", "19.99", time], ["w", "2", "31", nil, nil, time],
    ]
    let text = Proposals.text(["user", "experiment", "variation", "goal", "total", "ts"], rows, datafile: try Proposals.datafile())
    let inputs = try Proposals.read(text, datafile: try Proposals.datafile()).inputs
    try #require(inputs.count == 2, "\(text)")
    #expect(inputs.map(\.record) == [.decision, .conversion], "\(text)")
    #expect(inputs.map(\.files) == [["/a/rows.csv"], ["/a/rows.csv"]])
    let variation = Source.path("variation")
    #expect(inputs.map { $0.mapping?.conditions } == [[Condition(variation, .isNotEmpty)], [Condition(variation, .isEmpty)]])
    #expect(inputs[0].mapping?.fields[.entity] == nil && inputs[1].mapping?.fields[.campaign] == nil)
    #expect(inputs[1].mapping?.fields[.revenue] != nil)
  }

  @Test("native columns with rows of both kinds and no column that says which are two inputs too")
  func mixedNative() throws {
    let columns = ["visitor_id", "campaign_id", "experiment_id", "variation_id", "entity_id", "timestamp"]
    let rows: [[String?]] = [["u", "1", "2", "3", nil, time], ["u", nil, nil, nil, "9", time]]
    let text = Proposals.text(columns, rows)
    #expect(try Proposals.read(text).inputs.map(\.record) == [.decision, .conversion], "\(text)")
    let said = Proposals.text(columns + ["record"], [rows[0] + ["decision"], rows[1] + ["conversion"]])
    #expect(try Proposals.read(said).inputs.map(\.record) == [nil], "\(said)")
    let objects = Proposals.text(columns, rows, .ndjson)
    #expect(try Proposals.read(objects).inputs.map(\.record) == [nil], "\(objects)")
  }

  @Test("rows that each have a variation and one of several events leave their kind a question, with the fields of both")
  func eitherKind() throws {
    let rows: [[String?]] = [["u", "2", "30", "9", time], ["u", "2", "30", "10", time]]
    let text = Proposals.text(["user", "experiment", "variation", "goal", "ts"], rows, datafile: try Proposals.datafile())
    #expect(text.contains("record: \"?\"") && text.contains("# QUESTION: each row has a variation"), "\(text)")
    for word in ["decision", "conversion"] {
      let answered = text.replacing("record: \"?\"", with: "record: \(word)")
      #expect(Proposals.reads(answered, datafile: try Proposals.datafile()), "\(answered)")
    }
    let viewed = Proposals.text(["user", "experiment", "variation", "event", "ts"], [["u", "2", "30", "viewed", time]])
    #expect(viewed.contains("record: decision"), "\(viewed)")
  }

  @Test("members of JSON objects that would be rejected as they are, are told")
  func members() {
    let columns = ["visitor_id", "entity_id", "timestamp", "properties.size", "tags.deep.x"]
    let native = Proposals.text(columns, [["u", "9", time, "5", "y"]], .ndjson)
    #expect(native.contains("properties.size looks like a number") && native.contains("tags.deep.x is inside of a member"), "\(native)")
    #expect(!native.contains("hold what they should"), "\(native)")
    let mapped = Proposals.text(["user", "goal", "ts", "properties.size", "tags.deep.x"], [["u", "9", time, "5", "y"]], .ndjson)
    #expect(!mapped.contains("\"*\"") && mapped.contains("#   size: {from: properties.size, type: number}"), "\(mapped)")
  }

  @Test(
    "a first row like the rows below names nothing, so that the columns are called by their numbers",
    arguments: [
      (["anna", "9", "1714564800001"], ["bert", "9", "1714564800002"], "timestamp: \"3\""),
      (["a@example.com", "buy", "2024-05-01T12:00:00Z"], ["b@example.com", "buy", "2024-05-01T12:01:00Z"], "timestamp: \"3\""),
      (["anna", "5/13/2024 14:00", "19.99"], ["bert", "5/14/2024 15:00", "5.00"], "timestamp: {from: \"2\""),
    ])
  func headerless(first: [String], second: [String], line: String) {
    let text = Proposals.text(first, [second, second])
    #expect(text.contains("header: false") && text.contains("QUESTION: the first row looks like the rows below it"), "\(text)")
    #expect(text.contains(line) && !text.contains(first[0]), "\(text)")
  }

  @Test(
    "a first row that names columns is a header, be the names digits or not",
    arguments: [
      (["visitor_id", "entity_id", "timestamp"], ["v", "9", "1714564800000"]), (["1", "2", "3"], ["v", "9", "1714564800000"]),
      (["user", "2023", "2024"], ["u", "15", "20"]), (["x", "y"], ["1", "2"]),
    ])
  func header(first: [String], second: [String]) {
    let text = Proposals.text(first, [second])
    #expect(!text.contains("header: false"), "\(text)")
  }

  /// Columns and cells of all kinds that a proposal tells apart, thrown together.
  private struct Mixture {
    private var state: UInt64
    var names: [String] = []
    var rows: [[String?]] = []

    init(_ seed: Int) {
      state = UInt64(seed) &+ 11
      let words = [
        "visitor_id", "entity_id", "timestamp", "campaign_id", "experiment", "variation_id", "variation", "flag_key", "rule_key", "enabled",
        "attributes.plan", "tags.total", "properties.p", "event", "total", "amount_cents", "value", "quantity", "id", "uuid", "order", "at",
        "items[]", "record", "revenue", "what",
      ]
      while names.count < 2 + below(8) {
        let name = words[below(words.count)]
        if !names.contains(name) { names.append(name) }
      }
      let cells = [
        "1", "20", "checkout_1", "1714564800000", "2024-05-01T12:00:00Z", "02/04/2024", "19.99", "11.250", "true", "9.5E+09", nil, nil,
        "buy",
        "secret\(seed)@example.com", "secret\(seed)", "50001.0", "45000",
      ]
      // A column's cells are mostly of one kind.
      let likely = names.map { _ in below(cells.count) }
      for _ in 0..<(1 + below(6)) {
        rows.append(names.indices.map { names[$0].hasSuffix("[]") ? nil : cells[below(4) == 0 ? below(cells.count) : likely[$0]] })
      }
    }

    private mutating func below(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
  }

  @Test("amounts beside their currency are amounts, and a column that is different in each row is named")
  func bookings() {
    let rows = [["B1", "12,50 EUR"], ["B2", "\u{20ac}7,25"], ["B3", "1,99 EUR"]]
    let text = Proposal([Proposals.sample(["Booking No", "Price"], rows, .csv)], datafile: nil).text
    #expect(text.contains("revenue: {from: Price, unit: major, decimal: \",\"}"), "\(text)")
    #expect(text.contains("\"Booking No\" is different in each row: if it names the event, say uuid: {from: [\"Booking No\"]}"), "\(text)")
  }

  @Test("whatever stands in columns, the text reads once its questions are answered, and holds no visitor's data", arguments: 0..<300)
  func mixtures(seed: Int) throws {
    let mixture = Mixture(seed)
    let isCSV = !mixture.names.contains { $0.hasSuffix("[]") }
    let proposal = Proposal([Proposals.sample(mixture.names, mixture.rows, isCSV ? .csv : .ndjson)], datafile: nil)
    #expect(!proposal.text.contains("secret"), "\(proposal.text)")
    #expect(proposal.text.components(separatedBy: "# QUESTION: ").count - 1 == proposal.questions.count)
    let answers = [
      "unit: \"?\"": "unit: minor", "zone: \"?\"": "zone: UTC", "format: \"?\"": "format: M/d/yyyy", "record: \"?\"": "record: decision",
      "decimal: \"?\", group: \"?\"": "decimal: \".\"",
    ]
    let datafile = try Datafile(Array("{}".utf8))
    do throws(ConfigurationFault) {
      let answered = answers.reduce(proposal.text) { $0.replacing($1.key, with: $1.value) }.replacing("\"?\"", with: "answered")
      _ = try Proposals.read(answered, datafile: datafile)
    } catch {
      Issue.record("\(error)\n\(proposal.text)")
    }
  }
}

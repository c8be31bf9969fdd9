import Foundation
import Testing
import Vocabulary

@Suite("Configurations made from files")
struct InitTests {
  private static let datafile = """
    {"version":"4","accountId":"1","events":[{"id":"21","key":"buy"}],"featureFlags":[{"key":"pay","experimentIds":["12"]}],
     "experiments":[{"id":"12","key":"checkout","layerId":"11","variations":[{"id":"13","key":"v0"},{"id":"14","key":"v1"}]}]}
    """
  private let folder: ScratchFolder

  init() throws {
    folder = try ScratchFolder()
    try folder.write(InitTests.datafile, to: "datafile.json")
  }

  private func made(_ text: String, _ name: String = "rows.csv", _ flags: [String] = []) throws -> String {
    let outcome = try Program().run(["init", try folder.write(text, to: name)] + flags)
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    return outcome.output
  }

  /// What a plan by a configuration counts, once its questions are answered.
  private func planned(_ text: String, _ answers: [String: String] = [:]) throws -> (events: [String: Int], records: [String: Int]) {
    let file = try folder.write(answers.reduce(text) { $0.replacing($1.key, with: $1.value) }, to: "made.yaml")
    var program = Program()
    program.environment = ["ACCOUNT_ID": "1", "SALT": "s"]
    let state = folder.path + "/state-\(UUID().uuidString)"
    let outcome = try program.run(["plan", "--json", "--config", file, "--state", state])
    #expect(outcome.exit == .complete, "\(outcome.errors)\(outcome.output)\(text)")
    let json = try outcome.json()
    return (try #require(json["events"] as? [String: Int]), try #require(json["records"] as? [String: Int]))
  }

  @Test(
    "a file of decisions and conversions is imported as both",
    arguments: [
      "user,experiment,variation,event,total,ts\nu,checkout,v0,,,1714564800000\nu,,,buy,19.99,1714564800001\nw,checkout,v1,,,1714564800002\n",
      """
      visitor_id,campaign_id,experiment_id,variation_id,entity_id,timestamp
      u,11,12,13,,1714564800000
      u,,,,21,1714564800001
      w,11,12,14,,1714564800002

      """,
    ])
  func mixed(rows: String) throws {
    let plan = try planned(try made(rows, "rows.csv", ["--datafile", folder.path + "/datafile.json"]))
    #expect(plan.events == ["decisions": 2, "conversions": 1])
    #expect(plan.records["rejected"] == 0 && plan.records["filtered"] == 3, "\(plan)")
  }

  @Test("a file whose first row names nothing is imported with that row", arguments: ["anna", "9"])
  func headerless(first: String) throws {
    let text = try made("\(first),9,1714564800000\nbert,9,1714564800001\n")
    #expect(text.contains("header: false"), "\(text)")
    let answers = ["visitor_id: \"?\"": "visitor_id: \"1\"", "entity_id: \"?\"": "entity_id: \"2\""]
    #expect(try planned(text, answers).events == ["decisions": 0, "conversions": 2])
  }

  @Test("a name that stands twice in a header is told, as it names columns")
  func twice() throws {
    let outcome = try Program().run(["init", try folder.write("user,goal,goal,ts\nu,9,9,1714564800000\n", to: "rows.csv")])
    #expect(outcome.exit == .inputUnreadable && outcome.errors.contains("two columns are named goal"), "\(outcome.errors)")
  }

  @Test("native columns with another of money are imported with it, by kind in CSV, where no row says one")
  func nativeWithMoney() throws {
    let decisions = "visitor_id,campaign_id,experiment_id,variation_id,timestamp,colour\nu,11,12,13,1714564800000,red\n"
    #expect(try planned(try made(decisions)).events == ["decisions": 1, "conversions": 0])
    let conversions = "visitor_id,entity_id,timestamp,total_cents,order_no\nu,21,1714564800000,1999,A1\nu,21,1714564800000,1999,A2\n"
    let text = try made(conversions)
    #expect(text.contains("entity_id: entity_id") && text.contains("revenue: {from: total_cents"), "\(text)")
    #expect(try planned(text).events == ["decisions": 0, "conversions": 2])
    let objects = #"{"visitor_id":"u","entity_id":"21","timestamp":1714564800000,"total_cents":1999}"# + "\n"
    #expect(try planned(try made(objects, "rows.ndjson")).events == ["decisions": 0, "conversions": 1])
  }

  @Test("flags say what the form of files is, for the look and for the configuration")
  func forms() throws {
    let rows = "%made\nx|y\nuser~goal~ts\n'anna'~9~1714564800000\n"
    let flags = ["--delimiter", "~", "--quote", "'", "--comment", "%", "--skip", "2", "--encoding", "latin-1"]
    let text = try made(rows, "rows.txt", flags)
    for line in ["delimiter: \"~\"", "quote: \"'\"", "comment: \"%\"", "skip: 2", "encoding: latin-1", "visitor_id: user"] {
      #expect(text.contains(line), "\(line) in\n\(text)")
    }
    #expect(!text.contains("is it latin-1"))
    #expect(try planned(text).events == ["decisions": 0, "conversions": 1])
    let bare = try made("anna,9,1714564800000\n", "bare.csv", ["--header", "false"])
    #expect(bare.contains("header: false") && bare.contains("timestamp: \"3\"") && !bare.contains("looks like the rows"), "\(bare)")
    #expect(try Program().run(["init", folder.path + "/rows.txt", "--delimiter", "~", "--quote", "~"]).exit == .usage)
  }

  @Test("a line that says the separator is passed over", arguments: [";", "\t", ","])
  func separatorLine(mark: String) throws {
    let text = try made("sep=\(mark)\n" + "user,goal,ts\nanna,9,1714564800000\n".replacing(",", with: mark))
    #expect(text.contains("skip: 1") && text.contains("visitor_id: user"), "\(text)")
    #expect(try planned(text).events == ["decisions": 0, "conversions": 1])
  }

  @Test("an export's rows say the account, when all say the same")
  func account() throws {
    func row(_ account: String) -> String {
      #"{"uuid":"\#(UUID())","timestamp":"2024-05-01 12:00:00.000","visitor_id":"v","account_id":"\#(account)","entity_id":"21","event_name":"buy"}"#
        + "\n"
    }
    let one = try made(row("77") + row("77"), "one.ndjson")
    #expect(one.contains("account_id: \"77\"") && !one.contains("# QUESTION"), "\(one)")
    let two = try made(row("77") + row("78"), "two.ndjson")
    #expect(two.contains("account_id: ${ACCOUNT_ID}") && two.contains("# QUESTION"), "\(two)")
  }

  @Test("objects that are laid out over several lines are told from rows")
  func laidOut() throws {
    let text = "{\n  \"user\": \"anna\",\n  \"goal\": 9\n}\n{\n  \"user\": \"bert\",\n  \"goal\": 9\n}\n"
    for name in ["rows.json", "rows.ndjson"] {
      let outcome = try Program().run(["init", try folder.write(text, to: name)])
      #expect(outcome.exit == .inputUnreadable && outcome.errors.contains("one object a line is read, or one JSON array"), "\(outcome)")
    }
  }

  @Test("with --json the configuration and its questions are one object")
  func json() throws {
    let file = try folder.write("user,goal,ts,total\nanna,9,1714564800000,20\n", to: "rows.csv")
    let json = try Program().run(["init", file, "--json"]).json()
    let questions = try #require(json["questions"] as? [String])
    #expect(Set(json.keys) == ["configuration", "questions"] && questions.count == 2)
    let text = try #require(json["configuration"] as? String)
    #expect(text == (try Program().run(["init", file]).output.dropLast()))
    for question in questions { #expect(text.contains("# QUESTION: \(question)\n")) }
    let preset = try Program().run(["init", "--preset", "ga4", "--json"]).json()
    #expect((preset["configuration"] as? String)?.contains("The preset ga4") == true && (preset["questions"] as? [String]) == [])
  }
}

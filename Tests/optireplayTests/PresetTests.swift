import Foundation
import Testing
import Vocabulary

@Suite("Presets on the command line")
struct PresetTests {
  private static let datafile = """
    {"version":"4","accountId":"1","events":[{"id":"21","key":"Order Completed"},{"id":"22","key":"purchase"},{"id":"23","key":"buy"}],
     "attributes":[{"id":"31","key":"plan"}],
     "experiments":[{"id":"12","key":"checkout","layerId":"11","variations":[{"id":"13","key":"a"}]}]}
    """

  private let folder: ScratchFolder

  /// A folder for bodies that is not there yet.
  private func newBodies() throws -> String {
    let path = folder.path + "/bodies"
    if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    return path
  }

  init() throws {
    folder = try ScratchFolder()
    try folder.write(PresetTests.datafile, to: "datafile.json")
  }

  private func text(_ preset: String) throws -> String {
    let outcome = try Program().run(["init", "--preset", preset])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    return outcome.output
  }

  /// The rows that a preset's text shows, with the names of a project put in.
  private func rows(_ preset: String) throws -> String {
    let names = [
      "{account}": "1", "{event}": preset == "ga4" ? "purchase" : "Order Completed", "{experiment}": "checkout", "{variation}": "a",
    ]
    let rows = try text(preset).split(separator: "\n").compactMap { line -> String? in
      let line = line.drop { $0 == " " }
      guard line.hasPrefix("#   {"), let brace = line.firstIndex(of: "{") else { return nil }
      return names.reduce(String(line[brace...])) { $0.replacing($1.key, with: $1.value) }
    }
    return rows.joined(separator: "\n") + "\n"
  }

  private func plan(_ flags: [String]) throws -> (json: [String: Any], body: String) {
    let outcome = try Program().run(
      [
        "plan", "--json", "--state", folder.path + "/state", "--output", try newBodies(), "--datafile",
        folder.path + "/datafile.json",
      ]
        + flags)
    #expect(outcome.exit == .complete, "\(outcome.errors)\(outcome.output)")
    return (try outcome.json(), try String(contentsOfFile: folder.path + "/bodies/1.json", encoding: .utf8))
  }

  @Test(
    "the rows that a preset shows are a decision and a conversion of one visitor, read by its name and by its text alike",
    arguments: ["native", "events-export", "sdk-log", "segment", "ga4"])
  func sample(preset: String) throws {
    let rows = try folder.write(try rows(preset), to: "rows.ndjson")
    let named = try plan(["--preset", preset, rows])
    #expect(named.json["events"] as? [String: Int] == ["decisions": 1, "conversions": 1], "\(named)")
    #expect((named.json["records"] as? [String: Int])?["rejected"] == 0)
    #expect(named.body.contains(#""campaign_id":"11","experiment_id":"12","variation_id":"13""#), "\(named.body)")
    #expect(named.body.contains("\"timestamp\":1714564860000"))
    #expect(named.body.contains("\"revenue\":1999"))
    #expect(named.body.components(separatedBy: "\"visitor_id\":\"v1\"").count > 1)

    let config = try text(preset).replacing("${ACCOUNT_ID}", with: "1").replacing("${FILES}", with: "rows.ndjson")
    let file = try folder.write(config, to: "import.yaml")
    let written = try plan(["--config", file])
    #expect(written.body == named.body)
  }

  @Test(
    "a configuration made from a preset's sample imports it as the preset does",
    arguments: ["native", "events-export", "sdk-log", "segment", "ga4"])
  func proposed(preset: String) throws {
    let rows = try folder.write(try rows(preset), to: "rows.ndjson")
    let named = try plan(["--preset", preset, rows])
    let proposed = try Program().run(["init", rows, "--datafile", folder.path + "/datafile.json"])
    #expect(proposed.exit == .complete, "\(proposed.errors)")
    #expect(!proposed.output.contains("# QUESTION"), "\(proposed.output)")
    let file = try folder.write(proposed.output, to: "proposed.yaml")
    #expect(try plan(["--config", file]).body == named.body)
  }

  @Test("files that people have become a configuration whose questions, once answered, import them")
  func strange() throws {
    let text = "Order;Mail;Ordered at;Total\nA1;anna@example.com;13.05.2024 14:00;1.019,99\nA2;bert@example.com;14.05.2024 09:30;5,00\n"
    let rows = try folder.write(try #require(text.replacing("Mail", with: "M\u{e4}il").data(using: .isoLatin1)), to: "orders.csv")
    let proposed = try Program().run(["init", rows])
    #expect(proposed.exit == .complete && proposed.errors.contains("left to answer"), "\(proposed.errors)")
    #expect(proposed.output.contains("encoding: windows-1252") && proposed.output.contains("delimiter: \";\""), "\(proposed.output)")
    var program = Program()
    program.environment = ["ACCOUNT_ID": "1", "SALT": "s"]
    let file = try folder.write(proposed.output, to: "proposed.yaml")
    let arguments = ["plan", "--config", file, "--state", folder.path + "/state"]
    #expect(try program.run(arguments).exit == .configuration)
    let answered = proposed.output.replacing("zone: \"?\"", with: "zone: Europe/Berlin").replacing(
      "entity_id: \"?\"", with: "entity_id: {const: 9}")
    try folder.write(answered, to: "proposed.yaml")
    let outcome = try program.run(arguments + ["--output", try newBodies()])
    #expect(outcome.exit == .complete, "\(outcome.errors)\(answered)")
    let body = try String(contentsOfFile: folder.path + "/bodies/1.json", encoding: .utf8)
    #expect(body.contains("\"revenue\":101999") && body.contains("\"timestamp\":1715601600000"), "\(body)")
  }

  @Test(
    "comments and titles above the names of columns are told, so that the configuration reads the rows below",
    arguments: [
      ("# made by a tool\n#\n", "comment: \"#\""), ("Orders of May\nmade by a tool\n", "skip: 2"), ("", "timestamp: ts"),
    ])
  func titles(above: String, line: String) throws {
    for delimiter in [",", ";"] {
      let text = above + "user,goal,ts,note\nanna,9,1714564800000,x\nbert,9,1714564800001,y\n".replacing(",", with: delimiter)
      let proposed = try Program().run(["init", try folder.write(text, to: "rows.csv")])
      #expect(proposed.output.contains(line), "\(proposed.output)")
      let file = try folder.write(proposed.output.replacing("${ACCOUNT_ID}", with: "1"), to: "proposed.yaml")
      let outcome = try Program().run(["plan", "--json", "--config", file, "--state", folder.path + "/state"])
      #expect((try outcome.json()["records"] as? [String: Int])?["pending"] == 2, "\(outcome.errors)\(proposed.output)")
    }
  }

  @Test("init says what it cannot look at, and its schema is JSON")
  func faults() throws {
    #expect(try Program().run(["init"]).exit == .usage)
    #expect(try Program().run(["init", folder.path + "/none.csv"]).exit == .inputUnreadable)
    #expect(try Program().run(["init", try folder.write("a,b\n", to: "empty.csv")]).exit == .inputUnreadable)
    #expect(try Program().run(["init", "-"]).exit == .usage)
    #expect(try Program().run(["init", "--preset", "segmnt"]).exit == .usage)
    let schema = try Program().run(["init", "--schema"]).json()
    #expect((schema["properties"] as? [String: Any])?["on_conflict"] != nil)
  }

  @Test("an SDK's bodies keep their event ids, attributes and metadata, and leave out what the SDK adds for live traffic")
  func sdkLog() throws {
    let row = #"""
      {"account_id":"1","client_name":"swift-sdk","client_version":"3","anonymize_ip":true,"enrich_decisions":true,"project_id":"5","revision":"9","visitors":[{"visitor_id":"anna","attributes":[{"entity_id":"$opt_bot_filtering","key":"$opt_bot_filtering","type":"custom","value":false},{"entity_id":"31","key":"plan","type":"custom","value":"gold"}],"snapshots":[{"decisions":[{"campaign_id":"11","experiment_id":"12","variation_id":"13","is_campaign_holdback":false,"metadata":{"flag_key":"f","rule_key":"r","rule_type":"experiment","variation_key":"a","enabled":true}},{"campaign_id":"15","experiment_id":"16","variation_id":"17"}],"events":[{"entity_id":"15","type":"campaign_activated","key":"campaign_activated","timestamp":1714564800001,"uuid":"second"},{"entity_id":"11","key":"campaign_activated","timestamp":1714564800000,"uuid":"first"}]},{"events":[{"entity_id":"23","key":"buy","timestamp":1714564900000,"uuid":"third","revenue":0,"value":1.5,"tags":{"revenue":0,"size":"m"},"properties":{"p":"q"}}]}]},{"visitor_id":"bert","snapshots":[{"decisions":[],"events":[{"entity_id":"99","key":"campaign_activated","timestamp":1714564800000,"uuid":"lost"}]}]}]}
      """#
    let outcome = try Program().run(
      [
        "plan", "--json", "--account-id", "1", "--state", folder.path + "/state", "--output", try newBodies(), "--max-rejects", "1",
        "--preset", "sdk-log", try folder.write(row + "\n", to: "log.ndjson"),
      ])
    #expect(outcome.exit == .complete, "\(outcome.errors)\(outcome.output)")
    let body = try String(contentsOfFile: folder.path + "/bodies/1.json", encoding: .utf8)
    let attributes = #""attributes":[{"type":"custom","entity_id":"31","key":"plan","value":"gold"}]"#
    #expect(body.contains(#"{"visitor_id":"anna",\#(attributes),"snapshots":["#), "\(body)")
    #expect(
      body.contains(
        #"{"campaign_id":"11","experiment_id":"12","variation_id":"13","is_campaign_holdback":false,"metadata":{"flag_key":"f","rule_key":"r","rule_type":"experiment","variation_key":"a","enabled":true}}"#
      ), "\(body)")
    #expect(body.contains(#"{"campaign_id":"15","experiment_id":"16","variation_id":"17"}"#))
    for uuid in ["first", "second", "third"] { #expect(body.contains("\"uuid\":\"\(uuid)\"")) }
    #expect(body.contains(#""revenue":0,"value":1.5"#) && body.contains(#""properties":{"p":"q"}"#))
    #expect(!body.contains("bot_filtering") && !body.contains("bert"))
    let summary = try outcome.json()
    let records = try #require(summary["records"] as? [String: Int])
    #expect(records["read"] == 4 && records["pending"] == 3 && records["rejected"] == 1)
    let sent = try Program().run(
      [
        "import", "--account-id", "1", "--state", folder.path + "/state", "--max-rejects", "1", "--preset", "sdk-log",
        folder.path + "/log.ndjson",
      ])
    #expect(sent.exit == .tooManyRejects, "\(sent.errors)")
    let rejects = try Program().run(["rejects", "--state", folder.path + "/state", "--format", "text"])
    #expect(rejects.output.contains("(element 4 of visitors.snapshots.events)"), "\(rejects.output)\(rejects.errors)")
  }

  @Test("several rejects of one row give that row once, to correct and import again")
  func oneRow() throws {
    let row =
      #"{"account_id":"1","visitors":[{"visitor_id":"anna","snapshots":[{"events":[{"key":"a","timestamp":1,"uuid":"1"},{"key":"b","timestamp":1,"uuid":"2"},{"entity_id":"9","key":"c","timestamp":1714564800000,"uuid":"3"}]}]}]}"#
    let file = try folder.write(row + "\n" + row.replacing("anna", with: "bert") + "\n", to: "log.ndjson")
    let outcome = try Program().run(
      [
        "import", "--json", "--account-id", "1", "--state", folder.path + "/state", "--max-rejects", "4",
        "--preset", "sdk-log", file,
      ])
    #expect(outcome.exit == .tooManyRejects, "\(outcome.errors)\(outcome.output)")
    let records = try #require(try outcome.json()["records"] as? [String: Int])
    #expect(records["read"] == 6 && records["accepted"] == 2 && records["rejected"] == 4)
    for format in ["ndjson", "csv"] {
      let rejects = try Program().run(["rejects", "--state", folder.path + "/state", "--form", "raw", "--format", format])
      #expect(rejects.output.components(separatedBy: "anna").count == 2, "\(rejects.output)")
      #expect(rejects.output.components(separatedBy: "bert").count == 2)
    }
  }

  @Test("a preset that turns keys into ids says that it needs a datafile")
  func needsDatafile() throws {
    let rows = try folder.write("{}\n", to: "rows.ndjson")
    let outcome = try Program().run(["plan", "--account-id", "1", "--state", folder.path + "/state", "--preset", "segment", rows])
    #expect(outcome.exit == .configuration)
    #expect(outcome.errors.contains("--datafile"), "\(outcome.errors)")
    let unknown = try Program().run(["plan", "--account-id", "1", "--state", folder.path + "/state", "--preset", "ga5", rows])
    #expect(unknown.exit == .usage && unknown.errors.contains("ga4"))
  }
}

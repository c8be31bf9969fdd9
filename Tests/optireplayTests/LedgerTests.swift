import Foundation
import Testing
import Vocabulary

@Suite("The ledger goes across runs")
struct LedgerTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func run(_ arguments: [String], state: String = "state") throws -> Program.Outcome {
    let program = Program(folder: folder.path)
    return try program.run(arguments + ["--state", folder.path + "/" + state])
  }

  private func rows(_ command: String, _ lines: [String], _ flags: [String] = [], state: String = "state") throws -> Program.Outcome {
    let path = folder.path + "/rows.ndjson"
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    return try run([command, path, "--account-id", "1", "--json"] + flags, state: state)
  }

  private func decision(_ visitor: String, _ variation: String, at second: Int, uuid: String? = nil) -> String {
    let id = uuid.map { #","uuid":"\#($0)""# } ?? ""
    return #"{"record":"decision","visitor_id":"\#(visitor)","campaign_id":"20","experiment_id":"30","variation_id":"\#(variation)","#
      + #""timestamp":17000000\#(10 + second)000\#(id)}"#
  }

  private func sale(_ visitor: String, at second: Int, revenue: Int = 2500, uuid: String? = nil) -> String {
    let id = uuid.map { #","uuid":"\#($0)""# } ?? ""
    return #"{"record":"conversion","visitor_id":"\#(visitor)","entity_id":"50","key":"sale","timestamp":17000000\#(10 + second)000,"#
      + #""revenue":\#(revenue)\#(id)}"#
  }

  private func findings(_ outcome: Program.Outcome) throws -> [String: Int] {
    let list = try #require(try outcome.json()["findings"] as? [[String: Any]])
    return Dictionary(uniqueKeysWithValues: list.compactMap { ($0["code"] as? String ?? "", $0["count"] as? Int ?? 0) })
  }

  private func records(_ outcome: Program.Outcome) throws -> [String: Int] {
    try #require(try outcome.json()["records"] as? [String: Int])
  }

  @Test("a visitor whom last night's run activated is judged by that decision tonight, and tonight's results say so")
  func acrossNights() throws {
    #expect(try rows("import", [decision("anna", "1", at: 10), decision("bert", "2", at: 10)]).exit == .complete)
    let tonight = [decision("anna", "2", at: 20), sale("anna", at: 15), sale("bert", at: 5), sale("carl", at: 15)]
    let planned = try rows("plan", tonight)
    let sent = try rows("import", tonight)
    for outcome in [planned, sent] {
      #expect(outcome.exit == .complete, "\(outcome.errors)")
      let found = try findings(outcome)
      #expect(found["variation-conflict"] == 1 && found["early-conversion"] == 1 && found["no-decision"] == 1)
      #expect(try records(outcome)["filtered"] == 1)
      let expected = try #require(try outcome.json()["expected"] as? [String: Any])
      let experiments = try #require(expected["experiments"] as? [[String: Any]])
      let variations = try #require(experiments.first?["variations"] as? [[String: Any]])
      #expect(variations.map { $0["variation_id"] as? String } == ["1", "2"])
      let sales = try #require(variations[0]["events"] as? [[String: Any]])
      #expect(sales.first?["revenue"] as? Int == 2500)
      #expect(expected["not_counted"] as? [String: Int] == ["before_decision": 1, "no_decision_here": 1])
    }
  }

  @Test(
    "what carries its decisions counts nowhere when they came last night, and is warned about; with its decision among the rows it counts")
  func carriedDecisions() throws {
    let flags = ["--enrich-decisions", "false"]
    #expect(try rows("import", [decision("anna", "1", at: 10)], flags).exit == .complete)
    for (tonight, isCarried) in [([sale("anna", at: 15)], false), ([decision("anna", "1", at: 10), sale("anna", at: 16)], true)] {
      let sent = try rows("import", tonight, flags)
      #expect(sent.exit == .complete)
      #expect(try records(sent)["accepted"] == 1)
      let list = try #require(try sent.json()["findings"] as? [[String: Any]])
      let warnings = list.filter { $0["code"] as? String == "no-decision" }.map { $0["severity"] as? String }
      #expect(warnings == (isCarried ? [] : ["warning"]))
      let expected = try #require(try sent.json()["expected"] as? [String: Any])
      #expect((expected["experiments"] as? [Any])?.count == (isCarried ? 1 : 0))
      #expect(expected["not_counted"] as? [String: Int] == (isCarried ? [:] : ["no_decision_here": 1]))
    }
  }

  @Test("--no-ledger sends again what was sent, says so, and is remembered; a configuration and a variable say it too")
  func noLedger() throws {
    let history = [decision("anna", "1", at: 10), sale("anna", at: 15)]
    #expect(try records(rows("import", history))["accepted"] == 2)
    #expect(try records(rows("import", history))["already_accepted"] == 2)
    for command in ["plan", "import"] {
      let again = try rows(command, history, ["--no-ledger"])
      #expect(again.exit == .complete)
      #expect(try again.json()["no_ledger"] as? Bool == true)
      #expect(try records(again)["already_accepted"] == 0)
      #expect(try records(again)[command == "plan" ? "pending" : "accepted"] == 2)
      #expect(try again.json()["requests"] as? Int == (command == "plan" ? 0 : 1))
    }
    #expect(try run(["status"]).output.contains("2 read, 2 accepted"))
    let text = try run(["status", "3"]).output
    #expect(text.contains("--no-ledger"))
    // What the run sent is in the ledger twice now; forgetting either run leaves the other's.
    #expect(try run(["forget", "3", "--yes"]).exit == .complete)
    #expect(try records(rows("import", history))["already_accepted"] == 2)
    var program = Program(folder: folder.path)
    program.environment["OPTIREPLAY_NO_LEDGER"] = "true"
    let flags = ["--account-id", "1", "--json", "--state", folder.path + "/state"]
    #expect(try program.run(["plan", folder.path + "/rows.ndjson"] + flags).json()["no_ledger"] as? Bool == true)
    try Data("account_id: 1\nno_ledger: true\ninputs: [{files: rows.ndjson}]\n".utf8)
      .write(to: URL(fileURLWithPath: folder.path + "/import.yaml"))
    let configured = try run(["plan", "--config", folder.path + "/import.yaml", "--json"])
    #expect(try configured.json()["no_ledger"] as? Bool == true)
  }

  @Test("the same id with other content is told and not sent, in whichever segment the first lies")
  func changed() throws {
    for night in 1...11 { #expect(try rows("import", [sale("anna", at: night, uuid: "sale-\(night)")]).exit == .complete) }
    #expect(try run(["ledger", "stats"]).output.contains("8 segments"), "four nights were merged")
    let corrected = try rows("import", (1...12).map { sale("anna", at: $0 + 20, revenue: 9900, uuid: "sale-\($0)") })
    #expect(try findings(corrected)["changed-after-accept"] == 11)
    #expect(try records(corrected)["accepted"] == 1)
    #expect(try run(["forget", "2", "--yes"]).exit == .complete)
    let again = try rows("plan", (1...12).map { sale("anna", at: $0, uuid: "sale-\($0)") })
    #expect(try records(again)["pending"] == 1, "only the forgotten night's is new")
  }

  @Test("ledgers of shards and machines become one, once; an own ledger, a missing one and no file are refused")
  func merge() throws {
    let history = [decision("anna", "1", at: 10), sale("anna", at: 15)]
    #expect(try rows("import", history, state: "other").exit == .complete)
    let other = folder.path + "/other"
    let merged = try run(["ledger", "merge", other, "--json"])
    #expect(merged.exit == .complete)
    #expect(try (merged.json()["merged"] as? [[String: Any]])?.first?["entries"] as? Int == 2)
    #expect(try run(["ledger", "merge", other + "/checkpoint.sqlite"]).output.contains("0 new events"))
    #expect(try records(rows("import", history))["already_accepted"] == 2)
    #expect(try findings(rows("plan", [decision("anna", "2", at: 20)]))["variation-conflict"] == 1)
    #expect(try run(["ledger", "merge", folder.path + "/state"]).exit == .usage)
    #expect(try run(["ledger", "merge", folder.path + "/nowhere"]).exit == .inputUnreadable)
    #expect(try run(["ledger", "merge"]).exit == .usage)
    let table = try folder.write("visitor_id,entity_id,timestamp\n", to: "table.csv")
    let wrong = try run(["ledger", "merge", table])
    #expect(
      wrong.exit == .inputUnreadable && wrong.errors.contains("this is no checkpoint") && !wrong.errors.contains("move the state folder"))
    try #require(unsafe mkfifo(folder.path + "/pipe", 0o600) == 0)
    #expect(try run(["ledger", "merge", folder.path + "/pipe"]).exit == .inputUnreadable)
  }

  @Test("pruning lets old events be sent again, and stats tell what is left")
  func prune() throws {
    let history = [decision("anna", "1", at: 10), sale("anna", at: 15)]
    #expect(try run(["ledger", "prune", "--older-than", "1d"]).exit == .usage)
    #expect(try run(["ledger", "stats"]).output == "the ledger is empty\n")
    #expect(try rows("import", history).exit == .complete)
    let stats = try run(["ledger", "stats", "--json"])
    let ledger = try #require(try (stats.json()["ledgers"] as? [[String: Any]])?.first)
    #expect(ledger["events"] as? Int == 2 && ledger["decisions"] as? Int == 1 && ledger["runs"] as? Int == 1)
    #expect(ledger["first_time"] as? Int == 1_700_000_020_000 && ledger["last_time"] as? Int == 1_700_000_025_000)
    #expect(try run(["ledger", "prune", "--older-than", "400000d", "--json"]).json()["forgotten"] as? Int == 0)
    #expect(try run(["ledger", "prune", "--older-than", "1d"]).output.contains("forgot 2 events"))
    #expect(try records(rows("plan", history))["pending"] == 2)
    // Seconds would be taken for days, and what is forgotten cannot be had back.
    for age in ["soon", "400", "0d", "0", "d", "-1d"] {
      #expect(try run(["ledger", "prune", "--older-than", age]).exit == .usage, "\(age)")
    }
  }
}

import Foundation
import Testing
import Vocabulary

@Suite("What a check finds")
struct CheckTests {
  private static let decision = "visitor_id,campaign_id,experiment_id,variation_id,timestamp"
  private static let at = 1_714_564_800_000

  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func check(_ arguments: [String], json: Bool = true) throws -> Program.Outcome {
    try Program().run(
      ["check", "--account-id", "1", "--state", folder.path + "/state", "--max-rejects", "100%"] + (json ? ["--json"] : []) + arguments)
  }

  private func findings(_ outcome: Program.Outcome) throws -> [[String: Any]] {
    try #require(try outcome.json()["findings"] as? [[String: Any]], "\(outcome.errors)")
  }

  private func finding(_ code: FindingCode, _ arguments: [String]) throws -> (finding: [String: Any]?, outcome: Program.Outcome) {
    let outcome = try check(arguments)
    return (try findings(outcome).first { $0["code"] as? String == code.rawValue }, outcome)
  }

  /// Conversions, a visitor each, with their revenues.
  private func conversions(_ revenues: [String], _ name: String = "conversions.csv") throws -> String {
    let rows = revenues.enumerated().map { "v\($0),9,\(CheckTests.at + $0),\($1)" }
    return try folder.write("visitor_id,entity_id,timestamp,revenue\n" + rows.joined(separator: "\n") + "\n", to: name)
  }

  @Test(
    "revenues below ten units of currency falsify when they are 19 of 20, unless they are few or their unit is said",
    arguments: [(20, 19, true), (20, 18, false), (19, 19, false), (40, 38, true), (40, 37, false)])
  func revenueUnit(count: Int, smallCount: Int, isFound: Bool) throws {
    let revenues = (0..<count).map { $0 < smallCount ? ($0 % 2 == 0 ? "999" : "-999") : "1000" } + ["0", ""]
    let file = try conversions(revenues)
    let (found, outcome) = try finding(.revenueUnit, [file])
    #expect((found != nil) == isFound)
    #expect(outcome.exit == (isFound ? .refused : .complete), "\(outcome.errors)")
    guard isFound else { return }
    #expect(found?["count"] as? Int == smallCount && found?["severity"] as? String == "falsifies")
    #expect(found?["share"] as? Double == Double(smallCount) / Double(count))
    #expect(try check([file, "--accept", "revenue-unit"]).exit == .complete)
    let config = """
      account_id: 1
      inputs: [{files: \(file), fields: {visitor_id: visitor_id, entity_id: entity_id, timestamp: timestamp, revenue: {from: revenue, unit: minor}}}]
      """
    let said = try Program().run(
      ["check", "--config", try folder.write(config, to: "said.yaml"), "--state", folder.path + "/state"])
    #expect(said.exit == .complete, "\(said.output)\(said.errors)")
  }

  @Test("rows in another unit of time, and ids that a spreadsheet damaged, falsify when they are more than one in a hundred")
  func rejected() throws {
    for (code, bad) in [(FindingCode.timestampUnit, "v,9,1714564800\n"), (.damagedID, "v,9.56E+09,1714564800000\n")] {
      for (badCount, severity) in [(1, "warning"), (2, "falsifies")] {
        let good = (0..<(100 - badCount)).map { "v\($0),9,\(CheckTests.at)\n" }.joined()
        let text = "visitor_id,entity_id,timestamp\n" + good + String(repeating: bad, count: badCount)
        let (found, outcome) = try finding(code, [try folder.write(text, to: "rows.csv")])
        #expect(found?["count"] as? Int == badCount && found?["severity"] as? String == severity, "\(outcome.output)")
        #expect(outcome.exit == (severity == "falsifies" ? .refused : .complete))
        let samples = try #require(found?["samples"] as? [[String: Any]])
        #expect(samples.first?["row"] as? String == String(bad.dropLast()))
        #expect(samples.first?["line"] as? Int == 102 - badCount && samples.first?["event"] == nil)
      }
    }
  }

  @Test("uuids that records share are told with rows that share one, whosever they are")
  func sharedIDs() throws {
    // Every tenth row has an id of its own; the others have that of their session.
    let rows = (0..<100).map { "v\($0),9,\(CheckTests.at + $0),\($0 % 10 == 0 ? "own-\($0)" : "session-\($0 / 50)")\n" }
    let text = "visitor_id,entity_id,timestamp,uuid\n" + rows.joined()
    let (found, outcome) = try finding(.uuidShared, [try folder.write(text, to: "rows.csv")])
    #expect(found?["severity"] as? String == "falsifies" && outcome.exit == .refused)
    let samples = try #require(found?["samples"] as? [[String: Any]])
    #expect(samples.count == 3)
    for sample in samples { #expect((sample["row"] as? String)?.contains(",session-") == true, "\(sample)") }
  }

  @Test("ids that the datafile does not have are a warning, and falsify when they are more than half")
  func unknownIDs() throws {
    let datafile = try folder.write(
      """
      {"accountId":"1","events":[{"id":"9","key":"buy"}],
       "experiments":[{"id":"2","key":"t","layerId":"1","variations":[{"id":"3","key":"a"}]}],"holdouts":[{"id":"7","key":"h","variations":[{"id":"8","key":"off"}]}]}
      """, to: "datafile.json")
    func rows(_ known: Int, _ unknown: [String]) throws -> String {
      let good = (0..<known).map { #"{"visitor_id":"v\#($0)","entity_id":"9","timestamp":\#(CheckTests.at)}"# }
      return try folder.write((good + unknown).joined(separator: "\n") + "\n", to: "rows.ndjson")
    }
    func decision(_ campaign: String, _ experiment: String, _ variation: String, _ more: String = "") -> String {
      #"{"visitor_id":"\#(campaign)\#(experiment)\#(variation)","campaign_id":"\#(campaign)","experiment_id":\#(experiment),"variation_id":\#(variation),"timestamp":\#(CheckTests.at)\#(more)}"#
    }
    // The last two have ids of the project which belong to another experiment.
    let unknown = [
      decision("5", "2", "3"), decision("1", "5", "3"), decision("1", "2", "5"), decision("1", "2", "8"), decision("1", "7", "8"),
    ]
    let known = [decision("1", "2", "3"), decision("7", "7", "8"), decision("1", "null", "null", #","is_campaign_holdback":true"#)]
    let none = try finding(.unknownID, [try rows(3, known), "--datafile", datafile])
    #expect(none.finding == nil, "\(none.outcome.output)")
    let half = try finding(.unknownID, [try rows(2, known + unknown), "--datafile", datafile])
    #expect(half.finding?["count"] as? Int == 5 && half.finding?["severity"] as? String == "warning")
    #expect(half.outcome.exit == .complete)
    let most = try finding(.unknownID, [try rows(4, unknown), "--datafile", datafile])
    #expect(most.finding?["severity"] as? String == "falsifies" && most.outcome.exit == .refused)
    let without = try finding(.unknownID, [try rows(2, unknown)])
    #expect(without.finding == nil)
  }

  @Test("conversions without attributes are told where others carry some: a note, and from one in ten a warning")
  func attributes() throws {
    func rows(_ count: Int, without: Int) throws -> String {
      let rows = (0..<count).map { "v\($0),9,\(CheckTests.at),\($0 < without ? "" : "gold")\n" }
      return try folder.write("visitor_id,entity_id,timestamp,attributes.plan\n" + rows.joined(), to: "rows.csv")
    }
    for (count, without, severity) in [(10, 0, nil), (11, 1, "note"), (10, 1, "warning"), (10, 10, nil)] as [(Int, Int, String?)] {
      let found = try finding(.conversionWithoutAttributes, [try rows(count, without: without), "--attribute", "plan=7"]).finding
      #expect(found?["severity"] as? String == severity && found?["count"] as? Int == (severity == nil ? nil : without))
    }
  }

  @Test("rows that say the same and have no uuid are told; those that have one, or are kept apart, are not", arguments: ["512MB", "32MB"])
  func noNaturalID(memory: String) throws {
    let row = "v,9,\(CheckTests.at),"
    let file = try folder.write(
      "visitor_id,entity_id,timestamp,uuid\n" + [row, row, row, row + "u", row + "u"].joined(separator: "\n"), to: "rows.csv")
    let (found, outcome) = try finding(.noNaturalID, [file, "--memory", memory])
    #expect(found?["count"] as? Int == 2 && found?["severity"] as? String == "warning", "\(outcome.output)")
    let samples = try #require(found?["samples"] as? [[String: Any]])
    #expect(samples.map { $0["line"] as? Int } == [3, 4])
    #expect(try finding(.noNaturalID, [file, "--identical-rows", "keep"]).finding == nil)
  }

  @Test("an input that breaks off ends the import, however few rows that costs")
  func cutOff() throws {
    let objects = (0..<200).map { #"{"visitor_id":"v\#($0)","entity_id":"9","timestamp":\#(CheckTests.at)}"# }
    let whole = "[" + objects.joined(separator: ",") + "]"
    #expect(try finding(.cutOffInput, [try folder.write(whole, to: "rows.json")]).finding == nil)
    let (found, outcome) = try finding(.cutOffInput, [try folder.write(String(whole.dropLast(1)), to: "rows.json")])
    #expect(found?["severity"] as? String == "falsifies" && outcome.exit == .refused, "\(outcome.output)")
  }

  @Test("samples are the same rows and events for every memory and order of files, with what the server would do and how to mend it")
  func samples() throws {
    var decisions = CheckTests.decision + "\n"
    for visitor in 0..<50 {
      decisions += "v\(visitor),1,2,3,\(CheckTests.at)\n"
      if visitor % 5 == 0 { decisions += "v\(visitor),1,2,4,\(CheckTests.at + 1)\n" }
    }
    let files = [
      try folder.write(decisions, to: "decisions.csv"), try conversions((0..<60).map { "\(2000 + $0)" }),
    ]
    func conflicts(_ arguments: [String]) throws -> String {
      let found = try #require(try finding(.variationConflict, arguments).finding)
      return String(decoding: try JSONSerialization.data(withJSONObject: found, options: .sortedKeys), as: UTF8.self)
    }
    let expected = try conflicts(files)
    #expect(try conflicts(files.reversed() + ["--memory", "32MB"]) == expected)
    let found = try #require(try finding(.variationConflict, files).finding)
    #expect(found["count"] as? Int == 10 && (found["fix"] as? String)?.contains("--on-conflict") == true)
    let samples = try #require(found["samples"] as? [[String: Any]])
    #expect(samples.count == 3)
    let lines = decisions.split(separator: "\n")
    for sample in samples {
      let row = try #require(sample["row"] as? String)
      let line = try #require(sample["line"] as? Int)
      #expect(row == lines[line - 1] && row.contains(",4,"))
      let event = try #require(sample["event"] as? String)
      #expect(event.hasPrefix(#"{"visitor_id":"\#(row.split(separator: ",")[0])","snapshot":{"decisions":[{"campaign_id":"1""#), "\(event)")
    }
  }

  @Test("rows of packed and encoded inputs are told as they were read, and those of standard input not at all")
  func packed() throws {
    let text = "visitor_id,entity_id,timestamp\n" + (0..<10).map { "bj\u{f6}rn\($0),9,1714564800\n" }.joined()
    let latin = try folder.write(try #require(text.data(using: .isoLatin1)), to: "rows.csv")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gzip", "-k", latin]
    try process.run()
    process.waitUntilExit()
    for file in [latin, latin + ".gz"] {
      let found = try finding(.timestampUnit, [file, "--encoding", "latin-1"]).finding
      let samples = try #require(found?["samples"] as? [[String: Any]])
      #expect(samples.map { $0["row"] as? String } == ["björn0,9,1714564800", "björn1,9,1714564800", "björn2,9,1714564800"])
    }
    let outcome = try Program().run(
      ["check", "--account-id", "1", "--state", folder.path + "/state", "--max-rejects", "100%", "-"],
      input: text.replacing("\u{f6}", with: "o"))
    #expect(outcome.output.contains("not here: the input can be read only once"), "\(outcome.output)")
    #expect(outcome.exit == .complete)
  }

  @Test("the report for people has the worst first, and no visitor's data when only positions are asked for")
  func text() throws {
    let rows = "visitor_id,entity_id,timestamp,colour\n" + (0..<30).map { "secret\($0),9,4102444800000,red\n" }.joined()
    let file = try folder.write(rows, to: "rows.csv")
    let outcome = try check([file], json: false)
    #expect(outcome.exit == .refused)
    let lines = outcome.output.split(separator: "\n")
    let heads = lines.filter { $0.hasPrefix("falsifies") || $0.hasPrefix("warning") || $0.hasPrefix("note") }
    #expect(heads.first?.hasPrefix("falsifies  timestamp-future  30 of 30, 100.0 %") == true, "\(outcome.output)")
    #expect(heads.contains { $0.hasPrefix("note  unknown-column  1") })
    #expect(outcome.output.contains("    row    secret") && outcome.output.contains(#"    event  {"visitor_id":"secret"#))
    let bare = try check([file, "--positions-only"], json: false)
    #expect(!bare.output.contains("secret") && bare.output.contains("rows.csv:"))
    let accepted = try check([file, "--accept", "timestamp-future"], json: false)
    #expect(accepted.exit == .complete && accepted.output.contains("(accepted)"))
  }
}

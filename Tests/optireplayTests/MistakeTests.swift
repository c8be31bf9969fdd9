import Foundation
import Testing
import Vocabulary

/// Each mistake that others made with this API, by name, against the whole program.
@Suite("Mistakes that others made")
struct MistakeTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func run(_ command: String, _ flags: [String]) throws -> Program.Outcome {
    try Program().run([command, "--account-id", "1", "--state", folder.path + "/state", "--json"] + flags)
  }

  private func conversions(_ rows: String, _ columns: String = "visitor_id,entity_id,timestamp") throws -> String {
    try folder.write(columns + "\n" + rows + "\n", to: "rows.csv")
  }

  /// The bodies of a plan, one behind the other.
  private func bodies(_ flags: [String]) throws -> [String] {
    let output = folder.path + "/bodies-\(UUID().uuidString)"
    let outcome = try run("plan", flags + ["--output", output])
    #expect(outcome.exit == .complete, "\(outcome.errors)\(outcome.output)")
    return try FileManager.default.contentsOfDirectory(atPath: output).sorted { $0.count != $1.count ? $0.count < $1.count : $0 < $1 }
      .map { try String(contentsOfFile: output + "/" + $0, encoding: .utf8) }
  }

  private func reject(_ flags: [String]) throws -> String? {
    let outcome = try run("plan", flags + ["--max-rejects", "100%"])
    return (try outcome.json()["rejects"] as? [String: Int])?.keys.sorted().joined(separator: ",")
  }

  @Test("a password in an address that is none is not repeated", arguments: ["import", "plan", "check"])
  func password(command: String) throws {
    let file = try conversions("anna,9,1714564800000")
    for address in ["http://user:hunter2@", "ftp://user:hunter2@host/", "user:hunter2"] {
      let outcome = try run(command, [file, "--endpoint", address])
      #expect(outcome.exit == .usage)
      #expect(outcome.errors.contains("--endpoint") && !(outcome.errors + outcome.output).contains("hunter2"), "\(outcome.errors)")
    }
  }

  @Test("a line end in a file's name does not end a line of what is said")
  func lineEnd() throws {
    let file = try folder.write("neither,nor\n1,2\n", to: "rows\nforged: all is well.csv")
    for name in [file, file + "x", file + "*.none"] {
      let outcome = try Program().run(["check", name, "--account-id", "1", "--state", folder.path + "/state"])
      let lines = (outcome.errors + outcome.output).split(separator: "\n")
      #expect(!lines.contains { $0.hasPrefix("forged") }, "\(outcome.errors)\(outcome.output)")
      #expect(lines.contains { $0.contains(#"rows\u{a}forged"#) }, "\(outcome.errors)\(outcome.output)")
    }
  }

  @Test("random uuids on each run: the same rows without uuids are sent once")
  func randomUUIDs() throws {
    let file = try conversions("anna,9,1714564800000")
    #expect(try bodies([file]) == bodies([file]))
    #expect(try run("import", [file]).json()["requests"] as? Int == 1)
    #expect(try run("import", [file]).json()["requests"] as? Int == 0)
  }

  @Test(
    "19.99 times 100 in floating point is 1998: money is reckoned on the text", arguments: ["19.99", "0.29", "1.15", "4.35", "1019.99"])
  func money(amount: String) throws {
    _ = try conversions("anna,9,1714564800000,\(amount)", "visitor_id,entity_id,timestamp,usd")
    let config = try folder.write(
      "account_id: 1\ninputs: [{files: rows.csv, fields: {visitor_id: visitor_id, entity_id: entity_id, timestamp: timestamp, "
        + "revenue: {from: usd, unit: major}}}]\n", to: "money.yaml")
    let output = folder.path + "/money"
    let outcome = try Program().run(["plan", "--config", config, "--state", folder.path + "/state", "--output", output])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    let digits = String(try #require(Int(amount.replacing(".", with: ""))))
    #expect(try String(contentsOfFile: output + "/1.json", encoding: .utf8).contains("\"revenue\":\(digits)}"))
  }

  @Test("seconds or microseconds sent as milliseconds", arguments: ["1714564800", "1714564800000000", "1714564800000000000"])
  func units(time: String) throws { #expect(try reject([try conversions("anna,9,\(time)")]) == "timestamp-unit") }

  @Test("a naive local time read for UTC, or in the machine's zone", arguments: ["UTC", "Asia/Tokyo"])
  func localTimes(zone: String) throws {
    var program = Program()
    program.environment["TZ"] = zone
    let outcome = try program.run(
      [
        "plan", "--account-id", "1", "--state", folder.path + "/state", "--json", "--max-rejects", "100%",
        try conversions("anna,9,2024-05-01T12:00:00"),
      ])
    #expect(try outcome.json()["rejects"] as? [String: Int] == ["bad-timestamp": 1])
  }

  @Test("bodies posted as ISO-8859-1, so that ids outside ASCII become question marks")
  func encodings() throws {
    let sandbox = try SandboxProcess(state: folder.path + "/served")
    let file = try folder.write(
      "record,visitor_id,campaign_id,experiment_id,variation_id,entity_id,key,timestamp\ndecision,zo\u{eb}-\u{1f600},1,2,3,,,1714564800000\n"
        + "conversion,zo\u{eb}-\u{1f600},,,,9,gekauft-\u{fc}ber,1714564800001\n", to: "names.csv")
    #expect(try run("import", [file, "--endpoint", sandbox.address]).exit == .complete)
    let results = String(decoding: try JSONSerialization.data(withJSONObject: sandbox.get("results.json")), as: UTF8.self)
    #expect(results.contains("gekauft-\u{fc}ber") && results.contains("\"converting_visitors\":1"), "\(results)")
  }

  @Test("any HTTP answer taken for success", arguments: ["login-page", "200", "202", "302", "404"])
  func answers(fault: String) throws {
    let sandbox = try SandboxProcess(state: folder.path + "/served", ["--fault", fault])
    let outcome = try run("import", [try conversions("anna,9,1714564800000"), "--endpoint", sandbox.address])
    #expect(outcome.exit == .notAnEventAPI, "\(outcome.errors)")
    #expect((try outcome.json()["records"] as? [String: Int])?["accepted"] == 0)
  }

  @Test("ids above 2^53 passed through a double", arguments: ["9007199254740993", "18446744073709551617", "20301771717123456789012345"])
  func largeIDs(id: String) throws {
    let file = try folder.write("{\"visitor_id\":\(id),\"entity_id\":\(id),\"timestamp\":1714564800000}\n", to: "rows.ndjson")
    let body = try bodies([file])[0]
    #expect(body.contains("\"visitor_id\":\"\(id)\"") && body.contains("\"entity_id\":\"\(id)\""))
  }

  @Test("spreadsheet damage sent as an id", arguments: ["9.56082E+09", "9,56082E+09", "9560823711.0"])
  func damagedIDs(id: String) throws { #expect(try reject([try conversions("anna,\"\(id)\",1714564800000")]) == "damaged-id") }

  @Test("0 revenue dropped as if it were missing")
  func zero() throws {
    let body = try bodies([try conversions("anna,9,1714564800000,0,0,0", "visitor_id,entity_id,timestamp,revenue,value,quantity")])[0]
    #expect(body.contains("\"revenue\":0,\"value\":0,\"quantity\":0"), "\(body)")
  }

  @Test("one request for a whole file, above the limit")
  func limit() throws {
    let rows = (0..<200).map { "visitor-\($0),9,1714564800000" }.joined(separator: "\n")
    let bodies = try bodies([try conversions(rows), "--max-body-bytes", "2000"])
    #expect(bodies.count > 5 && bodies.allSatisfy { $0.utf8.count <= 2000 })
  }
}

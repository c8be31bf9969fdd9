import Foundation
import Testing
import Vocabulary

@Suite("Which records are taken")
struct SelectionTests {
  private static let rows = """
    record,visitor_id,campaign_id,experiment_id,variation_id,entity_id,timestamp
    decision,anna,1,2,3,,1714521599999
    conversion,anna,,,,9,1714521600000
    conversion,bert,,,,9,1714607999999
    conversion,"c""a\u{e9}",,,,9,1714608000000

    """

  private let folder: ScratchFolder
  private let file: String

  init() throws {
    folder = try ScratchFolder()
    file = try folder.write(SelectionTests.rows, to: "rows.csv")
  }

  private func run(_ command: String, _ flags: [String]) throws -> Program.Outcome {
    try Program().run([command, "--account-id", "1", "--state", folder.path + "/state", "--json"] + flags)
  }

  private func records(_ outcome: Program.Outcome) throws -> [String: Int] {
    #expect(outcome.exit == .complete, "\(outcome.errors)\(outcome.output)")
    return try #require(try outcome.json()["records"] as? [String: Int])
  }

  @Test("records outside of the window are filtered, its end a whole day; decisions among them are a finding")
  func window() throws {
    let outcome = try run("check", [file, "--window", "2024-05-01..2024-05-01"])
    let found = try records(outcome)
    #expect(found["read"] == 4 && found["filtered"] == 2 && found["pending"] == 2)
    let findings = try #require(try outcome.json()["findings"] as? [[String: Any]])
    let finding = try #require(findings.first { $0["code"] as? String == "outside-window" })
    #expect(finding["count"] as? Int == 1 && finding["severity"] as? String == "warning")
    #expect(((finding["samples"] as? [[String: Any]])?.first?["row"] as? String)?.hasPrefix("decision,anna") == true)
    #expect(try records(run("plan", [file, "--window", "2024-05-01.."]))["filtered"] == 1)
    #expect(try records(run("plan", [file, "--window", "..1714521600000"]))["filtered"] == 3)
    #expect(try run("plan", [file, "--window", "2024-05-01"]).exit == .usage)
  }

  @Test("excluded visitors are filtered by the ids that would be sent, and a list that changes makes another run")
  func exclude() throws {
    let list = try folder.write("\u{feff}anna\r\n\r\nc\"a\u{e9}\nnobody", to: "list.txt")
    let found = try records(run("import", [file, "--exclude", list]))
    #expect(found["filtered"] == 3 && found["accepted"] == 1)
    try folder.write("bert\n", to: "list.txt")
    let other = try records(run("import", [file, "--exclude", list]))
    #expect(other["filtered"] == 1 && other["accepted"] == 3)
    #expect(try run("import", [file, "--exclude", folder.path + "/none.txt"]).exit == .inputUnreadable)
  }

  @Test("a configuration says them too, a list's path counting from its folder")
  func configuration() throws {
    try folder.write("bert", to: "list.txt")
    let config = try folder.write(
      "account_id: 1\nexclude: list.txt\nwindow: 2024-05-01..\ninputs: [{files: rows.csv}]\n", to: "import.yaml")
    let found = try records(
      Program().run(["plan", "--config", config, "--state", folder.path + "/state", "--json"]))
    #expect(found["filtered"] == 2 && found["pending"] == 2)
  }

  @Test(
    "conversions inherit the attributes of their visitor's latest decision: the bodies are those of rows that say them, at every memory",
    arguments: [1, 2, 3, 4])
  func inherited(seed: Int) throws {
    var random = Seeded(seed)
    var said = [
      "record,visitor_id,session_id,campaign_id,experiment_id,variation_id,entity_id,timestamp,attributes.plan,attributes.\"\"x\"\""
    ]
    said[0] = said[0].replacing("attributes.\"\"x\"\"", with: "attributes.x")
    var unsaid = said
    let plans = ["", "gold" + String(repeating: "d", count: seed == 4 ? 2000 : 0), "si\u{1f600}lver,\\", "a\"\"b"]
    for visitor in 0..<(seed == 4 ? 1 : 60) {
      var decisions: [(time: Int, session: String, plan: String, x: String)] = []
      // With one visitor and little memory, its partition is too large to be held.
      for _ in 0..<(seed == 4 ? 1500 : random.below(5)) {
        decisions.append((random.below(50), ["", "s1", "s2"][random.below(3)], plans[random.below(4)], ["", "1"][random.below(2)]))
      }
      for (at, decision) in decisions.enumerated() {
        let row =
          "decision,v\(visitor),\(decision.session),c\(at),2,3,,\(1_714_564_800_000 + decision.time),\"\(decision.plan)\",\(decision.x)"
        said.append(row)
        unsaid.append(row)
      }
      func group(_ decision: (time: Int, session: String, plan: String, x: String)) -> [UInt8] {
        var text = decision.session.isEmpty ? "" : ",\"session_id\":\"\(decision.session)\""
        // Attributes are sorted by their heads: entity 7 (plan) comes before 8 (x).
        let plan = decision.plan.replacing("\"\"", with: "\"").replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        let list = [("7", "plan", plan), ("8", "x", decision.x)].filter { !$0.2.isEmpty }
          .map { "{\"type\":\"custom\",\"entity_id\":\"\($0.0)\",\"key\":\"\($0.1)\",\"value\":\"\($0.2)\"}" }
        if !list.isEmpty { text += ",\"attributes\":[\(list.joined(separator: ","))]" }
        return Array(text.utf8)
      }
      for _ in 0..<(seed == 4 ? 1500 : random.below(6)) {
        let time = random.below(60) - 5
        let own = seed != 4 && random.below(4) == 0 ? "own" : ""
        let latest = decisions.filter { $0.time <= time }.max { one, other in
          one.time != other.time ? one.time < other.time : group(one).lexicographicallyPrecedes(group(other))
        }
        let head = "conversion,v\(visitor),\(["", "s1"][random.below(2)]),,,,9,\(1_714_564_800_000 + time)"
        unsaid.append("\(head),\(own),")
        said.append(own.isEmpty ? "\(head),\"\(latest?.plan ?? "")\",\(latest?.x ?? "")" : "\(head),own,")
      }
    }
    let flags = ["--attribute", "plan=7", "--attribute", "x=8", "--max-body-bytes", "200000"]
    func bodies(_ rows: [String], _ more: [String], _ name: String) throws -> [String] {
      let file = try folder.write(rows.joined(separator: "\n") + "\n", to: name + ".csv")
      let outcome = try run("plan", [file, "--output", folder.path + "/" + name] + flags + more)
      #expect(outcome.exit == .complete, "\(outcome.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/" + name).sorted()
      return try names.map { try String(contentsOfFile: folder.path + "/" + name + "/" + $0, encoding: .utf8) }
    }
    let expected = try bodies(said, [], "said")
    #expect(try bodies(unsaid, ["--inherit-attributes"], "unsaid") == expected)
    #expect(try bodies([unsaid[0]] + unsaid.dropFirst().reversed(), ["--inherit-attributes", "--memory", "32MB"], "little") == expected)
    #expect(try bodies(unsaid, [], "without") != expected)
  }

  @Test("an import with inherited attributes is sent once, its records adding up, duplicates among them")
  func inheritedAgain() throws {
    let rows = try folder.write(
      "record,visitor_id,campaign_id,experiment_id,variation_id,entity_id,timestamp,attributes.plan\n"
        + "decision,anna,1,2,3,,1714521600000,gold\n" + String(repeating: "conversion,anna,,,,9,1714521600001,\n", count: 3),
      to: "again.csv")
    let flags = [rows, "--attribute", "plan=7", "--inherit-attributes"]
    let first = try records(run("import", flags))
    #expect(first["read"] == 4 && first["accepted"] == 2 && first["duplicate"] == 2)
    let second = try run("import", flags)
    #expect(try second.json()["requests"] as? Int == 0)
    #expect(try records(second)["already_accepted"] == 2)
  }

  @Test("a visitor of several sorted runs inherits as one that memory holds")
  func inheritedLarge() throws {
    let text = String(repeating: "x", count: 2000)
    let rows = (0..<12_000).map { "conversion,anna,,,,9,\(1_714_521_600_001 + $0),,\(text)" }
    let file = try folder.write(
      "record,visitor_id,campaign_id,experiment_id,variation_id,entity_id,timestamp,attributes.plan,tags.t\n"
        + "decision,anna,1,2,3,,1714521600000,gold,\n" + rows.joined(separator: "\n") + "\n", to: "large.csv")
    func bodies(_ memory: String) throws -> [Data] {
      let output = folder.path + "/" + memory
      let outcome = try run("plan", [file, "--attribute", "plan=7", "--inherit-attributes", "--memory", memory, "--output", output])
      #expect(outcome.exit == .complete, "\(outcome.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: output).sorted()
      return try names.map { try Data(contentsOf: URL(fileURLWithPath: "\(output)/\($0)")) }
    }
    let large = try bodies("512MB")
    #expect(large.count > 5 && large.allSatisfy { $0.range(of: Data("\"value\":\"gold\"".utf8)) != nil })
    #expect(try bodies("32MB") == large)
  }

  @Test("a visitor's id is hashed with a salt of the environment, which is printed and stored nowhere")
  func hashed() throws {
    let rows = try folder.write("email,entity_id,timestamp\n  Anna@Example.com ,9,1714521600000\n,9,1714521600000\n", to: "mails.csv")
    let config = try folder.write(
      """
      account_id: 1
      max_rejects: 1
      allow_rejects: 1
      inputs:
        - files: \(rows)
          fields:
            visitor_id: {sha256: {from: email, text: [trim, lowercase]}, salt: "${SALT}-"}
            entity_id: entity_id
            timestamp: timestamp
      """, to: "hash.yaml")
    var program = Program()
    program.environment["SALT"] = "pepperpot"
    let state = folder.path + "/hashed"
    let outcome = try program.run(["import", "--config", config, "--state", state, "--json", "--keep-staging"])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    #expect(try records(outcome)["accepted"] == 1)
    #expect(try records(outcome)["rejected"] == 1, "a row without an address has no id, not the salt's")
    let plan = try program.run(["plan", "--config", config, "--state", folder.path + "/other", "--output", folder.path + "/bodies"])
    #expect(plan.exit == .complete)
    // The SHA-256 of pepperpot-anna@example.com.
    let digest = "\(SelectionTests.digest)"
    let body = try String(contentsOfFile: folder.path + "/bodies/1.json", encoding: .utf8)
    #expect(body.contains(#""visitor_id":"\#(digest)""#), "\(body)")
    let shown = try program.run(["plan", "--config", config, "--state", folder.path + "/other", "--show-config"])
    #expect(shown.output.contains("salt: \"${SALT}-\"") && !shown.output.contains("pepperpot"), "\(shown.output)")
    for case let name as String in try #require(FileManager.default.enumerator(atPath: state)) {
      guard let data = FileManager.default.contents(atPath: state + "/" + name) else { continue }
      #expect(data.range(of: Data("pepperpot".utf8)) == nil, "\(name)")
      if !name.contains("rejects") { #expect(data.range(of: Data("xample.com".utf8)) == nil, "\(name)") }
    }
    let missing = try Program().run(["plan", "--config", config, "--state", folder.path + "/other"])
    #expect(missing.exit == .configuration && missing.errors.contains("SALT"), "\(missing.errors)")
  }

  private static let digest = "34513599811bad80c0265fdb4b438456b27ba39834373efae893fab8f1425049"
}

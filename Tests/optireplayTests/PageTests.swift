import Foundation
import Testing
import Vocabulary

/// Results pages as the program makes and serves them, in a real browser where there is one.
@Suite("Results pages")
struct ResultsPageTests {
  private static func has(_ programs: [String]) -> Bool {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    return programs.contains { name in folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") } }
  }

  private static let hasBrowser =
    has(["chromium", "chromium-browser", "chromium-headless-shell", "google-chrome"]) && has(["python3"])

  /// Names that a page must escape, in three variations, two kinds of events and every reason not to count.
  private func history(_ folder: ScratchFolder, visitors: Int = 300) throws -> String {
    var random = Seeded(7)
    let variations = ["40001", "<script>alert(1)</script>", "\\\"><img src=x onerror=alert(2)>"]
    var lines: [String] = []
    for visitor in 0..<visitors {
      let start = 1_714_600_000_000 + visitor * 10_000_000
      let plan = ["<i>gold</i>", "\u{202e}iron", String(repeating: "x", count: 2_000)][visitor % 3]
      let attributes = [("8", "plan", plan), ("9", "device", "phone")].map { id, key, value in
        "{\"type\":\"custom\",\"entity_id\":\"\(id)\",\"key\":\"\(key)\",\"value\":\"\(value)\"}"
      }
      let who = "\"visitor_id\":\"<script>\(visitor)</script>\",\"attributes\":[\(attributes.joined(separator: ","))]"
      let variation = variations[random.below(3)]
      lines.append(
        "{\"record\":\"decision\",\(who),\"campaign_id\":\"20001\",\"experiment_id\":\"</style><b>\",\"variation_id\":\"\(variation)\","
          + "\"timestamp\":\(start)\(visitor.isMultiple(of: 40) ? ",\"is_campaign_holdback\":true" : ""),\"uuid\":\"d\(visitor)\"}")
      guard random.below(3) == 0 else { continue }
      lines.append(
        "{\"record\":\"conversion\",\(who),\"entity_id\":\"50001\",\"key\":\"<b>buy</b>\",\"timestamp\":\(start + random.below(9) - 1),"
          + "\"uuid\":\"c\(visitor)\",\"revenue\":\(random.below(900_000) - 500),\"value\":\(random.below(90)).25}")
      if random.below(4) == 0 {
        lines.append("{\"record\":\"conversion\",\(who),\"entity_id\":\"50002\",\"timestamp\":\(start + 5),\"uuid\":\"e\(visitor)\"}")
      }
    }
    return try folder.write(lines.joined(separator: "\n") + "\n", to: "history.ndjson")
  }

  private func look(_ arguments: [String]) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = Program.root.appendingPathComponent("Scripts/page")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  @Test("a rehearsal names the command that serves its page, and the page has the numbers of results.json")
  func served() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/it's the state"
    let rehearsal = try Program().run(["import", "--account-id", "1", try history(folder), "--state", state, "--json"])
    #expect(rehearsal.exit == .complete, "\(rehearsal.errors)")
    #expect(
      rehearsal.errors.contains(
        "results page: `optireplay sandbox --state '\(folder.path)/it'\\''s the state'` serves it at http://127.0.0.1:8787/"))
    let sandbox = try SandboxProcess(state: state)
    let page = String(decoding: try httpBody(sandbox.address.replacing("v1/events", with: "")), as: UTF8.self)
    let results = try sandbox.get("results.json")
    let experiments = try #require(results["experiments"] as? [[String: Any]])
    let variations = try #require(experiments.first?["variations"] as? [[String: Any]])
    #expect(variations.count == 3)
    for variation in variations {
      #expect(page.contains("<data class=\"visitors\" value=\"\(try #require(variation["visitors"] as? Int))\">"))
      for event in try #require(variation["events"] as? [[String: Any]]) {
        for name in ["converting_visitors", "conversions", "revenue"] {
          #expect(page.contains("<data class=\"\(name)\" value=\"\(try #require(event[name] as? Int))\">"))
        }
      }
    }
    #expect(!page.contains("<script>alert") && !page.contains("<script>0"))
  }

  @Test(
    "a browser finds no fault with the page of a sandbox, whose numbers are those of results.json",
    .enabled(if: hasBrowser, "needs chromium and python3"))
  func servedInBrowser() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    #expect(try Program().run(["import", "--account-id", "1", try history(folder), "--state", state]).exit == .complete)
    let sandbox = try SandboxProcess(state: state)
    let found = try look([
      sandbox.address.replacing("v1/events", with: ""), "--results", sandbox.address.replacing("v1/events", with: "results.json"),
    ])
    #expect(found.status == 0, "\(found.text)")
  }

  @Test(
    "a browser finds no fault with the page of trouble, sets it by keyboard, and lets no other page set it",
    .enabled(if: hasBrowser, "needs chromium and python3"))
  func faultsInBrowser() throws {
    let folder = try ScratchFolder()
    let sandbox = try SandboxProcess(
      state: folder.path + "/state", ["--fail", "10%", "--codes", "500,429", "--outage", "30s..60s", "--fault", "503@every:5"])
    let found = try look([sandbox.address.replacing("v1/events", with: "faults")])
    #expect(found.status == 0, "\(found.text)")
  }

  @Test(
    "a browser finds no fault with the page of a plan, whose numbers are those expected",
    .enabled(if: hasBrowser, "needs chromium and python3"))
  func plannedInBrowser() throws {
    let folder = try ScratchFolder()
    let page = folder.path + "/plan.html"
    let plan = try Program().run([
      "plan", "--account-id", "1", try history(folder), "--state", folder.path + "/s", "--html", page, "--json",
    ])
    #expect(plan.exit == .complete, "\(plan.errors)")
    let expected = try JSONSerialization.data(withJSONObject: try #require(try plan.json()["expected"]))
    let found = try look([page, "--results", try folder.write(expected, to: "expected.json")])
    #expect(found.status == 0, "\(found.text)")
  }

  @Test("a page is its owner's alone, goes where a link leads, and through a pipe")
  func places() throws {
    let folder = try ScratchFolder()
    let (target, link) = (folder.path + "/target.html", folder.path + "/link.html")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    let rows = try history(folder)
    for (number, path) in [link, target].enumerated() {
      let plan = try Program().run(["plan", "--account-id", "1", rows, "--state", folder.path + "/s", "--html", path])
      #expect(plan.exit == .complete, "\(plan.errors)")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
      let attributes = try FileManager.default.attributesOfItem(atPath: target)
      #expect(attributes[.posixPermissions] as? Int == 0o600 && attributes[.type] as? FileAttributeType == .typeRegular)
      // A page that others could read no longer is.
      if number == 0 { try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: target) }
    }
    let page = try String(contentsOfFile: target, encoding: .utf8)
    let through = try Program().run([
      "plan", "--account-id", "1", rows, "--state", folder.path + "/s", "--html", "/dev/stdout", "--json", "--quiet",
    ])
    #expect(through.exit == .complete && through.output.hasPrefix(page), "\(through.errors)")
  }

  @Test("a plan that is refused has its page too, which says so and why")
  func refused() throws {
    let folder = try ScratchFolder()
    let page = folder.path + "/plan.html"
    let rows = try folder.write(
      (1...5).map {
        "{\"record\":\"conversion\",\"visitor_id\":\"v\($0)\",\"entity_id\":\"5\",\"timestamp\":\"\($0 < 3 ? "x" : "1714600000000")\"}\n"
      }
      .joined(), to: "rows.ndjson")
    let plan = try Program().run(["plan", "--account-id", "1", rows, "--state", folder.path + "/s", "--html", page])
    #expect(plan.exit == .refused, "\(plan.errors)")
    let text = try String(contentsOfFile: page, encoding: .utf8)
    #expect(text.contains("Refused: 2 of 5 records were rejected") && text.contains("value=\"3\""), "\(text)")
  }

  @Test(
    "a browser sees what comes in while it looks, and keeps the baseline that was chosen",
    .enabled(if: hasBrowser, "needs chromium and python3"))
  func live() throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    let sandbox = try SandboxProcess(state: state)
    let rows = try history(folder)
    #expect(try Program().run(["import", "--account-id", "1", rows, "--state", state]).exit == .complete)
    let more = try history(folder, visitors: 500)
    let found = try look([
      sandbox.address.replacing("v1/events", with: ""), "--meanwhile",
      "'\(Program.path)' import --account-id 1 '\(more)' --state '\(state)'",
    ])
    #expect(found.status == 0, "\(found.text)")
  }

  @Test(
    "a browser finds the faults that a page has", .enabled(if: hasBrowser, "needs chromium and python3"),
    arguments: [
      ("value=\"7\"", "value=\"8\"", "not those of results.json"), (">7<", ">8<", "shows 8 for 7"),
      ("<caption>Events</caption>", "", "no caption"), (" scope=\"row\"", "", "no scope"),
      ("--soft: #57606a", "--soft: #aaaaaa", "contrast"),
      (".scroll { overflow-x: auto;", ".scroll {", "pixels wide in a window of 390"), (" lang=\"en\"", "", "no language"),
      ("<label for", "<span for", "no label"), ("</main>", "<img src=\"http://127.0.0.1:9/\" alt=\"x\"></main>", "console"),
      (".versus:not(.v2) {", ".versus:not(.v0) {", "another baseline does not show"),
      (".segment:not(.a2) {", ".segment:not(.a0) {", "attribute plan shows"), ("--two: #bc4c00", "--two: #eeeeee", "a line's contrast"),
      ("<td>7</td><td>7</td></tr>", "<td>7</td><td>6</td></tr>", "the chart of visitors ends with"),
      ("role=\"img\"", "role=\"none\"", "a picture says nothing"), ("font-size: 11px }", "font-size: 41px }", "outside of it"),
    ])
  func faults(sound: String, faulty: String, told: String) throws {
    let folder = try ScratchFolder()
    let custom =
      "\"attributes\":["
      + [("8", "device", "phone"), ("9", "plan", "gold")].map { id, key, value in
        "{\"type\":\"custom\",\"entity_id\":\"\(id)\",\"key\":\"\(key)\",\"value\":\"\(value)\"}"
      }.joined(separator: ",") + "]"
    let rows = (0..<7).map { visitor in
      ["40001", "40002"].map { arm in
        let who = "\"visitor_id\":\"\(arm)-\(visitor)\",\"timestamp\":\(1_714_600_000_000 + 86_400_000 * visitor)"
        return "{\"record\":\"decision\",\(who),\(custom),\"campaign_id\":\"2\",\"experiment_id\":\"3\",\"variation_id\":\"\(arm)\"}\n"
          + (visitor > 2 && arm == "40001" ? "" : "{\"record\":\"conversion\",\(who),\"entity_id\":\"5\"}\n")
      }.joined()
    }
    let path = folder.path + "/plan.html"
    let plan = try Program().run([
      "plan", "--account-id", "1", try folder.write(rows.joined(), to: "rows.ndjson"), "--state", folder.path + "/s", "--html", path,
      "--json",
    ])
    let expected = try JSONSerialization.data(withJSONObject: try #require(try plan.json()["expected"]))
    // The style's digest must be that of the style with its fault, so the policy is taken out.
    let page = try String(contentsOfFile: path, encoding: .utf8).replacing(
      "http-equiv=\"Content-Security-Policy\"", with: "name=\"policy\"")
    #expect(page.contains(sound))
    let changed = try folder.write(
      page.replacing(sound, with: faulty), to: "faulty.html")
    let found = try look([changed, "--results", try folder.write(expected, to: "expected.json")])
    #expect(found.status == 1 && found.text.contains(told), "\(found.text)")
  }

  @Test("a page that cannot be written is said before the plan is made, and where")
  func unwritable() throws {
    let folder = try ScratchFolder()
    for path in [folder.path + "/none/plan.html", folder.path] {
      let plan = try Program().run(["plan", "--account-id", "1", try history(folder), "--state", folder.path + "/s", "--html", path])
      #expect(plan.exit == .diskTrouble && plan.output.isEmpty && plan.errors.contains("\(path): the page cannot be written"))
    }
  }
}

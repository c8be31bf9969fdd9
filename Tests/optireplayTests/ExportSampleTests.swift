import Foundation
import Testing

/// The folder with other people's data, when it is there.
let sampleFolder: String? = {
  let named = ProcessInfo.processInfo.environment["OPTIREPLAY_TEST_DATA"]
  let folder = named ?? Program.root.deletingLastPathComponent().appendingPathComponent("shared/data").path
  return FileManager.default.fileExists(atPath: folder + "/e3-sample") ? folder + "/e3-sample" : nil
}()

@Suite("The vendor's export sample")
struct ExportSampleTests {
  @Test(
    "9,001 decisions and 11,109 conversions are accepted over HTTP, counted as expected, and sent once",
    .enabled(if: sampleFolder != nil, "the sample is not on this machine"))
  func importsTheSample() throws {
    let folder = try ScratchFolder()
    let sample = try #require(sampleFolder)
    for name in ["decisions", "conversions"] { try unpack("\(sample)/\(name).ndjson.gz", to: "\(folder.path)/\(name).ndjson") }
    let sandbox = try SandboxProcess(state: folder.path + "/server")
    let account = try accountOfSample("\(folder.path)/decisions.ndjson")
    let command = [
      "import", "--preset", "events-export", "--decisions", "\(folder.path)/decisions.ndjson", "--conversions",
      "\(folder.path)/conversions.ndjson", "--account-id", account, "--endpoint", sandbox.address, "--state", "\(folder.path)/state",
      "--json",
    ]
    let first = try Program().run(command)
    #expect(first.status == 0, "\(first.errors)")
    let summary = try first.json()
    let records = try #require(summary["records"] as? [String: Int])
    #expect(records["read"] == 9001 + 11_109)
    #expect(records["accepted"] == 9001 + 11_109)
    #expect(records["rejected"] == 0)
    let events = try #require(summary["events"] as? [String: Int])
    #expect(events == ["decisions": 9001, "conversions": 11_109])

    let results = try sandbox.get("results.json")
    let expected = try #require(summary["expected"] as? [String: Any])
    #expect(NSDictionary(dictionary: results) == NSDictionary(dictionary: expected))
    let experiments = try #require(results["experiments"] as? [[String: Any]])
    let visitors = experiments.flatMap { $0["variations"] as? [[String: Any]] ?? [] }.compactMap { $0["visitors"] as? Int }
    #expect(visitors.sorted() == [4487, 4514])

    let again = try Program().run(command).json()
    #expect(again["requests"] as? Int == 0)
    #expect((again["records"] as? [String: Int])?["already_accepted"] == 9001 + 11_109)
  }

  private func unpack(_ archive: String, to target: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gzip", "-dc", archive]
    _ = FileManager.default.createFile(atPath: target, contents: nil)
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: target))
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  private func accountOfSample(_ path: String) throws -> String {
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    let row = try JSONSerialization.jsonObject(with: Data(try #require(text.split(separator: "\n").first).utf8))
    return "\(try #require((row as? [String: Any])?["account_id"]))"
  }
}

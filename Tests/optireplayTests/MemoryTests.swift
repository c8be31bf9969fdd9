import Foundation
import Testing
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Memory", .enabled(if: FileManager.default.fileExists(atPath: "/proc/self/status"), "the system does not tell a process's peak"))
struct MemoryTests {
  enum Input: String, CaseIterable {
    case manyVisitors = "many visitors"
    case oneVisitor = "one visitor"
    case badRows = "nothing but short bad rows"
  }

  @Test("a rehearsal stays within its memory and 64 MB, whatever its input", arguments: Input.allCases)
  func staysWithin(input: Input) throws {
    let folder = try ScratchFolder()
    let file = try folder.write(rows(input), to: input == .badRows ? "rows.ndjson" : "rows.csv")
    // A program built for debugging has 40 MB of its own code in memory, twice that of a released one (78 MB in all with the least memory, of
    // 96), and comes to 92 to 96 MB with events: too near for a test on every allocator.
    let limit = input == .badRows ? Limits.smallestMemoryBytes : 48_000_000
    let state = ["--state", folder.path + "/state", "--memory", "\(limit)", "--quiet"]
    let command = ["import", file, "--account-id", "1", "--max-rejects", "100%", "--allow-rejects", "100%"]
    try run(command + state, within: limit, input.rawValue)
    // A program that kept everything would be seen: of bad rows, what is rejected is more than fits; with memory for all else this one takes more.
    if input == .badRows {
      let rejects = try FileManager.default.attributesOfItem(atPath: folder.path + "/state/runs/1/rejects.ndjson")
      #expect(try #require(rejects[.size] as? Int) > limit + Limits.memoryOverheadBytes, "there is more than fits")
    } else {
      let ample = ["--state", folder.path + "/ample", "--memory", "4GB", "--quiet"]
      #expect(try peak(of: command + ample) > limit + Limits.memoryOverheadBytes, "there is more than fits")
    }
    // Looking back at it takes no more.
    guard input == .oneVisitor else { return }
    try run(["verify"] + state, within: limit, "verify")
    try run(["explain", "visitor-0"] + state, within: limit, "explain")
  }

  private func run(_ arguments: [String], within limit: Int, _ words: String) throws {
    let peakBytes = try peak(of: arguments)
    #expect(peakBytes > 10_000_000, "a peak was seen")
    #expect(peakBytes <= limit + Limits.memoryOverheadBytes, "\(peakBytes) bytes with \(words)")
  }

  /// The most memory that a command had, which must complete.
  private func peak(of arguments: [String]) throws -> Int {
    let running = try Program().start(arguments)
    var peakBytes = 0
    while running.process.isRunning {
      peakBytes = max(peakBytes, peak(running.process.processIdentifier) ?? 0)
      usleep(2000)
    }
    let outcome = try Program().finish(running)
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    return peakBytes
  }

  /// About 40 MB of rows of many visitors, or 12 MB of one; staging and bodies come to twice that each. Bad rows are 2 MB, their rejects 170 MB.
  private func rows(_ input: Input) -> Data {
    if input == .badRows { return Data(String(repeating: "x\n", count: 1_000_000).utf8) }
    var text = "visitor_id,entity_id,key,timestamp,tags.note\n"
    let note = String(repeating: "n", count: 60)
    for number in 0..<(input == .oneVisitor ? 120_000 : 360_000) {
      text += "visitor-\(input == .oneVisitor ? 0 : number / 3),9,purchase,17000000\(10_000 + number % 90_000),\(note)\(number)\n"
    }
    return Data(text.utf8)
  }

  /// The most memory that a process ever had resident; nil when it is gone.
  private func peak(_ process: Int32) -> Int? {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
    else { return nil }
    return Int(line.filter(\.isNumber)).map { $0 * 1024 }
  }
}

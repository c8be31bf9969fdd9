import Foundation

/// Numbers that a seed decides (SplitMix64).
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(bitPattern: Int64(seed)) &* 0x9e37_79b9_7f4a_7c15 }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

/// A random history with everything that makes imports hard: visitors of very different sizes, sessions, attributes, duplicates, reused
/// uuids, conflicts, early conversions, ids that need escaping, events too large for a body, and rows that are no records at all.
struct RandomHistory {
  /// JSON rows, each without its line end.
  var rows: [String] = []
  /// Rows that cannot become records.
  var badRowCount = 0

  static let attributeIDs = ["browser": "901", "plan": "902"]

  init(seed: Int, visitors: Int, bodyLimit: Int) {
    var random = Seeded(seed)
    for visitor in 0..<visitors {
      let name = ["visitor-\(visitor)", "v\(visitor)-\u{e9}\u{1f600}", "v\\\"\(visitor)", "\(visitor)"].randomElement(using: &random)!
      // Most visitors are small; now and then one does not fit into a body.
      let count = random.chance(4) ? 20 + random.below(150) : random.below(6)
      for _ in 0..<(1 + random.below(2)) { rows.append(decision(name, &random)) }
      for _ in 0..<count { rows.append(conversion(name, bodyLimit, &random)) }
    }
    for _ in 0..<(rows.count / 20) { rows.append(rows.randomElement(using: &random)!) }
    let bad = ["{\"visitor_id\":\"x\"", "[1]", "{\"record\":\"conversion\",\"visitor_id\":\"x\",\"entity_id\":\"1\",\"timestamp\":17}"]
    for _ in 0..<random.below(5) {
      rows.append(bad.randomElement(using: &random)!)
      badRowCount += 1
    }
    rows.shuffle(using: &random)
  }

  private func decision(_ visitor: String, _ random: inout Seeded) -> String {
    let campaign = random.below(3)
    var members = head("decision", visitor, &random)
    members.append("\"campaign_id\":\"2000\(campaign)\",\"experiment_id\":\"3000\(campaign)\",\"variation_id\":\"4000\(random.below(2))\"")
    if random.chance(5) { members.append("\"is_campaign_holdback\":true") }
    return "{" + members.joined(separator: ",") + "}"
  }

  private func conversion(_ visitor: String, _ bodyLimit: Int, _ random: inout Seeded) -> String {
    var members = head("conversion", visitor, &random)
    members.append("\"entity_id\":500\(random.below(3)),\"key\":\"event \(random.below(3))\"")
    if random.chance(40) { members.append("\"revenue\":\(random.below(10_000))") }
    if random.chance(20) { members.append("\"value\":\(random.below(100)).5") }
    if random.chance(10) { members.append("\"tags\":{\"b\":\(random.below(5)),\"a\":\"tag\"}") }
    if random.chance(1) { members.append("\"properties\":{\"long\":\"\(String(repeating: "x", count: bodyLimit))\"}") }
    return "{" + members.joined(separator: ",") + "}"
  }

  private func head(_ kind: String, _ visitor: String, _ random: inout Seeded) -> [String] {
    let escaped = visitor.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    var members = ["\"record\":\"\(kind)\"", "\"visitor_id\":\"\(escaped)\""]
    members.append("\"timestamp\":\(1_700_000_000_000 + random.below(40) * 3_600_000)")
    if random.chance(15) { members.append("\"session_id\":\"s\(random.below(2))\"") }
    if random.chance(15) { members.append("\"attributes\":{\"browser\":\"b\(random.below(2))\",\"plan\":true}") }
    if random.chance(5) { members.append("\"uuid\":\"shared-\(random.below(3))\"") }
    return members
  }
}

/// A folder that goes away with its owner.
final class ScratchFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("optireplay-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file of lines and returns its path.
  func write(_ lines: some Sequence<String>, to name: String) throws -> String {
    let file = "\(path)/\(name)"
    try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(fileURLWithPath: file))
    return file
  }
}

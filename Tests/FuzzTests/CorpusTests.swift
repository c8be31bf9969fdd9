import Foundation
import Testing

/// What `Scripts/fuzz` does for hours, in seconds: every file of the corpus is fed to its function. A finding of the fuzzer stays as such a file.
@Suite("Fuzzing's corpus")
struct CorpusTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Corpus")

  static func files(_ target: Fuzzed) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent(target.rawValue).path).filter { !$0.hasPrefix(".") }
  }

  @Test("every file of the corpus is read without a trap, and as its oracle says", arguments: Fuzzed.allCases)
  func corpus(target: Fuzzed) throws {
    let names = try CorpusTests.files(target)
    #expect(names.count > 2)
    for name in names.sorted() {
      let bytes = [UInt8](try Data(contentsOf: CorpusTests.folder.appendingPathComponent(target.rawValue).appendingPathComponent(name)))
      #expect(throws: Never.self, "\(target.rawValue)/\(name)") { try target.feed(bytes) }
      // Its beginnings, too.
      for end in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 8)) {
        #expect(throws: Never.self, "the first \(end) bytes of \(target.rawValue)/\(name)") { try target.feed(Array(bytes[..<end])) }
      }
    }
  }

  @Test(
    "files of the corpus that are changed, cut, and grown by parts of others are read so, too", arguments: Fuzzed.allCases,
    [1, 2, 3] as [UInt64])
  func mutated(target: Fuzzed, seed: UInt64) throws {
    let corpus = try CorpusTests.files(target).sorted().map {
      [UInt8](try Data(contentsOf: CorpusTests.folder.appendingPathComponent(target.rawValue).appendingPathComponent($0)))
    }
    var changes = Changes(seed: seed)
    for round in 0..<500 {
      let input = changes.changed(corpus)
      #expect(throws: Never.self, "\(target.rawValue), seed \(seed), round \(round): \(input)") { try target.feed(input) }
    }
  }
}

/// Changes inputs as libFuzzer does, without looking at what they reach.
private struct Changes {
  private var state: UInt64
  /// Bytes that mean something to one reader or another.
  private static let meaningful = Array("\",\n\r\t\\{}[]:0123456789.-+eEuTZ #\0".utf8) + [0x0b, 0x0c, 0x7f, 0x80, 0xc3, 0xe2, 0xf0, 0xff]

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  private mutating func number(below count: Int) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return Int((mixed ^ (mixed >> 31)) % UInt64(count))
  }

  mutating func changed(_ corpus: [[UInt8]]) -> [UInt8] {
    var bytes = corpus[number(below: corpus.count)]
    for _ in 0...number(below: 6) {
      let at = number(below: bytes.count + 1)
      let end = min(bytes.count, at + 1 + number(below: 8))
      switch number(below: 6) {
      case 0: bytes.replaceSubrange(at..<end, with: [])
      case 1: bytes.insert(Changes.meaningful[number(below: Changes.meaningful.count)], at: at)
      case 2 where at < bytes.count: bytes[at] = Changes.meaningful[number(below: Changes.meaningful.count)]
      case 3 where at < bytes.count: bytes[at] ^= 1 << UInt8(number(below: 8))
      case 4: bytes.insert(contentsOf: bytes[at..<end], at: at)
      default:
        let other = corpus[number(below: corpus.count)]
        let start = number(below: other.count + 1)
        bytes.insert(contentsOf: other[start...].prefix(1 + number(below: 40)), at: at)
      }
    }
    return bytes
  }
}

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

}

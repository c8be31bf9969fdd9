import Foundation
import Testing

@testable import Bytes

@Suite("SHA-256")
struct SHA256Tests {
  private func digits(_ message: [UInt8]) -> String {
    var arena = ByteArena(limit: 1 << 10)
    arena.append(sha256Of: message.span)
    return String(decoding: copy(arena.span), as: UTF8.self)
  }

  @Test(
    "published vectors come out",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func vectors(message: String, expected: String) { #expect(digits(Array(message.utf8)) == expected) }

  @Test("a million letters, taken in many blocks, come out as published")
  func million() {
    #expect(
      digits([UInt8](repeating: 0x61, count: 1_000_000)) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test("every length around the ends of blocks agrees with the system's own sum", .enabled(if: SHA256Tests.sum != nil))
  func lengths() throws {
    for count in [1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129] {
      let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      #expect(digits(message) == (try SHA256Tests.systemSum(message)), "\(count) bytes")
    }
  }

  private static let sum = ["/usr/bin/sha256sum", "/bin/sha256sum"].first { FileManager.default.isExecutableFile(atPath: $0) }

  private static func systemSum(_ message: [UInt8]) throws -> String {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("sha256-\(UUID().uuidString)")
    try Data(message).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: try #require(sum))
    process.arguments = [file.path]
    process.standardOutput = pipe
    try process.run()
    process.waitUntilExit()
    return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).prefix(64).description
  }
}

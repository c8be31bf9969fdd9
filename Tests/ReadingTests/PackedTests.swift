import Bytes
import Disk
import Foundation
import Oracles
import Testing
import Vocabulary

@testable import Reading

/// Packs bytes by the program that people use for it.
private func packed(_ bytes: [UInt8], _ packing: Packing, _ flags: [String] = []) throws -> [UInt8] {
  let name = NSTemporaryDirectory() + "/optireplay-\(UUID().uuidString)"
  defer { for suffix in ["", ".packed"] { try? FileManager.default.removeItem(atPath: name + suffix) } }
  try Data(bytes).write(to: URL(fileURLWithPath: name))
  try Data().write(to: URL(fileURLWithPath: name + ".packed"))
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [packing.rawValue, "-c"] + flags + [name]
  process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: name + ".packed"))
  process.standardError = FileHandle.nullDevice
  try process.run()
  process.waitUntilExit()
  try #require(process.terminationStatus == 0)
  return Array(try Data(contentsOf: URL(fileURLWithPath: name + ".packed")))
}

/// Those whose program is there.
private let packings: [Packing] = Packing.allCases.filter { packing in
  (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").contains {
    FileManager.default.isExecutableFile(atPath: "\($0)/\(packing.rawValue)")
  }
}

@Suite("Packed inputs", .enabled(if: !packings.isEmpty, "neither gzip nor zstd is here to pack with"))
struct PackedTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private static func rows(_ count: Int) -> [UInt8] {
    Array(("a,b\n" + (0..<count).map { "\($0),\"x\n\($0 &* 7_919 % 1_000)\"\n" }.joined()).utf8)
  }

  @Test(
    "a packed input has the rows, lines and places of the plain one, whatever it is called and in blocks of any size", arguments: packings)
  func same(packing: Packing) throws {
    let plain = PackedTests.rows(5_000)
    let expected = try read(try scratch.write(plain, as: "rows.csv"))
    for name in ["rows.csv" + packing.suffixes[0], "rows", "rows.csv"] {
      let path = try scratch.write(try packed(plain, packing), as: name)
      for blockBytes in [64, 4_095, 4_096, 1 << 20] {
        let found = try read(path, blockBytes: blockBytes)
        #expect(found.header == expected.header && found.reading.found == expected.reading.found)
      }
    }
  }

  @Test("the name says the format behind the ending of its packing", arguments: packings)
  func formats(packing: Packing) throws {
    for suffix in packing.suffixes {
      #expect(InputFormat(fileName: "a.ndjson" + suffix, beginning: []) == .ndjson)
      #expect(InputFormat(fileName: "A.CSV" + suffix.uppercased(), beginning: [0x7b]) == .csv)
      #expect(InputFormat(fileName: "a.json" + suffix, beginning: []) == .ndjson)
      #expect(InputFormat(fileName: "a" + suffix, beginning: []) == .csv)
      #expect(InputFormat(fileName: "a" + suffix, beginning: [0x5b]) == .json)
    }
    let path = try scratch.write(try packed(Array("{\"a\":1}\n".utf8), packing))
    #expect(try read(path).reading.found.count == 1)
  }

  @Test("what is unpacked is transcoded", arguments: packings)
  func transcoded(packing: Packing) throws {
    let dialect = CSVDialect(encoding: .windows1252)
    let rows = (0..<3_000).map { Array("\($0) ".utf8) + [0x80, 0xe9] }
    let path = try scratch.write(try packed(Array("a\n".utf8) + rows.joined(separator: [0x0a]), packing))
    for blockBytes in [64, 4_096, 1 << 20] {
      let found = try read(path, dialect: dialect, blockBytes: blockBytes).reading.found
      #expect(found.map(\.bytes) == (0..<3_000).map { Array("\($0) €é".utf8) })
    }
  }

  @Test("arrays in what is unpacked are read", arguments: packings)
  func arrays(packing: Packing) throws {
    let rows = (0..<3_000).map { Array("{\"a\":\"\($0)\"}".utf8) }
    let path = try scratch.write(try packed([0x5b] + rows.joined(separator: [0x2c, 0x0a]) + [0x5d], packing))
    for blockBytes in [64, 4_096, 1 << 20] {
      #expect(try read(path, blockBytes: blockBytes).reading.found.map(\.bytes) == rows)
    }
  }

  @Test("members one behind the other are one input, empty ones and zeros behind the last too", arguments: packings)
  func members(packing: Packing) throws {
    let parts = [Array("a,b\n1,2\n3".utf8), [], Array(",4\n".utf8), Array("5,6".utf8)]
    var bytes = try parts.flatMap { try packed($0, packing) }
    for _ in 0..<2 {
      let found = try read(try scratch.write(bytes)).reading.found.map { $0.cells.map { String(decoding: $0, as: UTF8.self) } }
      #expect(found == [["1", "2"], ["3", "4"], ["5", "6"]])
      bytes += [UInt8](repeating: 0, count: 700)
    }
    bytes.append(1)
    let path = try scratch.write(bytes)
    #expect(throws: ReadFailure.self) { try read(path) }
    let empty = try read(try scratch.write(try packed([], packing)))
    #expect(empty.header == nil && empty.reading.found.isEmpty)
  }

  @Test("what another program wrote behind the end of gzip is told as that, however short", arguments: [1, 5, 40])
  func junk(count: Int) throws {
    let path = try scratch.write(
      try packed(PackedTests.rows(40), .gzip) + Array("junk and more junk, and no row of anybody's"[...].utf8.prefix(count)))
    do {
      _ = try read(path)
      Issue.record("junk passed for nothing")
    } catch ReadFailure.packed(_, _, let message) {
      #expect(message.contains("behind its end"))
    }
  }

  @Test("cut short anywhere, it is a failure that names the byte, never a shorter input", arguments: packings)
  func cutShort(packing: Packing) throws {
    let whole = try packed(PackedTests.rows(40), packing)
    for count in 4..<whole.count {
      let path = try scratch.write(Array(whole[..<count]))
      do {
        _ = try read(path)
        Issue.record("\(count) of \(whole.count) bytes passed for the whole")
      } catch ReadFailure.packed(let file, let byte, let message) {
        #expect(file == path && byte <= count && message.contains("rows are missing"))
      }
    }
  }

  @Test("with any byte changed it is a failure, or the very rows", arguments: packings)
  func changed(packing: Packing) throws {
    let plain = PackedTests.rows(40)
    let expected = try read(try scratch.write(plain, as: "plain.csv")).reading.found
    let whole = try packed(plain, packing, packing == .zstd ? ["--check"] : [])
    var failures = 0
    // From the third byte on gzip's head is about other things than what is packed.
    for at in (packing == .gzip ? 2 : 4)..<whole.count {
      var bytes = whole
      bytes[at] ^= 0x10
      let path = try scratch.write(bytes, as: "changed.csv")
      do {
        let found = try read(path).reading.found
        #expect(found == expected, "byte \(at)")
      } catch is ReadFailure {
        failures += 1
      }
    }
    #expect(failures > whole.count / 2)
  }

  @Test("its digest and its bytes are those of the packed file", arguments: packings)
  func digest(packing: Packing) throws {
    let path = try scratch.write(try packed(PackedTests.rows(30_000), packing))
    var reader = try BlockReader(path: path, input: 0, format: .csv, dialect: CSVDialect(), blockBytes: 1 << 16)
    while try reader.next() != nil {}
    #expect(reader.digest == (try fileDigest(path)))
    #expect(reader.byteCount == Folder.byteCount(of: path))
  }

  @Test("a reader that is let go before the end lets its thread go", arguments: packings)
  func letGo(packing: Packing) throws {
    let path = try scratch.write(try packed(PackedTests.rows(200_000), packing))
    for _ in 0..<20 {
      var reader = try BlockReader(path: path, input: 0, format: .csv, dialect: CSVDialect(), blockBytes: 1 << 12)
      let block = try reader.next()
      #expect(block != nil)
    }
  }

  @Test(
    "what unpacks to more than any rows would is one, once it is large",
    arguments: [(-1, 1, false), (0, 1, false), (1, 1, true), (1, Limits.unpackedBytesUnjudged / Limits.unpackRatio, false)])
  func bombs(beyond: Int, packed: Int, isOne: Bool) {
    #expect(isBomb(packed: packed, plain: Limits.unpackedBytesUnjudged + beyond) == isOne)
    let large = 10 * Limits.unpackedBytesUnjudged
    #expect(!isBomb(packed: large, plain: large * Limits.unpackRatio + Limits.unpackRatio - 1))
    #expect(isBomb(packed: large, plain: (large + 1) * Limits.unpackRatio))
  }

  @Test("a file that was packed to fill the disk ends the reading, and says how to read it all the same", arguments: packings)
  func bomb(packing: Packing) throws {
    let row = [UInt8](repeating: 0x61, count: 1 << 20) + [0x0a]
    let path = try scratch.write(try packed((0..<70).flatMap { _ in row }, packing))
    do {
      _ = try read(path, blockBytes: 1 << 20)
      Issue.record("it was read")
    } catch ReadFailure.packed(let file, let byte, let message) {
      #expect(file == path && byte > 0 && message.contains("200 times its size") && message.contains("\(packing.rawValue) -dc"))
    }
  }

  @Test("what is packed twice, or holds no text, is refused as such", arguments: packings)
  func noText(packing: Packing) throws {
    for bytes in [try packed(PackedTests.rows(3), packing), [0, 1, 2, 0]] {
      let path = try scratch.write(try packed(bytes, packing))
      do {
        _ = try read(path)
        Issue.record("it passed for text")
      } catch ReadFailure.notText(_, let message) {
        #expect(message.contains("twice") || message.contains("binary"))
      }
    }
  }
}

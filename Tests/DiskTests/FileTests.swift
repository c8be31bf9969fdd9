import Bytes
import Disk
import Foundation
import Synchronization
import Testing
import Vocabulary

@Suite struct FileTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  static let sizes = [0, 1, 4095, 4096, 4097, 1 << 20]

  @Test(
    "a file is read from front to back in pieces of any size, and its size is known", arguments: sizes, [1000, 4096, 1 << 20])
  func reading(size: Int, piece: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var reader = try FileReader(path: scratch.write("a", bytes))
    #expect(reader.byteCount == size)
    var read: [UInt8] = []
    while true {
      var buffer = [UInt8](repeating: 0xff, count: piece + 3)
      let got = try reader.read(into: &buffer, from: 3)
      #expect(buffer[..<3] == [0xff, 0xff, 0xff], "what stood before stays")
      read += buffer[3..<(3 + got)]
      if got < piece { break }
    }
    #expect(read == bytes)
    var none: [UInt8] = []
    #expect(try reader.read(into: &none, from: 0) == 0)
  }

  @Test("a file for what does not fit into memory gives back what was appended, has no name, and does not give what it never had")
  func scratchFile() throws {
    let file = try ScratchFile(in: scratch.folder)
    #expect(try scratch.names.isEmpty)
    for part in [0..<10, 10..<10, 10..<100] {
      let bytes = part.map { UInt8($0) }
      try file.append(bytes.span)
    }
    for (offset, count) in [(0, 100), (9, 2), (99, 1), (100, 0)] {
      var buffer = [UInt8](repeating: 0xff, count: count)
      try file.read(into: &buffer, at: offset)
      #expect(buffer == (offset..<(offset + count)).map { UInt8($0) })
    }
    var larger = [UInt8](repeating: 0, count: 2)
    var kind: DiskFailure.Kind?
    do throws(DiskFailure) { try file.read(into: &larger, at: 99) } catch { kind = error.kind }
    #expect(kind == .damaged)
    #expect(failure { _ = try ScratchFile(in: scratch.path("missing")) }?.kind == .missing)
  }

  @Test("a place is read whole, and a file that ends before it is damaged", arguments: [(0, 10), (3, 4), (10, 0), (9, 1)])
  func reading(offset: Int, count: Int) throws {
    let reader = try FileReader(path: scratch.write("a", Array(0..<10)))
    var buffer = [UInt8](repeating: 0, count: count)
    try reader.read(into: &buffer, at: offset)
    #expect(buffer == (0..<10).map { UInt8($0) }[offset..<(offset + count)].map { $0 })
    var larger = [UInt8](repeating: 0, count: 11 - offset)
    let fault = failure { try reader.read(into: &larger, at: offset) }
    #expect(fault?.kind == .damaged)
    #expect(fault?.message.contains("byte 10") == true)
  }

  @Test("what is missing, or lies in what is no folder, is missing; a folder is a folder; each says so and names the path")
  func notAFile() throws {
    let missing = failure { try opening(scratch.path("none")) }
    #expect(missing?.kind == .missing)
    #expect(missing?.description.hasPrefix(scratch.path("none") + ": ") == true)
    let file = try scratch.write("file", [])
    #expect(failure { try opening(file + "/x") }?.kind == .missing)
    let folder = failure { try opening(scratch.folder) }
    #expect(folder?.kind == .isDirectory)
    #expect(folder?.message.contains("folder") == true)
    #expect(failure { try creating(scratch.folder) }?.kind == .isDirectory)
    #expect(failure { try creating(scratch.path("none/x")) }?.kind == .missing)
  }

  @Test("what may not be read or written is unreadable", .enabled(if: !isRoot, "root may read everything"))
  func unreadable() throws {
    let path = try scratch.write("secret", [1])
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
    #expect(failure { try opening(path) }?.kind == .unreadable)
    #expect(failure { try creating(path) }?.kind == .unreadable)
    try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: scratch.folder)
    #expect(failure { try creating(scratch.path("new")) }?.kind == .unreadable)
  }

  @Test("a pipe has no size and no date, and is read to its end")
  func pipe() throws {
    let path = scratch.path("pipe")
    try #require(unsafe mkfifo(path, 0o600) == 0)
    let writer = Process()
    writer.executableURL = URL(fileURLWithPath: "/bin/sh")
    writer.arguments = ["-c", "for i in 1 2 3; do printf 'part %s\\n' $i; done > \"$0\"", path]
    try writer.run()
    var reader = try FileReader(path: path)
    #expect(reader.byteCount == nil && reader.changedAt == 0)
    var buffer = [UInt8](repeating: 0, count: 100)
    let got = try reader.read(into: &buffer, from: 0)
    #expect(String(decoding: buffer[..<got], as: UTF8.self) == "part 1\npart 2\npart 3\n")
    writer.waitUntilExit()
  }

  @Test("a pipe that nobody opens to write, or whose writer is silent, is stalled after its limit", arguments: [true, false])
  func stalledPipe(hasWriter: Bool) throws {
    let path = scratch.path("pipe")
    try #require(unsafe mkfifo(path, 0o600) == 0)
    // For reading too, so that it does not wait for us.
    let writer = hasWriter ? try FileHandle(forUpdating: URL(fileURLWithPath: path)) : nil
    var reader = try FileReader(path: path, patience: PipePatience(limit: .milliseconds(20)))
    #expect(reader.byteCount == nil)
    var buffer = [UInt8](repeating: 0, count: 3)
    let stalled = failure { _ = try reader.read(into: &buffer, from: 0) }
    #expect(stalled?.kind == .stalled)
    #expect(stalled?.message.contains("not a byte came for 20 ms") == true)
    #expect(stalled?.runFailure(forInput: true).status == .stopped)
    // What comes after all is read.
    guard let writer else { return }
    try writer.write(contentsOf: Data([1, 2, 3, 4]))
    #expect(try reader.read(into: &buffer, from: 0) == 3)
    #expect(buffer == [1, 2, 3])
    #expect(failure { _ = try reader.read(behind: [9], to: 3) }?.kind == .stalled)
  }

  @Test("a wait for a pipe ends when nobody wants its bytes any more, and until then it is asked again and again")
  func unwantedPipe() throws {
    let path = scratch.path("pipe")
    try #require(unsafe mkfifo(path, 0o600) == 0)
    let asked = Mutex(0)
    let patience = PipePatience(limit: nil) {
      asked.withLock { asked in
        asked += 1
        return asked == 2
      }
    }
    var reader = try FileReader(path: path, patience: patience)
    #expect(failure { _ = try reader.read(behind: [], to: 3) }?.kind == .stalled)
    #expect(asked.withLock { $0 } == 2)
  }

  @Test("a file is written for its owner alone, what stood there goes, and appending keeps it")
  func writing() throws {
    let path = scratch.path("a")
    var first = try FileWriter(path: path)
    try first.write([1, 2, 3])
    try first.write([UInt8]())
    try first.sync()
    #expect(first.byteCount == 3)
    #expect(try scratch.mode(path) == 0o600)
    var second = try FileWriter(path: path)
    var arena = ByteArena(limit: 10)
    arena.append("xy")
    try second.write(arena)
    #expect(try Folder.read(path) == [0x78, 0x79])
    var third = try FileWriter(path: path, appending: true)
    try third.write([0x7a].span)
    #expect(try Folder.read(path) == [0x78, 0x79, 0x7a])
  }

  @Test(
    "what is held back goes to the system in whole pieces, in order, and the rest with the last flush or sync",
    arguments: [1, 2, 7, 8, 9, 64], [1, 2, 3])
  func holding(byteCount: Int, seed: UInt64) throws {
    let path = scratch.path("held")
    var writer = try FileWriter(path: path, holding: 8)
    var written: [UInt8] = []
    // Pieces of changing sizes, some of them larger than what is held, some empty.
    for number in 0..<20 {
      let piece = [UInt8](repeating: UInt8(number), count: (number * number * Int(seed)) % (byteCount + 1))
      try writer.write(piece)
      written += piece
      #expect(writer.byteCount == written.count)
      #expect(try Folder.read(path) == Array(written[..<(written.count / 8 * 8)]))
    }
    if seed == 1 { try writer.flush() } else { try writer.sync() }
    #expect(try Folder.read(path) == written)
    try writer.write([1])
    try writer.flush()
    try writer.flush()
    #expect(try Folder.read(path) == written + [1])
    #expect(writer.byteCount == written.count + 1)
    var appending = try FileWriter(path: path, appending: true, holding: 1)
    try appending.write([2, 3])
    #expect(appending.byteCount == 2)
    #expect(try Folder.read(path) == written + [1, 2, 3])
  }

  @Test("a link in the place of a new file is not followed")
  func links() throws {
    let precious = try scratch.write("precious", [1, 2, 3])
    try FileManager.default.createSymbolicLink(atPath: scratch.path("link"), withDestinationPath: precious)
    #expect(failure { try creating(scratch.path("link")) } != nil)
    #expect(try Folder.read(precious) == [1, 2, 3])
  }

  @Test("a full disk is said to be full, and what to do", .enabled(if: Folder.exists("/dev/full"), "needs /dev/full"))
  func full() throws {
    let fault = failure {
      var writer = try FileWriter(path: "/dev/full")
      try writer.write([1])
    }
    #expect(fault?.kind == .full)
    let held = failure {
      var writer = try FileWriter(path: "/dev/full", holding: 2)
      try writer.write([1])
      try writer.flush()
    }
    #expect(held?.kind == .full)
    #expect(fault?.message.contains("free some space") == true)
    #expect(fault?.runFailure(forInput: false).status == .diskTrouble)
  }

  @Test("a failure ends a run with 66 for an input, 73 for a lock, and else 74")
  func exitStatus() {
    let missing = DiskFailure(.missing, "a", "is gone")
    #expect(missing.runFailure(forInput: true) == RunFailure(.inputUnreadable, "a: is gone"))
    #expect(missing.runFailure(forInput: false).status == .diskTrouble)
    #expect(DiskFailure(.locked, "a", "is held").runFailure(forInput: false).status == .locked)
  }

  @Test("lines come one by one, however long, with or without a last line feed", arguments: [false, true])
  func lines(endsWithFeed: Bool) throws {
    let lengths = [0, 1, 7, 0, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3]
    let lines = lengths.map { [UInt8](repeating: UInt8(0x61 + $0 % 26), count: $0) }
    let text = Array(lines.joined(separator: [0x0a])) + (endsWithFeed ? [0x0a] : [])
    var reader = try LineReader(path: scratch.write("lines", text))
    for line in lines { #expect(try reader.next() == line) }
    #expect(try reader.next() == nil)
    #expect(try reader.next() == nil)
  }
}

import Disk
import Foundation
import Testing
import Vocabulary

@Suite struct FolderTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test("a folder is made with those above it, for its owner alone; making it again changes nothing")
  func making() throws {
    let path = scratch.path("a/b//c/")
    try Folder.make(path)
    #expect(Folder.isFolder(path))
    for made in ["a", "a/b", "a/b/c"] { #expect(try scratch.mode(scratch.path(made)) == 0o700) }
    try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: scratch.path("a"))
    try Folder.make(path)
    #expect(try scratch.mode(scratch.path("a")) == 0o750)
  }

  @Test("a folder cannot be made where a file stands, or inside one")
  func blocked() throws {
    let file = try scratch.write("file", [])
    #expect(failure { try Folder.make(file) }?.path == file)
    #expect(failure { try Folder.make(file + "/x") } != nil)
    #expect(!Folder.isFolder(file) && Folder.exists(file) && !Folder.exists(file + "/x"))
  }

  @Test("a folder is removed with everything in it; what is not there is no failure")
  func removing() throws {
    try Folder.make(scratch.path("a/b"))
    _ = try scratch.write("a/b/file", [1])
    try Folder.remove(scratch.path("a"))
    #expect(try scratch.names.isEmpty)
    try Folder.remove(scratch.path("a"))
  }

  @Test("a link is removed itself, whether or not what it points at is there")
  func removingLinks() throws {
    _ = try scratch.write("precious", [1])
    for target in ["precious", "gone"] {
      try FileManager.default.createSymbolicLink(atPath: scratch.path("link"), withDestinationPath: scratch.path(target))
      try Folder.remove(scratch.path("link"))
      #expect(try scratch.names == ["precious"])
    }
  }

  @Test("a file takes the place of another in one step: who has the old one open keeps it whole")
  func replacing() throws {
    let target = try scratch.write("target", [1, 2, 3])
    let before = try FileReader(path: target)
    try Folder.replace(target, with: scratch.write("source", [4, 5]))
    var old = [UInt8](repeating: 0, count: 3)
    try before.read(into: &old, at: 0)
    #expect(old == [1, 2, 3])
    #expect(try Folder.read(target) == [4, 5])
    #expect(try scratch.names == ["target"])
  }

  @Test("replacing with what is not there fails and leaves the target as it was")
  func replacingWithNothing() throws {
    let target = try scratch.write("target", [1])
    #expect(failure { try Folder.replace(target, with: scratch.path("none")) }?.kind == .missing)
    #expect(try Folder.read(target) == [1])
  }

  @Test("a small file is written whole and read whole", arguments: [0, 1, 4096, 10_000])
  func small(size: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    for _ in 0..<2 {
      try Folder.write(bytes, to: scratch.path("a"))
      #expect(try Folder.read(scratch.path("a")) == bytes)
    }
    #expect(try scratch.names == ["a"])
    #expect(failure { _ = try Folder.read(scratch.path("b")) }?.kind == .missing)
  }

  @Test("a file that does not know its size is read to its end", .enabled(if: Folder.exists("/proc/self/status"), "needs /proc"))
  func withoutSize() throws {
    let text = String(decoding: try Folder.read("/proc/self/status"), as: UTF8.self)
    #expect(text.hasPrefix("Name:"))
    #expect(text.contains("nonvoluntary_ctxt_switches"))
  }

  @Test("syncing a folder that is not there fails")
  func syncing() throws {
    try Folder.sync(scratch.folder)
    try Folder.sync(".")
    #expect(failure { try Folder.sync(scratch.path("none")) }?.kind == .missing)
  }

  @Test("a pattern gives the paths it matches by their bytes, and none when none match")
  func patterns() throws {
    for name in ["b.csv", "a.csv", "é.csv", "Z.csv", "a.txt", ".hidden.csv"] { _ = try scratch.write(name, []) }
    #expect(Folder.matches(scratch.path("*.csv")) == ["Z.csv", "a.csv", "b.csv", "é.csv"].map(scratch.path))
    #expect(Folder.matches(scratch.path("*.json")).isEmpty)
  }
}

@Suite struct FolderLockTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func locking(_ folder: String) throws { _ = try FolderLock(folder: folder) }

  @Test("a lock that is held is refused, naming the process that holds it; given back, it is free")
  func exclusion() throws {
    do {
      let lock = try FolderLock(folder: scratch.folder)
      let fault = failure { try locking(scratch.folder) }
      #expect(fault?.kind == .locked)
      #expect(fault?.path == scratch.folder)
      #expect(fault?.message.contains("(process \(getpid()))") == true)
      #expect(fault?.message.contains("--state") == true)
      try Folder.make(scratch.path("other"))
      try locking(scratch.path("other"))
      _ = consume lock
    }
    try locking(scratch.folder)
  }

  @Test("another process is kept out, and a process that dies gives its lock back")
  func processes() async throws {
    let folder = scratch.folder
    do {
      let lock = try FolderLock(folder: folder)
      await #expect(processExitsWith: .exitCode(73)) { [folder = folder as String] in
        do throws(DiskFailure) {
          _ = try FolderLock(folder: folder)
        } catch {
          exit(error.runFailure(forInput: false).status.rawValue)
        }
      }
      _ = consume lock
    }
    await #expect(processExitsWith: .failure) { [folder = folder as String] in
      let lock = try FolderLock(folder: folder)
      try Folder.write([1], to: folder + "/taken")
      kill(getpid(), SIGKILL)
      _ = consume lock
    }
    #expect(try Folder.read(folder + "/taken") == [1])
    try locking(folder)
  }

  @Test(
    "what the lock file says holds nobody up: a living process, another machine, or anything else",
    arguments: ["1", "\(getpid())", "\(getpid()) on another-machine", "", "\u{0}\u{ff}garbage"])
  func leftBehind(text: String) throws {
    _ = try scratch.write("lock", Array(text.utf8))
    #expect(!FolderLock.isHeld(folder: scratch.folder))
    let lock = try FolderLock(folder: scratch.folder)
    #expect(lock.leftByOtherHost == (text.contains("another-machine") ? text : nil))
    #expect(FolderLock.isHeld(folder: scratch.folder))
    _ = consume lock
    #expect(try Folder.read(scratch.folder + "/lock").isEmpty, "who gives it back leaves no name")
  }

  @Test("who removes the lock's file does not get in while its owner lives")
  func fileIsRemoved() throws {
    let lock = try FolderLock(folder: scratch.folder)
    try Folder.remove(scratch.path("lock"))
    #expect(failure { try locking(scratch.folder) }?.kind == .locked)
    _ = consume lock
    try locking(scratch.folder)
  }

  @Test("a link or a pipe where a folder of ours should be is refused; what is there, or is not, is not")
  func links() throws {
    _ = try scratch.write("file", [])
    for name in ["file", "none", "."] { try Folder.requireOrdinary(scratch.path(name)) }
    for (name, target) in [("link", "file"), ("loose", "gone"), ("folder", ".")] {
      try FileManager.default.createSymbolicLink(atPath: scratch.path(name), withDestinationPath: scratch.path(target))
      #expect(failure { try Folder.requireOrdinary(scratch.path(name)) }?.path == scratch.path(name))
    }
    try #require(unsafe mkfifo(scratch.path("pipe"), 0o600) == 0)
    #expect(failure { try Folder.requireOrdinary(scratch.path("pipe")) }?.message.contains("a pipe") == true)
  }

  @Test(
    "who else may write into a folder is told",
    arguments: [(0o700, nil), (0o755, nil), (0o720, "by its group"), (0o702, "by everybody"), (0o777, "by everybody")] as [(Int, String?)])
  func others(mode: Int, words: String?) throws {
    try Folder.make(scratch.path("a"))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: scratch.path("a"))
    let told = Folder.othersWhoMayWrite(scratch.path("a"))
    if let words { #expect(told?.contains(words) == true) } else { #expect(told == nil) }
    #expect(Folder.othersWhoMayWrite(scratch.path("none")) == nil)
  }

  @Test("asking whether the lock is held neither takes nor makes it")
  func asking() throws {
    #expect(!FolderLock.isHeld(folder: scratch.folder))
    #expect(!Folder.exists(scratch.folder + "/lock"))
    let lock = try FolderLock(folder: scratch.folder)
    #expect(FolderLock.isHeld(folder: scratch.folder))
    #expect(FolderLock.isHeld(folder: scratch.folder))
    _ = consume lock
    #expect(!FolderLock.isHeld(folder: scratch.folder))
  }

  @Test("a folder that is not there, or a link in the lock's place, is no lock")
  func noFolder() throws {
    #expect(failure { try locking(scratch.path("none")) }?.kind == .missing)
    let precious = try scratch.write("precious", [1])
    try FileManager.default.createSymbolicLink(atPath: scratch.path("lock"), withDestinationPath: precious)
    #expect(failure { try locking(scratch.folder) } != nil)
    #expect(try Folder.read(precious) == [1])
  }
}

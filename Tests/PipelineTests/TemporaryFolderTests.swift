import Foundation
import Testing

@testable import Disk
@testable import Pipeline

@Suite("Folders that go away with their owner")
struct TemporaryFolderTests {
  let scratch: ScratchFolder
  private static let later = Date(timeIntervalSinceNow: 120)

  init() throws { scratch = try ScratchFolder() }

  private var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() } }

  /// What a killed process leaves.
  private func leave(_ name: String = "optireplay-temporary-\(UUID().uuidString)", mode: Int = 0o700, hasLock: Bool = true) throws -> String
  {
    let path = scratch.path + "/" + name
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: mode])
    try Data("rows".utf8).write(to: URL(fileURLWithPath: path + "/1.records"))
    if hasLock { try Data("1 on here".utf8).write(to: URL(fileURLWithPath: path + "/lock")) }
    return name
  }

  @Test("one goes with its owner, and no other takes it before")
  func alive() throws {
    do {
      let one = try TemporaryFolder(in: scratch.path, now: Self.later)
      let other = try TemporaryFolder(in: scratch.path, now: Self.later)
      #expect(Folder.isOursAlone(one.path) && Folder.isOursAlone(other.path))
      #expect(try names.count == 2)
    }
    #expect(try names == [])
  }

  @Test("what a killed process left is removed by the next, when it is old enough")
  func dead() throws {
    let left = try leave()
    do {
      _ = try TemporaryFolder(in: scratch.path)
      #expect(try names.contains(left), "its owner may be about to lock it")
    }
    _ = try TemporaryFolder(in: scratch.path, now: Self.later)
    #expect(try names == [])
  }

  @Test("what is not surely ours stays: another name, another mode, no lock, a link, a checkpoint in it")
  func others() throws {
    let kept = [
      try leave("optireplay-temporary-mine"), try leave("optireplay-\(UUID().uuidString)"), try leave("other-\(UUID().uuidString)"),
      try leave(mode: 0o755), try leave(hasLock: false),
      "optireplay-temporary-\(UUID().uuidString)", try leave(),
    ]
    try Data().write(to: URL(fileURLWithPath: scratch.path + "/" + kept[6] + "/checkpoint.sqlite"))
    try FileManager.default.createSymbolicLink(atPath: scratch.path + "/" + kept[5], withDestinationPath: scratch.path + "/" + kept[0])
    _ = try TemporaryFolder(in: scratch.path, now: Self.later)
    #expect(try names == kept.sorted())
    #expect(FileManager.default.fileExists(atPath: scratch.path + "/" + kept[0] + "/1.records"))
  }
}

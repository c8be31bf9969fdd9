import Disk
import Foundation
import Testing

/// A folder that goes away with its owner.
final class Scratch: Sendable {
  let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("disk-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder)
    try? FileManager.default.removeItem(atPath: folder)
  }

  func path(_ name: String) -> String { folder + "/" + name }

  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    return path(name)
  }

  func mode(_ path: String) throws -> Int {
    try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber).intValue
  }

  var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } }
}

/// The failure of a call, which must fail.
func failure(_ body: () throws -> Void, _ location: SourceLocation = #_sourceLocation) -> DiskFailure? {
  #expect(throws: DiskFailure.self, sourceLocation: location) { try body() }
}

func opening(_ path: String) throws { _ = try FileReader(path: path) }
func creating(_ path: String) throws { _ = try FileWriter(path: path) }

/// Whether the tests run as root, whom no permission stops.
let isRoot = geteuid() == 0

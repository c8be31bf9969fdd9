import Foundation
import Testing

/// What the compiler does not check: walls, and the order of the house.
@Suite("The source is tidy")
struct TidyTests {
  private struct Source {
    var module: String
    var path: String
    var lines: [Substring]

    var imports: [String] {
      lines.compactMap { line in
        let words = line.split(separator: " ")
        guard let at = words.firstIndex(of: "import"), at <= 1, at + 1 < words.count else { return nil }
        return String(words[at + 1])
      }
    }
  }

  private static let stages = ["Reading", "Normalizing", "Grouping", "Chunking", "Counting", "Checkpointing", "Delivering", "Reporting"]
  /// Which of our modules may import each library.
  private static let importers: [String: Set<String>] = [
    "GRDB": ["Checkpointing", "Sandbox"], "AsyncHTTPClient": ["Delivering"], "ArgumentParser": ["optireplay"],
    "UnixSignals": ["optireplay"], "NIOSSL": ["Delivering"], "Logging": ["Pipeline", "optireplay"],
  ]

  private func sources(_ folder: String = "Sources") throws -> [Source] {
    let root = Program.root.appendingPathComponent(folder)
    let files = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
    return try files.filter { $0.hasSuffix(".swift") }.map { path in
      let text = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
      return Source(
        module: String(path.split(separator: "/")[0]), path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false))
    }
  }

  @Test("no stage imports another stage, but for the results that reports show")
  func stagesStandApart() throws {
    for source in try sources() where TidyTests.stages.contains(source.module) {
      let others = source.imports.filter { TidyTests.stages.contains($0) && $0 != source.module }
      #expect(others.isEmpty || (source.module == "Reporting" && others == ["Counting"]), "\(source.path) imports \(others)")
    }
  }

  @Test("each library has the importers that are meant to have it")
  func librariesHaveOneImporter() throws {
    for source in try sources() {
      for library in source.imports {
        guard let importers = TidyTests.importers[library] else { continue }
        #expect(importers.contains(source.module), "\(source.path) imports \(library)")
      }
    }
  }

  @Test("unsafe code is in Bytes and Disk and nowhere else")
  func unsafeCodeHasItsRooms() throws {
    let words = ["@unchecked Sendable", "nonisolated(unsafe)", "unsafe ", "UnsafeRawPointer", "UnsafePointer", "UnsafeMutable"]
    for source in try sources() where source.module != "Bytes" && source.module != "Disk" {
      for (number, line) in source.lines.enumerated() where !line.trimmingCharacters(in: .whitespaces).hasPrefix("//") {
        #expect(!words.contains { line.contains($0) }, "\(source.path):\(number + 1)")
      }
    }
  }

  @Test("tasks are structured, and nothing is left undone")
  func nothingIsLeftUndone() throws {
    for source in try sources() {
      for (number, line) in source.lines.enumerated() {
        for word in [" Task {", "Task.detached", "AsyncStream", "TODO", "FIXME", "fatalError("] {
          #expect(!line.contains(word), "\(source.path):\(number + 1) has \(word)")
        }
      }
    }
  }

  @Test("files have at most 400 lines")
  func filesAreShort() throws {
    for source in try sources() + sources("Tests") { #expect(source.lines.count <= 401, "\(source.path) has \(source.lines.count) lines") }
  }

  @Test("the top level holds the package, its sources, tests, scripts and the README, and nothing else")
  func topLevel() throws {
    let visible = try FileManager.default.contentsOfDirectory(atPath: Program.root.path).filter { !$0.hasPrefix(".") }
    let allowed: Set = ["Package.swift", "Package.resolved", "Sources", "Tests", "Scripts", "README.md"]
    #expect(Set(visible).subtracting(allowed).isEmpty)
  }
}

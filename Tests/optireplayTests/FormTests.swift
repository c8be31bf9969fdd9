import Foundation
import Testing
import Vocabulary

@Suite("Forms of files on the command line")
struct FormTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  /// A folder for bodies that is not there yet.
  private func newBodies() throws -> String {
    let path = folder.path + "/bodies"
    if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    return path
  }

  private func plan(_ flags: [String]) throws -> Program.Outcome {
    try Program().run(
      ["plan", "--json", "--account-id", "1", "--state", folder.path + "/state", "--output", try newBodies()] + flags)
  }

  private func body() throws -> String { try String(contentsOfFile: folder.path + "/bodies/1.json", encoding: .utf8) }

  private static let csv = "visitor_id,entity_id,timestamp\nanna,9,1714564800000\nbj\u{f6}rn,9,1714564800001\n"

  @Test("comments, lines above the header, other marks and encodings are read as flags say")
  func flags() throws {
    _ = try plan([try folder.write(FormTests.csv, to: "plain.csv")])
    let plain = try body()
    #expect(plain.contains("björn"))
    let text = "Report\nmade \"today\n# a comment\n" + FormTests.csv.replacing(",", with: ";") + "# the end; really\n"
    let bytes = try #require(text.data(using: .windowsCP1252))
    let file = try folder.write(bytes, to: "report.csv")
    let outcome = try plan(["--skip", "2", "--comment", "#", "--delimiter", ";", "--encoding", "windows-1252", file])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    #expect(try body() == plain)
  }

  @Test("the same stands in a configuration, for each input by itself, and columns without a header are called by their numbers")
  func configuration() throws {
    _ = try plan([try folder.write(FormTests.csv, to: "plain.csv")])
    let plain = try body()
    let rows = FormTests.csv.split(separator: "\n").dropFirst()
    try folder.write("%\n" + rows[1].replacing(",", with: "|") + "\n", to: "a.txt")
    try folder.write(try #require((rows[2] + "\n").data(using: .isoLatin1)), to: "b.csv")
    let config = try folder.write(
      """
      account_id: 1
      header: false
      inputs:
        - {files: a.txt, record: conversion, delimiter: "|", comment: "%", fields: {visitor_id: 1, entity_id: 2, timestamp: 3}}
        - {files: b.csv, record: conversion, encoding: latin-1, fields: {visitor_id: "1", entity_id: "2", timestamp: "3"}}
      """, to: "import.yaml")
    let outcome = try Program().run(
      ["plan", "--config", config, "--state", folder.path + "/state", "--output", try newBodies()])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    #expect(try body() == plain)
  }

  @Test("a JSON array of objects is read as its lines would be, whatever its layout", arguments: [true, false])
  func array(isPretty: Bool) throws {
    _ = try plan([try folder.write(FormTests.csv, to: "plain.csv")])
    let plain = try body()
    let objects: [[String: String]] = [
      ["visitor_id": "anna", "entity_id": "9", "timestamp": "1714564800000"],
      ["visitor_id": "björn", "entity_id": "9", "timestamp": "1714564800001"],
    ]
    let file = try folder.write(
      try JSONSerialization.data(withJSONObject: objects, options: isPretty ? .prettyPrinted : []), to: "rows.json")
    #expect(try plan([file]).exit == .complete)
    #expect(try body() == plain)
  }

  @Test(
    "marks that are one, and lines below none, are refused as usage",
    arguments: [["--comment", ","], ["--quote", ",", "--delimiter", ","], ["--skip=-1"], ["--encoding", "utf-16"], ["--comment", "//"]])
  func usage(flags: [String]) throws {
    let outcome = try plan(flags + [try folder.write(FormTests.csv, to: "plain.csv")])
    #expect(outcome.exit == .usage, "\(outcome.errors)")
  }
}

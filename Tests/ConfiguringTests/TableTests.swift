import Configuring
import Normalizing
import Testing
import Vocabulary

@Suite("Tables from files")
struct TableTests {
  private func read(_ value: String, _ rows: [[String]]) throws(ConfigurationFault) -> ConfigurationFile {
    try ConfigurationFile(
      "inputs:\n  - {files: a, record: conversion, fields: {visitor_id: u, timestamp: t, entity_id: \(value)}}", file: "c.yaml",
      settings: [],
      variables: [:],
      rows: { name throws(Datafile.Fault) in
        guard name == "t.csv" else { throw Datafile.Fault("\(name): there is no such file") }
        return rows
      })
  }

  @Test("a table is a file's first two columns, or the two that are named; what stands for two things is ambiguous")
  func columns() throws {
    let rows = [
      ["sku", "id", "name"], ["a", "1", "apple"], ["b", "2", "pear"], ["", "3", "none"], ["b", "2", "plum"], ["a", "4", "again"],
    ]
    func lookup(_ value: String) throws -> Lookup? {
      guard case .lookup(.path("s"), let lookup)? = try read(value, rows).inputs[0].mapping?.fields[.entity] else { return nil }
      return lookup
    }
    #expect(try lookup("{from: s, lookup: t.csv}") == Lookup(["b": "2"], of: "t.csv", isFile: true, ambiguous: ["a"]))
    #expect(
      try lookup("{from: s, lookup: t.csv, columns: [name, id], otherwise: keep}")
        == Lookup(["apple": "1", "pear": "2", "none": "3", "plum": "2", "again": "4"], otherwise: .keep, of: "t.csv", isFile: true))
  }

  @Test(
    "what cannot be a table is told with its line",
    arguments: [
      ("{from: s, lookup: x.csv}", [["a", "b"]], "there is no such file"), ("{from: s, lookup: t.csv}", [["a"]], "no two columns"),
      ("{from: s, lookup: t.csv}", [], "no two columns"),
      ("{from: s, lookup: t.csv, columns: [sku, idd]}", [["sku", "id"]], "no column idd; did you mean id?"),
      ("{from: s, lookup: t.csv, columns: sku}", [["sku", "id"]], "columns names two"),
      ("{from: s, columns: [sku, id]}", [["sku", "id"]], "columns belongs to lookup"),
    ] as [(String, [[String]], String)])
  func faults(value: String, rows: [[String]], words: String) {
    do throws(ConfigurationFault) {
      _ = try read(value, rows)
      Issue.record("it was read")
    } catch {
      #expect(error.description.hasPrefix("c.yaml:2: ") && error.description.contains(words), "\(error.description)")
    }
  }
}

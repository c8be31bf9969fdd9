import Configuring
import Testing
import Vocabulary

@Suite("What is wrong with a configuration")
struct FaultTests {
  private func problems(_ text: String) -> [String] {
    do throws(ConfigurationFault) {
      _ = try ConfigurationTests.read(text)
      return []
    } catch {
      return error.description.split(separator: "\n").map(String.init)
    }
  }

  /// An input with these keys, the first of which stands in line 3.
  private func input(_ keys: String...) -> String {
    "inputs:\n  - files: a.csv\n" + keys.map { "    " + $0 }.joined(separator: "\n")
  }

  private static let fields = "fields: {visitor_id: u, entity_id: e, timestamp: t}"

  @Test(
    "is told with its line, its key, and the closest key",
    arguments: [
      ("acount_id: 1", 3, #""acount_id" is no key of the configuration; did you mean account_id?"#),
      ("    recrod: decision", 3, #""recrod" is no key of an input; did you mean record?"#),
      ("    record: conversions", 3, "record is decision, conversion, not conversions; did you mean conversion?"),
      ("    preset: native-rows", 3, "preset is native or events-export or sdk-log"),
      ("    format: cvs", 3, "format is csv, ndjson, json, not cvs; did you mean csv?"),
      ("    delimiter: ';;'", 3, "delimiter is one character, or tab"),
      ("    files: []", 2, "more than once"),
      ("    fields: [a]", 3, "fields has keys and values, and here stands a list"),
      ("    fields: {visitor: u, entity_id: e, timestamp: t}", 3, #""visitor" is no key of fields; did you mean visitor_id?"#),
      ("    fields: {entity_id: e, timestamp: t}", 2, "the fields have no visitor_id, which every record needs"),
      ("    fields: {visitor_id: u, timestamp: t}", 2, "neither entity_id"),
      ("    record: decision\n    fields: {visitor_id: u, entity_id: e, timestamp: t}", 2, "no campaign_id, which every decision needs"),
      (
        "    fields: {visitor_id: {from: u, form: x}, entity_id: e, timestamp: t}", 3,
        #""form" is no key of visitor_id; did you mean from?"#
      ),
      ("    fields: {visitor_id: {}, entity_id: e, timestamp: t}", 3, "does not say where its value comes from"),
      ("    fields: {visitor_id: {from: a, const: b}, entity_id: e, timestamp: t}", 3, "more than once where its value comes from"),
      ("    fields: {visitor_id: {from: [a, b]}, entity_id: e, timestamp: t}", 3, "from names one column"),
      ("    fields: {visitor_id: {first: a}, entity_id: e, timestamp: t}", 3, "first is a list"),
      ("    fields: {visitor_id: {from: a, separator: b}, entity_id: e, timestamp: t}", 3, "separator belongs to join"),
      ("    fields: {visitor_id: '', entity_id: e, timestamp: t}", 3, "names no column"),
      ("    fields: {visitor_id: u, entity_id: {from: e, lookup: {a: 1}, otherwise: maybe}, timestamp: t}", 3, "otherwise is reject, keep"),
      ("    fields: {visitor_id: u, entity_id: e, timestamp: {from: t, format: YYYY-MM-dd}}", 3, "yyyy"),
      ("    fields: {visitor_id: u, entity_id: e, timestamp: {from: t, zone: Pari}}", 3, "Europe/Paris"),
      ("    fields: {visitor_id: u, entity_id: e, timestamp: {from: t, format: 'd.M.yyyy H:mm'}}", 3, "say their zone"),
      ("    fields: {visitor_id: u, entity_id: e, timestamp: {from: t, format: epoch, unit: major}}", 3, "it can be one of them"),
      ("    fields: {visitor_id: u, entity_id: e, timestamp: t, revenue: {from: r, unit: cents}}", 3, "unit is major, minor, not cents"),
      ("    fields: {visitor_id: u, entity_id: e, timestamp: t, revenue: {from: r, exponent: 2}}", 3, "belong to unit"),
      ("    fields: {visitor_id: u, entity_id: e, timestamp: t, revenue: {from: r, unit: major, exponent: x}}", 3, "whole number"),
      ("    fields: {visitor_id: u, entity_id: e, timestamp: t, value: {from: r, decimal: ;}}", 3, "decimal is"),
      ("    tags: {a: {from: b, type: int}}", 3, "type is string, number, boolean, not int"),
      ("    tags: {a: {from: b, entity_id: 5}}", 3, #""entity_id" is no key of a"#),
      ("    where: {a: {greater: x}}", 3, "compares with a number"), ("    where: {a: {empty: no}}", 3, "empty is true or false, not no"),
      ("    where: {a: {bigger: 1}}", 3, #""bigger" is no key of a"#), ("    tags: {'*': {pairs: a}}", 3, "* is a path"),
    ])
  func messages(line text: String, number: Int, message: String) {
    let found = problems("inputs:\n  - files: a.csv\n" + text)
    #expect(found.count == 1, "\(found)")
    #expect(found.first?.hasPrefix("import.yaml:\(number): ") == true, "\(found)")
    #expect(found.first?.contains(message) == true, "\(found)")
  }

  @Test(
    "a file that is no configuration is told as what it is",
    arguments: [
      ("", "empty"), ("# nothing\n", "empty"), ("just a text", "has keys and values"), ("- a\n- b", "has keys and values"),
      ("account_id: 1", "has no inputs"), ("inputs: a.csv", "begin each with a hyphen"), ("inputs: []", "begin each with a hyphen"),
      ("inputs:\n  - record: decision", "an input has no files"), ("inputs:\n  - files: [a", "not YAML"), ("a: b: c", "not YAML"),
      ("inputs:\n\t- files: a", "not YAML"), ("inputs:\n  - files: a\ninputs: []", "more than once"),
      ("inputs: [{files: {a: b}}]", "files is one value"), ("accept: [a, 'b,c']\ninputs: [{files: a}]", "has a comma"),
      ("accept: {a: b}\ninputs: [{files: a}]", "accept is one value"),
    ])
  func noConfiguration(text: String, message: String) {
    let found = problems(text)
    #expect(found.contains { $0.contains(message) }, "\(found)")
  }

  @Test("everything that is wrong is told at once, by line, up to a limit")
  func allAtOnce() {
    let found = problems(
      "acount_id: 1\ninputs:\n  - files: a.csv\n    recrod: decision\n    fields: {visitr_id: u, entity_id: e, timestamp: t, revenue: {from: a, unit: x}}"
    )
    #expect(found.map { $0.split(separator: ":")[1] } == ["1", "4", "5", "5"])
    let many = "inputs:\n" + (0..<50).map { "  - {files: a, x\($0): 1}\n" }.joined()
    #expect(problems(many).count == 20)
  }

  @Test("random changes of a good configuration give a configuration or lines within it, and never more", arguments: 1...4)
  func fuzz(seed: Int) {
    let good =
      "account_id: ${A:-1}\naccept: [a, b]\ninputs:\n  - files: [a.csv, b]\n    record: conversion\n    fields:\n      visitor_id: {first: [u, {const: x}]}\n"
      + "      entity_id: {from: e, lookup: {a: 1}, otherwise: {const: 2}}\n      timestamp: {from: t, format: M/d/yyyy, zone: UTC}\n"
      + "    tags: {a: b, '*': c}\n    where: {s: [1, 2], t: {greater: 1}}\n"
    #expect(problems(good).isEmpty)
    var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15
    func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(limit))
    }
    let pieces = ["{", "}", "[", "]", ":", ",", "\n", " ", "-", "'", "\"", "$", "&a", "*a", "<<", "null", "é", "\t", "|", "!!int"]
    for _ in 0..<300 {
      var characters = Array(good)
      for _ in 0..<(1 + next(4)) {
        let at = next(characters.count)
        if next(2) == 0 { characters.remove(at: at) } else { characters.insert(contentsOf: pieces[next(pieces.count)], at: at) }
      }
      let text = String(characters)
      do throws(ConfigurationFault) {
        _ = try ConfigurationTests.read(text)
      } catch {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count
        #expect(!error.problems.isEmpty && error.problems.allSatisfy { (0...(lines + 1)).contains($0.line) && !$0.message.isEmpty })
      }
    }
  }

  @Test("aliases that stand for billions of values are refused at once, and those of any real configuration are read", arguments: [2, 9])
  func aliases(levels: Int) {
    var text = "x0: &a0 {first: [a, b, c, d, e, f, g, h]}\n"
    for level in 1...levels {
      text += "x\(level): &a\(level) {first: [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]}\n"
    }
    text += "inputs: [{files: a.csv, fields: {visitor_id: *a\(levels)}}]\n"
    let isRefused = problems(text).contains { $0.contains("its aliases, written out, are more than 100000 values") }
    #expect(isRefused == (levels == 9))
  }
}

import Foundation
import Testing
import Vocabulary

/// What would falsify results without a word is rejected, refused, or found.
@Suite("Nothing goes wrong in silence")
struct SilenceTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  /// A plan over the rows, mapped by the keys of an input, with its bodies in `out`.
  private func plan(
    _ rows: [String], _ keys: String, file: String = "rows.ndjson", settings: String = "", _ flags: [String] = []
  ) throws -> Program.Outcome {
    _ = try folder.write(rows.joined(separator: "\n") + "\n", to: file)
    let config =
      "account_id: 1\nmax_rejects: 100%\n\(settings)inputs:\n  - files: \(file)\n"
      + keys.split(separator: "\n").map { "    \($0)\n" }.joined()
    try? FileManager.default.removeItem(atPath: folder.path + "/out")
    return try Program().run(
      [
        "plan", "--config", try folder.write(config, to: "import.yaml"), "--state", folder.path + "/state", "--json", "--output",
        folder.path + "/out",
      ] + flags)
  }

  private var body: String { get throws { try String(contentsOfFile: folder.path + "/out/1.json", encoding: .utf8) } }

  private func findings(_ outcome: Program.Outcome) throws -> [String: [String]] {
    let all = try #require(try outcome.json()["findings"] as? [[String: Any]], "\(outcome.errors)")
    return Dictionary(uniqueKeysWithValues: all.map { ($0["code"] as? String ?? "", $0["samples"] as? [String] ?? []) })
  }

  private func rejects(_ outcome: Program.Outcome) throws -> [String: Int] {
    try #require(try outcome.json()["rejects"] as? [String: Int], "\(outcome.errors)")
  }

  private static let fields = "record: conversion\nfields: {visitor_id: u, entity_id: e, timestamp: t, "

  @Test(
    "a path that no row has is told",
    arguments: [
      ("revenue: {from: cart.totl, unit: major}}", "cart.totl"), ("uuid: {from: [cart.idd]}}", "cart.idd"),
      ("value: cart.totl}", "cart.totl"), ("key: k}\ntags: {sku: \"cart.items[1].sku\"}", "cart.items[1].sku"),
      ("key: k}\ntags: {\"*\": \"cart.tags\"}", "cart.tags"), ("key: k}\nwhere: {stat: {not: paid}}", "stat"),
      ("key: {first: [kk, kkk]}}", "kk or kkk"),
    ])
  func unmatchedPaths(keys: String, path: String) throws {
    let row = #"{"u":"v","e":"9","t":1714564800000,"k":"buy","cart":{"total":5,"items":[{"sku":"a"}]},"status":"paid"}"#
    let outcome = try plan([row], Self.fields + keys)
    #expect(try findings(outcome)["unmatched-path"] == [path])
    let right = keys.replacing("totl", with: "total").replacing("idd", with: "total").replacing("[1]", with: "[0]")
      .replacing("cart.tags", with: "cart.items[0]").replacing("stat:", with: "status:").replacing("kkk", with: "k")
    #expect(try findings(try plan([row], Self.fields + right))["unmatched-path"] == nil)
  }

  @Test("when all files of a pattern lack a path it is told once; when one has it, not at all")
  func unmatchedInSomeFiles() throws {
    let row = #"{"u":"v","e":"9","t":1714564800000}"#
    try folder.write(row.replacing("}", with: ",\"k\":\"x\"}") + "\n", to: "part-2.ndjson")
    func found(_ path: String) throws -> [String]? {
      try findings(
        plan(
          [row], "record: conversion\nfields: {visitor_id: u, entity_id: e, timestamp: t, key: \(path)}",
          file: "part-*.ndjson"
            .replacing("*", with: "1")))["unmatched-path"]
    }
    #expect(try found("k") == ["k"])
    let config =
      "account_id: 1\ninputs:\n  - {files: part-*.ndjson, record: conversion, fields: {visitor_id: u, entity_id: e, timestamp: t, key: k}}\n"
    let outcome = try Program().run(
      ["check", "--config", try folder.write(config, to: "both.yaml"), "--state", folder.path + "/state", "--json"])
    #expect(try findings(outcome)["unmatched-path"] == nil)
  }

  @Test(
    "an import that leaves every row out says so",
    arguments: ["key: k}\nwhere: {status: gold}", "key: k}\nwhere: {status: {empty: true}}"])
  func nothingToSend(keys: String) throws {
    let outcome = try plan([#"{"u":"v","e":"9","t":1714564800000,"k":"x","status":"paid"}"#], Self.fields + keys)
    #expect(try findings(outcome)["nothing-to-send"] != nil)
  }

  @Test("a list of excluded visitors that meets nobody is told; blanks at the ends of its lines are none of the ids'")
  func excludedNobody() throws {
    let rows = ["anna", "bert"].map { #"{"u":"\#($0)","e":"9","t":1714564800000,"k":"x"}"# }
    for (list, isMet) in [("Anna\nanna2\n", false), ("", false), ("  bert \r\n", true), ("\u{feff}anna\n", true)] {
      let outcome = try plan(rows, Self.fields + "key: k}", settings: "exclude: \(try folder.write(list, to: "out.txt"))\n")
      #expect(try (findings(outcome)["excluded-nobody"] == nil) == isMet, "\(list)")
      #expect(try (outcome.json()["records"] as? [String: Int])?["filtered"] == (isMet ? 1 : 0))
    }
    let latin = folder.path + "/latin.txt"
    try Data([0x4d, 0xfc, 0x6c]).write(to: URL(fileURLWithPath: latin))
    let outcome = try plan(rows, Self.fields + "key: k}", settings: "exclude: \(latin)\n")
    #expect(outcome.exit == .configuration && outcome.errors.contains("latin.txt: this is not text in UTF-8"))
  }

  @Test("visitors whose ids are addresses are found, others with an @ are not")
  func personalData() throws {
    let ids = ["anna@example.com", "@bert", "carl@", "d@e", "e.f@g", "x y@z.de", "f@g.de"]
    let rows = ids.map { #"{"u":"\#($0)","e":"9","t":1714564800000,"k":"x"}"# }
    let outcome = try plan(rows, Self.fields + "key: k}")
    #expect(try findings(outcome)["personal-data"]?.count == 2)
  }

  @Test(
    "an id that a floating-point column or a spreadsheet has damaged, and a word for no value, are rejects, also of visitors",
    arguments: [
      ("9560823711.0", "damaged-id"), ("9.5608237E9", "damaged-id"), ("9.56082E+09", "damaged-id"), ("12,000", "damaged-id"),
      ("NULL", "missing-field"), ("nan", "missing-field"), ("undefined", "missing-field"), ("#N/A", "missing-field"),
      ("\\N", "missing-field"),
      ("None", "missing-field"), ("1.5", ""), ("5e156cb1", ""), ("12e4", ""), ("1.2.0", ""), ("nancy", ""), ("10.01", ""), ("user-1.0", ""),
    ])
  func damagedVisitors(id: String, code: String) throws {
    let rows = ["u,e,t", "\"\(id)\",9,1714564800000"]
    for keys in [Self.fields + "value: {from: t, decimal: \".\"}}", Self.fields + "value: t}"] {
      let outcome = try plan(rows, keys, file: "rows.csv")
      #expect(try rejects(outcome) == (code.isEmpty ? [:] : [code: 1]), "\(outcome.output)")
    }
  }

  @Test(
    "a list or an object where one value belongs is a reject, whatever computes the rest of the row",
    arguments: [
      "tags: {\"*\": p}", "properties: {\"*\": p}", "tags: {\"*\": {pairs: q, name: k, value: v}}", "explode: x\ntags: {\"*\": x}",
      "attributes: {\"*\": {elements: q, key: k, value: v, entity_id: k}}",
    ])
  func containers(keys: String) throws {
    let row = #"{"u":"v","e":"9","t":1714564800,"p":{"a":[1],"b":{"c":2}},"q":[{"k":"a","v":{"z":[1]}}],"x":[{"s":{"y":1}}]}"#
    let outcome = try plan(
      [row], "record: conversion\nfields: {visitor_id: u, entity_id: e, timestamp: {from: t, format: epoch_seconds}}\n" + keys)
    #expect(try rejects(outcome).values.reduce(0, +) == 1, "\(outcome.exit) \(outcome.errors)")
  }

  @Test("rows that lack a part of their own key have ids of their own, whoever they are of")
  func partsOfKeys() throws {
    let rows = ["u,e,t,o"] + (0..<4).map { "v\($0),9,1714564800000,\($0 == 3 ? "A7" : "")" }
    _ = try plan(rows, Self.fields + "uuid: {from: [o, e]}}", file: "rows.csv")
    let ids = try body.matches(of: /"uuid":"([^"]*)"/).map { String($0.1) }
    #expect(ids.count == 4 && Set(ids).count == 4)
  }

  @Test("an id joined of parts is none when one of them is absent, as an own column that is empty")
  func joinedIDs() throws {
    let rows = ["a,b,e,t", "S1,7,9,1714564800000", "S1,,9,1714564800000"]
    let outcome = try plan(
      rows, "record: conversion\nfields: {visitor_id: {join: [a, b], separator: \"-\"}, entity_id: e, timestamp: t}", file: "rows.csv")
    #expect(try rejects(outcome) == ["missing-field": 1])
    #expect(try body.contains("\"visitor_id\":\"S1-7\""))
  }

  @Test("objects and lists that stand in a CSV file's cells as JSON are taken apart, and what is no JSON there is a reject")
  func jsonCells() throws {
    let rows = [
      "uuid,timestamp,visitor_id,account_id,entity_id,event_name,attributes,tags",
      #"c1,2024-05-01 12:00:00,v1,1,9,buy,"[{""id"":""31"",""name"":""plan"",""type"":""custom"",""value"":""g\u00f6ld""}]","{""size"":""m""}""#,
      "c2,2024-05-01 12:00:00,v2,1,9,buy,[],{}", "c3,2024-05-01 12:00:00,v3,1,9,buy,,", "c4,2024-05-01 12:00:00,v4,1,9,buy,[,{}",
    ]
    let outcome = try plan(rows, "preset: events-export", file: "export.csv")
    #expect(try rejects(outcome) == ["bad-json": 1], "\(outcome.errors)")
    #expect(try findings(outcome)["unknown-column"] == nil)
    let bodies = try body
    #expect(bodies.contains(#""attributes":[{"type":"custom","entity_id":"31","key":"plan","value":"göld"}]"#), "\(bodies)")
    #expect(bodies.contains(#""tags":{"size":"m"}"#))
    #expect(bodies.matches(of: /"visitor_id"/).count == 3)
  }

  @Test("what is named by itself goes before what a wildcard takes")
  func wildcards() throws {
    for keys in ["tags: {a: b, \"*\": tags}", "tags: {\"*\": tags, a: b}"] {
      _ = try plan(["u,e,t,b,tags.a,tags.c", "v,9,1714564800000,own,wild,c"], Self.fields + "key: e}\n" + keys, file: "rows.csv")
      #expect(try body.contains("\"tags\":{\"a\":\"own\",\"c\":\"c\"}"))
      _ = try plan([#"{"u":"v","e":"9","t":1714564800000,"b":"own","tags":{"a":"wild","c":"c"}}"#], Self.fields + "key: e}\n" + keys)
      #expect(try body.contains("\"tags\":{\"a\":\"own\",\"c\":\"c\"}"))
    }
  }

  @Test("JSON is read as UTF-8, also what the list of rejects of a file in another encoding gives")
  func encodings() throws {
    _ = try plan([#"{"u":"jürgen","e":"9","t":1714564800000,"k":"€"}"#], "encoding: windows-1252\n" + Self.fields + "key: k}")
    #expect(try body.contains("\"visitor_id\":\"jürgen\"") && body.contains("\"key\":\"€\""))
  }

  @Test("a configuration that is not UTF-8 is refused; a byte order mark is none of it")
  func configurations() throws {
    let text = "account_id: 1\ninputs: [{files: none.csv, record: conversion, fields: {visitor_id: ü, entity_id: e, timestamp: t}}]\n"
    let latin = folder.path + "/latin.yaml"
    try #require(text.data(using: .isoLatin1)).write(to: URL(fileURLWithPath: latin))
    let refused = try Program().run(["plan", "--config", latin, "--state", folder.path + "/state"])
    #expect(refused.exit == .configuration && refused.errors.contains("latin.yaml: this is not text in UTF-8"))
    let marked = try Program().run([
      "plan", "--config", try folder.write("\u{feff}" + text, to: "marked.yaml"), "--state", folder.path + "/state",
    ])
    #expect(marked.exit == .inputUnreadable, "\(marked.errors)")
  }

  @Test(
    "amounts with their currency are read, and with a place's newer name its clocks",
    arguments: [
      ("$1,234.50", 123_450), ("1,234.50 USD", 123_450), ("\u{20ac}7.00", 700), ("7.00\u{a0}\u{20ac}", 700), ("EUR 7", 700), (" 5 ", 500),
      ("-$5", nil), ("$5 USD", nil), ("5 dollars", nil), ("$", nil),
    ] as [(String, Int?)])
  func amounts(text: String, hundredths: Int?) throws {
    let outcome = try plan(
      ["u;e;t;a", "v;9;01.05.2024 12:00;\(text)"],
      "record: conversion\ndelimiter: \";\"\nfields: {visitor_id: u, entity_id: e, revenue: {from: a, unit: major, group: \",\"}, "
        + "timestamp: {from: t, format: dd.MM.yyyy HH:mm, zone: Asia/Kolkata}}", file: "rows.csv")
    guard let hundredths else {
      #expect(try rejects(outcome) == ["bad-number": 1])
      return
    }
    #expect(try body.contains("\"timestamp\":1714545000000") && body.contains("\"revenue\":\(hundredths)}"), "\(outcome.output)")
  }

  @Test(
    "what says nothing or a secret in a configuration is told with its line",
    arguments: [
      ("where: {s: }", "where names s and no value"), ("where: {s: {}}", "where says nothing of s"),
      ("where: {s: {greater: many}}", "compares with a number"),
      ("tags: {a: {from: b, otherwise: absent}}", "otherwise belongs to lookup or key"),
      ("tags: {a: {sha256: b, salt: pepper}}", "a salt is a secret"), ("tags: {a: \"?\"}", "this question is not answered yet"),
    ])
  func configured(keys: String, message: String) throws {
    let outcome = try plan(["{}"], Self.fields + "key: k}\n" + keys)
    #expect(
      outcome.exit == .configuration && outcome.errors.contains("import.yaml:7: ") && outcome.errors.contains(message), "\(outcome.errors)")
  }

  @Test("attributes whose entity id nobody names end the reading, are rejects, or are left out when that is asked for")
  func unknownAttributes() throws {
    let files = [
      try folder.write("visitor_id,entity_id,timestamp,attributes.plan,attributes.tier\nv,9,1714564800000,gold,3\n", to: "a.csv"),
      try folder.write(
        #"{"visitor_id":"v","entity_id":"9","timestamp":1714564800000,"attributes":{"plan":"gold","tier":"3"}}"# + "\n", to: "a.ndjson"),
      try folder.write(
        #"{"visitor_id":"v","entity_id":"9","timestamp":1714564800000,"attributes":[{"type":"custom","key":"tier","value":"3"},"#
          + #"{"type":"custom","key":"plan","value":"gold"}]}"# + "\n", to: "b.ndjson"),
    ]
    for file in files {
      let flags = ["plan", "--account-id", "1", "--attribute", "plan=31", "--state", folder.path + "/state", "--json", file]
      #expect(try Program().run(flags).exit == .refused)
      try? FileManager.default.removeItem(atPath: folder.path + "/out")
      let outcome = try Program().run(flags + ["--unknown-attributes", "drop", "--output", folder.path + "/out"])
      #expect(outcome.exit == .complete, "\(outcome.errors)")
      #expect(try body.contains(#""attributes":[{"type":"custom","entity_id":"31","key":"plan","value":"gold"}],"snapshots""#))
      let found = try findings(outcome)
      #expect(found["unknown-attribute"] != nil || found["unknown-column"] == ["attributes.tier"])
    }
    let mapped = try plan(
      ["u,e,t,attributes.tier", "v,9,1714564800,3"],
      "record: conversion\nfields: {visitor_id: u, entity_id: e, timestamp: {from: t, format: epoch_seconds}}\nattributes: {\"*\": attributes}",
      file: "rows.csv", settings: "unknown_attributes: drop\n")
    #expect(try findings(mapped)["unknown-column"] == ["attributes.tier"])
  }

  @Test(
    "a setting that is no value of its flag is told with its line and what the flag takes",
    arguments: [
      ("on_conflict: frist", "on_conflict: frist is no value of --on-conflict, which takes first, reject, keep; did you mean first?"),
      ("window: 2024-13-01..", "window: 2024-13-01.. is no value of --window"), ("quiet: maybe", "quiet: maybe is no value of --quiet"),
      ("accept: [revenue-unitt]", "accept: revenue-unitt is no value of --accept"), ("log_format: xml", "log_format: xml is no value"),
      ("endpoint: uss", "endpoint: what it says is no value of --endpoint"),
    ])
  func settings(setting: String, message: String) throws {
    let outcome = try plan(["{}"], Self.fields + "key: k}", settings: setting + "\n")
    #expect(outcome.exit == .configuration, "\(outcome.exit)")
    #expect(outcome.errors.contains("import.yaml:3: \(message)"), "\(outcome.errors)")
  }
}

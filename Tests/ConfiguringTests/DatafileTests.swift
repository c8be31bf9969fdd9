import Configuring
import Foundation
import Normalizing
import Testing
import Vocabulary

private let sampleText = """
  {"version": "4", "accountId": "12001", "projectId": 12002, "revision": "7", "region": "EU", "anonymizeIP": false, "strange": [1],
   "events": [{"id": "1", "key": "buy"}, {"id": "2", "key": "look", "experimentIds": []}, {"id": "3", "key": "twice"}, {"id": "4", "key": "twice"}],
   "attributes": [{"id": "11", "key": "plan"}, {"id": "12", "key": "caf\\u00e9"}],
   "experiments": [{"id": "101", "key": "checkout", "layerId": "201", "status": "Running",
     "variations": [{"id": "301", "key": "a"}, {"id": "302", "key": "b"}]}],
   "groups": [{"experiments": [{"id": "102", "key": "grouped", "layerId": "202", "variations": [{"id": "303", "key": "a"}]}]}],
   "rollouts": [
     {"id": "r1", "experiments": [{"id": "103", "key": "rule", "layerId": "203", "variations": [{"id": 304, "key": "on"}]}]},
     {"id": "r2", "experiments": [{"id": "104", "key": "rule", "layerId": "204", "variations": [{"id": "305", "key": "on"}]}]}],
   "holdouts": [{"id": "105", "key": "held", "variations": [{"id": "306", "key": "off"}]}],
   "featureFlags": [
     {"id": "f1", "key": "one", "experimentIds": ["101"], "rolloutId": "r1"},
     {"id": "f2", "key": "two", "experimentIds": ["102", "none"], "rolloutId": "r2"}, {"id": "f3", "key": "bare"}]}
  """

private let sampleFolder: URL = {
  let folder =
    ProcessInfo.processInfo.environment["OPTIREPLAY_TEST_DATA"].map { URL(fileURLWithPath: $0) }
    ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("shared/data")
  return folder.appendingPathComponent("datafiles")
}()

@Suite("Datafiles")
struct DatafileTests {
  private func datafile(_ text: String = sampleText) throws(Datafile.Fault) -> Datafile { try Datafile(Array(text.utf8)) }

  /// The table that a field of a conversion is looked up in.
  private func lookup(_ value: String, _ text: String = sampleText) throws -> (source: Source, lookup: Lookup) {
    let file = try ConfigurationFile(
      "inputs: [{files: a, record: conversion, fields: {visitor_id: u, timestamp: t, entity_id: \(value)}}]", file: "c.yaml", settings: [],
      variables: [:]
    ) { _ throws(Datafile.Fault) in try Datafile(Array(text.utf8)) }
    guard case .lookup(let source, let lookup)? = file.inputs[0].mapping?.fields[.entity] else {
      throw Datafile.Fault("nothing is looked up")
    }
    return (source, lookup)
  }

  @Test("it tells its account, its region, and the ids of attributes")
  func facts() throws {
    let datafile = try datafile()
    #expect(datafile.accountID == "12001" && datafile.projectID == "12002" && datafile.revision == "7")
    #expect(datafile.isEU && datafile.anonymizesIP == false)
    #expect(datafile.attributes == ["plan": "11", "café": "12"])
    let bare = try self.datafile("{}")
    #expect(bare.accountID == nil && !bare.isEU && bare.anonymizesIP == nil && bare.attributes.isEmpty)
  }

  @Test(
    "keys become ids: events, experiments of every place, their campaigns, and variations inside of them",
    arguments: [
      ("{from: e, key: event}", ["buy": "1", "look": "2"], ["twice"]),
      ("{from: e, key: experiment}", ["checkout": "101", "grouped": "102", "held": "105"], ["rule"]),
      ("{from: e, key: campaign}", ["checkout": "201", "grouped": "202", "held": "105"], ["rule"]),
      (
        "{from: v, key: variation, experiment: e}",
        ["checkout\u{1f}a": "301", "checkout\u{1f}b": "302", "grouped\u{1f}a": "303", "held\u{1f}off": "306"], ["rule\u{1f}on"]
      ),
      (
        "{from: r, key: experiment, flag: f}",
        [
          "one\u{1f}checkout": "101", "one\u{1f}rule": "103", "two\u{1f}grouped": "102", "two\u{1f}rule": "104",
          "one\u{1f}held": "105", "two\u{1f}held": "105", "bare\u{1f}held": "105",
        ], []
      ),
      (
        "{from: r, key: campaign, flag: f}",
        [
          "one\u{1f}checkout": "201", "one\u{1f}rule": "203", "two\u{1f}grouped": "202", "two\u{1f}rule": "204",
          "one\u{1f}held": "105", "two\u{1f}held": "105", "bare\u{1f}held": "105",
        ], []
      ),
      (
        "{from: v, key: variation, flag: f, rule: r}",
        [
          "one\u{1f}checkout\u{1f}a": "301", "one\u{1f}checkout\u{1f}b": "302", "one\u{1f}rule\u{1f}on": "304",
          "two\u{1f}grouped\u{1f}a": "303", "two\u{1f}rule\u{1f}on": "305",
          "one\u{1f}held\u{1f}off": "306", "two\u{1f}held\u{1f}off": "306", "bare\u{1f}held\u{1f}off": "306",
        ], []
      ),
    ] as [(String, [String: String], [String])])
  func tables(value: String, table: [String: String], ambiguous: [String]) throws {
    let (source, lookup) = try lookup(value)
    func isOfKeys(_ name: String) -> Bool { name.split(separator: "\u{1f}").allSatisfy { Int($0) == nil } }
    #expect(lookup.table.filter { isOfKeys($0.key) } == table)
    #expect(lookup.ambiguous.filter(isOfKeys) == ambiguous && lookup.otherwise == .reject)
    if value.contains("rule: r") { #expect(source == .join([.path("f"), .path("r"), .path("v")], separator: "\u{1f}")) }
  }

  @Test("an id stands for itself, also where its key stands for several, and in place of the keys around it")
  func ids() throws {
    #expect(try lookup("{from: e, key: event}").lookup.table.filter { Int($0.key) != nil } == ["1": "1", "2": "2", "3": "3", "4": "4"])
    let campaigns = try lookup("{from: e, key: campaign}").lookup.table
    #expect(campaigns["101"] == "201" && campaigns["103"] == "203" && campaigns["105"] == "105" && campaigns["201"] == nil)
    let variations = try lookup("{from: v, key: variation, experiment: {first: [e, x]}}").lookup.table
    for names in ["checkout\u{1f}301", "101\u{1f}a", "101\u{1f}301"] { #expect(variations[names] == "301") }
    #expect(variations["102\u{1f}301"] == nil, "a variation of another experiment is none of this one")
  }

  @Test(
    "what is no datafile is told as what it is",
    arguments: [
      ("", "empty"), ("  \n", "empty"), ("// Optimizely datafile of a disabled environment", "deactivated"), ("<!DOCTYPE html>", "a page"),
      ("[]", "one JSON object"), ("\"x\"", "one JSON object"), ("{\"events\": [", "cut short"), ("{\"events\": 5}", "events"),
      ("{\"events\": [{\"id\": \"1\"}]}", "events.[0].key"), ("{\"experiments\": [{\"key\": \"x\"}]}", "experiments.[0].id"),
      ("{\"anonymizeIP\": \"yes\"}", "anonymizeIP"),
    ])
  func faults(text: String, words: String) {
    do throws(Datafile.Fault) {
      _ = try datafile(text)
      Issue.record("it passed for a datafile")
    } catch {
      #expect(error.message.contains(words), "\(error.message)")
    }
  }

  @Test("cut short anywhere, it is never taken for whole")
  func cutShort() {
    let bytes = Array(sampleText.utf8)
    for count in 0..<(bytes.count - 1) { #expect(throws: Datafile.Fault.self) { try Datafile(Array(bytes[..<count])) } }
  }

  @Test("an import for another account or region contradicts it")
  func contradictions() throws {
    let datafile = try datafile()
    #expect(datafile.contradiction(account: "12001", isEU: true) == nil && datafile.contradiction(account: "12001", isEU: nil) == nil)
    #expect(datafile.contradiction(account: "12002", isEU: nil)?.contains("12001") == true)
    #expect(datafile.contradiction(account: "12001", isEU: false)?.contains("EU") == true)
  }

  @Test(
    "a key without its datafile, or without what it means something in, is refused with its line",
    arguments: [
      ("{from: e, key: event}", false, "needs the project's datafile"), ("{from: e, key: evnt}", true, "did you mean event?"),
      ("{from: v, key: variation}", true, "inside an experiment only"),
      ("{from: v, key: variation, flag: f}", true, "inside an experiment only"),
      ("{from: e, flag: f}", true, "belong to key"),
    ])
  func misplaced(value: String, hasDatafile: Bool, words: String) {
    do {
      _ = try ConfigurationFile(
        "inputs:\n  - {files: a, record: conversion, fields: {visitor_id: u, timestamp: t, entity_id: \(value)}}", file: "c.yaml",
        settings: [],
        variables: [:]
      ) { _ throws(Datafile.Fault) in hasDatafile ? try Datafile(Array(sampleText.utf8)) : nil }
      Issue.record("it was not refused")
    } catch {
      #expect(error.description.hasPrefix("c.yaml:2: ") && error.description.contains(words), "\(error.description)")
    }
  }

  @Test(
    "in real datafiles every event, attribute and rule has the id that walking the JSON finds",
    .enabled(if: FileManager.default.fileExists(atPath: sampleFolder.path), "the sample datafiles are not here"),
    arguments: ["decide.json", "holdouts.json", "similar-rule-keys.json"])
  func samples(name: String) throws {
    let data = try Data(contentsOf: sampleFolder.appendingPathComponent(name))
    let text = String(decoding: data, as: UTF8.self)
    let datafile = try datafile(text)
    let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    func list(_ any: Any?) -> [[String: Any]] { any as? [[String: Any]] ?? [] }
    #expect(datafile.accountID == root["accountId"] as? String)
    for event in list(root["events"]) {
      #expect(try lookup("{from: e, key: event}", text).lookup.table[event["key"] as! String] == event["id"] as? String)
    }
    for attribute in list(root["attributes"]) { #expect(datafile.attributes[attribute["key"] as! String] == attribute["id"] as? String) }
    let flagged = try lookup("{from: v, key: variation, flag: f, rule: r}", text).lookup
    let campaigns = try lookup("{from: r, key: campaign, flag: f}", text).lookup
    let rollouts = list(root["rollouts"])
    let all =
      list(root["experiments"]) + list(root["groups"]).flatMap { list($0["experiments"]) } + rollouts.flatMap { list($0["experiments"]) }
    var count = 0
    for flag in list(root["featureFlags"]) {
      let ids = flag["experimentIds"] as? [String] ?? []
      let ofRollout = rollouts.filter { $0["id"] as? String == flag["rolloutId"] as? String }.flatMap { list($0["experiments"]) }
      for rule in all.filter({ ids.contains($0["id"] as! String) }) + ofRollout {
        let key = "\(flag["key"]!)\u{1f}\(rule["key"]!)"
        #expect(campaigns.table[key] == rule["layerId"] as? String || campaigns.ambiguous.contains(key))
        for variation in list(rule["variations"]) {
          let place = "\(key)\u{1f}\(variation["key"]!)"
          #expect(flagged.table[place] == variation["id"] as? String || flagged.ambiguous.contains(place))
          count += 1
        }
      }
    }
    #expect(count > 2)
  }
}

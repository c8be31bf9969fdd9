import Foundation
import Testing
import Vocabulary

@Suite("A configuration on the command line")
struct ConfigTests {
  private static let rows = "user,event,at,usd\nanna,buy,5/1/2024 14:00,19.99\nbert,buy,5/1/2024 14:01,0\nbert,look,5/1/2024 14:02,\n"
  private static let config = """
    account_id: 1
    inputs:
      - files: rows-*.csv
        record: conversion
        fields:
          visitor_id: user
          entity_id: {from: event, lookup: {buy: 9}, otherwise: absent}
          timestamp: {from: at, format: M/d/yyyy HH:mm, zone: Europe/Paris}
          revenue: {from: usd, unit: major}
        where: {event: buy}
    """

  private let folder: ScratchFolder

  init() throws {
    folder = try ScratchFolder()
    _ = try folder.write(ConfigTests.rows, to: "rows-1.csv")
  }

  private func run(_ command: String, _ config: String = config, _ flags: [String] = []) throws -> Program.Outcome {
    let file = try folder.write(config, to: "import.yaml")
    return try Program().run([command, "--config", file, "--state", folder.path + "/state"] + flags)
  }

  @Test("an import is sent once, and the same command again sends nothing; the fates add up")
  func again() throws {
    let first = try run("import", ConfigTests.config, ["--json"])
    #expect(first.exit == .complete, "\(first.errors)")
    let records = try #require(try first.json()["records"] as? [String: Int])
    #expect(records["read"] == 3 && records["accepted"] == 2 && records["filtered"] == 1)
    let second = try run("import", ConfigTests.config, ["--json"])
    #expect(try second.json()["requests"] as? Int == 0)
    let again = try #require(try second.json()["records"] as? [String: Int])
    #expect(again["already_accepted"] == 2 && again["filtered"] == 1)
  }

  @Test("the whole configuration is printed, and as a configuration itself it makes the same bodies and prints the same")
  func shown() throws {
    let outcome = try run("plan", ConfigTests.config, ["--show-config", "--max-body-bytes", "2000", "--attribute", "plan=7"])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    for line in ["max_body_bytes: \"2000\"", "plan: \"7\"", "timestamp: {from: at, format: ", "on_conflict: first"] {
      #expect(outcome.output.contains(line), "\(outcome.output)")
    }
    _ = try run("plan", ConfigTests.config, ["--max-body-bytes", "2000", "--output", folder.path + "/one"])
    let again = try Program().run([
      "plan", "--config", try folder.write(outcome.output, to: "shown.yaml"), "--output", folder.path + "/two",
    ])
    #expect(again.exit == .complete, "\(again.errors)")
    let bodies = try ["one", "two"].map { try String(contentsOfFile: folder.path + "/\($0)/1.json", encoding: .utf8) }
    #expect(bodies[0] == bodies[1])
    #expect(try Program().run(["plan", "--config", folder.path + "/shown.yaml", "--show-config"]).output == outcome.output)
  }

  @Test("a table is read from a file beside the configuration, and a value that it does not have is a reject that names it")
  func table() throws {
    try folder.write("kind\n", to: "wrong.csv")
    try folder.write("kind,\"the id\"\nlook,8\n\"buy\",9\n", to: "kinds.csv")
    let config = ConfigTests.config.replacing("lookup: {buy: 9}, otherwise: absent", with: "lookup: kinds.csv, columns: [kind, the id]")
    let outcome = try run("plan", config, ["--output", folder.path + "/bodies"])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    #expect(try String(contentsOfFile: folder.path + "/bodies/1.json", encoding: .utf8).contains("\"entity_id\":\"9\""))
    try folder.write("kind;id\nlooked;8\n", to: "kinds.csv")
    _ = try run("import", config.replacing(", columns: [kind, the id]", with: ""), ["--max-rejects", "100%"])
    let rejects = try Program().run(["rejects", "--state", folder.path + "/state", "--format", "text"])
    #expect(rejects.output.contains("kinds.csv has no row for this value"), "\(rejects.output)")
    let wrong = try run("plan", config.replacing("kinds.csv, columns: [kind, the id]", with: "wrong.csv"))
    #expect(wrong.exit == .configuration && wrong.errors.contains("import.yaml:7"), "\(wrong.errors)")
  }

  @Test("a datafile is fetched from its address, which flag, environment or configuration names")
  func fetched() throws {
    let sandbox = try SandboxProcess(state: folder.path + "/served")
    // The sandbox serves no datafile, but an object without any of its members passes for one that says nothing.
    let address = sandbox.address.replacing("/v1/events", with: "/results.json")
    #expect(try run("plan", ConfigTests.config, ["--datafile", address, "--accept", "unknown-id"]).exit == .complete)
    #expect(try run("plan", "datafile: \(address)\n" + ConfigTests.config, ["--accept", "unknown-id"]).exit == .complete)
    let none = sandbox.address.replacing("/v1/events", with: "/none.json")
    for outcome in [
      try run("plan", ConfigTests.config, ["--datafile", none]), try run("plan", "datafile: \(none)\n" + ConfigTests.config),
    ] {
      #expect(outcome.exit == .inputUnreadable && outcome.errors.contains("answers 404"), "\(outcome.errors)")
    }
    var program = Program()
    program.environment["OPTIREPLAY_DATAFILE"] = none
    #expect(try program.run(["plan", "--config", folder.path + "/import.yaml"]).exit == .inputUnreadable)
  }

  @Test("a datafile gives the project and its revision to bodies, unless they are given")
  func project() throws {
    let datafile = try folder.write(
      #"{"accountId":"1","projectId":"5","revision":"42","events":[{"id":"9","key":"buy"}]}"#, to: "datafile.json")
    for (flags, end) in [
      ([], #","project_id":"5","revision":"42"}"#), (["--revision", "7"], #","project_id":"5","revision":"7"}"#),
    ] as [([String], String)] {
      let output = folder.path + "/bodies\(flags.count)"
      let outcome = try run("plan", ConfigTests.config, ["--datafile", datafile, "--output", output] + flags)
      #expect(outcome.exit == .complete, "\(outcome.errors)")
      #expect(try String(contentsOfFile: output + "/1.json", encoding: .utf8).hasSuffix(end))
    }
    let sent = try run("import", ConfigTests.config, ["--datafile", datafile])
    #expect(sent.exit == .complete, "\(sent.errors)")
  }

  @Test("a folder means all files in it")
  func folders() throws {
    try FileManager.default.createDirectory(atPath: folder.path + "/in", withIntermediateDirectories: false)
    for name in ["in/a.csv", "in/b.csv"] { _ = try folder.write(ConfigTests.rows.replacing("anna", with: name), to: name) }
    let outcome = try run("plan", ConfigTests.config.replacing("rows-*.csv", with: "in"), ["--json"])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    // Bert's row is one event, though it stands in both.
    let records = try #require(try outcome.json()["records"] as? [String: Int])
    #expect(records["read"] == 6 && records["pending"] == 3 && records["duplicate"] == 1 && records["filtered"] == 2)
  }

  @Test("times are read in the zone that is named, whatever the machine's is", arguments: ["UTC", "Asia/Tokyo", "America/New_York"])
  func machineZone(zone: String) throws {
    let file = try folder.write(ConfigTests.config, to: "import.yaml")
    var program = Program()
    program.environment["TZ"] = zone
    let outcome = try program.run(["plan", "--config", file, "--state", folder.path + "/state", "--output", folder.path + "/bodies"])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    let body = try String(contentsOfFile: folder.path + "/bodies/1.json", encoding: .utf8)
    #expect(body.contains("\"timestamp\":1714564800000") && body.contains("\"revenue\":1999") && body.contains("\"revenue\":0"))
  }

  @Test("mistakes end with 78 before anything is read, all of them with their lines")
  func mistakes() throws {
    let wrong = ConfigTests.config.replacing("visitor_id", with: "visitor").replacing("unit: major", with: "unit: dollars")
    let outcome = try run("import", wrong)
    #expect(outcome.exit == .configuration)
    #expect(outcome.errors.contains("import.yaml:6: \"visitor\" is no key of fields; did you mean visitor_id?"))
    #expect(outcome.errors.contains("import.yaml:9: unit is major, minor, not dollars"))
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/state"))
  }

  @Test("a column that the header does not have ends with 65 and the closest one")
  func wrongColumn() throws {
    let outcome = try run("import", ConfigTests.config.replacing("visitor_id: user", with: "visitor_id: usr"))
    #expect(outcome.exit == .refused)
    #expect(
      outcome.errors.contains("rows-1.csv:1: the mapping names the column usr, which the header does not have; the closest column is user"))
  }

  @Test("flags come before the environment, and that before the file; inputs are named in one place")
  func precedence() throws {
    let config = ConfigTests.config + "\nmax_rejects: 7\nmemory: 1MB\n"
    #expect(try run("plan", config).errors.contains("--memory is too small"))
    #expect(try run("plan", config, ["--memory", "64MB"]).exit == .complete)
    #expect(try run("plan", ConfigTests.config + "\nmax_rejects: many\n").errors.contains("max_rejects: many is no value of --max-rejects"))
    let both = try run("plan", ConfigTests.config, [folder.path + "/rows-1.csv"])
    #expect(both.exit == .usage && both.errors.contains("in one place"))
  }

  private static let datafile = """
    {"version":"4","accountId":"777","region":"EU","anonymizeIP":false,"attributes":[{"id":"55","key":"plan"}],
     "events":[{"id":"9001","key":"buy"}],"featureFlags":[{"key":"f","experimentIds":["101"]}],
     "experiments":[{"id":"101","key":"r","layerId":"201","variations":[{"id":"301","key":"on"}]}]}
    """

  @Test("a datafile gives the account, ids of attributes and ids of keys; a key that it does not have is a reject with the closest")
  func datafile() throws {
    _ = try folder.write(ConfigTests.datafile, to: "project.json")
    _ = try folder.write("user,event,at,attributes.plan\nanna,buy,1700000000000,gold\nbert,buyy,1700000000000,gold\n", to: "events.csv")
    _ = try folder.write("user,flag,rule,arm,at\nanna,f,r,on,1690000000000\n", to: "arms.csv")
    let config = """
      datafile: project.json
      max_rejects: 50%
      inputs:
        - {files: events.csv, record: conversion, fields: {visitor_id: user, entity_id: {from: event, key: event}, timestamp: at},
           attributes: {"*": attributes}}
        - files: arms.csv
          record: decision
          fields:
            visitor_id: user
            timestamp: at
            campaign_id: {from: rule, key: campaign, flag: flag}
            experiment_id: {from: rule, key: experiment, flag: flag}
            variation_id: {from: arm, key: variation, flag: flag, rule: rule}
      """
    let outcome = try run("plan", config, ["--output", folder.path + "/bodies"])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    let body = try String(contentsOfFile: folder.path + "/bodies/1.json", encoding: .utf8)
    for part in [
      #""account_id":"777""#, #""anonymize_ip":false"#, #""entity_id":"9001""#, #""entity_id":"55","key":"plan""#,
      #""campaign_id":"201","experiment_id":"101","variation_id":"301""#,
    ] { #expect(body.contains(part), "\(body)") }
    let rejects = try Program().run(["rejects", "plan", "--state", folder.path + "/state", "--format", "text"])
    #expect(rejects.output.contains("events.csv:3: event: the datafile's events have no such key; the closest is buy"))
    let other = try run("import", config, ["--account-id", "778"])
    #expect(other.exit == .configuration && other.errors.contains("belongs to account 777"))
    let region = try run("import", config, ["--endpoint", "us"])
    #expect(region.exit == .configuration && region.errors.contains("in the EU"))
  }

  @Test("rows with native names need no configuration to take a datafile")
  func nativeDatafile() throws {
    let project = try folder.write(ConfigTests.datafile, to: "project.json")
    let rows = try folder.write("visitor_id,entity_id,timestamp,attributes.plan\nanna,9001,1700000000000,gold\n", to: "native.csv")
    let outcome = try Program().run(["import", rows, "--datafile", project, "--state", folder.path + "/state", "--json"])
    #expect(outcome.exit == .complete, "\(outcome.errors)")
    let page = try folder.write("<html>", to: "page.json")
    let wrong = try Program().run(["import", rows, "--datafile", page, "--state", folder.path + "/other"])
    #expect(wrong.exit == .configuration && wrong.errors.contains("page.json: this is a page, not a datafile"))
  }

  @Test("a configuration that is not there ends with 66")
  func missing() throws {
    let outcome = try Program().run(["import", "--config", folder.path + "/none.yaml", "--state", folder.path + "/state"])
    #expect(outcome.exit == .inputUnreadable && outcome.errors.contains("none.yaml"))
  }

  @Test("rejects come out as rows that the configuration reads again")
  func rejects() throws {
    _ = try folder.write("user,event,at,usd\nanna,buy,2024-05-01,19.99\n", to: "rows-2.csv")
    let outcome = try run("import", ConfigTests.config, ["--max-rejects", "50%"])
    #expect(outcome.exit == .tooManyRejects, "\(outcome.errors)")
    let rows = try Program().run(["rejects", "--state", folder.path + "/state", "--format", "csv"])
    #expect(rows.output.hasPrefix("user,event,at,usd,_reject_file,"))
    #expect(rows.output.contains("\nanna,buy,2024-05-01,19.99,") && rows.output.contains("the mapping says, M/d/yyyy HH:mm"))
  }
}

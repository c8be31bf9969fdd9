import Bytes
import EventAPI
import Foundation
import Testing
import Vocabulary

@testable import Normalizing

/// The folder of other people's data that is not part of this repository; nil when it is not there.
let testData: String? = {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  let beside = root.deletingLastPathComponent().appendingPathComponent("shared/data").path
  let folder = ProcessInfo.processInfo.environment["OPTIREPLAY_TEST_DATA"] ?? beside
  return FileManager.default.fileExists(atPath: folder + "/e3-sample/decisions.ndjson.gz") ? folder : nil
}()

@Suite struct PresetTests {
  static let decision =
    #"{"uuid":"U","timestamp":1590445695565,"process_timestamp":1,"visitor_id":"v","session_id":"-12","account_id":"1","campaign_id":"11","experiment_id":"22","variation_id":"33","attributes":[{"id":"300","name":null,"type":"device","value":"desktop"},{"id":"7","name":"plan","type":"custom","value":"gold"},{"id":null,"name":"attribution/captured","type":"metadata","value":"true"},{"id":"8","name":"$opt_enrich_decisions","type":"custom","value":true}],"user_ip":"1","is_holdback":false,"revision":null,"client_engine":"e","client_version":"1"}"#
  static let conversion =
    #"{"uuid":"W","timestamp":"2020-05-25 22:28:15.565000","visitor_id":"v","session_id":"s","account_id":1,"experiments":[{"campaign_id":"11"}],"entity_id":"55","attributes":[],"event_type":null,"event_name":"buy","revenue":0,"value":0.0,"quantity":null,"tags":{"size":"L"}}"#

  @Test("a decision of the events export becomes its activation, with the attributes that the API takes")
  func decisions() throws {
    let written = try #require(try json(Self.decision, .eventsExport).record)
    #expect(
      written.event
        == #"{"decisions":[{"campaign_id":"11","experiment_id":"22","variation_id":"33","is_campaign_holdback":false}],"#
        + #""events":[{"entity_id":"11","type":"campaign_activated","key":"campaign_activated","timestamp":1590445695565,"uuid":"U"}]}"#
    )
    #expect(
      written.group == #","session_id":"-12","attributes":[{"type":"custom","entity_id":"7","key":"plan","value":"gold"},"#
        + #"{"type":"device","value":"desktop"}]"#)
  }

  @Test("a conversion of the events export keeps its zeros, and its time without an offset is UTC")
  func conversions() throws {
    let written = try #require(try json(Self.conversion, .eventsExport).record)
    #expect(
      written.event
        == #"{"entity_id":"55","key":"buy","timestamp":1590445695565,"uuid":"W","revenue":0,"value":0.0,"tags":{"size":"L"}}"#)
  }

  @Test(
    "a row of another account is a reject, whatever its type",
    arguments: [(#""2""#, RejectCode.otherAccount), ("2", .otherAccount), ("true", .wrongType)])
  func otherAccount(account: String, code: RejectCode) throws {
    let other = Self.decision.replacing(#""account_id":"1""#, with: "\"account_id\":\(account)")
    Expected.reject(code, "account_id").check(try json(other, .eventsExport))
    #expect(try json(Self.decision.replacing(#""account_id":"1""#, with: #""account_id":null"#), .eventsExport).record != nil)
  }

  @Test("a reject names the export's own column")
  func columns() throws {
    Expected.reject(.badBoolean, "is_holdback").check(
      try json(Self.decision.replacing(#""is_holdback":false"#, with: #""is_holdback":"no""#), .eventsExport))
    Expected.reject(.badKey, "event_name").check(
      try json(Self.conversion.replacing(#""event_name":"buy""#, with: #""event_name":"campaign_activated""#), .eventsExport))
  }

  struct Seen {
    var records = 0
    var rejects: [Reject] = []
    var visitors: [String: Set<String>] = [:]
    var faults: [BodyFault] = []
  }

  private func normalizeSample(_ name: String, _ kind: RecordKind) throws -> Seen {
    let gunzip = Process()
    let output = Pipe()
    gunzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    gunzip.arguments = ["gunzip", "-c", try #require(testData) + "/e3-sample/" + name]
    gunzip.standardOutput = output
    try gunzip.run()
    let data = [UInt8](output.fileHandleForReading.readDataToEndOfFile())
    gunzip.waitUntilExit()
    try #require(gunzip.terminationStatus == 0)
    var harness = try Harness(.eventsExport, kind: kind, account: "596780373")
    var reader = BodyReader()
    var seen = Seen()
    for line in data.split(separator: 0x0a) {
      switch harness.normalize(try #require(Row(json: Array(line)))) {
      case .reject(let reject): seen.rejects.append(reject)
      case .filtered: Issue.record("nothing is to be left out")
      case .record(let written):
        seen.records += 1
        if kind == .decision {
          let variation = try #require(written.event.split(separator: #""variation_id":""#).last?.split(separator: "\"").first)
          seen.visitors[String(variation), default: []].insert(written.visitor)
        }
        // Every hundredth: that the server's rules take the record is shown for all kinds of rows elsewhere.
        guard seen.records % 100 == 1 else { continue }
        do { try reader.read(written.body.span) } catch { seen.faults.append(error) }
      }
    }
    #expect(harness.unknownNames.isEmpty, "every member of the export is known")
    return seen
  }

  @Test(
    "the published sample's 9,001 decisions become records without a reject, 4,487 and 4,514 visitors",
    .enabled(if: testData != nil, "no sample here"))
  func sampleDecisions() throws {
    let seen = try normalizeSample("decisions.ndjson.gz", .decision)
    #expect(seen.records == 9_001 && seen.rejects.isEmpty && seen.faults.isEmpty)
    #expect(seen.visitors.mapValues(\.count) == ["18112613000": 4_487, "18174970251": 4_514])
  }

  @Test(
    "the published sample's 11,109 conversions become records without a reject", .enabled(if: testData != nil, "no sample here"))
  func sampleConversions() throws {
    let seen = try normalizeSample("conversions.ndjson.gz", .conversion)
    #expect(seen.records == 11_109 && seen.rejects.isEmpty && seen.faults.isEmpty)
  }
}

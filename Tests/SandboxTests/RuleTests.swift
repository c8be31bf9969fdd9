import Foundation
import Testing

@testable import Sandbox

/// The published rules, over HTTP.
@Suite struct RuleTests {
  /// A body that breaks one rule, and where the fault is found.
  struct Break: Sendable, CustomTestStringConvertible {
    var name: String
    var body: String
    var fault: String
    var testDescription: String { name }
  }

  private static let whole = body(
    [.decision("v", "d"), .conversion("v", "c")]
  ).replacingOccurrences(of: #""visitor_id":"v","#, with: attributes)
  private static let attributes =
    #""visitor_id":"v","session_id":"s","attributes":[{"type":"custom","entity_id":"9","key":"plan","value":"gold"}],"#

  private static func replacing(_ name: String, _ part: String, with other: String, _ fault: String) -> Break {
    let broken = whole.replacingOccurrences(of: part, with: other)
    precondition(broken != whole, "\(name): the body holds no \(part)")
    return Break(name: name, body: broken, fault: fault)
  }

  private static func conversion(_ name: String, _ members: String, _ fault: String) -> Break {
    let event = #"{"entity_id":"50","timestamp":1700000000000,"uuid":"u",\#(members)}"#
    return Break(
      name: name,
      body: #"{"account_id":"1","visitors":[{"visitor_id":"v","snapshots":[{"decisions":[],"events":[\#(event)]}]}]}"#,
      fault: "visitors[0].snapshots[0].events[0].\(fault)")
  }

  private static let decision = "visitors[0].snapshots[0].decisions[0]"
  private static let event = "visitors[0].snapshots[0].events[0]"
  private static let attribute = "visitors[0].attributes[0]"

  static let breaks: [Break] = [
    Break(name: "no body", body: "", fault: "the body is empty"),
    Break(name: "white space only", body: " \n", fault: "the body is empty"),
    Break(name: "an array", body: "[]", fault: "the body is not a JSON object"),
    Break(name: "half an object", body: #"{"account_id":"1""#, fault: "the body is not JSON at byte 17"),
    Break(name: "something behind it", body: whole + "x", fault: "the body is not JSON at byte"),
    Break(name: "an object without members", body: "{}", fault: "account_id: is missing"),
    Break(name: "no visitors", body: #"{"account_id":"1"}"#, fault: "visitors: is missing"),
    replacing("an account as a number", #""account_id":"1""#, with: #""account_id":1"#, "account_id: is a number"),
    replacing("an empty account", #""account_id":"1""#, with: #""account_id":"""#, "account_id: is empty"),
    replacing("anonymize_ip as text", #"{"account"#, with: #"{"anonymize_ip":"true","account"#, "anonymize_ip: is a string"),
    replacing(
      "enrich_decisions as a number", #"{"account"#, with: #"{"enrich_decisions":1,"account"#, "enrich_decisions: is a number"),
    replacing("a client name that is none", #"{"account"#, with: #"{"client_name":7,"account"#, "client_name: is a number"),
    Break(name: "visitors as an object", body: #"{"account_id":"1","visitors":{}}"#, fault: "visitors: is an object"),
    replacing("a visitor id as a number", #""visitor_id":"v""#, with: #""visitor_id":7"#, "visitors[0].visitor_id: is a number"),
    replacing("an empty visitor id", #""visitor_id":"v""#, with: #""visitor_id":"""#, "visitors[0].visitor_id: is empty"),
    replacing("no visitor id", #""visitor_id":"v","#, with: "", "visitors[0].visitor_id: is missing"),
    replacing("no snapshots", #""snapshots""#, with: #""shots""#, "visitors[0].snapshots: is missing"),
    replacing("an empty session id", #""session_id":"s""#, with: #""session_id":"""#, "visitors[0].session_id: is empty"),
    replacing("a custom attribute without entity id", #""entity_id":"9","#, with: "", "\(attribute).entity_id: is missing"),
    replacing("a custom attribute without key", #""key":"plan","#, with: "", "\(attribute).key: is missing"),
    replacing("an attribute key with a slash", #""key":"plan""#, with: #""key":"a/b""#, "\(attribute).key: may hold only"),
    replacing(
      "an attribute key of 65 letters", "plan", with: String(repeating: "k", count: 65), "\(attribute).key: is longer than 64"),
    replacing("an attribute without value", #","value":"gold""#, with: "", "\(attribute).value: is missing"),
    replacing("an attribute value that is null", #""gold""#, with: "null", "\(attribute).value: is null"),
    replacing("an attribute without type", #""type":"custom","#, with: "", "\(attribute).type: is missing"),
    replacing(
      "an entity id on another type", #""type":"custom""#, with: #""type":"device""#, "\(attribute).entity_id: is only valid"),
    replacing("no events", #""events""#, with: #""evts""#, "visitors[0].snapshots[0].events: is missing"),
    replacing("no campaign", #""campaign_id":"20","#, with: "", "\(decision).campaign_id: is missing"),
    replacing("an experiment left out", #""experiment_id":"30","#, with: "", "\(decision).experiment_id: is missing"),
    replacing("a variation left out", #","variation_id":"40""#, with: "", "\(decision).variation_id: is missing"),
    replacing("an empty variation", #""variation_id":"40""#, with: #""variation_id":"""#, "\(decision).variation_id: is empty"),
    replacing(
      "a variation as a number", #""variation_id":"40""#, with: #""variation_id":40"#, "\(decision).variation_id: is a number"),
    replacing(
      "a holdback that is text", #""variation_id":"40""#, with: #""variation_id":"40","is_campaign_holdback":"no""#,
      "\(decision).is_campaign_holdback: is a string"),
    replacing(
      "metadata that is text", #""variation_id":"40""#, with: #""variation_id":"40","metadata":"m""#,
      "\(decision).metadata: is a string"),
    replacing("no timestamp", #""timestamp":1700000000000,"#, with: "", "\(event).timestamp: is missing"),
    replacing("seconds", "1700000000000", with: "1700000000", "\(event).timestamp: is not in epoch milliseconds"),
    replacing("microseconds", "1700000000000", with: "1700000000000000", "\(event).timestamp: is not in epoch milliseconds"),
    replacing(
      "a timestamp with a fraction", "1700000000000", with: "1700000000000.5", "\(event).timestamp: is not a whole number"),
    replacing("a timestamp as text", "1700000000000", with: #""1700000000000""#, "\(event).timestamp: is a string"),
    replacing("no uuid", #","uuid":"d""#, with: "", "\(event).uuid: is missing"),
    replacing("an empty uuid", #""uuid":"d""#, with: #""uuid":"""#, "\(event).uuid: is empty"),
    replacing("type without key", #""key":"campaign_activated","#, with: "", "\(event).key: is not campaign_activated"),
    replacing("key without type", #""type":"campaign_activated","#, with: "", "\(event).type: is not campaign_activated"),
    Break(
      name: "an activation without decision",
      body: whole.replacingOccurrences(of: #"{"campaign_id":"20","experiment_id":"30","variation_id":"40"}"#, with: ""),
      fault: "\(event): is a campaign_activated event"),
    conversion("revenue with a fraction", #""revenue":1.5"#, "revenue: is not a whole number"),
    conversion("revenue as text", #""revenue":"15""#, "revenue: is a string"),
    conversion(
      "quantity beyond 64 bits", #""quantity":9223372036854775808"#, "quantity: is not a whole number of at most 64 bits"),
    conversion("a value as text", #""value":"1""#, "value: is a string"),
    conversion("a value beyond all numbers", #""value":1e999"#, "value: is larger"),
    conversion("a nested tag", #""tags":{"a":{"b":1}}"#, "tags.a: is an object"),
    conversion("tags as an array", #""tags":[]"#, "tags: is an array"),
    conversion("a property that is a number", #""properties":{"a":1}"#, "properties.a: is a number"),
    conversion("properties as text", #""properties":"a""#, "properties: is a string"),
  ]

  @Test(
    "a faulty body is answered 400 with the fault in strict mode, dropped with 204 otherwise, and never stored", arguments: breaks
  )
  func faulty(broken: Break) async throws {
    let scratch = try Scratch()
    try await scratch.serving { server in
      try await Wire.to(server.port) { wire in
        let strict = try await wire.post(broken.body)
        #expect(strict?.status == 400)
        #expect(strict?.headers["content-type"] == "application/json")
        let words = try #require(strict?.message)
        #expect(words.hasPrefix(broken.fault), "\(words)")
        let lenient = try await wire.post(broken.body, strict: false)
        #expect(lenient?.status == 204)
        #expect(lenient?.body == [])
      }
    }
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.requests == 2)
    #expect(status.bodies == 0)
  }

  @Test("bytes that are not UTF-8 are a fault")
  func notUTF8() async throws {
    try await Scratch().serving { server in
      try await Wire.to(server.port) { wire in
        let response = try await wire.post(Array(#"{"account_id":""#.utf8) + [0xe4] + Array(#"","visitors":[]}"#.utf8))
        #expect(response?.status == 400)
        #expect(response?.message == "the body is not UTF-8 at byte 15; send it as UTF-8")
      }
    }
  }

  @Test("the whole body that the faulty ones were made from is accepted and counted")
  func sound() async throws {
    let scratch = try Scratch()
    try await scratch.serving { server in
      try await Wire.to(server.port) { wire in
        let response = try await wire.post(RuleTests.whole)
        #expect(response?.status == 204)
      }
    }
    let status = try sandboxStatus(at: scratch.path)
    #expect(status.bodies == 1 && status.events == 2 && status.decisions == 1 && status.conversions == 1)
  }
}

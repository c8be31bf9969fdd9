import Bytes
import EventAPI
import Testing

/// Each rule of the API, broken once in a body that is legal otherwise.
@Suite struct BodyRuleTests {
  static let visitor = "visitors[1]"
  static let attribute = visitor + ".attributes[0]"
  static let decision = visitor + ".snapshots[0].decisions[0]"
  static let activation = visitor + ".snapshots[0].events[0]"
  static let conversion = visitor + ".snapshots[1].events[0]"
  static let longKey = String(repeating: "k", count: 65)

  static let top: [(String, String, String)] = [
    (#""account_id":"12","#, "", "account_id"), (#""account_id":"12""#, #""account_id":12"#, "account_id"),
    (#""account_id":"12""#, #""account_id":"""#, "account_id"), (#""account_id":"12""#, #""account_id":null"#, "account_id"),
    (#""project_id":"34""#, #""project_id":34"#, "project_id"),
    (#""anonymize_ip":true"#, #""anonymize_ip":"true""#, "anonymize_ip"),
    (#""client_name":"c""#, #""client_name":1"#, "client_name"),
    (#""client_version":"1""#, #""client_version":1.0"#, "client_version"),
    (#""enrich_decisions":true"#, #""enrich_decisions":1"#, "enrich_decisions"),
    (#""revision":"9""#, #""revision":9"#, "revision"),
    (#""visitors":["#, #""guests":["#, "visitors"), (#""visitors":["#, #""visitors":{},"v":["#, "visitors"),
  ]

  static let visitors: [(String, String, String)] = [
    (#"{"visitor_id":"v0","snapshots":[]}"#, "7", "visitors[0]"),
    (#""visitor_id":"v1","#, "", visitor + ".visitor_id"), (#""visitor_id":"v1""#, #""visitor_id":1"#, visitor + ".visitor_id"),
    (#""visitor_id":"v1""#, #""visitor_id":"""#, visitor + ".visitor_id"),
    (#""session_id":"s""#, #""session_id":5"#, visitor + ".session_id"),
    (#""session_id":"s""#, #""session_id":"""#, visitor + ".session_id"),
    (#""attributes":["#, #""attributes":{},"a":["#, visitor + ".attributes"),
    (#""snapshots":[{"#, #""shots":[{"#, visitor + ".snapshots"),
    (#""snapshots":[{"#, #""snapshots":true,"s":[{"#, visitor + ".snapshots"),
    (#""snapshots":[{"decisions""#, #""snapshots":[5,{"decisions""#, visitor + ".snapshots[0]"),
    (#"[{"type":"custom""#, #"[5,{"type":"custom""#, attribute), (#"{"type":"custom","#, "{", attribute + ".type"),
    (#""type":"custom""#, #""type":5"#, attribute + ".type"), (#""type":"custom""#, #""type":"""#, attribute + ".type"),
    (#""type":"custom""#, #""type":"device""#, attribute + ".entity_id"), (#""entity_id":"7","#, "", attribute + ".entity_id"),
    (#""entity_id":"7""#, #""entity_id":7"#, attribute + ".entity_id"), (#""key":"plan","#, "", attribute + ".key"),
    (#""key":"plan""#, #""key":5"#, attribute + ".key"), (#""key":"plan""#, #""key":"a/b""#, attribute + ".key"),
    (#""key":"plan""#, #""key":"é""#, attribute + ".key"), (#""key":"plan""#, "\"key\":\"\(longKey)\"", attribute + ".key"),
    (#","value":"gold""#, "", attribute + ".value"), (#""value":"gold""#, #""value":null"#, attribute + ".value"),
    (#""value":"gold""#, #""value":[1]"#, attribute + ".value"), (#""value":"gold""#, #""value":1e400"#, attribute + ".value"),
    (#""value":"gold""#, #""value":"\ue000x""#, attribute + ".value"), (#""value":"gold""#, #""value":{}"#, attribute + ".value"),
  ]

  static let decisions: [(String, String, String)] = [
    (#""decisions":[{"#, #""decisions":{},"d":[{"#, visitor + ".snapshots[0].decisions"),
    (#"[{"campaign_id""#, #"[5,{"campaign_id""#, decision),
    (#""campaign_id":"c1","#, "", decision + ".campaign_id"),
    (#""campaign_id":"c1""#, #""campaign_id":1"#, decision + ".campaign_id"),
    (#""campaign_id":"c1""#, #""campaign_id":null"#, decision + ".campaign_id"),
    (#""experiment_id":"e1","#, "", decision + ".experiment_id"),
    (#""experiment_id":"e1""#, #""experiment_id":1"#, decision + ".experiment_id"),
    (#""experiment_id":"e1""#, #""experiment_id":"""#, decision + ".experiment_id"),
    (#""variation_id":null,"#, "", decision + ".variation_id"),
    (#""variation_id":null"#, #""variation_id":1"#, decision + ".variation_id"),
    (#""is_campaign_holdback":false"#, #""is_campaign_holdback":0"#, decision + ".is_campaign_holdback"),
    (#""metadata":{"#, #""metadata":[],"m":{"#, decision + ".metadata"),
    (#""flag_key":"f""#, #""flag_key":1"#, decision + ".metadata.flag_key"),
    (#""rule_key":"r""#, #""rule_key":null"#, decision + ".metadata.rule_key"),
    (#""rule_type":"t""#, #""rule_type":[]"#, decision + ".metadata.rule_type"),
    (#""variation_key":"x""#, #""variation_key":1"#, decision + ".metadata.variation_key"),
    (#""enabled":true"#, #""enabled":"true""#, decision + ".metadata.enabled"),
    (#"[{"campaign_id":"c1""#, #"[],"d":[{"campaign_id":"c1""#, activation),
  ]

  static let events: [(String, String, String)] = [
    (#""events":[{"timestamp":1700000000001"#, #""e":[{"timestamp":1700000000001"#, visitor + ".snapshots[0].events"),
    (#""events":[{"timestamp":1700000000001"#, #""events":1,"e":[{"timestamp":1700000000001"#, visitor + ".snapshots[0].events"),
    (#"[{"timestamp":1700000000002"#, #"[5,{"timestamp":1700000000002"#, conversion),
    (#""timestamp":1700000000002,"#, "", conversion + ".timestamp"),
    ("1700000000002", #""1700000000002""#, conversion + ".timestamp"), ("1700000000002", "1700000000", conversion + ".timestamp"),
    ("1700000000002", "1700000000002000", conversion + ".timestamp"),
    ("1700000000002", "1700000000002.0", conversion + ".timestamp"),
    ("1700000000002", "1.7e12", conversion + ".timestamp"), ("1700000000002", "-1700000000002", conversion + ".timestamp"),
    ("1700000000002", "999999999999", conversion + ".timestamp"), ("1700000000002", "10000000000000", conversion + ".timestamp"),
    (#""uuid":"u2","#, "", conversion + ".uuid"), (#""uuid":"u2""#, #""uuid":2"#, conversion + ".uuid"),
    (#""uuid":"u2""#, #""uuid":"""#, conversion + ".uuid"), (#""entity_id":"5","#, "", conversion + ".entity_id"),
    (#""entity_id":"5""#, #""entity_id":5"#, conversion + ".entity_id"), (#""key":"buy""#, #""key":5"#, conversion + ".key"),
    (#""key":"buy""#, #""key":"campaign_activated""#, conversion + ".type"),
    (#""type":"other""#, #""type":5"#, conversion + ".type"),
    (#""type":"other""#, #""type":"campaign_activated""#, conversion + ".key"),
    (#""revenue":1999"#, #""revenue":19.99"#, conversion + ".revenue"),
    (#""revenue":1999"#, #""revenue":"1999""#, conversion + ".revenue"),
    (#""revenue":1999"#, #""revenue":1e2"#, conversion + ".revenue"),
    (#""revenue":1999"#, #""revenue":9223372036854775808"#, conversion + ".revenue"),
    (#""revenue":1999"#, #""revenue":null"#, conversion + ".revenue"),
    (#""value":1.50"#, #""value":"1.50""#, conversion + ".value"), (#""value":1.50"#, #""value":1e400"#, conversion + ".value"),
    (#""quantity":3"#, #""quantity":3.5"#, conversion + ".quantity"),
    (#""quantity":3"#, #""quantity":true"#, conversion + ".quantity"),
    (#""tags":{"#, #""tags":[],"t":{"#, conversion + ".tags"), (#""size":"L""#, #""size":null"#, conversion + ".tags.size"),
    (#""size":"L""#, #""size":{}"#, conversion + ".tags.size"),
    (#""size":"L""#, #""size":"\ue0001x""#, conversion + ".tags.size"),
    (#""size":"L""#, #""$opt_event_properties":[]"#, conversion + ".tags.$opt_event_properties"),
    (#""properties":{"#, #""properties":"","p":{"#, conversion + ".properties"),
    (#""color":"red""#, #""color":1"#, conversion + ".properties.color"),
  ]

  @Test("a rule broken once is found, at its path", arguments: top + visitors + decisions + events)
  func rules(legal: String, broken: String, path: String) throws {
    try #require(legalBody.ranges(of: legal).count == 1, "the legal part is there once")
    let fault = fault(bytes(legalBody.replacing(legal, with: broken)))
    #expect(fault?.path == path)
    #expect(fault?.description.hasPrefix(path + ": ") == true)
  }

  @Test(
    "what the rules allow is no fault",
    arguments: [
      (#""timestamp":1700000000002"#, #""timestamp":1000000000000"#),
      (#""timestamp":1700000000002"#, #""timestamp":9999999999999"#),
      (#""revenue":1999"#, #""revenue":0"#), (#""revenue":1999"#, #""revenue":-9223372036854775808"#),
      (#""value":1.50"#, #""value":-1e-300"#),
      (#""size":"L""#, #""size":"\ue000123""#), (#""size":"L""#, #""size":"\ue000true""#), (#""size":"L""#, #""size":12.5"#),
      (#""size":"L""#, #""$opt_event_properties":{"a":[{"b":null}]}"#), (#""key":"plan""#, #""key":"a_-. Z9""#),
      (#""key":"plan""#, #""key":"$opt_bot_filtering""#), (#""key":"plan""#, "\"key\":\"\(longKey.dropLast())\""),
      (#""experiment_id":"e1""#, #""experiment_id":null"#),
      (#""campaign_id":"c1""#, #""campaign_id":"default-rollout-2029-20301771717""#),
      (#""decisions":[],"#, ""), (#""tags":{"size":"L"}"#, #""tags":{}"#), (#""attributes":["#, #""attributes":[],"a":["#),
      (#""type":"device","value""#, #""type":"device","key":"device type","value""#), (#""project_id":"34","#, ""),
    ])
  func allowed(legal: String, other: String) throws {
    try #require(legalBody.ranges(of: legal).count == 1, "the legal part is there once")
    #expect(fault(bytes(legalBody.replacing(legal, with: other))) == nil)
  }

  @Test(
    "what is no JSON object in UTF-8 is refused as a whole, with its place",
    arguments: [
      ([], "is empty"), (bytes("  "), "is empty"), (bytes("[]"), "is not a JSON object"), (bytes("{}"), "account_id"),
      (bytes(#"{"account_id":"1""#), "byte 17"), (bytes(#"{"account_id":"1",}"#), "byte 18"),
      (bytes(#"{"account_id" "1"}"#), "byte 14"),
      (bytes(#"{account_id:"1"}"#), "byte 1"), (bytes(#"{"account_id":}"#), "byte 14"),
      (bytes(legalBody + "x"), "something follows"),
      (bytes(#"{"account_id":"1","visitors":[{]}"#), "not JSON"), (bytes(#"{"visitors":[1 2]}"#), "visitors[0]"),
      (bytes(#"{"visitors":[{"visitor_id":"v","snapshots":[]} {}]}"#), "byte 47"),
      (bytes("{\"a\":\"") + [0xff] + bytes("\"}"), "UTF-8 at byte 6"),
    ] as [([UInt8], String)])
  func malformed(body: [UInt8], words: String) {
    #expect(fault(body)?.description.contains(words) == true)
  }

  @Test(
    "a member nested too deeply is refused, one less deeply passed over", arguments: [(127, true), (128, true), (129, false)])
  func depth(depth: Int, isLegal: Bool) {
    let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect((fault(bytes(#"{"account_id":"1","x":\#(nested),"visitors":[]}"#)) == nil) == isLegal)
  }
}

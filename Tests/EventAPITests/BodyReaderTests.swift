import Bytes
import EventAPI
import Testing
import Vocabulary

/// A body that follows every rule, with one of everything in it.
let legalBody = #"""
  {"account_id":"12","project_id":"34","anonymize_ip":true,"client_name":"c","client_version":"1","enrich_decisions":true,"revision":"9",
  "visitors":[{"visitor_id":"v0","snapshots":[]},
  {"visitor_id":"v1","session_id":"s","attributes":[{"type":"custom","entity_id":"7","key":"plan","value":"gold"},
  {"type":"device","value":false}],
  "snapshots":[{"decisions":[{"campaign_id":"c1","experiment_id":"e1","variation_id":null,"is_campaign_holdback":false,
  "metadata":{"flag_key":"f","rule_key":"r","rule_type":"t","variation_key":"x","enabled":true}}],
  "events":[{"timestamp":1700000000001,"uuid":"u1","entity_id":"c1","type":"campaign_activated","key":"campaign_activated"}]},
  {"decisions":[],"events":[{"timestamp":1700000000002,"uuid":"u2","entity_id":"5","key":"buy","type":"other","revenue":1999,"value":1.50,
  "quantity":3,"tags":{"size":"L"},"properties":{"color":"red"}}]}]}]}
  """#

struct ReadBody {
  var essences: [String]
  var offsets: [Int]
  var visitorObjectCount: Int
}

func read(_ body: [UInt8], limit: Int = Limits.bodyBytes) throws(BodyFault) -> ReadBody {
  var reader = BodyReader(bodyLimit: limit)
  try reader.read(body.span)
  return ReadBody(
    essences: reader.offsets.map { essence(StagedRecord(reader.records.span, at: $0)) },
    offsets: reader.offsets.map { StagedRecord(reader.records.span, at: $0).rowOffset },
    visitorObjectCount: reader.visitorObjectCount)
}

func fault(_ body: [UInt8], limit: Int = Limits.bodyBytes) -> BodyFault? {
  do throws(BodyFault) {
    _ = try read(body, limit: limit)
    return nil
  } catch {
    return error
  }
}

@Suite struct BodyReaderTests {
  @Test("a legal body is taken apart: a record an event, in their order, with the place of each event in the body")
  func legal() throws {
    let body = bytes(legalBody)
    let read = try read(body)
    #expect(read.visitorObjectCount == 2)
    #expect(read.essences.count == 2)
    for offset in read.offsets { #expect(body[offset...].starts(with: bytes(#"{"timestamp""#))) }
    let lines = read.essences.map { $0.split(separator: "\n", omittingEmptySubsequences: false) }
    #expect(lines.map { $0[1] } == ["v1", "v1"] && lines.map { $0[4] } == ["u1", "u2"] && lines.map { $0[5] } == ["c1", "5"])
    let group =
      #","session_id":"s","attributes":[{"type":"custom","entity_id":"7","key":"plan","value":"gold"},{"type":"device","value":false}]"#
    #expect(lines.map { String($0[2]) } == [group, group])
  }

  @Test(
    "what the encoder wrote is read back as the same records, whatever optional members they have", arguments: RecordKind.allCases
  )
  func roundTrip(kind: RecordKind) throws {
    let settings = BodySettings(accountID: "1", anonymizeIP: true, clientName: "c", clientVersion: "1", enrichDecisions: true)
    var written: [String] = []
    var visitors: [String] = []
    for choice in try #require(Sample.choices[kind]) {
      var arena = ByteArena(limit: 1 << 16)
      let start = Sample(kind, choice: choice).write(into: &arena)
      let record = StagedRecord(arena.span, at: start)
      written.append(essence(record))
      visitors.append(visitorText(record))
    }
    let body = settings.prefix + bytes(visitors.joined(separator: ",")) + settings.suffix
    let read = try read(body)
    #expect(read.essences == written)
    #expect(read.visitorObjectCount == written.count)
  }

  @Test("spelling, white space and the order of members and attributes make no difference to the records")
  func spelling() throws {
    let same =
      legalBody
      .replacing(#""visitor_id":"v1""#, with: #" "visitor\u005fid" : "\u00761" "#)
      .replacing(#""type":"device","value":false"#, with: "\"value\" :\n false,\"type\":\"device\"")
      .replacing(
        #""uuid":"u2","entity_id":"5","key":"buy""#,
        with: #""key":"sell","key":"\u0062uy","unknown":[{}],"entity_id":"5","uuid":"u2""#
      )
      .replacing(#""tags":{"size":"L"}"#, with: #""tags":{"size":"S","size":"\u004c"}"#)
    #expect(try read(bytes(same)).essences == read(bytes(legalBody)).essences)
    let attributes = legalBody.replacing(
      #"[{"type":"custom","entity_id":"7","key":"plan","value":"gold"},"#, with: "["
    ).replacing(
      #"{"type":"device","value":false}]"#,
      with: #"{"type":"device","value":false},{"key":"plan","value":"gold","type":"custom","entity_id":"7"}]"#)
    #expect(try read(bytes(attributes)).essences == read(bytes(legalBody)).essences)
  }

  @Test("of two decisions the one with the event's campaign is the activation's; among other campaigns it must be the only one")
  func whichDecision() throws {
    let other = #"{"campaign_id":"c0","experiment_id":"e0","variation_id":"x0"},"#
    let two = legalBody.replacing(#""decisions":[{"campaign_id":"c1""#, with: #""decisions":["# + other + #"{"campaign_id":"c1""#)
    #expect(try read(bytes(two)).essences == read(bytes(legalBody)).essences)
    let stranger = #""uuid":"u1","entity_id":"c9""#
    #expect(fault(bytes(legalBody.replacing(#""uuid":"u1","entity_id":"c1""#, with: stranger))) == nil)
    let unclear = fault(bytes(two.replacing(#""uuid":"u1","entity_id":"c1""#, with: stranger)))
    #expect(unclear?.path == "visitors[1].snapshots[0].events[0].entity_id")
  }

  @Test("of two members with one name the last counts, for visitors too")
  func duplicates() throws {
    let body = #"{"visitors":[{"visitor_id":"a","snapshots":[]}],"account_id":"1","visitors":[]}"#
    #expect(try read(bytes(body)).visitorObjectCount == 0)
  }

  @Test("a body is taken up to its limit and refused a byte later, before anything of it is read", arguments: [-1, 0, 1])
  func limit(difference: Int) {
    let body = bytes(legalBody)
    let fault = fault(body, limit: body.count - difference)
    #expect((fault == nil) == (difference <= 0))
    if difference > 0 { #expect(fault?.path == "" && fault?.message.contains("\(body.count) bytes") == true) }
  }

  @Test("a body of many small events with large attributes is refused, not a crash")
  func amplification() {
    let value = String(repeating: "x", count: 40_000)
    let event = #"{"timestamp":1700000000002,"uuid":"u2","entity_id":"5"}"#
    let events = [String](repeating: event, count: 2_000).joined(separator: ",")
    let body =
      #"{"account_id":"1","visitors":[{"visitor_id":"v","attributes":[{"type":"t","value":""# + value
      + #""}],"snapshots":[{"events":["# + events
      + "]}]}]}"
    #expect(fault(bytes(body), limit: 200_000)?.message.contains("send less at a time") == true)
  }

  @Test(
    "no body that begins like a legal one and breaks off, or has one byte changed, makes the reader stumble", arguments: 0..<6)
  func damage(seed: Int) {
    let body = bytes(legalBody)
    for end in stride(from: seed, to: body.count, by: 6) { #expect(fault(Array(body[..<end])) != nil) }
    var random = SystemSeeded(seed)
    var faultCount = 0
    for _ in 0..<300 {
      var changed = body
      changed[Int.random(in: 0..<body.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      if fault(changed) != nil { faultCount += 1 }
    }
    #expect(faultCount > 100 && faultCount < 300)
  }
}

/// Random numbers that a seed repeats: a linear congruential generator, its upper half.
struct SystemSeeded: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(seed) &+ 1 }

  mutating func next() -> UInt64 {
    var word: UInt64 = 0
    for _ in 0..<2 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      word = word << 32 | state >> 32
    }
    return word
  }
}

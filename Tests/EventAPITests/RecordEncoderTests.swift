import Bytes
import EventAPI
import Foundation
import Testing
import Vocabulary

@Suite struct RecordEncoderTests {
  @Test("every field of a record is read back, whatever optional members it has", arguments: RecordKind.allCases)
  func fields(kind: RecordKind) throws {
    for choice in try #require(Sample.choices[kind]) {
      let sample = Sample(kind, choice: choice)
      var arena = ByteArena(limit: 1 << 16)
      arena.append("before")
      let start = sample.write(into: &arena)
      #expect(start == 6)
      let record = StagedRecord(arena.span, at: start)
      let count = record.byteCount
      #expect(count == arena.count - start)
      #expect(record.kind == kind.rawValue && record.isDecision == (kind == .decision))
      #expect(record.input == 3 && record.rowOffset == 1 << 40 && record.line == 77)
      #expect(record.timestamp == sample.timestamp && record.revenue == sample.revenue)
      #expect(record.value == sample.value.flatMap(Double.init))
      #expect(record.hash == visitorHash(record.visitor))
      let texts = [
        text(record.visitor), text(record.eventID), text(record.campaignOrEntity), text(record.experimentOrKey),
      ].map(unescaped)
      let isNull = kind == .decision && sample.experimentOrKey.isEmpty
      let expected = [
        sample.visitor, sample.uuid ?? Sample.derivedID, sample.campaignOrEntity, isNull ? "null" : sample.experimentOrKey,
      ]
      #expect(texts == expected, "choice \(choice)")
      let flags = record.flags
      #expect(flags.contains(.derivedID) == (sample.uuid == nil))
      #expect(flags.contains(.holdback) == (sample.isHoldback == true))
      #expect(flags.contains(.nullExperiment) == isNull)
      #expect(flags.contains(.nullVariation) == (kind == .decision && sample.variation.isEmpty))
      #expect(flags.contains(.hasKey) == (kind == .conversion && !sample.experimentOrKey.isEmpty))
      if kind == .decision {
        #expect(unescaped(text(record.variation)) == (sample.variation.isEmpty ? "null" : sample.variation))
        let decision = try #require(try object(text(record.decision)) as? [String: Any])
        #expect(decision["campaign_id"] as? String == sample.campaignOrEntity)
      }
    }
  }

  private func unescaped(_ inside: String) -> String {
    var arena = ByteArena(limit: 1000)
    arena.append(unescaping: bytes(inside).span)
    return text(arena.span)
  }

  @Test("the text of a record is the object that the API expects, as Foundation reads it", arguments: RecordKind.allCases)
  func texts(kind: RecordKind) throws {
    for choice in try #require(Sample.choices[kind]) {
      let sample = Sample(kind, choice: choice)
      var arena = ByteArena(limit: 1 << 16)
      let start = sample.write(into: &arena)
      let text = visitorText(StagedRecord(arena.span, at: start))
      let object = try #require(try object(text) as? NSDictionary)
      let expected = try sample.visitorObject
      #expect(object == expected, "choice \(choice)")
    }
  }

  @Test("numbers keep the text and the digits they were given")
  func digits() {
    var sample = Sample(.conversion, choice: 0)
    sample.campaignOrEntity = "18446744073709551617"
    sample.value = "1.500"
    sample.revenue = 9_007_199_254_740_993
    var arena = ByteArena(limit: 1 << 16)
    let start = sample.write(into: &arena)
    let event = text(StagedRecord(arena.span, at: start).event)
    #expect(
      event
        == #"{"entity_id":"18446744073709551617","timestamp":1700000000123,"uuid":"id-\"7\"","revenue":9007199254740993,"value":1.500}"#
    )
  }

  @Test("a record given up leaves the arena as it was, and the next begins there")
  func abandoning() {
    var arena = ByteArena(limit: 1 << 16)
    arena.append("before")
    var encoder = RecordEncoder()
    encoder.begin(.decision, visitor: bytes("v").span, input: 0, rowOffset: 0, line: 1, into: &arena)
    encoder.group(session: bytes("s").span, attributes: bytes("[]").span, into: &arena)
    encoder.abandon(&arena)
    #expect(text(arena.span) == "before")
    #expect(Sample(.conversion, choice: 0).write(into: &arena) == 6)
  }

  @Test("a body begins with the account and ends with what was asked for, escaped", arguments: [false, true])
  func bodies(flag: Bool) throws {
    let settings = BodySettings(
      accountID: "1\"2", anonymizeIP: flag, clientName: "org/\\sys", clientVersion: "1.0\n", enrichDecisions: !flag)
    let body = try #require(try object(String(decoding: settings.prefix + settings.suffix, as: UTF8.self)) as? NSDictionary)
    let expected: NSDictionary = [
      "account_id": "1\"2", "visitors": [Any](), "anonymize_ip": flag, "client_name": "org/\\sys", "client_version": "1.0\n",
      "enrich_decisions": !flag,
    ]
    #expect(body == expected)
  }

  @Test("a record becomes one flat native row, without the id that was derived", arguments: RecordKind.allCases)
  func nativeRows(kind: RecordKind) throws {
    var writer = NativeRowWriter()
    for choice in try #require(Sample.choices[kind]) {
      let sample = Sample(kind, choice: choice)
      var arena = ByteArena(limit: 1 << 16)
      var row = ByteArena(limit: 1 << 16)
      let start = sample.write(into: &arena)
      writer.append(StagedRecord(arena.span, at: start), to: &row)
      let object = try #require(try object(text(row.span)) as? NSDictionary)
      let expected = try nativeRow(sample)
      #expect(object == expected, "choice \(choice)")
    }
  }

  private func nativeRow(_ sample: Sample) throws -> NSDictionary {
    let visitor = try #require(try sample.visitorObject as? [String: Any])
    let snapshot = try #require((visitor["snapshots"] as? [[String: Any]])?.first)
    var row = try #require((snapshot["events"] as? [[String: Any]])?.first)
    if var decision = (snapshot["decisions"] as? [[String: Any]])?.first {
      for name in ["entity_id", "type", "key"] { row[name] = nil }
      row.merge(decision.removeValue(forKey: "metadata") as? [String: Any] ?? [:]) { $1 }
      row.merge(decision) { $1 }
    }
    for name in ["visitor_id", "session_id", "attributes"] { row[name] = visitor[name] }
    if sample.uuid == nil { row["uuid"] = nil }
    row["record"] = sample.kind.word
    return row as NSDictionary
  }
}

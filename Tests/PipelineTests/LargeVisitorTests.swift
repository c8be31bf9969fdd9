import Foundation
import Grouping
import Pipeline
import Reporting
import Testing
import Vocabulary

/// A visitor with thousands of conversions, between two small ones, and what is special about it.
enum LargeVisitor: String, CaseIterable, Sendable {
  case ordinary, fitsIntoOneBody, withoutDecision
  case reusedID, sameEventTwice, identicalRows, knownBefore, wasElsewhereBefore
  case decisionsThatAgree, decisionsInConflict, earlyConversion, earlyConversionRejected
  case firstTooLarge, lastTooLarge, allTooLarge

  var bodyLimit: Int {
    switch self {
    case .fitsIntoOneBody: 3_500_000
    case .allTooLarge: 450
    default: 60_000
    }
  }

  var rules: JudgeRules { JudgeRules(earlyConversions: self == .earlyConversionRejected ? .reject : .keep) }

  private static let start = 1_700_000_000_000
  private static let count = 6000

  private func decision(_ visitor: String, variation: Int = 1, at time: Int = 0) -> String {
    #"{"record":"decision","visitor_id":"\#(visitor)","campaign_id":"20","experiment_id":"30","variation_id":"4\#(variation)","#
      + #""timestamp":\#(LargeVisitor.start + time)}"#
  }

  private func conversion(_ number: Int, uuid: String? = nil, session: String? = nil, filling: Int = 90) -> String {
    #"{"record":"conversion","visitor_id":"large","entity_id":"50","key":"event","timestamp":\#(LargeVisitor.start + number),"#
      + (uuid.map { #""uuid":"\#($0)","# } ?? "") + (session.map { #""session_id":"\#($0)","# } ?? "")
      + #""properties":{"text":"\#(String(repeating: "x", count: self == .allTooLarge ? 400 : filling))"}}"#
  }

  /// Rows that an earlier run sent.
  var earlierRows: [String] {
    switch self {
    case .knownBefore: [decision("large")] + (1...9).map { conversion($0) }
    case .wasElsewhereBefore: [decision("large", variation: 0, at: -1000)]
    default: []
    }
  }

  var rows: [String] {
    var rows = (1...LargeVisitor.count).map { conversion($0) } + [decision("before"), decision("behind")]
    let last = LargeVisitor.count + 1
    if self != .withoutDecision { rows.append(decision("large")) }
    switch self {
    case .ordinary, .fitsIntoOneBody, .withoutDecision, .knownBefore, .wasElsewhereBefore, .allTooLarge: break
    case .reusedID: rows += [conversion(5, uuid: "one"), conversion(last, uuid: "one")]
    // What differs makes no id.
    case .sameEventTwice: rows.append(conversion(LargeVisitor.count, session: "s"))
    case .identicalRows: rows += [conversion(1), conversion(LargeVisitor.count), conversion(LargeVisitor.count)]
    case .decisionsThatAgree: rows.append(decision("large", at: 50))
    case .decisionsInConflict: rows.append(decision("large", variation: 2, at: 50))
    case .earlyConversion, .earlyConversionRejected: rows.append(conversion(-1))
    case .firstTooLarge: rows.append(conversion(1, filling: 60_000))
    case .lastTooLarge: rows.append(conversion(last, filling: 60_000))
    }
    return rows
  }
}

@Suite("A visitor of several pages")
struct LargeVisitorTests {
  private struct Planned {
    var summary: RunSummary
    var bodies: [Data]
    var rejects: Data
  }

  private func plan(_ visitor: LargeVisitor, _ settings: RunSettings, _ conditions: Conditions) async throws -> Planned {
    let folder = try ScratchFolder()
    var options = options(folder, conditions)
    if !visitor.earlierRows.isEmpty {
      let earlier = try folder.write(visitor.earlierRows, to: "earlier.ndjson")
      #expect(try await importer(options).run(try specification([earlier]), settings).state == .complete)
    }
    var random = Seeded(7)
    let file = try folder.write(visitor.rows.shuffled(using: &random), to: "rows.ndjson")
    options.output = folder.path + "/bodies"
    var summary = try await importer(options).plan(try specification([file]), settings)
    guard summary.exit == .complete else { throw RunFailure(summary.exit, summary.message ?? "") }
    summary.seconds = 0
    for at in summary.findings.indices {
      summary.findings[at].samples = summary.findings[at].samples.map { $0.replacing(folder.path, with: "") }
      for place in summary.findings[at].places.indices { summary.findings[at].places[place].file = "" }
    }
    let bodies = try (1..<(summary.bodyCount + 1)).map { try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/bodies/\($0).json")) }
    let runs = try FileManager.default.contentsOfDirectory(atPath: options.state + "/plan/runs")
    let rejects = try Data(contentsOf: URL(fileURLWithPath: "\(options.state)/plan/runs/\(try #require(runs.first))/rejects.ndjson"))
    return Planned(
      summary: summary, bodies: bodies,
      rejects: Data(String(decoding: rejects, as: UTF8.self).replacing(folder.path, with: "").utf8))
  }

  @Test("is planned like one that fits into memory, whatever it is like", arguments: LargeVisitor.allCases, [true, false])
  func likeAnyOther(visitor: LargeVisitor, enrichDecisions: Bool) async throws {
    let settings = settings(bodyLimit: visitor.bodyLimit, enrichDecisions: enrichDecisions, rules: visitor.rules)
    let held = try await plan(visitor, settings, Conditions())
    let paged = try await plan(visitor, settings, Conditions(memoryBytes: 200_000))
    #expect(paged.summary == held.summary)
    #expect(paged.bodies == held.bodies)
    #expect(paged.rejects == held.rejects)
    #expect(held.summary.records.fates == held.summary.records.read)
    #expect(isAsNamed(visitor, held.summary))
  }

  private func isAsNamed(_ visitor: LargeVisitor, _ summary: RunSummary) -> Bool {
    switch visitor {
    case .ordinary, .withoutDecision, .decisionsThatAgree: summary.bodyCount > 10 && summary.records.pending == summary.records.read
    case .fitsIntoOneBody: summary.bodyCount == 1
    case .reusedID: summary.rejects["uuid-reused"] == 1
    case .sameEventTwice: summary.records.duplicate == 1
    case .identicalRows: summary.records.duplicate == 3
    case .knownBefore: summary.records.alreadyAccepted == 10
    case .wasElsewhereBefore, .decisionsInConflict: summary.records.filtered == 1
    case .earlyConversion: summary.findings.contains { $0.code == .earlyConversion && $0.count == 1 }
    case .earlyConversionRejected: summary.rejects["early-conversion"] == 1
    case .firstTooLarge, .lastTooLarge: summary.rejects["event-too-large"] == 1
    case .allTooLarge: summary.rejects["event-too-large"] == 6000
    }
  }
}

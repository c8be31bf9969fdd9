import Checkpointing
import Delivering
import Foundation
import Grouping
import Pipeline
import Reporting
import Sandbox
import Testing
import Vocabulary

/// A visitor with thousands of conversions among small ones, and what is special about it.
enum LargeVisitor: String, CaseIterable, Sendable {
  case ordinary, fitsIntoOneBody, manyBodies, withoutDecision, severalLarge, manyActivations
  case reusedID, sameEventTwice, identicalRows, identicalRowsKept, identicalRowsLast
  case knownBefore, knownConversionsOnly, changedAfterAccept, wasElsewhereBefore
  case decisionsThatAgree, firstActivation, conflictFirst, conflictKept, conflictRejected
  case earlyConversion, earlyConversionRejected
  case firstTooLarge, lastTooLarge, allTooLarge

  var bodyLimit: Int {
    switch self {
    case .fitsIntoOneBody: 3_500_000
    case .manyBodies: 640
    case .allTooLarge: 450
    default: 60_000
    }
  }

  var rules: JudgeRules {
    switch self {
    case .conflictKept: JudgeRules(onConflict: .keep)
    case .conflictRejected: JudgeRules(onConflict: .reject)
    case .firstActivation: JudgeRules(activations: .first)
    case .earlyConversionRejected: JudgeRules(earlyConversions: .reject)
    default: JudgeRules()
    }
  }

  var identicalRowsRule: IdenticalRows { self == .identicalRowsKept ? .keep : .once }

  private static let start = 1_700_000_000_000
  private static let count = 6000

  private func decision(_ visitor: String = "large", variation: Int = 1, uuid: String? = nil, at time: Int = 0) -> String {
    #"{"record":"decision","visitor_id":"\#(visitor)","campaign_id":"20","experiment_id":"30","variation_id":"4\#(variation)","#
      + (uuid.map { #""uuid":"\#($0)","# } ?? "") + #""timestamp":\#(LargeVisitor.start + time)}"#
  }

  private func conversion(
    _ number: Int, of visitor: String = "large", uuid: String? = nil, session: String? = nil, filling: Int = 100
  ) -> String {
    #"{"record":"conversion","visitor_id":"\#(visitor)","entity_id":"50","key":"event","timestamp":\#(LargeVisitor.start + number),"#
      + (uuid.map { #""uuid":"\#($0)","# } ?? "") + (session.map { #""session_id":"\#($0)","# } ?? "")
      + #""properties":{"text":"\#(String(repeating: "x", count: self == .allTooLarge ? 400 : filling))"}}"#
  }

  private func conversions(of visitor: String = "large") -> [String] { (1...LargeVisitor.count).map { conversion($0, of: visitor) } }

  /// Rows that an earlier run sent.
  var earlierRows: [String] {
    switch self {
    case .knownBefore: [decision()] + (1...9).map { conversion($0) }
    case .knownConversionsOnly: (1...9).map { conversion($0) }
    case .changedAfterAccept: [decision(variation: 0, uuid: "decision"), conversion(5, uuid: "conversion")]
    case .wasElsewhereBefore: [decision(variation: 0, at: -1000)]
    default: []
    }
  }

  var rows: [String] {
    // Small visitors lie before it and behind it, by their hashes.
    var rows = conversions() + (1...16).map { decision("small \($0)") }
    let last = LargeVisitor.count + 1
    if self != .withoutDecision, self != .changedAfterAccept { rows.append(decision()) }
    switch self {
    case .ordinary, .fitsIntoOneBody, .manyBodies, .withoutDecision, .knownBefore, .knownConversionsOnly, .wasElsewhereBefore, .allTooLarge:
      break
    case .severalLarge:
      // Whatever their order, one that does not keep all comes before one that does, and behind one.
      for visitor in ["large 2", "large 3", "large 4", "large 5", "large 6"] { rows += conversions(of: visitor) + [decision(visitor)] }
      for visitor in ["large 2", "large 4", "large 6"] {
        rows += [conversion(last, of: visitor, uuid: "one"), conversion(last + 1, of: visitor, uuid: "one")]
      }
    case .manyActivations: rows += (1...1500).map { decision(at: $0) }
    case .reusedID: rows += [conversion(5, uuid: "one"), conversion(last, uuid: "one")]
    // What differs makes no id.
    case .sameEventTwice: rows.append(conversion(LargeVisitor.count, session: "s"))
    case .identicalRows, .identicalRowsKept: rows += (0...9).flatMap { [conversion(1 + $0 * 600), conversion(1 + $0 * 600)] }
    case .identicalRowsLast: rows += [String](repeating: conversion(LargeVisitor.count), count: 6000)
    case .changedAfterAccept: rows += [decision(uuid: "decision"), conversion(5, uuid: "conversion", filling: 10)]
    case .decisionsThatAgree, .firstActivation: rows.append(decision(at: 50))
    case .conflictFirst, .conflictKept, .conflictRejected: rows.append(decision(variation: 2, at: 50))
    case .earlyConversion, .earlyConversionRejected: rows.append(conversion(-1))
    case .firstTooLarge: rows.append(conversion(1, filling: 60_000))
    case .lastTooLarge: rows.append(conversion(last, filling: 60_000))
    }
    return rows
  }

  /// Whether a plan shows what the name says.
  func isShown(_ plan: RunSummary) -> Bool {
    let records = plan.records
    func finds(_ code: FindingCode) -> Bool { plan.findings.contains { $0.code == code && $0.count == 1 } }
    return switch self {
    case .ordinary, .withoutDecision, .decisionsThatAgree, .manyActivations: plan.bodyCount > 10 && records.pending == records.read
    case .fitsIntoOneBody: plan.bodyCount == 1
    case .manyBodies: plan.bodyCount > Limits.heldBodies && records.pending == records.read
    case .severalLarge: plan.rejects["uuid-reused"] == 3 && plan.bodyCount > 60
    case .reusedID: plan.rejects["uuid-reused"] == 1
    case .sameEventTwice: records.duplicate == 1
    case .identicalRows: records.duplicate == 20
    case .identicalRowsKept: records.pending == records.read && records.duplicate == 0
    case .identicalRowsLast: records.duplicate == 6000
    case .knownBefore: records.alreadyAccepted == 10
    case .knownConversionsOnly: records.alreadyAccepted == 9
    case .changedAfterAccept: records.alreadyAccepted == 2 && plan.findings.contains { $0.code == .changedAfterAccept && $0.count == 2 }
    case .wasElsewhereBefore, .conflictFirst, .firstActivation: records.filtered == 1
    case .conflictKept: finds(.variationConflict) && records.pending == records.read
    case .conflictRejected: plan.rejects["variation-conflict"] == 1
    case .earlyConversion: finds(.earlyConversion) && records.pending == records.read
    case .earlyConversionRejected: plan.rejects["early-conversion"] == 1
    case .firstTooLarge, .lastTooLarge: plan.rejects["event-too-large"] == 1
    case .allTooLarge: plan.rejects["event-too-large"] == LargeVisitor.count
    }
  }
}

@Suite("A visitor of several pages")
struct LargeVisitorTests {
  private struct Planned {
    let folder: ScratchFolder
    var options: RunOptions
    var file: String
    var summary: RunSummary
    var rows: [BodyRow]
    var bodies: [Data]
    var rejects: String
  }

  private static let little = Conditions(memoryBytes: 200_000)

  private func settings(_ visitor: LargeVisitor, enrichDecisions: Bool) -> RunSettings {
    PipelineTests.settings(
      bodyLimit: visitor.bodyLimit, enrichDecisions: enrichDecisions, rules: visitor.rules, identicalRows: visitor.identicalRowsRule)
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
    let run = try #require(try FileManager.default.contentsOfDirectory(atPath: options.state + "/plan/runs").first)
    let checkpoint = try Checkpoint(at: options.state + "/plan/checkpoint.sqlite")
    let rows = try checkpoint.pendingBodies(RunID(rawValue: try #require(Int64(run))), limit: 100_000)
    #expect(rows.count == summary.bodyCount)
    return Planned(
      folder: folder, options: options, file: file, summary: summary, rows: rows,
      bodies: try rows.map { try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/bodies/\($0.number).json")) },
      rejects: try String(contentsOfFile: "\(options.state)/plan/runs/\(run)/rejects.ndjson", encoding: .utf8)
        .replacing(folder.path, with: ""))
  }

  @Test("is planned like one that fits into memory, whatever it is like", arguments: LargeVisitor.allCases, [true, false])
  func likeAnyOther(visitor: LargeVisitor, enrichDecisions: Bool) async throws {
    // A staged record is not smaller than its row: it has the same members, and an id.
    #expect(visitor.rows.reduce(0) { $0 + ($1.contains(#":"large","#) ? $1.utf8.count : 0) } > PagedWalker.fewestPageBytes * 5 / 4)
    let settings = settings(visitor, enrichDecisions: enrichDecisions)
    let held = try await plan(visitor, settings, Conditions())
    let paged = try await plan(visitor, settings, LargeVisitorTests.little)
    #expect(paged.summary == held.summary)
    #expect(paged.rows == held.rows)
    #expect(paged.bodies == held.bodies)
    #expect(paged.rejects == held.rejects)
    #expect(held.summary.records.fates == held.summary.records.read)
    #expect(visitor.isShown(held.summary))
  }

  @Test(
    "is sent as it was planned, also by a run that is stopped and goes on",
    arguments: [LargeVisitor.ordinary, .severalLarge, .manyActivations, .identicalRowsKept, .knownBefore, .conflictKept])
  func sending(visitor: LargeVisitor) async throws {
    let settings = settings(visitor, enrichDecisions: true)
    let planned = try await plan(visitor, settings, LargeVisitorTests.little)
    var options = planned.options
    options.output = nil
    options.laneCount = 1
    let before = visitor.earlierRows.isEmpty ? 0 : try sandboxStatus(at: StateFolder.sandboxPath(options.state)).events
    let stop = StopSwitch()
    let stopped = try await importer(options, stop: stop) { progress in
      if case .sending(let delivery, _) = progress, delivery.acceptedBodyCount > 3 { stop.stop() }
    }.run(try specification([planned.file]), settings)
    #expect(stopped.state == .incomplete && stopped.records.accepted > 0)
    let summary = try #require(try await importer(options).resume(nil, restaging: false))
    #expect(summary.state == .complete && summary.bodyCount == planned.summary.bodyCount && summary.byteCount == planned.summary.byteCount)
    #expect(summary.records.accepted == planned.summary.records.pending)
    let status = try sandboxStatus(at: StateFolder.sandboxPath(options.state))
    #expect(status.events == before + summary.records.accepted && status.eventsInDifferentBodies == 0)
  }
}

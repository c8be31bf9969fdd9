import Bytes
import Checkpointing
import Foundation
import Grouping
import Normalizing
import Vocabulary

/// What planning counts on its way, record by record.
struct PlanTally {
  private var fates = [Int](repeating: 0, count: 16)
  private(set) var total = 0
  private(set) var future = JudgeCounts.Tally()
  private let futureFrom: Int64

  init(futureFrom: Int64) { self.futureFrom = futureFrom }

  mutating func add(_ fate: RecordFate, _ record: borrowing StagedRecord) {
    fates[Int(fate.rawValue)] += 1
    total += 1
    if fate.stands, record.timestamp >= futureFrom { future.add(record) }
  }

  /// Adds what was counted of later visitors.
  mutating func append(_ later: PlanTally) {
    for fate in fates.indices { fates[fate] += later.fates[fate] }
    total += later.total
    future.append(later.future)
  }

  func count(_ fate: RecordFate) -> Int { fates[Int(fate.rawValue)] }
}

/// Turns what staging, judging and planning counted into findings, most harmful first.
struct Findings {
  private let counts: StagingCounts
  private let judged: JudgeCounts
  private let tally: PlanTally
  private let inputs: [InputRow]

  init(_ counts: StagingCounts, _ judged: JudgeCounts, _ tally: PlanTally, inputs: [InputRow]) {
    self.counts = counts
    self.judged = judged
    self.tally = tally
    self.inputs = inputs
  }

  /// Below this many records a share says nothing.
  private static let fewRecords = 20

  func all() -> [PlanRecord.Sighting] {
    var found: [Finding] = []
    let early = judged.earlyConversions.count
    if early > 0 {
      let falsifies = early * 10 > judged.conversionsWithDecision * 9 && judged.conversionsWithDecision >= Findings.fewRecords
      found.append(Finding(.earlyConversion, falsifies ? .falsifies : .warning, count: early, samples: places(judged.earlyConversions)))
    }
    if tally.future.count > 0 {
      let falsifies = tally.future.count * 100 > tally.total
      found.append(Finding(.timestampFuture, falsifies ? .falsifies : .warning, count: tally.future.count, samples: places(tally.future)))
    }
    let missing = Double(judged.givenIDCount) - judged.givenIDs.count
    if judged.givenIDCount >= Findings.fewRecords, missing * 2 > Double(judged.givenIDCount) {
      found.append(Finding(.uuidShared, .falsifies, count: Int(missing)))
    }
    if judged.conflicts.count > 0 {
      found.append(Finding(.variationConflict, .warning, count: judged.conflicts.count, samples: places(judged.conflicts)))
    }
    if judged.changedAfterAccept.count > 0 {
      found.append(
        Finding(.changedAfterAccept, .warning, count: judged.changedAfterAccept.count, samples: places(judged.changedAfterAccept)))
    }
    if !counts.emptyInputs.isEmpty {
      found.append(
        Finding(
          .emptyInput, .warning, count: counts.emptyInputs.count, samples: Array(counts.emptyInputs.prefix(Limits.findingSamples))))
    }
    let conversions = counts.conversions
    for (code, severity, count) in [
      (FindingCode.timestampGuessed, Severity.warning, conversions.guessedTimes), (.timeAmbiguous, .note, conversions.ambiguousTimes),
      (.amountRounded, .note, conversions.roundedAmounts),
    ] where count > 0 { found.append(Finding(code, severity, count: count)) }
    if judged.conversionsWithoutDecision.count > 0 {
      found.append(
        Finding(
          .noDecision, .note, count: judged.conversionsWithoutDecision.count, samples: places(judged.conversionsWithoutDecision)))
    }
    if !counts.unknownNames.isEmpty {
      found.append(
        Finding(.unknownColumn, .note, count: counts.unknownNames.count, samples: Array(counts.unknownNames.keys.sorted().prefix(10))))
    }
    return found.sorted { $0.severity > $1.severity }.map {
      PlanRecord.Sighting(code: $0.code.rawValue, severity: $0.severity.rawValue, count: $0.count, samples: $0.samples)
    }
  }

  private func places(_ tally: JudgeCounts.Tally) -> [String] { tally.samples.map { "\(displayName(inputs[$0.input].path)):\($0.line)" } }
}

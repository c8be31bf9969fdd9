import Bytes
import Checkpointing
import Foundation
import Grouping
import Vocabulary

/// What planning counts on its way, record by record.
struct PlanTally {
  private var fates = [Int](repeating: 0, count: 16)
  private(set) var total = 0
  private(set) var future = JudgeCounts.Tally()
  private(set) var givenIDs = DistinctEstimate()
  private(set) var givenIDCount = 0
  private let futureFrom: Int64
  var distinctIDs = 0

  init(futureFrom: Int64) { self.futureFrom = futureFrom }

  mutating func add(_ fate: RecordFate, _ record: borrowing StagedRecord) {
    fates[Int(fate.rawValue)] += 1
    total += 1
    if fate.stands, record.timestamp >= futureFrom { future.add(record) }
    if !record.flags.contains(.derivedID) {
      givenIDCount += 1
      givenIDs.add(Digest(record.eventID).high)
    }
  }

  func count(_ fate: RecordFate) -> Int { fates[Int(fate.rawValue)] }
}

/// How many different hashes were added, within about one percent (HyperLogLog with 16,384 registers: Flajolet et al., 2007).
struct DistinctEstimate {
  private static let bits = 14
  private var registers = [UInt8](repeating: 0, count: 1 << bits)

  mutating func add(_ hash: UInt64) {
    let register = Int(hash >> UInt64(64 - DistinctEstimate.bits))
    let rest = hash << UInt64(DistinctEstimate.bits) | 1 << UInt64(DistinctEstimate.bits - 1)
    registers[register] = max(registers[register], UInt8(rest.leadingZeroBitCount + 1))
  }

  var count: Double {
    let m = Double(registers.count)
    let sum = registers.reduce(0.0) { $0 + 1 / Double(UInt64(1) << UInt64($1)) }
    let estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum
    let empty = registers.count { $0 == 0 }
    guard estimate <= 2.5 * m, empty > 0 else { return estimate }
    return m * log(m / Double(empty))
  }
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
    let missing = Double(tally.givenIDCount) - tally.givenIDs.count
    if tally.givenIDCount >= Findings.fewRecords, missing * 2 > Double(tally.givenIDCount) {
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

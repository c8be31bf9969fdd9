import Bytes
import Checkpointing
import Chunking
import Delivering
import Disk
import Grouping
import Normalizing
import Vocabulary

/// Builds the bodies of a plan once more, sorted and judged anew, and compares them with the plan.
///
/// Memory: as sending has it, with one lane.
struct BodyComparison {
  private let flow: RunFlow
  private let judges: PartitionJudges
  private(set) var sameCount = 0
  /// Bodies, and parts of bodies, that are not what they were.
  private(set) var different: [String] = []

  init(_ flow: RunFlow, _ staged: Staged) throws(RunFailure) {
    self.flow = flow
    judges = try flow.judges(staged)
  }

  consuming func compare(_ stop: StopSwitch) throws(RunFailure) -> BodyComparison {
    var last = 0
    var assembler = assembler()
    while true {
      let rows = try guarding { () throws(CheckpointFailure) in try flow.checkpoint.bodies(flow.run.id, from: last + 1, limit: 256) }
      guard let end = rows.last else { return self }
      for row in rows {
        if stop.isStopped { throw RunFailure(.stopped, "stopped while verifying; nothing was changed") }
        do throws(RunFailure) {
          let (digest, entries) = try assembler.compose(row) { bytes throws(RunFailure) in WideDigest.of(bytes).bytes }
          guard row.digest ?? digest == digest, entries.entries.count / LedgerEntry.byteCount == row.eventCount else {
            throw noLongerPlanned(row.number)
          }
          if row.isCut { try compareParts(row) }
          sameCount += 1
        } catch {
          guard error.status == .stagingDamaged else { throw error }
          different.append("\(row.number)")
          // What was left in the middle of a body is of no use.
          assembler = self.assembler()
        }
      }
      last = end.number
    }
  }

  private func assembler() -> BodyAssembler { BodyAssembler(judges, noted: nil, memoryBytes: flow.options.memoryBytes / 8) }

  private func compareParts(_ row: BodyRow) throws(RunFailure) {
    let parts = try guarding { () throws(CheckpointFailure) in try flow.checkpoint.parts(flow.run.id, row.number) }
    let records = try BodyRecords(row, judges, memoryBytes: flow.options.memoryBytes / 16)
    for (part, _) in parts {
      guard let path = BodyPart(path: part.part), path.isPossible(of: records.eventCount) else { throw noLongerPlanned(row.number) }
      let written = records.write(path)
      guard WideDigest.of(written.bytes.span).bytes == part.digest, written.bytes.count == part.byteCount,
        written.decisionCount == part.decisionCount
      else { throw noLongerPlanned(row.number) }
    }
  }

  /// Whether fewer of the run's records are known to be accepted before than when it was planned.
  func ledgerKnowsLess() throws(RunFailure) -> Bool {
    guard let plan = try flow.planRecord() else { return false }
    let inputs = flow.specification.inputs.map { $0.mapping ?? flow.settings.mapping }
    let tally = PlanTally(PlanWatch(flow.settings, inputs: inputs, futureFrom: .max))
    var count = 0
    let ahead = judges.judged(tally)
    while let number = ahead.next {
      let judged = try ahead.take()
      if let runs = judges.reader.largeRuns(of: number) {
        count += try alreadyAccepted(runs, judges.judge(memoryBytes: flow.options.memoryBytes / 8, tally: tally))
      } else {
        count += judged.counts?.tally.count(.alreadyAccepted) ?? 0
      }
      ahead.giveBack(judged)
    }
    return count < plan.alreadyAccepted
  }

  private func alreadyAccepted(_ runs: [SortedRun], _ judge: consuming PartitionJudge) throws(RunFailure) -> Int {
    do {
      var walker = try PagedWalker(runs, memoryBytes: flow.options.memoryBytes / 4, identicalRows: flow.settings.identicalRows)
      while try walker.nextVisitor() { _ = try judge.judge(&walker) }
      return judge.takeCounts()?.tally.count(.alreadyAccepted) ?? 0
    } catch {
      throw stagingFailure(error)
    }
  }
}

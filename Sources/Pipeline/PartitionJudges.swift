import Checkpointing
import Grouping
import Vocabulary

/// Judges all partitions on several threads and hands them out in order.
///
/// Memory: for each thread one partition in work and one that waits, and `memoryBytes`.
struct PartitionJudges {
  let reader: PartitionReader
  let settings: RunSettings
  let ledger: Checkpoint
  let run: RunRow
  let mark: Int64
  let memoryBytes: Int
  let threadCount: Int
  let tally: PlanTally?

  /// A judge with a view of its own of what was accepted before.
  func judge(memoryBytes: Int) -> PartitionJudge {
    PartitionJudge(
      reader, settings, known: LedgerFilter(ledger, account: run.account, endpoint: run.endpoint, mark: mark),
      memoryBytes: memoryBytes, tally: tally)
  }

  /// Calls `body` with each partition, in ascending order.
  func each(_ body: (Int, JudgedPartition) throws(RunFailure) -> Void) throws(RunFailure) {
    let pieces = PiecesInOrder<Result<JudgedPartition, RunFailure>>(0..<reader.count, ahead: 2 * threadCount)
    _ = try onThreads(threadCount) { [self] _ in
      var judge = judge(memoryBytes: memoryBytes)
      while let number = pieces.next() {
        pieces.put(Result { () throws(RunFailure) in try judge.judge(number) }, number)
      }
    } lead: { () throws(RunFailure) in
      defer { pieces.abandon() }
      for number in 0..<reader.count { try body(number, try pieces.take(number).get()) }
    }
  }
}

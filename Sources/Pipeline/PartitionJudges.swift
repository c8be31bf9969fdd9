import Checkpointing
import Dispatch
import Foundation
import Grouping
import Synchronization
import Vocabulary

/// Judges all partitions on several threads and hands them out in order.
///
/// Memory: `aheadCount` partitions, one that is looked at, and `memoryBytes` for each thread.
struct PartitionJudges {
  let reader: PartitionReader
  let settings: RunSettings
  let ledger: Checkpoint
  let run: RunRow
  let mark: Int64
  let memoryBytes: Int
  let threadCount: Int
  let aheadCount: Int
  let tally: PlanTally?

  /// `tally` is an empty one, for planning.
  init(
    _ reader: PartitionReader, _ settings: RunSettings, _ options: RunOptions, ledger: Checkpoint, run: RunRow, mark: Int64,
    tally: PlanTally? = nil
  ) {
    self.reader = reader
    self.settings = settings
    self.ledger = ledger
    self.run = run
    self.mark = mark
    self.tally = tally
    memoryBytes = options.memoryBytes / 32
    // A partition takes up to an eighth of the memory, though mostly far less.
    threadCount = min(options.workerCount, 4)
    aheadCount = options.memoryBytes < RunFlow.smallMemoryBytes ? 2 : 4
  }

  /// A judge with a view of its own of what was accepted before.
  func judge(memoryBytes: Int) -> PartitionJudge {
    PartitionJudge(
      reader, settings, known: LedgerFilter(ledger, account: run.account, endpoint: run.endpoint, mark: mark),
      memoryBytes: memoryBytes, tally: tally)
  }

  /// Calls `body` with each partition, in ascending order.
  func each(_ body: (Int, JudgedPartition) throws(RunFailure) -> Void) throws(RunFailure) {
    let ahead = PartitionsAhead(self, from: 0)
    while let number = ahead.next {
      let judged = try ahead.take()
      try body(number, judged)
      ahead.giveBack(judged)
    }
  }
}

/// Partitions in order, judged ahead by threads that end with this.
final class PartitionsAhead {
  private let pieces: PiecesInOrder<Result<JudgedPartition, RunFailure>>
  private let served = ServedPartitions()
  private let threadCount: Int
  private let ended = DispatchSemaphore(value: 0)
  private let count: Int
  private var at: Int

  /// Begins to judge the partitions from `first` on.
  init(_ judges: PartitionJudges, from first: Int) {
    count = judges.reader.count
    at = first
    threadCount = judges.threadCount
    pieces = PiecesInOrder(first..<count, ahead: judges.aheadCount)
    for number in 0..<threadCount {
      let thread = Thread { [pieces, served, ended] in
        var judge = judges.judge(memoryBytes: judges.memoryBytes)
        while let number = pieces.next() {
          let used = served.take()
          pieces.put(Result { () throws(RunFailure) in try judge.judge(number, into: used) }, number)
        }
        ended.signal()
      }
      thread.name = "judge \(number + 1)"
      thread.stackSize = 4 << 20
      thread.start()
    }
  }

  deinit {
    pieces.abandon()
    for _ in 0..<threadCount { ended.wait() }
  }

  /// The partition that comes next; nil at the end.
  var next: Int? { at < count ? at : nil }

  /// Takes the next partition.
  func take() throws(RunFailure) -> JudgedPartition {
    defer { at += 1 }
    return try pieces.take(at).get()
  }

  /// Gives back a partition that nobody looks at any more.
  func giveBack(_ judged: consuming JudgedPartition) { served.put(judged) }
}

/// Partitions that have served, whose memory serves again: taking it from the system anew costs as much as filling it.
private final class ServedPartitions: Sendable {
  private let partitions = Mutex<[Partition]>([])

  func put(_ judged: consuming JudgedPartition) {
    guard let partition = judged.partition else { return }
    judged.partition = nil
    partitions.withLock { $0.append(partition) }
  }

  func take() -> Partition { partitions.withLock { $0.popLast() } ?? Partition() }
}

import Checkpointing
import Dispatch
import Foundation
import Grouping
import Synchronization
import Vocabulary

/// How the partitions of a run are worked through: by several threads, each with a view of its own of what was accepted before.
///
/// Memory: `aheadCount` partitions, one that is looked at, and `memoryBytes` for each thread.
struct PartitionJudges {
  let reader: PartitionReader
  let settings: RunSettings
  /// What the ledger will remember decisions by.
  let book = VariationBook()
  private let ledger: Checkpoint
  private let run: RunRow
  private let mark: Int64
  private let memoryBytes: Int
  private let scratchFolder: String
  private let countsDetails: Bool
  private let threadCount: Int
  private let aheadCount: Int

  /// Ids that do not fit into memory are put aside on the disk of `scratchFolder`.
  init(
    _ reader: PartitionReader, _ settings: RunSettings, _ options: RunOptions, scratchFolder: String, ledger: Checkpoint, run: RunRow,
    mark: Int64
  ) {
    self.reader = reader
    self.settings = settings
    self.ledger = ledger
    self.run = run
    self.mark = mark
    memoryBytes = options.memoryBytes / 32
    self.scratchFolder = scratchFolder
    countsDetails = options.countsDetails
    // A partition takes up to an eighth of the memory, though mostly far less.
    threadCount = min(options.workerCount, 4)
    aheadCount = options.memoryBytes < RunFlow.smallMemoryBytes ? 2 : 4
  }

  /// A judge; with an empty tally one that also counts.
  func judge(memoryBytes: Int, tally: PlanTally? = nil) -> PartitionJudge {
    PartitionJudge(
      reader, settings,
      known: LedgerFilter(
        ledger, account: run.account, endpoint: run.endpoint, mark: mark, before: settings.ignoresLedger == true ? nil : run.id,
        of: settings.ignoresLedger == true ? run.id : nil),
      memoryBytes: memoryBytes, scratchFolder: scratchFolder, tally: tally, details: countsDetails)
  }

  /// All partitions in ascending order, judged and counted.
  func judged(_ tally: PlanTally) -> PartitionsAhead<PartitionJudge> {
    PartitionsAhead(0..<reader.count, threadCount: threadCount, ahead: aheadCount) { judge(memoryBytes: memoryBytes, tally: tally) }
  }

  /// The partitions from `first` on, composed.
  func composed(from first: Int, noted: OrderReader?) -> PartitionsAhead<PartitionComposer> {
    PartitionsAhead(first..<reader.count, threadCount: threadCount, ahead: aheadCount) {
      PartitionComposer(reader, settings, noted: noted, book: book, judge(memoryBytes: memoryBytes))
    }
  }
}

/// What one thread makes of partitions.
protocol PartitionWorker: ~Copyable, SendableMetatype {
  associatedtype Piece: Sendable
  /// Makes the piece of a partition, in the memory of one that has served. Partitions are asked for in ascending order.
  mutating func make(_ number: Int, from used: consuming Piece?) throws(RunFailure) -> Piece
}

/// Partitions in order, each made ahead by threads that end with this.
final class PartitionsAhead<Worker: PartitionWorker & ~Copyable> {
  private let pieces: PiecesInOrder<Result<Worker.Piece, RunFailure>>
  private let served = ServedPieces<Worker.Piece>()
  private let threadCount: Int
  private let ended = DispatchSemaphore(value: 0)
  private let end: Int
  private var at: Int

  /// Begins to work at the partitions. Each thread has a worker of its own.
  init(_ partitions: Range<Int>, threadCount: Int, ahead: Int, worker: @escaping @Sendable () -> Worker) {
    at = partitions.lowerBound
    end = partitions.upperBound
    self.threadCount = threadCount
    pieces = PiecesInOrder(partitions, ahead: ahead)
    for number in 0..<threadCount {
      let thread = Thread { [pieces, served, ended] in
        var worker = worker()
        while let number = pieces.next() {
          // What has served is handed over and not kept: of memory with two owners a copy is made.
          do throws(RunFailure) {
            pieces.put(.success(try worker.make(number, from: served.take())), number)
          } catch {
            pieces.put(.failure(error), number)
          }
        }
        ended.signal()
      }
      thread.name = "partitions \(number + 1)"
      thread.stackSize = 4 << 20
      thread.start()
    }
  }

  deinit {
    pieces.abandon()
    for _ in 0..<threadCount { ended.wait() }
  }

  /// The partition that comes next; nil at the end.
  var next: Int? { at < end ? at : nil }

  /// Takes the next partition.
  func take() throws(RunFailure) -> Worker.Piece {
    defer { at += 1 }
    return try pieces.take(at).get()
  }

  /// Gives back a partition that nobody looks at any more.
  func giveBack(_ piece: consuming Worker.Piece) { served.put(piece) }
}

/// Pieces that have served, whose memory serves again: taking it from the system anew costs as much as filling it.
private final class ServedPieces<Piece: Sendable>: Sendable {
  private let pieces = Mutex<[Piece]>([])

  func put(_ piece: Piece) { pieces.withLock { $0.append(piece) } }

  func take() -> Piece? { pieces.withLock { $0.popLast() } }
}

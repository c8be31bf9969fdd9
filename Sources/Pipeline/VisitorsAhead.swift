import Disk
import Grouping
import Vocabulary

/// Goes through the staged visitors in the total order, while a thread of its own reads, checks and merges ahead.
///
/// A visitor that is too large for a batch ends the reading ahead: it is handed out by a walker that pages, and reading begins again
/// behind it. So there is one walker at a time. Memory: `memoryBytes` for it, and a few batches.
struct VisitorsAhead {
  let runs: [SortedRun]
  let memoryBytes: Int
  let identicalRows: IdenticalRows

  /// Bytes at which a batch is full: little enough to stay in a processor's cache.
  private static let batchBytes = 64 << 10
  private static let batchesAhead = 16

  /// Calls `batch` with the visitors by the batch, and `large` with a walker at the first page of each that is in none.
  func each(
    batch: (VisitorBatch) throws(RunFailure) -> Void, large: (inout VisitorWalker) throws(RunFailure) -> Void
  ) throws(RunFailure) {
    var last = try readAhead(behind: nil, batch)
    while let visitor = last {
      var walker = try walker(at: visitor)
      try large(&walker)
      _ = consume walker
      last = try readAhead(behind: visitor, batch)
    }
  }

  private func walker(at visitor: [UInt8]) throws(RunFailure) -> VisitorWalker {
    do throws(DiskFailure) {
      var walker = try VisitorWalker(runs, memoryBytes: memoryBytes, identicalRows: identicalRows)
      try walker.find(visitor)
      return walker
    } catch {
      throw stagingFailure(error)
    }
  }

  /// Hands out batches until the end or a large visitor, which it returns.
  private func readAhead(
    behind visitor: [UInt8]?, _ body: (VisitorBatch) throws(RunFailure) -> Void
  ) throws(RunFailure) -> [UInt8]? {
    let queue = WorkQueue<VisitorBatch>(capacity: VisitorsAhead.batchesAhead)
    var large: [UInt8]?
    let failures = try onThreads(1) { [self] _ in
      defer { queue.put(nil) }
      do throws(DiskFailure) {
        try read(behind: visitor, to: queue)
        return RunFailure?.none
      } catch {
        return stagingFailure(error)
      }
    } lead: { () throws(RunFailure) in
      var outcome = Result<Void, RunFailure>.success(())
      // After a failure the rest of the queue is taken and left alone, so that the reader never waits for ever.
      while let batch = queue.take() {
        guard case .success = outcome else { continue }
        large = batch.large
        outcome = Result { () throws(RunFailure) in try body(batch) }
        if case .failure = outcome { queue.abandon() }
      }
      try outcome.get()
    }
    if let failure = failures[0] { throw failure }
    return large
  }

  private func read(
    behind visitor: [UInt8]?, to queue: WorkQueue<VisitorBatch>
  ) throws(DiskFailure) {
    var batcher = try VisitorBatcher(
      runs, behind: visitor, batchBytes: VisitorsAhead.batchBytes, identicalRows: identicalRows)
    while !queue.isAbandoned, let batch = try batcher.next() {
      queue.put(batch)
      if batch.large != nil { return }
    }
  }
}

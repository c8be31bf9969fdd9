internal import Bytes
package import Counting

/// What a results page would show for everything stored in the file: each event once, by visitor and uuid, in the version that
/// was accepted first. Usable while a server writes: it then counts what was stored when it was called.
///
/// One walk over the file, two when an event came in different versions. Memory: about 20 MB, however much is stored.
package func sandboxResults(at path: String) throws(SandboxFailure) -> Results { try SandboxReading(path).results() }

/// What was received and stored, and how often the same came again. One walk over the file, usable while a server writes.
package func sandboxStatus(at path: String) throws(SandboxFailure) -> SandboxStatus { try SandboxReading(path).status() }

/// One reading of a sandbox's file. The limits are arguments so that tests can go beyond them with little data.
struct SandboxReading {
  var path: String
  var width = RecordMerger.width
  var versionLimit = Census.versionLimit
  var isCancelled: () -> Bool = { false }

  init(_ path: String) { self.path = path }

  func status() throws(SandboxFailure) -> SandboxStatus {
    do {
      let store = try StoreReader(at: path, isCancelled: isCancelled)
      return try count(store, Aside()).status
    } catch {
      throw SandboxFailure(error, path: path, doing: "count what is stored")
    }
  }

  func results() throws(SandboxFailure) -> Results { try counted(details: false).results }

  /// Results, and what they are made of.
  func detailedResults() throws(SandboxFailure) -> (results: Results, details: ResultDetails) {
    let counted = try counted(details: true)
    guard let details = counted.details else { preconditionFailure("details were asked for") }
    return (counted.results, details)
  }

  private func counted(details: Bool) throws(SandboxFailure) -> (results: Results, details: ResultDetails?) {
    do {
      let store = try StoreReader(at: path, isCancelled: isCancelled)
      let aside = Aside()
      let census = try count(store, aside, details: details)
      let counter = census.loserCount > 0 ? try countWinners(store, aside, details: details) : census.counter
      var results = counter.results()
      results.add(duplicates: census.status.events - census.status.distinctEvents)
      return (results, counter.details())
    } catch {
      throw SandboxFailure(error, path: path, doing: "count what is stored")
    }
  }

  /// Names what is stored: results with the same name are the same.
  func edition() throws(SandboxFailure) -> String {
    do {
      return "\(try StoreReader(at: path, isCancelled: isCancelled).lastBody)"
    } catch {
      throw SandboxFailure(error, path: path, doing: "see what is stored")
    }
  }

  private struct Counted {
    var status: SandboxStatus
    var counter: ResultCounter
    var loserCount: Int
  }

  private func count(_ store: StoreReader, _ aside: Aside, details: Bool = false) throws -> Counted {
    var census = Census(versionLimit: versionLimit, details: details) { try aside.store() }
    var merger = try RecordMerger(store, width: width) { try aside.store() }
    while let stream = try merger.next() { try census.take(stream.record) }
    try census.finish()
    var status = census.status
    status.requests = store.requestCount
    status.repeatedBodies = store.repeatedCount
    status.bodies = merger.bodyCount
    status.bytes = merger.byteCount
    status.events = merger.eventCount
    return Counted(status: status, counter: census.counter, loserCount: census.loserCount)
  }

  /// Walks again, leaving out the losers that the first walk put aside.
  private func countWinners(_ store: StoreReader, _ aside: Aside, details: Bool) throws -> ResultCounter {
    var counter = ResultCounter(details: details)
    var losers = Losers(try aside.store())
    var merger = try RecordMerger(store, width: width) { try aside.store() }
    var previous = PreviousRecord()
    var ordinal = 0
    func take(_ arena: borrowing ByteArena) throws {
      let record = StagedRecord(arena.span)
      switch previous.step(to: record) {
      case .same: return
      case .visitor: counter.endVisitor()
      case .first, .event: break
      }
      ordinal += 1
      if try !losers.contains(ordinal) { counter.count(record) }
    }
    while let stream = try merger.next() { try take(stream.record) }
    if ordinal > 0 { counter.endVisitor() }
    return counter
  }
}

/// The temporary store, made when something must be put aside.
private final class Aside {
  private var made: TemporaryStore?

  func store() throws -> TemporaryStore {
    if let made { return made }
    let new = try TemporaryStore()
    made = new
    return new
  }
}

/// The losers in their order, asked for in that order.
private struct Losers {
  private let store: TemporaryStore
  private var block: [Int] = []
  private var at = 0
  private static let blockCount = 4096

  init(_ store: TemporaryStore) { self.store = store }

  mutating func contains(_ ordinal: Int) throws -> Bool {
    while at < block.count, block[at] < ordinal { at += 1 }
    // A block that is not full was the last one.
    if at == block.count, block.isEmpty || block.count == Losers.blockCount {
      block = try store.losers(after: ordinal - 1, limit: Losers.blockCount)
      if block.isEmpty { block = [.max] }
      at = 0
    }
    return at < block.count && block[at] == ordinal
  }
}

import Bytes
import Disk
import Foundation
import Grouping
import Normalizing
import Reading
import Reporting
import Synchronization
import Vocabulary

/// One input, opened and bound: what its rows are read and normalised by.
struct BoundInput: Sendable {
  var index: Int
  var file: String
  var header: [String]?
  var dialect: CSVDialect
  var kind: RecordKind?
  var mapping: Mapping
  var watchedPaths: [[Path]]
  var settings: RunSettings

  func normalizer() throws(HeaderRefusal) -> Normalizer {
    try Normalizer(
      mapping: mapping, header: header, kind: kind, settings: settings.normalizer,
      variables: ProcessInfo.processInfo.environment, watched: watchedPaths)
  }
}

/// A block on its way to a worker.
struct StagingWork: Sendable {
  var number: Int
  var block: RowBlock
  var input: BoundInput
}

/// What a worker did.
struct WorkerResult: Sendable {
  /// What was staged; nil after a failure.
  var records: PartitionFile?
  /// Rows read, records or not, by input.
  var readCounts: [Int: Int] = [:]
  var stagedCount = 0
  /// Rows that the mapping's conditions left out.
  var filteredCount = 0
  var sightings = Sightings()
  var rejects: [String: Int] = [:]
  /// Rows with a member or column that no field asks for, by its name.
  var unknownNames: [String: Int] = [:]
  /// Watched paths that led somewhere, by input.
  var metPaths: [Int: Set<[Path]>] = [:]
  /// Records of visitors that are excluded.
  var excludedCount = 0
  var rejectPieces: [RejectPiece] = []
  var failure: RunFailure?
}

/// Takes blocks apart, normalises their rows, and divides their records into partitions, on a thread of its own.
///
/// Memory: the frames of the partitions, one block, and the texts of one row.
struct StagingWorker: ~Copyable {
  private var records: PartitionWriter
  /// The record at hand.
  private var record = ByteArena(limit: 16 * Limits.rowBytes, reserving: 1 << 16)
  private var rejects: RejectWriter
  private let isSynced: Bool
  private let selector: Selector?
  private var result = WorkerResult()
  private var tape = RowTape()
  /// What the mapping of the input at hand had converted before the row at hand.
  private var conversionCounts = ConversionCounts()
  private var droppedCount = 0
  private let rowCount: RowCount

  /// With `isSynced` the records are on the disk when the work has ended.
  init(records: consuming PartitionWriter, rejects: consuming RejectWriter, isSynced: Bool, selector: Selector?, rowCount: RowCount) {
    self.records = records
    self.rejects = rejects
    self.isSynced = isSynced
    self.selector = selector
    self.rowCount = rowCount
  }

  /// Works until the queue ends. After a failure the rest of the queue is taken and left alone, so that the reader never waits for ever.
  consuming func run(_ queue: WorkQueue<StagingWork>) -> WorkerResult {
    var next = queue.take()
    do throws(RunFailure) {
      while let first = next { next = try stage(first, queue) }
    } catch {
      result.failure = error
      queue.abandon()
      while next != nil { next = queue.take() }
      return result
    }
    result.rejectPieces = rejects.pieces
    do throws(DiskFailure) {
      result.records = try records.finish(isSynced: isSynced)
    } catch {
      result.failure = error.runFailure(forInput: false)
    }
    return result
  }

  /// Stages blocks for as long as they belong to one input; returns the first block of the next.
  private mutating func stage(_ first: StagingWork, _ queue: WorkQueue<StagingWork>) throws(RunFailure) -> StagingWork? {
    var normalizer: Normalizer
    do throws(HeaderRefusal) {
      normalizer = try first.input.normalizer()
    } catch {
      throw RunFailure(.refused, "\(first.input.file): \(error.message)")
    }
    conversionCounts = ConversionCounts()
    droppedCount = 0
    var cursor = RowCursor(dialect: first.input.dialect)
    var next: StagingWork? = first
    while let work = next, work.input.index == first.input.index {
      try stage(work, &normalizer, &cursor)
      next = queue.take()
    }
    result.metPaths[first.input.index, default: []].formUnion(normalizer.metPaths)
    for name in normalizer.unknownNames { result.unknownNames[name.name, default: 0] += name.rowCount }
    return next
  }

  private mutating func stage(
    _ work: StagingWork, _ normalizer: inout Normalizer, _ cursor: inout RowCursor
  ) throws(RunFailure) {
    let block = work.block
    let bytes = block.bytes.span
    let quote = work.input.dialect.quote ?? 0
    var readCount = 0
    cursor.begin(block)
    while let event = cursor.next(in: bytes, tape: &tape) {
      switch event {
      case .fault(let fault):
        readCount += 1
        let reject = Reject(fault.code, column: fault.column, fault.message)
        if fault.hidesRows {
          result.sightings.add(.cutOffInput, 1, at: RowPlace(input: work.input.index, offset: fault.offset, line: fault.line))
        }
        if let range = fault.range {
          try add(reject, work, line: fault.line, byte: fault.offset, row: bytes.extracting(range))
        } else {
          try add(reject, work, line: fault.line, byte: fault.offset, row: nil)
        }
      case .row(let range, let line):
        let row = bytes.extracting(range)
        let place = RowPlace(input: work.input.index, offset: block.offset + range.lowerBound, line: line)
        record.removeAll()
        readCount += 1
        let isRejected = try take(normalizer.normalize(row, &tape, quote: quote, place: place, into: &record), row, work, place)
        if normalizer.explodes { readCount += try takeElements(&normalizer, row, work, place, isRejected: isRejected) }
        if normalizer.dropsAttributes, normalizer.droppedAttributeCount != droppedCount {
          result.sightings.add(.unknownAttribute, normalizer.droppedAttributeCount - droppedCount, at: place)
          droppedCount = normalizer.droppedAttributeCount
        }
        if normalizer.computes {
          let counts = normalizer.conversionCounts
          if counts != conversionCounts { result.sightings.add(counts.since(conversionCounts), at: place) }
          conversionCounts = counts
        }
      }
    }
    result.readCounts[work.input.index, default: 0] += readCount
    rowCount.add(readCount)
    do throws(DiskFailure) {
      try rejects.endPiece(of: work.number)
    } catch {
      throw error.runFailure(forInput: false)
    }
  }

  /// Takes what a row became. True for a reject.
  @inline(__always)
  private mutating func take(
    _ outcome: RowOutcome, _ row: Span<UInt8>?, _ work: StagingWork, _ place: RowPlace
  ) throws(RunFailure) -> Bool {
    switch outcome {
    case .record:
      if let selector, isLeftOut(by: selector, place) {
        result.filteredCount += 1
        return false
      }
      try Self.take(record, &records)
      result.stagedCount += 1
      return false
    case .filtered:
      result.filteredCount += 1
      return false
    case .reject(let reject):
      try add(reject, work, line: place.line, byte: place.offset, row: row)
      return true
    }
  }

  /// Takes the further elements of a row whose list is taken apart, and returns how many there were. A row stands with the first of its rejects.
  private mutating func takeElements(
    _ normalizer: inout Normalizer, _ row: Span<UInt8>, _ work: StagingWork, _ place: RowPlace, isRejected: Bool
  ) throws(RunFailure) -> Int {
    var count = 0
    var isTold = isRejected
    record.removeAll()
    while let outcome = normalizer.normalizeNext(row, tape, place: place, into: &record) {
      if try take(outcome, isTold ? nil : row, work, place) { isTold = true }
      record.removeAll()
      count += 1
    }
    return count
  }

  private mutating func isLeftOut(by selector: Selector, _ place: RowPlace) -> Bool {
    let (verdict, isDecision) = Self.judge(record, selector)
    if verdict == .excluded { result.excludedCount += 1 }
    if verdict == .outsideWindow, isDecision { result.sightings.add(.outsideWindow, 1, at: place) }
    return verdict != .taken
  }

  private static func judge(_ record: borrowing ByteArena, _ selector: Selector) -> (Selector.Verdict, isDecision: Bool) {
    let record = StagedRecord(record.span)
    return (selector.verdict(record), record.isDecision)
  }

  private static func take(_ record: borrowing ByteArena, _ records: inout PartitionWriter) throws(RunFailure) {
    do throws(DiskFailure) {
      try records.take(StagedRecord(record.span))
    } catch {
      throw error.runFailure(forInput: false)
    }
  }

  private mutating func add(
    _ reject: Reject, _ work: StagingWork, line: Int, byte: Int, row: Span<UInt8>?
  ) throws(RunFailure) {
    result.rejects[reject.code.rawValue, default: 0] += 1
    let place = RowPlace(input: work.input.index, offset: byte, line: line)
    if reject.code == .timestampUnit { result.sightings.add(.timestampUnit, 1, at: place) }
    if reject.code == .damagedID { result.sightings.add(.damagedID, 1, at: place) }
    do throws(DiskFailure) {
      try rejects.append(reject, file: work.input.file, line: line, byte: byte, row: row, block: work.number)
    } catch {
      throw error.runFailure(forInput: false)
    }
  }
}

/// How many rows all workers have read.
final class RowCount: Sendable {
  private let count = Atomic(0)

  func add(_ more: Int) { count.add(more, ordering: .relaxed) }

  var value: Int { count.load(ordering: .relaxed) }
}

/// Numbers 0, 1, 2, … for several threads.
final class NumberSource: Sendable {
  private let number = Mutex(0)

  func next() -> Int {
    number.withLock { number in
      defer { number += 1 }
      return number
    }
  }
}

import Bytes
import Checkpointing
import Disk
import Foundation
import Normalizing
import Reading
import Reporting
import Vocabulary

/// What a row of an input is when it is read once more by the settings of its run.
struct RowReading {
  enum Verdict {
    case record(Selector.Verdict)
    case filtered
    case reject(Reject)
    /// No row begins there; the one before it begins at this line, when there is one.
    case none(before: Int?)
  }

  var verdict: Verdict
  /// Where the row begins, and what it holds; nil when there is none.
  var row: (byte: Int, bytes: [UInt8])?
}

extension RunFlow {
  /// Reads an input as far as a line, and takes the row that begins there apart. Memory: one block.
  func row(ofInput index: Int, line: Int) throws(RunFailure) -> RowReading {
    var opened = try Stager.open(specification, settings, index, blockBytes: Limits.blockBytes, patience: PipePatience())
    let bound = opened.bound
    var normalizer: Normalizer
    do throws(HeaderRefusal) {
      normalizer = try bound.normalizer()
    } catch {
      throw RunFailure(.refused, "\(bound.file): \(error.message)")
    }
    let selector = try settings.selection.map { selection throws(RunFailure) in try Selector(selection) }
    var cursor = RowCursor(dialect: bound.dialect)
    var tape = RowTape()
    var before: Int?
    do throws(ReadFailure) {
      while let block = try opened.reader.next() {
        cursor.begin(block)
        let bytes = block.bytes.span
        while let event = cursor.next(in: bytes, tape: &tape) {
          switch event {
          case .fault(let fault):
            if fault.line == line {
              let bytes = fault.range.map { copy(bytes.extracting($0)) } ?? []
              return RowReading(verdict: .reject(Reject(fault.code, column: fault.column, fault.message)), row: (fault.offset, bytes))
            }
            if fault.line > line { return RowReading(verdict: .none(before: before)) }
            before = fault.line
          case .row(let range, let found):
            if found > line { return RowReading(verdict: .none(before: before)) }
            before = found
            guard found == line else { continue }
            let place = RowPlace(input: index, offset: block.offset + range.lowerBound, line: found)
            let row = bytes.extracting(range)
            return RowReading(
              verdict: Self.judge(row, &tape, &normalizer, bound, selector, place), row: (place.offset, copy(row)))
          }
        }
      }
    } catch {
      throw error.runFailure
    }
    return RowReading(verdict: .none(before: before))
  }

  private static func judge(
    _ row: Span<UInt8>, _ tape: inout RowTape, _ normalizer: inout Normalizer, _ bound: BoundInput, _ selector: Selector?,
    _ place: RowPlace
  ) -> RowReading.Verdict {
    var record = ByteArena(limit: 16 * Limits.rowBytes, reserving: 1 << 12)
    switch normalizer.normalize(row, &tape, quote: bound.dialect.quote ?? 0, place: place, into: &record) {
    case .record: return .record(selector.map { $0.verdict(StagedRecord(record.span)) } ?? .taken)
    case .filtered: return .filtered
    case .reject(let reject): return .reject(reject)
    }
  }
}

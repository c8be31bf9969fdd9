package import Vocabulary

/// Some whole rows of an input, as bytes, on their way to a cursor.
package struct RowBlock: Sendable {
  /// The rows with their line ends. Empty when the block only carries a fault.
  package let bytes: [UInt8]
  /// Where `bytes` begins in the input; as all offsets of rows and faults, one into the text in UTF-8 (see `TextEncoding`).
  package let offset: Int
  /// The line of the first byte, counted from 1.
  package let line: Int
  /// The number of the input.
  package let input: Int
  package let format: InputFormat
  /// The names of the columns; nil for JSON, and for the block that the columns are named by.
  let columns: [String]?
  /// Rows that are none, in the order of the bytes.
  let faults: [CutFault]
}

/// A row that the reader already knows to be none. Hostile input has one every few bytes, so it is small and has no text yet.
struct CutFault: Sendable, Equatable {
  enum Reason: Sendable {
    /// The quote never closes.
    case unclosed
    /// Something else than a delimiter or a row end comes behind a closing quote.
    case followed
    /// The row goes on over lines, and over the limit.
    case endless
    /// The line, or the element of an array, is over the limit.
    case tooLong
    /// Two commas of an array, or one and its end, have nothing between them.
    case missing
    /// The input ends before its array does.
    case unfinished
    /// A bracket does not close the one opened last, so that the rest of the input cannot be followed.
    case unmatched
    /// Something follows the array.
    case trailing
  }

  let reason: Reason
  /// The byte of the input that it is about: where the quote opened, where the row that is too long or the input ends, or the byte that
  /// is one too many.
  let place: Int
  /// Where it lies in the block, without its line end. What was passed over or is missing lies nowhere: its range is empty.
  let range: Range<Int>
  /// Where the next row begins in the block.
  let next: Int
}

/// What a cursor found. A fault lies elsewhere, so that a row is returned in registers.
package enum RowEvent: Sendable, Equatable {
  /// A row is on the tape: where it lies in the block without its line end, and the line it begins in, counted from 1.
  case row(Range<Int>, line: Int)
  indirect case fault(RowFault)
}

/// A row that is none: why, and where.
package struct RowFault: Sendable, Equatable {
  package let code: RejectCode
  package let column: String?
  /// What happened and what to do next, in lower case, without visitor data.
  package let message: String
  /// Where it lies in the block, without its line end; nil when it was passed over, or is missing.
  package let range: Range<Int>?
  /// The line it begins in, counted from 1.
  package let line: Int
  /// Where it begins in the input.
  package let offset: Int
  /// Whether rows behind it may be lost with it: the input breaks off, or cannot be followed any further.
  package var hidesRows = false
}

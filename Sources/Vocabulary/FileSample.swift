/// The head of a file: what its rows are called, and the first of them.
package struct FileSample: Sendable, Equatable {
  package var path: String
  package var format: InputFormat
  /// What divides cells, when it is not a comma.
  package var delimiter: String?
  /// What begins a line that is passed over; nil when no line is.
  package var comment: String?
  /// Lines before all else that are no rows.
  package var skippedLines = 0
  /// Nil for UTF-8.
  package var encoding: TextEncoding?
  /// The columns by name; of JSON rows the paths of their values in the order of their appearance, those of lists with `[]` behind them.
  package var columns: [String]
  /// The rows, a value for each column; nil for one that is empty, `null` or not there, and for lists.
  package var rows: [[String?]]
  /// The most cells of a row.
  package var widestRow = 0

  package init(
    path: String, format: InputFormat, delimiter: String? = nil, encoding: TextEncoding? = nil, columns: [String], rows: [[String?]]
  ) {
    self.path = path
    self.format = format
    self.delimiter = delimiter
    self.encoding = encoding
    self.columns = columns
    self.rows = rows
  }
}

package import Vocabulary

/// How the bytes of an input are text, and how that text is divided into rows and cells.
///
/// All of it is about CSV: JSON is UTF-8.
package struct CSVDialect: Sendable, Hashable {
  /// What divides the cells.
  package var delimiter: UInt8
  /// What quotes a cell; without it, quotes are data.
  package var quote: UInt8?
  /// A line that begins with it, outside of quotes, is passed over: it is no row, and quotes in it are none. Without it, no line is.
  package var comment: UInt8?
  /// Whether the first row names the columns. Otherwise it is data, and as many columns as it has cells are named `1`, `2`, …
  package var hasHeader: Bool
  /// Lines before all else that are passed over, whatever is in them.
  package var skippedLines: Int
  package var encoding: TextEncoding

  package init(
    delimiter: UInt8 = 0x2c, quote: UInt8? = 0x22, comment: UInt8? = nil, hasHeader: Bool = true, skippedLines: Int = 0,
    encoding: TextEncoding = .utf8
  ) {
    self.delimiter = delimiter
    self.quote = quote
    self.comment = comment
    self.hasHeader = hasHeader
    self.skippedLines = skippedLines
    self.encoding = encoding
  }

  /// Whether rows can be told apart with it: different ASCII characters, none of which ends a line, and none a digit where digits name
  /// the columns.
  var isUsable: Bool {
    let marks = [delimiter, quote, comment].compactMap { $0 }
    return skippedLines >= 0 && Set(marks).count == marks.count
      && marks.allSatisfy { mark in
        mark > 0 && mark < 0x80 && mark != lineFeed && mark != carriageReturn && (hasHeader || mark &- 0x30 > 9)
      }
  }
}

internal import Bytes
internal import Vocabulary

/// The cells of one CSV row that stands alone, as text; nil when it is not exactly one row.
///
/// For messages and rejects, never for inputs. What was read as a row is text in UTF-8, and no comment, whatever it begins with.
package func cellTexts(ofRow row: [UInt8], dialect: CSVDialect) -> [String]? {
  let dialect = CSVDialect(delimiter: dialect.delimiter, quote: dialect.quote)
  var cutter = RowCutter(.csv, dialect)
  guard cutter.cut(row.span, offset: 0, isLast: true) == row.count, cutter.faults.isEmpty else { return nil }
  var cursor = RowCursor(dialect: dialect)
  cursor.begin(RowBlock(bytes: row, offset: 0, line: 1, input: 0, format: .csv, columns: nil, faults: []))
  var tape = RowTape()
  guard case .row(let range, _) = cursor.next(in: row.span, tape: &tape) else { return nil }
  var decoded = ByteArena(limit: 2 * row.count + 64)
  tape.decode(row.span.extracting(range), quote: dialect.quote ?? 0, into: &decoded)
  let texts = tape.nodes.map { text(decoded.span.extracting($0.range)) }
  guard cursor.next(in: row.span, tape: &tape) == nil else { return nil }
  return texts
}

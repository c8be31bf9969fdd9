import Bytes
import Disk
import Reading
package import Vocabulary

/// The cells of a CSV file that a table is made of, header first, each row with as many cells as that.
///
/// Its cells are divided by what the header has most of: commas, semicolons or tabs. Throws 66 when it cannot be read, and 78 for a row that is none, or more rows than `Limits.tableRows`. Memory: the whole file, as texts.
package func tableRows(_ path: String) throws(RunFailure) -> [[String]] {
  do throws(ReadFailure) {
    let dialect = CSVDialect(delimiter: try delimiter(path))
    var reader = try BlockReader(path: path, input: 0, format: .csv, dialect: dialect, blockBytes: Limits.blockBytes, patience: .short)
    guard let header = reader.header else { return [] }
    var rows = [header.names]
    var cursor = RowCursor(dialect: dialect)
    var tape = RowTape()
    var decoded = ByteArena(limit: 4 * Limits.rowBytes)
    while let block = try reader.next() {
      cursor.begin(block)
      let bytes = block.bytes.span
      while let event = cursor.next(in: bytes, tape: &tape) {
        switch event {
        case .fault(let fault): throw ReadFailure.header(path: path, line: fault.line, message: fault.message)
        case .row(let range, let line):
          tape.decode(bytes.extracting(range), quote: 0x22, into: &decoded)
          let texts = tape.nodes.map { text(decoded.span.extracting($0.range)) }
          guard texts.count >= header.names.count else {
            throw ReadFailure.header(
              path: path, line: line, message: "the row has \(texts.count) cells and the header \(header.names.count); complete it")
          }
          rows.append(texts)
          guard rows.count <= Limits.tableRows + 1 else {
            throw ReadFailure.header(
              path: path, line: line, message: "a table has \(Limits.tableRows) rows at most; join it to the rows before they are imported")
          }
        }
      }
    }
    return rows
  } catch {
    let failure = error.runFailure
    throw RunFailure(failure.status == .refused ? .configuration : failure.status, failure.message)
  }
}

private func delimiter(_ path: String) throws(ReadFailure) -> UInt8 {
  var best: (delimiter: UInt8, columnCount: Int) = (0x2c, 1)
  for delimiter: UInt8 in [0x2c, 0x3b, 0x09] {
    let dialect = CSVDialect(delimiter: delimiter)
    let header = try BlockReader(path: path, input: 0, format: .csv, dialect: dialect, blockBytes: Limits.blockBytes, patience: .short)
      .header
    if let count = header?.names.count, count > best.columnCount { best = (delimiter, count) }
  }
  return best.delimiter
}

import Bytes
import Reading
package import Vocabulary

/// Looks at the head of a file: its format, what divides its cells, its encoding, and at most `rowCount` rows.
///
/// What is no row is passed over. Throws 66 when the file cannot be read, is no text, or has no row. Memory: those rows, as texts.
package func sample(_ path: String, rowCount: Int = 1000) throws(RunFailure) -> FileSample {
  do throws(ReadFailure) {
    if let sample = try sample(path, .utf8, rowCount) { return sample }
    // Windows-1252 and its kin are the only text that is no UTF-8 and still has the same delimiters and line ends.
    guard let sample = try sample(path, .windows1252, rowCount) else {
      throw ReadFailure.notText(path: path, message: "the file has no rows to look at; name one that has")
    }
    return sample
  } catch {
    throw RunFailure(.inputUnreadable, error.description)
  }
}

/// Nil when the file's text is in another encoding, or has no rows.
private func sample(_ path: String, _ encoding: TextEncoding, _ rowCount: Int) throws(ReadFailure) -> FileSample? {
  var dialect = CSVDialect(encoding: encoding)
  var found: FileSample
  do throws(ReadFailure) {
    found = try sample(path, dialect, rowCount)
    if found.format == .csv {
      if found.columns.first?.hasPrefix("#") == true {
        dialect.comment = 0x23
        found = try sample(path, dialect, rowCount)
      }
      try divide(&found, &dialect, path, rowCount)
    }
  } catch {
    if encoding == .utf8, case .header = error { return nil }
    throw error
  }
  if encoding != .utf8 { found.encoding = encoding }
  return found.rows.isEmpty ? nil : found
}

/// Finds what divides the cells, and titles above the header: one cell where rows have several.
private func divide(_ found: inout FileSample, _ dialect: inout CSVDialect, _ path: String, _ rowCount: Int) throws(ReadFailure) {
  while found.columns.count == 1, dialect.skippedLines < mostTitles {
    let row = found.rows.first { $0[0].map { likelyDelimiter(Array($0.utf8)) != nil || $0.contains(",") } == true }
    if let delimiter = likelyDelimiter(Array(found.columns[0].utf8)) {
      dialect.delimiter = delimiter
    } else if row != nil || found.widestRow > 1 {
      dialect.skippedLines += 1
    } else {
      break
    }
    found = try sample(path, dialect, rowCount)
  }
  if dialect.delimiter != 0x2c { found.delimiter = String(UnicodeScalar(dialect.delimiter)) }
  found.comment = dialect.comment.map { String(UnicodeScalar($0)) }
  found.skippedLines = dialect.skippedLines
}

/// So many lines above a header are looked through.
private let mostTitles = 20

private func sample(_ path: String, _ dialect: CSVDialect, _ rowCount: Int) throws(ReadFailure) -> FileSample {
  var reader = try BlockReader(path: path, input: 0, format: nil, dialect: dialect, blockBytes: Limits.blockBytes)
  var sample = FileSample(path: path, format: reader.format, columns: reader.header?.names ?? [], rows: [])
  var places = Dictionary(uniqueKeysWithValues: sample.columns.enumerated().map { ($1, $0) })
  var cursor = RowCursor(dialect: dialect)
  var tape = RowTape()
  var decoded = ByteArena(limit: 4 * Limits.rowBytes)
  while sample.rows.count < rowCount, let block = try reader.next() {
    cursor.begin(block)
    let bytes = block.bytes.span
    while sample.rows.count < rowCount, let event = cursor.next(in: bytes, tape: &tape) {
      if case .fault(let fault) = event, fault.code == .notUTF8 {
        throw .header(path: path, line: fault.line, message: fault.message)
      }
      guard case .row(let range, _) = event else {
        // A row with more cells than the header is none.
        if case .fault(let fault) = event, fault.code == .raggedRow { sample.widestRow = max(sample.widestRow, sample.columns.count + 1) }
        continue
      }
      tape.decode(bytes.extracting(range), quote: dialect.quote ?? 0, into: &decoded)
      sample.widestRow = max(sample.widestRow, tape.nodes.count)
      if reader.format == .csv {
        sample.rows.append(tape.nodes.prefix(sample.columns.count).map { $0.count == 0 ? nil : text(decoded.span.extracting($0.range)) })
      } else {
        sample.rows.append(values(tape, decoded.span, &sample.columns, &places))
      }
    }
  }
  for row in sample.rows.indices {
    sample.rows[row] += [String?](repeating: nil, count: sample.columns.count - sample.rows[row].count)
  }
  return sample
}

/// Objects are looked into so deep.
private let deepest = 4

/// The values of a JSON row by path; a path that no row before had becomes a new column.
private func values(
  _ tape: borrowing RowTape, _ row: Span<UInt8>, _ columns: inout [String], _ places: inout [String: Int]
) -> [String?] {
  var values = [String?](repeating: nil, count: columns.count)
  var open = [(node: 0, path: "", depth: 0)]
  while let object = open.popLast() {
    var at = object.node + 1
    while at < tape.nodes[object.node].next {
      let path = object.path + text(row.extracting(tape.nodes[at].range))
      let value = at + 1
      at = tape.nodes[value].next
      let kind = tape.nodes[value].kind
      if kind == .object, object.depth < deepest {
        open.append((value, path + ".", object.depth + 1))
        continue
      }
      let name = kind == .array || kind == .object ? path + "[]" : path
      let place = places[name] ?? columns.count
      if place == columns.count {
        places[name] = place
        columns.append(name)
        values.append(nil)
      }
      if kind != .array, kind != .object, kind != .null, tape.nodes[value].count > 0 {
        values[place] = text(row.extracting(tape.nodes[value].range))
      }
    }
  }
  return values
}

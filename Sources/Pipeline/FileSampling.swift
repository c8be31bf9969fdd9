import Bytes
import Disk
import Reading
package import Vocabulary

/// Looks at the head of a file: its format, what divides its cells, its encoding, and at most `rowCount` rows.
///
/// `form` is what somebody says of it; it comes back with what the file says besides about its header. What is no row is passed over. Throws 66
/// when the file cannot be read, is no text, or has no row. Memory: those rows, as texts.
package func sample(
  _ path: String, form: InputForm = InputForm(), rowCount: Int = 1000
) throws(RunFailure) -> (sample: FileSample, form: InputForm) {
  do throws(ReadFailure) {
    var look = SampleLook(path: path, form: form, encoding: form.encoding ?? .utf8, rowCount: rowCount)
    if try look.take() { return (look.found, look.form) }
    // Windows-1252 and its kin are the only text that is no UTF-8 and still has the same delimiters and line ends.
    if look.isOtherText {
      look = SampleLook(path: path, form: form, encoding: .windows1252, rowCount: rowCount)
      if try look.take() { return (look.found, look.form) }
    }
    throw ReadFailure.notText(path: path, message: look.emptiness)
  } catch {
    throw RunFailure(.inputUnreadable, error.description)
  }
}

/// A look at a file, read anew whenever more is known of its form.
private struct SampleLook {
  let path: String
  let rowCount: Int
  /// What is said of the form, and what the header says.
  private(set) var form: InputForm
  private(set) var found: FileSample
  /// Whether the text may be in another encoding than UTF-8.
  private(set) var isOtherText = false
  private var dialect: CSVDialect
  /// Lines that are no JSON.
  private var brokenCount = 0

  /// So many lines above a header are looked through.
  private static let mostTitles = 20

  init(path: String, form: InputForm, encoding: TextEncoding, rowCount: Int) {
    self.path = path
    self.form = form
    self.rowCount = rowCount
    let input = ImportSpecification.Input(path: path, record: nil, form: form)
    dialect = ImportSpecification(inputs: [input]).dialect(of: input)
    dialect.encoding = encoding
    found = FileSample(path: path, format: .csv, columns: [], rows: [])
  }

  /// What to say of a file without rows.
  var emptiness: String {
    brokenCount == 0
      ? "the file has no rows to look at; name one that has"
      : "these lines are no JSON objects; one object a line is read, or one JSON array of objects: an object over several lines becomes one "
        + "line with jq -c . FILE"
  }

  /// Finds the form and the rows. False when the text is in another encoding, or there are no rows.
  mutating func take() throws(ReadFailure) -> Bool {
    do throws(ReadFailure) {
      try read()
      if found.format == .csv {
        if form.comment == nil, found.columns.first?.hasPrefix("#") == true {
          dialect.comment = 0x23
          try read()
        }
        try readSeparatorLine()
        try divide()
      }
    } catch {
      guard form.encoding == nil, dialect.encoding == .utf8, case .header = error else { throw error }
      isOtherText = true
      return false
    }
    if form.encoding == nil, dialect.encoding != .utf8 { found.encoding = dialect.encoding }
    return !found.rows.isEmpty && brokenCount <= found.rows.count
  }

  /// Reads the file, as one without a header when its first row names columns twice and looks like data.
  private mutating func read() throws(ReadFailure) {
    do throws(ReadFailure) {
      try readRows()
    } catch {
      guard case .header = error, form.header == nil, dialect.hasHeader else { throw error }
      dialect.hasHeader = false
      try? readRows()
      guard found.rows.first?.contains(where: { $0.map(isData) ?? false }) == true else {
        dialect.hasHeader = true
        throw error
      }
      form.header = false
    }
  }

  /// Whether a cell hardly names a column: it has five digits and more, and no letters.
  private func isData(_ cell: String) -> Bool { !cell.contains(where: \.isLetter) && cell.count(where: \.isNumber) >= 5 }

  /// Takes the delimiter that a line `sep=;` above the header says, which spreadsheets write and read.
  private mutating func readSeparatorLine() throws(ReadFailure) {
    guard form.skip == nil, let first = found.columns.first, first.lowercased().hasPrefix("sep="), dialect.skippedLines == 0,
      found.columns.dropFirst().allSatisfy(\.isEmpty)
    else { return }
    dialect.skippedLines = 1
    if form.delimiter == nil, let mark = first.utf8.dropFirst(4).first { dialect.delimiter = mark }
    try read()
  }

  /// Finds what divides the cells, and titles above the header: one cell where rows have several.
  private mutating func divide() throws(ReadFailure) {
    while found.columns.count == 1, dialect.skippedLines < Self.mostTitles {
      let row = found.rows.first { $0[0].map { likelyDelimiter(Array($0.utf8)) != nil || $0.contains(",") } == true }
      if form.delimiter == nil, let delimiter = likelyDelimiter(Array(found.columns[0].utf8)), delimiter != dialect.delimiter {
        dialect.delimiter = delimiter
      } else if form.skip == nil, dialect.hasHeader, row != nil || found.widestRow > 1 {
        dialect.skippedLines += 1
      } else {
        break
      }
      try read()
    }
    if form.delimiter == nil, dialect.delimiter != 0x2c { found.delimiter = String(UnicodeScalar(dialect.delimiter)) }
    if form.comment == nil { found.comment = dialect.comment.map { String(UnicodeScalar($0)) } }
    if form.skip == nil { found.skippedLines = dialect.skippedLines }
  }

  private mutating func readRows() throws(ReadFailure) {
    var reader = try BlockReader(
      path: path, input: 0, format: form.format, dialect: dialect, blockBytes: Limits.blockBytes, patience: .short)
    var sample = FileSample(path: path, format: reader.format, columns: reader.header?.names ?? [], rows: [])
    var places = Dictionary(uniqueKeysWithValues: sample.columns.enumerated().map { ($1, $0) })
    var cursor = RowCursor(dialect: dialect)
    var tape = RowTape()
    var decoded = ByteArena(limit: 4 * Limits.rowBytes)
    brokenCount = 0
    while sample.rows.count < rowCount, let block = try reader.next() {
      cursor.begin(block)
      let bytes = block.bytes.span
      while sample.rows.count < rowCount, let event = cursor.next(in: bytes, tape: &tape) {
        guard case .row(let range, _) = event else {
          try note(event, &sample)
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
    found = sample
  }

  /// Takes note of why something is no row. Throws when the text is in another encoding.
  private mutating func note(_ event: RowEvent, _ sample: inout FileSample) throws(ReadFailure) {
    guard case .fault(let fault) = event else { return }
    switch fault.code {
    case .notUTF8: throw .header(path: path, line: fault.line, message: fault.message)
    // A row with more cells than the header is none.
    case .raggedRow: sample.widestRow = max(sample.widestRow, sample.columns.count + 1)
    case .badJSON, .notAnObject: brokenCount += 1
    default: break
    }
  }
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

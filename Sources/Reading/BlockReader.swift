package import Bytes
package import Disk
package import Vocabulary

/// Reads an input from front to back and cuts it into blocks of whole rows.
///
/// What the blocks hold, put together, does not depend on `blockBytes`. Memory: one block, and the beginning of the next; a row
/// longer than a block makes the block grow, to at most twice `Limits.rowBytes`. A row longer than that limit is passed over and
/// never held.
package struct BlockReader: ~Copyable {
  /// What the columns are called; nil for JSON and for an input without rows.
  package let header: CSVHeader?

  private var blocks: InputBlocks
  /// The rows of the first block that has any, the header left out.
  private var first: RowBlock?

  /// Opens an input (`-` is standard input), looks at its beginning and reads its header.
  ///
  /// The format is the one given, else the one its file's name says, else what comes first tells: an array of objects when that is `[`,
  /// NDJSON when it is `{` or the name ends in `.json`, else CSV. Throws when the input cannot be read, is no text, is no array where one
  /// is asked for, or has a first row that does not name or count its columns.
  package init(
    path: String, input: Int, format: InputFormat?, dialect: CSVDialect, blockBytes: Int, patience: PipePatience = PipePatience()
  ) throws(ReadFailure) {
    guard dialect.isUsable else { throw .dialect }
    var blocks = InputBlocks(
      try InputSource.open(path, encoding: dialect.encoding, patience: patience), path: path, input: input, format: format,
      dialect: dialect,
      blockBytes: blockBytes)
    try blocks.skipBeginning()
    let (header, rest) = try Self.readHeader(&blocks, path, dialect)
    self.header = header
    first = rest
    self.blocks = blocks
  }

  package var format: InputFormat { blocks.format }

  /// Lines of the input in the blocks so far, the header's and those skipped included; the last may go on.
  package var lineCount: Int { blocks.lineCount }

  /// Bytes read so far.
  package var byteCount: Int { blocks.byteCount }

  /// The digest of the bytes read so far; `fileDigest` gives the same for the whole file.
  package var digest: Digest { blocks.digest }

  /// The next block; nil at the end of the input.
  package mutating func next() throws(ReadFailure) -> RowBlock? {
    if let block = first {
      first = nil
      return block
    }
    return try blocks.next(columns: header?.names)
  }

  /// Reads the first row as the header, or counts its cells; also returns the rows of its block.
  private static func readHeader(
    _ blocks: inout InputBlocks, _ path: String, _ dialect: CSVDialect
  ) throws(ReadFailure) -> (CSVHeader?, rest: RowBlock?) {
    guard blocks.format == .csv else { return (nil, nil) }
    var cursor = RowCursor(dialect: dialect)
    var tape = RowTape()
    while let block = try blocks.next(columns: nil) {
      cursor.begin(block)
      let beginning = cursor
      switch cursor.next(in: block.bytes.span, tape: &tape) {
      case nil: continue
      case .fault(let fault):
        let subject = dialect.hasHeader ? "the header cannot be read" : "the first row cannot be read, so its columns cannot be counted"
        throw .header(path: path, line: fault.line, message: "\(subject): \(fault.message)")
      case .row(let range, let line):
        let row = [UInt8](block.bytes[range])
        guard dialect.hasHeader else {
          let names = (1...tape.nodes.count).map(String.init)
          let raw = Array(names.map { Array($0.utf8) }.joined(separator: [dialect.delimiter]))
          return (CSVHeader(names: names, raw: raw, firstRow: row, line: line), beginning.rest(of: block, columns: names))
        }
        var decoded = ByteArena(limit: 2 * row.count)
        tape.decode(row.span, quote: dialect.quote ?? 0, into: &decoded)
        let names = tape.nodes.map { text(decoded.span.extracting($0.range)) }
        try check(names, path, line)
        let rest = cursor.rest(of: block, columns: names)
        return (CSVHeader(names: names, raw: row, firstRow: row, line: line), rest.bytes.isEmpty ? nil : rest)
      }
    }
    return (nil, nil)
  }

  private static func check(_ names: [String], _ path: String, _ line: Int) throws(ReadFailure) {
    var seen: Set<String> = []
    for (column, name) in names.enumerated() where !seen.insert(name).inserted {
      let message =
        name.isEmpty
        ? "column \(column + 1) has no name, nor has one before it; name the columns, or remove those that are empty; "
          + "when lines stand above the names, pass over them with --skip (in a configuration: skip)"
        : "two columns are named \(name); rename or remove one of them"
      throw .header(path: path, line: line, message: message)
    }
  }
}

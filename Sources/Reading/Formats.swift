internal import Disk

/// How the bytes of an input become rows.
package enum InputFormat: String, Sendable, Hashable {
  /// Cells divided by a delimiter; the first row names the columns.
  case csv
  /// One JSON object a line.
  case ndjson
}

extension InputFormat {
  /// What a file's name says; nil when it says nothing.
  init?(fileName path: String) {
    var name = path.lowercased()
    for suffix in Packing.allCases.flatMap(\.suffixes) where name.hasSuffix(suffix) { name.removeLast(suffix.count) }
    if name.hasSuffix(".csv") || name.hasSuffix(".tsv") {
      self = .csv
    } else if name.hasSuffix(".ndjson") || name.hasSuffix(".jsonl") {
      self = .ndjson
    } else {
      return nil
    }
  }
}

/// What divides the cells of a CSV file and what quotes them; without a quote, quotes are data.
package struct CSVDialect: Sendable, Hashable {
  package var delimiter: UInt8
  package var quote: UInt8?

  package init(delimiter: UInt8 = 0x2c, quote: UInt8? = 0x22) {
    self.delimiter = delimiter
    self.quote = quote
  }

  /// Whether rows can be told apart with it: two different ASCII characters, neither of which ends a line.
  var isUsable: Bool {
    func isMark(_ byte: UInt8) -> Bool { byte > 0 && byte < 0x80 && byte != lineFeed && byte != carriageReturn }
    guard isMark(delimiter) else { return false }
    return quote.map { isMark($0) && $0 != delimiter } ?? true
  }
}

/// The first row of a CSV file.
package struct CSVHeader: Sendable, Equatable {
  /// The columns, each named differently.
  package let names: [String]
  /// The row as it stands in the file, without its line end.
  package let raw: [UInt8]
}

/// The delimiter that the header of a file with only one column seems to use: the semicolon, tab or bar that occurs most often.
package func likelyDelimiter(_ header: [UInt8]) -> UInt8? {
  var best: (delimiter: UInt8, count: Int)?
  for delimiter: UInt8 in [0x3b, 0x09, 0x7c] {
    let count = header.count { $0 == delimiter }
    if count > best?.count ?? 0 { best = (delimiter, count) }
  }
  return best?.delimiter
}

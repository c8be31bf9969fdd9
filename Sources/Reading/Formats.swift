internal import Disk
internal import Vocabulary

extension InputFormat {
  /// What a file's name says, and where that leaves it open, the first byte that is not blank.
  init(fileName path: String, beginning: ArraySlice<UInt8>) {
    var name = path.lowercased()
    for suffix in Packing.allCases.flatMap(\.suffixes) where name.hasSuffix(suffix) { name.removeLast(suffix.count) }
    let first = beginning.first { !isBlank($0) }
    if name.hasSuffix(".csv") || name.hasSuffix(".tsv") {
      self = .csv
    } else if name.hasSuffix(".ndjson") || name.hasSuffix(".jsonl") {
      self = .ndjson
    } else if first == 0x5b {
      self = .json
    } else {
      self = first == 0x7b || name.hasSuffix(".json") ? .ndjson : .csv
    }
  }
}

/// What a CSV file's columns are called.
package struct CSVHeader: Sendable, Equatable {
  /// The columns, each named differently.
  package let names: [String]
  /// The row that names them, without its line end: as it stands in the file, or made of the numbers where the file has none.
  package let raw: [UInt8]
  /// The file's first row, without its line end: the header, or without one the first row of data.
  package let firstRow: [UInt8]
  /// The line that row begins in, counted from 1.
  package let line: Int
}

/// The delimiter that the first row of a file with only one column seems to use: the semicolon, tab or bar that occurs most often.
package func likelyDelimiter(_ row: [UInt8]) -> UInt8? {
  var best: (delimiter: UInt8, count: Int)?
  for delimiter: UInt8 in [0x3b, 0x09, 0x7c] {
    let count = row.count { $0 == delimiter }
    if count > best?.count ?? 0 { best = (delimiter, count) }
  }
  return best?.delimiter
}

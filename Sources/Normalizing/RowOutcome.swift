package import Vocabulary

/// Where a row was read: the input's number, the byte of its first byte, and its line.
package struct RowPlace: Sendable, Equatable, Codable {
  package var input: Int
  package var offset: Int
  package var line: Int

  package init(input: Int, offset: Int, line: Int) {
    self.input = input
    self.offset = offset
    self.line = line
  }
}

/// What became of a row. A reject lies elsewhere, so that a record is returned in registers.
package enum RowOutcome: Sendable {
  /// A record was written; it begins at this byte of the arena.
  case record(at: Int)
  indirect case reject(Reject)
  /// The mapping's conditions leave the row out.
  case filtered
}

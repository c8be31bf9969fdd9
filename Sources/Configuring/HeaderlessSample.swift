import Vocabulary

extension FileSample {
  /// The same with the first row as data, where it is like the rows below it, which no names are: with a time, an address or a uuid in the
  /// very columns that have them. Its columns are called by their numbers, as a reader of a file without a header calls them. Else nil.
  var withoutHeader: FileSample? {
    guard format == .csv, !rows.isEmpty else { return nil }
    let isRow = columns.indices.contains { at in
      let cells = rows.compactMap { $0[at] }
      guard let test = FileSample.test(columns[at]), !cells.isEmpty else { return false }
      return cells.count(where: test) * 10 >= cells.count * 9
    }
    guard isRow else { return nil }
    var sample = self
    sample.rows.insert(columns.map { $0.isEmpty ? nil : $0 }, at: 0)
    sample.columns = (1...columns.count).map(String.init)
    return sample
  }

  /// Whether cells are of the kind of this one; nil for a cell that could be a name.
  private static func test(_ cell: String) -> ((String) -> Bool)? {
    if ColumnProfile.isMail(cell) { return ColumnProfile.isMail }
    if ColumnProfile.isUUID(cell) { return ColumnProfile.isUUID }
    guard isTime(cell) else { return nil }
    return isTime
  }

  private static func isTime(_ cell: String) -> Bool { TimeGuess(ColumnProfile("", [cell])) != nil }
}

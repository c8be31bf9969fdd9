import Bytes
import Disk
import Reading
package import Reporting
package import Vocabulary

/// Finds the rows of samples in the inputs that they were read from.
///
/// Each input is read again as far as the last of its samples, so that packed and encoded ones give their rows too. Memory: one block.
package func sampleRows(_ places: [FindingPlace], of specification: ImportSpecification) -> [SampleKey: SampleRow] {
  var rows: [SampleKey: SampleRow] = [:]
  for input in specification.inputs {
    let file = displayName(input.path)
    let wanted = Set(places.filter { $0.file == file }.map(\.byte))
    guard !wanted.isEmpty else { continue }
    for byte in wanted { rows[SampleKey(file: file, byte: byte)] = .absent("the input has changed since") }
    guard Folder.isRegularFile(input.path) else {
      for byte in wanted { rows[SampleKey(file: file, byte: byte)] = .absent("the input can be read only once") }
      continue
    }
    do throws(ReadFailure) {
      try read(input, specification, wanted) { byte, row in rows[SampleKey(file: file, byte: byte)] = .row(row) }
    } catch {
      for byte in wanted { rows[SampleKey(file: file, byte: byte)] = .absent("\(error)") }
    }
  }
  return rows
}

private func read(
  _ input: ImportSpecification.Input, _ specification: ImportSpecification, _ wanted: Set<Int>, _ take: (Int, [UInt8]) -> Void
) throws(ReadFailure) {
  let dialect = specification.dialect(of: input)
  var reader = try BlockReader(
    path: input.path, input: 0, format: specification.format(of: input), dialect: dialect, blockBytes: Limits.blockBytes)
  var cursor = RowCursor(dialect: dialect)
  var tape = RowTape()
  var left = wanted
  while !left.isEmpty, let block = try reader.next() {
    guard left.contains(where: { (block.offset...(block.offset + block.bytes.count)).contains($0) }) else { continue }
    cursor.begin(block)
    let bytes = block.bytes.span
    while let event = cursor.next(in: bytes, tape: &tape) {
      switch event {
      case .row(let range, _):
        guard left.remove(block.offset + range.lowerBound) != nil else { continue }
        take(block.offset + range.lowerBound, copy(bytes.extracting(range)))
      case .fault(let fault):
        guard left.remove(fault.offset) != nil else { continue }
        take(fault.offset, fault.range.map { copy(bytes.extracting($0)) } ?? [])
      }
    }
  }
}

import Foundation
package import Reading
package import Vocabulary

/// What was found at one place of an input; comparable with what the oracle says.
package struct Found: Equatable, CustomStringConvertible {
  package var code: RejectCode?
  package var offset: Int
  package var line: Int
  /// The row's bytes; nil when it was too long to keep.
  package var bytes: [UInt8]?
  /// The cells of a CSV row, decoded.
  package var cells: [[UInt8]] = []

  package init(code: RejectCode?, offset: Int, line: Int, bytes: [UInt8]? = nil, cells: [[UInt8]] = []) {
    self.code = code
    self.offset = offset
    self.line = line
    self.bytes = bytes
    self.cells = cells
  }

  package var description: String {
    let texts = cells.map { String(decoding: $0, as: UTF8.self) }
    return
      "\(code?.rawValue ?? "row") at \(offset), line \(line): \(bytes.map(shown) ?? "-") \(texts)\n"
  }
}

/// Bytes as people read them, for the messages of a failed test.
package func shown(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).debugDescription }

/// What a CSV input holds, read byte by byte from the whole of it: slow and obvious.
package struct CSVOracle {
  let bytes: [UInt8]
  let dialect: CSVDialect
  let columnCount: Int?
  let rowBytes: Int

  package init(bytes: [UInt8], dialect: CSVDialect, columnCount: Int?, rowBytes: Int) {
    self.bytes = bytes
    self.dialect = dialect
    self.columnCount = columnCount
    self.rowBytes = rowBytes
  }

  private func isLineEnd(_ at: Int) -> Bool { bytes[at] == 0x0a || bytes[at] == 0x0d }

  private func behindLineEnd(_ at: Int) -> Int {
    if at >= bytes.count { return at }
    return bytes[at] == 0x0d && at + 1 < bytes.count && bytes[at + 1] == 0x0a ? at + 2 : at + 1
  }

  private func lineEnd(from start: Int) -> Int {
    (start..<bytes.count).first { isLineEnd($0) } ?? bytes.count
  }

  private var markBytes: Int { bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0 }

  /// All lines of the input; the last need not end.
  package var lineCount: Int {
    bytes.count == markBytes || isLineEnd(bytes.count - 1) ? line(of: bytes.count) - 1 : line(of: bytes.count)
  }

  private func line(of offset: Int) -> Int {
    var line = 1
    var at = 0
    while at < offset {
      if isLineEnd(at) {
        line += 1
        at = behindLineEnd(at)
      } else {
        at += 1
      }
    }
    return line
  }

  /// The cells of the row at `start` and where it ends; nil when its quotes are wrong or it does not end within the limit.
  private func row(at start: Int) -> (cells: [[UInt8]], end: Int)? {
    var cells: [[UInt8]] = [[]]
    var isQuoted = false
    var isFresh = true
    var at = start
    while at < bytes.count {
      let byte = bytes[at]
      if at - start > rowBytes { return nil }
      if isQuoted {
        if byte == dialect.quote {
          if at - start >= rowBytes { return nil }
          let next = at + 1 < bytes.count ? bytes[at + 1] : nil
          if next == dialect.quote {
            cells[cells.count - 1].append(byte)
            at += 1
          } else if next == nil || next == dialect.delimiter || next == 0x0a || next == 0x0d {
            isQuoted = false
          } else {
            return nil
          }
        } else {
          cells[cells.count - 1].append(byte)
        }
      } else if isLineEnd(at) {
        return (cells, at)
      } else if byte == dialect.delimiter {
        cells.append([])
        isFresh = true
        at += 1
        continue
      } else if isFresh, byte == dialect.quote {
        isQuoted = true
      } else {
        cells[cells.count - 1].append(byte)
      }
      isFresh = false
      at += 1
    }
    return isQuoted || at - start > rowBytes ? nil : (cells, at)
  }

  package func found() -> [Found] {
    var result: [Found] = []
    var at = markBytes
    for _ in 0..<dialect.skippedLines { at = behindLineEnd(lineEnd(from: at)) }
    while at < bytes.count {
      if bytes[at] == dialect.comment {
        at = behindLineEnd(lineEnd(from: at))
        continue
      }
      if isLineEnd(at) {
        at = behindLineEnd(at)
        continue
      }
      var found = Found(code: nil, offset: at, line: line(of: at))
      var end: Int
      if let row = row(at: at) {
        end = row.end
        found.bytes = Array(bytes[at..<end])
        if String(validating: found.bytes!, as: UTF8.self) == nil {
          found.code = .notUTF8
        } else if let columnCount, row.cells.count != columnCount {
          found.code = .raggedRow
        } else {
          found.cells = row.cells
        }
      } else {
        // Only the first line is given up; where that alone is over the limit, it is not kept.
        end = lineEnd(from: at)
        found.code = end - at > rowBytes ? .rowTooLong : .badQuote
        if end - at <= rowBytes { found.bytes = Array(bytes[at..<end]) }
      }
      result.append(found)
      at = behindLineEnd(end)
    }
    return result
  }
}

/// Whether the system's own JSON reader takes a text.
package func systemAccepts(_ text: [UInt8]) -> Bool {
  (try? JSONSerialization.jsonObject(with: Data(text), options: [.fragmentsAllowed])) != nil
}

/// What a row of JSON is, by a reader that says which texts it takes.
private func verdict(_ row: [UInt8], _ accepts: ([UInt8]) -> Bool) -> RejectCode? {
  if String(validating: row, as: UTF8.self) == nil { return .notUTF8 }
  if !accepts(row) { return .badJSON }
  return row.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) } == 0x7b ? nil : .notAnObject
}

/// What an NDJSON input holds, by a slow reader of JSON.
package func ndjsonOracle(
  _ bytes: [UInt8], rowBytes: Int = Limits.rowBytes, accepts: ([UInt8]) -> Bool = systemAccepts
) -> [Found] {
  var result: [Found] = []
  var offset = 0
  for (index, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
    defer { offset += line.count + 1 }
    let row = Array(line.last == 0x0d ? line.dropLast() : line)
    if row.count > rowBytes {
      result.append(Found(code: .rowTooLong, offset: offset, line: index + 1, bytes: nil))
      continue
    }
    if row.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { continue }
    result.append(Found(code: verdict(row, accepts), offset: offset, line: index + 1, bytes: row))
  }
  return result
}

/// What an input holds that is one JSON array, read from the whole of it; nil when it is none.
package func arrayOracle(
  _ bytes: [UInt8], rowBytes: Int = Limits.rowBytes, accepts: ([UInt8]) -> Bool = systemAccepts
) -> [Found]? {
  func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0a, 0x0d].contains(byte) }
  func behindBlanks(_ start: Int) -> Int { (start..<bytes.count).first { !isBlank(bytes[$0]) } ?? bytes.count }
  var result: [Found] = []
  func add(_ code: RejectCode?, _ offset: Int, _ row: [UInt8]?) {
    result.append(Found(code: code, offset: offset, line: 1 + bytes[..<offset].count { $0 == 0x0a }, bytes: row))
  }
  var at = behindBlanks(bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)
  if at == bytes.count { return [] }
  if bytes[at] != 0x5b { return nil }
  var isFirst = true
  while true {
    at = behindBlanks(at + 1)
    let (end, isBroken) = endOfElement(bytes, at)
    let row = Array(bytes[at..<end].reversed().drop { isBlank($0) }.reversed())
    if end - at > rowBytes {
      add(.rowTooLong, at, nil)
      if isBroken || end == bytes.count { return result }
    } else if isBroken {
      add(.badJSON, at, nil)
      return result
    } else if end == bytes.count {
      add(.badJSON, at, row.isEmpty ? nil : row)
      return result
    } else if row.isEmpty {
      if !isFirst || bytes[end] == 0x2c { add(.badJSON, at, nil) }
    } else {
      add(verdict(row, accepts), at, row)
    }
    isFirst = false
    at = end
    if bytes[end] == 0x5d { break }
  }
  at = behindBlanks(at + 1)
  if at < bytes.count { add(.badJSON, at, nil) }
  return result
}

/// The comma or bracket behind the element at `start`, else the end of the bytes; or the bracket that breaks the structure.
private func endOfElement(_ bytes: [UInt8], _ start: Int) -> (at: Int, isBroken: Bool) {
  var closers: [UInt8] = []
  var at = start
  while at < bytes.count {
    switch bytes[at] {
    case 0x22:
      at += 1
      while at < bytes.count, bytes[at] != 0x22 { at += bytes[at] == 0x5c ? 2 : 1 }
    case 0x7b: closers.append(0x7d)
    case 0x5b: closers.append(0x5d)
    case 0x2c where closers.isEmpty, 0x5d where closers.isEmpty: return (at, false)
    case 0x5d, 0x7d: if closers.popLast() != bytes[at] { return (at, true) }
    default: break
    }
    at += 1
  }
  return (bytes.count, false)
}

package import Bytes
import Foundation
package import Vocabulary

/// How a reject's row is given: as it was read, or as a native row made from the record.
package enum RejectForm: String, Sendable { case raw, native }

extension ByteArena {
  /// Appends one line of `rejects.ndjson`. The JSON names are a promise.
  ///
  /// `row` is the row's bytes, or nil when it is too long to keep. Bytes that are not UTF-8 are shown with replacement characters, and then
  /// `row_base64` holds them as they were.
  package mutating func append(
    reject: Reject, file: String, line: Int, byte: Int, form: RejectForm, row: Span<UInt8>?
  ) {
    append("{\"file\":\"")
    append(escaping: Array(file.utf8).span)
    append("\",\"line\":")
    append(decimal: Int64(line))
    append(",\"column\":")
    if let column = reject.column {
      append(0x22)
      append(escaping: Array(column.utf8).span)
      append(0x22)
    } else {
      append("null")
    }
    append(",\"byte\":")
    append(decimal: Int64(byte))
    append(",\"code\":\"")
    append(Array(reject.code.rawValue.utf8))
    append("\",\"message\":\"")
    append(escaping: Array(reject.message.utf8).span)
    append(form == .raw ? "\",\"form\":\"raw\",\"row\":" : "\",\"form\":\"native\",\"row\":")
    guard let row else {
      append("null}\n")
      return
    }
    append(0x22)
    if firstInvalidUTF8(in: row) == nil {
      append(escaping: row)
      append("\"}\n")
    } else {
      append(escaping: Array(text(row).utf8).span)
      append("\",\"row_base64\":\"")
      append(Array(Data(copy(row)).base64EncodedString().utf8))
      append("\"}\n")
    }
  }
}

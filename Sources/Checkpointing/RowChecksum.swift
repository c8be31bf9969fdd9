internal import Bytes
internal import GRDB

/// What a row's columns come to, kept with it: a value that changed on the disk still looks like one, and no other row need contradict it.
///
/// The SQL function `row_checksum` takes values of any kind and returns 64 bits of their digest. It is stored: what it returns for the same
/// values is a promise, and so is the order of the columns below. The digest of a body comes later and has a checksum of its own.
enum RowChecksum {
  /// The columns that a body is planned with.
  static let bodyColumns = """
    run, plan, number, byte_count, event_count, decision_count, conversion_count, visitor_count, first_index, last_index, waits_for,
    first_visitor, last_visitor
    """
  static let receiptColumns = """
    run, plan, number, part, status, attempt_count, accepted_at, byte_count, event_count, decision_count, conversion_count, took, days
    """

  static let ofBody = "row_checksum(\(bodyColumns))"
  static let ofDigest = "row_checksum(run, plan, number, digest)"
  static let ofReceipt = "row_checksum(\(receiptColumns))"

  static var function: DatabaseFunction {
    DatabaseFunction("row_checksum", pure: true) { values in
      var bytes: [UInt8] = []
      for value in values { append(value, to: &bytes) }
      return Int64(bitPattern: Digest(bytes.span).high)
    }
  }

  /// A byte for the kind, and for what has a length, the length: no two lists of values have the same bytes.
  static func append(_ value: DatabaseValue, to bytes: inout [UInt8]) {
    func append(_ word: UInt64) {
      for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
    }
    switch value.storage {
    case .null: bytes.append(0)
    case .int64(let integer):
      bytes.append(1)
      append(UInt64(bitPattern: integer))
    case .double(let double):
      bytes.append(2)
      append(double.bitPattern)
    case .string(let string):
      bytes.append(3)
      append(UInt64(string.utf8.count))
      bytes += string.utf8
    case .blob(let data):
      bytes.append(4)
      append(UInt64(data.count))
      bytes += data
    }
  }
}

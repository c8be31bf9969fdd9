/// Why a row or record was not sent. The raw value is the code that files and JSON carry; it is a promise.
package enum RejectCode: String, Sendable, CaseIterable {
  // The row as bytes.
  case rowTooLong = "row-too-long"
  case badQuote = "bad-quote"
  case raggedRow = "ragged-row"
  case notUTF8 = "not-utf8"
  case badJSON = "bad-json"
  case notAnObject = "not-an-object"
  // Its fields.
  case missingField = "missing-field"
  case wrongType = "wrong-type"
  case badRecord = "bad-record"
  case badTimestamp = "bad-timestamp"
  case timestampUnit = "timestamp-unit"
  case badNumber = "bad-number"
  case badBoolean = "bad-boolean"
  case badKey = "bad-key"
  case badAttribute = "bad-attribute"
  case unknownAttribute = "unknown-attribute"
  case reservedPrefix = "reserved-prefix"
  case damagedID = "damaged-id"
  case otherAccount = "other-account"
  case unknownKey = "unknown-key"
  // The record among the others of its visitor.
  case eventTooLarge = "event-too-large"
  /// The server refused the event when it stood alone in a body.
  case refusedByServer = "refused-by-server"
  case uuidReused = "uuid-reused"
  case variationConflict = "variation-conflict"
  case earlyConversion = "early-conversion"
}

/// A row that was not sent: the code, the column or JSON path, and a message with the way out.
///
/// A reject is a value that ends a row, never a run; it is thrown only from field to row. Messages carry no visitor data.
package struct Reject: Error, Sendable, Equatable {
  package var code: RejectCode
  package var column: String?
  package var message: String

  package init(_ code: RejectCode, column: String? = nil, _ message: String) {
    self.code = code
    self.column = column
    self.message = message
  }
}

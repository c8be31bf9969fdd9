/// How the bytes of an input become rows.
package enum InputFormat: String, Sendable, Hashable, Codable, CaseIterable {
  /// Rows of cells divided by a delimiter.
  case csv
  /// One JSON object a line.
  case ndjson
  /// One JSON array of objects, however it is laid out.
  case json
}

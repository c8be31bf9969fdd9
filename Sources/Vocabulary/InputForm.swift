/// How the bytes of an input are rows, as far as somebody says it. What is absent is told by the input itself, or is as most files have it.
package struct InputForm: Sendable, Hashable, Codable {
  package var format: InputFormat?
  /// What divides cells: one character.
  package var delimiter: String?
  /// What quotes cells: one character, or empty when quotes are data.
  package var quote: String?
  /// What begins a line that is passed over: one character.
  package var comment: String?
  /// Whether the first row names the columns.
  package var header: Bool?
  /// Lines before all else that are passed over.
  package var skip: Int?
  package var encoding: TextEncoding?

  package init(
    format: InputFormat? = nil, delimiter: String? = nil, quote: String? = nil, comment: String? = nil, header: Bool? = nil,
    skip: Int? = nil,
    encoding: TextEncoding? = nil
  ) {
    self.format = format
    self.delimiter = delimiter
    self.quote = quote
    self.comment = comment
    self.header = header
    self.skip = skip
    self.encoding = encoding
  }

  /// This, and where it says nothing what the other says.
  package func orElse(_ other: InputForm) -> InputForm {
    InputForm(
      format: format ?? other.format, delimiter: delimiter ?? other.delimiter, quote: quote ?? other.quote,
      comment: comment ?? other.comment, header: header ?? other.header, skip: skip ?? other.skip, encoding: encoding ?? other.encoding)
  }
}

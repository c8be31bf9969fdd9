import ArgumentParser
import Vocabulary

/// The flags that say how the bytes of files are rows.
struct FormArguments: ParsableArguments {
  @Option(help: "csv, ndjson (one JSON object a line), or json (one array of objects), when neither the name nor the first byte says it.")
  var format: InputFormat?

  @Option(help: ArgumentHelp("What divides the cells of CSV: one character, or tab. (default: ,)", valueName: "char"))
  var delimiter: CellMark?

  @Option(help: ArgumentHelp("What quotes the cells of CSV: one character, or none when quotes are data. (default: \")", valueName: "char"))
  var quote: CellMark?

  @Option(help: ArgumentHelp("What begins a line of CSV that is passed over. (default: no line is)", valueName: "char"))
  var comment: CellMark?

  @Option(
    help: ArgumentHelp(
      "Whether the first row of CSV names the columns; otherwise they are called 1, 2, 3… (default: true)", valueName: "true|false"))
  var header: Bool?

  @Option(help: ArgumentHelp("Lines of CSV to pass over before all else. (default: 0)", valueName: "lines"))
  var skip: Int?

  @Option(help: ArgumentHelp("utf-8, latin-1 or windows-1252. (default: utf-8)", valueName: "name"))
  var encoding: TextEncoding?

  func form() throws -> InputForm {
    let form = InputForm(
      format: try Given.value(format, "format"), delimiter: try Given.value(delimiter, "delimiter")?.text,
      quote: try Given.value(quote, "quote")?.text, comment: try Given.value(comment, "comment")?.text,
      header: try Given.value(header, "header"), skip: try Given.value(skip, "skip"), encoding: try Given.value(encoding, "encoding"))
    let marks = [form.delimiter ?? ",", form.quote ?? "\"", form.comment].compactMap { $0 }.filter { !$0.isEmpty }
    guard form.delimiter != "", Set(marks).count == marks.count else {
      throw ValidationError("--delimiter, --quote and --comment must be different characters")
    }
    if let skip = form.skip, !(0...Limits.skippedLines).contains(skip) {
      throw ValidationError("--skip is a number of lines from 0 to \(Limits.skippedLines)")
    }
    return form
  }
}

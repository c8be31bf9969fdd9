import Bytes
package import Checkpointing
import Disk
import Foundation
import Normalizing
import Reading
package import Reporting
package import Vocabulary

/// What a run rejected, as rows to correct and import again.
///
/// Memory: one reject, and the names of the columns.
package struct RejectRows {
  private let path: String
  /// By file, and that of any other.
  private var dialects: [String: CSVDialect] = [:]
  private let dialect: CSVDialect
  /// The preset that reads rows as they were; nil when a configuration does.
  package let preset: String?
  /// Which rows are told: all, or those of one form.
  private let form: RejectForm?
  /// Column names of CSV inputs by path.
  private var columns: [String: [String]] = [:]

  /// Looks a run up. Throws 64 while its rejects are not known yet.
  ///
  /// Rows that staging rejected stand as they were read, and only the run's mapping reads them; rows that planning rejected are native. One
  /// import cannot read both, so without a `form` those as read are told, and all of them when the mapping is the native one.
  package init(_ checkpoint: Checkpoint, _ run: RunID, state: String, form: RejectForm? = nil) throws(RunFailure) {
    path = StateFolder.rejectsPath(state, run)
    let (row, inputs) = try guarding { () throws(CheckpointFailure) in (try checkpoint.run(run), try checkpoint.inputs(run)) }
    guard Folder.exists(path) else {
      throw RunFailure(
        .usage,
        row.phase == .forgotten
          ? "run \(run) was forgotten, and its rejects with it"
          : "run \(run) has no rejects yet: they are known when everything has been read and judged")
    }
    let specification: ImportSpecification = try fromStoredJSON(row.specification, "input specification")
    let settings: RunSettings = try fromStoredJSON(row.settings, "settings")
    dialect = CSVDialect()
    let mappings = Set(specification.inputs.map { $0.mapping ?? settings.mapping })
    preset = mappings.count == 1 ? mappings.first.flatMap { $0.isPreset ? $0.name : nil } : nil
    self.form = form ?? (mappings == [.native] ? nil : .raw)
    for input in specification.inputs { dialects[displayName(input.path)] = specification.dialect(of: input) }
    for input in inputs where !input.header.isEmpty {
      let file = displayName(input.path)
      columns[file] = cellTexts(ofRow: input.header, dialect: dialects[file] ?? dialect)
    }
  }

  /// Each reject as `file:line: column: message [code]`, without its row.
  package func eachText(_ body: (String) -> Void) throws(RunFailure) {
    try each(ofAnyForm: true) { reject in
      body("\(reject.file):\(reject.line): \(reject.words)")
    }
  }

  /// Each reject as a JSON row: the members of its row, and `_reject` with where it was and what is wrong.
  package func eachObject(_ body: (String) -> Void) throws(RunFailure) {
    var told: String?
    try each { reject in
      // Several elements of one row can be rejects; the row itself is told with the first.
      if reject.isPartOf(told) { return }
      told = reject.place
      let object = RejectedRow(reject, columns: columns[reject.file], dialect: dialects[reject.file] ?? dialect)?.json
      let note = "\"_reject\":" + reject.note(withRow: object == nil)
      guard let object, object != "{}" else {
        body("{\(note)}")
        return
      }
      body(object.dropLast() + ",\(note)}")
    }
  }

  /// The rejects as CSV, header first: the columns of all rows, and four of ours with where the row was and what is wrong.
  package func eachLine(_ body: (String) -> Void) throws(RunFailure) {
    var places: [String: Int] = [:]
    var names: [String] = []
    try each { reject in
      for cell in RejectedRow(reject, columns: columns[reject.file], dialect: dialects[reject.file] ?? dialect)?.cells ?? []
      where places[cell.name] == nil {
        places[cell.name] = names.count
        names.append(cell.name)
      }
    }
    body((names + ["_reject_file", "_reject_line", "_reject_code", "_reject_message", "_reject_row"]).map(quoted).joined(separator: ","))
    var told: String?
    try each { reject in
      if reject.isPartOf(told) { return }
      told = reject.place
      var cells = [String](repeating: "", count: names.count)
      let row = RejectedRow(reject, columns: columns[reject.file], dialect: dialects[reject.file] ?? dialect)?.cells
      for cell in row ?? [] { cells[places[cell.name]!] = cell.value }
      cells += [reject.file, "\(reject.line)", reject.code, reject.message, row == nil ? reject.row ?? "" : ""]
      body(cells.map(quoted).joined(separator: ","))
    }
  }

  private func quoted(_ cell: String) -> String {
    guard cell.utf8.contains(where: { [0x22, 0x2c, 0x0a, 0x0d].contains($0) }) else { return cell }
    return "\"" + cell.replacing("\"", with: "\"\"") + "\""
  }

  /// How many rejects `eachObject` and `eachLine` leave out, because they have the other form.
  package func otherCount() throws(RunFailure) -> Int {
    var count = 0
    try each(ofAnyForm: true) { reject in if let form, reject.form != form.rawValue { count += 1 } }
    return count
  }

  private func each(ofAnyForm: Bool = false, _ body: (RejectEntry) -> Void) throws(RunFailure) {
    do throws(DiskFailure) {
      var lines = try LineReader(path: path)
      let decoder = JSONDecoder()
      while let line = try lines.next() {
        guard let reject = try? decoder.decode(RejectEntry.self, from: Data(line)) else {
          throw DiskFailure(.damaged, path, "a line of it is not what was written")
        }
        if ofAnyForm || form == nil || reject.form == form?.rawValue { body(reject) }
      }
    } catch {
      throw error.runFailure(forInput: false)
    }
  }
}

/// A line of `rejects.ndjson`.
struct RejectEntry: Codable {
  var file: String
  var line: Int
  var byte: Int
  var column: String?
  var code: String
  var message: String
  var form: String
  var row: String?
  /// The row's bytes, when they are not UTF-8.
  var row_base64: String?

  var place: String { "\(file):\(byte)" }

  /// What is wrong, without where.
  var words: String { "\(column.map { "\($0): " } ?? "")\(message) [\(code)]" }

  /// Whether it is a further element of the row at a place.
  func isPartOf(_ told: String?) -> Bool { row == nil && row_base64 == nil && place == told }

  /// Where the row was and what is wrong, as an object; with the row itself when it stands nowhere else.
  func note(withRow: Bool) -> String {
    struct Note: Encodable {
      var file: String
      var line: Int
      var column: String?
      var code, message: String
      var row: String?
      var row_base64: String?
    }
    return storedJSON(
      Note(
        file: file, line: line, column: column, code: code, message: message, row: withRow ? row : nil,
        row_base64: withRow ? row_base64 : nil))
  }
}

/// A rejected row that could be taken apart.
private struct RejectedRow {
  /// The row as a JSON object.
  var json: String
  /// The row as cells; nil when cells cannot say what it says.
  var cells: [(name: String, value: String)]?

  /// Nil when the row is not one object, or has not one cell for each column.
  init?(_ reject: RejectEntry, columns: [String]?, dialect: CSVDialect) {
    guard let row = reject.row, reject.row_base64 == nil else { return nil }
    let bytes = Array(row.utf8)
    if reject.form == RejectForm.raw.rawValue, let columns {
      guard let values = cellTexts(ofRow: bytes, dialect: dialect), values.count == columns.count else { return nil }
      let cells = zip(columns, values).filter { !$0.1.isEmpty }.map { (name: $0.0, value: $0.1) }
      self.cells = cells
      json = RejectedRow.object(cells)
      return
    }
    var tape = RowTape()
    var parser = JSONParser(depthLimit: Limits.nestingDepth)
    guard (try? parser.parse(bytes.span, into: &tape)) != nil, tape.nodes[0].kind == .object else { return nil }
    json = row.trimmingCharacters(in: .whitespacesAndNewlines)
    cells = RejectedRow.cells(tape, bytes.span)
  }

  /// Columns `tags.NAME`, `properties.NAME` and `attributes.KEY` become members of objects, as native JSON rows have them.
  private static func object(_ cells: [(name: String, value: String)]) -> String {
    var members: [String] = []
    for group in ["tags", "properties", "attributes"] {
      let inner = cells.filter { $0.name.hasPrefix(group + ".") }
      if inner.isEmpty { continue }
      members.append(
        storedJSON(group) + ":{"
          + inner.map { storedJSON(String($0.name.dropFirst(group.count + 1))) + ":" + storedJSON($0.value) }.joined(separator: ",") + "}")
    }
    let plain = cells.filter { cell in !["tags.", "properties.", "attributes."].contains { cell.name.hasPrefix($0) } }
    return "{" + (plain.map { storedJSON($0.name) + ":" + storedJSON($0.value) } + members).joined(separator: ",") + "}"
  }

  private static func cells(_ tape: RowTape, _ row: Span<UInt8>) -> [(name: String, value: String)]? {
    var cells: [(String, String)] = []
    var at = 1
    while at < tape.nodes[0].next {
      let name = plain(at, tape, row)
      let value = at + 1
      at = tape.nodes[value].next
      switch tape.nodes[value].kind {
      case .null: continue
      case .array: return nil
      case .object:
        guard ["tags", "properties", "attributes"].contains(name) else { return nil }
        var inner = value + 1
        while inner < at {
          guard ![.object, .array].contains(tape.nodes[inner + 1].kind) else { return nil }
          if tape.nodes[inner + 1].kind != .null { cells.append(("\(name).\(plain(inner, tape, row))", plain(inner + 1, tape, row))) }
          inner = tape.nodes[inner + 1].next
        }
      default: cells.append((name, plain(value, tape, row)))
      }
    }
    return cells
  }

  /// What a text or number says, without quotes and escapes.
  private static func plain(_ node: Int, _ tape: RowTape, _ row: Span<UInt8>) -> String {
    let bytes = row.extracting(tape.nodes[node].range)
    guard tape.nodes[node].kind == .string else { return text(bytes) }
    var arena = ByteArena(limit: bytes.count + 64)
    arena.append(unescaping: bytes)
    return text(arena.span)
  }
}

import Normalizing
import Vocabulary

/// What a configuration says of files of one form: one input, or two where rows of both kinds stand in them.
struct InputProposal {
  private(set) var text = ProposalLines()
  private let head: ProposalLines
  private let isCSV: Bool
  private let datafile: Datafile?

  /// The rows of one kind.
  private struct Part {
    let columns: [ColumnProfile]
    /// Nil where each row says it, or a preset does.
    var kind: RecordKind?
    var reason = ""
    var conditions: String?
    /// What to ask where nothing says the kind.
    var question: String?
  }

  /// `head` are the lines that name the files and their form.
  init(_ head: ProposalLines, _ samples: [FileSample], _ datafile: Datafile?) {
    self.head = head
    self.datafile = datafile
    isCSV = samples[0].format == .csv
    let names = samples[0].columns
    let rows = samples.flatMap(\.rows)
    let columns = InputProposal.columns(names, rows)
    if let preset = KnownRows(columns) {
      text.append(head)
      if preset.needsDatafile, datafile == nil { text.ask("keys become ids by the project's datafile; name it with datafile.", indent: 4) }
      text.append("    # \(preset.reason)")
      text.append("    preset: \(preset.name)")
      return
    }
    for part in parts(names, rows, columns) { append(part) }
  }

  private static func columns(_ names: [String], _ rows: [[String?]]) -> [ColumnProfile] {
    names.enumerated().map { at, name in ColumnProfile(name, rows.map { $0[at] }) }
  }

  private func search(_ columns: [ColumnProfile]) -> ColumnSearch { ColumnSearch(columns, datafile, isCSV: isCSV) }

  // MARK: kinds

  /// The rows that name a variation, and those that name none and an event instead; all of them where they are of one kind.
  private func parts(_ names: [String], _ rows: [[String?]], _ columns: [ColumnProfile]) -> [Part] {
    let search = search(columns)
    let isNative = NativeRows(columns, search) != nil
    // Native rows that say what they are, or that are objects, are told apart one by one.
    if isNative, !isCSV || columns.contains(where: { $0.name == Field.record.rawValue }) { return [Part(columns: columns)] }
    guard let variation = search.find(.variation), let place = names.firstIndex(of: variation.name) else {
      if let experiment = search.find(.experiment), search.find(.entity) == nil, search.find(.key) == nil {
        return [
          Part(
            columns: columns, kind: .decision, reason: "\(ConfigurationText.name(experiment.name)) names an experiment, and none an event")
        ]
      }
      return [Part(columns: columns, kind: .conversion, reason: "no column names a variation")]
    }
    let others = rows.filter { $0[place] == nil }
    let events = InputProposal.columns(names, others).filter { column in
      let all = [search.find(.entity), search.find(.key)].compactMap { $0?.name }
      return all.contains(column.name) && column.cells.count * 2 > column.rowCount
    }
    let shown = ConfigurationText.name(variation.name)
    if events.isEmpty {
      let event = search.find(.key) ?? search.find(.entity)
      if let event, !isNative, others.isEmpty, event.distinct.count > 1 {
        let question =
          "each row has a variation (\(shown)) and an event (\(ConfigurationText.name(event.name))): is it a decision, or a "
          + "conversion with the variation that its visitor saw? Write record: decision, or record: conversion."
        return [Part(columns: columns, question: question)]
      }
      return [Part(columns: columns, kind: .decision, reason: "\(shown) names a variation")]
    }
    func part(_ kind: RecordKind, _ rows: [[String?]], _ reason: String, isEmpty: Bool) -> Part {
      Part(
        columns: InputProposal.columns(names, rows), kind: kind, reason: reason, conditions: "{\(shown): {empty: \(isEmpty)}}")
    }
    return [
      part(.decision, rows.filter { $0[place] != nil }, "the rows that name a variation", isEmpty: false),
      part(.conversion, others, "the rows of the same file that name none", isEmpty: true),
    ]
  }

  // MARK: lines

  private mutating func append(_ part: Part) {
    text.append(head)
    if let native = NativeRows(part.columns, search(part.columns)) {
      append(native, part)
    } else {
      appendKind(of: part)
      var fields = FieldProposal(search(part.columns))
      fields.propose(part.kind)
      text.append(fields.text, indent: 4)
    }
  }

  private mutating func appendKind(of part: Part) {
    if let kind = part.kind { text.append("    record: \(kind.word)  # \(part.reason)") }
    if let question = part.question {
      text.ask(question, indent: 4)
      text.append("    record: \"?\"")
    }
    if let conditions = part.conditions { text.append("    where: \(conditions)") }
  }

  /// The preset that reads native rows, with fields for what it does not read. A changed preset asks CSV for every column that rows may have, so
  /// that its fields are written out.
  private mutating func append(_ native: NativeRows, _ part: Part) {
    var fields = FieldProposal(search(part.columns))
    fields.proposeBeyond(native, part.kind)
    let isWhole = fields.text.lines.isEmpty && part.conditions == nil
    let usesPreset = isWhole || !isCSV
    if usesPreset {
      fields.search.use(native.columns)
    } else {
      appendKind(of: part)
      fields.addNative(part.conditions == nil ? native.columns : native.columns.filter { !$0.cells.isEmpty })
    }
    for question in native.questions { text.ask(question, indent: 4) }
    for remark in native.remarks { text.append("    # \(remark)") }
    let rowCount = part.columns[0].rowCount
    let rows = rowCount == 1 ? "its first row" : "the first \(rowCount) rows"
    let isSound = native.areSound && fields.text.questions.isEmpty
    text.append("    # The columns are named as in the Event API\(isSound ? ", and hold what they should in \(rows)" : "").")
    let others = part.columns.filter { !NativeRows.isNative($0.name) && ($0.isList || !$0.cells.isEmpty) }
    if !others.isEmpty {
      let shown = others.map { ConfigurationText.name($0.name) }.joined(separator: ", ")
      text.append("    # Columns that native rows do not have: \(shown)")
    }
    if usesPreset { text.append("    preset: native") }
    if !fields.text.lines.isEmpty { text.append("    fields:") }
    text.append(fields.text, indent: 4)
    text.append(fields.rest(), indent: 4)
  }
}

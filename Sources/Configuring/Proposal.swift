import Normalizing
package import Vocabulary

/// A configuration to begin with, made from the heads of files: what was seen is said in comments, and what cannot be known is a question.
///
/// A question whose wrong answer would falsify results leaves a `"?"` behind that no configuration is read with. No visitor's data is in the
/// text, but the names of columns.
package struct Proposal: Sendable {
  package private(set) var text = ""
  /// Lines that begin with `# QUESTION`.
  package private(set) var questionCount = 0

  private let datafile: Datafile?

  package init(_ samples: [FileSample], datafile: Datafile?, datafileName: String? = nil) {
    self.datafile = datafile
    append(
      "# Made from the first rows of \(samples.count == 1 ? "a file" : "\(samples.count) files"). Read it, answer what is a QUESTION, and then:"
    )
    append("#   optireplay check --config FILE")
    if let account = datafile?.accountID {
      append("account_id: \(ConfigurationText.scalar(account))  # the datafile's")
    } else {
      ask("the account that the events belong to; set ACCOUNT_ID, or write it here.")
      append("account_id: ${ACCOUNT_ID}")
    }
    if let datafileName { append("datafile: \(ConfigurationText.scalar(datafileName))") }
    append("inputs:")
    for group in Proposal.groups(samples) { append(group) }
    text.removeLast()
  }

  /// Files of one form are one input.
  private static func groups(_ samples: [FileSample]) -> [[FileSample]] {
    var groups: [[FileSample]] = []
    for sample in samples {
      let place = groups.firstIndex {
        $0[0].columns == sample.columns && $0[0].format == sample.format && $0[0].delimiter == sample.delimiter
          && $0[0].comment == sample.comment && $0[0].skippedLines == sample.skippedLines && $0[0].encoding == sample.encoding
      }
      if let place { groups[place].append(sample) } else { groups.append([sample]) }
    }
    return groups
  }

  private mutating func append(_ line: String) { text += line + "\n" }

  private mutating func ask(_ question: String, indent: String = "") {
    questionCount += 1
    append("\(indent)# QUESTION: \(question)")
  }

  private mutating func append(_ files: [FileSample]) {
    let sample = files[0]
    append("  - files: [\(files.map { ConfigurationText.scalar($0.path) }.joined(separator: ", "))]")
    append("    format: \(sample.format.rawValue)")
    if let delimiter = sample.delimiter { append("    delimiter: \(delimiter == "\t" ? "tab" : ConfigurationText.scalar(delimiter))") }
    if let comment = sample.comment { append("    comment: \(ConfigurationText.scalar(comment))") }
    if sample.skippedLines > 0 { append("    skip: \(sample.skippedLines)  # lines above the one that names the columns") }
    if let encoding = sample.encoding {
      ask("the file is no UTF-8; is it \(encoding.rawValue)? Look at a name with an accent.", indent: "    ")
      append("    encoding: \(encoding.rawValue)")
    }
    let rows = files.flatMap(\.rows)
    let columns = sample.columns.enumerated().map { at, name in ColumnProfile(name, rows.map { $0[at] }) }
    if let (preset, reason) = Proposal.preset(columns) {
      if ["segment", "ga4"].contains(preset), datafile == nil {
        ask("keys become ids by the project's datafile; name it with datafile.", indent: "    ")
      }
      append("    # \(reason)")
      append("    preset: \(preset)")
      return
    }
    let variation = ColumnSearch(columns, datafile).find(.variation)
    let reason = variation.map { "\(ConfigurationText.name($0.name)) names a variation" } ?? "no column names a variation"
    append("    record: \(variation == nil ? "conversion" : "decision")  # \(reason)")
    var fields = FieldProposal(columns, datafile)
    fields.propose(variation == nil ? .conversion : .decision)
    for line in fields.text.lines { append("    " + line) }
    questionCount += fields.text.questions.count
  }

  /// The preset whose rows these are, and why.
  private static func preset(_ columns: [ColumnProfile]) -> (name: String, reason: String)? {
    let names = Set(columns.map(\.name))
    func have(_ wanted: String...) -> Bool { wanted.allSatisfy(names.contains) }
    if have("visitors[]", "account_id") { return ("sdk-log", "Each row is a body of the Event API, as an SDK's dispatcher logs them.") }
    if have("event_name", "event_timestamp", "user_pseudo_id") {
      return ("ga4", "Rows of Google Analytics 4's BigQuery export. Keep the events that the project has: where: {event_name: [...]}")
    }
    if have("messageId", "event"), have("anonymousId") || have("userId") {
      return ("segment", "Segment's track calls. Keep the events that the project has: where: {event: [...]}")
    }
    if have("visitor_id", "timestamp", "uuid"), have("is_holdback") || have("event_name") {
      return ("events-export", "Rows of the vendor's Experimentation Events Export.")
    }
    return native(columns) ? ("native", "The columns are named as in the Event API, and hold what they should.") : nil
  }

  private static func native(_ columns: [ColumnProfile]) -> Bool {
    let byName = Dictionary(columns.map { ($0.name, $0) }) { first, _ in first }
    guard byName["visitor_id"] != nil, byName["entity_id"] != nil || byName["variation_id"] != nil, let times = byName["timestamp"],
      let guess = TimeGuess(times), guess.format == nil, !guess.needsZone
    else { return false }
    for id in ["entity_id", "campaign_id", "experiment_id", "variation_id"] {
      if let column = byName[id], column.share({ $0.contains { $0.isNumber } }) < 0.9 { return false }
    }
    return byName["revenue"].map { $0.share { Int($0) != nil } > 0.9 } ?? true
  }
}

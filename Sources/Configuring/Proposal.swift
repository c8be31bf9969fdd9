package import Vocabulary

/// A configuration to begin with, made from the heads of files: what was seen is said in comments, and what cannot be known is a question.
///
/// A question whose wrong answer would falsify results leaves a `"?"` behind that no configuration is read with. No visitor's data is in the
/// text, but the names of columns.
package struct Proposal: Sendable {
  package let text: String
  /// What is left to answer, in the order in which the text asks it: what stands behind `# QUESTION: `.
  package let questions: [String]
  package var questionCount: Int { questions.count }

  /// Files of one form, which are one input.
  private struct Group {
    var samples: [FileSample]
    let form: InputForm
    /// Whether it is a guess that the first row is data.
    let isHeaderGuessed: Bool
  }

  /// `forms` say by path how files were read, as far as somebody said it; the samples say the rest.
  package init(_ samples: [FileSample], forms: [String: InputForm] = [:], datafile: Datafile?, datafileName: String? = nil) {
    var lines = ProposalLines()
    lines.append(
      "# Made from the first rows of \(samples.count == 1 ? "a file" : "\(samples.count) files"). Read it, answer what is a QUESTION, and then:"
    )
    lines.append("#   optireplay check --config FILE")
    if let account = datafile?.accountID {
      lines.append("account_id: \(ConfigurationText.scalar(account))  # the datafile's")
    } else if let account = Proposal.account(samples) {
      lines.append("account_id: \(ConfigurationText.scalar(account))  # the one that all rows name")
    } else {
      lines.ask("the account that the events belong to; set ACCOUNT_ID, or write it here.")
      lines.append("account_id: ${ACCOUNT_ID}")
    }
    if let datafileName { lines.append("datafile: \(ConfigurationText.scalar(datafileName))") }
    lines.append("inputs:")
    for group in Proposal.groups(samples, forms) {
      lines.append(InputProposal(Proposal.head(group), group.samples, datafile).text)
    }
    text = lines.lines.joined(separator: "\n")
    questions = lines.questions
  }

  /// The account of rows whose form is known to say it, when they all say the same.
  private static func account(_ samples: [FileSample]) -> String? {
    var accounts: Set<String?> = []
    for sample in samples where KnownRows(names: sample.columns)?.saysAccount == true {
      guard let place = sample.columns.firstIndex(of: "account_id") else { continue }
      accounts.formUnion(sample.rows.map { $0[place] })
    }
    return accounts.count == 1 ? accounts.first.flatMap(\.self) : nil
  }

  private static func groups(_ samples: [FileSample], _ forms: [String: InputForm]) -> [Group] {
    var groups: [Group] = []
    for var sample in samples {
      let said = forms[sample.path] ?? InputForm()
      var form = said.orElse(
        InputForm(
          format: sample.format, delimiter: sample.delimiter, comment: sample.comment,
          skip: sample.skippedLines > 0 ? sample.skippedLines : nil, encoding: sample.encoding))
      var isGuessed = false
      if form.header == nil, let data = sample.withoutHeader {
        (sample, isGuessed) = (data, true)
        form.header = false
      }
      let place = groups.firstIndex { $0.samples[0].columns == sample.columns && $0.form == form && $0.isHeaderGuessed == isGuessed }
      if let place {
        groups[place].samples.append(sample)
      } else {
        groups.append(Group(samples: [sample], form: form, isHeaderGuessed: isGuessed))
      }
    }
    return groups
  }

  /// The lines that name files and how their bytes are rows.
  private static func head(_ group: Group) -> ProposalLines {
    let form = group.form
    var lines = ProposalLines()
    lines.append("  - files: [\(group.samples.map { ConfigurationText.scalar($0.path) }.joined(separator: ", "))]")
    lines.append("    format: \(group.samples[0].format.rawValue)")
    for (key, mark) in [("delimiter", form.delimiter), ("quote", form.quote), ("comment", form.comment)] {
      if let mark { lines.append("    \(key): \(mark.isEmpty ? "none" : mark == "\t" ? "tab" : ConfigurationText.scalar(mark))") }
    }
    if let header = form.header {
      if group.isHeaderGuessed {
        lines.ask(
          "the first row looks like the rows below it, so that it is taken for data; is there no row that names the columns?", indent: 4)
      }
      lines.append("    header: \(header)" + (header ? "" : "  # columns are called 1, 2, 3…"))
    }
    if let skip = form.skip, skip > 0 { lines.append("    skip: \(skip)  # lines above the one that names the columns") }
    if let encoding = form.encoding {
      if encoding == group.samples[0].encoding {
        lines.ask("the file is no UTF-8; is it \(encoding.rawValue)? Look at a name with an accent.", indent: 4)
      }
      lines.append("    encoding: \(encoding.rawValue)")
    }
    return lines
  }
}

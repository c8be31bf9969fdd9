import Vocabulary

/// The report of a run as one HTML page that loads nothing else: no network, no script.
///
/// Texts of the input are escaped. Every number of the report's JSON stands on it in a `data` element, which names its place there as
/// `data-fact`. What a page would be too large for is left out at its end, with how much that is.
package struct RunReportPage: Sendable {
  let report: RunReport

  package init(_ report: RunReport) { self.report = report }

  var summary: RunSummary { report.summary }

  /// Rows of a table of files, and bytes of results, that a page has room for.
  static let mostInputs = 1000
  static let mostResultBytes = 1_000_000

  package func html() -> String {
    let sections: [(id: String, title: String, content: String?)] = [
      ("rows", "Where each row went", flow), ("rejects", "Rejects", rejects), ("findings", "Findings", findings),
      ("times", "Events over time", times), ("results", "Expected results", results), ("bodies", "Bodies", bodies),
      ("requests", "Requests", requests), ("files", "Files", files), ("configuration", "Configuration", configuration),
    ]
    let shown = sections.filter { $0.content != nil }
    let links = shown.map { "<li><a href=\"#\($0.id)\">\($0.title)</a></li>" }.joined()
    let parts = shown.map { id, title, content in
      // No section: the style looks for the nearest one around a choice of baselines.
      "<div class=\"chapter\" id=\"\(id)\" role=\"region\" aria-labelledby=\"\(id)-title\">\n<h2 id=\"\(id)-title\">\(title)</h2>\n\(content ?? "")\n</div>"
    }
    let style = RunReportStyle.css
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src \(PageParts.digest(style)); img-src data:; base-uri 'none'; \
      form-action 'none'">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(heading) – optireplay</title>
      <link rel="icon" href="data:,">
      <style>\(style)</style>
      </head>
      <body>
      <a class="skip" href="#report">Skip to the report</a>
      <header>
      <h1>\(heading)</h1>
      \(introduction)
      <nav aria-label="Parts of the report"><ul>\(links)</ul></nav>
      </header>
      <main id="report" tabindex="-1">
      \(tiles)
      \(parts.joined(separator: "\n"))
      </main>
      \(notes)
      </body>
      </html>

      """
  }

  private var heading: String {
    let name = summary.run == "plan" ? "Plan" : "Run \(ReportText.plain(summary.run))"
    if summary.isForgotten { return "\(name): forgotten" }
    return switch summary.state {
    case .complete: "\(name): complete"
    case .refused: "\(name): refused"
    case .planned: "\(name): nothing was sent"
    case .incomplete: "\(name): not complete"
    }
  }

  private var introduction: String {
    let place = summary.rehearsal ? "the built-in sandbox, a rehearsal" : ReportText.name(summary.endpoint)
    var lines = [
      "<p>Account \(ReportText.name(report.account)), to \(place). Begun \(time(report.createdAt)), "
        + "\(summary.state == .incomplete && !summary.isForgotten ? "last step" : "ended") \(time(report.updatedAt)); "
        + "this report was made \(time(report.madeAt)).</p>",
      note,
    ]
    if let resume = report.resume, !report.isAtWork {
      lines.append(
        "<div class=\"note\"><p>To go on, with what was accepted staying accepted:</p><pre><code>\(ReportText.plain(resume))</code></pre></div>"
      )
    }
    return lines.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  /// What became of the run, and why.
  private var note: String {
    let pending = counted(summary.records.pending, "record")
    let words =
      if summary.isForgotten {
        "What was remembered of this run was dropped on purpose."
      } else {
        switch summary.state {
        case .complete where summary.rehearsal:
          "The built-in sandbox has every valid record, and nothing left the machine."
        case .complete: "The endpoint accepted every valid record. Accepted means queued: results are the server’s to make."
        case .planned: "An import would do what follows. Give the same command with <code>import</code> in place of <code>plan</code>."
        case .refused: "Nothing was sent."
        case .incomplete where report.isAtWork: "An import is at work just now; these are the numbers of this moment. \(pending) to go."
        case .incomplete where report.phase == "staging":
          "It ended before its input was read to the end. Nothing was sent"
            + (report.resume == nil
              ? ". Its standard input cannot be read again: give the same command with the same input." : ".")
        case .incomplete where report.phase == "planning": "It ended before everything was judged. Nothing was sent."
        case .incomplete: "\(pending) of \(grouped(summary.records.read)) still to be accepted."
        }
      }
    let isBad = summary.state == .refused || summary.state == .incomplete
    let message = report.isAtWork ? nil : summary.message
    return "<div class=\"note\(isBad ? " bad" : "")\"><p>\(words)</p>"
      + (message.map { "<p>\(ReportText.name($0))</p>" } ?? "") + "</div>"
  }

  func time(_ milliseconds: Int64) -> String {
    let text = instant(milliseconds)
    return "<time datetime=\"\(text)\">\(text.replacing("T", with: "\u{a0}").dropLast())\u{a0}UTC</time>"
  }

  /// A number of the JSON, by its place there.
  func fact(_ place: String, _ value: Int, _ shown: String? = nil) -> String {
    "<data data-fact=\"\(Markup.escaped(place))\" value=\"\(value)\">\(shown ?? grouped(value))</data>"
  }

  func fact(_ place: String, _ value: Double, _ decimals: Int, unit: String = "") -> String {
    "<data data-fact=\"\(Markup.escaped(place))\" value=\"\(value)\">\(Markup.decimal(value, decimals))\(unit)</data>"
  }

  /// A table in a box of its own that scrolls.
  func table(_ caption: String, _ heads: [(name: String, unit: String, isText: Bool)], _ rows: [String], style: String = "") -> String {
    let head = heads.map { name, unit, isText in
      "<th scope=\"col\"\(isText ? " class=\"words\"" : "")>\(name)\(unit.isEmpty ? "" : " <small>\(unit)</small>")</th>"
    }.joined()
    return """
      <div class="scroll\(style)" role="region" tabindex="0" aria-label="\(Markup.escaped(caption))">
      <table>
      <caption>\(Markup.escaped(caption))</caption>
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table>
      </div>
      """
  }

  /// What is not known, and why.
  func unknown(_ fact: String, _ what: String) -> String? {
    report.whyUnknown(fact).map { "<p class=\"soft\">\(what) not known: \(ReportText.plain($0)).</p>" }
  }

  // MARK: at a glance

  private var tiles: String {
    var tiles = [
      ("Records read", fact("records.read", summary.records.read)), ("Accepted", fact("records.accepted", summary.records.accepted)),
      ("Rejected", fact("records.rejected", summary.records.rejected)), ("Pending", fact("records.pending", summary.records.pending)),
      ("Visitors", fact("visitors", summary.visitorCount)),
      ("Decisions", fact("events.decisions", summary.decisionCount)), ("Conversions", fact("events.conversions", summary.conversionCount)),
      ("Bodies", fact("bodies", summary.bodyCount)), ("Bytes", fact("bytes", summary.byteCount, "\(ByteCount(summary.byteCount))")),
      ("Requests", fact("requests", summary.requestCount)), ("Retries", fact("retries", summary.retryCount)),
    ]
    if summary.seconds > 0 { tiles.append(("Seconds", fact("seconds", rounded(summary.seconds, 3), 1))) }
    if !report.isAtWork { tiles.append(("Exit status", fact("exit", Int(summary.exit.rawValue)))) }
    return "<dl class=\"tiles\">\n"
      + tiles.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" }.joined(separator: "\n") + "\n</dl>"
  }

  // MARK: where each row went

  private typealias Fate = (key: String, name: String, short: String, count: Int, style: String, meaning: String)

  private var fates: [Fate] {
    let records = summary.records
    return [
      ("accepted", "Accepted", "accepted", records.accepted, "good", "The endpoint answered that it took them in this run."),
      (
        "already_accepted", "Already accepted", "accepted before", records.alreadyAccepted, "good",
        "An earlier run sent them; they are not sent again."
      ),
      ("duplicate", "Duplicate", "duplicate", records.duplicate, "", "The same event as another of this run."),
      ("filtered", "Filtered", "filtered", records.filtered, "", "Left out by conditions, a window, a list, or the rules for decisions."),
      ("rejected", "Rejected", "rejected", records.rejected, "bad", "Cannot be used as they are; the reasons stand below."),
      (
        "pending", "Pending", "pending", records.pending, "",
        summary.state == .planned ? "An import would send them." : "Neither accepted nor given up."
      ),
    ]
  }

  private var flow: String {
    let read = summary.records.read
    guard read > 0 else { return "<p>No row has been read to its end yet, so there is nothing to tell.</p>" }
    let rows = fates.map { fate in
      "<tr><th scope=\"row\">\(fate.name)<small>\(fate.meaning)</small></th><td>\(fact("records.\(fate.key)", fate.count))</td>"
        + "<td>\(Markup.percent(Double(fate.count) / Double(read)))</td></tr>"
    }
    let isWhole = summary.records.fates == read
    let sum =
      "<tr class=\"sum\"><th scope=\"row\">Together\(isWhole ? "" : "<small>This differs from the records read; please report it.</small>")</th>"
      + "<td>\(grouped(summary.records.fates))</td><td></td></tr>"
    return picture(read) + "\n"
      + table(
        "Fates of \(grouped(read)) records", [("Fate", "", false), ("Records", "", false), ("Share", "", false)], rows + [sum],
        style: " told")
  }

  private func picture(_ read: Int) -> String {
    let shown = fates.filter { $0.count > 0 }
    let ends = shown.map { FlowPicture.Node(name: $0.short, count: $0.count, style: $0.style) }
    let largest = report.inputs.enumerated().filter { $0.element.recordCount > 0 }
      .sorted { ($1.element.recordCount, $0.offset) < ($0.element.recordCount, $1.offset) }.map(\.element)
    var sources = largest.prefix(5).map { FlowPicture.Node(name: fileName($0.path), count: $0.recordCount, style: "") }
    let others = largest.dropFirst(5)
    if !others.isEmpty {
      sources.append(
        FlowPicture.Node(name: counted(others.count, "more file"), count: others.reduce(0) { $0 + $1.recordCount }, style: ""))
    }
    let words = shown.map { "\(grouped($0.count)) \($0.short)" }.joined(separator: ", ")
    return FlowPicture(from: sources, total: read, to: ends).svg(name: "\(grouped(read)) records read: \(words)")
  }

  /// The last part of a path, as short as a picture has room for.
  private func fileName(_ path: String) -> String {
    let name = ReportText.visible(path.split(separator: "/").last.map(String.init) ?? path)
    return name.count <= 21 ? name : name.prefix(10) + "…" + name.suffix(10)
  }

  private var notes: String {
    """
    <footer>
    <h2>How to read this</h2>
    <ul>
    <li>Accepted is what the endpoint answered with 204: it has queued the body and says no more.</li>
    <li>Every record read has exactly one fate, so the fates add up to the records read. Rows that hold several records count each.</li>
    <li>Times are in UTC. Bytes count in thousands: 1 MB is 1,000,000 bytes.</li>
    <li><code>optireplay report --json</code> prints the same facts for programs. Samples of rows hold visitors’ data; <code>--no-rows</code> leaves
    them out.</li>
    </ul>
    </footer>
    """
  }
}

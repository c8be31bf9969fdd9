package import Counting

/// What the results pages of a history's experiments should show, as one HTML page that loads nothing else.
///
/// Texts of the input are escaped. Each counted number stands in the `value` attribute of a `data` element too, as `results.json` has it.
package struct ResultsPage: Sendable {
  /// Where the numbers come from.
  private enum Origin { case plan, sandbox }

  private let results: Results
  private let details: ResultDetails?
  private let origin: Origin
  /// Why nothing of the plan may be sent.
  private var refusal: String?

  /// Of what a sandbox has stored. The page keeps itself up to date.
  package init(sandbox results: Results, _ details: ResultDetails? = nil) {
    self.results = results
    self.details = details
    origin = .sandbox
  }

  /// Of what a plan expects.
  package init(plan summary: RunSummary) {
    var results = summary.expected
    results.add(duplicates: summary.records.duplicate)
    self.results = results
    details = summary.details
    origin = .plan
    refusal = summary.state == .refused ? summary.message : nil
  }

  /// The Content-Security-Policy that a served page has.
  package static var policy: String { PageParts.policy(isLive: true) + "; frame-ancestors 'none'" }

  private var isLive: Bool { origin == .sandbox }

  package func html() -> String {
    let sections = results.experiments.enumerated().map { ExperimentSection($0.element, number: $0.offset + 1, details: details).html() }
    let title = "Expected results – optireplay"
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="\(PageParts.policy(isLive: isLive))">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(title)</title>
      <link rel="icon" href="data:,">
      <style>\(PageParts.style)</style>
      </head>
      <body>
      <a class="skip" href="#numbers">Skip to the numbers</a>
      <header>
      <h1>Expected results</h1>
      <p>\(introduction)</p>
      \(refusal.map { "<p class=\"warn\">Refused: \(ReportText.plain($0))</p>" } ?? "")
      \(isLive ? "<p><a href=\"/faults\">Trouble on demand</a>: have this sandbox fail, to rehearse an import against it.</p>" : "")
      \(isLive ? "<p id=\"live\" class=\"soft\" role=\"status\">Live with JavaScript; reload to see new numbers without.</p>" : "")
      </header>
      <main id="numbers" tabindex="-1">
      \(details?.isTooMuch == true ? "<p class=\"soft\">\(tooMuch)</p>" : "")
      \(results.experiments.isEmpty ? "<p>\(nothing)</p>" : sections.joined(separator: "\n"))
      \(notCounted)
      </main>
      \(notes)
      \(isLive ? "<script>\(PageParts.script)</script>" : "")
      </body>
      </html>

      """
  }

  private var introduction: String {
    let source =
      switch origin {
      case .plan: "Counted from a plan’s input. Nothing was sent."
      case .sandbox:
        "Counted from everything that this sandbox has stored: of every account, and of every rehearsal with its state folder. A sandbox sends nothing on."
      }
    return source
      + " These are the numbers to expect by the vendor’s published rules; what an experiment’s own page shows is the vendor’s to make."
  }

  private var tooMuch: String {
    "There are too many variations, events and attribute values together for curves and segments; the numbers below are all there."
  }

  private var nothing: String {
    switch origin {
    case .plan: "The input has no decision that counts, so there is no experiment to show."
    case .sandbox:
      "No decision that counts is stored yet, so there is no experiment to show. A rehearsal or a POST to /v1/events brings some."
    }
  }

  // MARK: what is not counted

  private static let meanings: [(reason: Results.Reason, name: String, meaning: String)] = [
    (
      .beforeDecision, "Before the decision",
      "A conversion with an earlier time than its visitor’s decision, in each experiment that the visitor is in. The vendor never counts these."
    ),
    (
      .noDecisionHere, "No decision here",
      "A conversion of a visitor who has no decision in this history. It counts all the same if an SDK or an earlier import told the "
        + "vendor of one, so this is not an error."
    ),
    (
      .holdback, "Holdback",
      "A decision that was held back, or that names no experiment or variation, or a conversion of a visitor who has no other decision."
    ),
    (
      .laterDecision, "Later decision", "A decision of a visitor who already belongs to a variation of the experiment: the first one holds."
    ),
    (.duplicate, "Duplicate", "An event that came before with the same visitor and id. One of them is counted."),
  ]

  private var notCounted: String {
    var rows = ResultsPage.meanings.map { reason, name, meaning in
      row(reason.rawValue, name, meaning, results.notCounted[reason.rawValue] ?? 0)
    }
    let known = Set(ResultsPage.meanings.map(\.reason.rawValue))
    for (reason, count) in results.notCounted.sorted(by: { $0.key < $1.key }) where !known.contains(reason) {
      rows.append(row(reason, reason, "", count))
    }
    return """
      <section>
      <h2>Not counted</h2>
      <div class="scroll" role="region" aria-label="Events not counted" tabindex="0" data-key="not counted">
      <table>
      <caption>Events in none of the tables above</caption>
      <thead><tr><th scope="col">Reason</th><th scope="col">Events</th><th scope="col" class="words">What it means</th></tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table>
      </div>
      </section>
      """
  }

  private func row(_ reason: String, _ name: String, _ meaning: String, _ count: Int) -> String {
    "<tr data-reason=\"\(Markup.escaped(reason))\"><th scope=\"row\">\(Markup.escaped(name))</th>"
      + "<td>\(Markup.number("events", count))</td><td class=\"words\">\(Markup.escaped(meaning))</td></tr>"
  }

  // MARK: how it is counted

  private var notes: String {
    """
    <footer>
    <h2>How to read this</h2>
    <ul>
    <li>A visitor belongs to the variation of the first decision in an experiment. A conversion counts when its time is that of the decision
    or later.</li>
    <li>Rate is converting visitors of all visitors of the variation. A visitor who converts several times converts once; conversions counts
    each time.</li>
    <li>Revenue is shown in currency units: 12.34 where the API and results.json say 1234, since they count hundredths (1/100).</li>
    <li>Differences have 95 % intervals: those of rates by Newcombe’s hybrid score method (1998), those of revenue per visitor by Welch’s
    (1947), which is rough where few visitors bring all of it. Where the interval leaves out 0, it is set in bold.
    Each comparison stands alone; nothing corrects for many of them, or for looking again and again, as the vendor’s own statistics may.</li>
    <li>The sample ratio check is Pearson’s chi-square test against equal shares; below \(SampleRatio.threshold) it is called a mismatch. It
    says nothing where traffic was meant to be spread unequally.</li>
    <li>Personalization campaigns, which count by session, are not previewed.</li>
    </ul>
    </footer>
    """
  }
}

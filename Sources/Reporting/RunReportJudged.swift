import Counting
import Foundation
import Vocabulary

// What was judged: rejects, findings, times, results.
extension RunReportPage {
  var rejects: String? {
    let reasons = report.reasons
    guard !reasons.isEmpty else { return summary.records.read > 0 ? "<p>None.</p>" : nil }
    let total = reasons.reduce(0) { $0 + $1.count }
    let rows = reasons.map { reason in
      "<tr><th scope=\"row\"><code>\(ReportText.plain(reason.code))</code></th><td>\(fact("rejects.\(reason.code)", reason.count))</td>"
        + "<td class=\"bar\">\(Charts.bar(Double(reason.count) / Double(total)))</td></tr>"
    }
    var parts = [
      "<div class=\"bad\">"
        + table("\(counted(total, "reject")) by reason", [("Reason", "", false), ("Rows", "", false), ("Share", "", true)], rows) + "</div>"
    ]
    if let command = report.rejectsCommand {
      parts.append("<p>All of them, as rows to correct and import again:</p>\n<pre><code>\(ReportText.plain(command))</code></pre>")
    }
    for reason in reasons {
      let first = reason.count > reason.samples.count && !reason.samples.isEmpty ? ", of which these are the first" : ""
      parts.append(
        "<h3><code>\(ReportText.plain(reason.code))</code>: \(counted(reason.count, "row"))\(first)</h3>\n"
          + "<p>\(ReportText.plain(reason.remedy))</p>")
      if !reason.samples.isEmpty { parts.append("<ul class=\"samples\">\n\(reason.samples.map(sample).joined(separator: "\n"))\n</ul>") }
    }
    return parts.joined(separator: "\n")
  }

  private func sample(_ sample: RunReport.RejectSample) -> String {
    let place = "\(ReportText.name(ReportText.short(sample.file))):\(sample.line)"
    let column = sample.column.map { ", column \(ReportText.name(ReportText.short($0, 100)))" } ?? ""
    let row = sample.row.map { "<pre><code>\(ReportText.name($0))</code></pre>" } ?? ""
    return "<li>\(place)\(column): \(ReportText.plain(ReportText.short(sample.message, 1000)))\(row)</li>"
  }

  var findings: String? {
    guard !summary.findings.isEmpty else { return summary.records.read > 0 ? "<p>Nothing looked suspicious.</p>" : nil }
    return summary.findings.enumerated().map { at, finding in
      let severity = finding.severity == .falsifies ? "<span class=\"warn\">falsifies results</span>" : finding.severity.rawValue
      let samples = finding.samples.map { "<li>\(ReportText.name(ReportText.short($0)))</li>" }
      return """
        <h3><code>\(finding.code.rawValue)</code>: \(severity), seen \(fact("findings.\(at).count", finding.count))
        \(finding.count == 1 ? "time" : "times")\(share(finding, at))</h3>
        <p>\(Markup.escaped(finding.code.consequence)) \(Markup.escaped(finding.code.remedy))</p>
        \(samples.isEmpty ? "" : "<p>For instance:</p>\n<ul class=\"samples\">\(samples.joined())</ul>")
        """
    }.joined(separator: "\n")
  }

  private func share(_ finding: Finding, _ at: Int) -> String {
    guard let total = finding.total, let share = finding.share else { return "" }
    return ", <data data-fact=\"findings.\(at).share\" value=\"\(share)\">\(Markup.percent(share))</data> of \(grouped(total))"
  }

  // MARK: events over time

  var times: String? {
    guard let times = report.times else { return unknown("event_times", "When the events were is") }
    guard !times.pieces.isEmpty else { return "<p>No record came as far as having a time.</p>" }
    let has = times.pieces.contains { $0.accepted != nil }
    let second = summary.state == .planned || !has ? "to send or accepted before" : "accepted, now or before"
    let places = spread(times) { piece in
      let part = piece.known + (summary.state == .planned || !has ? piece.planned : piece.accepted ?? 0)
      return Charts.Bar(
        whole: Double(piece.read), part: Double(part),
        title: "\(name(piece.day, times.unit)): \(grouped(piece.read)) read, \(grouped(part)) \(second)")
    }
    let first = name(times.pieces[0].day, times.unit)
    let last = name(times.pieces[times.pieces.count - 1].day, times.unit)
    let rows = times.pieces.enumerated().map { at, piece in
      let place = "event_times.pieces.\(at)"
      return "<tr><th scope=\"row\">\(name(piece.day, times.unit))</th><td>\(fact("\(place).read", piece.read))</td>"
        + "<td>\(fact("\(place).already_accepted", piece.known))</td><td>\(fact("\(place).planned", piece.planned))</td>"
        + "<td>\(piece.accepted.map { fact("\(place).accepted", $0) } ?? "–")</td></tr>"
    }
    let gaps = places.contains { if case .gap = $0 { true } else { false } } ? " A dotted line stands for a time without any." : ""
    return """
      <p>Records by the time of their event, a bar for each \(times.unit.rawValue): <span class="key pale"></span>read,
      <span class="key"></span>\(second).\(gaps)</p>
      \(Charts.bars(places, name: "Records by time, from \(first) to \(last); the numbers are in the table below", unit: "records a \(times.unit.rawValue)", ends: (first, times.pieces.count > 1 ? last : "")))
      <p>Records without a place here, because they were rejected or left out while reading or say the same as another:
      \(fact("event_times.undated", times.undated)).</p>
      \(unknown("event_times.accepted", "How many of each were accepted is") ?? "")
      <details><summary>The numbers by \(times.unit.rawValue)</summary>
      \(table("Records by the \(times.unit.rawValue) of their event", [(times.unit.rawValue.capitalized, "", false), ("Read", "", false), ("Accepted before", "", false), ("To send", "", false), ("Accepted", "in this run", false)], rows))
      </details>
      """
  }

  private func name(_ day: Int, _ unit: TimeUnit) -> String {
    let text = CivilDay(day).text
    return switch unit {
    case .day: text
    case .week: "week of \(text)"
    case .month: String(text.dropLast(3))
    case .year: String(text.dropLast(6))
    }
  }

  /// The pieces on an axis of time. More than a few without records become a gap when there would be many.
  private func spread(_ times: RunReport.Times, _ bar: (RunReport.Times.Piece) -> Charts.Bar) -> [Charts.Place] {
    let numbers = times.pieces.map { piece in
      switch times.unit {
      case .day: piece.day
      case .week: Week.number(of: piece.day)
      case .month: CivilDay(piece.day).year * 12 + CivilDay(piece.day).month
      case .year: CivilDay(piece.day).year
      }
    }
    let isSparse = numbers[numbers.count - 1] - numbers[0] >= 2 * Limits.shownTimes
    var places: [Charts.Place] = []
    for (at, piece) in times.pieces.enumerated() {
      let missing = at == 0 ? 0 : numbers[at] - numbers[at - 1] - 1
      if isSparse, missing > 3 { places.append(.gap) } else { places += Array(repeating: .empty, count: missing) }
      places.append(.bar(bar(piece)))
    }
    return places
  }

  // MARK: results

  /// Experiment by experiment, until a page has no more room.
  var results: String? {
    let experiments = summary.expected.experiments
    let notCounted = summary.expected.notCounted.filter { $0.value > 0 }
    guard !experiments.isEmpty || !notCounted.isEmpty else {
      return summary.records.read > 0 && report.phase != "staging" && report.phase != "planning"
        ? "<p>No decision that counts is in this run, so no experiment is expected to show anything.</p>" : nil
    }
    var parts = [
      "<p>What the experiments’ own pages should show of this run’s events, by the vendor’s published rules. Rate is converting visitors of all "
        + "visitors; revenue is in units of currency; differences have 95 % intervals (of rates Newcombe’s, of revenue per visitor Welch’s), set in bold "
        + "where they leave out 0.</p>"
    ]
    var byteCount = 0
    var left = 0
    for (at, experiment) in experiments.enumerated() {
      if byteCount > RunReportPage.mostResultBytes {
        left += 1
        continue
      }
      let section = ExperimentSection(experiment, number: at + 1).html()
        .replacing("<h2 ", with: "<h3 ").replacing("</h2>", with: "</h3>")
      byteCount += section.utf8.count
      parts.append(section)
    }
    if left > 0 {
      parts.append(
        "<p class=\"left-out\">\(counted(left, "more experiment")) had no room on this page; <code>--json</code> has all of them.</p>")
    }
    if !notCounted.isEmpty {
      let rows = notCounted.sorted { $0.key < $1.key }.map { reason, count in
        "<tr data-reason=\"\(Markup.escaped(reason))\"><th scope=\"row\">\(ReportText.plain(reason.replacing("_", with: " ")))</th>"
          + "<td>\(Markup.number("events", count))</td></tr>"
      }
      parts.append(table("Events in none of these tables", [("Reason", "", false), ("Events", "", false)], rows))
    }
    return parts.joined(separator: "\n")
  }
}

import Vocabulary

// What was sent: bodies, requests, files, configuration.
extension RunReportPage {
  var bodies: String? {
    guard let sizes = report.sizes else { return unknown("body_sizes", "How large the bodies were is") }
    let most = sizes.tenths.reduce(0, +)
    let rows = sizes.filled.enumerated().map { at, tenth in
      "<tr><th scope=\"row\">\(tenth.percent) to \(tenth.percent + 10) %</th><td>\(fact("body_sizes.fill.\(at).bodies", tenth.bodies))</td>"
        + "<td class=\"bar\">\(Charts.bar(Double(tenth.bodies) / Double(max(1, most))))</td></tr>"
    }
    let mean =
      sizes.meanFill.map { fill in
        let shown = Markup.percent(rounded(fill, 4))
        return
          "On average, all but the last are <data data-fact=\"body_sizes.mean_fill\" value=\"\(rounded(fill, 4))\">\(shown)</data> full. "
      } ?? ""
    return """
      <p>A body has at most \(fact("body_sizes.limit", sizes.limit)) bytes. \(mean)The smallest has
      \(fact("body_sizes.smallest", sizes.smallest)) bytes, the largest \(fact("body_sizes.largest", sizes.largest)).</p>
      \(table("Bodies by how much of the limit they fill", [("Filled", "", false), ("Bodies", "", false), ("Share", "", true)], rows))
      """
  }

  // MARK: requests

  var requests: String? {
    guard summary.requestCount > 0 else { return summary.state == .planned || summary.records.read == 0 ? nil : "<p>None was made.</p>" }
    var parts = [
      "<p>\(counted(summary.requestCount, "request")), of which \(fact("retries", summary.retryCount)) sent a body again"
        + (summary.laneCount.map { "; at the end \(fact("lanes", $0)) might be in flight at once" } ?? "") + ".</p>"
    ]
    if !report.answers.isEmpty {
      let rows = report.sortedAnswers.enumerated().map { at, answer in
        "<tr><th scope=\"row\"><code>\(ReportText.plain(answer.answer))</code>"
          + "<small>\(RunReportPage.meaning(ofAnswer: answer.answer))</small></th><td>\(fact("answers.\(at).requests", answer.count))</td>"
          + "<td>\(Markup.percent(Double(answer.count) / Double(max(1, summary.requestCount))))</td></tr>"
      }
      parts.append(
        table(
          "How requests ended", [("Answer", "", false), ("Requests", "", false), ("Share", "", false)], rows, style: " told"))
    }
    parts += [
      unknown("answers", "How all requests ended is"), latency, unknown("latency_ms", "How long all accepted requests took is"), sending,
      unknown("sending.pieces.failed_requests", "When all requests that failed did so is"),
    ]
    .compactMap { $0 }
    return parts.joined(separator: "\n")
  }

  private static func meaning(ofAnswer answer: String) -> String {
    switch answer {
    case "204": "Accepted: the server queued the body."
    case "400", "413":
      "Refused: the server will not take what is in it. Once it has accepted a body, one that it refuses is cut in two until the guilty event "
        + "stands alone; before that the run ends."
    case "408", "425", "429": "The server asked for patience; the body is sent again later, as long as --retry-for allows."
    case "host_not_found": "The host’s name was not found."
    case "no_connection": "No connection could be made."
    case "connection_timeout": "No connection was there in time."
    case "timeout": "No answer came in time."
    case "silence": "The server was silent for too long."
    case "untrusted_certificate": "The server’s certificate is not trusted."
    case "no_secure_connection": "No secure connection could be made."
    case "connection_lost": "The connection broke."
    case "unusable_address": "No request could be made with this address or proxy."
    case "given_up": "Given up when the run was stopped."
    default:
      switch Int(answer) {
      case .some(500...599): "The server failed; the body is sent again later, as long as --retry-for allows."
      case .some(200...299): "Taken for an acceptance, as --accept-status says, or no Event API’s answer."
      default: "No Event API’s answer."
      }
    }
  }

  // MARK: files and configuration

  var files: String? {
    guard !report.inputs.isEmpty else { return nil }
    let rows = report.inputs.prefix(RunReportPage.mostInputs).enumerated().map { at, input in
      "<tr><th scope=\"row\">\(ReportText.name(ReportText.short(input.path, 500)))</th><td>\(fact("inputs.\(at).records", input.recordCount))</td>"
        + "<td>\(fact("inputs.\(at).bytes", input.byteCount))</td><td class=\"word\">\(ReportText.plain(input.format))</td>"
        + "<td class=\"word\"><code>\(ReportText.plain(input.digest))</code></td></tr>"
    }
    let left = report.inputs.count - RunReportPage.mostInputs
    return table(
      "\(counted(report.inputs.count, "file")) as read",
      [("File", "", false), ("Records", "", false), ("Bytes", "", false), ("Format", "", true), ("Digest", "128 bits", true)], rows,
      style: " long")
      + (left > 0
        ? "\n<p class=\"left-out\">\(counted(left, "more file")) had no room on this page; <code>--json</code> has all of them.</p>" : "")
      + "\n<p class=\"soft\">Equal digests mean equal bytes. They are optireplay’s own, of what was read, packed files as they are on the disk: "
      + "<code>optireplay verify</code> compares them.</p>"
  }

  var configuration: String? {
    guard let text = report.configuration else { return unknown("configuration", "The configuration is") }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { ReportText.plain(ReportText.short(String($0), 2000)) }
    return
      "<p>What flags, environment, configuration file, datafile and defaults amounted to when the run began. Variables of the environment "
      + "stand by their names, and addresses without user, password and query.</p>\n"
      + "<details><summary>\(counted(lines.count, "line"))</summary>\n<pre><code>\(lines.joined(separator: "\n"))</code></pre>\n</details>"
  }
}

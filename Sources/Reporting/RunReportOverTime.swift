import Vocabulary

// How long requests took, and what was sent when.
extension RunReportPage {
  var latency: String? {
    guard report.latency != nil || report.failedLatency != nil else { return nil }
    let kinds = [
      report.latency.map { ("Accepted", "latency_ms", $0) }, report.failedLatency.map { ("Failed", "failed_latency_ms", $0) },
    ].compactMap(\.self)
    let names = [("Half of them", "p50"), ("9 in 10", "p90"), ("99 in 100", "p99"), ("All", "max")]
    let rows = names.enumerated().map { at, name in
      let cells = kinds.map { _, place, latency in
        "<td>\(milliseconds("\(place).\(name.1)", [latency.p50, latency.p90, latency.p99, latency.max][at]))</td>"
      }
      return "<tr><th scope=\"row\">\(name.0) <span class=\"soft\">\(name.1)</span></th>\(cells.joined())</tr>"
    }
    let of = kinds.map { name, place, latency in
      let count = latency.requests
      return place == "latency_ms"
        ? "accepted ones are \(fact("\(place).receipts", count, counted(count, "receipt")))"
        : "failed ones are \(fact("\(place).requests", count, counted(count, "request"))), whose times are rounded to two digits"
    }
    return table(
      "Time of requests, at most", [("Requests", "", false)] + kinds.map { (name: $0.0, unit: "milliseconds", isText: false) }, rows)
      + "\n<p class=\"soft\">From the first byte sent to the answer, or to what came in its place; \(of.joined(separator: ", "))."
      + " Time between requests, as after a failure, is no part of it.</p>"
  }

  private func milliseconds(_ place: String, _ value: Double) -> String { fact(place, value, value < 100 ? 1 : 0) }

  // MARK: over time

  var sending: String? {
    guard let sending = report.sending else { return nil }
    let axis = SendingAxis(sending)
    let pieces = sending.pieces
    let events = pieces.reduce(0) { $0 + $1.events }
    let span = Double(max(sending.to - sending.from, 1)) / 1000
    let mean = sending.to > sending.from && events > 0 ? ", \(Markup.decimal(Double(events) / span, 0)) a second on average" : ""
    var parts = [
      """
      <h3>Throughput</h3>
      <p>\(grouped(events)) events accepted between \(time(sending.from)) and \(time(sending.to))\(mean). A bar for each \
      \(fact("sending.piece_seconds", axis.seconds, axis.seconds < 1 ? 1 : 0, unit: " s")), by when the answer came.</p>
      """,
      axis.chart("Events accepted over time", unit: "events/s") {
        Charts.Bar(whole: Double($0.events) / axis.seconds, title: "\(grouped($0.events)) events in \(axis.length)")
      },
    ]
    parts += failures(axis)
    if pieces.contains(where: { $0.max != nil }) {
      parts += [
        "<h3>Time of accepted requests</h3>\n<p>By when the answer came: <span class=\"key pale\"></span>the longest, "
          + "<span class=\"key\"></span>half of them took no longer.</p>",
        axis.chart("Time of accepted requests over time", unit: "ms") { piece in
          guard let half = piece.p50, let most = piece.max else { return nil }
          return Charts.Bar(
            whole: most, part: half, title: "half in \(Markup.decimal(half, 1)) ms, all in \(Markup.decimal(most, 1)) ms")
        },
      ]
    }
    return (parts + [numbers(axis)]).joined(separator: "\n")
  }

  /// Requests that failed by when they did; where that is not known, by when their body was accepted at last.
  private func failures(_ axis: SendingAxis) -> [String] {
    let pieces = axis.sending.pieces
    if pieces.contains(where: { $0.failed ?? 0 > 0 }) {
      return [
        "<h3>Requests that failed</h3>\n<p>By when they ended, whatever became of their body.</p>\n<div class=\"bad\">",
        axis.chart("Requests that failed over time", unit: "in \(axis.length)") {
          Charts.Bar(whole: Double($0.failed ?? 0), title: "\(counted($0.failed ?? 0, "request")) failed")
        }, "</div>",
      ]
    }
    guard pieces.contains(where: { $0.retries > 0 && $0.failed == nil }) else { return [] }
    return [
      "<h3>Retries</h3>\n<p>By when their body was accepted at last: when they were made is not known.</p>\n<div class=\"bad\">",
      axis.chart("Retries over time", unit: "retries in \(axis.length)") {
        Charts.Bar(whole: Double($0.retries), title: counted($0.retries, "retry", "retries"))
      }, "</div>",
    ]
  }

  private func numbers(_ axis: SendingAxis) -> String {
    let pieces = axis.sending.pieces
    let hasFailed = pieces.contains { $0.failed != nil }
    let hasTimes = pieces.contains { $0.max != nil }
    var heads: [(name: String, unit: String, isText: Bool)] = [
      ("From", "UTC", false), ("Events", "accepted", false), ("Events", "a second", false), ("Bytes", "accepted", false),
      ("Requests", "accepted", false),
    ]
    if hasFailed { heads.append(("Requests", "failed", false)) }
    if hasTimes { heads += [("Half took", "ms at most", false), ("Longest", "ms", false)] }
    heads += [("Requests", "of these bodies", false), ("Retries", "of these bodies", false)]
    let rows = pieces.enumerated().map { at, piece in
      let place = "sending.pieces.\(at)"
      func cell(_ name: String, _ value: Int) -> String { fact("\(place).\(name)", value) }
      var cells = [
        cell("events", piece.events), Markup.decimal(Double(piece.events) / axis.seconds, 0), cell("bytes", piece.bytes),
        cell("accepted_requests", piece.accepted),
      ]
      if hasFailed { cells.append(piece.failed.map { cell("failed_requests", $0) } ?? "–") }
      if hasTimes {
        cells.append(piece.p50.map { milliseconds("\(place).accepted_ms_p50", $0) } ?? "–")
        cells.append(piece.max.map { milliseconds("\(place).accepted_ms_max", $0) } ?? "–")
      }
      cells += [cell("requests", piece.requests), cell("retries", piece.retries)]
      return "<tr><th scope=\"row\">\(fact("\(place).number", piece.number, axis.moment(piece.number)))</th>"
        + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"
    }
    return """
      <details><summary>The numbers by time</summary>
      <p class="soft">The last two columns tell of the bodies that were accepted then what they took in all, from their first request on.</p>
      \(table("What happened when", heads, rows))
      </details>
      """
  }
}

/// The pieces of time that charts of sending have in common.
private struct SendingAxis {
  let sending: RunReport.Sending
  let seconds: Double

  init(_ sending: RunReport.Sending) {
    self.sending = sending
    seconds = Double(sending.pieceMilliseconds) / 1000
  }

  /// How long a piece is.
  var length: String {
    if seconds < 120 { return "\(Markup.decimal(seconds, seconds < 1 ? 1 : 0)) s" }
    return seconds < 7200 ? "\(Int(seconds) / 60) min" : "\(Int(seconds) / 3600) h"
  }

  func moment(_ number: Int) -> String {
    let time = sending.from + Int64(number) * sending.pieceMilliseconds
    let text = instant(time).replacing("T", with: " ").dropLast()
    return seconds < 1 ? "\(text).\((time % 1000 + 1000) % 1000 / 100)" : String(text)
  }

  func chart(_ name: String, unit: String, _ bar: (RunReport.Sending.Piece) -> Charts.Bar?) -> String {
    var places: [Charts.Place] = []
    for piece in sending.pieces {
      places += Array(repeating: Charts.Place.empty, count: max(0, piece.number - places.count))
      guard var bar = bar(piece) else {
        places.append(.empty)
        continue
      }
      bar.title = "\(moment(piece.number)): \(bar.title)"
      places.append(.bar(bar))
    }
    return Charts.bars(
      places, name: name + "; the numbers are in the table below", unit: unit,
      ends: (moment(0), places.count > 1 ? moment(places.count - 1) : ""))
  }
}

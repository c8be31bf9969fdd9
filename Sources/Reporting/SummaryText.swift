import Counting
import Vocabulary

extension RunSummary {
  /// The summary for people: what was read and what became of it, in several lines. Why a run is not complete is `message`.
  package func text() -> String {
    var lines: [String] = []
    switch state {
    case .complete:
      lines.append(
        rehearsal
          ? "run \(run): complete. A rehearsal: the built-in sandbox has every valid record, and nothing left this machine."
          : "run \(run): complete. \(endpoint) accepted every valid record. Accepted means queued: results are the server's to make.")
    case .planned: lines.append("plan: nothing was sent. An import to \(endpoint) would do this:")
    case .refused: lines.append("run \(run): refused, nothing was sent.")
    case .incomplete where isForgotten: lines.append("run \(run): forgotten.")
    case .incomplete where run == "plan": lines.append("plan: not finished, nothing was sent.")
    case .incomplete: lines.append("run \(run): not complete, resumable with the same command.")
    }
    // A run that has not read everything knows nothing yet.
    if state == .incomplete, records.read == 0 { return lines[0] }
    let fates: [(String, Int)] = [
      ("accepted", records.accepted), ("already accepted by an earlier run", records.alreadyAccepted),
      ("duplicate", records.duplicate), ("filtered", records.filtered), ("rejected", records.rejected), ("pending", records.pending),
    ]
    lines.append("  records  \(grouped(records.read)) read")
    for (name, count) in fates where count > 0 || name == "accepted" { lines.append("           \(grouped(count)) \(name)") }
    lines.append(
      "  events   \(counted(decisionCount, "decision")) and \(counted(conversionCount, "conversion")) of "
        + "\(counted(visitorCount, "visitor")) in \(counted(bodyCount, "body", "bodies")), \(ByteCount(byteCount))")
    if state == .planned { lines += plannedLines() }
    if requestCount > 0 || state != .planned {
      lines.append("  requests \(grouped(requestCount)), of which \(grouped(retryCount)) retries")
    }
    if ignoresLedger { lines.append("  ledger   not looked at (--no-ledger): what earlier runs sent counts as new") }
    if !rejects.isEmpty {
      let counts = rejects.sorted { $0.key < $1.key }.map { "\($0.key) \(grouped($0.value))" }
      lines.append("  rejects  " + counts.joined(separator: ", ") + "; see `optireplay rejects \(run)`")
    }
    for finding in findings { lines.append("  finding  " + describe(finding)) }
    lines += expectedLines()
    return lines.joined(separator: "\n")
  }

  /// What is only said of what was not sent yet.
  private func plannedLines() -> [String] {
    let events = decisionCount + conversionCount
    var lines: [String] = []
    if !ignoresLedger { lines.append("  ledger   \(grouped(events)) new, \(grouped(records.alreadyAccepted)) sent by earlier runs") }
    lines.append("  requests \(grouped(bodyCount)), and again what fails")
    if events > 0, let estimate { lines.append("  time     " + estimate.text(for: events, to: endpoint)) }
    return lines
  }

  private func describe(_ finding: Finding) -> String {
    let samples = finding.samples.isEmpty ? "" : ", for instance " + finding.samples.joined(separator: ", ")
    return "\(finding.code.rawValue) (\(finding.severity.rawValue)): \(grouped(finding.count))\(samples). \(finding.code.meaning)"
  }

  private func expectedLines() -> [String] {
    guard !expected.experiments.isEmpty || !expected.notCounted.isEmpty else { return [] }
    var lines = ["  expected results, by the server's published rules:"]
    for experiment in expected.experiments {
      let isShared = expected.experiments.count { $0.experimentID == experiment.experimentID } > 1
      lines.append("    experiment \(experiment.experimentID)" + (isShared ? " of campaign \(experiment.campaignID)" : ""))
      for variation in experiment.variations {
        lines.append("      variation \(variation.variationID): \(counted(variation.visitors, "visitor"))")
        for event in variation.events {
          let isShared = variation.events.count { $0.key == event.key } > 1
          let name = event.key.isEmpty ? event.entityID : event.key + (isShared ? " (\(event.entityID))" : "")
          lines.append(
            "        \(name): \(counted(event.convertingVisitors, "visitor")) converted, "
              + counted(event.conversions, "conversion")
              + (event.revenue == 0 ? "" : ", revenue \(Markup.units(event.revenue))") + (event.value == 0 ? "" : ", value \(event.value)"))
        }
      }
    }
    for (reason, count) in expected.notCounted.sorted(by: { $0.key < $1.key }) {
      lines.append("    not counted, \(reason.replacing("_", with: " ")): \(grouped(count))")
    }
    return lines
  }
}

/// A number with its noun: `1 visitor`, `2,000 visitors`.
package func counted(_ number: Int, _ one: String, _ many: String? = nil) -> String {
  "\(grouped(number)) \(number == 1 ? one : many ?? one + "s")"
}

/// A number with a comma between groups of three digits: 1,234,567.
package func grouped(_ number: Int) -> String {
  var digits = String(number.magnitude)
  var groups: [String] = []
  while digits.count > 3 {
    groups.insert(String(digits.suffix(3)), at: 0)
    digits.removeLast(3)
  }
  return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
}

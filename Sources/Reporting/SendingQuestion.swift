import Vocabulary

extension RunSummary {
  /// What a person is asked before the first import of an account to one of the vendor's own servers.
  package func question(account: String) -> String {
    var lines = ["This is the first import of account \(account) to \(endpoint)\(Endpoint(endpoint)?.address.map { " (\($0))" } ?? "")."]
    lines.append(
      "  events   \(counted(decisionCount, "decision")) and \(counted(conversionCount, "conversion")) of \(counted(visitorCount, "visitor"))"
    )
    lines.append("  bodies   \(grouped(bodyCount)), \(ByteCount(byteCount))")
    if records.rejected > 0 { lines.append("  rejected \(counted(records.rejected, "record")) of \(grouped(records.read))") }
    for finding in findings where finding.severity > .note {
      lines.append("  finding  \(finding.code.rawValue) (\(finding.severity.rawValue)): \(grouped(finding.count))")
    }
    lines.append("Nothing of it can be undone, and visitors that the account has never seen before count towards its bill.")
    lines.append("Type yes to send it: ")
    return lines.joined(separator: "\n")
  }
}

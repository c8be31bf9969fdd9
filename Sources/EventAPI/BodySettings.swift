internal import Bytes

/// What every body of a run says around its visitors. Part of what shapes bodies, so it is stored with the run.
package struct BodySettings: Sendable, Hashable, Codable {
  package var accountID: String
  package var anonymizeIP: Bool
  package var clientName: String
  package var clientVersion: String
  package var enrichDecisions: Bool
  /// Sent when they are there.
  package var projectID: String?
  package var revision: String?

  package init(
    accountID: String, anonymizeIP: Bool, clientName: String, clientVersion: String, enrichDecisions: Bool, projectID: String? = nil,
    revision: String? = nil
  ) {
    self.accountID = accountID
    self.anonymizeIP = anonymizeIP
    self.clientName = clientName
    self.clientVersion = clientVersion
    self.enrichDecisions = enrichDecisions
    self.projectID = projectID
    self.revision = revision
  }

  /// A body's bytes before its first visitor object.
  package var prefix: [UInt8] {
    var arena = ByteArena(limit: 1 << 20)
    arena.append("{\"account_id\":\"")
    arena.append(escaping: Array(accountID.utf8).span)
    arena.append("\",\"visitors\":[")
    return copy(arena.span)
  }

  /// A body's bytes behind its last visitor object.
  package var suffix: [UInt8] {
    var arena = ByteArena(limit: 1 << 20)
    arena.append("],\"anonymize_ip\":")
    arena.append(anonymizeIP ? "true" : "false")
    arena.append(",\"client_name\":\"")
    arena.append(escaping: Array(clientName.utf8).span)
    arena.append("\",\"client_version\":\"")
    arena.append(escaping: Array(clientVersion.utf8).span)
    arena.append("\",\"enrich_decisions\":")
    arena.append(enrichDecisions ? "true" : "false")
    for (name, value) in [("project_id", projectID), ("revision", revision)] {
      guard let value else { continue }
      arena.append(Array(",\"\(name)\":\"".utf8))
      arena.append(escaping: Array(value.utf8).span)
      arena.append("\"")
    }
    arena.append("}")
    return copy(arena.span)
  }
}

import Checkpointing
package import Reporting
import Vocabulary

/// What would be the first that an account ever sends to one of the vendor's own servers.
package struct FirstSending: Sendable {
  package let account: String
  /// The run as it is planned: nothing of it was accepted.
  package let summary: RunSummary
}

extension RunFlow {
  /// Lets the options object to sending. They are asked when the endpoint is one of the vendor's own and has never accepted anything of the
  /// account, and when something is to be sent at all.
  func requireConsent() throws(RunFailure) {
    guard Endpoint(run.endpoint)?.isVendors == true else { return }
    let (hasAccepted, pending) = try guarding { () throws(CheckpointFailure) in
      (try checkpoint.hasAccepted(account: run.account, endpoint: run.endpoint), try checkpoint.pendingBodies(run.id, limit: 1))
    }
    if hasAccepted || pending.isEmpty { return }
    progress(.asking)
    let summary = try checkpoint.summary(of: try current())
    try options.consent(FirstSending(account: run.account, summary: summary))
  }

  /// What the plan has to send, and what of it was accepted before.
  func plannedAmount() throws(RunFailure) -> PlannedAmount {
    let before = try guarding { () throws(CheckpointFailure) in try checkpoint.receiptTotals(run.id, ofAllPlans: false) }
    let plan = try planRecord()
    return PlannedAmount(
      bodies: plan?.bodies ?? 0, events: (plan?.decisions ?? 0) + (plan?.conversions ?? 0), eventsBefore: before.events,
      bytesBefore: before.bytes)
  }
}

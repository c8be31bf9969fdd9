package import Bytes

/// An event that the endpoint accepted before: the high word of its id's digest, and the digest of its content.
package struct KnownEvent: Sendable, Equatable, Comparable {
  package var id: UInt64
  package var content: UInt64

  package init(id: UInt64, content: UInt64) {
    self.id = id
    self.content = content
  }

  package static func < (one: KnownEvent, other: KnownEvent) -> Bool { (one.id, one.content) < (other.id, other.content) }
}

/// What decisions were for, as JSON text without quotes.
package final class KnownVariation: Sendable {
  package let campaign: [UInt8]
  package let experiment: [UInt8]
  package let variation: [UInt8]
  let campaignDigest: Digest
  let digest: Digest

  package init(campaign: [UInt8], experiment: [UInt8], variation: [UInt8]) {
    self.campaign = campaign
    self.experiment = experiment
    self.variation = variation
    campaignDigest = Digest(campaign.span)
    digest = variationDigest(experiment.span, variation.span)
  }
}

/// A decision that the endpoint accepted before.
package struct KnownDecision: Sendable {
  package var id: UInt64
  package var variation: KnownVariation
  package var isHeldBack: Bool
  package var timestamp: Int64

  package init(id: UInt64, variation: KnownVariation, isHeldBack: Bool, timestamp: Int64) {
    self.id = id
    self.variation = variation
    self.isHeldBack = isHeldBack
    self.timestamp = timestamp
  }
}

/// What the endpoint accepted of a visitor before, in any order.
package struct KnownVisitor: Sendable {
  package var events: [KnownEvent] = []
  package var decisions: [KnownDecision] = []

  package init() {}
}

/// What tells a campaign's variations apart: variation ids mean something inside their experiment.
package func variationDigest(_ experiment: Span<UInt8>, _ variation: Span<UInt8>) -> Digest {
  Digest(variation, seed: Digest(experiment).high)
}

/// Whether a decision keeps its visitor out of the results.
package func isHeldBack(_ decision: borrowing StagedRecord) -> Bool {
  !decision.flags.isDisjoint(with: [.holdback, .nullExperiment, .nullVariation])
}

/// 28 bits that tell an event's content apart from another's with the same id: its text, and what its visitor object says.
package func contentDigest(_ record: borrowing StagedRecord) -> UInt64 {
  Digest(record.groupAndEvent, seed: UInt64(record.eventCount)).low & (1 << 28 - 1)
}

/// What a sandbox was sent, as `status.json` gives it. The JSON names are a promise.
package struct SandboxStatus: Sendable, Equatable, Codable {
  /// Requests for events that arrived whole, whatever was answered.
  package var requests = 0
  /// Different bodies that were accepted and stored.
  package var bodies = 0
  /// Accepted bodies that were stored already, byte by byte; not stored twice.
  package var repeatedBodies = 0
  /// Bytes of the stored bodies.
  package var bytes = 0
  /// Events in the stored bodies, each time they occur.
  package var events = 0
  /// Events told apart by visitor and uuid.
  package var distinctEvents = 0
  /// Distinct events that occur in two or more different bodies.
  package var eventsInDifferentBodies = 0
  /// Distinct events of which there are two or more versions: one visitor and uuid, different content.
  package var conflictingEvents = 0
  /// Distinct events that are decisions, by the version accepted first.
  package var decisions = 0
  /// Distinct events that are conversions, by the version accepted first.
  package var conversions = 0

  enum CodingKeys: String, CodingKey {
    case requests, bodies
    case repeatedBodies = "repeated_bodies"
    case bytes, events
    case distinctEvents = "distinct_events"
    case eventsInDifferentBodies = "events_in_different_bodies"
    case conflictingEvents = "conflicting_events"
    case decisions, conversions
  }

  package init() {}
}

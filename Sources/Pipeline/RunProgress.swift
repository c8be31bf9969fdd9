package import Delivering
package import Reporting

/// Where a run stands, for a progress line.
package enum RunProgress: Sendable, Equatable {
  /// Bytes of the inputs read so far, of how many (nil when an input does not tell), the rows read, and the input whose next bytes are waited
  /// for; nil while what was read is being staged.
  case staging(bytes: Int, of: Int? = nil, rows: Int = 0, from: String?)
  /// Staged records walked so far.
  case planning(records: Int, of: Int)
  /// A person is asked whether what was planned may be sent.
  case asking
  /// What this process has delivered so far, of what the plan has.
  case sending(DeliveryProgress, of: PlannedAmount)
}

/// How much a plan has to send, and how much of it was accepted before this process.
package struct PlannedAmount: Sendable, Equatable {
  package var bodies: Int
  package var events: Int
  package var eventsBefore: Int
  package var bytesBefore: Int

  package init(bodies: Int, events: Int = 0, eventsBefore: Int = 0, bytesBefore: Int = 0) {
    self.bodies = bodies
    self.events = events
    self.eventsBefore = eventsBefore
    self.bytesBefore = bytesBefore
  }
}

extension RunProgress {
  /// The same as lines show it. `waited`: seconds since it was told, which a wait that was told then is shorter by.
  package func state(waited: Double = 0) -> ProgressState {
    switch self {
    case .staging(let bytes, let total, let rows, _):
      return ProgressState(.staging, done: bytes, of: total, records: rows, bytes: bytes)
    case .planning(let records, let total): return ProgressState(.planning, done: records, of: total, records: records)
    case .asking: return ProgressState(.asking, done: 0, of: nil, records: 0)
    case .sending(let delivery, let planned):
      var sending = ProgressState.Sending()
      sending.requests = delivery.requestCount
      sending.retries = delivery.retryCount
      sending.inFlight = delivery.inFlightCount
      sending.lanes = delivery.laneCount
      sending.lastTrouble = delivery.lastTrouble
      let wait = delivery.holdUp.map { $0 / .seconds(1) - waited } ?? 0
      sending.waitSeconds = wait > 0 ? wait : nil
      let accepted = planned.eventsBefore + delivery.acceptedEventCount
      return ProgressState(
        .sending, done: accepted, of: planned.events, records: accepted, bytes: planned.bytesBefore + delivery.acceptedByteCount,
        sending: sending)
    }
  }
}

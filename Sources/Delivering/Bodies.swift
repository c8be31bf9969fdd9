internal import Bytes
internal import NIOCore
package import Vocabulary

/// A body on its way out: its number in the run, its bytes, and which body must be accepted before it.
package struct OutgoingBody: Sendable {
  /// The body's place in the run. A source hands bodies out in strictly ascending order.
  package var number: Int
  /// The number of a body that must be accepted, and its receipt kept, before this one is sent. Always smaller than `number`. A
  /// body that this source never handed out counts as accepted by an earlier run.
  package var waitsFor: Int?
  /// The exact bytes to send, UTF-8. A body sent again sends the same bytes.
  let payload: ByteBuffer
  /// Events in the body; what `DeliverySettings.rate` counts.
  package var eventCount: Int
  /// Whether these bytes are a part of the body, and others of the same number may follow (`BodySource.nextPart`).
  package var isPart: Bool

  /// A body of these bytes, which are copied.
  package init(number: Int, waitsFor: Int? = nil, bytes: Span<UInt8>, eventCount: Int, isPart: Bool = false) {
    self.number = number
    self.waitsFor = waitsFor
    var payload = ByteBuffer()
    payload.reserveCapacity(bytes.count)
    payload.writeBytes(raw(bytes))
    self.payload = payload
    self.eventCount = eventCount
    self.isPart = isPart
  }
}

/// The server's word that it will not take a body, or a part of one: 400 or 413.
package struct Refusal: Sendable, Equatable {
  package var status: Int
  /// What the server said, on one line, control characters made visible; at most 500 bytes, and empty when it said nothing.
  package var words: String
  /// Requests made in this delivery for what is refused, the refused one included.
  package var attemptCount: Int

  package init(status: Int, words: String, attemptCount: Int) {
    self.status = status
    self.words = words
    self.attemptCount = attemptCount
  }
}

/// The server's word that it took a body. It says accepted, never imported: the server has queued the body and not yet validated
/// it.
package struct Receipt: Sendable, Equatable {
  package var number: Int
  /// The HTTP status: 204 unless `DeliverySettings.acceptedStatuses` allows others.
  package var status: Int
  /// Requests made for this body in this delivery, the accepted one included.
  package var attemptCount: Int
  /// When the answer arrived, in epoch milliseconds, by this machine's clock.
  package var acceptedAt: Int64
  /// From the beginning of the accepted request to its answer.
  package var took: Duration
  /// The other requests, by how and when they ended.
  package var setbacks: [RequestFailure: Int]

  package init(
    number: Int, status: Int, attemptCount: Int, acceptedAt: Int64, took: Duration = .zero, setbacks: [RequestFailure: Int] = [:]
  ) {
    self.number = number
    self.status = status
    self.attemptCount = attemptCount
    self.acceptedAt = acceptedAt
    self.took = took
    self.setbacks = setbacks
  }
}

/// Where bodies come from.
package protocol BodySource: Sendable {
  /// The next body in ascending order of number; nil after the last. Asked one at a time, and only when a lane is free to send,
  /// so that at most lanes + 1 of those handed out are in memory. What it throws ends the delivery with that failure, after the
  /// requests in flight.
  func nextBody() async throws(RunFailure) -> OutgoingBody?
  /// The next part of a body that is sent in parts; nil when nothing of it is left. Asked after the server refused the body or a part of
  /// it, with the refusal, and after the receipt of a part was kept, without one; for one body one at a time. What it throws ends the
  /// delivery with that failure, after the requests in flight.
  func nextPart(of number: Int, after refusal: Refusal?) async throws(RunFailure) -> OutgoingBody?
}

/// Where receipts are kept.
package protocol ReceiptKeeper: Sendable {
  /// Keeps a receipt; durable when it returns. Called before a body that waits for this one may go, and from several lanes at
  /// once. What it throws ends the delivery with that failure, after the requests in flight.
  func keep(_ receipt: Receipt) async throws(RunFailure)
}

/// Where a delivery stands; handed to `progress` after every change, one call at a time.
package struct DeliveryProgress: Sendable, Equatable {
  /// Bodies of which nothing is left to send.
  package var acceptedBodyCount = 0
  package var acceptedEventCount = 0
  package var acceptedByteCount = 0
  package var requestCount = 0
  /// Requests that sent a body again.
  package var retryCount = 0
  package var inFlightCount = 0
  /// Requests that may be in flight now.
  package var laneCount = 0
  /// Bodies given up for this run because the server kept failing on them, or because they wait for such a body.
  package var setAsideCount = 0
  /// The last thing that went wrong, for a person: `the server answered 503`. Nil while all goes well.
  package var trouble: String?
  /// The same, also when all goes well again.
  package var lastTrouble: String?
  /// Time until lanes may send again, when a back-off or the rate holds them all.
  package var holdUp: Duration?

  package init() {}
}

/// How a delivery ended.
package enum DeliveryOutcome: Sendable, Equatable {
  /// Every body of the source was accepted, whole or in those parts that the server takes, and the receipts are kept.
  case complete
  /// Not all were. The failure carries the exit status, and says where, what, and what to do next.
  case stopped(RunFailure)
}

/// What a delivery did.
package struct DeliveryReport: Sendable, Equatable {
  package var outcome: DeliveryOutcome
  /// Bodies of which nothing is left to send, receipts kept, in this delivery.
  package var acceptedBodyCount: Int
  package var requestCount: Int
  package var retryCount: Int
  /// Requests that might be in flight at the end; 0 when none was ever made.
  package var laneCount: Int
  /// Bodies that the server failed at while it accepted others.
  package var setAsideCount = 0
  /// Requests by how they ended: a status, or one of `Exchange.word`.
  package var answers: [String: Int] = [:]
  /// Of the requests that were not accepted those that no receipt tells of.
  package var failures: [RequestFailure: Int] = [:]
}

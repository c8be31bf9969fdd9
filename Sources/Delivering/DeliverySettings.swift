import Vocabulary

/// How to deliver: where to, how fast, and how patiently.
package struct DeliverySettings: Sendable {
  /// The URL to POST to, `http` or `https`.
  package var address: String
  /// Requests in flight at once, 1 or more; at most so many when they adapt.
  package var laneCount: Int
  /// Whether the number of requests in flight adapts to the server, beginning with `Limits.lanes`.
  package var lanesAdapt = false
  /// Whether the server is asked to answer unusable requests with a status instead of dropping them silently
  /// (`X-Optimizely-Strict`).
  package var strict = true
  /// The statuses that accept a body. 204 unless the address is somebody's own server. Source: OpenAPI 1.3.0, `POST /v1/events`.
  package var acceptedStatuses: Set<Int> = [204]
  /// How long bodies may fail without any success before the run stops, resumable. Counted from the first failure after a
  /// success.
  package var retryFor: Duration = .seconds(1800)
  /// The longest one request may take, connecting and reading the answer included.
  package var requestTimeLimit: Duration = .seconds(Limits.requestSeconds)
  /// The longest that not a byte of the answer may come once the body was handed to the system; sending it on is part of this time.
  package var idleTimeLimit: Duration = .seconds(Limits.requestSeconds / 2)
  /// The longest a connection may take to be there, TLS included.
  package var connectTimeLimit: Duration = .seconds(Limits.connectSeconds)
  /// Events a second, at most; nil for as fast as the lanes go.
  package var rate: Double?
  package var userAgent = "optireplay"
  /// A PEM file of certificate authorities to trust instead of the system's. Nil: `SSL_CERT_FILE`, when set.
  package var caFile: String?
  /// An HTTP or SOCKS proxy, `http://host:port` or `socks5://host:port`. Nil: `https_proxy`, `http_proxy` and `no_proxy`, when
  /// set.
  package var proxy: String?
  /// The seed of the jitter in back-off delays.
  package var seed: UInt64
  /// Whether the address has ever accepted a body of this account: until then a refusal ends the delivery, later it concerns one body.
  package var hasAcceptedBefore: Bool

  package init(address: String, laneCount: Int, seed: UInt64, hasAcceptedBefore: Bool) {
    precondition(laneCount >= 1, "a delivery needs a lane")
    self.address = address
    self.laneCount = laneCount
    self.seed = seed
    self.hasAcceptedBefore = hasAcceptedBefore
  }
}

/// The limits of a delivery.
enum DeliveryLimits {
  /// The first back-off is drawn from 0 to this; it doubles with each failure.
  static let firstBackoff: Duration = .seconds(1)
  /// The longest back-off that we choose ourselves.
  static let longestBackoff: Duration = .seconds(60)
  /// The longest delay that we let a server ask for with `Retry-After`; more is taken as this.
  static let longestRetryAfter: Duration = .seconds(86_400)
  /// A body is set aside when this many of its requests failed with 5xx while the server accepted other bodies in between.
  static let refusalsBeforeSetAside = 6
  /// Bytes of an answer that are read before the connection is given up.
  static let answerBytes = 16 << 10
  /// Bytes of an answer that a message quotes.
  static let wordBytes = 500
  /// Bytes of a header value that a message quotes.
  static let headerBytes = 200
  /// Idle connections are dropped after this. Servers close theirs after about a minute, and a request sent into that moment is
  /// lost.
  static let idleConnection: Duration = .seconds(20)
  /// Round trips that differ by less are as long as each other.
  static let roundTripSlack: Duration = .milliseconds(20)
  /// An event that comes later than this after the latest time when it should was held up by this machine, not by the server.
  static let lateness: Duration = .seconds(5)
  /// Numbers of set-aside bodies that a message names.
  static let namedBodies = 5
}

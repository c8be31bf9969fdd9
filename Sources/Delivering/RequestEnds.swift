/// How the requests of a delivery ended.
struct RequestEnds {
  /// All of them.
  private(set) var all: [String: Int] = [:]
  private var setbacksOfBodies: [Int: [String: Int]] = [:]

  /// Those of a body that will be sent again, since it or a part of it was last accepted or refused.
  func setbacks(of number: Int) -> [String: Int] { setbacksOfBodies[number] ?? [:] }

  mutating func add(_ exchange: Exchange, of number: Int, isSetback: Bool) {
    all[exchange.word, default: 0] += 1
    if isSetback { setbacksOfBodies[number, default: [:]][exchange.word, default: 0] += 1 } else { setbacksOfBodies[number] = nil }
  }
}

extension Exchange {
  /// How the request ended: the status that the server answered with, or why there is none. The words are a promise.
  var word: String {
    switch self {
    case .answered(let answer): "\(answer.status)"
    case .broken(.unresolved): "host_not_found"
    case .broken(.refused): "no_connection"
    case .broken(.connectTimedOut): "connection_timeout"
    case .broken(.timedOut): "timeout"
    case .broken(.silent): "silence"
    case .broken(.untrusted): "untrusted_certificate"
    case .broken(.handshake): "no_secure_connection"
    case .broken(.lost): "connection_lost"
    case .broken(.unusable): "unusable_address"
    case .broken(.givenUp): "given_up"
    }
  }
}

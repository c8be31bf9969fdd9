import Vocabulary

/// How the requests of a delivery ended.
///
/// Memory: what no receipt tells of, which is what bodies in flight and refused ones met, counted by the second.
struct RequestEnds {
  enum Meaning {
    /// The body was accepted, and its receipt is kept.
    case kept
    /// The body was accepted, but its receipt could not be kept.
    case accepted
    /// It will be sent again.
    case setback
    /// It will not, or not whole.
    case failed
  }

  /// All of them.
  private(set) var all: [String: Int] = [:]
  private var setbacksOfBodies: [Int: [RequestFailure: Int]] = [:]
  private var others: [RequestFailure: Int] = [:]

  /// Those of a body that will be sent again, since it or a part of it was last accepted or refused.
  func setbacks(of number: Int) -> [RequestFailure: Int] { setbacksOfBodies[number] ?? [:] }

  /// Those that no receipt tells of.
  var untold: [RequestFailure: Int] { setbacksOfBodies.values.reduce(others) { $0.merging($1, uniquingKeysWith: +) } }

  mutating func add(_ exchange: Exchange, of number: Int, _ meaning: Meaning, endedAt: Int64, took: Duration) {
    all[exchange.word, default: 0] += 1
    let failure = RequestFailure(answer: exchange.word, endedAt: endedAt, took: took)
    if meaning == .setback {
      setbacksOfBodies[number, default: [:]][failure, default: 0] += 1
      return
    }
    let setbacks = setbacksOfBodies.removeValue(forKey: number) ?? [:]
    if meaning == .kept { return }
    others.merge(setbacks, uniquingKeysWith: +)
    if meaning == .failed { others[failure, default: 0] += 1 }
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

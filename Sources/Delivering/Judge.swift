import Vocabulary

/// What a server said, as far as a delivery looks: the status, some headers, and the beginning of the body.
struct Answer: Sendable, Equatable {
  var status: Int
  var retryAfter: [String] = []
  /// When the server sent it, by the server's clock.
  var date: String?
  var location: String?
  var contentType: String?
  var words: [UInt8] = []
}

/// Why a request got no answer.
enum Breakage: Error, Sendable, Equatable {
  case unresolved(host: String)
  case refused(String)
  case connectTimedOut
  case timedOut
  /// Not a byte of an answer came for the idle time limit.
  case silent
  /// The server's certificate can't be trusted; that does not heal by itself.
  case untrusted(String)
  case handshake(String)
  /// The connection was reset or closed under the request.
  case lost(String)
  /// The address, the proxy or a header can't be used at all.
  case unusable(String)
  /// We gave up the request ourselves, at the end of the drain.
  case givenUp
}

/// How a request ended.
enum Exchange: Sendable, Equatable {
  case answered(Answer)
  case broken(Breakage)
}

/// What follows from an exchange.
enum Verdict: Equatable {
  case accepted
  case retry(Setback)
  /// The server takes other bodies, but not this one as it is.
  case refused(status: Int, words: String)
  case end(RunFailure)
  case givenUp

  /// What it means for the requests that are counted.
  var meaning: RequestEnds.Meaning {
    switch self {
    case .accepted: .kept
    case .retry: .setback
    case .refused, .end, .givenUp: .failed
    }
  }
}

/// A failure that may heal.
struct Setback: Equatable {
  /// What happened, for a person, as in `the server answered 503`.
  var trouble: String
  /// Whether the server itself failed (5xx), which may be the body's doing.
  var isServerError = false
  /// Whether it may have failed because too much is asked of it at once: it throttles, stays silent, breaks off.
  var isStrain = false
  var retryAfter: Duration?
}

/// Judges exchanges: what accepts, what is worth another try, what ends the run and with which words.
struct Judge {
  /// The address as messages show it: without user, password and query.
  let place: String
  private let settings: DeliverySettings

  init(place: String, settings: DeliverySettings) {
    self.place = place
    self.settings = settings
  }

  /// Only the listed statuses accept; every other 2xx may be a login page or a proxy being polite.
  func accepts(_ exchange: Exchange) -> Bool {
    guard case .answered(let answer) = exchange else { return false }
    return settings.acceptedStatuses.contains(answer.status)
  }

  /// `hasAccepted` says whether the server has accepted a body of this delivery.
  func verdict(on exchange: Exchange, of number: Int, hasAccepted: Bool, epochMilliseconds: Int64) -> Verdict {
    if accepts(exchange) { return .accepted }
    switch exchange {
    case .broken(let breakage): return verdict(on: breakage)
    case .answered(let answer):
      switch answer.status {
      case 408, 425, 429, 500...599:
        return .retry(
          Setback(
            trouble: "the server answered \(answer.status)\(quoted(answer.words))", isServerError: answer.status >= 500,
            isStrain: Judge.strains.contains(answer.status),
            retryAfter: RetryAfter.delay(answer.retryAfter, sentAt: answer.date, epochMilliseconds: epochMilliseconds)))
      case 400, 413:
        guard hasAccepted || settings.hasAcceptedBefore else { return .end(firstRefusal(answer, of: number)) }
        return .refused(status: answer.status, words: ServerWords.visible(answer.words, limitBytes: DeliveryLimits.wordBytes))
      case 401, 403, 404, 405: return .end(stranger(answer, ", which no Event API does; check --endpoint"))
      case 300...399:
        let target = ServerWords.visible(header: answer.location).map { " and points to \($0)" } ?? " and names no other address"
        return .end(stranger(answer, "\(target); redirects are not followed; name the final address with --endpoint"))
      case 402...499:
        return .end(
          RunFailure(
            .configuration,
            "\(place): the server answered body \(number) with \(answer.status)\(quoted(answer.words)); check --endpoint "
              + "and what stands between it and here, then run the same command again"))
      case 200...299: return .end(stranger(answer, politeness(answer)))
      default: return .end(stranger(answer, ", which no Event API does; check --endpoint"))
      }
    }
  }

  private func verdict(on breakage: Breakage) -> Verdict {
    switch breakage {
    case .givenUp: .givenUp
    case .unresolved(let host): retry("the host name \(host) was not found")
    case .refused(let reason): retry("no connection: \(reason)")
    case .connectTimedOut: retry("no connection within \(spoken(settings.connectTimeLimit))", isStrain: true)
    case .timedOut: retry("no answer within \(spoken(settings.requestTimeLimit))", isStrain: true)
    case .silent: retry("not a byte of an answer for \(spoken(settings.idleTimeLimit))", isStrain: true)
    case .handshake(let reason): retry("no secure connection: \(reason)")
    case .lost(let reason): retry("the connection broke: \(reason)", isStrain: true)
    case .untrusted(let reason):
      .end(
        RunFailure(
          .notAnEventAPI,
          "\(place): the server's certificate is not trusted: \(reason); check --endpoint, "
            + "or name the authority's PEM file with --ca-file"
        ))
    case .unusable(let reason):
      .end(RunFailure(.configuration, "\(place): no request can be made: \(reason); check --endpoint and the proxy variables"))
    }
  }

  /// Statuses of a server, or of what stands before it, that has too much to do; 500 rather speaks of a body.
  private static let strains: Set<Int> = [408, 429, 502, 503, 504]

  private func retry(_ trouble: String, isStrain: Bool = false) -> Verdict {
    .retry(Setback(trouble: trouble, isStrain: isStrain))
  }

  /// A server that has never taken anything of this account most likely refuses all of it.
  private func firstRefusal(_ answer: Answer, of number: Int) -> RunFailure {
    let wayOut =
      "nothing was accepted yet, so check --account-id and the mapping"
      + (answer.status == 413 ? ", try a smaller --max-body-bytes" : "")
      + (settings.strict ? ", or pass --no-strict to let the server drop what it can't use" : "")
    return RunFailure(
      .configuration, "\(place): the server refused body \(number) with \(answer.status)\(quoted(answer.words)); \(wayOut)")
  }

  private func politeness(_ answer: Answer) -> String {
    let type = ServerWords.visible(header: answer.contentType).map { "content type \($0)" } ?? "no content type"
    let accepted = settings.acceptedStatuses.sorted().map(String.init).joined(separator: ", ")
    return
      " with \(type), but an Event API accepts with \(accepted); check --endpoint: a login page or a proxy may be answering; "
      + "a server of your own may need --accept-status"
  }

  /// `rest` goes on right after the status.
  private func stranger(_ answer: Answer, _ rest: String) -> RunFailure {
    RunFailure(.notAnEventAPI, "\(place): the server answered \(answer.status)\(rest)")
  }

  /// The server's words up to where they repeat what was sent, which is not for messages and logs.
  private func quoted(_ words: [UInt8]) -> String {
    let echo = ["visitors\"", "visitor_id\"", "visitors\\\"", "visitor_id\\\""].compactMap {
      words.firstRange(of: Array($0.utf8))?.lowerBound
    }.min()
    let text = ServerWords.visible(words.prefix(echo ?? words.count), limitBytes: DeliveryLimits.wordBytes)
    return text.isEmpty ? "" : ": \"\(text)\(echo == nil ? "" : "…")\""
  }
}

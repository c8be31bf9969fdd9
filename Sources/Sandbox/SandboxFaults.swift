internal import Bytes

/// Trouble on demand: which requests for events are answered in another way than an Event API would, to rehearse what then
/// happens.
///
/// Requests are numbered from 1 in the order in which they arrived whole. An outage goes before all rules, the first rule that names a
/// request before chance. Chance is a function of seed and number, so a rehearsal with one request at a time can be repeated.
package struct SandboxFaults: Sendable, Equatable {
  /// Which requests.
  package enum When: Sendable, Equatable {
    case always
    /// The k-th, the 2k-th, …
    case every(Int)
    /// Requests 1 to n.
    case first(Int)
    /// All from the n-th on.
    case from(Int)
    /// Those of a range, both ends included.
    case between(Int, Int)
    /// Requests whose body has these bytes in it, which must be some.
    case holding([UInt8])

    func includes(_ request: Int, _ body: Span<UInt8>) -> Bool {
      switch self {
      case .holding(let bytes): holds(bytes, body)
      case .always: true
      case .every(let step): step > 0 && request.isMultiple(of: step)
      case .first(let count): request <= count
      case .from(let first): request >= first
      case .between(let first, let last): request >= first && request <= last
      }
    }
  }

  /// What happens instead of the usual answer.
  package enum Act: Sendable, Equatable {
    /// The body is not looked at, and this status is the answer.
    case status(Int)
    /// Status 200 and a page that asks for a password, as a captive portal or proxy sends.
    case loginPage
    /// The connection is closed; nothing is stored.
    case dropBefore
    /// The body is judged and stored as usual, then the connection is closed: the answer is lost.
    case dropAfter
  }

  package struct Rule: Sendable, Equatable {
    package var act: Act
    package var when: When

    package init(_ act: Act, _ when: When) {
      self.act = act
      self.when = when
    }

    /// How one is written, for people.
    package static let form =
      "one is a status from 200 to 599, login-page, drop-before or drop-after, and, behind an @, every:K, first:N, from:N, N-M or holding:TEXT"

    /// Reads `ACT` or `ACT@WHEN`: an act is a status, `login-page`, `drop-before` or `drop-after`; a `when` is `every:K`,
    /// `first:N`, `from:N`, `N-M` or `holding:TEXT`. Nil for anything else.
    package init?(_ text: some StringProtocol) {
      let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      let act: Act? =
        switch parts[0] {
        case "login-page": .loginPage
        case "drop-before": .dropBefore
        case "drop-after": .dropAfter
        default: Int(parts[0]).flatMap { (200...599).contains($0) ? .status($0) : nil }
        }
      let when: When? = parts.count < 2 ? .always : When(parts[1])
      guard let act, let when else { return nil }
      self.init(act, when)
    }
  }

  package var rules: [Rule]
  /// How long every answer to a request for events is held back.
  package var delay: Duration
  /// Sent as `Retry-After` with the statuses of rules and of `fail`: seconds or a date, as it stands, or `date:` and how far the date lies
  /// ahead.
  package var retryAfter: String?
  /// How many requests are answered with one of `codes`; nothing of them is looked at.
  package var fail = Share.none
  package var codes = SandboxFaults.defaultCodes
  /// How many connections are closed before anything is stored.
  package var drop = Share.none
  /// How many bodies are stored and get no answer: the connection is closed.
  package var loseAnswers = Share.none
  /// When connections are closed and nothing is stored, counted from the first request.
  package var outages: [Outage] = []
  /// A body of more bytes is answered 413.
  package var bodyLimit: Int?
  /// What chance begins with.
  package var seed: UInt64 = 1

  package init(_ rules: [Rule] = [], delay: Duration = .zero, retryAfter: String? = nil) {
    self.rules = rules
    self.delay = delay
    self.retryAfter = retryAfter
  }

  /// No trouble.
  package static let none = SandboxFaults()
  static let defaultCodes = [503]

  /// What befalls a request, and why; nil for the usual answer. `time` has gone by since the first request.
  func trouble(on request: Int, after time: Duration, _ body: Span<UInt8>) -> (act: Act, cause: Cause)? {
    if outages.contains(where: { $0.includes(time) }) { return (.dropBefore, .outage) }
    for rule in rules where rule.when.includes(request, body) { return (rule.act, .rule) }
    return chance(request)
  }

  /// What the trouble comes from.
  enum Cause: Sendable { case outage, rule, fail, drop, loseAnswers, limit }

  private func chance(_ request: Int) -> (act: Act, cause: Cause)? {
    // One throw for all, so that shares add up and no request has two troubles.
    let first = SandboxFaults.scatter(SandboxFaults.scatter(seed) ^ UInt64(request))
    var part = Int(first.multipliedFullWidth(by: UInt64(Share.whole)).high)
    if part < fail.parts {
      // A factor of its own: which code must not hang on how clear the hit was.
      let which = SandboxFaults.scatter(first).multipliedFullWidth(by: UInt64(codes.count)).high
      return (.status(codes[Int(which)]), .fail)
    }
    part -= fail.parts
    if part < drop.parts { return (.dropBefore, .drop) }
    return part - drop.parts < loseAnswers.parts ? (.dropAfter, .loseAnswers) : nil
  }

  /// The output function of SplitMix64, whose bits all hang on all bits of the word.
  private static func scatter(_ word: UInt64) -> UInt64 {
    var word = word &+ 0x9e37_79b9_7f4a_7c15
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

extension SandboxFaults.When {
  fileprivate init?(_ text: some StringProtocol) {
    func number(after prefix: String) -> Int? {
      guard text.hasPrefix(prefix), let number = Int(text.dropFirst(prefix.count)), number > 0 else { return nil }
      return number
    }
    if text.hasPrefix("holding:"), text.utf8.count > 8 {
      self = .holding(Array(text.utf8.dropFirst(8)))
      return
    }
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    if let step = number(after: "every:") {
      self = .every(step)
    } else if let count = number(after: "first:") {
      self = .first(count)
    } else if let first = number(after: "from:") {
      self = .from(first)
    } else if ends.count == 2, let first = ends[0], let last = ends[1], first > 0, first <= last {
      self = .between(first, last)
    } else {
      return nil
    }
  }
}

extension SandboxFaults.Rule: CustomStringConvertible {
  /// As it is read.
  package var description: String {
    let name =
      switch act {
      case .status(let code): "\(code)"
      case .loginPage: "login-page"
      case .dropBefore: "drop-before"
      case .dropAfter: "drop-after"
      }
    return switch when {
    case .always: name
    case .every(let step): "\(name)@every:\(step)"
    case .first(let count): "\(name)@first:\(count)"
    case .from(let first): "\(name)@from:\(first)"
    case .between(let first, let last): "\(name)@\(first)-\(last)"
    case .holding(let bytes): "\(name)@holding:\(String(decoding: bytes, as: UTF8.self))"
    }
  }
}

/// Whether the bytes lie somewhere in a body.
private func holds(_ bytes: [UInt8], _ body: Span<UInt8>) -> Bool {
  var from = 0
  while let at = firstIndex(of: bytes[0], in: body, from: from), at + bytes.count <= body.count {
    if same(body.extracting(at..<(at + bytes.count)), bytes) { return true }
    from = at + 1
  }
  return false
}

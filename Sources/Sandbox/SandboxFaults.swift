internal import Bytes

/// Trouble on demand: which requests for events are answered in another way than an Event API would, to rehearse what then
/// happens.
///
/// Requests are numbered from 1 in the order in which they arrived whole. The first rule that names a request decides.
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

    /// Reads `ACT` or `ACT@WHEN`: an act is a status, `login-page`, `drop-before` or `drop-after`; a `when` is `every:K`,
    /// `first:N`, `from:N`, `N-M` or `holding:TEXT`. Nil for anything else.
    package init?(_ text: String) {
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
  /// Sent as `Retry-After` with the statuses of rules: seconds or a date, as it stands.
  package var retryAfter: String?

  package init(_ rules: [Rule] = [], delay: Duration = .zero, retryAfter: String? = nil) {
    self.rules = rules
    self.delay = delay
    self.retryAfter = retryAfter
  }

  /// No trouble.
  package static let none = SandboxFaults()

  func act(on request: Int, _ body: Span<UInt8>) -> Act? {
    for rule in rules where rule.when.includes(request, body) { return rule.act }
    return nil
  }
}

extension SandboxFaults.When {
  fileprivate init?(_ text: Substring) {
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

/// Whether the bytes lie somewhere in a body.
private func holds(_ bytes: [UInt8], _ body: Span<UInt8>) -> Bool {
  var from = 0
  while let at = firstIndex(of: bytes[0], in: body, from: from), at + bytes.count <= body.count {
    if same(body.extracting(at..<(at + bytes.count)), bytes) { return true }
    from = at + 1
  }
  return false
}

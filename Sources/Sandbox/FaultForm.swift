internal import Foundation
internal import Vocabulary

/// Trouble as people type it, field by field: flags, the page and JSON all read and write it here.
package struct FaultForm: Sendable {
  package struct Field: Sendable {
    package var name: String
    package var label: String
    package var hint: String
    /// Whether it has lines.
    package var isLong = false
    package var value: String
    /// What is wrong with the value.
    package var problem: String?
  }

  /// What has happened since the trouble was set.
  package struct Made: Sendable {
    package var label: String
    package var count: Int
  }

  package var fields: [Field]
  package var made: [Made]
  /// Since the first request, in whole seconds; nil before it.
  package var seconds: Int?
  /// Whether the trouble was set just now.
  package var isSet = false

  package var hasProblems: Bool { fields.contains { $0.problem != nil } }

  init(_ faults: SandboxFaults, _ tally: FaultGate.Tally) {
    fields = FaultForm.entries.map {
      Field(name: $0.name, label: $0.label, hint: $0.hint, isLong: $0.isLong, value: $0.write(faults))
    }
    made = [Made(label: "Requests", count: tally.requests)]
    made += FaultForm.causes.map { Made(label: $0.label, count: tally.causes[$0.cause, default: 0]) }
    seconds = tally.time.map { Int($0 / .seconds(1)) }
  }

  /// What is told of causes: as JSON names it, and for people.
  static let causes: [(cause: SandboxFaults.Cause, name: String, label: String)] = [
    (.outage, "in_outages", "Closed in an outage"), (.rule, "by_rules", "By a rule"), (.fail, "failed", "Answered with a failure"),
    (.drop, "dropped", "Dropped"), (.loseAnswers, "answers_lost", "Stored, answer lost"), (.limit, "over_limit", "Over the limit"),
  ]

  fileprivate struct Entry: Sendable {
    var name: String
    var label: String
    var hint: String
    var isLong = false
    var write: @Sendable (SandboxFaults) -> String
    /// Sets what holds without a text.
    var clear: @Sendable (inout SandboxFaults) -> Void
    /// Takes a text that is not empty, or says what is wrong with it.
    var read: @Sendable (String, inout SandboxFaults) -> String?
  }

  private static let shareWords = "a share is written 10% or 0.5%, 100% at most"

  private static let entries: [Entry] = [
    Entry(
      name: "fail", label: "Fail", hint: "Share of requests that are answered with a failure, such as 10%",
      write: { text($0.fail) }, clear: { $0.fail = .none }, read: { share($0, &$1.fail) }),
    Entry(
      name: "codes", label: "Codes", hint: "What failures are answered with: statuses from 400 to 599, divided by commas",
      write: { $0.codes.map(String.init).joined(separator: ",") }, clear: { $0.codes = SandboxFaults.defaultCodes }, read: codes),
    Entry(
      name: "retry_after", label: "Retry-After",
      hint: "Sent with failures: seconds (2), a date so far ahead (date:2s), or any other text as it stands; empty for none",
      write: { $0.retryAfter ?? "" }, clear: { $0.retryAfter = nil }, read: retryAfter),
    Entry(
      name: "drop", label: "Drop", hint: "Share of requests whose connection is closed before anything is stored",
      write: { text($0.drop) }, clear: { $0.drop = .none }, read: { share($0, &$1.drop) }),
    Entry(
      name: "lose_answers", label: "Lose answers",
      hint: "Share of requests that are stored and whose connection is closed without an answer",
      write: { text($0.loseAnswers) }, clear: { $0.loseAnswers = .none }, read: { share($0, &$1.loseAnswers) }),
    Entry(
      name: "slow", label: "Slow", hint: "How long every answer is held back, such as 200ms or 2s", write: { text($0.delay) },
      clear: { $0.delay = .zero }, read: slow),
    Entry(
      name: "outage", label: "Outages",
      hint: "When every connection is closed, counted from the first request, such as 30s..60s; several are divided by commas",
      write: { $0.outages.map(\.description).joined(separator: ",") }, clear: { $0.outages = [] }, read: outages),
    Entry(
      name: "limit", label: "Limit", hint: "A larger body is answered 413, such as 1MB; empty for the vendor’s 3.5 MB",
      write: { $0.bodyLimit.map(String.init) ?? "" }, clear: { $0.bodyLimit = nil }, read: limit),
    Entry(
      name: "rules", label: "Rules", hint: "One a line, as for --fault: 503@every:5, login-page@first:3, drop-after@10-20", isLong: true,
      write: { $0.rules.map(\.description).joined(separator: "\n") }, clear: { $0.rules = [] }, read: rules),
    Entry(
      name: "seed", label: "Seed", hint: "A whole number; the same one has the same requests hit", write: { "\($0.seed)" },
      clear: { $0.seed = 1 }, read: seed),
  ]
}

// MARK: values

extension FaultForm {
  private static func text(_ share: SandboxFaults.Share) -> String { share == .none ? "" : share.description }

  private static func text(_ time: Duration) -> String { time == .zero ? "" : TimeText(time).description }

  private static func share(_ text: String, _ share: inout SandboxFaults.Share) -> String? {
    guard let read = SandboxFaults.Share(text) else { return shareWords }
    share = read
    return nil
  }

  private static func codes(_ text: String, _ faults: inout SandboxFaults) -> String? {
    let codes = list(text, ",").map { Int($0) ?? 0 }
    guard codes.allSatisfy({ (400...599).contains($0) }), codes.count <= 100 else {
      return "codes are statuses from 400 to 599, such as 500,429"
    }
    faults.codes = codes
    return nil
  }

  private static func retryAfter(_ text: String, _ faults: inout SandboxFaults) -> String? {
    guard text.utf8.count <= 100, text.utf8.allSatisfy({ 0x20...0x7e ~= $0 }) else { return "a header is 100 characters of ASCII at most" }
    guard !text.hasPrefix(SandboxFaults.datePrefix) || TimeText(text.dropFirst(SandboxFaults.datePrefix.count)) != nil else {
      return "a date so far ahead is written date:2s"
    }
    faults.retryAfter = text
    return nil
  }

  private static func slow(_ text: String, _ faults: inout SandboxFaults) -> String? {
    guard let time = TimeText(text)?.duration, time <= .seconds(3600) else { return "a time is written 200ms, 2s or 5m, 1h at most" }
    faults.delay = time
    return nil
  }

  private static func outages(_ text: String, _ faults: inout SandboxFaults) -> String? {
    let outages = list(text, ",").map { SandboxFaults.Outage($0) }
    guard outages.allSatisfy({ $0 != nil }), outages.count <= 100 else {
      return "an outage is written 30s..60s, its beginning before its end"
    }
    faults.outages = outages.compactMap(\.self)
    return nil
  }

  private static func limit(_ text: String, _ faults: inout SandboxFaults) -> String? {
    guard let bytes = ByteCount(text)?.bytes, (1...Limits.bodyBytes).contains(bytes) else {
      return "a limit is a number of bytes from 1 to \(Limits.bodyBytes), such as 100000, 500KB or 1MB"
    }
    faults.bodyLimit = bytes
    return nil
  }

  private static func rules(_ text: String, _ faults: inout SandboxFaults) -> String? {
    var rules: [SandboxFaults.Rule] = []
    for line in text.split(whereSeparator: \.isNewline) where !line.allSatisfy(\.isWhitespace) {
      guard let rule = SandboxFaults.Rule(line) else {
        return "line \(rules.count + 1) is no rule; \(SandboxFaults.Rule.form)"
      }
      rules.append(rule)
    }
    guard rules.count <= 1000 else { return "there are more than 1,000 rules" }
    faults.rules = rules
    return nil
  }

  private static func seed(_ text: String, _ faults: inout SandboxFaults) -> String? {
    guard let seed = UInt64(text) else { return "a seed is a whole number from 0 on" }
    faults.seed = seed
    return nil
  }

  private static func list(_ text: String, _ divider: Character) -> [String] {
    text.split(separator: divider, omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
  }
}

// MARK: setting

extension SandboxFaults {
  /// Sets one field by its name in the form; an empty text sets what there is without it. Returns what is wrong with the text, and then has
  /// changed nothing. Precondition: there is such a field.
  package mutating func set(_ name: String, _ text: String) -> String? {
    guard let entry = FaultForm.entry(name) else { preconditionFailure("\(name) is a field of the form") }
    let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    if !text.isEmpty { return entry.read(text, &self) }
    entry.clear(&self)
    return nil
  }

  /// What is wrong with the whole.
  package var problem: String? {
    fail.parts + drop.parts + loseAnswers.parts <= Share.whole
      ? nil : "the shares of fail, drop and lose answers add up to more than 100%; no request has two troubles"
  }
}

extension FaultForm {
  fileprivate static func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }

  /// The trouble with what these fields say; fields that are not named stay. Nil when something is wrong: then the form shows what was typed,
  /// and what is wrong with it.
  mutating func read(_ typed: [(name: String, value: String)], into faults: SandboxFaults) -> SandboxFaults? {
    var faults = faults
    for (name, value) in typed {
      guard let place = fields.firstIndex(where: { $0.name == name }) else { continue }
      fields[place].value = value
      fields[place].problem = faults.set(name, value)
    }
    if !hasProblems, let problem = faults.problem { fields[0].problem = problem }
    return hasProblems ? nil : faults
  }

  static func has(_ name: String) -> Bool { entry(name) != nil }
}

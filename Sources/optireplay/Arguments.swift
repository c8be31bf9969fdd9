import ArgumentParser
import Foundation
import Grouping
import Normalizing
import Pipeline
import Synchronization
import Vocabulary

// How flags are read, and where their values come from when they are not given.

extension ByteCount: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

extension Endpoint: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

/// What `--endpoint` says, whatever that is: an error of the parser would repeat it, and it may hold a password.
struct EndpointText: ExpressibleByArgument {
  let text: String

  init(argument: String) { text = argument }
}

extension Allowance: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

extension OnConflict: ExpressibleByArgument {}
extension EarlyConversions: ExpressibleByArgument {}
extension IdenticalRows: ExpressibleByArgument {}

extension UnknownAttributes: ExpressibleByArgument {}
extension Activations: ExpressibleByArgument {}

extension FindingCode: ExpressibleByArgument {
  /// Only what can end an import need be accepted.
  package init?(argument: String) {
    guard let code = FindingCode(rawValue: argument), FindingCode.falsifying.contains(code) else { return nil }
    self = code
  }

  package static var allValueStrings: [String] { falsifying.map(\.rawValue) }
}

/// A length of time: `90s`, `30m`, `2h`, `1d`; a bare number is seconds.
struct TimeLength: ExpressibleByArgument {
  var duration: Duration

  init(_ duration: Duration) { self.duration = duration }

  init?(argument: String) {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    let unit = argument.last.flatMap { units[$0] }
    guard let count = Int(unit == nil ? argument[...] : argument.dropLast()), count >= 0, count <= 1_000_000 else { return nil }
    duration = .seconds(count * (unit ?? 1))
  }
}

/// A length of time with its unit, for what is older cannot be had back: a bare number would be seconds.
struct Age: ExpressibleByArgument {
  var duration: Duration

  init?(argument: String) {
    guard argument.last?.isLetter == true, let length = TimeLength(argument: argument), length.duration > .zero else { return nil }
    duration = length.duration
  }
}

/// `auto`, or a number of requests.
enum Concurrency: ExpressibleByArgument, Equatable {
  case auto
  case fixed(Int)

  init?(argument: String) {
    if argument == "auto" {
      self = .auto
    } else {
      guard let count = Int(argument) else { return nil }
      self = .fixed(count)
    }
  }
}

/// `KEY=ENTITY_ID`.
struct AttributeArgument: ExpressibleByArgument {
  var key: String
  var entity: String

  init?(argument: String) {
    guard let equals = argument.lastIndex(of: "=") else { return nil }
    key = String(argument[..<equals])
    entity = String(argument[argument.index(after: equals)...])
    guard !key.isEmpty, !entity.isEmpty else { return nil }
  }
}

/// One character that divides or quotes cells or begins comments: the character itself, `tab`, or (for quotes) `none`.
struct CellMark: ExpressibleByArgument {
  var text: String

  init(_ text: String) { self.text = text }

  init?(argument: String) {
    switch argument {
    case "tab", "\\t": text = "\t"
    case "none": text = ""
    default:
      guard argument.utf8.count == 1, let byte = argument.utf8.first, byte != 0x0a, byte != 0x0d, byte != 0 else { return nil }
      text = argument
    }
  }
}

enum LogFormat: String, ExpressibleByArgument, CaseIterable { case text, json }
extension InputFormat: ExpressibleByArgument {}
extension TextEncoding: ExpressibleByArgument {}
extension TimeWindow: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

/// What a flag says, else the environment, else the configuration, else nothing.
///
/// The variable of `--max-rejects` is `OPTIREPLAY_MAX_REJECTS`; one that is empty counts as not there. Its key is `max_rejects`.
enum Given {
  /// The flags that a configuration may set.
  static let names = [
    "account-id", "endpoint", "state", "preset", "format", "delimiter", "quote", "comment", "header", "skip", "encoding", "memory",
    "max-body-bytes", "on-conflict",
    "early-conversions", "identical-rows", "activations", "inherit-attributes", "unknown-attributes", "window", "exclude", "client-name",
    "project-id",
    "revision", "anonymize-ip",
    "enrich-decisions",
    "max-rejects",
    "allow-rejects", "accept", "keep-staging", "concurrency", "rate", "retry-for", "no-strict", "no-ledger", "accept-status", "max-refused",
    "request-timeout", "proxy", "ca-file",
    "time-limit", "stall-timeout", "yes", "json", "quiet", "log-format",
  ]

  static func key(_ name: String) -> String { name.replacing("-", with: "_") }

  private static let configured = Mutex<(file: String, values: [String: String], lines: [String: Int])>((file: "", values: [:], lines: [:]))

  /// Takes the values that a configuration has for flags that are not given, and the lines where they stand.
  static func use(_ values: [String: String], lines: [String: Int], from file: String) {
    configured.withLock { $0 = (file, values, lines) }
  }

  static func value<Value: ExpressibleByArgument>(_ flag: Value?, _ name: String) throws -> Value? {
    if let flag { return flag }
    guard let (text, place) = text(name) else { return nil }
    guard let value = Value(argument: text) else { throw refusal(text, place, name, Value.allValueStrings) }
    return value
  }

  static func endpoint(_ flag: EndpointText?) throws -> Endpoint? {
    guard let flag else { return try value(Endpoint?.none, "endpoint") }
    guard let endpoint = Endpoint(flag.text) else {
      throw RunFailure(.usage, "--endpoint names none; it takes us, eu, sandbox, or an http or https URL")
    }
    return endpoint
  }

  static func list<Value: ExpressibleByArgument>(_ flags: [Value], _ name: String) throws -> [Value] {
    if !flags.isEmpty { return flags }
    guard let (text, place) = text(name) else { return [] }
    return try text.split(separator: ",").map { part in
      guard let value = Value(argument: String(part)) else { throw refusal(String(part), place, name, Value.allValueStrings) }
      return value
    }
  }

  static func flag(_ flag: Bool, _ name: String) throws -> Bool {
    if flag { return true }
    guard let (text, place) = text(name) else { return false }
    switch text.lowercased() {
    case "0", "false", "no": return false
    case "1", "true", "yes": return true
    default: throw refusal(text, place, name, ["true", "false"])
    }
  }

  /// Says that a text is no value of a flag, and which are when they are few.
  private static func refusal(_ text: String, _ place: String, _ name: String, _ words: [String]) -> RunFailure {
    // These may hold a password, and messages are kept.
    let text = ["endpoint", "proxy"].contains(name) ? "what it says" : text
    let closest = closest(to: text, among: words).map { "; did you mean \($0)?" } ?? ""
    let takes = words.isEmpty ? "" : ", which takes \(words.joined(separator: ", "))"
    return RunFailure(.configuration, "\(place): \(text) is no value of --\(name)\(takes)\(closest)")
  }

  /// The value's text, and where it stands.
  private static func text(_ name: String) -> (text: String, place: String)? {
    if let text = ProcessInfo.processInfo.environment[variable(name)], !text.isEmpty {
      return (text, "the environment variable \(variable(name))")
    }
    return configured.withLock { configured in
      configured.values[key(name)].flatMap { text in
        text.isEmpty ? nil : (text, "\(configured.file):\(configured.lines[key(name)].map { "\($0): " } ?? " ")\(key(name))")
      }
    }
  }

  private static func variable(_ name: String) -> String {
    "OPTIREPLAY_" + name.uppercased().replacing("-", with: "_")
  }
}

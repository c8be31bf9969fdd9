import Foundation

/// The way of one event, or of a row that became none, as `explain` tells it. The JSON names are a promise. Visitor data: somebody asked for it.
package struct EventWay: Sendable, Equatable, Encodable {
  package enum Fate: String, Sendable, Encodable {
    case accepted
    case alreadyAccepted = "already_accepted"
    case duplicate, filtered, rejected, pending
  }

  /// The row as it stands in its input.
  package struct Row: Sendable, Equatable, Encodable {
    package var file: String
    package var line: Int
    package var byte: Int
    /// The row's text; nil when it cannot be told.
    package var text: String?
    /// Why the text cannot be told.
    package var absent: String?

    package init(file: String, line: Int, byte: Int) {
      self.file = file
      self.line = line
      self.byte = byte
    }
  }

  /// What was sent, or will be.
  package struct Body: Sendable, Equatable, Encodable {
    package var number: Int
    /// What it is called when the server refused the whole and this is a part of it: `7.0.1`; nil for a whole body.
    package var part: String?
    package var bytes: Int
    package var events: Int
    /// 32 hexadecimal digits; nil before the first request.
    package var digest: String?
    package var waitsFor: Int?

    package init(number: Int, bytes: Int, events: Int) {
      self.number = number
      self.bytes = bytes
      self.events = events
    }

    enum CodingKeys: String, CodingKey {
      case number, part, bytes, events, digest
      case waitsFor = "waits_for"
    }
  }

  package struct Receipt: Sendable, Equatable, Encodable {
    package var status: Int
    package var attempts: Int
    /// Epoch milliseconds.
    package var acceptedAt: Int64

    package init(status: Int, attempts: Int, acceptedAt: Int64) {
      self.status = status
      self.attempts = attempts
      self.acceptedAt = acceptedAt
    }

    enum CodingKeys: String, CodingKey {
      case status, attempts
      case acceptedAt = "accepted_at"
    }
  }

  package struct Run: Sendable, Equatable, Encodable {
    package var run: Int64
    package var phase: String
    package var account: String
    package var endpoint: String

    package init(run: Int64, phase: String, account: String, endpoint: String) {
      self.run = run
      self.phase = phase
      self.account = account
      self.endpoint = endpoint
    }
  }

  package struct Event: Sendable, Equatable, Encodable {
    package var visitor: String
    package var uuid: String
    package var record: String
    package var timestamp: Int64
    /// The event's JSON text as a body holds it.
    package var text: String?

    package init(visitor: String, uuid: String, record: String, timestamp: Int64) {
      self.visitor = visitor
      self.uuid = uuid
      self.record = record
      self.timestamp = timestamp
    }
  }

  /// Nil for a row that became no event.
  package var event: Event?
  /// Nil when nothing but the ledger is left to tell of the event.
  package var row: Row?
  package var fate: Fate
  /// Why it was filtered or rejected, what it is a duplicate of, or what it waits for; for people.
  package var reason: String?
  package var body: Body?
  package var receipt: Receipt?
  package var run: Run

  package init(_ fate: Fate, run: Run, reason: String? = nil) {
    self.fate = fate
    self.run = run
    self.reason = reason
  }

  /// One line of JSON, keys sorted.
  package func json() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Texts and whole numbers can always be written.
    return try! String(decoding: encoder.encode(self), as: UTF8.self)
  }

  /// The whole way, in several lines.
  package func text() -> String {
    var lines: [String] = []
    if let event {
      lines.append("\(event.record) \(event.uuid) of visitor \(event.visitor) at \(EventWay.time(event.timestamp))")
    } else {
      lines.append("a row that became no event")
    }
    if let row {
      lines.append("  row      \(row.file):\(row.line), byte \(grouped(row.byte))")
      if let text = row.text { lines.append("           \(text)") }
      if let absent = row.absent { lines.append("           not here: \(absent)") }
    }
    if let text = event?.text { lines.append("  event    \(text)") }
    lines.append("  fate     \(words)")
    if let body {
      let name = body.part.map { "part \($0)" } ?? "\(body.number)"
      lines.append(
        "  body     \(name), \(counted(body.events, "event")), \(grouped(body.bytes)) bytes"
          + (body.digest.map { ", digest \($0)" } ?? ", not composed for sending yet")
          + (body.waitsFor.map { ", waits for body \($0)" } ?? ""))
    }
    if let receipt {
      lines.append("  request  \(counted(receipt.attempts, "attempt"))")
      lines.append("  receipt  status \(receipt.status) at \(EventWay.time(receipt.acceptedAt))")
    }
    lines.append("  run      \(run.run), \(run.phase), account \(run.account), \(run.endpoint)")
    return lines.joined(separator: "\n")
  }

  /// The way in one line, for lists.
  package func line() -> String {
    var words = [event.map { "\(EventWay.time($0.timestamp))  \($0.record)  \($0.uuid)" } ?? "no event"]
    if let row { words.append("\(row.file):\(row.line)") }
    words.append(self.words)
    words.append("run \(run.run)" + (body.map { ", body \($0.part ?? "\($0.number)")" } ?? ""))
    return words.joined(separator: "  ")
  }

  private var words: String {
    fate.rawValue.replacing("_", with: " ") + (reason.map { ": \($0)" } ?? "")
  }

  /// A time as ISO 8601 with milliseconds, in UTC.
  static func time(_ milliseconds: Int64) -> String {
    let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    return date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }
}

/// A text as a JSON string.
package func jsonText(_ text: String) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .withoutEscapingSlashes
  // A text can always be written.
  return try! String(decoding: encoder.encode(text), as: UTF8.self)
}

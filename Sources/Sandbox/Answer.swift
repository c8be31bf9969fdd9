internal import EventAPI
internal import Foundation
internal import NIOCore
internal import NIOHTTP1

/// What a request is answered with.
struct Answer: Sendable {
  var status: HTTPResponseStatus
  var type = "text/plain; charset=utf-8"
  var body: [UInt8] = []
  var headers: [(String, String)] = []

  init(_ status: HTTPResponseStatus) { self.status = status }

  init(_ status: HTTPResponseStatus, text: String) {
    self.status = status
    body = Array(text.utf8)
  }

  /// Words as the Event API gives them.
  init(_ status: HTTPResponseStatus, message: String) {
    self.init(status)
    type = "application/json"
    body = Answer.json(["message": message])
  }

  init(_ failure: SandboxFailure) { self.init(.internalServerError, message: failure.description) }

  init(json value: some Encodable) {
    self.init(.ok)
    type = "application/json"
    body = Answer.json(value)
  }

  /// A page of ours for a browser, which asks each time whether there is a newer edition.
  init(page html: String, policy: String, edition: String) {
    self.init(.ok, text: html)
    type = "text/html; charset=utf-8"
    headers = [
      ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
      ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
    name(edition)
  }

  /// A page with a form of ours. It names itself to its own server alone: a browser that is to send no referrer sends no origin either.
  init(_ status: HTTPResponseStatus, form html: String, policy: String) {
    self.init(status, text: html)
    type = "text/html; charset=utf-8"
    headers = [
      ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"),
      ("Cross-Origin-Resource-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"), ("Cache-Control", "no-store"),
    ]
  }

  /// What the client holds is what there is.
  init(unchanged edition: String) {
    self.init(.notModified)
    name(edition)
  }

  private mutating func name(_ edition: String) { headers += [("Cache-Control", "no-cache"), ("ETag", edition)] }

  private static func json(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return Array(try encoder.encode(value)) + [0x0a]
    } catch {
      preconditionFailure("numbers and names have a JSON form: \(error)")
    }
  }

  /// The usual answers to a body. Without strict mode the vendor drops what it cannot use, and says nothing.
  init(_ outcome: BodyKeeper.Outcome, strict: Bool) {
    switch outcome {
    case .stored, .repeated, .counted: self.init(.noContent)
    case .faulty(let fault) where strict: self.init(.badRequest, message: fault.description)
    case .faulty: self.init(.noContent)
    case .failed(let failure): self.init(failure)
    }
  }

  /// The answer of a rule; nil when the rule drops the connection or leaves the answer alone.
  init?(_ act: SandboxFaults.Act, retryAfter: String?) {
    switch act {
    case .status(let code):
      let status = HTTPResponseStatus(statusCode: code)
      self.init(status)
      if status.mayHaveResponseBody { self.init(status, message: "the sandbox answers \(code)") }
      if let retryAfter { headers.append(("Retry-After", retryAfter)) }
    case .loginPage:
      self.init(
        .ok,
        text: "<!DOCTYPE html><title>Sign in</title><form method=\"post\"><input type=\"password\" name=\"password\"></form>\n")
      type = "text/html; charset=utf-8"
    case .dropBefore, .dropAfter: return nil
    }
  }

  static func tooLarge(_ limit: Int) -> Answer {
    Answer(.payloadTooLarge, message: "the body has more than \(limit) bytes, the most that are taken; split it")
  }

  static let about = Answer(
    .ok,
    text: """
      The built-in Event API of optireplay. It judges and stores what it is sent; nothing leaves this machine.

      POST /v1/events      takes a body of events; X-Optimizely-Strict: true has faults answered with 400
      GET  /               a results page of everything stored, where there is one
      GET  /results.json   what a results page would show for everything stored
      GET  /status.json    what was received: requests, bodies, events, and what came more than once
      GET  /faults         trouble on demand, seen and, with POST, set; /faults.json for programs, where there is one

      """)
}

/// What is done with a request, as its head tells.
enum Route: Sendable {
  case events(strict: Bool)
  /// The page, unless the client has this edition of it.
  case page(held: String?)
  case results, status
  /// The trouble on demand, seen or set.
  case faults(isJSON: Bool, isSet: Bool)
  case setFaults(isJSON: Bool)
  case refuse(Answer)

  init(_ head: HTTPRequestHead, bodyLimit: Int) {
    let path = head.uri.prefix { $0 != "?" }
    let page: Route? =
      switch path {
      case "/": .page(held: head.headers.first(name: "If-None-Match"))
      case "/results.json": .results
      case "/status.json": .status
      default: nil
      }
    if path == "/faults" || path == "/faults.json" {
      let isJSON = path == "/faults.json"
      switch head.method {
      case .GET: self = .faults(isJSON: isJSON, isSet: head.uri.hasSuffix("?set"))
      case .POST: self = .setFaults(isJSON: isJSON)
      default: self = Route.wrongMethod(head.method, path, allowed: "GET, POST")
      }
    } else if let page {
      self = head.method == .GET ? page : Route.wrongMethod(head.method, path, allowed: "GET")
    } else if path != "/v1/events" {
      self = .nothing
    } else if head.method != .POST {
      self = Route.wrongMethod(head.method, path, allowed: "POST")
    } else if head.headers[canonicalForm: "Content-Encoding"].contains(where: { $0.lowercased() != "identity" }) {
      self = .refuse(Answer(.unsupportedMediaType, message: "the content encoding is not taken; send the body without one"))
    } else if Route.contentLength(head) ?? 0 > bodyLimit {
      self = .refuse(.tooLarge(bodyLimit))
    } else {
      self = .events(strict: head.headers.first(name: "X-Optimizely-Strict")?.lowercased() == "true")
    }
  }

  static let nothing = Route.refuse(
    Answer(.notFound, message: "there is nothing at this path; events go to /v1/events, and / says what else there is"))

  static func contentLength(_ head: HTTPRequestHead) -> Int? { head.headers.first(name: "Content-Length").flatMap { Int($0) } }

  private static func wrongMethod(_ method: HTTPMethod, _ path: Substring, allowed: String) -> Route {
    var answer = Answer(.methodNotAllowed, message: "\(path) takes \(allowed) requests only")
    answer.headers.append(("Allow", allowed))
    return .refuse(answer)
  }
}

internal import Foundation
internal import NIOHTTP1

/// A form as browsers and `curl -d` send it (application/x-www-form-urlencoded).
enum FormText {
  /// Bytes that one may have.
  static let limit = 1 << 16

  /// The members of a JSON object of texts and whole numbers, by name; nil when it is something else.
  static func members(_ bytes: some Collection<UInt8>) -> [(name: String, value: String)]? {
    guard let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else { return nil }
    var members: [(name: String, value: String)] = []
    for (name, value) in object.sorted(by: { $0.key < $1.key }) {
      guard let text = value as? String ?? (value as? Int).map({ "\($0)" }) else { return nil }
      members.append((name, text))
    }
    return members
  }

  /// Names and values in their order. A % that begins no escape stands for itself, as people type it.
  static func fields(_ bytes: some Collection<UInt8>) -> [(name: String, value: String)] {
    bytes.split(separator: UInt8(ascii: "&")).map { field in
      let parts = field.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      return (plain(parts[0]), parts.count > 1 ? plain(parts[1]) : "")
    }
  }

  private static func plain(_ bytes: some Collection<UInt8>) -> String {
    let bytes = Array(bytes)
    var decoded: [UInt8] = []
    var at = 0
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.count,
        let byte = UInt8(String(decoding: bytes[(at + 1)...(at + 2)], as: UTF8.self), radix: 16), bytes[at + 1] != UInt8(ascii: "+")
      {
        decoded.append(byte)
        at += 3
      } else {
        decoded.append(bytes[at] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[at])
        at += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }
}

extension SandboxCore {
  /// The trouble as it is, as a page or as JSON.
  func showFaults(isJSON: Bool, isSet: Bool) -> Answer {
    let (faults, tally) = faults.shown
    guard isJSON else {
      var form = FaultForm(faults, tally)
      form.isSet = isSet
      return page(.ok, form)
    }
    return Answer(json: FaultJSON(faults, tally))
  }

  /// Sets what a form says, or says what is wrong with it and changes nothing.
  func setFaults(_ bytes: some Collection<UInt8>, isJSON: Bool) -> Answer {
    guard let typed = isJSON && bytes.first == UInt8(ascii: "{") ? FormText.members(bytes) : FormText.fields(bytes) else {
      return Answer(.badRequest, message: "this is no JSON object of texts and numbers, such as {\"fail\": \"10%\", \"seed\": 1}")
    }
    let (current, tally) = faults.shown
    var form = FaultForm(current, tally)
    if let unknown = typed.first(where: { !FaultForm.has($0.name) }) {
      let names = form.fields.map(\.name).joined(separator: ", ")
      return Answer(.badRequest, message: "\(unknown.name.prefix(100)): there is no such field; the fields are \(names)")
    }
    guard let new = form.read(typed, into: current) else {
      guard isJSON else { return page(.badRequest, form) }
      let problems = form.fields.compactMap { field in field.problem.map { "\(field.name): \($0)" } }
      return Answer(.badRequest, message: problems.joined(separator: "; "))
    }
    faults.set(new)
    guard !isJSON else { return showFaults(isJSON: true, isSet: true) }
    // Asked for anew, so that reloading the page sets nothing again.
    var answer = Answer(.seeOther)
    answer.headers = [("Location", "/faults?set")]
    return answer
  }

  private func page(_ status: HTTPResponseStatus, _ form: FaultForm) -> Answer {
    guard let page = faultsPage else { preconditionFailure("only a server with pages shows trouble") }
    return Answer(status, form: page.html(form), policy: page.policy)
  }
}

/// What `faults.json` says. The names are a promise.
private struct FaultJSON: Encodable {
  var faults: [String: String] = [:]
  var made: [String: Int] = [:]
  var seconds: Double?

  init(_ set: SandboxFaults, _ tally: FaultGate.Tally) {
    for field in FaultForm(set, tally).fields { faults[field.name] = field.value }
    made["requests"] = tally.requests
    for cause in FaultForm.causes { made[cause.name] = tally.causes[cause.cause, default: 0] }
    seconds = tally.time.map { Double(Int($0 / .milliseconds(1))) / 1000 }
  }
}

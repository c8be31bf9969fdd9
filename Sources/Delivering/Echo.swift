/// A server's words without what they repeat of visitors: for each text that the body has at a place where visitors' data stand, an ellipsis.
///
/// Found is what stands there letter by letter, in whichever case, also as a URL writes it, between characters that are no letters or digits.
/// Ids of the project and names of the API stay, for they are what is to be mended. Takes as long as reading the body once; called when a
/// request failed.
struct Echo {
  /// Names whose values say nothing of a visitor.
  private static let harmless: Set<[UInt8]> = Set(
    [
      "account_id", "project_id", "revision", "client_name", "client_version", "campaign_id", "experiment_id", "variation_id", "entity_id",
      "key", "type", "flag_key", "rule_key", "rule_type", "variation_key", "uuid",
    ].map { Array($0.utf8) })

  private let words: [UInt8]
  /// The words in lower case, and for each byte where a piece of them begins with it.
  private let lowered: [UInt8]
  private var starts: [[Int]]
  private var hidden: [Range<Int>] = []

  private init(_ words: [UInt8]) {
    self.words = words
    lowered = words.map(Echo.lowered)
    starts = Array(repeating: [], count: 256)
    for at in lowered.indices where at == 0 || !Echo.isPartOfWord(lowered[at - 1]) || !Echo.isPartOfWord(lowered[at]) {
      starts[Int(lowered[at])].append(at)
    }
  }

  /// `words` are those of an answer to `body`.
  static func removed(from words: [UInt8], of body: [UInt8]) -> [UInt8] {
    var echo = Echo(words)
    echo.look(through: body)
    return echo.rest
  }

  /// Goes through the strings of JSON text.
  private mutating func look(through body: [UInt8]) {
    var name = 0..<0
    var at = 0
    while at < body.count {
      guard body[at] == 0x22 else {
        at += 1
        continue
      }
      let start = at + 1
      at = start
      while at < body.count, body[at] != 0x22 { at += body[at] == 0x5c ? 2 : 1 }
      let text = start..<min(at, body.count)
      at += 1
      if at < body.count, body[at] == 0x3a {
        name = text
      } else if !text.isEmpty, !starts[Int(Echo.lowered(body[start]))].isEmpty || Echo.isEscapedInURL(body[start]),
        !Echo.harmless.contains(Array(body[name]))
      {
        hide(body[text])
      }
    }
  }

  private mutating func hide(_ value: ArraySlice<UInt8>) {
    let plain = value.map(Echo.lowered)
    hide(plain)
    if value.contains(where: Echo.isEscapedInURL) {
      hide(
        plain.flatMap { byte in
          Echo.isEscapedInURL(byte) ? [0x25, Echo.hexDigit(byte >> 4), Echo.hexDigit(byte & 15)] : [byte]
        })
    }
  }

  private mutating func hide(_ value: [UInt8]) {
    guard let first = value.first else { return }
    for start in starts[Int(first)] {
      let end = min(start + value.count, lowered.count)
      guard lowered[start..<end] == value[..<(end - start)] else { continue }
      // What the words break off in may be the beginning of it.
      let isCut = end - start < value.count
      if isCut ? end - start > 2 : end == lowered.count || !Echo.isPartOfWord(lowered[end]) || !Echo.isPartOfWord(lowered[end - 1]) {
        hidden.append(start..<end)
      }
    }
  }

  private var rest: [UInt8] {
    var rest: [UInt8] = []
    var at = 0
    for range in hidden.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound >= at {
        rest += words[at..<range.lowerBound]
        rest += Array("…".utf8)
      }
      at = max(at, range.upperBound)
    }
    return rest + words[at...]
  }

  private static func lowered(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }

  private static func isPartOfWord(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte >= 0x30 && byte <= 0x39 || lowered(byte) >= 0x61 && lowered(byte) <= 0x7a
  }

  /// All but letters, digits and `-._~` (RFC 3986, 2.3).
  private static func isEscapedInURL(_ byte: UInt8) -> Bool {
    byte >= 0x80 || !isPartOfWord(byte) && ![0x2d, 0x2e, 0x5f, 0x7e].contains(byte)
  }

  private static func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x57 + nibble }
}

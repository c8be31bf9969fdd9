/// Where and why some bytes are not JSON.
package struct JSONFault: Error, Equatable, Sendable {
  package let reason: Reason
  /// Bytes from the first byte of the text.
  package let offset: Int

  package enum Reason: String, Sendable {
    case end = "the text ends too early"
    case value = "a value was expected here"
    case key = "a member name in double quotes was expected here"
    case colon = "a colon was expected here"
    case comma = "a comma or the end of the list was expected here"
    case number = "this is not a JSON number"
    case escape = "this escape is not one of JSON's"
    case control = "a control character must be escaped inside a string"
    case surrogate = "half of a surrogate pair stands alone"
    case depth = "the text is nested too deeply"
    case trailing = "something follows the value"
  }
}

/// Reads one JSON text (RFC 8259) into a tape: any legal text, and nothing else.
///
/// Numbers stay text, so no digit is lost. Bytes must be UTF-8 already. Time and memory are linear in the text; the nesting is
/// kept in a list of its own, so no text can exhaust the stack.
package struct JSONParser {
  private let depthLimit: Int
  /// Open objects and arrays, innermost last: the node's index.
  private var open: [Int] = []

  package init(depthLimit: Int) { self.depthLimit = depthLimit }

  /// Replaces the tape's content by `text`; on a fault the tape is of no use.
  package mutating func parse(_ text: Span<UInt8>, into tape: inout RowTape) throws(JSONFault) {
    let end = skipSpace(text, try parseFirst(text, into: &tape))
    guard end == text.count else { throw JSONFault(reason: .trailing, offset: end) }
  }

  /// Replaces the tape's content by the value that `text` begins with, and returns where it ends; what follows is not looked at.
  package mutating func parseFirst(_ text: Span<UInt8>, into tape: inout RowTape) throws(JSONFault) -> Int {
    precondition(text.count <= RowTape.mostBytes)
    tape.removeAll()
    open.removeAll(keepingCapacity: true)
    var at = skipSpace(text, 0)
    // The innermost open object or array, and which of the two it is; -1 outside of all.
    var inner = -1
    var isObject = false
    while true {
      // Here a value begins.
      let byte = at < text.count ? text[at] : 0
      if byte == 0x22 {
        at = try parseString(text, at, &tape)
      } else if byte == 0x7b || byte == 0x5b {
        guard open.count < depthLimit else { throw JSONFault(reason: .depth, offset: at) }
        isObject = byte == 0x7b
        inner = tape.nodes.count
        tape.nodes.append(Node(kind: isObject ? .object : .array, escaped: false, start: at, count: 0, next: 0))
        open.append(inner)
        at = skipSpace(text, at + 1)
        guard at < text.count else { throw JSONFault(reason: .end, offset: at) }
        if text[at] != (isObject ? 0x7d : 0x5d) {
          if isObject { at = try parseKey(text, at, &tape) }
          continue
        }
        at += 1
        (inner, isObject) = close(inner, at, &tape)
      } else {
        at = try parseWord(text, at, &tape)
      }
      // A value ended: close what ends with it, until something goes on.
      while true {
        if inner < 0 { return at }
        at = skipSpace(text, at)
        guard at < text.count else { throw JSONFault(reason: .end, offset: at) }
        let byte = text[at]
        if byte == 0x2c {
          at = skipSpace(text, at + 1)
          if isObject { at = try parseKey(text, at, &tape) }
          break
        }
        guard byte == (isObject ? 0x7d : 0x5d) else { throw JSONFault(reason: .comma, offset: at) }
        at += 1
        (inner, isObject) = close(inner, at, &tape)
      }
    }
  }

  /// Closes the innermost container; returns the one around it, and whether that is an object.
  private mutating func close(_ node: Int, _ end: Int, _ tape: inout RowTape) -> (inner: Int, isObject: Bool) {
    tape.nodes[node].count = end - tape.nodes[node].start
    tape.nodes[node].next = tape.nodes.count
    open.removeLast()
    guard let inner = open.last else { return (-1, false) }
    return (inner, tape.nodes[inner].kind == .object)
  }

  /// Reads a member's name and its colon; returns where the member's value begins.
  @inline(__always)
  private func parseKey(_ text: Span<UInt8>, _ start: Int, _ tape: inout RowTape) throws(JSONFault) -> Int {
    guard start < text.count else { throw JSONFault(reason: .end, offset: start) }
    guard text[start] == 0x22 else { throw JSONFault(reason: .key, offset: start) }
    let at = skipSpace(text, try parseString(text, start, &tape))
    guard at < text.count else { throw JSONFault(reason: .end, offset: at) }
    guard text[at] == 0x3a else { throw JSONFault(reason: .colon, offset: at) }
    return skipSpace(text, at + 1)
  }

  private func parseString(_ text: Span<UInt8>, _ start: Int, _ tape: inout RowTape) throws(JSONFault) -> Int {
    var at = start + 1
    var escaped = false
    let count = text.count
    while true {
      while at &+ 8 <= count {
        let word = load64(text, at)
        let controls = (word &- repeated(0x20)) & ~word & repeated(0x80)
        let stops = controls | zeroBytes(word ^ repeated(0x22)) | zeroBytes(word ^ repeated(0x5c))
        if stops != 0 {
          at &+= stops.trailingZeroBitCount &>> 3
          break
        }
        at &+= 8
      }
      guard at < count else { throw JSONFault(reason: .end, offset: count) }
      let byte = text[at]
      if byte == 0x22 { break }
      if byte == 0x5c {
        escaped = true
        at = try skipEscape(text, at)
      } else {
        guard byte >= 0x20 else { throw JSONFault(reason: .control, offset: at) }
        at &+= 1
      }
    }
    let next = tape.nodes.count + 1
    tape.nodes.append(Node(kind: .string, escaped: escaped, start: start + 1, count: at - start - 1, next: next))
    if escaped { tape.hasEscapes = true }
    return at + 1
  }

  private func skipEscape(_ text: Span<UInt8>, _ start: Int) throws(JSONFault) -> Int {
    guard start + 1 < text.count else { throw JSONFault(reason: .end, offset: text.count) }
    switch text[start + 1] {
    case 0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74: return start + 2
    case 0x75:
      guard let unit = hexadecimal(text, start + 2) else { throw JSONFault(reason: .escape, offset: start) }
      if unit & 0xfc00 == 0xdc00 { throw JSONFault(reason: .surrogate, offset: start) }
      if unit & 0xfc00 != 0xd800 { return start + 6 }
      guard start + 7 < text.count, text[start + 6] == 0x5c, text[start + 7] == 0x75,
        let low = hexadecimal(text, start + 8), low & 0xfc00 == 0xdc00
      else { throw JSONFault(reason: .surrogate, offset: start) }
      return start + 12
    default: throw JSONFault(reason: .escape, offset: start)
    }
  }

  /// Reads a number, true, false or null.
  private func parseWord(_ text: Span<UInt8>, _ start: Int, _ tape: inout RowTape) throws(JSONFault) -> Int {
    guard start < text.count else { throw JSONFault(reason: .end, offset: start) }
    switch text[start] {
    case 0x2d, 0x30...0x39:
      guard let end = endOfNumber(text, start) else { throw JSONFault(reason: .number, offset: start) }
      tape.nodes.append(Node(kind: .number, escaped: false, start: start, count: end - start, next: tape.nodes.count + 1))
      return end
    case 0x74: return try parseWord(text, start, "true", .true, &tape)
    case 0x66: return try parseWord(text, start, "false", .false, &tape)
    case 0x6e: return try parseWord(text, start, "null", .null, &tape)
    default: throw JSONFault(reason: .value, offset: start)
    }
  }

  private func parseWord(
    _ text: Span<UInt8>, _ start: Int, _ word: StaticString, _ kind: NodeKind, _ tape: inout RowTape
  ) throws(JSONFault) -> Int {
    let end = start + word.utf8CodeUnitCount
    guard end <= text.count, same(text.extracting(start..<end), word) else { throw JSONFault(reason: .value, offset: start) }
    tape.nodes.append(Node(kind: kind, escaped: false, start: start, count: end - start, next: tape.nodes.count + 1))
    return end
  }
}

/// Where JSON's white space ends, from `start` on.
@inline(__always)
package func skipSpace(_ text: Span<UInt8>, _ start: Int) -> Int {
  // Mostly there is none, or one blank.
  guard start < text.count, text[start] <= 0x20 else { return start }
  var at = start
  while at < text.count, text[at] == 0x20 || (text[at] >= 0x09 && text[at] <= 0x0d && text[at] != 0x0b && text[at] != 0x0c) {
    at &+= 1
  }
  return at
}

/// Where the JSON number that begins at `start` ends; nil when none does. What follows it is not looked at.
package func endOfNumber(_ text: Span<UInt8>, _ start: Int) -> Int? {
  func skipDigits(_ from: Int) -> Int {
    var at = from
    while at < text.count, text[at] &- 0x30 <= 9 { at &+= 1 }
    return at
  }
  var at = start
  if at < text.count, text[at] == 0x2d { at += 1 }
  let whole = skipDigits(at)
  guard whole > at, whole == at + 1 || text[at] != 0x30 else { return nil }
  at = whole
  if at < text.count, text[at] == 0x2e {
    let fraction = skipDigits(at + 1)
    guard fraction > at + 1 else { return nil }
    at = fraction
  }
  if at < text.count, text[at] | 0x20 == 0x65 {
    var digits = at + 1
    if digits < text.count, text[digits] == 0x2b || text[digits] == 0x2d { digits += 1 }
    at = skipDigits(digits)
    guard at > digits else { return nil }
  }
  return at
}

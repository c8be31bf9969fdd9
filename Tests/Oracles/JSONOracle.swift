/// Reads JSON as the RFC's grammar says it, one function a rule, slow and obvious. Returns whether the whole text is one value whose
/// containers are nested at most `depthLimit` deep.
package func oracleAccepts(_ text: [UInt8], depthLimit: Int) -> Bool {
  var oracle = Oracle(text: text, depthLimit: depthLimit)
  oracle.space()
  guard oracle.value(depth: 0) else { return false }
  oracle.space()
  return oracle.at == text.count
}

private struct Oracle {
  let text: [UInt8]
  let depthLimit: Int
  var at = 0

  private var next: Character? { at < text.count ? Character(Unicode.Scalar(text[at])) : nil }

  private mutating func take(_ character: Character) -> Bool {
    guard next == character else { return false }
    at += 1
    return true
  }

  private mutating func takeOne(of characters: String) -> Bool {
    guard let next, characters.contains(next) else { return false }
    at += 1
    return true
  }

  private mutating func word(_ word: String) -> Bool { word.allSatisfy { take($0) } }

  // A line feed and a carriage return are two bytes here, never one character.
  mutating func space() { while at < text.count, [0x20, 0x09, 0x0a, 0x0d].contains(text[at]) { at += 1 } }

  mutating func value(depth: Int) -> Bool {
    switch next {
    case "{": return depth < depthLimit && object(depth: depth + 1)
    case "[": return depth < depthLimit && array(depth: depth + 1)
    case "\"": return string()
    case "t": return word("true")
    case "f": return word("false")
    case "n": return word("null")
    default: return number()
    }
  }

  private mutating func object(depth: Int) -> Bool {
    at += 1
    space()
    if take("}") { return true }
    repeat {
      space()
      guard string() else { return false }
      space()
      guard take(":") else { return false }
      space()
      guard value(depth: depth) else { return false }
      space()
    } while take(",")
    return take("}")
  }

  private mutating func array(depth: Int) -> Bool {
    at += 1
    space()
    if take("]") { return true }
    repeat {
      space()
      guard value(depth: depth) else { return false }
      space()
    } while take(",")
    return take("]")
  }

  private mutating func number() -> Bool {
    _ = take("-")
    if !take("0") { guard digits() else { return false } }
    if take("."), !digits() { return false }
    if takeOne(of: "eE") {
      _ = takeOne(of: "+-")
      return digits()
    }
    return true
  }

  private mutating func digits() -> Bool {
    guard takeOne(of: "0123456789") else { return false }
    while takeOne(of: "0123456789") {}
    return true
  }

  private mutating func string() -> Bool {
    guard take("\"") else { return false }
    while at < text.count, text[at] >= 0x20 {
      if take("\"") { return true }
      guard take("\\") else {
        at += 1
        continue
      }
      if takeOne(of: "\"\\/bfnrt") { continue }
      guard let unit = unicodeEscape() else { return false }
      if (0xdc00...0xdfff).contains(unit) { return false }
      if (0xd800...0xdbff).contains(unit) {
        guard take("\\"), let low = unicodeEscape(), (0xdc00...0xdfff).contains(low) else { return false }
      }
    }
    return false
  }

  private mutating func unicodeEscape() -> Int? {
    guard take("u"), at + 4 <= text.count else { return nil }
    let digits = String(decoding: text[at..<(at + 4)], as: UTF8.self)
    guard digits.utf8.count == 4, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
    at += 4
    return Int(digits, radix: 16)
  }
}

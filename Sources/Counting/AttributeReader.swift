internal import Bytes
internal import Vocabulary

/// The attributes of records as numbers: one for each value of each attribute, in the order of their first appearance.
struct AttributeReader: Sendable {
  private var attributes = Names()
  private var values = Names()
  /// By value: its attribute.
  private(set) var attributeOfValue: [Int] = []
  /// By attribute, one more than the limit at most.
  private(set) var valueCounts: [Int] = []
  private var parser = JSONParser(depthLimit: Limits.nestingDepth)
  private var tape = RowTape()
  /// What the record before said besides its visitor: nearly always the same again.
  private var lastGroup: [UInt8] = []
  private var lastValues: [Int] = []
  private let valueLimit: Int

  /// Of an attribute with more than `valueLimit` values no more are looked at.
  init(valueLimit: Int) { self.valueLimit = valueLimit }

  /// The values of a record, without those that are not looked at.
  mutating func values(of record: borrowing StagedRecord) -> [Int] {
    let group = record.group
    // A list of attributes comes last.
    guard group.count > 0, group[group.count - 1] == 0x5d else { return [] }
    if same(group, lastGroup.span) { return lastValues }
    lastGroup = copy(group)
    lastValues = []
    // An object's members behind a comma.
    let text: [UInt8] = [0x7b] + lastGroup.dropFirst() + [0x7d]
    let bytes = text.span
    do throws(JSONFault) { try parser.parse(bytes, into: &tape) } catch { preconditionFailure("a record holds JSON text: \(error)") }
    guard let list = member("attributes", of: 0, text) else { return [] }
    var at = list + 1
    while at < tape.nodes[list].next {
      let key = member("key", of: at, text).map { tape.nodes[$0].range } ?? 0..<0
      let type = member("type", of: at, text).map { tape.nodes[$0].range } ?? 0..<0
      if let value = member("value", of: at, text) {
        let attribute = number(ofAttribute: bytes.extracting(key), bytes.extracting(type))
        let number = number(of: bytes.extracting(tape.nodes[value].range), of: attribute)
        // One that is said twice is said.
        if let number, !lastValues.contains(number) { lastValues.append(number) }
      }
      at = tape.nodes[at].next
    }
    return lastValues
  }

  private func member(_ name: String, of object: Int, _ text: [UInt8]) -> Int? {
    tape.member(Array(name.utf8).span, of: object, in: text.span)
  }

  private mutating func number(ofAttribute key: Span<UInt8>, _ type: Span<UInt8>) -> Int {
    let number = attributes.number(of: key, type)
    if number == valueCounts.count { valueCounts.append(0) }
    return number
  }

  private mutating func number(of value: Span<UInt8>, of attribute: Int) -> Int? {
    guard !isWide(attribute) else { return nil }
    let number = values.number(of: Array("\(attribute)".utf8).span, value)
    if number == attributeOfValue.count {
      attributeOfValue.append(attribute)
      valueCounts[attribute] += 1
    }
    return number
  }

  /// The number here of a value that another reader has.
  mutating func number(of other: AttributeReader, value: Int) -> Int? {
    let attribute = attributes.number(of: other.attributes, other.attributeOfValue[value])
    if attribute == valueCounts.count { valueCounts.append(0) }
    let text = other.values.bytes(of: value)
    return number(of: text.span, of: attribute)
  }

  func isWide(_ attribute: Int) -> Bool { valueCounts[attribute] > valueLimit }

  var attributeCount: Int { valueCounts.count }

  func name(ofAttribute number: Int) -> (key: String, type: String) { attributes.parts(of: number) }

  func text(ofValue number: Int) -> String { values.parts(of: number).1 }
}

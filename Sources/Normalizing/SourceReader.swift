import Bytes
import Vocabulary

/// What sources need besides rows.
struct SourceContext: Sendable {
  /// What the text of derived event ids begins with.
  var derivationHead: [UInt8]
  /// Of the environment, for salts.
  var variables: [String: String]
}

/// Reads one value of a mapping from rows: a source, made ready for the rows of one input.
struct SourceReader: Sendable {
  /// What becomes of several parts when one of them is absent.
  enum Parts: Sendable {
    /// There is no value: an id of some of its parts is another's id.
    case all
    /// The others are taken.
    case any
  }

  private indirect enum Step: Sendable {
    case place(RowPlaces.Place)
    case nowhere
    case constant([UInt8])
    case first([Step])
    case join([Step], separator: [UInt8], Parts)
    case lookup(Step, LookupTable)
    case time(Step, TimeReader)
    case money(Step, MoneyReader)
    case number(Step, NumberReader)
    case text(Step, [TextStep])
    case hashed(Step, salt: [UInt8])
    case eventID([Step], head: [UInt8])
  }

  private let step: Step
  /// How messages name it.
  let name: String

  /// Throws when a column is missing (naming the one most like it), or when the source asks for what cannot be done.
  /// `parts` says it of joins; with `mayMiss` a value whose columns are missing is absent in all rows.
  init(
    _ source: Source, _ places: inout RowPlaces, _ context: SourceContext, parts: Parts = .any, mayMiss: Bool = false
  ) throws(HeaderRefusal) {
    step = try Self.step(source, &places, context, parts, depth: 0, mayMiss: mayMiss)
    name = source.description
  }

  private static func step(
    _ source: Source, _ places: inout RowPlaces, _ context: SourceContext, _ parts: Parts, depth: Int, mayMiss: Bool = false
  ) throws(HeaderRefusal) -> Step {
    guard depth < 8 else { throw HeaderRefusal(message: "a field of the mapping is nested deeper than 8 levels; make it simpler") }
    func inner(_ source: Source, mayMiss: Bool = false, _ places: inout RowPlaces) throws(HeaderRefusal) -> Step {
      try step(source, &places, context, parts, depth: depth + 1, mayMiss: mayMiss)
    }
    switch source {
    case .path(let path):
      if let place = places.place(path) { return .place(place) }
      if mayMiss { return .nowhere }
      let hint = closest(to: path.description, among: places.unused).map { "; the closest column is \($0)" } ?? ""
      throw HeaderRefusal(message: "the mapping names the column \(path), which the header does not have\(hint)")
    case .constant(let text): return .constant(Array(text.utf8))
    case .first(let sources):
      var steps: [Step] = []
      for source in sources { steps.append(try inner(source, mayMiss: true, &places)) }
      if !mayMiss, steps.allSatisfy({ if case .nowhere = $0 { true } else { false } }) {
        throw HeaderRefusal(message: "the mapping names the columns \(source.description), none of which the header has")
      }
      return .first(steps)
    case .join(let sources, let separator):
      var steps: [Step] = []
      for source in sources { steps.append(try inner(source, mayMiss: mayMiss, &places)) }
      return .join(steps, separator: Array(separator.utf8), parts)
    case .eventID(let sources):
      var steps: [Step] = []
      for source in sources { steps.append(try inner(source, mayMiss: mayMiss, &places)) }
      return .eventID(steps, head: context.derivationHead + Array("key".utf8))
    case .hashed(let source, let salt):
      switch Variables.expand(salt, context.variables) {
      case .text(let salt): return .hashed(try inner(source, mayMiss: mayMiss, &places), salt: Array(salt.utf8))
      case .missing(let name):
        throw HeaderRefusal(message: "the salt of \(source.description) is the environment variable \(name), which is not set; set it")
      }
    case .lookup(let source, let lookup): return .lookup(try inner(source, mayMiss: mayMiss, &places), LookupTable(lookup))
    case .converted(let source, let conversion):
      let step = try inner(source, mayMiss: mayMiss, &places)
      do throws(MappingFault) {
        switch conversion {
        case .time(let format, let zone): return .time(step, try TimeReader(format, zone: zone))
        case .money(let format): return .money(step, try MoneyReader(format))
        case .number(let format): return .number(step, try NumberReader(format))
        case .text(let steps): return .text(step, steps)
        }
      } catch {
        throw HeaderRefusal(message: "\(source.description): \(error.message)")
      }
    }
  }

  /// Appends the value's text to `target`, and returns what kind of value it is; nil, and nothing appended, when there is none.
  func append(
    _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces, _ scratch: inout ByteArena,
    _ counts: inout ConversionCounts, into target: inout ByteArena
  ) throws(Reject) -> NodeKind? {
    do throws(Reject) {
      return try Self.append(step, row, tape, places, &scratch, &counts, into: &target)
    } catch {
      throw Reject(error.code, column: name, error.message)
    }
  }

  private static func append(
    _ step: Step, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces, _ scratch: inout ByteArena,
    _ counts: inout ConversionCounts, into target: inout ByteArena
  ) throws(Reject) -> NodeKind? {
    switch step {
    case .nowhere: return nil
    case .constant(let text):
      target.append(text)
      return text.isEmpty ? nil : .string
    case .place(let place):
      guard let node = try node(place, row, tape, places) else { return nil }
      target.append(row.extracting(node.range))
      return node.kind
    case .first(let steps):
      for step in steps {
        if let kind = try append(step, row, tape, places, &scratch, &counts, into: &target) { return kind }
      }
      return nil
    case .join(let steps, let separator, let parts):
      let start = target.count
      var isFirst = true
      for step in steps {
        let before = target.count
        if !isFirst { target.append(separator) }
        if try append(step, row, tape, places, &scratch, &counts, into: &target) == nil {
          if parts == .all {
            target.truncate(to: start)
            return nil
          }
          target.truncate(to: before)
        } else {
          isFirst = false
        }
      }
      return target.count > start ? .string : nil
    case .eventID(let steps, let head):
      let start = target.count
      guard try appendKey(steps, row, tape, places, &scratch, &counts, into: &target) else { return nil }
      var message = ByteArena(limit: 1 << 30, reserving: head.count + target.count - start)
      message.append(head)
      message.append(target.span.extracting(start..<target.count))
      target.truncate(to: start)
      target.append(uuidOf: message.span)
      return .string
    case .hashed(let inner, let salt):
      let start = target.count
      target.append(salt)
      let before = target.count
      guard try append(inner, row, tape, places, &scratch, &counts, into: &target) != nil, target.count > before else {
        target.truncate(to: start)
        return nil
      }
      moveAside(start, of: &target, to: &scratch)
      target.append(sha256Of: scratch.span)
      return .string
    case .lookup(let inner, _), .time(let inner, _), .money(let inner, _), .number(let inner, _), .text(let inner, _):
      if case .place(let place) = inner {
        // Nearly all: the text is converted where it stands.
        guard let node = try node(place, row, tape, places) else { return nil }
        let text = row.extracting(node.range)
        guard node.kind == .number, isExponential(text) else { return try convert(text, step, &counts, into: &target) }
        // What JSON writes with an exponent is a number all the same; in a cell or a text it is a spreadsheet's.
        scratch.removeAll()
        guard scratch.append(canonical: text, digitLimit: Limits.decimalDigits) else { throw Reject(.badNumber, NumberFault.range.message) }
        return try convert(scratch.span, step, &counts, into: &target)
      }
      let start = target.count
      guard try append(inner, row, tape, places, &scratch, &counts, into: &target) != nil else { return nil }
      // What is converted stands aside while its result is written in its place.
      moveAside(start, of: &target, to: &scratch)
      return try convert(scratch.span, step, &counts, into: &target)
    }
  }

  /// Leaves in `scratch` what stands in `target` from `start` on, and takes it away there.
  private static func moveAside(_ start: Int, of target: inout ByteArena, to scratch: inout ByteArena) {
    scratch.removeAll()
    scratch.append(target.span.extracting(start..<target.count))
    target.truncate(to: start)
  }

  private static func isExponential(_ text: Span<UInt8>) -> Bool {
    for at in text.indices where text[at] | 0x20 == 0x65 { return true }
    return false
  }

  /// Appends the text that an event's id is derived from: a line for each part, as the inside of a JSON string. False, and nothing appended,
  /// when one of them is absent.
  private static func appendKey(
    _ steps: [Step], _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces, _ scratch: inout ByteArena,
    _ counts: inout ConversionCounts, into target: inout ByteArena
  ) throws(Reject) -> Bool {
    let start = target.count
    for step in steps {
      target.append(0x0a)
      let partStart = target.count
      guard try append(step, row, tape, places, &scratch, &counts, into: &target) != nil else {
        target.truncate(to: start)
        return false
      }
      moveAside(partStart, of: &target, to: &scratch)
      target.append(escaping: scratch.span)
    }
    return true
  }

  private static func node(
    _ place: RowPlaces.Place, _ row: Span<UInt8>, _ tape: borrowing RowTape, _ places: borrowing RowPlaces
  ) throws(Reject) -> Node? {
    let at = places.node(place, row, tape)
    guard at >= 0, tape.nodes[at].count > 0 else { return nil }
    let node = tape.nodes[at]
    guard node.kind != .object, node.kind != .array else {
      throw Reject(.wrongType, wrongType)
    }
    return node
  }

  static let wrongType = "a value is text, a number, true or false, not an object or a list; name a path inside of it"

  /// Where the value stands, when it is one of the row's own cells or top-level members; -1 for any other.
  var simplePlace: Int {
    guard case .place(let place) = step else { return -1 }
    switch place {
    case .column(let column): return column
    case .member(let way): return way.isMember ? way.top : -1
    }
  }

  private static func convert(
    _ text: Span<UInt8>, _ step: Step, _ counts: inout ConversionCounts, into target: inout ByteArena
  ) throws(Reject) -> NodeKind? {
    switch step {
    case .time(_, let reader):
      if reader.readsMilliseconds, let time = thirteenDigits(text), Limits.timestamps.contains(time) {
        // Nearly all of them: the text is what it says.
        target.append(text)
        return .number
      }
      let reading: TimeReading
      do throws(TimestampFault) {
        reading = try reader.read(text)
      } catch {
        throw Reject(error.code, error.message)
      }
      if reading.isAmbiguous { counts.ambiguousTimes += 1 }
      if reading.isGuessed { counts.guessedTimes += 1 }
      target.append(decimal: reading.milliseconds)
      return .number
    case .money(_, let reader):
      do throws(NumberFault) {
        if try reader.append(text, into: &target) { counts.roundedAmounts += 1 }
      } catch {
        throw Reject(.badNumber, error.message)
      }
      return .number
    case .number(_, let reader):
      do throws(NumberFault) {
        try reader.append(text, into: &target)
      } catch {
        throw Reject(.badNumber, error.message)
      }
      return .number
    case .lookup(_, let table): return try table.append(text, into: &target)
    case .text(_, let steps): return append(text, steps, into: &target)
    case .place, .nowhere, .constant, .first, .join, .eventID, .hashed: preconditionFailure("only conversions convert")
    }
  }

  private static func append(_ text: Span<UInt8>, _ steps: [TextStep], into target: inout ByteArena) -> NodeKind? {
    for at in text.indices where text[at] >= 0x80 { return append(unicode: Bytes.text(text), steps, into: &target) }
    var range = 0..<text.count
    if steps.contains(.trim) {
      while let first = range.first, isWhiteSpace(text[first]) { range.removeFirst() }
      while let last = range.last, isWhiteSpace(text[last]) { range.removeLast() }
    }
    let isLower = steps.contains(.lowercase)
    for at in range {
      let byte = text[at]
      target.append(isLower && byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)
    }
    return range.isEmpty ? nil : .string
  }

  /// The same for text outside of ASCII, by Unicode's rules.
  private static func append(unicode text: String, _ steps: [TextStep], into target: inout ByteArena) -> NodeKind? {
    var text = text[...]
    if steps.contains(.trim) {
      while text.first?.isWhitespace == true { text.removeFirst() }
      while text.last?.isWhitespace == true { text.removeLast() }
    }
    target.append(Array((steps.contains(.lowercase) ? text.lowercased() : String(text)).utf8))
    return text.isEmpty ? nil : .string
  }

  private static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) }
}

import Bytes

/// Where a value comes from. An empty text and a JSON `null` are no value.
package indirect enum Source: Sendable, Hashable, Codable {
  case path(Path)
  case constant(String)
  /// The first of several that is there.
  case first([Source])
  /// Several, one behind the other. Of a field all must be there; of a tag, a property or an attribute those are taken that are.
  case join([Source], separator: String)
  case lookup(Source, Lookup)
  case converted(Source, Conversion)
  /// The UUIDv5 of the account and several values, so that a key of one's own gives the event's id. When one of them is absent there is no
  /// value, and the id is derived from what the row says, as of any row without one.
  case eventID([Source])
  /// The SHA-256 of a salt and the value behind it, in 64 hexadecimal digits. The salt stands here as it was written: variables in it are put
  /// in when rows are read, so that it is stored and shown nowhere.
  case hashed(Source, salt: String)

  /// How a message names it: by its columns or paths.
  package var description: String {
    switch self {
    case .path(let path): path.description
    case .constant: "a constant"
    case .first(let sources), .join(let sources, _), .eventID(let sources): sources.map(\.description).joined(separator: ", ")
    case .lookup(let source, _), .converted(let source, _), .hashed(let source, _): source.description
    }
  }

  /// All columns and paths that it looks at.
  package var columns: [Path] {
    switch self {
    case .path(let path): [path]
    case .constant: []
    case .first(let sources), .join(let sources, _), .eventID(let sources): sources.flatMap(\.columns)
    case .lookup(let source, _), .converted(let source, _), .hashed(let source, _): source.columns
    }
  }

  /// Whether it is an amount whose unit is said, of several that of each.
  var saysUnit: Bool {
    switch self {
    case .converted(_, .money): true
    case .first(let sources): sources.allSatisfy(\.saysUnit)
    case .lookup(let source, _), .converted(let source, _), .hashed(let source, _): source.saysUnit
    case .path, .constant, .join, .eventID: false
    }
  }

  /// Whether it is a native time that is UTC when it has no offset.
  var isUTC: Bool { withoutUTC != self }

  /// What it reads before it is taken for UTC, when that is all that is done to it.
  var withoutUTC: Source {
    if case .converted(let source, .time(.native, "UTC")) = self, source.isDirect { return source }
    return self
  }

  /// Whether it is a column or path, a constant, or the first of several columns or paths: what rows are read by without computing anything.
  var isDirect: Bool {
    switch self {
    case .path, .constant: true
    case .first(let sources): sources.allSatisfy { if case .path = $0 { true } else { false } }
    case .join, .lookup, .converted, .eventID, .hashed: false
    }
  }
}

/// A table that says what stands for what.
package struct Lookup: Sendable, Hashable, Codable {
  package enum Otherwise: Sendable, Hashable, Codable {
    case reject, keep, absent
    case constant(String)
  }

  package var table: [String: String]
  /// What becomes of a value that the table does not have.
  package var otherwise: Otherwise
  /// What messages call the table.
  package var of: String?
  /// Whether that is a file of the user's own, and not a part of the project's datafile.
  package var isFile: Bool
  /// Values that stand for several entries; they are rejects.
  package var ambiguous: [String]

  package init(_ table: [String: String], otherwise: Otherwise = .reject, of: String? = nil, isFile: Bool = false, ambiguous: [String] = [])
  {
    self.isFile = isFile
    self.table = table
    self.otherwise = otherwise
    self.of = of
    self.ambiguous = ambiguous
  }
}

/// What is done to a text before it is read as a native row's.
package enum Conversion: Sendable, Hashable, Codable {
  case time(TimeFormat, zone: String?)
  case money(MoneyFormat)
  case number(NumberFormat)
  case text([TextStep])
}

/// What is done to a text, by Unicode's rules for letters and white space.
package enum TextStep: String, Sendable, Hashable, Codable, CaseIterable { case trim, lowercase }

extension Conversion {
  /// What it asks for that cannot be done, in words; nil when all of it can.
  package var fault: String? {
    do throws(MappingFault) {
      switch self {
      case .time(let format, let zone): _ = try TimeReader(format, zone: zone)
      case .money(let format): _ = try MoneyReader(format)
      case .number(let format): _ = try NumberReader(format)
      case .text: break
      }
      return nil
    } catch {
      return error.message
    }
  }
}

/// What a tag's or an attribute's value is. Without a type JSON values stay what they are, and cells are text.
package enum ValueType: String, Sendable, Hashable, Codable, CaseIterable { case string, number, boolean }

/// A condition on a row.
package struct Condition: Sendable, Hashable, Codable {
  package enum Test: Sendable, Hashable, Codable {
    case isOneOf([String])
    case isNoneOf([String])
    case isEmpty, isNotEmpty
    /// Compared as exact decimals with a number. A row without a value passes none of these; one whose value is no number is a reject.
    case less(String), atMost(String), greater(String), atLeast(String)
  }

  package var source: Source
  package var test: Test

  package init(_ source: Source, _ test: Test) {
    self.source = source
    self.test = test
  }
}

extension Mapping {
  /// Whether its values are read where they stand; otherwise each row is written anew as a native one (`RowMapper`).
  var isDirect: Bool {
    guard explode == nil, conditions.isEmpty, fields.allSatisfy({ $1.isDirect || $0 == .timestamp && $1.isUTC }) else { return false }
    for case .one in tags + properties { return false }
    for case .one in attributes { return false }
    return true
  }
}

extension Conversion {
  /// Whether a text is in the form that it reads. A local time that a zone's clocks left out is.
  package func reads(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var target = ByteArena(limit: 1 << 20)
    do {
      switch self {
      case .time(let format, let zone): _ = try TimeReader(format, zone: zone).read(bytes.span)
      case .money(let format): _ = try MoneyReader(format).append(bytes.span, into: &target)
      case .number(let format): try NumberReader(format).append(bytes.span, into: &target)
      case .text: break
      }
      return true
    } catch TimestampFault.skipped {
      return true
    } catch {
      return false
    }
  }
}

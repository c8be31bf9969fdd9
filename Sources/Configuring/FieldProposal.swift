import Normalizing
import Vocabulary

/// The fields of one input, proposed from what its columns are called and hold.
struct FieldProposal {
  var text = ProposalLines()
  var search: ColumnSearch
  private var written: Set<Field> = []
  /// What says which event a conversion was.
  private var keyColumn: ColumnProfile?

  init(_ search: ColumnSearch) { self.search = search }

  /// All fields of rows of a kind; of both when it is not known.
  mutating func propose(_ kind: RecordKind?) {
    text.append("fields:")
    visitor()
    time()
    if kind != .conversion { decision() }
    if kind != .decision { conversion() }
    uuid()
    money()
    session()
    number(.value)
    number(.quantity)
    text.append(rest())
  }

  /// Fields for what native rows do not have, or must not be taken as it is.
  mutating func proposeBeyond(_ native: NativeRows, _ kind: RecordKind?) {
    search.use(native.columns.filter { !NativeRows.isMember($0.name) })
    if let visitor = native[.visitor], visitor.share(ColumnProfile.isMail) >= 0.5 { hash(visitor) }
    if kind != .decision { keyColumn = native[.entity] }
    if native[.uuid] == nil { uuid(isRequired: false) }
    if native[.revenue] == nil { money() }
  }

  /// The other fields before those, each by the column that has its name.
  mutating func addNative(_ columns: [ColumnProfile]) {
    let others = text
    text = ProposalLines()
    for field in Field.allCases where !written.contains(field) {
      if let column = columns.first(where: { $0.name == field.rawValue }) { add(field, Self.name(column), of: [column]) }
    }
    text.append(others)
  }

  // MARK: fields

  private mutating func visitor() {
    let column = search.find(.visitor) ?? search.left.first { $0.share(ColumnProfile.isMail) > 0.9 }
    guard let column else {
      ask("no column looks like the visitor's id: the id that the experiment saw.")
      text.append("  visitor_id: \"?\"")
      return
    }
    if column.share(ColumnProfile.isMail) >= 0.5 { return hash(column) }
    add(.visitor, column, "\(column.distinct.count) different in \(column.rowCount) rows")
  }

  private mutating func hash(_ mails: ColumnProfile) {
    ask("these are addresses of people, which must not be sent. Is their SHA-256 with this salt the id that the experiment saw?")
    add(.visitor, "{sha256: {from: \(Self.name(mails)), text: [trim, lowercase]}, salt: \"${SALT}\"}", of: [mails])
  }

  private mutating func time() {
    guard let (column, guess, others) = search.time() else {
      guard let column = search.find(.timestamp) else {
        ask("no column looks like a time.")
        text.append("  timestamp: \"?\"")
        return
      }
      search.use([column])
      ask("the times in \(Self.shown(column.name)) have no form that is known here; write it in Unicode's letters, as in M/d/yyyy HH:mm.")
      text.append("  timestamp: {from: \(Self.name(column)), format: \"?\", zone: \"?\"}")
      return
    }
    search.use([column])
    if !others.isEmpty {
      let words = TimeGuess.alternatives(others.map { Self.shown($0.name) })
      ask("is \(Self.shown(column.name)) when the event happened, or \(words)?")
    }
    var keys = ["from: \(Self.name(column))"]
    if guess.possibleFormats.count > 1 {
      let forms = TimeGuess.alternatives(guess.possibleFormats)
      ask("days and months cannot be told apart here: is it \(forms)? Write it in place of the question mark.")
      keys.append("format: \"?\"")
    } else if let format = guess.format {
      keys.append("format: \(ConfigurationText.scalar(format))")
    }
    if guess.needsZone {
      ask("these times say no zone: whose clocks are they? A place such as Europe/Paris, or UTC.")
      keys.append("zone: \"?\"")
    }
    text.append("  # \(guess.reason).")
    text.append("  timestamp: \(keys.count == 1 ? Self.name(column) : "{\(keys.joined(separator: ", "))}")")
  }

  private mutating func conversion() {
    let columns = [search.find(.entity), search.find(.key)].compactMap { $0 }
    let key = columns.last { search.isKeys($0, .entity) }
    if let id = columns.first(where: { !search.isKeys($0, .entity) }) {
      add(.entity, id)
      if let key { add(.key, key) }
      keyColumn = id
    } else if let key {
      if let datafile = search.datafile {
        ask(unknown: key.distinct.filter { datafile.events.entries[$0] == nil }.count, of: key.distinct.count, in: key)
      } else {
        ask("these are an event's keys, which the project's datafile turns into ids: name it with datafile, or write lookup.")
      }
      add(.entity, "{from: \(Self.name(key)), key: event}", of: [key], Self.keysReason)
      add(.key, key)
      keyColumn = key
    } else {
      ask("no column says which event it was; all rows may be one event, as in {const: \"9001\"}.")
      text.append("  entity_id: \"?\"")
    }
  }

  private mutating func uuid(isRequired: Bool = true) {
    if let column = search.left.first(where: { $0.isUnique && $0.share(ColumnProfile.isUUID) == 1 }) {
      return add(.uuid, column, "a uuid of its own in each row")
    }
    for column in search.candidates(.uuid) {
      // An order may have several events.
      let columns = [column, keyColumn].compactMap { $0 }
      guard ColumnProfile.areUnique(columns) else { continue }
      return add(.uuid, "{from: [\(columns.map(Self.name).joined(separator: ", "))]}", of: columns, "different in each row")
    }
    guard isRequired else { return }
    if let column = search.left.first(where: { $0.isUnique && $0.cells.count > 1 }) {
      let key = "{from: [\(Self.name(column))]}"
      text.append("  # \(Self.shown(column.name)) is different in each row: if it names the event, say uuid: \(key).")
    } else {
      text.append("  # No column tells rows apart, so that each event's id is derived from what it says.")
    }
  }

  private mutating func session() {
    if let column = search.find(.session) { add(.session, column) }
  }

  /// A number of the event, where the cells are numbers as native rows have them.
  private mutating func number(_ field: Field) {
    guard let column = search.find(field) else { return }
    let isWhole = field == .quantity
    let test = isWhole ? ColumnProfile.isWhole : ColumnProfile.isNumber
    if column.share(test) == 1 { return add(field, column) }
    if !isWhole, let guess = AmountGuess(column), let decimal = guess.decimal, guess.openMark == nil {
      let group = guess.group.map { ", group: \(ConfigurationText.scalar(String($0)))" } ?? ""
      return add(field, "{from: \(Self.name(column)), decimal: \"\(decimal)\"\(group)}", of: [column])
    }
    let count = column.cells.count { !test($0) }
    text.append(
      "  # \(Self.shown(column.name)) sounds like a \(field.rawValue), but \(count) of \(column.cells.count) cells "
        + "\(count == 1 ? "is" : "are") no \(isWhole ? "whole " : "")\(count == 1 ? "number" : "numbers"); it is left out.")
  }

  // MARK: lines

  static let keysReason = "letters where ids have digits: keys"

  mutating func add(_ field: Field, _ column: ColumnProfile, _ reason: String? = nil) {
    if let damage = field == .visitor ? column.rounding : column.damage { ask(damage) }
    add(field, Self.name(column), of: [column], reason)
  }

  mutating func add(_ field: Field, _ value: String, of columns: [ColumnProfile], _ reason: String? = nil) {
    search.use(columns)
    written.insert(field)
    text.append("  \(field.rawValue): \(value)\(reason.map { "  # \($0)" } ?? "")")
  }

  mutating func ask(_ question: String) { text.ask(question, indent: 2) }

  /// Says how many keys the datafile does not have, if it lacks any.
  mutating func ask(unknown: Int, of count: Int, in column: ColumnProfile) {
    guard unknown > 0 else { return }
    ask("\(unknown) of \(count) keys are not in the datafile (\(Self.shown(column.name))); leave their rows out with where.")
  }

  static func name(_ column: ColumnProfile) -> String { ConfigurationText.scalar(column.name) }

  /// A column's name in a comment.
  static func shown(_ name: String) -> String { ConfigurationText.name(name) }
}

import Normalizing

/// Whether rows are named as in the Event API, and which of their cells are not what the API has there.
struct NativeRows {
  /// What is wrong, for comments, and what is so wrong that it is a question.
  private(set) var remarks: [String] = []
  private(set) var questions: [String] = []
  let columns: [ColumnProfile]
  private let byName: [String: ColumnProfile]

  /// Nil when the columns are others, or most of their cells need a mapping of their own.
  init?(_ columns: [ColumnProfile], _ search: ColumnSearch) {
    byName = Dictionary(columns.map { ($0.name, $0) }) { first, _ in first }
    self.columns = columns.filter { NativeRows.isNative($0.name) }
    guard byName["visitor_id"] != nil, byName["entity_id"] != nil || byName["variation_id"] != nil, let times = byName["timestamp"],
      let guess = TimeGuess(times), guess.format == nil, !guess.needsZone
    else { return nil }
    if let rounding = byName["visitor_id"]?.rounding { questions.append(rounding) }
    for field in [Field.entity, .campaign, .experiment, .variation] {
      guard let column = byName[field.rawValue], !column.cells.isEmpty else { continue }
      guard !search.isKeys(column, field) else { return nil }
      look(at: column, "is no id", "are no ids") { search.isID($0, field) || ColumnProfile.damage($0) != nil }
      if let damage = column.damage { questions.append(damage) }
    }
    if let revenue = byName["revenue"], !revenue.cells.isEmpty {
      guard revenue.share({ Int($0) != nil }) > 0.9 else { return nil }
    }
    look(at: times, "is no time with an offset", "are no times with an offset") { TimeGuess(ColumnProfile("", [$0])) != nil }
    for name in ["revenue", "quantity"] { look(at: byName[name], "is no whole number", "are no whole numbers") { Int($0) != nil } }
    look(at: byName["value"], "is no number", "are no numbers", ColumnProfile.isNumber)
    for name in ["is_campaign_holdback", "enabled"] {
      look(at: byName[name], "is neither true nor false", "are neither true nor false", ColumnProfile.isBoolean)
    }
    if !search.isCSV { lookAtMembers() }
    if let uuids = byName["uuid"], Set(uuids.cells).count < uuids.cells.count {
      remarks.append(
        "uuid has \(uuids.distinct.count) different in \(uuids.cells.count) rows; what has the uuid of another event is rejected.")
    }
  }

  subscript(field: Field) -> ColumnProfile? { byName[field.rawValue].flatMap { $0.cells.isEmpty ? nil : $0 } }

  /// Whether everything in the rows that were looked at is as it should be.
  var areSound: Bool { remarks.isEmpty && questions.isEmpty }

  /// Objects whose members native rows send under their names, in CSV as columns `tags.NAME`.
  static let objects = ["tags", "properties", "attributes"]

  static func isNative(_ name: String) -> Bool { names.contains(name) || name.hasPrefix(Mapping.rejectPrefix) || isMember(name) }

  /// Whether a column is a member of such an object, or a list in its place.
  static func isMember(_ name: String) -> Bool { objects.contains { name.hasPrefix($0 + ".") || name == $0 + "[]" } }

  /// What a tag made of a column is called.
  static func tagName(_ column: String) -> String {
    guard let object = objects.first(where: { column.hasPrefix($0 + ".") }) else { return column }
    return String(column.dropFirst(object.count + 1))
  }

  private static let names = Set(Field.allCases.map(\.rawValue))

  /// JSON's members may be what no tag and no property is.
  private mutating func lookAtMembers() {
    for column in columns where NativeRows.isMember(column.name) {
      let shown = ConfigurationText.name(column.name)
      let member = NativeRows.tagName(column.name)
      if member != column.name, column.isList || member.contains(".") {
        remarks.append("\(shown) is inside of a member that is a list or an object, whose rows will be rejected.")
      } else if column.name.hasPrefix("properties."), column.cells.contains(where: { ColumnProfile.isNumber($0) || $0 == "true" }) {
        remarks.append("\(shown) looks like a number or a boolean; a property is text, and rows with another will be rejected.")
      }
    }
  }

  private mutating func look(at column: ColumnProfile?, _ one: String, _ several: String, _ test: (String) -> Bool) {
    guard let column else { return }
    let count = column.cells.count { !test($0) }
    guard count > 0 else { return }
    let rows = count == 1 ? "\(one); its row will be rejected." : "\(several); their rows will be rejected."
    remarks.append("\(count) of \(column.cells.count) cells of \(column.name) \(rows)")
  }
}

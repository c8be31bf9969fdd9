extension FieldProposal {
  /// Columns that no field took: those named as native rows name tags, properties and attributes are what they say, lists are told, and others
  /// are tags that are not there yet.
  mutating func rest() -> ProposalLines {
    var text = lists()
    text.append(members())
    text.append(knownAttributes())
    for column in search.left where column.share(ColumnProfile.isMail) > 0 {
      search.use([column])
      text.append("# \(Self.shown(column.name)) has addresses of people, which must not be sent.")
    }
    guard !search.left.isEmpty else { return text }
    text.append("# Other columns, to be sent as tags:")
    text.append("# tags:")
    for column in search.left {
      let isNumber = column.share(ColumnProfile.isNumber) == 1
      let value = isNumber ? "{from: \(Self.name(column)), type: number}" : Self.name(column)
      text.append("#   \(Self.shown(NativeRows.tagName(column.name))): \(value)")
    }
    return text
  }

  /// Columns that are called as the datafile's attributes, where no column has the form of one.
  private mutating func knownAttributes() -> ProposalLines {
    var text = ProposalLines()
    guard !search.columns.contains(where: { $0.name.hasPrefix("attributes") }) else { return text }
    let keys = Dictionary((search.datafile?.attributes ?? [:]).keys.map { ($0.lowercased(), $0) }, uniquingKeysWith: { min($0, $1) })
    let found = search.left.compactMap { column in keys[NativeRows.tagName(column.name).lowercased()].map { (key: $0, column: column) } }
    guard !found.isEmpty else { return text }
    text.append("attributes:  # the datafile has attributes that are called so")
    for (key, column) in found {
      search.use([column])
      text.append("  \(Self.shown(key)): \(Self.name(column))")
    }
    return text
  }

  private func lists() -> ProposalLines {
    var text = ProposalLines()
    for column in search.columns where column.isList {
      let path = String(column.name.dropLast(2))
      if path == "attributes" {
        text.append("# If attributes is a list of the API's attribute objects:")
        text.append("# attributes: {\"*\": {elements: attributes, value: value}}")
      } else if !NativeRows.isNative(column.name) {
        text.append(
          "# \(Self.shown(path)) is a list. If each of its elements is a record, explode takes it apart, and paths lead into elements:")
        text.append("#   explode: \(ConfigurationText.scalar(path))")
      }
    }
    return text
  }

  private mutating func members() -> ProposalLines {
    var text = ProposalLines()
    for name in NativeRows.objects {
      let columns = search.columns.filter { $0.name.hasPrefix(name + ".") }
      guard areSent(name, columns) else { continue }
      search.use(columns)
      let known = search.datafile?.attributes ?? [:]
      let unknown = name != "attributes" ? [] : columns.map { NativeRows.tagName($0.name) }.filter { known[$0] == nil }
      if !unknown.isEmpty {
        let shown = unknown.map(Self.shown).joined(separator: ", ")
        text.ask(
          "\(shown): attributes without a known entity id. What are theirs? A datafile has them, or attributes: {KEY: ID} above inputs.")
      }
      text.append("\(unknown.isEmpty ? "" : "# ")\(name): {\"*\": \(name)}")
    }
    return text
  }

  /// Whether all of these can be sent as the members of an object, which no field has taken. JSON's may be lists and objects, which no member is,
  /// and numbers, which no property is.
  private func areSent(_ name: String, _ columns: [ColumnProfile]) -> Bool {
    guard columns.contains(where: { !$0.cells.isEmpty }), !search.haveUsed(columns) else { return false }
    if search.isCSV { return true }
    return name != "properties" && columns.allSatisfy { !$0.isList && !NativeRows.tagName($0.name).contains(".") }
  }
}

import Bytes
import EventAPI
import Vocabulary

extension RowMapper {
  /// Puts together what a mapping asks for.
  struct Binder: ~Copyable {
    let mapping: Mapping
    /// The paths that an own configuration names, whose columns must be there; those of presets may be missing. Nil when all are own.
    let ownPaths: Set<Path>?
    let settings: NormalizerSettings
    let context: SourceContext
    var parts: Parts
    var native: Mapping
    var target = NativeRow()
    /// All values in the order of fields, tags, properties and attributes, by the names of native columns.
    private var names: [(name: String, value: Named)] = []
    private var attributes: [String: String] = [:]

    init(
      _ mapping: Mapping, own: [[Path]]?, header: [String]?, settings: NormalizerSettings, variables: [String: String],
      exploded: [[UInt8]]
    ) {
      self.mapping = mapping
      ownPaths = own.map { Set($0.joined()) }
      self.settings = settings
      context = SourceContext(
        derivationHead: EventParts.derivationHead(account: Array(settings.accountID.utf8)), variables: variables)
      parts = Parts(places: RowPlaces(header: header, exploded: exploded))
      native = Mapping(name: mapping.name, fields: [:])
    }

    consuming func takeTarget() -> NativeRow { target }

    mutating func bindFields(recordMustSay: Bool) throws(HeaderRefusal) {
      for condition in mapping.conditions { parts.filters.append(try RowFilter(condition, &parts.places, context)) }
      for (field, source) in mapping.fields.sorted(by: { $0.key.slot < $1.key.slot }) {
        native.fields[field] = .path(Path(name: field.rawValue))
        var value = try named(field.rawValue, source, nil, parts: .all)
        value.mustSay = field == .record && recordMustSay
        value.kind = field.kind
        value.isRecord = field == .record
        names.append((field.rawValue, value))
        if field == .record { parts.record = value } else { parts.fields.append(value) }
      }
    }

    mutating func bindLists() throws(HeaderRefusal) {
      for (name, source, type) in singles(mapping.tags) {
        let value = try named(name, source, type)
        parts.tags.append(value)
        names.append(("tags." + name, value))
      }
      for (name, source, type) in singles(mapping.properties) {
        let value = try named(name, source, type)
        parts.properties.append(value)
        names.append(("properties." + name, value))
      }
      for values in mapping.attributes {
        if case .one(let key, let entity, let source, let type) = values { try addAttribute(key, entity, source, type) }
        // A CSV file's attributes are known before its rows are read.
        if case .members(let path) = values {
          for (key, column) in parts.places.columns(below: path) {
            let key = String(decoding: key, as: UTF8.self)
            guard !settings.drops(key) else {
              parts.places.leaveOut(column)
              continue
            }
            try addAttribute(key, nil, .path(Path(name: path.description + "." + key)), nil)
          }
        }
      }
      parts.words = ["type", "custom", "entity_id", "key", "value"].map { target.place($0) }
      parts.tagsName = target.place("tags")
      parts.propertiesName = target.place("properties")
      parts.attributesName = target.place("attributes")
      if !parts.attributes.isEmpty {
        native.attributes.append(
          .elements(
            of: "attributes", filters: [], type: "type", entity: "entity_id", key: "key", value: "value", entityOnlyForCustom: false))
      }
      // Lists of the row keep their form, under names that no native field has. Of values of one name the last counts, so that what is named
      // by itself comes behind.
      for values in mapping.tags where !isColumns(values) {
        if let path = values.wholePath { native.tags.append(values.moved(to: addWhole(path))) }
      }
      for values in mapping.properties where !isColumns(values) {
        if let path = values.wholePath { native.properties.append(values.moved(to: addWhole(path))) }
      }
      if !parts.tags.isEmpty { native.tags.append(.members(of: "tags")) }
      if !parts.properties.isEmpty { native.properties.append(.members(of: "properties")) }
      for values in mapping.attributes {
        if let path = values.wholePath, !parts.places.isCSV || parts.places.hasColumn(path) {
          native.attributes.append(values.moved(to: addWhole(path)))
        }
      }
    }

    /// Values under names of their own, which take the place of a CSV file's columns of that name below a path.
    private mutating func singles(_ all: [NamedValues]) -> [(name: String, source: Source, type: ValueType?)] {
      var singles: [(name: String, source: Source, type: ValueType?)] = []
      for case .one(let name, let source, let type) in all { singles.append((name, source, type)) }
      let named = Set(singles.map(\.name))
      for case .members(let path) in all where parts.places.isCSV {
        // These columns are known before rows are read.
        for (name, _) in parts.places.columns(below: path) {
          let name = String(decoding: name, as: UTF8.self)
          if !named.contains(name) { singles.append((name, .path(Path(name: path.description + "." + name)), nil)) }
        }
      }
      return singles
    }

    /// Whether they are columns, which are values of their own, and none of them holds all of them as JSON.
    private func isColumns(_ values: NamedValues) -> Bool {
      if case .members(let path) = values { parts.places.isCSV && !parts.places.hasColumn(path) } else { false }
    }

    /// Makes the values cells, when cells can say them: texts under names of their own, none of which stands there twice.
    mutating func bindCells() -> (header: [String], attributes: [String: String])? {
      let header = names.map(\.name)
      guard parts.wholes.isEmpty, Set(header).count == header.count,
        names.allSatisfy({ $0.value.type != .number && $0.value.type != .boolean })
      else { return nil }
      parts.cells = names.map { name, value in
        let place = value.type == nil && !value.mustSay && !value.isRecord ? value.source.simplePlace : -1
        if place >= 0 { return place }
        parts.computedCells.append(value)
        return -parts.computedCells.count
      }
      native.attributes = parts.attributes.isEmpty ? [] : [.members(of: "attributes")]
      return (header, attributes)
    }

    func requireFields(_ kind: RecordKind?) throws(HeaderRefusal) {
      if let doubled = parts.places.doubled {
        throw HeaderRefusal(message: "the header has the column \(doubled) more than once; rename or remove all but one")
      }
      var required: [Field] = [.visitor, .timestamp]
      if kind == .decision { required.append(.campaign) }
      if kind == .conversion { required.append(.entity) }
      for field in required where mapping.fields[field] == nil {
        throw HeaderRefusal(message: "the mapping has no \(field.rawValue), which every \(kind?.word ?? "row") needs")
      }
      guard parts.places.isCSV else { return }
      for field in required {
        guard let source = mapping.fields[field], !source.columns.isEmpty else { continue }
        if source.columns.contains(where: { parts.places.hasColumn($0) }) { continue }
        throw HeaderRefusal(
          message: "the column \(source.description) is missing, which every \(kind?.word ?? "row") needs")
      }
    }

    private mutating func addAttribute(_ key: String, _ entity: String?, _ source: Source, _ type: ValueType?) throws(HeaderRefusal) {
      guard isAttributeKey(Array(key.utf8).span) else {
        throw HeaderRefusal(
          message: "\(key) is no attribute's key: keys have at most \(Limits.attributeKeyCharacters) letters, digits, spaces, and _ - .")
      }
      guard let entity = entity ?? settings.attributes[key], !entity.isEmpty else {
        throw HeaderRefusal(
          message: "the entity id of the custom attribute \(key) is not known; say it in the mapping (entity_id), or pass "
            + "--attribute '\(key)=ENTITY_ID'")
      }
      let value = try named(key, source, type)
      parts.attributes.append(Attribute(value: value, entity: target.place(entity)))
      names.append(("attributes." + key, value))
      attributes[key] = entity
    }

    private mutating func named(
      _ name: String, _ source: Source, _ type: ValueType?, parts wanted: SourceReader.Parts = .any
    ) throws(HeaderRefusal) -> Named {
      Named(
        name: target.place(name), source: try SourceReader(source, &parts.places, context, parts: wanted, mayMiss: mayMiss(source)),
        type: type)
    }

    private func mayMiss(_ source: Source) -> Bool { ownPaths.map { own in !source.columns.contains { own.contains($0) } } ?? false }

    private mutating func addWhole(_ path: Path) -> Path {
      let name = "\u{1}\(parts.wholes.count)"
      var whole = Whole(name: target.place(name), column: path.description, place: parts.places.place(path))
      if whole.place != nil, parts.places.isCSV {
        parts.wholes.append(whole)
        return Path(name: name)
      }
      for (name, column) in parts.places.columns(below: path) {
        whole.columns.append((target.place(String(decoding: name, as: UTF8.self)), column))
      }
      parts.wholes.append(whole)
      return Path(name: name)
    }
  }
}

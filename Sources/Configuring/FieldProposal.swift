import Normalizing

/// The fields of one input, proposed from what its columns are called and hold.
struct FieldProposal {
  private(set) var lines: [String] = []
  private(set) var questionCount = 0
  private let columns: [ColumnProfile]
  private let datafile: Datafile?
  private var used: Set<String> = []
  /// What says which event a conversion was.
  private var keyColumn: ColumnProfile?

  init(_ columns: [ColumnProfile], _ datafile: Datafile?) {
    self.columns = columns
    self.datafile = datafile
  }

  mutating func propose() {
    let variation = find(.variation)
    let entity = find(.key) ?? find(.entity)
    var isMixed = false
    if let variation, let entity, variation.cells.count < variation.rowCount, !entity.cells.isEmpty {
      isMixed = true
      ask("some rows have a variation and some an event, so that this holds both kinds; rows with a variation are taken for decisions.")
    } else {
      let kind = variation != nil && (variation?.cells.count ?? 0) > 0 ? "decision" : "conversion"
      lines.append("record: \(kind)  # \(variation.map { "\(Self.shown($0.name)) names a variation" } ?? "no column names a variation")")
    }
    lines.append("fields:")
    visitor()
    time()
    if variation != nil { decision(variation) }
    if variation == nil || isMixed { conversion() }
    uuid()
    money()
    for field in [Field.session, .value, .quantity] {
      if let column = find(field) { add(field, Self.name(column)) }
    }
    rest()
  }

  // MARK: fields

  private mutating func visitor() {
    guard let column = find(.visitor) ?? columns.first(where: { !$0.cells.isEmpty && $0.share(ColumnProfile.isMail) > 0.9 }) else {
      ask("no column looks like the visitor's id: the id that the experiment saw.", indent: "  ")
      lines.append("  visitor_id: \"?\"")
      return
    }
    guard column.share(ColumnProfile.isMail) >= 0.5 else {
      add(.visitor, Self.name(column), "\(column.distinct.count) different in \(column.rowCount) rows")
      return
    }
    ask(
      "these are addresses of people, which must not be sent. Is their SHA-256 with this salt the id that the experiment saw?", indent: "  "
    )
    add(.visitor, "{sha256: {from: \(Self.name(column)), text: [trim, lowercase]}, salt: \"${SALT}\"}")
  }

  private mutating func time() {
    guard let column = find(.timestamp) ?? columns.first(where: { !used.contains($0.name) && TimeGuess($0) != nil }) else {
      ask("no column looks like a time.", indent: "  ")
      lines.append("  timestamp: \"?\"")
      return
    }
    used.insert(column.name)
    guard let guess = TimeGuess(column) else {
      ask(
        "the times in \(Self.shown(column.name)) have no form that is known here; write it in Unicode's letters, as in M/d/yyyy HH:mm.",
        indent: "  ")
      lines.append("  timestamp: {from: \(Self.name(column)), format: \"?\", zone: \"?\"}")
      return
    }
    var keys = ["from: \(Self.name(column))"]
    if guess.possibleFormats.count > 1 {
      let forms = TimeGuess.alternatives(guess.possibleFormats)
      ask("days and months cannot be told apart here: is it \(forms)? Write it in place of the question mark.", indent: "  ")
      keys.append("format: \"?\"")
    } else if let format = guess.format {
      keys.append("format: \(ConfigurationText.scalar(format))")
    }
    if guess.needsZone {
      ask("these times say no zone: whose clocks are they? A place such as Europe/Paris, or UTC.", indent: "  ")
      keys.append("zone: \"?\"")
    }
    lines.append("  # \(guess.reason).")
    lines.append("  timestamp: \(keys.count == 1 ? Self.name(column) : "{\(keys.joined(separator: ", "))}")")
  }

  private mutating func decision(_ variation: ColumnProfile?) {
    let experiment = find(.experiment)
    let isKey = experiment.map { isKeys($0) } ?? false
    if let campaign = find(.campaign) {
      add(.campaign, Self.name(campaign))
    } else if let experiment {
      if datafile == nil { ask("no column has the campaign's id; the project's datafile knows it: name it with datafile.", indent: "  ") }
      add(.campaign, "{from: \(Self.name(experiment)), key: campaign}")
    } else {
      ask("no column has the campaign's id.", indent: "  ")
      lines.append("  campaign_id: \"?\"")
    }
    if let experiment {
      add(.experiment, isKey ? "{from: \(Self.name(experiment)), key: experiment}" : Self.name(experiment), isKey ? Self.keysReason : nil)
    } else {
      ask("no column has the experiment's id.", indent: "  ")
      lines.append("  experiment_id: \"?\"")
    }
    guard let variation else { return }
    if isKeys(variation), let experiment {
      add(.variation, "{from: \(Self.name(variation)), key: variation, experiment: \(Self.name(experiment))}", Self.keysReason)
    } else {
      add(.variation, Self.name(variation))
    }
  }

  private mutating func conversion() {
    let id = find(.entity)
    let key = find(.key)
    if let id, !isKeys(id) {
      add(.entity, Self.name(id))
      if let key, key.name != id.name { add(.key, Self.name(key)) }
      keyColumn = id
    } else if let key = key ?? id {
      if datafile == nil {
        ask("these are an event's keys, which the project's datafile turns into ids: name it with datafile, or write lookup.", indent: "  ")
      } else {
        let unknown = key.distinct.filter { datafile?.events.entries[$0] == nil }.count
        if unknown > 0 {
          ask("\(unknown) of \(key.distinct.count) keys are not in the datafile; leave their rows out with where.", indent: "  ")
        }
      }
      add(.entity, "{from: \(Self.name(key)), key: event}", Self.keysReason)
      add(.key, Self.name(key))
      keyColumn = key
    } else {
      ask("no column says which event it was; all rows may be one event, as in {const: \"9001\"}.", indent: "  ")
      lines.append("  entity_id: \"?\"")
    }
  }

  private mutating func uuid() {
    if let column = columns.first(where: { !used.contains($0.name) && $0.isUnique && $0.share(ColumnProfile.isUUID) == 1 }) {
      add(.uuid, Self.name(column), "a uuid of its own in each row")
    } else if let column = find(.uuid), column.isUnique {
      // An order may have several events.
      let names = [column, keyColumn].compactMap { $0 }.map(Self.name)
      add(.uuid, "{from: [\(names.joined(separator: ", "))]}", "different in each row")
    } else {
      lines.append("  # No column tells rows apart, so that each event's id is derived from what it says.")
    }
  }

  private mutating func money() {
    guard let column = find(.revenue) else { return }
    let amounts = column.cells.compactMap(ColumnProfile.amount)
    guard amounts.count * 10 >= column.cells.count * 9, !amounts.isEmpty else {
      ask("\(Self.shown(column.name)) sounds like an amount, and holds no plain numbers; it is left out.", indent: "  ")
      return
    }
    let decimal = amounts.lazy.compactMap(\.decimal).first
    let group = amounts.lazy.compactMap(\.group).first
    var keys = ["from: \(Self.name(column))"]
    if decimal != nil {
      lines.append("  # \(amounts.count { $0.decimal != nil }) of \(amounts.count) amounts have decimals, so they count whole units.")
      keys.append("unit: major")
    } else {
      ask("do these amounts count whole units (major: 20 is 20.00) or hundredths (minor: 1999 is 19.99)?", indent: "  ")
      keys.append("unit: \"?\"")
    }
    if decimal == "," || group == "." { keys.append("decimal: \",\"") }
    if let group { keys.append("group: \(ConfigurationText.scalar(String(group)))") }
    add(.revenue, "{\(keys.joined(separator: ", "))}")
  }

  /// Columns that no field took, as tags that are not there yet.
  private mutating func rest() {
    let left = columns.filter { !used.contains($0.name) && !$0.name.hasSuffix("[]") && !$0.cells.isEmpty }
    guard !left.isEmpty else { return }
    lines.append("# Other columns, to be sent as tags:")
    lines.append("# tags:")
    for column in left {
      let name = ConfigurationText.name(column.name)
      let isNumber = column.share { Double($0) != nil } == 1
      lines.append("#   \(name): \(isNumber ? "{from: \(Self.name(column)), type: number}" : Self.name(column))")
    }
  }

  // MARK: columns

  /// Names that people give to what a field holds, the likeliest first.
  private static let names: [Field: [String]] = [
    .visitor: [
      "visitorid", "visitor", "userid", "user", "anonymousid", "clientid", "fullvisitorid", "enduserid", "cookieid", "cookie", "customerid",
      "customer", "deviceid", "memberid", "accountuserid", "uid", "email", "emailaddress", "mail", "customeremail", "useremail",
    ],
    .campaign: ["campaignid", "layerid", "campaign", "layer"],
    .experiment: [
      "experimentid", "experiment", "testid", "test", "experimentkey", "experimentname", "exp", "expid", "abtest", "ruleid", "rulekey",
      "rule",
    ],
    .variation: ["variationid", "variation", "variantid", "variant", "arm", "bucket", "variationkey", "variationname", "treatment"],
    .entity: ["entityid", "eventid", "goalid", "goal"],
    .key: ["key", "eventkey", "eventname", "event", "goalname", "conversion", "action", "eventtype", "kind"],
    .timestamp: [
      "timestamp", "ts", "eventtime", "eventtimestamp", "time", "datetime", "createdat", "occurredat", "ordertime", "orderdate",
      "purchasedat",
      "placedat", "paidat", "at", "date", "when", "created",
    ],
    .uuid: ["uuid", "eventuuid", "messageid", "insertid", "orderid", "orderno", "ordernumber", "transactionid", "id", "order"],
    .session: ["sessionid", "session"],
    .revenue: ["revenue", "amount", "total", "ordertotal", "price", "grandtotal", "sales", "netrevenue", "usd", "eur"],
    .value: ["value", "score"], .quantity: ["quantity", "qty", "items", "count", "units"],
  ]

  /// The column most likely to hold a field: by what the datafile knows of its cells, else by name. Nil when none does.
  private func find(_ field: Field) -> ColumnProfile? {
    if let known = known(field),
      let column = columns.first(where: { !used.contains($0.name) && !$0.cells.isEmpty && $0.share { known[$0] != nil } >= 0.5 })
    {
      return column
    }
    for name in FieldProposal.names[field] ?? [] {
      for column in columns where column.names.contains(name) && !used.contains(column.name) && !column.cells.isEmpty {
        if !column.name.hasSuffix("[]") { return column }
      }
    }
    return nil
  }

  /// The keys and ids that a field may hold; nil without a datafile, and for other fields.
  private func known(_ field: Field) -> [String: String]? {
    switch field {
    case .experiment: datafile?.experiments.entries
    case .key: datafile?.events.entries
    default: nil
    }
  }

  /// Whether the cells are words where ids have digits.
  private func isKeys(_ column: ColumnProfile) -> Bool { column.share { $0.contains { $0.isNumber } && !$0.contains(" ") } < 0.5 }

  private static let keysReason = "letters where ids have digits: keys"

  private mutating func add(_ field: Field, _ value: String, _ reason: String? = nil) {
    for column in columns where value.contains(Self.name(column)) { used.insert(column.name) }
    if let column = columns.first(where: { Self.name($0) == value }), column.share(ColumnProfile.isDamaged) > 0 {
      ask(
        "\(Self.shown(column.name)) has numbers like 9.56E+09: a spreadsheet cut digits off, and their rows will be rejected.", indent: "  "
      )
    }
    lines.append("  \(field.rawValue): \(value)\(reason.map { "  # \($0)" } ?? "")")
  }

  private mutating func ask(_ question: String, indent: String = "") {
    questionCount += 1
    lines.append("\(indent)# QUESTION: \(question)")
  }

  private static func name(_ column: ColumnProfile) -> String { ConfigurationText.scalar(column.name) }

  /// A column's name in a comment.
  private static func shown(_ name: String) -> String { ConfigurationText.name(name) }
}

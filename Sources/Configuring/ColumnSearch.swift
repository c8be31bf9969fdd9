import Normalizing

/// The columns of an input, which of them fields have taken, and which of the others a field is likely to be.
struct ColumnSearch {
  let columns: [ColumnProfile]
  let datafile: Datafile?
  /// Whether the values are cells, whose texts say all of them.
  let isCSV: Bool
  private var used: Set<String> = []
  /// Ids that the datafile has, as texts other than digits are ids nowhere else.
  private let ids: [Field: Set<String>]

  init(_ columns: [ColumnProfile], _ datafile: Datafile?, isCSV: Bool) {
    self.columns = columns
    self.isCSV = isCSV
    self.datafile = datafile
    let experiments = datafile?.experimentIDs ?? []
    ids = [
      .campaign: Set(experiments.map(\.campaign)), .experiment: Set(experiments.map(\.experiment)),
      .variation: Set(experiments.flatMap(\.variations)), .entity: Set(datafile?.eventIDs ?? []),
    ]
  }

  /// Columns with cells that no field took; lists are none.
  var left: [ColumnProfile] { columns.filter { !used.contains($0.name) && !$0.cells.isEmpty && !$0.isList } }

  mutating func use(_ columns: [ColumnProfile]) { used.formUnion(columns.map(\.name)) }

  func haveUsed(_ columns: [ColumnProfile]) -> Bool { columns.contains { used.contains($0.name) } }

  // MARK: ids and keys

  func isID(_ text: String, _ field: Field) -> Bool { ColumnProfile.isDigits(text) || ids[field]?.contains(text) == true }

  /// Whether more than one cell in ten is neither an id nor one that was damaged. Where keys are looked up, an id stands for itself.
  func isKeys(_ column: ColumnProfile, _ field: Field) -> Bool {
    column.share { isID($0, field) || ColumnProfile.damage($0) != nil } < 0.9
  }

  /// The column of flags in which a column of rules means something: the datafile knows their pairs, or the columns are called so. Nil when the experiments stand for themselves.
  func flag(of rules: ColumnProfile) -> ColumnProfile? {
    guard let flag = metadata(.flagKey) else { return nil }
    let isNamed = ["ruleid", "rulekey", "rule"].contains(rules.lastName)
    guard let datafile else { return isNamed ? flag : nil }
    var pairCount = 0
    for case (let flag?, let rule?) in zip(flag.values, rules.values)
    where datafile.flagExperiments.entries[flag + Datafile.separator + rule] != nil { pairCount += 1 }
    let aloneCount = rules.cells.count { datafile.experiments.entries[$0] != nil }
    return isNamed ? (pairCount > 0 || aloneCount == 0 ? flag : nil) : (pairCount > 0 && pairCount >= aloneCount ? flag : nil)
  }

  /// A column that says more about a decision, whether a field took it or not.
  func metadata(_ field: Field) -> ColumnProfile? {
    let names: [Field: [String]] = [
      .flagKey: ["flagkey", "flag", "featurekey", "feature"], .ruleKey: ["rulekey", "rule"], .variationKey: ["variationkey"],
      .ruleType: ["ruletype"], .enabled: ["enabled"], .holdback: ["iscampaignholdback", "isholdback", "holdback"],
    ]
    return (names[field] ?? []).lazy.compactMap { name in
      columns.first { $0.lastName == name && !$0.cells.isEmpty && !$0.isList }
    }.first
  }

  // MARK: likely columns

  /// The column of times: one that is called so, else one whose cells are; digits alone come last, as ids are digits too. `others` are columns
  /// that could be it as well.
  func time() -> (column: ColumnProfile, guess: TimeGuess, others: [ColumnProfile])? {
    for column in candidates(.timestamp) {
      if let guess = TimeGuess(column, isNamed: true) { return (column, guess, []) }
    }
    let digits = left.filter { $0.share(ColumnProfile.isDigits) > 0.5 }.map(\.name)
    for columns in [left.filter { !digits.contains($0.name) }, left.filter { digits.contains($0.name) }] {
      for (at, column) in columns.enumerated() {
        guard let guess = TimeGuess(column) else { continue }
        return (column, guess, columns[(at + 1)...].filter { TimeGuess($0.beginning) != nil })
      }
    }
    return nil
  }

  /// The column of amounts: one that is called so, else one of whose name a word says so.
  func money() -> (ColumnProfile, AmountGuess)? {
    let worded = left.filter { column in
      let words = Set(column.words)
      return !words.isDisjoint(with: ColumnSearch.amountWords) && words.isDisjoint(with: ColumnSearch.otherWords)
    }
    return (candidates(.revenue) + worded).lazy.compactMap { column in AmountGuess(column).map { (column, $0) } }.first
  }

  /// The column most likely to hold a field: by what the datafile knows of its cells, else by name. Nil when none does.
  func find(_ field: Field) -> ColumnProfile? {
    if let known = known(field), let column = left.first(where: { $0.share { known[$0] != nil } >= 0.5 }) { return column }
    return candidates(field).first
  }

  /// Columns by name, the likeliest first; of nested members a whole path says more than its last name.
  func candidates(_ field: Field) -> [ColumnProfile] {
    let names = ColumnSearch.names[field] ?? []
    let left = left
    return [\ColumnProfile.wholeName, \ColumnProfile.lastName].flatMap { part in
      names.flatMap { name in left.filter { $0[keyPath: part] == name } }
    }
  }

  /// The keys and ids that a field may hold; nil without a datafile, and for other fields.
  private func known(_ field: Field) -> [String: String]? {
    switch field {
    case .experiment: datafile?.experiments.entries
    case .key: datafile?.events.entries
    default: nil
    }
  }

  private static let amountWords: Set<String> = [
    "revenue", "amount", "total", "price", "sales", "cents", "betrag", "umsatz", "summe", "preis", "montant", "importe", "bedrag",
  ]
  /// Words of columns that count something else than what a conversion was worth.
  private static let otherWords: Set<String> = [
    "tax", "vat", "shipping", "discount", "currency", "count", "items", "quantity", "qty", "id", "number", "type", "mwst", "steuer",
    "versand", "rabatt", "anzahl", "refund", "cost",
  ]

  /// Names that people give to what a field holds, the likeliest first.
  private static let names: [Field: [String]] = [
    .visitor: [
      "visitorid", "visitor", "userid", "user", "anonymousid", "clientid", "fullvisitorid", "enduserid", "cookieid", "cookie", "customerid",
      "customer", "deviceid", "memberid", "accountuserid", "uid", "kundennummer", "kundennr", "kunde", "email", "emailaddress", "mail",
      "customeremail", "useremail",
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
      "placedat", "paidat", "at", "date", "when", "created", "datum", "bestelldatum", "zeitpunkt",
    ],
    .uuid: [
      "uuid", "eventuuid", "messageid", "insertid", "orderid", "orderno", "ordernumber", "transactionid", "bestellnummer",
      "bestellnr", "id", "order",
    ],
    .session: ["sessionid", "session"],
    .revenue: ["revenue", "amount", "total", "ordertotal", "price", "grandtotal", "sales", "netrevenue", "usd", "eur"],
    .value: ["value", "score"], .quantity: ["quantity", "qty", "items", "count", "units"],
  ]
}

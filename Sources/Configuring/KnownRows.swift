/// A preset other than native whose rows these are, and why.
struct KnownRows {
  let name: String
  let reason: String
  /// Whether each row says the account in `account_id`.
  var saysAccount = false
  var needsDatafile = false

  /// Nil when no preset is known by these columns.
  init?(_ columns: [ColumnProfile]) { self.init(names: columns.map(\.name)) }

  init?(names: [String]) {
    let names = Set(names)
    func have(_ wanted: String...) -> Bool { wanted.allSatisfy(names.contains) }
    if have("visitors[]", "account_id") {
      (name, reason) = ("sdk-log", "Each row is a body of the Event API, as an SDK's dispatcher logs them.")
      saysAccount = true
    } else if have("event_name", "event_timestamp", "user_pseudo_id") {
      name = "ga4"
      reason = "Rows of Google Analytics 4's BigQuery export. Keep the events that the project has: where: {event_name: [...]}"
      needsDatafile = true
    } else if have("messageId", "event"), have("anonymousId") || have("userId") {
      (name, reason) = ("segment", "Segment's track calls. Keep the events that the project has: where: {event: [...]}")
      needsDatafile = true
    } else if have("visitor_id", "timestamp", "uuid"), have("is_holdback") || have("event_name") {
      (name, reason) = ("events-export", "Rows of the vendor's Experimentation Events Export.")
      saysAccount = have("account_id")
    } else {
      return nil
    }
  }
}

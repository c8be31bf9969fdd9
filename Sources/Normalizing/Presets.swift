extension Mapping {
  /// The presets by the names that `--preset` takes.
  package static let presets: [Mapping] = [.native, .eventsExport]

  package static func preset(named name: String) -> Mapping? { presets.first { $0.name == name } }

  /// Rows whose columns or members are named as in the API.
  package static let native = Mapping(
    name: "native",
    fields: Dictionary(
      uniqueKeysWithValues: Field.allCases.filter { $0 != .account }.map { ($0, Source.path(Path([$0.rawValue]))) }),
    tags: [.members(of: "tags")],
    properties: [.members(of: "properties")],
    attributes: [
      .members(of: "attributes"),
      .elements(
        of: "attributes", filters: [], type: "type", entity: "entity_id", key: "key", value: "value", entityOnlyForCustom: false),
    ],
    decisionMarks: ["variation_id"])

  /// The vendor's Experimentation Events Export, unloaded from Parquet to text: one row an event, a `campaign_activated` event implied
  /// by each decision, times in UTC. Source: the export's published schema.
  package static let eventsExport = Mapping(
    name: "events-export",
    fields: [
      .account: .path("account_id"), .visitor: .path("visitor_id"), .session: .path("session_id"),
      .campaign: .path("campaign_id"), .experiment: .path("experiment_id"), .variation: .path("variation_id"),
      .holdback: .path("is_holdback"), .timestamp: .path("timestamp"), .uuid: .path("uuid"), .entity: .path("entity_id"),
      .key: .path("event_name"), .revenue: .path("revenue"), .value: .path("value"), .quantity: .path("quantity"),
    ],
    tags: [.members(of: "tags")],
    attributes: [
      .elements(
        of: "attributes",
        filters: [
          ElementFilter("type", isOneOf: false, ["metadata"]), ElementFilter("name", isOneOf: false, ["$opt_enrich_decisions"]),
        ],
        type: "type", entity: "id", key: "name", value: "value", entityOnlyForCustom: true)
    ],
    decisionMarks: ["variation_id"],
    ignored: [
      "process_timestamp", "user_ip", "user_agent", "referer", "revision", "client_engine", "client_version", "event_type",
      "experiments",
    ],
    timesWithoutOffsetAreUTC: true)
}

extension Path: ExpressibleByStringLiteral {
  package init(stringLiteral text: String) { self.init(text) }
}

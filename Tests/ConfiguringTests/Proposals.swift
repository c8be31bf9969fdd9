import Vocabulary

@testable import Configuring

/// Proposals for rows that stand in a test.
enum Proposals {
  /// A millisecond that every proposal takes for a time as it is.
  static let time = "1714564800000"

  static func sample(_ columns: [String], _ rows: [[String?]], _ format: InputFormat = .csv) -> FileSample {
    FileSample(path: "/a/rows.\(format.rawValue)", format: format, columns: columns, rows: rows)
  }

  static func text(_ columns: [String], _ rows: [[String?]], _ format: InputFormat = .csv, datafile: Datafile? = nil) -> String {
    Proposal([sample(columns, rows, format)], datafile: datafile).text
  }

  /// Rows of conversions with one more column, which has these cells.
  static func column(_ name: String, _ cells: [String?], datafile: Datafile? = nil) -> String {
    text(["user", "goal_id", "ts", name], cells.map { ["u", "9", time, $0] }, datafile: datafile)
  }

  static func read(_ text: String, datafile: Datafile? = nil) throws(ConfigurationFault) -> ConfigurationFile {
    try ConfigurationFile(text, file: "p.yaml", settings: ["account_id"], variables: ["ACCOUNT_ID": "1", "SALT": "s"]) {
      _ throws(Datafile.Fault) in datafile
    }
  }

  /// Whether a configuration is read as it stands.
  static func reads(_ text: String, datafile: Datafile? = nil) -> Bool { (try? read(text, datafile: datafile)) != nil }

  /// A project with the event `buy` (9), and the rule `checkout_2024` (2) of the flag `pay`, whose variations are v0 (30) and v1 (31).
  static func datafile() throws -> Datafile {
    try Datafile(
      Array(
        #"""
        {"accountId":"7","attributes":[{"id":"51","key":"Tier"}],"events":[{"id":"9","key":"buy"}],"featureFlags":[{"key":"pay","experimentIds":["2"]}],
         "experiments":[{"id":"2","key":"checkout_2024","layerId":"1","variations":[{"id":"30","key":"v0"},{"id":"31","key":"v1"}]},
          {"id":"default-rollout-5","key":"everyone","layerId":"6","variations":[{"id":"61","key":"on"}]}]}
        """#.utf8))
  }
}

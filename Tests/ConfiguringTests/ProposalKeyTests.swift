import Normalizing
import Testing

@testable import Configuring

@Suite("Keys and ids in proposed configurations")
struct ProposalKeyTests {
  private func decisions(_ rows: [[String]], datafile: Datafile? = nil) -> String {
    Proposals.text(["user", "experiment", "variation", "ts"], rows.map { $0 + [Proposals.time] }, datafile: datafile)
  }

  @Test("keys that have digits in them are keys all the same")
  func digitsInKeys() throws {
    let rows = [["u", "checkout_2024", "v0"], ["w", "checkout_2024", "v1"]]
    let bare = decisions(rows)
    #expect(bare.contains("# QUESTION") && !Proposals.reads(bare), "\(bare)")
    for line in ["{from: experiment, key: experiment}", "{from: variation, key: variation, experiment: experiment}"] {
      #expect(bare.contains(line), "\(bare)")
    }
    let datafile = try Proposals.datafile()
    let known = decisions(rows, datafile: datafile)
    #expect(!known.contains("# QUESTION") && Proposals.reads(known, datafile: datafile), "\(known)")
    let unknown = decisions(rows + [["x", "pricing_7", "v0"]], datafile: datafile)
    #expect(unknown.contains("# QUESTION: 1 of 2 keys are not in the datafile (experiment)"), "\(unknown)")
  }

  @Test("ids are digits, or what the datafile knows for ids")
  func ids() throws {
    let digits = decisions([["u", "2", "30"]], datafile: try Proposals.datafile())
    #expect(digits.contains("experiment_id: experiment\n") && digits.contains("variation_id: variation\n"), "\(digits)")
    let named = decisions([["u", "default-rollout-5", "61"]], datafile: try Proposals.datafile())
    #expect(named.contains("experiment_id: experiment\n") && named.contains("variation_id: variation\n"), "\(named)")
  }

  @Test("a column that is called as one of the datafile's attributes is one")
  func attributes() throws {
    let datafile = try Proposals.datafile()
    let text = Proposals.column("tier", ["gold"], datafile: datafile)
    #expect(text.contains("attributes:  # the datafile has") && text.contains("  Tier: tier"), "\(text)")
    #expect(try Proposals.read(text, datafile: datafile).inputs.count == 1)
    #expect(!Proposals.column("tier", ["gold"]).contains("attributes:"))
    #expect(!Proposals.column("tier_2", ["gold"], datafile: datafile).contains("attributes:"))
  }

  @Test("an event's keys with digits in them are looked up, and a column of ids and keys is too, since an id stands for itself")
  func events() throws {
    let words = Proposals.text(["user", "goal", "ts"], [["u", "goal_1", Proposals.time], ["u", "goal_2", Proposals.time]])
    #expect(words.contains("entity_id: {from: goal, key: event}") && !Proposals.reads(words), "\(words)")
    let datafile = try Proposals.datafile()
    let mixed = Proposals.text(["user", "goal", "ts"], [["u", "9", Proposals.time], ["u", "buy", Proposals.time]], datafile: datafile)
    #expect(mixed.contains("entity_id: {from: goal, key: event}") && Proposals.reads(mixed, datafile: datafile), "\(mixed)")
  }

  @Test("a column of events' ids is no column of keys, whatever it is called")
  func eventIDs() throws {
    for datafile in [nil, try Proposals.datafile()] {
      for name in ["event", "what"] where name == "event" || datafile != nil {
        let text = Proposals.text(["user", name, "ts"], [["u", "9", Proposals.time]], datafile: datafile)
        #expect(text.contains("entity_id: \(name)\n") && !text.contains("key:"), "\(text)")
      }
    }
    let both = Proposals.text(["user", "event_name", "event_id", "ts"], [["u", "buy", "9", Proposals.time]])
    #expect(both.contains("entity_id: event_id\n") && both.contains("key: event_name\n"), "\(both)")
  }

  @Test("what names a variation and no experiment, or a campaign by words, leaves a question mark")
  func missing() {
    let alone = Proposals.text(["user", "variation", "ts"], [["u", "v0", Proposals.time]])
    #expect(alone.contains("variation_id: \"?\"") && alone.contains("experiment_id: \"?\""), "\(alone)")
    let spring = Proposals.text(
      ["user", "campaign", "experiment", "variation", "ts"], [["u", "Spring 24", "2", "30", Proposals.time]])
    #expect(!spring.contains("campaign_id: campaign\n"), "\(spring)")
  }

  @Test("rules are looked up in their flag, and the keys of flag, rule and variation travel with the decision")
  func rules() throws {
    let rows = [
      ["u", "pay", "checkout_2024", "v0", "true", Proposals.time], ["w", "pay", "checkout_2024", "v1", "false", Proposals.time],
    ]
    let columns = ["user", "flag_key", "rule_key", "variation_key", "enabled", "ts"]
    let datafile = try Proposals.datafile()
    let text = Proposals.text(columns, rows, datafile: datafile)
    for line in [
      "campaign_id: {from: rule_key, key: campaign, flag: flag_key}", "experiment_id: {from: rule_key, key: experiment, flag: flag_key}",
      "variation_id: {from: variation_key, key: variation, flag: flag_key, rule: rule_key}", "flag_key: flag_key", "rule_key: rule_key",
      "variation_key: variation_key", "enabled: enabled",
    ] { #expect(text.contains("      \(line)\n") || text.contains("      \(line)  #"), "\(line) in\n\(text)") }
    #expect(!text.contains("tags") && !text.contains("# QUESTION") && Proposals.reads(text, datafile: datafile), "\(text)")
    let other = Proposals.text(columns, rows + [["x", "shop", "checkout_2024", "v0", "true", Proposals.time]], datafile: datafile)
    #expect(other.contains("# QUESTION: 1 of 2 keys are not in the datafile (rule_key)"), "\(other)")
    let bare = Proposals.text(columns, rows)
    #expect(bare.contains("flag: flag_key, rule: rule_key") && bare.contains("# QUESTION: these are keys"), "\(bare)")
  }

  @Test("experiments that stand for themselves are looked up alone, also where a column names a flag")
  func experimentsBesideFlags() throws {
    let rows = [["u", "dark_mode", "everyone", "on", Proposals.time]]
    let text = Proposals.text(["user", "flag", "experiment", "variation", "ts"], rows, datafile: try Proposals.datafile())
    #expect(text.contains("experiment_id: {from: experiment, key: experiment}") && text.contains("flag_key: flag"), "\(text)")
    #expect(text.contains("variation_id: {from: variation, key: variation, experiment: experiment}"), "\(text)")
  }
}

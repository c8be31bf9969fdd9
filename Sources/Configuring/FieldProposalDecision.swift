import Normalizing

extension FieldProposal {
  /// The ids of a decision, from ids or keys, and what says more about it.
  mutating func decision() {
    let experiment = search.find(.experiment)
    let variation = search.find(.variation)
    let flag = experiment.flatMap { search.flag(of: $0) }
    askForDatafile(experiment, variation)
    if let experiment, let flag, search.isKeys(experiment, .experiment) {
      rule(experiment, flag)
    } else {
      campaign(experiment)
      self.experiment(experiment)
    }
    self.variation(variation, experiment, flag)
    metadata()
  }

  private mutating func askForDatafile(_ experiment: ColumnProfile?, _ variation: ColumnProfile?) {
    guard search.datafile == nil, let experiment else { return }
    if search.isKeys(experiment, .experiment) || variation.map({ search.isKeys($0, .variation) }) == true {
      ask("these are keys, which the project's datafile turns into ids, the campaign's too: name it with datafile.")
    } else if campaignColumn == nil {
      ask("no column has the campaign's id; the project's datafile knows it: name it with datafile.")
    }
  }

  /// A column of campaigns' ids; names of campaigns are mostly those of advertisements.
  private var campaignColumn: ColumnProfile? { search.find(.campaign).flatMap { search.isKeys($0, .campaign) ? nil : $0 } }

  private mutating func rule(_ rule: ColumnProfile, _ flag: ColumnProfile) {
    let (from, flagName) = (Self.name(rule), Self.name(flag))
    if let datafile = search.datafile {
      let pairs = Set(zip(flag.values, rule.values).compactMap { flag, rule in flag.flatMap { one in rule.map { [one, $0] } } })
      let unknown = pairs.count { datafile.flagExperiments.entries[$0.joined(separator: Datafile.separator)] == nil }
      ask(unknown: unknown, of: pairs.count, in: rule)
    }
    if let campaignColumn {
      add(.campaign, campaignColumn)
    } else {
      add(.campaign, "{from: \(from), key: campaign, flag: \(flagName)}", of: [rule, flag])
    }
    add(.experiment, "{from: \(from), key: experiment, flag: \(flagName)}", of: [rule, flag], "rules mean something inside their flag")
  }

  private mutating func campaign(_ experiment: ColumnProfile?) {
    if let campaignColumn {
      add(.campaign, campaignColumn)
    } else if let experiment {
      add(.campaign, "{from: \(Self.name(experiment)), key: campaign}", of: [experiment])
    } else {
      ask("no column has the campaign's id.")
      text.append("  campaign_id: \"?\"")
    }
  }

  private mutating func experiment(_ column: ColumnProfile?) {
    guard let column else {
      ask("no column has the experiment's id.")
      text.append("  experiment_id: \"?\"")
      return
    }
    guard search.isKeys(column, .experiment) else { return add(.experiment, column) }
    if let datafile = search.datafile {
      ask(unknown: column.distinct.filter { datafile.experiments.entries[$0] == nil }.count, of: column.distinct.count, in: column)
    }
    add(.experiment, "{from: \(Self.name(column)), key: experiment}", of: [column], Self.keysReason)
  }

  private mutating func variation(_ variation: ColumnProfile?, _ experiment: ColumnProfile?, _ flag: ColumnProfile?) {
    if let variation, !search.isKeys(variation, .variation) { return add(.variation, variation) }
    guard let variation, let experiment else {
      let what = variation.map { "\(Self.shown($0.name)) holds keys, which mean something inside an experiment only" }
      ask(what.map { $0 + ", and no column has the experiment." } ?? "no column has the variation's id.")
      text.append("  variation_id: \"?\"")
      return
    }
    let from = "from: \(Self.name(variation)), key: variation"
    if let flag, search.isKeys(experiment, .experiment) {
      let value = "{\(from), flag: \(Self.name(flag)), rule: \(Self.name(experiment))}"
      add(.variation, value, of: [variation, flag, experiment], Self.keysReason)
    } else {
      add(.variation, "{\(from), experiment: \(Self.name(experiment))}", of: [variation, experiment], Self.keysReason)
    }
  }

  /// Columns that say more about a decision, also those that its ids were made of.
  private mutating func metadata() {
    for field in [Field.flagKey, .ruleKey, .variationKey, .ruleType] {
      if let column = search.metadata(field) { add(field, column) }
    }
    for field in [Field.enabled, .holdback] {
      if let column = search.metadata(field), column.share(ColumnProfile.isBoolean) == 1 { add(field, column) }
    }
  }
}

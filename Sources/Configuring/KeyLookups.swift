import Normalizing
import Yams

/// Turns keys of the project into ids, by tables of its datafile.
///
///     entity_id:      {from: event, key: event}
///     experiment_id:  {from: test, key: experiment}               {from: rule, key: experiment, flag: flag}
///     campaign_id:    {from: test, key: campaign}                 {from: rule, key: campaign, flag: flag}
///     variation_id:   {from: arm, key: variation, experiment: test}
///                     {from: arm, key: variation, flag: flag, rule: rule}
enum KeyLookups {
  private enum Kind: String, CaseIterable { case event, experiment, campaign, variation }

  /// The source that looks `base` up; nil without the key `key`, or with a problem.
  static func read(_ keys: inout Keys, _ node: Node, _ base: Source?, _ otherwise: Lookup.Otherwise) -> Source? {
    let environment = keys.environment
    let kind = keys.word("key", Kind.self)
    func source(_ name: String) -> Source? { keys.value(name).flatMap { SourceKeys($0, name, environment)?.source } }
    let flag = source("flag")
    let rule = source("rule")
    let experiment = source("experiment")
    guard let kind else {
      if flag != nil || rule != nil || experiment != nil {
        environment.problems.add(
          node, "flag, rule and experiment belong to key (event, experiment, campaign or variation), which is not here")
      }
      return nil
    }
    guard let datafile = environment.datafile else {
      environment.problems.add(node, "key needs the project's datafile; name it with datafile, or with --datafile")
      return nil
    }
    guard let base else { return nil }
    func lookUp(_ parts: [Source], _ table: KeyTable, _ what: String) -> Source {
      let source = parts.count == 1 ? parts[0] : Source.join(parts, separator: Datafile.separator)
      return .lookup(
        source, Lookup(table.entries, otherwise: otherwise, of: "the datafile's \(what)", ambiguous: table.ambiguous.sorted()))
    }
    switch kind {
    case .event: return lookUp([base], datafile.events, "events")
    case .experiment:
      return flag.map { lookUp([$0, base], datafile.flagExperiments, "flags and rules") }
        ?? lookUp([base], datafile.experiments, "experiments")
    case .campaign:
      return flag.map { lookUp([$0, base], datafile.flagCampaigns, "flags and rules") }
        ?? lookUp([base], datafile.campaigns, "experiments")
    case .variation:
      if let flag, let rule { return lookUp([flag, rule, base], datafile.flagVariations, "flags, rules and variations") }
      if let experiment, flag == nil, rule == nil { return lookUp([experiment, base], datafile.variations, "experiments and variations") }
      environment.problems.add(
        node,
        "a variation's key means something inside an experiment only: name experiment, or flag and rule, with the columns of their keys")
      return nil
    }
  }
}

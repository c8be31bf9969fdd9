import Configuring
import EventAPI
import Grouping
import Normalizing
import Pipeline
import Vocabulary

/// What a command would do, as a configuration that says all of it: flags, environment, configuration, datafile and defaults resolved.
///
/// An address's secrets are left out: user, password, query. `datafile` is the path or address of the project's, whose ids are what ids are compared with; what it
/// turned keys into stands in the text.
func shownConfiguration(
  _ specification: ImportSpecification, _ settings: RunSettings, _ options: RunOptions, datafile: String?,
  omitting omission: ConfigurationText.Omission = ConfigurationText.Omission()
) -> String {
  let keys: [(key: String, value: String)] = [
    ("account_id", settings.body.accountID), ("datafile", datafile.map { Fetched.isAddress($0) ? Endpoint.url($0).name : $0 } ?? ""),
    ("endpoint", options.endpoint.name), ("state", options.state),
    ("memory", "\(options.memoryBytes)"), ("max_body_bytes", "\(settings.bodyLimit)"), ("client_name", settings.body.clientName),
    ("project_id", settings.body.projectID ?? ""), ("revision", settings.body.revision ?? ""),
    ("anonymize_ip", "\(settings.body.anonymizeIP)"), ("enrich_decisions", "\(settings.body.enrichDecisions)"),
    ("on_conflict", settings.rules.onConflict.rawValue), ("early_conversions", settings.rules.earlyConversions.rawValue),
    ("activations", settings.rules.activations.rawValue), ("identical_rows", settings.identicalRows.rawValue),
    ("unknown_attributes", settings.normalizer.unknownAttributes.rawValue), ("inherit_attributes", "\(settings.inheritsAttributes)"),
    ("no_ledger", "\(settings.ignoresLedger == true)"),
    ("window", settings.selection?.window.map { "\($0.from.map(String.init) ?? "")..\($0.to.map(String.init) ?? "")" } ?? ""),
    ("exclude", settings.selection?.exclusion?.path ?? ""), ("max_rejects", options.maxRejects.words),
    ("allow_rejects", options.allowedRejects.words),
    ("accept", options.acceptedFindings.map(\.rawValue).sorted().joined(separator: ",")), ("keep_staging", "\(options.keepsStaging)"),
  ]
  let inputs = specification.inputs.map {
    ConfiguredInput(files: [$0.path], record: $0.kind, form: $0.form.orElse(specification.form), mapping: $0.mapping ?? settings.mapping)
  }
  return ConfigurationText(
    settings: keys.filter { !$0.value.isEmpty }, attributes: settings.normalizer.attributes, inputs: inputs, omitting: omission
  ).text
}

/// The same to be kept with a run and shown by others: without secrets and values of the environment, and no longer than `Limits` says.
func keptConfiguration(
  _ specification: ImportSpecification, _ settings: RunSettings, _ options: RunOptions, _ input: InputArguments
) throws -> String {
  var shown = specification
  shown.inputs = Array(specification.inputs.prefix(100))
  let datafile = try input.datafilePath().map { Fetched.isAddress($0) ? Endpoint.url($0).name : $0 }
  var text = shownConfiguration(
    shown, settings, options, datafile: datafile,
    omitting: ConfigurationText.Omission(variables: try input.variables(), tableLimit: 100))
  if specification.inputs.count > 100 { text += "# and \(specification.inputs.count - 100) more inputs\n" }
  guard text.utf8.count > Limits.shownConfigurationBytes else { return text }
  return String(decoding: text.utf8.prefix(Limits.shownConfigurationBytes), as: UTF8.self) + "\n# and more, which was not kept\n"
}

import ArgumentParser
import Configuring
import Delivering
import EventAPI
import Foundation
import Grouping
import Normalizing
import Pipeline
import Vocabulary

/// The flags that say what is read.
struct InputArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Files whose rows say what they are; - is standard input. Patterns in quotes are expanded.", valueName: "files"))
  var files: [String] = []

  @Option(
    help: ArgumentHelp(
      "A YAML file that names inputs and says how their rows become records; any other flag may be a key of it.", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp(
      "The project's datafile, by path or address: it gives the account, the entity ids of attributes, and the ids of keys.",
      valueName: "file|url"))
  var datafile: String?

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Files of decisions.", valueName: "glob"))
  var decisions: [String] = []

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Files of conversions.", valueName: "glob"))
  var conversions: [String] = []

  @Option(
    help: ArgumentHelp(
      "How rows are named: \(Presets.names.joined(separator: ", ")). (default: native)", valueName: "name"))
  var preset: String?

  @OptionGroup(title: "Form of the files")
  var form: FormArguments

  @Option(
    help: ArgumentHelp(
      "The entity id of a custom attribute; once for each key that the rows have.", valueName: "key=entity-id"))
  var attribute: [AttributeArgument] = []

  func specification() throws -> ImportSpecification {
    let configured = try configuration()
    if let configured, !files.isEmpty || !decisions.isEmpty || !conversions.isEmpty {
      throw ValidationError("inputs are named by --config \(configured.path) and by the command as well; name them in one place")
    }
    let named = NamedInputs(files: files, decisions: decisions, conversions: conversions)
    return ImportSpecification(inputs: try configured?.inputs() ?? named.resolved(), form: try form.form())
  }

  /// The configuration that `--config` names; nil without one.
  func configuration() throws(RunFailure) -> NamedConfiguration? {
    guard let config else { return nil }
    return try NamedConfiguration(config, datafile: namedDatafile)
  }

  /// The project's datafile; nil when none is named.
  func project() throws -> Datafile? {
    if let configured = try configuration() { return configured.datafile }
    return try namedDatafile.map { try NamedConfiguration.datafile($0) }
  }

  /// The absolute path or the address of the project's datafile; nil when none is named.
  func datafilePath() throws -> String? {
    guard let named = try configuration()?.datafilePath ?? namedDatafile else { return nil }
    return Fetched.isAddress(named) ? named : URL(fileURLWithPath: named).standardizedFileURL.path
  }

  /// The datafile that the flag or the environment names.
  private var namedDatafile: String? {
    datafile ?? ProcessInfo.processInfo.environment["OPTIREPLAY_DATAFILE"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Fetches the project's datafile when it is named by its address, by the way that bodies would go. To be called before anything else.
  func fetchDatafile(_ delivery: DeliveryArguments?) async throws(RunFailure) {
    let variables = ProcessInfo.processInfo.environment
    var text: String?
    if let config { text = try NamedConfiguration.text(try NamedConfiguration.read(config), of: config) }
    func said(_ key: String, _ flag: String?) -> String? {
      let given = flag ?? variables["OPTIREPLAY_" + key.uppercased()].flatMap { $0.isEmpty ? nil : $0 }
      return given ?? text.flatMap { ConfigurationFile.said(of: key, $0, variables: variables) }
    }
    guard let name = said("datafile", datafile), Fetched.isAddress(name) else { return }
    let isGiven = delivery?.caFile != nil || variables["OPTIREPLAY_CA_FILE"].map { !$0.isEmpty } ?? false
    let authorities = said("ca_file", delivery?.caFile).map { isGiven || $0.hasPrefix("/") ? $0 : besideConfiguration($0) }
    try await Fetched.fetch(name, proxy: said("proxy", delivery?.proxy), caFile: authorities)
  }

  private func besideConfiguration(_ path: String) -> String {
    URL(fileURLWithPath: config ?? "").deletingLastPathComponent().path + "/" + path
  }

  /// The variables of the environment that the configuration speaks of, with their values.
  func variables() throws(RunFailure) -> [String: String] {
    guard let config else { return [:] }
    let text = try NamedConfiguration.text(try NamedConfiguration.read(config), of: config)
    let names = text.matches(of: /\$\{([A-Za-z_][A-Za-z0-9_]*)/).map { String($0.output.1) }
    let environment = ProcessInfo.processInfo.environment
    return Dictionary(names.compactMap { name in environment[name].map { (name, $0) } }) { $1 }
  }

  /// Lets the configuration say what flags and environment do not. To be called before any of them is read.
  func useConfiguration() throws(RunFailure) {
    guard let configured = try configuration() else { return }
    var values = configured.file.settings
    // As those of its inputs, a relative path counts from the configuration's folder.
    if let path = values["exclude"], !path.hasPrefix("/") {
      values["exclude"] = URL(fileURLWithPath: configured.path).deletingLastPathComponent().path + "/" + path
    }
    if let path = values["ca_file"], !path.hasPrefix("/") {
      values["ca_file"] = URL(fileURLWithPath: configured.path).deletingLastPathComponent().path + "/" + path
    }
    Given.use(values, lines: configured.file.settingLines, from: configured.path)
  }

  func mapping() throws -> Mapping {
    guard let name = try Given.value(preset, "preset") else { return .native }
    guard Presets.names.contains(name) else {
      throw ValidationError("--preset \(name) is not known; there are \(Presets.names.joined(separator: ", "))")
    }
    let project = try project()
    do throws(Datafile.Fault) {
      return try Presets.mapping(name, datafile: project)
    } catch {
      throw RunFailure(.configuration, error.message)
    }
  }

  /// Refuses an endpoint of another region than the one where the project keeps its data.
  func requireRegion(of endpoint: Endpoint) throws {
    guard let project = try project(), let account = project.accountID else { return }
    let isEU: Bool? = endpoint.isVendors ? endpoint.name == "eu" : nil
    if let words = project.contradiction(account: account, isEU: isEU) { throw RunFailure(.configuration, words) }
  }

  func attributeIDs() throws -> [String: String] {
    let given = Dictionary(try Given.list(attribute, "attribute").map { ($0.key, $0.entity) }) { $1 }
    let configured = try configuration()?.file.attributes ?? [:]
    return (try project()?.attributes ?? [:]).merging(configured) { $1 }.merging(given) { $1 }
  }
}

/// The flags that shape bodies.
struct BodyArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The account that the events belong to.", valueName: "id"))
  var accountID: String?

  @Option(help: ArgumentHelp("The most bytes of one body. (default: 3500000)", valueName: "size"))
  var maxBodyBytes: ByteCount?

  @Option(
    help: "A visitor's later decision for another variation of a campaign: first (filter it), reject, or keep. (default: first)")
  var onConflict: OnConflict?

  @Option(help: "Conversions before their visitor's decision, which never count: keep or reject. (default: keep)")
  var earlyConversions: EarlyConversions?

  @Option(help: "Rows without uuid that are identical: once (one event) or keep (each an event). (default: once)")
  var identicalRows: IdenticalRows?

  @Option(help: "A visitor's repeated decisions for one variation: all, or first (the earliest only). (default: all)")
  var activations: Activations?

  @Option(help: "Custom attributes whose entity id is not known: reject (the row), or drop (the attribute). (default: reject)")
  var unknownAttributes: UnknownAttributes?

  @Flag(
    help: "A conversion without attributes takes those of its visitor's latest decision at or before it, so that it counts in segments.")
  var inheritAttributes = false

  @Option(
    help: ArgumentHelp(
      "Take records of this time alone, FROM..TO: days in UTC, ISO 8601 with an offset, or epoch milliseconds; one end may be open.",
      valueName: "from..to"))
  var window: TimeWindow?

  @Option(help: ArgumentHelp("Leave visitors out: a text file of their ids, as they would be sent, one a line.", valueName: "file"))
  var exclude: String?

  @Flag(
    help: """
      Do not look at the ledger: events that earlier runs sent are sent again, and their decisions are not remembered. What this run sends is \
      written into the ledger all the same.
      """)
  var noLedger = false

  @Option(help: ArgumentHelp("Sent as client_name. (default: optireplay)", valueName: "org/system"))
  var clientName: String?

  @Option(help: ArgumentHelp("Sent as project_id. (default: the datafile's, else it is left out)", valueName: "id"))
  var projectID: String?

  @Option(help: ArgumentHelp("Sent as revision. (default: the datafile's, else it is left out)", valueName: "number"))
  var revision: String?

  @Option(help: ArgumentHelp("Whether the server matches conversions with decisions itself. (default: true)", valueName: "true|false"))
  var enrichDecisions: Bool?

  @Option(help: ArgumentHelp("Whether the server forgets the sender's address. (default: true)", valueName: "true|false"))
  var anonymizeIP: Bool?

  func account(_ project: Datafile?) throws -> String {
    guard let account = try Given.value(accountID, "account-id") ?? project?.accountID, !account.isEmpty else {
      throw ValidationError(
        "--account-id is missing: the account that the events belong to (Settings, Account in the vendor's pages); a --datafile names it too"
      )
    }
    return account
  }

  func settings(_ input: InputArguments) throws -> RunSettings {
    let limit = try Given.value(maxBodyBytes, "max-body-bytes")?.bytes ?? Limits.bodyBytes
    guard (Limits.smallestBodyBytes...Limits.bodyBytes).contains(limit) else {
      throw ValidationError("--max-body-bytes is \(limit); it must lie between \(Limits.smallestBodyBytes) and \(Limits.bodyBytes)")
    }
    let project = try input.project()
    let account = try account(project)
    if let words = project?.contradiction(account: account, isEU: nil) { throw RunFailure(.configuration, words) }
    var settings = RunSettings(
      body: BodySettings(
        accountID: account, anonymizeIP: try Given.value(anonymizeIP, "anonymize-ip") ?? project?.anonymizesIP ?? true,
        clientName: try Given.value(clientName, "client-name") ?? Product.name, clientVersion: Product.version,
        enrichDecisions: try Given.value(enrichDecisions, "enrich-decisions") ?? true,
        projectID: try Given.value(projectID, "project-id") ?? project?.projectID,
        revision: try Given.value(revision, "revision") ?? project?.revision),
      bodyLimit: limit, mapping: try input.mapping(),
      normalizer: NormalizerSettings(
        accountID: account, attributes: try input.attributeIDs(),
        unknownAttributes: try Given.value(unknownAttributes, "unknown-attributes") ?? .reject),
      rules: JudgeRules(
        onConflict: try Given.value(onConflict, "on-conflict") ?? .first,
        activations: try Given.value(activations, "activations") ?? .all,
        earlyConversions: try Given.value(earlyConversions, "early-conversions") ?? .keep),
      identicalRows: try Given.value(identicalRows, "identical-rows") ?? .once)
    settings.knownIDs = project.map { project in
      KnownIDs(
        experiments: project.experimentIDs.map { .init(campaign: $0.campaign, id: $0.experiment, variations: $0.variations) },
        events: project.eventIDs)
    }
    settings.inheritsAttributes = try Given.flag(inheritAttributes, "inherit-attributes")
    // Absent rather than false, so that commands of earlier versions are known again.
    settings.ignoresLedger = try Given.flag(noLedger, "no-ledger") ? true : nil
    let window = try Given.value(window, "window")
    let excluded = try Given.value(exclude, "exclude").map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    if window != nil || excluded != nil { settings.selection = try Selection(window: window, excludes: excluded) }
    return settings
  }
}

/// Where a state folder is.
struct StateArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The folder that remembers runs and what was accepted.", valueName: "dir"))
  var state: String?

  /// `--state`, else `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/optireplay`, else `~/.local/state/optireplay`; absolute.
  func folder() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let path =
      try Given.value(state, "state") ?? variable("STATE_DIRECTORY") ?? variable("XDG_STATE_HOME").map { $0 + "/optireplay" }
      ?? FileManager.default.homeDirectoryForCurrentUser.path + "/.local/state/optireplay"
    return URL(fileURLWithPath: path).standardizedFileURL.path
  }
}

/// The gate and the findings: what is decided before anything is sent.
struct GateArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("The gate: more rejects than this, and nothing is sent. (default: 10% of the records)", valueName: "n|p%"))
  var maxRejects: Allowance?

  @Option(help: ArgumentHelp("More rejects than this, and a complete run exits with 1. (default: 0)", valueName: "n|p%"))
  var allowRejects: Allowance?

  @Option(help: ArgumentHelp("Accept a finding that would end the import, by its code.", valueName: "code"))
  var accept: [FindingCode] = []

  @Option(help: ArgumentHelp("Memory to work in, at least 32MB. (default: 512MB)", valueName: "size"))
  var memory: ByteCount?

  @Option(
    help: ArgumentHelp(
      "The longest the whole run may take before it stops, resumable (75); sleep counts. (default: no limit)", valueName: "time"))
  var timeLimit: TimeLength?

  @Option(
    help: ArgumentHelp(
      "How long a pipe (75) or the disk (74) may not move at all before the run ends, resumable; 0 for ever. (default: 1h)",
      valueName: "time"))
  var stallTimeout: TimeLength?

  @Flag(help: "Keep the staging folder of a complete run.")
  var keepStaging = false

  func apply(to options: inout RunOptions) throws {
    options.memoryBytes = try Given.value(memory, "memory")?.bytes ?? Limits.memoryBytes
    guard options.memoryBytes >= Limits.smallestMemoryBytes else {
      throw ValidationError("--memory is too small; a run needs at least \(ByteCount(Limits.smallestMemoryBytes))")
    }
    options.maxRejects = try Given.value(maxRejects, "max-rejects") ?? options.maxRejects
    options.allowedRejects = try Given.value(allowRejects, "allow-rejects") ?? options.allowedRejects
    options.acceptedFindings = Set(try Given.list(accept, "accept"))
    options.timeLimit = try Given.value(timeLimit, "time-limit")?.duration
    if options.timeLimit == .zero { throw ValidationError("--time-limit must be more than 0") }
    if let limit = try Given.value(stallTimeout, "stall-timeout")?.duration { options.stallLimit = limit > .zero ? limit : nil }
    options.keepsStaging = try Given.flag(keepStaging, "keep-staging")
  }
}

/// The flags that say how bodies travel.
struct DeliveryArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Requests in flight at once: a number, or auto for as many as the server bears, from \(Limits.lanes) on and "
        + "\(Limits.mostAdaptingLanes) at most. (default: auto)", valueName: "auto|n"))
  var concurrency: Concurrency?

  @Option(help: ArgumentHelp("Events a second at most. (default: no limit)", valueName: "events/s"))
  var rate: Double?

  @Option(help: ArgumentHelp("How long the endpoint may fail before the run stops, resumable. (default: 30m)", valueName: "time"))
  var retryFor: TimeLength?

  @Option(
    help: ArgumentHelp(
      "The longest one request may take, from 1s to 1h; half of it until the first byte of an answer. "
        + "(default: \(Limits.requestSeconds)s)", valueName: "time"))
  var requestTimeout: TimeLength?

  @Option(
    help: ArgumentHelp(
      "The way to the endpoint: http://host:port or socks5://host:port; a user and password are not stored. (default: https_proxy, "
        + "http_proxy and no_proxy, except for this machine)", valueName: "address"))
  var proxy: String?

  @Option(
    help: ArgumentHelp(
      "A PEM file of the authorities to trust, instead of the system's. (default: SSL_CERT_FILE)", valueName: "file"))
  var caFile: String?

  @Flag(help: "Let the server drop what it cannot use, silently, instead of refusing the body that holds it.")
  var noStrict = false

  @Option(help: ArgumentHelp("A status that accepts a body, for servers of your own. (default: 204)", valueName: "status"))
  var acceptStatus: [Int] = []

  @Option(
    help: ArgumentHelp(
      "More events than this that the server refuses one by one, and the run stops. (default: \(Limits.refusedEvents))", valueName: "n"))
  var maxRefused: Int?

  @Flag(help: "Do not ask before an account's first import to us or eu. (Without a terminal nobody is asked.)")
  var yes = false

  func assumesYes() throws -> Bool { try Given.flag(yes, "yes") }

  func apply(to options: inout RunOptions) throws {
    if case .fixed(let count) = try Given.value(concurrency, "concurrency") ?? .auto {
      guard (1...Limits.mostLanes).contains(count) else {
        throw ValidationError("--concurrency is auto, or a number from 1 to \(Limits.mostLanes)")
      }
      options.laneCount = count
    }
    options.requestTimeLimit = try Given.value(requestTimeout, "request-timeout")?.duration ?? options.requestTimeLimit
    guard (.seconds(1)...(.seconds(3600))).contains(options.requestTimeLimit) else {
      throw ValidationError("--request-timeout must lie between 1s and 1h")
    }
    options.rate = try Given.value(rate, "rate")
    if let rate = options.rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate must be more than 0") }
    options.retryFor = try Given.value(retryFor, "retry-for")?.duration ?? options.retryFor
    options.refusedEventLimit = try Given.value(maxRefused, "max-refused") ?? options.refusedEventLimit
    guard options.refusedEventLimit >= 0 else { throw ValidationError("--max-refused must be 0 or more") }
    options.strict = try !Given.flag(noStrict, "no-strict")
    options.proxy = try Given.value(proxy, "proxy")
    options.caFile = try Given.value(caFile, "ca-file")
    // What is wrong with them is said before everything is read.
    if let address = options.endpoint.address { try requireWay(to: address, proxy: options.proxy, caFile: options.caFile) }
    let statuses = try Given.list(acceptStatus, "accept-status")
    if !statuses.isEmpty {
      guard case .url = options.endpoint, !options.endpoint.isVendors else {
        throw ValidationError("--accept-status is for servers of your own; the vendor's Event API accepts with 204 and nothing else")
      }
      guard statuses.allSatisfy({ (200...299).contains($0) }) else {
        throw ValidationError("--accept-status takes statuses from 200 to 299")
      }
      options.acceptedStatuses = Set(statuses)
    }
  }
}

internal import Bytes
package import EventAPI
internal import Foundation
package import Grouping
package import Normalizing
internal import Reading
package import Vocabulary

/// What is imported: the inputs as they were named. With the settings it is the key by which the same command is known again.
package struct ImportSpecification: Sendable, Hashable, Codable {
  package struct Input: Sendable, Hashable, Codable {
    /// An absolute path, or `-` for standard input.
    package var path: String
    /// `decision` or `conversion`; nil when the rows say it themselves.
    package var record: String?
    /// How its rows become records; nil when the settings say it for all inputs.
    package var mapping: Mapping?
    /// How its bytes are rows, where that is not said for all inputs.
    package var form: InputForm
    /// Paths that the configuration itself names, in groups of which one at least leads somewhere in the input, unless it is misspelt.
    package var watchedPaths: [[Path]] = []

    package init(path: String, record: RecordKind?, form: InputForm = InputForm(), mapping: Mapping? = nil) {
      self.path = path
      self.record = record?.word
      self.form = form
      self.mapping = mapping
    }

    package var kind: RecordKind? { RecordKind.allCases.first { $0.word == record } }
  }

  package var inputs: [Input]
  /// How the bytes of all inputs are rows that do not say otherwise.
  package var form: InputForm

  package init(inputs: [Input], form: InputForm = InputForm()) {
    self.inputs = inputs
    self.form = form
  }

  func format(of input: Input) -> InputFormat? { input.form.format ?? form.format }

  func dialect(of input: Input) -> CSVDialect {
    let form = input.form.orElse(form)
    return CSVDialect(
      delimiter: form.delimiter?.utf8.first ?? 0x2c, quote: (form.quote ?? "\"").utf8.first, comment: form.comment?.utf8.first,
      hasHeader: form.header ?? true, skippedLines: form.skip ?? 0, encoding: form.encoding ?? .utf8)
  }
}

/// The ids of a project, as they belong together.
package struct KnownIDs: Sendable, Hashable, Codable {
  package struct Experiment: Sendable, Hashable, Codable {
    package var campaign: String
    package var id: String
    package var variations: [String]

    package init(campaign: String, id: String, variations: [String]) {
      self.campaign = campaign
      self.id = id
      self.variations = variations
    }
  }

  package var experiments: [Experiment]
  package var events: [String]

  package init(experiments: [Experiment], events: [String]) {
    self.experiments = experiments
    self.events = events
  }
}

/// Everything that shapes bodies, besides the records themselves: a closed list, stored with the run. Nothing else may influence a body.
package struct RunSettings: Sendable, Hashable, Codable {
  package var body: BodySettings
  package var bodyLimit: Int
  package var mapping: Mapping
  package var normalizer: NormalizerSettings
  package var rules: JudgeRules
  package var identicalRows: IdenticalRows
  /// The ids that the project's datafile has; nil without one. It shapes no body: it is what ids are compared with before anything is sent.
  package var knownIDs: KnownIDs?
  /// Whether conversions without attributes take those of their visitor's latest decision.
  package var inheritsAttributes = false
  /// Whether events that earlier runs sent are sent again. The run's own are not. Nil is false, as in runs of earlier versions.
  package var ignoresLedger: Bool?
  /// Which records are taken; nil for all of them.
  package var selection: Selection?

  package init(
    body: BodySettings, bodyLimit: Int, mapping: Mapping, normalizer: NormalizerSettings, rules: JudgeRules,
    identicalRows: IdenticalRows
  ) {
    self.body = body
    self.bodyLimit = bodyLimit
    self.mapping = mapping
    self.normalizer = normalizer
    self.rules = rules
    self.identicalRows = identicalRows
  }
}

/// A limit as flags give it: a number, or a share of the records.
package enum Allowance: Sendable, Hashable {
  case count(Int)
  case percent(Double)

  /// `N`, or `P%` with P from 0 to 100; nil for anything else.
  package init?(_ text: String) {
    if text.hasSuffix("%") {
      guard let share = Double(text.dropLast()), share >= 0, share <= 100 else { return nil }
      self = .percent(share)
    } else {
      guard let count = Int(text), count >= 0 else { return nil }
      self = .count(count)
    }
  }

  package func allows(_ count: Int, of total: Int) -> Bool {
    switch self {
    case .count(let most): count <= most
    case .percent(let share): Double(count) * 100 <= share * Double(total)
    }
  }

  package var words: String {
    switch self {
    case .count(let most): "\(most)"
    case .percent(let share): share == share.rounded() ? "\(Int(share))%" : "\(share)%"
    }
  }
}

/// How a run is made, none of which shapes a body.
package struct RunOptions: Sendable {
  package var state: String
  package var account: String
  package var endpoint: Endpoint
  package var memoryBytes = Limits.memoryBytes
  package var workerCount: Int
  package var blockBytes = Limits.blockBytes
  /// Where what does not fit into memory is put aside; nil for the run's own staging.
  var scratchFolder: String?
  /// Requests in flight at once; nil for as many as the server bears.
  package var laneCount: Int?
  package var rate: Double?
  package var retryFor: Duration = .seconds(1800)
  package var requestTimeLimit: Duration = .seconds(Limits.requestSeconds)
  /// How long a run may take before it is stopped; nil for ever.
  package var timeLimit: Duration?
  /// How long a pipe or the disk may not move at all; nil for ever.
  package var stallLimit: Duration? = .seconds(Limits.stallSeconds)
  package var maxRejects = Allowance.percent(10)
  package var allowedRejects = Allowance.count(0)
  /// How many events the server may refuse one by one before the run ends.
  package var refusedEventLimit = Limits.refusedEvents
  package var acceptedFindings: Set<FindingCode> = []
  package var strict = true
  /// A proxy instead of the environment's, and a file of authorities instead of the environment's or the system's.
  package var proxy: String?
  package var caFile: String?
  package var acceptedStatuses: Set<Int> = [204]
  package var keepsStaging = false
  /// Whether the plan tells the first rows with the events that they become: visitor data.
  package var keepsFirstRows = false
  /// Where `plan` writes the bodies; nil for nowhere.
  package var output: String?
  /// The configuration as it is kept with a run that begins, to be shown: without secrets.
  package var configuration: String?
  /// Asked before the first body of an account goes to one of the vendor's own servers; what it throws ends the run, resumable.
  package var consent: @Sendable (FirstSending) throws(RunFailure) -> Void = { _ in }
  /// Whether `plan` also counts what the expected results are made of, which a page shows.
  package var countsDetails = false

  package init(state: String, account: String, endpoint: Endpoint) {
    self.state = state
    self.account = account
    self.endpoint = endpoint
    workerCount = max(1, min(16, ProcessInfo.processInfo.activeProcessorCount))
  }
}

/// The JSON text of a value that is stored, keys sorted, so that equal values are equal texts.
func storedJSON(_ value: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  do {
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  } catch {
    preconditionFailure("a value of ours cannot be written as JSON: \(error)")
  }
}

/// Reads back what `storedJSON` wrote. Throws 78 when another version wrote it so that we cannot read it, and 74 when it is no JSON at all.
func fromStoredJSON<Value: Decodable>(_ text: String, _ what: String) throws(RunFailure) -> Value {
  let bytes = Data(text.utf8)
  do {
    return try JSONDecoder().decode(Value.self, from: bytes)
  } catch {
    guard (try? JSONSerialization.jsonObject(with: bytes)) != nil else {
      throw RunFailure(
        .diskTrouble, "the checkpoint is damaged: its \(what) is not what was written; restore the state folder from a backup")
    }
    throw RunFailure(
      .configuration, "the checkpoint's \(what) cannot be read by this version; finish the run with the version of optireplay that began it"
    )
  }
}

/// Names a specification with its settings: 32 hexadecimal digits.
func runKey(_ specification: ImportSpecification, _ settings: RunSettings) -> String {
  storedKey(storedJSON(specification), storedJSON(settings))
}

/// The same of their stored texts.
func storedKey(_ specification: String, _ settings: String) -> String { Digest(Array((specification + "\n" + settings).utf8).span).hex }

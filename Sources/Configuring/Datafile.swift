internal import Foundation

/// What an Optimizely project's datafile says about keys and ids. Source of its form: the vendor's published datafile schema, version 4.
///
/// An id stands for itself. Keys that stand for several ids stand for none here: they are told to be ambiguous. Memory: a few times the file.
package struct Datafile: Sendable {
  /// Why a file is no datafile, and what to do about it.
  package struct Fault: Error, Sendable, Equatable {
    package let message: String
    package init(_ message: String) { self.message = message }
  }

  package let accountID: String?
  package let projectID: String?
  package let revision: String?
  package let anonymizesIP: Bool?
  /// Whether events go to the EU's endpoint; otherwise they go to the US's.
  package let isEU: Bool
  /// Entity ids of custom attributes by key.
  package let attributes: [String: String]

  let events: KeyTable
  /// By experiment or rule key: the experiment's id, and its campaign's.
  let experiments: KeyTable
  let campaigns: KeyTable
  /// By experiment or rule key and variation key.
  let variations: KeyTable
  /// The same, each behind the key of a flag.
  let flagExperiments: KeyTable
  let flagCampaigns: KeyTable
  let flagVariations: KeyTable

  /// The ids of events, sorted.
  package let eventIDs: [String]
  /// The ids of experiments, rules and holdouts, each with its campaign's and its variations'. One that stands in several places comes as often.
  package let experimentIDs: [(campaign: String, experiment: String, variations: [String])]

  /// Stands between the keys of one entry; no key has it.
  static let separator = "\u{1f}"

  /// Reads a datafile's bytes.
  package init(_ bytes: [UInt8]) throws(Fault) {
    let document = try Datafile.document(bytes.starts(with: [0xef, 0xbb, 0xbf]) ? Array(bytes.dropFirst(3)) : bytes)
    accountID = document.accountId?.text
    projectID = document.projectId?.text
    revision = document.revision?.text
    anonymizesIP = document.anonymizeIP
    isEU = document.region?.uppercased() == "EU"
    attributes = KeyTable((document.attributes ?? []).map { ($0.key, $0.id.text) }).entries
    events = KeyTable((document.events ?? []).flatMap { [($0.key, $0.id.text), ($0.id.text, $0.id.text)] })
    let rollouts = document.rollouts ?? []
    let all =
      (document.experiments ?? []) + (document.groups ?? []).flatMap { $0.experiments ?? [] } + rollouts.flatMap { $0.experiments ?? [] }
      + (document.holdouts ?? [])
    eventIDs = Set((document.events ?? []).map(\.id.text)).sorted()
    // A holdout has no layer: it is its own campaign.
    experimentIDs = all.map { (($0.layerId ?? $0.id).text, $0.id.text, ($0.variations ?? []).map(\.id.text)) }
    func tables(_ rules: [(prefix: String, rule: Document.Experiment)]) -> (KeyTable, KeyTable, KeyTable) {
      let names = rules.flatMap { prefix, rule in [rule.key, rule.id.text].map { (prefix + $0, rule) } }
      return (
        KeyTable(names.map { ($0, $1.id.text) }),
        KeyTable(names.map { ($0, ($1.layerId ?? $1.id).text) }),
        KeyTable(
          names.flatMap { name, rule in
            (rule.variations ?? []).flatMap { variation in
              [variation.key, variation.id.text].map { (name + Datafile.separator + $0, variation.id.text) }
            }
          })
      )
    }
    (experiments, campaigns, variations) = tables(all.map { ("", $0) })
    let byID = Dictionary(all.map { ($0.id.text, $0) }) { first, _ in first }
    let ofRollout = Dictionary(rollouts.map { ($0.id.text, $0.experiments ?? []) }) { first, _ in first }
    let holdouts = document.holdouts ?? []
    let rules = (document.featureFlags ?? []).flatMap { flag in
      // A holdout keeps visitors out of rules of any flag.
      ((flag.experimentIds ?? []).compactMap { byID[$0.text] } + (flag.rolloutId.flatMap { ofRollout[$0.text] } ?? []) + holdouts)
        .map { (flag.key + Datafile.separator, $0) }
    }
    (flagExperiments, flagCampaigns, flagVariations) = tables(rules)
  }

  /// What the datafile says otherwise than a command, in words; nil when they agree.
  package func contradiction(account: String, isEU: Bool?) -> String? {
    if let accountID, accountID != account { return "the datafile belongs to account \(accountID), and the import is for \(account)" }
    if let isEU, isEU != self.isEU {
      return
        "the datafile's project keeps its data in the \(self.isEU ? "EU" : "US"), and the endpoint is the one of the \(isEU ? "EU" : "US")"
    }
    return nil
  }

  private static func document(_ bytes: [UInt8]) throws(Fault) -> Document {
    let start = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
    switch start {
    case nil: throw Fault("the datafile is empty; fetch it again")
    case 0x2f:
      throw Fault(
        "this is the comment that stands for the datafile of a deactivated project or environment; take one that is active")
    case 0x3c: throw Fault("this is a page, not a datafile; fetch it from the address that the project's settings name")
    case 0x7b: break
    default: throw Fault("this is no datafile, which is one JSON object; fetch it again")
    }
    do {
      return try JSONDecoder().decode(Document.self, from: Data(bytes))
    } catch DecodingError.dataCorrupted {
      throw Fault("the datafile is cut short or damaged: it is not JSON to its end; fetch it again")
    } catch DecodingError.keyNotFound(let key, let context) {
      throw Fault("the datafile has no \(path(context, key)), which every such entry needs; is it another kind of file?")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      throw Fault("\(path(context, nil)) in the datafile is not what it is in datafiles of version 4; is it another kind of file?")
    } catch {
      throw Fault("the datafile cannot be read: \(error)")
    }
  }

  private static func path(_ context: DecodingError.Context, _ key: (any CodingKey)?) -> String {
    (context.codingPath + [key].compactMap { $0 }).map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
  }
}

/// Ids by key, those of keys that stand for one id only.
struct KeyTable: Sendable {
  private(set) var entries: [String: String] = [:]
  /// Keys of several ids.
  private(set) var ambiguous: Set<String> = []

  init(_ pairs: [(String, String)]) {
    for (key, id) in pairs {
      if let other = entries[key], other != id { ambiguous.insert(key) }
      entries[key] = id
    }
    for key in ambiguous { entries[key] = nil }
  }
}

/// The members of a datafile that are read; all others are passed over.
private struct Document: Decodable {
  /// An id, which some datafiles write as a number.
  struct ID: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int64.self) { text = String(number) } else { text = try container.decode(String.self) }
    }
  }

  struct Named: Decodable {
    let id: ID
    let key: String
  }

  struct Experiment: Decodable {
    let id: ID
    let key: String
    let layerId: ID?
    let variations: [Named]?
  }

  struct Group: Decodable { let experiments: [Experiment]? }

  struct Rollout: Decodable {
    let id: ID
    let experiments: [Experiment]?
  }

  struct Flag: Decodable {
    let key: String
    let experimentIds: [ID]?
    let rolloutId: ID?
  }

  let accountId: ID?
  let projectId: ID?
  let revision: ID?
  let region: String?
  let anonymizeIP: Bool?
  let events: [Named]?
  let attributes: [Named]?
  let experiments: [Experiment]?
  let groups: [Group]?
  let rollouts: [Rollout]?
  let featureFlags: [Flag]?
  let holdouts: [Experiment]?
}

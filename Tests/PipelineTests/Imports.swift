import Delivering
import EventAPI
import Foundation
import Grouping
import Logging
import Normalizing
import Pipeline
import Reporting
import Sandbox
import Synchronization
import Vocabulary

/// How a test runs an import; each member can change without changing a body.
struct Conditions: Sendable {
  var memoryBytes = 64_000_000
  var blockBytes = 1 << 20
  var workerCount = 2
  var laneCount = 4
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

func settings(
  bodyLimit: Int = 4000, enrichDecisions: Bool = true, rules: JudgeRules = JudgeRules(), identicalRows: IdenticalRows = .once
) -> RunSettings {
  RunSettings(
    body: BodySettings(
      accountID: "12345", anonymizeIP: true, clientName: "test", clientVersion: "1", enrichDecisions: enrichDecisions),
    bodyLimit: bodyLimit, mapping: .native,
    normalizer: NormalizerSettings(accountID: "12345", attributes: RandomHistory.attributeIDs), rules: rules,
    identicalRows: identicalRows)
}

func options(_ folder: ScratchFolder, _ conditions: Conditions = Conditions(), endpoint: Endpoint = .sandbox) -> RunOptions {
  var options = RunOptions(state: folder.path + "/state", account: "12345", endpoint: endpoint)
  options.memoryBytes = conditions.memoryBytes
  options.blockBytes = conditions.blockBytes
  options.workerCount = conditions.workerCount
  options.laneCount = conditions.laneCount
  options.maxRejects = .percent(100)
  options.allowedRejects = .percent(100)
  options.acceptedFindings = Set(FindingCode.allCases)
  return options
}

func specification(_ files: [String]) throws -> ImportSpecification {
  ImportSpecification(inputs: try NamedInputs(files: files).resolved())
}

func importer(_ options: RunOptions, stop: StopSwitch = StopSwitch(), progress: @escaping @Sendable (RunProgress) -> Void = { _ in })
  -> Importer
{
  Importer(options, log: quiet, stop: stop, progress: progress)
}

/// The bodies that an import of the files would send, as `plan` writes them.
func bodies(_ files: [String], _ settings: RunSettings, _ conditions: Conditions) async throws -> [Data] {
  let folder = try ScratchFolder()
  var options = options(folder, conditions)
  options.output = folder.path + "/bodies"
  let summary = try await importer(options).plan(try specification(files), settings)
  guard summary.exit == .complete else { throw RunFailure(summary.exit, summary.message ?? "") }
  return try (1..<(summary.bodyCount + 1)).map { try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/bodies/\($0).json")) }
}

/// The events of a body by visitor and uuid, with the body's own order kept.
struct BodyContents {
  struct Event {
    var visitor: String
    var uuid: String
    var isActivation: Bool
  }

  var events: [Event] = []

  init(_ body: Data) throws {
    struct Shape: Decodable {
      struct Visitor: Decodable {
        struct Snapshot: Decodable {
          struct Event: Decodable {
            var uuid: String
            var type: String?
          }
          var events: [Event]
        }
        var visitor_id: String
        var snapshots: [Snapshot]
      }
      var visitors: [Visitor]
    }
    for visitor in try JSONDecoder().decode(Shape.self, from: body).visitors {
      for event in visitor.snapshots.flatMap(\.events) {
        events.append(Event(visitor: visitor.visitor_id, uuid: event.uuid, isActivation: event.type == "campaign_activated"))
      }
    }
  }
}

import Foundation
import Grouping
import Pipeline
import Testing
import Vocabulary

@Suite("Same input, same bodies")
struct SameBodiesTests {
  private static let limit = 4000

  @Test("bodies do not depend on memory, blocks, workers, the order of rows or the order of files", arguments: 1...8)
  func bodiesAreAFunctionOfTheRecords(seed: Int) async throws {
    let history = RandomHistory(seed: seed, visitors: 60, bodyLimit: SameBodiesTests.limit)
    let settings = settings(
      bodyLimit: SameBodiesTests.limit, enrichDecisions: seed % 2 == 0, identicalRows: seed % 3 == 0 ? .keep : .once)
    let folder = try ScratchFolder()
    let plain = try folder.write(history.rows, to: "plain.ndjson")
    let expected = try await bodies([plain], settings, Conditions())
    #expect(expected.count > 3)
    #expect(expected.allSatisfy { $0.count <= SameBodiesTests.limit })

    var random = Seeded(seed)
    let shuffled = try folder.write(history.rows.shuffled(using: &random), to: "shuffled.ndjson")
    let half = history.rows.count / 2
    let second = try folder.write(history.rows[half...], to: "a.ndjson")
    let first = try folder.write(history.rows[..<half], to: "b.ndjson")
    let others: [([String], Conditions)] = [
      ([plain], Conditions(memoryBytes: 20_000, blockBytes: 700, workerCount: 3)),
      ([plain], Conditions(memoryBytes: 1, blockBytes: 1, workerCount: 1)),
      ([shuffled], Conditions(memoryBytes: 100_000, blockBytes: 64, workerCount: 2)),
      ([first, second], Conditions(workerCount: 4)),
      ([second, first], Conditions(memoryBytes: 50_000, blockBytes: 333, workerCount: 1)),
    ]
    for (files, conditions) in others {
      let bodies = try await bodies(files, settings, conditions)
      #expect(bodies == expected, "\(files) \(conditions)")
    }
  }

  @Test("activations come before conversions, and no event is in two bodies", arguments: 11...14)
  func activationsComeFirst(seed: Int) async throws {
    let history = RandomHistory(seed: seed, visitors: 60, bodyLimit: SameBodiesTests.limit)
    let folder = try ScratchFolder()
    let file = try folder.write(history.rows, to: "rows.ndjson")
    var seen: Set<String> = []
    var withConversion: Set<String> = []
    for body in try await bodies([file], settings(bodyLimit: SameBodiesTests.limit), Conditions()) {
      for event in try BodyContents(body).events {
        #expect(seen.insert(event.visitor + " " + event.uuid).inserted)
        if event.isActivation {
          #expect(!withConversion.contains(event.visitor), "an activation follows a conversion of its visitor")
        } else {
          withConversion.insert(event.visitor)
        }
      }
    }
    #expect(seen.count > 50)
  }
}

import Checkpointing
import Delivering
import Foundation
import Pipeline
import Reporting
import Sandbox
import Testing
import Vocabulary

/// Bits of `checkpoint.sqlite` that are flipped, wherever they lie: in pages of tables, of indexes, of long values, and in the header.
@Suite("A checkpoint that was damaged")
struct CheckpointDamageTests {
  /// What the next command would go by.
  private struct Memory: Equatable {
    var runs: [String] = []
    var bodies: [BodyRow] = []
    var receipts: [Bool] = []
    var entries: [UInt8] = []

    /// Nil when any of it cannot be read.
    init?(_ state: String) {
      guard let checkpoint = try? StateFolder.reader(state), let rows = try? checkpoint.allRuns() else { return nil }
      for row in rows {
        runs.append("\(row.id) \(row.phase) \(row.key) \(row.specification) \(row.settings) \(row.ledgerMark)")
        guard let bodies = try? checkpoint.bodies(row.id, limit: .max) else { return nil }
        self.bodies += bodies
        for body in bodies {
          guard let isAccepted = try? checkpoint.isAccepted(row.id, body.number) else { return nil }
          receipts.append(isAccepted)
        }
        guard let slices = try? checkpoint.ledgerSlices(account: row.account, endpoint: row.endpoint, upTo: .max, limit: .max) else {
          return nil
        }
        for slice in slices {
          guard let entries = try? checkpoint.ledgerParts(slice, from: 0, count: slice.partCount) else { return nil }
          self.entries += entries
        }
      }
    }
  }

  /// Flips one bit of the file at `place` in a copy of the state folder, and returns the copy, which goes with the folder of `stopped`.
  private func flipped(_ stopped: StoppedRun, _ place: Int, bit: Int, _ number: Int) throws -> String {
    let copy = stopped.folder.path + "/copy-\(number)"
    try FileManager.default.copyItem(atPath: stopped.options.state, toPath: copy)
    let url = URL(fileURLWithPath: copy + "/checkpoint.sqlite")
    var bytes = try Data(contentsOf: url)
    bytes[place] ^= 1 << UInt8(bit)
    try bytes.write(to: url)
    return copy
  }

  @Test("a flipped bit in any page is told by verify, or changes nothing that a run goes by", arguments: [1, 2])
  func verified(seed: Int) async throws {
    let stopped = try await StoppedRun(seed: 94)
    let memory = try #require(Memory(stopped.options.state))
    let byteCount = try Data(contentsOf: URL(fileURLWithPath: stopped.options.state + "/checkpoint.sqlite")).count
    let pageCount = byteCount / CheckpointFormat.pageBytes
    try #require(pageCount > 15)
    var random = Seeded(seed)
    var toldCount = 0
    for page in 0..<pageCount {
      let state = try flipped(
        stopped, page * CheckpointFormat.pageBytes + random.below(CheckpointFormat.pageBytes), bit: random.below(8), page)
      do {
        if try verify(state).exit == .complete {
          #expect(Memory(state) == memory, "page \(page + 1)")
        } else {
          toldCount += 1
        }
      } catch let failure as RunFailure {
        #expect(failure.status != .bug, "page \(page + 1): \(failure.message)")
        toldCount += 1
      }
    }
    #expect(toldCount > 0)
  }

  @Test(
    "a run that goes on with a flipped bit sends no event twice and no body that was not planned, or says what is wrong",
    arguments: [31, 39])
  func resumed(seed: Int) async throws {
    let stopped = try await StoppedRun(seed: 95)
    let byteCount = try Data(contentsOf: URL(fileURLWithPath: stopped.options.state + "/checkpoint.sqlite")).count
    var random = Seeded(seed)
    var endings: [Vocabulary.ExitStatus: Int] = [:]
    for page in 0..<(byteCount / CheckpointFormat.pageBytes) {
      let state = try flipped(
        stopped, page * CheckpointFormat.pageBytes + random.below(CheckpointFormat.pageBytes), bit: random.below(8), page)
      var options = stopped.options
      options.state = state
      do {
        let summary = try await importer(options).resume(nil, restaging: false)
        endings[summary?.exit ?? .usage, default: 0] += 1
        #expect(summary?.exit != .bug, "\(summary?.message ?? "")")
        let status = try sandboxStatus(at: StateFolder.sandboxPath(state))
        #expect(status.eventsInDifferentBodies == 0, "page \(page + 1)")
        if summary?.exit == .complete { #expect(status.bodies == stopped.summary.bodyCount, "page \(page + 1)") }
      } catch let failure as RunFailure {
        endings[failure.status, default: 0] += 1
        #expect(failure.status != .bug, "\(failure.message)")
      }
    }
    #expect(endings[.complete] ?? 0 > 0)
    #expect(endings[.bug] == nil, "\(endings)")
  }
}

import Foundation
package import Vocabulary

/// What `verify` found, as `--json` prints it. The JSON names are a promise.
package struct Verification: Sendable, Equatable {
  /// Something that is not what was written.
  package struct Damage: Sendable, Equatable {
    package enum Part: String, Sendable { case checkpoint, receipts, ledger, settings, counts, staging, bodies, rejects }

    /// Nil for what belongs to no run.
    package var run: Int64?
    package var part: Part
    /// What is damaged or lost.
    package var message: String
    /// How to go on.
    package var wayOn: String
    /// Whether the next import or `resume` mends it by itself.
    package var mendsItself = false

    package init(run: Int64? = nil, _ part: Part, _ message: String, wayOn: String, mendsItself: Bool = false) {
      self.run = run
      self.part = part
      self.message = message
      self.wayOn = wayOn
      self.mendsItself = mendsItself
    }
  }

  /// How much of a run could be looked at.
  package struct Run: Sendable, Equatable {
    package enum Source: String, Sendable { case staging, inputs }

    package var run: Int64
    package var phase: String
    /// Bodies of its plan, and how many of them were built once more and found to be what was planned, and sent.
    package var bodyCount = 0
    package var rebuiltCount = 0
    /// What they were built from; nil when they were not.
    package var source: Source?
    /// Why they were not built; nil when they were, or when there are none.
    package var reason: String?

    package init(run: Int64, phase: String) {
      self.run = run
      self.phase = phase
    }
  }

  package var runs: [Run] = []
  package var damages: [Damage] = []
  package var sliceCount = 0
  package var entryCount = 0
  /// Whether another process was writing meanwhile: what it works at was left out.
  package var isBeingWritten = false

  package init() {}

  /// 0 when all is well; 76 when all that is damaged is staging whose inputs are gone or changed; else 74.
  package var exit: ExitStatus {
    if damages.isEmpty { return .complete }
    return damages.allSatisfy { $0.part == .staging && !$0.mendsItself } ? .stagingDamaged : .diskTrouble
  }

  /// The findings as one line of JSON, keys sorted.
  package func json() -> String {
    struct RunShape: Encodable {
      var run: Int64
      var phase: String
      var bodies, rebuilt: Int
      var from: String?
      var not_rebuilt: String?
    }
    struct DamageShape: Encodable {
      var run: Int64?
      var part, message, way_on: String
      var mends_itself: Bool
    }
    struct Ledger: Encodable { var slices, entries: Int }
    struct Shape: Encodable {
      var runs: [RunShape]
      var damage: [DamageShape]
      var ledger: Ledger
      var being_written: Bool
      var exit: Int32
    }
    let shape = Shape(
      runs: runs.map {
        RunShape(
          run: $0.run, phase: $0.phase, bodies: $0.bodyCount, rebuilt: $0.rebuiltCount, from: $0.source?.rawValue, not_rebuilt: $0.reason)
      },
      damage: damages.map {
        DamageShape(run: $0.run, part: $0.part.rawValue, message: $0.message, way_on: $0.wayOn, mends_itself: $0.mendsItself)
      }, ledger: Ledger(slices: sliceCount, entries: entryCount), being_written: isBeingWritten, exit: exit.rawValue)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Texts and whole numbers can always be written.
    return try! String(decoding: encoder.encode(shape), as: UTF8.self)
  }

  /// The findings for people, in several lines.
  package func text() -> String {
    var lines = runs.map(words)
    if entryCount > 0 { lines.append("ledger: \(counted(entryCount, "event")) in \(counted(sliceCount, "slice"))") }
    if isBeingWritten { lines.append("another process is writing into this state folder: what it works at was left out") }
    for damage in damages {
      lines.append("damaged: \(damage.run.map { "run \($0), " } ?? "")\(damage.part.rawValue): \(damage.message)")
      lines.append("  to go on: \(damage.wayOn)")
    }
    lines.append(damages.isEmpty ? "nothing is damaged" : "\(counted(damages.count, "thing")) damaged")
    return lines.joined(separator: "\n")
  }

  private func words(_ run: Run) -> String {
    let start = "run \(run.run): \(run.phase)"
    if let reason = run.reason {
      return "\(start), \(counted(run.bodyCount, "body", "bodies")) not built again: \(reason)"
    }
    guard let source = run.source else { return "\(start), without bodies" }
    let count =
      run.rebuiltCount == run.bodyCount
      ? counted(run.bodyCount, "body", "bodies") : "\(grouped(run.rebuiltCount)) of \(counted(run.bodyCount, "body", "bodies"))"
    return "\(start), \(count) built again from \(source == .staging ? "staging" : "the inputs"), byte for byte the same"
  }
}

import Checkpointing
import Delivering
import Foundation
import Pipeline
import Reporting
import Sandbox
import Testing
import Vocabulary

/// A run that was stopped while sending, with what it needs to go on.
struct StoppedRun {
  let folder: ScratchFolder
  let file: String
  let options: RunOptions
  let summary: RunSummary

  /// With little memory, large partitions are sorted outside of it.
  init(seed: Int, memoryBytes: Int = 64_000_000) async throws {
    folder = try ScratchFolder()
    file = try folder.write(RandomHistory(seed: seed, visitors: 60, bodyLimit: 4000).rows, to: "rows.ndjson")
    options = PipelineTests.options(folder, Conditions(memoryBytes: memoryBytes, laneCount: 1))
    let stop = StopSwitch()
    summary = try await importer(options, stop: stop) { progress in
      if case .sending(let delivery, _) = progress, delivery.acceptedBodyCount > 1 { stop.stop() }
    }.run(try specification([file]), settings())
    try #require(summary.state == .incomplete && summary.records.pending > 0)
    // Its connection goes with its last owner, which may be a thread that has not ended yet: everything is to be in the database, not in its log.
    try Checkpoint(at: options.state + "/checkpoint.sqlite").close()
  }

  var staging: String { options.state + "/runs/1/staging" }
  var notes: URL { URL(fileURLWithPath: staging + "/order") }

  /// Changes a byte in every part of every staging file whose name ends so. Returns how many files that were.
  @discardableResult
  func damage(_ suffix: String = ".records") throws -> Int {
    let names = try FileManager.default.contentsOfDirectory(atPath: staging).filter { $0.hasSuffix(suffix) }
    for name in names {
      let url = URL(fileURLWithPath: staging + "/" + name)
      var bytes = try Data(contentsOf: url)
      for at in stride(from: 20, to: bytes.count, by: 50) { bytes[at] ^= 1 }
      try bytes.write(to: url)
    }
    return names.count
  }

  func resume(restaging: Bool = false) async throws -> RunSummary {
    try #require(try await importer(options).resume(nil, restaging: restaging))
  }

  func status() throws -> SandboxStatus { try sandboxStatus(at: StateFolder.sandboxPath(options.state)) }

  func verify() throws -> Verification { try PipelineTests.verify(options.state) }
}

/// What `verify` says of a state folder.
func verify(_ state: String, memoryBytes: Int = 64_000_000) throws -> Verification {
  var verifier = Verifier(state, memoryBytes: memoryBytes, log: quiet, stop: StopSwitch())
  return try verifier.verify()
}

/// What `explain` tells.
func explain(_ state: String, _ what: String, as kind: SoughtKind? = nil, run: Int64? = nil) throws -> [EventWay] {
  var ways: [EventWay] = []
  try Explainer(state, memoryBytes: 64_000_000, log: quiet, stop: StopSwitch()).explain(
    what, as: kind, run: run.map { RunID(rawValue: $0) }
  ) { told in
    if case .way(let way) = told { ways.append(way) }
  }
  return ways
}

/// A complete run of which the server refused some events one by one, so that their bodies went out in parts.
struct RefusedRun {
  let folder: ScratchFolder
  let options: RunOptions
  let file: String
  let summary: RunSummary
  /// The uuids of the refused events.
  let refused: [String]

  init(seed: Int) async throws {
    folder = try ScratchFolder()
    refused = (0..<3).map { "guilty-\($0)" }
    let time = 1_714_600_000_000
    let first = try folder.write(
      [#"{"record":"conversion","visitor_id":"a","entity_id":"9","uuid":"first","timestamp":\#(time)}"#], to: "first.ndjson")
    let guilty = refused.enumerated().map {
      #"{"record":"conversion","visitor_id":"v\#($0 * 7)","entity_id":"9","uuid":"\#($1)","timestamp":\#(time + $0)}"#
    }
    file = try folder.write(RandomHistory(seed: seed, visitors: 20, bodyLimit: 4000).rows + guilty, to: "rows.ndjson")
    var sandbox = SandboxSettings(storePath: folder.path + "/sandbox.sqlite")
    sandbox.faults = SandboxFaults([try #require(SandboxFaults.Rule("400@holding:guilty-"))])
    let server = try await SandboxServer.start(sandbox)
    options = PipelineTests.options(folder, endpoint: try #require(Endpoint(server.address)))
    _ = try await importer(options).run(try specification([first]), settings())
    summary = try await importer(options).run(try specification([file]), settings())
    try await server.stop()
    try #require(summary.state == .complete && summary.rejects["refused-by-server"] == 3)
  }
}

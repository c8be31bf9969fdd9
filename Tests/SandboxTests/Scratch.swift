import Counting
import Foundation
import GRDB
import Testing

@testable import Sandbox

/// A folder that goes away with its owner, and the path of a store in it.
final class Scratch: Sendable {
  let folder: String
  var path: String { folder + "/sandbox.sqlite" }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("sandbox-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A server on the store while the body runs, stopped afterwards.
  @discardableResult
  func serving<Result: Sendable>(
    faults: SandboxFaults = .none, bodyLimit: Int? = nil, bodyTimeLimit: Duration? = nil, _ body: (SandboxServer) async throws -> Result
  ) async throws -> Result {
    var settings = SandboxSettings(storePath: path)
    settings.faults = faults
    if let bodyLimit { settings.bodyLimit = bodyLimit }
    if let bodyTimeLimit { settings.bodyTimeLimit = bodyTimeLimit }
    let server = try await SandboxServer.start(settings)
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body(server)) } catch { outcome = .failure(error) }
    try await server.stop()
    return try outcome.get()
  }

  /// Stores the bodies without a network in between, in this order, `batch` to a transaction.
  func store(_ bodies: [String], batch: Int = 1) throws {
    let store = try SandboxStore(at: path)
    var packer = BodyPacker(bodyLimit: 10_000_000)
    for start in stride(from: 0, to: bodies.count, by: batch) {
      let packed = try bodies[start..<min(start + batch, bodies.count)].map { try packer.pack(Array($0.utf8).span) }
      _ = try store.store(packed, requestCount: packed.count)
    }
    try store.close()
  }

  /// The only kind of event that was counted for the only variation.
  func countedEvent() throws -> Results.Event {
    let results = try sandboxResults(at: path)
    let variation = try #require(results.experiments.first?.variations.first)
    return try #require(variation.events.first)
  }

  /// Changes the file behind our back.
  func tamper(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.inDatabase { db in try db.execute(sql: "PRAGMA ignore_check_constraints = ON; " + sql) }
    try queue.close()
  }
}

/// The failure of a call, which must fail.
func failure(_ body: () throws -> Void, _ location: SourceLocation = #_sourceLocation) -> SandboxFailure? {
  #expect(throws: SandboxFailure.self, sourceLocation: location) { try body() }
}

// MARK: bodies

/// One event, as simple as a test needs it.
struct Event: Equatable {
  var visitor: String
  var uuid: String
  var timestamp: Int64 = 1_700_000_000_000
  /// Nil for a conversion.
  var decision: (campaign: String, experiment: String?, variation: String?)?
  var isHoldback = false
  var entity = "50"
  var key: String? = "purchase"
  var revenue: Int64?
  var value: String?
  /// Of its visitor object.
  var plan: String?

  static func == (one: Event, other: Event) -> Bool { one.snapshot == other.snapshot && one.head == other.head }

  static func conversion(_ visitor: String, _ uuid: String, at timestamp: Int64 = 1_700_000_000_000, revenue: Int64? = nil)
    -> Event
  {
    var event = Event(visitor: visitor, uuid: uuid, timestamp: timestamp)
    event.revenue = revenue
    return event
  }

  static func decision(_ visitor: String, _ uuid: String, at timestamp: Int64 = 1_700_000_000_000, variation: String? = "40")
    -> Event
  {
    var event = Event(visitor: visitor, uuid: uuid, timestamp: timestamp)
    event.decision = ("20", "30", variation)
    return event
  }

  private func quoted(_ text: String?) -> String { text.map { "\"\($0)\"" } ?? "null" }

  var snapshot: String {
    guard let decision else {
      var text = #"{"decisions":[],"events":[{"entity_id":"\#(entity)","timestamp":\#(timestamp),"uuid":"\#(uuid)""#
      if let key { text += #","key":"\#(key)""# }
      if let revenue { text += #","revenue":\#(revenue)"# }
      if let value { text += #","value":\#(value)"# }
      return text + "}]}"
    }
    return #"{"decisions":[{"campaign_id":"\#(decision.campaign)","experiment_id":\#(quoted(decision.experiment)),"#
      + #""variation_id":\#(quoted(decision.variation))\#(isHoldback ? #","is_campaign_holdback":true"# : "")}],"#
      + #""events":[{"entity_id":"\#(decision.campaign)","type":"campaign_activated","key":"campaign_activated","#
      + #""timestamp":\#(timestamp),"uuid":"\#(uuid)"}]}"#
  }

  var head: String {
    #"{"visitor_id":"\#(visitor)","#
      + (plan.map { #""attributes":[{"type":"custom","entity_id":"9","key":"plan","value":"\#($0)"}],"# } ?? "")
  }
}

/// A body with the events, each in a visitor object of its own.
func body(_ events: [Event], account: String = "1") -> String {
  let visitors = events.map { #"\#($0.head)"snapshots":[\#($0.snapshot)]}"# }
  return #"{"account_id":"\#(account)","visitors":[\#(visitors.joined(separator: ","))]}"#
}

func body(_ event: Event) -> String { body([event]) }

/// A body of exactly so many bytes.
func body(bytes count: Int) -> String {
  let plain = #"{"account_id":"1","visitors":[],"revision":""}"#
  return #"{"account_id":"1","visitors":[],"revision":"\#(String(repeating: "r", count: count - plain.utf8.count))"}"#
}

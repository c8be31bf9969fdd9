package import Counting
import Foundation
package import Vocabulary

/// What a run did, as `--json` prints it. The JSON names are a promise.
package struct RunSummary: Sendable, Equatable {
  package enum State: String, Sendable { case complete, incomplete, refused, planned }

  /// Every record read has exactly one fate, so the fates add up to `read`.
  package struct Records: Sendable, Equatable, Codable {
    package var read = 0
    package var accepted = 0
    package var alreadyAccepted = 0
    package var duplicate = 0
    package var filtered = 0
    package var rejected = 0
    package var pending = 0

    enum CodingKeys: String, CodingKey {
      case read, accepted
      case alreadyAccepted = "already_accepted"
      case duplicate, filtered, rejected, pending
    }

    package init() {}

    /// The sum of the fates.
    package var fates: Int { accepted + alreadyAccepted + duplicate + filtered + rejected + pending }
  }

  package var run: String
  package var state: State
  package var endpoint: String
  package var rehearsal: Bool
  package var records: Records
  /// Events of the run's bodies.
  package var decisionCount: Int
  package var conversionCount: Int
  package var visitorCount: Int
  package var bodyCount: Int
  package var byteCount: Int
  package var requestCount: Int
  package var retryCount: Int
  /// Requests that might be in flight when sending ended; nil when this process sent nothing.
  package var laneCount: Int?
  package var rejects: [String: Int]
  package var findings: [Finding]
  package var expected: Results
  /// What the expected results are made of, for a page; nil unless it was asked for.
  package var details: ResultDetails?
  package var seconds: Double
  package var exit: ExitStatus
  /// Whether the run did not look at the ledger, so that events of earlier runs were sent again.
  package var ignoresLedger = false
  /// Whether the run was dropped on purpose; what is pending then will never be sent.
  package var isForgotten = false
  /// Why the run is not complete, for people.
  package var message: String?
  /// How long sending takes; nil when nobody asked.
  package var estimate: SendingEstimate?
  /// The first rows that become events, with these. Visitor data, which only those are told who asked.
  package var firstRows: [FindingPlace] = []

  package init(run: String, endpoint: String, rehearsal: Bool) {
    self.run = run
    state = .incomplete
    self.endpoint = endpoint
    self.rehearsal = rehearsal
    records = Records()
    decisionCount = 0
    conversionCount = 0
    visitorCount = 0
    bodyCount = 0
    byteCount = 0
    requestCount = 0
    retryCount = 0
    rejects = [:]
    findings = []
    expected = Results()
    seconds = 0
    exit = .complete
  }

  /// The summary as one line of JSON, keys sorted. With `rows` also the first rows with the events that they become, which are visitor data.
  /// Without an exit status of a run that is at work: it has none yet.
  package func json(rows: [SampleKey: SampleRow]? = nil, isAtWork: Bool = false) -> String {
    struct Estimate: Encodable {
      var events_per_second, seconds: Double
      var run: Int64?
    }
    struct Row: Encodable {
      var file: String
      var line, byte: Int
      var row, event: String?
    }
    struct Events: Encodable { var decisions, conversions: Int }
    struct Sighting: Encodable {
      var code, severity: String
      var count: Int
      var share: Double?
      var samples: [String]
    }
    struct Shape: Encodable {
      var run, state, endpoint: String
      var rehearsal: Bool
      var no_ledger: Bool
      var records: Records
      var events: Events
      var visitors, bodies, bytes, requests, retries: Int
      var lanes: Int?
      var rejects: [String: Int]
      var findings: [Sighting]
      var expected: Results
      var seconds: Double
      var exit: Int32?
      var message: String?
      var estimate: Estimate?
      var first_rows: [Row]?
    }
    let shape = Shape(
      run: run, state: state.rawValue, endpoint: endpoint, rehearsal: rehearsal, no_ledger: ignoresLedger, records: records,
      events: Events(decisions: decisionCount, conversions: conversionCount), visitors: visitorCount, bodies: bodyCount,
      bytes: byteCount, requests: requestCount, retries: retryCount, lanes: laneCount, rejects: rejects,
      findings: findings.map {
        Sighting(code: $0.code.rawValue, severity: $0.severity.rawValue, count: $0.count, share: $0.share, samples: $0.samples)
      }, expected: expected, seconds: (seconds * 1000).rounded() / 1000, exit: isAtWork ? nil : exit.rawValue, message: message,
      estimate: estimate.flatMap { estimate in
        let seconds = (estimate.seconds(for: decisionCount + conversionCount) * 1000).rounded() / 1000
        switch estimate.source {
        case .given: return Estimate(events_per_second: estimate.eventsPerSecond, seconds: seconds)
        case .run(let run): return Estimate(events_per_second: estimate.eventsPerSecond, seconds: seconds, run: run)
        case .example: return nil
        }
      },
      first_rows: rows.map { rows in
        firstRows.map { place in
          var shown = Row(file: place.file, line: place.line, byte: place.byte, event: place.event)
          if case .row(let row)? = rows[SampleKey(file: place.file, byte: place.byte)] { shown.row = String(decoding: row, as: UTF8.self) }
          return shown
        }
      })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Only a number that is not finite could fail here, and there is none.
    return try! String(decoding: encoder.encode(shape), as: UTF8.self)
  }
}

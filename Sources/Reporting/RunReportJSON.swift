import Foundation
import Vocabulary

// The JSON names are a promise.
extension RunReport {
  /// The report as one line of JSON: all members of a run's summary, and more.
  package func json() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Only a number that is not finite could fail here, and there is none.
    let more = try! String(decoding: encoder.encode(Shape(self)), as: UTF8.self)
    return summary.json(isAtWork: isAtWork).dropLast() + "," + more.dropFirst()
  }

  private struct Shape: Encodable {
    struct Input: Encodable {
      var path, format: String
      var bytes, records: Int
      var digest: String
    }
    struct Reason: Encodable {
      var code: String
      var remedy: String
      var samples: [Sample]
    }
    struct Sample: Encodable {
      var file: String
      var line: Int
      var column: String?
      var message: String
      var row: String?
    }
    struct Times: Encodable {
      var unit: String
      var pieces: [Moment]
      var undated: Int
    }
    struct Moment: Encodable {
      var from: String
      var read, already_accepted, planned: Int
      var accepted: Int?
    }
    struct Sizes: Encodable {
      var limit, smallest, largest: Int
      var mean_fill: Double?
      var fill: [Fill]
    }
    struct Fill: Encodable {
      var from_percent, bodies: Int
    }
    struct Answer: Encodable {
      var answer: String
      var requests: Int
    }
    struct Latency: Encodable {
      var receipts: Int
      var p50, p90, p99, max: Double
    }
    struct FailedLatency: Encodable {
      var requests: Int
      var p50, p90, p99, max: Double
    }
    struct Sending: Encodable {
      var from, to: String
      var piece_seconds: Double
      var pieces: [Piece]
    }
    struct Piece: Encodable {
      var number, events, bytes, requests, retries, accepted_requests: Int
      var failed_requests: Int?
      var accepted_ms_p50, accepted_ms_max: Double?
    }
    struct Unknown: Encodable {
      var fact, why: String
    }

    var account, phase, created_at, updated_at, made_at: String
    var at_work: Bool
    var inputs: [Input]
    var rejected: [Reason]
    var event_times: Times?
    var body_sizes: Sizes?
    var answers: [Answer]
    var latency_ms: Latency?
    var failed_latency_ms: FailedLatency?
    var sending: Sending?
    var configuration, resume: String?
    var unknown: [Unknown]

    init(_ report: RunReport) {
      account = report.account
      phase = report.phase
      created_at = instant(report.createdAt)
      updated_at = instant(report.updatedAt)
      made_at = instant(report.madeAt)
      at_work = report.isAtWork
      inputs = report.inputs.map {
        Input(path: $0.path, format: $0.format, bytes: $0.byteCount, records: $0.recordCount, digest: $0.digest)
      }
      rejected = report.reasons.map { reason in
        Reason(
          code: reason.code, remedy: reason.remedy,
          samples: reason.samples.map { Sample(file: $0.file, line: $0.line, column: $0.column, message: $0.message, row: $0.row) })
      }
      event_times = report.times.map { times in
        Times(
          unit: times.unit.rawValue,
          pieces: times.pieces.map {
            Moment(from: CivilDay($0.day).text, read: $0.read, already_accepted: $0.known, planned: $0.planned, accepted: $0.accepted)
          }, undated: times.undated)
      }
      body_sizes = report.sizes.map { sizes in
        Sizes(
          limit: sizes.limit, smallest: sizes.smallest, largest: sizes.largest, mean_fill: sizes.meanFill.map { rounded($0, 4) },
          fill: sizes.filled.map { Fill(from_percent: $0.percent, bodies: $0.bodies) })
      }
      answers = report.sortedAnswers.map { Answer(answer: $0.answer, requests: $0.count) }
      latency_ms = report.latency.map { Latency(receipts: $0.requests, p50: $0.p50, p90: $0.p90, p99: $0.p99, max: $0.max) }
      failed_latency_ms = report.failedLatency.map {
        FailedLatency(requests: $0.requests, p50: $0.p50, p90: $0.p90, p99: $0.p99, max: $0.max)
      }
      sending = report.sending.map { sending in
        Sending(
          from: instant(sending.from), to: instant(sending.to), piece_seconds: Double(sending.pieceMilliseconds) / 1000,
          pieces: sending.pieces.map {
            Piece(
              number: $0.number, events: $0.events, bytes: $0.bytes, requests: $0.requests, retries: $0.retries,
              accepted_requests: $0.accepted, failed_requests: $0.failed, accepted_ms_p50: $0.p50, accepted_ms_max: $0.max)
          })
      }
      configuration = report.configuration
      resume = report.resume
      unknown = report.unknown.map { Unknown(fact: $0.fact, why: $0.why) }
    }
  }
}

/// A number to so many decimals, as it is shown.
func rounded(_ value: Double, _ decimals: Int) -> Double {
  let factor = decimals == 4 ? 10_000.0 : decimals == 3 ? 1000.0 : 100.0
  return (value * factor).rounded() / factor
}

extension RunReport {
  /// The rejects of one code.
  struct Reason {
    var code: String
    var count: Int
    var remedy: String
    var samples: [RejectSample]
  }

  /// Most frequent first.
  var reasons: [Reason] {
    summary.rejects.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { code, count in
      Reason(
        code: code, count: count, remedy: RejectCode(rawValue: code)?.remedy ?? "", samples: rejectSamples.filter { $0.code == code })
    }
  }

  /// Most frequent first.
  var sortedAnswers: [(answer: String, count: Int)] {
    answers.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (answer: $0.key, count: $0.value) }
  }
}

extension RunReport.Sizes {
  /// The tenths that bodies are in, by the percentage that they begin with.
  var filled: [(percent: Int, bodies: Int)] {
    tenths.enumerated().filter { $0.element > 0 }.map { (percent: $0.offset * 10, bodies: $0.element) }
  }
}

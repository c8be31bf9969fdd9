package import Vocabulary

/// All that is known of a run, for its report: the page and the JSON have the same facts.
///
/// Memory: what is in it, which grows with the number of inputs and experiments, not with rows or bodies.
package struct RunReport: Sendable, Equatable {
  package struct Input: Sendable, Equatable {
    package var path: String
    package var format: String
    package var byteCount: Int
    package var recordCount: Int
    /// Hexadecimal.
    package var digest: String

    package init(path: String, format: String, byteCount: Int, recordCount: Int, digest: String) {
      self.path = path
      self.format = format
      self.byteCount = byteCount
      self.recordCount = recordCount
      self.digest = digest
    }
  }

  /// The first rejects of a code.
  package struct RejectSample: Sendable, Equatable {
    package var code: String
    package var file: String
    package var line: Int
    package var column: String?
    package var message: String
    /// The beginning of the row; nil when it is not shown.
    package var row: String?

    package init(code: String, file: String, line: Int, column: String?, message: String, row: String?) {
      self.code = code
      self.file = file
      self.line = line
      self.column = column
      self.message = message
      self.row = row
    }
  }

  /// Records by the times of their events.
  package struct Times: Sendable, Equatable {
    package struct Piece: Sendable, Equatable {
      /// Its first day, in days since 1970-01-01.
      package var day: Int
      package var read: Int
      package var known: Int
      package var planned: Int
      /// Nil when it is not known.
      package var accepted: Int?

      package init(day: Int, read: Int, known: Int, planned: Int, accepted: Int?) {
        self.day = day
        self.read = read
        self.known = known
        self.planned = planned
        self.accepted = accepted
      }
    }

    package var unit: TimeUnit
    package var pieces: [Piece]
    /// Records that were rejected or left out while reading, or are the same as another.
    package var undated: Int

    package init(unit: TimeUnit, pieces: [Piece], undated: Int) {
      self.unit = unit
      self.pieces = pieces
      self.undated = undated
    }
  }

  /// The sizes of the plan's bodies.
  package struct Sizes: Sendable, Equatable {
    package var limit: Int
    package var smallest: Int
    package var largest: Int
    /// From 0 to 1, of all bodies but the last; nil when there is no other.
    package var meanFill: Double?
    /// Bodies by tenths of the limit.
    package var tenths: [Int]

    package init(limit: Int, smallest: Int, largest: Int, meanFill: Double?, tenths: [Int]) {
      self.limit = limit
      self.smallest = smallest
      self.largest = largest
      self.meanFill = meanFill
      self.tenths = tenths
    }
  }

  /// How long requests took, in milliseconds.
  package struct Latency: Sendable, Equatable {
    /// Requests that it is known of.
    package var requests: Int
    package var p50, p90, p99, max: Double

    package init(requests: Int, p50: Double, p90: Double, p99: Double, max: Double) {
      self.requests = requests
      self.p50 = p50
      self.p90 = p90
      self.p99 = p99
      self.max = max
    }
  }

  /// When requests ended. Pieces without any are left out.
  package struct Sending: Sendable, Equatable {
    package struct Piece: Sendable, Equatable {
      /// Pieces before it.
      package var number: Int
      /// What was accepted then.
      package var events, bytes: Int
      /// Requests, and retries among them, that the bodies took which were accepted then.
      package var requests, retries: Int
      /// Requests that ended then. How many failed is nil when it is not known of all of the run's.
      package var accepted: Int
      package var failed: Int?
      /// How long the accepted ones took, in milliseconds: half of them at most, and the longest; nil when it is not known.
      package var p50, max: Double?

      package init(
        number: Int, events: Int, bytes: Int, requests: Int, retries: Int, accepted: Int, failed: Int?, p50: Double?, max: Double?
      ) {
        self.number = number
        self.events = events
        self.bytes = bytes
        self.requests = requests
        self.retries = retries
        self.accepted = accepted
        self.failed = failed
        self.p50 = p50
        self.max = max
      }
    }

    /// Epoch milliseconds.
    package var from, to: Int64
    package var pieceMilliseconds: Int64
    package var pieces: [Piece]

    package init(from: Int64, to: Int64, pieceMilliseconds: Int64, pieces: [Piece]) {
      self.from = from
      self.to = to
      self.pieceMilliseconds = pieceMilliseconds
      self.pieces = pieces
    }
  }

  /// A fact that is not known of this run, by its JSON name, and why.
  package struct Unknown: Sendable, Equatable {
    package var fact: String
    package var why: String

    package init(_ fact: String, _ why: String) {
      self.fact = fact
      self.why = why
    }
  }

  package var summary: RunSummary
  package var account: String
  /// How far the run has come, as `status` says.
  package var phase: String
  /// Epoch milliseconds; `madeAt` is of the report.
  package var createdAt, updatedAt, madeAt: Int64
  /// Whether a process had the state folder when the report was made.
  package var isAtWork = false
  package var inputs: [Input] = []
  package var rejectSamples: [RejectSample] = []
  package var times: Times?
  package var sizes: Sizes?
  /// Requests by how they ended.
  package var answers: [String: Int] = [:]
  /// Of those that were accepted.
  package var latency: Latency?
  /// Of those that were not, where two digits count.
  package var failedLatency: Latency?
  package var sending: Sending?
  package var configuration: String?
  /// The command that goes on with the run; nil when nothing is left to do.
  package var resume: String?
  /// The command that prints the rejects as rows to correct; nil without any.
  package var rejectsCommand: String?
  package var unknown: [Unknown] = []

  package init(summary: RunSummary, account: String, phase: String, createdAt: Int64, updatedAt: Int64, madeAt: Int64) {
    self.summary = summary
    self.account = account
    self.phase = phase
    self.createdAt = createdAt
    self.updatedAt = updatedAt
    self.madeAt = madeAt
  }

  /// How many samples of a code are kept.
  package static let rejectSamples = 3
  /// Characters of a row that a sample shows.
  package static let rowCharacters = 400

  /// Why something is unknown, where it needs no further words.
  func whyUnknown(_ fact: String) -> String? { unknown.first { $0.fact == fact }?.why }
}

/// Epoch milliseconds as ISO 8601 in UTC, to the second.
func instant(_ milliseconds: Int64) -> String {
  let day = DayCounts.day(of: milliseconds)
  let seconds = Int((milliseconds - Int64(day) * DayCounts.dayMilliseconds) / 1000)
  func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  return "\(CivilDay(day).text)T\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))Z"
}

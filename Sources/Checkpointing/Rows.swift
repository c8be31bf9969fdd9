package import Vocabulary

/// The number of a run within its state folder; later runs have greater numbers, and none is used twice.
package struct RunID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  package let rawValue: Int64

  package init(rawValue: Int64) { self.rawValue = rawValue }

  package var description: String { "\(rawValue)" }

  package static func < (one: RunID, other: RunID) -> Bool { one.rawValue < other.rawValue }
}

/// How far a run has come. The raw value is stored; it is a promise.
///
/// `refused`: the gate or a finding spoke before anything was sent. `forgotten`: its receipts and ledger entries were dropped on
/// purpose.
package enum RunPhase: String, Sendable, CaseIterable {
  case staging, planning, refused, sending, complete, forgotten

  /// Whether the same command continues the run; an account and endpoint have at most one such run.
  package var isUnfinished: Bool { self == .staging || self == .planning || self == .sending }
}

/// One import: where it goes, what it was told to read, and how far it has come.
package struct RunRow: Sendable, Equatable {
  package let id: RunID
  package let account: String
  package let endpoint: String
  package let phase: RunPhase
  /// A hash of the specification of inputs and the mapping: an equal key is the same command.
  package let key: String
  /// The specification of inputs, JSON text that the checkpoint does not look into.
  package let specification: String
  /// The settings that shape bodies, resolved; JSON text that the checkpoint does not look into.
  package let settings: String
  /// The version of the encoder that writes the text of events.
  package let encoder: Int
  /// Epoch milliseconds; `updatedAt` is when the phase last changed.
  package let createdAt: Int64
  package let updatedAt: Int64
  /// The greatest ledger id when the run was planned: slices above it do not filter this run. 0 before the plan.
  package let ledgerMark: Int64
  /// JSON text that the checkpoint does not look into; nil before the plan.
  package let summary: String?
}

/// An input file as it was when it was staged.
package struct InputRow: Sendable, Equatable {
  package var index: Int
  package var path: String
  package var byteCount: Int
  /// 16 bytes.
  package var digest: [UInt8]
  package var format: String
  /// The raw bytes of a CSV file's header row; empty for other formats.
  package var header: [UInt8]
  package var rowCount: Int

  package init(
    index: Int, path: String, byteCount: Int, digest: [UInt8], format: String, header: [UInt8] = [], rowCount: Int
  ) {
    self.index = index
    self.path = path
    self.byteCount = byteCount
    self.digest = digest
    self.format = format
    self.header = header
    self.rowCount = rowCount
  }
}

/// A staging file, by name within the run's staging folder.
package struct StagingFileRow: Sendable, Equatable {
  package var number: Int
  package var file: String
  /// The partition that it holds a part of; nil when it holds some of each.
  package var partition: Int?
  package var byteCount: Int
  package var recordCount: Int
  package var checksum: UInt64

  package init(number: Int, file: String, partition: Int? = nil, byteCount: Int, recordCount: Int, checksum: UInt64) {
    self.number = number
    self.file = file
    self.partition = partition
    self.byteCount = byteCount
    self.recordCount = recordCount
    self.checksum = checksum
  }
}

/// A body of a plan: what it holds and between which keys, enough to build it again.
package struct BodyRow: Sendable, Equatable {
  /// 1, 2, 3 … without gaps.
  package var number: Int
  package var byteCount: Int
  package var eventCount: Int
  package var decisionCount: Int
  package var conversionCount: Int
  package var visitorCount: Int
  /// The visitor id of the first event, and that event's place among the visitor's.
  package var firstVisitor: [UInt8]
  package var firstIndex: Int
  package var lastVisitor: [UInt8]
  package var lastIndex: Int
  /// The number of an earlier body whose receipt must come first.
  package var waitsFor: Int?
  /// 16 bytes; nil until `commitDigest`.
  package var digest: [UInt8]?
  /// Whether it is sent in parts.
  package var isCut: Bool

  package init(
    number: Int, byteCount: Int, eventCount: Int, decisionCount: Int, conversionCount: Int, visitorCount: Int,
    firstVisitor: [UInt8], firstIndex: Int, lastVisitor: [UInt8], lastIndex: Int, waitsFor: Int? = nil, digest: [UInt8]? = nil,
    isCut: Bool = false
  ) {
    self.number = number
    self.byteCount = byteCount
    self.eventCount = eventCount
    self.decisionCount = decisionCount
    self.conversionCount = conversionCount
    self.visitorCount = visitorCount
    self.firstVisitor = firstVisitor
    self.firstIndex = firstIndex
    self.lastVisitor = lastVisitor
    self.lastIndex = lastIndex
    self.waitsFor = waitsFor
    self.digest = digest
    self.isCut = isCut
  }
}

/// That an endpoint accepted a body or a part of one: its answer, how many requests it took, and when (epoch milliseconds).
package struct ReceiptRow: Sendable, Equatable {
  package var number: Int
  /// The path of halves; empty for a whole body.
  package var part: String
  package var status: Int
  package var attemptCount: Int
  package var acceptedAt: Int64

  package init(number: Int, part: String = "", status: Int, attemptCount: Int, acceptedAt: Int64) {
    self.number = number
    self.part = part
    self.status = status
    self.attemptCount = attemptCount
    self.acceptedAt = acceptedAt
  }
}

/// How the requests ended that a receipt counts.
package struct RequestEnds: Sendable, Equatable {
  /// Microseconds from the beginning of the accepted request to its answer.
  package var took: Int64
  /// The others, by how and when they ended.
  package var setbacks: [RequestFailure: Int]

  package init(took: Int64, setbacks: [RequestFailure: Int] = [:]) {
    self.took = took
    self.setbacks = setbacks
  }
}

/// What the receipts of a run add up to.
package struct ReceiptTotals: Sendable, Equatable {
  /// Bodies and parts of bodies.
  package var bodies = 0
  package var events = 0
  package var decisions = 0
  package var conversions = 0
  package var bytes = 0

  package init(bodies: Int = 0, events: Int = 0, decisions: Int = 0, conversions: Int = 0, bytes: Int = 0) {
    self.bodies = bodies
    self.events = events
    self.decisions = decisions
    self.conversions = conversions
    self.bytes = bytes
  }
}

/// Requests that were made for a run, over all its processes; retries are among the requests.
package struct RequestTotals: Sendable, Equatable {
  package var requests: Int
  package var retries: Int

  package init(requests: Int = 0, retries: Int = 0) {
    self.requests = requests
    self.retries = retries
  }
}

/// Sizes that the rows above are checked against, when written and when read back.
package enum CheckpointFormat {
  /// Bytes of an input's or a body's digest.
  package static let digestBytes = 16
  /// Bytes of a page of a new checkpoint; one that is there keeps its own. A body's ledger entries are some 600 KB, which pages of 4 KB take four
  /// times as many calls to write.
  package static let pageBytes = 16 << 10
}

/// Where a run stands, as a progress line shows it and as a process that watches it reads it. The JSON names are a promise.
package struct ProgressState: Sendable, Equatable, Codable {
  package enum Phase: String, Sendable, Codable {
    case staging, planning, sending
    /// Everything is judged, and somebody is asked whether it may be sent.
    case asking
  }

  /// What sending has come to. Retries are among the requests.
  package struct Sending: Sendable, Equatable, Codable {
    package var requests = 0
    package var retries = 0
    package var inFlight = 0
    /// Requests that may be in flight now, as many as the server was found to bear.
    package var lanes = 0
    /// What went wrong last, also when all goes well since; nil when nothing ever did.
    package var lastTrouble: String?
    /// Seconds until requests may start again; nil when they may.
    package var waitSeconds: Double?

    package init() {}

    enum CodingKeys: String, CodingKey {
      case requests, retries
      case inFlight = "in_flight"
      case lanes
      case lastTrouble = "last_trouble"
      case waitSeconds = "wait_seconds"
    }
  }

  package var phase: Phase
  /// How much is done, and of how much: bytes of the inputs, as they are packed, when staging; records when planning; events when sending,
  /// those that were accepted before this process among them. The total is nil when nobody knows it, as of standard input.
  package var done: Int
  package var total: Int?
  /// Rows read, records planned, or events accepted.
  package var records: Int
  /// Bytes of the inputs read, or of the bodies accepted; nil when planning.
  package var bytes: Int?
  package var sending: Sending?

  package init(_ phase: Phase, done: Int, of total: Int?, records: Int, bytes: Int? = nil, sending: Sending? = nil) {
    self.phase = phase
    self.done = done
    self.total = total
    self.records = records
    self.bytes = bytes
    self.sending = sending
  }

  /// From 0 to 1; nil without a total. Nothing of nothing is all of it.
  package var share: Double? {
    total.map { $0 > 0 ? min(1, Double(done) / Double($0)) : 1 }
  }
}

/// How fast a phase goes, and how long it will take.
package struct ProgressPace: Sendable, Equatable, Codable {
  /// Seconds since the phase began in this process.
  package var seconds = 0.0
  package var recordsPerSecond: Double?
  package var bytesPerSecond: Double?
  /// Nil while nobody can say.
  package var secondsLeft: Double?

  package init() {}

  enum CodingKeys: String, CodingKey {
    case seconds
    case recordsPerSecond = "records_per_second"
    case bytesPerSecond = "bytes_per_second"
    case secondsLeft = "seconds_left"
  }
}

/// What a process at work notes down for those that watch it.
package struct ProgressNote: Sendable, Equatable, Codable {
  package var run: Int64
  /// The number of the process, as the lock of the state folder names it.
  package var process: Int32
  /// Grows with each note: one that stays the same is no sign of life.
  package var beat: Int
  package var progress: ProgressState
  package var pace: ProgressPace
  /// What the phases that are over came to, for people.
  package var ended: [String]

  package init(run: Int64, process: Int32, beat: Int, progress: ProgressState, pace: ProgressPace, ended: [String]) {
    self.ended = ended
    self.run = run
    self.process = process
    self.beat = beat
    self.progress = progress
    self.pace = pace
  }
}
